import APIServer
import AsyncHTTPClient
import Foundation
import HTTPServer
import JSON
import KubeTypes
import NIOCore
import NIOHTTP1
import NIOSSL
import PKI

/// The API server's way to kubelets: HTTPS with a certificate that kubelets trust.
final class KubeletProxy: KubeletConnection {
    private let client: HTTPClient
    /// For connections of our own, which become those of another protocol.
    private let tls: NIOSSLContext

    init(authority: CertificateAuthority, identity: IssuedCertificate) throws {
        var tls = TLSConfiguration.makeClientConfiguration()
        tls.trustRoots = .certificates(try NIOSSLCertificate.fromPEMBytes(Array(authority.certificatePEM.utf8)))
        tls.certificateChain = try NIOSSLCertificate.fromPEMBytes(Array(identity.certificatePEM.utf8)).map {
            .certificate($0)
        }
        tls.privateKey = .privateKey(try NIOSSLPrivateKey(bytes: Array(identity.privateKeyPEM.utf8), format: .pem))
        self.tls = try NIOSSLContext(configuration: tls)
        var configuration = HTTPClient.Configuration(tlsConfiguration: tls)
        configuration.timeout.connect = .seconds(10)
        client = HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
    }

    /// The client insists on being told, also where the cluster ends before it has begun.
    deinit { client.shutdown { _ in } }

    func target(of node: JSONValue) throws(APIError) -> ProxyTarget {
        let status = Node(node).status
        guard let address = status.addresses.first(where: { $0.type == "InternalIP" })?.address,
            let port = status.daemonEndpoints?.kubeletEndpoint?.Port
        else { throw .internalError("node \(Node(node).name) has not said where its kubelet listens") }
        return ProxyTarget(host: address, port: Int(port), tls: tls)
    }

    /// What a node's kubelet has measured; nil where it does not answer.
    func summary(of node: Node) async -> JSONValue? {
        guard let address = try? target(of: node.json) else { return nil }
        let url = "https://\(address.host):\(address.port)/stats/summary"
        do {
            let answer = try await client.execute(HTTPClientRequest(url: url), timeout: .seconds(10))
            guard answer.status == .ok else { return nil }
            return try JSONParser.parse(Array(try await answer.body.collect(upTo: 64 << 20).readableBytesView))
        } catch { return nil }
    }

    func logs(node: JSONValue, path: String, query: String, to response: any HTTPResponseWriter) {
        let address: ProxyTarget
        do throws(APIError) { address = try target(of: node) } catch { return send(error, to: response) }
        let task = Task {
            do {
                let url = "https://\(address.host):\(address.port)\(path)" + (query.isEmpty ? "" : "?\(query)")
                let answer = try await client.execute(HTTPClientRequest(url: url), timeout: .hours(4))
                var headers = HTTPHeaders()
                headers.add(name: "content-type", value: answer.headers.first(name: "content-type") ?? "text/plain")
                response.begin(answer.status, headers: headers)
                for try await piece in answer.body { response.write(piece) }
                response.end()
            } catch is CancellationError {
                response.end()
            } catch {
                send(.internalError("cannot reach the kubelet of \(Node(node).name): \(error)"), to: response)
            }
        }
        response.onClose { task.cancel() }
    }

    private func send(_ error: APIError, to response: any HTTPResponseWriter) {
        response.send(
            HTTPResponseStatus(statusCode: error.code), headers: ["content-type": "application/json"],
            body: [ByteBuffer(bytes: JSONWriter.bytes(of: error.status.json))])
    }
}
