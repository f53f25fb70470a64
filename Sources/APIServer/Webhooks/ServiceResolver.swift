// Where a Service leads: an address and port that takes connections now, for webhooks, aggregated APIs and the proxy.

import JSON
import KubeTypes

/// An address to connect to, and the name that its certificate is to carry.
struct ResolvedService: Sendable, Hashable {
    /// An IP address, or, for an ExternalName, a host name.
    var host: String
    var port: Int
    /// `NAME.NAMESPACE.svc`
    var serverName: String
}

/// Why a service cannot be reached, in upstream's words.
struct ServiceResolutionError: Error, CustomStringConvertible {
    var description: String
    /// Whether the service itself is missing.
    var isNotFound = false
}

/// Reads Services and their EndpointSlices from the watch cache; asks nobody.
struct ServiceResolver: Sendable {
    private let lookup: any ObjectLookup

    init(_ lookup: any ObjectLookup) { self.lookup = lookup }

    static func serverName(_ name: String, _ namespace: String) -> String { "\(name).\(namespace).svc" }

    /// One ready address, another at each call where there are several; the cluster IP where no endpoint is known.
    /// - Parameter port: the Service's port number.
    func resolve(namespace: String, name: String, port: Int) throws(ServiceResolutionError) -> ResolvedService {
        let all = try endpoints(namespace: namespace, name: name, port: .number(port))
        return all.randomElement() ?? all[0]
    }

    /// Which of a service's ports is meant.
    enum Port: Sendable, Hashable {
        case number(Int)
        case name(String)
    }

    /// All ready addresses; the cluster IP where no endpoint is known. Never empty.
    func endpoints(namespace: String, name: String, port: Port) throws(ServiceResolutionError) -> [ResolvedService] {
        guard
            let service = lookup.object(group: "", resource: "services", namespace: namespace, name: name)?.value,
            let spec = service["spec"]?.objectValue
        else { throw ServiceResolutionError(description: "service \"\(name)\" not found", isNotFound: true) }
        let serverName = Self.serverName(name, namespace)
        if spec[string: "type"] == "ExternalName" {
            guard case .number(let number) = port else {
                throw ServiceResolutionError(description: "service \(name) of type ExternalName has no named ports")
            }
            return [ResolvedService(host: spec[string: "externalName"], port: number, serverName: serverName)]
        }
        let found = spec[array: "ports"].first { candidate in
            switch port {
            case .number(let number): candidate["port"]?.intValue == number
            case .name(let text): (candidate["name"]?.stringValue ?? "") == text
            }
        }
        guard let found, let number = found["port"]?.intValue else {
            switch port {
            case .number(let number):
                throw ServiceResolutionError(description: "no service port \(number) found for service \"\(name)\"")
            case .name(let text):
                throw ServiceResolutionError(description: "no service port \"\(text)\" found for service \"\(name)\"")
            }
        }
        let ready = readyAddresses(namespace, name, portName: found["name"]?.stringValue ?? "")
        if !ready.isEmpty {
            return ready.map { ResolvedService(host: $0.host, port: $0.port, serverName: serverName) }
        }
        let clusterIP = spec[string: "clusterIP"]
        guard !clusterIP.isEmpty, clusterIP != "None" else {
            throw ServiceResolutionError(description: "no endpoints available for service \"\(name)\"")
        }
        return [ResolvedService(host: clusterIP, port: number, serverName: serverName)]
    }

    private func readyAddresses(_ namespace: String, _ service: String, portName: String)
        -> [(host: String, port: Int)]
    {
        var found: [(host: String, port: Int)] = []
        for slice in lookup.objects(group: "discovery.k8s.io", resource: "endpointslices", namespace: namespace) {
            let slice = slice.value
            guard slice.labels?["kubernetes.io/service-name"]?.stringValue == service else { continue }
            let port = (slice["ports"]?.arrayValue ?? []).first { ($0["name"]?.stringValue ?? "") == portName }
            guard let number = port?["port"]?.intValue else { continue }
            for endpoint in slice["endpoints"]?.arrayValue ?? []
            where endpoint[path: "conditions", "ready"]?.boolValue ?? true {
                guard let address = endpoint["addresses"]?[0]?.stringValue else { continue }
                found.append((address, number))
            }
        }
        if !found.isEmpty { return found }
        // Endpoints that nobody mirrors into slices.
        let endpoints = lookup.object(group: "", resource: "endpoints", namespace: namespace, name: service)?.value
        for subset in endpoints?["subsets"]?.arrayValue ?? [] {
            let port = (subset["ports"]?.arrayValue ?? []).first { ($0["name"]?.stringValue ?? "") == portName }
            guard let number = port?["port"]?.intValue else { continue }
            for address in subset["addresses"]?.arrayValue ?? [] {
                if let ip = address["ip"]?.stringValue { found.append((ip, number)) }
            }
        }
        return found
    }
}
