import Testing

@testable import JSON

@Suite struct YAMLTests {
    @Test(
        arguments: [
            ("yes", true), ("No", false), ("on", true), ("OFF", false), ("y", true), ("n", false), ("true", true),
            ("True", true),
            ("yEs", "yEs"), ("~", .null), ("null", .null), ("NULL", .null), ("nUll", "nUll"), ("\"yes\"", "yes"),
            ("'null'", "null"),
            ("0", 0), ("-1", -1), ("+1", 1), ("0x1f", 31), ("0b101", 5), ("0o17", 15), ("017", 15), ("1_000", 1000),
            ("-0x10", -16),
            ("08", 8), ("1.0", 1), ("1e3", 1000), ("1.50", .number(JSONNumber(text: "1.5"))),
            (".5", .number(JSONNumber(text: "0.5"))),
            ("9223372036854775807", .integer(.max)), ("-9223372036854775808", .integer(.min)),
            ("18446744073709551615", .number(JSONNumber(text: "18446744073709551615"))), ("\"1\"", "1"),
            ("2001-12-14", "2001-12-14"),
            ("12:30:45", "12:30:45"), ("1.2.3", "1.2.3"), ("v1.2", "v1.2"), ("1e", "1e"), ("0x", "0x"),
            ("100m", "100m"),
            ("!!str 12", "12"), ("!!int \"12\"", 12), ("!!float 3", 3), ("!!bool \"yes\"", true), ("!custom x", "x"),
            ("=", "="), ("0x1g", "0x1g"),
        ] as [(String, JSONValue)])
    func scalars(_ text: String, _ value: JSONValue) throws {
        #expect(try YAML.parse("a: \(text)\n") == [["a": value]])
    }

    @Test func readsAManifest() throws {
        let text = """
            # a comment
            apiVersion: v1
            kind: Pod
            metadata:
              name: web
              annotations: {a: "1", b: 'c'}
            spec:
              containers:
              - name: web
                args: [--x, "-1"]
                command:
                - sh
                - -c
                - |
                  echo hello
                  exit 0
              restartPolicy: >-
                Never
                ever
              nothing:
            """
        let expected: JSONValue = [
            "apiVersion": "v1", "kind": "Pod", "metadata": ["name": "web", "annotations": ["a": "1", "b": "c"]],
            "spec": [
                "containers": [
                    ["name": "web", "args": ["--x", "-1"], "command": ["sh", "-c", "echo hello\nexit 0\n"]]
                ], "restartPolicy": "Never ever", "nothing": .null,
            ],
        ]
        let documents = try YAML.parse(text)
        #expect(documents == [expected])
        #expect(documents[0].objectValue.map { Array($0.keys) } == ["apiVersion", "kind", "metadata", "spec"])
    }

