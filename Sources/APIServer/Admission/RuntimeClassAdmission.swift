// Runtime classes: what running under one costs, and on which nodes that is possible (upstream's RuntimeClass).

import JSON
import KubeTypes

struct RuntimeClassAdmission: AdmissionPlugin {
    func handles(_ attributes: AdmissionAttributes) -> Bool {
        attributes.operation == .create && attributes.concerns("", "pods")
    }

    private func runtimeClass(_ attributes: AdmissionAttributes, _ registry: Registry) throws(APIError) -> JSONValue? {
        guard let name = attributes.object?[path: "spec", "runtimeClassName"]?.stringValue else { return nil }
        let classes = registry.cache.cache(group: "node.k8s.io", resource: "runtimeclasses")
        guard let found = classes?[ObjectKey(name: name)]?.value else {
            throw attributes.forbidden("pod rejected: RuntimeClass \"\(name)\" not found")
        }
        return found
    }

    private static func overhead(_ runtimeClass: JSONValue?) -> JSONValue? {
        runtimeClass?[path: "overhead", "podFixed"].flatMap { $0.isEmptyValue ? Optional<JSONValue>.none : $0 }
    }

    func admit(_ attributes: inout AdmissionAttributes, _ registry: Registry) throws(APIError) {
        guard let found = try runtimeClass(attributes, registry) else { return }
        if let overhead = Self.overhead(found) {
            let given = ResourceAmounts(resources: attributes.object?[path: "spec", "overhead"])
            if !given.isEmpty, given != ResourceAmounts(resources: overhead) {
                throw attributes.forbidden("pod rejected: Pod's Overhead doesn't match RuntimeClass's defined Overhead")
            }
            attributes.object?.update("spec") { $0["overhead"] = overhead }
        }
        guard let scheduling = found["scheduling"]?.objectValue else { return }
        let selector = scheduling[object: "nodeSelector"]
        let own = attributes.object?[path: "spec", "nodeSelector"]?.objectValue ?? [:]
        for (key, value) in selector {
            if let present = own[key], present != value {
                throw attributes.forbidden(
                    "conflict: runtimeClass.scheduling.nodeSelector[\(key)] = \(value.stringValue ?? ""); "
                        + "pod.spec.nodeSelector[\(key)] = \(present.stringValue ?? "")")
            }
        }
        attributes.object?.update("spec") { spec in
            if !selector.isEmpty {
                spec.updateObject("nodeSelector") { own in
                    for (key, value) in selector { own[key] = value }
                }
            }
            let more = scheduling[array: "tolerations"]
            if more.isEmpty { return }
            let tolerations = spec[array: "tolerations"]
            spec["tolerations"] = .array(tolerations + more.filter { !tolerations.contains($0) })
        }
    }

    func validate(_ attributes: AdmissionAttributes, _ registry: Registry) throws(APIError) {
        let given = attributes.object?[path: "spec", "overhead"]
        guard let overhead = Self.overhead(try runtimeClass(attributes, registry)) else {
            if let given, !given.isNull {
                throw attributes.forbidden(
                    "pod rejected: Pod Overhead set without corresponding RuntimeClass defined Overhead")
            }
            return
        }
        if ResourceAmounts(resources: given) != ResourceAmounts(resources: overhead) {
            throw attributes.forbidden("pod rejected: Pod's Overhead doesn't match RuntimeClass's defined Overhead")
        }
    }
}
