/// Rows of the resource table: what is served under which name, and as which message.

/// A group of the API and its versions.
public struct APIGroup: Sendable, Hashable {
    /// Empty for the core group.
    public let name: String
    /// Preferred first.
    public let versions: [String]
}

/// Where the objects of a resource are kept.
public struct StorageIdentity: Sendable, Hashable {
    public let group, version, plural: String

    public init(group: String, version: String, plural: String) {
        self.group = group
        self.version = version
        self.plural = plural
    }
}

/// What can be done with a resource beside its objects as a whole: `status`, `scale`, `binding`.
public struct SubresourceType: Sendable {
    public let name: String
    /// Group, version and kind of what is sent and answered; for most, those of the resource.
    public let group, version, kind: String
    public let verbs: [String]
    /// Nil for kinds that are only ever options in a URL (`PodExecOptions`).
    public let message: MessageType?
}

/// One row of the resource table: a group, version and resource that is served.
public final class ResourceType: Sendable, Hashable {
    /// Empty for the core group.
    public let group: String
    public let version: String
    public let plural: String
    public let singular: String
    public let kind: String
    public let namespaced: Bool
    /// In alphabetical order.
    public let verbs: [String]
    public let shortNames: [String]
    public let categories: [String]
    public let subresources: [SubresourceType]
    public let message: MessageType
    /// The resource whose objects these are: `apps/v1 deployments` for `extensions/v1beta1 deployments`.
    public let storage: StorageIdentity
    /// What to warn users of this version with; nil for those that are not deprecated.
    public let deprecation: String?
    /// `group/version`, or the version alone in the core group.
    public let apiVersion: String
    /// The kind of its lists.
    public let listKind: String

    public init(
        group: String, version: String, plural: String, singular: String, kind: String, namespaced: Bool,
        verbs: [String], shortNames: [String] = [], categories: [String] = [], subresources: [SubresourceType] = [],
        message: MessageType, storage: StorageIdentity? = nil, deprecation: String? = nil, listKind: String? = nil
    ) {
        self.group = group
        self.version = version
        self.plural = plural
        self.singular = singular
        self.kind = kind
        self.namespaced = namespaced
        self.verbs = verbs
        self.shortNames = shortNames
        self.categories = categories
        self.subresources = subresources
        self.message = message
        self.storage = storage ?? StorageIdentity(group: group, version: version, plural: plural)
        self.deprecation = deprecation
        self.listKind = listKind ?? kind + "List"
        apiVersion = group.isEmpty ? version : "\(group)/\(version)"
    }

    /// Its own place among the resources; equal to `storage` where its objects are stored in its own form.
    public var identity: StorageIdentity { StorageIdentity(group: group, version: version, plural: plural) }

    /// What a CustomResourceDefinition says about it; nil for built-in resources.
    public var custom: CustomResourceType? { message.custom }

    public func subresource(_ name: String) -> SubresourceType? { subresources.first { $0.name == name } }

    public static func == (left: ResourceType, right: ResourceType) -> Bool { left === right }
    public func hash(into hasher: inout Hasher) { hasher.combine(ObjectIdentifier(self)) }
}
