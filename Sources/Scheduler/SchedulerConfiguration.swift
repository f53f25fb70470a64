import JSON
import KubeTypes

/// What is wrong with a scheduler configuration, by field.
public struct SchedulerConfigurationError: Error, Sendable, CustomStringConvertible {
    public let description: String
    init(_ description: String) { self.description = description }
}

/// The file of `--scheduler-config`: upstream's `KubeSchedulerConfiguration` of `kubescheduler.config.k8s.io/v1`.
///
/// Plugins are those that kube-scheduler ships with. What is about its process (client connection, leader election,
/// addresses, profiling) is read past: there is no such process here.
public struct SchedulerConfiguration: Sendable {
    var profiles = [Profile()]
    var initialBackoff = Duration.seconds(1)
    var maximumBackoff = Duration.seconds(10)

    /// One profile with upstream's defaults.
    public init() {}

    /// - Throws: with the field that is wrong, and why.
    public init(yaml: String) throws(SchedulerConfigurationError) {
        let document: JSONValue
        do throws(YAMLError) {
            document = try YAML.parseOne(Array(yaml.utf8), limits: .init(bytes: 1 << 20, depth: 32))
        } catch {
            throw SchedulerConfigurationError("the scheduler configuration is no YAML: \(error)")
        }
        guard document["kind"]?.stringValue == "KubeSchedulerConfiguration",
            document["apiVersion"]?.stringValue == "kubescheduler.config.k8s.io/v1"
        else {
            throw SchedulerConfigurationError(
                "the scheduler configuration must be a KubeSchedulerConfiguration of kubescheduler.config.k8s.io/v1")
        }
        if !(document["extenders"]?.arrayValue ?? []).isEmpty {
            throw SchedulerConfigurationError("extenders: not implemented: filters and scores are those built in")
        }
        let fields = Fields(document, "")
        let initial = try fields.integer("podInitialBackoffSeconds", in: 1...86_400) ?? 1
        let maximum = try fields.integer("podMaxBackoffSeconds", in: 1...86_400) ?? 10
        guard maximum >= initial else {
            throw SchedulerConfigurationError(
                "podMaxBackoffSeconds: Invalid value: \(maximum): must be greater than or equal to "
                    + "PodInitialBackoffSeconds")
        }
        initialBackoff = .seconds(initial)
        maximumBackoff = .seconds(maximum)
        let percentage = try fields.integer("percentageOfNodesToScore", in: 0...100) ?? 0
        let entries = document["profiles"]?.arrayValue ?? []
        if entries.isEmpty {
            profiles[0].percentageOfNodesToScore = percentage
            return
        }
        profiles = []
        for (index, entry) in entries.enumerated() {
            let path = "profiles[\(index)]"
            let profile = try ProfileReader.read(
                Fields(entry, path + "."), isOnly: entries.count == 1, percentage: percentage)
            guard !profiles.contains(where: { $0.name == profile.name }) else {
                throw SchedulerConfigurationError("\(path).schedulerName: Duplicate value: \"\(profile.name)\"")
            }
            profiles.append(profile)
        }
    }
}

/// The fields of an object in the file, read with the path they are at.
struct Fields {
    let json: JSONValue
    let path: String

    init(_ json: JSONValue, _ path: String) {
        self.json = json
        self.path = path
    }

    func integer(
        _ name: String, in range: ClosedRange<Int>
    ) throws(SchedulerConfigurationError) -> Int? {
        guard let value = json[name], value != .null else { return nil }
        guard let number = value.intValue.map({ Int($0) }), range.contains(number) else {
            throw invalid(name, value, "not in valid range [\(range.lowerBound)-\(range.upperBound)]")
        }
        return number
    }

    func string(_ name: String) -> String? { json[name]?.stringValue }

    func list(_ name: String) -> [Fields] {
        (json[name]?.arrayValue ?? []).enumerated().map { Fields($1, "\(path)\(name)[\($0)].") }
    }

