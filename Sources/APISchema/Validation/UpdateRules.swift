import JSON
import KubeTypes

/// What may change about an object that exists, by kind, and what must be right only while it is made.
enum UpdateRules {
    typealias Function = @Sendable (_ new: JSONObject, _ old: JSONObject, inout Validator) -> Void

    /// Checks of new objects alone.
    static let onCreate: [String: ValidationFunctions.Function] = [
        "core/v1.Pod": PodRules.create,
        "core/v1.Event": EventRules.create,
        "batch/v1.Job": JobRules.create,
        "batch/v1.CronJob": JobRules.createCronJob,
        "networking/v1.Ingress": NetworkRules.createIngress,
        "apps/v1.ControllerRevision": WorkloadRules.revision,
    ]

    /// Checks of a change of the object itself.
    static let onUpdate: [String: Function] = [
        "core/v1.Pod": PodUpdateRules.update,
        "core/v1.Event": EventRules.update,
        "core/v1.Service": ServiceRules.update,
        "core/v1.PersistentVolume": StorageRules.volumeUpdate,
        "core/v1.PersistentVolumeClaim": StorageRules.claimUpdate,
        "core/v1.Node": NodeRules.update,
        "core/v1.ResourceQuota": QuotaRules.update,
        "core/v1.Secret": { new, old, v in
            v.immutable("type", new["type"], old["type"])
            ConfigRules.sealed(new, old, ["data"], &v)
        },
        "core/v1.ConfigMap": { ConfigRules.sealed($0, $1, ["data", "binaryData"], &$2) },
        "apps/v1.StatefulSet": WorkloadRules.statefulSetUpdate,
        "apps/v1.ControllerRevision": { $2.immutable("data", $0["data"], $1["data"]) },
        "batch/v1.Job": JobRules.update,
        "batch/v1.CronJob": JobRules.updateCronJob,
        "discovery/v1.EndpointSlice": { $2.immutable("addressType", $0["addressType"], $1["addressType"]) },
        "networking/v1.IngressClass": { new, old, v in
            v.immutable("spec.controller", new["spec"]?["controller"], old["spec"]?["controller"])
        },
        "networking/v1.IPAddress": { new, old, v in
            v.immutable("spec.parentRef", new["spec"]?["parentRef"], old["spec"]?["parentRef"])
        },
        "networking/v1.ServiceCIDR": NetworkRules.serviceCIDRUpdate,
        "node/v1.RuntimeClass": { $2.immutable("handler", $0["handler"], $1["handler"]) },
        "scheduling/v1.PriorityClass": { new, old, v in
            if new[integer: "value"] != old[integer: "value"] {
                v.forbidden("value", "may not be changed in an update.")
            }
            v.immutable("preemptionPolicy", new["preemptionPolicy"], old["preemptionPolicy"])
        },
        "storage/v1.StorageClass": { new, old, v in
            for field in ["parameters", "provisioner", "reclaimPolicy", "volumeBindingMode"] {
                v.immutable(field, new[field], old[field])
            }
        },
        "storage/v1.CSIDriver": { new, old, v in
            let (spec, before) = (new[object: "spec"], old[object: "spec"])
            v.immutable("spec.attachedRequired", spec["attachRequired"], before["attachRequired"])
            v.immutable("spec.volumeLifecycleModes", spec["volumeLifecycleModes"], before["volumeLifecycleModes"])
        },
        "storage/v1.CSINode": StorageRules.nodeUpdate,
        "storage/v1.CSIStorageCapacity": { new, old, v in
            for field in ["nodeTopology", "storageClassName"] { v.immutable(field, new[field], old[field]) }
        },
        "storage/v1.VolumeAttachment": { $2.immutable("spec", $0["spec"], $1["spec"]) },
        "storage/v1.VolumeAttributesClass": { new, old, v in
            for field in ["driverName", "parameters"] where !Validator.areSame(new[field], old[field]) {
                v.forbidden(field, "updates to \(field) are forbidden.")
            }
        },
        "rbac/v1.RoleBinding": roleReference,
        "rbac/v1.ClusterRoleBinding": roleReference,
        "certificates/v1beta1.ClusterTrustBundle": CertificateRules.updateTrustBundle,
        "coordination/v1beta1.LeaseCandidate": { new, old, v in
            v.immutable("spec.leaseName", new["spec"]?["leaseName"], old["spec"]?["leaseName"])
        },
        "resource/v1.ResourceClaim": { $2.immutable("spec", $0["spec"], $1["spec"]) },
        "resource/v1.ResourceClaimTemplate": { $2.immutable("spec", $0["spec"], $1["spec"]) },
        "resource/v1.ResourceSlice": ResourceClaimRules.sliceUpdate,
    ]

