import KubeTypes

/// What the scheduler knows and decides, without I/O: the snapshot, the queue, and the pods that have a node in its mind
/// but not in the API yet.
struct SchedulerCore: Sendable {
    typealias Instant = ContinuousClock.Instant

    private(set) var snapshot = Snapshot()
    private(set) var queue = SchedulingQueue()
    private var algorithm = Algorithm()
    private var random: SeededGenerator
    private let name: String
    /// Placed by a decision that the API has not confirmed.
    private var assumed: [ObjectKey: PodInfo] = [:]
    /// How often the API refused what was decided.
    private var bindFailures: [ObjectKey: Int] = [:]
    /// Selectors of the services, by namespace and name.
    private var services: [String: [String: [String: String]]] = [:]

    enum Step: Sendable {
        case bind(PodInfo, node: String)
        case refused(PodInfo, Diagnosis)
        /// Nothing to try now.
        case idle
    }

    init(name: String, seed: UInt64) {
        self.name = name
        random = SeededGenerator(seed: seed)
    }

    // MARK: What the API tells

    mutating func nodeChanged(_ node: Node, now: Instant) {
        for event in snapshot.setNode(node) { queue.happened(event, now: now) }
    }

    mutating func nodeDeleted(_ name: String, now: Instant) {
        snapshot.removeNode(name)
        queue.happened(.nodeRemoved, now: now)
    }

    mutating func serviceChanged(_ service: Service) {
        let selector = service.spec.selector
        services[service.namespace, default: [:]][service.name] = selector.isEmpty ? nil : selector
    }

    mutating func serviceDeleted(_ key: ObjectKey) { services[key.namespace]?[key.name] = nil }

    mutating func podChanged(_ pod: PodInfo, now: Instant) {
        if pod.isFinished {
            podDeleted(pod, now: now)
        } else if !pod.nodeName.isEmpty {
            queue.remove(pod.key)
            assumed[pod.key] = nil
            bindFailures[pod.key] = nil
            let old = snapshot.placed[pod.key]
            // What was assumed is mostly just confirmed.
            if let old, old.pod.countsTheSame(as: pod), snapshot.info[old.slot].name == pod.nodeName { return }
            snapshot.setPod(pod)
            if let old = old?.pod, old.uid == pod.uid, old.labels == pod.labels {
                queue.happened(.podRemoved, now: now)
            } else {
                queue.happened(.podAdded, now: now)
            }
        } else if let placed = assumed[pod.key], placed.uid == pod.uid {
            // On its way. Should binding fail, the pod is put back as it is then.
            if pod.isBeingDeleted { queue.remove(pod.key) }
        } else if pod.schedulerName == name, !pod.isBeingDeleted {
            queue.set(pod, now: now)
        } else {
            queue.remove(pod.key)
        }
    }

    mutating func podDeleted(_ pod: PodInfo, now: Instant) {
        queue.remove(pod.key)
        assumed[pod.key] = nil
        bindFailures[pod.key] = nil
        guard snapshot.placed[pod.key] != nil || !pod.nodeName.isEmpty else { return }
        snapshot.removePod(pod.key)
        queue.happened(.podRemoved, now: now)
    }

    // MARK: Deciding

    /// Tries the next pod.
    mutating func step(now: Instant) -> Step {
        queue.flush(now: now)
        guard let pod = queue.take(now: now) else { return .idle }
        let selectors = services[pod.key.namespace].map { Array($0.values) } ?? []
        switch algorithm.decide(pod, &snapshot, services: selectors, random: &random) {
        case .place(let slot):
            snapshot.assume(pod, in: slot)
            assumed[pod.key] = pod
            queue.placed(pod.key)
            return .bind(pod, node: snapshot.info[slot].name)
        case .refuse(let diagnosis):
            queue.failed(pod.key, plugins: diagnosis.plugins, now: now)
            return .refused(pod, diagnosis)
        }
    }

    /// The API did not take a decision: what the pod took up is free again. `current` is the pod as it is now, if it is
    /// still there and without a node.
    mutating func bindFailed(_ pod: PodInfo, current: PodInfo?, now: Instant) {
        // Confirmed or deleted meanwhile: then the state is right as it is.
        guard assumed[pod.key]?.uid == pod.uid else { return }
        assumed[pod.key] = nil
        snapshot.removePod(pod.key)
        queue.happened(.podRemoved, now: now)
        let failures = (bindFailures[pod.key] ?? 0) + 1
        bindFailures[pod.key] = nil
        guard let current, current.nodeName.isEmpty, !current.isBeingDeleted else { return }
        bindFailures[pod.key] = failures
        queue.putBack(current, failures: failures, now: now)
    }
}
