// DELETE: at once, gracefully, or when the last finalizer is gone.

import APISchema
import JSON
import KubeTypes
import Storage
import Synchronization

extension Registry {
    /// Seconds; longer ones would leave the calendar.
    private static let longestGracePeriod: Int64 = 1 << 32

    func delete(_ request: RegistryRequest, _ completion: @escaping Completion) throws(APIError) {
        let options = try DeletionOptions(request.query, body: request.body)
        delete(request, options, completion: completion)
    }

    func delete(
        _ request: RegistryRequest, _ options: DeletionOptions, admits: Bool = true, completion: @escaping Completion
    ) {
        let strategy = strategy(request.cache)
        mutate(
            request.key, in: request.cache, dryRun: options.dryRun, missing: request.notFound,
            plan: { current throws(APIError) in
                try self.planDeletion(of: current, request, options, admits: admits)
            },
            completion: { result in
                completion(
                    result.map { result in
                        if !result.wasRemoved || strategy.returnsDeletedObject {
                            return .object(result.object, code: 200)
                        }
                        return .value(
                            APIError.success(
                                request.resource, name: request.name, uid: result.object.value.uid), code: 200)
                    })
            })
    }

    /// What becomes of an object that somebody wants to be gone, admission included.
    /// - Parameter isCollection: of many, which are deleted without being named.
    /// - Parameter admits: false where admission has seen the request in another form (an Eviction).
    func planDeletion(
        of current: CachedObject, _ request: RegistryRequest, _ options: DeletionOptions, isCollection: Bool = false,
        admits: Bool = true
    ) throws(APIError) -> PlannedMutation {
        let planned = try planUnadmittedDeletion(of: current, request, options)
        if case .keep = planned.mutation { return planned }
        guard admits else { return planned }
        var attributes = AdmissionAttributes(
            .delete, request, oldObject: current.value, isDryRun: options.dryRun)
        if isCollection { attributes.name = "" }
        return try planAdmitted(attributes) { _ throws(APIError) in planned }
    }

    private func planUnadmittedDeletion(
        of current: CachedObject, _ request: RegistryRequest, _ options: DeletionOptions
    ) throws(APIError) -> PlannedMutation {
        let strategy = strategy(request.cache)
        let old = current.value
        if let uid = options.uid, uid != old.uid {
            throw request.conflict(
                "the UID in the precondition (\(uid)) does not match the UID in record (\(old.uid)). The object might "
                    + "have been deleted and then recreated")
        }
        if let revision = options.resourceVersion, revision != String(current.revision) {
            throw request.conflict(
                "the ResourceVersion in the precondition (\(revision)) does not match the ResourceVersion in record "
                    + "(\(current.revision)). The object might have been modified")
        }
        let context = StrategyContext(request, self, isDryRun: options.dryRun)
        try strategy.checkDeletion(old, context)
        let requested = options.gracePeriodSeconds.map { $0 < 0 ? 1 : min($0, Self.longestGracePeriod) }
        let finalizers = deletionFinalizers(of: old, options, request)
        let now = context.now

        var object = old
        func mark(after period: Int64) {
            object.updateMetadata { metadata in
                if metadata["deletionTimestamp"] == nil, let generation = metadata["generation"]?.integerValue {
                    metadata["generation"] = .integer(generation + 1)
                }
                metadata["deletionTimestamp"] = now.adding(seconds: Int(period)).field
                metadata["deletionGracePeriodSeconds"] = .integer(period)
                metadata.set("finalizers", finalizers)
            }
        }

        if old.isBeingDeleted {
            let remaining = old.metadata?["deletionGracePeriodSeconds"]?.integerValue ?? 0
            if remaining > 0 {
                // Only a shorter period than the one that runs may be asked for.
                guard let requested, requested < remaining else { return PlannedMutation(.keep) }
                if requested > 0 {
                    let end = (Time(field: old.metadata?["deletionTimestamp"] ?? .null) ?? now)
                        .adding(seconds: Int(requested - remaining))
                    mark(after: requested)
                    object.updateMetadata { metadata in
                        if end > now {
                            metadata["deletionTimestamp"] = end.field
                        } else {
                            metadata["deletionTimestamp"] = now.field
                            metadata["deletionGracePeriodSeconds"] = 1
                        }
                    }
                    return PlannedMutation(.write(object))
                }
            }
        } else if let period = strategy.gracePeriod(of: old, requested: requested), period > 0 {
            mark(after: min(period, Self.longestGracePeriod))
            strategy.prepareForDeletion(&object)
            return PlannedMutation(.write(object))
        }
        if finalizers.isEmpty, !strategy.holdsBackDeletion(old) { return PlannedMutation(.remove(last: nil)) }
        if !old.isBeingDeleted || old.metadata?["deletionGracePeriodSeconds"]?.integerValue ?? 0 > 0 {
            mark(after: 0)
        } else {
            object.updateMetadata { $0.set("finalizers", finalizers) }
        }
        strategy.prepareForDeletion(&object)
        return PlannedMutation(.write(object))
    }

