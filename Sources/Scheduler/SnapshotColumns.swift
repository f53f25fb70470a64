// What the snapshot keeps by slot beside numbers: label values, which nodes meet a requirement, how many pods of a set
// are where, and how many pods there have a term of affinity. Each is worked out once and then kept current.
import KubeTypes

/// Values of node labels, each key a column of small numbers.
struct Topologies: Sendable {
    struct Column: Sendable {
        let key: String
        /// -1 where the node lacks the label.
        var bySlot: [Int32]
        var values: [String: Int32] = [:]
        var valueCount: Int { values.count }
    }

    private(set) var columns: [Column] = []
    private(set) var index: [String: Int] = [:]

    mutating func add(_ key: String, slots: Int) -> Int {
        columns.append(Column(key: key, bySlot: Array(repeating: -1, count: slots)))
        index[key] = columns.count - 1
        return columns.count - 1
    }

    mutating func addSlot() {
        for index in columns.indices { columns[index].bySlot.append(-1) }
    }

    mutating func set(_ slot: Int, _ labels: [String: String]) {
        for index in columns.indices { set(slot, labels, only: index) }
    }

    mutating func set(_ slot: Int, _ labels: [String: String], only index: Int) {
        guard let value = labels[columns[index].key] else {
            columns[index].bySlot[slot] = -1
            return
        }
        if let known = columns[index].values[value] {
            columns[index].bySlot[slot] = known
            return
        }
        if columns[index].values.count > 64 + 4 * columns[index].bySlot.count { forgetUnused(index) }
        let number = Int32(columns[index].values.count)
        columns[index].values[value] = number
        columns[index].bySlot[slot] = number
    }

    /// Numbers anew the values that some node still has.
    private mutating func forgetUnused(_ index: Int) {
        let used = Set(columns[index].bySlot)
        var renamed: [Int32: Int32] = [:]
        var values: [String: Int32] = [:]
        for (value, number) in columns[index].values where used.contains(number) {
            renamed[number] = Int32(values.count)
            values[value] = Int32(values.count)
        }
        columns[index].values = values
        for slot in columns[index].bySlot.indices {
            columns[index].bySlot[slot] = renamed[columns[index].bySlot[slot]] ?? -1
        }
    }
}

/// Which nodes meet a requirement. Pods of one template ask for the same.
struct RequirementColumns: Sendable {
    private var columns: [NodeRequirement: (bySlot: [Bool], used: Int)] = [:]
    private var clock = 0
    private static let limit = 256

    mutating func known(_ requirement: NodeRequirement) -> [Bool]? {
        clock += 1
        columns[requirement]?.used = clock
        return columns[requirement]?.bySlot
    }

    mutating func insert(_ requirement: NodeRequirement, _ bySlot: [Bool]) {
        if columns.count >= Self.limit {
            let middle = columns.values.map(\.used).sorted()[columns.count / 2]
            columns = columns.filter { $0.value.used > middle }
        }
        columns[requirement] = (bySlot, clock)
    }

    mutating func addSlot() {
        for key in columns.keys { columns[key]?.bySlot.append(false) }
    }

    mutating func set(_ slot: Int, name: String, _ labels: [String: String]) {
        for key in columns.keys { columns[key]?.bySlot[slot] = key.matches(name: name, labels: labels) }
    }
}

/// How many pods of a set are on each node.
struct PodSetCounts: Sendable {
    private struct Counted: Sendable {
        let set: PodSet
        var bySlot: [Int32]
        var used: Int
    }

    private var counted: [Counted] = []
    private var index: [PodSet: Int] = [:]
    /// Which sets may hold pods of a namespace, and which pods of any.
    private var byNamespace: [String: [Int]] = [:]
    private var everywhere: [Int] = []
    private var clock = 0
    private static let limit = 1024

    mutating func known(_ set: PodSet) -> [Int32]? {
        guard let index = index[set] else { return nil }
        clock += 1
        counted[index].used = clock
        return counted[index].bySlot
    }

    mutating func insert(_ set: PodSet, _ bySlot: [Int32]) {
        if counted.count >= Self.limit {
            // Lets go of the half that was asked for longest ago.
            let middle = counted.map(\.used).sorted()[counted.count / 2]
            counted.removeAll { $0.used <= middle }
            index = [:]
            byNamespace = [:]
            everywhere = []
            for position in counted.indices { register(position) }
        }
        clock += 1
        counted.append(Counted(set: set, bySlot: bySlot, used: clock))
        register(counted.count - 1)
    }

    private mutating func register(_ position: Int) {
        index[counted[position].set] = position
        if let namespace = counted[position].set.namespace {
            byNamespace[namespace, default: []].append(position)
        } else {
            everywhere.append(position)
        }
    }

    mutating func addSlot() {
        for position in counted.indices { counted[position].bySlot.append(0) }
    }

    mutating func count(_ pod: PodInfo, in slot: Int, sign: Int32) {
        if !byNamespace.isEmpty, let positions = byNamespace[pod.key.namespace] {
            for position in positions where counted[position].set.contains(pod) {
                counted[position].bySlot[slot] += sign
            }
        }
        for position in everywhere where counted[position].set.contains(pod) {
            counted[position].bySlot[slot] += sign
        }
    }
}

/// How many pods on each node say something about pods near them. Pods of one template say the same.
struct TermCounts: Sendable {
    enum Kind: Sendable, Hashable { case required, requiredAnti, preferred }

    struct Key: Sendable, Hashable {
        let kind: Kind
        let term: AffinityTerm
    }

    struct Counted: Sendable {
        let key: Key
        /// The number of pods; for what they prefer, the sum of the weights.
        var bySlot: [Int32]
        var pods = 0
    }

    private(set) var counted: [Counted] = []
    private var index: [Key: Int] = [:]
    private var slots = 0
    private var unused = 0
    /// How many pods there are with terms of each kind.
    private(set) var antiPods = 0
    private(set) var scoredPods = 0

    mutating func addSlot() {
        slots += 1
        for position in counted.indices { counted[position].bySlot.append(0) }
    }

    mutating func count(_ pod: PodInfo, in slot: Int, sign: Int32) {
        for term in pod.affinity.required { count(Key(kind: .required, term: term), 1, slot, sign) }
        for term in pod.affinity.requiredAnti { count(Key(kind: .requiredAnti, term: term), 1, slot, sign) }
        for (term, weight) in pod.affinity.preferred {
            count(Key(kind: .preferred, term: term), Int32(weight), slot, sign)
        }
        if !pod.affinity.requiredAnti.isEmpty { antiPods += Int(sign) }
        if !pod.affinity.required.isEmpty || !pod.affinity.preferred.isEmpty { scoredPods += Int(sign) }
    }

    private mutating func count(_ key: Key, _ weight: Int32, _ slot: Int, _ sign: Int32) {
        let position: Int
        if let known = index[key] {
            position = known
        } else {
            if unused > 64, unused > counted.count / 2 { forgetUnused() }
            position = counted.count
            counted.append(Counted(key: key, bySlot: Array(repeating: 0, count: slots)))
            index[key] = position
            unused += 1
        }
        if counted[position].pods == 0 { unused -= 1 }
        counted[position].bySlot[slot] += weight * sign
        counted[position].pods += Int(sign)
        if counted[position].pods == 0 { unused += 1 }
    }

    private mutating func forgetUnused() {
        counted.removeAll { $0.pods == 0 }
        unused = 0
        index = [:]
        for position in counted.indices { index[counted[position].key] = position }
    }
}
