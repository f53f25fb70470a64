import JSON
import KubeTypes

@testable import ControllerManager

// Objects as tests need them, short to write.

let start = Time(seconds: 1_800_000_000)

func pod(
    _ name: String, namespace: String = "default", uid: String? = nil, labels: [String: String] = ["app": "web"],
    node: String = "n1", phase: String = "Running", ready: Bool = true, readySince: Time? = start,
    created: Time = start, ip: String? = nil, owner: OwnerReference? = nil, restarts: Int = 0,
    annotations: [String: String] = [:], deleted: Bool = false
) -> Pod {
    var pod = Pod(name: name, namespace: namespace)
    pod.metadata.uid = uid ?? "uid-\(name)"
    pod.metadata.labels = labels
    pod.metadata.annotations = annotations
    pod.metadata.creationTimestamp = created
    if deleted { pod.metadata.deletionTimestamp = start }
    if let owner { pod.metadata.ownerReferences = [owner] }
    if !node.isEmpty { pod.spec.nodeName = node }
    pod.status.phase = phase
    var condition = PodCondition()
    condition.type = "Ready"
    condition.status = ready ? "True" : "False"
    condition.lastTransitionTime = readySince
    pod.status.conditions = [condition]
    if let ip {
        pod.status.podIP = ip
        var address = PodIP()
        address.ip = ip
        pod.status.podIPs = [address]
    }
    if restarts > 0 {
        var status = ContainerStatus()
        status.name = "c"
        status.restartCount = restarts
        pod.status.containerStatuses = [status]
    }
    return pod
}

func template(_ image: String, labels: [String: String] = ["app": "web"]) -> PodTemplateSpec {
    var template = PodTemplateSpec()
    template.metadata.labels = labels
    template.spec = PodSpec(["containers": [["name": "c", "image": .string(image)]]])
    return template
}

func deployment(
    _ name: String = "web", replicas: Int = 3, image: String = "v1", surge: IntOrString = .string("25%"),
    unavailable: IntOrString = .string("25%"), strategy: String = "RollingUpdate", paused: Bool = false,
    deadline: Int? = 600, history: Int? = 10, minReady: Int = 0
) -> Deployment {
    var deployment = Deployment(name: name, namespace: "default")
    deployment.metadata.uid = "uid-deployment-\(name)"
    deployment.metadata.generation = 1
    deployment.metadata.creationTimestamp = start
    deployment.spec.replicas = replicas
    deployment.spec.selector = LabelSelector(["matchLabels": ["app": "web"]])
    deployment.spec.template = template(image)
    deployment.spec.strategy = DeploymentStrategy(["type": .string(strategy)])
    if strategy == "RollingUpdate" {
        deployment.spec.strategy?.rollingUpdate = RollingUpdateDeployment([
            "maxSurge": surge.field, "maxUnavailable": unavailable.field,
        ])
    }
    deployment.spec.paused = paused ? true : nil
    deployment.spec.progressDeadlineSeconds = deadline
    deployment.spec.revisionHistoryLimit = history
    deployment.spec.minReadySeconds = minReady == 0 ? nil : minReady
    return deployment
}

extension Deployment {
    func condition(_ type: String) -> DeploymentCondition? { status.conditions.first { $0.type == type } }
}

func service(
    _ name: String = "web", selector: [String: String] = ["app": "web"], clusterIP: String = "10.0.0.1",
    ports: [JSONValue] = [["port": 80, "protocol": "TCP", "targetPort": 8080]], publishNotReady: Bool = false
) -> Service {
    var service = Service(name: name, namespace: "default")
    service.metadata.uid = "uid-service-\(name)"
    service.spec.selector = selector
    service.spec.clusterIP = clusterIP
    service.spec.ipFamilies = ["IPv4"]
    service.spec.ports = ports.map { ServicePort($0) }
    service.spec.publishNotReadyAddresses = publishNotReady ? true : nil
    return service
}

func node(_ name: String = "n1", ready: String? = "True", heartbeat: Time = start, created: Time = start) -> Node {
    var node = Node(name: name)
    node.metadata.uid = "uid-node-\(name)"
    node.metadata.creationTimestamp = created
    if let ready {
        var condition = NodeCondition()
        condition.type = "Ready"
        condition.status = ready
        condition.lastHeartbeatTime = heartbeat
        condition.lastTransitionTime = heartbeat
        node.status.conditions = [condition]
    }
    return node
}

/// Random numbers that are the same in every run.
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64
    init(seed: UInt64) { state = seed }
    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }
}
