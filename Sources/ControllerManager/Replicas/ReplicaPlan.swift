import JSON
import KubeTypes

/// What a set of replicas has to do next, computed from the set, its pods and the time alone.
struct ReplicaPlan {
    /// Pods to create and to delete at once, at most.
    static let burst = 500

    var create = 0
    var delete: [Pod] = []

    /// - Parameters:
    ///   - active: How many active pods the set has.
    ///   - pods: These pods; asked for only where some are to go.
    ///   - related: Those of all sets with the same owner.
    init(desired: Int, active: Int, pods: () -> [Pod], related: ([Pod]) -> [Pod], now: Time) {
        let surplus = active - desired
        if surplus < 0 {
            create = min(-surplus, Self.burst)
        } else if surplus > 0 {
            let pods = pods()
            delete = DeletionRanking.choose(min(surplus, Self.burst), of: pods, related: related(pods), now: now)
        }
    }

    /// The sizes of the batches in which `count` pods are created: doubling, so that a set whose pods are all refused
    /// costs one refused request and not `count`.
    static func batches(of count: Int) -> [Int] {
        var sizes: [Int] = []
        var rest = count
        var size = 1
        while rest > 0 {
            sizes.append(min(size, rest))
            rest -= min(size, rest)
            size *= 2
        }
        return sizes
    }
}

/// The status of a ReplicaSet or ReplicationController, whose fields have the same names.
struct ReplicaStatus: JSONView {
    var json: JSONValue
    init(_ json: JSONValue = [:]) { self.json = json }

    var replicas: Int { self["replicas"] ?? 0 }
    var readyReplicas: Int { self["readyReplicas"] ?? 0 }
    var availableReplicas: Int { self["availableReplicas"] ?? 0 }
    var conditions: [ReplicaSetCondition] { self["conditions"] ?? [] }

    /// What became of creating and deleting pods.
    enum Outcome {
        /// Nothing was tried, or all went well.
        case success
        case failure(String)
    }

    /// The status that an owner with these pods has now.
    /// - Parameter terminating: The pods on their way out; nil where the kind does not report them.
    static func compute(
        current: ReplicaStatus, generation: Int, desired: Int, minReadySeconds: Int, templateLabels: [String: String],
        active: [ReplicaPod], terminating: Int?, outcome: Outcome, now: Time
    ) -> ReplicaStatus {
        let labelled = LabelMatcher(matchLabels: templateLabels).split(active).matching.count
        var ready = 0
        var available = 0
        for pod in active where pod.isReady {
            ready += 1
            if pod.isAvailable(minReadySeconds: minReadySeconds, now: now) { available += 1 }
        }
        var status = current
        status["replicas"] = active.count
        func set(_ field: String, _ count: Int) { status[field] = count == 0 ? nil : count }
        set("fullyLabeledReplicas", labelled)
        set("readyReplicas", ready)
        set("availableReplicas", available)
        status["terminatingReplicas"] = terminating
        status["observedGeneration"] = generation

        var conditions = current.conditions
        let failed = conditions.contains { $0.type == "ReplicaFailure" }
        switch outcome {
        case .failure(let message) where !failed:
            var condition = ReplicaSetCondition()
            condition.type = "ReplicaFailure"
            condition.status = "True"
            condition.reason = active.count < desired ? "FailedCreate" : "FailedDelete"
            condition.message = message
            condition.lastTransitionTime = now
            conditions.append(condition)
        case .success where failed: conditions.removeAll { $0.type == "ReplicaFailure" }
        default: break
        }
        status["conditions"] = conditions.isEmpty ? nil : conditions
        return status
    }

    /// Seconds until the first of the ready pods that are not available yet becomes so; nil if there is none.
    /// - Parameter readySince: Since when each of the pods is ready, if it is.
    static func secondsToNextAvailable(
        _ readySince: some Sequence<Time?>, minReadySeconds: Int, now: Time
    ) -> Double? {
        guard minReadySeconds > 0 else { return nil }
        return readySince.compactMap { since -> Double? in
            guard let since else { return nil }
            let remaining = Double(minReadySeconds) - now.since(since)
            return remaining > 0 ? remaining : nil
        }.min()
    }
}

/// A pod as a template describes it.
enum PodFromTemplate {
    /// The pod to create for `owner`; the server completes its name.
    static func make(_ template: PodTemplateSpec, owner: some KubeObject) -> Pod {
        var pod = Pod(["apiVersion": "v1", "kind": "Pod"])
        var metadata = ObjectMeta()
        // The prefix must leave a valid name with the dash; a name that ends where names must end goes without.
        metadata.generateName = owner.name.utf8.count < 253 ? "\(owner.name)-" : owner.name
        metadata.namespace = owner.namespace
        metadata.labels = template.metadata.labels
        metadata.annotations = template.metadata.annotations
        metadata.finalizers = template.metadata.finalizers
        metadata.ownerReferences = [ControllerRef.make(to: owner)]
        pod.metadata = metadata
        pod.spec = template.spec
        return pod
    }
}
