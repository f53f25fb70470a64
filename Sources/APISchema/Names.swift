/// The forms that names, labels and keys have, and upstream's messages about those that lack them.
///
/// Each function returns what is wrong, one message for each rule that is broken; nothing if the name is right.
public enum Names {
    // MARK: DNS

    /// RFC 1123: at most 63 of `[a-z0-9-]`, alphanumeric at both ends.
    public static func isDNS1123Label(_ name: String) -> [String] {
        var problems: [String] = []
        if name.utf8.count > 63 { problems.append(tooLong(63)) }
        if !isLabel(name.utf8[...]) {
            // What a subdomain may have and a label may not, is told apart.
            problems.append(
                isSubdomain(name)
                    ? "must not contain dots"
                    : "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must "
                        + "start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for "
                        + "validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')")
        }
        return problems
    }

    /// RFC 1123: labels between dots, at most 253 characters.
    public static func isDNS1123Subdomain(_ name: String) -> [String] {
        var problems: [String] = []
        if name.utf8.count > 253 { problems.append(tooLong(253)) }
        if !isSubdomain(name) {
            problems.append(
                "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and "
                    + "must start and end with an alphanumeric character (e.g. 'example.com', regex used for "
                    + "validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')")
        }
        return problems
    }

    /// RFC 1035: a label that begins with a letter.
    public static func isDNS1035Label(_ name: String) -> [String] {
        var problems: [String] = []
        if name.utf8.count > 63 { problems.append(tooLong(63)) }
        if !isLabel(name.utf8[...]) || !isLowerLetter(name.utf8.first ?? 0) {
            problems.append(
                "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic "
                    + "character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used "
                    + "for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')")
        }
        return problems
    }

    /// `*.` and a subdomain.
    public static func isWildcardDNS1123Subdomain(_ name: String) -> [String] {
        var problems: [String] = []
        if name.utf8.count > 253 { problems.append(tooLong(253)) }
        if !name.hasPrefix("*.") || !isSubdomain(String(name.dropFirst(2))) {
            problems.append(
                "a wildcard DNS-1123 subdomain must start with '*.', followed by a valid DNS subdomain, which must "
                    + "consist of lower case alphanumeric characters, '-' or '.' and end with an alphanumeric character "
                    + "(e.g. '*.example.com', regex used for validation is "
                    + "'\\*\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')")
        }
        return problems
    }

