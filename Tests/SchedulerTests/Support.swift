// Nodes and pods for tests of the scheduler, in few words.
import JSON
import KubeTypes
import Testing

@testable import Scheduler

func json(_ text: String) -> JSONValue {
    do {
        return try JSONParser.parse(Array(text.utf8))
    } catch {
        Issue.record("\(error) in \(text)")
        return .null
    }
}

/// `spec` and `labels` are JSON; `allocatable` as `cpu=4,memory=8Gi`.
func makeNode(
    _ name: String, _ allocatable: String = "cpu=4,memory=8Gi,ephemeral-storage=10Gi,pods=110",
    labels: [String: String] = [:], spec: String = "{}"
) -> Node {
    var node = Node(name: name)
    node.metadata.labels = labels.merging(["kubernetes.io/hostname": name]) { own, _ in own }
    node.json["spec"] = json(spec)
    var amounts: JSONValue = [:]
    for pair in allocatable.split(separator: ",") {
        let parts = pair.split(separator: "=").map(String.init)
        amounts[parts[0]] = .string(parts[1])
    }
    node.json["status"] = ["allocatable": amounts]
    return node
}

/// `requests` as `cpu=1,memory=1Gi`; `spec` is JSON whose fields are put over the rest.
func makePod(
    _ name: String, _ requests: String = "", namespace: String = "default", labels: [String: String] = [:],
    node: String = "", owner: String = "", spec: String = "{}"
) -> Pod {
    var pod = Pod(name: name, namespace: namespace)
    pod.metadata.uid = "uid-\(name)"
    pod.metadata.labels = labels
    pod.metadata.generation = 1
    pod.metadata.resourceVersion = "1"
    if !owner.isEmpty {
        pod.json["metadata"]?["ownerReferences"] = [
            [
                "apiVersion": "apps/v1", "kind": "ReplicaSet", "name": .string(owner), "uid": .string(owner),
                "controller": true,
            ]
        ]
    }
    var amounts: JSONValue = [:]
    for pair in requests.split(separator: ",") {
        let parts = pair.split(separator: "=").map(String.init)
        amounts[parts[0]] = .string(parts[1])
    }
    var own: JSONValue = ["containers": [["name": "main", "resources": ["requests": amounts]]]]
    if !node.isEmpty { own["nodeName"] = .string(node) }
    for (key, value) in json(spec).objectValue ?? [:] { own[key] = value }
    pod.json["spec"] = own
    return pod
}

func snapshot(_ nodes: [Node], _ pods: [Pod] = []) -> Snapshot {
    var snapshot = Snapshot()
    for node in nodes { _ = snapshot.setNode(node) }
    for pod in pods { snapshot.setPod(PodInfo(pod)) }
    return snapshot
}

/// What a decision about a pod comes to: the name of the node, or why it gets none, and who would be pushed out.
func outcome(
    _ pod: Pod, _ snapshot: Snapshot, _ profile: Profile = Profile(), _ surroundings: Surroundings = Surroundings(),
    seed: UInt64 = 1
) -> (answer: String, plan: PreemptionPlan?, nomination: Nomination) {
    var snapshot = snapshot
    var algorithm = Algorithm()
    var random = SeededGenerator(seed: seed)
    switch algorithm.decide(PodInfo(pod), &snapshot, profile, surroundings, random: &random) {
    case .place(let slot, _): return (snapshot.info[slot].name, nil, .keep)
    case .fail(let message): return (message, nil, .clear)
    case .refuse(let diagnosis, let nomination, let plan): return (diagnosis.message, plan, nomination)
    }
}

/// The name of the node that a pod gets, or why it gets none.
func decide(
    _ pod: Pod, _ snapshot: Snapshot, _ profile: Profile = Profile(), services: [[String: String]] = [],
    namespaces: [String: [String: String]] = [:], seed: UInt64 = 1
) -> String {
    var surroundings = Surroundings()
    surroundings.namespaces = namespaces
    for (number, selector) in services.enumerated() {
        surroundings.services[pod.namespace, default: [:]]["s\(number)"] = selector
    }
    return outcome(pod, snapshot, profile, surroundings, seed: seed).answer
}
