import KubeClient
import KubeTypes
import Synchronization

/// What a set of replicas asks of a pod whenever it is looked at, read once for each version of the pod: a set of
/// thousands is counted again and again while its pods report in. A class, so that a list of them is quickly copied.
final class ReplicaPod: Sendable {
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

    /// - Parameter known: Of these, the ones that are the pod's labels are taken for them.
    init(_ pod: Pod, known: [Labels] = []) {
        let labels = pod.labels
        self.pod = pod
        self.labels = known.first { $0.values == labels } ?? Labels(labels)
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
        /// The pods of a template differ in what their nodes' zones give them.
        var labels: [ReplicaPod.Labels] = []

        mutating func set(_ pod: Pod) {
            let member = ReplicaPod(pod, known: labels)
            if labels.count < LabelMatcher.sharedLabels, !labels.contains(where: { $0 === member.labels }) {
                labels.append(member.labels)
            }
            pods[pod.uid] = member
        }
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
            if let current, let new { sets[current, default: Members()].set(new) }
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
    /// How many different labels of a set's pods are looked at once and remembered.
    fileprivate static let sharedLabels = 16

    /// The pods that this matches, and the others.
    func split(_ pods: [ReplicaPod]) -> (matching: [ReplicaPod], others: [ReplicaPod]) {
        var (matching, others): ([ReplicaPod], [ReplicaPod]) = ([], [])
        matching.reserveCapacity(pods.count)
        var seen: [(labels: ReplicaPod.Labels, match: Bool)] = []
        for pod in pods {
            let known = seen.first { $0.labels === pod.labels }?.match
            let match = known ?? matches(pod.labels.values)
            if known == nil, seen.count < Self.sharedLabels { seen.append((pod.labels, match)) }
            if match { matching.append(pod) } else { others.append(pod) }
        }
        return (matching, others)
    }
}
