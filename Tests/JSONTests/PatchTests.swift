import Testing

@testable import JSON

func json(_ text: String) throws -> JSONValue { try JSONParser.parse(text) }

@Suite struct JSONPointerTests {
    @Test func examplesOfRFC6901() throws {
        let document = try json(
            "{\"foo\":[\"bar\",\"baz\"],\"\":0,\"a/b\":1,\"c%d\":2,\"e^f\":3,\"g|h\":4,\"i\\\\j\":5,\"k\\\"l\":6,\" \":7,\"m~n\":8}"
        )
        let cases: [(String, JSONValue)] = [
            ("", document), ("/foo", ["bar", "baz"]), ("/foo/0", "bar"), ("/", 0), ("/a~1b", 1), ("/c%d", 2),
            ("/e^f", 3),
            ("/g|h", 4), ("/i\\j", 5), ("/k\"l", 6), ("/ ", 7), ("/m~0n", 8),
        ]
        for (text, value) in cases {
            let pointer = try #require(JSONPointer(text))
            #expect(document[pointer: pointer] == value)
            #expect(pointer.description == text)
        }
        #expect(JSONPointer("/~01")?.tokens == ["~1"])
        #expect(JSONPointer("foo") == nil)
        #expect(document[pointer: JSONPointer(tokens: ["foo", "7"])] == nil)
    }
}

@Suite struct JSONPatchTests {
    /// The examples of RFC 6902's appendix, and what Kubernetes does beyond it.
    @Test(arguments: [
        (
            "{\"foo\":\"bar\"}", "[{\"op\":\"add\",\"path\":\"/baz\",\"value\":\"qux\"}]",
            "{\"foo\":\"bar\",\"baz\":\"qux\"}"
        ),
        (
            "{\"foo\":[\"bar\",\"baz\"]}", "[{\"op\":\"add\",\"path\":\"/foo/1\",\"value\":\"qux\"}]",
            "{\"foo\":[\"bar\",\"qux\",\"baz\"]}"
        ),
        ("{\"baz\":\"qux\",\"foo\":\"bar\"}", "[{\"op\":\"remove\",\"path\":\"/baz\"}]", "{\"foo\":\"bar\"}"),
        (
            "{\"foo\":[\"bar\",\"qux\",\"baz\"]}", "[{\"op\":\"remove\",\"path\":\"/foo/1\"}]",
            "{\"foo\":[\"bar\",\"baz\"]}"
        ),
        ("{\"baz\":\"qux\"}", "[{\"op\":\"replace\",\"path\":\"/baz\",\"value\":\"boo\"}]", "{\"baz\":\"boo\"}"),
        (
            "{\"foo\":{\"bar\":\"baz\",\"waldo\":\"fred\"},\"qux\":{}}",
            "[{\"op\":\"move\",\"from\":\"/foo/waldo\",\"path\":\"/qux/thud\"}]",
            "{\"foo\":{\"bar\":\"baz\"},\"qux\":{\"thud\":\"fred\"}}"
        ),
        ("{\"foo\":[1,2,3,4]}", "[{\"op\":\"move\",\"from\":\"/foo/1\",\"path\":\"/foo/3\"}]", "{\"foo\":[1,3,4,2]}"),
        (
            "{\"a\":1,\"b\":[2]}",
            "[{\"op\":\"test\",\"path\":\"/a\",\"value\":1},{\"op\":\"test\",\"path\":\"/b/0\",\"value\":2}]",
            "{\"a\":1,\"b\":[2]}"
        ),
        (
            "{\"foo\":\"bar\"}", "[{\"op\":\"add\",\"path\":\"/child\",\"value\":{\"x\":{}}}]",
            "{\"foo\":\"bar\",\"child\":{\"x\":{}}}"
        ),
        (
            "{\"foo\":\"bar\"}", "[{\"op\":\"add\",\"path\":\"/baz\",\"value\":1,\"xyz\":2}]",
            "{\"foo\":\"bar\",\"baz\":1}"
        ),
        ("{\"/\":9,\"~1\":10}", "[{\"op\":\"test\",\"path\":\"/~01\",\"value\":10}]", "{\"/\":9,\"~1\":10}"),
        (
            "{\"foo\":[\"bar\"]}", "[{\"op\":\"add\",\"path\":\"/foo/-\",\"value\":[\"abc\"]}]",
            "{\"foo\":[\"bar\",[\"abc\"]]}"
        ),
        (
            "{\"a\":{\"b\":[1]}}",
            "[{\"op\":\"copy\",\"from\":\"/a\",\"path\":\"/c\"},{\"op\":\"add\",\"path\":\"/c/b/-\",\"value\":2}]",
            "{\"a\":{\"b\":[1]},\"c\":{\"b\":[1,2]}}"
        ),
        ("{\"a\":[1,2,3]}", "[{\"op\":\"remove\",\"path\":\"/a/-1\"}]", "{\"a\":[1,2]}"),
        ("{\"a\":1}", "[{\"op\":\"replace\",\"path\":\"/b\",\"value\":2}]", "{\"a\":1,\"b\":2}"),
        ("{\"a\":1}", "[{\"op\":\"test\",\"path\":\"/b\",\"value\":null}]", "{\"a\":1}"),
        ("{\"a\":1}", "[{\"op\":\"add\",\"path\":\"/a\"}]", "{\"a\":null}"),
        ("{\"a\":1}", "[{\"op\":\"replace\",\"path\":\"\",\"value\":{\"b\":1}}]", "{\"b\":1}"),
        ("{\"a\":[1,2]}", "[{\"op\":\"add\",\"path\":\"/a/2\",\"value\":3}]", "{\"a\":[1,2,3]}"), ("{}", "[]", "{}"),
    ])
    func applies(document: String, patch: String, result: String) throws {
        #expect(try JSONPatch(parsing: json(patch)).apply(to: json(document)) == json(result))
    }

