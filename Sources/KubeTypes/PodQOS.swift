import JSON

/// The quality of service class that a pod's resources amount to.
public enum PodQOS {
    public static func qosClass(of spec: JSONObject) -> String {
        var isBestEffort = true
        var isGuaranteed = true
        let podLevel = spec[object: "resources"]
        let holders =
            podLevel["requests"] != nil || podLevel["limits"] != nil
            ? [podLevel]
            : (spec[array: "containers"] + spec[array: "initContainers"]).map {
                $0["resources"]?.objectValue ?? JSONObject()
            }
        for resources in holders {
            let requests = resources[object: "requests"]
            let limits = resources[object: "limits"]
            for name in ["cpu", "memory"] {
                let request = requests[name].flatMap(Quantity.init(field:)).flatMap { $0.nanos > 0 ? $0 : nil }
                let limit = limits[name].flatMap(Quantity.init(field:)).flatMap { $0.nanos > 0 ? $0 : nil }
                if request != nil || limit != nil { isBestEffort = false }
                if limit == nil || (request != nil && request != limit) { isGuaranteed = false }
            }
        }
        return isBestEffort ? "BestEffort" : isGuaranteed ? "Guaranteed" : "Burstable"
    }
}
