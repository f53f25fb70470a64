import JSON
import KubeTypes

/// Security contexts of pods and containers, and what the operating system of a pod rules out.
enum SecurityRules {
    static func podContext(_ context: JSONObject, _ v: inout Validator) {
        if context.isEmpty { return }
        identities(["fsGroup", "runAsUser", "runAsGroup"], context, &v)
        for (index, group) in context[array: "supplementalGroups"].enumerated() {
            identity("supplementalGroups[\(index)]", group, &v)
        }
        v.oneOf("fsGroupChangePolicy", context, ["Always", "OnRootMismatch"])
        v.oneOf("supplementalGroupsPolicy", context, ["Merge", "Strict"])
        v.oneOf("seLinuxChangePolicy", context, ["MountOption", "Recursive"])
        var names: Set<String> = []
        v.elements("sysctls", of: context) { _, sysctl, v in
            let name = sysctl[string: "name"]
            if name.isEmpty { return }
            if !isSysctl(name) {
                let segment = "[a-z0-9]([-_a-z0-9]*[a-z0-9])?"
                v.invalid(
                    "name", name,
                    "must have at most 253 characters and match regex ^(\(segment)[\\./])*\(segment)$")
            } else if !names.insert(name).inserted {
                v.duplicate("name", name)
            }
        }
    }

    static func context(_ context: JSONObject, _ v: inout Validator) {
        if context.isEmpty { return }
        identities(["runAsUser", "runAsGroup"], context, &v)
        v.oneOf("procMount", context, ["Default", "Unmasked"])
        guard context["allowPrivilegeEscalation"]?.boolValue == false else { return }
        if context[flag: "privileged"] {
            v.invalid(
                "", .object(context), "cannot set `allowPrivilegeEscalation` to false and `privileged` to true")
        }
        for capability in context["capabilities"]?["add"]?.arrayValue ?? [] where capability == "CAP_SYS_ADMIN" {
            v.invalid(
                "", .object(context),
                "cannot set `allowPrivilegeEscalation` to false and `capabilities.Add` CAP_SYS_ADMIN")
        }
    }

    private static func identities(_ fields: [String], _ context: JSONObject, _ v: inout Validator) {
        for field in fields { if let value = context[field] { identity(field, value, &v) } }
    }

    private static func identity(_ field: String, _ value: JSONValue, _ v: inout Validator) {
        guard let number = value.integerValue, number < 0 || number > Int64(Int32.max) else { return }
        v.invalid(field, value, "must be between 0 and 2147483647, inclusive")
    }

    private static func isSysctl(_ name: String) -> Bool {
        guard name.utf8.count <= 253 else { return false }
        func isPlain(_ byte: UInt8) -> Bool { (0x61...0x7a).contains(byte) || (0x30...0x39).contains(byte) }
        return name.utf8.split(omittingEmptySubsequences: false) { $0 == 0x2e || $0 == 0x2f }.allSatisfy { segment in
            guard let first = segment.first, let last = segment.last else { return false }
            return isPlain(first) && isPlain(last) && segment.allSatisfy { isPlain($0) || $0 == 0x2d || $0 == 0x5f }
        }
    }

    static func seccomp(_ profile: JSONObject, _ v: inout Validator) {
        let types = ["Localhost", "RuntimeDefault", "Unconfined"]
        v.requiredOneOf("type", profile, types, detail: "type is required when seccompProfile is set")
        if profile[string: "type"] == "Localhost" {
            if let path = profile["localhostProfile"]?.stringValue {
                v.descendingPath("localhostProfile", path)
            } else {
                v.required("localhostProfile", "must be set when seccomp type is Localhost")
            }
        } else if profile.holds("localhostProfile") {
            v.invalid("localhostProfile", .object(profile), "can only be set when seccomp type is Localhost")
        }
    }

    static func appArmor(_ profile: JSONObject, _ v: inout Validator) {
        let types = ["Localhost", "RuntimeDefault", "Unconfined"]
        v.requiredOneOf("type", profile, types, detail: "type is required when appArmorProfile is set")
        let name = profile["localhostProfile"]?.stringValue
        switch profile[string: "type"] {
        case "Localhost":
            guard let name, !name.allSatisfy(\.isWhitespace) || name.isEmpty else {
                if let name { v.invalid("localhostProfile", name, "must not be padded with whitespace") }
                if name == nil { v.required("localhostProfile", "must be set when AppArmor type is Localhost") }
                return
            }
            if name.isEmpty {
                v.required("localhostProfile", "must be set when AppArmor type is Localhost")
            } else if name.first?.isWhitespace == true || name.last?.isWhitespace == true {
                v.invalid("localhostProfile", name, "must not be padded with whitespace")
            }
            if name.utf8.count > 4095 { v.tooLong("localhostProfile", limit: 4095) }
        case "RuntimeDefault", "Unconfined":
            if let name { v.invalid("localhostProfile", name, "can only be set when AppArmor type is Localhost") }
        default: break
        }
    }

