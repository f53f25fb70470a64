import JSON

/// How much of which quota an object of one resource uses. Pure: the admission plugin charges by it before an object is
/// written, the controller counts by it what is there.
public struct QuotaEvaluator: Sendable, Hashable {
    /// Empty for the core group.
    public let group: String
    /// The plural.
    public let resource: String

    private enum Subject { case pods, services, claims, others }
    private let subject: Subject

    /// Resources whose objects nobody counts.
    private static let ignored: Set<String> = ["events", "events.events.k8s.io"]
    /// Counts that had a name before there were `count/…` names.
    private static let countAliases: Set<String> = [
        "configmaps", "resourcequotas", "replicationcontrollers", "secrets",
    ]
    private static let podNames: Set<String> = [
        "count/pods", "cpu", "memory", "ephemeral-storage", "requests.cpu", "requests.memory",
        "requests.ephemeral-storage", "limits.cpu", "limits.memory", "limits.ephemeral-storage", "pods",
    ]
    /// What every container must say if a quota counts it. Upstream calls it a mistake that is not to be repeated.
    private static let compulsory: Set<String> = [
        "cpu", "memory", "requests.cpu", "requests.memory", "limits.cpu", "limits.memory",
    ]
    private static let classSuffix = ".storageclass.storage.k8s.io/"

    /// - Returns: nil for resources that no quota counts.
    public init?(group: String, resource: String) {
        let qualified = group.isEmpty ? resource : "\(resource).\(group)"
        if Self.ignored.contains(qualified) { return nil }
        self.group = group
        self.resource = resource
        subject =
            switch qualified {
            case "pods": .pods
            case "services": .services
            case "persistentvolumeclaims": .claims
            default: .others
            }
    }

    /// `count/deployments.apps`
    public var countName: String { group.isEmpty ? "count/\(resource)" : "count/\(resource).\(group)" }

    /// The resource that a name in a quota counts objects of; nil for names that are not counted by an evaluator.
    public static func counting(_ name: String) -> QuotaEvaluator? {
        if name.hasPrefix("count/") {
            let rest = name.dropFirst("count/".count)
            guard let dot = rest.firstIndex(of: ".") else {
                return QuotaEvaluator(group: "", resource: String(rest))
            }
            return QuotaEvaluator(group: String(rest[rest.index(after: dot)...]), resource: String(rest[..<dot]))
        }
        if countAliases.contains(name) { return QuotaEvaluator(group: "", resource: name) }
        return ["pods", "services", "persistentvolumeclaims"].lazy
            .compactMap { QuotaEvaluator(group: "", resource: $0) }
            .first { !$0.matching([name]).isEmpty }
    }

    /// Those of a quota's names that this resource is counted by, in order.
    public func matching(_ names: some Sequence<String>) -> [String] { names.filter(counts).sorted() }

    private func counts(_ name: String) -> Bool {
        switch subject {
        case .pods:
            Self.podNames.contains(name) || name.hasPrefix("hugepages-") || name.hasPrefix("requests.hugepages-")
                || Self.isExtended(name)
        case .services:
            ["count/services", "services", "services.nodeports", "services.loadbalancers"].contains(name)
        case .claims:
            ["count/persistentvolumeclaims", "persistentvolumeclaims", "requests.storage"].contains(name)
                || name.hasSuffix(Self.classSuffix + "persistentvolumeclaims")
                || name.hasSuffix(Self.classSuffix + "requests.storage")
        case .others: name == countName || group.isEmpty && name == resource && Self.countAliases.contains(name)
        }
    }

    /// `requests.example.com/gpu`: resources that are nobody's but a vendor's.
    private static func isExtended(_ name: String) -> Bool {
        guard name.hasPrefix("requests."), let slash = name.firstIndex(of: "/") else { return false }
        let domain = name[..<slash].dropFirst("requests.".count)
        return domain == "deviceclass.resource.kubernetes.io"
            || !(domain == "kubernetes.io" || domain.hasSuffix(".kubernetes.io"))
    }

    /// Whether an object is one that a quota's scopes are about.
    public func matches(_ scopes: [QuotaScope], _ object: JSONValue) -> Bool {
        scopes.allSatisfy { scope in
            switch subject {
            case .pods: scope.matches(pod: object)
            case .claims: scope.matches(claim: object)
            default: false
            }
        }
    }

    /// What an object uses. A pod that has come to its end is only counted as an object.
    /// - Parameter now: decides whether a pod that is being deleted should be gone.
    public func usage(of object: JSONValue, now: Time) -> ResourceAmounts {
        let one = Quantity(1)
        switch subject {
        case .pods: return Self.usage(ofPod: object, now: now)
        case .services:
            var usage: ResourceAmounts = [
                "count/services": one, "services": one, "services.nodeports": Quantity(0),
                "services.loadbalancers": Quantity(0),
            ]
            let ports = object["spec"]?["ports"]?.arrayValue ?? []
            switch object["spec"]?["type"]?.stringValue {
            case "NodePort": usage["services.nodeports"] = Quantity(Int64(ports.count))
            case "LoadBalancer":
                let allocates = object["spec"]?["allocateLoadBalancerNodePorts"]?.boolValue ?? true
                let count = allocates ? ports.count : ports.count { $0["nodePort"]?.integerValue ?? 0 != 0 }
                usage["services.nodeports"] = Quantity(Int64(count))
                usage["services.loadbalancers"] = one
            default: break
            }
            return usage
        case .claims: return Self.usage(ofClaim: object)
        case .others:
            var usage: ResourceAmounts = [countName: one]
            if group.isEmpty, Self.countAliases.contains(resource) { usage[resource] = one }
            return usage
        }
    }

