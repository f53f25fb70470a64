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

    /// The resources among them that CustomResourceDefinitions have added.
    public let custom: [ResourceType]
    private let terminating: Set<String>

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
        custom = []
        terminating = []
        var byPlural = [ResourceKey: ResourceType](minimumCapacity: resources.count)
        var byKind = [ResourceKey: ResourceType](minimumCapacity: resources.count)
        Self.index(resources, &byPlural, &byKind)
        resourcesByPlural = byPlural
        resourcesByKind = byKind
    }

    private static func index(
        _ resources: [ResourceType], _ byPlural: inout [ResourceKey: ResourceType],
        _ byKind: inout [ResourceKey: ResourceType]
    ) {
        for resource in resources {
            byPlural[ResourceKey(group: resource.group, version: resource.version, name: resource.plural)] = resource
            byKind[ResourceKey(group: resource.group, version: resource.version, name: resource.kind)] = resource
        }
    }

    /// This schema with the rows of CustomResourceDefinitions added; what has the name of a resource that is there
    /// already is left out.
    /// - Parameter terminating: the names of definitions that are being deleted.
    public convenience init(_ base: Schema, adding rows: [CustomResourceRows], terminating: Set<String> = []) {
        let custom = rows.flatMap(\.served).filter {
            base.resource(group: $0.group, version: $0.version, plural: $0.plural) == nil
        }
        var versions: [String: Set<String>] = [:]
        for resource in custom { versions[resource.group, default: []].insert(resource.version) }
        var groups = base.groups.map { group in
            guard let added = versions.removeValue(forKey: group.name)?.subtracting(group.versions) else {
                return group
            }
            return APIGroup(name: group.name, versions: group.versions + added.sorted(by: APIVersionOrder.precedes))
        }
        for (name, added) in versions.sorted(by: { $0.key < $1.key }) {
            groups.append(APIGroup(name: name, versions: added.sorted(by: APIVersionOrder.precedes)))
        }
        self.init(base, groups: groups, custom: custom, terminating: terminating)
    }

    private init(_ base: Schema, groups: [APIGroup], custom: [ResourceType], terminating: Set<String>) {
        self.terminating = terminating
        self.groups = groups
        self.custom = custom
        resources = base.resources + custom
        messages = base.messages
        messagesByName = base.messagesByName
        var byPlural = base.resourcesByPlural
        var byKind = base.resourcesByKind
        Self.index(custom, &byPlural, &byKind)
        resourcesByPlural = byPlural
        resourcesByKind = byKind
    }

    /// Whether the definition of a resource is being deleted, and its objects with it: none can be created.
    public func isTerminating(_ resource: CustomResourceType) -> Bool { terminating.contains(resource.definition) }

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
