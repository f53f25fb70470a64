import JSON
import KubeTypes

/// One call of the API from inside the process: what an HTTP request says with its method, path, query and body.
public struct APICall: Sendable {
    /// `get`, `list`, `create`, `update`, `patch`, `delete`, `deletecollection` or `watch`.
    public var verb: String
    /// Empty for the core group.
    public var group: String
    public var version: String
    /// The plural.
    public var resource: String
    /// Empty for cluster-scoped resources and for all namespaces.
    public var namespace: String
    public var name: String
    public var subresource: String
    public var query: [(name: String, value: String)]
    public var body: JSONValue?
    /// The media type of a patch, as in HTTP's Content-Type.
    public var patchType: String?

    public init(
        verb: String, group: String, version: String, resource: String, namespace: String = "", name: String = "",
        subresource: String = "", query: [(name: String, value: String)] = [], body: JSONValue? = nil,
        patchType: String? = nil
    ) {
        self.verb = verb
        self.group = group
        self.version = version
        self.resource = resource
        self.namespace = namespace
        self.name = name
        self.subresource = subresource
        self.query = query
        self.body = body
        self.patchType = patchType
    }

    /// The path that the same request has over HTTP.
    var path: String {
        var path = group.isEmpty ? "/api/\(version)" : "/apis/\(group)/\(version)"
        if !namespace.isEmpty { path += "/namespaces/\(namespace)" }
        path += "/\(resource)"
        if !name.isEmpty { path += "/\(name)" }
        return subresource.isEmpty ? path : "\(path)/\(subresource)"
    }

    /// A call with the group and version as an object's `apiVersion` has them: `apps/v1`, `v1`.
    public init(
        verb: String, apiVersion: String, resource: String, namespace: String? = nil, name: String? = nil,
        subresource: String? = nil, query: [(name: String, value: String)] = [], body: JSONValue? = nil,
        patchType: String? = nil
    ) {
        let slash = apiVersion.firstIndex(of: "/")
        self.init(
            verb: verb, group: slash.map { String(apiVersion[..<$0]) } ?? "",
            version: slash.map { String(apiVersion[apiVersion.index(after: $0)...]) } ?? apiVersion,
            resource: resource, namespace: namespace ?? "", name: name ?? "", subresource: subresource ?? "",
            query: query, body: body, patchType: patchType)
    }
}

/// What a watch inside the process is told. Values are shared with the watch cache.
public struct APIWatchEvent: Sendable {
    /// `ADDED`, `MODIFIED`, `DELETED`, `BOOKMARK` or `ERROR`.
    public let type: String
    /// The object; for an error, its `Status`.
    public let object: JSONValue

    public init(type: String, object: JSONValue) {
        self.type = type
        self.object = object
    }
}

/// A watch inside the process that goes on until it is cancelled or the server ends it.
public final class APIWatch: Sendable {
    private let watcher: Watcher

    init(_ watcher: Watcher) { self.watcher = watcher }

    public func cancel() { watcher.end() }
}

/// The API as one user has it, called without HTTP: same authorization, same admission, same answers.
public struct InProcessAPI: Sendable {
    /// The name under which the API server's `UserInfo` can be told from the API's own type of that name.
    public typealias User = UserInfo

    public let server: APIServer
    public let user: UserInfo

    /// Answers with the object, the list, or, for deletions, the `Status` or the object.
    public func call(_ call: APICall) async throws(APIError) -> JSONValue {
        try await server.handle(call, as: user).get()
    }

    /// Begins a watch.
    /// - Parameters:
    ///   - onEvent: called in order, on a thread of the server's: it must not block. Returns false if it can take no
    ///     more, which ends the watch.
    ///   - onEnd: called once, when the watch is over, whoever ended it.
    public func watch(
        _ call: APICall, onEvent: @escaping @Sendable (APIWatchEvent) -> Bool, onEnd: @escaping @Sendable () -> Void
    ) throws(APIError) -> APIWatch {
        try server.watch(call, as: user, onEvent: onEvent, onEnd: onEnd)
    }

    /// Begins a watch whose events are read from a stream. A reader that falls more than `buffer` events behind is ended.
    public func watch(_ call: APICall, buffer: Int = 100_000) throws(APIError) -> AsyncStream<APIWatchEvent> {
        let (stream, continuation) = AsyncStream.makeStream(
            of: APIWatchEvent.self, bufferingPolicy: .bufferingOldest(buffer))
        let watch = try watch(
            call,
            onEvent: { event in
                if case .enqueued = continuation.yield(event) { return true }
                return false
            }, onEnd: { continuation.finish() })
        continuation.onTermination = { _ in watch.cancel() }
        return stream
    }
}

extension APIServer {
    /// The server's `UserInfo`, for files that also import KubeTypes, which has a view of that name: the class hides the
    /// module that both are called after.
    public typealias UserInfo = InProcessAPI.User
}