    @Test(arguments: [
        ("{\"a\":1}", "[{\"op\":\"remove\",\"path\":\"/b\"}]"),
        ("{\"a\":1}", "[{\"op\":\"add\",\"path\":\"/b/c\",\"value\":1}]"),
        ("{\"a\":1}", "[{\"op\":\"test\",\"path\":\"/a\",\"value\":2}]"),
        ("{\"a\":1}", "[{\"op\":\"test\",\"path\":\"/a\",\"value\":\"1\"}]"),
        ("{\"a\":[1]}", "[{\"op\":\"add\",\"path\":\"/a/2\",\"value\":1}]"),
        ("{\"a\":[1]}", "[{\"op\":\"add\",\"path\":\"/a/x\",\"value\":1}]"),
        ("{\"a\":[1]}", "[{\"op\":\"remove\",\"path\":\"/a/1\"}]"),
        ("{\"a\":[1]}", "[{\"op\":\"replace\",\"path\":\"/a/-\",\"value\":1}]"),
        ("{\"a\":{\"b\":1}}", "[{\"op\":\"move\",\"from\":\"/a\",\"path\":\"/a/b\"}]"),
        ("{}", "[{\"op\":\"frob\",\"path\":\"/a\"}]"), ("{}", "[{\"path\":\"/a\"}]"),
        ("{}", "[{\"op\":\"add\",\"value\":1}]"), ("{}", "[{\"op\":\"add\",\"path\":1,\"value\":1}]"),
        ("{}", "[{\"op\":\"copy\",\"path\":\"/a\"}]"),
        ("{}", "[{\"op\":\"copy\",\"from\":\"/a\",\"path\":\"/b\"}]"), ("{}", "[{\"op\":\"remove\",\"path\":\"\"}]"),
        ("{}", "[{\"op\":\"add\",\"path\":\"a\",\"value\":1}]"),
        ("{\"a\":1}", "[{\"op\":\"add\",\"path\":\"/b\",\"value\":1},{\"op\":\"test\",\"path\":\"/a\",\"value\":2}]"),
    ])
    func refuses(document: String, patch: String) throws {
        let patch = try JSONPatch(parsing: json(patch))
        let document = try json(document)
        let error = #expect(throws: JSONPatchError.self) { try patch.apply(to: document) }
        guard case .notApplicable(let message) = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(!message.isEmpty)
    }

    @Test func refusesWhatIsNoPatch() throws {
        for text in ["{}", "null", "[1]", "[[]]", "\"x\""] {
            let document = try json(text)
            let error = #expect(throws: JSONPatchError.self) { try JSONPatch(parsing: document) }
            guard case .malformed = error else {
                Issue.record("\(text): \(String(describing: error))")
                continue
            }
        }
        let many = JSONValue.array(Array(repeating: ["op": "remove", "path": "/a"], count: 10_001))
        #expect(throws: JSONPatchError.tooManyOperations(limit: 10_000, count: 10_001)) { try JSONPatch(parsing: many) }
    }

