// Events about pods and their containers.

import KubeClient
import KubeTypes

struct PodReporter: Sendable {
    let recorder: EventRecorder

    func normal(_ pod: Pod, _ container: Container? = nil, _ reason: String, _ message: String) {
        event(pod, container, .normal, reason, message)
    }

    func warning(_ pod: Pod, _ container: Container? = nil, _ reason: String, _ message: String) {
        event(pod, container, .warning, reason, message)
    }

    private func event(
        _ pod: Pod, _ container: Container?, _ type: EventRecorder.EventType, _ reason: String, _ message: String
    ) {
        var reference = EventRecorder.reference(to: pod)
        if let container, pod.allContainers.contains(where: { $0.name == container.name }) {
            let isInit = pod.spec.initContainers.contains { $0.name == container.name }
            let isEphemeral = pod.spec.ephemeralContainers.contains { $0.name == container.name }
            let list = isInit ? "initContainers" : isEphemeral ? "ephemeralContainers" : "containers"
            reference.fieldPath = "spec.\(list){\(container.name)}"
        }
        recorder.event(regarding: reference, type: type, reason: reason, message: message)
    }
}

/// A container that did not start: the reason and message that its status gets.
struct StartFailure: Error, Sendable, Hashable, CustomStringConvertible {
    var reason: String
    var message: String
    /// Seconds until the next try.
    var retry = 10.0

    var description: String { message }
}