    private static func usage(ofPod pod: JSONValue, now: Time) -> ResourceAmounts {
        var usage: ResourceAmounts = ["count/pods": Quantity(1)]
        guard isCharged(pod, now: now) else { return usage }
        usage["pods"] = Quantity(1)
        let spec = pod["spec"]
        let requests = PodResources.total(.requests, of: spec, overhead: true)
        usage.merge(
            compute(requests, PodResources.total(.limits, of: spec, overhead: true))
        ) { $1 }
        return usage
    }

    /// Requests and limits under the names that quotas have for them.
    private static func compute(_ requests: ResourceAmounts, _ limits: ResourceAmounts) -> ResourceAmounts {
        var usage: ResourceAmounts = [:]
        for name in ["cpu", "memory", "ephemeral-storage"] {
            if let request = requests[name] {
                usage[name] = request
                usage["requests.\(name)"] = request
            }
            if let limit = limits[name] { usage["limits.\(name)"] = limit }
        }
        for (name, request) in requests {
            if name.hasPrefix("hugepages-") {
                usage[name] = request
                usage["requests.\(name)"] = request
            } else if isExtended("requests.\(name)") {
                usage["requests.\(name)"] = request
            }
        }
        return usage
    }

    /// Whether a pod still takes what it asks for: it has not ended, nor should it be gone by now.
    public static func isCharged(_ pod: JSONValue, now: Time) -> Bool {
        let phase = pod["status"]?["phase"]?.stringValue
        if phase == "Failed" || phase == "Succeeded" { return false }
        guard let deletion = pod["metadata"]?["deletionTimestamp"].flatMap(Time.init(field:)),
            let grace = pod["metadata"]?["deletionGracePeriodSeconds"]?.intValue
        else { return true }
        return !(deletion.adding(seconds: grace) < now)
    }

    private static func usage(ofClaim claim: JSONValue) -> ResourceAmounts {
        let one = Quantity(1)
        var usage: ResourceAmounts = ["persistentvolumeclaims": one, "count/persistentvolumeclaims": one]
        let annotated = claim["metadata"]?["annotations"]?["volume.beta.kubernetes.io/storage-class"]?.stringValue
        let storageClass = annotated ?? claim["spec"]?["storageClassName"]?.stringValue ?? ""
        if !storageClass.isEmpty { usage["\(storageClass)\(classSuffix)persistentvolumeclaims"] = one }
        guard var storage = claim["spec"]?[path: "resources", "requests", "storage"].flatMap(Quantity.init(field:))
        else { return usage }
        if let allocated = claim["status"]?[path: "allocatedResources", "storage"].flatMap(Quantity.init(field:)),
            allocated > storage
        {
            storage = allocated
        }
        // Whole bytes.
        if storage.nanos % 1_000_000_000 != 0 { storage = Quantity(storage.value, format: storage.format) }
        usage["requests.storage"] = storage
        if !storageClass.isEmpty { usage["\(storageClass)\(classSuffix)requests.storage"] = storage }
        return usage
    }

    /// What an object must say before a quota can count it: what follows `failed quota: NAME: `. Nil if it says enough.
    /// - Parameter names: the names of the quota that count this resource.
    public func constraintProblem(_ names: [String], _ object: JSONValue) -> String? {
        guard case .pods = subject else { return nil }
        let spec = object["spec"]
        let own = spec?["resources"]
        if !ResourceAmounts(resources: own?["requests"]).isEmpty || !ResourceAmounts(resources: own?["limits"]).isEmpty
        {
            return nil
        }
        var missing: [String: Set<String>] = [:]
        let required = names.filter(Self.compulsory.contains)
        for container in (spec?["containers"]?.arrayValue ?? []) + (spec?["initContainers"]?.arrayValue ?? []) {
            let said = Self.compute(
                ResourceAmounts(resources: container[path: "resources", "requests"]),
                ResourceAmounts(resources: container[path: "resources", "limits"]))
            for name in required where said[name] == nil {
                missing[name, default: []].insert(container["name"]?.stringValue ?? "")
            }
        }
        if missing.isEmpty { return nil }
        let parts = missing.sorted { $0.key < $1.key }.map { name, containers in
            "\(name) for: \(containers.sorted().joined(separator: ","))"
        }
        return "must specify \(parts.joined(separator: "; "))"
    }

    /// Whether a change of an object may change what it uses, for kinds that are charged when they change.
    public func isCharged(onUpdate object: JSONValue, old: JSONValue, subresource: String) -> Bool {
        switch (subject, subresource) {
        case (.pods, ""): QuotaScope.isTerminating(object) != QuotaScope.isTerminating(old)
        case (.pods, "resize"), (.services, ""), (.claims, ""): true
        case (.claims, "status"):
            object["status"]?["allocatedResources"] != old["status"]?["allocatedResources"]
                || object["status"]?["currentVolumeAttributesClassName"]
                    != old["status"]?["currentVolumeAttributesClassName"]
        default: false
        }
    }
}
