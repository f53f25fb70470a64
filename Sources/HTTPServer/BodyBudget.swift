import Synchronization

/// The bytes of request bodies that a server holds while they are being received, over all connections.
final class BodyBudget: Sendable {
    private let used = Atomic<Int>(0)
    private let limit: Int

    init(limit: Int) { self.limit = limit }

    /// Takes `count` bytes; false, and nothing taken, if they are not to be had.
    func take(_ count: Int) -> Bool {
        let total = used.add(count, ordering: .relaxed).newValue
        if total <= limit { return true }
        used.subtract(count, ordering: .relaxed)
        return false
    }

    func giveBack(_ count: Int) {
        if count > 0 { used.subtract(count, ordering: .relaxed) }
    }

    var inUse: Int { used.load(ordering: .relaxed) }
}
