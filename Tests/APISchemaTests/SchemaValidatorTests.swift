import JSON
import KubeTypes
import Testing

@testable import APISchema

@Suite struct SchemaValidatorTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let schema: String
        let value: String
        let errors: [String]
        var testDescription: String { "\(schema) \(value)" }

        init(_ schema: String, _ value: String, _ errors: [String] = []) {
            self.schema = schema
            self.value = value
            self.errors = errors
        }
    }

    private static func errors(_ schema: String, _ value: String, replacing old: String? = nil) throws -> [String] {
        let validator = SchemaValidator(JSONSchema(try JSONParser.parse(Array(schema.utf8))))
        let value = try JSONParser.parse(Array(value.utf8))
        let old = try old.map { try JSONParser.parse(Array($0.utf8)) }
        let found = old == nil ? validator.validate(value) : validator.validate(value, replacing: old)
        return found.map { "\($0.path): \($0.message)" }
    }

    static let cases: [Case] = [
        Case(#"{"type":"object","properties":{"a":{"type":"string"}}}"#, #"{"a":"x"}"#),
        Case(
            #"{"properties":{"a":{"type":"string"}}}"#, #"{"a":1}"#,
            [#"a: Invalid value: "integer": a in body must be of type string: "integer""#]),
        Case(
            #"{"properties":{"a":{"type":"integer"}}}"#, #"{"a":1.5}"#,
            [#"a: Invalid value: "number": a in body must be of type integer: "number""#]),
        Case(#"{"properties":{"a":{"type":"integer"}}}"#, #"{"a":1.0}"#),
        Case(#"{"properties":{"a":{"type":"number"}}}"#, #"{"a":1}"#),
        Case(
            #"{"properties":{"a":{"type":"string"}}}"#, #"{"a":null}"#,
            [#"a: Invalid value: "null": a in body must be of type string: "null""#]),
        Case(#"{"properties":{"a":{"type":"string","nullable":true}}}"#, #"{"a":null}"#),
        Case(#"{"properties":{"a":{"x-kubernetes-int-or-string":true}}}"#, #"{"a":"80%"}"#),
        Case(
            #"{"properties":{"a":{"x-kubernetes-int-or-string":true}}}"#, #"{"a":true}"#,
            [#"a: Invalid value: "boolean": a in body must be of type integer,string: "boolean""#]),
        Case(#"{"required":["a"]}"#, "{}", ["a: Required value"]),
        Case(
            #"{"properties":{"s":{"type":"object","required":["a"]}}}"#, #"{"s":{}}"#, ["s.a: Required value"]),
        Case(
            #"{"properties":{"a":{"enum":["x","y"]}}}"#, #"{"a":"z"}"#,
            [#"a: Unsupported value: "z": supported values: "x", "y""#]),
        Case(
            #"{"properties":{"a":{"maximum":3}}}"#, #"{"a":4}"#,
            ["a: Invalid value: 4: a in body should be less than or equal to 3"]),
        Case(
            #"{"properties":{"a":{"maximum":3,"exclusiveMaximum":true}}}"#, #"{"a":3}"#,
            ["a: Invalid value: 3: a in body should be less than 3"]),
        Case(
            #"{"properties":{"a":{"minimum":0.5}}}"#, #"{"a":0.25}"#,
            ["a: Invalid value: 0.25: a in body should be greater than or equal to 0.5"]),
        Case(
            #"{"properties":{"a":{"multipleOf":5}}}"#, #"{"a":7}"#,
            ["a: Invalid value: 7: a in body should be a multiple of 5"]),
        Case(
            #"{"properties":{"a":{"type":"string","minLength":2}}}"#, #"{"a":"x"}"#,
            [#"a: Invalid value: "x": a in body should be at least 2 chars long"#]),
        Case(
            #"{"properties":{"a":{"type":"string","maxLength":2}}}"#, #"{"a":"xyz"}"#,
            ["a: Too long: may not be more than 2 bytes"]),
        Case(
            #"{"properties":{"a":{"type":"string","pattern":"^x+$"}}}"#, #"{"a":"xy"}"#,
            [#"a: Invalid value: "xy": a in body should match '^x+$'"#]),
        Case(
            #"{"properties":{"a":{"type":"array","maxItems":1,"items":{"type":"integer"}}}}"#, #"{"a":[1,"b"]}"#,
            [
                #"a[1]: Invalid value: "string": a[1] in body must be of type integer: "string""#,
                "a: Too many: 2: must have at most 1 item",
            ]),
        Case(
            #"{"properties":{"a":{"type":"object","additionalProperties":{"type":"integer"}}}}"#, #"{"a":{"k":"v"}}"#,
            [#"a.k: Invalid value: "string": a.k in body must be of type integer: "string""#]),
        Case(
            #"{"properties":{"a":{"type":"object","maxProperties":1}}}"#, #"{"a":{"x":1,"y":2}}"#,
            ["a: Too many: 2: must have at most 1 item"]),
        Case(
            #"{"properties":{"a":{"type":"string","format":"ipv4"}}}"#, #"{"a":"1.2.3"}"#,
            [#"a: Invalid value: "1.2.3": a in body must be of type ipv4: "1.2.3""#]),
        Case(#"{"properties":{"a":{"type":"string","format":"date-time"}}}"#, #"{"a":"2024-02-29T10:00:00.5+02:00"}"#),
        Case(#"{"properties":{"a":{"type":"string","format":"nonsense"}}}"#, #"{"a":"whatever"}"#),
        Case(#"{"properties":{"a":{"anyOf":[{"minimum":5},{"maximum":1}]}}}"#, #"{"a":7}"#),
        Case(
            #"{"properties":{"a":{"oneOf":[{"required":["x"]},{"required":["y"]}]}}}"#, #"{"a":{"x":1,"y":2}}"#,
            [
                #"<nil>: Invalid value: "": "a" must validate one and only one schema (oneOf). Found 2 valid alternatives"#
            ]),
        Case(
            #"{"properties":{"a":{"anyOf":[{"required":["x"]}]}}}"#, #"{"a":{}}"#,
            [#"<nil>: Invalid value: "": "a" must validate at least one schema (anyOf)"#, "a.x: Required value"]),
        Case(
            #"{"properties":{"a":{"not":{"required":["x"]}}}}"#, #"{"a":{"x":1}}"#,
            [#"<nil>: Invalid value: "": "a" must not validate the schema (not)"#]),
        Case(
            #"{"properties":{"a":{"allOf":[{"minimum":5},{"maximum":6}]}}}"#, #"{"a":7}"#,
            [
                "a: Invalid value: 7: a in body should be less than or equal to 6",
                #"<nil>: Invalid value: "": "a" must validate all the schemas (allOf)"#,
            ]),
    ]

    @Test(arguments: cases) func messages(_ test: Case) throws {
        #expect(try Self.errors(test.schema, test.value) == test.errors)
    }

    static let map = """
        {"properties":{"l":{"type":"array","x-kubernetes-list-type":"map","x-kubernetes-list-map-keys":["k"],
        "items":{"properties":{"k":{"type":"string"},"v":{"maximum":3}}}},"s":{"properties":{"v":{"maximum":3}}}}}
        """

    @Test func unchangedErrorsAreForgotten() throws {
        let old = #"{"l":[{"k":"a","v":9},{"k":"b","v":1}],"s":{"v":9,"o":1}}"#
        let moved = #"{"l":[{"k":"b","v":1},{"k":"a","v":9,"n":1}],"s":{"v":9,"o":2}}"#
        #expect(try Self.errors(Self.map, moved, replacing: old).isEmpty)
        let worse = #"{"l":[{"k":"b","v":8},{"k":"a","v":9}],"s":{"v":7}}"#
        #expect(try Self.errors(Self.map, worse, replacing: old).map { $0.prefix { $0 != ":" } } == ["l[0].v", "s.v"])
        #expect(try Self.errors(Self.map, moved).count == 2)
    }

    @Test(arguments: [
        ("uuid", "123e4567-e89b-12d3-a456-426614174000", true), ("uuid", "123e4567e89b12d3a456426614174000", true),
        ("uuid4", "123e4567-e89b-12d3-a456-426614174000", false), ("uuid", "123e4567-", false),
        ("ipv6", "::1", true), ("ipv6", "1.2.3.4", false), ("cidr", "10.0.0.0/8", true), ("cidr", "10.0.0.0/33", false),
        ("mac", "01:23:45:67:89:ab", true), ("mac", "01:23:45", false), ("date", "2024-02-30", false),
        ("date", "2024-02-29", true), ("duration", "1h30m", true), ("duration", "22 ns", true),
        ("duration", "3 days", true), ("duration", "soon", false), ("email", "a@b.c", true), ("email", "a b@c", false),
        ("uri", "https://example.com/x", true), ("uri", "not a uri", false), ("hostname", "a-b.example.com", true),
        ("hostname", "-a", false), ("byte", "aGk=", true), ("byte", "%%", false), ("hexcolor", "#ffF", true),
        ("hexcolor", "#ffff", false), ("rgbcolor", "rgb(1, 2, 255)", true), ("rgbcolor", "rgb(1,2,256)", false),
        ("isbn13", "978-0321751041", true), ("isbn10", "0321751043", true), ("isbn10", "0321751044", false),
        ("ssn", "111-22-3333", true), ("creditcard", "4111 1111 1111 1111", true),
        ("creditcard", "4111 1111 1111 1112", false), ("bsonobjectid", "507f1f77bcf86cd799439011", true),
        ("k8s-short-name", "A-b1", true), ("k8s-short-name", "-a", false), ("k8s-long-name", "a.b-C.d", true),
        ("password", "", true),
    ]) func formats(_ format: String, _ text: String, _ isRight: Bool) {
        #expect(SchemaFormats.isKnown(format))
        #expect(SchemaFormats.matches(text, format) == isRight)
    }

    @Test(arguments: [
        (1e6, "1e+06"), (0.5, "0.5"), (3, "3"), (123456, "123456"), (1234567, "1.234567e+06"), (0.00001, "1e-05"),
        (0.0001, "0.0001"), (-2.25, "-2.25"), (0, "0"), (100, "100"),
    ]) func numbersAsGoPrintsThem(_ number: Double, _ text: String) {
        #expect(SchemaText.number(number) == text)
    }
}

@Suite struct SchemaPruningTests {
    private static func json(_ text: String) throws -> JSONObject {
        try JSONParser.parse(Array(text.utf8)).objectValue ?? [:]
    }

    private static func prune(_ schema: String, _ object: String) throws -> (JSONValue, [String]) {
        let objectMeta = try #require(Schema.builtin.message("meta/v1.ObjectMeta"))
        var pruning = SchemaPruning(objectMeta: objectMeta, isLenient: false)
        var object = try json(object)
        try pruning.prune(&object, JSONSchema(.object(try json(schema))))
        return (.object(object), pruning.unknown)
    }

    static let schema = """
        {"type":"object","properties":{
          "a":{"type":"object","properties":{"x":{"type":"integer"},"n":{"type":"string","nullable":true},
            "d":{"type":"string","default":"d"}}},
          "l":{"type":"array","items":{"type":"object","properties":{"x":{"type":"integer"}}}},
          "m":{"type":"object","additionalProperties":{"type":"object","properties":{"x":{"type":"integer"}}}},
          "p":{"type":"object","x-kubernetes-preserve-unknown-fields":true,"properties":{"k":{"type":"object"}}},
          "e":{"type":"object","x-kubernetes-embedded-resource":true,"properties":{"spec":{"type":"object"}}}}}
        """

    @Test(arguments: [
        (#"{"a":{"x":1,"y":2},"z":1}"#, #"{"a":{"x":1}}"#, ["a.y", "z"]),
        (#"{"a":{"x":null,"n":null,"d":null}}"#, #"{"a":{"n":null,"d":null}}"#, []),
        (#"{"l":[{"x":1},{"y":2}]}"#, #"{"l":[{"x":1},{}]}"#, ["l[1].y"]),
        (#"{"m":{"k":{"x":1,"y":2}}}"#, #"{"m":{"k":{"x":1}}}"#, ["m.k.y"]),
        (#"{"p":{"u":{"v":1},"k":{"w":1}}}"#, #"{"p":{"u":{"v":1},"k":{}}}"#, ["p.k.w"]),
        (
            #"{"e":{"apiVersion":"v1","kind":"P","metadata":{"name":"n","bad":1},"spec":{"s":1},"other":1}}"#,
            #"{"e":{"apiVersion":"v1","kind":"P","metadata":{"name":"n"},"spec":{}}}"#,
            ["e.other", "e.spec.s", "e.metadata.bad"]
        ),
        (#"{"metadata":{"name":"n","bad":1},"kind":"K"}"#, #"{"metadata":{"name":"n"},"kind":"K"}"#, ["metadata.bad"]),
    ]) func unknownFieldsGo(_ object: String, _ pruned: String, _ unknown: [String]) throws {
        let (value, paths) = try Self.prune(Self.schema, object)
        #expect(value == .object(try Self.json(pruned)))
        #expect(paths == unknown)
    }

    @Test func malformedMetadataIsRefused() {
        #expect(throws: (any Error).self) { try Self.prune(Self.schema, #"{"metadata":{"labels":{"a":1}}}"#) }
        #expect(throws: (any Error).self) { try Self.prune(Self.schema, #"{"e":{"metadata":{"name":1}}}"#) }
    }

    @Test func defaultsFillGaps() throws {
        let schema = JSONSchema(
            .object(
                try Self.json(
                    """
                    {"type":"object","properties":{"a":{"type":"object","default":{"x":1},"properties":{
                    "x":{"type":"integer"},"y":{"type":"integer","default":2}}},
                    "l":{"type":"array","items":{"type":"object","properties":{"z":{"type":"string","default":"z"}}}},
                    "n":{"type":"string","nullable":true,"default":"n"}}}
                    """)))
        var object = try Self.json(#"{"l":[{},{"z":"q"}],"n":null}"#)
        SchemaDefaults.apply(to: &object, schema)
        #expect(
            JSONValue.object(object)
                == .object(try Self.json(#"{"a":{"x":1,"y":2},"l":[{"z":"z"},{"z":"q"}],"n":null}"#)))
    }

    @Test(arguments: [
        (#"{"s":["a","b","a"]}"#, ["s[2]"]), (#"{"s":["a","b"]}"#, []),
        (#"{"m":[{"k":"a"},{"k":"b"},{"k":"a"},{"k":"a"}]}"#, ["m[2]"]), (#"{"m":[{},{}]}"#, ["m[1]"]),
        (#"{"m":[1]}"#, ["m[0]"]),
    ]) func setsAndMaps(_ object: String, _ paths: [String]) throws {
        let schema = JSONSchema(
            .object(
                try Self.json(
                    """
                    {"properties":{"s":{"type":"array","x-kubernetes-list-type":"set","items":{"type":"string"}},
                    "m":{"type":"array","x-kubernetes-list-type":"map","x-kubernetes-list-map-keys":["k"],
                    "items":{"type":"object"}}}}
                    """)))
        #expect(SchemaListTypes.validate(try Self.json(object), schema).map(\.path) == paths)
    }

    @Test(arguments: [
        (".spec.replicas", ["2"]), (".status.conditions[?(@.type==\"Ready\")].status", ["True"]),
        (".metadata.labels['app\\.x/y']", ["v"]), (".metadata.labels.app\\.x/y", ["v"]), (".list[0]", ["a"]),
        (".list[-1:]", ["c"]), (".list[*]", ["a", "b", "c"]), (".missing.field", []), ("$.spec.replicas", ["2"]),
        (".list[1:2]", ["b"]), ("..replicas", ["2"]),
    ]) func jsonPaths(_ path: String, _ values: [String]) throws {
        let object = JSONValue.object(
            try Self.json(
                """
                {"spec":{"replicas":2},"list":["a","b","c"],"metadata":{"labels":{"app.x/y":"v"}},
                "status":{"conditions":[{"type":"Other","status":"False"},{"type":"Ready","status":"True"}]}}
                """))
        let found = try #require(JSONPath(path)).values(in: object)
        #expect(found.map { $0.stringValue ?? JSONWriter.text(of: $0) } == values)
    }
}
