// Services: cluster IPs, IP families and node ports.

import JSON
import KubeTypes

struct ServiceStrategy: Strategy {
    var returnsDeletedObject: Bool { true }
    var allowsCreateOnUpdate: Bool { true }

    func prepareForCreate(_ object: inout JSONValue, _ context: inout StrategyContext) throws(APIError) {
        object["status"] = ["loadBalancer": [:]]
        try allocate(&object, old: nil, &context)
    }

    func prepareForUpdate(_ object: inout JSONValue, old: JSONValue, _ context: inout StrategyContext) throws(APIError)
    {
        carryOver(&object, old)
        dropUnneeded(&object, old)
        try allocate(&object, old: old, &context)
    }

    func wasDeleted(_ object: JSONValue, _ registry: Registry) {
        let held = ServiceHoldings(object)
        registry.services.release(held, owner: object.uid)
        guard let claims = registry.services.claims, !held.isEmpty else { return }
        Task { await claims.giveBack(held, owner: object.uid) }
    }

    private func type(_ service: JSONValue) -> String { service[path: "spec", "type"]?.stringValue ?? "ClusterIP" }

    private func needsNodePorts(_ service: JSONValue) -> Bool {
        switch type(service) {
        case "NodePort": true
        case "LoadBalancer": service[path: "spec", "allocateLoadBalancerNodePorts"]?.boolValue ?? true
        default: false
        }
    }

    /// What was allocated before stays, for clients that do not repeat it.
    private func carryOver(_ object: inout JSONValue, _ old: JSONValue) {
        let needsIP = type(object) != "ExternalName" && type(old) != "ExternalName"
        let keepsPorts = needsNodePorts(object) && needsNodePorts(old)
        let before = old["spec"]?.objectValue ?? JSONObject()
        let loadBalancer = type(object) == "LoadBalancer" && type(old) == "LoadBalancer"
        object.update("spec") { spec in
            if needsIP, spec[string: "clusterIP"].isEmpty, spec["clusterIPs"]?.isEmptyValue ?? true {
                spec["clusterIP"] = before["clusterIP"]
                spec["clusterIPs"] = before["clusterIPs"]
            }
            if needsIP {
                for field in ["ipFamilies", "ipFamilyPolicy"] where spec[field]?.isEmptyValue ?? true {
                    spec[field] = before[field]
                }
            }
            if loadBalancer, spec["healthCheckNodePort"]?.integerValue ?? 0 == 0 {
                spec["healthCheckNodePort"] = before["healthCheckNodePort"]
            }
            guard keepsPorts else { return }
            var used = Set(spec[array: "ports"].compactMap { $0["nodePort"]?.intValue })
            spec.updateEach("ports") { port in
                guard port["nodePort"]?.intValue ?? 0 == 0 else { return }
                let same = before[array: "ports"].first {
                    $0["port"] == port["port"] && ($0["protocol"] ?? "TCP") == (port["protocol"] ?? "TCP")
                }
                guard let number = same?["nodePort"]?.intValue, number != 0, used.insert(number).inserted else {
                    return
                }
                port["nodePort"] = .integer(Int64(number))
            }
        }
    }

    /// Fields that a change of type leaves without meaning go, if the client did not touch them.
    private func dropUnneeded(_ object: inout JSONValue, _ old: JSONValue) {
        let before = old["spec"]?.objectValue ?? JSONObject()
        let wasNodePort = needsNodePorts(old)
        let isNodePort = needsNodePorts(object)
        let becameExternal = type(object) == "ExternalName" && type(old) != "ExternalName"
        let isLoadBalancer = type(object) == "LoadBalancer"
        let isExternal = type(object) == "NodePort" || isLoadBalancer
        object.update("spec") { spec in
            if wasNodePort, !isNodePort {
                let held = Set(before[array: "ports"].compactMap { $0["nodePort"]?.intValue })
                spec.updateEach("ports") { port in
                    if let number = port["nodePort"]?.intValue, held.contains(number) { port["nodePort"] = nil }
                }
            }
            if !isExternal, spec["externalTrafficPolicy"] == before["externalTrafficPolicy"] {
                spec["externalTrafficPolicy"] = nil
            }
            if !isLoadBalancer {
                for field in ["healthCheckNodePort", "allocateLoadBalancerNodePorts", "loadBalancerClass"]
                where spec[field] == before[field] {
                    spec[field] = nil
                }
            }
            if becameExternal, spec["clusterIP"] == before["clusterIP"] {
                for field in ["clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy"] { spec[field] = nil }
            }
        }
    }

    /// Gives a service what it needs and does not have, and takes note of what it asks for by name. What was taken is
    /// given back if the write fails; what the old state held and the new does not, if it succeeds.
    private func allocate(_ object: inout JSONValue, old: JSONValue?, _ context: inout StrategyContext) throws(APIError)
    {
        let allocations = context.registry.services
        let owner = object.uid.isEmpty ? old?.uid ?? "" : object.uid
        let held = old.map(ServiceHoldings.init) ?? ServiceHoldings()
        var taken = ServiceHoldings()
        var errors: [FieldError] = []

        if type(object) != "ExternalName" {
            let cache = context.cache
            addresses(&object, held, owner, allocations, { ServiceAllocations.furtherRanges(cache) }, &taken, &errors)
            ports(&object, held, owner, allocations, &taken, &errors)
        }
        let reserved = taken
        if !errors.isEmpty || context.isDryRun {
            allocations.release(reserved, owner: owner)
            if !errors.isEmpty { throw context.request.invalid(errors, name: object.name) }
            return
        }
        let dropped = held.subtracting(ServiceHoldings(object))
        context.onFailure.append { allocations.release(reserved, owner: owner) }
        context.onSuccess.append { allocations.release(dropped, owner: owner) }
        if allocations.claims != nil, !reserved.isEmpty || !dropped.isEmpty {
            context.claim = ServiceClaim(owner: owner, taken: reserved, dropped: dropped)
        }
    }

