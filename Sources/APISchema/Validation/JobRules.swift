import JSON
import KubeTypes

/// Jobs and CronJobs.
enum JobRules {
    static let newUID = "batch.kubernetes.io/controller-uid"
    static let newName = "batch.kubernetes.io/job-name"

    /// The spec of a job, and of one that a CronJob makes.
    static func spec(_ spec: JSONObject, _ v: inout Validator) {
        let isIndexed = spec[string: "completionMode"] == "Indexed"
        if spec.holds("maxFailedIndexes"), !spec.holds("backoffLimitPerIndex") {
            v.required("backoffLimitPerIndex", "when maxFailedIndexes is specified")
        }
        if let manager = spec["managedBy"]?.stringValue {
            if manager.isEmpty {
                v.required("managedBy")
            } else {
                v.invalid("managedBy", manager, Names.isDomainPrefixedPath(manager))
            }
            if manager.utf8.count > 63 { v.tooLong("managedBy", limit: 63) }
        }
        if isIndexed {
            indexed(spec, &v)
        } else {
            for field in ["backoffLimitPerIndex", "maxFailedIndexes"] {
                if let value = spec[field], !value.isNull {
                    v.invalid(field, value, "requires indexed completion mode")
                }
            }
        }
        failurePolicy(spec, &v)
        if case .object(let policy)? = spec["successPolicy"] {
            if isIndexed {
                v.at("successPolicy") { v in successPolicy(policy, spec, &v) }
            } else {
                v.invalid("successPolicy", .object(policy), "requires indexed completion mode")
            }
        }
        if spec.holds("podFailurePolicy"), let policy = spec["podReplacementPolicy"], policy != "Failed" {
            v.unsupported("podReplacementPolicy", policy, ["Failed"])
        }
        restartPolicy(spec, &v)
        guard v.rootMessage == "batch/v1.Job", case .object(let selector)? = spec["selector"] else { return }
        let labels = spec["template"]?[path: "metadata", "labels"]?.objectValue ?? JSONObject()
        if !WorkloadRules.matches(.object(selector), labels, isPlain: false) {
            v.invalid("template.metadata.labels", .object(labels), "`selector` does not match template `labels`")
        }
    }

    private static func restartPolicy(_ spec: JSONObject, _ v: inout Validator) {
        guard let policy = spec["template"]?[path: "spec", "restartPolicy"] else { return }
        if policy == "Always" {
            v.required("template.spec.restartPolicy", "valid values: \"OnFailure\", \"Never\"")
        } else if policy != "OnFailure", policy != "Never" {
            v.unsupported("template.spec.restartPolicy", policy, ["OnFailure", "Never"])
        } else if spec.holds("podFailurePolicy"), policy != "Never" {
            v.invalid(
                "template.spec.restartPolicy", policy, "only \"Never\" is supported when podFailurePolicy is specified")
        }
    }

    private static func indexed(_ spec: JSONObject, _ v: inout Validator) {
        let completions = spec["completions"]?.integerValue
        let parallelism = spec["parallelism"]?.integerValue ?? 0
        let failed = spec["maxFailedIndexes"]?.integerValue
        if completions == nil { v.required("completions", "when completion mode is Indexed") }
        if parallelism > 100_000 {
            v.invalid(
                "parallelism", .integer(parallelism),
                "must be less than or equal to 100000 when completion mode is Indexed")
        }
        if let failed, let completions, failed > completions {
            v.invalid("maxFailedIndexes", .integer(failed), "must be less than or equal to completions")
        }
        if let failed, failed > 100_000 {
            v.invalid("maxFailedIndexes", .integer(failed), "must be less than or equal to 100000")
        }
        guard let completions, completions > 100_000, spec.holds("backoffLimitPerIndex") else { return }
        let why =
            "must be less than or equal to 10000 when completions are above 100000 and used with backoff limit per index"
        if failed == nil { v.required("maxFailedIndexes", "must be specified when completions is above 100000") }
        if parallelism > 10_000 { v.invalid("parallelism", .integer(parallelism), why) }
        if let failed, failed > 10_000 { v.invalid("maxFailedIndexes", .integer(failed), why) }
    }

    // MARK: Policies

