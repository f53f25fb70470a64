import Foundation
import KubeClient
import KubeTypes
import PKI

/// The tokens with which machines join a cluster (`bootstrap.kubernetes.io/token`), as its administrator makes them.
public struct JoinTokens: Sendable {
    private static let prefix = "bootstrap-token-"
    /// The group that the default policy lets ask for nodes' certificates.
    private static let group = "system:bootstrappers:kubeadm:default-node-token"

    private let directory: DataDirectory

    public init(_ directory: DataDirectory) { self.directory = directory }

    /// Makes a token.
    /// - Parameter seconds: how long it is good for; nil for ever.
    /// - Returns: the token, `ID.SECRET`.
    public func create(goodFor seconds: Int?, description: String = "") async throws -> String {
        let id = Self.random(6)
        let secret = Self.random(16)
        var object = Secret(name: Self.prefix + id, namespace: "kube-system")
        object.type = "bootstrap.kubernetes.io/token"
        var data = [
            "token-id": id, "token-secret": secret, "usage-bootstrap-authentication": "true",
            "usage-bootstrap-signing": "true", "auth-extra-groups": Self.group,
        ]
        if !description.isEmpty { data["description"] = description }
        if let seconds { data["expiration"] = wallClockTime().adding(seconds: seconds).description }
        object.data = data.mapValues { Data($0.utf8).base64EncodedString() }
        let made = object
        _ = try await Administrator.call(directory) { try await $0.create(made) }
        return "\(id).\(secret)"
    }

    /// What to type on another machine to join it.
    public func command(_ token: String) throws -> String {
        let server: String
        let authority: String
        do {
            server = RunState(path: directory.runState)?.advertised ?? ""
            authority = try SecretFile.read(directory.pki + "/ca.crt") ?? ""
        } catch { throw ClusterError("\(error)") }
        guard !server.isEmpty else {
            throw ClusterError("no cluster runs in \(directory.path)", mend: "start one with 'martlet up'")
        }
        let hash = CertificatePEM.publicKeyHash(authority).map { " --ca-cert-hash sha256:\($0)" } ?? ""
        return "martlet agent --server \(server) --token \(token)\(hash)"
    }

    /// A line each: the token's identity, when it ends, and what it is for.
    public func lines() async throws -> [String] {
        let secrets = try await Administrator.call(directory) {
            try await $0.list(
                Secret.self, namespace: "kube-system", fieldSelector: "type=bootstrap.kubernetes.io/token"
            ).items
        }
        return secrets.map { secret in
            func data(_ key: String) -> String {
                String(decoding: secret.data[key].flatMap { Data(base64Encoded: $0) } ?? Data(), as: UTF8.self)
            }
            let end = data("expiration")
            return "\(data("token-id"))  \(end.isEmpty ? "<forever>" : end)  \(data("description"))"
        }.sorted()
    }

    /// Ends a token.
    /// - Parameter token: it, or its identity.
    public func delete(_ token: String) async throws {
        let id = token.prefix { $0 != "." }
        try await Administrator.call(directory) {
            try await $0.delete(Secret.self, Self.prefix + id, namespace: "kube-system")
        }
    }

    private static func random(_ count: Int) -> String {
        let alphabet = Array("abcdefghijklmnopqrstuvwxyz0123456789")
        var generator = SystemRandomNumberGenerator()
        return String((0..<count).map { _ in alphabet[Int.random(in: 0..<alphabet.count, using: &generator)] })
    }
}

/// The API of a running cluster as its administrator, for a command.
enum Administrator {
    static func call<Value: Sendable>(
        _ directory: DataDirectory, _ body: (KubeClient) async throws -> Value
    ) async throws -> Value {
        let transport: HTTPSTransport
        do { transport = try HTTPSTransport(KubeConfig.load(path: directory.adminKubeconfig)) } catch {
            throw ClusterError("\(error)", mend: "start the cluster with 'martlet up', or name its --data-dir")
        }
        do {
            let value = try await body(KubeClient(transport))
            await transport.shutdown()
            return value
        } catch {
            await transport.shutdown()
            throw error is ClusterError ? error : ClusterError("\(error)")
        }
    }
}