    func invalid(_ name: String, _ value: JSONValue, _ why: String) -> SchedulerConfigurationError {
        SchedulerConfigurationError("\(path)\(name): Invalid value: \(JSONWriter.text(of: value)): \(why)")
    }
}

/// Reads one profile: which plugins it has, and their arguments.
enum ProfileReader {
    /// Every plugin of kube-scheduler, whether it filters, scores or does something else.
    private static let known: Set<String> =
        Set(Plugin.allCases.map(\.rawValue)).union(ScorePlugin.allCases.map(\.rawValue)).union([
            "PrioritySort", "SchedulingGates", "DefaultPreemption", "DefaultBinder", "NodeDeclaredFeatures",
        ])

    static func read(
        _ fields: Fields, isOnly: Bool, percentage: Int
    ) throws(SchedulerConfigurationError) -> Profile {
        var profile = Profile()
        guard let name = fields.string("schedulerName") ?? (isOnly ? profile.name : nil), !name.isEmpty else {
            throw SchedulerConfigurationError("\(fields.path)schedulerName: Required value")
        }
        profile.name = name
        profile.percentageOfNodesToScore =
            try fields.integer("percentageOfNodesToScore", in: 0...100) ?? percentage
        if let plugins = fields.json["plugins"], plugins != .null {
            try readPlugins(Fields(plugins, fields.path + "plugins."), &profile)
        }
        var seen: Set<String> = []
        for entry in fields.list("pluginConfig") {
            guard let plugin = entry.string("name"), !plugin.isEmpty else {
                throw SchedulerConfigurationError("\(entry.path)name: Required value")
            }
            guard seen.insert(plugin).inserted else {
                throw SchedulerConfigurationError("\(entry.path)name: Duplicate value: \"\(plugin)\"")
            }
            guard known.contains(plugin) else {
                throw SchedulerConfigurationError("\(entry.path)name: Invalid value: \"\(plugin)\": no such plugin")
            }
            if let arguments = entry.json["args"], arguments != .null {
                try readArguments(of: plugin, Fields(arguments, entry.path + "args."), &profile)
            }
        }
        return profile
    }

    // MARK: Plugins

    private static let points = [
        "preEnqueue", "queueSort", "preFilter", "filter", "postFilter", "preScore", "score", "reserve", "permit",
        "preBind", "bind", "postBind",
    ]

    private static func readPlugins(_ fields: Fields, _ profile: inout Profile) throws(SchedulerConfigurationError) {
        func names(_ point: String, _ list: String) throws(SchedulerConfigurationError) -> [(String, Int64?)] {
            let set = Fields(fields.json[point] ?? [:], "\(fields.path)\(point).")
            var names: [(String, Int64?)] = []
            for entry in set.list(list) {
                let name = entry.string("name") ?? ""
                guard known.contains(name) || (name == "*" && list == "disabled") else {
                    throw SchedulerConfigurationError("\(entry.path)name: Invalid value: \"\(name)\": no such plugin")
                }
                let weight = try entry.integer("weight", in: 0...Int(Int32.max))
                names.append((name, weight.map { $0 == 0 ? 1 : Int64($0) }))
            }
            return names
        }
        let everywhere = "multiPoint"
        for (name, _) in try names(everywhere, "disabled") {
            disableFilter(name, &profile)
            disableScore(name, &profile)
            if name == "*" || name == "DefaultPreemption" { profile.preempts = false }
        }
        for (name, weight) in try names(everywhere, "enabled") {
            if let plugin = Plugin(rawValue: name) { profile.filters.insert(plugin) }
            if let plugin = ScorePlugin(rawValue: name) { profile.weights[plugin] = weight ?? 1 }
            if name == "DefaultPreemption" { profile.preempts = true }
        }
        for point in points {
            let disabled = try names(point, "disabled")
            let enabled = try names(point, "enabled")
            switch point {
            case "filter":
                for (name, _) in disabled { disableFilter(name, &profile) }
                for (name, _) in enabled {
                    if let plugin = Plugin(rawValue: name) { profile.filters.insert(plugin) }
                }
            case "score":
                for (name, _) in disabled { disableScore(name, &profile) }
                for (name, weight) in enabled {
                    if let plugin = ScorePlugin(rawValue: name) { profile.weights[plugin] = weight ?? 1 }
                }
            case "postFilter":
                if disabled.contains(where: { $0.0 == "*" || $0.0 == "DefaultPreemption" }) { profile.preempts = false }
                if enabled.contains(where: { $0.0 == "DefaultPreemption" }) { profile.preempts = true }
            default: break
            }
        }
    }

