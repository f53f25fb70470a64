import KubeTypes

/// What is worked out about a pod once, before nodes are asked. Preemption changes the counts as it takes pods away and
/// puts them back.
struct PodQuestion: Sendable {
    let pod: PodInfo
    let profile: Profile
    /// By taint set: whether one of its taints is not tolerated, and how many that only make a node less wanted.
    var untolerated: [Bool] = []
    var unwanted: [Int64] = []
    /// By taint set: whether `spec.unschedulable` keeps the pod out.
    var unschedulable: [Bool] = []
    /// By slot: whether the pod's own selector and affinity admit the node; nil for a pod that has none.
    var admitted: [Bool]?
    var addedAffinity: [Bool]?
    var requests: Resources
    var hardSpread: [HardSpread] = []
    var affinity = Affinity()
    var volumes: VolumeQuestion?
    var devices: DeviceQuestion?
    /// Resources that nodes without them may have as devices, and the class of each.
    var deviceBacked: [String: String] = [:]
    /// A claim for these that an attempt of old has left.
    var leftover: ObjectKey?
    /// What is wrong with the pod itself, and who says so.
    var refusal: (plugin: Plugin, message: String)?

    struct HardSpread: Sendable {
        let constraint: SpreadConstraint
        /// By slot: the node's domain, or -1.
        let domains: [Int32]
        /// By slot: whether the node's pods count.
        let counting: [Bool]
        /// The pods of each domain; nil for one without a node that counts.
        var counts: [Int32?]
        /// What a domain may hold for the pod to go there.
        var most = 0

        mutating func findMost() {
            var lowest = Int32.max
            var found = 0
            for case .some(let count) in counts {
                found += 1
                if count < lowest { lowest = count }
            }
            let minimum = found < constraint.minDomains || found == 0 ? 0 : Int(lowest)
            most = constraint.maxSkew + minimum - (constraint.countsItself ? 1 : 0)
        }
    }

    /// How many pods matter in each domain of a label.
    struct DomainCounts: Sendable {
        let domains: [Int32]
        var counts: [Int32]
    }

    struct Affinity: Sendable {
        /// Pods that meet all the terms, by each term's label.
        var near: [DomainCounts] = []
        /// How many there are in all, counted once for each term and domain.
        var nearTotal = 0
        var isItsOwnCompany = false
        /// Pods that the pod is to keep away from, a term each.
        var away: [DomainCounts] = []
        /// Pods that keep it away, by label.
        var keptAway: [DomainCounts] = []
        /// Those terms of other pods that mean it.
        var terms: [(key: AffinityTerm, keptAway: Int)] = []
        var set = PodSet()
        var awaySets: [PodSet] = []
        var isEmpty: Bool { near.isEmpty && away.isEmpty && keptAway.isEmpty }
    }
}

/// What of the cluster matters to a pod beside nodes and pods.
struct Surroundings: Sendable {
    /// The labels of the namespaces, by name.
    var namespaces: [String: [String: String]] = [:]
    /// Selectors of the services, by namespace and name.
    var services: [String: [String: [String: String]]] = [:]
    var volumes = VolumeState()
    var devices = DeviceState()
    /// For what has a deadline in the API's time, and for what needs new names: set before a decision about a pod with
    /// claims.
    var now = Time(seconds: 0)
    var deviceSeed: UInt64 = 0
    var budgets: [ObjectKey: DisruptionBudget] = [:]
}

