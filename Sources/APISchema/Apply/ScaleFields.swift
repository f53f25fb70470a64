// Who owns the replicas of a Scale: whoever owns them in the object that is scaled, and the other way round.

import JSON

/// Carries `metadata.managedFields` over between an object and the Scale that it shows.
public struct ScaleFields: Sendable {
    private static let replicas: [PathElement] = [.field("spec"), .field("replicas")]
    public static let scaleVersion = "autoscaling/v1"

    /// Where the replicas are in the versions of the object.
    private let paths: [String: [PathElement]]
    /// The version of the object in which the Scale is asked for.
    private let apiVersion: String

    /// - Parameter paths: field names from the object to its replicas, by `apiVersion`.
    public init(apiVersion: String, paths: [String: [String]]) {
        self.apiVersion = apiVersion
        self.paths = paths.mapValues { $0.map(PathElement.field) }
    }

    /// What the Scale shows: those who own the replicas.
    public func toScale(_ parent: JSONValue?) -> JSONValue? {
        guard let managed = try? ManagedFields(decoding: parent) else { return JSONValue?.none }
        var shown = ManagedFields()
        for entry in managed.entries {
            guard let path = paths[entry.apiVersion], entry.fields.contains(path) else { continue }
            var identity = entry.identity
            if identity.operation == .update { identity.apiVersion = Self.scaleVersion }
            shown[identity] = ManagedFields.Entry(
                identity, apiVersion: Self.scaleVersion, time: entry.time, fields: FieldSet(paths: [Self.replicas]))
        }
        return shown.encoded
    }

    /// What the object's managed fields are once its Scale was written and has `scale` as its own.
    public func toParent(_ parent: JSONValue?, scale: JSONValue?) -> JSONValue? {
        guard let managed = try? ManagedFields(decoding: parent), let written = try? ManagedFields(decoding: scale)
        else {
            return parent
        }
        var owners = written
        var result = ManagedFields()
        for entry in managed.entries {
            guard let path = paths[entry.apiVersion], entry.fields.contains(path) else {
                result[entry.identity] = entry
                continue
            }
            var identity = entry.identity
            if identity.operation == .update { identity.apiVersion = Self.scaleVersion }
            if let owner = owners[identity] {
                var kept = entry
                if owner.time != entry.time { kept.time = owner.time }
                result[entry.identity] = kept
                owners[identity] = nil
                continue
            }
            var less = entry
            less.fields = entry.fields.subtracting(FieldSet(paths: [path]))
            if !less.fields.isEmpty { result[entry.identity] = less }
        }
        guard let path = paths[apiVersion] else { return result.encoded }
        for owner in owners.entries where owner.fields.contains(Self.replicas) {
            var identity = owner.identity
            if identity.operation == .update { identity.apiVersion = apiVersion }
            let before = result[identity]?.fields ?? FieldSet()
            result[identity] = ManagedFields.Entry(
                identity, apiVersion: apiVersion, time: owner.time,
                fields: before.union(FieldSet(paths: [path])))
        }
        return result.encoded
    }
}

extension Schema {
    /// The row by which a Scale is merged and owned as if it were an object of its own; nil without such a type.
    public var scaleResource: ResourceType? {
        message("autoscaling/v1.Scale").map { message in
            ResourceType(
                group: "autoscaling", version: "v1", plural: "scales", singular: "scale", kind: "Scale",
                namespaced: true, verbs: [], message: message)
        }
    }
}
