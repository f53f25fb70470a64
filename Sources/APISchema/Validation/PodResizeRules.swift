import JSON
import KubeTypes

/// What the resize subresource may change about a pod: amounts of cpu and memory (KEP-1287, KEP-5419).
enum PodResizeRules {
    static func resize(_ pod: JSONObject, _ old: JSONObject, _ v: inout Validator) {
        if old["metadata"]?["annotations"]?["kubernetes.io/config.mirror"] != nil {
            return v.report(.forbidden("", "static pods cannot be resized"))
        }
        if old["spec"]?[path: "os", "name"]?.stringValue == "windows" {
            return v.report(.forbidden("", "windows pods cannot be resized"))
        }
        let new = pod[object: "spec"]
        let before = old[object: "spec"]
        v.at("spec") { v in
            if PodQOS.qosClass(of: new) != (old["status"]?["qosClass"]?.stringValue ?? PodQOS.qosClass(of: before)) {
                v.invalid(
                    "", pod["status"]?["qosClass"] ?? "", "Pod QOS Class may not change as a result of resizing")
            }
            let running = (old["status"]?["containerStatuses"]?.arrayValue ?? []).first {
                $0[path: "state", "running"] != nil
            }
            if let running, running["resources"] == nil {
                v.forbidden("", "Pod running on node without support for resize")
            }
            var copy = new
            podLevel(&copy, before, &v)
            guard sameContainers(new, before, &v) else { return }
            let count = v.errors.count
            for list in ["initContainers", "containers"] { amounts(list, &copy, before, &v) }
            if v.errors.count == count, !Validator.areSame(.object(copy), .object(before)) {
                v.forbidden("", "only cpu and memory resources are mutable")
            }
        }
    }

    private static func sameContainers(_ new: JSONObject, _ before: JSONObject, _ v: inout Validator) -> Bool {
        var isSame = true
        for list in ["containers", "initContainers"] {
            let now = new[array: list]
            let was = before[array: list]
            if now.count != was.count {
                v.forbidden(list, "\(list) may not be added or removed on resize")
                isSame = false
                continue
            }
            for (index, (now, was)) in zip(now, was).enumerated() where now["name"] != was["name"] {
                v.forbidden("\(list)[\(index)].name", "\(list) may not be renamed or reordered on resize")
                isSame = false
            }
        }
        return isSame
    }

    private static func podLevel(_ copy: inout JSONObject, _ before: JSONObject, _ v: inout Validator) {
        guard case .object(let was)? = before["resources"] else {
            guard case .object(var now)? = copy["resources"] else { return }
            restore(&now, from: [:])
            if now.allSatisfy({ $0.value.isEmptyOrZero }) {
                copy["resources"] = nil
            } else {
                v.forbidden("", "only cpu and memory resources are mutable at pod-level")
            }
            return
        }
        guard case .object(var now)? = copy["resources"] else {
            return v.forbidden("resources", "pod-level resources cannot be removed")
        }
        for list in ["requests", "limits"] where isRemoved(now[object: list], was[object: list]) {
            v.forbidden("resources.\(list)", "pod-level resource \(list) cannot be removed")
        }
        restore(&now, from: was)
        if !Validator.areSame(.object(now), .object(was)) {
            v.forbidden("", "only cpu and memory resources are mutable at pod-level")
        }
        copy["resources"] = before["resources"]
    }

    private static func amounts(_ list: String, _ copy: inout JSONObject, _ before: JSONObject, _ v: inout Validator) {
        guard case .array(var containers)? = copy[list] else { return }
        let old = before[array: list]
        for index in containers.indices {
            let isChanged = !Validator.areSame(containers[index], old[index])
            let was = old[index]["resources"]?.objectValue ?? JSONObject()
            var now = containers[index]["resources"]?.objectValue ?? JSONObject()
            for kind in ["requests", "limits"] where isRemoved(now[object: kind], was[object: kind]) {
                v.forbidden("\(list)[\(index)].resources.\(kind)", "resource \(kind) cannot be removed")
            }
            restore(&now, from: was)
            containers[index]["resources"] = .object(now)
            let isInit = list == "initContainers"
            if !Validator.areSame(containers[index], old[index]) {
                if isInit {
                    v.forbidden(
                        "\(list)[\(index)]", "only cpu and memory resources for init or sidecar containers are mutable")
                } else {
                    v.forbidden("", "only cpu and memory resources are mutable")
                }
            }
            containers[index] = old[index]
            guard isInit, isChanged, old[index]["restartPolicy"]?.stringValue != "Always" else { continue }
            for policy in old[index]["resizePolicy"]?.arrayValue ?? []
            where policy["restartPolicy"]?.stringValue == "RestartContainer" {
                v.forbidden(
                    "\(list)[\(index)]",
                    "non-sidecar init containers with a resize policy of RestartContainer cannot be resized")
            }
        }
        copy[list] = .array(containers)
    }

    private static func isRemoved(_ now: JSONObject, _ was: JSONObject) -> Bool {
        was.contains { now[$0.key] == nil }
    }

    /// Takes changes of cpu and memory back.
    private static func restore(_ now: inout JSONObject, from was: JSONObject) {
        for list in ["requests", "limits"] {
            var amounts = now[object: list]
            let old = was[object: list]
            for name in ["cpu", "memory"] { amounts[name] = old[name] }
            if amounts.isEmpty { now[list] = was[list] } else { now[list] = .object(amounts) }
        }
    }
}
