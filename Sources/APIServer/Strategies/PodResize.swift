// What the resize subresource takes of a pod that is sent to it.

import JSON
import KubeTypes

enum PodResize {
    /// Takes the resources of containers and of the pod, and leaves the rest as it was. Where the containers are not the
    /// same, the pod stays as it is sent: validation says why not.
    static func keepResources(_ object: inout JSONValue, old: JSONValue) {
        let new = object["spec"]?.objectValue ?? JSONObject()
        let before = old["spec"]?.objectValue ?? JSONObject()
        var spec = before
        for list in ["containers", "initContainers"] {
            let now = new[array: list]
            let was = before[array: list]
            guard now.count == was.count, zip(now, was).allSatisfy({ $0["name"] == $1["name"] }) else { return }
            guard !was.isEmpty else { continue }
            spec[list] = .array(
                zip(now, was).map { now, was in
                    var container = was
                    for field in ["resources", "resizePolicy"] { container[field] = now[field] }
                    return container
                })
        }
        spec["resources"] = new["resources"]
        object = PodStrategy.restored(object, old)
        object["spec"] = .object(spec)
    }
}

/// `matchLabelKeys` and `mismatchLabelKeys`: the pod's own values of some labels become part of its selectors when it is
/// made (KEP-3633, KEP-3243).
enum LabelKeys {
    static func apply(to pod: inout JSONValue) {
        let spec = pod["spec"]?.objectValue ?? JSONObject()
        guard spec["affinity"] != nil || spec["topologySpreadConstraints"] != nil else { return }
        let labels = pod["metadata"]?["labels"]?.objectValue ?? JSONObject()
        pod.update("spec") { spec in
            spec.updateEach("topologySpreadConstraints") { merge(labels, into: &$0) }
            guard spec["affinity"] != nil else { return }
            spec.updateObject("affinity") { affinity in
                for kind in ["podAffinity", "podAntiAffinity"] where affinity[kind] != nil {
                    affinity.updateObject(kind) { terms in
                        terms.updateEach("requiredDuringSchedulingIgnoredDuringExecution") {
                            merge(labels, into: &$0)
                        }
                        terms.updateEach("preferredDuringSchedulingIgnoredDuringExecution") { weighted in
                            guard weighted["podAffinityTerm"] != nil else { return }
                            weighted.updateObject("podAffinityTerm") { merge(labels, into: &$0) }
                        }
                    }
                }
            }
        }
    }

    private static func merge(_ labels: JSONObject, into term: inout JSONObject) {
        guard term["labelSelector"] != nil else { return }
        var more: [JSONValue] = []
        for (field, operation) in [("matchLabelKeys", "In"), ("mismatchLabelKeys", "NotIn")] {
            for key in term[strings: field] {
                guard let value = labels[key] else { continue }
                more.append(["key": .string(key), "operator": .string(operation), "values": [value]])
            }
        }
        if more.isEmpty { return }
        term.updateObject("labelSelector") { selector in
            selector["matchExpressions"] = .array(selector[array: "matchExpressions"] + more)
        }
    }
}
