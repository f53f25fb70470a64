// A request as the registry sees it: who, which resource, with what; and what it answers.

import APISchema
import JSON
import KubeTypes
import Storage
import Synchronization

/// Texts for the `Warning` headers of an answer.
final class Warnings: Sendable {
    private let texts = Mutex<[String]>([])

    func add(_ text: String) {
        texts.withLock { texts in
            if texts.count < 50, !texts.contains(text) { texts.append(text) }
        }
    }

    var all: [String] { texts.withLock { $0 } }
}

struct RegistryRequest: Sendable {
    var user: UserInfo
    var verb: Verb
    /// The version that was asked for.
    var resource: ResourceType
    var cache: ResourceCache
    var subresource: SubresourceType?
    var namespace = ""
    var name = ""
    var query = Query()
    var body: JSONValue?
    /// What the body has twice.
    var duplicates = BodyDuplicates()
    var patchType: PatchType?
    /// Set while what comes out of a patch is decoded.
    var patched: PatchedBody?
    /// The client's `User-Agent`; for components of this process, their name.
    var userAgent = ""
    let warnings = Warnings()
    /// What admission notes for the audit log.
    var audit = AuditAnnotations()

    /// The row in whose version the objects are stored.
    var storage: ResourceType { cache.resource }
    var key: ObjectKey { ObjectKey(namespace: resource.namespaced ? namespace : "", name: name) }

    var notFound: APIError { .notFound(resource.plural, group: resource.group, name: name) }

    func conflict(_ why: String, name: String? = nil) -> APIError {
        .conflict(resource.plural, group: resource.group, name: name ?? self.name, why)
    }

    func forbidden(_ why: String, name: String? = nil) -> APIError {
        .forbidden(resource.plural, group: resource.group, name: name ?? self.name, why)
    }

    func invalid(_ errors: [FieldError], name: String? = nil) -> APIError {
        .invalid(kind: resource.kind, group: resource.group, name: name ?? self.name, errors)
    }

    var writeOptionsKind: String {
        switch verb {
        case .update: "UpdateOptions"
        case .patch: "PatchOptions"
        default: "CreateOptions"
        }
    }

    func writeOptions() throws(APIError) -> WriteOptions {
        try WriteOptions(query, kind: writeOptionsKind, isApply: patchType.map { $0 == .apply })
    }
}

/// A list in the storage version.
struct ObjectList: Sendable {
    var objects: [CachedObject]
    var revision: Revision
    var continueToken: String?
    var remaining: Int?
}

enum Answer: Sendable {
    /// An object in its storage version.
    case object(CachedObject, code: Int)
    /// A value that is ready to be shown, whatever kind it is of.
    case value(JSONValue, code: Int)
    case list(ObjectList)
}

typealias Completion = @Sendable (Result<Answer, APIError>) -> Void

extension APIError {
    /// A `Status` that says that all went well, about an object.
    static func success(_ resource: ResourceType, name: String, uid: String = "") -> JSONValue {
        var details: JSONObject = ["name": .string(name)]
        if !resource.group.isEmpty { details["group"] = .string(resource.group) }
        details["kind"] = .string(resource.plural)
        if !uid.isEmpty { details["uid"] = .string(uid) }
        return [
            "kind": "Status", "apiVersion": "v1", "metadata": [:], "status": "Success", "details": .object(details),
        ]
    }

    init(_ error: StoreError) {
        switch error {
        case .closed:
            self.init(
                code: 503, reason: "ServiceUnavailable", message: "the server is shutting down; try again later")
        case .compacted(let oldest): self = .expired("too old resource version: compacted before \(oldest)")
        case .future(let current): self = .tooLarge(resourceVersion: nil, current: current)
        case .failed(let why): self = .internalError("the store failed: \(why)")
        case .keyExists, .conflict: self = .internalError("the store refused a write")
        }
    }

    /// A resourceVersion that has not happened yet.
    static func tooLarge(resourceVersion: Revision?, current: Revision) -> APIError {
        var details = StatusDetails()
        details.retryAfterSeconds = 1
        var cause = StatusCause()
        cause.reason = "ResourceVersionTooLarge"
        cause.message = "Too large resource version"
        details.causes = [cause]
        let asked = resourceVersion.map { ": \($0)" } ?? ""
        return APIError(
            code: 504, reason: "Timeout",
            message: "Timeout: Too large resource version\(asked), current: \(current)", details: details)
    }

    static func tooManyRequests(_ message: String, retryAfter: Int?) -> APIError {
        var details = StatusDetails()
        details.retryAfterSeconds = retryAfter
        return APIError(code: 429, reason: "TooManyRequests", message: message, details: details)
    }
}