extension Snapshot {
    mutating func question(
        about pod: PodInfo, _ profile: Profile = Profile(), _ surroundings: Surroundings = Surroundings()
    ) -> PodQuestion {
        var question = PodQuestion(pod: pod, profile: profile, requests: pod.requests)
        if !profile.ignoredResources.isEmpty || !profile.ignoredResourceGroups.isEmpty {
            question.requests.scalars = pod.requests.scalars.filter { name, _ in
                !profile.ignoredResources.contains(name)
                    && !profile.ignoredResourceGroups.contains(String(name.prefix { $0 != "/" }))
            }
        }
        let hardTolerations = pod.tolerations
        // As upstream: a toleration with an effect says nothing about taints of another.
        let softTolerations = pod.tolerations.filter { $0.effect.isEmpty || $0.effect == "PreferNoSchedule" }
        let toleratesUnschedulable = pod.tolerations.tolerate(.unschedulable)
        question.untolerated.reserveCapacity(taintSets.count)
        for set in taintSets {
            question.untolerated.append(set.taints.contains { $0.isHard && !hardTolerations.tolerate($0) })
            question.unwanted.append(
                Int64(set.taints.count { $0.effect == "PreferNoSchedule" && !softTolerations.tolerate($0) }))
            question.unschedulable.append(set.unschedulable && !toleratesUnschedulable)
        }
        // What names its nodes is asked of these alone, and mostly once.
        if !pod.nodeRequirement.isEmpty, pod.nodeRequirement.names == nil {
            question.admitted = admitted(by: pod.nodeRequirement)
        }
        if !profile.addedAffinity.isEmpty { question.addedAffinity = admitted(by: profile.addedAffinity) }
        if profile.filters.contains(.podTopologySpread) { countHardSpread(&question, surroundings) }
        if profile.filters.contains(.interPodAffinity) { countAffinity(&question, surroundings) }
        if !pod.volumes.isEmpty { askForVolumes(&question, surroundings) }
        let hasExtended = !pod.extended.isEmpty && surroundings.devices.mayBack(pod.extended)
        if !pod.claims.isEmpty || hasExtended, question.refusal == nil, profile.filters.contains(.dynamicResources) {
            askForDevices(&question, surroundings)
        }
        return question
    }

    /// Whether the pod's selector and affinity admit a node.
    func admits(_ slot: Int, _ question: PodQuestion) -> Bool {
        if let admitted = question.admitted { return admitted[slot] }
        return question.pod.nodeRequirement.isEmpty
            || question.pod.nodeRequirement.matches(name: info[slot].name, labels: info[slot].labels)
    }

    /// By slot: whether a node counts for a constraint (KEP-3094), and has the labels of all of them.
    func counting(
        _ constraint: SpreadConstraint, _ question: PodQuestion, complete: [[Int32]]
    ) -> [Bool] {
        var counting = [Bool](repeating: false, count: slotCount)
        let restricted = constraint.honorsAffinity && !question.pod.nodeRequirement.isEmpty
        slots: for slot in order {
            for domains in complete where domains[slot] < 0 { continue slots }
            if restricted, !admits(slot, question) { continue }
            if constraint.honorsTaints, question.untolerated[taintSet[slot]] { continue }
            counting[slot] = true
        }
        return counting
    }

    /// Counts the domains of constraints that must be met, over the nodes that count for the pod.
    private mutating func countHardSpread(_ question: inout PodQuestion, _ surroundings: Surroundings) {
        let pod = question.pod
        var constraints = pod.hardSpread
        if constraints.isEmpty, pod.softSpread.isEmpty, let defaults = question.profile.defaultSpread {
            constraints = defaultConstraints(defaults.filter(\.isHard), pod, surroundings)
        }
        guard !constraints.isEmpty else { return }
        let columns = constraints.map { topology($0.topologyKey) }
        let complete = columns.map { topologies.columns[$0].bySlot }
        for (position, constraint) in constraints.enumerated() {
            let domains = complete[position]
            let bySlot = counts(of: constraint.set)
            let counting = counting(constraint, question, complete: complete)
            var counts = [Int32?](repeating: nil, count: topologies.columns[columns[position]].valueCount)
            for slot in order where counting[slot] {
                let domain = Int(domains[slot])
                counts[domain] = (counts[domain] ?? 0) + bySlot[slot]
            }
            var spread = PodQuestion.HardSpread(
                constraint: constraint, domains: domains, counting: counting, counts: counts)
            spread.findMost()
            question.hardSpread.append(spread)
        }
    }

    /// A profile's default constraints over the pods that a pod is kept away from when it does not say.
    func defaultConstraints(
        _ defaults: [SpreadConstraint.DefaultConstraint], _ pod: PodInfo, _ surroundings: Surroundings
    ) -> [SpreadConstraint] {
        guard !defaults.isEmpty, let set = Self.defaultSet(of: pod, surroundings) else { return [] }
        return defaults.map { SpreadConstraint($0, set: set) }
    }

    /// The pods of a pod's controller, else of its services.
    static func defaultSet(of pod: PodInfo, _ surroundings: Surroundings) -> PodSet? {
        if let owner = pod.owner { return .owned(by: owner, namespace: pod.key.namespace) }
        var labels: [String: String] = [:]
        for selector in (surroundings.services[pod.key.namespace] ?? [:]).values
        where !selector.isEmpty && selector.allSatisfy({ pod.labels[$0.key] == $0.value }) {
            labels.merge(selector) { $1 }
        }
        return labels.isEmpty
            ? nil : .spread(LabelMatcher(matchLabels: labels), namespace: pod.key.namespace)
    }

