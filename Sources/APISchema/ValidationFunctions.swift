import JSON
import KubeTypes

/// Checks across fields, keyed by the message that holds them all. The rules themselves are in Validation/, by area.
enum ValidationFunctions {
    typealias Function = @Sendable (JSONObject, inout Validator) -> Void

    static let byMessage: [String: Function] = [
        "meta/v1.ObjectMeta": MetadataRules.metadata,

        "core/v1.Pod": PodRules.pod,
        "core/v1.PodTemplateSpec": PodRules.template,
        "core/v1.PodSpec": PodRules.spec,
        "core/v1.ResourceRequirements": ResourceRules.requirements,
        "core/v1.Toleration": SchedulingRules.toleration,
        "core/v1.NodeSelector": SchedulingRules.nodeSelector,
        "core/v1.NodeSelectorTerm": SchedulingRules.nodeSelectorTerm,
        "core/v1.PreferredSchedulingTerm": SchedulingRules.weighted,
        "core/v1.WeightedPodAffinityTerm": SchedulingRules.weighted,
        "core/v1.PodAffinityTerm": SchedulingRules.podAffinityTerm,
        "core/v1.EnvVar": EnvironmentRules.variable,
        "core/v1.EnvFromSource": EnvironmentRules.source,
        "core/v1.FileKeySelector": EnvironmentRules.file,
        "core/v1.DownwardAPIVolumeFile": EnvironmentRules.volumeFile,
        "core/v1.PodSecurityContext": SecurityRules.podContext,
        "core/v1.SecurityContext": SecurityRules.context,
        "core/v1.SeccompProfile": SecurityRules.seccomp,
        "core/v1.AppArmorProfile": SecurityRules.appArmor,
        "core/v1.WindowsSecurityContextOptions": SecurityRules.windowsOptions,

        "core/v1.Volume": VolumeRules.volume,
        "core/v1.HostPathVolumeSource": VolumeRules.hostPath,
        "core/v1.GitRepoVolumeSource": VolumeRules.gitRepo,
        "core/v1.KeyToPath": VolumeRules.keyToPath,
        "core/v1.ISCSIVolumeSource": VolumeRules.iscsi,
        "core/v1.ISCSIPersistentVolumeSource": VolumeRules.iscsi,
        "core/v1.FCVolumeSource": VolumeRules.fibreChannel,
        "core/v1.QuobyteVolumeSource": VolumeRules.quobyte,
        "core/v1.FlockerVolumeSource": VolumeRules.flocker,
        "core/v1.FlexVolumeSource": VolumeRules.flexVolume,
        "core/v1.FlexPersistentVolumeSource": VolumeRules.flexVolume,
        "core/v1.AzureDiskVolumeSource": VolumeRules.azureDisk,
        "core/v1.ImageVolumeSource": VolumeRules.image,

        "core/v1.Service": ServiceRules.service,
        "core/v1.EndpointSubset": ServiceRules.endpointSubset,
        "core/v1.EndpointAddress": ServiceRules.endpointAddress,
        "core/v1.ConfigMap": ConfigRules.configMap,
        "core/v1.Secret": ConfigRules.secret,
        "core/v1.PersistentVolumeSpec": StorageRules.volumeSpec,
        "core/v1.PersistentVolumeClaimSpec": StorageRules.claimSpec,
        "core/v1.Node": NodeRules.node,
        "core/v1.NamespaceSpec": NodeRules.namespaceSpec,
        "core/v1.Event": EventRules.event,
        "core/v1.LimitRangeSpec": QuotaRules.limitRange,
        "core/v1.ResourceQuotaSpec": QuotaRules.quota,
        "core/v1.ReplicationControllerSpec": {
            WorkloadRules.template($0, &$1, owner: "ReplicationController", plainSelector: true)
        },

        "apps/v1.DeploymentSpec": WorkloadRules.deployment,
        "apps/v1.ReplicaSetSpec": { WorkloadRules.workload($0, &$1, named: "deployment", owner: "ReplicaSet") },
        "apps/v1.DaemonSetSpec": WorkloadRules.daemonSet,
        "apps/v1.StatefulSetSpec": WorkloadRules.statefulSet,
        "batch/v1.JobSpec": JobRules.spec,
        "batch/v1.CronJobSpec": JobRules.cronJob,
        "autoscaling/v2.HorizontalPodAutoscalerSpec": AutoscalingRules.autoscaler,
        "autoscaling/v2.MetricSpec": AutoscalingRules.metric,
        "autoscaling/v2.CrossVersionObjectReference": AutoscalingRules.reference,
        "policy/v1.PodDisruptionBudgetSpec": AutoscalingRules.disruptionBudget,

        "networking/v1.IngressSpec": NetworkRules.ingressSpec,
        "networking/v1.HTTPIngressPath": NetworkRules.path,
        "networking/v1.IngressBackend": NetworkRules.backend,
        "networking/v1.IngressClassSpec": NetworkRules.ingressClass,
        "networking/v1.NetworkPolicySpec": NetworkRules.policy,
        "networking/v1.NetworkPolicyPort": NetworkRules.policyPort,
        "networking/v1.NetworkPolicyPeer": NetworkRules.policyPeer,
        "networking/v1.IPBlock": NetworkRules.addressBlock,
        "networking/v1.ServiceCIDRSpec": NetworkRules.serviceCIDR,
        "networking/v1.IPAddress": NetworkRules.ipAddress,
        "discovery/v1.EndpointSlice": NetworkRules.endpointSlice,

        "storage/v1.StorageClass": StorageRules.storageClass,
        "storage/v1.VolumeAttributesClass": StorageRules.attributesClass,
        "storage/v1.CSIDriverSpec": StorageRules.driver,
        "storage/v1.CSINodeSpec": StorageRules.node,
        "storage/v1.CSIStorageCapacity": StorageRules.capacity(ofStorage:_:),
        "storage/v1.VolumeAttachment": StorageRules.attachment,

        "rbac/v1.PolicyRule": RBACRules.rule,
        "rbac/v1.AggregationRule": RBACRules.aggregation,
        "rbac/v1.RoleRef": RBACRules.reference,
        "rbac/v1.Subject": RBACRules.subject,
        "certificates/v1beta1.ClusterTrustBundle": CertificateRules.trustBundle,

        "node/v1.RuntimeClass": NodeRules.runtimeClass,
        "coordination/v1.LeaseSpec": NodeRules.lease,
        "coordination/v1beta1.LeaseCandidateSpec": NodeRules.leaseCandidate,

        "admissionregistration/v1.ValidatingWebhookConfiguration": AdmissionRules.configuration,
        "admissionregistration/v1.MutatingWebhookConfiguration": AdmissionRules.configuration,
        "admissionregistration/v1.ValidatingAdmissionPolicySpec": AdmissionRules.validatingPolicy,
        "admissionregistration/v1.MutatingAdmissionPolicySpec": AdmissionRules.mutatingPolicy,
        "admissionregistration/v1.ValidatingAdmissionPolicyBindingSpec": AdmissionRules.binding,
        "admissionregistration/v1.MutatingAdmissionPolicyBindingSpec": AdmissionRules.binding,
        "admissionregistration/v1.MatchResources": AdmissionRules.matchResources,
        "flowcontrol/v1.FlowSchema": FlowRules.schema,
        "flowcontrol/v1.PriorityLevelConfiguration": FlowRules.level,

        "resource/v1.DeviceClaim": ResourceClaimRules.claim,
        "resource/v1.DeviceClassSpec": ResourceClaimRules.deviceClass,
        "resource/v1.ResourceSliceSpec": ResourceClaimRules.slice,
        "resource/v1beta2.DeviceTaintRuleSpec": ResourceClaimRules.taintRule,
    ]
}

