// Advice about objects that are accepted, which goes out as `Warning` headers.

import JSON
import KubeTypes

/// What upstream warns about when an object is written: fields and labels that no longer do anything, lists that say
/// something twice, values that mean something else than they seem to.
public enum ObjectAdvice {
    /// The warnings about a new object, or one that replaces `old`, in the storage version.
    public static func warnings(about object: JSONValue, replacing old: JSONValue?, _ resource: ResourceType)
        -> [String]
    {
        guard case .object(let fields) = object else { return [] }
        let spec = fields["spec"]?.objectValue ?? [:]
        switch (resource.group, resource.plural) {
        case ("", "pods"):
            // Few people write pods themselves, and updates are many.
            return old == nil ? PodAdvice(prefix: "").warnings(about: fields) : []
        case ("", "podtemplates"): return template(fields["template"], "template")
        case ("", "replicationcontrollers"):
            return isNew(object, old) ? template(spec["template"], "spec.template") : []
        case ("apps", "deployments"), ("apps", "replicasets"), ("apps", "daemonsets"), ("apps", "statefulsets"):
            guard isNew(object, old) else { return [] }
            let name = resource.plural == "daemonsets" || old != nil ? [] : nameAdvice(fields)
            return name + template(spec["template"], "spec.template") + claims(spec)
        case ("batch", "jobs"):
            guard isNew(object, old) else { return [] }
            return (old == nil ? nameAdvice(fields) : []) + job(spec, "spec")
        case ("batch", "cronjobs"):
            guard isNew(object, old) else { return [] }
            return (old == nil ? nameAdvice(fields) : [])
                + job(spec["jobTemplate"]?["spec"]?.objectValue ?? [:], "spec.jobTemplate.spec")
        case ("", "services"): return service(fields, spec)
        case ("", "nodes"): return node(spec)
        case ("", "persistentvolumes"): return volume(fields, spec)
        case ("", "persistentvolumeclaims"): return claim(fields, spec)
        case ("", "serviceaccounts"): return account(fields, old)
        case ("node.k8s.io", "runtimeclasses"):
            return NodeLabels.warnings(in: fields["scheduling"]?["nodeSelector"], "scheduling.nodeSelector")
        case ("storage.k8s.io", "storageclasses"): return storageClass(fields)
        default: return []
        }
    }

    /// Whether the content changed, as the generation tells.
    private static func isNew(_ object: JSONValue, _ old: JSONValue?) -> Bool {
        old == nil || object["metadata"]?["generation"] != old?["metadata"]?["generation"]
    }

    static func annotations(_ object: JSONObject) -> JSONObject {
        object["metadata"]?["annotations"]?.objectValue ?? [:]
    }

    private static func template(_ template: JSONValue?, _ path: String) -> [String] {
        template?.objectValue.map { PodAdvice(prefix: "\(path).").warnings(about: $0) } ?? []
    }

    private static func nameAdvice(_ object: JSONObject) -> [String] {
        let problems = Names.isDNS1123Label(object["metadata"]?["name"]?.stringValue ?? "")
        if problems.isEmpty { return [] }
        return [
            "metadata.name: this is used in Pod names and hostnames, which can result in surprising behavior; a DNS label "
                + "is recommended: [\(problems.joined(separator: " "))]"
        ]
    }

    private static func job(_ spec: JSONObject, _ path: String) -> [String] {
        var warnings: [String] = []
        if spec["completionMode"]?.stringValue == "Indexed", spec["completions"]?.integerValue ?? 0 > 100_000,
            spec["parallelism"]?.integerValue ?? 0 > 10_000
        {
            warnings.append(
                "\(path): In Indexed Jobs with a number of completions higher than 10^5 and a parallelism higher than 10^4, "
                    + "Kubernetes might not be able to track completedIndexes when a big number of indexes fail")
        }
        return warnings + template(spec["template"], "\(path).template")
    }

    private static func claims(_ spec: JSONObject) -> [String] {
        (spec["volumeClaimTemplates"]?.arrayValue ?? []).enumerated().flatMap { index, claim in
            claimSpec(claim["spec"]?.objectValue ?? [:], "spec.volumeClaimTemplates[\(index)].spec")
        }
    }

    private static func service(_ object: JSONObject, _ spec: JSONObject) -> [String] {
        var warnings: [String] = []
        if annotations(object)["service.kubernetes.io/topology-aware-hints"] != nil {
            warnings.append(
                "annotation service.kubernetes.io/topology-aware-hints is deprecated, please use "
                    + "service.kubernetes.io/topology-mode instead")
        }
        let type = spec["type"]?.stringValue ?? ""
        let isExternal = type == "ExternalName"
        let hasExternalIPs = !(spec["externalIPs"]?.arrayValue ?? []).isEmpty
        let isHeadless = type == "ClusterIP" && spec["clusterIP"]?.stringValue == "None"
        if isHeadless {
            if !(spec["loadBalancerIP"]?.stringValue ?? "").isEmpty {
                warnings.append("spec.loadBalancerIP is ignored for headless services")
            }
            if hasExternalIPs { warnings.append("spec.externalIPs is ignored for headless services") }
            if spec["sessionAffinity"]?.stringValue != "None" {
                warnings.append("spec.SessionAffinity is ignored for headless services")
            }
        }
        if hasExternalIPs, !isHeadless, !isExternal {
            warnings.append("spec.externalIPs is deprecated and may no longer be implemented in some clusters")
        }
        if isExternal, hasExternalIPs {
            warnings.append("spec.externalIPs is ignored when spec.type is \"ExternalName\"")
        }
        if !isExternal, !(spec["externalName"]?.stringValue ?? "").isEmpty {
            warnings.append("spec.externalName is ignored when spec.type is not \"ExternalName\"")
        }
        if spec["trafficDistribution"]?.stringValue == "PreferClose" {
            warnings.append("spec.trafficDistribution: \"PreferClose\" is deprecated; use \"PreferSameZone\"")
        }
        return warnings
    }

