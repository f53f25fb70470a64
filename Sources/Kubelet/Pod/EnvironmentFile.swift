// Variables from files that containers write into an emptyDir (KEP-3721).

import CRI
import Glibc

/// A file of `NAME='value'` lines. Values are in single quotes and may go over several lines; lines that begin with `#`
/// and empty ones say nothing.
enum EnvironmentFile {
    /// Bytes that a file may have.
    static let limit = 64 << 10

    /// The value of a variable; nil where the file does not set it, or sets it to nothing.
    static func value(of key: String, in text: String) throws(ConfigError) -> String? {
        func wrong(_ line: Int, _ what: String) -> ConfigError {
            ConfigError("invalid environment variable format at line \(line): \(what)")
        }
        var lines = text.split(separator: "\n", omittingEmptySubsequences: false)[...]
        var number = 0
        while let next = lines.popFirst() {
            number += 1
            let line = next.drop(while: isBlank)
            if line.isEmpty || line.first == "#" { continue }
            guard let equals = line.firstIndex(of: "=") else { throw wrong(number, "missing '='") }
            let name = line[..<equals]
            guard let last = name.last else { throw wrong(number, "empty variable name") }
            if isBlank(last) { throw wrong(number, "whitespace before '=' is not allowed") }
            var rest = line[line.index(after: equals)...]
            // As in a shell, a blank after the sign ends an empty value.
            if rest.first.map(isBlank) ?? false {
                if name == key { return nil }
                continue
            }
            guard rest.popFirst() == "'" else { throw wrong(number, "value must be enclosed in single quotes") }
            let begun = number
            var value = ""
            while true {
                if let end = rest.firstIndex(of: "'") {
                    value += rest[..<end]
                    let after = rest[rest.index(after: end)...].drop(while: isBlank)
                    guard after.isEmpty || after.first == "#" else {
                        throw wrong(number, "unexpected content after closing quote")
                    }
                    break
                }
                value += rest + "\n"
                guard let more = lines.popFirst() else { throw wrong(begun, "unclosed single quote") }
                number += 1
                rest = more
            }
            if name == key { return value.isEmpty ? nil : value }
        }
        return nil
    }

    private static func isBlank(_ character: Character) -> Bool { character == " " || character == "\t" }

    /// The text of a file in a volume. What containers have put there is not trusted: nothing outside the volume is read,
    /// and no pipe is waited for.
    static func text(of path: String, in volume: PreparedVolume) throws(ConfigError) -> String {
        let problem = ConfigError("couldn't parse env file")
        guard let real = try? volume.existing(path) else { throw problem }
        let descriptor = open(real, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
        guard descriptor >= 0 else { throw problem }
        defer { close(descriptor) }
        var info = stat()
        guard fstat(descriptor, &info) == 0, info.st_mode & S_IFMT == S_IFREG, info.st_size <= limit else {
            throw problem
        }
        var bytes = [UInt8](repeating: 0, count: limit)
        let count = read(descriptor, &bytes, limit)
        guard count >= 0 else { throw problem }
        return String(decoding: bytes[..<count], as: UTF8.self)
    }
}
