import KubeTypes

/// The nodes and what runs on them, as the scheduler believes them to be: numbers in flat arrays, one slot a node,
/// changed as pods and nodes come and go.
struct Snapshot: Sendable {
    /// What is looked at only once the numbers fit, or not often.
    struct NodeInfo: Sendable {
        var name: String
        var labels: [String: String]
        var taints: [NodeTaint]
        var unschedulable: Bool
        var scalars: [String: Int64]
        var usedScalars: [String: Int64] = [:]
        var usedPorts: [HostPort] = []
        var pods: [ObjectKey: PodInfo] = [:]
    }

    private(set) var slots: [String: Int] = [:]
    /// Slots that hold a node, those of different zones taking turns, so that a sample has some of each.
    private(set) var order: [Int] = []
    private var free: [Int] = []

    private(set) var info: [NodeInfo] = []
    private(set) var allocatableCPU: [Int64] = []
    private(set) var allocatableMemory: [Int64] = []
    private(set) var allocatableStorage: [Int64] = []
    private(set) var allocatablePods: [Int] = []
    private(set) var usedCPU: [Int64] = []
    private(set) var usedMemory: [Int64] = []
    private(set) var usedStorage: [Int64] = []
    private(set) var nonZeroCPU: [Int64] = []
    private(set) var nonZeroMemory: [Int64] = []
    private(set) var podCount: [Int] = []
    /// Index into `taintSets`. Most nodes have the same few.
    private(set) var taintSet: [Int] = []
    private(set) var taintSets: [TaintSet] = []
    private var taintSetIndex: [TaintSet: Int] = [:]
    /// Index of the node's zone in no particular order; 0 for none.
    private var zones: [String: Int] = ["": 0]
    private(set) var zone: [Int] = []
    var zoneCount: Int { zones.count }

    /// Where each pod is counted.
    private(set) var placed: [ObjectKey: (pod: PodInfo, slot: Int)] = [:]
    /// Pods on nodes that have not been heard of yet, or no longer.
    private var homeless: [String: [ObjectKey: PodInfo]] = [:]
    private var groups: [GroupCount] = []
    private var groupIndex: [SpreadGroup: Int] = [:]
    private var groupClock = 0

    struct TaintSet: Sendable, Hashable {
        let taints: [NodeTaint]
        let unschedulable: Bool
    }

    private struct GroupCount: Sendable {
        let group: SpreadGroup
        /// How many of the group's pods are on the node of each slot.
        var bySlot: [Int32]
        var used: Int
    }

    private static let groupLimit = 512

    init() {}

    var nodeCount: Int { slots.count }

    // MARK: Nodes

    /// What of a node may let pods fit that did not.
    mutating func setNode(_ node: Node) -> Set<ClusterEvent> {
        let name = node.name
        let labels = node.labels
        let spec = node.spec
        let taints = spec.taints.map(NodeTaint.init)
        let unschedulable = spec.unschedulable ?? false
        let allocatable = node.status.allocatable
        let resources = Resources(allocatable)
        let pods = Int(allocatable["pods"]?.value ?? 0)
        let set = intern(TaintSet(taints: taints, unschedulable: unschedulable))
        let zoneName = labels["topology.kubernetes.io/zone"] ?? ""
        let zoneIndex = zones[zoneName] ?? zones.count
        zones[zoneName] = zoneIndex

        var events: Set<ClusterEvent> = []
        let slot: Int
        if let known = slots[name] {
            slot = known
            let old = info[slot]
            if old.labels != labels { events.insert(.nodeLabels) }
            if old.taints != taints || old.unschedulable != unschedulable { events.insert(.nodeTaints) }
            if resources.milliCPU > allocatableCPU[slot] || resources.memory > allocatableMemory[slot]
                || resources.ephemeralStorage > allocatableStorage[slot] || pods > allocatablePods[slot]
                || resources.scalars != old.scalars
            {
                events.insert(.nodeAllocatable)
            }
            info[slot].labels = labels
            info[slot].taints = taints
            info[slot].unschedulable = unschedulable
            info[slot].scalars = resources.scalars
        } else {
            events.insert(.nodeAdded)
            let fresh = NodeInfo(
                name: name, labels: labels, taints: taints, unschedulable: unschedulable, scalars: resources.scalars)
            slot = newSlot(fresh)
            slots[name] = slot
        }
        allocatableCPU[slot] = resources.milliCPU
        allocatableMemory[slot] = resources.memory
        allocatableStorage[slot] = resources.ephemeralStorage
        allocatablePods[slot] = pods
        taintSet[slot] = set
        if events.contains(.nodeAdded) || zone[slot] != zoneIndex {
            zone[slot] = zoneIndex
            rebuildOrder()
        }
        if events.contains(.nodeAdded), let waiting = homeless.removeValue(forKey: name) {
            for pod in waiting.values { place(pod, in: slot) }
        }
        return events
    }

    mutating func removeNode(_ name: String) {
        guard let slot = slots.removeValue(forKey: name) else { return }
        // Its pods may come before it if a node of the same name is made.
        let pods = info[slot].pods
        for pod in pods.values { unplace(pod) }
        if !pods.isEmpty { homeless[name] = pods }
        info[slot].name = ""
        free.append(slot)
        rebuildOrder()
    }

