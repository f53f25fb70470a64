import Crypto
import JSON
import SwiftASN1
import X509

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Certificates as PEM text, as the API carries them.
public enum CertificatePEM {
    /// What is wrong with a text that should be one or several certificates; nil if nothing.
    public static func problem(with text: some Sequence<UInt8>) -> String? {
        let text = String(decoding: Array(text), as: UTF8.self)
        // A header in a block is legal PEM and means encryption: nothing that a certificate has.
        let lines = text.split(whereSeparator: \.isNewline)
        if lines.contains(where: { !$0.hasPrefix("-----") && $0.contains(":") }) {
            return "no PEM block headers are permitted"
        }
        guard let documents = try? PEMDocument.parseMultiple(pemString: text), !documents.isEmpty else {
            return "must contain at least one CERTIFICATE PEM block"
        }
        for document in documents {
            guard document.discriminator == "CERTIFICATE" else {
                return "only CERTIFICATE PEM blocks are allowed, found \"\(document.discriminator)\""
            }
            do {
                _ = try Certificate(pemDocument: document)
            } catch {
                return "\(error)"
            }
        }
        return nil
    }

    /// SHA-256 of the first certificate's public key with its algorithm (SubjectPublicKeyInfo), in hex: how kubeadm pins an
    /// authority. Nil where there is none.
    public static func publicKeyHash(_ text: String) -> String? {
        guard let document = try? PEMDocument.parseMultiple(pemString: text).first,
            let certificate = try? Certificate(pemDocument: document),
            let key = try? certificate.publicKey.serializeAsPEM()
        else { return nil }
        return SHA256.hash(data: key.derBytes).hexadecimal()
    }

    /// When the first certificate ends, in seconds since 1970; nil where there is none.
    public static func notAfter(_ text: some Sequence<UInt8>) -> Int64? {
        let documents = try? PEMDocument.parseMultiple(pemString: String(decoding: Array(text), as: UTF8.self))
        guard let document = documents?.first, let certificate = try? Certificate(pemDocument: document) else {
            return nil
        }
        return Int64(certificate.notValidAfter.timeIntervalSince1970)
    }
}