    static func windowsOptions(_ options: JSONObject, _ v: inout Validator) {
        if let name = options["gmsaCredentialSpecName"]?.stringValue {
            v.invalid("gmsaCredentialSpecName", name, Names.isDNS1123Subdomain(name))
        }
        if let text = options["gmsaCredentialSpec"]?.stringValue {
            if text.isEmpty {
                v.invalid("gmsaCredentialSpec", text, "gmsaCredentialSpec cannot be an empty string")
            } else if text.utf8.count > 64 << 10 {
                v.invalid("gmsaCredentialSpec", text, "gmsaCredentialSpec size must be under 64 KiB")
            }
        }
        guard let name = options["runAsUserName"]?.stringValue else { return }
        for problem in userNameProblems(name) { v.invalid("runAsUserName", name, "runAsUserName\(problem)") }
    }

    private static func userNameProblems(_ name: String) -> [String] {
        if name.isEmpty { return [" cannot be an empty string"] }
        if name.unicodeScalars.contains(where: { $0.value < 0x20 || $0.value == 0x7f }) {
            return [" cannot contain control characters"]
        }
        let parts = name.split(separator: "\\", omittingEmptySubsequences: false).map(String.init)
        if parts.count > 2 { return [" cannot contain more than one backslash"] }
        var problems: [String] = []
        if parts.count == 2 {
            let domain = parts[0]
            if domain.utf8.count >= 256 { problems.append("'s Domain length must be under 256 characters") }
            let isNetBIOS =
                (1...15).contains(domain.count) && !domain.hasPrefix(".")
                && !domain.contains { "\\/:*?\"<>|".contains($0) }
            let labels = domain.lowercased().split(separator: ".", omittingEmptySubsequences: false).map(String.init)
            if !isNetBIOS, !labels.allSatisfy({ Names.isDNS1123Label($0).isEmpty }) {
                problems.append("'s Domain doesn't match the NetBios nor the DNS format")
            }
        }
        let user = parts[parts.count - 1]
        if user.isEmpty {
            problems.append("'s User cannot be empty")
        } else if user.utf8.count > 104 {
            problems.append("'s User length must not be longer than 104 characters")
        }
        if !user.isEmpty, user.allSatisfy({ $0 == "." || $0 == " " }) {
            problems.append("'s User cannot contain only periods or spaces")
        }
        if user.contains(where: { "\"/\\:;|=,+*?<>@[]".contains($0) }) {
            problems.append("'s User cannot contain the following characters: \"/\\:;|=,+*?<>@[]")
        }
        return problems
    }

    // MARK: The whole pod

    private static let lists = ["containers", "initContainers", "ephemeralContainers"]

    /// Windows' host processes: all containers of a pod or none, and on the node's network.
    static func hostProcesses(_ spec: JSONObject, _ v: inout Validator) {
        let ofPod = spec["securityContext"]?[path: "windowsOptions", "hostProcess"]?.boolValue
        var count = 0
        var hostCount = 0
        for list in lists {
            for (index, container) in spec[array: list].enumerated() {
                count += 1
                let own = container["securityContext"]?[path: "windowsOptions", "hostProcess"]?.boolValue
                if let ofPod, let own, ofPod != own {
                    v.invalid(
                        "\(list)[\(index)].securityContext.windowsOptions.hostProcess", .bool(own),
                        "pod hostProcess value must be identical if both are specified, was \(ofPod)")
                }
                if own ?? ofPod ?? false { hostCount += 1 }
            }
        }
        guard hostCount > 0 else { return }
        if hostCount != count {
            v.invalid(
                "", "", "If pod contains any hostProcess containers then all containers must be HostProcess containers")
        }
        if !spec[flag: "hostNetwork"] {
            v.invalid(
                "hostNetwork", .bool(false), "hostNetwork must be true if pod contains any hostProcess containers")
        }
    }

    static func operatingSystem(_ spec: JSONObject, _ v: inout Validator) {
        guard case .object(let os)? = spec["os"] else { return }
        switch os[string: "name"] {
        case "": v.required("os.name")
        case "linux":
            forbid(
                ["windowsOptions"], of: spec, pod: ["windowsOptions"], fields: [],
                "windows options cannot be set for a linux pod", &v)
        case "windows":
            forbid(
                [
                    "appArmorProfile", "seLinuxOptions", "seccompProfile", "capabilities", "readOnlyRootFilesystem",
                    "privileged", "allowPrivilegeEscalation", "procMount", "runAsUser", "runAsGroup",
                ], of: spec,
                pod: [
                    "appArmorProfile", "seLinuxOptions", "seccompProfile", "fsGroup", "fsGroupChangePolicy", "sysctls",
                    "runAsUser", "runAsGroup", "supplementalGroups", "supplementalGroupsPolicy", "seLinuxChangePolicy",
                ], fields: ["hostUsers", "shareProcessNamespace"], "cannot be set for a windows pod", &v)
            for field in ["hostPID", "hostIPC"] where spec[flag: field] {
                v.forbidden(field, "cannot be set for a windows pod")
            }
        default: v.unsupported("os", .string(os[string: "name"]), ["linux", "windows"])
        }
    }

