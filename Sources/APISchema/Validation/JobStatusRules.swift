import JSON
import KubeTypes

/// The status of jobs: an end is an end, and the counts fit it.
enum JobStatusRules {
    static func status(_ job: JSONObject, _ old: JSONObject, _ v: inout Validator) {
        let status = job[object: "status"]
        let before = old[object: "status"]
        let spec = job[object: "spec"]
        v.at("status") { v in
            v.nonNegative(["active", "succeeded", "failed", "ready", "terminating"], status)
            uncounted(status, &v)
            ends(status, spec, before, &v)
            counts(status, before, &v)
            times(status, before, spec, &v)
            indexes(status, spec, before, &v)
        }
    }

    private static func isTrue(_ type: String, _ status: JSONObject) -> Bool {
        status[array: "conditions"].contains {
            $0["type"]?.stringValue == type && $0["status"]?.stringValue == "True"
        }
    }

    private static func uncounted(_ status: JSONObject, _ v: inout Validator) {
        v.inside("uncountedTerminatedPods", of: status) { pods, v in
            var seen: Set<String> = []
            for list in ["succeeded", "failed"] {
                v.strings(list, of: pods) { uid, v in
                    if uid.isEmpty {
                        v.invalid("", uid, "must not be empty")
                    } else if !seen.insert(uid).inserted {
                        v.duplicate("", uid)
                    }
                }
            }
        }
    }

    private static func ends(_ status: JSONObject, _ spec: JSONObject, _ before: JSONObject, _ v: inout Validator) {
        let (complete, failed) = (isTrue("Complete", status), isTrue("Failed", status))
        let (failing, succeeding) = (isTrue("FailureTarget", status), isTrue("SuccessCriteriaMet", status))
        func wrong(_ detail: String) { v.report(.invalid(v.path(to: "conditions"), detail)) }
        if complete, failed { wrong("cannot set Complete=True and Failed=true conditions") }
        if complete, failing { wrong("cannot set Complete=True and FailureTarget=true conditions") }
        if failed, !failing, !isTrue("Failed", before) {
            wrong("cannot set Failed=True condition without the FailureTarget=true condition")
        }
        if complete, !succeeding, !isTrue("Complete", before) {
            wrong("cannot set Complete=True condition without the SuccessCriteriaMet=true condition")
        }
        if succeeding, failed { wrong("cannot set SuccessCriteriaMet=True and Failed=true conditions") }
        if succeeding, failing { wrong("cannot set SuccessCriteriaMet=True and FailureTarget=true conditions") }
        for type in ["Failed", "Complete", "FailureTarget"] where isTrue(type, before) && !isTrue(type, status) {
            wrong("cannot disable the terminal \(type)=True condition")
        }
        if isTrue("SuccessCriteriaMet", before), !succeeding {
            wrong("cannot disable the SuccessCriteriaMet=True condition")
        }
    }

    private static func counts(_ status: JSONObject, _ before: JSONObject, _ v: inout Validator) {
        let isFinished = isTrue("Complete", status) || isTrue("Failed", status)
        let wasFinished = isTrue("Complete", before) || isTrue("Failed", before)
        for field in ["failed", "succeeded"] where status[integer: field] < before[integer: field] {
            v.invalid(field, .integer(status[integer: field]), "cannot decrease the \(field) counter")
        }
        if isFinished, !wasFinished {
            for field in ["active", "terminating"] where status[integer: field] > 0 {
                v.invalid(field, .integer(status[integer: field]), "\(field)>0 is invalid for finished job")
            }
            let pods = status[object: "uncountedTerminatedPods"]
            if !pods[array: "failed"].isEmpty || !pods[array: "succeeded"].isEmpty {
                v.invalid("uncountedTerminatedPods", .object(pods), "must be empty for finished job")
            }
        }
        if status[integer: "ready"] > status[integer: "active"], status["ready"] != before["ready"] {
            v.invalid("ready", .integer(status[integer: "ready"]), "cannot set more ready pods than active")
        }
    }

    private static func times(
        _ status: JSONObject, _ before: JSONObject, _ spec: JSONObject, _ v: inout Validator
    ) {
        let isComplete = isTrue("Complete", status)
        let isFinished = isComplete || isTrue("Failed", status)
        let start = status["startTime"].flatMap(Time.init(field:))
        let end = status["completionTime"].flatMap(Time.init(field:))
        let value = status["completionTime"] ?? .null
        if end != nil, !isComplete {
            v.invalid("completionTime", value, "cannot set completionTime when there is no Complete=True condition")
        }
        if end == nil, isComplete { v.required("completionTime", "completionTime is required for Complete jobs") }
        if start == nil, isFinished { v.required("startTime", "startTime is required for finished job") }
        if let start, let end, end < start {
            v.invalid("completionTime", value, "must be equal to or after `startTime`")
        }
        if let was = before["completionTime"], !was.isNull, end != nil, was != value {
            v.invalid("completionTime", value, "field is immutable")
        }
        if let was = before["startTime"], !was.isNull, was != status["startTime"], !spec[flag: "suspend"] {
            v.invalid(
                "startTime", status["startTime"] ?? .null, "field is immutable for unsuspended job once set")
        }
    }

    private static func indexes(
        _ status: JSONObject, _ spec: JSONObject, _ before: JSONObject, _ v: inout Validator
    ) {
        let completed = status[string: "completedIndexes"]
        let failed = status["failedIndexes"]?.stringValue
        if !completed.isEmpty, spec[string: "completionMode"] != "Indexed" {
            v.invalid(
                "completedIndexes", completed,
                "cannot set non-empty completedIndexes when non-indexed completion mode")
        }
        if let failed, !spec.holds("backoffLimitPerIndex") {
            v.invalid(
                "failedIndexes", failed, "cannot set non-null failedIndexes when backoffLimitPerIndex is null")
        }
        guard let completions = spec["completions"]?.integerValue,
            status["completedIndexes"] != before["completedIndexes"]
                || status["failedIndexes"] != before["failedIndexes"]
        else { return }
        func read(_ field: String, _ text: String) -> [ClosedRange<Int64>] {
            do throws(JobRules.IndexProblem) {
                return try JobRules.intervals(of: text, below: completions)
            } catch {
                v.invalid(field, text, "error parsing \(field): \(error.text)")
                return []
            }
        }
        let done = read("completedIndexes", completed)
        guard let failed, spec.holds("backoffLimitPerIndex") else { return }
        let lost = read("failedIndexes", failed)
        // Both are in order: one pass finds the first that is in both.
        var position = 0
        for interval in lost {
            while position < done.count, done[position].upperBound < interval.lowerBound { position += 1 }
            guard position < done.count, done[position].overlaps(interval) else { continue }
            let index = max(done[position].lowerBound, interval.lowerBound)
            return v.invalid(
                "failedIndexes", failed, "failedIndexes and completedIndexes overlap at index: \(index)")
        }
    }
}
