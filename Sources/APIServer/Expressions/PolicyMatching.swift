// Which requests a policy or a binding is about, and with which parameters a binding evaluates its policy.

import APISchema
import JSON
import KubeTypes

/// `matchConstraints` of a policy, or `matchResources` of a binding.
struct PolicyMatcher: Sendable {
    private struct Rule: Sendable {
        let rule: AdmissionRule
        /// Empty for any name.
        let names: [String]
    }

    private let rules: [Rule]
    private let excluded: [Rule]
    private let matchesEquivalent: Bool
    private let namespaceSelector: LabelMatcher
    private let objectSelector: LabelMatcher

    /// A missing one matches everything.
    init(_ json: JSONValue?) {
        func rules(_ key: String) -> [Rule] {
            (json?[key]?.arrayValue ?? []).map {
                Rule(rule: AdmissionRule($0), names: $0["resourceNames"]?.strings ?? [])
            }
        }
        self.rules = rules("resourceRules")
        excluded = rules("excludeResourceRules")
        matchesEquivalent = json?["matchPolicy"]?.stringValue != "Exact"
        namespaceSelector = AdmissionMatching.selector(json?["namespaceSelector"])
        objectSelector = AdmissionMatching.selector(json?["objectSelector"])
    }

    private func match(_ rules: [Rule], _ attributes: AdmissionAttributes, _ registry: Registry) -> AdmissionMatch? {
        let named = rules.filter { $0.names.isEmpty || $0.names.contains(attributes.name) }.map(\.rule)
        if named.isEmpty { return nil }
        return AdmissionMatching.match(named, attributes, equivalent: matchesEquivalent, registry)
    }

    /// Whether the rules alone may match; cheap.
    func mayMatch(_ attributes: AdmissionAttributes, _ registry: Registry) -> Bool {
        rules.isEmpty || match(rules, attributes, registry) != nil
    }

    /// In which version the request matches; nil if it does not.
    /// - Throws: what kept a selector from being decided, where everything else matches.
    func match(_ attributes: AdmissionAttributes, _ registry: Registry) throws(APIError) -> AdmissionMatch? {
        guard AdmissionMatching.matchesObject(objectSelector, attributes) else { return nil }
        var problem: APIError?
        do throws(APIError) {
            guard try AdmissionMatching.matchesNamespace(namespaceSelector, attributes, registry) else { return nil }
        } catch {
            problem = error
        }
        if match(excluded, attributes, registry) != nil { return nil }
        let found =
            rules.isEmpty
            ? AdmissionMatch(resource: attributes.resource, kind: attributes.kind)
            : match(rules, attributes, registry)
        guard let found else { return nil }
        if let problem { throw problem }
        return found
    }
}

/// Objects that parameterize policies.
enum PolicyParameters {
    /// Why parameters cannot be had; it follows `failed to configure binding: `.
    struct Problem: Error { let message: String }

    /// The resource of a `paramKind`; nil where there is none (yet).
    static func resource(_ kind: JSONValue, _ registry: Registry) -> ResourceType? {
        let version = kind["apiVersion"]?.stringValue ?? ""
        let name = kind["kind"]?.stringValue ?? ""
        return registry.schema.resources.first { $0.apiVersion == version && $0.kind == name }
    }

    /// The objects that a binding names; a single nil where the policy is evaluated without any.
    static func collect(
        _ kind: JSONValue?, _ reference: JSONValue?, namespace: String, _ registry: Registry
    ) async throws(Problem) -> [JSONValue?] {
        guard let kind, !kind.isNull, let reference, !reference.isNull else { return [nil] }
        guard let resource = resource(kind, registry), let cache = registry.cache.cache(for: resource) else {
            throw Problem(message: "paramKind kind `\(shown(kind))` not known")
        }
        var place = reference["namespace"]?.stringValue ?? ""
        if resource.namespaced {
            if place.isEmpty { place = namespace }
            if place.isEmpty {
                throw Problem(
                    message: "cannot use namespaced paramRef in policy binding that matches cluster-scoped resources")
            }
        } else if !place.isEmpty {
            throw Problem(message: "paramRef.namespace must not be provided for a cluster-scoped `paramKind`")
        }
        if let problem = await cache.caughtUp() { throw Problem(message: problem.message) }
        let objects = cache.snapshot.objects
        var found: [JSONValue] = []
        let name = reference["name"]?.stringValue ?? ""
        if !name.isEmpty {
            if let object = cache[ObjectKey(namespace: place, name: name)] { found = [object.value] }
        } else {
            let selector = AdmissionMatching.selector(reference["selector"])
            let candidates = resource.namespaced ? objects.objects(namespace: place) : objects.all
            found = candidates.map(\.value).filter { selector.matches($0["metadata"]?["labels"]?.stringMap ?? [:]) }
        }
        if found.isEmpty, reference["parameterNotFoundAction"]?.stringValue == "Deny" {
            throw Problem(message: "no params found for policy binding with `Deny` parameterNotFoundAction")
        }
        var presented: [JSONValue?] = []
        for value in found {
            guard let value = try? registry.present(value, as: resource, storage: cache.resource) else { continue }
            presented.append(value)
        }
        return presented
    }

    static func shown(_ kind: JSONValue) -> String {
        "&ParamKind{APIVersion:\(kind["apiVersion"]?.stringValue ?? ""),Kind:\(kind["kind"]?.stringValue ?? ""),}"
    }

    /// As upstream names a kind in messages: `rules.example.com/v1, Kind=ReplicaLimit`.
    static func groupVersionKind(_ kind: JSONValue) -> String {
        let version = kind["apiVersion"]?.stringValue ?? ""
        return "\(version.contains("/") ? version : "/\(version)"), Kind=\(kind["kind"]?.stringValue ?? "")"
    }
}

extension Registry {
    /// The namespace that a request is in, as policies are told of it; nil for cluster-scoped objects and for
    /// namespaces themselves.
    func policyNamespace(_ attributes: AdmissionAttributes) throws(APIError) -> JSONValue? {
        if attributes.namespace.isEmpty || attributes.kind.kind == "Namespace" && attributes.kind.group.isEmpty {
            return nil
        }
        guard let cached = cache.cache(group: "", resource: "namespaces")?[ObjectKey(name: attributes.namespace)] else {
            throw .notFound("namespaces", group: "", name: attributes.namespace)
        }
        var namespace = cached.value
        namespace.updateMetadata { metadata in
            for key in ["managedFields", "ownerReferences", "selfLink"] { metadata[key] = nil }
        }
        return namespace
    }
}
