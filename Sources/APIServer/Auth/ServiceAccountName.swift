import APISchema

/// The user that a service account is: `system:serviceaccount:NAMESPACE:NAME`.
struct ServiceAccountName: Sendable, Hashable {
    static let prefix = "system:serviceaccount:"
    let namespace: String
    let name: String

    /// Nil for other users' names.
    init?(userName: String) {
        guard userName.hasPrefix(Self.prefix) else { return nil }
        let parts = userName.dropFirst(Self.prefix.utf8.count).split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 2 else { return nil }
        namespace = String(parts[0])
        name = String(parts[1])
        guard Names.isDNS1123Label(namespace).isEmpty, Names.isDNS1123Subdomain(name).isEmpty else { return nil }
    }

    /// The groups that every account of the namespace is in.
    var groups: [String] { ["system:serviceaccounts", "system:serviceaccounts:\(namespace)"] }
}
