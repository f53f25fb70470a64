import JSON
import KubeTypes

/// Quantities, versions and named formats.

final class QuantityValue: CELObject {
    let quantity: Quantity

    var type: CELType { .quantity }
    var json: JSONValue? { .string(quantity.canonical) }

    init(_ quantity: Quantity) { self.quantity = quantity }

    init(_ text: String) throws(CELError) {
        guard let quantity = Quantity(text) else {
            throw CELError(
                text.isEmpty
                    ? "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"
                    : "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'")
        }
        self.quantity = quantity
    }

    func isEqual(to other: any CELObject) throws(CELError) -> Bool {
        (other as? QuantityValue)?.quantity.nanos == quantity.nanos
    }

    /// Whole units; nil where there is a fraction or they do not fit.
    var integer: Int64? {
        let (whole, rest) = quantity.nanos.quotientAndRemainder(dividingBy: 1_000_000_000)
        return rest == 0 ? Int64(exactly: whole) : nil
    }
}

/// A version by semver 2.0.0.
final class SemverValue: CELObject {
    let major: UInt64
    let minor: UInt64
    let patch: UInt64
    private let prerelease: [String]

    var type: CELType { .semver }

    init(_ text: String) throws(CELError) {
        if text.isEmpty { throw CELError("Version string empty") }
        let parts = text.split(separator: ".", maxSplits: 2, omittingEmptySubsequences: false)
        guard parts.count == 3 else { throw CELError("No Major.Minor.Patch elements found") }
        major = try Self.number(parts[0], "Major")
        minor = try Self.number(parts[1], "Minor")
        var rest = parts[2]
        var build = ""[...]
        if let plus = rest.firstIndex(of: "+") {
            build = rest[rest.index(after: plus)...]
            rest = rest[..<plus]
            try Self.check(build, "Build meta data")
        }
        var prerelease: [String] = []
        if let dash = rest.firstIndex(of: "-") {
            let text = rest[rest.index(after: dash)...]
            rest = rest[..<dash]
            for part in text.split(separator: ".", omittingEmptySubsequences: false) {
                if part.isEmpty { throw CELError("Prerelease is empty") }
                if part.utf8.allSatisfy({ (48...57).contains($0) }) {
                    if part.count > 1, part.hasPrefix("0") {
                        throw CELError(
                            "Numeric PreRelease version must not contain leading zeroes \(GoQuote.quote(String(part)))")
                    }
                } else {
                    try Self.check(part, "PreRelease version")
                }
                prerelease.append(String(part))
            }
        }
        patch = try Self.number(rest, "Patch")
        self.prerelease = prerelease
    }

    /// A version that may begin with `v`, have fewer numbers, and zeros before them.
    static func normalized(_ text: String) throws(CELError) -> String {
        var parts = (text.hasPrefix("v") ? text.dropFirst() : text[...])
            .split(separator: ".", maxSplits: 2, omittingEmptySubsequences: false).map(String.init)
        for (position, part) in parts.enumerated() where part.count > 1 {
            var digits = part.drop { $0 == "0" }
            if digits.first.map({ !$0.isASCII || !$0.isNumber }) ?? true { digits = "0" + digits }
            parts[position] = String(digits)
        }
        if parts.count < 3, parts[parts.count - 1].contains(where: { "+-".contains($0) }) {
            throw CELError("short version cannot contain PreRelease/Build meta data")
        }
        while parts.count < 3 { parts.append("0") }
        return parts.joined(separator: ".")
    }

    private static func number(_ text: Substring, _ name: String) throws(CELError) -> UInt64 {
        guard !text.isEmpty, text.utf8.allSatisfy({ (48...57).contains($0) }) else {
            throw CELError("Invalid character(s) found in \(name.lowercased()) number \(GoQuote.quote(String(text)))")
        }
        if text.count > 1, text.hasPrefix("0") {
            throw CELError("\(name) number must not contain leading zeroes \(GoQuote.quote(String(text)))")
        }
        guard let number = UInt64(text) else {
            throw CELError("strconv.ParseUint: parsing \(GoQuote.quote(String(text))): value out of range")
        }
        return number
    }

    private static func check(_ text: Substring, _ name: String) throws(CELError) {
        for part in text.split(separator: ".", omittingEmptySubsequences: false) {
            if part.isEmpty { throw CELError("\(name) is empty") }
            let isValid = part.utf8.allSatisfy {
                (48...57).contains($0) || (97...122).contains($0 | 0x20) || $0 == UInt8(ascii: "-")
            }
            if !isValid {
                throw CELError("Invalid character(s) found in \(name.lowercased()) \(GoQuote.quote(String(part)))")
            }
        }
    }

    /// -1, 0 or 1, by the precedence of semver; build metadata does not count.
    func order(to other: SemverValue) -> Int {
        for (own, theirs) in [(major, other.major), (minor, other.minor), (patch, other.patch)] where own != theirs {
            return own < theirs ? -1 : 1
        }
        if prerelease.isEmpty || other.prerelease.isEmpty {
            return prerelease.isEmpty == other.prerelease.isEmpty ? 0 : prerelease.isEmpty ? 1 : -1
        }
        for (own, theirs) in zip(prerelease, other.prerelease) where own != theirs {
            switch (UInt64(own), UInt64(theirs)) {
            case (let own?, let theirs?): return own < theirs ? -1 : 1
            case (_?, nil): return -1
            case (nil, _?): return 1
            default: return own.utf8.lexicographicallyPrecedes(theirs.utf8) ? -1 : 1
            }
        }
        return prerelease.count == other.prerelease.count ? 0 : prerelease.count < other.prerelease.count ? -1 : 1
    }

    func isEqual(to other: any CELObject) throws(CELError) -> Bool {
        (other as? SemverValue).map { order(to: $0) == 0 } ?? false
    }
}

/// A check of texts with a name: `format.dns1123Label()`. The host brings them.
public struct NamedFormat: Sendable {
    /// Two formats are equal if their names are.
    public let name: String
    /// What costs are estimated by: the length of the pattern that the check amounts to.
    public let patternSize: Int
    /// What is wrong with a text.
    public let problems: @Sendable (String) -> [String]

    public init(name: String, patternSize: Int, problems: @escaping @Sendable (String) -> [String]) {
        self.name = name
        self.patternSize = patternSize
        self.problems = problems
    }
}

final class NamedFormatValue: CELObject {
    let format: NamedFormat

    var type: CELType { .namedFormat }

    init(_ format: NamedFormat) { self.format = format }

    func isEqual(to other: any CELObject) throws(CELError) -> Bool {
        (other as? NamedFormatValue)?.format.name == format.name
    }
}
