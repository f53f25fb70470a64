import JSON
import KubeTypes

/// What an autoscaler makes of its target's size and of what its metrics say, computed from these and its history
/// alone.
struct AutoscalerPlan {
    /// What one metric says.
    enum Measured {
        /// - Parameter name: The metric, as conditions and events call it.
        case proposal(replicas: Int, name: String, MetricStatus)
        /// - Parameters:
        ///   - reason: `FailedGetResourceMetric` …
        ///   - cause: What is wrong.
        ///   - metric: Which metric it is, to be put before the cause.
        case failure(reason: String, cause: String, metric: String)
    }

    /// What is to be done before anything is measured.
    enum Bounds: Equatable {
        case measure
        /// Nobody wants a target of no replicas to be scaled.
        case disabled
        case outside(desired: Int, reason: String)
    }

    static func bounds(_ autoscaler: HorizontalPodAutoscaler, current: Int) -> Bounds {
        if current == 0 { return .disabled }
        if current > autoscaler.spec.maxReplicas {
            return .outside(
                desired: autoscaler.spec.maxReplicas, reason: "Current number of replicas above Spec.MaxReplicas")
        }
        if current < autoscaler.minimum {
            return .outside(
                desired: autoscaler.minimum, reason: "Current number of replicas below Spec.MinReplicas")
        }
        return .measure
    }

    private(set) var status: HorizontalPodAutoscalerStatus
    /// The size that the target is to have.
    private(set) var desired: Int
    private(set) var reason = ""
    /// Why metrics could not be used, if so; nothing is scaled if none could, or if the others speak for fewer replicas.
    private(set) var problem: String?
    private(set) var isBlocked = false
    private let current: Int

    var rescales: Bool { !isBlocked && desired != current }

    /// - Parameters:
    ///   - measured: Each metric's, in the order of the spec; empty where `bounds` has decided.
    ///   - window: As `ScalingLimits` has it.
    ///   - history: Gains the recommendation.
    init(
        _ autoscaler: HorizontalPodAutoscaler, current: Int, bounds: Bounds, measured: [Measured],
        window: Int = AutoscalerOptions().downscaleStabilizationSeconds, history: inout ScalingHistory, now: Time
    ) {
        self.current = current
        desired = current
        status = autoscaler.status
        status.currentReplicas = current
        status.set(
            "AbleToScale", "True", "SucceededGetScale",
            "the HPA controller was able to get the target's current scale", now)
        status.conditions = status.conditions.filter { $0.type != "ScaledToZero" }
        if history.recommendations.isEmpty {
            history.recommendations.append(.init(replicas: current, time: now))
        }
        switch bounds {
        case .disabled:
            status.set(
                "ScalingActive", "False", "ScalingDisabled",
                "scaling is disabled since the replica count of the target is zero", now)
        case .outside(let wanted, let why):
            desired = wanted
            reason = why
        case .measure:
            combine(measured, now)
            if !isBlocked { limit(autoscaler, window, &history, now) }
        }
        if bounds != .measure { status.currentMetrics = [] }
        if !isBlocked { status.desiredReplicas = desired }
    }

    private mutating func combine(_ measured: [Measured], _ now: Time) {
        var most = 0
        var metric = ""
        var failures: [(reason: String, cause: String, metric: String)] = []
        var statuses: [MetricStatus] = []
        for result in measured {
            switch result {
            case .proposal(let replicas, let name, let status):
                if replicas > most || most == 0 { (most, metric) = (replicas, name) }
                statuses.append(status)
            case .failure(let reason, let cause, let name):
                failures.append((reason, cause, name))
                // Those that follow stay at the position of their metric.
                statuses.append(MetricStatus(["type": ""]))
            }
        }
        status.currentMetrics = failures.count == measured.count ? [] : statuses
        if let first = failures.first {
            problem =
                "invalid metrics (\(failures.count) invalid out of \(measured.count)), first error is: "
                + "failed to get \(first.metric): \(first.cause)"
            if failures.count == measured.count || most < current {
                isBlocked = true
                status.set(
                    "ScalingActive", "False", first.reason,
                    "the HPA was unable to compute the replica count: \(first.cause)", now)
                return
            }
        }
        status.set(
            "ScalingActive", "True", "ValidMetricFound",
            "the HPA was able to successfully calculate a replica count from \(metric)", now)
        desired = most
        if most > current { reason = "\(metric) above target" }
        if most < current { reason = "All metrics below target" }
    }

    private mutating func limit(
        _ autoscaler: HorizontalPodAutoscaler, _ window: Int, _ history: inout ScalingHistory, _ now: Time
    ) {
        let limits = ScalingLimits(
            recommended: desired, current: current, minimum: autoscaler.minimum,
            maximum: autoscaler.spec.maxReplicas, behavior: autoscaler.spec.behavior, window: window,
            history: &history, now: now)
        desired = limits.replicas
        for condition in limits.conditions {
            status.set(
                condition.type, condition.status ? "True" : "False", condition.reason, condition.message, now)
        }
    }
}

extension HorizontalPodAutoscaler {
    var minimum: Int { spec.minReplicas ?? 1 }

    var tolerance: ScalingTolerance {
        var tolerance = ScalingTolerance()
        func fraction(_ quantity: Quantity) -> Double { Double(quantity.nanos) / 1e9 }
        if let up = spec.behavior?.scaleUp?.tolerance { tolerance.up = fraction(up) }
        if let down = spec.behavior?.scaleDown?.tolerance { tolerance.down = fraction(down) }
        return tolerance
    }
}

extension HorizontalPodAutoscalerStatus {
    /// Sets a condition; its time moves only when its status changes.
    mutating func set(_ type: String, _ value: String, _ reason: String, _ message: String, _ now: Time) {
        let position = conditions.firstIndex { $0.type == type }
        var condition = position.map { conditions[$0] } ?? HorizontalPodAutoscalerCondition()
        if condition.status != value { condition.lastTransitionTime = now }
        condition.type = type
        condition.status = value
        condition.reason = reason
        condition.message = message
        if let position { conditions[position] = condition } else { conditions.append(condition) }
    }
}
