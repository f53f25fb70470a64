import Glibc
import KubeTypes

/// Which of a set's pods go first when it shrinks. The order is upstream's: what serves nobody yet, then what is
/// cheapest to lose, then what evens out the nodes, then the younger.
enum DeletionRanking {
    /// What the order looks at, read from the pod once.
    private struct Candidate {
        let pod: Pod
        let assigned: Bool
        let phase: Int
        let ready: Bool
        let cost: Int
        /// Active pods of the same owner, and its siblings, on the pod's node.
        let crowd: Int
        let readySince: Time?
        let restarts: (containers: Int, sidecars: Int)
        let created: Time?
        let uid: String
    }

    /// The `count` pods to delete.
    /// - Parameters:
    ///   - related: The active pods of all sets with the same owner, `pods` included: pods on crowded nodes go first.
    static func choose(_ count: Int, of pods: [Pod], related: [Pod], now: Time) -> [Pod] {
        guard count < pods.count else { return pods }
        var crowds: [String: Int] = [:]
        for pod in related where pod.isActive { crowds[pod.nodeName, default: 0] += 1 }
        let candidates = pods.map { pod in
            Candidate(
                pod: pod, assigned: !pod.nodeName.isEmpty, phase: rank(ofPhase: pod.phase), ready: pod.isReady,
                cost: cost(of: pod), crowd: crowds[pod.nodeName] ?? 0, readySince: pod.readySince,
                restarts: pod.restarts, created: pod.metadata.creationTimestamp, uid: pod.uid)
        }
        return candidates.sorted { goesFirst($0, $1, now) }.prefix(max(0, count)).map(\.pod)
    }

    private static func rank(ofPhase phase: String) -> Int {
        switch phase {
        case "Unknown": 1
        case "Running": 2
        default: 0
        }
    }

    /// `controller.kubernetes.io/pod-deletion-cost`, a 32-bit integer without leading zero or plus.
    static func cost(of pod: Pod) -> Int {
        guard let text = pod.annotations["controller.kubernetes.io/pod-deletion-cost"], let cost = Int32(text),
            String(cost) == text
        else { return 0 }
        return Int(cost)
    }

    private static func goesFirst(_ left: Candidate, _ right: Candidate, _ now: Time) -> Bool {
        if left.assigned != right.assigned { return !left.assigned }
        if left.phase != right.phase { return left.phase < right.phase }
        if left.ready != right.ready { return !left.ready }
        if left.cost != right.cost { return left.cost < right.cost }
        if left.crowd != right.crowd { return left.crowd > right.crowd }
        if left.ready, right.ready, left.readySince != right.readySince {
            return isYounger(left.readySince, left.uid, than: right.readySince, right.uid, now)
        }
        if left.restarts.containers != right.restarts.containers {
            return left.restarts.containers > right.restarts.containers
        }
        if left.restarts.sidecars != right.restarts.sidecars { return left.restarts.sidecars > right.restarts.sidecars }
        if left.created != right.created {
            return isYounger(left.created, left.uid, than: right.created, right.uid, now)
        }
        return left.uid < right.uid
    }

    /// Ages count by their order of magnitude (powers of two of nanoseconds), so that among pods of about one age it is
    /// not always the youngest that goes, which may all be on one node; the UID then decides.
    private static func isYounger(_ left: Time?, _ leftUID: String, than right: Time?, _ rightUID: String, _ now: Time)
        -> Bool
    {
        guard let left, let right else { return left == nil }
        func magnitude(_ time: Time) -> Int {
            let nanoseconds = now.since(time) * 1e9
            return nanoseconds > 0 ? Int(log2(nanoseconds)) : -1
        }
        let difference = magnitude(left) - magnitude(right)
        return difference == 0 ? leftUID < rightUID : difference < 0
    }
}
