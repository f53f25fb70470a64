import JSON
import KubeTypes

/// Webhook configurations and admission policies: their structure. Expressions are compiled elsewhere.
enum AdmissionRules {
    // MARK: Webhooks

    static func configuration(_ configuration: JSONObject, _ v: inout Validator) {
        var names: Set<String> = []
        v.elements("webhooks", of: configuration) { _, hook, v in
            let name = hook[string: "name"]
            if name.isEmpty {
                v.required("name")
            } else {
                let problems = Names.isDNS1123Subdomain(name)
                if !problems.isEmpty {
                    v.invalid("name", name, problems.joined(separator: ","))
                } else if name.split(separator: ".").count < 3 {
                    v.invalid("name", name, "should be a domain with at least three segments separated by dots")
                }
                if !names.insert(name).inserted { v.duplicate("name", name) }
            }
            v.elements("rules", of: hook) { _, rule, v in self.rule(rule, &v) }
            // The first version let webhooks have side effects.
            let effects =
                v.version == "v1beta1"
                ? ["None", "NoneOnDryRun", "Some", "Unknown"] : ["None", "NoneOnDryRun"]
            if !hook.holds("sideEffects") {
                v.required("sideEffects", "must specify one of \(effects.joined(separator: ", "))")
            } else {
                v.oneOf("sideEffects", hook, effects)
            }
            if let seconds = hook["timeoutSeconds"]?.integerValue, !(1...30).contains(seconds) {
                v.invalid(
                    "timeoutSeconds", .integer(seconds), "the timeout value must be between 1 and 30 seconds")
            }
            v.at("clientConfig") { client(hook[object: "clientConfig"], &$0) }
            matchConditions(hook, &v)
            versions(hook, &v)
        }
    }

    /// Where a webhook is reached: one URL, or one service.
    static func client(_ client: JSONObject, _ v: inout Validator) {
        switch (client["url"]?.stringValue, client["service"]?.objectValue) {
        case (nil, nil), (.some, .some): v.required("", "exactly one of url or service is required")
        case (let url?, nil): self.url(url, &v)
        case (nil, let service?):
            v.at("service") { v in
                if service[string: "name"].isEmpty { v.required("name", "service name is required") }
                if service[string: "namespace"].isEmpty { v.required("namespace", "service namespace is required") }
                let port = service["port"]?.integerValue ?? 443
                if !(1...65535).contains(port) {
                    v.invalid(
                        "port", .integer(port), "port is not valid: must be between 1 and 65535, inclusive")
                }
                if let path = service["path"]?.stringValue { self.path(path, &v) }
            }
        }
    }

    private static let urlForm = "desired format: https://host[/path]"

    private static func url(_ text: String, _ v: inout Validator) {
        guard let separator = text.range(ofScheme: "://") else {
            return v.invalid("url", text, "'https' is the only allowed URL scheme; \(urlForm)")
        }
        if text[..<separator.lowerBound].lowercased() != "https" {
            v.invalid("url", text, "'https' is the only allowed URL scheme; \(urlForm)")
        }
        let rest = text[separator.upperBound...]
        let host = rest.prefix { !"/?#".contains($0) }
        if host.isEmpty { v.invalid("url", text, "host must be specified; \(urlForm)") }
        if host.contains("@") { v.invalid("url", text, "user information is not permitted in the URL") }
        if rest.contains("#") { v.invalid("url", text, "fragments are not permitted in the URL") }
        if rest.contains("?") { v.invalid("url", text, "query parameters are not permitted in the URL") }
    }

    private static func path(_ path: String, _ v: inout Validator) {
        if path.isEmpty || path == "/" { return }
        if path == "//" { return v.invalid("path", path, "segment[0] may not be empty") }
        if !path.hasPrefix("/") { v.invalid("path", path, "must start with a '/'") }
        var parts = path.dropFirst().split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        if parts.last == "" { parts.removeLast() }
        for (index, part) in parts.enumerated() {
            if part.isEmpty {
                v.invalid("path", path, "segment[\(index)] may not be empty")
                continue
            }
            for problem in Names.isDNS1123Subdomain(part) { v.invalid("path", path, "segment[\(index)]: \(problem)") }
        }
    }

