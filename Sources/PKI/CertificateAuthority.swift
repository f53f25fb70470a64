import Crypto
import SwiftASN1
import X509

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// A certificate with its private key, as PEM.
public struct IssuedCertificate: Sendable {
    public let certificatePEM: String
    public let privateKeyPEM: String
    public let notAfter: Date

    public init(certificatePEM: String, privateKeyPEM: String, notAfter: Date) {
        self.certificatePEM = certificatePEM
        self.privateKeyPEM = privateKeyPEM
        self.notAfter = notAfter
    }

    /// Writes the certificate (0644) and the key (0600).
    public func write(certificatePath: String, keyPath: String) throws(PKIError) {
        try SecretFile.write(privateKeyPEM, to: keyPath)
        try SecretFile.write(certificatePEM, to: certificatePath, mode: 0o644)
    }
}

/// A certificate authority: the cluster's own, which signs the certificates of servers, nodes and administrators.
///
/// Keys are of P-256. What certificates hold is what Go and OpenSSL ask for (RFC 5280): critical basic constraints and
/// key usage, subject and authority key identifiers, an extended key usage, random serial numbers.
public struct CertificateAuthority: Sendable {
    public let certificatePEM: String
    public let privateKeyPEM: String
    private let certificate: Certificate
    private let key: P256.Signing.PrivateKey

    /// Certificates begin to be valid a little earlier, for peers whose clock is behind.
    private static let clockSkew: TimeInterval = 300

    /// Loads an authority from its two PEM texts.
    public init(certificatePEM: String, privateKeyPEM: String) throws(PKIError) {
        do {
            certificate = try Certificate(pemEncoded: certificatePEM)
        } catch {
            throw PKIError.malformed(what: "the CA's certificate", reason: "\(error)")
        }
        do {
            key = try P256.Signing.PrivateKey(pemRepresentation: privateKeyPEM)
        } catch {
            throw PKIError.malformed(what: "the CA's private key", reason: "\(error)")
        }
        guard certificate.publicKey == Certificate.PublicKey(key.publicKey) else {
            throw PKIError.keyMismatch(what: "the CA's certificate")
        }
        guard case .isCertificateAuthority? = try? certificate.extensions.basicConstraints else {
            throw PKIError.notAnAuthority(what: "the certificate")
        }
        self.certificatePEM = certificatePEM
        self.privateKeyPEM = privateKeyPEM
    }

    /// Makes a new authority that signs for itself.
    /// - Parameter validity: seconds; ten years if not given.
    public static func create(
        commonName: String, validity: TimeInterval = 10 * 365 * 86400, now: Date = Date()
    ) throws(PKIError) -> CertificateAuthority {
        let key = P256.Signing.PrivateKey()
        let publicKey = Certificate.PublicKey(key.publicKey)
        let name = try distinguishedName(commonName, [])
        let certificate: Certificate
        let pem: String
        do {
            let identifier = SubjectKeyIdentifier(hash: publicKey)
            certificate = try Certificate(
                version: .v3, serialNumber: Certificate.SerialNumber(), publicKey: publicKey,
                notValidBefore: now.addingTimeInterval(-clockSkew), notValidAfter: now.addingTimeInterval(validity),
                issuer: name, subject: name,
                extensions: Certificate.Extensions {
                    Critical(BasicConstraints.isCertificateAuthority(maxPathLength: nil))
                    Critical(KeyUsage(digitalSignature: true, keyEncipherment: true, keyCertSign: true, cRLSign: true))
                    identifier
                    AuthorityKeyIdentifier(keyIdentifier: identifier.keyIdentifier)
                },
                issuerPrivateKey: Certificate.PrivateKey(key))
            pem = try certificate.serializeAsPEM().pemString + "\n"
        } catch {
            throw PKIError.cannotSign("\(error)")
        }
        return try CertificateAuthority(certificatePEM: pem, privateKeyPEM: key.pemRepresentation + "\n")
    }

    /// Loads the authority from two files, or, when neither is there, makes one and writes them.
    public static func loadOrCreate(
        certificatePath: String, keyPath: String, commonName: String, now: Date = Date()
    ) throws(PKIError) -> CertificateAuthority {
        let certificate = try SecretFile.read(certificatePath)
        let key = try SecretFile.read(keyPath)
        switch (certificate, key) {
        case (let certificate?, let key?):
            return try CertificateAuthority(certificatePEM: certificate, privateKeyPEM: key)
        case (nil, nil):
            let authority = try create(commonName: commonName, now: now)
            try authority.write(certificatePath: certificatePath, keyPath: keyPath)
            return authority
        case (nil, _):
            throw PKIError.file(path: certificatePath, operation: "read", reason: "it is missing, but its key is there")
        case (_, nil):
            throw PKIError.file(path: keyPath, operation: "read", reason: "it is missing, but its certificate is there")
        }
    }

