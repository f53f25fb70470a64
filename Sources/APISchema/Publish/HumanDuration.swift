/// Lengths of time as tables show them: two or three significant figures, `5m30s`, `3h`, `2d4h`, `1y30d`.
public enum HumanDuration {
    private static let minute = 60
    private static let hour = 3600
    private static let day = 86400
    private static let year = 365 * 86400

    /// The text of `seconds`. A little less than nothing counts as nothing, since clocks differ; more is `<invalid>`.
    public static func text(seconds: Double) -> String {
        guard seconds.isFinite, abs(seconds) < 1e15 else { return "<invalid>" }
        let whole = Int(seconds)  // toward zero, as Go converts
        switch whole {
        case ..<(-1): return "<invalid>"
        case ..<0: return "0s"
        case ..<(2 * minute): return "\(whole)s"
        case ..<(10 * minute): return pair(whole / minute, "m", whole % minute, "s")
        case ..<(3 * hour): return "\(whole / minute)m"
        case ..<(8 * hour): return pair(whole / hour, "h", whole / minute % 60, "m")
        case ..<(2 * day): return "\(whole / hour)h"
        case ..<(8 * day): return pair(whole / day, "d", whole / hour % 24, "h")
        case ..<(2 * year): return "\(whole / day)d"
        case ..<(8 * year): return pair(whole / year, "y", whole / day % 365, "d")
        default: return "\(whole / year)y"
        }
    }

    private static func pair(_ large: Int, _ largeUnit: String, _ small: Int, _ smallUnit: String) -> String {
        small == 0 ? "\(large)\(largeUnit)" : "\(large)\(largeUnit)\(small)\(smallUnit)"
    }
}
