import KubeClient
import KubeTypes

/// Marks tokens that were made for accounts by clusters of old and that nobody has used for a year, and deletes them a
/// year after that (KEP-2799). Tokens that somebody asked for by a Secret of his own stay.
final class LegacyTokenCleaner: Controller {
    private static let trackingName = "kube-apiserver-legacy-service-account-token-tracking"
    private static let lastUsed = "kubernetes.io/legacy-token-last-used"
    private static let invalidSince = "kubernetes.io/legacy-token-invalid-since"
    private static let unusedSeconds = 365 * 24 * 3600

    private let context: ControllerContext
    private let accounts: Informer<ServiceAccount>

    init(_ context: ControllerContext) {
        self.context = context
        accounts = context.informers.informer(ServiceAccount.self)
    }

    func run() async {
        await accounts.waitForSync()
        while !Task.isCancelled {
            do { try await clean() } catch { context.logger.info("legacy-service-account-token-cleaner: \(error)") }
            try? await Task.sleep(for: .seconds(24 * 3600))
        }
    }

    private func clean() async throws {
        // Only accounts of old name their tokens: without one there is nothing to look at.
        let named = accounts.objects.filter { !$0.secrets.isEmpty }
        guard !named.isEmpty else { return }
        let tracking = try await context.client.get(ConfigMap.self, Self.trackingName, namespace: "kube-system")
        let limit = context.now.adding(seconds: -Self.unusedSeconds)
        guard let since = Self.day(tracking.data["since"]), since < limit else { return }
        let secrets = try await context.informers.client.list(
            Secret.self, fieldSelector: "type=\(TokenSecretController.secretType)"
        ).items
        let pods = try await context.informers.client.list(Pod.self).items
        for secret in secrets where Self.isGenerated(secret, named) && !Self.isMounted(secret, pods) {
            let used = Self.day(secret.labels[Self.lastUsed]) ?? since
            let created = secret.metadata.creationTimestamp ?? context.now
            guard used < limit, created < limit else { continue }
            if let invalid = Self.day(secret.labels[Self.invalidSince]) {
                guard invalid < limit else { continue }
                try await context.client.delete(Secret.self, secret.name, namespace: secret.namespace)
            } else {
                let today = String(context.now.description.prefix(10))
                try await context.client.patch(
                    Secret.self, secret.name, namespace: secret.namespace,
                    ["metadata": ["labels": .object([Self.invalidSince: .string(today)])]])
            }
        }
    }

    /// The first moment of a day, `2026-01-31`.
    static func day(_ text: String?) -> Time? { text.flatMap { Time("\($0)T00:00:00Z") } }

    private static func isGenerated(_ secret: Secret, _ accounts: [ServiceAccount]) -> Bool {
        accounts.contains { account in
            account.namespace == secret.namespace
                && account.name == secret.annotations[TokenSecretController.accountName]
                && account.secrets.contains { $0.name == secret.name }
        }
    }

    private static func isMounted(_ secret: Secret, _ pods: [Pod]) -> Bool {
        pods.contains { pod in
            pod.namespace == secret.namespace && pod.spec.volumes.contains { $0.secret?.secretName == secret.name }
        }
    }
}
