// What the scheduler knows of claims, volumes and storage, and what it has decided about them ahead of the API.
import JSON
import KubeTypes

struct ClaimInfo: Sendable {
    let key: ObjectKey
    let uid: String
    let volumeName: String
    let className: String
    /// Bytes.
    let request: Int64
    let accessModes: Set<String>
    let volumeMode: String
    let attributesClass: String
    let selector: LabelMatcher?
    /// Where its volume is to be made; empty as long as nobody has said.
    var selectedNode: String
    let isBindCompleted: Bool
    let isLost: Bool
    let isBeingDeleted: Bool
    let ownerPods: Set<String>

    static let selectedNodeAnnotation = "volume.kubernetes.io/selected-node"

    init(_ claim: PersistentVolumeClaim) {
        key = claim.key
        let metadata = claim.metadata
        let spec = claim.spec
        let annotations = metadata.annotations
        uid = metadata.uid ?? ""
        volumeName = spec.volumeName ?? ""
        className = annotations["volume.beta.kubernetes.io/storage-class"] ?? spec.storageClassName ?? ""
        request = spec.resources?.requests["storage"]?.value ?? 0
        accessModes = Set(spec.accessModes)
        volumeMode = spec.volumeMode ?? "Filesystem"
        attributesClass = spec.volumeAttributesClassName ?? ""
        selector = spec.selector.map { LabelMatcher($0) }
        selectedNode = annotations[Self.selectedNodeAnnotation] ?? ""
        isBindCompleted = annotations["pv.kubernetes.io/bind-completed"] != nil
        isLost = claim.status.phase == "Lost"
        isBeingDeleted = metadata.deletionTimestamp != nil
        ownerPods = Set(metadata.ownerReferences.filter { $0.controller == true }.map(\.uid))
    }

    var isFullyBound: Bool { !volumeName.isEmpty && isBindCompleted }
}

struct VolumeInfo: Sendable {
    let name: String
    let className: String
    /// Bytes.
    let capacity: Int64
    let accessModes: Set<String>
    let volumeMode: String
    let attributesClass: String
    let labels: [String: String]
    let claim: ObjectKey?
    let claimUID: String
    let isAvailable: Bool
    let isBeingDeleted: Bool
    /// Nil: from everywhere.
    let nodeAffinity: NodeRequirement?
    let driver: String
    let handle: String

    init(_ volume: PersistentVolume) {
        name = volume.name
        let metadata = volume.metadata
        let spec = volume.spec
        labels = metadata.labels
        className =
            metadata.annotations["volume.beta.kubernetes.io/storage-class"] ?? spec.storageClassName ?? ""
        capacity = spec.capacity["storage"]?.value ?? 0
        accessModes = Set(spec.accessModes)
        volumeMode = spec.volumeMode ?? "Filesystem"
        attributesClass = spec.volumeAttributesClassName ?? ""
        claim = spec.claimRef.map { ObjectKey(namespace: $0.namespace ?? "", name: $0.name ?? "") }
        claimUID = spec.claimRef?.uid ?? ""
        isAvailable = volume.status.phase == "Available"
        isBeingDeleted = metadata.deletionTimestamp != nil
        nodeAffinity = spec.nodeAffinity?.required.map { NodeRequirement(nodeSelector: [:], required: $0) }
        driver = spec.csi?.driver ?? ""
        handle = spec.csi?.volumeHandle ?? ""
    }

    /// Whether it was set aside for a claim, by name or by name and uid.
    func isMeant(for claim: ClaimInfo) -> Bool {
        self.claim == claim.key && (claimUID.isEmpty || claimUID == claim.uid)
    }

    /// Zones and regions that its labels name; several are joined by two underscores.
    var zones: [(key: String, values: Set<String>)] {
        [
            "failure-domain.beta.kubernetes.io/zone", "failure-domain.beta.kubernetes.io/region",
            "topology.kubernetes.io/zone", "topology.kubernetes.io/region",
        ].compactMap { key in
            guard let text = labels[key] else { return nil }
            return (key, Set(text.split(separator: "__").map(String.init)))
        }
    }
}

