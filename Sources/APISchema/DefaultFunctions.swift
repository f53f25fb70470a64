import JSON

/// Defaults that depend on other fields, as upstream's `SetDefaults_*` functions compute them. Each changes one message,
/// after the rule table and before the messages inside.
enum DefaultFunctions {
    typealias Function = @Sendable (inout JSONObject) -> Void

    static let byMessage: [String: Function] = [
        "core/v1.Container": container,
        "core/v1.EphemeralContainer": container,
        "core/v1.Volume": volume,
        "core/v1.ImageVolumeSource": imageVolume,
        "core/v1.Pod": pod,
        "core/v1.Service": service,
        "core/v1.ReplicationController": replicationController,
        "core/v1.Namespace": namespace,
        "core/v1.NodeStatus": nodeStatus,
        "core/v1.LimitRangeItem": limitRangeItem,
        "core/v1.ResourceRequirements": { roundUp(&$0, ["limits", "requests"]) },
        "core/v1.VolumeResourceRequirements": { roundUp(&$0, ["limits", "requests"]) },
        "core/v1.PersistentVolumeSpec": { roundUp(&$0, ["capacity"]) },
        "core/v1.ResourceQuotaSpec": { roundUp(&$0, ["hard"]) },
        "core/v1.ResourceQuotaStatus": { roundUp(&$0, ["hard", "used"]) },
        "core/v1.PodSpec": { roundUp(&$0, ["overhead"]) },
        "core/v1.PersistentVolumeClaimStatus": { roundUp(&$0, ["capacity", "allocatedResources"]) },
        "apps/v1.DeploymentSpec": deployment(surge: "25%"),
        "apps/v1beta2.DeploymentSpec": deployment(surge: "25%"),
        "apps/v1beta1.Deployment": labelsFromTemplate,
        "apps/v1beta1.DeploymentSpec": deployment(surge: "25%"),
        "apps/v1beta1.StatefulSet": labelsFromTemplate,
        "apps/v1.DaemonSetUpdateStrategy": daemonSetStrategy,
        "apps/v1beta2.DaemonSetUpdateStrategy": daemonSetStrategy,
        "apps/v1.StatefulSetSpec": statefulSet,
        "apps/v1beta2.StatefulSetSpec": statefulSet,
        "apps/v1beta1.StatefulSetSpec": statefulSetPartition,
        "extensions/v1beta1.Deployment": labelsFromTemplate,
        "extensions/v1beta1.DeploymentSpec": deployment(surge: 1),
        "extensions/v1beta1.DaemonSet": labelsFromTemplate,
        "extensions/v1beta1.DaemonSetUpdateStrategy": daemonSetStrategy,
        "extensions/v1beta1.ReplicaSet": labelsFromTemplate,
        "batch/v1.Job": jobLabels,
        "batch/v1.JobSpec": job,
        "autoscaling/v2.HorizontalPodAutoscalerSpec": autoscaler,
        "apiextensions/v1.CustomResourceDefinitionSpec": customResourceDefinition,
        "apiextensions/v1.ServiceReference": { $0.setDefault("port", 443) },
        "networking/v1.NetworkPolicySpec": networkPolicy,
        "rbac/v1.Subject": subject,
        "resource/v1.ExactDeviceRequest": deviceRequest,
        "resource/v1.DeviceSubRequest": deviceRequest,
        "resource/v1beta2.ExactDeviceRequest": deviceRequest,
        "resource/v1beta2.DeviceSubRequest": deviceRequest,
        "resource/v1beta1.DeviceRequest": flatDeviceRequest,
        "resource/v1beta1.DeviceSubRequest": deviceRequest,
    ]

    // MARK: Custom resources

    private static func customResourceDefinition(_ spec: inout JSONObject) {
        spec.changeOrMake("names") { names in
            let kind = names["kind"]?.stringValue ?? ""
            names.setDefault("singular", .string(kind.lowercased()))
            if !kind.isEmpty { names.setDefault("listKind", .string("\(kind)List")) }
        }
        if spec["conversion"] == nil { spec["conversion"] = ["strategy": "None"] }
    }

