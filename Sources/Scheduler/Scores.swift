import Glibc
import KubeTypes

/// The scores: which of the nodes that can take a pod is best. Each plugin gives 0 to 100, weighted as upstream does.
extension Snapshot {
    private static let maximum: Int64 = 100
    private static let taintWeight: Int64 = 3
    private static let affinityWeight: Int64 = 2
    private static let spreadWeight: Int64 = 2

    /// A score for each of the slots.
    mutating func scores(
        of slots: [Int], _ question: PodQuestion, services: [[String: String]]
    ) -> [Int64] {
        var totals = [Int64](repeating: 0, count: slots.count)
        addResourceScores(to: &totals, slots, question.pod)
        addTaintScores(to: &totals, slots, question)
        addAffinityScores(to: &totals, slots, question.pod)
        addSpreadScores(to: &totals, slots, question, services: services)
        return totals
    }

    // MARK: Resources

    /// LeastAllocated and BalancedAllocation over CPU and memory.
    private func addResourceScores(to totals: inout [Int64], _ slots: [Int], _ pod: PodInfo) {
        // A pod that asks for nothing does not change the balance: upstream leaves the score out.
        let balances = pod.requests.milliCPU > 0 || pod.requests.memory > 0
        for (position, slot) in slots.enumerated() {
            let cpu = allocatableCPU[slot]
            let memory = allocatableMemory[slot]
            var sum: Int64 = 0
            var count: Int64 = 0
            if cpu > 0 {
                sum += Self.leastAllocated(nonZeroCPU[slot] + pod.nonZero.milliCPU, of: cpu)
                count += 1
            }
            if memory > 0 {
                sum += Self.leastAllocated(nonZeroMemory[slot] + pod.nonZero.memory, of: memory)
                count += 1
            }
            if count > 0 { totals[position] += sum / count }
            if balances {
                let after = Self.balance(
                    usedCPU[slot] + pod.requests.milliCPU, of: cpu, usedMemory[slot] + pod.requests.memory, of: memory)
                let before = Self.balance(usedCPU[slot], of: cpu, usedMemory[slot], of: memory)
                totals[position] += Self.maximum / 2 + (Self.maximum / 2 + after - before) / 2
            }
        }
    }

    static func leastAllocated(_ requested: Int64, of capacity: Int64) -> Int64 {
        guard capacity > 0, requested <= capacity else { return 0 }
        // Divided first where the product would not fit.
        let (product, overflow) = (capacity - requested).multipliedReportingOverflow(by: maximum)
        return overflow ? (capacity - requested) / (capacity / maximum) : product / capacity
    }

    static func balance(_ cpu: Int64, of allCPU: Int64, _ memory: Int64, of allMemory: Int64) -> Int64 {
        guard allCPU > 0, allMemory > 0 else { return maximum }
        let first = min(1, Double(cpu) / Double(allCPU))
        let second = min(1, Double(memory) / Double(allMemory))
        return Int64((1 - abs((first - second) / 2)) * Double(maximum))
    }

    // MARK: Taints and affinity

    /// As upstream's `DefaultNormalizeScore`: the largest becomes 100, or, reversed, 0.
    static func normalize(_ raw: [Int64], reversed: Bool) -> [Int64] {
        let largest = raw.max() ?? 0
        guard largest > 0 else { return reversed ? raw.map { _ in maximum } : raw }
        return raw.map { reversed ? maximum - maximum * $0 / largest : maximum * $0 / largest }
    }

    private func addTaintScores(to totals: inout [Int64], _ slots: [Int], _ question: PodQuestion) {
        guard question.unwanted.contains(where: { $0 > 0 }) else { return }
        let scores = Self.normalize(slots.map { question.unwanted[taintSet[$0]] }, reversed: true)
        for position in totals.indices { totals[position] += Self.taintWeight * scores[position] }
    }

    private func addAffinityScores(to totals: inout [Int64], _ slots: [Int], _ pod: PodInfo) {
        guard !pod.preferredNodes.isEmpty else { return }
        let raw = slots.map { slot in
            pod.preferredNodes.reduce(Int64(0)) { sum, preferred in
                preferred.term.matches(name: info[slot].name, labels: info[slot].labels)
                    ? sum + Int64(preferred.weight) : sum
            }
        }
        let scores = Self.normalize(raw, reversed: false)
        for position in totals.indices { totals[position] += Self.affinityWeight * scores[position] }
    }

    // MARK: Spreading

    private static let hostname = "kubernetes.io/hostname"

