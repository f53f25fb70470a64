import CEL
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
    /// Pods that are not tried before a claim for devices is there, by the claim.
    private var awaitedClaims: [ObjectKey: [ObjectKey: PodInfo]] = [:]

    enum Step: Sendable {
        case bind(PodInfo, BindingPlan)
        case refused(PodInfo, Diagnosis, Nomination, PreemptionPlan?)
        /// What the pod asks for cannot be worked out; it is tried again after a while.
        case failed(PodInfo, String)
        /// Nothing to try now.
        case idle
    }

    init(
        _ configuration: SchedulerConfiguration = SchedulerConfiguration(), formats: [String: NamedFormat] = [:],
        seed: UInt64
    ) {
        surroundings.devices = DeviceState(formats: formats)
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
            enqueue(pod, now: now)
            // What the API says of a nomination is written by us, or by someone who has a reason.
            if !pod.nominatedNode.isEmpty { snapshot.nominate(pod, to: pod.nominatedNode) }
        } else {
            queue.remove(pod.key)
            snapshot.removeNomination(pod.key)
        }
    }

    /// Puts a pod in the queue, to wait where one of its claims is not there (upstream's PreEnqueue).
    private mutating func enqueue(_ pod: PodInfo, now: Instant) {
        guard !pod.claims.isEmpty, profiles[pod.schedulerName]?.filters.contains(.dynamicResources) == true,
            let (_, claim) = surroundings.devices.problem(of: pod)
        else { return queue.set(pod, now: now) }
        queue.set(pod, isHeld: true, now: now)
        if let claim { awaitedClaims[claim, default: [:]][pod.key] = pod }
    }

    mutating func podDeleted(_ pod: PodInfo, now: Instant) {
        queue.remove(pod.key)
        for use in pod.claims.uses {
            let claim = ObjectKey(namespace: pod.key.namespace, name: use.name)
            awaitedClaims[claim]?[pod.key] = nil
            if awaitedClaims[claim]?.isEmpty == true { awaitedClaims[claim] = nil }
        }
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

    // MARK: Devices

    mutating func deviceClaimChanged(_ claim: DeviceClaimInfo, now: Instant) {
        deviceClaimChanged(claim.key, surroundings.devices.set(claim), now: now)
        // Those that are still not to be tried wait again. What has changed meanwhile was put in the queue as it is now.
        for pod in (awaitedClaims.removeValue(forKey: claim.key) ?? [:]).values
        where queue.isGated(pod.key, uid: pod.uid) { enqueue(pod, now: now) }
    }

    mutating func deviceClaimDeleted(_ key: ObjectKey, now: Instant) {
        deviceClaimChanged(key, surroundings.devices.removeClaim(key), now: now)
    }

    private mutating func deviceClaimChanged(_ key: ObjectKey, _ change: DeviceState.Change, now: Instant) {
        guard change.freed || change.matters else { return }
        queue.happened(ClusterEvent(kind: .deviceClaim, claim: key, claimChange: change), now: now)
    }

    mutating func deviceClassChanged(_ deviceClass: DeviceClass, now: Instant) {
        surroundings.devices.set(DeviceClassInfo(deviceClass))
        queue.happened(ClusterEvent(kind: .deviceClass), now: now)
    }

    mutating func deviceClassDeleted(_ name: String) { surroundings.devices.removeClass(name) }

    mutating func resourceSliceChanged(_ slice: SliceInfo, now: Instant) {
        surroundings.devices.slices.set(slice)
        queue.happened(ClusterEvent(kind: .resourceSlice), now: now)
    }

    mutating func resourceSliceDeleted(_ name: String) { surroundings.devices.slices.remove(name) }

    /// A claim that was decided for has been made: it is counted under the name that it has now.
    mutating func extendedClaimMade(_ claim: DeviceClaimInfo, _ uid: String, now: Instant) {
        deviceClaimChanged(claim, now: now)
        surroundings.devices.madeReal(uid)
    }

    /// The claim for a pod's extended resources, if there is one in the API.
    func extendedClaim(of pod: PodInfo) -> DeviceClaimInfo? {
        surroundings.devices.extendedClaims[pod.uid].flatMap { surroundings.devices.claims[$0] }
    }

    /// A claim as it is known now.
    func deviceClaim(_ key: ObjectKey) -> DeviceClaimInfo? { surroundings.devices.claims[key] }

    // MARK: Deciding

    /// Tries the next pod.
    /// - Parameter wallClock: The API's time, for deadlines that it says.
    mutating func step(now: Instant, wallClock: @autoclosure () -> Time = Time(seconds: 0)) -> Step {
        queue.flush(now: now)
        guard let pod = queue.take(now: now) else { return .idle }
        guard let profile = profiles[pod.schedulerName] else {
            queue.remove(pod.key)
            return .idle
        }
        if !pod.claims.isEmpty || !pod.extended.isEmpty {
            surroundings.now = wallClock()
            surroundings.deviceSeed = random.next()
        }
        switch algorithm.decide(pod, &snapshot, profile, surroundings, random: &random) {
        case .fail(let message):
            queue.failed(pod.key, plugins: [], now: now)
            return .failed(pod, message)
        case .place(let slot, let devices):
            var plan = VolumePlan(node: snapshot.info[slot].name)
            if !pod.volumes.claims.isEmpty, profile.filters.contains(.volumeBinding) {
                var question = PodQuestion(pod: pod, profile: profile, requests: pod.requests)
                snapshot.askForVolumes(&question, surroundings)
                if let volumes = question.volumes { plan = snapshot.plan(slot, volumes).0 }
            }
            snapshot.assume(pod, in: slot)
            snapshot.removeNomination(pod.key)
            if !plan.isEmpty { surroundings.volumes.assume(plan) }
            if !devices.isEmpty { surroundings.devices.assume(devices) }
            assumed[pod.key] = pod
            queue.placed(pod.key)
            return .bind(pod, BindingPlan(volumes: plan, devices: devices))
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
    mutating func bindFailed(_ pod: PodInfo, _ plan: BindingPlan, current: PodInfo?, now: Instant) {
        if !plan.volumes.isEmpty { surroundings.volumes.forget(plan.volumes) }
        if !plan.devices.isEmpty, surroundings.devices.forget(plan.devices) {
            queue.happened(ClusterEvent(kind: .deviceClaim, claimChange: .init(freed: true)), now: now)
        }
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

/// What is to be written before a pod is bound to a node.
struct BindingPlan: Sendable {
    var volumes: VolumePlan
    var devices = DevicePlan()
    var node: String { volumes.node }
    var isEmpty: Bool { volumes.isEmpty && devices.isEmpty }
}
