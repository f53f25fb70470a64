import Glibc
import KubeTypes

/// How much one pod uses of something, and when that was measured.
struct PodSample: Equatable {
    /// Thousandths.
    var milli: Int64
    var timestamp: Time
    /// Seconds over which it was measured.
    var window = 60.0
}

/// Why a number of replicas cannot be computed.
struct ScalingProblem: Error, Equatable, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}

/// How far usage may be from its target before anything is scaled, as fractions of the target.
struct ScalingTolerance: Equatable {
    var up = 0.1
    var down = 0.1

    func holds(_ ratio: Double) -> Bool { 1 - down <= ratio && ratio <= 1 + up }
}

/// How many replicas bring a measured usage to its target (API reference, *HorizontalPodAutoscaler*, and the algorithm
/// described in the documentation of horizontal pod autoscaling).
///
/// Pods that have not been measured or are not ready yet must not drive the number: whatever is not known of them is
/// taken to be what argues against the change.
struct ReplicaCalculator {
    /// All that the target's selector matches.
    let pods: [Pod]
    /// As the target's spec has it.
    let current: Int
    var tolerance = ScalingTolerance()
    /// Seconds after the start of a pod during which its CPU usage may be that of its start.
    var cpuInitializationSeconds = 300.0
    /// Seconds after the start during which a change to unready means that the pod was never ready.
    var readinessDelaySeconds = 30.0
    let now: Time

    private struct Groups {
        var ready = 0
        var unready: Set<String> = []
        var missing: Set<String> = []
        var ignored: Set<String> = []
    }

    private func group(_ samples: [String: PodSample], resource: String) -> Groups {
        var groups = Groups()
        for pod in pods {
            if pod.isBeingDeleted || pod.phase == "Failed" {
                groups.ignored.insert(pod.name)
            } else if pod.phase == "Pending" {
                groups.unready.insert(pod.name)
            } else if let sample = samples[pod.name] {
                if resource == "cpu", isStarting(pod, sample) {
                    groups.unready.insert(pod.name)
                } else {
                    groups.ready += 1
                }
            } else {
                groups.missing.insert(pod.name)
            }
        }
        return groups
    }

    private func isStarting(_ pod: Pod, _ sample: PodSample) -> Bool {
        guard let ready = pod.condition("Ready"), let started = pod.status.startTime else { return true }
        let changed = ready.lastTransitionTime ?? started
        if now.since(started) < cpuInitializationSeconds {
            // Measured, in part at least, before the pod was ready.
            return ready.status == "False" || sample.timestamp.since(changed) < sample.window
        }
        return ready.status == "False" && changed.since(started) < readinessDelaySeconds
    }

    /// - Parameters:
    ///   - ratio: Of usage to target, of some samples.
    ///   - assumed: What is taken for a pod that was not measured when others speak for fewer replicas.
    private func settle(
        _ all: [String: PodSample], resource: String, ratio: ([String: PodSample]) throws(ScalingProblem) -> Double,
        assumed: (String) -> Int64
    ) throws(ScalingProblem) -> (replicas: Int, samples: [String: PodSample]) {
        guard !pods.isEmpty else {
            throw ScalingProblem("no pods returned by selector while calculating replica count")
        }
        let groups = group(all, resource: resource)
        let samples = all.filter { !groups.ignored.contains($0.key) && !groups.unready.contains($0.key) }
        guard !samples.isEmpty else {
            throw ScalingProblem("did not receive metrics for targeted pods (pods might be unready)")
        }
        let measured = try ratio(samples)
        let countsUnready = !groups.unready.isEmpty && measured > 1
        if !countsUnready, groups.missing.isEmpty {
            let replicas = tolerance.holds(measured) ? current : Self.ceiling(measured * Double(groups.ready))
            return (replicas, samples)
        }
        var assumedSamples = samples
        func assume(_ names: Set<String>, _ value: (String) -> Int64) {
            for name in names { assumedSamples[name] = PodSample(milli: value(name), timestamp: now) }
        }
        if measured < 1 { assume(groups.missing, assumed) }
        if measured > 1 { assume(groups.missing) { _ in 0 } }
        if countsUnready { assume(groups.unready) { _ in 0 } }
        let cautious = try ratio(assumedSamples)
        let replicas = Self.ceiling(cautious * Double(assumedSamples.count))
        let turnsRound = measured < 1 && cautious > 1 || measured > 1 && cautious < 1
        let contradicts = cautious < 1 && replicas > current || cautious > 1 && replicas < current
        return (tolerance.holds(cautious) || turnsRound || contradicts ? current : replicas, samples)
    }

    /// Whole replicas, and never more than the API's integers hold.
    private static func ceiling(_ value: Double) -> Int {
        value.isNaN ? 0 : Int(min(max(ceil(value), 0), Double(Int32.max)))
    }

