#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// IP addresses as text, as far as validation needs them.
enum IPAddressText {
    /// Whether `text` is an IPv4 address in dotted decimals or an IPv6 address (RFC 4291), without a zone.
    static func isValid(_ text: String) -> Bool { isV4(text) || isV6(text) }

    static func isV4(_ text: String) -> Bool {
        var address = in_addr()
        // inet_pton takes leading zeros on some systems; the API does not.
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 4, parts.allSatisfy({ $0.count == 1 || !$0.hasPrefix("0") }) else { return false }
        return inet_pton(AF_INET, text, &address) == 1
    }

    static func isV6(_ text: String) -> Bool {
        var address = in6_addr()
        return inet_pton(AF_INET6, text, &address) == 1
    }
}
