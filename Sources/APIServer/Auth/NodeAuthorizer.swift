/// Lets nodes (`system:node:NAME` in the group `system:nodes`) do what a kubelet has to: read what the pods bound to it
/// need, and write what is its own.
///
/// What a node creates or changes is looked at further by the admission plugin NodeRestriction. Specified by the
/// documentation (*Using Node Authorization*) and KEP-4601 for the selectors.
public struct NodeAuthorizer: Authorizer {
    private static let userPrefix = "system:node:"
    private static let group = "system:nodes"
    private let rules: [CompiledRule]
    private let graph: NodeGraph

    init(graph: NodeGraph) {
        rules = BootstrapPolicy.nodeRules
        self.graph = graph
    }

    /// Whether a user is a node: he then has rights that no role lists.
    static func isNode(_ user: UserInfo) -> Bool {
        user.name.hasPrefix(userPrefix) && user.groups.contains(group)
    }

    public func authorize(_ attributes: AuthorizationAttributes) -> AuthorizationDecision {
        guard Self.isNode(attributes.user) else { return .noOpinion(reason: "") }
        let node = String(attributes.user.name.dropFirst(Self.userPrefix.utf8.count))
        guard !node.isEmpty else {
            return .noOpinion(reason: "unknown node for user \"\(attributes.user.name)\"")
        }
        switch judge(attributes, node) {
        case .allow: return .allow(reason: "")
        case .refuse(let reason): return .noOpinion(reason: reason)
        case .byRules:
            return rules.contains { $0.allows(attributes) } ? .allow(reason: "") : .noOpinion(reason: "")
        }
    }

    private enum Judgement {
        case allow
        case refuse(String)
        /// The same for all nodes: the rules of the role `system:node` decide.
        case byRules
    }

    private func judge(_ request: AuthorizationAttributes, _ node: String) -> Judgement {
        guard !request.resource.isEmpty else { return .byRules }
        switch (request.group, request.resource) {
        case ("", "secrets"): return readNamespaced(request, .secret, node)
        case ("", "configmaps"): return readNamespaced(request, .configMap, node)
        case ("", "persistentvolumeclaims") where request.subresource == "status":
            guard ["update", "patch"].contains(request.verb) else {
                return .refuse("can only get/update/patch this type")
            }
            return related(request, .claim, node)
        case ("", "persistentvolumeclaims"): return get(request, .claim, node)
        // Whoever keeps a volume's directory sees when it has to go, and takes off the finalizer that waits for that.
        case ("", "persistentvolumes")
        where ["get", "update", "list", "watch"].contains(request.verb) && request.subresource.isEmpty
            && graph.keeps(NodeGraph.Vertex(.volume, "", request.name), node: node):
            return .allow
        case ("", "persistentvolumes"): return get(request, .volume, node)
        case ("resource.k8s.io", "resourceclaims"): return get(request, .resourceClaim, node)
        case ("storage.k8s.io", "volumeattachments"): return get(request, .volumeAttachment, node)
        case ("", "serviceaccounts"): return serviceAccount(request, node)
        case ("coordination.k8s.io", "leases"): return lease(request, node)
        case ("storage.k8s.io", "csinodes"): return csiNode(request, node)
        case ("resource.k8s.io", "resourceslices"): return resourceSlice(request, node)
        case ("", "nodes"): return ownNode(request, node)
        case ("", "pods"): return pod(request, node)
        case ("certificates.k8s.io", "podcertificaterequests"): return podCertificateRequest(request, node)
        default: return .byRules
        }
    }

    // MARK: By relation

    private func related(_ request: AuthorizationAttributes, _ kind: NodeGraph.Kind, _ node: String) -> Judgement {
        guard !request.name.isEmpty else { return .refuse("No Object name found") }
        return graph.leads(NodeGraph.Vertex(kind, request.namespace, request.name), to: node)
            ? .allow : .refuse("no relationship found between node '\(node)' and this object")
    }

    private func get(_ request: AuthorizationAttributes, _ kind: NodeGraph.Kind, _ node: String) -> Judgement {
        guard request.verb == "get" else { return .refuse("can only get individual resources of this type") }
        guard request.subresource.isEmpty else { return .refuse("cannot get subresource") }
        return related(request, kind, node)
    }

