import JSON
import KubeTypes

/// The rows of pods: what a person wants to know about a pod, distilled from the states of its containers.
enum PodPrinter {
    static func cells(_ pod: TableCells) -> [JSONValue] {
        let summary = PodSummary(pod)
        var restarts = String(summary.restarts)
        if summary.restarts != 0, let last = summary.lastRestart {
            restarts += " (\(HumanDuration.text(seconds: pod.now.since(last))) ago)"
        }
        return [
            pod.name, .string("\(summary.readyContainers)/\(summary.totalContainers)"), .string(summary.reason),
            .string(restarts), pod.age,
            .string(pod["status", "podIPs"].list.first?[or: "ip"].text(or: "<none>") ?? "<none>"),
            .string(pod["spec", "nodeName"].text(or: "<none>")),
            .string(pod["status", "nominatedNodeName"].text(or: "<none>")), .string(readinessGates(pod)),
        ]
    }

    /// What becomes of a row when the pod has ended.
    static func rowConditions(_ pod: TableCells) -> JSONValue? {
        let message: String
        let phase = pod["status", "phase"].text
        switch phase {
        case "Succeeded": message = "The pod has completed successfully."
        case "Failed": message = "The pod failed."
        default: return nil
        }
        return [["type": "Completed", "status": "True", "reason": .string(phase), "message": .string(message)]]
    }

    private static func readinessGates(_ pod: TableCells) -> String {
        let gates = pod["spec", "readinessGates"].list
        if gates.isEmpty { return "<none>" }
        let open = gates.count { CellText.isTrue($0[or: "conditionType"].text, of: pod["status"]) }
        return "\(open)/\(gates.count)"
    }
}

/// Counts and the one-word status of a pod.
private struct PodSummary {
    var restarts: Int64 = 0
    var lastRestart: Time?
    var readyContainers = 0
    var totalContainers: Int
    var reason: String

    init(_ pod: TableCells) {
        let status = pod["status"]
        let initContainers = pod["spec", "initContainers"].list
        let sidecars = Set(
            initContainers.filter { $0[or: "restartPolicy"].text == "Always" }.map { $0[or: "name"].text })
        totalContainers = pod["spec", "containers"].list.count + sidecars.count
        reason = status[or: "reason"].text(or: status[or: "phase"].text)
        if CellText.condition("PodScheduled", of: status)?[or: "reason"].text == "SchedulingGated" {
            reason = "SchedulingGated"
        }
        let sidecarStatuses = status[or: "initContainerStatuses"].list.filter { sidecars.contains($0[or: "name"].text) }
        let initializing = readInitContainers(status, sidecars: sidecars, count: initContainers.count)
        if !initializing || CellText.isTrue("Initialized", of: status) {
            // Restarts of init containers stop counting once they are through; those of sidecars go on.
            restarts = 0
            lastRestart = nil
            for sidecar in sidecarStatuses { countRestarts(of: sidecar) }
            readContainers(status)
        }
        if pod.isBeingDeleted {
            if status[or: "reason"].text == "NodeLost" {
                reason = "Unknown"
            } else if !["Succeeded", "Failed"].contains(status[or: "phase"].text) {
                reason = "Terminating"
            }
        }
    }

    private mutating func countRestarts(of container: JSONValue) {
        restarts += container[or: "restartCount"].count
        guard let text = container[path: "lastState", "terminated", "finishedAt"]?.stringValue, let time = Time(text)
        else { return }
        if let last = lastRestart, last >= time { return }
        lastRestart = time
    }

    /// Goes through the init containers up to the one that is not through; whether there is one.
    private mutating func readInitContainers(_ status: JSONValue, sidecars: Set<String>, count: Int) -> Bool {
        for (position, container) in status[or: "initContainerStatuses"].list.enumerated() {
            countRestarts(of: container)
            let state = container[or: "state"]
            let terminated = state[or: "terminated"]
            let waiting = state[path: "waiting", "reason"]?.text ?? ""
            if terminated.isPresent, terminated[or: "exitCode"].count == 0 { continue }
            if sidecars.contains(container[or: "name"].text), container[or: "started"].boolValue == true {
                if container[or: "ready"].boolValue == true { readyContainers += 1 }
                continue
            }
            if terminated.isPresent {
                reason = "Init:\(Self.end(terminated))"
            } else if !waiting.isEmpty, waiting != "PodInitializing" {
                reason = "Init:\(waiting)"
            } else {
                reason = "Init:\(position)/\(count)"
            }
            return true
        }
        return false
    }

    private mutating func readContainers(_ status: JSONValue) {
        var hasRunning = false
        var errorReason = ""
        for container in status[or: "containerStatuses"].list.reversed() {
            countRestarts(of: container)
            let state = container[or: "state"]
            let terminated = state[or: "terminated"]
            let waiting = state[path: "waiting", "reason"]?.text ?? ""
            if !waiting.isEmpty {
                reason = waiting
            } else if terminated.isPresent {
                reason = Self.end(terminated)
                if terminated[or: "exitCode"].count != 0 { errorReason = reason }
            } else if container[or: "ready"].boolValue == true, state[or: "running"].isPresent {
                hasRunning = true
                readyContainers += 1
            }
        }
        // One container that has completed does not make the pod look completed while others run.
        guard reason == "Completed" else { return }
        if hasRunning, CellText.isTrue("Ready", of: status) {
            reason = "Running"
        } else if !errorReason.isEmpty {
            reason = errorReason
        } else if hasRunning {
            reason = "NotReady"
        }
    }

    /// How a container ended: its reason, or else its signal or exit code.
    private static func end(_ terminated: JSONValue) -> String {
        let reason = terminated[or: "reason"].text
        if !reason.isEmpty { return reason }
        let signal = terminated[or: "signal"].count
        return signal != 0 ? "Signal:\(signal)" : "ExitCode:\(terminated[or: "exitCode"].count)"
    }
}
