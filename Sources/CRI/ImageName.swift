// Names of images: taken apart, completed, put together.

/// The name of an image with its registry, repository, tag and digest, completed as docker completes it: `busybox` is
/// `docker.io/library/busybox:latest`.
///
/// The grammar is that of the distribution project (`reference`).
public struct ImageName: Sendable, Hashable, CustomStringConvertible {
    /// Why a name is none, in the words that kubelets use for it.
    public struct Invalid: Error, Hashable, Sendable, CustomStringConvertible {
        public let description: String
    }

    /// `docker.io`, `registry.example.com:5000`
    public let domain: String
    /// `library/busybox`
    public let path: String
    /// Nil where there is a digest and no tag was given.
    public let tag: String?
    /// `sha256:…`
    public let digest: String?

    /// Whether the text itself had a tag.
    public let tagged: Bool

    public init(parsing text: String) throws(Invalid) {
        func fail(_ why: String = "invalid reference format") -> Invalid {
            Invalid(description: "couldn't parse image name \"\(text)\": \(why)")
        }
        var rest = Substring(text)
        var digest: String?
        if let at = rest.firstIndex(of: "@") {
            digest = String(rest[rest.index(after: at)...])
            rest = rest[..<at]
            guard Self.isDigest(digest ?? "") else { throw fail() }
        }
        var tag: String?
        if let colon = rest.lastIndex(of: ":"), !rest[colon...].contains("/") {
            tag = String(rest[rest.index(after: colon)...])
            rest = rest[..<colon]
            guard Self.isTag(tag ?? "") else { throw fail() }
        }
        var domain = "docker.io"
        var path = rest
        if let slash = rest.firstIndex(of: "/") {
            let first = rest[..<slash]
            if first.contains(".") || first.contains(":") || first == "localhost"
                || first.contains(where: \.isUppercase)
            {
                domain = String(first)
                path = rest[rest.index(after: slash)...]
            }
        }
        if domain == "index.docker.io" { domain = "docker.io" }
        var repository = String(path)
        if domain == "docker.io", !repository.contains("/") { repository = "library/" + repository }
        guard !path.isEmpty, Self.isDomain(domain) else { throw fail() }
        if path.contains(where: \.isUppercase) {
            throw fail("invalid reference format: repository name (\(repository)) must be lowercase")
        }
        guard Self.isPath(repository), repository.utf8.count + domain.utf8.count < 255 else { throw fail() }
        self.domain = domain
        self.path = repository
        self.digest = digest
        tagged = tag != nil
        self.tag = tag ?? (digest == nil ? "latest" : nil)
    }

    /// The full name.
    public var description: String {
        domain + "/" + path + (tag.map { ":\($0)" } ?? "") + (digest.map { "@\($0)" } ?? "")
    }

    private static func isLowerOrDigit(_ byte: UInt8) -> Bool {
        UInt8(ascii: "a")...UInt8(ascii: "z") ~= byte || UInt8(ascii: "0")...UInt8(ascii: "9") ~= byte
    }

    private static func isWord(_ byte: UInt8) -> Bool {
        isLowerOrDigit(byte) || UInt8(ascii: "A")...UInt8(ascii: "Z") ~= byte || byte == UInt8(ascii: "_")
    }

    private static func isTag(_ text: String) -> Bool {
        guard let first = text.utf8.first, isWord(first), text.utf8.count <= 128 else { return false }
        return text.utf8.allSatisfy { isWord($0) || $0 == UInt8(ascii: ".") || $0 == UInt8(ascii: "-") }
    }

    private static func isDigest(_ text: String) -> Bool {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 2, !parts[0].isEmpty, parts[1].utf8.count >= 32 else { return false }
        return parts[1].utf8.allSatisfy { byte in
            UInt8(ascii: "0")...UInt8(ascii: "9") ~= byte || UInt8(ascii: "a")...UInt8(ascii: "f") ~= byte
        }
    }

    private static func isDomain(_ text: String) -> Bool {
        let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        if parts.count == 2,
            parts[1].isEmpty || !parts[1].utf8.allSatisfy({ UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 })
        {
            return false
        }
        return parts[0].split(separator: ".", omittingEmptySubsequences: false).allSatisfy { label in
            guard let first = label.utf8.first, let last = label.utf8.last else { return false }
            func alphanumeric(_ byte: UInt8) -> Bool { isWord(byte) && byte != UInt8(ascii: "_") }
            return alphanumeric(first) && alphanumeric(last)
                && label.utf8.allSatisfy { alphanumeric($0) || $0 == UInt8(ascii: "-") }
        }
    }

    /// Components of lower case letters and digits, separated within by `.`, `_`, `__` or any number of `-`.
    private static func isPath(_ text: String) -> Bool {
        text.split(separator: "/", omittingEmptySubsequences: false).allSatisfy { component in
            let bytes = Array(component.utf8)
            guard let first = bytes.first, let last = bytes.last, isLowerOrDigit(first), isLowerOrDigit(last) else {
                return false
            }
            var index = 0
            while index < bytes.count {
                if isLowerOrDigit(bytes[index]) {
                    index += 1
                    continue
                }
                let start = index
                while index < bytes.count, !isLowerOrDigit(bytes[index]) { index += 1 }
                let separator = String(decoding: bytes[start..<index], as: UTF8.self)
                guard separator == "." || separator == "_" || separator == "__" || separator.allSatisfy({ $0 == "-" })
                else { return false }
            }
            return true
        }
    }
}
