/// Lets nodes (`system:node:NAME` in the group `system:nodes`) do what a kubelet has to.
///
/// It is light: where upstream follows a graph from the node to the pods bound to it and to what they mention, this one
/// allows what the static rules of the role `system:node` allow, and restricts by name what can be: a node's own Node,
/// Lease and CSINode. Secrets and config maps must be asked for by name. The graph is a later issue's.
public struct NodeAuthorizer: Authorizer {
    private static let userPrefix = "system:node:"
    private static let group = "system:nodes"
    private let rules: [CompiledRule]

    public init() { rules = BootstrapPolicy.nodeRules }

    public func authorize(_ attributes: AuthorizationAttributes) -> AuthorizationDecision {
        guard attributes.user.name.hasPrefix(Self.userPrefix), attributes.user.groups.contains(Self.group) else {
            return .noOpinion(reason: "")
        }
        let node = attributes.user.name.dropFirst(Self.userPrefix.utf8.count)
        guard !node.isEmpty else {
            return .noOpinion(reason: "unknown node for user \"\(attributes.user.name)\"")
        }
        if let reason = Self.refusal(attributes, String(node)) { return .noOpinion(reason: reason) }
        return rules.contains { $0.allows(attributes) } ? .allow(reason: "") : .noOpinion(reason: "")
    }

    /// Why the request is not for this node to make; nil if the rules decide.
    private static func refusal(_ request: AuthorizationAttributes, _ node: String) -> String? {
        switch (request.group, request.resource) {
        case ("", "secrets"), ("", "configmaps"):
            if !request.subresource.isEmpty { return "cannot read subresource" }
            if request.namespace.isEmpty { return "can only read namespaced object of this type" }
            if request.name.isEmpty { return "No Object name found" }
        case ("coordination.k8s.io", "leases"):
            if request.namespace != "kube-node-lease" {
                return "can only access leases in the \"kube-node-lease\" system namespace"
            }
            if request.verb != "create", request.name != node {
                return "can only access node lease with the same name as the requesting node"
            }
        case ("storage.k8s.io", "csinodes"):
            if request.verb != "create", request.name != node {
                return "can only access CSINode with the same name as the requesting node"
            }
        case ("", "nodes"):
            switch request.verb {
            case "get", "update", "patch":
                if request.name != node { return "node '\(node)' cannot \(request.verb) the node '\(request.name)'" }
            default: break
            }
        default: break
        }
        return nil
    }
}
