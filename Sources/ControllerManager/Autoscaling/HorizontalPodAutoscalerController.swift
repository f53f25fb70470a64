import JSON
import KubeClient
import KubeTypes
import Synchronization

/// Scales what HorizontalPodAutoscalers point at, by what the metrics APIs say.
final class HorizontalPodAutoscalerController: Controller {
    private static let component = "horizontal-pod-autoscaler"

    /// What is remembered of an autoscaler between two looks.
    private struct Memory {
        var history = ScalingHistory()
        /// The pods that its target's selector matched.
        var pods: Set<String> = []
    }

    private let context: ControllerContext
    private let autoscalers: Informer<HorizontalPodAutoscaler>
    private let queue: WorkQueue<ObjectKey>
    private let recorder: EventRecorder
    private let targets: ScaleTargets
    private let memories = Mutex<[ObjectKey: Memory]>([:])

    init(_ context: ControllerContext) {
        self.context = context
        autoscalers = context.informers.informer(HorizontalPodAutoscaler.self)
        queue = context.queue()
        recorder = context.recorder(Self.component)
        targets = ScaleTargets(context)
        autoscalers.addHandler { [self] change in
            // Its own status is no reason to look again.
            if case .updated(let old, let new) = change, old.spec == new.spec, old.uid == new.uid { return }
            queue.add(change.object.key)
        }
    }

    func run() async {
        await autoscalers.waitForSync()
        await context.work(queue, of: Self.component, workers: 5) { [self] key in
            guard let autoscaler = autoscalers[key] else {
                memories.withLock { $0[key] = nil }
                return
            }
            queue.add(key, after: context.options.autoscaling.syncPeriod)
            try await reconcile(autoscaler)
        }
    }

    private func reconcile(_ autoscaler: HorizontalPodAutoscaler) async throws {
        let target = autoscaler.spec.scaleTargetRef ?? CrossVersionObjectReference()
        var scale: Scale
        let resource: ServedResource
        do {
            (scale, resource) = try await targets.scale(
                apiVersion: target.apiVersion ?? "", kind: target.kind, name: target.name,
                namespace: autoscaler.namespace)
        } catch {
            try await report(
                autoscaler, "FailedGetScale", "\(error)", "AbleToScale",
                "the HPA controller was unable to get the target's current scale: \(error)")
            return
        }
        let current = scale.spec.replicas ?? 0
        let bounds = AutoscalerPlan.bounds(autoscaler, current: current)
        var measured: [AutoscalerPlan.Measured] = []
        if bounds == .measure {
            guard let results = try await measure(autoscaler, scale, current) else { return }
            measured = results
        }
        let plan = memories.withLock { memories in
            AutoscalerPlan(
                autoscaler, current: current, bounds: bounds, measured: measured,
                window: context.options.autoscaling.downscaleStabilizationSeconds,
                history: &memories[autoscaler.key, default: Memory()].history, now: context.now)
        }
        for case .failure(let reason, let cause, _) in measured {
            recorder.event(regarding: autoscaler, type: .warning, reason: reason, message: cause)
        }
        if plan.isBlocked, let problem = plan.problem {
            recorder.event(
                regarding: autoscaler, type: .warning, reason: "FailedComputeMetricsReplicas", message: problem)
        }
        var status = plan.status
        if plan.rescales {
            scale.spec.replicas = plan.desired
            status = try await rescale(autoscaler, plan, scale, resource)
        }
        try await write(status, of: autoscaler)
    }

    /// - Returns: The status after it.
    private func rescale(
        _ autoscaler: HorizontalPodAutoscaler, _ plan: AutoscalerPlan, _ scale: Scale, _ resource: ServedResource
    ) async throws -> HorizontalPodAutoscalerStatus {
        let now = context.now
        var status = plan.status
        let current = status.currentReplicas ?? 0
        do {
            try await targets.update(scale, of: resource)
        } catch {
            if error.isConflict { throw error }
            recorder.event(
                regarding: autoscaler, type: .warning, reason: "FailedRescale",
                message: "New size: \(plan.desired); reason: \(plan.reason); error: \(error)")
            status.set(
                "AbleToScale", "False", "FailedUpdateScale",
                "the HPA controller was unable to update the target scale: \(error)", now)
            status.desiredReplicas = autoscaler.status.desiredReplicas
            return status
        }
        status.set(
            "AbleToScale", "True", "SucceededRescale",
            "the HPA controller was able to update the target scale to \(plan.desired)", now)
        status.lastScaleTime = now
        recorder.event(
            regarding: autoscaler, type: .normal, reason: "SuccessfulRescale",
            message: "New size: \(plan.desired); reason: \(plan.reason)")
        let behavior = autoscaler.spec.behavior
        let rules = [behavior?.scaleUp, behavior?.scaleDown].compactMap { $0 }
        let longest =
            (rules.flatMap { $0.policies.map(\.periodSeconds) } + rules.compactMap(\.stabilizationWindowSeconds)
            + [context.options.autoscaling.downscaleStabilizationSeconds]).max() ?? 0
        memories.withLock { memories in
            memories[autoscaler.key]?.history.scaled(from: current, to: plan.desired, now: now)
            memories[autoscaler.key]?.history.forget(before: longest, now: now)
        }
        return status
    }

