import JSON
import KubeTypes

/// Which pods answer for a service, on which ports: what Endpoints and EndpointSlices have in common.
enum ServiceEndpoints {
    /// A port as the pods of a service serve it.
    struct Port: Hashable, Comparable {
        var name: String
        var number: Int
        var proto: String
        var appProtocol: String?

        static func < (left: Port, right: Port) -> Bool {
            (left.name, left.number, left.proto, left.appProtocol ?? "")
                < (right.name, right.number, right.proto, right.appProtocol ?? "")
        }
    }

    /// Whether the pod has an address that traffic may go to.
    static func includes(_ pod: Pod, terminating: Bool) -> Bool {
        !pod.isTerminal && !pod.addresses.isEmpty && (terminating || !pod.isBeingDeleted)
    }

    /// The service's ports as this pod serves them; ports whose name the pod does not have are missing.
    static func ports(of service: Service, on pod: Pod) -> [Port] {
        service.spec.ports.compactMap { port in
            number(of: port, on: pod).map {
                Port(name: port.name ?? "", number: $0, proto: port.protocol ?? "TCP", appProtocol: port.appProtocol)
            }
        }
    }

    private static func number(of port: ServicePort, on pod: Pod) -> Int? {
        switch port.targetPort {
        case .int(let number): return number == 0 ? port.port : number
        case nil: return port.port
        case .string(let name):
            let containers = pod.json[path: "spec", "containers"]?.arrayValue ?? []
            let sidecars = (pod.json[path: "spec", "initContainers"]?.arrayValue ?? [])
                .filter { $0["restartPolicy"]?.stringValue == "Always" }
            for container in containers + sidecars {
                for candidate in container["ports"]?.arrayValue ?? []
                where candidate["name"]?.stringValue == name
                    && (candidate["protocol"]?.stringValue ?? "TCP") == (port.protocol ?? "TCP")
                {
                    return candidate["containerPort"]?.intValue
                }
            }
            return nil
        }
    }

    static func isIPv6(_ address: String) -> Bool { address.utf8.contains(UInt8(ascii: ":")) }

    /// A pod under a headless service whose name is its subdomain is found by its hostname.
    static func hostname(of pod: Pod, in service: Service) -> String? {
        guard let hostname = pod.json[path: "spec", "hostname"]?.stringValue, !hostname.isEmpty,
            pod.json[path: "spec", "subdomain"]?.stringValue == service.name
        else { return nil }
        return hostname
    }

    static func reference(to pod: Pod) -> ObjectReference {
        var reference = ObjectReference()
        reference.kind = "Pod"
        reference.namespace = pod.namespace
        reference.name = pod.name
        reference.uid = pod.uid
        return reference
    }

    static func isHeadless(_ service: Service) -> Bool {
        let address = service.spec.clusterIP ?? ""
        return address.isEmpty || address == "None"
    }

    static let headlessLabel = "service.kubernetes.io/headless"

    /// Whether a change of a pod can change anything in the endpoints of services.
    static func matters(_ old: Pod, _ new: Pod) -> Bool {
        old.isReady != new.isReady || old.isBeingDeleted != new.isBeingDeleted || old.isTerminal != new.isTerminal
            || old.addresses != new.addresses || old.nodeName != new.nodeName || old.labels != new.labels
            || old.json[path: "spec", "hostname"] != new.json[path: "spec", "hostname"]
            || old.json[path: "spec", "subdomain"] != new.json[path: "spec", "subdomain"]
    }
}