    // MARK: The kinds of targets

    /// A target that is a percentage of what the pods request.
    /// - Returns: The number, the percentage in use now, and the average in thousandths.
    func replicas(
        _ samples: [String: PodSample], utilization target: Int, resource: String, container: String?
    ) throws(ScalingProblem) -> (replicas: Int, utilization: Int, average: Int64) {
        guard !pods.isEmpty else {
            throw ScalingProblem("no pods returned by selector while calculating replica count")
        }
        var requests: [String: Int64] = [:]
        for pod in pods { requests[pod.name] = try Self.request(pod, resource, container) }
        func sums(_ samples: [String: PodSample]) throws(ScalingProblem) -> (percent: Int, average: Int64) {
            let known = samples.filter { requests[$0.key] != nil }
            let requested = known.reduce(Int64(0)) { $0 + (requests[$1.key] ?? 0) }
            guard requested > 0 else { throw ScalingProblem("no metrics returned matched known pods") }
            let used = known.reduce(Int64(0)) { $0 + $1.value.milli }
            return (Int(used * 100 / requested), used / Int64(known.count))
        }
        let settled = try settle(
            samples, resource: resource,
            ratio: { (samples) throws(ScalingProblem) in Double(try sums(samples).percent) / Double(target) },
            assumed: { (requests[$0] ?? 0) * Int64(max(100, target)) / 100 })
        let (percent, average) = try sums(settled.samples)
        return (settled.replicas, percent, average)
    }

    /// A target that is an average amount a pod.
    func replicas(
        _ samples: [String: PodSample], averageMilli target: Int64, resource: String = ""
    ) throws(ScalingProblem) -> (replicas: Int, average: Int64) {
        func average(_ samples: [String: PodSample]) -> Int64 {
            samples.values.reduce(0) { $0 + $1.milli } / Int64(max(1, samples.count))
        }
        let settled = try settle(
            samples, resource: resource,
            ratio: { (samples) throws(ScalingProblem) in Double(average(samples)) / Double(target) },
            assumed: { _ in target })
        return (settled.replicas, average(settled.samples))
    }

    /// A target that is one amount, whatever the number of pods.
    func replicas(usageMilli: Int64, targetMilli: Int64) throws(ScalingProblem) -> Int {
        let ratio = Double(usageMilli) / Double(targetMilli)
        guard current != 0 else { return Self.ceiling(ratio) }
        if tolerance.holds(ratio) { return current }
        guard !pods.isEmpty else {
            throw ScalingProblem(
                "unable to calculate ready pods: no pods returned by selector while calculating replica count")
        }
        return Self.ceiling(ratio * Double(pods.count(where: \.isRunningAndReady)))
    }

    /// A target that is an amount for each pod, of something that is measured as a whole.
    /// - Parameter replicas: As the target's status has it.
    /// - Returns: The number, and the usage of one pod in thousandths.
    func replicas(usageMilli: Int64, perPodMilli target: Int64, replicas: Int) -> (replicas: Int, perPod: Int64) {
        let ratio = Double(usageMilli) / (Double(target) * Double(replicas))
        let wanted = tolerance.holds(ratio) ? replicas : Self.ceiling(Double(usageMilli) / Double(target))
        let perPod = replicas == 0 ? Double(usageMilli) : ceil(Double(usageMilli) / Double(replicas))
        return (wanted, perPod >= Double(Int64.max) ? Int64.max : Int64(perPod))
    }

    /// What a pod requests, in thousandths; sidecars count, other init containers do not.
    private static func request(_ pod: Pod, _ resource: String, _ container: String?) throws(ScalingProblem) -> Int64 {
        if container == nil, pod.json[path: "spec", "resources", "requests"]?.objectValue?.isEmpty == false {
            guard let amount = PodResources.total(.requests, of: pod.json["spec"], overhead: true)[resource] else {
                throw ScalingProblem("missing pod-level request for \(resource) in Pod \(pod.name)")
            }
            return amount.milliValue
        }
        let sidecars = (pod.json[path: "spec", "initContainers"]?.arrayValue ?? [])
            .filter { $0["restartPolicy"]?.stringValue == "Always" }
        var total: Int64 = 0
        for candidate in (pod.json[path: "spec", "containers"]?.arrayValue ?? []) + sidecars {
            let name = candidate["name"]?.stringValue ?? ""
            guard container == nil || container == name else { continue }
            guard let amount = candidate[path: "resources", "requests", resource].flatMap(Quantity.init(field:)) else {
                throw ScalingProblem("missing request for \(resource) in container \(name) of Pod \(pod.name)")
            }
            total += amount.milliValue
            if container == name { return total }
        }
        if let container { throw ScalingProblem("container \(container) not found in Pod \(pod.name)") }
        return total
    }
}
