// The checks that only the restricted level has.

import JSON

extension PodSecurityRules {
    static func privilegeEscalation(_ pod: PodSecurityPod) -> PodSecurityViolation? {
        let bad = pod.containers { $0["securityContext"]?["allowPrivilegeEscalation"]?.boolValue != false }
        if bad.isEmpty { return nil }
        return PodSecurityViolation(
            reason: "allowPrivilegeEscalation != false",
            detail: "\(containers(bad)) must set securityContext.allowPrivilegeEscalation=false")
    }

    static func undroppedCapabilities(_ pod: PodSecurityPod) -> PodSecurityViolation? {
        var added: Set<String> = []
        let keeping = pod.containers { container in
            !(container["securityContext"]?[path: "capabilities", "drop"]?.strings ?? []).contains("ALL")
        }
        let adding = pod.containers { container in
            let more = (container["securityContext"]?[path: "capabilities", "add"]?.strings ?? [])
                .filter { $0 != "NET_BIND_SERVICE" }
            added.formUnion(more)
            return !more.isEmpty
        }
        var details: [String] = []
        if !keeping.isEmpty {
            details.append("\(containers(keeping)) must set securityContext.capabilities.drop=[\"ALL\"]")
        }
        if !adding.isEmpty {
            details.append(
                "\(containers(adding)) must not include \(quoted(added.sorted())) in securityContext.capabilities.add")
        }
        if details.isEmpty { return nil }
        return PodSecurityViolation(reason: "unrestricted capabilities", detail: details.joined(separator: "; "))
    }

    private static let allowedVolumes = [
        "configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "image", "persistentVolumeClaim", "projected",
        "secret",
    ]
    private static let knownVolumes = [
        "hostPath", "gcePersistentDisk", "awsElasticBlockStore", "gitRepo", "nfs", "iscsi", "glusterfs", "rbd",
        "flexVolume", "cinder", "cephfs", "flocker", "fc", "azureFile", "vsphereVolume", "quobyte", "azureDisk",
        "photonPersistentDisk", "portworxVolume", "scaleIO", "storageos",
    ]

    static func volumeTypes(_ pod: PodSecurityPod) -> PodSecurityViolation? {
        let bad = pod.volumes.filter { volume in !allowedVolumes.contains { isSet(volume[$0]) } }
        if bad.isEmpty { return nil }
        let types = Set(bad.map { volume in knownVolumes.first { isSet(volume[$0]) } ?? "unknown" })
        return PodSecurityViolation(
            reason: "restricted volume types",
            detail: "\(plural(bad.count, "volume", "volumes")) \(quoted(bad.map { $0["name"]?.stringValue ?? "" })) "
                + "\(plural(bad.count, "uses", "use")) "
                + "\(plural(types.count, "restricted volume type", "restricted volume types")) "
                + quoted(types.sorted()))
    }

    static func runAsNonRoot(_ pod: PodSecurityPod) -> PodSecurityViolation? {
        let reason = "runAsNonRoot != true"
        let own = pod.securityContext?["runAsNonRoot"]?.boolValue
        let explicit = pod.containers { $0["securityContext"]?["runAsNonRoot"]?.boolValue == false }
        if let setters = setters(pod: own == false, explicit) {
            return PodSecurityViolation(
                reason: reason, detail: "\(setters) must not set securityContext.runAsNonRoot=false")
        }
        let implicit = pod.containers { $0["securityContext"]?["runAsNonRoot"]?.boolValue == nil && own != true }
        if implicit.isEmpty { return nil }
        return PodSecurityViolation(
            reason: reason, detail: "pod or \(containers(implicit)) must set securityContext.runAsNonRoot=true")
    }

    static func runAsUser(_ pod: PodSecurityPod) -> PodSecurityViolation? {
        func isRoot(_ context: JSONValue?) -> Bool { context?["runAsUser"]?.integerValue == 0 }
        let bad = pod.containers { isRoot($0["securityContext"]) }
        guard let setters = setters(pod: isRoot(pod.securityContext), bad) else { return nil }
        return PodSecurityViolation(reason: "runAsUser=0", detail: "\(setters) must not set runAsUser=0")
    }

    static func missingSeccomp(_ pod: PodSecurityPod) -> PodSecurityViolation? {
        if let bad = badSeccomp(pod) { return bad }
        if seccompType(pod.securityContext) != nil { return nil }
        let missing = pod.containers { seccompType($0["securityContext"]) == nil }
        if missing.isEmpty { return nil }
        return PodSecurityViolation(
            reason: "seccompProfile",
            detail: "pod or \(containers(missing)) must set securityContext.seccompProfile.type to \"RuntimeDefault\" "
                + "or \"Localhost\"")
    }
}
