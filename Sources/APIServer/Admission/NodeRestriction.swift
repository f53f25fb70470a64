// Node agents change only what is theirs: their node, its lease, and the pods that run on it (upstream's
// NodeRestriction).

import APISchema
import JSON
import KubeTypes
import PKI

struct NodeRestriction: AdmissionPlugin {
    private static let userPrefix = "system:node:"

    func handles(_ attributes: AdmissionAttributes) -> Bool {
        attributes.user.name.hasPrefix(Self.userPrefix) && attributes.user.groups.contains("system:nodes")
    }

    func admit(_ attributes: inout AdmissionAttributes, _ registry: Registry) throws(APIError) {
        let request = NodeRequest(
            attributes, node: String(attributes.user.name.dropFirst(Self.userPrefix.count)), registry)
        try request.check()
    }
}

/// What one node agent asks for, and why it is refused.
private struct NodeRequest {
    let attributes: AdmissionAttributes
    let node: String
    let registry: Registry

    init(_ attributes: AdmissionAttributes, node: String, _ registry: Registry) {
        self.attributes = attributes
        self.node = node
        self.registry = registry
    }

    private func refuse(_ why: String) -> APIError { attributes.forbidden(why) }

    func check() throws(APIError) {
        if node.isEmpty { throw refuse("could not determine node from user \"\(attributes.user.name)\"") }
        switch (attributes.storage.group, attributes.storage.plural) {
        case ("", "pods"):
            switch attributes.subresource {
            case "": try checkPod()
            case "status": try checkPodStatus()
            case "eviction": try checkEviction()
            default:
                throw refuse(
                    "unexpected pod subresource \"\(attributes.subresource)\", only 'status' and 'eviction' are allowed"
                )
            }
        case ("", "nodes"): try checkNode()
        case ("", "persistentvolumeclaims"): try checkClaim()
        case ("", "serviceaccounts"): try checkToken()
        case ("coordination.k8s.io", "leases"):
            if attributes.namespace != "kube-node-lease" {
                throw refuse("can only access leases in the \"kube-node-lease\" system namespace")
            }
            if ownName != node { throw refuse("can only access node lease with the same name as the requesting node") }
        case ("storage.k8s.io", "csinodes"):
            if ownName != node { throw refuse("can only access CSINode with the same name as the requesting node") }
        case ("resource.k8s.io", "resourceslices"): try checkSlice()
        case ("certificates.k8s.io", "certificatesigningrequests"): try checkCertificateRequest()
        default: return
        }
    }

    private var ownName: String {
        attributes.operation == .create ? attributes.object?.name ?? "" : attributes.name
    }

    private func nodeName(_ pod: JSONValue?) -> String { pod?[path: "spec", "nodeName"]?.stringValue ?? "" }

    private func pod(_ name: String) throws(APIError) -> JSONValue {
        let key = ObjectKey(namespace: attributes.namespace, name: name)
        guard let pod = registry.cache.cache(group: "", resource: "pods")?[key]?.value else {
            throw .notFound("pods", group: "", name: name)
        }
        return pod
    }

    // MARK: Pods

    private func checkPod() throws(APIError) {
        switch attributes.operation {
        case .create: try checkMirrorPod()
        case .delete:
            if nodeName(attributes.oldObject) != node {
                throw refuse("node \"\(node)\" can only delete pods with spec.nodeName set to itself")
            }
        default:
            throw refuse(
                "unexpected operation \"\(attributes.operation.rawValue)\", node \"\(node)\" can only create and "
                    + "delete mirror pods")
        }
    }

