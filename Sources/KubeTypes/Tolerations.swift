// Which taints a toleration covers: see *Taints and Tolerations* in the Kubernetes documentation.

extension Toleration {
    public func tolerates(_ taint: Taint) -> Bool {
        if let effect, !effect.isEmpty, effect != taint.effect { return false }
        if let key, !key.isEmpty, key != taint.key { return false }
        switch self.operator ?? "" {
        case "", "Equal": return (key ?? "") == taint.key && (value ?? "") == (taint.value ?? "")
        case "Exists": return true
        case "Gt": return amounts(taint).map { $0 > $1 } ?? false
        case "Lt": return amounts(taint).map { $0 < $1 } ?? false
        default: return false
        }
    }

    /// The taint's value and this one's as numbers (KEP-5471).
    private func amounts(_ taint: Taint) -> (Int64, Int64)? {
        guard let left = taint.value.flatMap({ Int64($0) }), let right = value.flatMap({ Int64($0) }) else {
            return nil
        }
        return (left, right)
    }
}
