/// The roles and bindings of this server's own components that upstream has none for, in the notation of
/// `bootstrapPolicyTable`.
///
/// DNS has what CoreDNS is given where it is installed, and keeps its own Service. The server's client certificate for
/// kubelets needs no more than their API.
///
/// Machines join as with kubeadm, by roles and bindings of the same names: whoever has a token of the group of node tokens
/// may ask for a node's certificate, which is approved without anybody's doing; everybody may read `cluster-info`, which
/// the tokens sign. The network of a node of its own process (Services, policies, DNS, routes) has an identity beside the
/// node's: it sees all pods and nodes, which the node itself does not.
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
    ClusterRole kubeadm:get-nodes
      get core: nodes
    ClusterRoleBinding kubeadm:get-nodes: group system:bootstrappers:kubeadm:default-node-token
    ClusterRoleBinding kubeadm:kubelet-bootstrap of system:node-bootstrapper: \
    group system:bootstrappers:kubeadm:default-node-token
    ClusterRoleBinding kubeadm:node-autoapprove-bootstrap of \
    system:certificates.k8s.io:certificatesigningrequests:nodeclient: \
    group system:bootstrappers:kubeadm:default-node-token
    ClusterRoleBinding kubeadm:node-autoapprove-certificate-rotation of \
    system:certificates.k8s.io:certificatesigningrequests:selfnodeclient: group system:nodes
    ClusterRoleBinding system:martlet:kubelet-serving-approver of \
    system:certificates.k8s.io:kubelet-serving-approver: sa kube-system/certificate-controller
    Role kube-public/kubeadm:bootstrap-signer-clusterinfo
      get core: configmaps = cluster-info
    RoleBinding kube-public/kubeadm:bootstrap-signer-clusterinfo of kubeadm:bootstrap-signer-clusterinfo: \
    user system:anonymous
    Role kube-system/system:martlet:node-config
      get core: configmaps = martlet-config
    RoleBinding kube-system/system:martlet:node-config of system:martlet:node-config: group system:nodes
    ClusterRole system:martlet:node-network
      list,watch core: namespaces nodes pods services
      list,watch discovery: endpointslices
      list,watch networking: networkpolicies
    ClusterRoleBinding system:martlet:node-network: group system:martlet:networks
    ClusterRoleBinding system:martlet:node-network-approver of \
    system:certificates.k8s.io:kube-apiserver-client-approver: sa kube-system/certificate-controller
    """
