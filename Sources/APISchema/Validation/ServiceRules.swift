import JSON
import KubeTypes

/// Services: ports, cluster IPs and their families, and what goes with which type.
enum ServiceRules {
    static func service(_ service: JSONObject, _ v: inout Validator) {
        guard case .object(let spec)? = service["spec"] else { return }
        let type = spec[string: "type"]
        if case .object(let annotations)? = service["metadata"]?["annotations"] {
            let hints = "service.kubernetes.io/topology-aware-hints"
            let mode = "service.kubernetes.io/topology-mode"
            if let one = annotations[hints], let other = annotations[mode], one != other {
                v.invalid(
                    "metadata.annotations[\(mode)]", other, "must match annotations[\(hints)] when both are specified")
            }
            let ranges = "service.beta.kubernetes.io/load-balancer-source-ranges"
            if let text = annotations[ranges]?.stringValue, spec[array: "loadBalancerSourceRanges"].isEmpty {
                sourceRangesAnnotation(text, type, "metadata.annotations[\(ranges)]", &v)
            }
        }
        v.at("spec") { v in self.spec(spec, type, &v) }
        // Upstream names the field without the spec.
        if type == "LoadBalancer", !spec.holds("allocateLoadBalancerNodePorts") {
            v.required("allocateLoadBalancerNodePorts")
        }
    }

    private static func sourceRangesAnnotation(_ text: String, _ type: String, _ path: String, _ v: inout Validator) {
        if type != "LoadBalancer" { v.forbidden(path, "may only be used when `type` is 'LoadBalancer'") }
        for range in text.split(separator: ",") {
            let range = range.filter { !$0.isWhitespace }
            if !range.isEmpty { v.invalid(path, range, Addresses.problems(ofLegacyPrefix: range)) }
        }
    }

    private static func isHeadless(_ spec: JSONObject) -> Bool {
        spec[string: "clusterIP"] == "None" || spec[strings: "clusterIPs"] == ["None"]
    }

    private static func spec(_ spec: JSONObject, _ type: String, _ v: inout Validator) {
        let isHeadless = isHeadless(spec)
        if spec[array: "ports"].isEmpty, !isHeadless, type != "ExternalName" { v.required("ports") }
        switch type {
        case "LoadBalancer" where isHeadless, "NodePort" where isHeadless:
            v.invalid("clusterIPs[0]", "None", "may not be set to 'None' for \(type) services")
        case "ExternalName":
            for field in ["clusterIPs", "ipFamilies", "ipFamilyPolicy"] where !(spec[field]?.isEmptyOrZero ?? true) {
                v.forbidden(field, "may not be set for ExternalName services")
            }
            let name = spec[string: "externalName"]
            let host = name.hasSuffix(".") ? String(name.dropLast()) : name
            if host.isEmpty {
                v.required("externalName")
            } else {
                v.invalid("externalName", host, Names.isDNS1123Subdomain(host))
            }
        default: break
        }
        ports(spec, type, &v)
        affinity(spec, &v)
        if type != "ExternalName" { addresses(spec, isHeadless, &v) }
        v.strings("externalIPs", of: spec) { address, v in
            let problems = Addresses.problems(ofLegacy: address)
            v.invalid("", address, problems.isEmpty ? Addresses.problems(ofEndpoint: address) : problems)
        }
        if !spec[array: "loadBalancerSourceRanges"].isEmpty {
            if type != "LoadBalancer" {
                v.forbidden("LoadBalancerSourceRanges", "may only be used when `type` is 'LoadBalancer'")
            }
            for (index, range) in spec[strings: "loadBalancerSourceRanges"].enumerated() {
                let range = range.filter { !$0.isWhitespace }
                v.invalid("LoadBalancerSourceRanges[\(index)]", range, Addresses.problems(ofLegacyPrefix: range))
            }
        }
        if type != "LoadBalancer", spec.holds("allocateLoadBalancerNodePorts") {
            v.forbidden("allocateLoadBalancerNodePorts", "may only be used when `type` is 'LoadBalancer'")
        }
        if let name = spec["loadBalancerClass"]?.stringValue {
            if type == "LoadBalancer" {
                v.invalid("loadBalancerClass", name, Names.isQualifiedName(name))
            } else {
                v.forbidden("loadBalancerClass", "may only be used when `type` is 'LoadBalancer'")
            }
        }
        traffic(spec, type, &v)
    }