    @Test func readsDocuments() throws {
        #expect(
            try YAML.parse("---\n---\na: 1\n---\n# nothing\n---\nb: 2\n...\n---\n- 3\n") == [["a": 1], ["b": 2], [3]])
        #expect(try YAML.parse("") == [])
        #expect(try YAML.parse("# only a comment\n") == [])
        #expect(try YAML.parse("{\"a\": [1, \"x\\u00e9\"]}") == [["a": [1, "xé"]]])
        #expect(try YAML.parseOne("a: 1".utf8) == ["a": 1])
        #expect(throws: YAMLError.self) { try YAML.parseOne("a: 1\n---\nb: 1".utf8) }
    }

    @Test func keysBecomeStrings() throws {
        #expect(
            try YAML.parse("1: a\ntrue: b\n1.5: c\n\"2\": d\n0x10: e\n") == [
                ["1": "a", "true": "b", "1.5": "c", "2": "d", "16": "e"]
            ])
        #expect(throws: YAMLError.self) { try YAML.parse("? [a]\n: b\n") }
        #expect(throws: YAMLError.self) { try YAML.parse("null: b\n") }
    }

    @Test func anchorsAndMerges() throws {
        let text =
            "base: &base {a: 1, b: 2}\nother:\n  <<: *base\n  b: 3\nlist: [*base, *base]\nboth:\n  <<: [{c: 1}, *base]\n"
        #expect(
            try YAML.parse(text) == [
                [
                    "base": ["a": 1, "b": 2], "other": ["b": 3, "a": 1],
                    "list": [["a": 1, "b": 2], ["a": 1, "b": 2]],
                    "both": ["c": 1, "a": 1, "b": 2],
                ]
            ])
    }

    /// Found by fuzzing: what only looks like an alias or a key, in a text with both, is text.
    @Test func marksInsideTextAreText() throws {
        let code = "func f(a *Foo) {\n  x := &Bar{}\n  case m[1]: return *x :: ? y\n}\n"
        let values: [JSONValue] = [
            ["data": ["main.go": .string(code)]],
            [.object([String(repeating: ":", count: 120) + "\t &naa *naa ]n:\t": JSONValue.null])],
            ["a": "*x : &y", "? b": "[*c]: &d"],
        ]
        for value in values { #expect(try YAML.parse(YAML.text(of: value)) == [value]) }
        #expect(try YAML.parse("a: &k name\n*k : 1\n") == [["a": "name", "name": 1]])
    }

    @Test func limitsExpansionAndDepth() throws {
        var laughs = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
        for level in 1..<10 {
            laughs +=
                "a\(level): &a\(level) [" + Array(repeating: "*a\(level - 1)", count: 10).joined(separator: ", ")
                + "]\n"
        }
        let error = #expect(throws: YAMLError.self) { try YAML.parse(laughs) }
        #expect(error?.problem.contains("aliasing") == true)
        // Aliases as keys are refused before anybody compares them.
        for key in [
            "*a9 : x", "? *a9\n: x", "{*a9 : x}", "[*a9]: x", "?\n  - *a9\n: x", "- {? [*a9] : x}", "{[*a9] : x}",
        ] {
            #expect(throws: YAMLError.self) {
                try YAML.parse(laughs.replacing("a", with: "a") + "z:\n  " + key.replacing("\n", with: "\n  ") + "\n")
            }
        }
        let deep = String(repeating: "[", count: 5000) + String(repeating: "]", count: 5000)
        #expect(throws: YAMLError.self) { try YAML.parse(deep) }
        let indented = (0..<5000).map { String(repeating: " ", count: $0) + "a:\n" }.joined()
        #expect(throws: YAMLError.self) { try YAML.parse(indented) }
        #expect(throws: YAMLError.self) { try YAML.parse("a: 1", limits: YAML.Limits(bytes: 3)) }
    }

    @Test func errorsHaveLines() throws {
        let cases: [(String, Int)] = [
            ("a: 1\nb: [1\nc: 2\n", 3), ("a: 1\na: 2\n", 1), ("a:\n\tb: 1\n", 2), ("a: *nothing\n", 1),
            ("a: .inf\n", 1), ("x: 1\na: {b: 1, b: 2}\n", 2),
            ("a: 1\n b: 2\n", 2), ("1: a\n0x1: b\n", 2),
        ]
        for (text, line) in cases {
            let error = #expect(throws: YAMLError.self) { try YAML.parse(text) }
            #expect(error?.line == line, "\(text): \(String(describing: error))")
        }
        #expect(throws: YAMLError.self) { try YAML.parse([0x61, 0x3a, 0x20, 0xff]) }
        #expect(throws: YAMLError.self) { try YAML.parse("a: \u{1}") }
    }

    @Test func writes() {
        let value: JSONValue = [
            "name": "web", "count": 3, "ratio": .number(JSONNumber(text: "1.5")), "yes": "yes", "text": "a\nb\n",
            "empty": "",
            "list": ["x", ["a": 1, "b": [true, .null]]], "none": [], "nil": [:], "date": "2001-12-14", "number": "12",
            "long": "a: b #c",
        ]
        let expected = """
            name: web
            count: 3
            ratio: 1.5
            "yes": "yes"
            text: |
              a
              b
            empty: ""
            list:
            - x
            - a: 1
              b:
              - true
              - null
            none: []
            nil: {}
            date: "2001-12-14"
            number: "12"
            long: 'a: b #c'

            """
        #expect(YAML.text(of: value) == expected)
    }

    @Test func roundTrips() throws {
        var random = SeededRandom(seed: 7)
        for _ in 0..<400 {
            var value: JSONValue = ["v": random.value(depth: 3)]
            value = normalized(value)
            let text = YAML.text(of: value)
            #expect(try YAML.parse(text) == [value], "\(text)")
        }
    }

    /// Numbers as YAML gives them back.
    private func normalized(_ value: JSONValue) -> JSONValue {
        switch value {
        case .number(let number): YAMLScalar.number(number.text) ?? .string(number.text)
        case .array(let elements): .array(elements.map(normalized))
        case .object(let object): .object(JSONObject(object.map { (key: $0.key, value: normalized($0.value)) }))
        default: value
        }
    }

    @Test func survivesMangledInput() {
        var random = SeededRandom(seed: 11)
        let seeds = [
            "a: 1\nb:\n- x\n- {c: d}\n", "base: &b [1]\nx: *b\n", "- |\n  text\n- >-\n  folded\n",
            "{a: [1, \"\\u00e9\"], ? b : c}\n",
        ]
        let alphabet = Array("{}[]\",:\\&*?|>-#!%@`' \n\t~0a<é".utf8)
        for _ in 0..<4000 {
            var bytes = Array(seeds[random.below(seeds.count)].utf8)
            for _ in 0...random.below(4) where !bytes.isEmpty {
                let position = random.below(bytes.count)
                switch random.below(3) {
                case 0: bytes.remove(at: position)
                case 1: bytes.insert(alphabet[random.below(alphabet.count)], at: position)
                default: bytes[position] = alphabet[random.below(alphabet.count)]
                }
            }
            guard let documents = try? YAML.parse(bytes) else { continue }
            #expect((try? YAML.parse(YAML.text(of: documents)))?.count ?? 0 <= documents.count)
        }
    }
}
