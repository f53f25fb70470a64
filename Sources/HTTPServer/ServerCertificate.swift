// Certificates that a server chooses by the name that the client asks for (SNI), so that they may change while it runs.

import NIOCore
import NIOSSL

/// A certificate chain and its key, read and ready for handshakes.
public struct ServerCertificate: Sendable {
    let chain: [NIOSSLCertificateSource]
    let key: NIOSSLPrivateKeySource

    /// - Throws: `HTTPServerError.badCertificate` where PEM cannot be read or holds nothing.
    public init(certificateChainPEM: [UInt8], privateKeyPEM: [UInt8]) throws {
        do {
            let certificates = try NIOSSLCertificate.fromPEMBytes(certificateChainPEM)
            guard !certificates.isEmpty else { throw HTTPServerError.badCertificate("there is no certificate") }
            chain = certificates.map { .certificate($0) }
            let privateKey = try NIOSSLPrivateKey(bytes: privateKeyPEM, format: .pem)
            key = .privateKey(privateKey)
            // Only a context finds out that the two do not belong together.
            _ = try NIOSSLContext(
                configuration: .makeServerConfiguration(certificateChain: chain, privateKey: key))
        } catch let error as HTTPServerError {
            throw error
        } catch {
            throw HTTPServerError.badCertificate("\(error)")
        }
    }
}

extension TLSConfiguration {
    /// Has `choose` say which certificate a client gets; nil leaves it at the server's own.
    mutating func choosesCertificates(by choose: @escaping @Sendable (_ serverName: String?) -> ServerCertificate?) {
        sslContextCallback = { extensions, promise in
            var override = NIOSSLContextConfigurationOverride.noChanges
            if let certificate = choose(extensions.serverHostname) {
                override.certificateChain = certificate.chain
                override.privateKey = certificate.key
            }
            promise.succeed(override)
        }
    }
}
