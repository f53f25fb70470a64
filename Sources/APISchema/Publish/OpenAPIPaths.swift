import JSON

/// What can be done at which URL, as OpenAPI operations.
///
/// Clients find out here whether a kind can be patched and with which options: kubectl looks for `dryRun` and
/// `fieldValidation` among the parameters of the operation that patches it.
struct OpenAPIPaths {
    let schema: Schema
    let dialect: OpenAPIDialect

    /// All paths of a group and version, in the order of their text.
    func paths(group: String, version: String) -> [(path: String, item: JSONValue)] {
        var paths: [(path: String, item: JSONValue)] = []
        for resource in schema.resources where resource.group == group && resource.version == version {
            paths += self.paths(of: resource)
        }
        return paths.sorted { $0.path < $1.path }
    }

    /// The paths of one resource.
    func paths(of resource: ResourceType) -> [(path: String, item: JSONValue)] {
        let root = resource.group.isEmpty ? "/api/\(resource.version)" : "/apis/\(resource.apiVersion)"
        var paths: [(path: String, item: JSONValue)] = []
        let scope = resource.namespaced ? "\(root)/namespaces/{namespace}" : root
        let collection = "\(scope)/\(resource.plural)"
        add(collection, operations(on: resource, collection: true), of: resource, named: false, to: &paths)
        add(
            "\(collection)/{name}", operations(on: resource, collection: false), of: resource, named: true,
            to: &paths)
        if resource.namespaced, resource.verbs.contains("list") {
            let list = operation("list", "get", on: resource, suffix: "ForAllNamespaces")
            paths.append(("\(root)/\(resource.plural)", ["get": list]))
        }
        for subresource in resource.subresources {
            add(
                "\(collection)/{name}/\(subresource.name)", operations(on: resource, subresource), of: resource,
                named: true, to: &paths)
        }
        return paths
    }

    private func add(
        _ path: String, _ operations: [(method: String, operation: JSONValue)], of resource: ResourceType,
        named: Bool, to paths: inout [(path: String, item: JSONValue)]
    ) {
        guard !operations.isEmpty else { return }
        var item = JSONObject(operations.map { (key: $0.method, value: $0.operation) })
        var parameters: [JSONValue] = []
        if named { parameters.append(pathParameter("name", "The name of the \(resource.kind).")) }
        if resource.namespaced {
            parameters.append(pathParameter("namespace", "The namespace of the \(resource.kind)."))
        }
        if !parameters.isEmpty { item["parameters"] = .array(parameters) }
        paths.append((path, .object(item)))
    }

    // MARK: Operations

    private static let onCollections = [("list", "get"), ("create", "post"), ("deletecollection", "delete")]
    private static let onObjects = [("get", "get"), ("update", "put"), ("patch", "patch"), ("delete", "delete")]

    private func operations(
        on resource: ResourceType, collection: Bool
    ) -> [(method: String, operation: JSONValue)] {
        (collection ? Self.onCollections : Self.onObjects).filter { resource.verbs.contains($0.0) }
            .map { ($0.1, operation($0.0, $0.1, on: resource)) }
    }

    private func operations(
        on resource: ResourceType, _ subresource: SubresourceType
    ) -> [(method: String, operation: JSONValue)] {
        (Self.onObjects + [("create", "post")]).filter { subresource.verbs.contains($0.0) }
            .map { ($0.1, operation($0.0, $0.1, on: resource, subresource: subresource)) }
    }

    private func operation(
        _ verb: String, _ method: String, on resource: ResourceType, subresource: SubresourceType? = nil,
        suffix: String = ""
    ) -> JSONValue {
        let kind =
            subresource.map { GroupVersionKind(group: $0.group, version: $0.version, kind: $0.kind) }
            ?? GroupVersionKind(group: resource.group, version: resource.version, kind: resource.kind)
        let message = subresource.map(\.message) ?? resource.message
        let isConnect = subresource != nil && message == nil
        var operation = JSONObject()
        operation["tags"] = [.string(tag(of: resource))]
        operation["operationId"] = .string(identifier(verb, resource, subresource, suffix))
        if dialect == .v2 {
            operation["consumes"] = method == "patch" ? .array(patchTypes(of: resource).map { .string($0) }) : ["*/*"]
            operation["produces"] = ["application/json"]
        }
        var parameters = Self.parameters[verb]?.map { parameter($0.name, $0.type, $0.about) } ?? []
        let body = isConnect ? nil : self.body(verb, message)
        if let body, dialect == .v2 {
            parameters.append(["in": "body", "name": "body", "required": .bool(verb != "delete"), "schema": body])
        }
        if !parameters.isEmpty { operation["parameters"] = .array(parameters) }
        if let body, dialect == .v3 {
            let types = method == "patch" ? patchTypes(of: resource) : ["*/*"]
            operation["requestBody"] = [
                "content": .object(JSONObject(types.map { (key: $0, value: ["schema": body]) })),
                "required": .bool(verb != "delete"),
            ]
        }
        operation["responses"] = responses(verb, resource, isConnect ? nil : message)
        operation["x-kubernetes-action"] = .string(isConnect ? "connect" : Self.actions[verb] ?? verb)
        operation["x-kubernetes-group-version-kind"] = OpenAPISchemas.extension(of: kind)
        return .object(operation)
    }

