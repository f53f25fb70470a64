import JSON
import KubeTypes

/// Warnings about objects that are accepted: fields that are deprecated, do nothing, or do what nobody expects. Clients
/// show them to whoever wrote the object.
public enum Advice {
    /// - Parameters:
    ///   - old: what the object was; nil for new ones.
    ///   - kind: the message of the storage version, as in `core/v1.Pod`.
    public static func about(_ object: JSONValue, old: JSONValue?, kind: String) -> [String] {
        guard case .object(let fields) = object else { return [] }
        var advice = Collector()
        let name = fields["metadata"]?["name"]?.stringValue ?? ""
        let spec = fields[object: "spec"]
        switch kind {
        case "core/v1.Pod":
            guard old == nil else { return [] }
            hostname(name, "this is used in the Pod's hostname", &advice)
            PodAdvice.pod(fields, isTemplate: false, &advice)
        case "apps/v1.Deployment", "apps/v1.ReplicaSet", "core/v1.ReplicationController", "apps/v1.DaemonSet",
            "apps/v1.StatefulSet", "batch/v1.Job", "batch/v1.CronJob":
            workload(fields, old, kind, name, &advice)
        case "core/v1.PodTemplate":
            advice.at("template") { PodAdvice.pod(fields[object: "template"], isTemplate: true, &$0) }
        case "core/v1.Service": service(fields, spec, &advice)
        case "core/v1.PersistentVolume": volume(fields, spec, &advice)
        case "core/v1.PersistentVolumeClaim":
            if let annotations = fields["metadata"]?["annotations"], annotations[betaClass] != nil {
                advice.add("metadata.annotations[\(betaClass)]", betaClassAdvice)
            }
            advice.at("spec") { claim(spec, &$0) }
        case "core/v1.Node": node(spec, &advice)
        case "storage/v1.StorageClass", "storage/v1.CSIStorageCapacity", "node/v1.RuntimeClass":
            topology(fields, &advice)
        case "networking/v1.Ingress":
            let key = "kubernetes.io/ingress.class"
            if old == nil, fields["metadata"]?["annotations"]?[key] != nil {
                advice.texts.append("annotation \"\(key)\" is deprecated, please use 'spec.ingressClassName' instead")
            }
        case "discovery/v1.EndpointSlice":
            if old == nil, fields[string: "addressType"] == "FQDN" {
                advice.texts.append("FQDN endpoints are deprecated")
            }
        default: break
        }
        return advice.texts
    }

    /// Texts with the path that they are about, made only where there is something to say.
    struct Collector {
        var texts: [String] = []
        private var path: [String] = []

        mutating func at(_ field: String, _ body: (inout Collector) -> Void) {
            path.append(field)
            body(&self)
            path.removeLast()
        }

        func text(_ child: String) -> String { (path + (child.isEmpty ? [] : [child])).joined(separator: ".") }

        mutating func add(_ child: String, _ text: String) { texts.append("\(self.text(child)): \(text)") }

        /// An address that is accepted, but not as everybody writes it.
        mutating func address(_ child: String, _ value: String) {
            guard let address = AddressText(value) else { return }
            if address.hasLeadingZeros || address.isMapped {
                add(child, "non-standard IP address \"\(value)\" is invalid: use \"\(address.canonical)\"")
            } else if address.isV6, address.canonical != value {
                add(
                    child, "IPv6 address \"\(value)\" should be in RFC 5952 canonical format (\"\(address.canonical)\")"
                )
            }
        }

        mutating func whole(_ child: String, _ value: JSONValue?) {
            guard let amount = ResourceRules.quantity(value), amount.nanos % 1_000_000_000 != 0 else { return }
            add(child, "fractional byte value \"\(amount.text)\" is invalid, must be an integer")
        }
    }

    static func hostname(_ name: String, _ use: String, _ advice: inout Collector) {
        let problems = Names.isDNS1123Label(name)
        if problems.isEmpty { return }
        advice.add(
            "metadata.name",
            "\(use), which can result in surprising behavior; a DNS label is recommended: [\(problems.joined(separator: " "))]"
        )
    }

    // MARK: Workloads

    private static func workload(
        _ object: JSONObject, _ old: JSONValue?, _ kind: String, _ name: String, _ advice: inout Collector
    ) {
        let isChanged = old == nil || old?["metadata"]?["generation"] != object["metadata"]?["generation"]
        if old == nil, kind != "apps/v1.DaemonSet", kind != "apps/v1.StatefulSet" {
            hostname(name, "this is used in Pod names and hostnames", &advice)
        }
        var path = "spec"
        var spec = object[object: "spec"]
        if kind == "batch/v1.CronJob" {
            path = "spec.jobTemplate.spec"
            if old != nil, spec[string: "schedule"].contains("TZ") {
                advice.texts.append(
                    "cannot use TZ or CRON_TZ in spec.spec.schedule, use timeZone instead, see "
                        + "https://kubernetes.io/docs/concepts/workloads/controllers/cron-jobs/ for more details")
            }
            spec = spec["jobTemplate"]?["spec"]?.objectValue ?? JSONObject()
        }
        if isChanged {
            if spec[string: "completionMode"] == "Indexed", spec[integer: "completions"] > 100_000,
                spec[integer: "parallelism"] > 10_000
            {
                advice.add(
                    path,
                    "In Indexed Jobs with a number of completions higher than 10^5 and a parallelism higher than 10^4, "
                        + "Kubernetes might not be able to track completedIndexes when a big number of indexes fail")
            }
            advice.at("\(path).template") { PodAdvice.pod(spec[object: "template"], isTemplate: true, &$0) }
        }
        guard kind == "apps/v1.StatefulSet" else { return }
        for (index, template) in spec[array: "volumeClaimTemplates"].enumerated() {
            advice.at("spec.volumeClaimTemplates[\(index)]") {
                claim(template["spec"]?.objectValue ?? JSONObject(), &$0)
            }
        }
        if spec[integer: "revisionHistoryLimit"] < 0 {
            advice.add(
                "spec.revisionHistoryLimit",
                "a negative value retains all historical revisions; a value >= 0 is recommended")
        }
    }

