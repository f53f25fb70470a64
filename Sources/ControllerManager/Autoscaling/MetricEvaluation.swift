import JSON
import KubeTypes

/// What one metric of an autoscaler says about the number of replicas: what to read for it, and what follows from the
/// answer.
struct MetricEvaluation {
    let spec: MetricSpec
    let autoscaler: HorizontalPodAutoscaler
    let calculator: ReplicaCalculator
    /// The target's replicas by its status.
    let statusReplicas: Int
    /// The target's selector, as text.
    let selector: String
    let reader: MetricsReader
    /// `ingresses.networking.k8s.io` for the kind of an object.
    let resource: @Sendable (CrossVersionObjectReference) async -> String?

    private struct Failure: Error {
        var reason: String
        var cause: String
        var metric: String
    }

    func measure() async -> AutoscalerPlan.Measured {
        do throws(Failure) {
            switch spec.type {
            case "Resource":
                return try await resource(
                    spec.resource?.name ?? "", spec.resource?.target, container: nil, reason: "FailedGetResourceMetric",
                    title: "resource", metric: "resource metric value")
            case "ContainerResource":
                let source = spec.containerResource
                return try await resource(
                    source?.name ?? "", source?.target, container: source?.container ?? "",
                    reason: "FailedGetContainerResourceMetric", title: "container resource",
                    metric: "container metric value")
            case "Pods": return try await pods()
            case "Object": return try await object()
            case "External": return try await external()
            default:
                return .failure(
                    reason: "InvalidMetricSourceType", cause: "unknown metric source type \"\(spec.type)\"",
                    metric: "metric value")
            }
        } catch {
            return .failure(reason: error.reason, cause: error.cause, metric: error.metric)
        }
    }

    /// Runs what may fail for one reason.
    private func attempt<Value>(
        _ reason: String, _ metric: String, _ prefix: String = "",
        _ work: () async throws(ScalingProblem) -> Value
    ) async throws(Failure) -> Value {
        do throws(ScalingProblem) {
            return try await work()
        } catch {
            throw Failure(reason: reason, cause: "\(prefix)\(error)", metric: metric)
        }
    }

    // MARK: Resources

    private func resource(
        _ name: String, _ target: MetricTarget?, container: String?, reason: String, title: String, metric: String
    ) async throws(Failure) -> AutoscalerPlan.Measured {
        let metric = "\(container ?? name) \(metric)"
        func samples() async throws(ScalingProblem) -> [String: PodSample] {
            do throws(ScalingProblem) {
                return try await reader.usage(
                    of: name, container: container, namespace: autoscaler.namespace, selector: selector)
            } catch {
                throw ScalingProblem("unable to get metrics for resource \(name): \(error)")
            }
        }
        var current = MetricValueStatus()
        let replicas: Int
        let proposal: String
        if let average = target?.averageValue {
            let result = try await attempt(reason, metric, "failed to get \(name) usage: ") {
                () async throws(ScalingProblem) in
                try calculator.replicas(try await samples(), averageMilli: average.milliValue, resource: name)
            }
            replicas = result.replicas
            current.averageValue = Self.quantity(result.average, of: name)
            proposal = "\(name) resource"
        } else if let utilization = target?.averageUtilization {
            let result = try await attempt(reason, metric, "failed to get \(name) utilization: ") {
                () async throws(ScalingProblem) in
                try calculator.replicas(
                    try await samples(), utilization: utilization, resource: name, container: container)
            }
            replicas = result.replicas
            current.averageUtilization = result.utilization
            current.averageValue = Self.quantity(result.average, of: name)
            proposal = "\(name) \(title) utilization (percentage of request)"
        } else {
            throw Failure(
                reason: reason,
                cause: "invalid resource metric source: neither an average utilization target nor an average value "
                    + "(usage) target was set", metric: metric)
        }
        var status = MetricStatus(["type": .string(spec.type)])
        if let container {
            status.containerResource = ContainerResourceMetricStatus([
                "name": .string(name), "container": .string(container), "current": current.json,
            ])
        } else {
            status.resource = ResourceMetricStatus(["name": .string(name), "current": current.json])
        }
        return .proposal(replicas: replicas, name: proposal, status)
    }

    private static func quantity(_ milli: Int64, of resource: String) -> Quantity {
        Quantity(nanos: Int128(milli) * 1_000_000, format: resource == "memory" ? .binary : .decimal)
    }

