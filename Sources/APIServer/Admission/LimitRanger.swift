// LimitRanges: what containers ask for by default, and between which bounds containers, pods and claims may ask.

import JSON
import KubeTypes

struct LimitRanger: AdmissionPlugin {
    func handles(_ attributes: AdmissionAttributes) -> Bool {
        switch attributes.operation {
        case .create: attributes.concerns("", "pods") || attributes.concerns("", "persistentvolumeclaims")
        case .update:
            attributes.concerns("", "persistentvolumeclaims")
                || attributes.subresource == "resize" && attributes.storage.plural == "pods"
                    && attributes.storage.group.isEmpty
        default: false
        }
    }

    private func ranges(_ attributes: AdmissionAttributes, _ registry: Registry) -> [JSONValue] {
        if attributes.oldObject?.isBeingDeleted == true { return [] }
        return
            (registry.cache.cache(group: "", resource: "limitranges")?.snapshot.objects
            .objects(namespace: attributes.namespace) ?? []).map(\.value)
    }

    func admit(_ attributes: inout AdmissionAttributes, _ registry: Registry) throws(APIError) {
        guard attributes.storage.plural == "pods" else { return }
        for range in ranges(attributes, registry) { LimitRanges.applyDefaults(of: range, to: &attributes.object) }
    }

    func validate(_ attributes: AdmissionAttributes, _ registry: Registry) throws(APIError) {
        guard let object = attributes.object else { return }
        for range in ranges(attributes, registry) {
            let problems =
                attributes.storage.plural == "pods"
                ? LimitRanges.problems(ofPod: object, range) : LimitRanges.problems(ofClaim: object, range)
            guard !problems.isEmpty else { continue }
            throw attributes.forbidden(problems.count == 1 ? problems[0] : "[\(problems.joined(separator: ", "))]")
        }
    }
}

/// What a LimitRange does to and wants of objects. Pure.
enum LimitRanges {
    private static func limits(_ range: JSONValue, _ type: String) -> [JSONValue] {
        (range[path: "spec", "limits"]?.arrayValue ?? []).filter { $0["type"]?.stringValue == type }
    }

    /// Fills in the requests and limits that containers do not name, and notes in an annotation which.
    static func applyDefaults(of range: JSONValue, to pod: inout JSONValue?) {
        var requests: [String: JSONValue] = [:]
        var limits: [String: JSONValue] = [:]
        for limit in Self.limits(range, "Container") {
            for (name, value) in limit["defaultRequest"]?.objectValue ?? [:] { requests[name] = value }
            for (name, value) in limit["default"]?.objectValue ?? [:] { limits[name] = value }
        }
        if requests.isEmpty, limits.isEmpty { return }
        var notes: [String] = []
        func fill(_ container: inout JSONObject, _ what: String) {
            let name = container[string: "name"]
            container.updateObject("resources") { resources in
                for (list, defaults, word) in [("requests", requests, "request"), ("limits", limits, "limit")] {
                    let present = resources[object: list]
                    let missing = defaults.keys.filter { present[$0] == nil }.sorted()
                    if missing.isEmpty { continue }
                    resources.updateObject(list) { amounts in
                        for name in missing { amounts[name] = defaults[name] }
                    }
                    notes.append("\(missing.joined(separator: ", ")) \(word) for \(what) \(name)")
                }
            }
        }
        guard pod?.objectValue != nil else { return }
        pod?.update("spec") { spec in
            spec.updateEach("containers") { fill(&$0, "container") }
            spec.updateEach("initContainers") { fill(&$0, "init container") }
        }
        if notes.isEmpty { return }
        pod?.updateMetadata { metadata in
            metadata.updateObject("annotations") {
                $0["kubernetes.io/limit-ranger"] = .string("LimitRanger plugin set: \(notes.joined(separator: "; "))")
            }
        }
    }

