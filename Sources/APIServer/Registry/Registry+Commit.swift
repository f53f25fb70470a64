// How the registry writes: compare-and-swap on what it has seen, again as long as somebody else was faster.

import APISchema
import JSON
import KubeTypes
import Storage

/// What a mutation makes of an object.
enum Mutation: Sendable {
    /// Nothing changes; this is the answer.
    case keep
    case write(JSONValue)
    /// The object goes; `last` is how it is shown, if not as it was.
    case remove(last: JSONValue?)
    /// It takes waiting to know: admission asks somebody.
    case later(@Sendable () async throws(APIError) -> PlannedMutation)
}

/// A mutation with what is to be done once it is known how it went.
struct PlannedMutation: Sendable {
    var mutation: Mutation
    var onSuccess: [@Sendable () -> Void] = []
    var onFailure: [@Sendable () -> Void] = []
    /// What must be the object's before it is written.
    var claim: ServiceClaim?

    init(_ mutation: Mutation, _ context: StrategyContext? = nil) {
        self.mutation = mutation
        claim = context?.claim
        onSuccess = context?.onSuccess ?? []
        onFailure = context?.onFailure ?? []
    }

    static func later(_ work: @escaping @Sendable () async throws(APIError) -> PlannedMutation) -> PlannedMutation {
        PlannedMutation(.later(work))
    }
}

/// How a mutation went.
struct MutationResult: Sendable {
    var object: CachedObject
    var wasRemoved = false
}

extension Registry {
    private static let attempts = 64

    /// Commits a new object. A key that is taken is the caller's to handle.
    func commitCreate(
        _ object: JSONValue, key: ObjectKey, in cache: ResourceCache,
        completion: @escaping @Sendable (Result<CachedObject, CommitError>) -> Void
    ) {
        let path = cache.storeKey(key)
        let watchCache = self.cache
        cache.inStoredForm(object) { form in
            let value: JSONValue
            switch form {
            case .success(let converted): value = converted
            case .failure(let error): return completion(.failure(.refused(error)))
            }
            let stored = StoredObject.encode(value)
            if cache.form != nil { watchCache.announce(path, stored: stored) }
            self.store.commit(.create(key: path, value: stored)) { result in
                switch result {
                case .success(let commit):
                    completion(.success(self.written(stored, object, commit.revision, key, cache)))
                case .failure(let error):
                    watchCache.dropAnnouncement(path)
                    completion(.failure(.store(error)))
                }
            }
        }
    }

    /// The object that a commit wrote: the watch cache's own where it is still that.
    private func written(
        _ stored: [UInt8], _ value: JSONValue, _ revision: Revision, _ key: ObjectKey, _ cache: ResourceCache
    ) -> CachedObject {
        if let cached = cache[key], cached.revision == revision { return cached }
        let stored = cache.form == nil ? stored : StoredObject.encode(value)
        return StoredObject.object(stored, revision: revision, key: key)
    }

    /// Changes an object that is there: asks `plan` what is to become of it and commits that, again with what the object
    /// has become meanwhile whenever somebody else was faster.
    func mutate(
        _ key: ObjectKey, in cache: ResourceCache, dryRun: Bool, missing: APIError,
        plan: @escaping @Sendable (CachedObject) throws(APIError) -> PlannedMutation,
        completion: @escaping @Sendable (Result<MutationResult, APIError>) -> Void
    ) {
        guard let current = cache[key] else { return completion(.failure(missing)) }
        attempt(
            current,
            Attempt(
                key: key, cache: cache, dryRun: dryRun, missing: missing, plan: plan, isFresh: !self.cache.isShared),
            completion)
    }

    private struct Attempt: Sendable {
        let key: ObjectKey
        let cache: ResourceCache
        let dryRun: Bool
        let missing: APIError
        let plan: @Sendable (CachedObject) throws(APIError) -> PlannedMutation
        /// Whether the object is as new as this request: no other server can have changed it before.
        var isFresh: Bool
        var count = 0
    }

