// Tar archives in the ustar format: as much as container images need.

/// Writes an archive into memory. Owners are root and times are zero, so that equal content gives equal bytes.
struct TarWriter {
    private(set) var bytes: [UInt8] = []

    mutating func add(file path: String, mode: Int = 0o644, _ content: [UInt8]) {
        header(path, type: "0", mode: mode, size: content.count)
        bytes += content
        pad()
    }

    mutating func add(directory path: String, mode: Int = 0o755) {
        header(path.hasSuffix("/") ? path : path + "/", type: "5", mode: mode, size: 0)
    }

    mutating func add(link path: String, to target: String) {
        header(path, type: "2", mode: 0o777, size: 0, target: target)
    }

    /// The archive with its end.
    consuming func finished() -> [UInt8] {
        bytes += [UInt8](repeating: 0, count: 1024)
        return bytes
    }

    private mutating func pad() {
        bytes += [UInt8](repeating: 0, count: (512 - bytes.count % 512) % 512)
    }

    private mutating func header(_ path: String, type: Character, mode: Int, size: Int, target: String = "") {
        var block = [UInt8](repeating: 0, count: 512)
        func put(_ text: some StringProtocol, at offset: Int, _ limit: Int) {
            for (index, byte) in text.utf8.prefix(limit).enumerated() { block[offset + index] = byte }
        }
        func put(octal number: Int, at offset: Int, _ width: Int) {
            let digits = String(number, radix: 8)
            put(String(repeating: "0", count: max(0, width - 1 - digits.count)) + digits, at: offset, width - 1)
        }
        let (prefix, name) = Self.split(path)
        put(name, at: 0, 100)
        put(octal: mode, at: 100, 8)
        put(octal: 0, at: 108, 8)
        put(octal: 0, at: 116, 8)
        put(octal: size, at: 124, 12)
        put(octal: 0, at: 136, 12)
        put("        ", at: 148, 8)
        put(String(type), at: 156, 1)
        put(target, at: 157, 100)
        put("ustar", at: 257, 6)
        put("00", at: 263, 2)
        put("root", at: 265, 32)
        put("root", at: 297, 32)
        put(prefix, at: 345, 155)
        put(octal: block.reduce(0) { $0 + Int($1) }, at: 148, 7)
        block[154] = 0
        block[155] = UInt8(ascii: " ")
        bytes += block
    }

    /// A path of more than 100 bytes is written in two parts, cut at a slash.
    private static func split(_ path: String) -> (prefix: String, name: String) {
        guard path.utf8.count > 100 else { return ("", path) }
        for slash in path.indices where path[slash] == "/" {
            let name = path[path.index(after: slash)...]
            if name.utf8.count <= 100 { return (String(path[..<slash]), String(name)) }
        }
        return ("", path)
    }
}

/// Goes through an archive in a file and gives the content of the members asked for.
enum TarReader {
    /// - Returns: nil where the file is no tar archive.
    static func members(of path: String, where wanted: (String) -> Bool, limit: Int = 4 << 20) -> [String: [UInt8]]? {
        guard let file = TarFile(path) else { return nil }
        var found: [String: [UInt8]] = [:]
        var offset = 0
        while let header = file.read(at: offset, 512), header.count == 512 {
            if header.allSatisfy({ $0 == 0 }) { return found }
            guard checksumHolds(header), let size = number(header[124..<136]) else { return offset == 0 ? nil : found }
            var name = text(header[0..<100])
            let prefix = text(header[345..<500])
            if !prefix.isEmpty, text(header[257..<262]) == "ustar" { name = prefix + "/" + name }
            if name.hasPrefix("./") { name.removeFirst(2) }
            if wanted(name), size <= limit, let content = file.read(at: offset + 512, size) { found[name] = content }
            let (next, overflow) = offset.addingReportingOverflow(512 + (size + 511) / 512 * 512)
            guard !overflow, size >= 0 else { return found }
            offset = next
        }
        return offset == 0 ? nil : found
    }

    private static func text(_ field: ArraySlice<UInt8>) -> String {
        String(decoding: field.prefix { $0 != 0 }, as: UTF8.self)
    }

    private static func number(_ field: ArraySlice<UInt8>) -> Int? {
        if let first = field.first, first & 0x80 != 0 {
            // Large sizes are written in base 256.
            return field.dropFirst(4).reduce(0) { ($0 << 8) | Int($1) } & 0x7fff_ffff_ffff_ffff
        }
        let digits = text(field).filter { $0 != " " }
        return digits.isEmpty ? 0 : Int(digits, radix: 8)
    }

    private static func checksumHolds(_ header: [UInt8]) -> Bool {
        var sum = 0
        for (index, byte) in header.enumerated() { sum += (148..<156).contains(index) ? 32 : Int(byte) }
        return number(header[148..<156]) == sum
    }
}
