import Crypto
import SwiftASN1
import X509

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// A certificate signing request (RFC 2986), as PEM brings it, and what signers look at in it.
public struct CertificateRequest: Sendable {
    public let commonName: String
    public let organizations: [String]
    public let dnsNames: [String]
    /// As text: `10.0.0.1`, `::1`.
    public let ipAddresses: [String]
    public let emailAddresses: [String]
    public let uris: [String]
    /// Whether whoever made the request has the key in it.
    public let isSignatureValid: Bool

    let request: CertificateSigningRequest
    /// The names as they are copied into the certificate.
    let alternativeNames: [GeneralName]

    /// - Throws: `PKIError` with a reason in upstream's words where the text is no request.
    public init(pem: some Sequence<UInt8>) throws(PKIError) {
        let text = String(decoding: Array(pem), as: UTF8.self)
        guard let document = try? PEMDocument(pemString: Self.firstBlock(of: text)),
            document.discriminator == "CERTIFICATE REQUEST"
        else {
            throw PKIError.malformed(
                what: "the certificate request", reason: "PEM block type must be CERTIFICATE REQUEST")
        }
        do {
            request = try CertificateSigningRequest(derEncoded: document.derBytes)
            var names: [GeneralName] = []
            if let extensions = try request.attributes.extensionRequest?.extensions,
                let alternatives = try extensions.subjectAlternativeNames
            {
                names = Array(alternatives)
            }
            alternativeNames = names
        } catch {
            throw PKIError.malformed(what: "the certificate request", reason: "\(error)")
        }
        let subject = SubjectNames(request.subject)
        commonName = subject.commonName
        organizations = subject.organizations
        var dnsNames: [String] = []
        var ipAddresses: [String] = []
        var emailAddresses: [String] = []
        var uris: [String] = []
        for name in alternativeNames {
            switch name {
            case .dnsName(let text): dnsNames.append(text)
            case .ipAddress(let bytes): ipAddresses.append(IPAddressBytes.text(Array(bytes.bytes)))
            case .rfc822Name(let text): emailAddresses.append(text)
            case .uniformResourceIdentifier(let text): uris.append(text)
            default: break
            }
        }
        self.dnsNames = dnsNames
        self.ipAddresses = ipAddresses
        self.emailAddresses = emailAddresses
        self.uris = uris
        isSignatureValid = request.publicKey.isValidSignature(request.signature, for: request)
    }

    /// Upstream reads the first block and ignores what surrounds it.
    private static func firstBlock(of text: String) -> String {
        let lines = text.split(whereSeparator: \.isNewline)
        let body = lines.drop { !$0.hasPrefix("-----BEGIN ") }
        guard let end = body.firstIndex(where: { $0.hasPrefix("-----END ") }) else { return text }
        return body[...end].joined(separator: "\n")
    }

    /// Makes a request for a new P-256 key: for tests, and for components that ask the cluster for a certificate.
    /// - Returns: the request and the private key, both PEM.
    public static func create(
        commonName: String, organizations: [String] = [], dnsNames: [String] = [], ipAddresses: [String] = []
    ) throws(PKIError) -> (requestPEM: String, privateKeyPEM: String) {
        let key = P256.Signing.PrivateKey()
        do {
            var names = dnsNames.map { GeneralName.dnsName($0) }
            for address in ipAddresses {
                guard let bytes = IPAddressBytes.parse(address) else { throw PKIError.badName(address) }
                names.append(.ipAddress(ASN1OctetString(contentBytes: bytes[...])))
            }
            var attributes = CertificateSigningRequest.Attributes()
            if !names.isEmpty {
                let extensions = try Certificate.Extensions { SubjectAlternativeNames(names) }
                attributes.insert(try .init(ExtensionRequest(extensions: extensions)))
            }
            let request = try CertificateSigningRequest(
                version: .v1, subject: CertificateAuthority.distinguishedName(commonName, organizations),
                privateKey: Certificate.PrivateKey(key), attributes: attributes)
            return (try request.serializeAsPEM().pemString + "\n", key.pemRepresentation + "\n")
        } catch let error as PKIError {
            throw error
        } catch {
            throw PKIError.cannotSign("\(error)")
        }
    }
}

/// What authentication and signers read from a subject.
struct SubjectNames {
    var commonName = ""
    var organizations: [String] = []

    init(_ name: DistinguishedName) {
        for part in name {
            for attribute in part {
                guard let value = String(attribute.value) else { continue }
                switch attribute.type {
                case .RDNAttributeType.commonName: commonName = value
                case .RDNAttributeType.organizationName: organizations.append(value)
                default: break
                }
            }
        }
    }
}

