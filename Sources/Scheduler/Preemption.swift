// Making room: which pods of lower priority must go so that a pod fits, and on which node that does least harm.
import KubeTypes

/// A PodDisruptionBudget as preemption minds it.
struct DisruptionBudget: Sendable {
    let namespace: String
    let selector: LabelMatcher
    let allowed: Int
    /// Pods whose going has been counted already, by name.
    let disrupted: Set<String>

    init(_ budget: PodDisruptionBudget) {
        namespace = budget.namespace
        selector = LabelMatcher(budget.spec.selector)
        let status = budget.status
        allowed = status.disruptionsAllowed ?? 0
        disrupted = Set(status.disruptedPods.keys)
    }
}

/// What is to be done so that a pod fits: the victims go, and the pod is kept in mind for the node.
struct PreemptionPlan: Sendable {
    let node: String
    let victims: [PodInfo]
    /// Pods of lower priority for which room was being made on that node.
    var displaced: [PodInfo] = []
}

/// What becomes of the node that room was made on for a pod.
enum Nomination: Sendable, Equatable {
    case keep, clear
    case set(String)
}

struct Preemption: Sendable {
    private struct Candidate {
        let slot: Int
        let victims: [PodInfo]
        let violations: Int
    }

    enum Outcome: Sendable {
        /// Nothing can be done, and why, as upstream ends its message.
        case none(String, Nomination)
        case plan(PreemptionPlan)
    }

    static let unhelpful = "Preemption is not helpful for scheduling"
    static let noVictims = "No preemption victims found for incoming pod"

    /// - Parameter resolvable: the nodes that refused the pod for want of something that pods there hold.
    static func attempt(
        _ question: PodQuestion, _ snapshot: Snapshot, resolvable: [Int], unresolvable: Set<Int>,
        budgets: [ObjectKey: DisruptionBudget], random: inout some RandomNumberGenerator
    ) -> Outcome {
        let pod = question.pod
        if pod.neverPreempts { return .none("not eligible due to preemptionPolicy=Never.", .keep) }
        if let node = snapshot.nomination(of: pod.key) ?? (pod.nominatedNode.isEmpty ? nil : pod.nominatedNode),
            let slot = snapshot.slots[node], !unresolvable.contains(slot),
            snapshot.info[slot].pods.values.contains(where: { $0.isPreempted && $0.priority < pod.priority })
        {
            return .none("not eligible due to a terminating pod on the nominated node.", .keep)
        }
        let nodes = snapshot.nodeCount
        guard nodes > 0 else { return .none("no nodes available", .keep) }
        var reasons: [String: Int] = [:]
        var candidates: [Candidate] = []
        var nonViolating = 0
        if !resolvable.isEmpty {
            let wanted = min(
                resolvable.count,
                max(
                    question.profile.minCandidateNodesAbsolute,
                    resolvable.count * question.profile.minCandidateNodesPercentage / 100))
            let offset = Int.random(in: 0..<resolvable.count, using: &random)
            var trial = question
            for step in resolvable.indices {
                let slot = resolvable[(offset + step) % resolvable.count]
                switch victims(on: slot, &trial, snapshot, budgets: budgets) {
                case .success(let candidate):
                    candidates.append(candidate)
                    if candidate.violations == 0 { nonViolating += 1 }
                case .failure(let failure):
                    for reason in failure.reasons { reasons[reason, default: 0] += 1 }
                }
                if nonViolating > 0, candidates.count >= wanted { break }
            }
        }
        guard let best = choose(candidates) else {
            if nodes > resolvable.count { reasons[unhelpful, default: 0] += nodes - resolvable.count }
            return .none("0/\(nodes) nodes are available: \(Diagnosis.list(reasons)).", .clear)
        }
        let displaced = (snapshot.nominated[best.slot] ?? []).filter { $0.priority < pod.priority }
        return .plan(
            PreemptionPlan(node: snapshot.info[best.slot].name, victims: best.victims, displaced: displaced))
    }

