/// URLs as Go's `net/url` reads them.
final class URLValue: CELObject {
    let scheme: String
    /// With the port.
    let host: String
    /// As written.
    private let user: String?
    private let path: String
    private let opaque: String
    let query: String?
    private let fragment: String?

    var type: CELType { .url }

    /// - Parameter text: An absolute URL or path. Throws what Go says of it.
    init(_ text: String) throws(CELError) {
        func problem(_ what: String) -> CELError {
            CELError("URL parse error during conversion from string: parse \(GoQuote.quote(text)): \(what)")
        }
        let bytes = Array(text.utf8)
        if bytes.contains(where: { $0 < 0x20 || $0 == 0x7f }) {
            throw problem("net/url: invalid control character in URL")
        }
        if text.isEmpty { throw problem("empty url") }
        var scheme = ""
        var rest = text[...]
        if text != "*" {
            let mark = text.utf8.firstIndex { !Self.isSchemeByte($0) }
            if let mark, text.utf8[mark] == UInt8(ascii: ":") {
                if mark == text.startIndex { throw problem("missing protocol scheme") }
                if Self.isLetter(bytes[0]) {
                    scheme = text[..<mark].lowercased()
                    rest = text[text.utf8.index(after: mark)...]
                }
            }
        }
        let beforeFragment = rest.split(separator: "#", maxSplits: 1, omittingEmptySubsequences: false)
        fragment = beforeFragment.count > 1 ? String(beforeFragment[1]) : nil
        rest = beforeFragment.first ?? ""
        let parts = rest.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        query = parts.count > 1 ? String(parts[1]) : nil
        rest = parts.first ?? ""
        self.scheme = scheme
        if !rest.hasPrefix("/") {
            guard !scheme.isEmpty else {
                guard text == "*" else { throw problem("invalid URI for request") }
                (host, user, path, opaque) = ("", nil, "*", "")
                return
            }
            (host, user, path, opaque) = ("", nil, "", String(rest))
            return
        }
        opaque = ""
        guard rest.hasPrefix("//"), !scheme.isEmpty || !rest.hasPrefix("///") else {
            (host, user, path) = ("", nil, String(rest))
            try Self.check(path[...], problem)
            return
        }
        let authority = rest.dropFirst(2).prefix { $0 != "/" }
        path = String(rest.dropFirst(2 + authority.count))
        let at = authority.lastIndex(of: "@")
        user = at.map { String(authority[..<$0]) }
        host = String(at.map { authority[authority.index(after: $0)...] } ?? authority)
        if let user, !user.utf8.allSatisfy(Self.isUserByte) { throw problem("net/url: invalid userinfo") }
        try Self.checkHost(host, problem)
        try Self.check(path[...], problem)
    }

    static func isValid(_ text: String) -> Bool { (try? URLValue(text)) != nil }

    func isEqual(to other: any CELObject) throws(CELError) -> Bool {
        (other as? URLValue).map { $0.text == text } ?? false
    }

    private var text: String {
        "\(scheme):\(opaque)//\(user ?? "")@\(host)\(escapedPath)?\(query ?? "")#\(fragment ?? "")"
    }

    private static func isLetter(_ byte: UInt8) -> Bool { (97...122).contains(byte | 0x20) }
    private static func isDigit(_ byte: UInt8) -> Bool { (48...57).contains(byte) }

    private static func isSchemeByte(_ byte: UInt8) -> Bool {
        isLetter(byte) || isDigit(byte) || "+-.".utf8.contains(byte)
    }

    private static func isUserByte(_ byte: UInt8) -> Bool {
        isLetter(byte) || isDigit(byte) || "-._:~!$&'()*+,;=%@".utf8.contains(byte)
    }