    private static func versions(_ hook: JSONObject, _ v: inout Validator) {
        let versions = hook[strings: "admissionReviewVersions"]
        if versions.isEmpty { return v.required("admissionReviewVersions", "must specify one of v1, v1beta1") }
        var seen: Set<String> = []
        v.strings("admissionReviewVersions", of: hook) { version, v in
            if !seen.insert(version).inserted { return v.invalid("", version, "duplicate version") }
            v.invalid("", version, Names.isDNS1035Label(version))
        }
        if !versions.contains("v1"), !versions.contains("v1beta1") {
            v.invalid(
                "admissionReviewVersions", hook["admissionReviewVersions"] ?? .null,
                "must include at least one of v1, v1beta1")
        }
    }

    static func matchConditions(_ holder: JSONObject, _ v: inout Validator) {
        let count = holder[array: "matchConditions"].count
        if count > 64 { v.tooMany("matchConditions", count: count, limit: 64) }
        var names: Set<String> = []
        v.elements("matchConditions", of: holder) { _, condition, v in
            if isBlank(condition[string: "expression"]) { v.required("expression") }
            v.requiredName("name", condition, Names.isQualifiedName)
            let name = condition[string: "name"]
            if !name.isEmpty, !names.insert(name).inserted { v.duplicate("name", name) }
        }
    }

    private static func isBlank(_ text: String) -> Bool { text.allSatisfy(\.isWhitespace) }

    // MARK: Rules

    private static func rule(_ rule: JSONObject, _ v: inout Validator) {
        let operations = ["*", "CONNECT", "CREATE", "DELETE", "UPDATE"]
        wildcard("operations", rule, "operations", &v)
        v.strings("operations", of: rule) { operation, v in
            if !operations.contains(operation) { v.unsupported("", .string(operation), operations) }
        }
        wildcard("apiGroups", rule, "API groups", &v)
        wildcard("apiVersions", rule, "API versions", &v)
        v.strings("apiVersions", of: rule) { version, v in if version.isEmpty { v.required("") } }
        v.oneOf("scope", rule, ["*", "Cluster", "Namespaced"])
        resources(rule, &v)
    }

    private static func wildcard(_ field: String, _ rule: JSONObject, _ what: String, _ v: inout Validator) {
        let values = rule[strings: field]
        if values.isEmpty { v.required(field) }
        if values.count > 1, values.contains("*") {
            v.invalid(field, rule[field] ?? .null, "if '*' is present, must not specify other \(what)")
        }
    }

    private static func resources(_ rule: JSONObject, _ v: inout Validator) {
        let all = rule[strings: "resources"]
        if all.isEmpty { v.required("resources") }
        var anySubresource: Set<String> = []
        var anyResource: Set<String> = []
        var hasPlain = false
        v.strings("resources", of: rule) { text, v in
            if text.isEmpty { return v.required("") }
            let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            guard parts.count == 2 else {
                hasPlain = text != "*"
                return
            }
            if anySubresource.contains(parts[0]) {
                v.invalid("", text, "if '\(parts[0])/*' is present, must not specify \(text)")
            }
            if anyResource.contains(parts[1]) {
                v.invalid("", text, "if '*/\(parts[1])' is present, must not specify \(text)")
            }
            if parts[1] == "*" { anySubresource.insert(parts[0]) }
            if parts[0] == "*" { anyResource.insert(parts[1]) }
        }
        if all.count > 1, all.contains("*/*") {
            v.invalid(
                "resources", rule["resources"] ?? .null, "if '*/*' is present, must not specify other resources")
        }
        if all.contains("*"), hasPlain {
            v.invalid(
                "resources", rule["resources"] ?? .null,
                "if '*' is present, must not specify other resources without subresources")
        }
    }

    // MARK: Policies

