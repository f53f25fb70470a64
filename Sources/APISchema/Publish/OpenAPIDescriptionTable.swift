/// The descriptions as text: `Type: …`, `Type.field: …`, and `*.field: …` for fields that mean the same everywhere.
enum OpenAPIDescriptionTable {
    static let text = """
        *.apiVersion: The group and version of the API that this object is written in, such as `apps/v1`.
        *.kind: The kind of the object, in CamelCase and singular.
        *.metadata: Name, namespace, labels and what else every object has.
        *.items: The objects of the list.
        *.conditions: What was found out about the object, each with a type, a status, a reason and when it last changed.
        *.observedGeneration: The `metadata.generation` that the status is about.
        *.lastTransitionTime: When the status of the condition last changed.
        *.lastProbeTime: When the condition was last looked at.
        *.lastUpdateTime: When the condition was last written.
        *.message: What happened or what is wrong, for people to read.
        *.reason: Why, in one CamelCase word for programs to read.
        *.name: A name, unique among its like.
        *.namespace: The namespace that is meant.
        *.uid: The UID that tells this object from others that had or will have its name.
        *.protocol: `TCP`, `UDP` or `SCTP`; TCP if nothing is said.
        *.labelSelector: Selects objects by their labels.
        *.matchLabels: Labels that an object must have, all of them.
        *.matchExpressions: Requirements on labels that an object must meet, all of them.
        *.minReadySeconds: For how many seconds a new pod must be ready, without a crash, before it counts as available.
        *.revisionHistoryLimit: How many old revisions are kept, to go back to.
        *.template: The pod that is made, or what is made, again and again.
        *.optional: Whether it may be missing.
        *.resourceVersion: The version of the object in the store; opaque, to be compared for equality only.
        *.restartPolicy: When containers that have ended are started again: `Always`, `OnFailure` or `Never`.
        *.defaultMode: The permission bits of files for which nothing else is said.
        *.replicas: How many pods there are, or are to be.
        *.selector: Selects the objects that this one is about, by their labels.
        *.readOnly: Whether it can only be read.
        *.finalizers: What must be done before the object may go.
        ObjectMeta: What every stored object has: its name, its labels, who owns it, and what the server keeps book of.
        ObjectMeta.name: The name, unique in the namespace among objects of one kind. It cannot be changed.
        ObjectMeta.generateName: What a name begins with that the server completes, if no name is given.
        ObjectMeta.namespace: The namespace that the object is in; empty for kinds that are in none.
        ObjectMeta.labels: Short keys and values by which objects are found and selected.
        ObjectMeta.annotations: Keys and values of any content, for tools to keep with the object. Not selectable.
        ObjectMeta.uid: Set by the server; no two objects ever have the same.
        ObjectMeta.creationTimestamp: CreationTimestamp is a timestamp of when the server created the object. Set by the server.
        ObjectMeta.deletionTimestamp: When the object is to be gone. Set by the server when it is deleted gracefully.
        ObjectMeta.deletionGracePeriodSeconds: How many seconds it was given to end gracefully. Set by the server.
        ObjectMeta.generation: Counts the changes of what is wanted. Set by the server.
        ObjectMeta.ownerReferences: The objects that this one belongs to; it is removed when all of them are gone.
        ObjectMeta.finalizers: Names of what must be cleaned up; the object stays until the list is empty.
        ObjectMeta.managedFields: Who set which fields. Kept by the server for server-side apply.
        ObjectMeta.selfLink: No longer set.
        OwnerReference: An object that this one belongs to, in the same namespace or in none.
        OwnerReference.controller: Whether that object is the one that manages this one.
        OwnerReference.blockOwnerDeletion: Whether a foreground deletion of the owner waits for this object.
        ListMeta: What every list has.
        ListMeta.continue: Where the list goes on, if it was cut off by a limit.
        ListMeta.remainingItemCount: How many objects follow, if that is known.
        LabelSelector: Selects objects by their labels. All its requirements must be met; an empty one selects everything.
        Pod: One or more containers that run together on one node, share an address, and live and end as one.
        PodSpec: What a pod consists of and how it runs.
        PodSpec.containers: The containers of the pod; at least one. The list cannot be changed later, images can.
        PodSpec.initContainers: Containers that run before the others, one after the other, each to its end.
        PodSpec.ephemeralContainers: Containers put into a running pod to look at it.
        PodSpec.volumes: Volumes that containers of the pod can mount.
        PodSpec.restartPolicy: When containers that have ended are started again: `Always`, `OnFailure` or `Never`.
        PodSpec.nodeName: The node that the pod runs on. The scheduler fills it in.
        PodSpec.nodeSelector: Labels that a node must have for the pod to run there.
        PodSpec.affinity: Which nodes and which pods this one wants to be near to or away from.
        PodSpec.tolerations: The taints of nodes that the pod puts up with.
        PodSpec.topologySpreadConstraints: How pods are spread over zones, nodes and other domains.
        PodSpec.serviceAccountName: The ServiceAccount that the pod acts as towards the API.
        PodSpec.serviceAccount: The older name of serviceAccountName.
        PodSpec.automountServiceAccountToken: Whether a token of the ServiceAccount is mounted.
        PodSpec.terminationGracePeriodSeconds: How many seconds containers have to end after they are told to; 30 by default.
        PodSpec.activeDeadlineSeconds: After how many seconds the pod is ended and marked as failed.
        PodSpec.dnsPolicy: How names are looked up: `ClusterFirst`, `ClusterFirstWithHostNet`, `Default` or `None`.
        PodSpec.dnsConfig: Name servers, search domains and options beside those of the policy.
        PodSpec.hostNetwork: Whether the pod uses the network of the node.
        PodSpec.hostPID: Whether the pod sees the processes of the node.
        PodSpec.hostIPC: Whether the pod uses the IPC namespace of the node.
        PodSpec.hostAliases: Lines for the `/etc/hosts` of the pod.
        PodSpec.hostname: The host name of the pod; its name if nothing is said.
        PodSpec.subdomain: With it the pod has the name `HOSTNAME.SUBDOMAIN.NAMESPACE.svc.DOMAIN`.
        PodSpec.imagePullSecrets: Secrets of the namespace to pull images with.
        PodSpec.priorityClassName: The PriorityClass, from which the priority follows.
        PodSpec.priority: How important the pod is; filled in from the class.
        PodSpec.preemptionPolicy: Whether pods of lower priority may be evicted for this one.
        PodSpec.schedulerName: The scheduler that finds a node for the pod.
        PodSpec.securityContext: Users, groups and what else the whole pod may do.
        PodSpec.enableServiceLinks: Whether environment variables tell of the services of the namespace.
        PodSpec.shareProcessNamespace: Whether the containers of the pod see each other's processes.
        PodSpec.readinessGates: Conditions that must hold, beside ready containers, for the pod to be ready.
        PodSpec.runtimeClassName: The RuntimeClass whose handler runs the pod.
        PodSpec.overhead: What running the pod costs beside its containers.
        PodSpec.schedulingGates: While there are any, the scheduler leaves the pod alone.
        PodSpec.resources: Requests and limits of the pod as a whole.
        PodStatus: What is known about a pod, as its node reports it.
        PodStatus.phase: `Pending`, `Running`, `Succeeded`, `Failed` or `Unknown`.
        PodStatus.podIP: The address of the pod.
        PodStatus.podIPs: The addresses of the pod, at most one for each family.
        PodStatus.hostIP: The address of the node.
        PodStatus.startTime: When the node took the pod on.
        PodStatus.containerStatuses: The states of the containers.
        PodStatus.initContainerStatuses: The states of the init containers.
        PodStatus.qosClass: `Guaranteed`, `Burstable` or `BestEffort`, by requests and limits.
        PodStatus.nominatedNodeName: Where other pods are being evicted to make room for this one.
        PodTemplateSpec: What a pod made from the template looks like.
        Container: One container of a pod.
        Container.name: The name of the container, unique in the pod.
        Container.image: The image to run.
        Container.imagePullPolicy: `Always`, `IfNotPresent` or `Never`; `Always` by default for the tag `latest`.
        Container.command: The program to run instead of the image's entrypoint. `$(NAME)` stands for a variable.
        Container.args: The arguments, instead of those of the image. `$(NAME)` stands for a variable.
        Container.workingDir: The directory to start in, instead of the image's.
        Container.ports: The ports that the container listens on. Leaving one out closes nothing.
        Container.env: Environment variables.
        Container.envFrom: ConfigMaps and Secrets of which every entry becomes an environment variable.
        Container.resources: How much CPU, memory and else the container asks for and may use at most.
        Container.volumeMounts: Where volumes of the pod appear in the container.
        Container.volumeDevices: Where volumes appear in the container as block devices.
        Container.livenessProbe: When it fails, the container is started anew.
        Container.readinessProbe: While it fails, services send nothing to the pod.
        Container.startupProbe: Until it succeeds, the other probes wait.
        Container.lifecycle: What to do right after the container starts and before it ends.
        Container.securityContext: The user, the capabilities and what else this container may do.
        Container.terminationMessagePath: The file whose content becomes the message of the ended container.
        Container.terminationMessagePolicy: Where that message comes from: the file, or else the end of the log.
        Container.stdin: Whether the container has a standard input that stays open.
        Container.stdinOnce: Whether the standard input closes when the first client leaves.
        Container.tty: Whether the container has a terminal.
        Container.restartPolicy: `Always` makes an init container a sidecar that runs along with the pod.
        Container.resizePolicy: Whether changing resources starts the container anew.
        ContainerPort: A port that a container listens on.
        ContainerPort.containerPort: The number of the port, 1 to 65535.
        ContainerPort.hostPort: The port of the node under which it is reached too.
        ContainerPort.hostIP: The address of the node to which hostPort is bound.
        ContainerPort.name: A name for the port, for services to refer to.
        EnvVar: An environment variable.
        EnvVar.name: The name of the variable.
        EnvVar.value: The value. `$(NAME)` stands for a variable that comes before.
        EnvVar.valueFrom: Where the value comes from, if it is not given.
        ResourceRequirements: How much is asked for and how much may be used at most.
        ResourceRequirements.limits: How much may be used at most.
        ResourceRequirements.requests: How much is set aside; the scheduler goes by it.
        ResourceRequirements.claims: Claims of the pod for devices that the container uses.
        Probe: A question that is put to a container again and again.
        Probe.httpGet: Asks by HTTP; an answer from 200 to 399 is a success.
        Probe.tcpSocket: Opens a connection.
        Probe.exec: Runs a command in the container; exit code 0 is a success.
        Probe.grpc: Asks the gRPC health service.
        Probe.initialDelaySeconds: How many seconds after the start of the container the first probe is made.
        Probe.periodSeconds: How many seconds lie between probes; 10 by default.
        Probe.timeoutSeconds: After how many seconds without an answer a probe has failed; 1 by default.
        Probe.failureThreshold: How many failures in a row count; 3 by default.
        Probe.successThreshold: How many successes in a row count after a failure; 1 by default.
        VolumeMount: Where a volume appears in a container.
        VolumeMount.mountPath: The path in the container.
        VolumeMount.subPath: The path in the volume that is mounted, instead of its root.
        VolumeMount.name: The name of the volume in the pod.
        Volume: A volume of a pod: its name, and one field that says what it is.
        Volume.emptyDir: A directory that begins empty and lives as long as the pod.
        Volume.hostPath: A file or directory of the node.
        Volume.configMap: The entries of a ConfigMap as files.
        Volume.secret: The entries of a Secret as files.
        Volume.projected: Files of several sources in one directory.
        Volume.downwardAPI: Fields of the pod as files.
        Volume.persistentVolumeClaim: The volume that is bound to a PersistentVolumeClaim of the namespace.
        Volume.nfs: A directory of an NFS server.
        Volume.csi: A volume of a CSI driver that lives as long as the pod.
        Volume.ephemeral: A volume of a storage class that lives as long as the pod.
        Volume.image: The files of an image.
        SecurityContext: What a container may do.
        SecurityContext.privileged: Whether the container may do what root on the node may.
        SecurityContext.runAsUser: The user ID that the process runs as.
        SecurityContext.runAsNonRoot: Whether a container that would run as root is refused.
        SecurityContext.capabilities: Capabilities to add to and drop from the usual ones.
        SecurityContext.readOnlyRootFilesystem: Whether the container's own files can only be read.
        SecurityContext.allowPrivilegeEscalation: Whether a process may gain more than its parent had.
        Toleration: A kind of taint that is put up with.
        Toleration.key: The key of the taint; every taint if empty.
        Toleration.operator: `Equal` compares values, `Exists` takes any.
        Toleration.effect: `NoSchedule`, `PreferNoSchedule` or `NoExecute`; every effect if empty.
        Toleration.tolerationSeconds: For how many seconds a `NoExecute` taint is put up with.
        Service: A name and an address for the pods that a selector selects.
        ServiceSpec: Where a service is found and where it leads to.
        ServiceSpec.selector: The labels of the pods that it leads to.
        ServiceSpec.ports: The ports of the service.
        ServiceSpec.type: `ClusterIP`, `NodePort`, `LoadBalancer` or `ExternalName`.
        ServiceSpec.clusterIP: The address in the cluster; given by the server, or `None` for a headless service.
        ServiceSpec.clusterIPs: The addresses in the cluster, at most one for each family.
        ServiceSpec.externalIPs: Further addresses, routed to nodes by somebody else, that are accepted too.
        ServiceSpec.externalName: The name that an ExternalName service stands for.
        ServiceSpec.sessionAffinity: `ClientIP` sends a client to the same pod again.
        ServiceSpec.externalTrafficPolicy: `Local` keeps traffic from outside on the node that it came to.
        ServiceSpec.internalTrafficPolicy: `Local` keeps traffic from inside on the node that it came from.
        ServiceSpec.ipFamilies: The address families of the service.
        ServiceSpec.publishNotReadyAddresses: Whether pods that are not ready are published too.
        ServicePort: A port of a service.
        ServicePort.port: The port of the service.
        ServicePort.targetPort: The port of the pods, by number or name; the same as port if nothing is said.
        ServicePort.nodePort: The port on every node, for NodePort and LoadBalancer.
        Deployment: Keeps a number of equal pods running and replaces them step by step when their template changes.
        DeploymentSpec.replicas: How many pods there are to be; 1 by default.
        DeploymentSpec.selector: The pods that belong to it; must match the labels of the template. Cannot be changed.
        DeploymentSpec.strategy: How old pods are replaced by new ones.
        DeploymentSpec.paused: Whether changes of the template wait.
        DeploymentSpec.progressDeadlineSeconds: After how many seconds without progress a rollout counts as stuck; 600 by default.
        DeploymentStrategy: How old pods are replaced by new ones.
        RollingUpdateDeployment: How many pods may be missing or too many while they are replaced step by step.
        DeploymentStrategy.type: `RollingUpdate`, or `Recreate`, which ends all old pods first.
        RollingUpdateDeployment.maxSurge: How many pods may be made beyond the number wanted, or what share; 25% by default.
        RollingUpdateDeployment.maxUnavailable: How many pods may be missing, or what share; 25% by default.
        DeploymentStatus.replicas: How many pods there are.
        DeploymentStatus.readyReplicas: How many pods are ready.
        DeploymentStatus.availableReplicas: How many pods have been ready for minReadySeconds.
        DeploymentStatus.unavailableReplicas: How many pods are still missing.
        DeploymentStatus.updatedReplicas: How many pods are of the current template.
        ReplicaSet: Keeps a number of equal pods running.
        ReplicaSetSpec.replicas: How many pods there are to be; 1 by default.
        ReplicaSetSpec.selector: The pods that belong to it; must match the labels of the template.
        ReplicationController: Keeps a number of equal pods running; the older form of ReplicaSet.
        StatefulSet: Keeps pods with stable names, numbers and volumes.
        StatefulSetSpec.serviceName: The headless service under which the pods have names.
        StatefulSetSpec.volumeClaimTemplates: The claims that each pod gets of its own.
        StatefulSetSpec.podManagementPolicy: `OrderedReady` starts pods one after the other, `Parallel` all at once.
        DaemonSet: Keeps one pod on every node, or on those that it selects.
        Job: Runs pods until enough of them have succeeded.
        JobSpec.completions: How many pods must succeed.
        JobSpec.parallelism: How many pods may run at once.
        JobSpec.backoffLimit: After how many failures the job has failed; 6 by default.
        JobSpec.ttlSecondsAfterFinished: How many seconds after its end the job is removed.
        CronJob: Makes a Job at set times.
        CronJobSpec.schedule: When, in cron notation: minute, hour, day, month, day of the week.
        CronJobSpec.jobTemplate: The job that is made.
        CronJobSpec.concurrencyPolicy: What to do while the last job runs: `Allow`, `Forbid` or `Replace`.
        CronJobSpec.suspend: Whether no jobs are made for now.
        ConfigMap: Configuration in entries of text or bytes, for pods to use as files or variables.
        ConfigMap.data: Entries of text.
        ConfigMap.binaryData: Entries of any bytes, in base64.
        ConfigMap.immutable: Whether the entries can no longer be changed.
        Secret: Entries of bytes that not everybody may read.
        Secret.data: Entries, in base64.
        Secret.stringData: Entries as text, for writing only; they go into data.
        Secret.type: What the entries are: `Opaque`, `kubernetes.io/tls` and others.
        Secret.immutable: Whether the entries can no longer be changed.
        Namespace: A space for names: objects in different namespaces may have the same.
        Node: A machine that runs pods.
        NodeSpec.unschedulable: Whether no new pods come here.
        NodeSpec.taints: What keeps pods away that do not tolerate it.
        NodeSpec.podCIDR: The addresses of the pods on this node.
        NodeStatus.capacity: What the machine has.
        NodeStatus.allocatable: What pods can have of it.
        NodeStatus.addresses: The addresses and names of the machine.
        NodeStatus.nodeInfo: Versions of the system and of what runs on it.
        ServiceAccount: An identity for what runs in pods.
        Endpoints: The addresses behind a service. EndpointSlice has replaced it.
        EndpointSlice: Some of the addresses behind a service.
        Event: Something that happened to an object, kept for a while.
        PersistentVolume: A piece of storage that outlives pods.
        PersistentVolumeClaim: A wish for a piece of storage.
        StorageClass: A way to make volumes.
        Ingress: Leads HTTP requests from outside to services.
        NetworkPolicy: Which traffic the pods that it selects may have.
        Role: What may be done in one namespace.
        ClusterRole: What may be done in the whole cluster, or in a namespace that a RoleBinding names.
        RoleBinding: Grants a role to users, groups or service accounts in one namespace.
        ClusterRoleBinding: Grants a ClusterRole to users, groups or service accounts in the whole cluster.
        PolicyRule.verbs: What may be done: `get`, `list`, `watch`, `create`, … or `*`.
        PolicyRule.resources: To which resources; `*` for all, `pods/log` for a subresource.
        PolicyRule.apiGroups: The groups of the resources; empty for core, `*` for all.
        PolicyRule.resourceNames: The only objects that it is about; all if empty.
        HorizontalPodAutoscaler: Changes the number of pods by how much they are used.
        PodDisruptionBudget: How many pods must stay when others are evicted.
        ResourceQuota: How much a namespace may use.
        LimitRange: How much each pod, container or claim of a namespace may and must ask for.
        PriorityClass: A name for a priority of pods.
        Lease: Who holds something, and until when.
        CustomResourceDefinition: A kind of object that is added to the API.
        Status: The outcome of a request that answers with no object.
        DeleteOptions: How an object is to be deleted.
        Quantity: An amount such as `500m`, `2`, `1.5Gi`: a number with a decimal or binary suffix.
        IntOrString: A number, or a string such as a name or a percentage.
        Time: A point in time as RFC 3339 writes it.
        MicroTime: A point in time to the microsecond.
        """
}
