import Foundation
import JSON
import KubeClient
import KubeTypes
import PKI

/// Signs approved requests for the four built-in signers with the cluster's authority.
final class CertificateSigner: Controller {
    /// No certificate is made that lives shorter, in seconds.
    private static let minimumLifetime = 600

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
        guard let authority = context.options.authority else { return }
        await requests.waitForSync()
        await context.work(queue, of: "csrsigning") { [self] in try await reconcile($0, authority) }
    }

    private func reconcile(_ name: String, _ authority: CertificateAuthority) async throws {
        guard var request = requests.get(name), !request.isIssued, request.has("Approved"), !request.has("Denied"),
            !request.has("Failed"), let signer = BuiltInSigner(rawValue: request.spec.signerName)
        else { return }
        let parsed = try request.parsed()
        if let problem = signer.problem(with: parsed, usages: request.spec.usages) {
            var condition = CertificateSigningRequestCondition()
            condition.type = "Failed"
            condition.status = "True"
            condition.reason = "SignerValidationFailure"
            condition.message = problem
            condition.lastUpdateTime = context.now
            request.status.conditions.append(condition)
        } else {
            let certificate = try authority.sign(
                parsed, usages: request.spec.usages, lifetime: lifetime(request.spec.expirationSeconds),
                now: Date(timeIntervalSince1970: TimeInterval(context.now.seconds)))
            request.status.certificate = Data(certificate.utf8).base64EncodedString()
        }
        do {
            try await context.client.updateStatus(request)
        } catch { if !error.isNotFound { throw error } }
    }

    /// Seconds: what was asked for, within the signer's bounds.
    private func lifetime(_ asked: Int?) -> Int {
        let longest = context.options.certificateLifetimeSeconds
        guard let asked else { return longest }
        return min(max(asked, Self.minimumLifetime), longest)
    }
}
