// Objects on their way through a conversion webhook into the cache of a version.

import APISchema
import JSON
import KubeTypes
import Storage
import Synchronization

/// Converts in order, in batches, one request at a time; begins when somebody first asks for the version.
final class ConversionQueue: Sendable {
    private enum Work: Sendable {
        case load([CachedObject], Revision)
        case changes([RawChange])
    }

    private struct State {
        /// What is to be converted once somebody asks for this version; nil from then on.
        var idle: (objects: ObjectMap, revision: Revision)? = (ObjectMap(), 0)
        var isRunning = false
        var waiting: [Work] = []
        /// Called when everything that waits has been converted, or could not be.
        var waiters: [@Sendable (APIError?) -> Void] = []
    }

    private let state = Mutex(State())
    private let form: CustomResourceForm

    init(_ form: CustomResourceForm) { self.form = form }

    func load(_ objects: [CachedObject], at revision: Revision, into cache: ResourceCache) {
        add(.load(objects, revision), cache) { idle in
            for object in objects { idle.objects.set(object) }
            idle.revision = revision
        }
    }

    func take(_ changes: [RawChange], into cache: ResourceCache) {
        add(.changes(changes), cache) { idle in
            for change in changes {
                if change.kind == .deleted {
                    idle.objects.remove(change.object.key)
                } else {
                    idle.objects.set(change.object)
                }
                idle.revision = change.object.revision
            }
        }
    }

    private func add(
        _ work: Work, _ cache: ResourceCache, whileIdle: (inout (objects: ObjectMap, revision: Revision)) -> Void
    ) {
        let mustRun = state.withLock { state in
            if var idle = state.idle {
                state.idle = (ObjectMap(), 0)
                whileIdle(&idle)
                state.idle = idle
                return false
            }
            state.waiting.append(work)
            return Self.begin(&state)
        }
        if mustRun { run(cache) }
    }

    private static func begin(_ state: inout State) -> Bool {
        if state.isRunning { return false }
        state.isRunning = true
        return true
    }

    /// Calls `completion` when everything that has changed so far is in the cache, at once if it is already; with the
    /// error if it cannot be converted.
    func catchUp(_ cache: ResourceCache, _ completion: @escaping @Sendable (APIError?) -> Void) {
        let (isDone, mustRun) = state.withLock { state -> (Bool, Bool) in
            if let idle = state.idle {
                state.waiting = [.load(idle.objects.all, idle.revision)]
                state.idle = nil
            }
            if state.waiting.isEmpty, !state.isRunning { return (true, false) }
            state.waiters.append(completion)
            return (false, Self.begin(&state))
        }
        if isDone { return completion(nil) }
        if mustRun { run(cache) }
    }

    private func run(_ cache: ResourceCache) {
        Task { [self] in
            while true {
                let work: [Work] = state.withLock { $0.waiting }
                do throws(APIError) {
                    try await convert(work, cache)
                } catch {
                    return finish(error)
                }
                let waiters: [@Sendable (APIError?) -> Void]? = state.withLock { state in
                    state.waiting.removeFirst(work.count)
                    guard state.waiting.isEmpty else { return nil }
                    state.isRunning = false
                    defer { state.waiters = [] }
                    return state.waiters
                }
                guard let waiters else { continue }
                for waiter in waiters { waiter(nil) }
                return
            }
        }
    }

    /// What waits goes on waiting: the next request tries again.
    private func finish(_ error: APIError) {
        let waiters = state.withLock { state in
            state.isRunning = false
            defer { state.waiters = [] }
            return state.waiters
        }
        for waiter in waiters { waiter(error) }
    }

    private func convert(_ work: [Work], _ cache: ResourceCache) async throws(APIError) {
        var raw: [CachedObject] = []
        for item in work {
            switch item {
            case .load(let objects, _): raw += objects
            case .changes(let changes): raw += changes.map(\.object)
            }
        }
        let foreign = raw.indices.filter { form.needsWebhook(toShow: raw[$0].value) }
        var converted: [Int: JSONValue] = [:]
        if !foreign.isEmpty, let webhook = form.webhook {
            let values = try await webhook.convert(foreign.map { raw[$0].value }, to: form.apiVersion)
            for (index, value) in zip(foreign, values) { converted[index] = value }
        }
        let shown = raw.indices.map { index in
            converted[index].map { form.shown($0, of: raw[index]) } ?? form.shown(raw[index])
        }
        var position = 0
        for item in work {
            switch item {
            case .load(let objects, let revision):
                cache.load(Array(shown[position..<position + objects.count]), at: revision)
                position += objects.count
            case .changes(let changes):
                cache.apply(changes.enumerated().map { ($0.element.kind, shown[position + $0.offset]) })
                position += changes.count
            }
        }
    }
}
