import JSON
import KubeTypes

/// What may change about a pod that exists: little of its spec, and of its status nothing that has come to an end.
enum PodUpdateRules {
    private static let mirror = "kubernetes.io/config.mirror"
    private static let appArmor = "container.apparmor.security.beta.kubernetes.io/"

    static func update(_ pod: JSONObject, _ old: JSONObject, _ v: inout Validator) {
        annotations(pod, old, &v)
        v.at("spec") { v in spec(pod[object: "spec"], old[object: "spec"], &v) }
    }

    private static func annotations(_ pod: JSONObject, _ old: JSONObject, _ v: inout Validator) {
        let new = pod["metadata"]?["annotations"]?.objectValue ?? JSONObject()
        let before = old["metadata"]?["annotations"]?.objectValue ?? JSONObject()
        if new == before { return }
        func path(_ key: String) -> String { "metadata.annotations[\(key)]" }
        for (key, value) in before where new[key] != value {
            if key.hasPrefix(appArmor) {
                v.forbidden(path(key), "may not remove or update AppArmor annotations")
            }
            if key == mirror { v.forbidden(path(key), "may not remove or update mirror pod annotation") }
        }
        for (key, _) in new where before[key] == nil {
            if key.hasPrefix(appArmor) { v.forbidden(path(key), "may not add AppArmor annotations") }
            if key == mirror { v.forbidden(path(key), "may not add mirror pod annotation") }
        }
    }

    // MARK: Spec

    private static func spec(_ new: JSONObject, _ before: JSONObject, _ v: inout Validator) {
        if new == before { return }
        for list in ["containers", "initContainers"] {
            guard new[array: list].count == before[array: list].count else {
                return v.forbidden(list, "pod updates may not add or remove containers")
            }
        }
        switch (new["activeDeadlineSeconds"]?.integerValue, before["activeDeadlineSeconds"]?.integerValue) {
        case (let new?, let old?) where new > old:
            return v.invalid(
                "activeDeadlineSeconds", .integer(new), "must be less than or equal to previous value")
        case (nil, .some):
            v.invalid("activeDeadlineSeconds", .null, "must not update from a positive integer to nil value")
        default: break
        }
        tolerations(new, before, &v)
        let gates = before[array: "schedulingGates"].map { $0["name"] }
        v.elements("schedulingGates", of: new) { _, gate, v in
            if gates.contains(gate["name"]) { return }
            v.forbidden(
                "name", "only deletion is allowed, but found new scheduling gate '\(gate[string: "name"])'")
        }
        var allowed = new
        for list in ["containers", "initContainers"] { keepImages(list, &allowed, before) }
        for field in ["activeDeadlineSeconds", "schedulingGates", "tolerations"] { allowed[field] = before[field] }
        if before[integer: "terminationGracePeriodSeconds"] < 0, new[integer: "terminationGracePeriodSeconds"] == 1 {
            allowed["terminationGracePeriodSeconds"] = before["terminationGracePeriodSeconds"]
        }
        if !gates.isEmpty { placement(&allowed, before, &v) }
        guard !Validator.areSame(.object(allowed), .object(before)) else { return }
        let changed = Set(allowed.keys).union(before.keys)
            .filter { !Validator.areSame(allowed[$0], before[$0]) }.sorted().map { "spec.\($0)" }
        v.forbidden(
            "",
            "pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,"
                + "`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),"
                + "`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)\n"
                + "changed: \(changed.joined(separator: ", "))")
    }

    private static func keepImages(_ list: String, _ spec: inout JSONObject, _ before: JSONObject) {
        guard case .array(var containers)? = spec[list] else { return }
        let old = before[array: list]
        for index in containers.indices where containers[index]["image"] != old[index]["image"] {
            containers[index]["image"] = old[index]["image"]
        }
        spec[list] = .array(containers)
    }

    private static func tolerations(_ new: JSONObject, _ before: JSONObject, _ v: inout Validator) {
        func plain(_ toleration: JSONValue) -> JSONValue {
            var toleration = toleration
            toleration["tolerationSeconds"] = nil
            return toleration
        }
        let tolerations = new[array: "tolerations"].map(plain)
        if !before[array: "tolerations"].allSatisfy({ tolerations.contains(plain($0)) }) {
            v.forbidden("tolerations", "existing toleration can not be modified except its tolerationSeconds")
        }
    }

