/// Sets of code points: `[a-z]`, `\d`, `\p{Greek}`.
struct RegexSet: Sendable {
    var ranges: [ClosedRange<UInt32>] = []
    var categories: [Category] = []
    var isNegated = false
    var foldsCase = false

    typealias Category = Unicode.GeneralCategory

    init(_ ranges: [ClosedRange<UInt32>] = []) { self.ranges = ranges }

    init(_ text: String) { for part in text.split(separator: " ") { add(part.unicodeScalars) } }

    private mutating func add(_ scalars: Substring.UnicodeScalarView) {
        if let first = scalars.first, let last = scalars.last { ranges.append(first.value...last.value) }
    }

    func contains(_ scalar: Unicode.Scalar) -> Bool {
        var isIn = includes(scalar)
        if !isIn, foldsCase { isIn = Self.variants(of: scalar).contains(where: includes) }
        return isIn != isNegated
    }

    private func includes(_ scalar: Unicode.Scalar) -> Bool {
        for range in ranges where range.contains(scalar.value) { return true }
        return !categories.isEmpty && categories.contains(scalar.properties.generalCategory)
    }

    static let digit = RegexSet("0-9")
    static let space = RegexSet([9...10, 12...13, 32...32])
    static let word = RegexSet("0-9 A-Z a-z _")

    /// The sets that stand between `[:` and `:]`.
    static let posix: [String: RegexSet] = [
        "alnum": RegexSet("0-9 A-Z a-z"), "alpha": RegexSet("A-Z a-z"), "ascii": RegexSet([0...127]),
        "blank": RegexSet([9...9, 32...32]), "cntrl": RegexSet([0...31, 127...127]), "digit": digit,
        "graph": RegexSet([33...126]), "lower": RegexSet("a-z"), "print": RegexSet([32...126]),
        "punct": RegexSet([33...47, 58...64, 91...96, 123...126]), "space": RegexSet([9...13, 32...32]),
        "upper": RegexSet("A-Z"), "word": word, "xdigit": RegexSet("0-9 A-F a-f"),
    ]

    /// The code point with which all its spellings in upper and lower case are compared.
    static func folded(_ scalar: Unicode.Scalar) -> Unicode.Scalar {
        if scalar.isASCII { return ("A"..."Z").contains(scalar) ? Unicode.Scalar(scalar.value + 32) ?? scalar : scalar }
        let upper = single(scalar.properties.uppercaseMapping) ?? scalar
        return single(upper.properties.lowercaseMapping) ?? upper
    }

    private static func single(_ text: String) -> Unicode.Scalar? {
        text.unicodeScalars.count == 1 ? text.unicodeScalars.first : nil
    }

    private static func variants(of scalar: Unicode.Scalar) -> [Unicode.Scalar] {
        [
            single(scalar.properties.lowercaseMapping), single(scalar.properties.uppercaseMapping), folded(scalar),
        ].compactMap { $0 }
    }

    /// Everything that is not in a set, as ranges.
    static func complement(_ ranges: [ClosedRange<UInt32>]) -> [ClosedRange<UInt32>] {
        var result: [ClosedRange<UInt32>] = []
        var next: UInt32 = 0
        for range in ranges.sorted(by: { $0.lowerBound < $1.lowerBound }) {
            if range.lowerBound > next { result.append(next...range.lowerBound - 1) }
            next = max(next, range.upperBound + 1)
        }
        if next <= 0x10ffff { result.append(next...0x10ffff) }
        return result
    }

    /// The set with a name of Unicode: a general category, or one of the common scripts.
    static func unicode(_ name: String) -> RegexSet? {
        if name == "Any" { return RegexSet([0...0x10ffff]) }
        if let ranges = scripts[name] { return RegexSet(ranges) }
        let members = categoryNames.filter { $0.name == name || $0.name.hasPrefix(name) && name.count == 1 }
        guard !members.isEmpty else { return nil }
        var set = RegexSet()
        set.categories = members.map(\.category)
        return set
    }

    private static let categoryNames: [(name: String, category: Category)] = [
        ("Lu", .uppercaseLetter), ("Ll", .lowercaseLetter), ("Lt", .titlecaseLetter), ("Lm", .modifierLetter),
        ("Lo", .otherLetter), ("Mn", .nonspacingMark), ("Mc", .spacingMark), ("Me", .enclosingMark),
        ("Nd", .decimalNumber), ("Nl", .letterNumber), ("No", .otherNumber), ("Pc", .connectorPunctuation),
        ("Pd", .dashPunctuation), ("Ps", .openPunctuation), ("Pe", .closePunctuation), ("Pi", .initialPunctuation),
        ("Pf", .finalPunctuation), ("Po", .otherPunctuation), ("Sm", .mathSymbol), ("Sc", .currencySymbol),
        ("Sk", .modifierSymbol), ("So", .otherSymbol), ("Zs", .spaceSeparator), ("Zl", .lineSeparator),
        ("Zp", .paragraphSeparator), ("Cc", .control), ("Cf", .format), ("Cs", .surrogate), ("Co", .privateUse),
    ]

    private static let scripts: [String: [ClosedRange<UInt32>]] = [
        "Latin": [
            0x41...0x5a, 0x61...0x7a, 0xaa...0xaa, 0xba...0xba, 0xc0...0xd6, 0xd8...0xf6, 0xf8...0x2b8, 0x1e00...0x1eff,
            0x2c60...0x2c7f, 0xa722...0xa787, 0xff21...0xff3a, 0xff41...0xff5a,
        ],
        "Greek": [
            0x370...0x373, 0x375...0x377, 0x37a...0x37d, 0x37f...0x37f, 0x384...0x384, 0x386...0x386, 0x388...0x3e1,
            0x3f0...0x3ff, 0x1f00...0x1ffe,
        ],
        "Cyrillic": [0x400...0x484, 0x487...0x52f, 0x1c80...0x1c88, 0x2de0...0x2dff, 0xa640...0xa69f],
        "Hebrew": [0x591...0x5c7, 0x5d0...0x5ea, 0x5ef...0x5f4], "Arabic": [0x600...0x604, 0x606...0x6ff],
        "Hiragana": [0x3041...0x3096, 0x309d...0x309f], "Katakana": [0x30a1...0x30fa, 0x30fd...0x30ff],
        "Hangul": [0x1100...0x11ff, 0x3131...0x318e, 0xac00...0xd7a3],
        "Han": [
            0x2e80...0x2fd5, 0x3005...0x3005, 0x3007...0x3007, 0x3021...0x3029, 0x3400...0x4dbf, 0x4e00...0x9fff,
            0xf900...0xfad9, 0x20000...0x3134a,
        ],
    ]
}
