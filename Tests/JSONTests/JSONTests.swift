import Testing

@testable import JSON

/// What is JSON and what is not, after the cases of RFC 8259 and the usual traps.
@Suite struct JSONParserTests {
    @Test(arguments: [
        "null", "true", "false", "0", "-1", "1.5", "1e5", "1E+5", "1e-5", "-0", "-0.0", "0.1", "\"\"", "\"a\"", "[]",
        "{}",
        " [ ] ", "\t{\n}\r", "[1,2]", "[[[]]]", "{\"a\":1}", "{\"a\":{\"b\":[{}]}}", "\"\\u00e9\"",
        "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"",
        "\"\\ud83d\\ude00\"", "\"é😀\"", "\"\u{7f}\"", "\"\u{2028}\"", "[null,true,false,\"x\",1.25e10]", "{\"\":0}",
        "9223372036854775807", "-9223372036854775808", "9223372036854775808", "123456789012345678901234567890",
        "{\"a\":1,\"a\":2}", "\"\\ud800\"", "\"\\udc00x\"", "\"\\ud800\\u0041\"",
    ])
    func accepts(_ text: String) throws { _ = try JSONParser.parse(text) }

    @Test(arguments: [
        "", " ", "nul", "nulll", "True", "tru", "+1", "01", "-01", "1.", ".5", "1e", "1e+", "-", "0x1", "1_000", "NaN",
        "Infinity", "\"", "\"a", "\"\\", "\"\\x\"", "\"\\u12\"", "\"\\u12g4\"", "\"\n\"", "\"\u{1}\"", "'a'", "[", "[1",
        "[1,",
        "[1,]", "[,1]", "[1 2]", "{", "{\"a\"", "{\"a\":", "{\"a\":1", "{\"a\":1,", "{\"a\":1,}", "{a:1}", "{1:1}",
        "{\"a\" 1}",
        "{\"a\":1 \"b\":2}", "[]]", "{}{}", "1 2", "]", "}", "[1}", "{]", "// x\n1", "[1]//", "\u{feff}1", "-a", "1a",
        "--1",
        "1e5.5", "00", "\"\\u\"",
    ])
    func rejects(_ text: String) { #expect(throws: JSONError.self) { try JSONParser.parse(text) } }

    @Test(
        arguments: [
            [0x22, 0xff, 0x22], [0x22, 0xc0, 0x80, 0x22], [0x22, 0xed, 0xa0, 0x80, 0x22], [0x22, 0xe2, 0x82, 0x22],
            [0x22, 0x80, 0x22], [0x22, 0xf5, 0x80, 0x80, 0x80, 0x22], [0xff], [0x22, 0x61, 0x5c, 0x6e, 0xff, 0x22],
        ] as [[UInt8]])
    func rejectsInvalidUTF8(_ bytes: [UInt8]) { #expect(throws: JSONError.self) { try JSONParser.parse(bytes) } }

    @Test func keepsNumbersAsTheyAre() throws {
        let cases: [(String, JSONValue)] = [
            ("0", 0), ("-5", -5), ("9223372036854775807", .integer(.max)), ("-9223372036854775808", .integer(.min)),
            ("999999999999999999", 999_999_999_999_999_999), ("1000000000000000000", 1_000_000_000_000_000_000),
            ("9223372036854775808", .number(JSONNumber(text: "9223372036854775808"))),
            ("18446744073709551617", .number(JSONNumber(text: "18446744073709551617"))),
            ("1.10", .number(JSONNumber(text: "1.10"))), ("-0", .number(JSONNumber(text: "-0"))),
            ("1E5", .number(JSONNumber(text: "1E5"))),
        ]
        for (text, value) in cases {
            #expect(try JSONParser.parse(text) == value)
            #expect(JSONWriter.text(of: value) == text)
        }
    }

    @Test func readsEscapes() throws {
        let cases: [(String, String)] = [
            ("\"\\u0041\\n\\t\\/\"", "A\n\t/"), ("\"\\ud83d\\ude00\"", "😀"), ("\"\\ud800\"", "\u{fffd}"),
            ("\"\\udc00x\"", "\u{fffd}x"), ("\"\\ud800\\u0041\"", "\u{fffd}A"),
            ("\"long enough \\\" to be on the heap\"", "long enough \" to be on the heap"),
            ("\"12345678\\\\\"", "12345678\\"), ("\"é\\u00e9é\"", "ééé"),
        ]
        for (text, string) in cases { #expect(try JSONParser.parse(text) == .string(string)) }
    }

    @Test func saysWhereItStops() throws {
        let cases: [(String, Int)] = [("[1,x]", 3), ("{\"a\":1,}", 7), ("[1] 2", 4), ("\"a\u{1}\"", 2), ("[1", 2)]
        for (text, offset) in cases {
            let error = #expect(throws: JSONError.self) { try JSONParser.parse(text) }
            #expect(error?.offset == offset)
        }
    }

    @Test func limitsDepthAndSize() throws {
        func nested(_ depth: Int) -> String {
            String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
        }
        _ = try JSONParser.parse(nested(512))
        let tooDeep = #expect(throws: JSONError.self) { try JSONParser.parse(nested(513)) }
        #expect(tooDeep?.problem == .tooDeep(limit: 512))
        _ = #expect(throws: JSONError.self) { try JSONParser.parse(String(repeating: "{\"a\":", count: 100_000)) }
        let tooLarge = #expect(throws: JSONError.self) {
            try JSONParser.parse("[1,2,3]", limits: JSONParser.Limits(bytes: 6))
        }
        #expect(tooLarge?.problem == .tooLarge(limit: 6))
    }

    @Test func lastDuplicateWins() throws {
        #expect(try JSONParser.parse("{\"a\":1,\"b\":2,\"a\":3}") == ["a": 3, "b": 2])
        #expect(JSONWriter.text(of: try JSONParser.parse("{\"a\":1,\"b\":2,\"\\u0061\":3}")) == "{\"a\":3,\"b\":2}")
        let many = "{" + (0..<100).map { "\"k\($0 % 50)\":\($0)" }.joined(separator: ",") + "}"
        let object = try #require(try JSONParser.parse(many).objectValue)
        #expect(object.count == 50)
        for number in 0..<50 { #expect(object["k\(number)"] == .integer(Int64(number + 50))) }
    }

    @Test func reportsDuplicates() throws {
        let cases: [(String, [String])] = [
            ("{\"a\":1}", []), ("[1,[2],{\"a\":{\"b\":1}}]", []), ("{\"a\":1,\"a\":2}", ["a"]),
            ("{\"a\":1,\"a\":2,\"a\":3}", ["a"]),
            (
                "{\"spec\":{\"containers\":[{\"name\":\"a\"},{\"name\":\"b\",\"image\":\"x\",\"image\":\"y\"}]}}",
                ["spec.containers[1].image"]
            ),
            ("{\"a\":{\"x\":1,\"x\":1},\"b\":[[{\"y\":1,\"y\":2}]],\"a\":null}", ["a.x", "b[0][0].y", "a"]),
            ("{\"a\\\"]}\":1,\"a\\\"]}\":-1.5e3}", ["a\"]}"]), (" { \"a\" : [ ] , \"a\" : { } } ", ["a"]),
        ]
        for (text, paths) in cases {
            let (value, found) = try JSONParser.parseReportingDuplicates(text.utf8)
            #expect(found == paths)
            #expect(try JSONParser.parse(text) == value)
        }
        let many = "{" + (0..<500).map { "\"k\($0 % 250)\":0" }.joined(separator: ",") + "}"
        #expect(try JSONParser.parseReportingDuplicates(many.utf8).duplicateFields.count == 100)
    }

    @Test func writesCompactly() {
        let cases: [(JSONValue, String)] = [
            (.null, "null"), (true, "true"), (false, "false"), (0, "0"), (-1, "-1"),
            (.integer(.min), "-9223372036854775808"),
            ("", "\"\""), ("a\"b\\c\n\r\t\u{1}\u{1f}", "\"a\\\"b\\\\c\\n\\r\\t\\u0001\\u001f\""), ("<é&>", "\"<é&>\""),
            ("12345678\"", "\"12345678\\\"\""), ([], "[]"), ([:], "{}"), ([1, "x", [:]], "[1,\"x\",{}]"),
            (["b": 1, "a": [.null]], "{\"b\":1,\"a\":[null]}"),
        ]
        for (value, text) in cases {
            #expect(JSONWriter.text(of: value) == text)
            var writer = JSONWriter()
            writer.write(raw: "[")
            writer.write(value)
            writer.write(raw: "]".utf8)
            #expect(String(decoding: writer.bytes, as: UTF8.self) == "[\(text)]")
        }
        let quotes = String(repeating: "\"", count: 10_000)
        #expect(JSONWriter.text(of: .string(quotes)).utf8.count == 20_002)
    }
}

@Suite struct JSONObjectTests {
    @Test(arguments: [3, 24, 25, 60]) func behavesLikeADictionary(size: Int) {
        var random = SeededRandom(seed: UInt64(size))
        var object = JSONObject()
        var model: [String: JSONValue] = [:]
        for step in 0..<2000 {
            let key = "key-\(random.below(size))"
            switch random.below(4) {
            case 0:
                #expect(object.removeValue(forKey: key) == model.removeValue(forKey: key))
            case 1:
                object.update(key) { $0 = $0 == nil ? .integer(Int64(step)) : nil }
                model[key] = model[key] == nil ? .integer(Int64(step)) : nil
            default:
                object[key] = .integer(Int64(step))
                model[key] = .integer(Int64(step))
            }
            #expect(object.count == model.count)
            #expect(object[key] == model[key])
        }
        for (key, value) in model { #expect(object[key] == value) }
        #expect(Array(object.sortedByKey().keys) == model.keys.sorted())
    }

    @Test func equalityIgnoresOrder() {
        #expect(["a": 1, "b": 2] as JSONValue == ["b": 2, "a": 1])
        #expect((["a": 1, "b": 2] as JSONValue).hashValue == (["b": 2, "a": 1] as JSONValue).hashValue)
        #expect(["a": 1] as JSONValue != ["a": 1, "b": 2])
        #expect(["a": 1, "b": 2] as JSONValue != ["a": 1, "b": 3])
    }

    /// Names are bytes: letters that only look alike are two fields.
    @Test func namesAreBytes() throws {
        let value = try JSONParser.parse("{\"\u{e9}\":1,\"e\u{301}\":2}")
        #expect(value.objectValue?.count == 2)
    }
}

/// Generated values survive writing and reading; mangled texts are refused or read, and never more than that.
@Suite struct JSONPropertyTests {
    @Test func roundTrips() throws {
        var random = SeededRandom(seed: 2)
        for _ in 0..<3000 {
            let value = random.value(depth: 5)
            let bytes = JSONWriter.bytes(of: value)
            #expect(try JSONParser.parse(bytes) == value)
            let spaced = String(decoding: random.spaced(bytes), as: UTF8.self)
            #expect(try JSONParser.parse(spaced) == value)
        }
    }

    @Test func survivesMangledInput() {
        var random = SeededRandom(seed: 3)
        let alphabet = Array("{}[]\",:\\u0019eE+-.tfn \n\u{7f}é".utf8)
        for _ in 0..<20_000 {
            var bytes = JSONWriter.bytes(of: random.value(depth: 3))
            for _ in 0...random.below(3) where !bytes.isEmpty {
                let position = random.below(bytes.count)
                switch random.below(4) {
                case 0: bytes.remove(at: position)
                case 1: bytes.insert(alphabet[random.below(alphabet.count)], at: position)
                case 2: bytes[position] = UInt8(truncatingIfNeeded: random.next())
                default: bytes.removeSubrange(position...)
                }
            }
            guard let (value, _) = try? JSONParser.parseReportingDuplicates(bytes) else { continue }
            #expect((try? JSONParser.parse(JSONWriter.bytes(of: value))) == value)
        }
    }
}

/// Numbers that look random and are the same in every run (SplitMix64).
struct SeededRandom: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }

    mutating func below(_ limit: Int) -> Int { Int(next() % UInt64(limit)) }

    mutating func string() -> String {
        let scalars: [UnicodeScalar] = [
            "a", "b", "Z", "0", " ", "\"", "\\", "\n", "\u{0}", "é", "😀", "/", ":", "-", "#", "'", "~",
        ]
        var text = String.UnicodeScalarView()
        for _ in 0..<below(below(8) == 0 ? 40 : 10) { text.append(scalars[below(scalars.count)]) }
        return String(text)
    }

    mutating func value(depth: Int) -> JSONValue {
        switch below(depth > 0 ? 9 : 6) {
        case 0: return .null
        case 1: return .bool(below(2) == 0)
        case 2: return .integer(Int64(bitPattern: next() >> UInt64(below(64))))
        case 3:
            return .number(
                JSONNumber(text: ["1.5", "-0", "1e300", "0.10", "12345678901234567890", "-2.5E-3"][below(6)]))
        case 4, 5: return .string(string())
        case 6: return .array((0..<below(6)).map { _ in value(depth: depth - 1) })
        default:
            var object = JSONObject()
            for _ in 0..<below(below(20) == 0 ? 40 : 6) { object[string()] = value(depth: depth - 1) }
            return .object(object)
        }
    }

    /// The same document with white space between its tokens.
    mutating func spaced(_ bytes: [UInt8]) -> [UInt8] {
        var result: [UInt8] = []
        var inString = false
        var escaped = false
        for byte in bytes {
            if !inString, "{}[],:".utf8.contains(byte) {
                result.append(contentsOf: [0x20, 0x09, 0x0a, 0x0d].prefix(below(5)))
                result.append(byte)
                result.append(contentsOf: [0x0a, 0x20].prefix(below(3)))
                continue
            }
            result.append(byte)
            if byte == UInt8(ascii: "\""), !escaped { inString.toggle() }
            escaped = byte == UInt8(ascii: "\\") && !escaped
        }
        return result
    }
}
