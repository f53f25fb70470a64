import APISchema
import JSON
import KubeTypes

/// Patches of all three kinds: applied or refused.
extension Fuzz {
    private static let messages: [MessageType] = [
        ("", "v1", "pods"), ("apps", "v1", "deployments"), ("", "v1", "services"), ("", "v1", "nodes"),
    ].compactMap { Schema.builtin.resource(group: $0.0, version: $0.1, plural: $0.2)?.message }

    /// A document in the first line, a patch in the second.
    static func applyPatch(_ bytes: UnsafeBufferPointer<UInt8>) {
        let texts = parts(bytes, 2)
        guard let document = try? JSONParser.parse(texts[0]), let patch = try? JSONParser.parse(texts[1]) else {
            return
        }
        if let operations = try? JSONPatch(parsing: patch), let result = try? operations.apply(to: document) {
            _ = JSONWriter.bytes(of: result)
        }
        let merged = JSONMergePatch.apply(patch, to: document)
        require(JSONMergePatch.apply(patch, to: merged) == merged, "merging twice is merging once")
        if let difference = JSONMergePatch.difference(from: document, to: merged) {
            require(
                JSONMergePatch.apply(difference, to: document) == merged, "the difference makes one of the other")
        }
        for message in messages {
            if let result = try? Schema.builtin.strategicMerge(patch: patch, into: document, as: message) {
                _ = JSONWriter.bytes(of: result)
            }
        }
    }

    /// A schema in the first line, an object in the second, what it replaces in the third.
    static func validateBySchema(_ bytes: UnsafeBufferPointer<UInt8>) {
        let texts = parts(bytes, 3)
        guard let json = try? JSONParser.parse(texts[0]), let object = try? JSONParser.parse(texts[1]) else { return }
        let validator = SchemaValidator(JSONSchema(json))
        _ = validator.validate(object)
        require(validator.validate(object, replacing: object).isEmpty, "what is as it was may stay")
        if let old = try? JSONParser.parse(texts[2]) { _ = validator.validate(object, replacing: old) }
    }
}