    // MARK: Pods

    private static func container(_ container: inout JSONObject) {
        guard !container.has("imagePullPolicy") else { return }
        container["imagePullPolicy"] = pullPolicy(container["image"]?.stringValue ?? "")
    }

    private static func imageVolume(_ source: inout JSONObject) {
        guard !source.has("pullPolicy") else { return }
        source["pullPolicy"] = pullPolicy(source["reference"]?.stringValue ?? "")
    }

    /// `Always` for the tag `latest`, which is also the tag of an image that names none.
    private static func pullPolicy(_ image: String) -> JSONValue {
        guard !image.isEmpty else { return "IfNotPresent" }
        let tag = ImageReference.tag(of: image)
        return tag == "latest" ? "Always" : "IfNotPresent"
    }

    /// A volume that says nothing of what it is, is an emptyDir.
    private static func volume(_ volume: inout JSONObject) {
        if volume.allSatisfy({ $0.key == "name" || $0.value.isNull }) { volume["emptyDir"] = [:] }
    }

    private static func pod(_ pod: inout JSONObject) {
        pod.change("spec") { spec in
            for list in ["containers", "initContainers"] { spec.changeEach(list, requestsFromLimits) }
            PodLevelResources.applyDefaults(to: &spec)
            spec.setDefault("enableServiceLinks", true)
            guard spec["hostNetwork"]?.boolValue == true else { return }
            for list in ["containers", "initContainers"] {
                spec.changeEach(list) { container in
                    container.changeEach("ports") { port in
                        if (port["hostPort"]?.integerValue ?? 0) == 0 { port["hostPort"] = port["containerPort"] }
                    }
                }
            }
        }
    }

    /// Only in pods, not in templates of pods.
    private static func requestsFromLimits(_ container: inout JSONObject) {
        container.change("resources") { resources in
            guard let limits = resources["limits"]?.objectValue else { return }
            resources.changeOrMake("requests") { requests in
                for (name, limit) in limits where requests[name] == nil { requests[name] = limit }
            }
        }
    }

    /// Quantities finer than a thousandth round up.
    static func roundUp(_ object: inout JSONObject, _ lists: [String]) {
        for list in lists {
            guard let quantities = object[list]?.objectValue else { continue }
            for (name, quantity) in quantities {
                guard let text = quantity.stringValue,
                    text.utf8.last == UInt8(ascii: "n") || text.utf8.last == UInt8(ascii: "u"),
                    case .success(let parsed) = CanonicalQuantity.parse(text)
                else { continue }
                object.change(list) { $0[name] = .string(parsed.roundedToMillis().text) }
            }
        }
    }

    // MARK: Other core kinds

    private static func service(_ service: inout JSONObject) {
        service.changeOrMake("spec") { spec in
            spec.setDefault("sessionAffinity", "None")
            switch spec["sessionAffinity"]?.stringValue {
            case "None": spec["sessionAffinityConfig"] = nil
            case "ClientIP":
                if spec["sessionAffinityConfig"]?[path: "clientIP", "timeoutSeconds"] == nil {
                    spec["sessionAffinityConfig"] = ["clientIP": ["timeoutSeconds": 10800]]
                }
            default: break
            }
            spec.setDefault("type", "ClusterIP")
            let type = spec["type"]?.stringValue
            spec.changeEach("ports") { port in
                if !port.has("targetPort") || port["targetPort"]?.integerValue == 0 {
                    port["targetPort"] = port["port"]
                }
            }
            let external = !(spec["externalIPs"]?.arrayValue ?? []).isEmpty
            if type == "NodePort" || type == "LoadBalancer" || (type == "ClusterIP" && external) {
                spec.setDefault("externalTrafficPolicy", "Cluster")
            }
            if type == "NodePort" || type == "LoadBalancer" || type == "ClusterIP" {
                spec.setDefault("internalTrafficPolicy", "Cluster")
            }
            if type == "LoadBalancer" { spec.setDefault("allocateLoadBalancerNodePorts", true) }
        }
        guard service["spec"]?["type"]?.stringValue == "LoadBalancer" else { return }
        service.change("status") { status in
            status.change("loadBalancer") { balancer in
                balancer.changeEach("ingress") { ingress in
                    if ingress.has("ip") { ingress.setDefault("ipMode", "VIP") }
                }
            }
        }
    }