    private mutating func addSpreadScores(
        to totals: inout [Int64], _ slots: [Int], _ question: PodQuestion, services: [[String: String]]
    ) {
        let pod = question.pod
        let scores: [Int64?]
        if !pod.softSpread.isEmpty {
            scores = ownSpread(slots, question)
        } else if let group = Self.defaultGroup(of: pod, services: services), pod.hardSpread.isEmpty {
            scores = defaultSpread(slots, question, group)
        } else {
            return
        }
        let known = scores.compactMap { $0 }
        let lowest = known.min() ?? 0
        let highest = known.max() ?? 0
        for (position, score) in scores.enumerated() {
            guard let score else { continue }
            let normalized = highest == 0 ? Self.maximum : Self.maximum * (highest + lowest - score) / highest
            totals[position] += Self.spreadWeight * normalized
        }
    }

    /// The pods that a pod is kept away from when it does not say: those of its controller, else of its services.
    static func defaultGroup(of pod: PodInfo, services: [[String: String]]) -> SpreadGroup? {
        if let owner = pod.owner { return SpreadGroup(namespace: pod.key.namespace, members: .owned(by: owner)) }
        var labels: [String: String] = [:]
        for selector in services where !selector.isEmpty && selector.allSatisfy({ pod.labels[$0.key] == $0.value }) {
            labels.merge(selector) { $1 }
        }
        guard !labels.isEmpty else { return nil }
        return SpreadGroup(namespace: pod.key.namespace, members: .matching(LabelMatcher(matchLabels: labels)))
    }

    /// The system's default constraints: by hostname with a skew of 3, by zone with one of 5. Lower is better.
    private mutating func defaultSpread(_ slots: [Int], _ question: PodQuestion, _ group: SpreadGroup) -> [Int64?] {
        let bySlot = counts(of: group)
        var byZone = [Int](repeating: 0, count: zoneCount)
        var zonesSeen = Set<Int>()
        for slot in slots { zonesSeen.insert(zone[slot]) }
        if zoneCount > 1 {
            let restricted = !question.pod.nodeRequirement.isEmpty
            for slot in order where bySlot[slot] > 0 {
                if restricted,
                    !question.pod.nodeRequirement.matches(name: info[slot].name, labels: info[slot].labels)
                {
                    continue
                }
                byZone[zone[slot]] += Int(bySlot[slot])
            }
        }
        let hostWeight = log(Double(slots.count + 2))
        let zoneWeight = log(Double(zonesSeen.count + 2))
        return slots.map { slot in
            var score = Double(bySlot[slot]) * hostWeight + 2
            // Nodes without a zone are not in one together.
            if zone[slot] != 0 { score += Double(byZone[zone[slot]]) * zoneWeight + 4 }
            return Int64(score.rounded())
        }
    }

    /// The pod's own constraints. Nil for nodes that lack one of the labels.
    private mutating func ownSpread(_ slots: [Int], _ question: PodQuestion) -> [Int64?] {
        let pod = question.pod
        func complete(_ labels: [String: String]) -> Bool {
            pod.softSpread.allSatisfy { labels[$0.topologyKey] != nil }
        }
        let eligible = slots.map { complete(info[$0].labels) }
        var sums = [Double](repeating: 0, count: slots.count)
        for constraint in pod.softSpread {
            let bySlot = counts(of: SpreadGroup(namespace: pod.key.namespace, members: .matching(constraint.selector)))
            var domains: [String: Int] = [:]
            var size = 0
            if constraint.topologyKey == Self.hostname {
                size = eligible.count { $0 }
            } else {
                for (position, slot) in slots.enumerated() where eligible[position] {
                    domains[info[slot].labels[constraint.topologyKey] ?? ""] = 0
                }
                size = domains.count
                for slot in order where bySlot[slot] > 0 {
                    let labels = info[slot].labels
                    guard complete(labels), let value = labels[constraint.topologyKey], let count = domains[value],
                        admits(slot, constraint, question)
                    else { continue }
                    domains[value] = count + Int(bySlot[slot])
                }
            }
            let weight = log(Double(size + 2))
            for (position, slot) in slots.enumerated() where eligible[position] {
                let count =
                    constraint.topologyKey == Self.hostname
                    ? Int(bySlot[slot]) : domains[info[slot].labels[constraint.topologyKey] ?? ""] ?? 0
                sums[position] += Double(count) * weight + Double(constraint.maxSkew - 1)
            }
        }
        return slots.indices.map { eligible[$0] ? Int64(sums[$0].rounded()) : nil }
    }
}