    // MARK: Other metrics

    private static func text(_ metric: MetricIdentifier?) -> String { metric?.selector?.text ?? "" }

    private func pods() async throws(Failure) -> AutoscalerPlan.Measured {
        let metric = spec.pods?.metric
        let name = metric?.name ?? ""
        let result = try await attempt("FailedGetPodsMetric", "pods metric value") { () async throws(ScalingProblem) in
            let samples: [String: PodSample]
            do throws(ScalingProblem) {
                samples = try await reader.custom(
                    name, ofPodsIn: autoscaler.namespace, selector: selector, metricSelector: Self.text(metric))
            } catch {
                throw ScalingProblem("unable to get metric \(name): \(error)")
            }
            return try calculator.replicas(
                samples, averageMilli: spec.pods?.target?.averageValue?.milliValue ?? 0)
        }
        return .proposal(
            replicas: result.replicas, name: "pods metric \(name)",
            MetricStatus([
                "type": "Pods",
                "pods": [
                    "metric": metric?.json ?? [:],
                    "current": ["averageValue": Quantity(milli: result.average).field],
                ],
            ]))
    }

    private func object() async throws(Failure) -> AutoscalerPlan.Measured {
        let source = spec.object
        let name = source?.metric?.name ?? ""
        let described = source?.describedObject ?? CrossVersionObjectReference()
        let reason = "FailedGetObjectMetric"
        let usage = try await attempt(reason, "object metric value") { () async throws(ScalingProblem) in
            do throws(ScalingProblem) {
                guard let resource = await resource(described) else {
                    throw ScalingProblem("no matches for kind \"\(described.kind)\"")
                }
                return try await reader.custom(
                    name, of: resource, described.name, namespace: autoscaler.namespace,
                    metricSelector: Self.text(source?.metric))
            } catch {
                throw ScalingProblem(
                    "unable to get metric \(name): \(error) on \(described.kind) "
                        + "\(autoscaler.namespace)/\(described.name)")
            }
        }
        let (replicas, current) = try await settle(
            usage, source?.target, reason: reason, metric: "object metric value", kind: "object")
        return .proposal(
            replicas: replicas, name: "\(described.kind) metric \(name)",
            MetricStatus([
                "type": "Object",
                "object": [
                    "describedObject": described.json, "metric": source?.metric?.json ?? [:], "current": current,
                ],
            ]))
    }

    private func external() async throws(Failure) -> AutoscalerPlan.Measured {
        let source = spec.external
        let name = source?.metric?.name ?? ""
        let reason = "FailedGetExternalMetric"
        let metric = "\(name) external metric value"
        let usage = try await attempt(reason, metric) { () async throws(ScalingProblem) in
            do throws(ScalingProblem) {
                return try await reader.external(
                    name, namespace: autoscaler.namespace, metricSelector: Self.text(source?.metric))
            } catch {
                throw ScalingProblem(
                    "unable to get external metric \(autoscaler.namespace)/\(name)/\(Self.text(source?.metric)): "
                        + "\(error)")
            }
        }
        let (replicas, current) = try await settle(
            usage, source?.target, reason: reason, metric: metric, kind: "external")
        return .proposal(
            replicas: replicas, name: "external metric \(name)(\(Self.text(source?.metric)))",
            MetricStatus([
                "type": "External", "external": ["metric": source?.metric?.json ?? [:], "current": current],
            ]))
    }

    /// Of something that is measured as a whole.
    private func settle(
        _ usage: Int64, _ target: MetricTarget?, reason: String, metric: String, kind: String
    ) async throws(Failure) -> (Int, JSONValue) {
        if let average = target?.averageValue {
            let result = calculator.replicas(
                usageMilli: usage, perPodMilli: average.milliValue, replicas: statusReplicas)
            return (result.replicas, ["averageValue": Quantity(milli: result.perPod).field])
        }
        guard let value = target?.value else {
            throw Failure(
                reason: reason,
                cause: "invalid \(kind) metric source: neither a value target nor an average value target was set",
                metric: metric)
        }
        let replicas = try await attempt(reason, metric) { () async throws(ScalingProblem) in
            try calculator.replicas(usageMilli: usage, targetMilli: value.milliValue)
        }
        return (replicas, ["value": Quantity(milli: usage).field])
    }
}
