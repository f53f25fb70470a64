// What a server behind `proxy` says about its own paths, turned into what is right on this side: `Location` and the
// links of HTML pages.

struct ProxyRewriting: Sendable {
    /// The path under which the server appears here: `/api/v1/namespaces/ns/pods/p/proxy`.
    var prefix: String
    /// `host:port` of the server, and the name by which the client called us: absolute URLs of either are rewritten.
    var hosts: [String]
    /// The host that the client called, whose URLs keep their scheme and host.
    var requestHost: String

    /// A URL as clients must see it. Relative ones and those of other hosts stay as they are.
    func url(_ text: String) -> String {
        var scheme = ""
        var host = ""
        var rest = text[...]
        if let mark = Self.schemeEnd(text) {
            scheme = String(text[..<mark])
            rest = text[text.index(after: mark)...]
        }
        if rest.hasPrefix("//") {
            let authority = rest.dropFirst(2)
            let end = authority.firstIndex { "/?#".contains($0) } ?? authority.endIndex
            host = String(authority[..<end])
            rest = authority[end...]
        } else if !scheme.isEmpty {
            return text  // mailto:, javascript:, data:
        }
        let pathEnd = rest.firstIndex { "?#".contains($0) } ?? rest.endIndex
        let path = String(rest[..<pathEnd])
        let tail = rest[pathEnd...]
        guard path.hasPrefix("/"), host.isEmpty || hosts.contains(host) || host == requestHost else { return text }
        let start = !host.isEmpty && host == requestHost ? (scheme.isEmpty ? "//\(host)" : "\(scheme)://\(host)") : ""
        if path.hasPrefix(prefix) { return start + path + tail }
        return start + prefix + path + tail
    }

    private static func schemeEnd(_ text: String) -> String.Index? {
        guard let mark = text.firstIndex(of: ":"), mark > text.startIndex else { return nil }
        let isScheme = text[..<mark].utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "+"), UInt8(ascii: "-"), UInt8(ascii: "."):
                true
            default: false
            }
        }
        return isScheme ? mark : nil
    }

    /// Attributes that hold URLs, by element (HTML 4 and 5).
    private static let attributes: [String: Set<String>] = [
        "a": ["href"], "applet": ["codebase"], "area": ["href"], "audio": ["src"], "base": ["href"],
        "blockquote": ["cite"], "body": ["background"], "button": ["formaction"], "command": ["icon"], "del": ["cite"],
        "embed": ["src"], "form": ["action"], "frame": ["longdesc", "src"], "head": ["profile"], "html": ["manifest"],
        "iframe": ["longdesc", "src"], "img": ["longdesc", "src", "usemap"],
        "input": ["src", "usemap", "formaction"], "ins": ["cite"], "link": ["href"],
        "object": ["classid", "codebase", "data", "usemap"], "q": ["cite"], "script": ["src"], "source": ["src"],
        "video": ["poster", "src"],
    ]

    /// A page with its links rewritten; everything else as it was.
    func html(_ page: [UInt8]) -> [UInt8] {
        var output: [UInt8] = []
        output.reserveCapacity(page.count + page.count / 8)
        var index = 0
        var rawUntil: [UInt8]?
        while index < page.count {
            guard page[index] == UInt8(ascii: "<") else {
                output.append(page[index])
                index += 1
                continue
            }
            if let end = rawUntil {
                // Inside a script or style only its own end tag means anything.
                if Self.matches(page, at: index, end) { rawUntil = nil }
                output.append(page[index])
                index += 1
                continue
            }
            if Self.matches(page, at: index, Array("<!--".utf8)) {
                let end = Self.find(Array("-->".utf8), in: page, from: index + 4).map { $0 + 3 } ?? page.count
                output += page[index..<end]
                index = end
                continue
            }
            let nameStart = index + 1
            var nameEnd = nameStart
            while nameEnd < page.count, Self.isNameByte(page[nameEnd]) { nameEnd += 1 }
            output += page[index..<nameEnd]
            index = nameEnd
            guard nameEnd > nameStart else {
                if index < page.count, index == nameStart {
                    output.append(page[index])
                    index += 1
                }
                continue
            }
            let name = String(decoding: page[nameStart..<nameEnd], as: UTF8.self).lowercased()
            copyAttributes(of: Self.attributes[name] ?? [], page, &index, &output)
            if name == "script" || name == "style" { rawUntil = Array("</\(name)".utf8) }
        }
        return output
    }

    /// Copies a tag's attributes up to and including its `>`, the values of those named rewritten.
    private func copyAttributes(of urls: Set<String>, _ page: [UInt8], _ index: inout Int, _ output: inout [UInt8]) {
        while index < page.count {
            let byte = page[index]
            if byte == UInt8(ascii: ">") {
                output.append(byte)
                index += 1
                return
            }
            guard Self.isNameByte(byte) else {
                output.append(byte)
                index += 1
                continue
            }
            let start = index
            while index < page.count, Self.isNameByte(page[index]) { index += 1 }
            let attribute = String(decoding: page[start..<index], as: UTF8.self).lowercased()
            while index < page.count, Self.isSpace(page[index]) { index += 1 }
            guard index < page.count, page[index] == UInt8(ascii: "=") else {
                output += page[start..<index]
                continue
            }
            index += 1
            while index < page.count, Self.isSpace(page[index]) { index += 1 }
            output += page[start..<index]
            guard index < page.count else { return }
            let quote = page[index]
            let isQuoted = quote == UInt8(ascii: "\"") || quote == UInt8(ascii: "'")
            if isQuoted {
                output.append(quote)
                index += 1
            }
            let valueStart = index
            while index < page.count,
                isQuoted ? page[index] != quote : !Self.isSpace(page[index]) && page[index] != UInt8(ascii: ">")
            {
                index += 1
            }
            let value = page[valueStart..<index]
            if urls.contains(attribute) {
                output += url(String(decoding: value, as: UTF8.self)).utf8
            } else {
                output += value
            }
            if isQuoted, index < page.count {
                output.append(quote)
                index += 1
            }
        }
    }

    private static func isNameByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: ":"):
            true
        default: false
        }
    }

    private static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || (0x09...0x0d).contains(byte) }

    /// Whether `text` (lower case) is at a place, whatever the case there.
    private static func matches(_ page: [UInt8], at index: Int, _ text: [UInt8]) -> Bool {
        guard index + text.count <= page.count else { return false }
        for (offset, byte) in text.enumerated() {
            let here = page[index + offset]
            let lower = (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(here) ? here | 0x20 : here
            if lower != byte { return false }
        }
        return true
    }

    private static func find(_ text: [UInt8], in page: [UInt8], from start: Int) -> Int? {
        var index = start
        while index + text.count <= page.count {
            if matches(page, at: index, text) { return index }
            index += 1
        }
        return nil
    }
}
