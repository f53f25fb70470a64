import APIServer
import JSON
import KubeTypes
import NIOConcurrencyHelpers

/// Objects in memory, looked up as in the watch cache.
final class AuthLookup: ObjectLookup {
    private struct State {
        var objects: [String: [ObjectKey: CachedObject]] = [:]
        var generation: Int64 = 0
    }

    private let state = NIOLockedValueBox(State())

    func put(_ object: JSONValue, resource: String, group: String = "") {
        state.withLockedValue { state in
            state.generation += 1
            let key = ObjectKey(
                namespace: object[path: "metadata", "namespace"]?.stringValue ?? "",
                name: object[path: "metadata", "name"]?.stringValue ?? "")
            state.objects["\(group)/\(resource)", default: [:]][key] = CachedObject(
                key: key, bytes: JSONWriter.bytes(of: object), revision: state.generation)
        }
    }

    func remove(_ name: String, namespace: String = "", resource: String, group: String = "") {
        state.withLockedValue { state in
            state.generation += 1
            state.objects["\(group)/\(resource)"]?[ObjectKey(namespace: namespace, name: name)] = nil
        }
    }

    /// Puts an RBAC object where its kind belongs.
    func putPolicy(_ object: JSONValue) {
        let resource = (object["kind"]?.stringValue ?? "").lowercased() + "s"
        put(object, resource: resource, group: "rbac.authorization.k8s.io")
    }

    func object(group: String, resource: String, namespace: String, name: String) -> CachedObject? {
        state.withLockedValue { $0.objects["\(group)/\(resource)"]?[ObjectKey(namespace: namespace, name: name)] }
    }

    func objects(group: String, resource: String, namespace: String?) -> [CachedObject] {
        state.withLockedValue { state in
            (state.objects["\(group)/\(resource)"] ?? [:]).values.filter {
                namespace == nil || $0.key.namespace == namespace
            }
        }
    }

    func generation(group: String, resource: String) -> Int64 { state.withLockedValue { $0.generation } }
}
