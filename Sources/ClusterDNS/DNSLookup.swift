// Names below the cluster's domain: Services, endpoints, ports, pods.

import KubeTypes

enum DNSLookup: Sendable, Hashable {
    case records([DNSRecord], additionals: [DNSRecord] = [])
    case alias(DNSName)
    /// The name exists, but not with records of the type asked for.
    case noData
    case noName
}

extension Answerer {
    /// - Parameters:
    ///   - labels: what stands before the domain, in lower case.
    ///   - name: the whole name as it was asked for.
    func lookup(_ labels: [String], _ name: DNSName, _ type: DNSType, _ records: DNSRecords) -> DNSLookup {
        switch (labels.count, labels.last) {
        case (0, _): return apex(name, type, records)
        case (1, "dns-version"):
            return only(type, .txt, [DNSRecord(name: name, ttl: 28800, payload: .text(["1.1.0"]))])
        case (1, "dns"): return .noData
        case (2, "dns") where labels[0] == "ns": return addresses(serverAddresses, name, type, Self.serviceTTL)
        case (1, "svc"), (1, "pod"): return .noData
        case (2, "svc"), (2, "pod"): return records.namespaces.contains(labels[0]) ? .noData : .noName
        case (3, "pod"): return pod(labels, name, type, records)
        case (3..., "svc"): return service(labels, name, type, records)
        default: return .noName
        }
    }

    private func apex(_ name: DNSName, _ type: DNSType, _ records: DNSRecords) -> DNSLookup {
        switch type {
        case .soa: return .records([authority(records.serial)])
        case .ns: return .records([DNSRecord(name: name, ttl: Self.serviceTTL, payload: .name(.ns, serverName))])
        default: return .noData
        }
    }

    /// The address in the name itself, for pods of namespaces that exist.
    private func pod(_ labels: [String], _ name: DNSName, _ type: DNSType, _ records: DNSRecords) -> DNSLookup {
        guard records.namespaces.contains(labels[1]), let address = PodName.address(labels[0]) else { return .noName }
        return addresses([address], name, type, Self.endpointTTL)
    }

    private func service(_ labels: [String], _ name: DNSName, _ type: DNSType, _ records: DNSRecords) -> DNSLookup {
        let key = ObjectKey(namespace: labels[labels.count - 2], name: labels[labels.count - 3])
        guard let entry = records.services[key] else { return .noName }
        let front = Array(labels.dropLast(3))
        switch entry.target {
        case .external(let target): return front.isEmpty ? .alias(target) : .noName
        case .nothing where front.isEmpty: return .noData
        case .clusterIPs(let ips) where front.isEmpty:
            if type == .srv { return ports(of: entry.ports, ips, name) }
            return addresses(ips, name, type, Self.serviceTTL)
        case .clusterIPs(let ips):
            if let port = PortQuery(front) {
                let matching = entry.ports.filter(port.matches)
                if matching.isEmpty { return .noName }
                return type == .srv || type == .any
                    ? ports(of: matching, ips, name, target: DNSName(labels: Array(name.labels.dropFirst(2)))) : .noData
            }
            return endpoints(key, front, name, type, records)
        case .headless, .nothing:
            return endpoints(key, front, name, type, records)
        }
    }

    /// `_http._tcp`; either part may be left open by asking for the Service itself.
    private struct PortQuery {
        let name: String
        let transport: String

        init?(_ front: [String]) {
            guard front.count == 2, front[0].hasPrefix("_"), front[1].hasPrefix("_") else { return nil }
            name = String(front[0].dropFirst())
            transport = String(front[1].dropFirst())
        }

        func matches(_ port: DNSRecords.Port) -> Bool { port.name == name && port.transport == transport }
    }

