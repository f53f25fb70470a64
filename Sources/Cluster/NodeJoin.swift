import AsyncHTTPClient
import ControllerManager
import Foundation
import JSON
import KubeClient
import KubeTypes
import Logging
import NIOCore
import NIOSSL
import PKI

/// How a node of its own process comes to be known to the cluster: from a bootstrap token by way of `cluster-info` to the
/// cluster's authority, and by certificate signing requests to certificates of its own
/// (https://kubernetes.io/docs/reference/access-authn-authz/kubelet-tls-bootstrapping/).
struct NodeJoin: Sendable {
    let record: NodeRecord
    let directory: DataDirectory
    let logger: Logger

    static let clusterInfoPath = "/api/v1/namespaces/kube-public/configmaps/cluster-info"
    private static let clientCertificate = "kubelet-client"
    private var authorityPath: String { directory.pki + "/ca.crt" }

    /// What a node needs to speak to the API.
    struct Identity: Sendable {
        var authorityPEM: String
        var client: IssuedCertificate
    }

    /// The node's identity: the one it has, renewed before it ends; else what the join secret brings.
    /// - Throws: `ClusterError` where there is no token that the cluster takes.
    func identity() async throws -> Identity {
        if let authority = try SecretFile.read(authorityPath) {
            if let kept = try KeptCertificate.read(Self.clientCertificate, in: directory.pki) {
                return Identity(authorityPEM: authority, client: kept)
            }
            if let old = try KeptCertificate.read(Self.clientCertificate, in: directory.pki, margin: 60) {
                return Identity(authorityPEM: authority, client: try await renewed(old, authority))
            }
        }
        guard let secret = JoinSecret.read(in: directory) else {
            throw ClusterError(
                "this machine has not joined a cluster, or was away for too long",
                mend: "name --server and a --token of 'martlet token create'")
        }
        let authority = try await discover(secret)
        let transport = try transport(authority, .token(secret.token))
        let certificate: IssuedCertificate
        do {
            let client = KubeClient(transport)
            try await checkName(client)
            certificate = try await request(client, asNode("kube-apiserver-client-kubelet", "client auth"))
        } catch {
            await transport.shutdown()
            throw error
        }
        await transport.shutdown()
        try SecretFile.write(authority, to: authorityPath, mode: 0o644)
        try KeptCertificate.write(certificate, Self.clientCertificate, in: directory.pki)
        JoinSecret.remove(in: directory)
        logger.info("joined \(record.server) as node \(record.name)")
        return Identity(authorityPEM: authority, client: certificate)
    }

    /// The certificate that the kubelet shows, for the node's name and address.
    func servingCertificate(_ client: KubeClient) async throws -> IssuedCertificate {
        let name = "kubelet-\(record.name)-\(record.address)"
        var wish = asNode("kubelet-serving", "server auth")
        wish.names = [record.name]
        wish.addresses = [record.address]
        return try await keptCertificate(name, client, wish)
    }

    /// The certificate as which the node's network (Services, policies, DNS, routes) speaks to the API: it sees what the
    /// node itself does not.
    func networkCertificate(_ client: KubeClient) async throws -> IssuedCertificate {
        try await keptCertificate(
            "network-client", client,
            Wish(
                user: NodeCertificateApprover.networkUserPrefix + record.name,
                organization: NodeCertificateApprover.networkGroup, signer: "kube-apiserver-client",
                usage: "client auth"))
    }

    private func keptCertificate(
        _ name: String, _ client: KubeClient, _ wish: Wish
    ) async throws -> IssuedCertificate {
        if let kept = try KeptCertificate.read(name, in: directory.pki) { return kept }
        let certificate = try await request(client, wish)
        try KeptCertificate.write(certificate, name, in: directory.pki)
        return certificate
    }

    func transport(_ authority: String, _ credentials: HTTPSTransport.Credentials) throws(ClusterError)
        -> HTTPSTransport
    {
        do {
            return try HTTPSTransport(
                HTTPSTransport.Configuration(
                    server: record.server, caPEM: authority, credentials: credentials, userAgent: "martlet-agent"),
                logger: logger)
        } catch { throw ClusterError("\(error)") }
    }

    private func renewed(_ old: IssuedCertificate, _ authority: String) async throws -> IssuedCertificate {
        let transport = try transport(
            authority, .clientCertificate(certificatePEM: old.certificatePEM, keyPEM: old.privateKeyPEM))
        let certificate: IssuedCertificate
        do {
            certificate = try await request(
                KubeClient(transport), asNode("kube-apiserver-client-kubelet", "client auth"))
        } catch {
            await transport.shutdown()
            throw error
        }
        await transport.shutdown()
        try KeptCertificate.write(certificate, Self.clientCertificate, in: directory.pki)
        return certificate
    }

    /// Two machines under one name would fight over its pods.
    private func checkName(_ client: KubeClient) async throws {
        let node: Node
        do { node = try await client.get(Node.self, record.name) } catch {
            if error.isNotFound { return }
            throw ClusterError("\(record.server): \(error)")
        }
        guard node.status.conditions.contains(where: { $0.type == "Ready" && $0.status == "True" }),
            !node.status.addresses.contains(where: { $0.address == record.address })
        else { return }
        throw ClusterError(
            "the cluster has a node \(record.name) that is Ready",
            mend: "choose another --node-name, or delete that one")
    }

