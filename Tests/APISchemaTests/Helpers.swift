import JSON
import KubeTypes

@testable import APISchema

/// Shorthands of this room's tests.
enum Given {
    /// A JSON text as a value; a mistake in it is one of the test.
    static func json(_ text: String) -> JSONValue {
        do { return try JSONParser.parse(text) } catch { preconditionFailure("\(error) in \(text)") }
    }

    /// The resource `apps/v1 deployments`, or `v1 pods` in the core group.
    static func resource(_ apiVersion: String, _ plural: String) -> ResourceType {
        let parts = apiVersion.split(separator: "/").map(String.init)
        let found = Schema.builtin.resource(
            group: parts.count > 1 ? parts[0] : "", version: parts[parts.count - 1], plural: plural)
        guard let found else { preconditionFailure("no \(apiVersion) \(plural)") }
        return found
    }

    /// A value decoded and defaulted as an object of `resource`.
    static func defaulted(_ text: String, _ resource: ResourceType) throws(APIError) -> JSONValue {
        var object = json(text)
        _ = try Schema.builtin.decode(
            &object, as: resource.message, kind: resource.kind, version: resource.version)
        Schema.builtin.applyDefaults(to: &object, of: resource)
        return object
    }
}

extension JSONValue {
    /// The value behind a path such as `spec.containers.0.image`.
    func at(_ path: String) -> JSONValue? {
        var value = self
        for part in path.split(separator: ".") {
            guard let next = Int(part).map({ value[$0] }) ?? value[String(part)] else { return nil }
            value = next
        }
        return value
    }
}