    private static func ports(_ spec: JSONObject, _ type: String, _ v: inout Validator) {
        let count = spec[array: "ports"].count
        var names: Set<String> = []
        var numbers: Set<String> = []
        var nodePorts: Set<String> = []
        v.elements("ports", of: spec) { _, port, v in
            let name = port[string: "name"]
            if name.isEmpty {
                if count > 1 { v.required("name") }
            } else {
                v.invalid("name", name, Names.isDNS1123Label(name))
                if !names.insert(name).inserted { v.duplicate("name", name) }
            }
            let number = port[integer: "port"]
            if !(1...65535).contains(number) {
                v.invalid("port", .integer(number), "must be between 1 and 65535, inclusive")
            }
            let protocolName = port["protocol"]?.stringValue ?? "TCP"
            let nodePort = port[integer: "nodePort"]
            if nodePort != 0 {
                if type == "ClusterIP" { v.forbidden("nodePort", "may not be used when `type` is 'ClusterIP'") }
                if !nodePorts.insert("\(protocolName) \(nodePort)").inserted {
                    v.duplicate("nodePort", .integer(nodePort))
                }
            }
            if !numbers.insert("\(protocolName) \(number)").inserted {
                v.duplicate("", ["protocol": .string(protocolName), "port": .integer(number)])
            }
        }
    }

    private static func affinity(_ spec: JSONObject, _ v: inout Validator) {
        let config = spec["sessionAffinityConfig"]
        switch spec[string: "sessionAffinity"] {
        case "ClientIP":
            let why = "when session affinity type is ClientIP"
            guard let config, !config.isNull else { return v.required("sessionAffinityConfig", why) }
            guard case .object(let client)? = config["clientIP"] else {
                return v.required("sessionAffinityConfig.clientIP", why)
            }
            guard let seconds = client["timeoutSeconds"]?.integerValue else {
                return v.required("sessionAffinityConfig.clientIP.timeoutSeconds", why)
            }
            if seconds <= 0 || seconds > 86400 {
                v.invalid(
                    "sessionAffinityConfig.clientIP.timeoutSeconds", .integer(seconds),
                    "must be greater than 0 and less than 86400")
            }
        case "None":
            if spec.holds("sessionAffinityConfig") {
                v.forbidden("sessionAffinityConfig", "must not be set when session affinity is None")
            }
        default: break
        }
    }

