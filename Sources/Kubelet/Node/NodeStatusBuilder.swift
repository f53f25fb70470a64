// The node as the API shows it.

import CRI
import JSON
import KubeTypes

struct NodeStatusInput: Sendable {
    var options: KubeletOptions
    var machine: NodeInspection
    var runtimeVersion: String
    /// Why the node is not ready; nil if it is.
    var problem: String?
    var images: [RuntimeImage]
    /// What the node is running out of: names of conditions.
    var pressure: Set<String> = []
    var features = RuntimeFeatures()
    var previous: NodeStatus
    var now: Time
}

enum NodeStatusBuilder {
    static func labels(_ options: KubeletOptions, _ machine: NodeInspection) -> [String: String] {
        options.nodeLabels.merging(
            [
                "kubernetes.io/hostname": options.nodeName, "kubernetes.io/os": "linux",
                "kubernetes.io/arch": machine.architecture, "beta.kubernetes.io/os": "linux",
                "beta.kubernetes.io/arch": machine.architecture,
            ], uniquingKeysWith: { $1 })
    }

    static func status(_ input: NodeStatusInput) -> NodeStatus {
        let options = input.options
        // What others wrote (volumes attached, …) stays.
        var status = input.previous
        // Of those that are not the machine's, all that there is can be had.
        let foreign = foreignResources(input.previous.capacity)
        status.capacity = foreign.merging(input.machine.capacity(maxPods: options.maxPods)) { $1 }
        status.allocatable = foreign.merging(input.machine.allocatable(maxPods: options.maxPods)) { $1 }
        var addresses: [NodeAddress] = []
        for (type, value) in options.nodeIPs.map({ ("InternalIP", $0) }) + [("Hostname", options.nodeName)] {
            var address = NodeAddress()
            address.type = type
            address.address = value
            addresses.append(address)
        }
        status.addresses = addresses
        var endpoint = DaemonEndpoint()
        endpoint.Port = options.port
        var endpoints = NodeDaemonEndpoints()
        endpoints.kubeletEndpoint = endpoint
        status.daemonEndpoints = endpoints
        var info = NodeSystemInfo()
        info.machineID = input.machine.machineID
        info.systemUUID = input.machine.systemUUID
        info.bootID = input.machine.bootID
        info.kernelVersion = input.machine.kernel
        info.osImage = input.machine.osImage
        info.containerRuntimeVersion = input.runtimeVersion
        info.kubeletVersion = options.version
        info.kubeProxyVersion = ""
        info.operatingSystem = "linux"
        info.architecture = input.machine.architecture
        status.nodeInfo = info
        // The largest fifty, and of each at most five names, as upstream limits them.
        status.images = input.images.sorted { $0.size > $1.size }.prefix(50).map { image in
            var shown = ContainerImage()
            shown.names = Array((image.digests + image.tags).prefix(5))
            shown.sizeBytes = Int(clamping: image.size)
            return shown
        }
        status.conditions = conditions(input)
        describe(input.features, &status)
        return status
    }

    private static func describe(_ features: RuntimeFeatures, _ status: inout NodeStatus) {
        status.runtimeHandlers = features.handlers.map { handler in
            var shown = NodeRuntimeHandler()
            shown.name = handler.name
            var features = NodeRuntimeHandlerFeatures()
            features.recursiveReadOnlyMounts = handler.recursiveReadOnlyMounts
            features.userNamespaces = handler.userNamespaces
            shown.features = features
            return shown
        }
        var known = NodeFeatures()
        known.supplementalGroupsPolicy = features.supplementalGroupsPolicy
        status.features = known
    }

    /// Resources that somebody else has put into the node's capacity: devices, licences, what a test makes up.
    private static func foreignResources(_ capacity: ResourceAmounts) -> ResourceAmounts {
        capacity.filter { name, _ in
            !NodeInspection.resources.contains(name) && !name.hasPrefix(HugePages.prefix)
        }
    }

    private static func conditions(_ input: NodeStatusInput) -> [NodeCondition] {
        let own: [(String, String, String, String)] = [
            input.pressure.contains("MemoryPressure")
                ? (
                    "MemoryPressure", "True", "KubeletHasInsufficientMemory",
                    "kubelet has insufficient memory available"
                )
                : ("MemoryPressure", "False", "KubeletHasSufficientMemory", "kubelet has sufficient memory available"),
            input.pressure.contains("DiskPressure")
                ? ("DiskPressure", "True", "KubeletHasDiskPressure", "kubelet has disk pressure")
                : ("DiskPressure", "False", "KubeletHasNoDiskPressure", "kubelet has no disk pressure"),
            input.pressure.contains("PIDPressure")
                ? ("PIDPressure", "True", "KubeletHasInsufficientPID", "kubelet has insufficient PID available")
                : ("PIDPressure", "False", "KubeletHasSufficientPID", "kubelet has sufficient PID available"),
            input.problem.map { ("Ready", "False", "KubeletNotReady", $0) }
                ?? ("Ready", "True", "KubeletReady", "kubelet is posting ready status"),
        ]
        let names = Set(own.map(\.0))
        var conditions = input.previous.conditions.filter { !names.contains($0.type) }
        for (type, value, reason, message) in own {
            let old = input.previous.conditions.first { $0.type == type }
            var condition = NodeCondition()
            condition.json["type"] = .string(type)
            condition.status = value
            condition.lastHeartbeatTime = input.now
            condition.lastTransitionTime = old?.status == value ? old?.lastTransitionTime ?? input.now : input.now
            condition.reason = reason
            condition.message = message
            conditions.append(condition)
        }
        return conditions
    }

    /// Whether the status says anything new besides the time.
    static func differs(_ left: NodeStatus, _ right: NodeStatus) -> Bool { withoutTimes(left) != withoutTimes(right) }

    private static func withoutTimes(_ status: NodeStatus) -> NodeStatus {
        var status = status
        status.conditions = status.conditions.map { condition in
            var condition = condition
            condition.lastHeartbeatTime = nil
            return condition
        }
        return status
    }
}