    private static func replicationController(_ controller: inout JSONObject) {
        guard let labels = templateLabels(controller) else { return }
        controller.change("spec") { spec in
            if (spec["selector"]?.objectValue ?? [:]).isEmpty { spec["selector"] = labels }
        }
        setLabels(&controller, labels)
    }

    private static func namespace(_ namespace: inout JSONObject) {
        guard let name = namespace["metadata"]?["name"]?.stringValue, !name.isEmpty else { return }
        namespace.changeOrMake("metadata") { metadata in
            metadata.changeOrMake("labels") { $0["kubernetes.io/metadata.name"] = .string(name) }
        }
    }

    private static func nodeStatus(_ status: inout JSONObject) {
        if status["allocatable"] == nil { status["allocatable"] = status["capacity"] }
        roundUp(&status, ["allocatable", "capacity"])
    }

    private static func limitRangeItem(_ item: inout JSONObject) {
        if item["type"]?.stringValue == "Container" {
            func fill(_ target: String, from source: String) {
                item.changeOrMake(target) { _ in }
                for (name, amount) in item[source]?.objectValue ?? [:] {
                    item.change(target) { if $0[name] == nil { $0[name] = amount } }
                }
            }
            fill("default", from: "max")
            fill("defaultRequest", from: "default")
            fill("defaultRequest", from: "min")
        }
        roundUp(&item, ["default", "defaultRequest", "max", "maxLimitRequestRatio", "min"])
    }

    // MARK: Workloads

    private static func templateLabels(_ object: JSONObject) -> JSONValue? {
        object["spec"]?[path: "template", "metadata", "labels"].flatMap { $0.objectValue == nil ? nil : $0 }
    }

    private static func setLabels(_ object: inout JSONObject, _ labels: JSONValue) {
        object.changeOrMake("metadata") { metadata in
            if (metadata["labels"]?.objectValue ?? [:]).isEmpty { metadata["labels"] = labels }
        }
    }

    /// The first versions took labels and selector from the template where they were missing.
    private static func labelsFromTemplate(_ object: inout JSONObject) {
        guard let labels = templateLabels(object) else { return }
        object.change("spec") { spec in
            if spec["selector"] == nil { spec["selector"] = ["matchLabels": labels] }
        }
        setLabels(&object, labels)
    }

    private static func deployment(surge: JSONValue) -> Function {
        // In extensions/v1beta1 a rollingUpdate that is there is filled whatever the type.
        let always = surge == 1
        return { spec in
            spec.changeOrMake("strategy") { strategy in
                strategy.setDefault("type", "RollingUpdate")
                guard strategy["type"] == "RollingUpdate" || (always && strategy["rollingUpdate"] != nil) else {
                    return
                }
                strategy.changeOrMake("rollingUpdate") { update in
                    update.setDefault("maxUnavailable", surge)
                    update.setDefault("maxSurge", surge)
                }
            }
        }
    }

    /// The type's default is in the rule table: it differs between versions.
    private static func daemonSetStrategy(_ strategy: inout JSONObject) {
        guard strategy["type"] == "RollingUpdate" else { return }
        strategy.changeOrMake("rollingUpdate") { update in
            update.setDefault("maxUnavailable", 1)
            update.setDefault("maxSurge", 0)
        }
    }

