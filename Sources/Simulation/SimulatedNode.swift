// What a simulated node says of itself.
import JSON
import KubeTypes

package struct SimulatedNode: Sendable {
    let name: String
    let index: Int

    /// Nodes are found again by this label.
    package static let label = "martlet.dev/simulated"

    /// An address of its own, in a range that nothing else here uses.
    var address: String { "10.\(192 + (index >> 16) & 31).\((index >> 8) & 255).\(index & 255)" }

    /// The address of the pod with a number on this node.
    func podAddress(_ number: Int) -> String {
        let host = (index << 8) + (number & 255)
        return "10.\(128 + (host >> 16) & 63).\((host >> 8) & 255).\(host & 255)"
    }

    func object(_ profile: SimulationProfile, now: Time) -> Node {
        var node = Node(name: name)
        var labels = [
            "kubernetes.io/hostname": name, "kubernetes.io/os": "linux", "kubernetes.io/arch": "amd64",
            Self.label: "true", "type": "kwok",
        ]
        if profile.zones > 0 {
            labels["topology.kubernetes.io/region"] = "simulated"
            labels["topology.kubernetes.io/zone"] = "zone-\(index % profile.zones)"
        }
        node.metadata.labels = labels.merging(profile.labels) { $1 }
        // Tools made for KWOK know its nodes by this.
        node.metadata.annotations = ["kwok.x-k8s.io/node": "fake"]
        if !profile.taints.isEmpty { node.json["spec"] = ["taints": .array(profile.taints)] }
        node.json["status"] = status(profile, now: now)
        return node
    }

    func status(_ profile: SimulationProfile, now: Time) -> JSONValue {
        let amounts = JSONValue.object(
            JSONObject(profile.capacity.sorted { $0.key < $1.key }.lazy.map { (key: $0.key, value: .string($0.value)) })
        )
        func condition(_ type: String, _ status: String, _ reason: String, _ message: String) -> JSONValue {
            [
                "type": .string(type), "status": .string(status), "reason": .string(reason),
                "message": .string(message), "lastHeartbeatTime": now.field, "lastTransitionTime": now.field,
            ]
        }
        return [
            "addresses": [
                ["type": "InternalIP", "address": .string(address)], ["type": "Hostname", "address": .string(name)],
            ],
            "capacity": amounts, "allocatable": amounts,
            "conditions": [
                condition("MemoryPressure", "False", "KubeletHasSufficientMemory", "simulated"),
                condition("DiskPressure", "False", "KubeletHasNoDiskPressure", "simulated"),
                condition("PIDPressure", "False", "KubeletHasSufficientPID", "simulated"),
                condition("Ready", "True", "KubeletReady", "this node is simulated"),
            ],
            "nodeInfo": [
                "machineID": "", "systemUUID": "", "bootID": "", "kernelVersion": "simulated", "osImage": "simulated",
                "containerRuntimeVersion": "simulated://1", "kubeletVersion": "v1.36.0", "kubeProxyVersion": "",
                "operatingSystem": "linux", "architecture": "amd64",
            ],
        ]
    }

    func lease(now: Time) -> Lease {
        var lease = Lease(name: name, namespace: "kube-node-lease")
        lease.spec.holderIdentity = name
        lease.spec.leaseDurationSeconds = 40
        lease.spec.renewTime = MicroTime(now)
        return lease
    }
}
