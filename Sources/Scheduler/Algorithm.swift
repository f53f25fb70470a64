/// One decision: filters, then scores, then the best node, by lot among equals; and if no node is left, room is made.
struct Algorithm: Sendable {
    private var next = 0

    enum Decision: Sendable {
        case place(slot: Int, DevicePlan)
        case refuse(Diagnosis, Nomination, PreemptionPlan?)
        /// What the pod asks for cannot be worked out.
        case fail(String)
    }

    mutating func decide(
        _ pod: PodInfo, _ snapshot: inout Snapshot, _ profile: Profile, _ surroundings: Surroundings,
        random: inout some RandomNumberGenerator
    ) -> Decision {
        let order = snapshot.order
        guard !order.isEmpty else { return .refuse(Diagnosis(plugins: [.nodeName]), .keep, nil) }
        let question = snapshot.question(about: pod, profile, surroundings)
        if let (plugin, message) = question.refusal {
            var diagnosis = Diagnosis(plugins: [plugin], nodeCount: snapshot.nodeCount, beforeNodes: message)
            let (nomination, plan) = makeRoom(
                question, snapshot, &diagnosis, refusals: [], surroundings, random: &random)
            return .refuse(diagnosis, nomination, plan)
        }
        // Room may have been made.
        if let nominee = snapshot.nomination(of: pod.key) ?? (pod.nominatedNode.isEmpty ? nil : pod.nominatedNode),
            let slot = snapshot.slots[nominee], snapshot.refusal(of: slot, question) == nil
        {
            return place(slot, question, snapshot)
        }
        var feasible: [Int] = []
        var refusals: [(slot: Int, refusal: Refusal)] = []
        var asked = 0
        if let names = pod.nodeRequirement.names, profile.filters.contains(.nodeAffinity) {
            for name in names.sorted() {
                guard let slot = snapshot.slots[name] else { continue }
                asked += 1
                if let refusal = snapshot.refusal(of: slot, question) {
                    refusals.append((slot, refusal))
                } else {
                    feasible.append(slot)
                }
            }
        } else {
            let wanted = profile.enough(of: order.count)
            feasible.reserveCapacity(wanted)
            let start = next % order.count
            while asked < order.count, feasible.count < wanted {
                let position = start + asked
                let slot = order[position < order.count ? position : position - order.count]
                asked += 1
                if let refusal = snapshot.refusal(of: slot, question) {
                    refusals.append((slot, refusal))
                } else {
                    feasible.append(slot)
                }
            }
            next = (start + asked) % order.count
        }
        if question.devices != nil, let failure = Self.failure(in: refusals) { return .fail(failure) }
        if feasible.isEmpty {
            var diagnosis = diagnose(snapshot, refusals, unasked: order.count - asked)
            let (nomination, plan) = makeRoom(
                question, snapshot, &diagnosis, refusals: refusals, surroundings, random: &random)
            return .refuse(diagnosis, nomination, plan)
        }
        if feasible.count == 1 { return place(feasible[0], question, snapshot) }
        let scores = snapshot.scores(of: feasible, question, surroundings)
        var best: [Int] = []
        var highest = Int64.min
        for (position, score) in scores.enumerated() {
            if score > highest {
                highest = score
                best.removeAll(keepingCapacity: true)
            }
            if score == highest { best.append(feasible[position]) }
        }
        return place(
            best[best.count == 1 ? 0 : Int.random(in: 0..<best.count, using: &random)], question, snapshot)
    }

    private func place(_ slot: Int, _ question: PodQuestion, _ snapshot: Snapshot) -> Decision {
        .place(slot: slot, question.devices.map { snapshot.plan(slot, $0, question.pod) } ?? DevicePlan())
    }

    /// What went wrong instead of refusing a node: then the pod goes nowhere, lest nobody notices.
    private static func failure(in refusals: [(slot: Int, refusal: Refusal)]) -> String? {
        for (_, refusal) in refusals {
            if case .failed(let plugin, let why) = refusal {
                return "running \"\(plugin.rawValue)\" filter plugin: \(why)"
            }
        }
        return nil
    }

    private func diagnose(
        _ snapshot: Snapshot, _ refusals: [(slot: Int, refusal: Refusal)], unasked: Int
    ) -> Diagnosis {
        var diagnosis = Diagnosis(nodeCount: snapshot.nodeCount)
        for (_, refusal) in refusals {
            diagnosis.plugins.insert(refusal.plugin)
            for reason in refusal.reasons { diagnosis.reasons[reason, default: 0] += 1 }
        }
        if unasked > 0 {
            diagnosis.plugins.insert(.nodeAffinity)
            diagnosis.reasons["node(s) didn't satisfy plugin(s) [NodeAffinity]", default: 0] += unasked
        }
        return diagnosis
    }

    /// What upstream's PostFilter plugins do: claims are given up, and pods.
    private func makeRoom(
        _ question: PodQuestion, _ snapshot: Snapshot, _ diagnosis: inout Diagnosis,
        refusals: [(slot: Int, refusal: Refusal)], _ surroundings: Surroundings,
        random: inout some RandomNumberGenerator
    ) -> (Nomination, PreemptionPlan?) {
        let (claim, giving) = snapshot.claimToGiveUp(question)
        diagnosis.claimToGiveUp = claim
        guard question.profile.preempts else {
            if question.devices != nil { diagnosis.preemption = giving }
            return (.keep, nil)
        }
        let resolvable = refusals.filter(\.refusal.isResolvable).map(\.slot)
        let unresolvable = Set(refusals.lazy.filter { !$0.refusal.isResolvable }.map(\.slot))
        switch Preemption.attempt(
            question, snapshot, resolvable: resolvable, unresolvable: unresolvable, budgets: surroundings.budgets,
            random: &random)
        {
        case .none(let reason, let nomination):
            diagnosis.preemption = "\(giving), preemption: \(reason)"
            return (nomination, nil)
        case .plan(let plan): return (.set(plan.node), plan)
        }
    }
}