    private func checkMirrorPod() throws(APIError) {
        let pod = attributes.object ?? [:]
        let annotation = "kubernetes.io/config.mirror"
        guard pod.annotations?[annotation] != nil else {
            throw refuse("pod does not have \"\(annotation)\" annotation, node \"\(node)\" can only create mirror pods")
        }
        if nodeName(pod) != node {
            throw refuse("node \"\(node)\" can only create pods with spec.nodeName set to itself")
        }
        let owners = pod.metadata?[array: "ownerReferences"] ?? []
        guard owners.count == 1, let owner = owners.first else {
            throw refuse(
                owners.isEmpty
                    ? "node \"\(node)\" can only create pods with an owner reference set to itself"
                    : "node \"\(node)\" can only create pods with a single owner reference set to itself")
        }
        guard owner["apiVersion"]?.stringValue == "v1", owner["kind"]?.stringValue == "Node",
            owner["name"]?.stringValue == node
        else { throw refuse("node \"\(node)\" can only create pods with an owner reference set to itself") }
        guard owner["controller"]?.boolValue == true else {
            throw refuse("node \"\(node)\" can only create pods with a controller owner reference set to itself")
        }
        if owner["blockOwnerDeletion"]?.boolValue == true {
            throw refuse("node \"\(node)\" must not set blockOwnerDeletion on an owner reference")
        }
        guard let own = registry.cache.cache(group: "", resource: "nodes")?[ObjectKey(name: node)]?.value else {
            throw .notFound("nodes", group: "", name: node)
        }
        let uid = owner["uid"]?.stringValue ?? ""
        if uid != own.uid { throw refuse("node \(node) UID mismatch: expected \(uid) got \(own.uid)") }
        if let resource = Self.referenced(by: pod["spec"] ?? [:]) {
            throw refuse("node \"\(node)\" can not create pods that reference \(resource)")
        }
    }

    /// What a pod needs of the API; nil for one that a node can run by itself.
    private static func referenced(by spec: JSONValue) -> String? {
        if !(spec["serviceAccountName"]?.isEmptyValue ?? true) { return "serviceaccounts" }
        if !(spec["imagePullSecrets"]?.isEmptyValue ?? true) { return "secrets" }
        let containers = ["initContainers", "containers", "ephemeralContainers"].flatMap {
            spec[$0]?.arrayValue ?? []
        }
        for container in containers {
            for (variable, source, name) in [
                ("secretKeyRef", "secretRef", "secrets"), ("configMapKeyRef", "configMapRef", "configmaps"),
            ] {
                let named =
                    (container["env"]?.arrayValue ?? []).contains { $0["valueFrom"]?[variable] != nil }
                    || (container["envFrom"]?.arrayValue ?? []).contains { $0[source] != nil }
                if named { return name }
            }
        }
        if !(spec["resourceClaims"]?.isEmptyValue ?? true) { return "resourceclaims" }
        let volumes: [(String, String)] = [
            ("configMap", "configmaps (via configmap volumes)"), ("secret", "secrets (via secret volumes)"),
            ("csi", "csidrivers (via CSI volumes)"), ("glusterfs", "endpoints (via glusterFS volumes)"),
            ("persistentVolumeClaim", "persistentvolumeclaims"),
            ("ephemeral", "persistentvolumeclaims (via ephemeral volumes)"),
            ("azureFile", "secrets (via azureFile volumes)"),
        ]
        let projected: [(String, String)] = [
            ("configMap", "configmaps (via projected volumes)"), ("secret", "secrets (via projected volumes)"),
            ("serviceAccountToken", "serviceaccounts (via projected volumes)"),
            ("clusterTrustBundle", "clustertrustbundles"), ("podCertificate", "podcertificates"),
        ]
        for volume in spec["volumes"]?.arrayValue ?? [] {
            if let found = volumes.first(where: { volume[$0.0] != nil }) { return found.1 }
            for source in volume["projected"]?["sources"]?.arrayValue ?? [] {
                if let found = projected.first(where: { source[$0.0] != nil }) { return found.1 }
            }
        }
        return nil
    }

    private func checkPodStatus() throws(APIError) {
        guard attributes.operation == .update else {
            throw refuse("unexpected operation \"\(attributes.operation.rawValue)\"")
        }
        if nodeName(attributes.oldObject) != node {
            throw refuse("node \"\(node)\" can only update pod status for pods with spec.nodeName set to itself")
        }
        if (attributes.object?.labels ?? [:]) != (attributes.oldObject?.labels ?? [:]) {
            throw refuse("node \"\(node)\" cannot update labels through pod status")
        }
        func claims(_ pod: JSONValue?) -> [JSONValue] {
            pod?[path: "status", "resourceClaimStatuses"]?.arrayValue ?? []
        }
        if claims(attributes.object) != claims(attributes.oldObject) {
            throw refuse("node \"\(node)\" cannot update resource claim statues")
        }
    }

    private func checkEviction() throws(APIError) {
        guard attributes.operation == .create else {
            throw refuse("unexpected operation \(attributes.operation.rawValue)")
        }
        let name = attributes.name.isEmpty ? attributes.object?.name ?? "" : attributes.name
        if nodeName(try pod(name)) != node {
            throw refuse("node \(node) can only evict pods with spec.nodeName set to itself")
        }
    }

