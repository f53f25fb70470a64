import JSON
import KubeClient
import KubeTypes

/// What controllers ask of a pod, as the API reference defines it under *Pod Lifecycle*.
extension Pod {
    var phase: String { json[path: "status", "phase"]?.stringValue ?? "" }
    var nodeName: String { json[path: "spec", "nodeName"]?.stringValue ?? "" }

    /// Neither finished nor on the way out: it counts as a replica.
    var isActive: Bool { !isTerminal && !isBeingDeleted }

    var isTerminal: Bool { phase == "Succeeded" || phase == "Failed" }

    func condition(_ type: String) -> PodCondition? {
        for condition in json[path: "status", "conditions"]?.arrayValue ?? []
        where condition["type"]?.stringValue == type {
            return PodCondition(condition)
        }
        return nil
    }

    var isReady: Bool { condition("Ready")?.status == "True" }

    /// Since when the pod is ready; nil while it is not.
    var readySince: Time? {
        guard let ready = condition("Ready"), ready.status == "True" else { return nil }
        return ready.lastTransitionTime
    }

    /// Ready for at least `minReadySeconds`.
    func isAvailable(minReadySeconds: Int, now: Time) -> Bool {
        guard let ready = condition("Ready"), ready.status == "True" else { return false }
        if minReadySeconds <= 0 { return true }
        guard let since = ready.lastTransitionTime else { return false }
        return now.since(since) >= Double(minReadySeconds)
    }

    /// The addresses of the pod, the first one first.
    var addresses: [String] {
        let several = (json[path: "status", "podIPs"]?.arrayValue ?? []).compactMap { $0["ip"]?.stringValue }
        if !several.isEmpty { return several }
        return json[path: "status", "podIP"]?.stringValue.map { [$0] } ?? []
    }

    /// The most restarts of an ordinary container, and of a sidecar.
    var restarts: (containers: Int, sidecars: Int) {
        func most(_ statuses: String, where included: (String) -> Bool) -> Int {
            (json[path: "status", statuses]?.arrayValue ?? [])
                .filter { included($0["name"]?.stringValue ?? "") }
                .compactMap { $0["restartCount"]?.intValue }.max() ?? 0
        }
        let sidecars = (json[path: "spec", "initContainers"]?.arrayValue ?? [])
            .filter { $0["restartPolicy"]?.stringValue == "Always" }
            .compactMap { $0["name"]?.stringValue }
        return (
            most("containerStatuses") { _ in true },
            sidecars.isEmpty ? 0 : most("initContainerStatuses", where: sidecars.contains)
        )
    }
}

/// Ways to find pods without looking at all of them.
enum PodIndex {
    private static let controller = "controller"
    private static let orphan = "orphan"
    private static let node = "node"
    private static let label = "label"
    private static let claim = "claim"

    static func add(to pods: Informer<Pod>) {
        pods.addIndex(controller) { pod in pod.controller.map { [$0.uid] } ?? [] }
        pods.addIndex(orphan) { pod in pod.controller == nil ? [pod.namespace] : [] }
        pods.addIndex(node) { pod in pod.nodeName.isEmpty ? [] : [pod.nodeName] }
        pods.addIndex(claim) { pod in Array(Set(pod.claimKeys.map(\.description))) }
        pods.addIndex(label) { pod in pod.labels.map { labelKey(pod.namespace, $0.key, $0.value) } }
    }

    private static func labelKey(_ namespace: String, _ key: String, _ value: String) -> String {
        "\(namespace)/\(key)=\(value)"
    }

    static func controlled(by uid: String, in pods: Informer<Pod>) -> [Pod] { pods.objects(by: controller, uid) }

    static func countControlled(by uid: String, in pods: Informer<Pod>) -> Int { pods.count(by: controller, uid) }

    /// The pods that use a claim's volume.
    static func using(_ key: ObjectKey, in pods: Informer<Pod>) -> [Pod] { pods.objects(by: claim, key.description) }

    static func orphans(namespace: String, in pods: Informer<Pod>) -> [Pod] { pods.objects(by: orphan, namespace) }

    static func onNode(_ name: String, in pods: Informer<Pod>) -> [Pod] { pods.objects(by: node, name) }

    /// The pods of a namespace that carry all the labels; only those with the rarest of them are looked at.
    static func labelled(_ labels: [String: String], namespace: String, in pods: Informer<Pod>) -> [Pod] {
        let keys = labels.map { labelKey(namespace, $0.key, $0.value) }
        guard let rarest = keys.min(by: { pods.count(by: label, $0) < pods.count(by: label, $1) }) else { return [] }
        let candidates = pods.objects(by: label, rarest)
        if keys.count == 1 { return candidates }
        let matcher = LabelMatcher(matchLabels: labels)
        return candidates.filter { matcher.matches($0.labels) }
    }

    /// The pods of a namespace that a selector matches; the selector's plain labels narrow the search.
    static func matching(_ selector: LabelSelector?, namespace: String, in pods: Informer<Pod>) -> [Pod] {
        guard let selector else { return [] }
        let matcher = LabelMatcher(selector)
        let plain = selector.matchLabels
        let candidates =
            plain.isEmpty ? pods.objects(namespace: namespace) : labelled(plain, namespace: namespace, in: pods)
        return selector.matchExpressions.isEmpty ? candidates : candidates.filter { matcher.matches($0.labels) }
    }
}
