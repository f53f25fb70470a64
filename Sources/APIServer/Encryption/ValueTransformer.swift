// Values as they lie in the store: `k8s:enc:PROVIDER:v1:KEY:` and what the provider made of them.

import Crypto
import CryptoExtras

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

enum ValueCipher: String, Sendable {
    case aescbc, aesgcm, secretbox, identity

    /// Bytes that a key may have.
    var keySizes: [Int] {
        switch self {
        case .aescbc, .aesgcm: [16, 24, 32]
        case .secretbox: [32]
        case .identity: []
        }
    }
}

struct ValueProvider: Sendable {
    struct Key: Sendable {
        var name: String
        var secret: [UInt8]
    }

    static let mark = Array("k8s:enc:".utf8)

    var cipher: ValueCipher
    /// The first encrypts, all decrypt.
    var keys: [Key]

    var prefix: [UInt8] { Self.mark + Array("\(cipher.rawValue):v1:".utf8) }

    /// - Parameter context: where the value lies, so that values cannot be swapped (AES-GCM only).
    func encrypt(_ value: [UInt8], context: String) throws(EncryptionError) -> [UInt8] {
        guard cipher != .identity, let key = keys.first else { return value }
        let start = prefix + Array("\(key.name):".utf8)
        do {
            switch cipher {
            case .identity: return value
            case .aesgcm:
                let sealed = try AES.GCM.seal(
                    value, using: SymmetricKey(data: key.secret), authenticating: Array(context.utf8))
                return start + Array(sealed.nonce) + Array(sealed.ciphertext) + Array(sealed.tag)
            case .aescbc:
                let vector = Self.random(16)
                let encrypted = try AES._CBC.encrypt(
                    value, using: SymmetricKey(data: key.secret), iv: AES._CBC.IV(ivBytes: vector))
                return start + vector + Array(encrypted)
            case .secretbox:
                let nonce = Self.random(SecretBox.nonceSize)
                return start + nonce + SecretBox.seal(value, key: key.secret, nonce: nonce[...])
            }
        } catch {
            throw EncryptionError(description: "\(error)")
        }
    }

    private static func random(_ count: Int) -> [UInt8] {
        var generator = SystemRandomNumberGenerator()
        return (0..<count).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
    }

    /// - Parameter stored: a value that begins with `prefix`.
    /// - Returns: the value and which key it was.
    func decrypt(_ stored: [UInt8], context: String) throws(EncryptionError) -> (value: [UInt8], key: Int) {
        let rest = stored.dropFirst(prefix.count)
        for (index, key) in keys.enumerated() {
            let name = Array("\(key.name):".utf8)
            guard rest.starts(with: name) else { continue }
            guard let value = try? open(rest.dropFirst(name.count), key.secret, context) else {
                throw EncryptionError(description: "the stored data cannot be decrypted with the key \(key.name)")
            }
            return (value, index)
        }
        let kind = cipher == .secretbox ? "secretbox" : "AES"
        throw EncryptionError(description: "no matching key was found for the provided \(kind) transformer")
    }

    private func open(_ data: ArraySlice<UInt8>, _ secret: [UInt8], _ context: String) throws -> [UInt8] {
        let tooShort = EncryptionError(description: "the stored data was shorter than the required size")
        switch cipher {
        case .identity: return Array(data)
        case .aesgcm:
            guard data.count >= 28 else { throw tooShort }
            let box = try AES.GCM.SealedBox(combined: Data(data))
            return Array(
                try AES.GCM.open(box, using: SymmetricKey(data: secret), authenticating: Array(context.utf8)))
        case .aescbc:
            guard data.count >= 32 else { throw tooShort }
            return Array(
                try AES._CBC.decrypt(
                    Array(data.dropFirst(16)), using: SymmetricKey(data: secret),
                    iv: AES._CBC.IV(ivBytes: Array(data.prefix(16)))))
        case .secretbox:
            guard data.count >= SecretBox.nonceSize + SecretBox.overhead,
                let value = SecretBox.open(
                    data.dropFirst(SecretBox.nonceSize), key: secret, nonce: data.prefix(SecretBox.nonceSize))
            else { throw tooShort }
            return value
        }
    }
}

/// The providers of some resources: the first writes, the one that a value names reads.
struct ValueTransformer: Sendable {
    var providers: [ValueProvider]

    func encrypt(_ value: [UInt8], context: String) throws(EncryptionError) -> [UInt8] {
        guard let first = providers.first else { return value }
        return try first.encrypt(value, context: context)
    }

    /// - Returns: the value, and whether it would be written otherwise today.
    func decrypt(_ stored: [UInt8], context: String) throws(EncryptionError) -> (value: [UInt8], isStale: Bool) {
        let isEncrypted = stored.starts(with: ValueProvider.mark)
        for (index, provider) in providers.enumerated() {
            if provider.cipher == .identity {
                if !isEncrypted { return (stored, index > 0) }
                continue
            }
            guard isEncrypted, stored.starts(with: provider.prefix) else { continue }
            let (value, key) = try provider.decrypt(stored, context: context)
            return (value, index > 0 || key > 0)
        }
        throw EncryptionError(
            description: isEncrypted && providers.contains { $0.cipher == .identity }
                ? "identity transformer tried to read encrypted data" : "no matching prefix found")
    }
}
