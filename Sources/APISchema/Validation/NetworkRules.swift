import JSON
import KubeTypes

/// Ingresses, network policies, service CIDRs and endpoint slices.
enum NetworkRules {
    // MARK: Ingress

    static func ingressSpec(_ spec: JSONObject, _ v: inout Validator) {
        if spec[array: "rules"].isEmpty, !spec.holds("defaultBackend") {
            v.invalid("", spec["rules"] ?? .null, "either `defaultBackend` or `rules` must be specified")
        }
        if let name = spec["ingressClassName"]?.stringValue {
            v.invalid("ingressClassName", name, Names.isDNS1123Subdomain(name))
        }
        v.elements("rules", of: spec) { _, rule, v in
            let host = rule[string: "host"]
            if !host.isEmpty { self.host(host, "host", mayBeAddress: false, &v) }
        }
        v.elements("tls", of: spec) { _, tls, v in
            v.strings("hosts", of: tls) { host, v in self.host(host, "", mayBeAddress: true, &v) }
            v.optionalName("secretName", tls, Names.isDNS1123Subdomain)
        }
    }

    private static func host(_ host: String, _ field: String, mayBeAddress: Bool, _ v: inout Validator) {
        if !mayBeAddress, AddressText(host) != nil {
            v.invalid(field, host, "must be a DNS name, not an IP address")
        }
        v.invalid(
            field, host,
            host.contains("*") ? Names.isWildcardDNS1123Subdomain(host) : Names.isDNS1123Subdomain(host))
    }

    static func path(_ path: JSONObject, _ v: inout Validator) {
        let text = path[string: "path"]
        switch path[string: "pathType"] {
        case "Exact", "Prefix":
            if !text.hasPrefix("/") { v.invalid("path", text, "must be an absolute path") }
            for sequence in ["//", "/./", "/../", "%2f", "%2F"] where text.contains(sequence) {
                v.invalid("path", text, "must not contain '\(sequence)'")
            }
            for ending in ["/..", "/."] where text.hasSuffix(ending) {
                v.invalid("path", text, "cannot end with '\(ending)'")
            }
        case "ImplementationSpecific":
            if !text.isEmpty, !text.hasPrefix("/") { v.invalid("path", text, "must be an absolute path") }
        default: break
        }
    }

    static func backend(_ backend: JSONObject, _ v: inout Validator) {
        switch (backend.holds("resource"), backend["service"]?.objectValue) {
        case (true, .some): v.invalid("", "", "cannot set both resource and service backends")
        case (false, nil): v.invalid("", "", "resource or service backend is required")
        case (true, nil): v.inside("resource", of: backend, reference)
        case (false, let service?):
            let port = service[object: "port"]
            let name = port[string: "name"]
            let number = port[integer: "number"]
            if !name.isEmpty, number != 0 {
                v.invalid("", "", "cannot set both port name & port number")
            } else if !name.isEmpty {
                v.invalid("service.port.name", name, Names.isPortName(name))
            } else if number == 0 {
                v.required("", "port name or number is required")
            } else if !(1...65535).contains(number) {
                v.invalid("service.port.number", .integer(number), "must be between 1 and 65535, inclusive")
            }
        }
    }

    /// A reference to an object by group, kind and name.
    static func reference(_ reference: JSONObject, _ v: inout Validator) {
        if let group = reference["apiGroup"]?.stringValue {
            v.invalid("apiGroup", group, Names.isDNS1123Subdomain(group))
        }
        for field in ["kind", "name"] { v.requiredName(field, reference) { Names.isPathSegmentName($0) } }
    }

    static func createIngress(_ ingress: JSONObject, _ v: inout Validator) {
        let key = "kubernetes.io/ingress.class"
        guard let named = ingress["metadata"]?["annotations"]?[key]?.stringValue,
            let name = ingress["spec"]?["ingressClassName"]?.stringValue, named != name
        else { return }
        v.invalid("annotations.\(key)", named, "must match `ingressClassName` when both are specified")
    }

