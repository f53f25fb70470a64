import JSON
import KubeClient
import KubeTypes
import Testing

@testable import ControllerManager

private func autoscaler(
    minimum: Int = 1, maximum: Int = 10, behavior: JSONValue? = nil, metrics: [JSONValue] = [cpu(50)]
) -> HorizontalPodAutoscaler {
    var autoscaler = HorizontalPodAutoscaler(name: "web", namespace: "default")
    autoscaler.metadata.uid = "uid-hpa"
    autoscaler.spec.minReplicas = minimum
    autoscaler.spec.maxReplicas = maximum
    autoscaler.spec.metrics = metrics.map { MetricSpec($0) }
    autoscaler.spec.behavior = behavior.map { HorizontalPodAutoscalerBehavior($0) }
    autoscaler.spec.scaleTargetRef = CrossVersionObjectReference([
        "apiVersion": "apps/v1", "kind": "Deployment", "name": "web",
    ])
    return autoscaler
}

private func cpu(_ percent: Int) -> JSONValue {
    [
        "type": "Resource",
        "resource": [
            "name": "cpu", "target": ["type": "Utilization", "averageUtilization": .integer(Int64(percent))],
        ],
    ]
}

/// Pods that request one core each: `r`eady, `p`ending, `n`ot ready since long, `s`tarting, `f`ailed, `t`erminating.
private func pods(_ states: String) -> [Pod] {
    states.enumerated().map { number, state in
        var made = pod(
            "p\(number)", phase: state == "p" ? "Pending" : state == "f" ? "Failed" : "Running",
            ready: state == "r" || state == "t", readySince: state == "s" ? start.adding(seconds: 1000) : start,
            deleted: state == "t")
        made.status.startTime = state == "s" ? start.adding(seconds: 990) : start.adding(seconds: -5)
        made.spec.json["containers"] = [["name": "c", "resources": ["requests": ["cpu": "1", "memory": "1Gi"]]]]
        return made
    }
}

private let late = start.adding(seconds: 1000)

private func samples(_ milli: [Int64?]) -> [String: PodSample] {
    var samples: [String: PodSample] = [:]
    for (number, value) in milli.enumerated() {
        if let value { samples["p\(number)"] = PodSample(milli: value, timestamp: late) }
    }
    return samples
}

@Suite struct ReplicaCalculatorTests {
    @Test(arguments: [
        // Twice the target: twice the pods.
        ("rrr", [1000, 1000, 1000] as [Int64?], 6, 100), ("rrr", [500, 500, 500], 3, 50),
        // Within a tenth of the target nothing happens.
        ("rrr", [540, 540, 540], 3, 54), ("rrr", [460, 460, 460], 3, 46), ("rrr", [250, 250, 250], 2, 25),
        // Who was not measured speaks against the change.
        ("rrr", [1000, 1000, nil], 4, 100), ("rrr", [200, 200, nil], 3, 20), ("rrrr", [200, 200, 200, nil], 4, 20),
        // Pending pods and those that start count as idle when the others want more.
        ("rrp", [1000, 1000, nil], 4, 100), ("rrs", [1000, 1000, 3000], 4, 100), ("rrp", [200, 200, nil], 1, 20),
        // Failed and terminating ones do not count at all.
        ("rrf", [1000, 1000, 4000], 4, 100), ("rrt", [250, 250, 4000], 1, 25),
    ]) func utilization(states: String, usage: [Int64?], expected: Int, percent: Int) throws {
        let calculator = ReplicaCalculator(pods: pods(states), current: states.count, now: late)
        let result = try calculator.replicas(samples(usage), utilization: 50, resource: "cpu", container: nil)
        #expect(result.replicas == expected)
        #expect(result.utilization == percent)
    }

    @Test func averagesAndTotals() throws {
        let calculator = ReplicaCalculator(pods: pods("rrr"), current: 3, now: late)
        let average = try calculator.replicas(samples([20000, 20000, 20000]), averageMilli: 10000)
        #expect(average.replicas == 6)
        #expect(average.average == 20000)
        #expect(try calculator.replicas(usageMilli: 30000, targetMilli: 10000) == 9)
        #expect(try calculator.replicas(usageMilli: 10500, targetMilli: 10000) == 3)
        #expect(try ReplicaCalculator(pods: [], current: 0, now: late).replicas(usageMilli: 30, targetMilli: 10) == 3)
        let perPod = calculator.replicas(usageMilli: 50000, perPodMilli: 10000, replicas: 3)
        #expect(perPod.replicas == 5)
        #expect(perPod.perPod == 16667)
        #expect(try calculator.replicas(usageMilli: Int64.max, targetMilli: 1) == Int(Int32.max))
    }

