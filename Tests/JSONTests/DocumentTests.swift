// Documents: what is found in a text without parsing it is what parsing it finds.

import Testing

@testable import JSON

@Suite struct DocumentTests {
    private func document(_ text: String) throws -> JSONValue {
        try #require(JSONDocument(written: Array(text.utf8))).root
    }

    static let texts = [
        "null", "true", "false", "0", "-0", "7", "-7", "123456789012345678", "1234567890123456789",
        "12345678901234567890", "1.50", "1e3", "-2.5E-3", #""""#, #""text""#, #""tab\tquote\"slash\\""#,
        #""\u0001ä🙂""#, "[]", "{}", "[[],{},[[1]]]", #"{"a":{}}"#, #"{"a":[],"b":{"c":null,"d":[true,false]}}"#,
        #"{"":1,"a\"b":2,"ä":[{"x":"\\"},{"x":"\n"}]}"#, #"[{"name":"eight by","image":"more than eight bytes"}]"#,
        "{\(((0..<24).map { "\"k\($0)\":\($0)" }).joined(separator: ","))}",
        "{\(((0..<25).map { "\"k\($0)\":{\"v\":\($0)}" }).joined(separator: ","))}",
    ]

    @Test(arguments: texts) func isWhatParsingMakesOfIt(_ text: String) throws {
        let parsed = try JSONParser.parse(text)
        let found = try document(text)
        #expect(found == parsed)
        #expect(parsed == found)
        #expect(found.hashValue == parsed.hashValue)
        #expect(JSONWriter.text(of: found) == text)
        guard let object = found.objectValue, let expected = parsed.objectValue else { return }
        #expect(object.count == expected.count)
        #expect(object.map(\.key) == expected.map(\.key))
        #expect(object.indices.map { object[$0].value } == expected.map(\.value))
        for (key, value) in expected { #expect(object[key] == value) }
        #expect(object["no such field"] == nil)
    }

    @Test(arguments: [
        "", " ", "{", "[", "\"", "{\"a\":1", "[1,2", "{\"a\":1]", "[1}", "1 ", "{} {}", "x", "{\"a\":}", "\"a\\",
        "{\"a\":1}}", "[1]]", #"{"a"}"#, #"{"a",1}"#, "{1}", "{{}}", #"["a":1]"#, #""a":1"#, #"{"a":"b":1}"#,
    ])
    func whatIsNoJSONIsNotTaken(_ text: String) {
        #expect(JSONDocument(written: Array(text.utf8)) == nil)
    }

    @Test func everyCutOfATextIsRefused() {
        let text = Array(#"{"a":[1,{"b":"text\n"},[]],"c":{"d":-1.5,"e":null}}"#.utf8)
        for end in 0..<text.count { #expect(JSONDocument(written: Array(text[..<end])) == nil) }
    }

    @Test func changesLeaveTheDocumentAlone() throws {
        let text = #"{"kind":"Pod","metadata":{"name":"a","labels":{"x":"1"}},"spec":{"containers":[{"name":"c"}]}}"#
        let original = try document(text)
        var changed = original
        changed["metadata"]?["labels"]?["y"] = "2"
        changed["status"] = ["phase": "Running"]
        changed["kind"] = nil
        #expect(JSONWriter.text(of: original) == text)
        #expect(
            JSONWriter.text(of: changed)
                == #"{"metadata":{"name":"a","labels":{"x":"1","y":"2"}},"#
                + #""spec":{"containers":[{"name":"c"}]},"status":{"phase":"Running"}}"#)
        // What was not changed is still the same piece of memory.
        let before = try #require(original.objectValue)
        let after = try #require(changed.objectValue)
        #expect(after.shares("spec", with: before))
        #expect(!after.shares("metadata", with: before))
    }

    @Test func updatesInPlace() throws {
        var object = try #require(try document(#"{"a":{"b":1},"c":2}"#).objectValue)
        object.update("a") { $0?["b"] = 3 }
        object.update("c") { $0 = nil }
        object.update("d") { $0 = 4 }
        #expect(object.removeValue(forKey: "d") == 4)
        #expect(JSONWriter.text(of: .object(object)) == #"{"a":{"b":3}}"#)
    }

    @Test func growsAnIndex() throws {
        var object = try #require(try document(#"{"a":0}"#).objectValue)
        for number in 1...40 { object["k\(number)"] = .integer(Int64(number)) }
        let copy = object
        object["k7"] = nil
        object["k8"] = "eight"
        #expect(object.count == 40)
        #expect(object["k40"] == 40)
        #expect(object["k7"] == nil)
        #expect(copy["k7"] == 7)
        #expect(copy["k8"] == 8)
        #expect(copy.count == 41)
    }

    @Test func partsOfTwoDocumentsAreEqualByWhatTheyHold() throws {
        let one = try document(#"{"x":{"a":1,"b":[2,{"c":3}]}}"#)
        let other = try document(#"{"y":0,"x":{"b":[2,{"c":3}],"a":1}}"#)
        #expect(one["x"] == other["x"])
        #expect(one["x"].hashValue == other["x"].hashValue)
        #expect(one != other)
        #expect(one["x"] != (try document(#"{"x":{"a":1,"b":[2,{"c":4}]}}"#))["x"])
    }

    /// Random values, written, found again and changed at random, beside the same done to a tree.
    @Test func doesWhatATreeDoes() throws {
        var random = SeededRandom(seed: 4)
        for _ in 0..<500 {
            var tree = random.value(depth: 4)
            var found = try #require(JSONDocument(written: JSONWriter.bytes(of: tree))).root
            #expect(found == tree)
            for _ in 0..<4 {
                // A name that is there, or one that mostly is not.
                let names = tree.objectValue.map { Array($0.keys) } ?? []
                let key = names.isEmpty || random.below(3) == 0 ? random.string() : names[random.below(names.count)]
                let inner = tree[key]?.objectValue?.first?.key ?? random.string()
                let value: JSONValue? = random.below(3) == 0 ? Optional.none : random.value(depth: 1)
                if random.below(2) == 0 {
                    tree[key] = value
                    found[key] = value
                } else {
                    tree[key]?[inner] = value
                    found[key]?[inner] = value
                }
            }
            #expect(found == tree)
            #expect(JSONWriter.bytes(of: found) == JSONWriter.bytes(of: tree))
        }
    }

    /// Whatever bytes it is given, it refuses them or makes a value of them, and never more than that.
    @Test func survivesMangledInput() {
        var random = SeededRandom(seed: 5)
        let alphabet = Array("{}[]\",:\\0-tfn".utf8)
        for _ in 0..<20_000 {
            var bytes = JSONWriter.bytes(of: random.value(depth: 3))
            for _ in 0...random.below(3) where !bytes.isEmpty {
                bytes[random.below(bytes.count)] = alphabet[random.below(alphabet.count)]
            }
            if let value = JSONDocument(written: bytes)?.root { _ = value.hashValue }
        }
    }
}
