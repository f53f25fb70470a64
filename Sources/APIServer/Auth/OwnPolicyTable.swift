/// The roles and bindings of this server's own components that upstream has none for, in the notation of
/// `bootstrapPolicyTable`.
///
/// DNS has what CoreDNS is given where it is installed, and keeps its own Service. The server's client certificate for
/// kubelets needs no more than their API.
let ownPolicyTable = """
    ClusterRole system:coredns
      list,watch core: endpoints namespaces pods services
      list,watch discovery: endpointslices
    ClusterRoleBinding system:coredns: sa kube-system/coredns
    ClusterRole system:martlet:network-policy
      list,watch core: pods namespaces
      list,watch networking: networkpolicies
    ClusterRoleBinding system:martlet:network-policy: user system:kube-proxy
    ClusterRole system:martlet:ingress
      list,watch core: services secrets
      list,watch discovery: endpointslices
      list,watch networking: ingresses ingressclasses
      patch,update networking: ingresses/status
      create networking: ingressclasses
      events
    ClusterRoleBinding system:martlet:ingress: sa kube-system/martlet-ingress
    Role kube-system/system:martlet:ingress
      get,create,update core: services
      get,create,update discovery: endpointslices
    RoleBinding kube-system/system:martlet:ingress of system:martlet:ingress: sa kube-system/martlet-ingress
    ClusterRoleBinding system:kubelet-api-admin: user kube-apiserver-kubelet-client
    Role kube-system/system:martlet:cluster-dns
      get,create,update core: services
      get,create,update discovery: endpointslices
    RoleBinding kube-system/system:martlet:cluster-dns of system:martlet:cluster-dns: sa kube-system/coredns
    """