    private static func statefulSet(_ spec: inout JSONObject) {
        spec.changeOrMake("updateStrategy") { strategy in
            if !strategy.has("type") {
                strategy["type"] = "RollingUpdate"
                strategy.changeOrMake("rollingUpdate") { _ in }
            }
        }
        statefulSetPartition(&spec)
    }

    private static func statefulSetPartition(_ spec: inout JSONObject) {
        spec.changeOrMake("updateStrategy") { strategy in
            strategy.setDefault("type", "OnDelete")
            guard strategy["type"] == "RollingUpdate" else { return }
            strategy.change("rollingUpdate") { $0.setDefault("partition", 0) }
        }
    }

    private static func jobLabels(_ job: inout JSONObject) {
        if let labels = templateLabels(job) { setLabels(&job, labels) }
    }

    private static func job(_ spec: inout JSONObject) {
        if spec["completions"] == nil, spec["parallelism"] == nil { spec["completions"] = 1 }
        spec.setDefault("parallelism", 1)
        spec.setDefault("backoffLimit", spec["backoffLimitPerIndex"] == nil ? 6 : .integer(Int64(Int32.max)))
        spec.setDefault("podReplacementPolicy", spec["podFailurePolicy"] == nil ? "TerminatingOrFailed" : "Failed")
    }

    // MARK: Others

    private static func autoscaler(_ spec: inout JSONObject) {
        if (spec["metrics"]?.arrayValue ?? []).isEmpty {
            spec["metrics"] = [
                [
                    "type": "Resource",
                    "resource": ["name": "cpu", "target": ["type": "Utilization", "averageUtilization": 80]],
                ]
            ]
        }
        spec.change("behavior") { behavior in
            behavior.changeOrMake("scaleUp") { rules in
                rules.setDefault("stabilizationWindowSeconds", 0)
                rules.setDefault("selectPolicy", "Max")
                rules.setDefault(
                    "policies",
                    [
                        ["type": "Pods", "value": 4, "periodSeconds": 15],
                        ["type": "Percent", "value": 100, "periodSeconds": 15],
                    ])
            }
            behavior.changeOrMake("scaleDown") { rules in
                rules.setDefault("selectPolicy", "Max")
                rules.setDefault("policies", [["type": "Percent", "value": 100, "periodSeconds": 15]])
            }
        }
    }

    private static func networkPolicy(_ spec: inout JSONObject) {
        guard (spec["policyTypes"]?.arrayValue ?? []).isEmpty else { return }
        let hasEgress = !(spec["egress"]?.arrayValue ?? []).isEmpty
        spec["policyTypes"] = hasEgress ? ["Ingress", "Egress"] : ["Ingress"]
    }

    private static func subject(_ subject: inout JSONObject) {
        guard let kind = subject["kind"]?.stringValue, kind == "User" || kind == "Group" else { return }
        subject.setDefault("apiGroup", "rbac.authorization.k8s.io")
    }

    private static func deviceRequest(_ request: inout JSONObject) {
        request.setDefault("allocationMode", "ExactCount")
        if request["allocationMode"] == "ExactCount", (request["count"]?.integerValue ?? 0) == 0 {
            request["count"] = 1
        }
    }

    /// In v1beta1 a request that lists alternatives has no mode of its own.
    private static func flatDeviceRequest(_ request: inout JSONObject) {
        if (request["firstAvailable"]?.arrayValue ?? []).isEmpty { deviceRequest(&request) }
    }
}

/// References to images as far as defaults need them: `[HOST[:PORT]/]PATH[:TAG][@DIGEST]`.
enum ImageReference {
    /// The tag; `latest` where there is neither tag nor digest, nil where there is only a digest.
    static func tag(of image: String) -> String? {
        let named = image.prefix { $0 != "@" }
        let last = named[(named.lastIndex(of: "/").map { named.index(after: $0) } ?? named.startIndex)...]
        if let colon = last.lastIndex(of: ":") { return String(last[last.index(after: colon)...]) }
        return named.endIndex == image.endIndex ? "latest" : nil
    }
}
