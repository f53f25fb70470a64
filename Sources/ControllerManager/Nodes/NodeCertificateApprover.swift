import JSON
import KubeClient
import KubeTypes
import PKI

/// Approves what nodes need besides the certificate they join with, which upstream leaves to whoever runs the cluster: the
/// one that a kubelet shows to the API server (`kubernetes.io/kubelet-serving`), for the node's own name and for addresses
/// that are nobody else's, and the one as which the node's network speaks to the API.
public final class NodeCertificateApprover: Controller {
    /// Who a node's network is to the API: this, and the node's name.
    public static let networkUserPrefix = "system:martlet:network:"
    public static let networkGroup = "system:martlet:networks"

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
        await context.work(queue, of: "node-certificate-approver", workers: 1) { [self] in try await reconcile($0) }
    }

    private func reconcile(_ name: String) async throws {
        guard let request = requests.get(name), request.isOpen,
            let signer = BuiltInSigner(rawValue: request.spec.signerName)
        else { return }
        let parsed = try request.parsed()
        let user = request.spec.username ?? "", groups = request.spec.groups
        let problem: String?
        switch signer {
        case .kubeletServing:
            problem = Self.problem(
                with: parsed, of: user, groups: groups, nodes: nodes.objects, reserved: context.options.reservedNames)
        case .apiServerClient:
            guard parsed.commonName.hasPrefix(Self.networkUserPrefix) else { return }
            problem = Self.problem(withNetwork: parsed, of: user, groups: groups)
        case .kubeletClient, .legacyUnknown: return
        }
        guard signer.problem(with: parsed, usages: request.spec.usages) == nil else { return }
        if let problem {
            // Somebody may still approve it by hand.
            context.logger.info("node-certificate-approver: csr \"\(name)\" is left to an administrator: \(problem)")
            return
        }
        try await context.client.update(
            request.approved("Auto approving certificate of the node itself for \(signer.rawValue)."),
            subresource: "approval")
    }

    /// Why a request is not to be approved; nil if it is.
    /// - Parameter reserved: names and addresses of the control plane.
    static func problem(
        with request: CertificateRequest, of user: String, groups: [String], nodes: [Node], reserved: Set<String>
    ) -> String? {
        guard let name = node(user, groups), request.commonName == user else {
            return "\(user) asks for a certificate of \(request.commonName)"
        }
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

    /// Why a request for a network's certificate is not to be approved; nil if it is.
    static func problem(withNetwork request: CertificateRequest, of user: String, groups: [String]) -> String? {
        guard let name = node(user, groups), request.commonName == networkUserPrefix + name else {
            return "\(user) asks for a certificate of \(request.commonName)"
        }
        guard request.organizations == [networkGroup] else { return "subject organization is not \(networkGroup)" }
        guard request.dnsNames.isEmpty, request.ipAddresses.isEmpty, request.emailAddresses.isEmpty,
            request.uris.isEmpty
        else { return "subjectAltNames are not allowed" }
        return nil
    }

    /// The name of the node that this user is; nil if it is none.
    private static func node(_ user: String, _ groups: [String]) -> String? {
        let prefix = "system:node:"
        guard groups.contains("system:nodes"), user.hasPrefix(prefix) else { return nil }
        return String(user.dropFirst(prefix.count))
    }
}