    private static func isSubdomain(_ name: String) -> Bool {
        name.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false).allSatisfy { isLabel($0) }
    }

    private static func isLabel(_ bytes: Substring.UTF8View) -> Bool {
        guard let first = bytes.first, let last = bytes.last, isLowerAlphanumeric(first), isLowerAlphanumeric(last)
        else { return false }
        return bytes.allSatisfy { isLowerAlphanumeric($0) || $0 == UInt8(ascii: "-") }
    }

    // MARK: Labels

    /// The key of a label or annotation: `[PREFIX/]NAME`, the prefix a subdomain.
    public static func isQualifiedName(_ key: String) -> [String] {
        if key.utf8.count <= 63, isLabelText(key) { return [] }
        let parts = key.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        guard parts.count <= 2, let name = parts.last else {
            return [
                "a valid label key \(labelKeyForm) with an optional DNS subdomain prefix and '/' "
                    + "(e.g. 'example.com/MyName')"
            ]
        }
        var problems: [String] = []
        if parts.count == 2 {
            if parts[0].isEmpty {
                problems.append("prefix part must be non-empty")
            } else {
                problems += isDNS1123Subdomain(parts[0]).map { "prefix part \($0)" }
            }
        }
        if name.isEmpty {
            problems.append("name part must be non-empty")
        } else if name.utf8.count > 63 {
            problems.append("name part \(tooLong(63))")
        }
        if !isLabelText(name) { problems.append("name part \(labelKeyForm)") }
        return problems
    }

    private static let labelKeyForm =
        "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric "
        + "character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is "
        + "'([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')"

    /// The value of a label: empty, or at most 63 of `[A-Za-z0-9_.-]`, alphanumeric at both ends.
    public static func isLabelValue(_ value: String) -> [String] {
        var problems: [String] = []
        if value.utf8.count > 63 { problems.append(tooLong(63)) }
        if !value.isEmpty, !isLabelText(value) {
            problems.append(
                "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must "
                    + "start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex "
                    + "used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')")
        }
        return problems
    }

    private static func isLabelText(_ text: String) -> Bool {
        guard let first = text.utf8.first, let last = text.utf8.last, isAlphanumeric(first), isAlphanumeric(last)
        else { return false }
        return text.utf8.allSatisfy {
            isAlphanumeric($0) || $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: "_") || $0 == UInt8(ascii: ".")
        }
    }

    // MARK: Keys and other names

    /// The key of a ConfigMap or Secret.
    public static func isConfigMapKey(_ key: String) -> [String] {
        var problems: [String] = []
        if key.utf8.count > 253 { problems.append(tooLong(253)) }
        let allowed = key.utf8.allSatisfy {
            isAlphanumeric($0) || $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: "_") || $0 == UInt8(ascii: ".")
        }
        if key.isEmpty || !allowed {
            problems.append(
                "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or "
                    + "'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')")
        }
        return problems + directoryPrefix(key)
    }

    /// The name of an environment variable: printable ASCII without `=`.
    public static func isEnvironmentName(_ name: String) -> [String] {
        if name.isEmpty { return ["environment variable name must be non-empty"] }
        if name.utf8.allSatisfy({ (0x20..<0x7f).contains($0) && $0 != UInt8(ascii: "=") }) { return [] }
        return ["a valid environment variable name must consist only of printable ASCII characters other than '='"]
    }

    /// The name of a container's port (RFC 6335, in lower case).
    public static func isPortName(_ name: String) -> [String] {
        var problems: [String] = []
        if name.utf8.count > 15 { problems.append("must be no more than 15 characters") }
        if name.isEmpty || !name.utf8.allSatisfy({ isLowerAlphanumeric($0) || $0 == UInt8(ascii: "-") }) {
            problems.append("must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)")
        }
        if !name.utf8.contains(where: isLowerLetter) { problems.append("must contain at least one letter (a-z)") }
        if name.contains("--") { problems.append("must not contain consecutive hyphens") }
        if name.hasPrefix("-") || name.hasSuffix("-") { problems.append("must not begin or end with a hyphen") }
        return problems
    }

    /// A name that can stand in a URL's path and nothing else is asked of it (RBAC).
    public static func isPathSegmentName(_ name: String, prefix: Bool = false) -> [String] {
        if !prefix, name == "." || name == ".." { return ["may not be '\(name)'"] }
        return ["/", "%"].filter { name.contains($0) }.map { "may not contain '\($0)'" }
    }

    private static func directoryPrefix(_ value: String) -> [String] {
        switch value {
        case ".": ["must not be '.'"]
        case "..": ["must not be '..'"]
        default: value.hasPrefix("..") ? ["must not start with '..'"] : []
        }
    }

    /// The name of an HTTP header.
    public static func isHTTPHeaderName(_ name: String) -> [String] {
        if !name.isEmpty, name.utf8.allSatisfy({ isAlphanumeric($0) || $0 == UInt8(ascii: "-") }) { return [] }
        return [
            "a valid HTTP header must consist of alphanumeric characters or '-' (e.g. 'X-Header-Name', regex used for "
                + "validation is '[-A-Za-z0-9]+')"
        ]
    }

    /// A subdomain whose labels may begin with an underscore and have more of them inside (DNS search paths).
    static func isSubdomainWithUnderscores(_ name: String) -> [String] {
        var problems: [String] = []
        if name.utf8.count > 253 { problems.append(tooLong(253)) }
        let isRight = name.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false).allSatisfy {
            label in
            let rest = label.first == UInt8(ascii: "_") ? label.dropFirst() : label
            guard let first = rest.first, let last = rest.last, isLowerAlphanumeric(first), isLowerAlphanumeric(last)
            else { return false }
            return rest.allSatisfy {
                isLowerAlphanumeric($0) || $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: "_")
            }
        }
        if !isRight {
            let label = "_?[a-z0-9]([-_a-z0-9]*[a-z0-9])?"
            problems.append(
                "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '_', '-' or '.', and "
                    + "must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation "
                    + "is '\(label)(\\.\(label))*')")
        }
        return problems
    }

    /// The name of a CSI driver: a subdomain, whatever the case, of at most 63 characters.
    static func isCSIDriver(_ name: String) -> [String] { isDNS1123Subdomain(name.lowercased()) }

    /// A domain and a path, as in `acme.io/foo`.
    public static func isDomainPrefixedPath(_ text: String) -> [String] {
        let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        guard parts.count == 2, !parts[0].isEmpty, !parts[1].isEmpty else {
            return ["must be a domain-prefixed path (such as \"acme.io/foo\")"]
        }
        var problems = isDNS1123Subdomain(parts[0])
        let punctuation = Array("/-._~%!$&'()*+,;=:".utf8)
        if !parts[1].utf8.allSatisfy({ isAlphanumeric($0) || punctuation.contains($0) }) {
            problems.append("Invalid path (regex used for validation is '[A-Za-z0-9/\\-._~%!$&'()*+,;=:]+')")
        }
        return problems
    }

    /// A finalizer: a qualified name, or one of the three that have no prefix.
    static func isFinalizer(_ name: String) -> [String] {
        let problems = isQualifiedName(name)
        guard !name.contains("/"), !["kubernetes", "orphan", "foregroundDeletion"].contains(name) else {
            return problems
        }
        return problems + ["name is neither a standard finalizer name nor is it fully qualified"]
    }

    /// The name of a ClusterTrustBundle: bound to its signer by a prefix, if it has one.
    static func isTrustBundleName(_ name: String, signer: String) -> [String] {
        if signer.isEmpty {
            return name.contains(":")
                ? ["ClusterTrustBundle without signer name must not have \":\" in its name"] : isDNS1123Subdomain(name)
        }
        let prefix = signer.split(separator: "/", omittingEmptySubsequences: false).joined(separator: ":") + ":"
        if !name.hasPrefix(prefix) {
            return ["ClusterTrustBundle for signerName \(signer) must be named with prefix \(prefix)"]
        }
        return isDNS1123Subdomain(String(name.dropFirst(prefix.count)))
    }

    /// A C identifier.
    static func isCIdentifier(_ name: String) -> [String] {
        if let first = name.utf8.first, !(0x30...0x39).contains(first),
            name.utf8.allSatisfy({ isAlphanumeric($0) || $0 == UInt8(ascii: "_") })
        {
            return []
        }
        return [
            "a valid C identifier must start with alphabetic character or '_', followed by a string of alphanumeric "
                + "characters or '_' (e.g. 'my_name',  or 'MY_NAME',  or 'MyName', regex used for validation is "
                + "'[A-Za-z_][A-Za-z0-9_]*')"
        ]
    }

    // MARK: Names of objects

    /// What is wrong with `name` as the name of an object of `resource`, or, with `prefix`, as the `generateName` that
    /// a random suffix will follow.
    public static func problems(ofName name: String, of resource: ResourceType, prefix: Bool = false) -> [String] {
        // The suffix makes an ending right that is wrong on its own.
        let whole = prefix && name.hasSuffix("-") ? String(name.dropLast()) + "a" : name
        switch (resource.group, resource.kind) {
        case ("", "Namespace"), ("", "Service"), ("apps", "StatefulSet"): return isDNS1123Label(whole)
        case ("certificates.k8s.io", "CertificateSigningRequest"): return []
        case ("networking.k8s.io", "IPAddress"): return Addresses.problems(of: name)
        case ("coordination.k8s.io", "LeaseCandidate"): return isConfigMapKey(name)
        case ("rbac.authorization.k8s.io", _), ("certificates.k8s.io", "ClusterTrustBundle"), ("", "Event"),
            ("events.k8s.io", "Event"), ("authentication.k8s.io", _), ("authorization.k8s.io", _),
            ("", "ComponentStatus"), ("apiregistration.k8s.io", "APIService"):
            return isPathSegmentName(name, prefix: prefix)
        default: return isDNS1123Subdomain(whole)
        }
    }

    // MARK: Characters

    private static func tooLong(_ limit: Int) -> String { "must be no more than \(limit) bytes" }

    private static func isLowerLetter(_ byte: UInt8) -> Bool { UInt8(ascii: "a")...UInt8(ascii: "z") ~= byte }

    private static func isLowerAlphanumeric(_ byte: UInt8) -> Bool {
        isLowerLetter(byte) || UInt8(ascii: "0")...UInt8(ascii: "9") ~= byte
    }

    private static func isAlphanumeric(_ byte: UInt8) -> Bool {
        isLowerAlphanumeric(byte) || UInt8(ascii: "A")...UInt8(ascii: "Z") ~= byte
    }
}