    // MARK: Nodes

    private func checkNode() throws(APIError) {
        let name = attributes.operation == .create ? ownName : attributes.name
        if name != node { throw refuse("node \"\(node)\" is not allowed to modify node \"\(name)\"") }
        let new = attributes.object
        let old = attributes.oldObject
        func differs(_ path: (String, String)) -> Bool {
            let left = new?[path.0]?[path.1].flatMap { $0.isEmptyValue ? Optional<JSONValue>.none : $0 }
            let right = old?[path.0]?[path.1].flatMap { $0.isEmptyValue ? Optional<JSONValue>.none : $0 }
            return left != right
        }
        switch attributes.operation {
        case .create:
            if new?[path: "spec", "configSource"].map({ !$0.isNull }) ?? false {
                throw refuse("node \"\(node)\" is not allowed to create pods with a non-nil configSource")
            }
            let forbidden = forbiddenLabels()
            if !forbidden.isEmpty {
                throw refuse(
                    "node \"\(node)\" is not allowed to set the following labels: \(forbidden.joined(separator: ", "))")
            }
        case .update:
            if differs(("spec", "configSource")), new?[path: "spec", "configSource"].map({ !$0.isNull }) ?? false {
                throw refuse("node \"\(node)\" is not allowed to update configSource to a new non-nil configSource")
            }
            if differs(("spec", "taints")) {
                throw refuse("node \"\(node)\" is not allowed to modify taints")
            }
            if differs(("metadata", "ownerReferences")) {
                throw refuse("node \"\(node)\" is not allowed to modify ownerReferences")
            }
            let forbidden = forbiddenLabels()
            if !forbidden.isEmpty {
                throw refuse("is not allowed to modify labels: \(forbidden.joined(separator: ", "))")
            }
        default: return
        }
    }

    private static let ownLabels: Set<String> = [
        "kubernetes.io/hostname", "topology.kubernetes.io/zone", "topology.kubernetes.io/region",
        "failure-domain.beta.kubernetes.io/zone", "failure-domain.beta.kubernetes.io/region",
        "beta.kubernetes.io/instance-type", "node.kubernetes.io/instance-type", "kubernetes.io/os",
        "kubernetes.io/arch", "beta.kubernetes.io/os", "beta.kubernetes.io/arch",
    ]

    /// The labels that change and are not a node's own to change: pods may be steered by them.
    private func forbiddenLabels() -> [String] {
        let new = attributes.object?.labels ?? [:]
        let old = attributes.oldObject?.labels ?? [:]
        let changed = Set(new.keys).union(old.keys).filter { new[$0] != old[$0] }
        return changed.filter { label in
            guard let slash = label.firstIndex(of: "/") else { return false }
            let domain = label[..<slash]
            func isIn(_ name: String) -> Bool { domain == name || domain.hasSuffix(".\(name)") }
            if isIn("node-restriction.kubernetes.io") { return true }
            let isKubelets =
                Self.ownLabels.contains(label) || isIn("kubelet.kubernetes.io") || isIn("node.kubernetes.io")
            return (isIn("kubernetes.io") || isIn("k8s.io")) && !isKubelets
        }.sorted()
    }

    // MARK: Others

    private func checkClaim() throws(APIError) {
        guard attributes.subresource == "status" else { throw refuse("may only update PVC status") }
        guard attributes.operation == .update else {
            throw refuse("unexpected operation \"\(attributes.operation.rawValue)\"")
        }
        func rest(_ claim: JSONValue?) -> JSONValue {
            var claim = claim ?? [:]
            claim.updateMetadata { metadata in
                metadata["resourceVersion"] = nil
                metadata["managedFields"] = nil
            }
            claim.update("status") { status in
                for field in ["capacity", "conditions", "allocatedResources", "allocatedResourceStatuses"] {
                    status[field] = nil
                }
            }
            return claim
        }
        if rest(attributes.object) != rest(attributes.oldObject) {
            throw refuse(
                "node \"\(node)\" is not allowed to update fields other than status.quantity and status.conditions")
        }
    }

