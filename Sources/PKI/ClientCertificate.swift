import Crypto
import JSON
import SwiftASN1
import X509

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Judges the certificates that clients show, against the authorities they may come from.
public struct ClientCertificateVerifier: Sendable {
    private let roots: CertificateStore
    private let authorities: [Certificate]

    /// - Parameter authoritiesPEM: one or several certificates.
    public init(authoritiesPEM: String) throws(PKIError) {
        do {
            let documents = try PEMDocument.parseMultiple(pemString: authoritiesPEM)
            guard !documents.isEmpty else {
                throw PKIError.malformed(what: "the client CA", reason: "it holds no certificate")
            }
            authorities = try documents.map { try Certificate(pemDocument: $0) }
            roots = CertificateStore(authorities)
        } catch let error as PKIError {
            throw error
        } catch {
            throw PKIError.malformed(what: "the client CA", reason: "\(error)")
        }
    }

    /// Whether one of the authorities has signed a certificate (DER) itself, without an intermediate: tells whose a
    /// client is where several authorities are accepted.
    public func hasSigned(_ der: [UInt8]) -> Bool {
        guard let leaf = try? Certificate(derEncoded: der) else { return false }
        return authorities.contains { $0.publicKey.isValidSignature(leaf.signature, for: leaf) }
    }

    /// Nil if the first certificate (DER) leads to one of the authorities, is valid now and is meant for clients; else
    /// what is wrong with it.
    public func problem(with chain: [[UInt8]]) async -> String? {
        guard let first = chain.first else { return "no certificate" }
        do {
            let leaf = try Certificate(derEncoded: first)
            // A chain longer than this is none that anybody would need.
            let others = try chain.dropFirst().prefix(8).map { try Certificate(derEncoded: $0) }
            if let usage = try leaf.extensions.extendedKeyUsage, !usage.contains(.clientAuth), !usage.contains(.any) {
                return "the certificate is not meant for clients"
            }
            var verifier = Verifier(rootCertificates: roots) { RFC5280Policy() }
            switch await verifier.validate(leaf: leaf, intermediates: CertificateStore(others)) {
            case .validCertificate: return nil
            case .couldNotValidate(let failures):
                if Date() > leaf.notValidAfter { return "the certificate has expired" }
                return failures.isEmpty
                    ? "the certificate is signed by an unknown authority"
                    : failures.map { "\($0.policyFailureReason)" }.joined(separator: "; ")
            }
        } catch {
            return "the certificate is malformed: \(error)"
        }
    }
}

/// What a client's certificate says about the client.
public struct ClientCertificateIdentity: Sendable, Hashable {
    /// The user: the subject's common name.
    public let commonName: String
    /// The groups: the subject's organizations.
    public let organizations: [String]
    /// SHA-256 of the certificate, in hex.
    public let fingerprint: String
    /// Seconds since 1970.
    public let notAfter: Int64

    /// Reads a certificate (DER) that has been verified.
    public init(der: [UInt8]) throws(PKIError) {
        do {
            let certificate = try Certificate(derEncoded: der)
            let subject = SubjectNames(certificate.subject)
            commonName = subject.commonName
            organizations = subject.organizations
            notAfter = Int64(certificate.notValidAfter.timeIntervalSince1970)
        } catch {
            throw PKIError.malformed(what: "the client's certificate", reason: "\(error)")
        }
        fingerprint = SHA256.hash(data: der).hexadecimal()
    }
}