    /// A pod that waits at a gate may still be narrowed to fewer nodes.
    private static func placement(_ spec: inout JSONObject, _ before: JSONObject, _ v: inout Validator) {
        let selector = spec[object: "nodeSelector"]
        if before[object: "nodeSelector"].contains(where: { selector[$0.key] != $0.value }) {
            v.invalid(
                "nodeSelector", .object(selector),
                "only additions to spec.nodeSelector are allowed (no mutations or deletions)")
        }
        spec["nodeSelector"] = before["nodeSelector"]
        let old = before["affinity"]?["nodeAffinity"]
        let new = spec["affinity"]?["nodeAffinity"]
        guard !Validator.areSame(new, old) else { return }
        let required = "requiredDuringSchedulingIgnoredDuringExecution"
        let terms = new?[path: required, "nodeSelectorTerms"]?.arrayValue ?? []
        let oldTerms = old?[path: required, "nodeSelectorTerms"]?.arrayValue ?? []
        let path = "affinity.nodeAffinity.\(required).nodeSelectorTerms"
        if !oldTerms.isEmpty, oldTerms.count != terms.count {
            v.invalid(
                path, .array(terms), "no additions/deletions to non-empty NodeSelectorTerms list are allowed")
        } else {
            for (index, (term, old)) in zip(terms, oldTerms).enumerated() where !onlyAdds(term, to: old) {
                v.invalid("\(path)[\(index)]", term, "only additions are allowed (no mutations or deletions)")
            }
        }
        var affinity = spec[object: "affinity"]
        affinity["nodeAffinity"] = old
        if affinity.isEmpty { spec["affinity"] = before["affinity"] } else { spec["affinity"] = .object(affinity) }
    }

    private static func onlyAdds(_ term: JSONValue, to old: JSONValue) -> Bool {
        let lists = ["matchExpressions", "matchFields"]
        let before = lists.map { old[$0]?.arrayValue ?? [] }
        let now = lists.map { term[$0]?.arrayValue ?? [] }
        if before.allSatisfy(\.isEmpty) { return now.allSatisfy(\.isEmpty) }
        return zip(now, before).allSatisfy { $0.starts(with: $1) }
    }

    // MARK: Status

    static func status(_ pod: JSONObject, _ old: JSONObject, _ v: inout Validator) {
        annotations(pod, old, &v)
        let status = pod[object: "status"]
        let before = old[object: "status"]
        let spec = old[object: "spec"]
        v.at("status") { v in
            v.elements("conditions", of: status) { _, condition, v in
                if condition[integer: "observedGeneration"] < 0 {
                    v.invalid(
                        "observedGeneration", .integer(condition[integer: "observedGeneration"]),
                        "must be a non-negative integer")
                }
                let type = condition[string: "type"]
                if !["PodScheduled", "Ready", "Initialized"].contains(type) {
                    v.invalid("Type", type, Names.isQualifiedName(type))
                }
            }
            let nominated = status[string: "nominatedNodeName"]
            if !nominated.isEmpty, nominated != before[string: "nominatedNodeName"] {
                v.invalid("nominatedNodeName", nominated, Names.isDNS1123Subdomain(nominated))
            }
            if status[integer: "observedGeneration"] < 0 {
                v.invalid(
                    "observedGeneration", .integer(status[integer: "observedGeneration"]),
                    "must be a non-negative integer")
            }
            if before.holds("qosClass") { v.immutable("qosClass", status["qosClass"], before["qosClass"]) }
            transitions(status, before, spec, &v)
            claims(status, spec, &v)
            addresses(status, &v)
            users(status, spec, &v)
        }
    }

    /// A container that has ended for good does not come back.
    private static func transitions(
        _ status: JSONObject, _ before: JSONObject, _ spec: JSONObject, _ v: inout Validator
    ) {
        for (field, list) in [
            ("containerStatuses", "containers"), ("initContainerStatuses", "initContainers"),
            ("ephemeralContainerStatuses", "ephemeralContainers"),
        ] {
            let statuses = status[array: field]
            for (index, was) in before[array: field].enumerated() {
                guard let end = was[path: "state", "terminated"], !end.isNull,
                    let now = statuses.first(where: { $0["name"] == was["name"] }),
                    now[path: "state", "terminated"]?.isNull ?? true
                else { continue }
                if list != "ephemeralContainers" {
                    if ContainerRestarts.anyRestartsAll(spec) { continue }
                    let container = spec[array: list].first { $0["name"] == was["name"] }
                    let code = end["exitCode"]?.integerValue ?? 0
                    if let container, ContainerRestarts.restarts(container, in: spec, after: code) { continue }
                }
                v.forbidden("\(field)[\(index)].state", "may not be transitioned to non-terminated state")
            }
        }
    }