    /// Writes the certificate (0644) and the key (0600).
    public func write(certificatePath: String, keyPath: String) throws(PKIError) {
        try SecretFile.write(privateKeyPEM, to: keyPath)
        try SecretFile.write(certificatePEM, to: certificatePath, mode: 0o644)
    }

    public var notAfter: Date { certificate.notValidAfter }

    /// A certificate for a TLS server, good for the names and IP addresses given. A server that also is a client (the
    /// kubelet) may use it as both.
    /// - Parameter validity: seconds; one year if not given.
    public func issueServer(
        commonName: String, organizations: [String] = [], dnsNames: [String], ipAddresses: [String],
        alsoClient: Bool = false, validity: TimeInterval = 365 * 86400, now: Date = Date()
    ) throws(PKIError) -> IssuedCertificate {
        var names = dnsNames.map { GeneralName.dnsName($0) }
        for address in ipAddresses {
            guard let bytes = IPAddressBytes.parse(address) else { throw PKIError.badName(address) }
            names.append(.ipAddress(ASN1OctetString(contentBytes: bytes[...])))
        }
        return try issue(
            distinguishedName(commonName, organizations), names,
            alsoClient ? [.serverAuth, .clientAuth] : [.serverAuth], validity, now)
    }

    /// A certificate that tells who a client is: the common name is the user, the organizations are the groups.
    /// - Parameter validity: seconds; one year if not given.
    public func issueClient(
        commonName: String, organizations: [String] = [], validity: TimeInterval = 365 * 86400, now: Date = Date()
    ) throws(PKIError) -> IssuedCertificate {
        try issue(Self.distinguishedName(commonName, organizations), [], [.clientAuth], validity, now)
    }

    private func distinguishedName(_ commonName: String, _ organizations: [String]) throws(PKIError)
        -> DistinguishedName
    {
        try Self.distinguishedName(commonName, organizations)
    }

    /// Organizations first, as Go orders them.
    static func distinguishedName(_ commonName: String, _ organizations: [String]) throws(PKIError)
        -> DistinguishedName
    {
        var attributes = organizations.map {
            RelativeDistinguishedName.Attribute(
                type: .RDNAttributeType.organizationName, value: .init(utf8String: $0))
        }
        attributes.append(.init(type: .RDNAttributeType.commonName, value: .init(utf8String: commonName)))
        do {
            return try DistinguishedName(attributes)
        } catch {
            throw PKIError.badName(commonName)
        }
    }

    /// What certificates name this authority's key by.
    var keyIdentifier: ArraySlice<UInt8> {
        SubjectKeyIdentifier(hash: Certificate.PublicKey(key.publicKey)).keyIdentifier
    }

    /// Signs what somebody has decided on.
    /// - Returns: the certificate as PEM. Times are cut to whole seconds.
    func signed(
        subject: DistinguishedName, publicKey: Certificate.PublicKey, from start: Date, until end: Date,
        _ extensions: Certificate.Extensions
    ) throws -> String {
        func seconds(_ date: Date) -> Date { Date(timeIntervalSince1970: date.timeIntervalSince1970.rounded(.down)) }
        return try Certificate(
            version: .v3, serialNumber: Certificate.SerialNumber(), publicKey: publicKey,
            notValidBefore: seconds(start), notValidAfter: seconds(end), issuer: certificate.subject, subject: subject,
            extensions: extensions, issuerPrivateKey: Certificate.PrivateKey(key)
        ).serializeAsPEM().pemString + "\n"
    }

    private func issue(
        _ subject: DistinguishedName, _ names: [GeneralName], _ usages: [ExtendedKeyUsage.Usage],
        _ validity: TimeInterval, _ now: Date
    ) throws(PKIError) -> IssuedCertificate {
        let key = P256.Signing.PrivateKey()
        // Certificates count whole seconds.
        let end = min(now.addingTimeInterval(validity), certificate.notValidAfter).timeIntervalSince1970
        let notAfter = Date(timeIntervalSince1970: end.rounded(.down))
        do {
            var extensions = try Certificate.Extensions {
                Critical(BasicConstraints.notCertificateAuthority)
                Critical(KeyUsage(digitalSignature: true, keyEncipherment: true))
                try ExtendedKeyUsage(usages)
                AuthorityKeyIdentifier(keyIdentifier: keyIdentifier)
                SubjectKeyIdentifier(hash: Certificate.PublicKey(key.publicKey))
            }
            if !names.isEmpty {
                try extensions.append(Certificate.Extension(SubjectAlternativeNames(names), critical: false))
            }
            let pem = try signed(
                subject: subject, publicKey: Certificate.PublicKey(key.publicKey),
                from: now.addingTimeInterval(-Self.clockSkew), until: notAfter, extensions)
            return IssuedCertificate(
                certificatePEM: pem, privateKeyPEM: key.pemRepresentation + "\n", notAfter: notAfter)
        } catch {
            throw PKIError.cannotSign("\(error)")
        }
    }
}