/// Metadata: of objects as a whole, and as far as templates have it.
enum MetadataRules {
    /// The most bytes that keys and values of annotations may have together.
    private static let annotationsLimit = 256 << 10

    static func metadata(_ metadata: JSONObject, _ v: inout Validator) {
        v.checkLabels(metadata["labels"], "labels")
        var size = 0
        for (key, value) in metadata["annotations"]?.objectValue ?? [:] {
            let problems = Names.isQualifiedName(key.lowercased())
            if !problems.isEmpty { v.invalid("annotations", key, problems) }
            size += key.utf8.count + (value.stringValue?.utf8.count ?? 0)
        }
        if size > annotationsLimit { v.tooLong("annotations", limit: annotationsLimit) }
        // What owns an object and what holds it is of no concern in a template.
        guard v.steps.count == 1 else { return }
        ownerReferences(metadata, &v)
        finalizers(metadata, &v)
        if let generation = metadata["generation"]?.integerValue, generation < 0 {
            v.invalid("generation", .integer(generation), "must be greater than or equal to 0")
        }
        managedFields(metadata, &v)
    }

    private static func finalizers(_ metadata: JSONObject, _ v: inout Validator) {
        guard case .array(let finalizers)? = metadata["finalizers"], !finalizers.isEmpty else { return }
        for (index, finalizer) in finalizers.enumerated() {
            let name = finalizer.stringValue ?? ""
            v.invalid("finalizers", name, Names.isQualifiedName(name))
            if !name.contains("/"), !["kubernetes", "orphan", "foregroundDeletion"].contains(name) {
                v.invalid(
                    "finalizers[\(index)]", name,
                    "name is neither a standard finalizer name nor is it fully qualified")
            }
        }
        if finalizers.contains("orphan"), finalizers.contains("foregroundDeletion") {
            v.invalid(
                "finalizers", .array(finalizers), "finalizer orphan and foregroundDeletion cannot be both set")
        }
    }