    private mutating func newSlot(_ node: NodeInfo) -> Int {
        if let slot = free.popLast() {
            info[slot] = node
            return slot
        }
        info.append(node)
        allocatableCPU.append(0)
        allocatableMemory.append(0)
        allocatableStorage.append(0)
        allocatablePods.append(0)
        usedCPU.append(0)
        usedMemory.append(0)
        usedStorage.append(0)
        nonZeroCPU.append(0)
        nonZeroMemory.append(0)
        podCount.append(0)
        taintSet.append(0)
        zone.append(0)
        for index in groups.indices { groups[index].bySlot.append(0) }
        return info.count - 1
    }

    private mutating func intern(_ set: TaintSet) -> Int {
        if let index = taintSetIndex[set] { return index }
        // Sets that no node has any more are forgotten once they are many.
        if taintSets.count > 64 + 2 * info.count {
            let old = taintSets
            taintSets = []
            taintSetIndex = [:]
            for slot in slots.values {
                let kept = old[taintSet[slot]]
                taintSet[slot] = taintSetIndex[kept] ?? taintSets.count
                if taintSet[slot] == taintSets.count {
                    taintSetIndex[kept] = taintSets.count
                    taintSets.append(kept)
                }
            }
            return intern(set)
        }
        taintSetIndex[set] = taintSets.count
        taintSets.append(set)
        return taintSets.count - 1
    }

    private mutating func rebuildOrder() {
        var byZone: [Int: [Int]] = [:]
        for slot in slots.values.sorted() { byZone[zone[slot], default: []].append(slot) }
        let lists = byZone.sorted { $0.key < $1.key }.map(\.value)
        order = []
        order.reserveCapacity(slots.count)
        for round in 0..<(lists.map(\.count).max() ?? 0) {
            for list in lists where round < list.count { order.append(list[round]) }
        }
    }

    // MARK: Pods

    /// Counts a pod for the node it is on; in place of what the same pod counted before.
    mutating func setPod(_ pod: PodInfo) {
        removePod(pod.key)
        guard let slot = slots[pod.nodeName] else {
            homeless[pod.nodeName, default: [:]][pod.key] = pod
            return
        }
        place(pod, in: slot)
    }

    /// Counts a pod for the node in a slot, though the API does not say so yet.
    mutating func assume(_ pod: PodInfo, in slot: Int) {
        removePod(pod.key)
        place(pod, in: slot)
    }

    mutating func removePod(_ key: ObjectKey) {
        if let (pod, _) = placed[key] {
            unplace(pod)
        } else {
            for name in homeless.keys where homeless[name]?[key] != nil {
                homeless[name]?[key] = nil
                if homeless[name]?.isEmpty == true { homeless[name] = nil }
            }
        }
    }

    private mutating func place(_ pod: PodInfo, in slot: Int) {
        placed[pod.key] = (pod, slot)
        count(pod, in: slot, sign: 1)
        info[slot].pods[pod.key] = pod
        if !pod.ports.isEmpty { info[slot].usedPorts += pod.ports }
    }

    private mutating func unplace(_ pod: PodInfo) {
        guard let (_, slot) = placed.removeValue(forKey: pod.key) else { return }
        count(pod, in: slot, sign: -1)
        info[slot].pods[pod.key] = nil
        if !pod.ports.isEmpty { info[slot].usedPorts = info[slot].pods.values.flatMap(\.ports) }
    }

    private mutating func count(_ pod: PodInfo, in slot: Int, sign: Int64) {
        usedCPU[slot] &+= sign * pod.requests.milliCPU
        usedMemory[slot] &+= sign * pod.requests.memory
        usedStorage[slot] &+= sign * pod.requests.ephemeralStorage
        nonZeroCPU[slot] &+= sign * pod.nonZero.milliCPU
        nonZeroMemory[slot] &+= sign * pod.nonZero.memory
        podCount[slot] += Int(sign)
        for (name, value) in pod.requests.scalars { info[slot].usedScalars[name, default: 0] &+= sign * value }
        for index in groups.indices where groups[index].group.contains(pod) {
            groups[index].bySlot[slot] += Int32(sign)
        }
    }

    // MARK: Groups

    /// How many pods of a group are on each node, by slot. Counted once, then kept.
    mutating func counts(of group: SpreadGroup) -> [Int32] {
        groupClock += 1
        if let index = groupIndex[group] {
            groups[index].used = groupClock
            return groups[index].bySlot
        }
        if groups.count >= Self.groupLimit {
            // Lets go of the half that was asked for longest ago.
            let middle = groups.map(\.used).sorted()[groups.count / 2]
            groups.removeAll { $0.used <= middle }
            groupIndex = Dictionary(uniqueKeysWithValues: groups.enumerated().map { ($1.group, $0) })
        }
        var bySlot = [Int32](repeating: 0, count: info.count)
        for (pod, slot) in placed.values where group.contains(pod) { bySlot[slot] += 1 }
        groupIndex[group] = groups.count
        groups.append(GroupCount(group: group, bySlot: bySlot, used: groupClock))
        return bySlot
    }
}