    static func ingressClass(_ spec: JSONObject, _ v: inout Validator) {
        let controller = spec[string: "controller"]
        if controller.utf8.count > 250 { v.tooLong("controller", limit: 250) }
        if controller.isEmpty {
            v.required("controller")
        } else {
            v.invalid("controller", controller, Names.isDomainPrefixedPath(controller))
        }
        v.inside("parameters", of: spec) { parameters, v in
            reference(parameters, &v)
            let namespace = parameters["namespace"]?.stringValue
            switch parameters[string: "scope"] {
            case "Namespace":
                if let namespace {
                    v.invalid("namespace", namespace, Names.isDNS1123Label(namespace))
                } else {
                    v.required("namespace", "`parameters.scope` is set to 'Namespace'")
                }
            case "Cluster":
                if namespace != nil { v.forbidden("namespace", "`parameters.scope` is set to 'Cluster'") }
            default: break
            }
        }
    }

    // MARK: Network policies

    static func policyPort(_ port: JSONObject, _ v: inout Validator) {
        guard let end = port["endPort"], let last = end.integerValue else { return }
        switch port["port"] {
        case .integer(let first)?:
            if last < first { v.invalid("endPort", .integer(first), "must be greater than or equal to `port`") }
            if !(1...65535).contains(last) { v.invalid("endPort", end, "must be between 1 and 65535, inclusive") }
        case .string?: v.invalid("endPort", end, "may not be specified when `port` is non-numeric")
        default: v.invalid("endPort", end, "may not be specified when `port` is not specified")
        }
    }

    static func policyPeer(_ peer: JSONObject, _ v: inout Validator) {
        let count = ["podSelector", "namespaceSelector", "ipBlock"].count { peer.holds($0) }
        if count == 0 {
            v.required("", "must specify a peer")
        } else if count > 1, peer.holds("ipBlock") {
            v.forbidden("", "may not specify both ipBlock and another peer")
        }
    }

    static func addressBlock(_ block: JSONObject, _ v: inout Validator) {
        let text = block[string: "cidr"]
        if text.isEmpty { return }
        v.invalid("cidr", text, Addresses.problems(ofLegacyPrefix: text))
        guard let whole = PrefixText(text) else { return }
        v.strings("except", of: block) { text, v in
            v.invalid("", text, Addresses.problems(ofLegacyPrefix: text))
            guard let part = PrefixText(text) else { return }
            if !whole.contains(part.address.masked(part.length)) || whole.length >= part.length {
                v.invalid("", text, "must be a strict subset of `cidr`")
            }
        }
    }

    static func policy(_ spec: JSONObject, _ v: inout Validator) {
        if spec[array: "policyTypes"].count > 2 {
            return v.invalid(
                "policyTypes", spec["policyTypes"] ?? .null, "may not specify more than two policyTypes")
        }
        v.strings("policyTypes", of: spec) { type, v in
            if type != "Ingress", type != "Egress" { v.unsupported("", .string(type), ["Ingress", "Egress"]) }
        }
    }

    // MARK: Addresses of services

    static func serviceCIDR(_ spec: JSONObject, _ v: inout Validator) {
        let prefixes = spec[strings: "cidrs"]
        if prefixes.isEmpty { return v.required("cidrs", "at least one CIDR required") }
        if prefixes.count > 2 { return v.invalid("cidrs", .object(spec), "may only hold up to 2 values") }
        for (index, text) in prefixes.enumerated() {
            v.invalid("cidrs[\(index)]", text, Addresses.problems(ofPrefix: text))
        }
        let families = prefixes.compactMap { PrefixText($0)?.address.isV6 }
        if families.count == 2, families[0] == families[1] {
            v.invalid(
                "cidrs", spec["cidrs"] ?? .null,
                "may specify no more than one IP for each IP family, i.e 192.168.0.0/24 and 2001:db8::/64")
        }
    }

    static func serviceCIDRUpdate(_ new: JSONObject, _ old: JSONObject, _ v: inout Validator) {
        let now = new["spec"]?["cidrs"]?.arrayValue ?? []
        let was = old["spec"]?["cidrs"]?.arrayValue ?? []
        guard now.count == was.count || was.count == 1 && now.count == 2 else {
            return v.invalid("spec.cidrs", .array(now), "field is immutable")
        }
        for (index, (now, was)) in zip(now, was).enumerated() { v.immutable("spec.cidrs[\(index)]", now, was) }
    }