    /// Counts the pods near which the pod must be, from which it must keep away, and which keep it away.
    private mutating func countAffinity(_ question: inout PodQuestion, _ surroundings: Surroundings) {
        let pod = question.pod
        if terms.antiPods > 0 {
            let labels = surroundings.namespaces[pod.key.namespace] ?? [:]
            var byColumn: [Int: Int] = [:]
            for position in terms.counted.indices {
                let counted = terms.counted[position]
                guard counted.key.kind == .requiredAnti, counted.pods > 0,
                    counted.key.term.matches(pod, namespaceLabels: labels)
                else { continue }
                let column = topology(counted.key.term.topologyKey)
                let place = byColumn[column] ?? question.affinity.keptAway.count
                if byColumn[column] == nil {
                    byColumn[column] = place
                    question.affinity.keptAway.append(emptyCounts(column))
                }
                add(counted.bySlot, to: &question.affinity.keptAway[place])
                question.affinity.terms.append((counted.key.term, place))
            }
        }
        if !pod.affinity.required.isEmpty {
            question.affinity.set = PodSet(
                conditions: pod.affinity.required.map {
                    .init(namespaces: $0.resolve(surroundings.namespaces), selector: $0.selector)
                })
            let bySlot = counts(of: question.affinity.set)
            for term in pod.affinity.required {
                let column = topology(term.topologyKey)
                var counts = emptyCounts(column)
                question.affinity.nearTotal += add(bySlot, to: &counts)
                question.affinity.near.append(counts)
            }
            question.affinity.isItsOwnCompany = question.affinity.set.contains(pod)
        }
        for term in pod.affinity.requiredAnti {
            let set = PodSet(conditions: [
                .init(namespaces: term.resolve(surroundings.namespaces), selector: term.selector)
            ])
            let bySlot = counts(of: set)
            let column = topology(term.topologyKey)
            var counts = emptyCounts(column)
            add(bySlot, to: &counts)
            question.affinity.away.append(counts)
            question.affinity.awaySets.append(set)
        }
    }

    func emptyCounts(_ column: Int) -> PodQuestion.DomainCounts {
        .init(
            domains: topologies.columns[column].bySlot,
            counts: Array(repeating: 0, count: topologies.columns[column].valueCount))
    }

    /// Adds what is counted by slot to the domains. The number of pods that are in a domain.
    @discardableResult
    func add(_ bySlot: [Int32], to counts: inout PodQuestion.DomainCounts) -> Int {
        var total = 0
        for slot in order {
            let count = bySlot[slot]
            guard count != 0 else { continue }
            let domain = counts.domains[slot]
            guard domain >= 0 else { continue }
            counts.counts[Int(domain)] += count
            total += Int(count)
        }
        return total
    }
}

extension PodQuestion {
    /// Counts a pod on a node once more, or once less, without the snapshot's knowing.
    mutating func count(_ other: PodInfo, in slot: Int, sign: Int32) {
        for index in hardSpread.indices where hardSpread[index].counting[slot] {
            guard hardSpread[index].constraint.set.contains(other) else { continue }
            let domain = Int(hardSpread[index].domains[slot])
            hardSpread[index].counts[domain] = (hardSpread[index].counts[domain] ?? 0) + sign
            hardSpread[index].findMost()
        }
        guard !affinity.isEmpty || !other.affinity.requiredAnti.isEmpty else { return }
        if !affinity.near.isEmpty, affinity.set.contains(other) {
            for index in affinity.near.indices where Self.add(&affinity.near[index], slot, sign) {
                affinity.nearTotal += Int(sign)
            }
        }
        for index in affinity.away.indices where affinity.awaySets[index].contains(other) {
            _ = Self.add(&affinity.away[index], slot, sign)
        }
        for term in other.affinity.requiredAnti {
            for (own, place) in affinity.terms where own == term {
                _ = Self.add(&affinity.keptAway[place], slot, sign)
            }
        }
    }

    private static func add(_ counts: inout DomainCounts, _ slot: Int, _ sign: Int32) -> Bool {
        let domain = counts.domains[slot]
        guard domain >= 0 else { return false }
        counts.counts[Int(domain)] += sign
        return true
    }
}
