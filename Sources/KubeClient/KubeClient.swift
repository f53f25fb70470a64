import JSON
import KubeTypes

/// Typed access to the API over whatever transport.
public struct KubeClient: Sendable {
    public let transport: any KubeTransport

    public init(_ transport: any KubeTransport) { self.transport = transport }

    private func request<T: KubeObject>(
        _ verb: KubeRequest.Verb, _ type: T.Type, _ namespace: String?, _ name: String? = nil,
        subresource: String? = nil, query: [(name: String, value: String)] = [], body: JSONValue? = nil,
        patchType: KubeRequest.PatchType? = nil
    ) -> KubeRequest {
        KubeRequest(
            verb, apiVersion: T.type.apiVersion, resource: T.type.resource,
            namespace: T.type.namespaced ? namespace : nil, name: name, subresource: subresource, query: query,
            body: body, patchType: patchType)
    }

    public func get<T: KubeObject>(_ type: T.Type, _ name: String, namespace: String? = nil) async throws(APIError) -> T
    {
        T(try await transport.call(request(.get, type, namespace, name)))
    }

    /// The objects of one namespace, or of all, and the resourceVersion of the list.
    public func list<T: KubeObject>(
        _ type: T.Type, namespace: String? = nil, labelSelector: String? = nil, fieldSelector: String? = nil
    ) async throws(APIError) -> (items: [T], resourceVersion: String) {
        let query = selectors(labelSelector, fieldSelector)
        let list = try await transport.call(request(.list, type, namespace, query: query))
        return (
            (list["items"]?.arrayValue ?? []).map(T.init),
            list[path: "metadata", "resourceVersion"]?.stringValue ?? ""
        )
    }

    private func selectors(_ label: String?, _ field: String?) -> [(name: String, value: String)] {
        var query: [(name: String, value: String)] = []
        if let label { query.append((name: "labelSelector", value: label)) }
        if let field { query.append((name: "fieldSelector", value: field)) }
        return query
    }

    @discardableResult
    public func create<T: KubeObject>(_ object: T) async throws(APIError) -> T {
        T(try await transport.call(request(.create, T.self, object.metadata.namespace, body: object.json)))
    }

    /// Replaces the object; fails with a conflict if it was changed since its resourceVersion.
    @discardableResult
    public func update<T: KubeObject>(_ object: T) async throws(APIError) -> T {
        T(try await transport.call(request(.update, T.self, object.metadata.namespace, object.name, body: object.json)))
    }

    @discardableResult
    public func updateStatus<T: KubeObject>(_ object: T) async throws(APIError) -> T {
        try await update(object, subresource: "status")
    }

    /// Writes the part of an object that a subresource is for: `status`, `approval`.
    @discardableResult
    public func update<T: KubeObject>(_ object: T, subresource: String) async throws(APIError) -> T {
        T(
            try await transport.call(
                request(
                    .update, T.self, object.metadata.namespace, object.name, subresource: subresource,
                    body: object.json)))
    }

    @discardableResult
    public func patch<T: KubeObject>(
        _ type: T.Type, _ name: String, namespace: String? = nil, subresource: String? = nil, _ patch: JSONValue,
        as patchType: KubeRequest.PatchType = .merge
    ) async throws(APIError) -> T {
        T(
            try await transport.call(
                request(
                    .patch, type, namespace, name, subresource: subresource, body: patch, patchType: patchType)))
    }

    public func delete<T: KubeObject>(
        _ type: T.Type, _ name: String, namespace: String? = nil, options: DeleteOptions? = nil
    ) async throws(APIError) {
        _ = try await transport.call(request(.delete, type, namespace, name, body: options?.json))
    }

    /// Calls a subresource that is created: a binding, an eviction, a token.
    @discardableResult
    public func createSubresource<T: KubeObject>(
        _ subresource: String, of type: T.Type, _ name: String, namespace: String? = nil, _ body: JSONValue
    ) async throws(APIError) -> JSONValue {
        try await transport.call(request(.create, type, namespace, name, subresource: subresource, body: body))
    }

    public func watch<T: KubeObject>(
        _ type: T.Type, namespace: String? = nil, resourceVersion: String, labelSelector: String? = nil,
        fieldSelector: String? = nil
    ) async throws(APIError) -> AsyncThrowingStream<KubeWatchEvent, any Error> {
        let query =
            selectors(labelSelector, fieldSelector) + [
                (name: "resourceVersion", value: resourceVersion), (name: "allowWatchBookmarks", value: "true"),
            ]
        return try await transport.watch(request(.watch, type, namespace, query: query))
    }

    /// Reads the object, changes it with `change`, and writes it back, again as long as somebody else was faster.
    /// `change` returns false to leave the object alone.
    @discardableResult
    public func modify<T: KubeObject>(
        _ type: T.Type, _ name: String, namespace: String? = nil, status: Bool = false,
        _ change: @Sendable (inout T) -> Bool
    ) async throws(APIError) -> T {
        var attempts = 0
        while true {
            var object = try await get(type, name, namespace: namespace)
            guard change(&object) else { return object }
            do {
                return try await status ? updateStatus(object) : update(object)
            } catch {
                attempts += 1
                guard error.isConflict, attempts < 10 else { throw error }
            }
        }
    }

    /// Creates the object unless it is there; false if it was.
    @discardableResult
    public func ensure<T: KubeObject>(_ object: T) async throws(APIError) -> Bool {
        do {
            try await create(object)
            return true
        } catch {
            guard error.isAlreadyExists else { throw error }
            return false
        }
    }

    /// Creates the object, or brings the one that is there up to date with `update`, which returns false to leave it.
    public func put<T: KubeObject>(_ object: T, _ update: @Sendable (inout T) -> Bool) async throws(APIError) {
        if try await ensure(object) { return }
        let namespace = object.namespace.isEmpty ? nil : object.namespace
        try await modify(T.self, object.name, namespace: namespace, update)
    }

    /// Creates the slice, or gives the one that is there its endpoints and ports.
    public func put(_ slice: EndpointSlice) async throws(APIError) {
        try await put(slice) { live in
            let same = live.endpoints == slice.endpoints && live.ports == slice.ports
            live.endpoints = slice.endpoints
            live.ports = slice.ports
            return !same
        }
    }
}