    private static func claims(_ status: JSONObject, _ spec: JSONObject, _ v: inout Validator) {
        let known = spec[array: "resourceClaims"].map { $0["name"]?.stringValue ?? "" }
        var seen: Set<String> = []
        v.elements("resourceClaimStatuses", of: status) { _, claim, v in
            let name = claim[string: "name"]
            if !known.contains(name) {
                v.invalid("name", name, "must match the name of an entry in `spec.resourceClaims`")
            }
            if !seen.insert(name).inserted { v.duplicate("name", name) }
            if let claim = claim["resourceClaimName"]?.stringValue {
                v.invalid("resourceClaimName", claim, Names.isDNS1123Subdomain(claim))
            }
        }
    }

    private static func addresses(_ status: JSONObject, _ v: inout Validator) {
        for field in ["podIPs", "hostIPs"] {
            let addresses = status[array: field].map { $0["ip"]?.stringValue ?? "" }
            for (index, address) in addresses.enumerated() {
                v.invalid("\(field)[\(index)]", address, Addresses.problems(ofLegacy: address))
            }
            if addresses.count > 2 || addresses.count == 2 && !Addresses.areDualStack(addresses) {
                v.invalid(
                    field, status[field] ?? .null, "may specify no more than one IP for each IP family")
            }
        }
        if let first = status[array: "hostIPs"].first?["ip"]?.stringValue, first != status[string: "hostIP"] {
            v.invalid("hostIPs[0].ip", first, "must be equal to `hostIP`")
        }
    }

    private static func users(_ status: JSONObject, _ spec: JSONObject, _ v: inout Validator) {
        let isWindows = spec["os"]?["name"]?.stringValue == "windows"
        for field in ["containerStatuses", "initContainerStatuses", "ephemeralContainerStatuses"] {
            v.each(field, of: status) { container, v in
                guard case .object(let user)? = container["user"]?["linux"] else { return }
                if isWindows { return v.forbidden("user.linux", "cannot be set for a windows pod") }
                for name in ["uid", "gid"] {
                    guard let id = user[name]?.integerValue, id < 0 || id > Int64(Int32.max) else { continue }
                    v.invalid(
                        "user.linux.\(name)", .integer(id), "must be between 0 and 2147483647, inclusive")
                }
            }
        }
    }

    // MARK: Ephemeral containers

    static func ephemeralContainers(_ pod: JSONObject, _ old: JSONObject, _ v: inout Validator) {
        annotations(pod, old, &v)
        if old["metadata"]?["annotations"]?[mirror] != nil {
            return v.report(.forbidden("", "static pods do not support ephemeral containers"))
        }
        let new = pod["spec"]?["ephemeralContainers"]?.arrayValue ?? []
        for was in old["spec"]?["ephemeralContainers"]?.arrayValue ?? [] {
            let name = was["name"]?.stringValue ?? ""
            let now = new.first { $0["name"]?.stringValue == name }
            if now == nil {
                v.forbidden(
                    "spec.ephemeralContainers", "existing ephemeral containers \"\(name)\" may not be removed\n")
            } else if !Validator.areSame(now, was) {
                v.forbidden(
                    "spec.ephemeralContainers", "existing ephemeral containers \"\(name)\" may not be changed\n")
            }
        }
    }
}

/// Whether a container that has ended is started again: its own policy and rules first, then its pod's (KEP-5307).
enum ContainerRestarts {
    static func anyRestartsAll(_ spec: JSONObject) -> Bool {
        for list in ["containers", "initContainers"] {
            for container in spec[array: list] {
                for rule in container["restartPolicyRules"]?.arrayValue ?? []
                where rule["action"]?.stringValue == "RestartAllContainers" {
                    return true
                }
            }
        }
        return false
    }

    static func restarts(_ container: JSONValue, in spec: JSONObject, after code: Int64) -> Bool {
        for rule in container["restartPolicyRules"]?.arrayValue ?? [] {
            let listed = rule[path: "exitCodes", "values"]?.arrayValue?.contains(.integer(code)) ?? false
            switch rule[path: "exitCodes", "operator"]?.stringValue {
            case "In" where listed, "NotIn" where !listed: return rule["action"]?.stringValue == "Restart"
            default: continue
            }
        }
        switch container["restartPolicy"]?.stringValue ?? spec["restartPolicy"]?.stringValue {
        case "Never": return false
        case "OnFailure": return code != 0
        default: return true
        }
    }
}
