/// The roles and bindings that every cluster starts with, as upstream v1.36 has them with its default features
/// and those whose resources are served here.
///
/// One object a paragraph. `Controller X` is the ClusterRole `system:controller:X` with a binding to the service
/// account `kube-system/X`. `-> admin` labels a role to be aggregated to `admin`; `<- admin` makes a role the
/// aggregate. A rule is `VERBS GROUPS: RESOURCES [= NAMES]` or `VERBS URLS`; R is get, list, watch, W all that writes,
/// `events` is what whoever emits events needs. Groups are written without `.k8s.io`, the core group as `core`.
let bootstrapPolicyTable = """
    ClusterRole cluster-admin
      * *: *
      * *
    ClusterRole system:discovery
      get /livez /readyz /healthz /version /version/ /openapi /openapi/* /api /api/* /apis /apis/*
    ClusterRole system:monitoring
      get /metrics /metrics/slis /livez /readyz /healthz /livez/* /readyz/* /healthz/* /flagz /statusz
      get core: nodes/metrics
    ClusterRole system:basic-user
      create authorization: selfsubjectaccessreviews selfsubjectrulesreviews
      create authentication: selfsubjectreviews
    ClusterRole system:public-info-viewer
      get /livez /readyz /healthz /version /version/
    ClusterRole admin <- admin
    ClusterRole edit <- edit -> admin
    ClusterRole view <- view -> edit
    ClusterRole system:aggregate-to-admin -> admin
      create authorization: localsubjectaccessreviews
      R,W rbac: roles rolebindings
    ClusterRole system:aggregate-to-edit -> edit
      R core: pods/attach pods/proxy pods/exec pods/portforward secrets services/proxy
      impersonate core: serviceaccounts
      W core: pods pods/attach pods/proxy pods/exec pods/portforward
      create core: pods/eviction
      W core: replicationcontrollers replicationcontrollers/scale serviceaccounts services services/proxy \
    persistentvolumeclaims configmaps secrets
      create core: serviceaccounts/token
      W core,events: events
      W apps: statefulsets statefulsets/scale daemonsets deployments deployments/scale deployments/rollback \
    replicasets replicasets/scale
      W autoscaling: horizontalpodautoscalers
      W batch: jobs cronjobs
      W extensions: daemonsets deployments deployments/scale deployments/rollback ingresses replicasets \
    replicasets/scale replicationcontrollers/scale networkpolicies
      W policy: poddisruptionbudgets
      W networking: networkpolicies ingresses
      R,W coordination: leases
      W resource: resourceclaims resourceclaimtemplates
    ClusterRole system:aggregate-to-view -> view
      R core: pods replicationcontrollers replicationcontrollers/scale serviceaccounts services services/status \
    endpoints persistentvolumeclaims persistentvolumeclaims/status configmaps
      R core: limitranges resourcequotas bindings pods/status resourcequotas/status namespaces/status \
    replicationcontrollers/status pods/log
      R core: namespaces
      R core,events: events
      R discovery: endpointslices
      R apps: controllerrevisions statefulsets statefulsets/status statefulsets/scale daemonsets daemonsets/status \
    deployments deployments/status deployments/scale replicasets replicasets/status replicasets/scale
      R autoscaling: horizontalpodautoscalers horizontalpodautoscalers/status
      R batch: jobs cronjobs cronjobs/status jobs/status
      R extensions: daemonsets daemonsets/status deployments deployments/scale deployments/status ingresses \
    ingresses/status replicasets replicasets/scale replicasets/status replicationcontrollers/scale networkpolicies
      R policy: poddisruptionbudgets poddisruptionbudgets/status
      R networking: networkpolicies ingresses ingresses/status
      R resource: resourceclaims resourceclaims/status resourceclaimtemplates
    ClusterRole system:heapster
      R core: events pods nodes namespaces
      R extensions: deployments
    ClusterRole system:node
      create authentication: tokenreviews
      create authorization: subjectaccessreviews localsubjectaccessreviews
      R core: services
      create,R core: nodes
      update,patch core: nodes/status
      update,patch core: nodes
      events
      R core: pods
      create,delete core: pods
      update,patch core: pods/status
      create core: pods/eviction
      R core: secrets configmaps
      get core: persistentvolumeclaims persistentvolumes
      get core: endpoints
      create,R certificates: certificatesigningrequests
      get,create,update,patch,delete coordination: leases
      get storage: volumeattachments
      create core: serviceaccounts/token
      get,update,patch core: persistentvolumeclaims/status
      R storage: csidrivers
      get,create,update,patch,delete storage: csinodes
      R node: runtimeclasses
      get resource: resourceclaims
      deletecollection resource: resourceslices
      get core: serviceaccounts
    ClusterRole system:node-problem-detector
      get core: nodes
      patch core: nodes/status
      events
    ClusterRole system:node-bootstrapper
      create,R certificates: certificatesigningrequests
    ClusterRole system:auth-delegator
      create authentication: tokenreviews
      create authorization: subjectaccessreviews
    ClusterRole system:kube-aggregator
      R core: services endpoints
    ClusterRole system:kube-controller-manager
      events
      create coordination: leases
      get,update coordination: leases = kube-controller-manager
      create core: secrets serviceaccounts
      delete core: secrets
      get core: namespaces secrets serviceaccounts configmaps
      update core: secrets serviceaccounts
      create authentication: tokenreviews
      create authorization: subjectaccessreviews
      list,watch *: *
      create core: serviceaccounts/token
    ClusterRole system:kube-dns
      list,watch core: endpoints services
    ClusterRole system:persistent-volume-provisioner
      R,create,delete core: persistentvolumes
      R,update core: persistentvolumeclaims
      R storage: storageclasses
      watch core: events
      events
    ClusterRole system:certificates.k8s.io:certificatesigningrequests:nodeclient
      create certificates: certificatesigningrequests/nodeclient
    ClusterRole system:certificates.k8s.io:certificatesigningrequests:selfnodeclient
      create certificates: certificatesigningrequests/selfnodeclient
    ClusterRole system:volume-scheduler
      R,update,patch core: persistentvolumes
      R storage: storageclasses
      R,update,patch core: persistentvolumeclaims
    ClusterRole system:certificates.k8s.io:legacy-unknown-approver
      approve certificates: signers = kubernetes.io/legacy-unknown
    ClusterRole system:certificates.k8s.io:kubelet-serving-approver
      approve certificates: signers = kubernetes.io/kubelet-serving
    ClusterRole system:certificates.k8s.io:kube-apiserver-client-approver
      approve certificates: signers = kubernetes.io/kube-apiserver-client
    ClusterRole system:certificates.k8s.io:kube-apiserver-client-kubelet-approver
      approve certificates: signers = kubernetes.io/kube-apiserver-client-kubelet
    ClusterRole system:service-account-issuer-discovery
      get /.well-known/openid-configuration /.well-known/openid-configuration/ /openid/v1/jwks /openid/v1/jwks/
    ClusterRole system:kubelet-api-admin
      R core: nodes
      proxy core: nodes
      * core: nodes/proxy nodes/metrics nodes/stats nodes/log
      * core: nodes/pods nodes/healthz nodes/configz
    ClusterRole system:node-proxier
      list,watch core: services endpoints
      R core: nodes
      events
      list,watch networking: servicecidrs
      list,watch discovery: endpointslices
    ClusterRole system:kube-scheduler
      events
      create coordination: leases
      R,update coordination: leases = kube-scheduler
      R,W coordination: leasecandidates
      R core: nodes
      R,delete core: pods
      create core: pods/binding bindings
      patch,update core: pods/status
      R core: services replicationcontrollers
      R apps,extensions: replicasets
      R apps: statefulsets
      R policy: poddisruptionbudgets
      R core: persistentvolumeclaims persistentvolumes
      create authentication: tokenreviews
      create authorization: subjectaccessreviews
      R storage: csinodes
      R storage: volumeattachments
      R core: namespaces
      R storage: csidrivers
      R storage: csistoragecapacities
      R resource: deviceclasses
      R,update,patch resource: resourceclaims
      R,update,patch resource: resourceclaims/status
      update core: pods/finalizers
      R resource: resourceslices
      create,delete resource: resourceclaims
      update,patch resource: resourceclaims/binding
    ClusterRoleBinding cluster-admin: group system:masters
    ClusterRoleBinding system:monitoring: group system:monitoring
    ClusterRoleBinding system:discovery: group system:authenticated
    ClusterRoleBinding system:basic-user: group system:authenticated
    ClusterRoleBinding system:public-info-viewer: group system:authenticated group system:unauthenticated
    ClusterRoleBinding system:node-proxier: user system:kube-proxy
    ClusterRoleBinding system:kube-controller-manager: user system:kube-controller-manager
    ClusterRoleBinding system:kube-dns: sa kube-system/kube-dns
    ClusterRoleBinding system:kube-scheduler: user system:kube-scheduler
    ClusterRoleBinding system:volume-scheduler: user system:kube-scheduler
    ClusterRoleBinding system:node:
    ClusterRoleBinding system:service-account-issuer-discovery: group system:serviceaccounts
    Controller attachdetach-controller
      list,watch core: persistentvolumes persistentvolumeclaims
      R core: nodes
      patch,update core: nodes/status
      list,watch core: pods
      events
      R,create,delete storage: volumeattachments
      R storage: csidrivers
      R storage: csinodes
    Controller clusterrole-aggregation-controller
      escalate,R,update,patch rbac: clusterroles
    Controller cronjob-controller
      R,update batch: cronjobs
      R,create,update,delete,patch batch: jobs
      update batch: cronjobs/status
      update batch: cronjobs/finalizers
      list,watch,delete core: pods
      events
    Controller daemon-set-controller
      R extensions,apps: daemonsets
      update extensions,apps: daemonsets/status
      update extensions,apps: daemonsets/finalizers
      list,watch core: nodes
      list,watch,create,delete,patch core: pods
      create core: pods/binding
      R,create,delete,update,patch apps: controllerrevisions
      events
    Controller deployment-controller
      R,update extensions,apps: deployments
      update extensions,apps: deployments/status
      update extensions,apps: deployments/finalizers
      R,create,update,patch,delete apps,extensions: replicasets
      R,update core: pods
      events
    Controller disruption-controller
      R extensions,apps: deployments
      R apps,extensions: replicasets
      R core: replicationcontrollers
      R policy: poddisruptionbudgets
      R apps: statefulsets
      update policy: poddisruptionbudgets/status
      patch,update core: pods/status
      get *: */scale
      events
    Controller endpoint-controller
      R core: services pods
      R,create,update,delete core: endpoints
      create core: endpoints/restricted
      events
    Controller endpointslice-controller
      R core: services pods nodes
      update core: services/finalizers
      R,create,update,delete discovery: endpointslices
      create discovery: endpointslices/restricted
      events
    Controller endpointslicemirroring-controller
      R core: services endpoints
      update core: services/finalizers
      update core: endpoints/finalizers
      R,create,update,delete discovery: endpointslices
      create discovery: endpointslices/restricted
      events
    Controller expand-controller
      R,update,patch core: persistentvolumes
      update,patch core: persistentvolumeclaims/status
      R core: persistentvolumeclaims
      events
    Controller ephemeral-volume-controller
      R core: pods
      update core: pods/finalizers
      R,create core: persistentvolumeclaims
      events
    Controller resource-claim-controller
      R core: pods
      update core: pods/finalizers
      R,create,delete resource: resourceclaims
      update,patch resource: resourceclaims resourceclaims/status
      update,patch core: pods/status
      events
      update,patch resource: resourceclaims/binding
    Controller device-taint-eviction-controller
      R,delete core: pods
      update,patch core: pods/status
      R resource: resourceclaims
      R resource: resourceslices
      R resource: deviceclasses
      events
    Controller generic-garbage-collector
      R,patch,update,delete *: *
      events
    Controller horizontal-pod-autoscaler
      R autoscaling: horizontalpodautoscalers
      update autoscaling: horizontalpodautoscalers/status
      get,update *: */scale
      list,watch core: pods
      list,watch metrics: pods
      R custom.metrics: *
      R external.metrics: *
      events
    Controller job-controller
      R,update,patch batch: jobs
      update batch: jobs/status
      update batch: jobs/finalizers
      list,watch,create,delete,patch core: pods
      events
    Controller namespace-controller
      R,delete core: namespaces
      update core: namespaces/finalize namespaces/status
      R,delete,deletecollection *: *
    Controller node-controller
      R,update,delete,patch core: nodes
      patch,update core: nodes/status
      patch,update core: pods/status
      R,delete core: pods
      events
    Controller persistent-volume-binder
      R,update,create,delete core: persistentvolumes
      update core: persistentvolumes/status
      R,update core: persistentvolumeclaims
      update core: persistentvolumeclaims/status
      R,create,delete core: pods
      R storage: storageclasses
      list,watch core: nodes
      events
      watch core: events
    Controller pod-garbage-collector
      list,watch,delete core: pods
      R core: nodes
      patch core: pods/status
    Controller replicaset-controller
      R,update apps,extensions: replicasets
      update apps,extensions: replicasets/status
      update apps,extensions: replicasets/finalizers
      list,watch,patch,create,delete core: pods
      events
    Controller replication-controller
      R,update core: replicationcontrollers
      update core: replicationcontrollers/status
      update core: replicationcontrollers/finalizers
      list,watch,patch,create,delete core: pods
      events
    Controller resourcequota-controller
      list,watch *: *
      update core: resourcequotas/status
      events
    Controller route-controller
      list,watch core: nodes
      patch core: nodes/status
      events
    Controller service-account-controller
      create core: serviceaccounts
      events
    Controller service-controller
      R core: services
      patch,update core: services/status
      list,watch core: nodes
      events
    Controller service-cidrs-controller
      R,patch,update networking: servicecidrs
      patch,update networking: servicecidrs/finalizers
      patch,update networking: servicecidrs/status
      R networking: ipaddresses
      events
    Controller statefulset-controller
      list,watch core: pods
      R apps: statefulsets
      update apps: statefulsets/status
      update apps: statefulsets/finalizers
      get,create,delete,update,patch core: pods
      R,create,delete,update,patch apps: controllerrevisions
      R,create core: persistentvolumeclaims
      update,delete core: persistentvolumeclaims
      update core: pods/finalizers
      events
    Controller ttl-controller
      update,patch,list,watch core: nodes
      events
    Controller certificate-controller
      R,delete certificates: certificatesigningrequests
      update certificates: certificatesigningrequests/status certificatesigningrequests/approval
      approve certificates: signers = kubernetes.io/kube-apiserver-client-kubelet
      sign certificates: signers = kubernetes.io/legacy-unknown kubernetes.io/kube-apiserver-client \
    kubernetes.io/kube-apiserver-client-kubelet kubernetes.io/kubelet-serving
      create authorization: subjectaccessreviews
      events
    Controller pvc-protection-controller
      R,update core: persistentvolumeclaims
      update core: persistentvolumeclaims/status
      R core: pods
      events
    Controller pv-protection-controller
      R,update core: persistentvolumes
      events
    Controller volumeattributesclass-protection-controller
      R core: persistentvolumeclaims
      R core: persistentvolumes
      R,update storage: volumeattributesclasses
      events
    Controller ttl-after-finished-controller
      R,delete batch: jobs
      events
    Controller root-ca-cert-publisher
      create,update core: configmaps
      events
    Controller validatingadmissionpolicy-status-controller
      R admissionregistration: validatingadmissionpolicies
      get,patch,update admissionregistration: validatingadmissionpolicies/status
      events
    Controller legacy-service-account-token-cleaner
      get core: configmaps = kube-apiserver-legacy-service-account-token-tracking
      patch,delete core: secrets
    Controller storage-version-garbage-collector
      get,list,delete coordination: leases
      get,delete internal.apiserver: storageversions
      update internal.apiserver: storageversions/status
    Controller storage-version-migrator-controller
      list,create,patch *: *
      get apiextensions: customresourcedefinitions
      update,patch apiextensions: customresourcedefinitions/status
      update storagemigration: storageversionmigrations/status
    Controller selinux-warning-controller
      events
      R core: persistentvolumes
      R core: persistentvolumeclaims
      R core: pods
      R storage: csidrivers
    Role kube-system/extension-apiserver-authentication-reader
      R core: configmaps = extension-apiserver-authentication
    Role kube-system/system:controller:bootstrap-signer
      R core: secrets
    Role kube-system/system:controller:cloud-provider
      create,R core: configmaps
    Role kube-system/system:controller:token-cleaner
      R,delete core: secrets
      events
    Role kube-system/system::leader-locking-kube-controller-manager
      R,create,update coordination: leases
      R,create,update coordination: leasecandidates
    Role kube-system/system::leader-locking-kube-scheduler
      R,create,update coordination: leases
      R,create,update coordination: leasecandidates
    Role kube-public/system:controller:bootstrap-signer
      R core: configmaps
      update core: configmaps = cluster-info
      events
    RoleBinding kube-system/system::extension-apiserver-authentication-reader of \
    extension-apiserver-authentication-reader: user system:kube-controller-manager user system:kube-scheduler
    RoleBinding kube-system/system::leader-locking-kube-controller-manager of \
    system::leader-locking-kube-controller-manager: user system:kube-controller-manager \
    sa kube-system/kube-controller-manager
    RoleBinding kube-system/system::leader-locking-kube-scheduler of system::leader-locking-kube-scheduler: \
    user system:kube-scheduler sa kube-system/kube-scheduler
    RoleBinding kube-system/system:controller:bootstrap-signer of system:controller:bootstrap-signer: \
    sa kube-system/bootstrap-signer
    RoleBinding kube-system/system:controller:cloud-provider of system:controller:cloud-provider: \
    sa kube-system/cloud-provider
    RoleBinding kube-system/system:controller:token-cleaner of system:controller:token-cleaner: \
    sa kube-system/token-cleaner
    RoleBinding kube-public/system:controller:bootstrap-signer of system:controller:bootstrap-signer: \
    sa kube-system/bootstrap-signer
    """
