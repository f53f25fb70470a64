import JSON
import KubeTypes

/// Pods and templates of pods: what must fit together across their fields. What concerns one field alone is in the rule
/// table; containers, volumes, resources, security and scheduling have files of their own.
enum PodRules {
    static func pod(_ pod: JSONObject, _ v: inout Validator) {
        guard case .object(let spec)? = pod["spec"] else { return }
        let metadata = pod[object: "metadata"]
        v.at("metadata") { v in annotations(metadata, spec, &v) }
        v.at("spec") { v in
            claimsOfEphemeralVolumes(metadata[string: "name"], spec, &v)
            if !spec[array: "resourceClaims"].isEmpty,
                metadata["annotations"]?["kubernetes.io/config.mirror"] != nil
            {
                v.report(.forbidden("", "static pods do not support resource claims"))
            }
            guard spec[string: "serviceAccountName"].isEmpty else { return }
            v.elements("volumes", of: spec) { _, volume, v in
                for (index, source) in (volume["projected"]?["sources"]?.arrayValue ?? []).enumerated()
                where source["serviceAccountToken"] != nil {
                    v.forbidden(
                        "projected.sources[\(index)].serviceAccountToken",
                        "must not be specified when serviceAccountName is not set")
                }
            }
        }
    }

    /// A claim that is made for an ephemeral volume is not to be had in another way.
    private static func claimsOfEphemeralVolumes(_ name: String, _ spec: JSONObject, _ v: inout Validator) {
        let volumes = spec[array: "volumes"]
        guard volumes.contains(where: { $0["ephemeral"] != nil }) else { return }
        let made = Set(
            volumes.filter { $0["ephemeral"] != nil }.map { "\(name)-\($0["name"]?.stringValue ?? "")" })
        for (index, volume) in volumes.enumerated() {
            guard let claim = volume["persistentVolumeClaim"]?["claimName"]?.stringValue, made.contains(claim) else {
                continue
            }
            v.invalid(
                "volumes[\(index)].persistentVolumeClaim.claimName", claim,
                "must not reference a PVC that gets created for an ephemeral volume")
        }
    }

    static func template(_ template: JSONObject, _ v: inout Validator) {
        let spec = template[object: "spec"]
        let metadata = template[object: "metadata"]
        annotations(metadata, spec, &v)
        v.at("spec") { v in
            SecurityRules.matchAnnotations(metadata, spec, &v)
            if !spec[array: "ephemeralContainers"].isEmpty {
                v.forbidden("ephemeralContainers", "ephemeral containers not allowed in pod template")
            }
        }
    }

    /// Annotations that mean something to the server.
    static func annotations(_ metadata: JSONObject, _ spec: JSONObject, _ v: inout Validator) {
        guard case .object(let annotations)? = metadata["annotations"], !annotations.isEmpty else { return }
        let mirror = "kubernetes.io/config.mirror"
        if let value = annotations[mirror], spec[string: "nodeName"].isEmpty {
            v.invalid(
                "annotations[\(mirror)]", value, "must set spec.nodeName if mirror pod annotation is set")
        }
        let cost = "controller.kubernetes.io/pod-deletion-cost"
        if let value = annotations[cost] {
            let text = value.stringValue ?? ""
            let hasForm = text == "0" || text.first.map { "-123456789".contains($0) } ?? false
            if !hasForm || Int32(text) == nil {
                v.invalid("annotations[\(cost)]", value, "must be a 32bit integer")
            }
        }
        SecurityRules.annotations(annotations, spec, &v)
    }

    // MARK: The spec

