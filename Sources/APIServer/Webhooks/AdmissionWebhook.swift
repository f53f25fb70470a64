// One webhook of a webhook configuration, compiled, and whether it wants to hear of a request.

import APISchema
import JSON
import KubeTypes
import Synchronization

/// A rule: which operations on which resources. Policies have the same.
struct AdmissionRule: Sendable, Hashable {
    var operations: [String]
    var groups: [String]
    var versions: [String]
    var resources: [String]
    /// `*`, `Namespaced` or `Cluster`.
    var scope: String

    init(_ json: JSONValue) {
        operations = json["operations"]?.strings ?? []
        groups = json["apiGroups"]?.strings ?? []
        versions = json["apiVersions"]?.strings ?? []
        resources = json["resources"]?.strings ?? []
        scope = json["scope"]?.stringValue ?? "*"
    }

    private static func meets(_ items: [String], _ requested: String) -> Bool {
        items.contains { $0 == "*" || $0 == requested }
    }

    /// Whether the rule covers an operation on a resource, in whichever of its versions is asked about.
    func matches(_ attributes: AdmissionAttributes, as resource: GroupVersionResource) -> Bool {
        Self.meets(operations, attributes.operation.rawValue) && Self.meets(groups, resource.group)
            && Self.meets(versions, resource.version)
            && matchesScope(attributes, resource) && matchesResource(resource.resource, attributes.subresource)
    }

    private func matchesScope(_ attributes: AdmissionAttributes, _ resource: GroupVersionResource) -> Bool {
        let isCluster =
            attributes.namespace.isEmpty || resource.group.isEmpty && resource.resource == "namespaces"
        return switch scope {
        case "*", "": true
        case "Namespaced": !isCluster
        case "Cluster": isCluster
        default: false
        }
    }

    /// `pods`, `pods/status`, `pods/*`, `*/scale`, `*` (no subresources), `*/*`.
    private func matchesResource(_ plural: String, _ subresource: String) -> Bool {
        resources.contains { text in
            let slash = text.firstIndex(of: "/")
            let wanted = slash.map { text[..<$0] } ?? text[...]
            let wantedSubresource = slash.map { text[text.index(after: $0)...] } ?? ""
            return (wanted == "*" || wanted == plural)
                && (wantedSubresource == "*" || wantedSubresource == subresource)
        }
    }
}

/// A resource in the version that a webhook or policy asked for.
struct AdmissionMatch: Sendable, Hashable {
    var resource: ResourceType
    var kind: GroupVersionKind

    var identity: GroupVersionResource {
        GroupVersionResource(group: resource.group, version: resource.version, resource: resource.plural)
    }
}

enum AdmissionMatching {
    /// What no webhook or policy is asked about, lest one locks everybody out.
    static func isExempt(_ attributes: AdmissionAttributes) -> Bool {
        guard attributes.resource.group == "admissionregistration.k8s.io" else { return false }
        return [
            "ValidatingWebhookConfiguration", "MutatingWebhookConfiguration", "ValidatingAdmissionPolicy",
            "ValidatingAdmissionPolicyBinding", "MutatingAdmissionPolicy", "MutatingAdmissionPolicyBinding",
        ].contains(attributes.kind.kind)
    }

    /// The first rule's match: as requested, or, if `equivalent`, in another version of the same resource.
    static func match(
        _ rules: [AdmissionRule], _ attributes: AdmissionAttributes, equivalent: Bool, _ registry: Registry
    ) -> AdmissionMatch? {
        let requested = attributes.requestedResource
        if rules.contains(where: { $0.matches(attributes, as: requested) }) {
            return AdmissionMatch(resource: attributes.resource, kind: attributes.kind)
        }
        guard equivalent else { return nil }
        let others = registry.liveSchema.current.resources.filter {
            $0 != attributes.resource && $0.storage == attributes.resource.storage
        }
        for rule in rules {
            for other in others {
                let identity = GroupVersionResource(
                    group: other.group, version: other.version, resource: other.plural)
                guard rule.matches(attributes, as: identity) else { continue }
                let kind =
                    attributes.isLiteral
                    ? attributes.kind
                    : GroupVersionKind(group: other.group, version: other.version, kind: other.kind)
                return AdmissionMatch(resource: other, kind: kind)
            }
        }
        return nil
    }

