import NIOHTTP1
import PKI

/// Believes what a proxy's headers say about the user, if the proxy shows a certificate of an authority that signs none
/// but such proxies (*Authenticating Proxy* in the documentation).
///
/// The same authority and headers are how this server speaks for its users to the servers of aggregated APIs.
public struct RequestHeaderAuthentication: Sendable {
    /// Signs the certificates of proxies.
    public let authority: ClientCertificateVerifier
    /// The common names that a proxy may have; empty allows any.
    public var allowedNames: Set<String>
    public var userHeaders = ["X-Remote-User"]
    public var uidHeaders = ["X-Remote-Uid"]
    public var groupHeaders = ["X-Remote-Group"]
    public var extraHeaderPrefixes = ["X-Remote-Extra-"]

    public init(authority: ClientCertificateVerifier, allowedNames: Set<String>) {
        self.authority = authority
        self.allowedNames = allowedNames
    }

    /// Whom the proxy speaks for; nil if it names nobody.
    func user(of headers: HTTPHeaders, sentBy proxy: String) throws(AuthenticationError) -> UserInfo? {
        guard allowedNames.isEmpty || allowedNames.contains(proxy) else {
            throw AuthenticationError("x509: subject with cn=\(proxy) is not in the allowed list")
        }
        func first(_ names: [String]) -> String? {
            names.lazy.compactMap { headers.first(name: $0) }.first { !$0.isEmpty }
        }
        guard let name = first(userHeaders) else {
            throw AuthenticationError("the proxy \(proxy) does not say whom it speaks for")
        }
        var user = UserInfo(name: name, uid: first(uidHeaders) ?? "")
        for header in groupHeaders { user.groups += headers[header].filter { !$0.isEmpty } }
        for prefix in extraHeaderPrefixes.map({ $0.lowercased() }) {
            for (header, value) in headers {
                let header = header.lowercased()
                guard header.hasPrefix(prefix) else { continue }
                let encoded = header.dropFirst(prefix.utf8.count)
                let key = PercentEncoding.decode(encoded.utf8, plusIsSpace: false) ?? String(encoded)
                user.extra[key, default: []].append(value)
            }
        }
        return user
    }
}