    static func spec(_ spec: JSONObject, _ v: inout Validator) {
        let volumes = volumes(spec, &v)
        let claims = resourceClaims(spec, &v)
        let rules = ContainerRules(
            volumes: volumes, claims: claims,
            gracePeriod: spec["terminationGracePeriodSeconds"]?.integerValue ?? 30,
            podRestartPolicy: spec[string: "restartPolicy"],
            usesHostUsers: spec["hostUsers"]?.boolValue ?? true, os: spec["os"]?["name"]?.stringValue ?? "")
        rules.containers(spec, &v)
        ResourceRules.podConsistency(spec, &v)
        hostNetwork(spec, &v)
        if spec.holds("preemptionPolicy") {
            v.requiredOneOf("preemptionPolicy", spec, ["PreemptLowerPriority", "Never"])
        }
        dns(spec, &v)
        SchedulingRules.gates(spec, &v)
        SchedulingRules.topologySpread(spec, &v)
        SecurityRules.hostProcesses(spec, &v)
        SecurityRules.operatingSystem(spec, &v)
        namespaces(spec, rules, &v)
        hostName(spec, &v)
        v.elements("hostAliases", of: spec) { _, alias, v in
            let address = alias[string: "ip"]
            v.invalid("ip", address, Addresses.problems(ofLegacy: address))
            v.strings("hostnames", of: alias) { name, v in v.invalid("", name, Names.isDNS1123Subdomain(name)) }
        }
        if case .object(let overhead)? = spec["overhead"], !overhead.isEmpty {
            v.at("overhead") { v in
                v.entries("limits", of: ["limits": .object(overhead)]) { name, value, v in
                    ResourceRules.containerName(name, &v)
                    ResourceRules.amount(name, value, &v)
                }
            }
        }
        if case .object(let group)? = spec["schedulingGroup"] {
            if let name = group["podGroupName"]?.stringValue {
                v.invalid("schedulingGroup.podGroupName", name, Names.isDNS1123Subdomain(name))
            } else {
                v.invalid("schedulingGroup.podGroupName", .null, "must specify one of: `podGroupName`")
            }
        }
    }

    /// The volumes by name. Those that a StatefulSet makes claims for are there too.
    private static func volumes(_ spec: JSONObject, _ v: inout Validator) -> [String: JSONObject] {
        var found: [String: JSONObject] = [:]
        v.elements("volumes", of: spec) { _, volume, v in
            let name = volume[string: "name"]
            if name.isEmpty { return }
            if found.updateValue(volume, forKey: name) != nil { v.duplicate("name", name) }
        }
        if v.rootMessage == "apps/v1.StatefulSet" {
            for template in v.root["spec"]?["volumeClaimTemplates"]?.arrayValue ?? [] {
                found[template["metadata"]?["name"]?.stringValue ?? ""] = ["persistentVolumeClaim": [:]]
            }
        }
        return found
    }

    private static func resourceClaims(_ spec: JSONObject, _ v: inout Validator) -> Set<String> {
        var names: Set<String> = []
        v.elements("resourceClaims", of: spec) { _, claim, v in
            let name = claim[string: "name"]
            if name.isEmpty {
                v.required("name")
            } else if !names.insert(name).inserted {
                v.duplicate("name", name)
            } else {
                v.invalid("name", name, Names.isDNS1123Label(name))
            }
            switch (claim.holds("resourceClaimName"), claim.holds("resourceClaimTemplateName")) {
            case (true, true):
                v.invalid(
                    "", .object(claim),
                    "at most one of `resourceClaimName` or `resourceClaimTemplateName` may be specified")
            case (false, false):
                v.invalid(
                    "", .object(claim), "must specify one of: `resourceClaimName`, `resourceClaimTemplateName`")
            default: break
            }
            for field in ["resourceClaimName", "resourceClaimTemplateName"] {
                if let name = claim[field]?.stringValue { v.invalid(field, name, Names.isDNS1123Subdomain(name)) }
            }
        }
        return names
    }

    private static func hostNetwork(_ spec: JSONObject, _ v: inout Validator) {
        guard spec[flag: "hostNetwork"] else { return }
        v.each("containers", of: spec) { container, v in
            v.each("ports", of: container) { port, v in
                let host = port[integer: "hostPort"]
                if v.isPod || host != 0, host != port[integer: "containerPort"] {
                    v.invalid(
                        "hostPort", .integer(host), "must match `containerPort` when `hostNetwork` is true")
                }
            }
        }
    }

