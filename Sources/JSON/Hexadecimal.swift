// Bytes as text in base 16: digests, fingerprints, hardware addresses.

extension Sequence<UInt8> {
    /// Two digits a byte, in lower case unless told otherwise, with `separator` between the bytes.
    package func hexadecimal(separator: String = "", uppercase: Bool = false) -> String {
        map { ($0 < 16 ? "0" : "") + String($0, radix: 16, uppercase: uppercase) }.joined(separator: separator)
    }
}
