import JSON
import KubeTypes

/// One call of the API, before it is known how it travels.
public struct KubeRequest: Sendable {
    public enum Verb: String, Sendable { case get, list, create, update, patch, delete, deletecollection, watch }

    public enum PatchType: String, Sendable {
        case json = "application/json-patch+json"
        case merge = "application/merge-patch+json"
        case strategic = "application/strategic-merge-patch+json"
        case apply = "application/apply-patch+yaml"
    }

    public var verb: Verb
    /// `group/version`, or the version in the core group.
    public var apiVersion: String
    /// The plural.
    public var resource: String
    /// Nil for cluster-scoped resources and for all namespaces.
    public var namespace: String?
    public var name: String?
    public var subresource: String?
    public var query: [(name: String, value: String)]
    public var body: JSONValue?
    public var patchType: PatchType?

    public init(
        _ verb: Verb, apiVersion: String, resource: String, namespace: String? = nil, name: String? = nil,
        subresource: String? = nil, query: [(name: String, value: String)] = [], body: JSONValue? = nil,
        patchType: PatchType? = nil
    ) {
        self.verb = verb
        self.apiVersion = apiVersion
        self.resource = resource
        self.namespace = namespace
        self.name = name
        self.subresource = subresource
        self.query = query
        self.body = body
        self.patchType = patchType
    }

    /// `/apis/apps/v1/namespaces/default/deployments/web/status`, without the query.
    public var path: String {
        var path = apiVersion.contains("/") ? "/apis/\(apiVersion)" : "/api/\(apiVersion)"
        if let namespace, !namespace.isEmpty { path += "/namespaces/\(namespace)" }
        path += "/\(resource)"
        if let name { path += "/\(name)" }
        if let subresource { path += "/\(subresource)" }
        return path
    }
}

/// A change that a watch tells of.
public struct KubeWatchEvent: Sendable {
    public enum Kind: String, Sendable {
        case added = "ADDED"
        case modified = "MODIFIED"
        case deleted = "DELETED"
        case bookmark = "BOOKMARK"
        case error = "ERROR"
    }

    public let kind: Kind
    /// The object; for an error, its `Status`.
    public let object: JSONValue

    public init(kind: Kind, object: JSONValue) {
        self.kind = kind
        self.object = object
    }
}

/// The way to an API server: a call in the same process, or HTTPS. Who the caller is belongs to the transport.
public protocol KubeTransport: Sendable {
    /// Answers with the object, the list, or, for deletions, the `Status`.
    /// - Throws: `APIError` for whatever the server refuses; for a server that cannot be reached, one with code 503
    ///   and reason `ServiceUnavailable`.
    func call(_ request: KubeRequest) async throws(APIError) -> JSONValue

    /// Begins a watch. The stream ends when the server ends it; it throws `APIError` when it breaks.
    func watch(_ request: KubeRequest) async throws(APIError) -> AsyncThrowingStream<KubeWatchEvent, any Error>
}
