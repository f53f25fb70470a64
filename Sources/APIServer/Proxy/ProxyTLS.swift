import NIOSSL

/// TLS towards servers that clients are proxied to.
final class ProxyTLS: Sendable {
    /// For pods and services: they are reached by address, and what certificate a pod would show is nobody's promise.
    let unverified: NIOSSLContext?

    init() {
        var settings = TLSConfiguration.makeClientConfiguration()
        settings.certificateVerification = .none
        unverified = try? NIOSSLContext(configuration: settings)
    }
}
