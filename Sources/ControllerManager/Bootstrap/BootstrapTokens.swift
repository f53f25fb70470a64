import Crypto
import Foundation
import KubeClient
import KubeTypes

/// What a Secret of the type `bootstrap.kubernetes.io/token` says.
struct BootstrapToken: Sendable, Hashable {
    static let secretType = "bootstrap.kubernetes.io/token"
    static let namespace = "kube-system"
    private static let prefix = "bootstrap-token-"

    let id: String
    let secret: String
    let isForSigning: Bool
    /// Nil: it does not end. What cannot be read counts as past.
    let expiration: Time?

    /// Nil for secrets that are no whole token.
    init?(_ object: Secret) {
        func data(_ key: String) -> String {
            String(decoding: object.data[key].flatMap { Data(base64Encoded: $0) } ?? Data(), as: UTF8.self)
        }
        id = data("token-id")
        secret = data("token-secret")
        guard object.type == Self.secretType, object.name == Self.prefix + id, id.utf8.count == 6,
            !secret.isEmpty
        else { return nil }
        isForSigning = data("usage-bootstrap-signing") == "true"
        expiration = Self.expiration(of: object)
    }

    static func expiration(of object: Secret) -> Time? {
        let text = String(
            decoding: object.data["expiration"].flatMap { Data(base64Encoded: $0) } ?? Data(), as: UTF8.self)
        return text.isEmpty ? nil : Time(text) ?? Time(seconds: 0)
    }

    func signature(of content: String) -> String { BootstrapSignature.of(content, id: id, secret: secret) }
}

/// What shows that a text comes from somebody who knows a bootstrap token.
public enum BootstrapSignature {
    /// A JSON Web Signature whose content is left out (RFC 7515, appendix F).
    public static func of(_ content: String, id: String, secret: String) -> String {
        func encode(_ bytes: some Sequence<UInt8>) -> String {
            Data(bytes).base64EncodedString().replacing("+", with: "-").replacing("/", with: "_")
                .replacing("=", with: "")
        }
        let header = encode(Array("{\"alg\":\"HS256\",\"kid\":\"\(id)\"}".utf8))
        let signed = "\(header).\(encode(Array(content.utf8)))"
        let code = HMAC<SHA256>.authenticationCode(for: Data(signed.utf8), using: SymmetricKey(data: Data(secret.utf8)))
        return "\(header)..\(encode(code))"
    }
}

/// Deletes bootstrap tokens when they end.
final class BootstrapTokenCleaner: Controller {
    private let context: ControllerContext
    private let secrets: Informer<Secret>
    private let queue: WorkQueue<ObjectKey>

    init(_ context: ControllerContext) {
        self.context = context
        secrets = Informer(
            context.informers.client, namespace: BootstrapToken.namespace,
            fieldSelector: "type=\(BootstrapToken.secretType)", logger: context.logger)
        let queue: WorkQueue<ObjectKey> = context.queue()
        self.queue = queue
        secrets.addHandler { if !$0.isDeletion { queue.add($0.object.key) } }
    }

    func run() async {
        let informer = Task { [secrets] in await secrets.run() }
        await secrets.waitForSync()
        await context.work(queue, of: "token-cleaner", workers: 1) { [self] in try await reconcile($0) }
        informer.cancel()
        await informer.value
    }

    private func reconcile(_ key: ObjectKey) async throws {
        guard let secret = secrets[key], let end = BootstrapToken.expiration(of: secret) else { return }
        let left = end.since(context.now)
        guard left <= 0 else { return queue.add(key, after: .seconds(left)) }
        var options = DeleteOptions()
        options.preconditions = Preconditions()
        options.preconditions?.uid = secret.metadata.uid
        do {
            try await context.client.delete(Secret.self, key.name, namespace: key.namespace, options: options)
        } catch { if !error.isNotFound, !error.isConflict { throw error } }
    }
}

/// Signs the ConfigMap `cluster-info`, from which joining nodes learn the cluster's authority, with every bootstrap token
/// that is for it: whoever knows the token knows the text is this cluster's.
final class BootstrapSigner: Controller {
    private static let configMap = "cluster-info"
    private static let namespace = "kube-public"
    private static let prefix = "jws-kubeconfig-"

    private let context: ControllerContext
    private let secrets: Informer<Secret>
    private let configMaps: Informer<ConfigMap>
    private let queue: WorkQueue<String>

    init(_ context: ControllerContext) {
        self.context = context
        secrets = Informer(
            context.informers.client, namespace: BootstrapToken.namespace,
            fieldSelector: "type=\(BootstrapToken.secretType)", logger: context.logger)
        configMaps = Informer(
            context.informers.client, namespace: Self.namespace, fieldSelector: "metadata.name=\(Self.configMap)",
            logger: context.logger)
        let queue: WorkQueue<String> = context.queue()
        self.queue = queue
        secrets.addHandler { _ in queue.add(Self.configMap) }
        configMaps.addHandler { _ in queue.add(Self.configMap) }
    }

    func run() async {
        let informers = [Task { [secrets] in await secrets.run() }, Task { [configMaps] in await configMaps.run() }]
        await secrets.waitForSync()
        await configMaps.waitForSync()
        await context.work(queue, of: "bootstrap-signer", workers: 1) { [self] _ in try await reconcile() }
        for informer in informers {
            informer.cancel()
            await informer.value
        }
    }

    private func reconcile() async throws {
        guard var info = configMaps.get(Self.configMap, namespace: Self.namespace),
            let content = info.data["kubeconfig"]
        else { return }
        var data = info.data.filter { !$0.key.hasPrefix(Self.prefix) }
        for token in secrets.objects.compactMap(BootstrapToken.init) where token.isForSigning {
            if let end = token.expiration, end <= context.now { continue }
            data[Self.prefix + token.id] = token.signature(of: content)
        }
        guard data != info.data else { return }
        info.data = data
        do {
            try await context.client.update(info)
        } catch { if !error.isNotFound { throw error } }
    }
}