    private static func checkHost(_ host: String, _ problem: (String) -> CELError) throws(CELError) {
        var port = ""[...]
        if host.hasPrefix("[") {
            guard let end = host.lastIndex(of: "]") else { throw problem("missing ']' in host") }
            port = host[host.index(after: end)...]
        } else if let colon = host.lastIndex(of: ":") {
            port = host[colon...]
        }
        if !port.isEmpty, port.first != ":" || !port.dropFirst().utf8.allSatisfy(isDigit) {
            throw problem("invalid port \(GoQuote.quote(String(port))) after host")
        }
        for byte in host.utf8 where byte < 0x80 && !isLetter(byte) && !isDigit(byte) {
            if !"-._~!$&'()*+,;=:[]<>\"%".utf8.contains(byte) {
                throw problem(
                    "invalid character \(GoQuote.quote(String(Character(Unicode.Scalar(byte))))) in host name")
            }
        }
        try check(host[...], problem)
    }

    /// Throws where a percent sign begins no escape.
    private static func check(_ text: Substring, _ problem: (String) -> CELError) throws(CELError) {
        var rest = text.utf8
        while let mark = rest.firstIndex(of: UInt8(ascii: "%")) {
            let escape = text.utf8[mark...].prefix(3)
            guard escape.count == 3, escape.dropFirst().allSatisfy({ hexadecimal($0) != nil }) else {
                throw problem("invalid URL escape \(GoQuote.quote(String(Substring(escape))))")
            }
            rest = text.utf8[escape.endIndex...]
        }
    }

    private static func hexadecimal(_ byte: UInt8) -> UInt8? {
        switch byte {
        case 48...57: byte - 48
        case 97...102: byte - 87
        case 65...70: byte - 55
        default: nil
        }
    }

    /// What escapes stand for; nil where one is malformed.
    private static func unescape(_ text: some StringProtocol, plusIsSpace: Bool) -> [UInt8]? {
        var bytes: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while let byte = rest.popFirst() {
            if byte == UInt8(ascii: "%") {
                guard let high = rest.popFirst().flatMap(hexadecimal), let low = rest.popFirst().flatMap(hexadecimal)
                else { return nil }
                bytes.append(high << 4 | low)
            } else {
                bytes.append(plusIsSpace && byte == UInt8(ascii: "+") ? 32 : byte)
            }
        }
        return bytes
    }

    /// Without the port and the brackets.
    var hostname: String {
        if host.hasPrefix("["), let end = host.firstIndex(of: "]") { return String(host.dropFirst()[..<end]) }
        return host.firstIndex(of: ":").map { String(host[..<$0]) } ?? host
    }

    var port: String {
        let rest = host.hasPrefix("[") ? host[(host.lastIndex(of: "]") ?? host.startIndex)...] : host[...]
        return rest.lastIndex(of: ":").map { String(rest[rest.index(after: $0)...]) } ?? ""
    }

    /// The path with escapes where a URL needs them.
    var escapedPath: String {
        let allowed = Array("-_.~!$&'()*+,;=:@[]%/".utf8)
        if path.utf8.allSatisfy({ Self.isLetter($0) || Self.isDigit($0) || allowed.contains($0) }) { return path }
        let plain = Array("-_.~$&+,/:;=@".utf8)
        var escaped = ""
        for byte in Self.unescape(path, plusIsSpace: false) ?? [] {
            if Self.isLetter(byte) || Self.isDigit(byte) || plain.contains(byte) {
                escaped.unicodeScalars.append(Unicode.Scalar(byte))
            } else {
                escaped += "%\(byte < 16 ? "0" : "")\(String(byte, radix: 16, uppercase: true))"
            }
        }
        return escaped
    }

    /// The values of each name in the query; what is malformed is left out.
    var queryValues: [String: [String]] {
        var values: [String: [String]] = [:]
        for pair in (query ?? "").split(separator: "&") where !pair.contains(";") {
            let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard let name = Self.unescape(parts[0], plusIsSpace: true),
                let value = Self.unescape(parts.count > 1 ? parts[1] : "", plusIsSpace: true)
            else { continue }
            values[String(decoding: name, as: UTF8.self), default: []].append(String(decoding: value, as: UTF8.self))
        }
        return values
    }
}
