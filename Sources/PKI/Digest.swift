import Crypto

/// SHA-256, for whoever needs to remember a secret without keeping it.
public enum Digest {
    /// 32 bytes.
    public static func sha256(_ text: String) -> [UInt8] { Array(SHA256.hash(data: Array(text.utf8))) }
}
