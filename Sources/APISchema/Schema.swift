import JSON

/// Every type and resource that is served, read from the tables: the one place that validation, defaulting, patching,
/// conversion, discovery and OpenAPI take their knowledge from.
///
/// Immutable: a CustomResourceDefinition adds rows by making a new schema.
public final class Schema: Sendable {
    /// The built-in types and resources of v1.36 and the older versions, read on first use.
    public static let builtin = Schema(
        types: [Tables.types, Tables.olderTypes], resources: Tables.resources, rules: Tables.rules)

    /// Every served resource, in the order of discovery.
    public let resources: [ResourceType]
    /// The groups in the order of discovery, core (`""`) first.
    public let groups: [APIGroup]
    /// Every message and named scalar, in the order of the tables.
    public let messages: [MessageType]

    private let messagesByName: [String: MessageType]
    private let resourcesByPlural: [ResourceKey: ResourceType]
    private let resourcesByKind: [ResourceKey: ResourceType]

    private struct ResourceKey: Hashable {
        let group, version, name: String
    }

    /// Reads tables in the notations that their headers describe. A table that contradicts itself (an unknown type, a
    /// resource without a message) is a mistake of the program: it stops there, naming the line.
    init(types: [TableText], resources: TableText, rules: TableText) {
        let messages = TypeTable.parse(types)
        RuleTable.apply(rules, to: messages)
        let (groups, resources) = ResourceTable.parse(resources, messages: messages.byName)
        self.messages = messages.all
        self.messagesByName = messages.byName
        self.groups = groups
        self.resources = resources
        var byPlural = [ResourceKey: ResourceType](minimumCapacity: resources.count)
        var byKind = [ResourceKey: ResourceType](minimumCapacity: resources.count)
        for resource in resources {
            byPlural[ResourceKey(group: resource.group, version: resource.version, name: resource.plural)] = resource
            byKind[ResourceKey(group: resource.group, version: resource.version, name: resource.kind)] = resource
        }
        resourcesByPlural = byPlural
        resourcesByKind = byKind
    }

    /// The resource at `/apis/GROUP/VERSION/PLURAL`; the core group is empty.
    public func resource(group: String, version: String, plural: String) -> ResourceType? {
        resourcesByPlural[ResourceKey(group: group, version: version, name: plural)]
    }

    /// The resource whose objects are of this kind.
    public func resource(group: String, version: String, kind: String) -> ResourceType? {
        resourcesByKind[ResourceKey(group: group, version: version, name: kind)]
    }

    /// The resource that an object's `apiVersion` and `kind` name.
    public func resource(apiVersion: String, kind: String) -> ResourceType? {
        guard let slash = apiVersion.firstIndex(of: "/") else {
            return resource(group: "", version: apiVersion, kind: kind)
        }
        return resource(
            group: String(apiVersion[..<slash]), version: String(apiVersion[apiVersion.index(after: slash)...]),
            kind: kind)
    }

    /// The message `core/v1.PodSpec`: package alias, dot, name.
    public func message(_ name: String) -> MessageType? { messagesByName[name] }

    /// The group called `name`, core being empty.
    public func group(_ name: String) -> APIGroup? { groups.first { $0.name == name } }

    /// The resource in whose form and place the objects of `resource` are stored: itself, for most.
    public func storageResource(of resource: ResourceType) -> ResourceType {
        guard resource.storage != resource.identity,
            let stored = self.resource(
                group: resource.storage.group, version: resource.storage.version, plural: resource.storage.plural)
        else { return resource }
        return stored
    }
}