    private static func managedFields(_ metadata: JSONObject, _ v: inout Validator) {
        v.elements("managedFields", of: metadata) { _, entry, v in
            let operation = entry[string: "operation"]
            if operation != "Apply", operation != "Update" {
                v.invalid("operation", operation, "must be `Apply` or `Update`")
            }
            let type = entry[string: "fieldsType"]
            if !type.isEmpty, type != "FieldsV1" { v.invalid("fieldsType", type, "must be `FieldsV1`") }
            if entry[string: "manager"].utf8.count > 128 { v.tooLong("manager", limit: 128) }
            if entry[string: "subresource"].utf8.count > 256 { v.tooLong("subresource", limit: 256) }
        }
    }

    private static func ownerReferences(_ metadata: JSONObject, _ v: inout Validator) {
        guard case .array(let references)? = metadata["ownerReferences"] else { return }
        var controller: String?
        for reference in references {
            let kind = reference["kind"]?.stringValue ?? ""
            if (reference["apiVersion"]?.stringValue ?? "").isEmpty {
                v.invalid("ownerReferences.apiVersion", "", "version must not be empty")
            }
            for field in ["kind", "name", "uid"] where (reference[field]?.stringValue ?? "").isEmpty {
                v.invalid("ownerReferences.\(field)", "", "must not be empty")
            }
            if reference["apiVersion"] == "v1", kind == "Event" {
                v.invalid("ownerReferences", reference, "/v1, Kind=Event is disallowed from being an owner")
            }
            guard reference["controller"]?.boolValue == true else { continue }
            let name = "\(kind)/\(reference["name"]?.stringValue ?? "")"
            if let controller {
                v.invalid(
                    "ownerReferences", .array(references),
                    "Only one reference can have Controller set to true. Found \"true\" in references for "
                        + "\(controller) and \(name)")
            } else {
                controller = name
            }
        }
    }
}