    private func tag(of resource: ResourceType) -> String {
        let group = resource.group.isEmpty ? "core" : resource.group.prefix { $0 != "." }
        return "\(group)_\(resource.version)"
    }

    /// `createAppsV1NamespacedDeployment`; unique in a document.
    private func identifier(
        _ verb: String, _ resource: ResourceType, _ subresource: SubresourceType?, _ suffix: String
    ) -> String {
        let verbs = ["get": "read", "update": "replace", "deletecollection": "deleteCollection"]
        func capital(_ text: some StringProtocol) -> String { text.prefix(1).uppercased() + text.dropFirst() }
        let group = resource.group.isEmpty ? "core" : resource.group.prefix { $0 != "." }
        let scope = resource.namespaced && suffix.isEmpty ? "Namespaced" : ""
        return (verbs[verb] ?? verb) + capital(group) + capital(resource.version) + scope + resource.kind
            + capital(subresource?.name ?? "") + suffix
    }

    private static let actions = ["create": "post", "update": "put"]
    private static let patchTypes = [
        "application/json-patch+json", "application/merge-patch+json", "application/strategic-merge-patch+json",
        "application/apply-patch+yaml",
    ]

    private func patchTypes(of resource: ResourceType) -> [String] {
        guard resource.custom != nil else { return Self.patchTypes }
        return Self.patchTypes.filter { !$0.contains("strategic") }
    }

    private func body(_ verb: String, _ message: MessageType?) -> JSONValue? {
        switch verb {
        case "create", "update": message.map(dialect.reference)
        case "patch": schema.message("meta/v1.Patch").map(dialect.reference) ?? ["type": "object"]
        case "delete", "deletecollection": schema.message("meta/v1.DeleteOptions").map(dialect.reference)
        default: nil
        }
    }

    private func responses(_ verb: String, _ resource: ResourceType, _ message: MessageType?) -> JSONValue {
        let answer: MessageType? =
            switch verb {
            case "list": schema.message(resource.message.name + "List")
            case "delete", "deletecollection": schema.message("meta/v1.Status")
            default: message
            }
        let content: JSONValue
        if verb == "list", resource.custom != nil {
            content = ["$ref": .string(dialect.schemaPrefix + CustomResourceOpenAPI.listName(of: resource))]
        } else {
            content = answer.map(dialect.reference) ?? ["type": "string"]
        }
        func response(_ description: String) -> JSONValue {
            dialect == .v2
                ? ["description": .string(description), "schema": content]
                : ["description": .string(description), "content": ["application/json": ["schema": content]]]
        }
        return verb == "create"
            ? ["200": response("OK"), "201": response("Created")] : ["200": response("OK")]
    }

    // MARK: Parameters

    private func parameter(_ name: String, _ type: String, _ about: String) -> JSONValue {
        var parameter: JSONObject = ["name": .string(name), "in": "query", "description": .string(about)]
        if dialect == .v2 {
            parameter["type"] = .string(type)
            parameter["uniqueItems"] = true
        } else {
            parameter["schema"] = ["type": .string(type), "uniqueItems": true]
        }
        return .object(parameter)
    }

    private func pathParameter(_ name: String, _ about: String) -> JSONValue {
        var parameter: JSONObject = [
            "name": .string(name), "in": "path", "description": .string(about), "required": true,
        ]
        if dialect == .v2 { parameter["type"] = "string" } else { parameter["schema"] = ["type": "string"] }
        return .object(parameter)
    }

    private typealias Parameter = (name: String, type: String, about: String)

    private static let writing: [Parameter] = [
        ("dryRun", "string", "`All` goes through every stage of the request but stores nothing."),
        ("fieldManager", "string", "The name under which the fields set here are managed."),
        ("fieldValidation", "string", "What to do about unknown and duplicate fields: `Ignore`, `Warn` or `Strict`."),
    ]
    private static let selecting: [Parameter] = [
        ("labelSelector", "string", "Only objects whose labels match."),
        ("fieldSelector", "string", "Only objects whose fields match."),
        ("limit", "integer", "How many objects to answer with at most; the rest is had with `continue`."),
        ("continue", "string", "Where a list that was cut off by `limit` goes on."),
        ("resourceVersion", "string", "How recent the state must be that is answered with."),
        ("resourceVersionMatch", "string", "How `resourceVersion` is applied: `Exact` or `NotOlderThan`."),
        ("timeoutSeconds", "integer", "After how many seconds a list or watch ends."),
    ]
    private static let deleting: [Parameter] = [
        ("dryRun", "string", "`All` goes through every stage of the request but stores nothing."),
        ("gracePeriodSeconds", "integer", "How many seconds the object has before it is removed."),
        ("propagationPolicy", "string", "What becomes of dependents: `Orphan`, `Background` or `Foreground`."),
    ]
    private static let parameters: [String: [Parameter]] = [
        "list": selecting + [
            ("watch", "boolean", "Answers with changes as they happen instead of a list."),
            ("allowWatchBookmarks", "boolean", "Allows bookmark events in a watch."),
            ("sendInitialEvents", "boolean", "Begins a watch with the objects that there are."),
        ], "create": writing, "update": writing,
        "patch": writing + [("force", "boolean", "Lets an apply take over fields that others manage.")],
        "delete": deleting, "deletecollection": deleting + selecting,
    ]
}
