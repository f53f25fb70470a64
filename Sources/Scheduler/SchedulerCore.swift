import KubeTypes

/// What the scheduler knows and decides, without I/O: the snapshot, the queue, and the pods that have a node in its mind
/// but not in the API yet.
struct SchedulerCore: Sendable {
    typealias Instant = ContinuousClock.Instant

    private(set) var snapshot = Snapshot()
    private(set) var queue: SchedulingQueue
    private(set) var surroundings = Surroundings()
    private var algorithm = Algorithm()
    private var random: SeededGenerator
    private let profiles: [String: Profile]
    /// Placed by a decision that the API has not confirmed.
    private var assumed: [ObjectKey: PodInfo] = [:]
    /// How often the API refused what was decided.
    private var bindFailures: [ObjectKey: Int] = [:]

    enum Step: Sendable {
        case bind(PodInfo, node: String, VolumePlan)
        case refused(PodInfo, Diagnosis, Nomination, PreemptionPlan?)
        /// Nothing to try now.
        case idle
    }

    init(_ configuration: SchedulerConfiguration = SchedulerConfiguration(), seed: UInt64) {
        profiles = Dictionary(configuration.profiles.map { ($0.name, $0) }) { first, _ in first }
        queue = SchedulingQueue(
            initialBackoff: configuration.initialBackoff, maximumBackoff: configuration.maximumBackoff)
        random = SeededGenerator(seed: seed)
    }

    /// Whether the pods of a scheduler's name are ours.
    func profile(named name: String) -> Profile? { profiles[name] }

    // MARK: Nodes

    mutating func nodeChanged(_ node: Node, now: Instant) {
        let kinds = snapshot.setNode(node)
        guard !kinds.isEmpty else { return }
        let status = node.status
        let facts = ClusterEvent.NodeFacts(
            name: node.name, labels: node.labels, taints: node.spec.taints.map(NodeTaint.init),
            unschedulable: node.spec.unschedulable ?? false, allocatable: Resources(status.allocatable))
        for kind in kinds { queue.happened(ClusterEvent(kind: kind, node: facts), now: now) }
    }

    mutating func nodeDeleted(_ name: String, now: Instant) {
        snapshot.removeNode(name)
        queue.happened(ClusterEvent(kind: .nodeRemoved), now: now)
    }

    // MARK: Pods

    mutating func podChanged(_ pod: PodInfo, now: Instant) {
        if pod.isFinished {
            podDeleted(pod, now: now)
        } else if !pod.nodeName.isEmpty {
            queue.remove(pod.key)
            assumed[pod.key] = nil
            bindFailures[pod.key] = nil
            snapshot.removeNomination(pod.key)
            let old = snapshot.placed[pod.key]
            // What was assumed is mostly just confirmed.
            if let old, old.pod.countsTheSame(as: pod), snapshot.info[old.slot].name == pod.nodeName { return }
            snapshot.setPod(pod)
            let isKnown = old.map { $0.pod.uid == pod.uid && $0.pod.labels == pod.labels } ?? false
            queue.happened(ClusterEvent(kind: isKnown ? .podRemoved : .podAdded, pod: pod), now: now)
        } else if let placed = assumed[pod.key], placed.uid == pod.uid {
            // On its way. Should binding fail, the pod is put back as it is then.
            if pod.isBeingDeleted { queue.remove(pod.key) }
        } else if profiles[pod.schedulerName] != nil, !pod.isBeingDeleted {
            queue.set(pod, now: now)
            // What the API says of a nomination is written by us, or by someone who has a reason.
            if !pod.nominatedNode.isEmpty { snapshot.nominate(pod, to: pod.nominatedNode) }
        } else {
            queue.remove(pod.key)
            snapshot.removeNomination(pod.key)
        }
    }

    mutating func podDeleted(_ pod: PodInfo, now: Instant) {
        queue.remove(pod.key)
        assumed[pod.key] = nil
        bindFailures[pod.key] = nil
        snapshot.removeNomination(pod.key)
        guard snapshot.placed[pod.key] != nil || !pod.nodeName.isEmpty else { return }
        let slot = snapshot.placed[pod.key]?.slot
        snapshot.removePod(pod.key)
        queue.happened(
            ClusterEvent(kind: .podRemoved, pod: pod, room: slot.flatMap { snapshot.room(in: $0) }), now: now)
    }

    /// The kubelet has begun with a pod: matters for the order of victims only.
    func podStarted(_ key: ObjectKey, at nanoseconds: Int64) {
        snapshot.placed[key]?.pod.hasStarted(at: nanoseconds)
    }

