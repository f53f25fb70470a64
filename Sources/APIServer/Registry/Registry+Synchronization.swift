// What must be known of other servers' writes before a request is looked at, where the store is shared with some.

import APISchema
import KubeTypes
import Storage

extension Registry {
    /// How new the watch cache must be for a request.
    private enum Freshness {
        /// As it is.
        case any
        /// Everything that was written when the request came.
        case latest
        case since(Revision)
    }

    private func freshness(_ request: RegistryRequest) -> Freshness {
        switch request.verb {
        case .get, .list: Self.freshness(ofRead: request.query)
        // What is free to be given out depends on all services.
        case _ where request.resource.plural == "services" && request.resource.group.isEmpty && request.verb.isMutating:
            .latest
        case .create where request.subresource == nil:
            // A namespace that somebody has just made by another server is there.
            !request.resource.namespaced || request.namespace.isEmpty
                || cache.object(group: "", resource: "namespaces", namespace: "", name: request.namespace) != nil
                ? .any : .latest
        // What is there as we know it is compared when it is written.
        case .create, .update, .patch, .delete: request.cache[request.key] != nil ? .any : .latest
        case .deletecollection: .latest
        case .watch: .any
        }
    }

    /// What reads say with `resourceVersion`: nothing asks for what is there now, 0 for whatever is at hand. What cannot
    /// be read is refused later.
    private static func freshness(ofRead query: Query) -> Freshness {
        let asked = query["resourceVersion"] ?? ""
        if asked.isEmpty {
            guard let text = query["continue"], !text.isEmpty else { return .latest }
            return (try? ContinueToken(parsing: text))?.revision.map { .since($0) } ?? .latest
        }
        guard let revision = Revision(asked), revision > 0 else { return .any }
        return .since(revision)
    }

    /// Calls `body` when the watch cache is as new as a request needs it.
    func synchronized(
        _ request: RegistryRequest, _ completion: @escaping Completion, _ body: @escaping @Sendable () -> Void
    ) {
        let revision: Revision?
        switch freshness(request) {
        case .any: return body()
        case .latest: revision = nil
        case .since(let asked):
            if asked <= cache.revision { return body() }
            revision = asked
        }
        synchronize(to: revision) { error in
            if let error { completion(.failure(error)) } else { body() }
        }
    }

    /// Waits for the watch cache to come to a revision, nil being everything that was written by now, and goes on on an
    /// event loop.
    func synchronize(to revision: Revision?, _ completion: @escaping @Sendable (APIError?) -> Void) {
        store.synchronize(to: revision) { error in
            self.resume {
                guard let error else { return completion(nil) }
                guard case .future(let current) = error else { return completion(APIError(error)) }
                completion(.tooLarge(resourceVersion: revision, current: current))
            }
        }
    }
}
