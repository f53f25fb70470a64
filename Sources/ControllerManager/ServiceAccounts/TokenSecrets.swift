import Foundation
import JSON
import KubeClient
import KubeTypes
import PKI

/// Fills Secrets of the type `kubernetes.io/service-account-token`, and deletes those whose account is gone.
final class TokenSecretController: Controller {
    static let secretType = "kubernetes.io/service-account-token"
    static let accountName = "kubernetes.io/service-account.name"
    static let accountUID = "kubernetes.io/service-account.uid"

    private enum Key: Hashable, Sendable {
        case secret(ObjectKey)
        /// An account that may be gone, with its tokens to follow.
        case account(ObjectKey)
    }

    private let context: ControllerContext
    private let accounts: Informer<ServiceAccount>
    private let secrets: Informer<Secret>
    private let queue: WorkQueue<Key>

    init(_ context: ControllerContext) {
        self.context = context
        accounts = context.informers.informer(ServiceAccount.self)
        // Only these secrets are kept, not everybody's.
        secrets = Informer(
            context.informers.client, fieldSelector: "type=\(Self.secretType)", logger: context.logger)
        let queue: WorkQueue<Key> = context.queue()
        self.queue = queue
        secrets.addHandler { change in
            queue.add(.secret(change.object.key))
            // Whose reference to it has to go.
            if case .deleted(let secret) = change, let name = secret.annotations[Self.accountName] {
                queue.add(.account(ObjectKey(namespace: secret.namespace, name: name)))
            }
        }
        accounts.addHandler { queue.add(.account($0.object.key)) }
    }

    func run() async {
        guard let issuer = context.options.tokenIssuer else { return }
        let informer = Task { [secrets] in await secrets.run() }
        await accounts.waitForSync()
        await secrets.waitForSync()
        await context.work(queue, of: "serviceaccount-token-controller", workers: 2) { [self] key in
            switch key {
            case .secret(let key): try await reconcileSecret(key, issuer)
            case .account(let key): try await reconcileAccount(key)
            }
        }
        informer.cancel()
        await informer.value
    }

    private func account(of secret: Secret) -> ServiceAccount? {
        guard let name = secret.annotations[Self.accountName],
            let account = accounts.get(name, namespace: secret.namespace)
        else { return nil }
        let uid = secret.annotations[Self.accountUID] ?? ""
        return uid.isEmpty || uid == account.metadata.uid ? account : nil
    }

    private func reconcileSecret(_ key: ObjectKey, _ issuer: ServiceAccountTokenIssuer) async throws {
        guard var secret = secrets[key], !secret.isBeingDeleted else { return }
        guard let account = account(of: secret) else { return try await deleteOrphan(secret) }
        let authority = Data(context.options.rootCA.utf8).base64EncodedString()
        let uid = account.metadata.uid ?? ""
        var data = secret.data
        if !context.options.rootCA.isEmpty { data["ca.crt"] = authority }
        if (data["namespace"] ?? "").isEmpty { data["namespace"] = Data(key.namespace.utf8).base64EncodedString() }
        if (data["token"] ?? "").isEmpty {
            let token = try issuer.issueLegacy(
                namespace: key.namespace, serviceAccount: .init(name: account.name, uid: uid), secretName: key.name)
            data["token"] = Data(token.utf8).base64EncodedString()
        }
        guard data != secret.data else { return }
        secret.data = data
        secret.metadata.annotations[Self.accountName] = account.name
        secret.metadata.annotations[Self.accountUID] = uid
        do {
            try await context.client.update(secret)
        } catch {
            // Somebody was faster: the change of his comes here as well.
            if !error.isConflict, !error.isNotFound { throw error }
        }
    }

    private func deleteOrphan(_ secret: Secret) async throws {
        // The copy of the accounts may lag behind whoever made an account and its secret.
        if let name = secret.annotations[Self.accountName] {
            do {
                let live = try await context.client.get(ServiceAccount.self, name, namespace: secret.namespace)
                let uid = secret.annotations[Self.accountUID] ?? ""
                if uid.isEmpty || uid == live.metadata.uid {
                    throw RetryLater(description: "the service account \(name) has not been seen yet")
                }
            } catch let error as APIError { if !error.isNotFound { throw error } }
        }
        var options = DeleteOptions()
        options.preconditions = Preconditions()
        options.preconditions?.uid = secret.metadata.uid
        do {
            try await context.client.delete(
                Secret.self, secret.name, namespace: secret.namespace, options: options)
        } catch { if !error.isNotFound, !error.isConflict { throw error } }
    }

    private func reconcileAccount(_ key: ObjectKey) async throws {
        for secret in secrets.objects(namespace: key.namespace)
        where secret.annotations[Self.accountName] == key.name { queue.add(.secret(secret.key)) }
        guard let account = accounts[key], !account.isBeingDeleted else { return }
        // References of old to tokens that are gone. Others are nobody's but their writer's.
        let stale = account.secrets.compactMap(\.name).filter { name in
            name.hasPrefix("\(key.name)-token-") && secrets.get(name, namespace: key.namespace) == nil
        }
        for name in stale {
            do {
                _ = try await context.client.get(Secret.self, name, namespace: key.namespace)
            } catch {
                guard error.isNotFound else { throw error }
                try await context.client.modify(ServiceAccount.self, key.name, namespace: key.namespace) { account in
                    let count = account.secrets.count
                    account.secrets.removeAll { $0.name == name }
                    return account.secrets.count < count
                }
            }
        }
    }
}