    /// Whether a `namespaceSelector` lets the request through.
    /// - Throws: 404 where the namespace is missing whose labels are asked about.
    static func matchesNamespace(_ selector: LabelMatcher, _ attributes: AdmissionAttributes, _ registry: Registry)
        throws(APIError) -> Bool
    {
        let isNamespace = attributes.resource.group.isEmpty && attributes.resource.plural == "namespaces"
        if selector.requirements.isEmpty || attributes.namespace.isEmpty && !isNamespace { return true }
        if isNamespace, attributes.subresource.isEmpty, attributes.operation != .delete, let object = attributes.object
        {
            return selector.matches(object["metadata"]?["labels"]?.stringMap ?? [:])
        }
        let name = attributes.namespace
        guard let namespace = registry.cache.cache(group: "", resource: "namespaces")?[ObjectKey(name: name)] else {
            throw .notFound("namespaces", group: "", name: name)
        }
        return selector.matches(namespace.value["metadata"]?["labels"]?.stringMap ?? [:])
    }

    /// Whether an `objectSelector` lets the request through: the object before or after has the labels.
    static func matchesObject(_ selector: LabelMatcher, _ attributes: AdmissionAttributes) -> Bool {
        if selector.requirements.isEmpty { return true }
        return [attributes.object, attributes.oldObject].contains { object in
            guard let metadata = object?["metadata"] else { return false }
            return selector.matches(metadata["labels"]?.stringMap ?? [:])
        }
    }

    /// A selector in a configuration; a missing one matches everything.
    static func selector(_ json: JSONValue?) -> LabelMatcher {
        guard let json, !json.isNull else { return LabelMatcher([]) }
        return LabelMatcher(LabelSelector(json))
    }

    /// The objects of a request in the version of a match; a webhook is asked where one converts the resource.
    static func versioned(_ attributes: AdmissionAttributes, as match: AdmissionMatch, _ registry: Registry)
        async throws(APIError) -> VersionedAdmissionAttributes
    {
        var versioned = VersionedAdmissionAttributes(
            attributes: attributes, kind: match.kind, resource: match.identity, object: attributes.object,
            oldObject: attributes.oldObject)
        guard !attributes.isLiteral else { return versioned }
        let given = [attributes.object, attributes.oldObject]
        var converted = try await convert(given.compactMap { $0 }, to: match.resource, registry)[...]
        if given[0] != nil { versioned.object = converted.popFirst() }
        if given[1] != nil { versioned.oldObject = converted.popFirst() }
        if let object = versioned.object {
            versioned.object = try registry.present(object, as: match.resource, storage: attributes.storage)
        }
        if let old = versioned.oldObject {
            versioned.oldObject = try registry.present(old, as: match.resource, storage: attributes.storage)
        }
        return versioned
    }

    /// Custom resources as their conversion webhook shows them in another version; all others as they are.
    private static func convert(_ objects: [JSONValue], to resource: ResourceType, _ registry: Registry)
        async throws(APIError) -> [JSONValue]
    {
        guard resource.custom != nil, let webhook = registry.cache.cache(for: resource)?.form?.webhook else {
            return objects
        }
        return try await webhook.convert(objects, to: resource.apiVersion)
    }

    /// Takes an object that somebody changed in the version of a match: unknown fields go, defaults come.
    static func take(
        _ object: JSONValue, as match: AdmissionMatch, into attributes: inout AdmissionAttributes, _ registry: Registry
    ) async throws(APIError) {
        guard !attributes.isLiteral, let cache = registry.cache.cache(for: match.resource) else {
            attributes.object = object
            return
        }
        var request = RegistryRequest(user: attributes.user, verb: .update, resource: match.resource, cache: cache)
        request.namespace = attributes.namespace
        var options = WriteOptions()
        options.fieldValidation = .ignore
        var taken = try registry.decode(object, request, options)
        if let custom = attributes.resource.custom, match.resource != attributes.resource {
            taken = try await convert([taken], to: attributes.resource, registry)[0]
            custom.restore(&taken)
        }
        attributes.object = taken
    }
}

