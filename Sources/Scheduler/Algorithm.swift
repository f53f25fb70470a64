/// One decision: filters, then scores, then the best node, by lot among equals.
struct Algorithm: Sendable {
    private var next = 0

    enum Decision: Sendable, Equatable {
        case place(slot: Int)
        case refuse(Diagnosis)
    }

    /// How many nodes that fit are enough, of so many: all of up to 100, then a share that falls from 50 to 5 percent.
    static func enough(of nodes: Int) -> Int {
        guard nodes >= 100 else { return nodes }
        return max(100, nodes * max(5, 50 - nodes / 125) / 100)
    }

    mutating func decide(
        _ pod: PodInfo, _ snapshot: inout Snapshot, services: [[String: String]],
        random: inout some RandomNumberGenerator
    ) -> Decision {
        let order = snapshot.order
        guard !order.isEmpty else { return .refuse(Diagnosis(plugins: [.nodeName])) }
        let question = snapshot.question(about: pod)
        var feasible: [Int] = []
        var refusals: [(slot: Int, refusal: Refusal)] = []
        var asked = 0
        if let names = pod.nodeRequirement.names {
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
            let wanted = Self.enough(of: order.count)
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
        if feasible.isEmpty {
            return .refuse(
                Self.diagnose(pod, snapshot, refusals, unasked: order.count - asked))
        }
        if feasible.count == 1 { return .place(slot: feasible[0]) }
        let scores = snapshot.scores(of: feasible, question, services: services)
        var best: [Int] = []
        var highest = Int64.min
        for (position, score) in scores.enumerated() {
            if score > highest {
                highest = score
                best.removeAll(keepingCapacity: true)
            }
            if score == highest { best.append(feasible[position]) }
        }
        return .place(slot: best[best.count == 1 ? 0 : Int.random(in: 0..<best.count, using: &random)])
    }

    private static func diagnose(
        _ pod: PodInfo, _ snapshot: Snapshot, _ refusals: [(slot: Int, refusal: Refusal)], unasked: Int
    ) -> Diagnosis {
        var diagnosis = Diagnosis(nodeCount: snapshot.nodeCount)
        var resolvable = 0
        var victims = false
        for (slot, refusal) in refusals {
            diagnosis.plugins.insert(refusal.plugin)
            for reason in refusal.reasons { diagnosis.reasons[reason, default: 0] += 1 }
            guard refusal.isResolvable else { continue }
            resolvable += 1
            if !victims { victims = snapshot.info[slot].pods.values.contains { $0.priority < pod.priority } }
        }
        if unasked > 0 {
            diagnosis.plugins.insert(.nodeAffinity)
            diagnosis.reasons["node(s) didn't satisfy plugin(s) [NodeAffinity]", default: 0] += unasked
        }
        diagnosis.preemption = preemption(pod, nodes: snapshot.nodeCount, resolvable: resolvable, victims: victims)
        return diagnosis
    }

    /// What upstream's PostFilter plugins say where they find nothing to do. Where pods of lower priority are in the
    /// way, upstream would push them out; nothing is said then, as that is not done here.
    private static func preemption(_ pod: PodInfo, nodes: Int, resolvable: Int, victims: Bool) -> String {
        let claims = "no new claims to deallocate, preemption: "
        if pod.neverPreempts { return claims + "not eligible due to preemptionPolicy=Never." }
        if victims { return "" }
        var reasons: [String] = []
        if resolvable > 0 { reasons.append("\(resolvable) No preemption victims found for incoming pod") }
        if nodes > resolvable {
            reasons.append("\(nodes - resolvable) Preemption is not helpful for scheduling")
        }
        return claims + "0/\(nodes) nodes are available: \(reasons.sorted().joined(separator: ", "))."
    }
}