struct ClassInfo: Sendable {
    let name: String
    let provisioner: String
    let waits: Bool
    /// One of these must hold for a node; empty: any node will do.
    let topologies: [[(key: String, values: Set<String>)]]

    static let noProvisioner = "kubernetes.io/no-provisioner"

    init(_ storageClass: StorageClass) {
        name = storageClass.name
        provisioner = storageClass.provisioner
        waits = storageClass.volumeBindingMode == "WaitForFirstConsumer"
        topologies = storageClass.allowedTopologies.map { term in
            term.matchLabelExpressions.map { ($0.key, Set($0.values)) }
        }
    }

    func admits(_ labels: [String: String]) -> Bool {
        topologies.isEmpty
            || topologies.contains { term in
                !term.isEmpty && term.allSatisfy { rule in labels[rule.key].map(rule.values.contains) ?? false }
            }
    }
}

/// What a CSI driver has left in a part of the cluster.
struct CapacityInfo: Sendable {
    let className: String
    /// Bytes for one volume; nil if it does not say.
    let limit: Int64?
    let topology: LabelMatcher?

    init(_ capacity: CSIStorageCapacity) {
        className = capacity.json["storageClassName"]?.stringValue ?? ""
        let quantity: Quantity? = capacity["maximumVolumeSize"] ?? capacity["capacity"]
        limit = quantity?.value
        let selector: LabelSelector? = capacity["nodeTopology"]
        topology = selector.map { LabelMatcher($0) }
    }
}

struct VolumeState: Sendable {
    private(set) var claims: [ObjectKey: ClaimInfo] = [:]
    private(set) var volumes: [String: VolumeInfo] = [:]
    private(set) var volumesByClass: [String: Set<String>] = [:]
    var classes: [String: ClassInfo] = [:]
    /// By node and driver: how many volumes can be attached.
    var limits: [String: [String: Int]] = [:]
    /// Drivers that publish what they have left.
    var tracksCapacity: Set<String> = []
    var capacities: [ObjectKey: CapacityInfo] = [:]
    /// Decided, and not yet in what the API says: volumes by claim, and the nodes of claims.
    private(set) var assumedVolumes: [String: ObjectKey] = [:]
    private(set) var assumedNodes: [ObjectKey: String] = [:]

    mutating func set(_ claim: ClaimInfo) {
        claims[claim.key] = claim
        if !claim.selectedNode.isEmpty || claim.isFullyBound { assumedNodes[claim.key] = nil }
    }

    mutating func removeClaim(_ key: ObjectKey) {
        claims[key] = nil
        assumedNodes[key] = nil
    }

    mutating func set(_ volume: VolumeInfo) {
        removeFromClass(volume.name)
        volumes[volume.name] = volume
        volumesByClass[volume.className, default: []].insert(volume.name)
        if volume.claim != nil { assumedVolumes[volume.name] = nil }
    }

    mutating func removeVolume(_ name: String) {
        removeFromClass(name)
        volumes[name] = nil
        assumedVolumes[name] = nil
    }

    private mutating func removeFromClass(_ name: String) {
        guard let old = volumes[name] else { return }
        volumesByClass[old.className]?.remove(name)
    }

    mutating func assume(_ plan: VolumePlan) {
        for (volume, claim) in plan.bindings { assumedVolumes[volume] = claim }
        for claim in plan.provisions { assumedNodes[claim] = plan.node }
    }

    mutating func forget(_ plan: VolumePlan) {
        for (volume, claim) in plan.bindings where assumedVolumes[volume] == claim { assumedVolumes[volume] = nil }
        for claim in plan.provisions where assumedNodes[claim] == plan.node { assumedNodes[claim] = nil }
    }