    static func ipAddress(_ address: JSONObject, _ v: inout Validator) {
        guard case .object(let parent)? = address["spec"]?["parentRef"] else { return v.required("spec.parentRef") }
        v.at("spec") { v in
            v.at("parentRef") { v in
                v.optionalName("group", parent, Names.isDNS1123Subdomain)
                for field in ["resource", "name"] { v.requiredName(field, parent) { Names.isPathSegmentName($0) } }
                v.optionalName("namespace", parent) { Names.isPathSegmentName($0) }
            }
        }
    }

    // MARK: Endpoint slices

    static func endpointSlice(_ slice: JSONObject, _ v: inout Validator) {
        let ports = slice[array: "ports"].count
        if ports > 20_000 {
            v.tooMany("ports", count: ports, limit: 20_000)
        } else {
            var names: Set<String> = []
            v.elements("ports", of: slice) { _, port, v in
                let name = port[string: "name"]
                if !name.isEmpty { v.invalid("name", name, Names.isDNS1123Label(name)) }
                if !names.insert(name).inserted { v.duplicate("name", name) }
                if let application = port["appProtocol"]?.stringValue {
                    v.invalid("appProtocol", application, Names.isQualifiedName(application))
                }
            }
        }
        let count = slice[array: "endpoints"].count
        if count > 1000 { return v.tooMany("endpoints", count: count, limit: 1000) }
        let type = slice[string: "addressType"]
        v.elements("endpoints", of: slice) { _, endpoint, v in self.endpoint(endpoint, type, &v) }
    }

    private static func endpoint(_ endpoint: JSONObject, _ type: String, _ v: inout Validator) {
        let addresses = endpoint[array: "addresses"]
        if addresses.isEmpty {
            v.required("addresses", "must contain at least 1 address")
        } else if addresses.count > 100 {
            v.tooMany("addresses", count: addresses.count, limit: 100)
        }
        v.strings("addresses", of: endpoint) { address, v in self.address(address, type, &v) }
        if let node = endpoint["nodeName"]?.stringValue { v.invalid("nodeName", node, Names.isDNS1123Subdomain(node)) }
        if let host = endpoint["hostname"]?.stringValue { v.invalid("hostname", host, Names.isDNS1123Label(host)) }
        if case .object(let topology)? = endpoint["deprecatedTopology"] {
            if topology.count > 16 { v.tooMany("deprecatedTopology", count: topology.count, limit: 16) }
            v.checkLabels(.object(topology), "deprecatedTopology")
        }
        v.inside("hints", of: endpoint) { hints, v in
            for (field, form) in [("forZones", Names.isLabelValue), ("forNodes", Names.isDNS1123Subdomain)] {
                let count = hints[array: field].count
                if count > 8 {
                    v.tooMany(field, count: count, limit: 8)
                    continue
                }
                var seen: Set<String> = []
                v.elements(field, of: hints) { _, hint, v in
                    let name = hint[string: "name"]
                    if !seen.insert(name).inserted { v.duplicate("name", name) }
                    v.invalid("name", name, form(name))
                }
            }
        }
    }

    private static func address(_ text: String, _ type: String, _ v: inout Validator) {
        switch type {
        case "IPv4", "IPv6":
            let problems = type == "IPv4" ? Addresses.problems(ofLegacy: text) : Addresses.problems(of: text)
            if !problems.isEmpty { return v.invalid("", text, problems) }
            if (AddressText(text)?.isV6 ?? false) != (type == "IPv6") {
                v.leavingOne { $0.invalid("", text, "must be an \(type) address") }
            }
            if !v.isOfAPIServer { v.invalid("", text, Addresses.problems(ofEndpoint: text)) }
        case "FQDN":
            if text.isEmpty { return v.required("") }
            let name = text.hasSuffix(".") ? String(text.dropLast()) : text
            let problems = Names.isDNS1123Subdomain(name)
            if !problems.isEmpty { return v.invalid("", name, problems.joined(separator: ",")) }
            let labels = name.split(separator: ".").map(String.init)
            if labels.count < 2 {
                return v.invalid("", name, "should be a domain with at least two segments separated by dots")
            }
            if let wrong = labels.first(where: { !Names.isDNS1123Label($0).isEmpty }) {
                v.invalid("", wrong, Names.isDNS1123Label(wrong).joined(separator: ","))
            }
        default: break
        }
    }
}
