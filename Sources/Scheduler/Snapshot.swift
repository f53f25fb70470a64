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
        /// Bytes, by each of the image's names.
        var images: [String: Int64]
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
    /// How many nodes have an image, by name.
    private(set) var imageNodes: [String: Int] = [:]

    /// Where each pod is counted.
    private(set) var placed: [ObjectKey: (pod: PodInfo, slot: Int)] = [:]
    /// Pods on nodes that have not been heard of yet, or no longer.
    private var homeless: [String: [ObjectKey: PodInfo]] = [:]
    /// How many pods on nodes use a claim.
    private(set) var claimUsers: [ObjectKey: Int] = [:]

    var topologies = Topologies()
    var requirements = RequirementColumns()
    var sets = PodSetCounts()
    var terms = TermCounts()
    /// Pods that preemption makes room for, by the slot of the node.
    private(set) var nominated: [Int: [PodInfo]] = [:]
    private var nominations: [ObjectKey: (pod: PodInfo, node: String)] = [:]

    struct TaintSet: Sendable, Hashable {
        let taints: [NodeTaint]
        let unschedulable: Bool
    }

    static let hostname = "kubernetes.io/hostname"
    static let zoneLabel = "topology.kubernetes.io/zone"

    init() {}

    var nodeCount: Int { slots.count }
    var slotCount: Int { info.count }

    // MARK: Nodes

    /// What of a node may let pods fit that did not.
    mutating func setNode(_ node: Node) -> Set<ClusterEvent.Kind> {
        let name = node.name
        let labels = node.labels
        let spec = node.spec
        let taints = spec.taints.map(NodeTaint.init)
        let unschedulable = spec.unschedulable ?? false
        let status = node.status
        let allocatable = status.allocatable
        let resources = Resources(allocatable)
        let pods = Int(allocatable["pods"]?.value ?? 0)
        let images = Self.images(status.images)
        let set = intern(TaintSet(taints: taints, unschedulable: unschedulable))

        var events: Set<ClusterEvent.Kind> = []
        var reorders = false
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
            reorders = old.labels[Self.zoneLabel] != labels[Self.zoneLabel]
            if old.images != images { countImages(old.images, -1) }
            if old.images != images { countImages(images, 1) }
            info[slot].labels = labels
            info[slot].taints = taints
            info[slot].unschedulable = unschedulable
            info[slot].scalars = resources.scalars
            info[slot].images = images
        } else {
            events.insert(.nodeAdded)
            reorders = true
            slot = newSlot(
                NodeInfo(
                    name: name, labels: labels, taints: taints, unschedulable: unschedulable,
                    scalars: resources.scalars, images: images))
            slots[name] = slot
            countImages(images, 1)
        }
        allocatableCPU[slot] = resources.milliCPU
        allocatableMemory[slot] = resources.memory
        allocatableStorage[slot] = resources.ephemeralStorage
        allocatablePods[slot] = pods
        taintSet[slot] = set
        if events.contains(.nodeAdded) || events.contains(.nodeLabels) {
            topologies.set(slot, labels)
            requirements.set(slot, name: name, labels)
        }
        if reorders { rebuildOrder() }
        if events.contains(.nodeAdded) {
            for pod in (homeless.removeValue(forKey: name) ?? [:]).values { place(pod, in: slot) }
            for (pod, node) in nominations.values where node == name { nominated[slot, default: []].append(pod) }
        }
        return events
    }

    mutating func removeNode(_ name: String) {
        guard let slot = slots.removeValue(forKey: name) else { return }
        // Its pods may come before it if a node of the same name is made.
        let pods = info[slot].pods
        for pod in pods.values { unplace(pod) }
        if !pods.isEmpty { homeless[name] = pods }
        countImages(info[slot].images, -1)
        info[slot].name = ""
        nominated[slot] = nil
        topologies.set(slot, [:])
        free.append(slot)
        rebuildOrder()
    }

    private static func images(_ images: [ContainerImage]) -> [String: Int64] {
        var sizes: [String: Int64] = [:]
        for image in images {
            for name in image.names { sizes[name] = Int64(image.sizeBytes ?? 0) }
        }
        return sizes
    }

    private mutating func countImages(_ images: [String: Int64], _ sign: Int) {
        for name in images.keys {
            let count = (imageNodes[name] ?? 0) + sign
            imageNodes[name] = count > 0 ? count : nil
        }
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
        topologies.addSlot()
        requirements.addSlot()
        sets.addSlot()
        terms.addSlot()
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
        var byZone: [String: [Int]] = [:]
        for slot in slots.values.sorted() { byZone[info[slot].labels[Self.zoneLabel] ?? "", default: []].append(slot) }
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
        sets.count(pod, in: slot, sign: Int32(sign))
        if !pod.affinity.isEmpty { terms.count(pod, in: slot, sign: Int32(sign)) }
        for claim in pod.volumes.claims {
            let key = ObjectKey(namespace: pod.key.namespace, name: claim.name)
            let users = (claimUsers[key] ?? 0) + Int(sign)
            claimUsers[key] = users > 0 ? users : nil
        }
    }

    // MARK: Nominations

    /// Remembers that room is made for a pod on a node.
    mutating func nominate(_ pod: PodInfo, to node: String) {
        removeNomination(pod.key)
        nominations[pod.key] = (pod, node)
        if let slot = slots[node] { nominated[slot, default: []].append(pod) }
    }

    mutating func removeNomination(_ key: ObjectKey) {
        guard let (_, node) = nominations.removeValue(forKey: key), let slot = slots[node] else { return }
        nominated[slot]?.removeAll { $0.key == key }
        if nominated[slot]?.isEmpty == true { nominated[slot] = nil }
    }

    /// What is free on a node, and who it is being kept for; nil if pods are not counted there.
    func room(in slot: Int) -> ClusterEvent.Room? {
        // Where the number of pods is what is short, amounts say nothing.
        guard podCount[slot] < allocatablePods[slot] else { return nil }
        var free = Resources()
        free.milliCPU = allocatableCPU[slot] - usedCPU[slot]
        free.memory = allocatableMemory[slot] - usedMemory[slot]
        free.ephemeralStorage = allocatableStorage[slot] - usedStorage[slot]
        free.scalars = info[slot].scalars
        for (name, used) in info[slot].usedScalars { free.scalars[name, default: 0] -= used }
        return ClusterEvent.Room(free: free, nominated: nominated[slot] ?? [])
    }

    /// The node that room is made on for a pod.
    func nomination(of key: ObjectKey) -> String? { nominations[key]?.node }

    // MARK: Counts

    /// How many pods of a set are on each node, by slot. Counted once, then kept.
    mutating func counts(of set: PodSet) -> [Int32] {
        if let known = sets.known(set) { return known }
        var bySlot = [Int32](repeating: 0, count: info.count)
        for (pod, slot) in placed.values where set.contains(pod) { bySlot[slot] += 1 }
        sets.insert(set, bySlot)
        return bySlot
    }

    /// The value of a label on each node, as numbers.
    mutating func topology(_ key: String) -> Int {
        if let index = topologies.index[key] { return index }
        let index = topologies.add(key, slots: info.count)
        for slot in slots.values { topologies.set(slot, info[slot].labels, only: index) }
        return index
    }

    /// Which nodes meet a requirement, by slot.
    mutating func admitted(by requirement: NodeRequirement) -> [Bool] {
        if let known = requirements.known(requirement) { return known }
        var bySlot = [Bool](repeating: false, count: info.count)
        for slot in slots.values {
            bySlot[slot] = requirement.matches(name: info[slot].name, labels: info[slot].labels)
        }
        requirements.insert(requirement, bySlot)
        return bySlot
    }
}
