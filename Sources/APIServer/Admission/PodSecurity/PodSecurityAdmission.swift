// Pod Security: pods are refused, controllers' templates warned about, by what the namespace's labels ask for.

import JSON
import KubeTypes

struct PodSecurityAdmission: AdmissionPlugin {
    private static let ignoredSubresources: Set<String> = [
        "exec", "attach", "binding", "eviction", "log", "portforward", "proxy", "status",
    ]
    /// How many pods a namespace's new level is tried on.
    private static let checkedPods = 3000

    func handles(_ attributes: AdmissionAttributes) -> Bool {
        guard attributes.operation == .create || attributes.operation == .update else { return false }
        let plural = attributes.storage.plural
        switch attributes.storage.group {
        case "":
            if plural == "pods" { return !Self.ignoredSubresources.contains(attributes.subresource) }
            return attributes.subresource.isEmpty
                && ["namespaces", "replicationcontrollers", "podtemplates"].contains(plural)
        case "apps":
            return attributes.subresource.isEmpty
                && ["deployments", "replicasets", "statefulsets", "daemonsets"].contains(plural)
        case "batch": return attributes.subresource.isEmpty && ["jobs", "cronjobs"].contains(plural)
        default: return false
        }
    }

    func validate(_ attributes: AdmissionAttributes, _ registry: Registry) throws(APIError) {
        if attributes.concerns("", "namespaces") { return try validateNamespace(attributes, registry) }
        guard
            let namespace = registry.cache.cache(group: "", resource: "namespaces")?[
                ObjectKey(name: attributes.namespace)]?.value
        else { return }
        var errors: [FieldError] = []
        let policy = PodSecurityPolicy(labels: namespace["metadata"]?["labels"]?.stringMap ?? [:], errors: &errors)
        let isPod = attributes.storage.plural == "pods"
        if errors.isEmpty, policy.isFullyPrivileged {
            if isPod { attributes.note("enforce-policy", "privileged:latest") }
            return
        }
        if isPod {
            guard let pod = attributes.object, let spec = pod["spec"] else { return }
            if attributes.operation == .update, let old = attributes.oldObject, !Self.isSignificant(pod, old) { return }
            try evaluate(
                PodSecurityPod(metadata: pod["metadata"], spec: spec), policy, errors, attributes, enforces: true)
        } else {
            guard let template = Self.template(of: attributes), let spec = template["spec"] else { return }
            try evaluate(
                PodSecurityPod(metadata: template["metadata"], spec: spec), policy, errors, attributes, enforces: false)
        }
    }

    private static func template(of attributes: AdmissionAttributes) -> JSONValue? {
        switch attributes.storage.plural {
        case "podtemplates": attributes.object?["template"]
        case "cronjobs": attributes.object?[path: "spec", "jobTemplate", "spec", "template"]
        default: attributes.object?[path: "spec", "template"]
        }
    }

    /// Whether an update may run something else than before.
    private static func isSignificant(_ pod: JSONValue, _ old: JSONValue) -> Bool {
        for list in ["containers", "initContainers"] {
            let new = pod[path: "spec", list]?.arrayValue ?? []
            let before = old[path: "spec", list]?.arrayValue ?? []
            if new.count != before.count || zip(new, before).contains(where: { $0["image"] != $1["image"] }) {
                return true
            }
        }
        let before = old[path: "spec", "ephemeralContainers"]?.arrayValue ?? []
        return (pod[path: "spec", "ephemeralContainers"]?.arrayValue ?? []).contains { container in
            !before.contains { $0["name"] == container["name"] && $0["image"] == container["image"] }
        }
    }

