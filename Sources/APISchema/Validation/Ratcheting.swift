import JSON
import KubeTypes

/// What an update may leave wrong because it was wrong before, by kind: faults that older versions let in, and that
/// nobody could be asked to mend by the way. A row names the errors and on what condition they are forgotten; all other
/// errors stand, as they do upstream (`PodValidationOptions` and the options of its other kinds; KEP-4858 for addresses).
struct RatchetRule: Sendable {
    enum Condition: Sendable {
        /// The old object had such an error, wherever.
        case hadOne
        /// The old object had an error at such a path.
        case had(PathPattern)
        /// The value that is refused was in the old object at one of these paths.
        case held([[String]])
        /// What is at these paths is what it was.
        case unchanged([[String]])
        /// Updates cannot change it.
        case always
    }

    let path: PathPattern
    /// Of which the message has one; empty for any.
    let texts: [String]
    let condition: Condition

    init(_ path: String, _ condition: Condition, texts: [String] = []) {
        self.path = PathPattern(path)
        self.condition = condition
        self.texts = texts
    }

    func covers(_ error: FieldError) -> Bool {
        path.matches(error.path) && (texts.isEmpty || texts.contains { error.message.contains($0) })
    }
}

/// A path of fields in which `*` stands for anything.
struct PathPattern: Sendable {
    private let parts: [Substring]

    init(_ text: String) { parts = Substring(text).split(separator: "*", omittingEmptySubsequences: false) }

    func matches(_ path: String) -> Bool {
        guard let first = parts.first, let last = parts.last, path.hasPrefix(first) else { return false }
        if parts.count == 1 { return path == first }
        var rest = path.dropFirst(first.count)
        for part in parts.dropFirst().dropLast() where !part.isEmpty {
            guard let range = rest.range(of: part) else { return false }
            rest = rest[range.upperBound...]
        }
        return rest.hasSuffix(last)
    }
}

enum Ratcheting {
    /// The rows of a kind by the name of its message.
    static func rules(of message: String) -> [RatchetRule] { byMessage[message] ?? [] }

    private static let labelValue = [": must be no more than 63", ": a valid label must be"]

    private static func labelValues(_ path: String) -> RatchetRule {
        RatchetRule("\(path)*", .hadOne, texts: labelValue)
    }

    /// Of everything that has a pod in it; `prefix` is where its spec is.
    private static func pod(_ prefix: String) -> [RatchetRule] {
        [
            labelValues("\(prefix).affinity.podAffinity."), labelValues("\(prefix).affinity.podAntiAffinity."),
            labelValues("\(prefix).affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution"),
            RatchetRule("\(prefix).topologySpreadConstraints[*].labelSelector*", .hadOne),
            RatchetRule("\(prefix).topologySpreadConstraints[*].matchLabelKeys*", .hadOne),
            RatchetRule(
                "\(prefix).topologySpreadConstraints[*]*", .hadOne,
                texts: ["exists in both matchLabelKeys and labelSelector"]),
            RatchetRule("\(prefix).volumes[*].projected.sources[*].serviceAccountToken.path", .hadOne),
            RatchetRule("\(prefix).volumes[*].projected.path", .hadOne, texts: ["must be a relative path", "'..'"]),
            RatchetRule("\(prefix).securityContext.sysctls[*].name", .hadOne, texts: ["may not be specified when"]),
            RatchetRule("\(prefix).*ontainers[*].resources*", .hadOne, texts: ["integer multiple of"]),
            RatchetRule("\(prefix).resources*", .hadOne, texts: ["integer multiple of"]),
            RatchetRule("\(prefix).*ontainers[*].volumeDevices", .hadOne, texts: ["`hostUsers` is false"]),
            RatchetRule("\(prefix).initContainers[*].restartPolicyRules*", .hadOne, texts: ["RestartAllContainers"]),
        ]
    }

    private static let deletionCost = "annotations[controller.kubernetes.io/pod-deletion-cost]"

    private static let template =
        pod("spec.template.spec") + [RatchetRule("spec.template.metadata.\(deletionCost)", .hadOne)]

    private static let webhooks = [
        labelValues("webhooks[*].namespaceSelector"), labelValues("webhooks[*].objectSelector"),
        RatchetRule("webhooks[*].sideEffects", .hadOne), RatchetRule("webhooks[*].admissionReviewVersions*", .hadOne),
        RatchetRule("webhooks[*].name", .hadOne, texts: ["Duplicate value"]),
        RatchetRule("webhooks[*].matchConditions*", .unchanged([["webhooks", "*", "matchConditions"]])),
    ]

    private static let policy = [
        RatchetRule("spec.matchConditions*", .unchanged([["spec", "paramKind"], ["spec", "matchConditions"]]))
    ]