    /// Checks of a change of the status.
    static let onStatus: [String: Function] = [
        "core/v1.Pod": PodUpdateRules.status,
        "core/v1.Service": ServiceRules.status,
        "core/v1.Node": NodeRules.update,
        "core/v1.Namespace": NodeRules.namespaceStatus,
        "core/v1.PersistentVolumeClaim": StorageRules.claimStatus,
        "core/v1.ResourceQuota": { new, _, v in
            v.at("status") { QuotaRules.amounts(new[object: "status"], ["hard", "used"], &$0) }
        },
        "core/v1.ReplicationController": WorkloadRules.status(
            counted: ["replicas", "fullyLabeledReplicas", "readyReplicas", "availableReplicas"],
            bounded: ["fullyLabeledReplicas", "readyReplicas", "availableReplicas"], available: "readyReplicas"),
        "apps/v1.ReplicaSet": WorkloadRules.status(
            counted: [
                "replicas", "fullyLabeledReplicas", "readyReplicas", "availableReplicas", "terminatingReplicas",
            ], bounded: ["fullyLabeledReplicas", "readyReplicas", "availableReplicas"], available: "readyReplicas"),
        "apps/v1.Deployment": WorkloadRules.status(
            counted: [
                "replicas", "updatedReplicas", "readyReplicas", "availableReplicas", "unavailableReplicas",
                "terminatingReplicas",
            ], bounded: ["updatedReplicas", "readyReplicas", "availableReplicas"], available: "readyReplicas"),
        "apps/v1.StatefulSet": WorkloadRules.status(
            counted: ["replicas", "readyReplicas", "currentReplicas", "updatedReplicas", "availableReplicas"],
            bounded: ["readyReplicas", "currentReplicas", "updatedReplicas", "availableReplicas"],
            available: "status.readyReplicas"),
        "apps/v1.DaemonSet": WorkloadRules.status(
            counted: [
                "currentNumberScheduled", "numberMisscheduled", "desiredNumberScheduled", "numberReady",
                "updatedNumberScheduled", "numberAvailable", "numberUnavailable",
            ], bounded: [], available: ""),
        "batch/v1.Job": JobStatusRules.status,
        "autoscaling/v2.HorizontalPodAutoscaler": { new, _, v in
            v.at("status") { $0.nonNegative(["currentReplicas", "desiredReplicas"], new[object: "status"]) }
        },
        "policy/v1.PodDisruptionBudget": { new, _, v in
            let status = new[object: "status"]
            v.at("status") { v in
                conditions(status, &v)
                v.nonNegative(
                    ["disruptionsAllowed", "currentHealthy", "desiredHealthy", "expectedPods"], status)
            }
        },
        "networking/v1.Ingress": { new, _, v in
            guard case .object(let balancer)? = new["status"]?["loadBalancer"] else { return }
            v.at("status") { v in
                v.at("loadBalancer") { ServiceRules.loadBalancer(balancer, hasModes: false, &$0) }
            }
        },
        "resource/v1.ResourceClaim": ResourceClaimRules.claimStatus,
    ]

    /// Checks of changes through other subresources.
    static let onSubresource: [String: Function] = [
        "core/v1.Pod/ephemeralcontainers": PodUpdateRules.ephemeralContainers,
        "core/v1.Pod/resize": PodResizeRules.resize,
    ]

    private static let roleReference: Function = { new, old, v in
        if new["roleRef"] != old["roleRef"] { v.invalid("roleRef", new["roleRef"] ?? .null, "cannot change roleRef") }
    }

    /// Conditions as most newer kinds have them.
    static func conditions(_ status: JSONObject, _ v: inout Validator) {
        var types: Set<String> = []
        v.elements("conditions", of: status) { _, condition, v in
            let type = condition[string: "type"]
            if !types.insert(type).inserted { v.duplicate("type", type) }
            v.invalid("type", type, Names.isQualifiedName(type))
            let values = ["False", "True", "Unknown"]
            if !values.contains(condition[string: "status"]) {
                v.unsupported("status", .string(condition[string: "status"]), values)
            }
            if condition[integer: "observedGeneration"] < 0 {
                v.invalid(
                    "observedGeneration", .integer(condition[integer: "observedGeneration"]),
                    "must be greater than or equal to zero")
            }
            if condition[string: "lastTransitionTime"].isEmpty { v.required("lastTransitionTime") }
            let reason = condition[string: "reason"]
            if reason.isEmpty { v.required("reason") }
            if reason.utf8.count > 1024 { v.tooLong("reason", limit: 1024) }
            if condition[string: "message"].utf8.count > 32 << 10 { v.tooLong("message", limit: 32 << 10) }
        }
    }
}

extension Schema {
    /// What is wrong with an object that is created, or, with `old`, with a change of it: the causes of a 422.
    ///
    /// - Parameters:
    ///   - object: decoded, defaulted and prepared, in the form in which it is stored.
    ///   - subresource: through which it is changed; empty for the object itself.
    ///   - apiVersion: in which the client writes, which may ask for less, or for more, than the stored one.
    public func validate(
        _ object: JSONValue, old: JSONValue? = nil, of resource: ResourceType, subresource: String = "",
        writtenAs apiVersion: String = ""
    ) -> [FieldError] {
        guard case .object(let new) = object else { return [] }
        let message = resource.message
        guard case .object(let before)? = old, let old else {
            var validator = Validator(root: new, message, apiVersion)
            validator.check(new, message)
            UpdateRules.onCreate[message.name]?(new, &validator)
            return validator.errors
        }
        /// What is checked of an object whatever it was before.
        func checked(_ object: JSONObject) -> Validator {
            var validator = Validator(root: object, message, apiVersion)
            switch subresource {
            case "status", "approval":
                // The rest is what it was.
                validator.check(
                    ["metadata": object["metadata"] ?? .null, "status": object["status"] ?? .null], of: message)
            default: validator.check(object, message)
            }
            return validator
        }
        var validator = checked(new)
        let update =
            switch subresource {
            case "": UpdateRules.onUpdate[message.name]
            case "status": UpdateRules.onStatus[message.name]
            default: UpdateRules.onSubresource["\(message.name)/\(subresource)"]
            }
        update?(new, before, &validator)
        return withoutOldFaults(validator.errors, object, replacing: old, of: resource) { checked(before).errors }
    }
}

extension Validator {
    /// Looks into some fields of an object, and not at it.
    mutating func check(_ fields: JSONObject, of message: MessageType) {
        for field in message.fieldsWithChecks {
            guard let value = fields[field.name], !value.isNull, let inner = field.type.message else { continue }
            at(field.name) { $0.check(value, field.type, inner) }
        }
    }
}