    private struct Failure: Error { let reasons: [String] }

    /// The fewest and least important pods that must leave a node. `trial` is as it was when this returns.
    private static func victims(
        on slot: Int, _ trial: inout PodQuestion, _ snapshot: Snapshot, budgets: [ObjectKey: DisruptionBudget]
    ) -> Result<Candidate, Failure> {
        let priority = trial.pod.priority
        var potential: [PodInfo] = []
        for pod in snapshot.info[slot].pods.values where pod.priority < priority { potential.append(pod) }
        guard !potential.isEmpty else { return .failure(Failure(reasons: [noVictims])) }
        var use = snapshot.use(of: slot)
        for pod in potential {
            use.count(pod, sign: -1)
            trial.count(pod, in: slot, sign: -1)
        }
        var gone = potential
        defer { for pod in gone { trial.count(pod, in: slot, sign: 1) } }
        if let refusal = snapshot.refusal(of: slot, trial, imagining: use) {
            return .failure(Failure(reasons: refusal.reasons))
        }
        potential.sort(by: PodInfo.isMoreImportant)
        let (violating, others) = split(potential, budgets)
        var victims: [PodInfo] = []
        var violations = 0
        gone = []
        func reprieve(_ pod: PodInfo) -> Bool {
            use.count(pod, sign: 1)
            trial.count(pod, in: slot, sign: 1)
            if snapshot.refusal(of: slot, trial, imagining: use) == nil { return true }
            use.count(pod, sign: -1)
            trial.count(pod, in: slot, sign: -1)
            victims.append(pod)
            return false
        }
        for pod in violating where !reprieve(pod) { violations += 1 }
        for pod in others { _ = reprieve(pod) }
        gone = victims
        guard !victims.isEmpty else { return .failure(Failure(reasons: [noVictims])) }
        if !violating.isEmpty, !others.isEmpty { victims.sort(by: PodInfo.isMoreImportant) }
        return .success(Candidate(slot: slot, victims: victims, violations: violations))
    }

    /// Those whose going would break a budget, and the others, in the order in which they are given.
    static func split(
        _ pods: [PodInfo], _ budgets: [ObjectKey: DisruptionBudget]
    ) -> (violating: [PodInfo], others: [PodInfo]) {
        guard !budgets.isEmpty else { return ([], pods) }
        var left = budgets.mapValues(\.allowed)
        var violating: [PodInfo] = []
        var others: [PodInfo] = []
        for pod in pods {
            var violates = false
            for (key, budget) in budgets
            where !pod.labels.isEmpty && budget.namespace == pod.key.namespace
                && !budget.selector.requirements.isEmpty && budget.selector.matches(pod.labels)
                && !budget.disrupted.contains(pod.key.name)
            {
                left[key, default: 0] -= 1
                if left[key, default: 0] < 0 { violates = true }
            }
            if violates { violating.append(pod) } else { others.append(pod) }
        }
        return (violating, others)
    }

    /// The fewest broken budgets, then the least important first victim, the least importance in all, the fewest
    /// victims, and the youngest of the most important.
    private static func choose(_ candidates: [Candidate]) -> Candidate? {
        func measure(_ candidate: Candidate) -> (Int, Int, Int, Int, Int64) {
            let highest = candidate.victims.first?.priority ?? 0
            let sum = candidate.victims.reduce(0) { $0 + $1.priority + Int(Int32.max) + 1 }
            let starts = candidate.victims.filter { $0.priority == highest }.map {
                $0.startTime == 0 ? Int64.max : $0.startTime
            }
            return (candidate.violations, highest, sum, candidate.victims.count, -(starts.min() ?? Int64.max))
        }
        var best: (candidate: Candidate, measure: (Int, Int, Int, Int, Int64))?
        for candidate in candidates {
            let own = measure(candidate)
            if let known = best, known.measure <= own { continue }
            best = (candidate, own)
        }
        return best?.candidate
    }
}
