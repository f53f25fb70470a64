import JSON

/// An error as the API answers it: a `Status` with a code, a reason and, where fields are wrong, their causes.
public struct APIError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The HTTP status.
    public var code: Int
    /// A `StatusReason` such as `NotFound`.
    public var reason: String
    public var message: String
    public var details: StatusDetails?
    /// With what a list in pages that has expired can go on, if the client can live with a list of two halves.
    public var continueToken: String?

    public init(
        code: Int, reason: String, message: String, details: StatusDetails? = nil, continueToken: String? = nil
    ) {
        self.code = code
        self.reason = reason
        self.message = message
        self.details = details
        self.continueToken = continueToken
    }

    /// Reads a `Status` object.
    public init(_ status: Status) {
        self.init(
            code: status.code ?? 500, reason: status.reason ?? "", message: status.message ?? "",
            details: status.details, continueToken: status.json[path: "metadata", "continue"]?.stringValue)
    }

    /// The `Status` object to answer with.
    public var status: Status {
        var status = Status([
            "kind": "Status", "apiVersion": "v1", "metadata": [:], "status": "Failure",
        ])
        if let continueToken { status.json["metadata"] = ["continue": .string(continueToken)] }
        status.message = message
        status.reason = reason.isEmpty ? nil : reason
        status.details = details
        status.code = code
        return status
    }

    public var description: String { message }

    public var isNotFound: Bool { code == 404 }
    public var isConflict: Bool { reason == "Conflict" }
    public var isAlreadyExists: Bool { reason == "AlreadyExists" }
    /// The resourceVersion asked for is gone: list again.
    public var isExpired: Bool { code == 410 }
}

/// One thing that is wrong with one field, named as upstream's `field.Error` names it.
public struct FieldError: Sendable, Hashable {
    public enum Kind: String, Sendable {
        case required = "FieldValueRequired"
        case invalid = "FieldValueInvalid"
        case notSupported = "FieldValueNotSupported"
        case duplicate = "FieldValueDuplicate"
        case forbidden = "FieldValueForbidden"
        case tooLong = "FieldValueTooLong"
        case tooMany = "FieldValueTooMany"
        case notFound = "FieldValueNotFound"
        case typeInvalid = "FieldValueTypeInvalid"
        case internalError = "InternalError"
    }

    public var kind: Kind
    /// `spec.containers[0].name`
    public var path: String
    /// What was found and why it is refused, as it follows the path in upstream's messages:
    /// `Invalid value: "x": must be …`, `Required value`.
    public var message: String

    public init(_ kind: Kind, _ path: String, message: String) {
        self.kind = kind
        self.path = path
        self.message = message
    }

    public static func required(_ path: String, _ detail: String = "") -> FieldError {
        FieldError(.required, path, message: detail.isEmpty ? "Required value" : "Required value: \(detail)")
    }
    public static func invalid(_ path: String, _ value: JSONValue, _ detail: String) -> FieldError {
        FieldError(.invalid, path, message: "Invalid value: \(JSONWriter.text(of: value)): \(detail)")
    }
    public static func forbidden(_ path: String, _ detail: String) -> FieldError {
        FieldError(.forbidden, path, message: "Forbidden: \(detail)")
    }
    public static func duplicate(_ path: String, _ value: JSONValue) -> FieldError {
        FieldError(.duplicate, path, message: "Duplicate value: \(JSONWriter.text(of: value))")
    }
    public static func notFound(_ path: String, _ value: JSONValue) -> FieldError {
        FieldError(.notFound, path, message: "Not found: \(JSONWriter.text(of: value))")
    }
    /// Wrong without a value that would be worth showing.
    public static func invalid(_ path: String, _ detail: String) -> FieldError {
        FieldError(.invalid, path, message: "Invalid value: \(detail)")
    }
    public static func tooMany(_ path: String, count: Int, limit: Int) -> FieldError {
        FieldError(
            .tooMany, path,
            message: "Too many: \(count): must have at most \(limit) \(limit == 1 ? "item" : "items")")
    }
    public static func tooLong(_ path: String, limit: Int) -> FieldError {
        FieldError(.tooLong, path, message: "Too long: may not be more than \(limit) bytes")
    }
    public static func notSupported(_ path: String, _ value: JSONValue, _ supported: [String]) -> FieldError {
        let list = supported.map { "\"\($0)\"" }.joined(separator: ", ")
        return FieldError(
            .notSupported, path, message: "Unsupported value: \(JSONWriter.text(of: value)): supported values: \(list)")
    }
}

extension APIError {
    private static func qualified(_ resource: String, _ group: String) -> String {
        group.isEmpty ? resource : "\(resource).\(group)"
    }

    private static func details(_ name: String, group: String, kind: String) -> StatusDetails {
        var details = StatusDetails()
        details.name = name.isEmpty ? nil : name
        details.group = group.isEmpty ? nil : group
        details.kind = kind.isEmpty ? nil : kind
        return details
    }

    public static func notFound(_ resource: String, group: String, name: String) -> APIError {
        APIError(
            code: 404, reason: "NotFound", message: "\(qualified(resource, group)) \"\(name)\" not found",
            details: details(name, group: group, kind: resource))
    }

    public static func alreadyExists(_ resource: String, group: String, name: String) -> APIError {
        APIError(
            code: 409, reason: "AlreadyExists", message: "\(qualified(resource, group)) \"\(name)\" already exists",
            details: details(name, group: group, kind: resource))
    }

    public static func conflict(_ resource: String, group: String, name: String, _ why: String) -> APIError {
        APIError(
            code: 409, reason: "Conflict",
            message: "Operation cannot be fulfilled on \(qualified(resource, group)) \"\(name)\": \(why)",
            details: details(name, group: group, kind: resource))
    }

    public static func forbidden(_ resource: String, group: String, name: String, _ why: String) -> APIError {
        let quoted = name.isEmpty ? "" : " \"\(name)\""
        return APIError(
            code: 403, reason: "Forbidden", message: "\(qualified(resource, group))\(quoted) is forbidden: \(why)",
            details: details(name, group: group, kind: resource))
    }

    /// Fields of an object are wrong (422).
    public static func invalid(kind: String, group: String, name: String, _ errors: [FieldError]) -> APIError {
        var details = details(name, group: group, kind: kind)
        details.causes = errors.map { error in
            var cause = StatusCause()
            cause.reason = error.kind.rawValue
            cause.message = error.message
            cause.field = error.path
            return cause
        }
        let texts = errors.map { "\($0.path): \($0.message)" }
        let list = texts.count == 1 ? texts[0] : "[\(texts.joined(separator: ", "))]"
        return APIError(
            code: 422, reason: "Invalid", message: "\(qualified(kind, group)) \"\(name)\" is invalid: \(list)",
            details: details)
    }

    public static func badRequest(_ message: String) -> APIError {
        APIError(code: 400, reason: "BadRequest", message: message)
    }

    public static func unauthorized() -> APIError {
        APIError(code: 401, reason: "Unauthorized", message: "Unauthorized")
    }

    public static func methodNotAllowed(_ resource: String, group: String, _ action: String) -> APIError {
        APIError(
            code: 405, reason: "MethodNotAllowed",
            message: "\(action) is not supported on resources of kind \"\(qualified(resource, group))\"",
            details: details("", group: group, kind: resource))
    }

    public static func internalError(_ message: String) -> APIError {
        APIError(code: 500, reason: "InternalError", message: "Internal error occurred: \(message)")
    }

    public static func expired(_ message: String) -> APIError {
        APIError(code: 410, reason: "Expired", message: message)
    }
}