    // MARK: What else matters

    mutating func serviceChanged(_ service: Service) {
        let selector = service.spec.selector
        surroundings.services[service.namespace, default: [:]][service.name] = selector.isEmpty ? nil : selector
    }

    mutating func serviceDeleted(_ key: ObjectKey) { surroundings.services[key.namespace]?[key.name] = nil }

    mutating func namespaceChanged(_ namespace: Namespace) {
        surroundings.namespaces[namespace.name] = namespace.labels
    }

    mutating func namespaceDeleted(_ name: String) { surroundings.namespaces[name] = nil }

    mutating func budgetChanged(_ budget: PodDisruptionBudget) {
        surroundings.budgets[budget.key] = DisruptionBudget(budget)
    }

    mutating func budgetDeleted(_ key: ObjectKey) { surroundings.budgets[key] = nil }

    /// Changes what is known of storage, and tells the pods that may be waiting for it.
    mutating func storageChanged(
        _ kind: ClusterEvent.Kind, claim: ObjectKey? = nil, now: Instant, _ change: (inout VolumeState) -> Void
    ) {
        change(&surroundings.volumes)
        queue.happened(ClusterEvent(kind: kind, claim: claim), now: now)
    }

    // MARK: Deciding

    /// Tries the next pod.
    mutating func step(now: Instant) -> Step {
        queue.flush(now: now)
        guard let pod = queue.take(now: now) else { return .idle }
        guard let profile = profiles[pod.schedulerName] else {
            queue.remove(pod.key)
            return .idle
        }
        switch algorithm.decide(pod, &snapshot, profile, surroundings, random: &random) {
        case .place(let slot):
            var plan = VolumePlan(node: snapshot.info[slot].name)
            if !pod.volumes.claims.isEmpty, profile.filters.contains(.volumeBinding) {
                var question = PodQuestion(pod: pod, profile: profile, requests: pod.requests)
                snapshot.askForVolumes(&question, surroundings)
                if let volumes = question.volumes { plan = snapshot.plan(slot, volumes).0 }
            }
            snapshot.assume(pod, in: slot)
            snapshot.removeNomination(pod.key)
            if !plan.isEmpty { surroundings.volumes.assume(plan) }
            assumed[pod.key] = pod
            queue.placed(pod.key)
            return .bind(pod, node: snapshot.info[slot].name, plan)
        case .refuse(let diagnosis, let nomination, let plan):
            queue.failed(pod.key, plugins: diagnosis.plugins, now: now)
            switch nomination {
            case .keep: break
            case .clear: snapshot.removeNomination(pod.key)
            case .set(let node): snapshot.nominate(pod, to: node)
            }
            if let plan {
                for other in plan.displaced { snapshot.removeNomination(other.key) }
                if plan.victims.contains(where: { !$0.isBeingDeleted }) { queue.holdBack(pod.key) }
            }
            return .refused(pod, diagnosis, nomination, plan)
        }
    }

    /// The victims that made room for a pod have been sent off, or that failed.
    mutating func preempted(for key: ObjectKey, failed: Bool, now: Instant) {
        queue.release(key, failed: failed, now: now)
    }

    /// What has come of a pod's volumes.
    func progress(of plan: VolumePlan) -> VolumeProgress {
        surroundings.volumes.progress(
            of: plan, nodeLabels: snapshot.slots[plan.node].map { snapshot.info[$0].labels })
    }

    /// Whether a pod still waits for its volumes: it may have been deleted meanwhile.
    func isAssumed(_ pod: PodInfo) -> Bool { assumed[pod.key]?.uid == pod.uid }

    /// The API did not take a decision: what the pod took up is free again. `current` is the pod as it is now, if it is
    /// still there and without a node.
    mutating func bindFailed(_ pod: PodInfo, _ plan: VolumePlan, current: PodInfo?, now: Instant) {
        if !plan.isEmpty { surroundings.volumes.forget(plan) }
        // Confirmed or deleted meanwhile: then the state is right as it is.
        guard assumed[pod.key]?.uid == pod.uid else { return }
        assumed[pod.key] = nil
        snapshot.removePod(pod.key)
        queue.happened(ClusterEvent(kind: .podRemoved, pod: pod), now: now)
        let failures = (bindFailures[pod.key] ?? 0) + 1
        bindFailures[pod.key] = nil
        guard let current, current.nodeName.isEmpty, !current.isBeingDeleted else { return }
        bindFailures[pod.key] = failures
        queue.putBack(current, failures: failures, now: now)
    }
}
