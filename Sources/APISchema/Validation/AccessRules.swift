import JSON
import KubeTypes

/// RBAC's roles and bindings.
enum RBACRules {
    private static let group = "rbac.authorization.k8s.io"

    static func rule(_ rule: JSONObject, _ v: inout Validator) {
        if rule[array: "verbs"].isEmpty { v.required("verbs", "verbs must contain at least one value") }
        let paths = rule[array: "nonResourceURLs"]
        guard paths.isEmpty else {
            if v.rootMessage == "rbac/v1.Role" {
                v.invalid("nonResourceURLs", .array(paths), "namespaced rules cannot apply to non-resource URLs")
            }
            if ["apiGroups", "resources", "resourceNames"].contains(where: { !rule[array: $0].isEmpty }) {
                v.invalid(
                    "nonResourceURLs", .array(paths),
                    "rules cannot apply to both regular resources and non-resource URLs")
            }
            return
        }
        if rule[array: "apiGroups"].isEmpty {
            v.required("apiGroups", "resource rules must supply at least one api group")
        }
        if rule[array: "resources"].isEmpty {
            v.required("resources", "resource rules must supply at least one resource")
        }
    }

    static func aggregation(_ rule: JSONObject, _ v: inout Validator) {
        if rule[array: "clusterRoleSelectors"].isEmpty {
            v.required(
                "clusterRoleSelectors", "at least one clusterRoleSelector required if aggregationRule is non-nil")
        }
        v.elements("clusterRoleSelectors", of: rule) { _, selector, v in
            for (key, value) in selector[object: "matchLabels"] {
                v.invalid("matchLabels", key, Names.isQualifiedName(key))
                v.invalid("matchLabels", value, Names.isLabelValue(value.stringValue ?? ""))
            }
        }
    }

    static func reference(_ reference: JSONObject, _ v: inout Validator) {
        if reference[string: "apiGroup"] != group {
            v.unsupported("apiGroup", .string(reference[string: "apiGroup"]), [group])
        }
        let kinds = v.rootMessage == "rbac/v1.ClusterRoleBinding" ? ["ClusterRole"] : ["Role", "ClusterRole"]
        if !kinds.contains(reference[string: "kind"]) {
            v.unsupported("kind", .string(reference[string: "kind"]), kinds)
        }
        v.optionalName("name", reference) { Names.isPathSegmentName($0) }
    }

    static func subject(_ subject: JSONObject, _ v: inout Validator) {
        let apiGroup = subject[string: "apiGroup"]
        switch subject[string: "kind"] {
        case "ServiceAccount":
            v.optionalName("name", subject, Names.isDNS1123Subdomain)
            if !apiGroup.isEmpty { v.unsupported("apiGroup", .string(apiGroup), [""]) }
            if v.rootMessage == "rbac/v1.ClusterRoleBinding", subject[string: "namespace"].isEmpty {
                v.required("namespace")
            }
        case "User", "Group":
            if apiGroup != group { v.unsupported("apiGroup", .string(apiGroup), [group]) }
        case let other: v.unsupported("kind", .string(other), ["ServiceAccount", "User", "Group"])
        }
    }
}

/// Requests for certificates and bundles of trust anchors.
enum CertificateRules {
    static func trustBundle(_ bundle: JSONObject, _ v: inout Validator) {
        let spec = bundle[object: "spec"]
        let signer = spec[string: "signerName"]
        let name = bundle["metadata"]?["name"]?.stringValue ?? ""
        v.invalid("metadata.name", name, Names.isTrustBundleName(name, signer: signer))
        if !signer.isEmpty { v.signerName("spec.signerName", signer) }
        let text = spec[string: "trustBundle"]
        if text.utf8.count > 1 << 20 {
            v.tooLong("spec.trustBundle", limit: 1 << 20)
        } else if !text.contains("-----BEGIN CERTIFICATE-----") {
            v.invalid("spec.trustBundle", "<value omitted>", "at least one trust anchor must be provided")
        }
    }

    static func updateTrustBundle(_ new: JSONObject, _ old: JSONObject, _ v: inout Validator) {
        v.immutable("spec.signerName", new["spec"]?["signerName"] ?? "", old["spec"]?["signerName"] ?? "")
    }
}