    private static func addresses(_ spec: JSONObject, _ isHeadless: Bool, _ v: inout Validator) {
        let addresses = spec[strings: "clusterIPs"]
        let value = spec["clusterIPs"] ?? .null
        let first = spec[string: "clusterIP"]
        if !first.isEmpty, let listed = addresses.first, listed != first {
            v.invalid("clusterIPs", value, "first value must match `clusterIP`")
        }
        var seen: Set<String> = []
        v.strings("ipFamilies", of: spec) { family, v in
            if family != "IPv4", family != "IPv6" { v.unsupported("", .string(family), ["IPv4", "IPv6"]) }
            if !seen.insert(family).inserted { v.duplicate("", family) }
        }
        var areRight = true
        for (index, address) in addresses.enumerated() {
            if index == 0, address == "None" {
                if addresses.count > 1 {
                    areRight = false
                    v.invalid("clusterIPs", value, "'None' must be the first and only value")
                }
                continue
            }
            let problems = Addresses.problems(ofLegacy: address)
            if !problems.isEmpty { areRight = false }
            v.invalid("clusterIPs[\(index)]", address, problems)
        }
        if addresses.count > 2 { v.invalid("clusterIPs", value, "may only hold up to 2 values") }
        guard areRight else { return }
        if addresses.count > 1, !Addresses.areDualStack(addresses) {
            v.invalid("clusterIPs", value, "may specify no more than one IP for each IP family")
        }
        guard !isHeadless else { return }
        for (index, (address, family)) in zip(addresses, spec[strings: "ipFamilies"]).enumerated() {
            let isV6 = address.contains(":")
            if family == "IPv4", isV6 {
                v.invalid(
                    "clusterIPs[\(index)]", address, "expected an IPv4 value as indicated by `ipFamilies[\(index)]`")
            } else if family == "IPv6", !isV6 {
                v.invalid(
                    "clusterIPs[\(index)]", address, "expected an IPv6 value as indicated by `ipFamilies[\(index)]`")
            }
        }
    }

    private static func isExternallyAccessible(_ spec: JSONObject) -> Bool {
        switch spec[string: "type"] {
        case "LoadBalancer", "NodePort": true
        case "ClusterIP": !spec[array: "externalIPs"].isEmpty
        default: false
        }
    }

    private static func needsHealthCheck(_ spec: JSONObject) -> Bool {
        spec[string: "type"] == "LoadBalancer" && spec[string: "externalTrafficPolicy"] == "Local"
    }

    private static func traffic(_ spec: JSONObject, _ type: String, _ v: inout Validator) {
        let policy = spec[string: "externalTrafficPolicy"]
        if isExternallyAccessible(spec) {
            if policy.isEmpty { v.required("externalTrafficPolicy") }
        } else if !policy.isEmpty {
            v.invalid("externalTrafficPolicy", policy, "may only be set for externally-accessible services")
        }
        let port = spec[integer: "healthCheckNodePort"]
        if needsHealthCheck(spec) {
            if port != 0, !(1...65535).contains(port) {
                v.invalid("healthCheckNodePort", .integer(port), "must be between 1 and 65535, inclusive")
            }
        } else if port != 0 {
            v.invalid(
                "healthCheckNodePort", .integer(port),
                "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'")
        }
        if !spec.holds("internalTrafficPolicy"), ["ClusterIP", "LoadBalancer", "NodePort"].contains(type) {
            v.required("internalTrafficPolicy")
        }
    }

    // MARK: Changes

    static func update(_ service: JSONObject, _ old: JSONObject, _ v: inout Validator) {
        let new = service[object: "spec"]
        let before = old[object: "spec"]
        if new[string: "type"] == "LoadBalancer", before[string: "type"] == "LoadBalancer",
            new["loadBalancerClass"] != before["loadBalancerClass"]
        {
            v.invalid("spec.loadBalancerClass", new["loadBalancerClass"] ?? .null, "may not change once set")
        }
        if needsHealthCheck(new), needsHealthCheck(before),
            new[integer: "healthCheckNodePort"] != before[integer: "healthCheckNodePort"]
        {
            v.forbidden("spec.healthCheckNodePort", "field is immutable")
        }
        guard new[string: "type"] != "ExternalName", before[string: "type"] != "ExternalName" else { return }
        let wasHeadless = isHeadless(before)
        let nowHeadless = isHeadless(new)
        if !(wasHeadless && nowHeadless) { change("clusterIPs", "clusterIP", new, before, &v) }
        if !wasHeadless, !nowHeadless { change("ipFamilies", "ipFamily", new, before, &v) }
    }