    private static func disableFilter(_ name: String, _ profile: inout Profile) {
        if name == "*" {
            profile.filters = []
        } else if let plugin = Plugin(rawValue: name) {
            profile.filters.remove(plugin)
        }
    }

    private static func disableScore(_ name: String, _ profile: inout Profile) {
        if name == "*" {
            profile.weights = [:]
        } else if let plugin = ScorePlugin(rawValue: name) {
            profile.weights[plugin] = nil
        }
    }

    // MARK: Arguments

    private static func readArguments(
        of plugin: String, _ fields: Fields, _ profile: inout Profile
    ) throws(SchedulerConfigurationError) {
        switch plugin {
        case "NodeResourcesFit": try readFit(fields, &profile)
        case "NodeResourcesBalancedAllocation":
            let names = fields.list("resources").compactMap { $0.string("name") }
            if !names.isEmpty { profile.balanced = names }
        case "InterPodAffinity":
            profile.hardPodAffinityWeight = try fields.integer("hardPodAffinityWeight", in: 0...100) ?? 1
            profile.ignoresPreferredTermsOfExistingPods =
                fields.json["ignorePreferredTermsOfExistingPods"]?.boolValue ?? false
        case "NodeAffinity":
            let affinity: NodeAffinity? = fields.json["addedAffinity"].flatMap { NodeAffinity(field: $0) }
            profile.addedAffinity = NodeRequirement(
                nodeSelector: [:], required: affinity?.requiredDuringSchedulingIgnoredDuringExecution)
            profile.addedPreferred = (affinity?.preferredDuringSchedulingIgnoredDuringExecution ?? []).compactMap {
                preferred in
                preferred.preference.flatMap(NodeTerm.init).map { .init(weight: preferred.weight, term: $0) }
            }
        case "PodTopologySpread": try readSpread(fields, &profile)
        case "DefaultPreemption":
            profile.minCandidateNodesPercentage =
                try fields.integer("minCandidateNodesPercentage", in: 0...100) ?? 10
            profile.minCandidateNodesAbsolute =
                try fields.integer("minCandidateNodesAbsolute", in: 0...Int(Int32.max)) ?? 100
            if profile.minCandidateNodesPercentage == 0, profile.minCandidateNodesAbsolute == 0 {
                throw SchedulerConfigurationError(
                    "\(fields.path)minCandidateNodesPercentage: Invalid value: 0: cannot be zero together with "
                        + "minCandidateNodesAbsolute")
            }
        case "VolumeBinding":
            let seconds = try fields.integer("bindTimeoutSeconds", in: 0...Int(Int32.max)) ?? 600
            profile.bindTimeout = .seconds(seconds)
        case "DynamicResources":
            // How long a search may take is counted in steps here, not by a clock.
            if let text = fields.string("bindingTimeout") {
                guard let nanoseconds = GoDuration.nanoseconds(text), nanoseconds >= 1_000_000_000 else {
                    throw fields.invalid(
                        "bindingTimeout", .string(text), "must be a duration of at least one second")
                }
                profile.deviceBindingTimeout = nanoseconds / 1_000_000_000
            }
        default: break
        }
    }