    private static let byMessage: [String: [RatchetRule]] = [
        "core/v1.Pod": pod("spec") + [
            RatchetRule("metadata.\(deletionCost)", .hadOne),
            RatchetRule("status.podIPs*", .held([["status", "podIPs", "*", "ip"]])),
            RatchetRule("status.hostIPs*", .held([["status", "hostIPs", "*", "ip"]])),
        ],
        "core/v1.PodTemplate": pod("template.spec") + [
            RatchetRule("template.metadata.\(deletionCost)", .hadOne)
        ],
        "core/v1.ReplicationController": template,
        "apps/v1.ReplicaSet": template,
        "apps/v1.Deployment": template,
        "apps/v1.DaemonSet": template + [labelValues("spec.selector")],
        "apps/v1.StatefulSet": template + [
            RatchetRule("spec.serviceName", .always), RatchetRule("spec.volumeClaimTemplates*", .always),
            RatchetRule("spec.template*", .had(PathPattern("spec.*"))),
        ],
        "batch/v1.Job": template + [labelValues("spec.selector")],
        "batch/v1.CronJob": pod("spec.jobTemplate.spec.template.spec") + [
            labelValues("spec.jobTemplate.spec.selector"),
            RatchetRule("spec.timeZone", .unchanged([["spec", "timeZone"]])),
        ],
        "core/v1.Service": [
            RatchetRule("spec.externalIPs[*]", .held([["spec", "externalIPs", "*"]])),
            RatchetRule("spec.clusterIPs[*]", .held([["spec", "clusterIPs", "*"]])),
            RatchetRule("spec.LoadBalancerSourceRanges*", .held([["spec", "loadBalancerSourceRanges", "*"]])),
            RatchetRule(
                "metadata.annotations[service.beta.kubernetes.io/load-balancer-source-ranges]",
                .unchanged([["metadata", "annotations", "service.beta.kubernetes.io/load-balancer-source-ranges"]])),
            RatchetRule(
                "status.loadBalancer.ingress[*].ip", .held([["status", "loadBalancer", "ingress", "*", "ip"]])),
        ],
        "core/v1.Endpoints": [RatchetRule("subsets*", .unchanged([["subsets"]]))],
        "discovery/v1.EndpointSlice": [RatchetRule("endpoints*", .unchanged([["endpoints"]]))],
        "core/v1.PersistentVolume": [labelValues("spec.nodeAffinity.required")],
        "core/v1.PersistentVolumeClaim": [
            RatchetRule("spec.selector*", .hadOne), RatchetRule("spec.dataSource.apiGroup", .hadOne),
            RatchetRule("spec.dataSourceRef.apiGroup", .hadOne),
        ],
        "networking/v1.Ingress": [
            RatchetRule("spec.tls[*].secretName", .hadOne),
            RatchetRule(
                "status.loadBalancer.ingress[*].ip", .held([["status", "loadBalancer", "ingress", "*", "ip"]])),
        ],
        "networking/v1.NetworkPolicy": [
            labelValues("spec."),
            RatchetRule(
                "spec.*ipBlock*",
                .held(
                    [("ingress", "from"), ("egress", "to")].flatMap { direction, peers in
                        [
                            ["spec", direction, "*", peers, "*", "ipBlock", "cidr"],
                            ["spec", direction, "*", peers, "*", "ipBlock", "except", "*"],
                        ]
                    }),
                texts: ["CIDR", "leading 0s", "IPv4-mapped", "bits set"]),
        ],
        "policy/v1.PodDisruptionBudget": [labelValues("spec.selector")],
        "rbac/v1.ClusterRole": [labelValues("aggregationRule.clusterRoleSelectors")],
        "storage/v1.CSIStorageCapacity": [labelValues("nodeTopology")],
        "autoscaling/v2.HorizontalPodAutoscaler": [
            RatchetRule("spec.minReplicas", .hadOne, texts: ["greater than or equal to 1"]),
            RatchetRule(
                "spec.scaleTargetRef.apiVersion",
                .unchanged([["spec", "scaleTargetRef", "apiVersion"], ["spec", "scaleTargetRef", "kind"]])),
            RatchetRule("spec.metrics[*].object.describedObject.apiVersion", .hadOne),
        ],
        "admissionregistration/v1.ValidatingWebhookConfiguration": webhooks,
        "admissionregistration/v1.MutatingWebhookConfiguration": webhooks,
        "admissionregistration/v1.ValidatingAdmissionPolicy": policy,
        "admissionregistration/v1.MutatingAdmissionPolicy": policy,
    ]

    /// The values at the end of a path, in which `*` stands for every element.
    static func values(at path: ArraySlice<String>, in value: JSONValue?) -> [JSONValue] {
        guard let value else { return [] }
        guard let step = path.first else { return [value] }
        let rest = path.dropFirst()
        if step != "*" { return values(at: rest, in: value[step]) }
        guard case .array(let elements) = value else { return [] }
        // An element without the rest of the path counts, or elements could change places unseen.
        return elements.flatMap { element -> [JSONValue] in
            let found = values(at: rest, in: element)
            return found.isEmpty ? [.null] : found
        }
    }
}

extension Schema {
    /// The errors of a change that are left when those are forgotten that upstream lets stay.
    /// - Parameters:
    ///   - errors: what is wrong with `new`.
    ///   - ofOld: what the same checks say about `old`; asked for only if it matters.
    public func withoutOldFaults(
        _ errors: [FieldError], _ new: JSONValue, replacing old: JSONValue, of resource: ResourceType,
        ofOld: () -> [FieldError]
    ) -> [FieldError] {
        if errors.isEmpty { return errors }
        let rules = Ratcheting.rules(of: resource.message.name)
        if rules.isEmpty { return errors }
        var oldErrors: [FieldError]?
        func had(_ condition: (FieldError) -> Bool) -> Bool {
            if oldErrors == nil { oldErrors = ofOld() }
            return oldErrors?.contains(where: condition) ?? false
        }
        return errors.filter { error in
            !rules.contains { rule in
                guard rule.covers(error) else { return false }
                switch rule.condition {
                case .always: return true
                case .hadOne: return had(rule.covers)
                case .had(let path): return had { path.matches($0.path) }
                case .held(let paths):
                    return paths.contains { path in
                        Ratcheting.values(at: path[...], in: old).contains {
                            error.message.hasPrefix("Invalid value: \(JSONWriter.text(of: $0)): ")
                        }
                    }
                case .unchanged(let paths):
                    return paths.allSatisfy {
                        Ratcheting.values(at: $0[...], in: old) == Ratcheting.values(at: $0[...], in: new)
                    }
                }
            }
        }
    }
}