    private func checkToken() throws(APIError) {
        guard attributes.operation == .create, attributes.subresource == "token" else { return }
        let spec = attributes.object?["spec"]
        let reference = spec?["boundObjectRef"]
        let name = reference?["name"]?.stringValue ?? ""
        guard reference?["apiVersion"]?.stringValue == "v1", reference?["kind"]?.stringValue == "Pod", !name.isEmpty
        else { throw refuse("node requested token not bound to a pod") }
        let uid = reference?["uid"]?.stringValue ?? ""
        if uid.isEmpty { throw refuse("node requested token with a pod binding without a uid") }
        let pod = try pod(name)
        if uid != pod.uid {
            throw refuse(
                "the UID in the bound object reference (\(uid)) does not match the UID in record. The object might "
                    + "have been deleted and then recreated")
        }
        if nodeName(pod) != node { throw refuse("node requested token bound to a pod scheduled on a different node") }
        try checkAudience(spec?["audiences"]?.strings ?? [], pod)
    }

    /// A node asks only for audiences that a volume of the pod, or RBAC, names.
    private func checkAudience(_ audiences: [String], _ pod: JSONValue) throws(APIError) {
        if audiences.count > 1 { throw refuse("node may only request 0 or 1 audiences") }
        let audience = audiences.first ?? ""
        for volume in pod[path: "spec", "volumes"]?.arrayValue ?? [] {
            for source in volume["projected"]?["sources"]?.arrayValue ?? [] {
                if let token = source["serviceAccountToken"], (token["audience"]?.stringValue ?? "") == audience {
                    return
                }
            }
            if let driver = driver(of: volume, pod),
                (driver[path: "spec", "tokenRequests"]?.arrayValue ?? []).contains(where: {
                    ($0["audience"]?.stringValue ?? "") == audience
                })
            {
                return
            }
        }
        var wanted = AuthorizationAttributes(
            user: attributes.user, verb: "request-serviceaccounts-token-audience")
        wanted.version = "v1"
        wanted.resource = audience
        wanted.namespace = attributes.namespace
        wanted.name = attributes.name
        if case .allow = registry.authorizer.authorize(wanted) { return }
        throw refuse(
            "audience \"\(audience)\" not found in pod spec volume, \(attributes.user.name) is not authorized to "
                + "request tokens for this audience")
    }

    /// The CSI driver that a volume is of, directly or through a claim.
    private func driver(of volume: JSONValue, _ pod: JSONValue) -> JSONValue? {
        var name = volume[path: "csi", "driver"]?.stringValue
        var claim = volume[path: "persistentVolumeClaim", "claimName"]?.stringValue
        if volume["ephemeral"] != nil { claim = "\(pod.name)-\(volume["name"]?.stringValue ?? "")" }
        if let claim {
            let key = ObjectKey(namespace: attributes.namespace, name: claim)
            let bound = registry.cache.cache(group: "", resource: "persistentvolumeclaims")?[key]?.value
            let volumeName = bound?[path: "spec", "volumeName"]?.stringValue ?? ""
            let volume = registry.cache.cache(group: "", resource: "persistentvolumes")?[ObjectKey(name: volumeName)]
            name = volume?.value[path: "spec", "csi", "driver"]?.stringValue
        }
        guard let name else { return nil }
        return registry.cache.cache(group: "storage.k8s.io", resource: "csidrivers")?[ObjectKey(name: name)]?.value
    }

    /// A node asks for certificates of its own name only.
    private func checkCertificateRequest() throws(APIError) {
        let signer = attributes.object?[path: "spec", "signerName"]?.stringValue ?? ""
        guard attributes.operation == .create,
            signer == "kubernetes.io/kubelet-serving" || signer == "kubernetes.io/kube-apiserver-client-kubelet"
        else { return }
        let text = attributes.object?[path: "spec", "request"]?.stringValue ?? ""
        let request: CertificateRequest
        do throws(PKIError) {
            request = try CertificateRequest(pem: Base64.decode(text) ?? [])
        } catch {
            throw refuse("unable to parse csr: \(error)")
        }
        if request.commonName != "system:node:\(node)" {
            throw refuse("can only create a node CSR with CN=system:node:\(node)")
        }
    }

    private func checkSlice() throws(APIError) {
        switch attributes.operation {
        case .create where nodeName(attributes.object) != node:
            throw refuse("can only create ResourceSlice with the same NodeName as the requesting node")
        case .delete where nodeName(attributes.oldObject) != node:
            throw refuse("can only delete ResourceSlice with the same NodeName as the requesting node")
        default: return
        }
    }
}