    private static func readFit(_ fields: Fields, _ profile: inout Profile) throws(SchedulerConfigurationError) {
        func strings(_ name: String) -> Set<String> {
            Set((fields.json[name]?.arrayValue ?? []).compactMap(\.stringValue))
        }
        profile.ignoredResources = strings("ignoredResources")
        profile.ignoredResourceGroups = strings("ignoredResourceGroups")
        guard let json = fields.json["scoringStrategy"], json != .null else { return }
        let strategy = Fields(json, fields.path + "scoringStrategy.")
        switch strategy.string("type") ?? "LeastAllocated" {
        case "LeastAllocated": profile.fit.kind = .leastAllocated
        case "MostAllocated": profile.fit.kind = .mostAllocated
        case "RequestedToCapacityRatio": profile.fit.kind = .requestedToCapacityRatio
        case let other:
            throw SchedulerConfigurationError(
                "\(strategy.path)type: Unsupported value: \"\(other)\": supported values: \"LeastAllocated\", "
                    + "\"MostAllocated\", \"RequestedToCapacityRatio\"")
        }
        var resources: [FitStrategy.Weighted] = []
        for entry in strategy.list("resources") {
            guard let name = entry.string("name"), !name.isEmpty else {
                throw SchedulerConfigurationError("\(entry.path)name: Required value")
            }
            let weight = try entry.integer("weight", in: 0...100) ?? 0
            resources.append(.init(name: name, weight: weight == 0 ? 1 : Int64(weight)))
        }
        if !resources.isEmpty { profile.fit.resources = resources }
        guard profile.fit.kind == .requestedToCapacityRatio else { return }
        let ratio = Fields(json["requestedToCapacityRatio"] ?? [:], strategy.path + "requestedToCapacityRatio.")
        for point in ratio.list("shape") {
            let utilization = try point.integer("utilization", in: 0...100) ?? 0
            let score = try point.integer("score", in: 0...10) ?? 0
            if let last = profile.fit.shape.last, last.utilization >= Int64(utilization) {
                throw SchedulerConfigurationError(
                    "\(point.path)utilization: Invalid value: \(utilization): utilization values must be sorted in "
                        + "increasing order")
            }
            profile.fit.shape.append(.init(utilization: Int64(utilization), score: Int64(score) * 10))
        }
        if profile.fit.shape.isEmpty {
            throw SchedulerConfigurationError(
                "\(ratio.path)shape: Required value: at least one point must be specified")
        }
    }

    private static func readSpread(_ fields: Fields, _ profile: inout Profile) throws(SchedulerConfigurationError) {
        let constraints = fields.list("defaultConstraints")
        switch fields.string("defaultingType") ?? "System" {
        case "System":
            if !constraints.isEmpty {
                throw SchedulerConfigurationError(
                    "\(fields.path)defaultingType: Invalid value: \"System\": when .defaultConstraints are not empty")
            }
            profile.defaultSpread = nil
        case "List":
            var list: [SpreadConstraint.DefaultConstraint] = []
            for entry in constraints {
                let skew = try entry.integer("maxSkew", in: 1...Int(Int32.max)) ?? 0
                guard skew > 0 else {
                    throw SchedulerConfigurationError(
                        "\(entry.path)maxSkew: Invalid value: 0: not in valid range (0, inf)")
                }
                guard let key = entry.string("topologyKey"), !key.isEmpty else {
                    throw SchedulerConfigurationError("\(entry.path)topologyKey: can not be empty")
                }
                if let selector = entry.json["labelSelector"], selector != .null {
                    throw SchedulerConfigurationError(
                        "\(entry.path)labelSelector: Forbidden: constraint must not define a selector, as they deduced "
                            + "for each pod")
                }
                let action = entry.string("whenUnsatisfiable") ?? ""
                guard action == "DoNotSchedule" || action == "ScheduleAnyway" else {
                    throw SchedulerConfigurationError(
                        "\(entry.path)whenUnsatisfiable: Unsupported value: \"\(action)\": supported values: "
                            + "\"DoNotSchedule\", \"ScheduleAnyway\"")
                }
                list.append(.init(maxSkew: skew, topologyKey: key, isHard: action == "DoNotSchedule"))
            }
            profile.defaultSpread = list
        case let other:
            throw SchedulerConfigurationError(
                "\(fields.path)defaultingType: Unsupported value: \"\(other)\": supported values: \"List\", \"System\"")
        }
    }
}