    /// The finalizers that an object has once it is marked: how its dependents are dealt with is one of them.
    private func deletionFinalizers(of object: JSONValue, _ options: DeletionOptions, _ request: RegistryRequest)
        -> [String]
    {
        let orphan = "orphan"
        let foreground = "foregroundDeletion"
        var finalizers = object.finalizers
        let policy: DeletionOptions.Propagation
        if let asked = options.propagation {
            policy = asked
        } else if finalizers.contains(orphan) {
            policy = .orphan
        } else if finalizers.contains(foreground) {
            policy = .foreground
        } else {
            policy = defaultPropagation(request)
        }
        finalizers.removeAll { $0 == orphan || $0 == foreground }
        switch policy {
        case .orphan: finalizers.append(orphan)
        case .foreground: finalizers.append(foreground)
        case .background: break
        }
        return finalizers
    }

    private func defaultPropagation(_ request: RegistryRequest) -> DeletionOptions.Propagation {
        // The first versions of the workloads orphaned their pods unless told otherwise.
        switch (request.resource.group, request.resource.version) {
        case ("extensions", _), ("apps", "v1beta1"): .orphan
        default: strategy(request.cache).defaultPropagation
        }
    }

    /// Deletes every object that a list with the same query would show.
    func deleteCollection(_ request: RegistryRequest, _ completion: @escaping Completion) throws(APIError) {
        let options = try DeletionOptions(request.query, body: request.body)
        let list = try ListOptions(
            request.query, resource: request.storage.plural, group: request.storage.group,
            custom: request.resource.custom, watch: false)
        let scope = ObjectScope(
            namespace: request.namespace.isEmpty ? nil : request.namespace, labels: list.labels, fields: list.fields)
        var targets: [CachedObject] = []
        request.cache.snapshot.objects.forEach(namespace: scope.namespace) { object in
            if scope.matches(object, isListed: true) { targets.append(object) }
            return list.limit == 0 || targets.count < list.limit
        }
        let gathering = Gathering(expected: targets.count) { results in
            if let failure = results.lazy.compactMap({ result -> APIError? in
                guard case .failure(let error) = result, !error.isNotFound else { return nil }
                return error
            }).first {
                return completion(.failure(failure))
            }
            let gone = results.compactMap { try? $0.get().object }
            completion(.success(.list(ObjectList(objects: gone, revision: self.cache.revision))))
        }
        for (index, target) in targets.enumerated() {
            var single = request
            single.name = target.key.name
            single.namespace = target.key.namespace
            let each = single
            mutate(
                target.key, in: request.cache, dryRun: options.dryRun, missing: each.notFound,
                plan: { current throws(APIError) in
                    try self.planDeletion(of: current, each, options, isCollection: true)
                },
                completion: { gathering.add($0, at: index) })
        }
    }
}

/// Waits for several mutations and hands over their results in the order in which they were begun.
private final class Gathering: Sendable {
    private let results: Mutex<(left: Int, results: [Int: Result<MutationResult, APIError>])>
    private let done: @Sendable ([Result<MutationResult, APIError>]) -> Void

    init(expected: Int, done: @escaping @Sendable ([Result<MutationResult, APIError>]) -> Void) {
        results = Mutex((expected, [:]))
        self.done = done
        if expected == 0 { done([]) }
    }

    func add(_ result: Result<MutationResult, APIError>, at index: Int) {
        let all: [Result<MutationResult, APIError>]? = results.withLock { state in
            state.results[index] = result
            state.left -= 1
            guard state.left == 0 else { return nil }
            return state.results.sorted { $0.key < $1.key }.map(\.value)
        }
        if let all { done(all) }
    }
}
