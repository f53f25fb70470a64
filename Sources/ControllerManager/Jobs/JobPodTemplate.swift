import JSON
import KubeTypes

/// The pods that a Job creates.
enum JobPodTemplate {
    /// What the server appends to a prefix must fit into a label.
    private static let longestPrefix = 58

    /// - Parameters:
    ///   - index: The pod's place in an Indexed Job.
    ///   - replaced: The failed pod of the index in whose place it comes, where failures are counted by index.
    static func pod(of job: Job, index: Int?, replacing replaced: Pod?) -> Pod {
        var pod = PodFromTemplate.make(job.spec.template, owner: job)
        if !pod.isTracked { pod.metadata.finalizers.append(JobPodMark.finalizer) }
        guard let index else { return pod }
        pod.metadata.labels[JobPodMark.index] = String(index)
        pod.metadata.annotations[JobPodMark.index] = String(index)
        if job.spec.backoffLimitPerIndex != nil { count(&pod, replaced, job.spec.podFailurePolicy) }
        let suffix = "-\(index)-"
        pod.metadata.generateName = job.name.prefix(longestPrefix - suffix.utf8.count) + suffix
        pod.spec.hostname = "\(job.name)-\(index)"
        addVariable(to: &pod)
        return pod
    }

    private static func count(_ pod: inout Pod, _ replaced: Pod?, _ policy: PodFailurePolicy?) {
        var failures = 0
        var ignored = 0
        if let replaced {
            (failures, ignored) = (replaced.indexFailures, replaced.ignoredIndexFailures)
            if PodFailureVerdict(policy, replaced).counts { failures += 1 } else { ignored += 1 }
        }
        pod.metadata.annotations[JobPodMark.failureCount] = String(failures)
        if ignored > 0 { pod.metadata.annotations[JobPodMark.ignoredFailureCount] = String(ignored) }
    }

    /// Tells every container its index, unless the template sets the variable itself.
    private static func addVariable(to pod: inout Pod) {
        let variable: JSONValue = [
            "name": .string(JobPodMark.indexVariable),
            "valueFrom": ["fieldRef": ["fieldPath": .string("metadata.labels['\(JobPodMark.index)']")]],
        ]
        for list in ["initContainers", "containers"] {
            guard let containers = pod.json[path: "spec", list]?.arrayValue else { continue }
            pod.json["spec"]?[list] = .array(
                containers.map { container in
                    let variables = container["env"]?.arrayValue ?? []
                    if variables.contains(where: { $0["name"]?.stringValue == JobPodMark.indexVariable }) {
                        return container
                    }
                    var changed = container
                    changed["env"] = .array(variables + [variable])
                    return changed
                })
        }
    }
}
