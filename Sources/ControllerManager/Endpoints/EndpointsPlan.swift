import JSON
import KubeTypes

/// The Endpoints object of a service: the older form of its EndpointSlices, one object however many pods there are.
enum EndpointsPlan {
    static let managedBy = "endpoints.kubernetes.io/managed-by"
    static let manager = "endpoint-controller"
    static let overCapacity = "endpoints.kubernetes.io/over-capacity"
    /// More addresses than this are left out.
    static let maximum = 1000

    /// The Endpoints object as it should be; equal to `current` if nothing needs to be written.
    static func object(_ service: Service, pods: [Pod], current: Endpoints?) -> Endpoints {
        var subsets = subsets(of: service, pods: pods)
        let truncated = truncate(&subsets)

        var object = current ?? Endpoints(name: service.name, namespace: service.namespace)
        var labels = service.labels
        labels[ServiceEndpoints.headlessLabel] = ServiceEndpoints.isHeadless(service) ? "" : nil
        labels[managedBy] = manager
        if object.labels != labels { object.metadata.labels = labels }
        let mark = truncated ? "truncated" : nil
        if object.annotations[overCapacity] != mark { object.metadata.annotations[overCapacity] = mark }
        if object.subsets != subsets { object.subsets = subsets }
        return object
    }

    /// Ports that the same pods serve, equally ready, form one subset.
    static func subsets(of service: Service, pods: [Pod]) -> [EndpointSubset] {
        let publishNotReady = service.spec.publishNotReadyAddresses == true
        let family = EndpointSlicePlan.addressTypes(of: service).first ?? "IPv4"
        let headlessWithoutPorts = service.spec.ports.isEmpty && ServiceEndpoints.isHeadless(service)

        var members: [ServiceEndpoints.Port?: Set<Int>] = [:]
        var addresses: [(address: EndpointAddress, ready: Bool)] = []
        let eligible = pods.filter { ServiceEndpoints.includes($0, terminating: publishNotReady) }
        for pod in eligible.sorted(by: { $0.name < $1.name }) {
            guard let ip = pod.addresses.first(where: { ServiceEndpoints.isIPv6($0) == (family == "IPv6") }) else {
                continue
            }
            var address = EndpointAddress()
            address.ip = ip
            address.hostname = ServiceEndpoints.hostname(of: pod, in: service)
            address.nodeName = pod.nodeName.isEmpty ? nil : pod.nodeName
            address.targetRef = ServiceEndpoints.reference(to: pod)
            let number = addresses.count
            addresses.append((address, publishNotReady || pod.isReady))
            if headlessWithoutPorts { members[nil, default: []].insert(number) }
            for port in ServiceEndpoints.ports(of: service, on: pod) { members[port, default: []].insert(number) }
        }

        var ports: [Set<Int>: [ServiceEndpoints.Port?]] = [:]
        for (port, numbers) in members { ports[numbers, default: []].append(port) }
        return ports.sorted {
            ($0.key.min() ?? 0, $0.value.compactMap(\.self).min()?.number ?? 0)
                < ($1.key.min() ?? 0, $1.value.compactMap(\.self).min()?.number ?? 0)
        }
        .map { numbers, ports in
            let sorted = numbers.map { addresses[$0] }.sorted { $0.address.ip < $1.address.ip }
            var subset = EndpointSubset()
            subset.addresses = sorted.filter(\.ready).map(\.address)
            subset.notReadyAddresses = sorted.filter { !$0.ready }.map(\.address)
            subset.ports = ports.compactMap(\.self).sorted().map { port in
                var json = EndpointPort()
                json.name = port.name.isEmpty ? nil : port.name
                json.port = port.number
                json.protocol = port.proto
                json.appProtocol = port.appProtocol
                return json
            }
            return subset
        }
    }

    /// Keeps the first addresses, ready ones before others.
    private static func truncate(_ subsets: inout [EndpointSubset]) -> Bool {
        let total = subsets.reduce(0) { $0 + $1.addresses.count + $1.notReadyAddresses.count }
        guard total > maximum else { return false }
        var room = maximum
        for position in subsets.indices {
            subsets[position].addresses = Array(subsets[position].addresses.prefix(room))
            room -= subsets[position].addresses.count
        }
        for position in subsets.indices {
            subsets[position].notReadyAddresses = Array(subsets[position].notReadyAddresses.prefix(room))
            room -= subsets[position].notReadyAddresses.count
        }
        subsets.removeAll { $0.addresses.isEmpty && $0.notReadyAddresses.isEmpty }
        return true
    }
}
