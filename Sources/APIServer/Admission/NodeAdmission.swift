// Nodes: new ones are tainted until they are ready, and pods are told the topology of the node that they run on.

import JSON
import KubeTypes

/// Upstream's TaintNodesByCondition: a controller takes the taint off again.
struct TaintNodesByCondition: AdmissionPlugin {
    func handles(_ attributes: AdmissionAttributes) -> Bool {
        attributes.operation == .create && attributes.concerns("", "nodes")
    }

    func admit(_ attributes: inout AdmissionAttributes, _ registry: Registry) throws(APIError) {
        let key = "node.kubernetes.io/not-ready"
        guard attributes.object?.objectValue != nil else { return }
        attributes.object?.update("spec") { spec in
            let taints = spec[array: "taints"]
            let isThere = taints.contains {
                $0["key"]?.stringValue == key && $0["effect"]?.stringValue == "NoSchedule"
            }
            if !isThere { spec["taints"] = .array(taints + [["key": .string(key), "effect": "NoSchedule"]]) }
        }
    }
}

/// Upstream's PodTopologyLabels: zone and region of the node, as labels of the pod.
struct PodTopologyLabels: AdmissionPlugin {
    private static let names = ["topology.kubernetes.io/zone", "topology.kubernetes.io/region"]

    func handles(_ attributes: AdmissionAttributes) -> Bool {
        guard attributes.operation == .create, attributes.storage.group.isEmpty else { return false }
        return switch attributes.storage.plural {
        case "pods": attributes.subresource.isEmpty || attributes.subresource == "binding"
        case "bindings": true
        default: false
        }
    }

    func admit(_ attributes: inout AdmissionAttributes, _ registry: Registry) throws(APIError) {
        let isPod = attributes.concerns("", "pods")
        if !isPod, attributes.object?[path: "target", "kind"]?.stringValue != "Node" { return }
        let name =
            isPod
            ? attributes.object?[path: "spec", "nodeName"]?.stringValue
            : attributes.object?[path: "target", "name"]?.stringValue
        guard let name, !name.isEmpty,
            let labels = registry.cache.cache(group: "", resource: "nodes")?[ObjectKey(name: name)]?.value.labels
        else { return }
        let topology = Self.names.compactMap { key in labels[key].map { (key, $0) } }
        if topology.isEmpty { return }
        attributes.object?.updateMetadata { metadata in
            metadata.updateObject("labels") { own in
                for (key, value) in topology { own[key] = value }
            }
        }
    }
}