/// The usages of the certificates API, as X.509 has them.
public enum CertificateUsages {
    private static let keyUsages = [
        "signing", "digital signature", "content commitment", "key encipherment", "key agreement",
        "data encipherment", "cert sign", "crl sign", "encipher only", "decipher only",
    ]

    private static let extendedUsages: [String: ExtendedKeyUsage.Usage] = [
        "any": .any, "server auth": .serverAuth, "client auth": .clientAuth, "code signing": .codeSigning,
        "email protection": .emailProtection, "s/mime": .emailProtection,
        "ipsec end system": .init(oid: [1, 3, 6, 1, 5, 5, 7, 3, 5]),
        "ipsec tunnel": .init(oid: [1, 3, 6, 1, 5, 5, 7, 3, 6]),
        "ipsec user": .init(oid: [1, 3, 6, 1, 5, 5, 7, 3, 7]), "timestamping": .timeStamping,
        "ocsp signing": .ocspSigning, "microsoft sgc": .init(oid: [1, 3, 6, 1, 4, 1, 311, 10, 3, 3]),
        "netscape sgc": .init(oid: [2, 16, 840, 1, 113730, 4, 1]),
    ]

    /// All that the API knows, sorted.
    public static let all = (keyUsages + extendedUsages.keys).sorted()

    /// The two extensions that usages are written as; nil for one that would be empty.
    static func extensions(_ usages: [String]) throws(PKIError) -> (KeyUsage?, ExtendedKeyUsage?) {
        let wanted = Set(usages)
        let unknown = usages.filter { !keyUsages.contains($0) && extendedUsages[$0] == nil }
        guard unknown.isEmpty else {
            throw PKIError.cannotSign(
                "unrecognized usage values: [\(unknown.map { "\"\($0)\"" }.joined(separator: " "))]")
        }
        let key = KeyUsage(
            digitalSignature: wanted.contains("signing") || wanted.contains("digital signature"),
            nonRepudiation: wanted.contains("content commitment"),
            keyEncipherment: wanted.contains("key encipherment"),
            dataEncipherment: wanted.contains("data encipherment"), keyAgreement: wanted.contains("key agreement"),
            keyCertSign: wanted.contains("cert sign"), cRLSign: wanted.contains("crl sign"),
            encipherOnly: wanted.contains("encipher only"), decipherOnly: wanted.contains("decipher only"))
        var extended: [ExtendedKeyUsage.Usage] = []
        for usage in usages {
            if let usage = extendedUsages[usage], !extended.contains(usage) { extended.append(usage) }
        }
        do {
            return (
                wanted.contains(where: keyUsages.contains) ? key : nil,
                extended.isEmpty ? nil : try ExtendedKeyUsage(extended)
            )
        } catch {
            throw PKIError.cannotSign("\(error)")
        }
    }
}

extension CertificateAuthority {
    /// Signs a request as upstream's signers do: subject, names and key come from the request, all else is decided here.
    ///
    /// A certificate begins five minutes earlier than it was asked for; one that lives eight hours or longer also ends
    /// earlier by that. None outlives the authority.
    /// - Parameters:
    ///   - usages: those of the certificates API.
    ///   - lifetime: seconds.
    /// - Returns: the certificate as PEM.
    public func sign(
        _ request: CertificateRequest, usages: [String], lifetime: Int, now: Date = Date()
    ) throws(PKIError) -> String {
        guard request.isSignatureValid else {
            throw PKIError.cannotSign("unable to verify certificate request signature")
        }
        let (keyUsage, extendedKeyUsage) = try CertificateUsages.extensions(usages)
        let backdate: TimeInterval = 300
        let isShort = lifetime < 8 * 3600
        let end = min(now.addingTimeInterval(TimeInterval(lifetime) - (isShort ? 0 : backdate)), notAfter)
        guard now < notAfter else {
            throw PKIError.cannotSign("refusing to sign a certificate that expired in the past: NotAfter=\(notAfter)")
        }
        do {
            var extensions = Certificate.Extensions()
            if let keyUsage { try extensions.append(Certificate.Extension(keyUsage, critical: true)) }
            if let extendedKeyUsage { try extensions.append(Certificate.Extension(extendedKeyUsage, critical: false)) }
            try extensions.append(Certificate.Extension(BasicConstraints.notCertificateAuthority, critical: true))
            try extensions.append(
                Certificate.Extension(AuthorityKeyIdentifier(keyIdentifier: keyIdentifier), critical: false))
            if !request.alternativeNames.isEmpty {
                try extensions.append(
                    Certificate.Extension(SubjectAlternativeNames(request.alternativeNames), critical: false))
            }
            return try signed(
                subject: request.request.subject, publicKey: request.request.publicKey,
                from: now.addingTimeInterval(-backdate), until: end, extensions)
        } catch {
            throw PKIError.cannotSign("\(error)")
        }
    }
}
