import KubeClient
import KubeTypes
import Synchronization

/// What a set of replicas asks of a pod whenever it is looked at, read once for each version of the pod: a set of
/// thousands is counted again and again while its pods report in.
struct ReplicaPod: Sendable {
    /// Labels that pods share, so that a selector looks at them once.
    final class Labels: Sendable {
        let values: [String: String]
        init(_ values: [String: String]) { self.values = values }
    }

    let pod: Pod
    let labels: Labels
    let isActive: Bool
    /// On the way out, and not finished yet.
    let isTerminating: Bool
    let isReady: Bool
    /// Since when the pod is ready; nil while it is not.
    let readySince: Time?

    /// - Parameter shared: Taken for the pod's labels if they are the same.
    init(_ pod: Pod, shared: Labels? = nil) {
        let labels = pod.labels
        self.pod = pod
        self.labels = shared.flatMap { $0.values == labels ? $0 : nil } ?? Labels(labels)
        let (isTerminal, isBeingDeleted) = (pod.isTerminal, pod.isBeingDeleted)
        isActive = !isTerminal && !isBeingDeleted
        isTerminating = isBeingDeleted && !isTerminal
        let ready = pod.condition("Ready")
        isReady = ready?.status == "True"
        readySince = isReady ? ready?.lastTransitionTime : nil
    }

    /// Ready for at least `minReadySeconds`.
    func isAvailable(minReadySeconds: Int, now: Time) -> Bool {
        guard isReady, minReadySeconds > 0 else { return isReady }
        return readySince.map { now.since($0) >= Double(minReadySeconds) } ?? false
    }
}

/// The pods of all sets of one kind.
final class ReplicaPods: InformerView {
    private struct Members {
        var pods: [String: ReplicaPod] = [:]
        var labels: ReplicaPod.Labels?
    }

    private let kind: String
    /// By the UIDs of sets and pods.
    private let sets = Mutex<[String: Members]>([:])

    init(ofKind kind: String) { self.kind = kind }

    func replace(_ old: Pod?, by new: Pod?) {
        let former = old.flatMap(setUID)
        let current = new.flatMap(setUID)
        if former == nil, current == nil { return }
        sets.withLock { sets in
            if let former, let old, former != current || old.uid != new?.uid {
                sets[former]?.pods[old.uid] = nil
                if sets[former]?.pods.isEmpty == true { sets[former] = nil }
            }
            if let current, let new {
                let pod = ReplicaPod(new, shared: sets[current]?.labels)
                sets[current, default: Members()].labels = pod.labels
                sets[current]?.pods[new.uid] = pod
            }
        }
    }

    private func setUID(of pod: Pod) -> String? {
        guard let controller = pod.controller, controller.kind == kind else { return nil }
        return controller.uid
    }

    /// The pods of the set with this UID, in no order.
    func controlled(by uid: String) -> [ReplicaPod] {
        sets.withLock { $0[uid].map { Array($0.pods.values) } ?? [] }
    }
}

extension LabelMatcher {
    /// The pods that this matches, and the others.
    func split(_ pods: [ReplicaPod]) -> (matching: [ReplicaPod], others: [ReplicaPod]) {
        var (matching, others): ([ReplicaPod], [ReplicaPod]) = ([], [])
        matching.reserveCapacity(pods.count)
        var last: (labels: ReplicaPod.Labels, match: Bool)?
        for pod in pods {
            let match = last.flatMap { $0.labels === pod.labels ? $0.match : nil } ?? matches(pod.labels.values)
            last = (pod.labels, match)
            if match { matching.append(pod) } else { others.append(pod) }
        }
        return (matching, others)
    }
}