/// One webhook, compiled.
struct AdmissionWebhook: Sendable {
    let configuration: String
    let name: String
    /// Tells it apart from all others, for reinvocation.
    let identifier: String
    let client: WebhookClientConfig
    let rules: [AdmissionRule]
    let failsOpen: Bool
    let matchesEquivalent: Bool
    let namespaceSelector: LabelMatcher
    let objectSelector: LabelMatcher
    let sideEffects: String
    /// Seconds.
    let timeout: Int
    let reviewVersions: [String]
    let reinvokes: Bool
    let matchConditions: (any MatchConditions)?

    init(_ json: JSONValue, configuration: String, index: Int, _ compiler: any MatchConditionCompiler) {
        self.configuration = configuration
        name = json["name"]?.stringValue ?? ""
        identifier = "\(configuration)/\(name)/\(index)"
        client = WebhookClientConfig(json["clientConfig"])
        rules = (json["rules"]?.arrayValue ?? []).map(AdmissionRule.init)
        failsOpen = json["failurePolicy"]?.stringValue == "Ignore"
        matchesEquivalent = json["matchPolicy"]?.stringValue != "Exact"
        namespaceSelector = AdmissionMatching.selector(json["namespaceSelector"])
        objectSelector = AdmissionMatching.selector(json["objectSelector"])
        sideEffects = json["sideEffects"]?.stringValue ?? ""
        timeout = json["timeoutSeconds"]?.intValue ?? 10
        reviewVersions = json["admissionReviewVersions"]?.strings ?? ["v1"]
        reinvokes = json["reinvocationPolicy"]?.stringValue == "IfNeeded"
        let conditions = json["matchConditions"]?.arrayValue ?? []
        matchConditions = conditions.isEmpty ? nil : compiler.compile(conditions)
    }

    /// In which version the webhook wants to hear of a request; nil if it does not.
    func match(_ attributes: AdmissionAttributes, _ registry: Registry) throws(APIError) -> AdmissionMatch? {
        guard
            let match = AdmissionMatching.match(rules, attributes, equivalent: matchesEquivalent, registry),
            AdmissionMatching.matchesObject(objectSelector, attributes),
            try AdmissionMatching.matchesNamespace(namespaceSelector, attributes, registry)
        else { return nil }
        return match
    }

    /// Whether the conditions are met. One that cannot be evaluated refuses the request, or, failing open, skips the
    /// webhook.
    func meetsConditions(_ versioned: VersionedAdmissionAttributes, _ registry: Registry) throws(APIError) -> Bool {
        guard let matchConditions else { return true }
        do throws(APIError) {
            return try matchConditions.matches(versioned, registry.authorizer)
        } catch {
            if failsOpen { return false }
            throw versioned.attributes.forbidden(error.message)
        }
    }
}

/// The webhooks of all configurations of one kind, compiled again whenever one of these changes.
final class WebhookIndex: Sendable {
    private let plural: String
    private let compiled = Mutex<(revision: Int64, webhooks: [AdmissionWebhook])>((-1, []))

    init(_ plural: String) { self.plural = plural }

    /// Whether the rules of some webhook speak of a request.
    func concerns(_ attributes: AdmissionAttributes, _ registry: Registry) -> Bool {
        let webhooks = webhooks(registry)
        if webhooks.isEmpty || AdmissionMatching.isExempt(attributes) { return false }
        return webhooks.contains { webhook in
            AdmissionMatching.match(webhook.rules, attributes, equivalent: webhook.matchesEquivalent, registry) != nil
        }
    }

    /// By name of the configuration, then in its order.
    func webhooks(_ registry: Registry) -> [AdmissionWebhook] {
        guard let cache = registry.cache.cache(group: "admissionregistration.k8s.io", resource: plural) else {
            return []
        }
        let (objects, revision) = cache.snapshot
        return compiled.withLock { compiled in
            if compiled.revision != revision {
                compiled.revision = revision
                compiled.webhooks = objects.all.sorted { $0.key.name < $1.key.name }.flatMap { object in
                    (object.value["webhooks"]?.arrayValue ?? []).enumerated().map { index, webhook in
                        AdmissionWebhook(
                            webhook, configuration: object.key.name, index: index, registry.matchConditions)
                    }
                }
            }
            return compiled.webhooks
        }
    }
}