    private static func dns(_ spec: JSONObject, _ v: inout Validator) {
        let isNone = spec[string: "dnsPolicy"] == "None"
        guard case .object(let config)? = spec["dnsConfig"] else {
            if isNone { v.required("dnsConfig", "must provide `dnsConfig` when `dnsPolicy` is None") }
            return
        }
        v.at("dnsConfig") { v in
            let servers = config[array: "nameservers"]
            if isNone, servers.isEmpty {
                return v.required(
                    "nameservers", "must provide at least one DNS nameserver when `dnsPolicy` is None")
            }
            if servers.count > 3 {
                v.invalid("nameservers", .array(servers), "must not have more than 3 nameservers")
            }
            v.strings("nameservers", of: config) { server, v in
                v.invalid("", server, Addresses.problems(ofLegacy: server))
            }
            let searches = config[strings: "searches"]
            if searches.count > 32 {
                v.invalid("searches", config["searches"] ?? .null, "must not have more than 32 search paths")
            }
            if searches.joined(separator: " ").utf8.count > 2048 {
                v.invalid(
                    "searches", config["searches"] ?? .null,
                    "must not have more than 2048 characters (including spaces) in the search list")
            }
            v.strings("searches", of: config) { search, v in
                if search == "." { return }
                let name = search.hasSuffix(".") ? String(search.dropLast()) : search
                v.invalid("", name, Names.isSubdomainWithUnderscores(name))
            }
            v.elements("options", of: config) { _, option, v in
                if option[string: "name"].isEmpty { v.required("", "must not be empty") }
            }
        }
    }

    /// Which of the node's namespaces go together.
    private static func namespaces(_ spec: JSONObject, _ rules: ContainerRules, _ v: inout Validator) {
        if spec[flag: "hostPID"], spec[flag: "shareProcessNamespace"] {
            v.invalid(
                "securityContext.shareProcessNamespace", .bool(true),
                "ShareProcessNamespace and HostPID cannot both be enabled")
        }
        if case .object(let context)? = spec["securityContext"], context.holds("sysctls") {
            for (index, sysctl) in context[array: "sysctls"].enumerated() {
                let name = sysctl["name"]?.stringValue ?? ""
                let dotted = name.split(separator: "/").joined(separator: ".")
                let path = "securityContext.sysctls[\(index)].name"
                if spec[flag: "hostNetwork"], dotted.hasPrefix("net.") {
                    v.invalid(path, name, "may not be specified when 'hostNetwork' is true")
                } else if spec[flag: "hostIPC"],
                    dotted.hasPrefix("kernel.shm") || dotted.hasPrefix("kernel.msg") || dotted.hasPrefix("fs.mqueue.")
                        || dotted == "kernel.sem"
                {
                    v.invalid(path, name, "may not be specified when 'hostIPC' is true")
                }
            }
        }
        guard !rules.usesHostUsers else { return }
        if spec[flag: "hostNetwork"] { v.forbidden("hostNetwork", "when `hostUsers` is false") }
        if spec[flag: "hostPID"] { v.forbidden("HostPID", "when `hostUsers` is false") }
        if spec[flag: "hostIPC"] { v.forbidden("HostIPC", "when `hostUsers` is false") }
        for list in ["containers", "initContainers", "ephemeralContainers"] {
            v.each(list, of: spec) { container, v in
                if !container[array: "volumeDevices"].isEmpty {
                    v.forbidden("volumeDevices", "when `hostUsers` is false")
                }
            }
        }
    }

    private static func hostName(_ spec: JSONObject, _ v: inout Validator) {
        guard let name = spec["hostnameOverride"]?.stringValue else { return }
        if spec[flag: "setHostnameAsFQDN"] {
            v.forbidden("hostnameOverride", "may not be specified when setHostnameAsFQDN is true")
        }
        if spec[flag: "hostNetwork"] {
            v.forbidden("hostnameOverride", "may not be specified when hostNetwork is true")
        }
        if name.utf8.count > 64 { v.tooLong("hostnameOverride", limit: 64) }
        v.invalid("hostnameOverride", name, Names.isDNS1123Subdomain(name))
    }

    // MARK: New pods

    static func create(_ pod: JSONObject, _ v: inout Validator) {
        let spec = pod[object: "spec"]
        v.at("spec") { v in
            if !spec[array: "ephemeralContainers"].isEmpty {
                v.forbidden("ephemeralContainers", "cannot be set on create")
            }
            if !spec[string: "nodeName"].isEmpty, !spec[array: "schedulingGates"].isEmpty {
                v.forbidden("nodeName", "cannot be set until all schedulingGates have been cleared")
            }
            SecurityRules.matchAnnotations(pod[object: "metadata"], spec, &v)
        }
    }
}