    private static func failurePolicy(_ spec: JSONObject, _ v: inout Validator) {
        guard case .object(let policy)? = spec["podFailurePolicy"] else { return }
        let pod = spec["template"]?["spec"]?.objectValue ?? JSONObject()
        let names = (pod[array: "containers"] + pod[array: "initContainers"]).map { $0["name"]?.stringValue ?? "" }
        v.at("podFailurePolicy") { v in
            let count = policy[array: "rules"].count
            if count > 20 { v.tooMany("rules", count: count, limit: 20) }
            v.elements("rules", of: policy) { _, rule, v in
                let actions = ["Count", "FailIndex", "FailJob", "Ignore"]
                let action = rule[string: "action"]
                if action.isEmpty {
                    v.required("action", "valid values: [\(actions.map { "\"\($0)\"" }.joined(separator: " "))]")
                } else if action == "FailIndex" {
                    if !spec.holds("backoffLimitPerIndex") {
                        v.invalid("action", action, "requires the backoffLimitPerIndex to be set")
                    }
                } else if !actions.contains(action) {
                    v.unsupported("action", .string(action), actions)
                }
                let conditions = rule[array: "onPodConditions"]
                if case .object(let codes)? = rule["onExitCodes"] {
                    v.at("onExitCodes") { v in exitCodes(codes, names, &v) }
                    if !conditions.isEmpty {
                        v.report(
                            .invalid(
                                v.path(), "specifying both OnExitCodes and OnPodConditions is not supported"))
                    }
                } else if conditions.isEmpty {
                    v.report(
                        .invalid(v.path(), "specifying one of OnExitCodes and OnPodConditions is required"))
                }
                if conditions.count > 20 { v.tooMany("onPodConditions", count: conditions.count, limit: 20) }
                v.elements("onPodConditions", of: rule) { _, pattern, v in
                    let type = pattern[string: "type"]
                    v.invalid("type", type, Names.isQualifiedName(type))
                    v.requiredOneOf(
                        "status", pattern, ["False", "True", "Unknown"],
                        detail: "valid values: [\"False\" \"True\" \"Unknown\"]")
                }
            }
        }
    }

    private static func exitCodes(_ codes: JSONObject, _ containers: [String], _ v: inout Validator) {
        v.requiredOneOf("operator", codes, ["In", "NotIn"], detail: "valid values: [\"In\" \"NotIn\"]")
        if let name = codes["containerName"]?.stringValue, !containers.contains(name) {
            v.invalid(
                "containerName", name, "must be one of the container or initContainer names in the pod template")
        }
        let values = codes[array: "values"]
        if values.isEmpty {
            v.invalid("values", .array([]), "at least one value is required")
        } else if values.count > 255 {
            v.tooMany("values", count: values.count, limit: 255)
        }
        var seen: Set<Int64> = []
        var last = Int64.min
        var isOrdered = true
        for (index, value) in values.enumerated() {
            let code = value.integerValue ?? 0
            if code == 0, codes[string: "operator"] == "In" {
                v.invalid("values[\(index)]", value, "must not be 0 for the In operator")
            }
            if !seen.insert(code).inserted { v.duplicate("values[\(index)]", value) }
            if code < last { isOrdered = false }
            last = code
        }
        if !isOrdered { v.invalid("values", .array(values), "must be ordered") }
    }

    private static func successPolicy(_ policy: JSONObject, _ spec: JSONObject, _ v: inout Validator) {
        let completions = spec[integer: "completions"]
        let count = policy[array: "rules"].count
        if count == 0 {
            v.required("rules", "at least one rules must be specified when the successPolicy is specified")
        } else if count > 20 {
            v.tooMany("rules", count: count, limit: 20)
        }
        v.elements("rules", of: policy) { _, rule, v in
            let indexes = rule["succeededIndexes"]?.stringValue
            let count = rule["succeededCount"]?.integerValue
            if indexes == nil, count == nil {
                v.required("", "at least one of succeededCount or succeededIndexes must be specified")
            }
            var total: Int64 = 0
            if let indexes {
                if indexes.utf8.count > 64 << 10 { v.tooLong("succeededIndexes", limit: 64 << 10) }
                do throws(IndexProblem) {
                    total = try Self.total(of: indexes, below: completions)
                } catch {
                    v.invalid("succeededIndexes", indexes, "error parsing succeededIndexes: \(error.text)")
                }
            }
            guard let count else { return }
            v.nonNegative(["succeededCount"], rule)
            if count > completions {
                v.invalid(
                    "succeededCount", .integer(count),
                    "must be less than or equal to \(completions) (the number of specified completions)")
            }
            if indexes != nil, count > total {
                v.invalid(
                    "succeededCount", .integer(count),
                    "must be less than or equal to \(total) (the number of indexes in the specified succeededIndexes "
                        + "field)")
            }
        }
    }

    // MARK: Lists of indexes

    struct IndexProblem: Error { let text: String }

    /// The intervals of a text such as `1,3-5,7`, in order and below the number of completions.
    static func intervals(of text: String, below completions: Int64) throws(IndexProblem) -> [ClosedRange<Int64>] {
        if text.isEmpty { return [] }
        var intervals: [ClosedRange<Int64>] = []
        for part in text.split(separator: ",", omittingEmptySubsequences: false) {
            let ends = part.split(separator: "-", omittingEmptySubsequences: false).map(String.init)
            if ends.count > 2 {
                throw IndexProblem(
                    text:
                        "the fragment \"\(part)\" violates the requirement that an index interval can have at most two "
                        + "parts separated by '-'")
            }
            var numbers: [Int64] = []
            for end in ends {
                guard let number = Int64(end) else {
                    throw IndexProblem(text: "cannot convert string to integer for index: \"\(end)\"")
                }
                if number >= completions { throw IndexProblem(text: "too large index: \"\(end)\"") }
                numbers.append(number)
            }
            let (low, high) = (numbers[0], numbers[numbers.count - 1])
            if numbers.count == 2, low >= high {
                throw IndexProblem(text: "non-increasing order, previous: \(low), current: \(high)")
            }
            if let last = intervals.last?.upperBound, last >= low {
                throw IndexProblem(text: "non-increasing order, previous: \(last), current: \(low)")
            }
            intervals.append(low...high)
        }
        return intervals
    }

    private static func total(of text: String, below completions: Int64) throws(IndexProblem) -> Int64 {
        try intervals(of: text, below: completions).reduce(0) { $0 + Int64($1.count) }
    }

    // MARK: New and changed jobs

    static func create(_ job: JSONObject, _ v: inout Validator) {
        let spec = job[object: "spec"]
        let metadata = job[object: "metadata"]
        if !spec.holds("selector") { v.required("spec.selector") }
        if !spec[flag: "manualSelector"], case .object(let selector)? = spec["selector"] {
            let labels = spec["template"]?[path: "metadata", "labels"]?.objectValue ?? JSONObject()
            let (uid, name) = (metadata[string: "uid"], metadata[string: "name"])
            let expected = [("controller-uid", uid), ("job-name", name), (newUID, uid), (newName, name)]
            for (key, value) in expected {
                let path = "spec.template.metadata.labels[\(key)]"
                guard let actual = labels[key]?.stringValue else {
                    v.required(path, "must be '\(value)'")
                    continue
                }
                if actual != value { v.invalid(path, .object(labels), "must be '\(value)'") }
            }
            let own = JSONObject(expected.map { (key: $0.0, value: JSONValue.string($0.1)) })
            if !WorkloadRules.matches(.object(selector), own, isPlain: false) {
                v.invalid("spec.selector", .object(selector), "`selector` not auto-generated")
            }
        }
        if spec[string: "completionMode"] == "Indexed", spec[integer: "completions"] > 0 {
            let host = "\(metadata[string: "name"])-\(spec[integer: "completions"] - 1)"
            if !Names.isDNS1123Label(host).isEmpty {
                v.invalid(
                    "metadata.name", metadata[string: "name"],
                    "will not able to create pod with invalid DNS label: \(host)")
            }
        }
    }

    static func update(_ job: JSONObject, _ old: JSONObject, _ v: inout Validator) {
        let spec = job[object: "spec"]
        let before = old[object: "spec"]
        v.at("spec") { v in
            if spec[string: "completionMode"] != "Indexed" {
                v.immutable("completions", spec["completions"], before["completions"])
            } else if let completions = spec["completions"], completions != before["completions"],
                completions != spec["parallelism"]
            {
                v.invalid("completions", completions, "can only be modified in tandem with spec.parallelism")
            }
            v.immutable("selector", spec["selector"], before["selector"])
            template(old, spec, before, &v)
            for field in [
                "completionMode", "podFailurePolicy", "backoffLimitPerIndex", "managedBy", "successPolicy",
            ] { v.immutable(field, spec[field], before[field]) }
        }
    }

    /// While a job is suspended and has not run, where its pods may go can be changed, and what they need.
    private static func template(
        _ old: JSONObject, _ spec: JSONObject, _ before: JSONObject, _ v: inout Validator
    ) {
        let template = spec["template"] ?? .null
        var allowed = before["template"] ?? .null
        let wasSuspended = before[flag: "suspend"]
        let isIdle =
            old["status"]?["startTime"]?.isNull ?? true
            || (old["status"]?["conditions"]?.arrayValue ?? []).contains {
                $0["type"]?.stringValue == "Suspended" && $0["status"]?.stringValue == "True"
            }
        if wasSuspended, isIdle {
            for field in ["nodeSelector", "tolerations", "schedulingGates"] {
                keep(field, of: "spec", from: template, &allowed)
            }
            for field in ["annotations", "labels"] { keep(field, of: "metadata", from: template, &allowed) }
            var affinity = allowed["spec"]?["affinity"]?.objectValue ?? JSONObject()
            affinity["nodeAffinity"] = template["spec"]?["affinity"]?["nodeAffinity"]
            var pod = allowed["spec"] ?? [:]
            pod["affinity"] = .object(affinity)
            allowed["spec"] = pod
            for list in ["containers", "initContainers"] { keepResources(list, from: template, &allowed) }
        }
        if wasSuspended, isIdle {
            v.immutable("template.spec", template["spec"], allowed["spec"])
        } else {
            v.immutable("template", template, allowed)
        }
    }

    private static func keep(_ field: String, of part: String, from new: JSONValue, _ allowed: inout JSONValue) {
        var object = allowed[part] ?? [:]
        object[field] = new[part]?[field]
        allowed[part] = object
    }

    private static func keepResources(_ list: String, from new: JSONValue, _ allowed: inout JSONValue) {
        guard case .array(var containers)? = allowed["spec"]?[list],
            case .array(let now)? = new["spec"]?[list], now.count == containers.count
        else { return }
        for index in containers.indices where containers[index]["name"] == now[index]["name"] {
            containers[index]["resources"] = now[index]["resources"]
        }
        var spec = allowed["spec"] ?? [:]
        spec[list] = .array(containers)
        allowed["spec"] = spec
    }

    // MARK: CronJobs

    static func cronJob(_ spec: JSONObject, _ v: inout Validator) {
        let schedule = spec[string: "schedule"]
        if !schedule.isEmpty {
            do throws(CronSchedule.Problem) {
                _ = try CronSchedule(schedule)
            } catch {
                v.invalid("schedule", schedule, error.description)
            }
        }
        guard case .object(let job)? = spec["jobTemplate"]?["spec"] else { return }
        if let selector = job["selector"], !selector.isNull {
            v.invalid("jobTemplate.spec.selector", selector, "`selector` will be auto-generated")
        }
        if job[flag: "manualSelector"] {
            v.unsupported("jobTemplate.spec.manualSelector", .bool(true), ["nil", "false"])
        }
    }

    static func createCronJob(_ job: JSONObject, _ v: inout Validator) {
        let spec = job[object: "spec"]
        scheduleZone(spec, mayHaveZone: false, &v)
        timeZone(spec, &v)
        let name = job["metadata"]?["name"]?.stringValue ?? ""
        if name.utf8.count > 52 { v.invalid("metadata.name", name, "must be no more than 52 characters") }
    }

    static func updateCronJob(_ job: JSONObject, _ old: JSONObject, _ v: inout Validator) {
        let spec = job[object: "spec"]
        let before = old[object: "spec"]
        scheduleZone(spec, mayHaveZone: before[string: "schedule"].contains("TZ"), &v)
        if spec["timeZone"] != before["timeZone"] { timeZone(spec, &v) }
    }

    private static func scheduleZone(_ spec: JSONObject, mayHaveZone: Bool, _ v: inout Validator) {
        let schedule = spec[string: "schedule"]
        guard schedule.contains("TZ") else { return }
        if !mayHaveZone {
            v.invalid(
                "spec.schedule", schedule, "cannot use TZ or CRON_TZ in schedule, use timeZone field instead")
        } else if spec.holds("timeZone") {
            v.invalid("spec.schedule", schedule, "cannot use both timeZone field and TZ or CRON_TZ in schedule")
        }
    }

    private static func timeZone(_ spec: JSONObject, _ v: inout Validator) {
        guard let zone = spec["timeZone"]?.stringValue else { return }
        if zone.isEmpty { return v.invalid("spec.timeZone", zone, "timeZone must be nil or non-empty string") }
        let isRight = zone.split(separator: "/", omittingEmptySubsequences: false).allSatisfy { part in
            (1...14).contains(part.utf8.count) && part != "." && part != ".." && !part.hasPrefix("-")
                && part.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || ".-_+".contains($0)) }
        }
        if !isRight { return v.invalid("spec.timeZone", zone, "unknown time zone \(zone)") }
        if zone.lowercased() == "local" {
            v.invalid(
                "spec.timeZone", zone,
                "timeZone must be an explicit time zone as defined in https://www.iana.org/time-zones")
        } else if TimeZones.isUnknown(zone) {
            v.invalid("spec.timeZone", zone, "unknown time zone \(zone)")
        }
    }
}