    /// The node that a claim's volume is to be made on, if that has been said or is about to be.
    func selectedNode(of claim: ClaimInfo) -> String? {
        if let assumed = assumedNodes[claim.key] { return assumed }
        return claim.selectedNode.isEmpty ? nil : claim.selectedNode
    }

    /// The smallest volume that a node can have and that suits a claim.
    func match(
        _ claim: ClaimInfo, node: String, labels: [String: String], except taken: Set<String>
    ) -> String? {
        var best: VolumeInfo?
        for name in volumesByClass[claim.className] ?? [] where !taken.contains(name) {
            guard let volume = volumes[name], assumedVolumes[name].map({ $0 == claim.key }) ?? true else { continue }
            let isMeant = volume.isMeant(for: claim)
            guard volume.claim == nil || isMeant, volume.capacity >= claim.request,
                volume.volumeMode == claim.volumeMode, volume.attributesClass == claim.attributesClass,
                !volume.isBeingDeleted
            else { continue }
            let reachable = volume.nodeAffinity?.matches(name: node, labels: labels) ?? true
            if isMeant { return reachable ? name : nil }
            guard reachable, volume.isAvailable, claim.selector?.matches(volume.labels) ?? true,
                claim.accessModes.isSubset(of: volume.accessModes)
            else { continue }
            if let known = best, (known.capacity, known.name) <= (volume.capacity, volume.name) { continue }
            best = volume
        }
        return best?.name
    }

    func hasCapacity(for claim: ClaimInfo, _ storageClass: ClassInfo, labels: [String: String]) -> Bool {
        guard tracksCapacity.contains(storageClass.provisioner), claim.request > 0 else { return true }
        return capacities.values.contains { capacity in
            capacity.className == storageClass.name && (capacity.limit ?? -1) >= claim.request
                && capacity.topology?.matches(labels) ?? false
        }
    }
}

/// What is to be written before a pod can be bound: volumes for claims, and the node on which others are to be made.
struct VolumePlan: Sendable {
    let node: String
    var bindings: [(volume: String, claim: ObjectKey)] = []
    var provisions: [ObjectKey] = []
    var isEmpty: Bool { bindings.isEmpty && provisions.isEmpty }
}

/// What has come of a plan.
enum VolumeProgress: Sendable, Equatable {
    case bound, waiting
    case failed(String)
}

extension VolumeState {
    func progress(of plan: VolumePlan, nodeLabels: [String: String]?) -> VolumeProgress {
        guard let nodeLabels else { return .failed("failed to get node \"\(plan.node)\": node not found") }
        for (name, key) in plan.bindings {
            guard let claim = claims[key], let volume = volumes[name] else {
                return .failed("failed to check binding: the claim or the volume is gone")
            }
            if let affinity = volume.nodeAffinity, !affinity.matches(name: plan.node, labels: nodeLabels) {
                return .failed("pv \"\(name)\" node affinity doesn't match node \"\(plan.node)\"")
            }
            if !claim.isFullyBound { return .waiting }
        }
        for key in plan.provisions {
            guard let claim = claims[key] else {
                return .failed("failed to check provisioning pvc: the claim is gone")
            }
            if claim.isFullyBound {
                guard let volume = volumes[claim.volumeName] else { return .waiting }
                if let affinity = volume.nodeAffinity, !affinity.matches(name: plan.node, labels: nodeLabels) {
                    return .failed("pv \"\(volume.name)\" node affinity doesn't match node \"\(plan.node)\"")
                }
                continue
            }
            // The provisioner gives up a node by taking the annotation away.
            if claim.selectedNode.isEmpty {
                return assumedNodes[key] == plan.node
                    ? .waiting : .failed("selectedNode annotation reset for PVC \"\(key.name)\"")
            }
            if claim.selectedNode != plan.node { return .failed("provisioning failed for PVC \"\(key.name)\"") }
            return .waiting
        }
        return .bound
    }
}
