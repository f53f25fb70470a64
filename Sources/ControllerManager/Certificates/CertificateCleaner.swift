import Foundation
import KubeClient
import KubeTypes
import PKI

/// Deletes requests for certificates that nobody needs any more: an hour after they were answered, a day after they were
/// made and not answered, or when the certificate has ended.
final class CertificateCleaner: Controller {
    private static let answered = 3600.0
    private static let pending = 24 * 3600.0

    private let context: ControllerContext
    private let requests: Informer<CertificateSigningRequest>

    init(_ context: ControllerContext) {
        self.context = context
        requests = context.informers.informer(CertificateSigningRequest.self)
    }

    func run() async {
        await requests.waitForSync()
        while !Task.isCancelled {
            for request in requests.objects where Self.isOver(request, context.now) {
                do {
                    try await context.client.delete(CertificateSigningRequest.self, request.name)
                } catch {
                    if !error.isNotFound { context.logger.info("csrcleaner: \(request.name): \(error)") }
                }
            }
            try? await Task.sleep(for: context.options.certificateCleaningPeriod)
        }
    }

    static func isOver(_ request: CertificateSigningRequest, _ now: Time) -> Bool {
        func isOlder(_ time: Time?, than seconds: Double) -> Bool { time.map { now.since($0) > seconds } ?? false }
        let conditions = request.status.conditions
        if conditions.isEmpty, isOlder(request.metadata.creationTimestamp, than: pending) { return true }
        for condition in conditions {
            switch condition.type {
            case "Denied", "Failed": if isOlder(condition.lastUpdateTime, than: answered) { return true }
            case "Approved":
                if isOlder(condition.lastUpdateTime, than: request.isIssued ? answered : pending) { return true }
                if let end = notAfter(request), now.seconds > end { return true }
            default: break
            }
        }
        return false
    }

    private static func notAfter(_ request: CertificateSigningRequest) -> Int64? {
        request.status.certificate.flatMap { Data(base64Encoded: $0) }.flatMap { CertificatePEM.notAfter($0) }
    }
}
