// Which strategy belongs to which storage resource.

enum Strategies {
    static func strategy(group: String, plural: String) -> any Strategy {
        switch (group, plural) {
        case ("", "pods"): PodStrategy()
        case ("", "services"): ServiceStrategy()
        case ("", "namespaces"): NamespaceStrategy()
        case ("", "nodes"): PlainStrategy(keepsStatusOnCreate: true)
        case ("", "secrets"): SecretStrategy()
        case ("", "configmaps"): ConfigMapStrategy()
        case ("", "serviceaccounts"): DeletedObjectStrategy()
        case ("", "resourcequotas"), ("", "podtemplates"): DeletedObjectStrategy()
        case ("", "persistentvolumes"): VolumeStrategy(phase: "Pending", isClaim: false)
        case ("", "persistentvolumeclaims"): VolumeStrategy(phase: "Pending", isClaim: true)
        case ("", "replicationcontrollers"): WorkloadStrategy(selectorIsImmutable: false, orphans: true)
        case ("", "endpoints"), ("", "limitranges"): PlainStrategy(allowsCreateOnUpdate: true)
        case ("", "events"): PlainStrategy(allowsCreateOnUpdate: true, keepsStatusOnCreate: true)
        case ("apps", "deployments"), ("apps", "replicasets"), ("apps", "daemonsets"):
            WorkloadStrategy(selectorIsImmutable: true)
        case ("apps", "statefulsets"): StatefulSetStrategy()
        case ("apps", "controllerrevisions"): ControllerRevisionStrategy()
        case ("batch", "jobs"): JobStrategy()
        case ("batch", "cronjobs"): PlainStrategy(tracksGeneration: true)
        case ("apiextensions.k8s.io", "customresourcedefinitions"): CustomResourceDefinitionStrategy()
        case ("coordination.k8s.io", "leases"):
            PlainStrategy(allowsUnconditionalUpdate: false, allowsCreateOnUpdate: true)
        case ("rbac.authorization.k8s.io", "rolebindings"), ("rbac.authorization.k8s.io", "clusterrolebindings"):
            RoleBindingStrategy()
        case ("rbac.authorization.k8s.io", _): RoleStrategy()
        case ("certificates.k8s.io", "certificatesigningrequests"): CertificateSigningRequestStrategy()
        case ("discovery.k8s.io", "endpointslices"): EndpointSliceStrategy()
        case ("scheduling.k8s.io", "priorityclasses"): PriorityClassStrategy()
        case ("admissionregistration.k8s.io", "mutatingwebhookconfigurations"),
            ("admissionregistration.k8s.io", "validatingwebhookconfigurations"):
            WebhookConfigurationStrategy()
        case ("networking.k8s.io", "ingresses"), ("networking.k8s.io", "networkpolicies"),
            ("networking.k8s.io", "servicecidrs"), ("networking.k8s.io", "ingressclasses"),
            ("flowcontrol.apiserver.k8s.io", _), ("policy", "poddisruptionbudgets"),
            ("admissionregistration.k8s.io", _), ("apiextensions.k8s.io", _), ("resource.k8s.io", _),
            ("storage.k8s.io", "csidrivers"):
            PlainStrategy(tracksGeneration: true)
        default: PlainStrategy()
        }
    }
}