    private func attempt(
        _ current: CachedObject, _ attempt: Attempt,
        _ completion: @escaping @Sendable (Result<MutationResult, APIError>) -> Void
    ) {
        let planned: PlannedMutation
        do throws(APIError) {
            planned = try attempt.plan(current)
        } catch {
            return settle(.failure(error), current, attempt, completion)
        }
        carryOut(planned, current, attempt, completion)
    }

    /// Answers without a write, if the object is what it was taken for: another server may have changed it, and then
    /// everything is planned anew.
    private func settle(
        _ result: Result<MutationResult, APIError>, _ current: CachedObject, _ attempt: Attempt,
        _ completion: @escaping @Sendable (Result<MutationResult, APIError>) -> Void
    ) {
        if attempt.isFresh { return completion(result) }
        synchronize(to: nil) { error in
            if let error { return completion(.failure(error)) }
            attempt.cache.catchUp { error in
                if let error { return completion(.failure(error)) }
                guard let now = attempt.cache[attempt.key] else { return completion(.failure(attempt.missing)) }
                if now.revision == current.revision { return completion(result) }
                var next = attempt
                next.isFresh = true
                self.attempt(now, next, completion)
            }
        }
    }

    private func carryOut(
        _ planned: PlannedMutation, _ current: CachedObject, _ attempt: Attempt,
        _ completion: @escaping @Sendable (Result<MutationResult, APIError>) -> Void
    ) {
        let path = attempt.cache.storeKey(attempt.key)
        switch planned.mutation {
        case .later(let work):
            Task {
                do throws(APIError) {
                    let decided = try await work()
                    self.carryOut(decided, current, attempt, completion)
                } catch {
                    self.settle(.failure(error), current, attempt, completion)
                }
            }
        case .keep:
            for hook in planned.onFailure { hook() }
            settle(.success(MutationResult(object: current)), current, attempt, completion)
        case .write(var value):
            // The same content is no change, whatever the order of its fields: no revision, nobody is told.
            value.updateMetadata { $0["resourceVersion"] = .string(String(current.revision)) }
            let isSame = value == current.value || Self.differsInTimesOnly(value, current.value)
            if isSame, !store.needsRewrite(path), !attempt.cache.isStoredInFormerVersion(attempt.key) {
                for hook in planned.onFailure { hook() }
                return settle(.success(MutationResult(object: current)), current, attempt, completion)
            }
            if attempt.dryRun {
                for hook in planned.onFailure { hook() }
                let object = CachedObject(
                    key: attempt.key, bytes: JSONWriter.bytes(of: value), revision: current.revision)
                return settle(.success(MutationResult(object: object)), current, attempt, completion)
            }
            claim(planned, current, attempt, completion) { [value] in
                self.write(value, planned, current, attempt, completion)
            }
        case .remove(let last):
            var shown = current
            if let last {
                shown = CachedObject(
                    key: attempt.key, bytes: JSONWriter.bytes(of: last), revision: current.revision)
            }
            let result = MutationResult(object: shown, wasRemoved: true)
            if attempt.dryRun { return settle(.success(result), current, attempt, completion) }
            store.commit(.delete(key: path, expected: current.revision)) { committed in
                if case .success = committed {
                    for hook in planned.onSuccess { hook() }
                    self.strategy(attempt.cache).wasDeleted(current.value, self)
                    return completion(.success(result))
                }
                for hook in planned.onFailure { hook() }
                self.retry(committed, attempt, completion)
            }
        }
    }

    private func write(
        _ value: JSONValue, _ planned: PlannedMutation, _ current: CachedObject, _ attempt: Attempt,
        _ completion: @escaping @Sendable (Result<MutationResult, APIError>) -> Void
    ) {
        let path = attempt.cache.storeKey(attempt.key)
        attempt.cache.inStoredForm(value) { form in
            let converted: JSONValue
            switch form {
            case .success(let result): converted = result
            case .failure(let error):
                for hook in planned.onFailure { hook() }
                return completion(.failure(error))
            }
            let stored = StoredObject.encode(converted)
            if attempt.cache.form != nil { self.cache.announce(path, stored: stored) }
            self.store.commit(.update(key: path, value: stored, expected: current.revision)) { result in
                if case .success(let commit) = result {
                    for hook in planned.onSuccess { hook() }
                    self.giveBack(planned.claim, written: true)
                    let object = self.written(stored, value, commit.revision, attempt.key, attempt.cache)
                    return completion(.success(MutationResult(object: object)))
                }
                self.cache.dropAnnouncement(path)
                for hook in planned.onFailure { hook() }
                if case .failure(.conflict) = result { self.giveBack(planned.claim, written: false) }
                self.retry(result, attempt, completion)
            }
        }
    }

