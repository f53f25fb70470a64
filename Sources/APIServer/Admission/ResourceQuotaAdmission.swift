// Quota: what a new object uses is charged to the namespace's ResourceQuotas before the object is written, by
// compare-and-swap on their status (upstream's ResourceQuota, last of all stages).

import JSON
import KubeTypes
import Synchronization

struct ResourceQuotaAdmission: ValidatingAdmissionStage {
    /// Creates in one namespace charge its quotas one after the other instead of in each other's way.
    private let gate = KeyedGate()

    /// How the objects of a request count; nil where no quota can count them.
    private func evaluator(_ attributes: AdmissionAttributes) -> QuotaEvaluator? {
        guard attributes.resource.namespaced, !attributes.isLiteral else { return nil }
        switch attributes.operation {
        case .create: guard attributes.subresource.isEmpty else { return nil }
        case .update: break
        default: return nil
        }
        guard let evaluator = QuotaEvaluator(group: attributes.storage.group, resource: attributes.storage.plural)
        else { return nil }
        if attributes.operation == .update {
            guard let object = attributes.object, let old = attributes.oldObject,
                evaluator.isCharged(onUpdate: object, old: old, subresource: attributes.subresource)
            else { return nil }
        }
        return evaluator
    }

    func concerns(_ attributes: AdmissionAttributes, _ registry: Registry) -> Bool {
        guard let quotas = registry.cache.cache(group: "", resource: "resourcequotas"), quotas.count > 0,
            let evaluator = evaluator(attributes)
        else { return false }
        return quotas.snapshot.objects.objects(namespace: attributes.namespace).contains {
            let hard = $0.value[path: "status", "hard"]?.objectValue ?? [:]
            return !evaluator.matching(hard.keys).isEmpty
        }
    }

    func validate(_ attributes: AdmissionAttributes, _ registry: Registry) async throws(APIError) {
        guard let evaluator = evaluator(attributes), let object = attributes.object,
            let quotas = registry.cache.cache(group: "", resource: "resourcequotas")
        else { return }
        await gate.enter(attributes.namespace)
        defer { gate.leave(attributes.namespace) }
        let keys = quotas.snapshot.objects.objects(namespace: attributes.namespace).map(\.key)
        let now = registry.configuration.now()
        // All must fit before any is charged: a refusal by the second leaves the first as it was.
        for key in keys {
            guard let quota = quotas[key]?.value else { continue }
            var outcome = QuotaCheck.check(quota, evaluator, object, old: attributes.oldObject, now: now)
            if case .refused = outcome, registry.cache.isShared {
                // Another server may have written what makes room.
                try? await registry.store.synchronize()
                guard let quota = quotas[key]?.value else { continue }
                outcome = QuotaCheck.check(quota, evaluator, object, old: attributes.oldObject, now: now)
            }
            if case .refused(let why) = outcome { throw attributes.forbidden(why) }
        }
        if attributes.isDryRun { return }
        for key in keys {
            try await charge(key, quotas, evaluator, object, attributes, registry, now)
        }
    }

    private func charge(
        _ key: ObjectKey, _ quotas: ResourceCache, _ evaluator: QuotaEvaluator, _ object: JSONValue,
        _ attributes: AdmissionAttributes, _ registry: Registry, _ now: Time
    ) async throws(APIError) {
        let old = attributes.oldObject
        let charged = Mutex<ResourceAmounts>([:])
        let result: Result<MutationResult, APIError> = await withCheckedContinuation { continuation in
            registry.mutate(
                key, in: quotas, dryRun: false, missing: .notFound("resourcequotas", group: "", name: key.name),
                plan: { current throws(APIError) in
                    switch QuotaCheck.check(current.value, evaluator, object, old: old, now: now) {
                    case .unconcerned: return PlannedMutation(.keep)
                    case .refused(let why): throw attributes.forbidden(why)
                    case .fits(let used):
                        let before = ResourceAmounts(resources: current.value[path: "status", "used"])
                        charged.withLock { charged in
                            charged = used.filter { $0.value != before[$0.key] }
                            for (name, amount) in charged { charged[name] = amount - (before[name] ?? Quantity(0)) }
                        }
                        return PlannedMutation(.write(Self.quota(current.value, using: used)))
                    }
                },
                completion: { continuation.resume(returning: $0) })
        }
        switch result {
        case .success:
            let amounts = charged.withLock { $0 }
            if !amounts.isEmpty {
                attributes.effects.onFailure { Self.refund(amounts, key, quotas, registry) }
            }
        case .failure(let error):
            // A quota that is gone limits nothing.
            if !error.isNotFound { throw error }
        }
    }

    private static func quota(_ quota: JSONValue, using used: ResourceAmounts) -> JSONValue {
        var quota = quota
        quota.update("status") { $0["used"] = used.resourcesJSON }
        return quota
    }

    /// Gives back what was charged for an object that was not written after all.
    private static func refund(
        _ amounts: ResourceAmounts, _ key: ObjectKey, _ quotas: ResourceCache, _ registry: Registry
    ) {
        registry.mutate(
            key, in: quotas, dryRun: false, missing: .notFound("resourcequotas", group: "", name: key.name),
            plan: { current throws(APIError) in
                var used = ResourceAmounts(resources: current.value[path: "status", "used"])
                for (name, amount) in amounts {
                    guard let before = used[name] else { continue }
                    used[name] = before < amount ? Quantity(0) : before - amount
                }
                return PlannedMutation(.write(Self.quota(current.value, using: used)))
            },
            completion: { _ in })
    }
}
