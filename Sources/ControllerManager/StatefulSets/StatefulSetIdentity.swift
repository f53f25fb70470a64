import JSON
import KubeTypes

/// Who the pods of a StatefulSet are: names by ordinal, the labels and host names that follow from them, and the claims
/// that belong to each.
enum StatefulSetIdentity {
    static let podNameLabel = "statefulset.kubernetes.io/pod-name"
    static let podIndexLabel = "apps.kubernetes.io/pod-index"
    /// On pods: the name of their ControllerRevision.
    static let revisionLabel = "controller-revision-hash"

    /// `web-2` is the pod 2 of `web`; nil for a name that no StatefulSet gives.
    static func split(_ name: String) -> (set: String, ordinal: Int)? {
        guard let dash = name.lastIndex(of: "-") else { return nil }
        let digits = name[name.index(after: dash)...]
        guard !digits.isEmpty, digits.utf8.allSatisfy({ UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 }),
            let ordinal = Int32(digits)
        else { return nil }
        return (String(name[..<dash]), Int(ordinal))
    }

    static func podName(_ set: StatefulSet, _ ordinal: Int) -> String { "\(set.name)-\(ordinal)" }

    static func claimName(_ template: PersistentVolumeClaim, _ set: StatefulSet, _ ordinal: Int) -> String {
        "\(template.name)-\(set.name)-\(ordinal)"
    }

    /// Whether a pod has the name and the label of its ordinal.
    static func matches(_ set: StatefulSet, _ pod: Pod) -> Bool {
        guard let (parent, ordinal) = split(pod.name) else { return false }
        return parent == set.name && pod.name == podName(set, ordinal) && pod.labels[podNameLabel] == pod.name
    }

    /// Whether a pod's volumes are the claims that its set gives it.
    static func hasStorage(_ set: StatefulSet, _ pod: Pod) -> Bool {
        guard let ordinal = split(pod.name)?.ordinal else { return false }
        let templates = set.spec.volumeClaimTemplates
        guard !templates.isEmpty else { return true }
        let volumes = Dictionary(
            pod.spec.volumes.map { ($0.name, $0.persistentVolumeClaim?.claimName) }, uniquingKeysWith: { $1 })
        return templates.allSatisfy { volumes[$0.name] == claimName($0, set, ordinal) }
    }

    /// Gives a pod the labels and the volumes of its ordinal, whatever it had instead.
    static func assume(_ set: StatefulSet, _ ordinal: Int, _ pod: inout Pod) {
        pod.metadata.labels[podNameLabel] = podName(set, ordinal)
        pod.metadata.labels[podIndexLabel] = String(ordinal)
        let templates = set.spec.volumeClaimTemplates
        guard !templates.isEmpty else { return }
        let names = Set(templates.map(\.name))
        let claimed = templates.map { template in
            Volume([
                "name": .string(template.name),
                "persistentVolumeClaim": ["claimName": .string(claimName(template, set, ordinal))],
            ])
        }
        pod.spec.volumes = claimed + pod.spec.volumes.filter { !names.contains($0.name) }
    }

    /// The pod of an ordinal, from a template that may be an earlier one of the set's.
    static func pod(_ set: StatefulSet, _ ordinal: Int, _ template: PodTemplateSpec, revision: String) -> Pod {
        var pod = PodFromTemplate.make(template, owner: set)
        pod.metadata.generateName = nil
        pod.metadata.name = podName(set, ordinal)
        pod.spec.hostname = podName(set, ordinal)
        let service = set.spec.serviceName ?? ""
        pod.spec.subdomain = service.isEmpty ? nil : service
        assume(set, ordinal, &pod)
        pod.metadata.labels[revisionLabel] = revision
        return pod
    }

    /// The claims of an ordinal.
    static func claims(_ set: StatefulSet, _ ordinal: Int) -> [PersistentVolumeClaim] {
        set.spec.volumeClaimTemplates.map { template in
            var claim = PersistentVolumeClaim(name: claimName(template, set, ordinal), namespace: set.namespace)
            claim.metadata.labels = template.labels.merging(set.spec.selector.matchLabels) { $1 }
            claim.metadata.annotations = template.annotations
            claim.metadata.finalizers = template.metadata.finalizers
            claim.metadata.ownerReferences = template.metadata.ownerReferences
            claim.spec = template.spec
            return claim
        }
    }
}

/// What the StatefulSet controller reads from StatefulSets and their pods, with the API's defaults.
extension StatefulSet {
    var desired: Int { spec.replicas ?? 1 }
    var minReady: Int { spec.minReadySeconds ?? 0 }
    var isOrdered: Bool { spec.podManagementPolicy != "Parallel" }
    var isRollingUpdate: Bool { (spec.updateStrategy?.type ?? "RollingUpdate") == "RollingUpdate" }
    var partition: Int { spec.updateStrategy?.rollingUpdate?.partition ?? 0 }
    var ordinals: Range<Int> {
        let first = spec.ordinals?.start ?? 0
        return first..<first + desired
    }

    /// How many pods an update may keep from being available; nil where one after the other is updated, from the last.
    var maxUnavailable: Int? {
        spec.updateStrategy?.rollingUpdate?.maxUnavailable
            .flatMap { $0.scaled(of: desired, roundingUp: false) }.map { max(1, $0) }
    }
}

extension Pod {
    /// The API server has it; one that is only planned has no phase.
    var isCreated: Bool { !phase.isEmpty }
    var isRunningAndReady: Bool { phase == "Running" && isReady }
}