    /// Sees that what an object takes is its own, and goes on; plans anew where another server was faster.
    private func claim(
        _ planned: PlannedMutation, _ current: CachedObject, _ attempt: Attempt,
        _ completion: @escaping @Sendable (Result<MutationResult, APIError>) -> Void,
        then write: @escaping @Sendable () -> Void
    ) {
        take(planned.claim) { outcome in
            switch outcome {
            case .success(true): return write()
            case .success(false):
                for hook in planned.onFailure { hook() }
                var next = attempt
                next.count += 1
                guard next.count < Self.attempts else {
                    return completion(.failure(.internalError("no free address or port was found")))
                }
                self.attempt(current, next, completion)
            case .failure(let error):
                for hook in planned.onFailure { hook() }
                completion(.failure(error))
            }
        }
    }

    /// Takes what a service needs from all servers' common stock.
    /// - Parameter completion: is told false if something of it is another's; that is noted then.
    func take(_ claim: ServiceClaim?, _ completion: @escaping @Sendable (Result<Bool, APIError>) -> Void) {
        guard let claim, let claims = services.claims, !claim.taken.isEmpty else { return completion(.success(true)) }
        Task {
            do throws(StoreError) {
                guard let conflict = try await claims.take(claim.taken, owner: claim.owner) else {
                    return completion(.success(true))
                }
                self.services.noteRefused(conflict)
                completion(.success(false))
            } catch {
                completion(.failure(APIError(error)))
            }
        }
    }

    /// Gives back what a service no longer holds after a write, or does not after one that was refused. Where nobody
    /// knows whether it was written, nothing is given back: whatever is nobody's is found later.
    func giveBack(_ claim: ServiceClaim?, written: Bool) {
        guard let claim, let claims = services.claims else { return }
        let holdings = written ? claim.dropped : claim.taken
        if !holdings.isEmpty { Task { await claims.giveBack(holdings, owner: claim.owner) } }
    }

    /// Whether all that a write would change is when its managers wrote.
    private static func differsInTimesOnly(_ new: JSONValue, _ old: JSONValue) -> Bool {
        let (managed, before) = (new["metadata"]?["managedFields"], old["metadata"]?["managedFields"])
        guard managed != before, ManagedFields.differInTimesOnly(managed, before) else { return false }
        var new = new
        new.updateMetadata { $0["managedFields"] = before }
        return new == old
    }

    private func retry(
        _ result: Result<StoreCommit, StoreError>, _ failed: Attempt,
        _ completion: @escaping @Sendable (Result<MutationResult, APIError>) -> Void
    ) {
        guard case .failure(let error) = result else { return }
        guard case .conflict(let now) = error else { return completion(.failure(APIError(error))) }
        guard let now else { return completion(.failure(failed.missing)) }
        var next = failed
        next.isFresh = true
        next.count += 1
        guard next.count < Self.attempts else {
            let resource = failed.cache.resource
            return completion(
                .failure(
                    .conflict(resource.plural, group: resource.group, name: failed.key.name, Self.modifiedMeanwhile)))
        }
        // Planning again is work, and this is the store's writer.
        resume { [next] in
            next.cache.inShownForm(StoredObject.object(now, key: next.key)) { current in
                switch current {
                case .success(let object): self.attempt(object, next, completion)
                case .failure(let error): completion(.failure(error))
                }
            }
        }
    }

    static let modifiedMeanwhile =
        "the object has been modified; please apply your changes to the latest version and try again"
}
