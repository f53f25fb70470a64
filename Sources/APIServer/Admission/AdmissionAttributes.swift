// What admission knows of a request: the operation, what it is about, and the object before and after.

import APISchema
import JSON
import KubeTypes
import Synchronization

/// The operation, as rules of webhooks and policies name it.
enum AdmissionOperation: String, Sendable, CaseIterable {
    case create = "CREATE"
    case update = "UPDATE"
    case delete = "DELETE"
    case connect = "CONNECT"
}

struct GroupVersionKind: Sendable, Hashable {
    /// Empty for the core group.
    var group: String
    var version: String
    var kind: String

    var apiVersion: String { group.isEmpty ? version : "\(group)/\(version)" }
    var json: JSONValue { ["group": .string(group), "version": .string(version), "kind": .string(kind)] }
}

struct GroupVersionResource: Sendable, Hashable {
    /// Empty for the core group.
    var group: String
    var version: String
    /// The plural.
    var resource: String

    var json: JSONValue { ["group": .string(group), "version": .string(version), "resource": .string(resource)] }
}

/// Annotations for the audit log that admission leaves behind, whoever writes that log.
final class AuditAnnotations: Sendable {
    private let values = Mutex<[String: String]>([:])
    private static let limit = 100

    /// The first value of a key stays, as upstream keeps it.
    func add(_ key: String, _ value: String) {
        values.withLock { values in
            if values.count < Self.limit, values[key] == nil { values[key] = value }
        }
    }

    var all: [String: String] { values.withLock { $0 } }
}

/// What is undone if the write that admission allowed does not happen after all, and what follows if it does.
final class AdmissionEffects: Sendable {
    private let hooks = Mutex<(success: [@Sendable () -> Void], failure: [@Sendable () -> Void])>(([], []))

    func onSuccess(_ hook: @escaping @Sendable () -> Void) { hooks.withLock { $0.success.append(hook) } }
    func onFailure(_ hook: @escaping @Sendable () -> Void) { hooks.withLock { $0.failure.append(hook) } }

    /// Runs the hooks of one outcome; only the first call does anything.
    func finish(succeeded: Bool) {
        let due = hooks.withLock { hooks in
            defer { hooks = ([], []) }
            return succeeded ? hooks.success : hooks.failure
        }
        for hook in due { hook() }
    }
}

/// A request on its way through admission.
struct AdmissionAttributes: Sendable {
    var operation: AdmissionOperation
    /// The row that the request names; its version is the one that the client speaks.
    let resource: ResourceType
    /// The row in whose form `object` and `oldObject` are, unless `isLiteral`.
    let storage: ResourceType
    /// What is sent: the resource's kind, or that of a subresource (`Scale`, `Eviction`, `PodExecOptions`).
    var kind: GroupVersionKind
    /// Empty for the object itself.
    var subresource: String
    /// Empty for cluster-scoped resources. A Namespace's own name for operations on the Namespace itself.
    var namespace: String
    /// Empty where the server makes the name, and for deletions of a collection.
    var name: String
    /// The new object: nil for DELETE.
    var object: JSONValue?
    /// What is there now: nil for CREATE and CONNECT.
    var oldObject: JSONValue?
    var isDryRun: Bool
    private let query: Query
    /// The body of a deletion.
    private let deletion: JSONValue?
    let user: UserInfo
    let warnings: Warnings
    let audit: AuditAnnotations
    let effects = AdmissionEffects()
    /// Whether `object` and `oldObject` are of `kind` as they stand, and no other version of them exists: those of
    /// subresources with a kind of their own.
    var isLiteral = false

    init(
        _ operation: AdmissionOperation, _ request: RegistryRequest, object: JSONValue? = nil,
        oldObject: JSONValue? = nil, isDryRun: Bool = false
    ) {
        self.operation = operation
        resource = request.resource
        storage = request.storage
        subresource = request.subresource?.name ?? ""
        kind = GroupVersionKind(
            group: request.resource.group, version: request.resource.version, kind: request.resource.kind)
        namespace = request.namespace
        name = request.name
        if operation == .create, name.isEmpty { name = object?.name ?? "" }
        if request.resource.plural == "namespaces", request.resource.group.isEmpty {
            namespace = name
        }
        self.object = object
        self.oldObject = oldObject
        query = request.query
        deletion = operation == .delete ? request.body : nil
        self.isDryRun = isDryRun
        user = request.user
        warnings = request.warnings
        audit = request.audit
    }

    var requestedResource: GroupVersionResource {
        GroupVersionResource(group: resource.group, version: resource.version, resource: resource.plural)
    }

    /// Makes this the request of a subresource whose objects are of a kind of their own.
    mutating func setLiteral(_ subresource: SubresourceType?) {
        isLiteral = true
        guard let subresource else { return }
        kind = GroupVersionKind(group: subresource.group, version: subresource.version, kind: subresource.kind)
    }

    /// `CreateOptions`, `UpdateOptions` or `DeleteOptions` as webhooks are told them; nil for CONNECT.
    var options: JSONValue? {
        let kind: String
        switch operation {
        case .create: kind = "CreateOptions"
        case .update: kind = "UpdateOptions"
        case .delete: kind = "DeleteOptions"
        case .connect: return nil
        }
        var options: JSONObject = ["kind": .string(kind), "apiVersion": "meta.k8s.io/v1"]
        if let deletion = deletion?.objectValue {
            for (key, value) in deletion where key != "kind" && key != "apiVersion" { options[key] = value }
            return .object(options)
        }
        options.set("dryRun", query.all("dryRun"))
        for key in operation == .delete ? ["propagationPolicy"] : ["fieldManager", "fieldValidation"] {
            if let value = query[key] { options[key] = .string(value) }
        }
        if operation == .delete, let seconds = query["gracePeriodSeconds"].flatMap(Int64.init) {
            options["gracePeriodSeconds"] = .integer(seconds)
        }
        return .object(options)
    }

    /// Whether the request is about the objects of a storage resource, and not about a subresource of theirs.
    func concerns(_ group: String, _ plural: String) -> Bool {
        subresource.isEmpty && storage.plural == plural && storage.group == group
    }

    /// A refusal (403) in upstream's words.
    func forbidden(_ why: String) -> APIError {
        .forbidden(resource.plural, group: resource.group, name: displayName, why)
    }

    /// The name for messages: `Unknown` for an object that has none yet.
    var displayName: String {
        if !name.isEmpty { return name }
        guard let metadata = object?.metadata else { return "Unknown" }
        let name = metadata[string: "name"]
        if !name.isEmpty { return name }
        let generated = metadata[string: "generateName"]
        return generated.isEmpty ? "Unknown" : generated
    }
}