    // MARK: Services

    private static func service(_ service: JSONObject, _ spec: JSONObject, _ advice: inout Collector) {
        if service["metadata"]?["annotations"]?["service.kubernetes.io/topology-aware-hints"] != nil {
            advice.texts.append(
                "annotation service.kubernetes.io/topology-aware-hints is deprecated, please use "
                    + "service.kubernetes.io/topology-mode instead")
        }
        let type = spec[string: "type"]
        let isHeadless = type == "ClusterIP" && spec[string: "clusterIP"] == "None"
        let external = spec[strings: "externalIPs"]
        if isHeadless {
            if !spec[string: "loadBalancerIP"].isEmpty {
                advice.texts.append("spec.loadBalancerIP is ignored for headless services")
            }
            if !external.isEmpty { advice.texts.append("spec.externalIPs is ignored for headless services") }
            if spec[string: "sessionAffinity"] != "None" {
                advice.texts.append("spec.SessionAffinity is ignored for headless services")
            }
        }
        for (index, address) in external.enumerated() { advice.address("spec.externalIPs[\(index)]", address) }
        if !external.isEmpty, !isHeadless, type != "ExternalName" {
            advice.texts.append(
                "spec.externalIPs is deprecated and may no longer be implemented in some clusters")
        }
        advice.address("spec.loadBalancerIP", spec[string: "loadBalancerIP"])
        if type == "ExternalName", !external.isEmpty {
            advice.texts.append("spec.externalIPs is ignored when spec.type is \"ExternalName\"")
        }
        if type != "ExternalName", !spec[string: "externalName"].isEmpty {
            advice.texts.append("spec.externalName is ignored when spec.type is not \"ExternalName\"")
        }
        if spec[string: "trafficDistribution"] == "PreferClose" {
            advice.add("spec.trafficDistribution", "\"PreferClose\" is deprecated; use \"PreferSameZone\"")
        }
    }

    // MARK: Storage and nodes

    private static let betaClass = "volume.beta.kubernetes.io/storage-class"
    private static let betaClassAdvice = "deprecated since v1.8; use \"storageClassName\" attribute instead"

    static func claim(_ spec: JSONObject, _ advice: inout Collector) {
        for list in ["requests", "limits"] {
            advice.whole("resources.\(list)[storage]", spec["resources"]?[path: list, "storage"])
        }
    }

    private static func volume(_ volume: JSONObject, _ spec: JSONObject, _ advice: inout Collector) {
        if let annotations = volume["metadata"]?["annotations"] {
            if annotations[betaClass] != nil {
                advice.add("metadata.annotations[\(betaClass)]", betaClassAdvice)
            }
            let options = "volume.beta.kubernetes.io/mount-options"
            if annotations[options] != nil {
                advice.add(
                    "metadata.annotations[\(options)]", "deprecated since v1.31; use \"mountOptions\" attribute instead"
                )
            }
        }
        if spec[string: "persistentVolumeReclaimPolicy"] == "Recycle" {
            advice.add(
                "spec.persistentVolumeReclaimPolicy",
                "The Recycle reclaim policy is deprecated. Instead, the recommended approach is to use dynamic "
                    + "provisioning.")
        }
        advice.at("spec") { advice in
            PodAdvice.selectorTerms(
                spec["nodeAffinity"]?["required"]?["nodeSelectorTerms"], "nodeAffinity.required.nodeSelectorTerms",
                &advice)
            PodAdvice.retiredSources(spec, &advice)
        }
    }

    private static func node(_ spec: JSONObject, _ advice: inout Collector) {
        if spec.holds("configSource") { advice.add("spec.configSource", "the feature is removed") }
        if !spec[string: "externalID"].isEmpty {
            advice.add("spec.externalID", "this field is deprecated, and is unused by Kubernetes")
        }
    }

    private static func topology(_ object: JSONObject, _ advice: inout Collector) {
        for (index, term) in object[array: "allowedTopologies"].enumerated() {
            for (position, expression) in (term["matchLabelExpressions"]?.arrayValue ?? []).enumerated() {
                guard let text = PodAdvice.oldLabels[expression["key"]?.stringValue ?? ""] else { continue }
                advice.add("allowedTopologies[\(index)].matchLabelExpressions[\(position)].key", text)
            }
        }
        for (key, _) in object["nodeTopology"]?["matchLabels"]?.objectValue ?? [:] {
            if let text = PodAdvice.oldLabels[key] { advice.add("nodeTopology.matchLabels.\(key)", text) }
        }
        for (key, _) in object["scheduling"]?["nodeSelector"]?.objectValue ?? [:] {
            if let text = PodAdvice.oldLabels[key] { advice.add("scheduling.nodeSelector", text) }
        }
    }
}
