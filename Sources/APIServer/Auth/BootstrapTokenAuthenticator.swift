import APISchema
import JSON
import KubeTypes

/// Tokens with which nodes join a cluster: `ID.SECRET`, kept in Secrets of the type `bootstrap.kubernetes.io/token`
/// (*Authenticating with Bootstrap Tokens* in the documentation).
struct BootstrapTokenAuthenticator: Sendable {
    static let secretType = "bootstrap.kubernetes.io/token"
    private static let secretPrefix = "bootstrap-token-"
    private static let defaultGroup = "system:bootstrappers"

    private let lookup: any ObjectLookup

    init(lookup: any ObjectLookup) { self.lookup = lookup }

    /// The user that a token stands for; nil if it is none of these or not, or no longer, good for authentication.
    func authenticate(_ token: String, now: Int64) -> UserInfo? {
        guard let dot = token.utf8.firstIndex(of: UInt8(ascii: ".")) else { return nil }
        let id = token[..<dot]
        let secret = token[token.index(after: dot)...]
        guard Self.isPart(id, length: 6), Self.isPart(secret, length: 16),
            let object = lookup.object(
                group: "", resource: "secrets", namespace: "kube-system", name: Self.secretPrefix + id)?.value,
            !object.isBeingDeleted, object["type"]?.stringValue == Self.secretType
        else { return nil }
        func data(_ key: String) -> String {
            let bytes = object["data"]?[key]?.stringValue.flatMap { Base64.decode($0) } ?? []
            return String(decoding: bytes, as: UTF8.self)
        }
        guard Self.areEqual(data("token-secret"), secret), data("token-id") == id,
            data("usage-bootstrap-authentication") == "true"
        else { return nil }
        let expiration = data("expiration")
        if !expiration.isEmpty {
            // What cannot be read counts as past.
            guard let time = Time(expiration), time.seconds > now else { return nil }
        }
        guard let groups = Self.groups(data("auth-extra-groups")) else { return nil }
        return UserInfo(name: "system:bootstrap:\(id)", groups: groups)
    }

    private static func isPart(_ text: Substring, length: Int) -> Bool {
        text.utf8.count == length
            && text.utf8.allSatisfy {
                UInt8(ascii: "a")...UInt8(ascii: "z") ~= $0 || UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0
            }
    }

    /// In a time that does not tell where they differ.
    private static func areEqual(_ left: String, _ right: Substring) -> Bool {
        left.utf8.count == right.utf8.count && zip(left.utf8, right.utf8).reduce(0) { $0 | ($1.0 ^ $1.1) } == 0
    }

    /// The default group and those that a secret names; nil if one of them is no group for these tokens.
    private static func groups(_ text: String) -> [String]? {
        var groups: Set = [defaultGroup]
        guard !text.isEmpty else { return Array(groups) }
        for group in text.split(separator: ",", omittingEmptySubsequences: false) {
            let prefix = defaultGroup + ":"
            let rest = group.dropFirst(prefix.utf8.count)
            // system:bootstrappers: and then lower case, digits, colons and dashes, ending in a letter or digit.
            guard group.hasPrefix(prefix), !rest.isEmpty, group.utf8.count <= 256,
                rest.utf8.allSatisfy({ byte in
                    UInt8(ascii: "a")...UInt8(ascii: "z") ~= byte || UInt8(ascii: "0")...UInt8(ascii: "9") ~= byte
                        || byte == UInt8(ascii: ":") || byte == UInt8(ascii: "-")
                }), let last = rest.utf8.last, last != UInt8(ascii: ":"), last != UInt8(ascii: "-")
            else { return nil }
            groups.insert(String(group))
        }
        return groups.sorted()
    }
}
