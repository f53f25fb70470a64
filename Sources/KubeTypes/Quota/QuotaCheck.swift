import JSON

/// Whether a quota lets an object be written, and what it has used afterwards.
public enum QuotaCheck {
    public enum Outcome: Sendable, Hashable {
        /// The quota does not count the object, or not differently from before.
        case unconcerned
        /// The write fits: this is used by then.
        case fits(used: ResourceAmounts)
        /// Why not, in upstream's words.
        case refused(String)
    }

    /// - Parameters:
    ///   - quota: the ResourceQuota; its status says what is counted and used.
    ///   - old: what the object was, for an update.
    public static func check(
        _ quota: JSONValue, _ evaluator: QuotaEvaluator, _ object: JSONValue, old: JSONValue?, now: Time
    ) -> Outcome {
        let name = quota["metadata"]?["name"]?.stringValue ?? ""
        let hard = ResourceAmounts(resources: quota["status"]?["hard"])
        let used = ResourceAmounts(resources: quota["status"]?["used"])
        let scopes = QuotaScope.all(of: quota["spec"])
        let counted = evaluator.matching(hard.keys)
        guard !counted.isEmpty, evaluator.matches(scopes, object) else { return .unconcerned }
        if let problem = evaluator.constraintProblem(counted, object) {
            return .refused("failed quota: \(name): \(problem)")
        }
        if counted.contains(where: { used[$0] == nil }) {
            return .refused("status unknown for quota: \(name), resources: \(counted.joined(separator: ","))")
        }
        var delta = evaluator.usage(of: object, now: now)
        let negative = delta.filter { $0.value.nanos < 0 }.keys.sorted()
        if !negative.isEmpty {
            return .refused("quota usage is negative for resource(s): \(negative.joined(separator: ","))")
        }
        if let old, evaluator.matches(scopes, old) {
            for (name, before) in evaluator.usage(of: old, now: now) {
                let more = (delta[name] ?? Quantity(0)) - before
                delta[name] = more.nanos > 0 ? more : Quantity(0)
            }
        }
        let requested = delta.filter { $0.value.nanos != 0 && hard[$0.key] != nil }
        if requested.isEmpty { return .unconcerned }
        let after = used + requested
        let exceeded = requested.keys.filter { name in
            guard let limit = hard[name], let sum = after[name] else { return false }
            return sum > limit
        }
        if exceeded.isEmpty { return .fits(used: after) }
        return .refused(
            "exceeded quota: \(name), requested: \(requested.masked(by: exceeded).listing), "
                + "used: \(used.masked(by: exceeded).listing), limited: \(hard.masked(by: exceeded).listing)")
    }
}
