/// How patient autoscaling is; the defaults are upstream's.
public struct AutoscalerOptions: Sendable {
    /// How often each autoscaler looks (`--horizontal-pod-autoscaler-sync-period`).
    public var syncPeriod = Duration.seconds(15)
    /// For how long the highest recommendation counts before replicas are taken away, unless the autoscaler says
    /// otherwise (`--horizontal-pod-autoscaler-downscale-stabilization`).
    public var downscaleStabilizationSeconds = 300
    /// Seconds after the start of a pod during which its CPU usage may be that of its start
    /// (`--horizontal-pod-autoscaler-cpu-initialization-period`).
    public var cpuInitializationSeconds = 300.0
    /// Seconds after the start during which a change to unready means that the pod was never ready
    /// (`--horizontal-pod-autoscaler-initial-readiness-delay`).
    public var initialReadinessDelaySeconds = 30.0

    public init() {}
}
