import Glibc
import KubeTypes

/// The scores: which of the nodes that can take a pod is best. Each plugin gives 0 to 100, weighted as the profile says.
extension Snapshot {
    private static let maximum: Int64 = 100

    /// A score for each of the slots.
    mutating func scores(
        of slots: [Int], _ question: PodQuestion, _ surroundings: Surroundings
    ) -> [Int64] {
        var totals = [Int64](repeating: 0, count: slots.count)
        let weights = question.profile.weights
        addFitScores(to: &totals, slots, question, weights[.nodeResourcesFit] ?? 0)
        addBalanceScores(to: &totals, slots, question, weights[.nodeResourcesBalancedAllocation] ?? 0)
        if let weight = weights[.taintToleration] { addTaintScores(to: &totals, slots, question, weight) }
        if let weight = weights[.nodeAffinity] { addAffinityScores(to: &totals, slots, question, weight) }
        if let weight = weights[.imageLocality] { addImageScores(to: &totals, slots, question.pod, weight) }
        if let weight = weights[.podTopologySpread] {
            addSpreadScores(to: &totals, slots, question, surroundings, weight)
        }
        if let weight = weights[.interPodAffinity] {
            addPodAffinityScores(to: &totals, slots, question, surroundings, weight)
        }
        if let devices = question.devices, devices.hasAlternatives, let weight = weights[.dynamicResources] {
            addDeviceScores(to: &totals, slots, devices, weight)
        }
        return totals
    }

    // MARK: Resources

