// Changes of the cluster that pods may be waiting for, and which refusals each may undo: the queueing hints of KEP-4247.
import KubeTypes

struct ClusterEvent: Sendable {
    enum Kind: Sendable, Hashable, CaseIterable {
        case nodeAdded, nodeRemoved, nodeLabels, nodeTaints, nodeAllocatable
        /// A pod has come to a node, or what it is counted by has changed.
        case podAdded
        /// A pod has left its node, or asks for less.
        case podRemoved
        /// A claim, a volume, a storage class, or what a CSI driver says of itself, of a node, or of its storage.
        case claim, volume, storageClass, storage
        /// A claim for devices, a device class, or what a driver publishes.
        case deviceClaim, deviceClass, resourceSlice
        /// A pod of a group has come, or the group has.
        case group
    }

    let kind: Kind
    /// The pod that came or went.
    var pod: PodInfo?
    /// The node that came or changed, as it is now.
    var node: NodeFacts?
    /// The claim that came or changed.
    var claim: ObjectKey?
    /// What of a claim for devices has changed.
    var claimChange = DeviceState.Change()
    /// Where a pod has left: what is free there now, and for whom of it room has been made.
    var room: Room?

    struct Room: Sendable {
        var free: Resources
        var nominated: [PodInfo] = []

        /// Whether a pod may find there what it asks for.
        func fits(_ pod: PodInfo) -> Bool {
            guard pod.requests.fits(into: free) else { return false }
            var left = free
            for other in nominated where other.key != pod.key && other.priority >= pod.priority {
                left.subtract(other.requests)
            }
            return pod.requests.fits(into: left)
        }
    }

    struct NodeFacts: Sendable {
        let name: String
        let labels: [String: String]
        let taints: [NodeTaint]
        let unschedulable: Bool
        let allocatable: Resources
    }
}

extension Plugin {
    /// Whether a change may make a node acceptable to a pod that this filter refused. In doubt, it may.
    func mayBeHelped(by event: ClusterEvent, _ pod: PodInfo) -> Bool {
        switch self {
        case .nodeUnschedulable:
            return isNode(event, .nodeTaints) && (event.node.map { !$0.unschedulable || toleratesCordon(pod) } ?? true)
        case .nodeName:
            return event.kind == .nodeAdded && (event.node.map { $0.name == pod.nodeName } ?? true)
        case .taintToleration:
            return isNode(event, .nodeTaints)
                && (event.node.map { node in
                    !node.taints.contains { $0.isHard && !pod.tolerations.tolerate($0) }
                } ?? true)
        case .nodeAffinity:
            return isNode(event, .nodeLabels)
                && (event.node.map { pod.nodeRequirement.matches(name: $0.name, labels: $0.labels) } ?? true)
        case .nodePorts:
            if event.kind == .podRemoved, let other = event.pod {
                return other.ports.contains { port in pod.ports.contains { $0.conflicts(with: port) } }
            }
            return event.kind == .nodeAdded || event.kind == .podRemoved
        case .nodeResourcesFit:
            // Only one node has changed: with many pods waiting, each that goes must not wake them all.
            if event.kind == .podRemoved { return event.room?.fits(pod) ?? true }
            if event.kind == .deviceClass { return !pod.extended.isEmpty }
            return isNode(event, .nodeAllocatable)
                && (event.node.map { pod.requests.fits(into: $0.allocatable) } ?? true)
        case .volumeRestrictions:
            if event.kind == .podRemoved, let other = event.pod { return !other.volumes.isEmpty }
            return event.kind == .podRemoved || event.kind == .nodeAdded || isOwnClaim(event, pod)
        case .nodeVolumeLimits:
            if event.kind == .podRemoved, let other = event.pod { return !other.volumes.claims.isEmpty }
            return [.podRemoved, .nodeAdded, .storage, .volume].contains(event.kind) || isOwnClaim(event, pod)
        case .volumeBinding:
            return [.volume, .storageClass, .storage, .nodeAdded, .nodeLabels].contains(event.kind)
                || isOwnClaim(event, pod)
        case .volumeZone:
            return [.volume, .storageClass, .nodeAdded, .nodeLabels].contains(event.kind) || isOwnClaim(event, pod)
        case .podTopologySpread:
            switch event.kind {
            case .podAdded, .podRemoved:
                guard let other = event.pod else { return true }
                return pod.hardSpread.contains { $0.set.contains(other) || other.key.namespace == pod.key.namespace }
                    || pod.hardSpread.isEmpty
            case .nodeAdded, .nodeRemoved, .nodeLabels, .nodeTaints: return true
            default: return false
            }
        case .interPodAffinity:
            switch event.kind {
            case .nodeAdded, .nodeLabels: return true
            case .podAdded:
                guard let other = event.pod else { return true }
                return pod.affinity.required.contains { mayMean($0, other) }
            case .podRemoved:
                guard let other = event.pod else { return true }
                return pod.affinity.requiredAnti.contains { mayMean($0, other) }
                    || other.affinity.requiredAnti.contains { mayMean($0, pod) }
            default: return false
            }
        case .dynamicResources:
            switch event.kind {
            case .nodeAdded, .nodeLabels, .nodeAllocatable, .deviceClass, .resourceSlice: return true
            case .deviceClaim:
                return event.claimChange.freed || event.claimChange.matters && isOwnDeviceClaim(event, pod)
            default: return false
            }
        case .gangScheduling: return event.kind == .group
        }
    }

    private func isNode(_ event: ClusterEvent, _ kind: ClusterEvent.Kind) -> Bool {
        event.kind == .nodeAdded || event.kind == kind
    }

    private func toleratesCordon(_ pod: PodInfo) -> Bool { pod.tolerations.tolerate(.unschedulable) }

    private func isOwnClaim(_ event: ClusterEvent, _ pod: PodInfo) -> Bool {
        guard event.kind == .claim else { return false }
        guard let claim = event.claim else { return true }
        return claim.namespace == pod.key.namespace && pod.volumes.claims.contains { $0.name == claim.name }
    }

    private func isOwnDeviceClaim(_ event: ClusterEvent, _ pod: PodInfo) -> Bool {
        guard let claim = event.claim else { return true }
        return claim.namespace == pod.key.namespace && pod.claims.uses.contains { $0.name == claim.name }
    }

    /// Namespaces chosen by labels are not looked up here.
    private func mayMean(_ term: AffinityTerm, _ pod: PodInfo) -> Bool {
        (term.namespaceSelector != nil || term.namespaces.contains(pod.key.namespace))
            && term.selector.matches(pod.labels)
    }
}
