import NIOCore

/// Which addresses the API server connects to on behalf of clients.
enum ProxyAddress {
    /// Whether an address is one of a single machine elsewhere. The server's own loopback, link-local and multicast
    /// addresses are none of a pod's, and who may proxy must not reach what listens there.
    static func isAllowed(_ text: String) -> Bool {
        if let address = IPv4Address(text) {
            let bits = address.bits
            return bits != 0 && bits != .max && bits >> 24 != 127 && bits >> 28 != 14 && bits >> 16 != 0xa9fe
        }
        guard case .v6(let address)? = try? SocketAddress(ipAddress: text, port: 0) else { return false }
        let bytes = withUnsafeBytes(of: address.address.sin6_addr) { Array($0) }
        if bytes[..<15].allSatisfy({ $0 == 0 }) { return bytes[15] > 1 }
        if bytes[..<10].allSatisfy({ $0 == 0 }), bytes[10] == 0xff, bytes[11] == 0xff {
            return isAllowed(bytes[12...].map(String.init).joined(separator: "."))
        }
        return bytes[0] != 0xff && !(bytes[0] == 0xfe && bytes[1] & 0xc0 == 0x80)
    }
}
