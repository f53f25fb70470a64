// From names to rows of the schema, and whether the user may.

import APISchema
import JSON
import KubeTypes

extension APIServer {
    /// Refuses what no authorizer allows.
    /// - Parameter audit: is told of the decision.
    func authorize(_ attributes: AuthorizationAttributes, audit: AuditAnnotations? = nil) throws(APIError) {
        let reason: String
        switch authorizer.authorize(attributes) {
        case .allow(let why):
            audit?.add("authorization.k8s.io/decision", "allow")
            audit?.add("authorization.k8s.io/reason", why)
            return
        case .noOpinion(let why), .deny(let why): reason = why
        }
        audit?.add("authorization.k8s.io/decision", "forbid")
        audit?.add("authorization.k8s.io/reason", reason)
        throw attributes.forbidden(reason: reason)
    }

    static let pathNotFound = APIError(
        code: 404, reason: "NotFound", message: "the server could not find the requested resource",
        details: StatusDetails())

    static let methodNotAllowed = APIError(
        code: 405, reason: "MethodNotAllowed",
        message: "the server does not allow this method on the requested resource",
        details: StatusDetails())

    /// The row, subresource and cache that a request is about.
    func resolve(
        user: UserInfo, verb: Verb, group: String, version: String, resource plural: String, subresource name: String,
        namespace: String, name objectName: String
    ) throws(APIError) -> RegistryRequest {
        guard let row = liveSchema.resource(group: group, version: version, plural: plural),
            let cache = cache.cache(for: row)
        else { throw Self.pathNotFound }
        // Of a definition that is changing, the cache has the newer row.
        let resource = row.custom == nil ? row : cache.resource
        // A namespace has its own name as namespace in its path.
        let isNamespace = group.isEmpty && plural == "namespaces"
        if !resource.namespaced, !namespace.isEmpty, !isNamespace { throw Self.pathNotFound }
        if resource.namespaced, namespace.isEmpty {
            if !objectName.isEmpty { throw Self.pathNotFound }
            if verb == .create { throw Self.methodNotAllowed }
        }
        var request = RegistryRequest(user: user, verb: verb, resource: resource, cache: cache)
        request.namespace = isNamespace ? "" : namespace
        request.name = objectName
        if let deprecation = resource.deprecation { request.warnings.add(deprecation) }
        guard name.isEmpty else {
            guard let subresource = resource.subresource(name) else { throw Self.pathNotFound }
            guard subresource.verbs.contains(verb.rawValue) else { throw Self.methodNotAllowed }
            request.subresource = subresource
            return request
        }
        guard resource.verbs.contains(verb.rawValue) else { throw Self.methodNotAllowed }
        switch verb {
        case .create where !objectName.isEmpty: throw Self.methodNotAllowed
        case .get, .update, .patch, .delete:
            if objectName.isEmpty { throw Self.methodNotAllowed }
        case .deletecollection:
            if resource.namespaced, namespace.isEmpty { throw Self.methodNotAllowed }
        default: break
        }
        return request
    }
}
