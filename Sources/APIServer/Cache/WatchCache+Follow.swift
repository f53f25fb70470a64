extension WatchCache {
    /// Calls `onChange` after every change to objects of a resource, on the way of every write: it must be quick.
    func follow(group: String, resource: String, _ onChange: @escaping @Sendable () -> Void) {
        cache(group: group, resource: resource)?.observe { _ in onChange() }
    }
}