    private func readNamespaced(_ request: AuthorizationAttributes, _ kind: NodeGraph.Kind, _ node: String)
        -> Judgement
    {
        guard ["get", "list", "watch"].contains(request.verb) else {
            return .refuse("can only read resources of this type")
        }
        guard request.subresource.isEmpty else { return .refuse("cannot read subresource") }
        guard !request.namespace.isEmpty else { return .refuse("can only read namespaced object of this type") }
        return related(request, kind, node)
    }

    private func serviceAccount(_ request: AuthorizationAttributes, _ node: String) -> Judgement {
        if request.verb == "get", request.subresource.isEmpty {
            return readNamespaced(request, .serviceAccount, node)
        }
        guard request.verb == "create", !request.name.isEmpty else {
            return .refuse("can only create tokens for individual service accounts")
        }
        guard request.subresource == "token" else {
            return .refuse("can only create token subresource of serviceaccount")
        }
        return related(request, .serviceAccount, node)
    }

    // MARK: By name

    private static let ownVerbs: Set = ["get", "create", "update", "patch", "delete"]

    private func lease(_ request: AuthorizationAttributes, _ node: String) -> Judgement {
        guard Self.ownVerbs.contains(request.verb) else {
            return .refuse("can only get, create, update, patch, or delete a node lease")
        }
        guard request.namespace == "kube-node-lease" else {
            return .refuse("can only access leases in the \"kube-node-lease\" system namespace")
        }
        // The name of what is created is in its body: admission looks at it.
        guard request.verb == "create" || request.name == node else {
            return .refuse("can only access node lease with the same name as the requesting node")
        }
        return .allow
    }

    private func csiNode(_ request: AuthorizationAttributes, _ node: String) -> Judgement {
        guard Self.ownVerbs.contains(request.verb) else {
            return .refuse("can only get, create, update, patch, or delete a CSINode")
        }
        guard request.subresource.isEmpty else { return .refuse("cannot authorize CSINode subresources") }
        guard request.verb == "create" || request.name == node else {
            return .refuse("can only access CSINode with the same name as the requesting node")
        }
        return .allow
    }

    private func ownNode(_ request: AuthorizationAttributes, _ node: String) -> Judgement {
        switch (request.subresource, request.verb) {
        case ("", "create"), ("", "update"), ("", "patch"), ("status", "update"), ("status", "patch"): return .allow
        case ("", "get"), ("", "list"), ("", "watch"):
            if request.name == node { return .allow }
            return request.name.isEmpty
                ? .refuse("node '\(node)' cannot read all nodes, only its own Node object")
                : .refuse("node '\(node)' cannot read '\(request.name)', only its own Node object")
        default: return .refuse("")
        }
    }

    // MARK: By selector

    private func resourceSlice(_ request: AuthorizationAttributes, _ node: String) -> Judgement {
        guard request.subresource.isEmpty else { return .refuse("cannot authorize ResourceSlice subresources") }
        switch request.verb {
        case "create": return .allow
        case "get", "update", "patch", "delete": return related(request, .resourceSlice, node)
        case "watch", "list", "deletecollection":
            return request.selectors.requires("spec.nodeName", node)
                ? .allow : .refuse("can only list/watch/deletecollection resourceslices with nodeName field selector")
        default:
            return .refuse(
                "only the following verbs are allowed for a ResourceSlice: get, watch, list, create, update, patch, "
                    + "delete, deletecollection")
        }
    }

    private func pod(_ request: AuthorizationAttributes, _ node: String) -> Judgement {
        switch (request.subresource, request.verb) {
        case ("", "get"): return get(request, .pod, node)
        case ("", "list"), ("", "watch"):
            if request.selectors.requires("spec.nodeName", node) { return .allow }
            if !request.name.isEmpty { return related(request, .pod, node) }
            return .refuse("can only list/watch pods with spec.nodeName field selector")
        case ("", "create"), ("", "delete"), ("status", "update"), ("status", "patch"), ("eviction", "create"):
            return .allow
        default: return .refuse("")
        }
    }

    private func podCertificateRequest(_ request: AuthorizationAttributes, _ node: String) -> Judgement {
        guard request.subresource.isEmpty else {
            return .refuse("nodes may not access the status subresource of PodCertificateRequests")
        }
        switch request.verb {
        case "create": return .allow
        case "get": return related(request, .podCertificateRequest, node)
        case "list", "watch":
            return request.selectors.requires("spec.nodeName", node)
                ? .allow : .refuse("can only list/watch podcertificaterequests with nodeName field selector")
        default: return .refuse("nodes may not \(request.verb) podcertificaterequests")
        }
    }
}