    /// SRV records that lead to a Service by its cluster IP.
    private func ports(
        of ports: [DNSRecords.Port], _ ips: [AddressBytes], _ name: DNSName, target: DNSName? = nil
    ) -> DNSLookup {
        guard !ports.isEmpty else { return .noData }
        let target = target ?? name
        let weight = UInt16(max(100 / ports.count, 1))
        return .records(
            ports.map { port in
                DNSRecord(
                    name: name, ttl: Self.serviceTTL,
                    payload: .service(priority: 0, weight: weight, port: port.number, target: target))
            },
            additionals: ips.map { DNSRecord(name: target, ttl: Self.serviceTTL, payload: .address($0)) })
    }

    /// The endpoints themselves: all of a headless Service, those of one hostname, or those with one port.
    private func endpoints(
        _ key: ObjectKey, _ front: [String], _ name: DNSName, _ type: DNSType, _ records: DNSRecords
    ) -> DNSLookup {
        let slices = (records.slices[key] ?? [:]).sorted { $0.key < $1.key }.map(\.value)
        let port = PortQuery(front)
        if port == nil, front.count > 1 { return .noName }
        // Names with only a protocol before the Service exist as soon as a port below them does.
        if front.count == 1, front[0].hasPrefix("_") {
            return slices.contains { $0.ports.contains { "_\($0.transport)" == front[0] } } ? .noData : .noName
        }
        let base = DNSName(labels: Array(name.labels.dropFirst(front.count)))
        var services: [DNSRecord.Payload] = []
        var found: [DNSRecords.EndpointEntry] = []
        var seen: Set<DNSRecords.EndpointEntry> = [], seenServices: Set<DNSRecord.Payload> = []
        for slice in slices {
            let ports = port.map { slice.ports.filter($0.matches) } ?? slice.ports
            if port != nil, ports.isEmpty { continue }
            for endpoint in slice.endpoints where port != nil || front.isEmpty || endpoint.label == front[0] {
                if seen.insert(endpoint).inserted { found.append(endpoint) }
                let target = Self.below([endpoint.label], base)
                for port in ports {
                    let payload = DNSRecord.Payload.service(priority: 0, weight: 1, port: port.number, target: target)
                    if seenServices.insert(payload).inserted { services.append(payload) }
                }
            }
        }
        guard !found.isEmpty else { return .noName }
        if type == .srv || (type == .any && port != nil) {
            let weight = UInt16(max(100 / max(services.count, 1), 1))
            let records = services.map { payload -> DNSRecord in
                guard case .service(_, _, let port, let target) = payload else {
                    return DNSRecord(name: name, ttl: Self.endpointTTL, payload: payload)
                }
                return DNSRecord(
                    name: name, ttl: Self.endpointTTL,
                    payload: .service(priority: 0, weight: weight, port: port, target: target))
            }
            if records.isEmpty { return .noData }
            return .records(
                records,
                additionals: found.map {
                    DNSRecord(
                        name: Self.below([$0.label], base), ttl: Self.endpointTTL, payload: .address($0.address))
                })
        }
        if port != nil { return .noData }
        return addresses(found.map(\.address), name, type, Self.endpointTTL)
    }

    private func addresses(
        _ addresses: [AddressBytes], _ name: DNSName, _ type: DNSType, _ ttl: UInt32
    ) -> DNSLookup {
        let records = addresses.map { DNSRecord(name: name, ttl: ttl, payload: .address($0)) }
            .filter { type == .any || $0.payload.type == type }
        return records.isEmpty ? .noData : .records(records)
    }

    private func only(_ asked: DNSType, _ type: DNSType, _ records: [DNSRecord]) -> DNSLookup {
        asked == type || asked == .any ? .records(records) : .noData
    }

    func reverse(_ address: AddressBytes, _ name: DNSName, _ type: DNSType, _ records: inout DNSRecords) -> DNSLookup {
        let names = records.names(of: address)
        guard !names.isEmpty else { return .noName }
        return only(
            type, .ptr,
            names.map { DNSRecord(name: name, ttl: Self.endpointTTL, payload: .name(.ptr, Self.below($0, domain))) })
    }
}