    @Test func problemsAreSaid() {
        func problem(_ states: String, _ usage: [Int64?], _ container: String? = nil, resource: String = "cpu")
            -> String?
        {
            do {
                _ = try ReplicaCalculator(pods: pods(states), current: 1, now: late)
                    .replicas(samples(usage), utilization: 50, resource: resource, container: container)
                return nil
            } catch {
                return "\(error)"
            }
        }
        #expect(problem("", []) == "no pods returned by selector while calculating replica count")
        #expect(problem("p", [nil]) == "did not receive metrics for targeted pods (pods might be unready)")
        #expect(problem("r", [1], resource: "disk") == "missing request for disk in container c of Pod p0")
        #expect(problem("r", [1], "other") == "container other not found in Pod p0")
        #expect(problem("r", [1], "c") == nil)
    }

    @Test func tolerancesMayDiffer() throws {
        var calculator = ReplicaCalculator(pods: pods("rr"), current: 2, now: late)
        calculator.tolerance = ScalingTolerance(up: 0, down: 0.5)
        #expect(
            try calculator.replicas(samples([510, 510]), utilization: 50, resource: "cpu", container: nil).replicas == 3
        )
        #expect(
            try calculator.replicas(samples([260, 260]), utilization: 50, resource: "cpu", container: nil).replicas == 2
        )
        let spec = autoscaler(behavior: ["scaleUp": ["tolerance": "0.05"]])
        #expect(spec.tolerance == ScalingTolerance(up: 0.05, down: 0.1))
    }

    @Test func metricsAreRead() {
        let item: JSONValue = [
            "metadata": ["name": "p"], "timestamp": "2027-01-15T08:00:00Z", "window": "1m30.5s",
            "containers": [
                ["name": "a", "usage": ["cpu": "100m"]], ["name": "b", "usage": ["cpu": "1500000n", "memory": "1Mi"]],
            ],
        ]
        #expect(MetricsReader.sample(item, "cpu", nil)?.1.milli == 102)
        #expect(MetricsReader.sample(item, "cpu", nil)?.1.window == 90.5)
        #expect(MetricsReader.sample(item, "cpu", "a")?.1.milli == 100)
        #expect(MetricsReader.sample(item, "memory", nil) == nil)
        #expect(MetricsReader.sample(item, "cpu", "z") == nil)
    }
}

@Suite struct ScalingLimitsTests {
    private func limit(
        _ recommended: Int, current: Int, minimum: Int = 1, maximum: Int = 100, behavior: JSONValue? = nil,
        history: ScalingHistory = ScalingHistory(), now: Time = late
    ) -> (Int, [String]) {
        var history = history
        let limits = ScalingLimits(
            recommended: recommended, current: current, minimum: minimum, maximum: maximum,
            behavior: behavior.map { HorizontalPodAutoscalerBehavior($0) }, history: &history, now: now)
        return (limits.replicas, limits.conditions.map { "\($0.reason)" })
    }

    @Test(arguments: [
        (5, 4, 5, "DesiredWithinRange"), (50, 4, 8, "ScaleUpLimit"), (50, 1, 4, "ScaleUpLimit"),
        (500, 90, 100, "TooManyReplicas"), (0, 2, 1, "TooFewReplicas"),
    ]) func withoutBehavior(recommended: Int, current: Int, expected: Int, reason: String) {
        let (replicas, reasons) = limit(recommended, current: current)
        #expect(replicas == expected)
        #expect(reasons == ["ReadyForNewScale", reason])
    }

    @Test func shrinkingWaitsForItsWindow() {
        var history = ScalingHistory()
        history.recommendations = [.init(replicas: 9, time: late.adding(seconds: -200))]
        #expect(limit(3, current: 10, history: history) == (9, ["ScaleDownStabilized", "DesiredWithinRange"]))
        #expect(limit(3, current: 10, history: history, now: late.adding(seconds: 101)).0 == 3)
        let quick: JSONValue = [
            "scaleDown": ["stabilizationWindowSeconds": 60, "selectPolicy": "Max"], "scaleUp": [:],
        ]
        #expect(limit(3, current: 10, behavior: quick, history: history).0 == 3)
    }

