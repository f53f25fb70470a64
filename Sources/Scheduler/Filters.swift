import KubeTypes

/// What of a node is taken, if it is not what the snapshot says: as preemption imagines it.
struct NodeUse: Sendable {
    var milliCPU: Int64
    var memory: Int64
    var ephemeralStorage: Int64
    var podCount: Int
    var scalars: [String: Int64]
    var ports: [HostPort]
    var pods: [ObjectKey: PodInfo]

    mutating func count(_ pod: PodInfo, sign: Int64) {
        milliCPU &+= sign * pod.requests.milliCPU
        memory &+= sign * pod.requests.memory
        ephemeralStorage &+= sign * pod.requests.ephemeralStorage
        podCount += Int(sign)
        for (name, value) in pod.requests.scalars { scalars[name, default: 0] &+= sign * value }
        pods[pod.key] = sign > 0 ? pod : nil
        if !pod.ports.isEmpty { ports = pods.values.flatMap(\.ports) }
    }
}

/// The filters: whether a node can take a pod.
extension Snapshot {
    func use(of slot: Int) -> NodeUse {
        NodeUse(
            milliCPU: usedCPU[slot], memory: usedMemory[slot], ephemeralStorage: usedStorage[slot],
            podCount: podCount[slot], scalars: info[slot].usedScalars, ports: info[slot].usedPorts,
            pods: info[slot].pods)
    }

    /// Nil if the node in the slot can take the pod, with and without the pods that room is being made for there; else
    /// the first thing against it.
    func refusal(of slot: Int, _ question: PodQuestion) -> Refusal? {
        if !nominated.isEmpty, let others = nominated[slot] {
            let important = others.filter {
                $0.priority >= question.pod.priority && $0.key != question.pod.key && placed[$0.key] == nil
            }
            if !important.isEmpty, let refusal = refusal(of: slot, question, use(of: slot), beside: important) {
                return refusal
            }
        }
        return refusal(of: slot, question, nil)
    }

    /// The same for a node that is used otherwise than the snapshot has it.
    func refusal(of slot: Int, _ question: PodQuestion, imagining use: NodeUse) -> Refusal? {
        if !nominated.isEmpty, let others = nominated[slot] {
            let important = others.filter {
                $0.priority >= question.pod.priority && $0.key != question.pod.key && placed[$0.key] == nil
            }
            if !important.isEmpty, let refusal = refusal(of: slot, question, use, beside: important) {
                return refusal
            }
        }
        return refusal(of: slot, question, use)
    }

    private func refusal(
        of slot: Int, _ question: PodQuestion, _ use: NodeUse, beside others: [PodInfo]
    ) -> Refusal? {
        var use = use
        var question = question
        for other in others {
            use.count(other, sign: 1)
            question.count(other, in: slot, sign: 1)
        }
        return refusal(of: slot, question, use)
    }

    private func refusal(of slot: Int, _ question: PodQuestion, _ use: NodeUse?) -> Refusal? {
        let pod = question.pod
        let filters = question.profile.filters
        let set = taintSet[slot]
        if question.unschedulable[set], filters.contains(.nodeUnschedulable) { return .unschedulable }
        if !pod.nodeName.isEmpty, pod.nodeName != info[slot].name, filters.contains(.nodeName) { return .nodeName }
        if question.untolerated[set], filters.contains(.taintToleration) { return .taint }
        if filters.contains(.nodeAffinity) {
            if let added = question.addedAffinity, !added[slot] { return .addedAffinity }
            if !pod.nodeRequirement.isEmpty, !admits(slot, question) { return .affinity }
        }
        if !pod.ports.isEmpty, filters.contains(.nodePorts) {
            let used = use?.ports ?? info[slot].usedPorts
            if pod.ports.contains(where: { port in used.contains { $0.conflicts(with: port) } }) { return .ports }
        }
        if filters.contains(.nodeResourcesFit),
            let refusal = lack(of: question.requests, in: slot, use, question.deviceBacked)
        {
            return refusal
        }
        if let volumes = question.volumes, let refusal = refusal(of: slot, volumes, filters, use) { return refusal }
        // By index: to take an element out would count references for every node.
        for index in question.hardSpread.indices {
            let domain = question.hardSpread[index].domains[slot]
            if domain < 0 { return .spreadLabel }
            let count = Int(question.hardSpread[index].counts[Int(domain)] ?? 0)
            if count > question.hardSpread[index].most { return .spread }
        }
        if !question.affinity.isEmpty, let refusal = affinityRefusal(of: slot, question.affinity) { return refusal }
        // The dearest comes last.
        if let devices = question.devices { return refusal(of: slot, devices) }
        return nil
    }

    private func affinityRefusal(of slot: Int, _ affinity: PodQuestion.Affinity) -> Refusal? {
        var missing = false
        for index in affinity.near.indices {
            let domain = affinity.near[index].domains[slot]
            if domain < 0 { return .podAffinity }
            if affinity.near[index].counts[Int(domain)] <= 0 { missing = true }
        }
        // The first of a group that must be together may go anywhere.
        if missing, affinity.nearTotal > 0 || !affinity.isItsOwnCompany { return .podAffinity }
        for index in affinity.away.indices {
            let domain = affinity.away[index].domains[slot]
            if domain >= 0, affinity.away[index].counts[Int(domain)] > 0 { return .podAntiAffinity }
        }
        for index in affinity.keptAway.indices {
            let domain = affinity.keptAway[index].domains[slot]
            if domain >= 0, affinity.keptAway[index].counts[Int(domain)] > 0 { return .existingAntiAffinity }
        }
        return nil
    }

    /// - Parameter backed: Resources that are no matter of a node's amounts where it has none of them.
    private func lack(
        of requests: Resources, in slot: Int, _ use: NodeUse?, _ backed: [String: String]
    ) -> Refusal? {
        // Nearly always everything fits.
        let tooMany = (use?.podCount ?? podCount[slot]) + 1 > allocatablePods[slot]
        let noCPU =
            requests.milliCPU > 0 && requests.milliCPU > allocatableCPU[slot] - (use?.milliCPU ?? usedCPU[slot])
        let noMemory =
            requests.memory > 0 && requests.memory > allocatableMemory[slot] - (use?.memory ?? usedMemory[slot])
        let noStorage =
            requests.ephemeralStorage > 0
            && requests.ephemeralStorage > allocatableStorage[slot] - (use?.ephemeralStorage ?? usedStorage[slot])
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
            if allocatable == 0, backed[name] != nil { continue }
            if amount > allocatable - ((use?.scalars ?? info[slot].usedScalars)[name] ?? 0) {
                names.append(name)
                if amount > allocatable { tooSmall = true }
            }
        }
        return names.isEmpty ? nil : .resources(names, tooSmall: tooSmall)
    }
}
