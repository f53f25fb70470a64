// What a pod says about other pods near it, and the sets of pods that are counted for it.
import KubeTypes

/// The namespaces that a term looks at.
enum NamespaceSet: Sendable, Hashable {
    case all
    case one(String)
    case some(Set<String>)

    func contains(_ namespace: String) -> Bool {
        switch self {
        case .all: true
        case .one(let name): name == namespace
        case .some(let names): names.contains(namespace)
        }
    }
}

/// One term of pod affinity or anti-affinity: see *Inter-pod affinity and anti-affinity* in the documentation.
struct AffinityTerm: Sendable, Hashable {
    let namespaces: Set<String>
    /// Namespaces by their labels, beside those named; nil for none.
    let namespaceSelector: LabelMatcher?
    let selector: LabelMatcher
    let topologyKey: String

    init(_ term: PodAffinityTerm, namespace: String, labels: [String: String]) {
        var names = Set(term.namespaces)
        namespaceSelector = term.namespaceSelector.map { LabelMatcher($0) }
        if names.isEmpty, namespaceSelector == nil { names = [namespace] }
        namespaces = names
        var selector = LabelMatcher(term.labelSelector)
        // The API server puts these into the selector as well; once more changes nothing.
        for key in term.matchLabelKeys {
            if let value = labels[key] { selector.requirements.append(.in(key: key, values: [value])) }
        }
        for key in term.mismatchLabelKeys {
            if let value = labels[key] { selector.requirements.append(.notIn(key: key, values: [value])) }
        }
        self.selector = selector
        topologyKey = term.topologyKey
    }

    /// Whether a pod that is to come is one the term means.
    func matches(_ pod: PodInfo, namespaceLabels: [String: String]) -> Bool {
        guard
            namespaces.contains(pod.key.namespace) || namespaceSelector.map({ $0.matches(namespaceLabels) }) ?? false
        else { return false }
        return selector.matches(pod.labels)
    }

    /// The namespaces that the term means now, of those there are.
    func resolve(_ all: [String: [String: String]]) -> NamespaceSet {
        guard let namespaceSelector else {
            return namespaces.count == 1 ? .one(namespaces.first ?? "") : .some(namespaces)
        }
        if namespaceSelector.requirements.isEmpty { return .all }
        var names = namespaces
        for (name, labels) in all where namespaceSelector.matches(labels) { names.insert(name) }
        return .some(names)
    }
}

/// All that a pod says about pods near it.
struct PodAffinityTerms: Sendable {
    var required: [AffinityTerm] = []
    var requiredAnti: [AffinityTerm] = []
    /// With weights from 1 to 100; those of anti-affinity are negative.
    var preferred: [(term: AffinityTerm, weight: Int)] = []

    var isEmpty: Bool { required.isEmpty && requiredAnti.isEmpty && preferred.isEmpty }

    init(_ affinity: Affinity?, namespace: String, labels: [String: String]) {
        guard let affinity else { return }
        func term(_ term: PodAffinityTerm) -> AffinityTerm { .init(term, namespace: namespace, labels: labels) }
        if let near = affinity.podAffinity {
            required = near.requiredDuringSchedulingIgnoredDuringExecution.map(term)
            for weighted in near.preferredDuringSchedulingIgnoredDuringExecution {
                guard let own = weighted.podAffinityTerm else { continue }
                preferred.append((term(own), weighted.weight))
            }
        }
        if let away = affinity.podAntiAffinity {
            requiredAnti = away.requiredDuringSchedulingIgnoredDuringExecution.map(term)
            for weighted in away.preferredDuringSchedulingIgnoredDuringExecution {
                guard let own = weighted.podAffinityTerm else { continue }
                preferred.append((term(own), -weighted.weight))
            }
        }
    }
}

/// A set of pods that is counted by node, because a pod is to be placed near or away from them.
struct PodSet: Sendable, Hashable {
    struct Condition: Sendable, Hashable {
        let namespaces: NamespaceSet
        let selector: LabelMatcher
    }

    /// Pods that meet all of these.
    var conditions: [Condition] = []
    /// The pods of one ReplicaSet, ReplicationController or StatefulSet, by its uid: what its selector selects.
    var owner: String?
    /// Spreading does not count pods that are on their way out; affinity does.
    var countsTerminating = true

    static func spread(_ selector: LabelMatcher, namespace: String) -> PodSet {
        PodSet(conditions: [.init(namespaces: .one(namespace), selector: selector)], countsTerminating: false)
    }

    static func owned(by owner: String, namespace: String) -> PodSet {
        PodSet(
            conditions: [.init(namespaces: .one(namespace), selector: LabelMatcher([]))], owner: owner,
            countsTerminating: false)
    }

    func contains(_ pod: PodInfo) -> Bool {
        if pod.isFinished || (pod.isBeingDeleted && !countsTerminating) { return false }
        if let owner, pod.owner != owner { return false }
        return conditions.allSatisfy {
            $0.namespaces.contains(pod.key.namespace) && $0.selector.matches(pod.labels)
        }
    }

    /// The one namespace whose pods can be in the set, if it is one.
    var namespace: String? {
        for condition in conditions {
            if case .one(let name) = condition.namespaces { return name }
        }
        return nil
    }
}