    private func addresses(
        _ object: inout JSONValue, _ held: ServiceHoldings, _ owner: String, _ allocations: ServiceAllocations,
        _ further: () -> [IPv4Range], _ taken: inout ServiceHoldings, _ errors: inout [FieldError]
    ) {
        var spec = object["spec"]?.objectValue ?? JSONObject()
        defer { object["spec"] = .object(spec) }
        let listed = spec["clusterIPs"]?.strings ?? []
        var wanted = spec[string: "clusterIP"]
        if wanted.isEmpty { wanted = listed.first ?? "" }
        if let first = listed.first, !spec[string: "clusterIP"].isEmpty, first != spec[string: "clusterIP"] {
            errors.append(
                .invalid("spec.clusterIPs", .array(listed.map(JSONValue.string)), "first value must match `clusterIP`"))
            return
        }
        let policy = spec[string: "ipFamilyPolicy"]
        let families = spec["ipFamilies"]?.strings ?? []
        if policy == "RequireDualStack" {
            errors.append(
                .invalid(
                    "spec.ipFamilyPolicy", .string(policy), "this cluster is not configured for dual-stack services"))
            return
        }
        if let other = families.first(where: { $0 != "IPv4" }) {
            errors.append(
                .invalid("spec.ipFamilies[0]", .string(other), "not configured on this cluster"))
            return
        }
        if policy.isEmpty { spec["ipFamilyPolicy"] = "SingleStack" }
        if families.isEmpty { spec["ipFamilies"] = ["IPv4"] }
        if wanted == "None" {
            spec["clusterIP"] = "None"
            spec["clusterIPs"] = ["None"]
            return
        }
        do throws(ServiceAllocations.Refusal) {
            var address: IPv4Address?
            if !wanted.isEmpty {
                address = IPv4Address(wanted)
                if address == nil {
                    errors.append(
                        .invalid(
                            "spec.clusterIPs[0]", .string(wanted),
                            "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"))
                    return
                }
            }
            if let address, held.addresses.contains(address) {
                spec["clusterIPs"] = [.string(wanted)]
                spec["clusterIP"] = .string(wanted)
                return
            }
            let given = try allocations.takeAddress(address, owner: owner, further: further)
            taken.addresses.insert(given)
            spec["clusterIP"] = .string(given.description)
            spec["clusterIPs"] = [.string(given.description)]
        } catch {
            let value: JSONValue = wanted.isEmpty ? .null : [.string(wanted)]
            let why =
                switch error {
                case .taken: "failed to allocate IP \(wanted): provided IP is already allocated"
                case .outOfRange:
                    "failed to allocate IP \(wanted): the provided network does not match the current range: the range "
                        + "of valid IPs is \(allocations.rangeText)"
                case .full: "failed to allocate a serviceIP: range is full"
                }
            errors.append(.invalid("spec.clusterIPs", value, why))
        }
    }

    private func ports(
        _ object: inout JSONValue, _ held: ServiceHoldings, _ owner: String, _ allocations: ServiceAllocations,
        _ taken: inout ServiceHoldings, _ errors: inout [FieldError]
    ) {
        let needed = needsNodePorts(object)
        let allowsPorts = type(object) == "LoadBalancer"
        let needsHealthCheck =
            type(object) == "LoadBalancer"
            && object[path: "spec", "externalTrafficPolicy"]?.stringValue == "Local"
        var found: [FieldError] = []
        var got = taken
        func take(_ wanted: Int?, _ path: String) -> Int? {
            if let wanted, held.ports.contains(wanted) || got.ports.contains(wanted) { return wanted }
            do throws(ServiceAllocations.Refusal) {
                let port = try allocations.takePort(wanted, owner: owner)
                got.ports.insert(port)
                return port
            } catch {
                let why =
                    switch error {
                    case .taken: "provided port is already allocated"
                    case .outOfRange:
                        "provided port is not in the valid range. The range of valid ports is "
                            + "\(allocations.nodePorts.lowerBound)-\(allocations.nodePorts.upperBound)"
                    case .full: "no node port is left"
                    }
                found.append(.invalid(path, .integer(Int64(wanted ?? 0)), why))
                return nil
            }
        }
        object.update("spec") { spec in
            var index = 0
            spec.updateEach("ports") { port in
                defer { index += 1 }
                let path = "spec.ports[\(index)].nodePort"
                let wanted = port["nodePort"]?.intValue.flatMap { $0 == 0 ? nil : $0 }
                guard needed else {
                    if wanted != nil, !allowsPorts {
                        found.append(.forbidden(path, "may not be used when `type` is 'ClusterIP'"))
                    } else if wanted == nil {
                        port["nodePort"] = nil
                    }
                    return
                }
                if let number = take(wanted, path) { port["nodePort"] = .integer(Int64(number)) }
            }
            if needsHealthCheck {
                let wanted = spec["healthCheckNodePort"]?.intValue.flatMap { $0 == 0 ? nil : $0 }
                if let number = take(wanted, "spec.healthCheckNodePort") {
                    spec["healthCheckNodePort"] = .integer(Int64(number))
                }
            }
        }
        taken = got
        errors += found
    }
}
