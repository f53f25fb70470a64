import KubeTypes

/// Who sends a request, once authentication has found out.
public struct UserInfo: Sendable, Hashable {
    public var name: String
    public var uid: String
    public var groups: [String]
    public var extra: [String: [String]]

    public init(name: String, uid: String = "", groups: [String] = [], extra: [String: [String]] = [:]) {
        self.name = name
        self.uid = uid
        self.groups = groups
        self.extra = extra
    }

    public static let anonymous = UserInfo(name: "system:anonymous", groups: ["system:unauthenticated"])
}

/// What somebody wants to do, as authorizers see it.
public struct AuthorizationAttributes: Sendable, Hashable {
    public var user: UserInfo
    /// `get`, `list`, `watch`, `create`, `update`, `patch`, `delete`, `deletecollection`, or, for paths, the method in
    /// lower case.
    public var verb: String
    public var group = ""
    public var version = ""
    public var resource = ""
    public var subresource = ""
    public var namespace = ""
    public var name = ""
    /// The path of a request that is for no resource; empty otherwise.
    public var path = ""
    /// What a list, watch or deletecollection is restricted to (KEP-4601).
    public var selectors = AuthorizationSelectors()

    public init(user: UserInfo, verb: String) {
        self.user = user
        self.verb = verb
    }
}

/// The selectors of a request as authorizers see them: those requirements that could be understood. What could not only
/// makes the request wider than it is.
public struct AuthorizationSelectors: Sendable, Hashable {
    /// One condition on a field.
    public struct Field: Sendable, Hashable {
        public var field: String
        public var value: String
        /// False: the field must not have the value.
        public var equal: Bool

        public init(field: String, value: String, equal: Bool) {
            self.field = field
            self.value = value
            self.equal = equal
        }
    }

    public var fields: [Field] = []
    public var labels: [LabelMatcher.Requirement] = []
    /// Why a part of the selector was left out.
    public var fieldProblem: String?
    public var labelProblem: String?

    public init() {}

    /// Whether only objects are wanted whose field has just this value.
    public func requires(_ field: String, _ value: String) -> Bool {
        fields.contains { $0.equal && $0.field == field && $0.value == value }
    }
}

public enum AuthorizationDecision: Sendable, Hashable {
    /// `reason` is for the audit log.
    case allow(reason: String)
    /// Nothing says yes; another authorizer may.
    case noOpinion(reason: String)
    case deny(reason: String)
}

/// Decides from memory, at once.
public protocol Authorizer: Sendable {
    func authorize(_ attributes: AuthorizationAttributes) -> AuthorizationDecision
}

/// How authentication and authorization read objects: from the watch cache, at once.
public protocol ObjectLookup: Sendable {
    /// An object of a storage resource (`serviceaccounts`, group empty) or nil.
    func object(group: String, resource: String, namespace: String, name: String) -> CachedObject?
    /// All objects of a resource, in all namespaces or one.
    func objects(group: String, resource: String, namespace: String?) -> [CachedObject]
    /// A number that grows with every change to any object of the resource: for caches of what was computed from them.
    func generation(group: String, resource: String) -> Int64
}