    private func addFitScores(
        to totals: inout [Int64], _ slots: [Int], _ question: PodQuestion, _ weight: Int64
    ) {
        guard weight > 0 else { return }
        let pod = question.pod
        let strategy = question.profile.fit
        if strategy.isDefault {
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
                if count > 0 { totals[position] += weight * (sum / count) }
            }
            return
        }
        let isCurve = strategy.kind == .requestedToCapacityRatio
        for (position, slot) in slots.enumerated() {
            var sum: Int64 = 0
            var all: Int64 = 0
            for resource in strategy.resources {
                guard let (used, allocatable) = amounts(of: resource.name, slot, pod, nonZero: true) else { continue }
                let score = strategy.score(requested: used, of: allocatable)
                // Upstream's curve leaves out what scores nothing.
                if isCurve, score <= 0 { continue }
                sum += score * resource.weight
                all += resource.weight
            }
            guard all > 0 else { continue }
            totals[position] += weight * (isCurve ? Int64((Double(sum) / Double(all)).rounded()) : sum / all)
        }
    }

    /// What would be used of a resource with the pod there, and what there is; nil if it does not count.
    private func amounts(
        of name: String, _ slot: Int, _ pod: PodInfo, nonZero: Bool
    ) -> (used: Int64, allocatable: Int64)? {
        let amounts: (Int64, Int64)
        switch name {
        case "cpu":
            amounts = (
                nonZero ? nonZeroCPU[slot] + pod.nonZero.milliCPU : usedCPU[slot] + pod.requests.milliCPU,
                allocatableCPU[slot]
            )
        case "memory":
            amounts = (
                nonZero ? nonZeroMemory[slot] + pod.nonZero.memory : usedMemory[slot] + pod.requests.memory,
                allocatableMemory[slot]
            )
        case "ephemeral-storage":
            amounts = (usedStorage[slot] + pod.requests.ephemeralStorage, allocatableStorage[slot])
        default:
            guard let request = pod.requests.scalars[name], request > 0 else { return nil }
            amounts = ((info[slot].usedScalars[name] ?? 0) + request, info[slot].scalars[name] ?? 0)
        }
        return amounts.1 > 0 ? amounts : nil
    }

    private func addBalanceScores(
        to totals: inout [Int64], _ slots: [Int], _ question: PodQuestion, _ weight: Int64
    ) {
        let pod = question.pod
        let names = question.profile.balanced
        // A pod that asks for nothing does not change the balance: upstream leaves the score out.
        guard weight > 0, names.contains(where: { pod.requests.amount(of: $0) > 0 }) else { return }
        let half = Self.maximum / 2
        if names == ["cpu", "memory"] {
            for (position, slot) in slots.enumerated() {
                let cpu = allocatableCPU[slot]
                let memory = allocatableMemory[slot]
                let after = Self.balance(
                    usedCPU[slot] + pod.requests.milliCPU, of: cpu, usedMemory[slot] + pod.requests.memory, of: memory)
                let before = Self.balance(usedCPU[slot], of: cpu, usedMemory[slot], of: memory)
                totals[position] += weight * (half + (half + after - before) / 2)
            }
            return
        }
        for (position, slot) in slots.enumerated() {
            var before: [Double] = []
            var after: [Double] = []
            for name in names {
                guard let (used, all) = amounts(of: name, slot, pod, nonZero: false) else { continue }
                after.append(min(1, Double(used) / Double(all)))
                before.append(min(1, Double(used - pod.requests.amount(of: name)) / Double(all)))
            }
            totals[position] += weight * (half + (half + Self.balance(after) - Self.balance(before)) / 2)
        }
    }

    static func leastAllocated(_ requested: Int64, of capacity: Int64) -> Int64 {
        guard capacity > 0, requested <= capacity else { return 0 }
        return FitStrategy.share(capacity - requested, of: capacity)
    }

    static func balance(_ cpu: Int64, of allCPU: Int64, _ memory: Int64, of allMemory: Int64) -> Int64 {
        guard allCPU > 0, allMemory > 0 else { return maximum }
        let first = min(1, Double(cpu) / Double(allCPU))
        let second = min(1, Double(memory) / Double(allMemory))
        return Int64((1 - abs((first - second) / 2)) * Double(maximum))
    }

    /// 100 less the deviation of the shares from their mean.
    static func balance(_ shares: [Double]) -> Int64 {
        let mean = shares.reduce(0, +) / Double(max(1, shares.count))
        let variance = shares.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(max(1, shares.count))
        return Int64((1 - variance.squareRoot()) * Double(maximum))
    }

    // MARK: Taints and affinity

    /// As upstream's `DefaultNormalizeScore`: the largest becomes 100, or, reversed, 0.
    static func normalize(_ raw: [Int64], reversed: Bool) -> [Int64] {
        let largest = raw.max() ?? 0
        guard largest > 0 else { return reversed ? raw.map { _ in maximum } : raw }
        return raw.map { reversed ? maximum - maximum * $0 / largest : maximum * $0 / largest }
    }

    private func addTaintScores(
        to totals: inout [Int64], _ slots: [Int], _ question: PodQuestion, _ weight: Int64
    ) {
        guard question.unwanted.contains(where: { $0 > 0 }) else { return }
        let scores = Self.normalize(slots.map { question.unwanted[taintSet[$0]] }, reversed: true)
        for position in totals.indices { totals[position] += weight * scores[position] }
    }

    private func addAffinityScores(
        to totals: inout [Int64], _ slots: [Int], _ question: PodQuestion, _ weight: Int64
    ) {
        let preferred =
            question.pod.preferredNodes + question.profile.addedPreferred.map { (weight: $0.weight, term: $0.term) }
        guard !preferred.isEmpty else { return }
        let raw = slots.map { slot in
            preferred.reduce(Int64(0)) { sum, preferred in
                preferred.term.matches(name: info[slot].name, labels: info[slot].labels)
                    ? sum + Int64(preferred.weight) : sum
            }
        }
        let scores = Self.normalize(raw, reversed: false)
        for position in totals.indices { totals[position] += weight * scores[position] }
    }

    // MARK: Images

    /// Below this many bytes an image is as good as absent; above so many for each container it gets no better.
    private static let leastImageSize: Int64 = 23 << 20
    private static let mostImageSize: Int64 = 1000 << 20

    private func addImageScores(to totals: inout [Int64], _ slots: [Int], _ pod: PodInfo, _ weight: Int64) {
        let present = pod.images.filter { imageNodes[$0] != nil }
        guard !present.isEmpty else { return }
        let nodes = Double(max(1, nodeCount))
        let most = Self.mostImageSize * Int64(max(1, pod.containerCount))
        for (position, slot) in slots.enumerated() {
            var sum: Int64 = 0
            for image in present {
                guard let size = info[slot].images[image] else { continue }
                // What is on a few nodes only shall not draw everything there.
                sum += Int64(Double(size) * (Double(imageNodes[image] ?? 0) / nodes))
            }
            let size = max(Self.leastImageSize, min(most, sum))
            totals[position] +=
                weight * (Self.maximum * (size - Self.leastImageSize) / (most - Self.leastImageSize))
        }
    }

    // MARK: Spreading

    /// The system's own default constraints.
    private static let systemSpread = [
        SpreadConstraint.DefaultConstraint(maxSkew: 3, topologyKey: hostname, isHard: false),
        SpreadConstraint.DefaultConstraint(maxSkew: 5, topologyKey: zoneLabel, isHard: false),
    ]

    private mutating func addSpreadScores(
        to totals: inout [Int64], _ slots: [Int], _ question: PodQuestion, _ surroundings: Surroundings,
        _ weight: Int64
    ) {
        let pod = question.pod
        var constraints = pod.softSpread
        var needsAllLabels = true
        if constraints.isEmpty {
            guard pod.hardSpread.isEmpty else { return }
            let defaults = question.profile.defaultSpread?.filter { !$0.isHard }
            needsAllLabels = defaults != nil
            constraints = defaultConstraints(defaults ?? Self.systemSpread, pod, surroundings)
        }
        guard !constraints.isEmpty else { return }
        let scores = spreadScores(of: slots, constraints, question, needsAllLabels: needsAllLabels)
        let known = scores.compactMap { $0 }
        let lowest = known.min() ?? 0
        let highest = known.max() ?? 0
        for (position, score) in scores.enumerated() {
            guard let score else { continue }
            let normalized = highest == 0 ? Self.maximum : Self.maximum * (highest + lowest - score) / highest
            totals[position] += weight * normalized
        }
    }

    /// How full the pod's domains are on each slot; lower is better, nil is a node that lacks a label it needs.
    private mutating func spreadScores(
        of slots: [Int], _ constraints: [SpreadConstraint], _ question: PodQuestion, needsAllLabels: Bool
    ) -> [Int64?] {
        let columns = constraints.map { topology($0.topologyKey) }
        let domains = columns.map { topologies.columns[$0].bySlot }
        let needed = needsAllLabels ? domains : []
        let eligible = slots.map { slot in needed.allSatisfy { $0[slot] >= 0 } }
        let eligibleCount = eligible.count { $0 }
        var sums = [Double](repeating: 0, count: slots.count)
        for (number, constraint) in constraints.enumerated() {
            let bySlot = counts(of: constraint.set)
            let own = domains[number]
            let slack = Double(constraint.maxSkew - 1)
            if constraint.topologyKey == Self.hostname {
                let weight = log(Double(eligibleCount + 2))
                for (position, slot) in slots.enumerated() where eligible[position] && own[slot] >= 0 {
                    sums[position] += Double(bySlot[slot]) * weight + slack
                }
                continue
            }
            // Only the domains of nodes that are to be scored matter. Upstream takes nodes without the label, where they
            // are let through, for a domain of their own.
            var seen = [Bool](repeating: false, count: topologies.columns[columns[number]].valueCount)
            var size = 0
            var unlabelled = false
            for (position, slot) in slots.enumerated() where eligible[position] {
                let domain = own[slot]
                if domain < 0 {
                    unlabelled = true
                } else if !seen[Int(domain)] {
                    seen[Int(domain)] = true
                    size += 1
                }
            }
            if unlabelled { size += 1 }
            guard size > (unlabelled ? 1 : 0) else { continue }
            let counting = counting(constraint, question, complete: needed)
            var counts = [Int](repeating: 0, count: seen.count)
            for slot in order where bySlot[slot] > 0 && counting[slot] && own[slot] >= 0 {
                counts[Int(own[slot])] += Int(bySlot[slot])
            }
            let weight = log(Double(size + 2))
            for (position, slot) in slots.enumerated() where eligible[position] && own[slot] >= 0 {
                sums[position] += Double(counts[Int(own[slot])]) * weight + slack
            }
        }
        return slots.indices.map { eligible[$0] ? Int64(sums[$0].rounded()) : nil }
    }

    // MARK: Pods near

    private mutating func addPodAffinityScores(
        to totals: inout [Int64], _ slots: [Int], _ question: PodQuestion, _ surroundings: Surroundings,
        _ weight: Int64
    ) {
        let pod = question.pod
        let hasOwn = !pod.affinity.preferred.isEmpty
        let asksOthers = terms.scoredPods > 0 && (hasOwn || !question.profile.ignoresPreferredTermsOfExistingPods)
        guard hasOwn || asksOthers else { return }
        var sums = [Int64](repeating: 0, count: slots.count)
        var byColumn: [Int: [Int64]] = [:]
        func add(_ bySlot: [Int32], _ column: Int, _ factor: Int64) {
            let domains = topologies.columns[column].bySlot
            var counts = byColumn[column] ?? Array(repeating: 0, count: topologies.columns[column].valueCount)
            byColumn[column] = nil
            for slot in order where bySlot[slot] != 0 && domains[slot] >= 0 {
                counts[Int(domains[slot])] += Int64(bySlot[slot]) * factor
            }
            byColumn[column] = counts
        }
        for (term, termWeight) in pod.affinity.preferred {
            let set = PodSet(conditions: [
                .init(namespaces: term.resolve(surroundings.namespaces), selector: term.selector)
            ])
            let bySlot = counts(of: set)
            let column = topology(term.topologyKey)
            add(bySlot, column, Int64(termWeight))
        }
        if asksOthers {
            let labels = surroundings.namespaces[pod.key.namespace] ?? [:]
            let hardWeight = Int64(question.profile.hardPodAffinityWeight)
            for position in terms.counted.indices {
                let counted = terms.counted[position]
                guard counted.pods > 0, counted.key.kind != .requiredAnti,
                    counted.key.term.matches(pod, namespaceLabels: labels)
                else { continue }
                let factor = counted.key.kind == .required ? hardWeight : 1
                guard factor != 0 else { continue }
                let column = topology(counted.key.term.topologyKey)
                add(counted.bySlot, column, factor)
            }
        }
        guard !byColumn.isEmpty else { return }
        for (column, counts) in byColumn {
            let domains = topologies.columns[column].bySlot
            for (position, slot) in slots.enumerated() where domains[slot] >= 0 {
                sums[position] += counts[Int(domains[slot])]
            }
        }
        let lowest = sums.min() ?? 0
        let span = (sums.max() ?? 0) - lowest
        guard span > 0 else { return }
        for position in totals.indices {
            totals[position] +=
                weight * Int64(Double(Self.maximum) * (Double(sums[position] - lowest) / Double(span)))
        }
    }
}
