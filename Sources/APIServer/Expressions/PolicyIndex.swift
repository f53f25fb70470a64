// The policies and bindings of a server, compiled again whenever one of these changes.

import JSON
import KubeTypes
import Synchronization

/// A binding of either kind of policy.
struct PolicyBinding: Sendable {
    let name: String
    let policyName: String
    let paramReference: JSONValue?
    let matcher: PolicyMatcher
    /// `Deny`, `Warn`, `Audit`.
    let actions: [String]

    init(_ binding: JSONValue) {
        let spec = binding["spec"] ?? [:]
        name = binding.name
        policyName = spec["policyName"]?.stringValue ?? ""
        paramReference = spec["paramRef"]
        matcher = PolicyMatcher(spec["matchResources"])
        actions = spec["validationActions"]?.strings ?? []
    }
}

/// Policies that are bound, by name, and their bindings, by name.
final class PolicyIndex<Policy: CompiledPolicy>: Sendable {
    typealias Bound = (policy: Policy, bindings: [PolicyBinding])

    private struct State: Sendable {
        var policyRevision: Int64 = -1
        var bindingRevision: Int64 = -1
        var policies: [(name: String, policy: Policy)] = []
        var bound: [Bound] = []
    }

    private static var group: String { "admissionregistration.k8s.io" }
    private let policies: String
    private let bindings: String
    private let compile: @Sendable (JSONValue) -> Policy
    private let state = Mutex(State())

    init(policies: String, bindings: String, compile: @escaping @Sendable (JSONValue) -> Policy) {
        self.policies = policies
        self.bindings = bindings
        self.compile = compile
    }

    /// Whether a request may be one of some policy's.
    func concerns(_ attributes: AdmissionAttributes, _ registry: Registry) -> Bool {
        let bound = bound(registry)
        if bound.isEmpty || AdmissionMatching.isExempt(attributes) { return false }
        return bound.contains { $0.policy.matcher.mayMatch(attributes, registry) }
    }

    func bound(_ registry: Registry) -> [Bound] {
        guard let policyCache = registry.cache.cache(group: Self.group, resource: policies),
            let bindingCache = registry.cache.cache(group: Self.group, resource: bindings)
        else { return [] }
        let (policyRevision, bindingRevision) = (policyCache.revision, bindingCache.revision)
        let known = state.withLock { state in
            state.policyRevision == policyRevision && state.bindingRevision == bindingRevision ? state.bound : nil
        }
        if let known { return known }
        // Policies are compiled only when they have changed: bindings come and go more often.
        var next = state.withLock { $0 }
        let (objects, revision) = policyCache.snapshot
        if next.policyRevision != revision {
            next.policyRevision = revision
            next.policies = objects.all.sorted { $0.key.name < $1.key.name }.map { ($0.key.name, compile($0.value)) }
        }
        let (bindingObjects, newBindingRevision) = bindingCache.snapshot
        next.bindingRevision = newBindingRevision
        let all = bindingObjects.all.sorted { $0.key.name < $1.key.name }.map { PolicyBinding($0.value) }
        next.bound = next.policies.compactMap { name, policy in
            let own = all.filter { $0.policyName == name }
            return own.isEmpty ? nil : (policy, own)
        }
        let result = next
        state.withLock { $0 = result }
        return result.bound
    }
}
