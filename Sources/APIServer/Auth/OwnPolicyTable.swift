/// The roles and bindings of this server's own components that upstream has none for, in the notation of
/// `bootstrapPolicyTable`.
///
/// DNS has what CoreDNS is given where it is installed, and keeps its own Service. The server's client certificate for
/// kubelets needs no more than their API.
///
/// Machines join as with kubeadm, by roles and bindings of the same names: whoever has a token of the group of node tokens
/// may ask for a node's certificate, which is approved without anybody's doing; everybody may read `cluster-info`, which
/// the tokens sign. The service proxy, DNS and routes of a node of its own process act as that node, which may see all
/// nodes for that; pods and secrets remain what the node authorizer makes of them.
let ownPolicyTable = """
    ClusterRole system:coredns
      list,watch core: endpoints namespaces pods services
      list,watch discovery: endpointslices
    ClusterRoleBinding system:coredns: sa kube-system/coredns
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
      list,watch core: namespaces nodes services
      list,watch discovery: endpointslices
    ClusterRoleBinding system:martlet:node-network: group system:nodes
    """
