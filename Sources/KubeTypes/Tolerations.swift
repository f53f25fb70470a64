/// Whether a toleration covers a taint: see *Taints and Tolerations* in the Kubernetes documentation.
public enum TolerationMatch {
    /// The fields of either as the API has them; what is missing is empty.
    /// - Parameters:
    ///   - operator: Empty counts as `Equal`; `Gt` and `Lt` compare the taint's value with the toleration's as numbers
    ///     (KEP-5471).
    public static func covers(
        key: String, operator: String, value: String, effect: String,
        taintKey: String, taintValue: String, taintEffect: String
    ) -> Bool {
        guard effect.isEmpty || effect == taintEffect, key.isEmpty || key == taintKey else { return false }
        switch `operator` {
        // Without a key, only `Exists` is valid.
        case "", "Equal": return key == taintKey && value == taintValue
        case "Exists": return true
        case "Gt", "Lt":
            guard let taint = Int64(taintValue), let own = Int64(value) else { return false }
            return `operator` == "Gt" ? taint > own : taint < own
        default: return false
        }
    }
}

extension Toleration {
    public func tolerates(_ taint: Taint) -> Bool {
        TolerationMatch.covers(
            key: key ?? "", operator: `operator` ?? "", value: value ?? "", effect: effect ?? "",
            taintKey: taint.key, taintValue: taint.value ?? "", taintEffect: taint.effect)
    }
}