    static func validatingPolicy(_ spec: JSONObject, _ v: inout Validator) {
        policy(spec, &v)
        let validations = spec[array: "validations"]
        let annotations = spec[array: "auditAnnotations"]
        if validations.isEmpty, annotations.isEmpty {
            for field in ["validations", "auditAnnotations"] {
                v.required(field, "validations or auditAnnotations must contain at least one item")
            }
        }
        v.elements("validations", of: spec) { _, validation, v in self.validation(validation, &v) }
        if annotations.count > 20 {
            v.invalid("auditAnnotations", .array(annotations), "must not have more than 20 auditAnnotations")
        }
        let name = v.root["metadata"]?["name"]?.stringValue ?? ""
        var keys: Set<String> = []
        v.elements("auditAnnotations", of: spec) { _, annotation, v in
            let key = annotation[string: "key"]
            let whole = "\(name)/\(key)"
            v.invalid("key", whole, Names.isQualifiedName(whole))
            if isBlank(annotation[string: "valueExpression"]) {
                v.required("valueExpression", "valueExpression is not specified")
            } else if annotation[string: "valueExpression"].utf8.count > 5 << 10 {
                v.required("valueExpression", "must not exceed 5120 bytes in length")
            }
            if !keys.insert(key).inserted { v.duplicate("key", key) }
        }
    }

    private static func validation(_ validation: JSONObject, _ v: inout Validator) {
        if isBlank(validation[string: "expression"]) { v.required("expression", "expression is not specified") }
        for field in ["messageExpression", "message"] {
            let text = validation[string: field]
            if !text.isEmpty, isBlank(text) { v.invalid(field, text, "must be non-empty if specified") }
        }
        let message = validation[string: "message"]
        let lines = message.split(whereSeparator: \.isNewline).filter { !isBlank(String($0)) }
        if lines.count > 1 { v.invalid("message", message, "must not contain line breaks") }
        v.oneOf("reason", validation, ["Forbidden", "Invalid", "RequestEntityTooLarge"])
    }

    static func mutatingPolicy(_ spec: JSONObject, _ v: inout Validator) {
        policy(spec, &v)
        operations(spec, "matchConstraints", &v)
        if spec[array: "mutations"].isEmpty { v.required("mutations", "mutations must contain at least one item") }
        v.elements("mutations", of: spec) { _, mutation, v in
            let kinds = ["ApplyConfiguration": "applyConfiguration", "JSONPatch": "jsonPatch"]
            v.requiredOneOf("patchType", mutation, kinds.keys.sorted())
            guard let field = kinds[mutation[string: "patchType"]] else { return }
            let other = field == "jsonPatch" ? "applyConfiguration" : "jsonPatch"
            if case .object(let patch)? = mutation[field] {
                if isBlank(patch[string: "expression"]) { v.required("\(field).expression") }
            } else {
                v.required(field, "must be specified when patchType is \(mutation[string: "patchType"])")
            }
            if mutation.holds(other) {
                v.invalid(
                    other, "{\(other)}", "must not be specified when patchType is \(mutation[string: "patchType"])")
            }
        }
        v.requiredOneOf("reinvocationPolicy", spec, ["IfNeeded", "Never"])
    }

    private static func operations(_ spec: JSONObject, _ field: String, _ v: inout Validator) {
        for rule in spec[field]?["resourceRules"]?.arrayValue ?? [] {
            for operation in rule["operations"]?.arrayValue ?? [] where operation == "DELETE" {
                v.unsupported(
                    "\(field).resourceRules.operations", operation, ["*", "CONNECT", "CREATE", "UPDATE"])
            }
        }
    }

    private static func policy(_ spec: JSONObject, _ v: inout Validator) {
        v.inside("paramKind", of: spec, paramKind)
        if case .object(let constraints)? = spec["matchConstraints"] {
            if constraints[array: "resourceRules"].isEmpty { v.required("matchConstraints.resourceRules") }
        } else {
            v.required("matchConstraints")
        }
        matchConditions(spec, &v)
        v.elements("variables", of: spec) { _, variable, v in
            let name = variable[string: "name"]
            if isBlank(name) {
                v.required("name", "name is not specified")
            } else if !isIdentifier(name) {
                v.invalid("name", name, "must be a valid CEL identifier")
            }
            if isBlank(variable[string: "expression"]) { v.required("expression", "expression is not specified") }
        }
    }

