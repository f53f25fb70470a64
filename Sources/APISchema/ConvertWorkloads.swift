import JSON

/// Deployments and DaemonSets of extensions/v1beta1 and apps/v1beta1, whose spec held what apps/v1 keeps in annotations.
enum WorkloadConversion {
    private static let rollbackTo = "deprecated.deployment.rollback.rollback-to"
    private static let templateGeneration = "deprecated.daemonset.template.generation"

    static func deploymentToStorage(_ deployment: inout JSONObject) {
        guard let rollback = deployment["spec"]?["rollbackTo"] else { return }
        deployment.change("spec") { $0["rollbackTo"] = nil }
        deployment.setAnnotation(rollbackTo, String(rollback["revision"]?.integerValue ?? 0))
    }

    static func deploymentFromStorage(_ deployment: inout JSONObject) {
        guard let text = deployment.annotation(rollbackTo), let revision = Int64(text) else { return }
        deployment.setAnnotation(rollbackTo, nil)
        deployment.changeOrMake("spec") { $0["rollbackTo"] = revision == 0 ? [:] : ["revision": .integer(revision)] }
    }

    static func daemonSetToStorage(_ daemonSet: inout JSONObject) {
        guard let generation = daemonSet["spec"]?["templateGeneration"]?.integerValue else { return }
        daemonSet.change("spec") { $0["templateGeneration"] = nil }
        daemonSet.setAnnotation(templateGeneration, String(generation))
    }

    static func daemonSetFromStorage(_ daemonSet: inout JSONObject) {
        guard let text = daemonSet.annotation(templateGeneration), let generation = Int64(text) else { return }
        daemonSet.setAnnotation(templateGeneration, nil)
        daemonSet.changeOrMake("spec") { $0["templateGeneration"] = .integer(generation) }
    }
}

/// Ingresses of extensions/v1beta1: `backend` for `defaultBackend`, `serviceName` and `servicePort` for `service`.
enum IngressConversion {
    static func toStorage(_ ingress: inout JSONObject) {
        ingress.change("spec") { spec in
            spec.rename("backend", to: "defaultBackend")
            changeBackends(&spec, backendToStorage)
        }
    }

    static func fromStorage(_ ingress: inout JSONObject) {
        ingress.change("spec") { spec in
            spec.rename("defaultBackend", to: "backend")
            changeBackends(&spec, backendFromStorage)
        }
    }

    private static func changeBackends(_ spec: inout JSONObject, _ body: (inout JSONObject) -> Void) {
        spec.change("backend", body)
        spec.change("defaultBackend", body)
        spec.changeEach("rules") { rule in
            rule.change("http") { http in http.changeEach("paths") { path in path.change("backend", body) } }
        }
    }

    private static func backendToStorage(_ backend: inout JSONObject) {
        let name = backend.removeValue(forKey: "serviceName")
        let port = backend.removeValue(forKey: "servicePort")
        guard name != nil || port != nil else { return }
        var service: JSONObject = ["name": name ?? ""]
        switch port {
        case .string(let text)?: service["port"] = ["name": .string(text)]
        case .integer(let number)?: service["port"] = ["number": .integer(number)]
        default: service["port"] = [:]
        }
        backend["service"] = .object(service)
    }

    private static func backendFromStorage(_ backend: inout JSONObject) {
        guard let service = backend.removeValue(forKey: "service") else { return }
        backend["serviceName"] = service["name"]
        backend["servicePort"] = service["port"]?["name"] ?? service["port"]?["number"] ?? 0
    }
}

/// Events of events.k8s.io/v1 are core Events with other names for five fields.
enum EventConversion {
    private static let names = [
        (events: "regarding", core: "involvedObject"), ("note", "message"), ("deprecatedSource", "source"),
        ("deprecatedFirstTimestamp", "firstTimestamp"), ("deprecatedLastTimestamp", "lastTimestamp"),
        ("deprecatedCount", "count"), ("reportingController", "reportingComponent"),
    ]

    static func toStorage(_ event: inout JSONObject) {
        for (events, core) in names { event.rename(events, to: core) }
    }

    static func fromStorage(_ event: inout JSONObject) {
        for (events, core) in names { event.rename(core, to: events) }
    }

    static func storagePath(of path: String) -> String {
        for (events, core) in names where path == events || path.hasPrefix("\(events).") {
            return core + path.dropFirst(events.count)
        }
        return path
    }
}