    private static func forbid(
        _ container: [String], of spec: JSONObject, pod: [String], fields: [String], _ why: String,
        _ v: inout Validator
    ) {
        if case .object(let context)? = spec["securityContext"] {
            for field in pod where context.holds(field) { v.forbidden("securityContext.\(field)", why) }
        }
        for field in fields where spec.holds(field) { v.forbidden(field, why) }
        for list in lists {
            v.each(list, of: spec) { one, v in
                guard case .object(let context)? = one["securityContext"] else { return }
                for field in container where context.holds(field) { v.forbidden("securityContext.\(field)", why) }
            }
        }
    }

    // MARK: Annotations that became fields

    /// Seccomp and AppArmor in annotations must agree with the fields.
    static func matchAnnotations(_ metadata: JSONObject, _ spec: JSONObject, _ v: inout Validator) {
        guard case .object(let annotations)? = metadata["annotations"], !annotations.isEmpty else { return }
        let podContext = spec[object: "securityContext"]
        if case .object(let profile)? = podContext["seccompProfile"] {
            seccomp(annotations[string: "seccomp.security.alpha.kubernetes.io/pod"], profile, "securityContext", &v)
        }
        let isWindows = spec["os"]?["name"]?.stringValue == "windows"
        for list in lists {
            v.each(list, of: spec) { container, v in
                let name = container[string: "name"]
                let context = container[object: "securityContext"]
                if case .object(let profile)? = context["seccompProfile"] {
                    seccomp(
                        annotations[string: "container.seccomp.security.alpha.kubernetes.io/\(name)"], profile,
                        "securityContext", &v)
                }
                guard !isWindows,
                    case .object(let profile)? = context["appArmorProfile"] ?? podContext["appArmorProfile"],
                    let text = annotations["container.apparmor.security.beta.kubernetes.io/\(name)"]?.stringValue
                else { return }
                let path = "securityContext.appArmorProfile"
                let detail = "apparmor type in annotation and field must match"
                switch profile[string: "type"] {
                case "Unconfined": if text != "unconfined" { v.forbidden("\(path).type", detail) }
                case "RuntimeDefault": if text != "runtime/default" { v.forbidden("\(path).type", detail) }
                case "Localhost":
                    if !text.hasPrefix("localhost/") {
                        v.forbidden("\(path).type", detail)
                    } else if text.dropFirst(10) != profile[string: "localhostProfile"] {
                        v.forbidden(
                            "\(path).localhostProfile", "apparmor profile in annotation and field must match")
                    }
                default: break
                }
            }
        }
    }

    private static func seccomp(_ text: String, _ profile: JSONObject, _ parent: String, _ v: inout Validator) {
        if text.isEmpty { return }
        let path = "\(parent).seccompProfile"
        let isRight =
            switch profile[string: "type"] {
            case "Unconfined": text == "unconfined"
            case "RuntimeDefault": text == "runtime/default" || text == "docker/default"
            case "Localhost": text.hasPrefix("localhost/")
            default: true
            }
        if !isRight {
            v.forbidden("\(path).type", "seccomp type in annotation and field must match")
        } else if profile[string: "type"] == "Localhost", text.dropFirst(10) != profile[string: "localhostProfile"] {
            v.forbidden("\(path).localhostProfile", "seccomp profile in annotation and field must match")
        }
    }

    static func annotations(_ annotations: JSONObject, _ spec: JSONObject, _ v: inout Validator) {
        for (key, value) in annotations where key.hasSuffix("kubernetes.io/pod") || key.contains("security.") {
            let text = value.stringValue ?? ""
            if key == "seccomp.security.alpha.kubernetes.io/pod"
                || key.hasPrefix("container.seccomp.security.alpha.kubernetes.io/")
            {
                if text.hasPrefix("localhost/") {
                    v.descendingPath("annotations.\(key)", String(text.dropFirst(10)))
                } else if !["runtime/default", "docker/default", "unconfined"].contains(text) {
                    v.invalid("annotations.\(key)", text, "must be a valid seccomp profile")
                }
            } else if key.hasPrefix("container.apparmor.security.beta.kubernetes.io/") {
                let name = String(key.drop { $0 != "/" }.dropFirst())
                let exists = lists.contains { spec[array: $0].contains { $0["name"]?.stringValue == name } }
                if !exists { v.invalid("annotations[\(key)]", name, "container not found") }
                if !["", "runtime/default", "unconfined"].contains(text), !text.hasPrefix("localhost/") {
                    v.invalid("annotations[\(key)]", text, "invalid AppArmor profile name: \"\(text)\"")
                }
            }
        }
    }
}