    private func evaluate(
        _ pod: PodSecurityPod, _ policy: PodSecurityPolicy, _ errors: [FieldError], _ attributes: AdmissionAttributes,
        enforces: Bool
    ) throws(APIError) {
        if !errors.isEmpty {
            let texts = errors.map { "\($0.path): \($0.message)" }
            let list = texts.count == 1 ? texts[0] : "[\(texts.joined(separator: ", "))]"
            attributes.note("error", "Failed to parse policy: \(list)")
        }
        if enforces { attributes.note("enforce-policy", policy.enforce.description) }
        let audited = PodSecurityStandards.violations(of: policy.audit, pod)
        if !audited.isEmpty {
            attributes.note(
                "audit-violations",
                "would violate PodSecurity \"\(policy.audit)\": \(PodSecurityStandards.details(audited))")
        }
        if enforces {
            let violations = PodSecurityStandards.violations(of: policy.enforce, pod)
            if !violations.isEmpty {
                throw attributes.forbidden(
                    "violates PodSecurity \"\(policy.enforce)\": \(PodSecurityStandards.details(violations))")
            }
        }
        let warned = PodSecurityStandards.violations(of: policy.warn, pod)
        if !warned.isEmpty {
            attributes.warnings.add(
                "would violate PodSecurity \"\(policy.warn)\": \(PodSecurityStandards.details(warned))")
        }
    }

    // MARK: Namespaces

    private func validateNamespace(_ attributes: AdmissionAttributes, _ registry: Registry) throws(APIError) {
        var errors: [FieldError] = []
        let new = PodSecurityPolicy(
            labels: attributes.object?["metadata"]?["labels"]?.stringMap ?? [:], errors: &errors)
        var oldErrors: [FieldError] = []
        let old = PodSecurityPolicy(
            labels: attributes.oldObject?["metadata"]?["labels"]?.stringMap ?? [:], errors: &oldErrors)
        if !errors.isEmpty, attributes.operation == .create || errors != oldErrors {
            throw .invalid(kind: "Namespace", group: "", name: attributes.name, errors)
        }
        guard attributes.operation == .update, new.enforce != old.enforce, new.enforce.level != .privileged,
            !(new.enforce.minor == old.enforce.minor && new.enforce.level <= old.enforce.level)
        else { return }
        warnAboutPods(of: attributes.name, new.enforce, attributes, registry)
    }

    /// Tells whoever makes a namespace stricter which of its pods would not be let in any more.
    private func warnAboutPods(
        of namespace: String, _ standard: PodSecurityStandard, _ attributes: AdmissionAttributes, _ registry: Registry
    ) {
        let pods =
            registry.cache.cache(group: "", resource: "pods")?.snapshot.objects.objects(namespace: namespace) ?? []
        // One pod of each controller first: the others are most likely alike.
        var first: [JSONValue] = []
        var others: [JSONValue] = []
        var controllers: Set<String> = []
        for pod in pods {
            let owners = pod.value.metadata?[array: "ownerReferences"] ?? []
            let controller = owners.first { $0["controller"]?.boolValue == true }?["uid"]?.stringValue
            if let controller, !controllers.insert(controller).inserted {
                others.append(pod.value)
            } else {
                first.append(pod.value)
            }
        }
        var found: [String: (name: String, count: Int)] = [:]
        for pod in (first + others).prefix(Self.checkedPods) {
            let violations = PodSecurityStandards.violations(
                of: standard, PodSecurityPod(metadata: pod["metadata"], spec: pod["spec"] ?? [:]))
            if violations.isEmpty { continue }
            let reasons = violations.map(\.reason).joined(separator: ", ")
            let before = found[reasons] ?? (pod.name, 0)
            found[reasons] = (min(before.name, pod.name), before.count + 1)
        }
        if pods.count > Self.checkedPods {
            attributes.warnings.add(
                "new PodSecurity enforce level only checked against the first \(Self.checkedPods) of \(pods.count) "
                    + "existing pods")
        }
        if found.isEmpty { return }
        attributes.warnings.add(
            "existing pods in namespace \"\(namespace)\" violate the new PodSecurity enforce level \"\(standard)\"")
        let texts = found.map { reasons, pods in
            switch pods.count {
            case 1: "\(pods.name): \(reasons)"
            case 2: "\(pods.name) (and 1 other pod): \(reasons)"
            default: "\(pods.name) (and \(pods.count - 1) other pods): \(reasons)"
            }
        }
        for text in texts.sorted() { attributes.warnings.add(text) }
    }
}

extension AdmissionAttributes {
    /// An annotation of Pod Security for the audit log.
    fileprivate func note(_ key: String, _ value: String) { audit.add("pod-security.kubernetes.io/\(key)", value) }
}
