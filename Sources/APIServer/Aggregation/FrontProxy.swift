// Who this server is towards aggregated API servers, and what they read to believe it.

import HTTPServer
import JSON
import KubeTypes
import NIOHTTP1
import NIOSSL

/// The certificates of the way to aggregated API servers. PEM.
public struct FrontProxy: Sendable {
    /// The authority that signed the client certificate: its own, so that whoever trusts it trusts nobody else.
    public var authorityPEM: String
    /// What this server shows; its common name is `commonName`.
    public var certificatePEM: String
    public var privateKeyPEM: String
    /// The authority of clients' certificates, for servers that authenticate clients themselves.
    public var clientAuthorityPEM: String

    public static let commonName = "front-proxy-client"

    public init(authorityPEM: String, certificatePEM: String, privateKeyPEM: String, clientAuthorityPEM: String) {
        self.authorityPEM = authorityPEM
        self.certificatePEM = certificatePEM
        self.privateKeyPEM = privateKeyPEM
        self.clientAuthorityPEM = clientAuthorityPEM
    }

    /// The ConfigMap in which aggregated servers find which headers to believe, and from whom.
    var configMap: JSONValue {
        [
            "apiVersion": "v1", "kind": "ConfigMap",
            "metadata": ["name": "extension-apiserver-authentication", "namespace": "kube-system"],
            "data": [
                "client-ca-file": .string(clientAuthorityPEM),
                "requestheader-allowed-names": .string("[\"\(Self.commonName)\"]"),
                "requestheader-client-ca-file": .string(authorityPEM),
                "requestheader-extra-headers-prefix": "[\"X-Remote-Extra-\"]",
                "requestheader-group-headers": "[\"X-Remote-Group\"]",
                "requestheader-uid-headers": "[\"X-Remote-Uid\"]",
                "requestheader-username-headers": "[\"X-Remote-User\"]",
            ],
        ]
    }

    /// Replaces what a client may have sent of these headers by who it is.
    static func setHeaders(_ headers: inout HTTPHeaders, for user: UserInfo) {
        for name in headers.map(\.name) {
            let lower = name.lowercased()
            if lower == "x-remote-user" || lower == "x-remote-uid" || lower == "x-remote-group"
                || lower.hasPrefix("x-remote-extra-")
            {
                headers.remove(name: name)
            }
        }
        headers.add(name: "X-Remote-User", value: user.name)
        if !user.uid.isEmpty { headers.add(name: "X-Remote-Uid", value: user.uid) }
        for group in user.groups { headers.add(name: "X-Remote-Group", value: group) }
        for (key, values) in user.extra.sorted(by: { $0.key < $1.key }) {
            let name = "X-Remote-Extra-" + escaped(key)
            for value in values { headers.add(name: name, value: value) }
        }
    }

    /// A key as part of a header's name: what no token may hold, and `%`, escaped.
    private static func escaped(_ key: String) -> String {
        var text = ""
        for byte in key.utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "!"), UInt8(ascii: "#"), UInt8(ascii: "$"),
                UInt8(ascii: "&"), UInt8(ascii: "'"), UInt8(ascii: "*"), UInt8(ascii: "+"), UInt8(ascii: "-"),
                UInt8(ascii: "."), UInt8(ascii: "^"), UInt8(ascii: "_"), UInt8(ascii: "`"), UInt8(ascii: "|"),
                UInt8(ascii: "~"):
                text.unicodeScalars.append(UnicodeScalar(byte))
            default: text += (byte < 16 ? "%0" : "%") + String(byte, radix: 16, uppercase: true)
            }
        }
        return text
    }

    /// TLS towards a server: its certificate checked against `caBundle` (PEM; empty means the system's authorities), or
    /// not at all.
    func tls(caBundle: [UInt8], skipVerify: Bool) throws -> NIOSSLContext {
        var settings = TLSConfiguration.makeClientConfiguration()
        settings.certificateChain = try NIOSSLCertificate.fromPEMBytes(Array(certificatePEM.utf8)).map {
            .certificate($0)
        }
        settings.privateKey = .privateKey(try NIOSSLPrivateKey(bytes: Array(privateKeyPEM.utf8), format: .pem))
        if skipVerify {
            settings.certificateVerification = .none
        } else if !caBundle.isEmpty {
            settings.trustRoots = .certificates(try NIOSSLCertificate.fromPEMBytes(caBundle))
        }
        return try NIOSSLContext(configuration: settings)
    }
}
