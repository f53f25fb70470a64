import JSON
import KubeClient
import KubeTypes
import PKI

/// Approves the certificates that kubelets show to the API server (`kubernetes.io/kubelet-serving`), which upstream leaves
/// to whoever runs the cluster: a node gets one for its own name and for addresses that are nobody else's.
final class ServingCertificateApprover: Controller {
    private let context: ControllerContext
    private let requests: Informer<CertificateSigningRequest>
    private let nodes: Informer<Node>
    private let queue: WorkQueue<String>

    init(_ context: ControllerContext) {
        self.context = context
        requests = context.informers.informer(CertificateSigningRequest.self)
        nodes = context.informers.informer(Node.self)
        let queue: WorkQueue<String> = context.queue()
        self.queue = queue
        requests.addHandler { if !$0.isDeletion { queue.add($0.object.name) } }
    }

    func run() async {
        await requests.waitForSync()
        await nodes.waitForSync()
        await context.work(queue, of: "kubelet-serving-approver", workers: 1) { [self] in try await reconcile($0) }
    }

    private func reconcile(_ name: String) async throws {
        guard var request = requests.get(name), !request.isIssued, !request.has("Approved"), !request.has("Denied"),
            request.spec.signerName == BuiltInSigner.kubeletServing.rawValue
        else { return }
        let parsed = try request.parsed()
        guard BuiltInSigner.kubeletServing.problem(with: parsed, usages: request.spec.usages) == nil else { return }
        if let problem = Self.problem(
            with: parsed, of: request.spec.username ?? "", groups: request.spec.groups, nodes: nodes.objects,
            reserved: context.options.reservedNames)
        {
            // Somebody may still approve it by hand.
            context.logger.info("kubelet-serving-approver: csr \"\(name)\" is left to an administrator: \(problem)")
            return
        }
        var condition = CertificateSigningRequestCondition()
        condition.type = "Approved"
        condition.status = "True"
        condition.reason = "AutoApproved"
        condition.message = "Auto approving kubelet serving certificate of the node itself."
        request.status.conditions.append(condition)
        try await context.client.update(request, subresource: "approval")
    }

    /// Why a request is not to be approved; nil if it is.
    /// - Parameter reserved: names and addresses of the control plane.
    static func problem(
        with request: CertificateRequest, of user: String, groups: [String], nodes: [Node], reserved: Set<String>
    ) -> String? {
        let prefix = "system:node:"
        guard groups.contains("system:nodes"), user.hasPrefix(prefix), request.commonName == user else {
            return "\(user) asks for a certificate of \(request.commonName)"
        }
        let name = String(user.dropFirst(prefix.count))
        for asked in request.dnsNames where asked != name { return "\(asked) is not the name of node \(name)" }
        for address in request.ipAddresses {
            if reserved.contains(address) { return "\(address) is an address of the control plane" }
            for node in nodes where node.name != name {
                if node.status.addresses.contains(where: { $0.address == address }) {
                    return "\(address) is an address of node \(node.name)"
                }
            }
        }
        return nil
    }
}
