// What becomes of a pod on a simulated node: the next step from what the API says, and what is then written.
import Glibc
import JSON
import KubeTypes

/// A step in a pod's life.
enum PodStep: Sendable, Hashable {
    case start
    case succeed, fail
    case crash
    /// The node has been away, and others have written the pod off meanwhile.
    case recover
    case remove
    /// A stage of a KWOK configuration, by its number.
    case stage(Int)
}

struct PodLife: Sendable {
    let profile: SimulationProfile

    /// The next step of a pod and the seconds until then; nil if nothing is left to happen.
    func next(_ pod: Pod, _ random: inout some RandomNumberGenerator) -> (step: PodStep, delay: Double)? {
        let status = pod.json["status"]
        let phase = status?["phase"]?.stringValue ?? "Pending"
        if pod.json["metadata"]?["deletionTimestamp"] != nil {
            let grace = Double(pod.metadata.deletionGracePeriodSeconds ?? 30)
            return (.remove, min(grace, profile.terminate.draw(&random)))
        }
        switch phase {
        case "Pending": return (.start, profile.start.draw(&random))
        case "Running":
            if Self.isWrittenOff(pod) { return (.recover, 0) }
            let policy = pod.json["spec"]?["restartPolicy"]?.stringValue ?? "Always"
            if policy != "Always" {
                guard let run = profile.run else { return nil }
                let fails = Double.random(in: 0..<1, using: &random) < profile.failing
                return (fails && policy == "Never" ? .fail : .succeed, run.draw(&random))
            }
            guard profile.meanTimeToCrash > 0 else { return nil }
            return (.crash, exponential(profile.meanTimeToCrash, &random))
        default: return nil
        }
    }

    private static func isWrittenOff(_ pod: Pod) -> Bool {
        (pod.json["status"]?["conditions"]?.arrayValue ?? []).contains {
            $0["type"]?.stringValue == "Ready" && $0["status"]?.stringValue == "False"
        }
    }

    /// The status that a step writes; nil for one that writes none.
    func status(
        after step: PodStep, _ pod: Pod, hostIP: String, podIP: String, now: Time
    ) -> JSONValue? {
        let time = now.field
        let spec = pod.json["spec"]
        var status: JSONObject = [:]
        if let generation = pod.json["metadata"]?["generation"] { status["observedGeneration"] = generation }
        func conditions(ready: Bool, reason: String = "") -> JSONValue {
            var types = ["PodReadyToStartContainers", "Initialized", "Ready", "ContainersReady"]
            types += (spec?["readinessGates"]?.arrayValue ?? []).compactMap { $0["conditionType"]?.stringValue }
            return .array(
                types.map { type in
                    let holds = ready || type == "Initialized" || type == "PodReadyToStartContainers"
                    var condition: JSONObject = [
                        "type": .string(type), "status": holds ? "True" : "False", "lastTransitionTime": time,
                    ]
                    if !reason.isEmpty, !holds { condition["reason"] = .string(reason) }
                    return .object(condition)
                })
        }
        func containers(_ list: String, _ state: (JSONValue) -> (state: JSONValue, ready: Bool, restarts: Int64))
            -> JSONValue
        {
            .array(
                (spec?[list]?.arrayValue ?? []).map { container in
                    let own = state(container)
                    return [
                        "name": container["name"] ?? "", "image": container["image"] ?? "",
                        "imageID": container["image"] ?? "", "containerID": .string("simulated://\(pod.uid)"),
                        "ready": .bool(own.ready), "started": .bool(own.ready), "restartCount": .integer(own.restarts),
                        "state": own.state,
                    ]
                })
        }
        func ended(_ code: Int64, _ reason: String) -> JSONValue {
            [
                "terminated": [
                    "exitCode": .integer(code), "reason": .string(reason), "startedAt": time, "finishedAt": time,
                ]
            ]
        }
        let running: JSONValue = ["running": ["startedAt": time]]
        switch step {
        case .start:
            status["phase"] = "Running"
            status["startTime"] = time
            status["hostIP"] = .string(hostIP)
            status["hostIPs"] = [["ip": .string(hostIP)]]
            let address = spec?["hostNetwork"]?.boolValue == true ? hostIP : podIP
            status["podIP"] = .string(address)
            // Merged by address, it would stand beside another one that a write whose answer was lost has left.
            status["podIPs"] = [["$patch": "replace"], ["ip": .string(address)]]
            status["conditions"] = conditions(ready: true)
            status["containerStatuses"] = containers("containers") { _ in (running, true, 0) }
            if !(spec?["initContainers"]?.arrayValue ?? []).isEmpty {
                status["initContainerStatuses"] = containers("initContainers") { container in
                    container["restartPolicy"]?.stringValue == "Always"
                        ? (running, true, 0) : (ended(0, "Completed"), true, 0)
                }
            }
        case .recover: status["conditions"] = conditions(ready: true)
        case .succeed:
            status["phase"] = "Succeeded"
            status["conditions"] = conditions(ready: false, reason: "PodCompleted")
            status["containerStatuses"] = containers("containers") { _ in (ended(0, "Completed"), false, 0) }
        case .fail:
            status["phase"] = "Failed"
            status["conditions"] = conditions(ready: false, reason: "PodFailed")
            status["containerStatuses"] = containers("containers") { _ in (ended(1, "Error"), false, 0) }
        case .crash:
            let restarts =
                pod.json[path: "status", "containerStatuses"]?[0]?["restartCount"]?.integerValue ?? 0
            status["containerStatuses"] = containers("containers") { _ in (running, true, restarts + 1) }
        case .remove, .stage: return nil
        }
        return .object(status)
    }

    func exponential(_ mean: Double, _ random: inout some RandomNumberGenerator) -> Double {
        -mean * log(1 - Double.random(in: 0..<1, using: &random))
    }
}
