// Which strategy belongs to which storage resource.

enum Strategies {
    static func strategy(group: String, plural: String) -> any Strategy {
        switch (group, plural) {
        case ("", "pods"): PodStrategy()
        case ("", "services"): ServiceStrategy()
        case ("", "namespaces"): NamespaceStrategy()
        case ("", "nodes"): PlainStrategy(keepsStatusOnCreate: true)
        case ("", "secrets"): SecretStrategy()
        case ("", "serviceaccounts"): ServiceAccountStrategy()
        case ("", "resourcequotas"): DeletedObjectStrategy()
        case ("", "podtemplates"): DeletedObjectStrategy(tracksGeneration: true)
        case ("", "persistentvolumes"): VolumeStrategy(isClaim: false)
        case ("", "persistentvolumeclaims"): VolumeStrategy(isClaim: true)
        case ("", "replicationcontrollers"): WorkloadStrategy(selectorIsImmutable: false, orphans: true)
        case ("", "endpoints"), ("", "limitranges"): PlainStrategy(allowsCreateOnUpdate: true)
        case ("", "events"): PlainStrategy(allowsCreateOnUpdate: true, keepsStatusOnCreate: true)
        case ("apps", "deployments"): WorkloadStrategy(selectorIsImmutable: true, countsAnnotations: true)
        case ("apps", "replicasets"): WorkloadStrategy(selectorIsImmutable: true)
        case ("apps", "daemonsets"): DaemonSetStrategy()
        case ("apps", "statefulsets"): PlainStrategy(tracksGeneration: true)
        case ("batch", "jobs"): JobStrategy()
        case ("batch", "cronjobs"): PlainStrategy(tracksGeneration: true)
        case ("apiextensions.k8s.io", "customresourcedefinitions"): CustomResourceDefinitionStrategy()
        case ("coordination.k8s.io", _), ("node.k8s.io", "runtimeclasses"):
            PlainStrategy(allowsUnconditionalUpdate: false, allowsCreateOnUpdate: true)
        case ("admissionregistration.k8s.io", "mutatingwebhookconfigurations"),
            ("admissionregistration.k8s.io", "validatingwebhookconfigurations"):
            WebhookConfigurationStrategy()
        case ("admissionregistration.k8s.io", "validatingadmissionpolicies"): ValidatingPolicyStrategy()
        case ("admissionregistration.k8s.io", "mutatingadmissionpolicies"): MutatingPolicyStrategy()
        case ("policy", "poddisruptionbudgets"), ("admissionregistration.k8s.io", _):
            PlainStrategy(tracksGeneration: true, allowsUnconditionalUpdate: false)
        case ("storage.k8s.io", "csidrivers"), ("storage.k8s.io", "csinodes"),
            ("storage.k8s.io", "csistoragecapacities"), ("storage.k8s.io", "volumeattachments"),
            ("certificates.k8s.io", "clustertrustbundles"):
            PlainStrategy(allowsUnconditionalUpdate: false)
        case ("resource.k8s.io", "resourceclaims"): ResourceClaimStrategy()
        case ("resource.k8s.io", "resourceclaimtemplates"): ResourceClaimTemplateStrategy()
        case ("resource.k8s.io", "deviceclasses"): DeviceClassStrategy()
        case ("rbac.authorization.k8s.io", "rolebindings"), ("rbac.authorization.k8s.io", "clusterrolebindings"):
            RoleBindingStrategy()
        case ("rbac.authorization.k8s.io", _): RoleStrategy()
        case ("certificates.k8s.io", "certificatesigningrequests"): CertificateSigningRequestStrategy()
        case ("scheduling.k8s.io", "priorityclasses"): PriorityClassStrategy()
        case ("networking.k8s.io", "ingresses"), ("networking.k8s.io", "networkpolicies"),
            ("networking.k8s.io", "servicecidrs"), ("networking.k8s.io", "ingressclasses"),
            ("flowcontrol.apiserver.k8s.io", "prioritylevelconfigurations"), ("apiextensions.k8s.io", _),
            ("resource.k8s.io", _), ("discovery.k8s.io", "endpointslices"):
            PlainStrategy(tracksGeneration: true)
        case ("flowcontrol.apiserver.k8s.io", "flowschemas"): FlowSchemaStrategy()
        case ("apiregistration.k8s.io", "apiservices"): APIServiceStrategy()
        default: PlainStrategy()
        }
    }
}