    // MARK: What it reads

    /// - Returns: Nil if the target's selector is no good, which has been reported then.
    private func measure(
        _ autoscaler: HorizontalPodAutoscaler, _ scale: Scale, _ current: Int
    ) async throws -> [AutoscalerPlan.Measured]? {
        let selector = scale.status.selector ?? ""
        guard !selector.isEmpty else {
            try await report(
                autoscaler, "SelectorRequired", "selector is required", "ScalingActive",
                "the HPA target's scale is missing a selector", as: "InvalidSelector")
            return nil
        }
        let pods: [Pod]
        do {
            // Not from the shared cache, which keeps no requests.
            pods = try await context.client.list(
                Pod.self, namespace: autoscaler.namespace, labelSelector: selector
            ).items
        } catch {
            guard error.code == 400 else { throw error }
            let message = "couldn't convert selector into a corresponding internal selector object: \(error)"
            try await report(autoscaler, "InvalidSelector", message, "ScalingActive", message)
            return nil
        }
        let others = rivals(of: autoscaler, Set(pods.map(\.uid)))
        guard others.isEmpty else {
            let names = ([autoscaler.key] + others).sorted().map(\.description).joined(separator: " ")
            let message = "pods by selector \(selector) are controlled by multiple HPAs: [\(names)]"
            try await report(autoscaler, "AmbiguousSelector", message, "ScalingActive", message)
            return nil
        }
        var calculator = ReplicaCalculator(
            pods: pods, current: current, tolerance: autoscaler.tolerance, now: context.now)
        calculator.cpuInitializationSeconds = context.options.autoscaling.cpuInitializationSeconds
        calculator.readinessDelaySeconds = context.options.autoscaling.initialReadinessDelaySeconds
        var measured: [AutoscalerPlan.Measured] = []
        for metric in autoscaler.spec.metrics {
            let evaluation = MetricEvaluation(
                spec: metric, autoscaler: autoscaler, calculator: calculator,
                statusReplicas: scale.status.replicas, selector: selector,
                reader: MetricsReader(client: context.options.metrics ?? context.client),
                resource: { [targets] reference in
                    try? await targets.resource(apiVersion: reference.apiVersion ?? "", kind: reference.kind).name
                })
            measured.append(await evaluation.measure())
        }
        return measured
    }

    /// Other autoscalers that scale some of the same pods.
    private func rivals(of autoscaler: HorizontalPodAutoscaler, _ pods: Set<String>) -> [ObjectKey] {
        memories.withLock { memories in
            memories[autoscaler.key, default: Memory()].pods = pods
            return memories.filter { key, memory in
                key != autoscaler.key && key.namespace == autoscaler.namespace && !memory.pods.isDisjoint(with: pods)
                    && autoscalers[key] != nil
            }.map(\.key)
        }
    }

    // MARK: What it writes

    /// Tells of what keeps an autoscaler from working, as an event and as a condition.
    private func report(
        _ autoscaler: HorizontalPodAutoscaler, _ event: String, _ text: String, _ condition: String,
        _ message: String, as reason: String? = nil
    ) async throws {
        recorder.event(regarding: autoscaler, type: .warning, reason: event, message: text)
        var status = autoscaler.status
        status.set(condition, "False", reason ?? event, message, context.now)
        try await write(status, of: autoscaler)
    }

    private func write(_ status: HorizontalPodAutoscalerStatus, of autoscaler: HorizontalPodAutoscaler) async throws {
        guard status != autoscaler.status else { return }
        var changed = autoscaler
        changed.status = status
        do {
            try await context.client.updateStatus(changed)
        } catch {
            if error.isNotFound { return }
            throw error
        }
    }
}