    private static let reserved: Set<String> = [
        "true", "false", "null", "in", "as", "break", "const", "continue", "else", "for", "function", "if", "import",
        "let", "loop", "package", "namespace", "return", "var", "void", "while",
    ]

    private static func isIdentifier(_ name: String) -> Bool {
        Names.isCIdentifier(name).isEmpty && !reserved.contains(name)
    }

    private static func paramKind(_ kind: JSONObject, _ v: inout Validator) {
        let version = kind[string: "apiVersion"]
        let parts = version.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        if version.isEmpty {
            v.required("apiVersion")
        } else if parts.count > 2 {
            v.invalid("apiVersion", version, "unexpected GroupVersion string: \(version)")
        } else {
            if parts.count == 2, !parts[0].isEmpty {
                let problems = Names.isDNS1123Subdomain(parts[0])
                if !problems.isEmpty { v.invalid("apiVersion", parts[0], problems.joined(separator: ",")) }
            }
            let last = parts[parts.count - 1]
            let problems = Names.isDNS1035Label(last)
            if last.isEmpty {
                v.invalid("apiVersion", version, "version must be specified")
            } else if !problems.isEmpty {
                v.invalid("apiVersion", last, problems.joined(separator: ","))
            }
        }
        let name = kind[string: "kind"]
        let problems = Names.isDNS1035Label(name.lowercased())
        if name.isEmpty {
            v.required("kind")
        } else if !problems.isEmpty {
            v.invalid(
                "kind", name,
                "may have mixed case, but should otherwise match: \(problems.joined(separator: ","))")
        }
    }

    static func matchResources(_ resources: JSONObject, _ v: inout Validator) {
        for field in ["matchPolicy", "namespaceSelector", "objectSelector"] where !resources.holds(field) {
            v.required(field)
        }
        for field in ["resourceRules", "excludeResourceRules"] {
            v.elements(field, of: resources) { _, rule, v in
                var seen: Set<String> = []
                v.strings("resourceNames", of: rule) { name, v in
                    v.invalid("", name, Names.isPathSegmentName(name))
                    if !seen.insert(name).inserted { v.duplicate("", name) }
                }
                self.rule(rule, &v)
            }
        }
    }

    static func binding(_ spec: JSONObject, _ v: inout Validator) {
        v.requiredName("policyName", spec, Names.isDNS1123Subdomain)
        v.inside("paramRef", of: spec) { reference, v in
            let name = reference[string: "name"]
            let why = "name and selector are mutually exclusive"
            if !name.isEmpty {
                v.invalid("name", name, Names.isPathSegmentName(name))
                if reference.holds("selector") {
                    v.forbidden("name", why)
                    v.forbidden("selector", why)
                }
            } else if !reference.holds("selector") {
                v.required("", "one of name or selector must be specified")
            }
            v.requiredOneOf("parameterNotFoundAction", reference, ["Deny", "Allow"])
        }
        if v.rootMessage.hasSuffix(".MutatingAdmissionPolicyBinding") {
            return operations(spec, "matchResources", &v)
        }
        let actions = spec[strings: "validationActions"]
        var seen: Set<String> = []
        v.strings("validationActions", of: spec) { action, v in
            if !["Audit", "Deny", "Warn"].contains(action) {
                v.unsupported("", .string(action), ["Audit", "Deny", "Warn"])
            }
            if !seen.insert(action).inserted { v.duplicate("", action) }
        }
        if seen.contains("Deny"), seen.contains("Warn") {
            v.invalid(
                "validationActions", spec["validationActions"] ?? .null,
                "must not contain both Deny and Warn (repeating the same validation failure information in the API "
                    + "response and headers serves no purpose)")
        }
        if actions.isEmpty { v.required("validationActions", "at least one validation action is required") }
    }
}

extension String {
    /// The first place of `separator`.
    fileprivate func range(ofScheme separator: String) -> Range<Index>? {
        var start = startIndex
        while start < endIndex {
            if self[start...].hasPrefix(separator) { return start..<index(start, offsetBy: separator.count) }
            start = index(after: start)
        }
        return nil
    }
}