    static func problems(ofPod pod: JSONValue, _ range: JSONValue) -> [String] {
        var problems: [String] = []
        let spec = pod["spec"]
        for limit in range[path: "spec", "limits"]?.arrayValue ?? [] {
            switch limit["type"]?.stringValue {
            case "Container":
                for container in (spec?["containers"]?.arrayValue ?? []) + (spec?["initContainers"]?.arrayValue ?? []) {
                    problems += Self.problems(
                        "Container", limit, ResourceAmounts(resources: container[path: "resources", "requests"]),
                        ResourceAmounts(resources: container[path: "resources", "limits"]))
                }
            case "Pod":
                problems += Self.problems(
                    "Pod", limit, PodResources.total(.requests, of: spec, overhead: false),
                    PodResources.total(.limits, of: spec, overhead: false))
            default: continue
            }
        }
        return problems
    }

    static func problems(ofClaim claim: JSONValue, _ range: JSONValue) -> [String] {
        let requests = ResourceAmounts(resources: claim[path: "spec", "resources", "requests"])
        let type = "PersistentVolumeClaim"
        return limits(range, type).flatMap { limit in
            bounds(limit, "min").compactMap { minimum(type, $0, $1, requests, [:]) }
                + bounds(limit, "max").compactMap { name, bound -> String? in
                    let what = "maximum \(name) usage per \(type) is \(bound.canonical)"
                    guard let request = requests[name] else { return "\(what).  No request is specified" }
                    return request > bound ? "\(what), but request is \(request.canonical)" : nil
                }
        }
    }

    private static func problems(
        _ type: String, _ limit: JSONValue, _ requests: ResourceAmounts, _ limits: ResourceAmounts
    ) -> [String] {
        bounds(limit, "min").compactMap { minimum(type, $0, $1, requests, limits) }
            + bounds(limit, "max").compactMap { maximum(type, $0, $1, requests, limits) }
            + bounds(limit, "maxLimitRequestRatio").compactMap { ratio(type, $0, $1, requests, limits) }
    }

    private static func bounds(_ limit: JSONValue, _ field: String) -> [(String, Quantity)] {
        ResourceAmounts(resources: limit[field]).sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
    }

    private static func minimum(
        _ type: String, _ name: String, _ bound: Quantity, _ requests: ResourceAmounts, _ limits: ResourceAmounts
    ) -> String? {
        let what = "minimum \(name) usage per \(type) is \(bound.canonical)"
        guard let request = requests[name] else { return "\(what).  No request is specified" }
        if request < bound { return "\(what), but request is \(request.canonical)" }
        if let limit = limits[name], limit < bound { return "\(what), but limit is \(limit.canonical)" }
        return nil
    }

    private static func maximum(
        _ type: String, _ name: String, _ bound: Quantity, _ requests: ResourceAmounts, _ limits: ResourceAmounts
    ) -> String? {
        let what = "maximum \(name) usage per \(type) is \(bound.canonical)"
        guard let limit = limits[name] else { return "\(what).  No limit is specified" }
        if limit > bound { return "\(what), but limit is \(limit.canonical)" }
        if let request = requests[name], request > bound { return "\(what), but request is \(request.canonical)" }
        return nil
    }

    private static func ratio(
        _ type: String, _ name: String, _ bound: Quantity, _ requests: ResourceAmounts, _ limits: ResourceAmounts
    ) -> String? {
        let what = "\(name) max limit to request ratio per \(type) is \(bound.canonical)"
        guard let request = requests[name], request.nanos != 0 else {
            return "\(what), but no request is specified or request is 0"
        }
        guard let limit = limits[name], limit.nanos != 0 else {
            return "\(what), but no limit is specified or limit is 0"
        }
        let observed = Double(limit.nanos) / Double(request.nanos)
        if observed * 1e9 <= Double(bound.nanos) { return nil }
        return "\(what), but provided ratio is \(sixDigits(observed))"
    }

    /// A number with six digits after the point, as Go's `%f` writes it.
    private static func sixDigits(_ number: Double) -> String {
        let scaled = Int64((number * 1_000_000).rounded(.toNearestOrEven))
        let fraction = String(scaled % 1_000_000)
        return "\(scaled / 1_000_000).\(String(repeating: "0", count: 6 - fraction.utf8.count))\(fraction)"
    }
}
