import JSON
import KubeClient
import KubeTypes
import PKI

/// Approves the requests of nodes for their client certificates, if whoever asks may do so by a SubjectAccessReview:
/// `nodeclient` to get one at all, `selfnodeclient` to renew the own.
final class CertificateApprover: Controller {
    private let context: ControllerContext
    private let requests: Informer<CertificateSigningRequest>
    private let queue: WorkQueue<String>

    init(_ context: ControllerContext) {
        self.context = context
        requests = context.informers.informer(CertificateSigningRequest.self)
        let queue: WorkQueue<String> = context.queue()
        self.queue = queue
        requests.addHandler { if !$0.isDeletion { queue.add($0.object.name) } }
    }

    func run() async {
        await requests.waitForSync()
        await context.work(queue, of: "csrapproving") { [self] in try await reconcile($0) }
    }

    private func reconcile(_ name: String) async throws {
        guard let request = requests.get(name), request.isOpen,
            request.spec.signerName == BuiltInSigner.kubeletClient.rawValue
        else { return }
        let parsed = try request.parsed()
        guard BuiltInSigner.kubeletClient.problem(with: parsed, usages: request.spec.usages) == nil else { return }
        let isSelf = request.spec.username == parsed.commonName
        let ways = (isSelf ? [("selfnodeclient", "self kubelet")] : []) + [("nodeclient", "kubelet")]
        var tried: [String] = []
        for (subresource, what) in ways {
            tried.append(subresource)
            guard try await isAllowed(request, subresource) else { continue }
            try await context.client.update(
                request.approved("Auto approving \(what) client certificate after SubjectAccessReview."),
                subresource: "approval")
            return
        }
        // A role may be bound a moment later.
        throw RetryLater(
            description: "recognized csr \"\(name)\" as \(tried) but subject access review was not approved")
    }

    private func isAllowed(_ request: CertificateSigningRequest, _ subresource: String) async throws -> Bool {
        var review = SubjectAccessReview()
        review.spec.user = request.spec.username
        review.spec.uid = request.spec.uid
        review.spec.groups = request.spec.groups
        review.spec.extra = request.spec.extra
        var attributes = ResourceAttributes()
        attributes.group = "certificates.k8s.io"
        attributes.resource = "certificatesigningrequests"
        attributes.verb = "create"
        attributes.subresource = subresource
        attributes.version = "*"
        review.spec.resourceAttributes = attributes
        return try await context.client.create(review).status.allowed
    }
}
