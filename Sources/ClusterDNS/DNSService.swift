// The objects by which pods find the DNS server: the Service `kube-dns`, and the slice that leads to our sockets.

import KubeClient
import KubeTypes

extension ClusterDNS {
    /// A server behind the Service, on some node.
    public struct Server: Sendable, Hashable {
        public var address: String
        /// Clients on this node prefer this server; nil has no such clients.
        public var nodeName: String?
        public var isReady: Bool

        public init(address: String, nodeName: String? = nil, isReady: Bool = true) {
            self.address = address
            self.nodeName = nodeName
            self.isReady = isReady
        }
    }

    /// The Service `kube-system/kube-dns`. It has no selector: its endpoints are no pods.
    public static func service(clusterIPs: [String]) -> Service {
        var service = Service(name: "kube-dns", namespace: "kube-system")
        service.metadata.labels = [
            "k8s-app": "kube-dns", "kubernetes.io/cluster-service": "true", "kubernetes.io/name": "CoreDNS",
        ]
        service.spec.clusterIP = clusterIPs.first
        service.spec.clusterIPs = clusterIPs
        service.spec.ports = [("dns", "UDP"), ("dns-tcp", "TCP")].map { name, transport in
            var port = ServicePort()
            port.name = name
            port.protocol = transport
            port.port = 53
            port.targetPort = .int(53)
            return port
        }
        return service
    }

    /// The slice of one address family. A loopback address is no endpoint: the server listens on the pods' gateway.
    public static func endpointSlice(addresses: [String], port: Int) -> EndpointSlice? {
        endpointSlice(servers: addresses.map { Server(address: $0) }, port: port)
    }

    /// The same with the node of each server: pods ask the one on their own node as long as it is ready.
    static func endpointSlice(servers: [Server], port: Int) -> EndpointSlice? {
        guard let first = (servers.first?.address).flatMap(addressBytes) else { return nil }
        let isIPv4 = first.count == 4
        var slice = EndpointSlice(name: "kube-dns-\(isIPv4 ? "ipv4" : "ipv6")", namespace: "kube-system")
        slice.metadata.labels = [
            DNSRecords.serviceNameLabel: "kube-dns", "endpointslice.kubernetes.io/managed-by": "martlet",
        ]
        slice.addressType = isIPv4 ? "IPv4" : "IPv6"
        slice.endpoints = servers.map { server in
            var endpoint = Endpoint()
            endpoint.addresses = [server.address]
            var conditions = EndpointConditions()
            conditions.ready = server.isReady
            endpoint.conditions = conditions
            if let node = server.nodeName {
                endpoint.nodeName = node
                endpoint.json["hints"] = ["forNodes": [["name": .string(node)]]]
            }
            return endpoint
        }
        slice.ports = [("dns", "UDP"), ("dns-tcp", "TCP")].map { name, transport in
            var entry = EndpointSlicePort()
            entry.name = name
            entry.protocol = transport
            entry.port = port
            return entry
        }
        return slice
    }

    /// Creates the Service and its slices in `kube-system`, or mends them.
    /// - Parameters:
    ///   - clusterIPs: the addresses that pods have in their `resolv.conf`.
    ///   - servers: where queries are answered.
    public static func ensureService(
        client: KubeClient, clusterIPs: [String], servers: [Server], port: Int
    ) async throws(APIError) {
        let wanted = service(clusterIPs: clusterIPs)
        do {
            // Looked for first: creating it again is refused for its address, which is taken, not for its name.
            _ = try await client.get(Service.self, wanted.name, namespace: "kube-system")
        } catch {
            guard error.isNotFound else { throw error }
            try await client.create(wanted)
        }
        for isIPv4 in [true, false] {
            let ofFamily = servers.filter { (addressBytes($0.address)?.count == 4) == isIPv4 }
            guard let slice = endpointSlice(servers: ofFamily, port: port) else { continue }
            try await client.put(slice)
        }
    }
}