    private static func node(_ spec: JSONObject) -> [String] {
        var warnings: [String] = []
        if spec["configSource"] != nil { warnings.append("spec.configSource: the feature is removed") }
        if !(spec["externalID"]?.stringValue ?? "").isEmpty {
            warnings.append("spec.externalID: this field is deprecated, and is unused by Kubernetes")
        }
        return warnings
    }

    private static func volume(_ object: JSONObject, _ spec: JSONObject) -> [String] {
        var warnings: [String] = []
        for (key, text) in [
            (
                "volume.beta.kubernetes.io/storage-class",
                "deprecated since v1.8; use \"storageClassName\" attribute instead"
            ),
            (
                "volume.beta.kubernetes.io/mount-options",
                "deprecated since v1.31; use \"mountOptions\" attribute instead"
            ),
        ] where annotations(object)[key] != nil {
            warnings.append("metadata.annotations[\(key)]: \(text)")
        }
        if spec["persistentVolumeReclaimPolicy"]?.stringValue == "Recycle" {
            warnings.append(
                "spec.persistentVolumeReclaimPolicy: The Recycle reclaim policy is deprecated. Instead, the recommended "
                    + "approach is to use dynamic provisioning.")
        }
        warnings += NodeLabels.warnings(
            inTerms: spec["nodeAffinity"]?["required"]?["nodeSelectorTerms"],
            "spec.nodeAffinity.required.nodeSelectorTerms")
        return warnings + VolumeAdvice.drivers(spec, "spec", of: .persistentVolume)
    }

    private static func claim(_ object: JSONObject, _ spec: JSONObject) -> [String] {
        let key = "volume.beta.kubernetes.io/storage-class"
        let old =
            annotations(object)[key] == nil
            ? [] : ["metadata.annotations[\(key)]: deprecated since v1.8; use \"storageClassName\" attribute instead"]
        return old + claimSpec(spec, "spec")
    }

    /// Of a claim or of a template for claims.
    static func claimSpec(_ spec: JSONObject, _ path: String) -> [String] {
        ["requests", "limits"].flatMap { kind in
            fractions(spec["resources"]?[kind], ["storage"], "\(path).resources.\(kind)")
        }
    }

    /// Numbers of bytes that are no whole ones.
    static func fractions(_ resources: JSONValue?, _ names: [String], _ path: String) -> [String] {
        names.compactMap { name in
            guard let value = resources?[name], let quantity = Quantity(field: value),
                quantity.nanos % 1_000_000_000 != 0
            else { return nil }
            return
                "\(path)[\(name)]: fractional byte value \"\(value.stringValue ?? "")\" is invalid, must be an integer"
        }
    }

    private static func account(_ object: JSONObject, _ old: JSONValue?) -> [String] {
        let key = "kubernetes.io/enforce-mountable-secrets"
        guard annotations(object)[key] != nil, old.flatMap({ $0.objectValue }).map(annotations)?[key] == nil else {
            return []
        }
        return [
            "metadata.annotations[\(key)]: deprecated in v1.32+; prefer separate namespaces to isolate access to mounted "
                + "secrets"
        ]
    }

    private static func storageClass(_ object: JSONObject) -> [String] {
        (object["allowedTopologies"]?.arrayValue ?? []).enumerated().flatMap { index, term in
            (term["matchLabelExpressions"]?.arrayValue ?? []).enumerated().compactMap { position, expression in
                let key = expression["key"]?.stringValue ?? ""
                return NodeLabels.deprecated[key].map { text in
                    "allowedTopologies[\(index)].matchLabelExpressions[\(position)].key: \(key) is \(text)"
                }
            }
        }
    }
}

/// Labels of nodes that have got other names.
enum NodeLabels {
    static let deprecated = [
        "beta.kubernetes.io/arch": "deprecated since v1.14; use \"kubernetes.io/arch\" instead",
        "beta.kubernetes.io/os": "deprecated since v1.14; use \"kubernetes.io/os\" instead",
        "failure-domain.beta.kubernetes.io/region":
            "deprecated since v1.17; use \"topology.kubernetes.io/region\" instead",
        "failure-domain.beta.kubernetes.io/zone": "deprecated since v1.17; use \"topology.kubernetes.io/zone\" instead",
        "beta.kubernetes.io/instance-type": "deprecated since v1.17; use \"node.kubernetes.io/instance-type\" instead",
        "app.kubernetes.io/created-by": "deprecated since v1.9",
        "scheduler.alpha.kubernetes.io/preferAvoidPods": "deprecated since v1.22; use Taints and Tolerations instead",
        "node-role.kubernetes.io/master": "use \"node-role.kubernetes.io/control-plane\" instead",
    ]

    /// Those that a map of labels has.
    static func warnings(in labels: JSONValue?, _ path: String) -> [String] {
        (labels?.objectValue ?? [:]).compactMap { key, _ in deprecated[key].map { "\(path)[\(key)]: \($0)" } }
    }

    static func warnings(inTerms terms: JSONValue?, _ path: String) -> [String] {
        (terms?.arrayValue ?? []).enumerated().flatMap { warnings(inTerm: $1, "\(path)[\($0)]") }
    }

    static func warnings(inTerm term: JSONValue?, _ path: String) -> [String] {
        (term?["matchExpressions"]?.arrayValue ?? []).enumerated().compactMap { index, expression in
            let key = expression["key"]?.stringValue ?? ""
            return deprecated[key].map { "\(path).matchExpressions[\(index)].key: \(key) is \($0)" }
        }
    }
}