    // MARK: Certificates

    /// What a certificate is to say, and which signer of kubernetes.io is asked for it.
    private struct Wish {
        var user: String
        var organization: String
        var signer: String
        var usage: String
        var names: [String] = []
        var addresses: [String] = []
    }

    private func asNode(_ signer: String, _ usage: String) -> Wish {
        Wish(user: "system:node:\(record.name)", organization: "system:nodes", signer: signer, usage: usage)
    }

    /// Asks for a certificate and waits for it.
    private func request(_ client: KubeClient, _ wish: Wish) async throws -> IssuedCertificate {
        let (request, key) = try CertificateRequest.create(
            commonName: wish.user, organizations: [wish.organization], dnsNames: wish.names,
            ipAddresses: wish.addresses)
        var object = CertificateSigningRequest(name: "")
        object.metadata.generateName = "csr-"
        object.spec.request = Data(request.utf8).base64EncodedString()
        object.spec.signerName = "kubernetes.io/\(wish.signer)"
        object.spec.usages = ["digital signature", wish.usage]
        let name = try await client.create(object).name
        for _ in 0..<600 {
            let current = try await client.get(CertificateSigningRequest.self, name)
            for condition in current.status.conditions where ["Denied", "Failed"].contains(condition.type) {
                throw ClusterError("the certificate request \(name) was refused: \(condition.message ?? "")")
            }
            if let data = current.status.certificate.flatMap({ Data(base64Encoded: $0) }), !data.isEmpty {
                let notAfter = CertificatePEM.notAfter(data) ?? 0
                return IssuedCertificate(
                    certificatePEM: String(decoding: data, as: UTF8.self), privateKeyPEM: key,
                    notAfter: Date(timeIntervalSince1970: Double(notAfter)))
            }
            try await Task.sleep(for: .milliseconds(100))
        }
        throw ClusterError(
            "nobody has approved the certificate request \(name)", mend: "see 'kubectl get csr \(name)'")
    }

    // MARK: Discovery

    /// The cluster's authority: what `cluster-info` says, if the token has signed it.
    private func discover(_ secret: JoinSecret) async throws -> String {
        let parts = secret.token.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
        guard parts.count == 2, parts[0].count == 6, parts[1].count == 16 else {
            throw ClusterError("the token is none", mend: "a token is six characters, a dot, and sixteen characters")
        }
        let info = try await clusterInfo()
        guard let kubeconfig = info.data["kubeconfig"], let signature = info.data["jws-kubeconfig-\(parts[0])"] else {
            throw ClusterError(
                "\(record.server) does not know the token", mend: "make a new one with 'martlet token create'")
        }
        guard
            Digest.sha256(signature) == Digest.sha256(BootstrapSignature.of(kubeconfig, id: parts[0], secret: parts[1]))
        else { throw ClusterError("\(record.server) is not the cluster that the token is from") }
        guard let document = try? YAML.parse(kubeconfig).first,
            let authority = document["clusters"]?[0]?[path: "cluster", "certificate-authority-data"]?.stringValue
                .flatMap({ Data(base64Encoded: $0) })
        else { throw ClusterError("cluster-info of \(record.server) names no authority") }
        let pem = String(decoding: authority, as: UTF8.self)
        if let hash = secret.authorityHash, CertificatePEM.publicKeyHash(pem).map({ "sha256:\($0)" }) != hash {
            throw ClusterError("the authority of \(record.server) is not the one with the hash \(hash)")
        }
        return pem
    }

    /// From a server that is not trusted yet.
    private func clusterInfo() async throws -> ConfigMap {
        var tls = TLSConfiguration.makeClientConfiguration()
        tls.certificateVerification = .none
        let client = HTTPClient(
            eventLoopGroupProvider: .singleton,
            configuration: HTTPClient.Configuration(tlsConfiguration: tls, timeout: .init(connect: .seconds(5))))
        let result: Result<ConfigMap, any Error>
        do {
            // The controllers that sign may have been told of the token a moment ago.
            var found = ConfigMap(name: "")
            for _ in 0..<50 {
                found = try await fetch(client)
                if found.data.keys.contains(where: { $0.hasPrefix("jws-kubeconfig-\(tokenID)") }) { break }
                try await Task.sleep(for: .milliseconds(100))
            }
            result = .success(found)
        } catch { result = .failure(error) }
        try? await client.shutdown()
        return try result.get()
    }

    private var tokenID: Substring { JoinSecret.read(in: directory)?.token.prefix { $0 != "." } ?? "" }

    private func fetch(_ client: HTTPClient) async throws -> ConfigMap {
        let url = record.server + Self.clusterInfoPath
        let body: ByteBuffer
        do {
            let response = try await client.execute(HTTPClientRequest(url: url), timeout: .seconds(10))
            body = try await response.body.collect(upTo: 1 << 20)
            guard response.status == .ok else {
                throw ClusterError("\(record.server) has no cluster-info (\(response.status))")
            }
        } catch let error as ClusterError {
            throw error
        } catch {
            throw ClusterError("\(record.server) cannot be reached: \(error)")
        }
        return ConfigMap(try JSONParser.parse(body.readableBytesView))
    }
}
