#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// Files with keys and certificates: written whole or not at all, and with the permissions they need from the first
/// byte on.
public enum SecretFile {
    /// Replaces the file's contents. `mode` 0600 is for keys, 0644 for certificates.
    public static func write(_ text: String, to path: String, mode: mode_t = 0o600) throws(PKIError) {
        let temporary = "\(path).\(getpid()).\(UInt32.random(in: 0 ... .max)).tmp"
        let file = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode)
        guard file >= 0 else { throw failure(path, "write") }
        var bytes = Array(text.utf8)[...]
        // The umask has been applied to the mode of `open`; a key must not depend on it, a certificate neither.
        var failed = fchmod(file, mode) != 0
        while !failed, !bytes.isEmpty {
            let written = bytes.withUnsafeBytes { Glibc.write(file, $0.baseAddress, $0.count) }
            if written > 0 { bytes = bytes.dropFirst(written) } else if errno != EINTR { failed = true }
        }
        failed = failed || fsync(file) != 0
        let error = errno
        Glibc.close(file)
        if failed || rename(temporary, path) != 0 {
            let reason = String(cString: strerror(failed ? error : errno))
            unlink(temporary)
            throw PKIError.file(path: path, operation: "write", reason: reason)
        }
    }

    /// The file's text; nil if there is no such file.
    public static func read(_ path: String) throws(PKIError) -> String? {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else {
            if errno == ENOENT { return nil }
            throw failure(path, "read")
        }
        defer { Glibc.close(file) }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 16384)
        while true {
            let count = buffer.withUnsafeMutableBytes { Glibc.read(file, $0.baseAddress, $0.count) }
            if count > 0 {
                bytes += buffer[..<count]
                guard bytes.count <= 4 << 20 else {
                    throw PKIError.file(path: path, operation: "read", reason: "larger than 4 MiB")
                }
            } else if count == 0 {
                return String(decoding: bytes, as: UTF8.self)
            } else if errno != EINTR {
                throw failure(path, "read")
            }
        }
    }

    private static func failure(_ path: String, _ operation: String) -> PKIError {
        .file(path: path, operation: operation, reason: String(cString: strerror(errno)))
    }
}
