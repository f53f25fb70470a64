/// Asking from within an expression whether somebody may do something.
///
/// Specified in the Kubernetes documentation under *Kubernetes authorizer library*.

/// Answers the questions; the host brings it.
public protocol CELAuthorizer: Sendable {
    /// - Parameter serviceAccount: Who asks instead of the user of the request.
    func decide(_ check: CELAuthorizationCheck) -> CELDecision
}

/// A question whether somebody may do something.
public struct CELAuthorizationCheck: Sendable, Hashable {
    /// Namespace and name of a service account; nil for the user of the request.
    public var serviceAccount: ServiceAccount?
    /// A path that is no resource's.
    public var path: String?
    public var group = ""
    public var resource = ""
    public var subresource = ""
    public var namespace = ""
    public var name = ""
    public var fieldSelector = ""
    public var labelSelector = ""
    public var verb = ""

    public struct ServiceAccount: Sendable, Hashable {
        public let namespace: String
        public let name: String
    }

    public init() {}

    /// A question about a resource, to which a verb is still to come.
    public init(group: String, resource: String, subresource: String, namespace: String, name: String) {
        self.group = group
        self.resource = resource
        self.subresource = subresource
        self.namespace = namespace
        self.name = name
    }
}

/// The answer.
public struct CELDecision: Sendable, Hashable {
    public let isAllowed: Bool
    public let reason: String
    public let error: String?

    public init(isAllowed: Bool, reason: String = "", error: String? = nil) {
        self.isAllowed = isAllowed
        self.reason = reason
        self.error = error
    }
}

/// A question in the making: `authorizer.group('apps').resource('deployments')`.
public final class CELAuthorizerValue: CELObject {
    let authorizer: any CELAuthorizer
    let check: CELAuthorizationCheck
    public let type: CELType

    private init(_ authorizer: any CELAuthorizer, _ check: CELAuthorizationCheck, _ type: CELType) {
        self.authorizer = authorizer
        self.check = check
        self.type = type
    }

    /// The variable `authorizer`.
    public convenience init(_ authorizer: any CELAuthorizer) { self.init(authorizer, .init(), .authorizer) }

    /// The variable `authorizer.requestResource`.
    public convenience init(_ authorizer: any CELAuthorizer, resource: CELAuthorizationCheck) {
        self.init(authorizer, resource, .resourceCheck)
    }

    func with(_ type: CELType, _ change: (inout CELAuthorizationCheck) -> Void) -> CELAuthorizerValue {
        var check = check
        change(&check)
        return CELAuthorizerValue(authorizer, check, type)
    }
}

final class DecisionValue: CELObject {
    let decision: CELDecision
    var type: CELType { .decision }

    init(_ decision: CELDecision) { self.decision = decision }
}

extension Functions {
    private static func step(
        _ accepted: CELType, _ result: CELType, notEmpty name: String? = nil,
        _ change: @escaping @Sendable (inout CELAuthorizationCheck, String) -> Void
    ) -> FunctionImplementation {
        { values throws(CELError) in
            guard case .object(let object) = values[0], let value = object as? CELAuthorizerValue,
                value.type == accepted
            else { throw .noSuchOverload }
            let text = try string(values, 1)
            if let name, text.allSatisfy(\.isWhitespace) { throw CELError("\(name) must not be empty") }
            return .object(value.with(result) { change(&$0, text) })
        }
    }

    private static func ofDecision(_ part: @escaping @Sendable (CELDecision) -> CELValue) -> FunctionImplementation {
        { values throws(CELError) in
            guard case .object(let object) = values[0], let value = object as? DecisionValue else {
                throw .noSuchOverload
            }
            return part(value.decision)
        }
    }

    /// Whether a text is a DNS label, or several with dots between them.
    private static func isName(_ text: String, labels: Bool) -> Bool {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard labels ? text.utf8.count <= 253 : parts.count == 1 && text.utf8.count <= 63 else { return false }
        return parts.allSatisfy { part in
            part.utf8.allSatisfy { (97...122).contains($0) || (48...57).contains($0) || $0 == 45 }
                && !part.isEmpty && !part.hasPrefix("-") && !part.hasSuffix("-")
        }
    }

    static let authorizer: [String: FunctionImplementation] = [
        "path": step(.authorizer, .pathCheck, notEmpty: "path") { $0.path = $1 },
        "group": step(.authorizer, .groupCheck) { $0.group = $1 },
        "resource": step(.groupCheck, .resourceCheck, notEmpty: "resource") { $0.resource = $1 },
        "subresource": step(.resourceCheck, .resourceCheck) { $0.subresource = $1 },
        "namespace": step(.resourceCheck, .resourceCheck) { $0.namespace = $1 },
        "name": step(.resourceCheck, .resourceCheck) { $0.name = $1 },
        "fieldSelector": step(.resourceCheck, .resourceCheck) { $0.fieldSelector = $1 },
        "labelSelector": step(.resourceCheck, .resourceCheck) { $0.labelSelector = $1 },
        "serviceAccount": { values throws(CELError) in
            guard case .object(let object) = values[0], let value = object as? CELAuthorizerValue,
                value.type == .authorizer
            else { throw .noSuchOverload }
            let (namespace, name) = (try string(values, 1), try string(values, 2))
            guard isName(name, labels: true) else { throw CELError("Invalid service account name") }
            guard isName(namespace, labels: false) else { throw CELError("Invalid service account namespace") }
            return .object(
                value.with(.authorizer) { $0.serviceAccount = .init(namespace: namespace, name: name) })
        },
        "check": { values throws(CELError) in
            guard case .object(let object) = values[0], let value = object as? CELAuthorizerValue,
                value.type == .pathCheck || value.type == .resourceCheck
            else { throw .noSuchOverload }
            var check = value.check
            check.verb = try string(values, 1)
            return .object(DecisionValue(value.authorizer.decide(check)))
        },
        "allowed": ofDecision { .bool($0.isAllowed) }, "reason": ofDecision { .string($0.reason) },
        "errored": ofDecision { .bool($0.error != nil) }, "error": ofDecision { .string($0.error ?? "") },
    ]
}
