// Objects on their way through a conversion webhook into the cache of a version.

import APISchema
import JSON
import KubeTypes
import Storage
import Synchronization

/// Converts in order, in batches, one request at a time. It begins when somebody first asks for the version, with the
/// objects there are then, and follows their changes from there. Where the webhook fails it stops: watches end, as
/// upstream's do when their cache cannot go on, and the next request begins anew.
final class ConversionQueue: Sendable {
    private enum Work: Sendable {
        /// All objects at a revision.
        case begin([CachedObject], Revision)
        case changes([RawChange])
    }

    private struct State {
        /// Whether changes are followed. Until then nothing is kept: the stored objects are all that is needed.
        var isFollowing = false
        /// Up to where the objects are known with which it began.
        var beginning: Revision = 0
        var isRunning = false
        var waiting: [Work] = []
        /// Called when everything that waits has been converted, or could not be.
        var waiters: [@Sendable (APIError?) -> Void] = []
    }

    private let state = Mutex(State())
    private let form: CustomResourceForm
    private let raw: RawObjects

    init(_ form: CustomResourceForm, _ raw: RawObjects) {
        self.form = form
        self.raw = raw
    }

    /// Takes changes that are among the stored objects already.
    func take(_ changes: [RawChange], into cache: ResourceCache) {
        let mustRun = state.withLock { state in
            guard state.isFollowing else { return false }
            let news = changes.filter { $0.object.revision > state.beginning }
            if news.isEmpty { return false }
            state.waiting.append(.changes(news))
            return Self.begin(&state)
        }
        if mustRun { run(cache) }
    }

    /// Begins anew with all objects, because changes were missed.
    func restart(with objects: [CachedObject], at revision: Revision, into cache: ResourceCache) {
        let mustRun = state.withLock { state in
            guard state.isFollowing else { return false }
            state.beginning = revision
            state.waiting.append(.begin(objects, revision))
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
            if !state.isFollowing {
                let (objects, revision) = raw.snapshot
                state.waiting = [.begin(objects.all, revision)]
                state.beginning = revision
                state.isFollowing = true
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
                    return stop(cache, error)
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

    private func stop(_ cache: ResourceCache, _ error: APIError) {
        let waiters = state.withLock { state in
            state.isRunning = false
            state.isFollowing = false
            state.waiting = []
            defer { state.waiters = [] }
            return state.waiters
        }
        cache.endWatches()
        for waiter in waiters { waiter(error) }
    }

    private func convert(_ work: [Work], _ cache: ResourceCache) async throws(APIError) {
        var raw: [CachedObject] = []
        for item in work {
            switch item {
            case .begin(let objects, _): raw += objects
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
            case .begin(let objects, let revision):
                cache.replace(with: Array(shown[position..<position + objects.count]), at: revision)
                position += objects.count
            case .changes(let changes):
                cache.apply(changes.enumerated().map { ($0.element.kind, shown[position + $0.offset]) })
                position += changes.count
            }
        }
    }
}
