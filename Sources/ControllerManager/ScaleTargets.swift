import JSON
import KubeClient
import KubeTypes

/// Finds what has a size, whatever its kind, by the `scale` subresource.
struct ScaleTargets: Sendable {
    enum Failure: Error, CustomStringConvertible {
        case unknownKind(String, group: String)
        case notScalable(String)
        case refused(APIError)

        var description: String {
            switch self {
            case .unknownKind(let kind, let group): "no matches for kind \"\(kind)\" in group \"\(group)\""
            case .notScalable(let resource): "\(resource) does not implement the scale subresource"
            case .refused(let error): "\(error)"
            }
        }

        var isNotFound: Bool {
            if case .refused(let error) = self { return error.isNotFound }
            return false
        }
    }

    /// Built-in resources that have no scale are known; of others the API says so.
    private static let scalable: Set<String> = [
        "deployments.apps", "replicasets.apps", "statefulsets.apps", "replicationcontrollers",
    ]

    private let client: KubeClient
    private let manager: KubeClient
    private let builtIn: [ServedResource]

    init(_ context: ControllerContext) {
        client = context.client
        manager = context.informers.client
        builtIn = context.options.resources
    }

    private static func group(_ apiVersion: String) -> String {
        apiVersion.firstIndex(of: "/").map { String(apiVersion[..<$0]) } ?? ""
    }

    /// The resource of a kind, in whatever version it is served.
    /// - Returns: And its name as errors have it: `deployments.apps`.
    func resource(apiVersion: String, kind: String) async throws(Failure) -> (resource: ServedResource, name: String) {
        let group = Self.group(apiVersion)
        var found = builtIn.first { $0.group == group && $0.kind == kind }
        if found == nil, group.contains(".") {
            // Definitions are the manager's to read.
            let definitions = try? await manager.transport.call(
                KubeRequest(.list, apiVersion: CustomResources.apiVersion, resource: CustomResources.resource))
            found = (definitions?["items"]?.arrayValue ?? []).lazy.flatMap(CustomResources.served(by:))
                .first { $0.group == group && $0.kind == kind }
        }
        guard let found else { throw .unknownKind(kind, group: group) }
        return (found, group.isEmpty ? found.resource : "\(found.resource).\(group)")
    }

    func scale(
        apiVersion: String, kind: String, name: String, namespace: String
    ) async throws(Failure) -> (scale: Scale, resource: ServedResource) {
        let (resource, title) = try await resource(apiVersion: apiVersion, kind: kind)
        let isCustom = !builtIn.contains(resource)
        guard isCustom || Self.scalable.contains(title) else { throw .notScalable(title) }
        do {
            return (Scale(try await client.transport.call(Self.request(.get, resource, name, namespace))), resource)
        } catch {
            throw .refused(error)
        }
    }

    func update(_ scale: Scale, of resource: ServedResource) async throws(APIError) {
        var request = Self.request(.update, resource, scale.name, scale.namespace)
        request.body = scale.json
        _ = try await client.transport.call(request)
    }

    private static func request(
        _ verb: KubeRequest.Verb, _ resource: ServedResource, _ name: String, _ namespace: String
    ) -> KubeRequest {
        KubeRequest(
            verb, apiVersion: resource.apiVersion, resource: resource.resource, namespace: namespace, name: name,
            subresource: "scale")
    }
}
