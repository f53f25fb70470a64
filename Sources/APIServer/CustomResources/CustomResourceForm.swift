// How the objects of a custom resource are turned from what is stored into one of its versions, and back.

import APISchema
import JSON
import KubeTypes
import Storage

/// One version of a custom resource as the cache has it.
struct CustomResourceForm: Sendable {
    /// The version that clients see.
    let version: CustomResourceType
    /// The version that is stored.
    let storage: CustomResourceType
    /// Nil where versions differ in nothing but their name.
    let webhook: ConversionWebhook?

    var apiVersion: String { "\(version.group)/\(version.version)" }
    var storedVersion: String { "\(storage.group)/\(storage.version)" }

    /// Whether somebody has to be asked what a stored object is in this version.
    func needsWebhook(toShow object: JSONValue) -> Bool {
        webhook != nil && object["apiVersion"]?.stringValue != apiVersion
    }

    /// Whether somebody has to be asked how an object of this version is stored.
    var needsWebhookToStore: Bool { webhook != nil && version !== storage }

    /// A stored object in this version. Where its bytes are right already they are shared.
    /// - Parameter isFresh: the object was brought into the storage version's form when it was written just now.
    func shown(_ raw: CachedObject, isFresh: Bool = false) -> CachedObject {
        if isFresh, version === storage { return raw }
        let stored = raw.value
        var value = stored
        version.restore(&value)
        if value == stored { return raw }
        return CachedObject(key: raw.key, bytes: JSONWriter.bytes(of: value), revision: raw.revision)
    }

    /// An object that a webhook has converted to this version.
    func shown(_ converted: JSONValue, of raw: CachedObject) -> CachedObject {
        var value = converted
        version.restore(&value)
        return CachedObject(key: raw.key, bytes: JSONWriter.bytes(of: value), revision: raw.revision)
    }

    /// An object of this version as it is stored; only where no webhook is asked.
    func stored(_ object: JSONValue) -> JSONValue {
        guard version !== storage else { return object }
        var value = object
        storage.restore(&value)
        return value
    }

    /// An object of this version as it is stored, asking the webhook.
    func storedByWebhook(_ object: JSONValue) async throws(APIError) -> JSONValue {
        guard let webhook else { return stored(object) }
        var value = try await webhook.convert([object], to: storedVersion)[0]
        storage.restore(&value)
        return value
    }

    /// A stored object in this version, asking the webhook if need be.
    func shownByWebhook(_ raw: CachedObject) async throws(APIError) -> CachedObject {
        guard let webhook, needsWebhook(toShow: raw.value) else { return shown(raw) }
        return shown(try await webhook.convert([raw.value], to: apiVersion)[0], of: raw)
    }
}
