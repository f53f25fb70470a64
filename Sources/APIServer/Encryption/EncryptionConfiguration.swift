// Upstream's EncryptionConfiguration (apiserver.config.k8s.io/v1): which resources are encrypted at rest, and with what.

import APISchema
import JSON
import KubeTypes

/// A configuration that cannot be used.
public struct EncryptionError: Error, Sendable, CustomStringConvertible {
    public let description: String
}

public struct EncryptionConfiguration: Sendable {
    struct Entry: Sendable {
        /// `secrets`, `deployments.apps`, `*.apps`, `*.` (the core group) or `*.*`.
        var resources: [String]
        var transformer: ValueTransformer

        func covers(group: String, resource: String) -> Bool {
            resources.contains { pattern in
                pattern == "*.*" || pattern == "*.\(group)"
                    || pattern == (group.isEmpty ? resource : "\(resource).\(group)")
            }
        }
    }

    let entries: [Entry]

    /// Reads a configuration in YAML or JSON.
    public init(_ text: [UInt8]) throws(EncryptionError) {
        let value: JSONValue
        do {
            value = try YAML.parseOne(text)
        } catch {
            throw EncryptionError(description: "the encryption configuration does not parse: \(error)")
        }
        guard value["kind"]?.stringValue == "EncryptionConfiguration",
            value["apiVersion"]?.stringValue == "apiserver.config.k8s.io/v1"
        else {
            throw EncryptionError(
                description: "the encryption configuration is no EncryptionConfiguration of apiserver.config.k8s.io/v1")
        }
        var entries: [Entry] = []
        for (index, entry) in (value["resources"]?.arrayValue ?? []).enumerated() {
            let path = "resources[\(index)]"
            let resources = entry["resources"]?.strings ?? []
            let providers = entry["providers"]?.arrayValue ?? []
            if resources.isEmpty { throw EncryptionError(description: "\(path).resources: Required value") }
            if providers.isEmpty { throw EncryptionError(description: "\(path).providers: Required value") }
            var transformers: [ValueProvider] = []
            for (number, provider) in providers.enumerated() {
                transformers.append(try Self.provider(provider, "\(path).providers[\(number)]"))
            }
            entries.append(
                Entry(resources: resources, transformer: ValueTransformer(providers: transformers)))
        }
        if entries.isEmpty { throw EncryptionError(description: "resources: Required value") }
        self.entries = entries
    }

    private static func provider(_ json: JSONValue, _ path: String) throws(EncryptionError) -> ValueProvider {
        guard let object = json.objectValue, object.count == 1, let (name, value) = object.first(where: { _ in true })
        else { throw EncryptionError(description: "\(path): exactly one provider is expected") }
        guard let cipher = ValueCipher(rawValue: name) else {
            throw EncryptionError(description: "\(path): the provider \(name) is not supported")
        }
        if cipher == .identity { return ValueProvider(cipher: .identity, keys: []) }
        var keys: [ValueProvider.Key] = []
        for (index, key) in (value["keys"]?.arrayValue ?? []).enumerated() {
            let place = "\(path).\(name).keys[\(index)]"
            let keyName = key["name"]?.stringValue ?? ""
            guard !keyName.isEmpty, !keyName.contains(":") else {
                throw EncryptionError(description: "\(place).name: Invalid value: \"\(keyName)\"")
            }
            if keys.contains(where: { $0.name == keyName }) {
                throw EncryptionError(description: "\(place).name: Duplicate value: \"\(keyName)\"")
            }
            // What is wrong with a secret is said without it.
            guard let secret = Base64.decode(key["secret"]?.stringValue ?? ""), !secret.isEmpty else {
                throw EncryptionError(description: "\(place).secret: Invalid value: must be base64 encoded")
            }
            guard cipher.keySizes.contains(secret.count) else {
                let sizes = cipher.keySizes.map(String.init).joined(separator: ", ")
                throw EncryptionError(
                    description: "\(place).secret: Invalid value: secret is not of the expected length, got "
                        + "\(secret.count), expected one of [\(sizes)]")
            }
            keys.append(ValueProvider.Key(name: keyName, secret: secret))
        }
        if keys.isEmpty { throw EncryptionError(description: "\(path).\(name).keys: Required value") }
        return ValueProvider(cipher: cipher, keys: keys)
    }

    /// How a resource's objects are stored; nil as they are.
    func transformer(group: String, resource: String) -> ValueTransformer? {
        entries.first { $0.covers(group: group, resource: resource) }?.transformer
    }
}