    @Test func growingMayWaitToo() {
        var history = ScalingHistory()
        history.recommendations = [.init(replicas: 5, time: late.adding(seconds: -20))]
        let slow: JSONValue = ["scaleUp": ["stabilizationWindowSeconds": 60], "scaleDown": [:]]
        #expect(
            limit(9, current: 4, behavior: slow, history: history) == (5, ["ScaleUpStabilized", "DesiredWithinRange"]))
    }

    @Test(arguments: [
        ("Pods", 2, "Max", 6), ("Percent", 100, "Max", 8), ("Pods", 2, "Min", 6), ("Pods", 2, "Disabled", 4),
    ]) func growthIsLimitedByPolicies(type: String, value: Int, select: String, expected: Int) {
        let behavior: JSONValue = [
            "scaleUp": [
                "selectPolicy": .string(select),
                "policies": [["type": .string(type), "value": .integer(Int64(value)), "periodSeconds": 60]],
            ], "scaleDown": [:],
        ]
        #expect(limit(50, current: 4, behavior: behavior) == (expected, ["ReadyForNewScale", "ScaleUpLimit"]))
    }

    @Test func ofSeveralPoliciesOneIsChosenAndPeriodsCount() {
        func behavior(_ select: String) -> JSONValue {
            [
                "scaleUp": [:],
                "scaleDown": [
                    "selectPolicy": .string(select), "stabilizationWindowSeconds": 0,
                    "policies": [
                        ["type": "Pods", "value": 4, "periodSeconds": 60],
                        ["type": "Percent", "value": 10, "periodSeconds": 60],
                    ],
                ],
            ]
        }
        #expect(limit(1, current: 80, behavior: behavior("Max")).0 == 72)
        #expect(limit(1, current: 80, behavior: behavior("Min")).0 == 76)
        #expect(limit(1, current: 10, behavior: behavior("Max")).0 == 6)
        // What went within the period counts.
        var history = ScalingHistory()
        history.scaled(from: 10, to: 8, now: late.adding(seconds: -30))
        #expect(limit(1, current: 8, behavior: behavior("Max"), history: history).0 == 6)
        #expect(limit(1, current: 8, behavior: behavior("Max"), history: history, now: late.adding(seconds: 31)).0 == 4)
        history.forget(before: 60, now: late.adding(seconds: 31))
        #expect(history == ScalingHistory())
    }
}

@Suite struct AutoscalerPlanTests {
    private func plan(
        _ autoscaler: HorizontalPodAutoscaler, current: Int, _ measured: [AutoscalerPlan.Measured]
    ) -> AutoscalerPlan {
        var history = ScalingHistory()
        return AutoscalerPlan(
            autoscaler, current: current, bounds: AutoscalerPlan.bounds(autoscaler, current: current),
            measured: measured, history: &history, now: late)
    }

    private func proposal(_ replicas: Int, _ name: String = "m") -> AutoscalerPlan.Measured {
        .proposal(replicas: replicas, name: name, MetricStatus(["type": "Resource"]))
    }
    private let failure = AutoscalerPlan.Measured.failure(
        reason: "FailedGetResourceMetric", cause: "no API", metric: "cpu resource metric value")

    @Test func theLargestProposalCounts() {
        let plan = plan(autoscaler(), current: 3, [proposal(2), proposal(5, "n")])
        #expect(plan.desired == 5)
        #expect(plan.rescales)
        #expect(plan.reason == "n above target")
        #expect(plan.status.conditions.map(\.reason) == ["ReadyForNewScale", "ValidMetricFound", "DesiredWithinRange"])
        #expect(plan.status.desiredReplicas == 5)
    }

    @Test func failuresBlockShrinking() {
        let all = plan(autoscaler(), current: 3, [failure])
        #expect(!all.rescales)
        #expect(
            all.problem == "invalid metrics (1 invalid out of 1), first error is: failed to get cpu resource metric "
                + "value: no API")
        #expect(all.status.conditions.last?.reason == "FailedGetResourceMetric")
        #expect(all.status.conditions.last?.message == "the HPA was unable to compute the replica count: no API")
        #expect(!plan(autoscaler(), current: 3, [failure, proposal(2)]).rescales)
        let up = plan(autoscaler(), current: 3, [failure, proposal(4)])
        #expect(up.desired == 4)
        #expect(up.rescales)
        #expect(up.status.currentMetrics.map(\.type) == ["", "Resource"])
    }

    @Test func boundsNeedNoMetrics() {
        #expect(plan(autoscaler(), current: 20, []).desired == 10)
        #expect(plan(autoscaler(minimum: 2), current: 1, []).desired == 2)
        let off = plan(autoscaler(), current: 0, [])
        #expect(!off.rescales)
        #expect(off.status.conditions.last?.reason == "ScalingDisabled")
    }
}

@Suite struct AutoscalerShellTests {
    @Test func withoutMetricsItSaysSo() async throws {
        let api = FakeAPI()
        try await withControllers(["horizontal-pod-autoscaler-controller"], api) {
            try await api.client.create(autoscaler())
            #expect(
                await eventually {
                    api.object(HorizontalPodAutoscaler.self, "web", namespace: "default")?.status.conditions.first?
                        .reason == "FailedGetScale"
                })
            #expect(await eventually { api.eventMessages.contains { $0.hasPrefix("FailedGetScale") } })
            await api.quiet()
            #expect(api.writes().filter { $0.verb == .update }.count == 1)
        }
    }
}
