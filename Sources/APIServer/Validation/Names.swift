// The syntax of names, label keys and label values (RFC 1123 and 1035 as the API applies them).

import JSON
import KubeTypes

enum Names {
    /// What is wrong with a DNS-1123 subdomain, nil if nothing.
    static func subdomainProblem(_ name: String) -> String? {
        if name.utf8.count > 253 { return "must be no more than 253 bytes" }
        let valid = name.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false).allSatisfy {
            isLabel($0)
        }
        return valid
            ? nil
            : "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must "
                + "start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is "
                + "'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
    }

    /// What is wrong with a DNS-1123 label, nil if nothing.
    static func labelProblem(_ name: String) -> String? {
        if name.utf8.count > 63 { return "must be no more than 63 bytes" }
        return isLabel(name.utf8)
            ? nil
            : "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start "
                + "and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is "
                + "'[a-z0-9]([-a-z0-9]*[a-z0-9])?')"
    }

    /// What is wrong with a DNS-1035 label (it begins with a letter), nil if nothing.
    static func label1035Problem(_ name: String) -> String? {
        if name.utf8.count > 63 { return "must be no more than 63 bytes" }
        return isLabel(name.utf8) && name.utf8.first.map(isLower) == true
            ? nil
            : "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic "
                + "character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for "
                + "validation is '[a-z]([-a-z0-9]*[a-z0-9])?')"
    }

    /// What is wrong with a name that only has to fit into a path.
    static func pathSegmentProblem(_ name: String) -> String? {
        if name == "." { return "may not be '.'" }
        if name == ".." { return "may not be '..'" }
        for character in ["/", "%"] where name.contains(character) { return "may not contain '\(character)'" }
        return nil
    }

    /// What is wrong with a label or annotation key: `[prefix/]name`.
    static func qualifiedNameProblem(_ key: String) -> String? {
        let parts = key.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        guard let name = parts.last, parts.count <= 2 else {
            return "a qualified name \(nameRule) with an optional DNS subdomain prefix and '/' (e.g. "
                + "'example.com/MyName')"
        }
        if parts.count == 2 {
            let prefix = String(parts[0]) ?? ""
            if prefix.isEmpty { return "prefix part must be non-empty" }
            if let problem = subdomainProblem(prefix) { return "prefix part \(problem)" }
        }
        if name.isEmpty { return "name part must be non-empty" }
        if name.count > 63 { return "name part must be no more than 63 bytes" }
        return isLabelValue(name) ? nil : "name part \(nameRule)"
    }

    private static let nameRule =
        "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric "
        + "character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is "
        + "'([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')"

    static func labelValueProblem(_ value: String) -> String? {
        if value.utf8.count > 63 { return "must be no more than 63 bytes" }
        return value.isEmpty || isLabelValue(value.utf8)
            ? nil
            : "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must "
                + "start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex "
                + "used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')"
    }

    /// What is wrong with a key of a ConfigMap or Secret.
    static func configKeyProblem(_ key: String) -> String? {
        if key.utf8.count > 253 { return "must be no more than 253 bytes" }
        let valid = !key.isEmpty && key.utf8.allSatisfy { isAlphanumeric($0) || $0 == 0x2d || $0 == 0x5f || $0 == 0x2e }
        if !valid {
            return "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or "
                + "'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')"
        }
        if key == "." { return "must not be '.'" }
        if key == ".." { return "must not be '..'" }
        return key.hasPrefix("..") ? "must not start with '..'" : nil
    }

    /// What is wrong with the name of a port: letters, digits and single hyphens, a letter among them.
    static func portNameProblem(_ name: String) -> String? {
        if name.utf8.count > 15 { return "must be no more than 15 characters" }
        guard !name.isEmpty, name.utf8.allSatisfy({ isLower($0) || isDigit($0) || $0 == 0x2d }) else {
            return "must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)"
        }
        if !name.utf8.contains(where: isLower) { return "must contain at least one letter (a-z)" }
        if name.contains("--") { return "must not contain consecutive hyphens" }
        if name.hasPrefix("-") || name.hasSuffix("-") { return "must not begin or end with a hyphen" }
        return nil
    }

    private static func isLower(_ byte: UInt8) -> Bool { (0x61...0x7a).contains(byte) }
    private static func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }
    private static func isAlphanumeric(_ byte: UInt8) -> Bool {
        isLower(byte) || isDigit(byte) || (0x41...0x5a).contains(byte)
    }

    private static func isLabel(_ bytes: some BidirectionalCollection<UInt8>) -> Bool {
        guard let first = bytes.first, let last = bytes.last, bytes.count <= 253 else { return false }
        return first != 0x2d && last != 0x2d && bytes.allSatisfy { isLower($0) || isDigit($0) || $0 == 0x2d }
    }

    private static func isLabelValue(_ bytes: some BidirectionalCollection<UInt8>) -> Bool {
        guard let first = bytes.first, let last = bytes.last, isAlphanumeric(first), isAlphanumeric(last) else {
            return false
        }
        return bytes.allSatisfy { isAlphanumeric($0) || $0 == 0x2d || $0 == 0x5f || $0 == 0x2e }
    }
}
