import Glibc
import KubeTypes

/// What was recommended and done of late for one autoscaler: what its windows and policies look back at.
struct ScalingHistory: Equatable {
    struct Entry: Equatable {
        /// A number of replicas, or by how many it was changed.
        var replicas: Int
        var time: Time
    }
    var recommendations: [Entry] = []
    var growths: [Entry] = []
    var shrinkings: [Entry] = []

    /// Forgets what no window reaches.
    mutating func forget(before seconds: Int, now: Time) {
        func recent(_ entries: [Entry]) -> [Entry] { entries.filter { now.since($0.time) <= Double(seconds) } }
        recommendations = recent(recommendations)
        growths = recent(growths)
        shrinkings = recent(shrinkings)
    }

    mutating func scaled(from old: Int, to new: Int, now: Time) {
        if new > old { growths.append(Entry(replicas: new - old, time: now)) }
        if new < old { shrinkings.append(Entry(replicas: old - new, time: now)) }
    }
}

/// What becomes of a recommended number of replicas: held back by windows of stabilization, then limited in its rate
/// and to the autoscaler's bounds (KEP-853).
struct ScalingLimits {
    struct Condition: Equatable {
        var type: String
        var status: Bool
        var reason: String
        var message: String
    }

    private(set) var replicas: Int
    private(set) var conditions: [Condition] = []

    /// - Parameters:
    ///   - history: Gains the recommendation.
    ///   - behavior: Nil for autoscalers that leave it to the defaults of old.
    ///   - window: For how many seconds high recommendations count where the behavior does not say.
    init(
        recommended: Int, current: Int, minimum: Int, maximum: Int, behavior: HorizontalPodAutoscalerBehavior?,
        window: Int = AutoscalerOptions().downscaleStabilizationSeconds, history: inout ScalingHistory, now: Time
    ) {
        let stabilized = Self.stabilize(recommended, current, behavior, window, history, now)
        history.recommendations.append(.init(replicas: recommended, time: now))
        let goesUp = behavior != nil && recommended >= current
        conditions.append(
            stabilized == recommended
                ? Condition(
                    type: "AbleToScale", status: true, reason: "ReadyForNewScale",
                    message: "recommended size matches current size")
                : Condition(
                    type: "AbleToScale", status: true, reason: goesUp ? "ScaleUpStabilized" : "ScaleDownStabilized",
                    message: goesUp
                        ? "recent recommendations were lower than current one, applying the lowest recent recommendation"
                        : "recent recommendations were higher than current one, applying the highest recent "
                            + "recommendation"))
        let limited =
            behavior.map { Self.limit(stabilized, current, minimum, maximum, $0, history, now) }
            ?? Self.limit(stabilized, current, minimum, maximum)
        replicas = limited.replicas
        conditions.append(
            Condition(
                type: "ScalingLimited", status: limited.replicas != stabilized, reason: limited.reason,
                message: limited.message))
    }

    private static func stabilize(
        _ recommended: Int, _ current: Int, _ behavior: HorizontalPodAutoscalerBehavior?, _ window: Int,
        _ history: ScalingHistory, _ now: Time
    ) -> Int {
        func recent(_ seconds: Int) -> [Int] {
            history.recommendations.filter { now.since($0.time) < Double(seconds) }.map(\.replicas)
        }
        let down = behavior?.scaleDown?.stabilizationWindowSeconds ?? window
        let highest = recent(down).reduce(recommended, max)
        guard let behavior else { return highest }
        let lowest = recent(behavior.scaleUp?.stabilizationWindowSeconds ?? 0).reduce(recommended, min)
        return min(max(current, lowest), highest)
    }

    private typealias Outcome = (replicas: Int, reason: String, message: String)

    private static let withinRange = ("DesiredWithinRange", "the desired count is within the acceptable range")
    private static let tooFast = (
        "ScaleUpLimit", "the desired replica count is increasing faster than the maximum scale rate"
    )
    private static let tooMany = (
        "TooManyReplicas", "the desired replica count is more than the maximum replica count"
    )
    private static let tooFew = (
        "TooFewReplicas", "the desired replica count is less than the minimum replica count"
    )

    /// Without policies the number may double, or become four.
    private static func limit(_ wanted: Int, _ current: Int, _ minimum: Int, _ maximum: Int) -> Outcome {
        let rate = max(2 * current, 4)
        if wanted < minimum { return (minimum, tooFew.0, tooFew.1) }
        let most = min(maximum, rate)
        guard wanted > most else { return (wanted, withinRange.0, withinRange.1) }
        return maximum > rate ? (most, tooFast.0, tooFast.1) : (most, tooMany.0, tooMany.1)
    }

    private static func limit(
        _ wanted: Int, _ current: Int, _ minimum: Int, _ maximum: Int, _ behavior: HorizontalPodAutoscalerBehavior,
        _ history: ScalingHistory, _ now: Time
    ) -> Outcome {
        if wanted > current {
            let rate = max(current, mostReplicas(current, behavior.scaleUp, history, now))
            let most = min(maximum, rate)
            if wanted > most {
                return maximum > rate ? (most, tooFast.0, tooFast.1) : (most, tooMany.0, tooMany.1)
            }
        } else if wanted < current {
            let rate = min(current, leastReplicas(current, behavior.scaleDown, history, now))
            let least = max(minimum, rate)
            if wanted < least {
                return minimum < rate
                    ? (
                        least, "ScaleDownLimit",
                        "the desired replica count is decreasing faster than the maximum scale rate"
                    ) : (least, tooFew.0, tooFew.1)
            }
        }
        return (wanted, withinRange.0, withinRange.1)
    }

    /// What a policy counts from: the number of replicas when its period began.
    private static func before(_ policy: HPAScalingPolicy, _ current: Int, _ history: ScalingHistory, _ now: Time)
        -> Int
    {
        func sum(_ entries: [ScalingHistory.Entry]) -> Int {
            entries.filter { now.since($0.time) < Double(policy.periodSeconds) }.reduce(0) { $0 + $1.replicas }
        }
        return current - sum(history.growths) + sum(history.shrinkings)
    }

    private static func mostReplicas(
        _ current: Int, _ rules: HPAScalingRules?, _ history: ScalingHistory, _ now: Time
    ) -> Int {
        guard let rules else { return Int(Int32.max) }
        if rules.selectPolicy == "Disabled" { return current }
        let proposals = rules.policies.map { policy in
            let before = before(policy, current, history, now)
            return policy.type == "Percent"
                ? Int(ceil(Double(before) * (1 + Double(policy.value) / 100))) : before + policy.value
        }
        return (rules.selectPolicy == "Min" ? proposals.min() : proposals.max()) ?? Int(Int32.max)
    }

    private static func leastReplicas(
        _ current: Int, _ rules: HPAScalingRules?, _ history: ScalingHistory, _ now: Time
    ) -> Int {
        guard let rules else { return 0 }
        if rules.selectPolicy == "Disabled" { return current }
        let proposals = rules.policies.map { policy in
            let before = before(policy, current, history, now)
            return policy.type == "Percent"
                ? Int(Double(before) * (1 - Double(policy.value) / 100)) : before - policy.value
        }
        // The smallest change leaves the most.
        return (rules.selectPolicy == "Min" ? proposals.max() : proposals.min()) ?? 0
    }
}
