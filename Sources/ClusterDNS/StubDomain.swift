// Domains whose names are asked of resolvers of their own instead of the machine's.

/// A domain and who answers for it.
public struct StubDomain: Sendable, Hashable {
    struct Resolver: Sendable, Hashable {
        /// An IP address.
        let address: String
        /// Nil is the usual one.
        let port: Int?
    }

    let domain: DNSName
    let resolvers: [Resolver]

    /// Reads `corp.example=10.0.0.53,10.0.0.54:5353`; nil for anything else.
    public init?(_ text: String) {
        let parts = text.split(separator: "=", maxSplits: 1)
        guard parts.count == 2, let domain = DNSName(String(parts[0])), !domain.labels.isEmpty else { return nil }
        let resolvers = parts[1].split(separator: ",").map { Self.resolver($0.filter { !$0.isWhitespace }) }
        guard !resolvers.isEmpty, !resolvers.contains(nil) else { return nil }
        self.domain = domain.lowercased
        self.resolvers = resolvers.compactMap(\.self)
    }

    private static func resolver(_ text: String) -> Resolver? {
        if addressBytes(text) != nil { return Resolver(address: text, port: nil) }
        guard let colon = text.lastIndex(of: ":"), let port = Int(text[text.index(after: colon)...]),
            (1...65535).contains(port)
        else { return nil }
        let host = text[..<colon].filter { $0 != "[" && $0 != "]" }
        return addressBytes(host) == nil ? nil : Resolver(address: host, port: port)
    }

    /// The domain that a name belongs to; the longest of several.
    static func matching(_ name: DNSName, in stubs: [StubDomain]) -> StubDomain? {
        let labels = name.lowercased.labels
        return stubs.filter { stub in
            labels.count >= stub.domain.labels.count
                && labels.suffix(stub.domain.labels.count).elementsEqual(stub.domain.labels)
        }.max { $0.domain.labels.count < $1.domain.labels.count }
    }
}
