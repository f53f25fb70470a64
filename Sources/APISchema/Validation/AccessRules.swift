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
    private static let usages = [
        "any", "cert sign", "client auth", "code signing", "content commitment", "crl sign", "data encipherment",
        "decipher only", "digital signature", "email protection", "encipher only", "ipsec end system", "ipsec tunnel",
        "ipsec user", "key agreement", "key encipherment", "microsoft sgc", "netscape sgc", "ocsp signing", "s/mime",
        "server auth", "signing", "timestamping",
    ]

    static func createRequest(_ request: JSONObject, _ v: inout Validator) {
        let spec = request[object: "spec"]
        v.at("spec") { v in
            let text = spec[string: "request"]
            let pem = String(decoding: Base64.decode(text) ?? [], as: UTF8.self)
            if !pem.contains("-----BEGIN CERTIFICATE REQUEST-----")
                && !pem.contains("-----BEGIN NEW CERTIFICATE REQUEST-----")
            {
                v.invalid("request", text, "PEM block type must be CERTIFICATE REQUEST")
            }
            if spec[array: "usages"].isEmpty { v.required("usages") }
            var seen: Set<String> = []
            v.strings("usages", of: spec) { usage, v in
                if !usages.contains(usage) { v.unsupported("", .string(usage), usages) }
                if !seen.insert(usage).inserted { v.duplicate("", usage) }
            }
            let signer = spec[string: "signerName"]
            if signer.isEmpty {
                v.required("signerName")
            } else if signer == "kubernetes.io/legacy-unknown", v.version != "v1beta1" {
                v.invalid("signerName", signer, "the legacy signerName is not allowed via this API version")
            } else {
                v.invalid("signerName", signer, Names.isSignerName(signer))
            }
            if let seconds = spec["expirationSeconds"]?.integerValue, seconds < 600 {
                v.invalid(
                    "expirationSeconds", .integer(seconds),
                    "may not specify a duration less than 600 seconds (10 minutes)")
            }
        }
        conditions(request, &v)
    }

    private static func conditions(_ request: JSONObject, _ v: inout Validator) {
        let status = request[object: "status"]
        var types: Set<String> = []
        v.at("status") { v in
            v.elements("conditions", of: status) { _, condition, v in
                let type = condition[string: "type"]
                if type.isEmpty { v.required("type") }
                let isVerdict = ["Approved", "Denied", "Failed"].contains(type)
                v.requiredOneOf("status", condition, isVerdict ? ["True"] : ["False", "True", "Unknown"])
                if !types.insert(type).inserted { v.duplicate("type", type) }
                if type == "Approved" && types.contains("Denied") || type == "Denied" && types.contains("Approved") {
                    v.leavingOne {
                        $0.invalid("", type, "Approved and Denied conditions are mutually exclusive")
                    }
                }
            }
        }
    }

    private static func found(_ type: String, _ request: JSONObject) -> [JSONValue] {
        (request["status"]?["conditions"]?.arrayValue ?? []).filter { $0["type"]?.stringValue == type }
    }

    static func updateRequest(_ new: JSONObject, _ old: JSONObject, _ v: inout Validator) {
        change(new, old, maySetCertificate: false, mayApprove: false, &v)
    }

    static func requestStatus(_ new: JSONObject, _ old: JSONObject, _ v: inout Validator) {
        change(new, old, maySetCertificate: true, mayApprove: false, &v)
    }

    static func requestApproval(_ new: JSONObject, _ old: JSONObject, _ v: inout Validator) {
        change(new, old, maySetCertificate: false, mayApprove: true, &v)
    }

    private static func change(
        _ new: JSONObject, _ old: JSONObject, maySetCertificate: Bool, mayApprove: Bool, _ v: inout Validator
    ) {
        conditions(new, &v)
        for type in ["Approved", "Denied", "Failed"] {
            let (now, was) = (found(type, new), found(type, old))
            if now.count < was.count {
                v.forbidden("status.conditions", "updates may not remove a condition of type \"\(type)\"")
            } else if !mayApprove, type != "Failed" {
                if now.count > was.count {
                    v.forbidden("status.conditions", "updates may not add a condition of type \"\(type)\"")
                } else if now != was {
                    v.forbidden("status.conditions", "updates may not modify a condition of type \"\(type)\"")
                }
            }
        }
        let now = new["status"]?["certificate"]?.stringValue ?? ""
        let was = old["status"]?["certificate"]?.stringValue ?? ""
        guard now != was else { return }
        if !maySetCertificate {
            v.forbidden("status.certificate", "updates may not set certificate content")
        } else if !was.isEmpty {
            v.forbidden("status.certificate", "updates may not modify existing certificate content")
        }
        let pem = String(decoding: Base64.decode(now) ?? [], as: UTF8.self)
        if !now.isEmpty, !pem.contains("-----BEGIN CERTIFICATE-----") {
            v.invalid(
                "status.certificate", "<certificate data>", "must contain at least one CERTIFICATE PEM block")
        }
    }

    static func trustBundle(_ bundle: JSONObject, _ v: inout Validator) {
        let spec = bundle[object: "spec"]
        let signer = spec[string: "signerName"]
        let name = bundle["metadata"]?["name"]?.stringValue ?? ""
        v.invalid("metadata.name", name, Names.isTrustBundleName(name, signer: signer))
        if !signer.isEmpty { v.invalid("spec.signerName", signer, Names.isSignerName(signer)) }
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
