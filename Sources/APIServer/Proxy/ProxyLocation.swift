// Where the `proxy` subresources of pods, services and nodes lead.

import APISchema
import HTTPServer
import JSON
import KubeTypes

extension APIServer {
    /// The server behind `pods/NAME/proxy`.
    func podLocation(_ request: RegistryRequest, _ target: SchemeNamePort) throws(APIError) -> ProxyTarget {
        guard let pod = request.cache[ObjectKey(namespace: request.namespace, name: target.name)]?.value else {
            throw .notFound("pods", group: "", name: target.name)
        }
        var port = target.port
        if port.isEmpty {
            let first = (pod[path: "spec", "containers"]?.arrayValue ?? []).lazy
                .compactMap { $0["ports"]?.arrayValue?.first?["containerPort"]?.integerValue }.first
            port = first.map(String.init) ?? (target.isSecure ? "443" : "80")
        }
        let address =
            pod[path: "status", "podIPs"]?.arrayValue?.first?["ip"]?.stringValue
            ?? pod[path: "status", "podIP"]?.stringValue ?? ""
        guard isProxyable(address) else { throw .badRequest("address not allowed") }
        guard let number = UInt16(port) else {
            throw .serviceUnavailable("error trying to reach service: dial tcp: lookup tcp/\(port): unknown port")
        }
        return proxyTarget(address, Int(number), secure: target.isSecure)
    }

    /// One of the endpoints behind `services/NAME/proxy`.
    func serviceLocation(_ request: RegistryRequest, _ target: SchemeNamePort, id: String) throws(APIError)
        -> ProxyTarget
    {
        var portName = target.port
        if let number = Int64(target.port) {
            guard let service = request.cache[ObjectKey(namespace: request.namespace, name: target.name)]?.value else {
                throw .notFound("services", group: "", name: target.name)
            }
            let ports = service[path: "spec", "ports"]?.arrayValue ?? []
            guard let port = ports.first(where: { $0["port"]?.integerValue == number }) else {
                throw .serviceUnavailable("no service port \(number) found for service \"\(target.name)\"")
            }
            portName = port["name"]?.stringValue ?? ""
        }
        guard
            let endpoints = cache.object(
                group: "", resource: "endpoints", namespace: request.namespace, name: target.name)?.value
        else { throw .notFound("endpoints", group: "", name: target.name) }
        let subsets = endpoints["subsets"]?.arrayValue ?? []
        if subsets.isEmpty {
            throw .serviceUnavailable("no endpoints available for service \"\(target.name)\"")
        }
        var candidates: [(address: String, port: Int)] = []
        for subset in subsets {
            for port in subset["ports"]?.arrayValue ?? [] where (port["name"]?.stringValue ?? "") == portName {
                guard let number = port["port"]?.intValue else { continue }
                for address in subset["addresses"]?.arrayValue ?? [] where isPod(address, request.namespace) {
                    candidates.append((address["ip"]?.stringValue ?? "", number))
                }
            }
        }
        guard !candidates.isEmpty else {
            throw .serviceUnavailable("no endpoints available for service \"\(id)\"")
        }
        let chosen = candidates[Int(configuration.random() % UInt64(candidates.count))]
        guard isProxyable(chosen.address) else { throw .badRequest("address not allowed") }
        return proxyTarget(chosen.address, chosen.port, secure: target.isSecure)
    }

    /// Whether an endpoint is the address of a pod of the namespace: others are not proxied to.
    private func isPod(_ address: JSONValue, _ namespace: String) -> Bool {
        guard let reference = address["targetRef"], reference["namespace"]?.stringValue == namespace,
            let name = reference["name"]?.stringValue, let ip = address["ip"]?.stringValue,
            let pod = cache.object(group: "", resource: "pods", namespace: namespace, name: name)?.value
        else { return false }
        return (pod[path: "status", "podIPs"]?.arrayValue ?? []).contains { $0["ip"]?.stringValue == ip }
    }

    /// A node's kubelet, or another port of the node.
    func nodeLocation(_ target: SchemeNamePort) throws(APIError) -> ProxyTarget {
        guard let node = cache.object(group: "", resource: "nodes", namespace: "", name: target.name)?.value else {
            throw .notFound("nodes", group: "", name: target.name)
        }
        let kubelet = try kubeletTarget(node)
        guard isProxyable(kubelet.host) else { throw .badRequest("address not allowed") }
        if target.port.isEmpty || target.port == String(kubelet.port) { return kubelet }
        guard let port = UInt16(target.port) else {
            throw .serviceUnavailable(
                "error trying to reach service: dial tcp: lookup tcp/\(target.port): unknown port")
        }
        return proxyTarget(kubelet.host, Int(port), secure: target.isSecure)
    }

    /// The way to a node's kubelet.
    func kubeletTarget(_ node: JSONValue) throws(APIError) -> ProxyTarget {
        guard let kubelets else {
            throw APIError(code: 501, reason: "NotImplemented", message: "this server has no way to kubelets")
        }
        return try kubelets.target(of: node)
    }

    private func isProxyable(_ address: String) -> Bool {
        configuration.proxiesToLoopback && address.hasPrefix("127.") || ProxyAddress.isAllowed(address)
    }

    private func proxyTarget(_ host: String, _ port: Int, secure: Bool) -> ProxyTarget {
        ProxyTarget(host: host, port: port, tls: secure ? proxyTLS.unverified : nil)
    }
}

extension APIError {
    static func serviceUnavailable(_ message: String) -> APIError {
        APIError(code: 503, reason: "ServiceUnavailable", message: message)
    }
}
