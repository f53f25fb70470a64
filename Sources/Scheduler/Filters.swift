import KubeTypes

/// What is worked out about a pod once, before nodes are asked.
struct PodQuestion: Sendable {
    let pod: PodInfo
    /// By taint set: whether one of its taints is not tolerated, and how many that only make a node less wanted.
    var untolerated: [Bool]
    var unwanted: [Int64]
    /// By taint set: whether `spec.unschedulable` keeps the pod out.
    var unschedulable: [Bool]
    var hardSpread: [HardSpread] = []

    struct HardSpread: Sendable {
        let constraint: SpreadConstraint
        /// The pods of each domain.
        var counts: [String: Int]
        var minimum: Int
        let countsItself: Bool
    }
}

/// The filters: whether a node can take a pod.
extension Snapshot {
    mutating func question(about pod: PodInfo) -> PodQuestion {
        let hardTolerations = pod.tolerations
        // As upstream: a toleration with an effect says nothing about taints of another.
        let softTolerations = pod.tolerations.filter { $0.effect.isEmpty || $0.effect == "PreferNoSchedule" }
        let toleratesUnschedulable = pod.tolerations.tolerate(.unschedulable)
        var question = PodQuestion(pod: pod, untolerated: [], unwanted: [], unschedulable: [])
        question.untolerated.reserveCapacity(taintSets.count)
        for set in taintSets {
            question.untolerated.append(set.taints.contains { $0.isHard && !hardTolerations.tolerate($0) })
            question.unwanted.append(
                Int64(set.taints.count { $0.effect == "PreferNoSchedule" && !softTolerations.tolerate($0) }))
            question.unschedulable.append(set.unschedulable && !toleratesUnschedulable)
        }
        if !pod.hardSpread.isEmpty { countHardSpread(&question) }
        return question
    }

    /// Counts the domains of constraints that must be met, over the nodes that count for the pod.
    private mutating func countHardSpread(_ question: inout PodQuestion) {
        let pod = question.pod
        for constraint in pod.hardSpread {
            let bySlot = counts(of: SpreadGroup(namespace: pod.key.namespace, members: .matching(constraint.selector)))
            var counts: [String: Int] = [:]
            for slot in order {
                let labels = info[slot].labels
                guard let value = labels[constraint.topologyKey],
                    pod.hardSpread.allSatisfy({ labels[$0.topologyKey] != nil }),
                    admits(slot, constraint, question)
                else { continue }
                counts[value, default: 0] += Int(bySlot[slot])
            }
            let minimum = counts.count < constraint.minDomains ? 0 : counts.values.min() ?? 0
            question.hardSpread.append(
                .init(
                    constraint: constraint, counts: counts, minimum: minimum,
                    countsItself: constraint.selector.matches(pod.labels)))
        }
    }

    /// Whether a node counts for a constraint (KEP-3094).
    func admits(_ slot: Int, _ constraint: SpreadConstraint, _ question: PodQuestion) -> Bool {
        if constraint.honorsAffinity, !question.pod.nodeRequirement.isEmpty,
            !question.pod.nodeRequirement.matches(name: info[slot].name, labels: info[slot].labels)
        {
            return false
        }
        return !(constraint.honorsTaints && question.untolerated[taintSet[slot]])
    }

    /// Nil if the node in the slot can take the pod; else the first thing against it.
    func refusal(of slot: Int, _ question: PodQuestion) -> Refusal? {
        let pod = question.pod
        let set = taintSet[slot]
        if question.unschedulable[set] { return .unschedulable }
        if !pod.nodeName.isEmpty, pod.nodeName != info[slot].name { return .nodeName }
        if question.untolerated[set] { return .taint }
        if !pod.nodeRequirement.isEmpty,
            !pod.nodeRequirement.matches(name: info[slot].name, labels: info[slot].labels)
        {
            return .affinity
        }
        if !pod.ports.isEmpty {
            let used = info[slot].usedPorts
            if pod.ports.contains(where: { port in used.contains { $0.conflicts(with: port) } }) { return .ports }
        }
        if let refusal = lack(of: pod.requests, in: slot) { return refusal }
        for spread in question.hardSpread {
            guard let value = info[slot].labels[spread.constraint.topologyKey] else { return .spreadLabel }
            let count = spread.counts[value] ?? 0
            if count + (spread.countsItself ? 1 : 0) - spread.minimum > spread.constraint.maxSkew { return .spread }
        }
        return nil
    }

    private func lack(of requests: Resources, in slot: Int) -> Refusal? {
        // Nearly always everything fits.
        let tooMany = podCount[slot] + 1 > allocatablePods[slot]
        let noCPU = requests.milliCPU > 0 && requests.milliCPU > allocatableCPU[slot] - usedCPU[slot]
        let noMemory = requests.memory > 0 && requests.memory > allocatableMemory[slot] - usedMemory[slot]
        let noStorage =
            requests.ephemeralStorage > 0
            && requests.ephemeralStorage > allocatableStorage[slot] - usedStorage[slot]
        if !tooMany, !noCPU, !noMemory, !noStorage, requests.scalars.isEmpty { return nil }

        var names: [String] = []
        var tooSmall = false
        if tooMany { names.append("pods") }
        if noCPU {
            names.append("cpu")
            if requests.milliCPU > allocatableCPU[slot] { tooSmall = true }
        }
        if noMemory {
            names.append("memory")
            if requests.memory > allocatableMemory[slot] { tooSmall = true }
        }
        if noStorage {
            names.append("ephemeral-storage")
            if requests.ephemeralStorage > allocatableStorage[slot] { tooSmall = true }
        }
        for (name, amount) in requests.scalars where amount > 0 {
            let allocatable = info[slot].scalars[name] ?? 0
            if amount > allocatable - (info[slot].usedScalars[name] ?? 0) {
                names.append(name)
                if amount > allocatable { tooSmall = true }
            }
        }
        return names.isEmpty ? nil : .resources(names, tooSmall: tooSmall)
    }
}