    /// Addresses and families may be added behind the first, and taken away again; the first stays.
    private static func change(
        _ field: String, _ singular: String, _ new: JSONObject, _ before: JSONObject, _ v: inout Validator
    ) {
        let now = new[strings: field]
        let was = before[strings: field]
        let value = new[field] ?? .null
        if now.count == was.count {
            for (index, (now, was)) in zip(now, was).enumerated() where now != was {
                v.invalid("spec.\(field)[\(field == "ipFamilies" ? 0 : index)]", value, "may not change once set")
            }
            return
        }
        if now.isEmpty { return v.invalid("spec.\(field)[0]", value, "primary \(singular) can not be unset") }
        if let first = was.first, first != now[0] {
            v.invalid("spec.\(field)[0]", value, "may not change once set")
        }
        if now.count == 1, was.count > 1, new[string: "ipFamilyPolicy"] != "SingleStack" {
            v.invalid(
                "spec.ipFamilyPolicy", new["ipFamilyPolicy"] ?? .null,
                "must be set to 'SingleStack' when releasing the secondary \(singular)")
        }
    }

    static func status(_ service: JSONObject, _ old: JSONObject, _ v: inout Validator) {
        guard case .object(let balancer)? = service["status"]?["loadBalancer"] else { return }
        let isBalanced = service["spec"]?["type"]?.stringValue == "LoadBalancer"
        v.at("status") { v in
            v.at("loadBalancer") { v in
                if !isBalanced, !balancer[array: "ingress"].isEmpty {
                    return v.forbidden("ingress", "may only be used when `spec.type` is 'LoadBalancer'")
                }
                loadBalancer(balancer, hasModes: true, &v)
            }
        }
    }

    /// Where a load balancer or an ingress can be reached.
    static func loadBalancer(_ balancer: JSONObject, hasModes: Bool, _ v: inout Validator) {
        v.elements("ingress", of: balancer) { _, ingress, v in
            let address = ingress[string: "ip"]
            if !address.isEmpty { v.invalid("ip", address, Addresses.problems(ofLegacy: address)) }
            if hasModes {
                switch (ingress.holds("ipMode"), address.isEmpty) {
                case (false, false): v.required("ipMode", "must be specified when `ip` is set")
                case (true, true): v.forbidden("ipMode", "may not be specified when `ip` is not set")
                case (true, false): v.oneOf("ipMode", ingress, ["Proxy", "VIP"])
                case (false, true): break
                }
            }
            let host = ingress[string: "hostname"]
            guard !host.isEmpty else { return }
            v.invalid("hostname", host, Names.isDNS1123Subdomain(host))
            if AddressText(host) != nil { v.invalid("hostname", host, "must be a DNS name, not an IP address") }
        }
    }

    // MARK: Endpoints

    static func endpointSubset(_ subset: JSONObject, _ v: inout Validator) {
        if subset[array: "addresses"].isEmpty, subset[array: "notReadyAddresses"].isEmpty {
            v.required("", "must specify `addresses` or `notReadyAddresses`")
        }
        let needsNames = subset[array: "ports"].count > 1
        v.elements("ports", of: subset) { _, port, v in
            if port[string: "name"].isEmpty, needsNames { v.required("name") }
            let number = port[integer: "port"]
            if !(1...65535).contains(number) {
                v.invalid("port", .integer(number), "must be between 1 and 65535, inclusive")
            }
        }
    }

    static func endpointAddress(_ address: JSONObject, _ v: inout Validator) {
        let text = address[string: "ip"]
        let problems = Addresses.problems(ofLegacy: text)
        v.invalid("ip", text, problems.isEmpty && !v.isOfAPIServer ? Addresses.problems(ofEndpoint: text) : problems)
        if let node = address["nodeName"]?.stringValue { v.invalid("nodeName", node, Names.isDNS1123Subdomain(node)) }
    }
}

extension Validator {
    /// Whether these are the endpoints of the API server itself, which may well listen on loopback alone.
    var isOfAPIServer: Bool {
        let metadata = root[object: "metadata"]
        return metadata[string: "name"] == "kubernetes" && metadata[string: "namespace"] == "default"
    }
}
