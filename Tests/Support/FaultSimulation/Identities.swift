import JSON

/// Which pods of StatefulSets run, as their nodes would say: what the API says no longer may still run.
struct Identities {
    /// By namespace and name: the pods that run, and their nodes.
    private var running: [String: [String: String]] = [:]
    private var stopped: Set<String> = []

    /// A node says that a pod has stopped.
    mutating func stopped(_ uid: String) {
        stopped.insert(uid)
        for identity in running.keys { running[identity]?[uid] = nil }
    }

    /// Somebody who must know says that a node is no more.
    mutating func fenced(node: String) {
        for identity in running.keys {
            for (uid, place) in running[identity] ?? [:] where place == node {
                running[identity]?[uid] = nil
                // What is still written of them says nothing.
                stopped.insert(uid)
            }
        }
    }

    /// Returns what is wrong.
    mutating func podChanged(_ pod: JSONValue, isGone: Bool) -> String? {
        guard !isGone, pod.owners.contains(where: { $0["kind"]?.stringValue == "StatefulSet" }) else { return nil }
        let identity = pod.qualifiedName
        // That it has ended counts from its node alone: others write it of pods that may still run.
        guard pod.phase == "Running", !stopped.contains(pod.uid) else { return nil }
        running[identity, default: [:]][pod.uid] = pod.text("spec", "nodeName")
        guard let all = running[identity], all.count > 1 else { return nil }
        let nodes = all.map { "\($0.key) on \($0.value)" }.sorted().joined(separator: " and ")
        return "two pods \(identity) run: \(nodes)"
    }
}