    @Test func smallPatchesAreSmallWork() throws {
        // Each copy nests one level deeper, or doubles the size.
        let nesting = JSONValue.array(
            (0..<80).map { _ in ["op": "copy", "from": "/a", "path": "/a/b"] })
        let error = #expect(throws: JSONPatchError.self) {
            try JSONPatch(parsing: nesting, limits: JSONPatch.Limits(depth: 64)).apply(to: ["a": [:]])
        }
        #expect(error?.description.contains("levels") == true)
        let growing = JSONValue.array((0..<40).map { _ in ["op": "copy", "from": "/a", "path": "/a/-"] })
        #expect(throws: JSONPatchError.self) {
            try JSONPatch(parsing: growing, limits: JSONPatch.Limits(copiedBytes: 50_000)).apply(to: ["a": [1]])
        }
        let deep = JSONValue.array(
            (0..<100).map { _ in ["op": "move", "from": "/a", "path": "/b"] as JSONValue }
                .flatMap {
                    [$0, ["op": "add", "path": "/a", "value": [:]], ["op": "move", "from": "/b", "path": "/a/b"]]
                })
        #expect(throws: JSONPatchError.self) {
            try JSONPatch(parsing: deep, limits: JSONPatch.Limits(depth: 64)).apply(to: ["a": [:]])
        }
        let moves = JSONValue.array(
            (0..<9999).map {
                ["op": "move", "from": .string($0 % 2 == 0 ? "/a" : "/b"), "path": .string($0 % 2 == 0 ? "/b" : "/a")]
            })
        let large = JSONValue.array(Array(repeating: 1, count: 20_000))
        #expect(throws: JSONPatchError.self) {
            try JSONPatch(parsing: moves, limits: JSONPatch.Limits(steps: 1_000_000)).apply(to: ["a": large])
        }
    }
}

@Suite struct JSONMergePatchTests {
    /// The table of RFC 7386's appendix.
    @Test(arguments: [
        ("{\"a\":\"b\"}", "{\"a\":\"c\"}", "{\"a\":\"c\"}"),
        ("{\"a\":\"b\"}", "{\"b\":\"c\"}", "{\"a\":\"b\",\"b\":\"c\"}"),
        ("{\"a\":\"b\"}", "{\"a\":null}", "{}"), ("{\"a\":\"b\",\"b\":\"c\"}", "{\"a\":null}", "{\"b\":\"c\"}"),
        ("{\"a\":[\"b\"]}", "{\"a\":\"c\"}", "{\"a\":\"c\"}"), ("{\"a\":\"c\"}", "{\"a\":[\"b\"]}", "{\"a\":[\"b\"]}"),
        ("{\"a\":{\"b\":\"c\"}}", "{\"a\":{\"b\":\"d\",\"c\":null}}", "{\"a\":{\"b\":\"d\"}}"),
        ("{\"a\":[{\"b\":\"c\"}]}", "{\"a\":[1]}", "{\"a\":[1]}"),
        ("[\"a\",\"b\"]", "[\"c\",\"d\"]", "[\"c\",\"d\"]"), ("{\"a\":\"b\"}", "[\"c\"]", "[\"c\"]"),
        ("{\"a\":\"foo\"}", "null", "null"),
        ("{\"a\":\"foo\"}", "\"bar\"", "\"bar\""), ("{\"e\":null}", "{\"a\":1}", "{\"e\":null,\"a\":1}"),
        ("[1,2]", "{\"a\":\"b\",\"c\":null}", "{\"a\":\"b\"}"),
        ("{}", "{\"a\":{\"bb\":{\"ccc\":null}}}", "{\"a\":{\"bb\":{}}}"),
    ])
    func merges(original: String, patch: String, result: String) throws {
        #expect(JSONMergePatch.apply(try json(patch), to: try json(original)) == (try json(result)))
    }

    @Test func differenceLeadsBack() throws {
        var random = SeededRandom(seed: 5)
        for _ in 0..<500 {
            // Nulls cannot be said in a merge patch: the values have none.
            let before = withoutNulls(random.value(depth: 3))
            let after = withoutNulls(random.value(depth: 3))
            guard let patch = JSONMergePatch.difference(from: before, to: after) else {
                #expect(before == after)
                continue
            }
            #expect(JSONMergePatch.apply(patch, to: before) == after)
        }
    }

    private func withoutNulls(_ value: JSONValue) -> JSONValue {
        switch value {
        case .null: "x"
        case .array(let elements): .array(elements.map(withoutNulls))
        case .object(let object): .object(JSONObject(object.map { (key: $0.key, value: withoutNulls($0.value)) }))
        default: value
        }
    }
}
