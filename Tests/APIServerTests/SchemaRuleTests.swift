// Rules of custom resources in the expression language.

import APISchema
import JSON
import KubeTypes
import Testing

@testable import APIServer

@Suite struct SchemaRuleTests {
    private func schema(_ spec: JSONValue, _ rules: JSONValue = []) -> JSONSchema {
        JSONSchema(["type": "object", "x-kubernetes-validations": rules, "properties": ["spec": spec]])
    }

    private func errors(_ schema: JSONSchema, _ object: JSONValue, _ old: JSONValue? = nil) -> [String] {
        (SchemaRules().checker(of: schema)?.validate(object, replacing: old) ?? []).map { "\($0.path): \($0.message)" }
    }

    private func problems(_ schema: JSONSchema, old: JSONSchema? = nil) -> [String] {
        SchemaRules().problems(of: schema, at: "schema", old: old).map { "\($0.path): \($0.message)" }
    }

    @Test func rulesAreEvaluatedWhereTheyStand() {
        let schema = schema(
            [
                "type": "object",
                "x-kubernetes-validations": [
                    ["rule": "self.min <= self.max", "message": "min must not exceed max", "fieldPath": ".min"]
                ],
                "properties": [
                    "min": ["type": "integer"], "max": ["type": "integer"],
                    "names": [
                        "type": "array",
                        "items": [
                            "type": "string",
                            "x-kubernetes-validations": [
                                ["rule": "self.startsWith('x')", "messageExpression": "self + ' must begin with x'"]
                            ],
                        ],
                    ],
                    "labels": [
                        "type": "object",
                        "additionalProperties": [
                            "type": "string",
                            "x-kubernetes-validations": [["rule": "self != ''", "reason": "FieldValueRequired"]],
                        ],
                    ],
                ],
            ], [["rule": "self.metadata.name.size() < 5"]])
        let object: JSONValue = [
            "metadata": ["name": "long-name"],
            "spec": ["min": 3, "max": 2, "names": ["x1", "y"], "labels": ["a": "", "b": "c"]],
        ]
        #expect(
            errors(schema, object) == [
                "<nil>: Invalid value: failed rule: self.metadata.name.size() < 5",
                "spec.min: Invalid value: min must not exceed max",
                "spec.names[1]: Invalid value: \"y\": y must begin with x",
                "spec.labels[a]: Required value: failed rule: self != ''",
            ])
        #expect(errors(schema, ["metadata": ["name": "ok"], "spec": ["min": 1, "max": 2]]).isEmpty)
    }

    @Test func transitionsCompareWithWhatWasThere() {
        let schema = schema([
            "type": "object",
            "properties": [
                "fixed": [
                    "type": "string",
                    "x-kubernetes-validations": [["rule": "self == oldSelf", "message": "immutable"]],
                ],
                "parts": [
                    "type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"],
                    "items": [
                        "type": "object", "required": ["name"],
                        "properties": ["name": ["type": "string"], "size": ["type": "integer"]],
                        "x-kubernetes-validations": [["rule": "self.size >= oldSelf.size"]],
                    ],
                ],
                "counted": [
                    "type": "integer",
                    "x-kubernetes-validations": [
                        ["rule": "oldSelf.hasValue() ? self > oldSelf.value() : self == 0", "optionalOldSelf": true]
                    ],
                ],
            ],
        ])
        #expect(problems(schema).isEmpty, "\(problems(schema))")
        let old: JSONValue = [
            "spec": ["fixed": "a", "parts": [["name": "p", "size": 3], ["name": "q", "size": 1]], "counted": 4]
        ]
        #expect(errors(schema, ["spec": ["fixed": "a", "counted": 0]]).isEmpty)
        let new: JSONValue = [
            "spec": [
                "fixed": "b",
                "parts": [["name": "q", "size": 2], ["name": "p", "size": 2], ["name": "r", "size": 0]],
                "counted": 4,
            ]
        ]
        #expect(
            errors(schema, new, old) == [
                "spec.fixed: Invalid value: \"b\": immutable",
                "spec.parts[1]: Invalid value: failed rule: self.size >= oldSelf.size",
                "spec.counted: Invalid value: 4: failed rule: oldSelf.hasValue() ? self > oldSelf.value() : self == 0",
            ])
    }

    @Test func whatWasWrongBeforeMayStay() {
        let schema = schema([
            "type": "object",
            "properties": [
                "a": ["type": "integer", "x-kubernetes-validations": [["rule": "self > 0"]]],
                "b": ["type": "integer"],
            ],
        ])
        let old: JSONValue = ["spec": ["a": 0, "b": 1]]
        #expect(errors(schema, ["spec": ["a": 0, "b": 2]], old).isEmpty)
        #expect(
            errors(schema, ["spec": ["a": -1, "b": 1]], old) == ["spec.a: Invalid value: -1: failed rule: self > 0"])
    }

    @Test func definitionsAreRefusedThatCannotWork() {
        let schema = schema([
            "type": "object",
            "properties": [
                "text": [
                    "type": "string",
                    "x-kubernetes-validations": [
                        ["rule": "self.nope"], ["rule": "size(self)"], ["rule": "self == "], ["rule": "self == 'a'"],
                        ["rule": "self == 'a'", "messageExpression": "1"],
                        ["rule": "self == 'a'", "optionalOldSelf": true],
                    ],
                ],
                "list": [
                    "type": "array", "maxItems": 5,
                    "items": [
                        "type": "string", "maxLength": 5, "x-kubernetes-validations": [["rule": "self == oldSelf"]],
                    ],
                ],
            ],
        ])
        let found = problems(schema)
        let text = "schema.properties[spec].properties[text].x-kubernetes-validations"
        func has(_ path: String, _ message: String) -> Bool {
            found.contains { $0.hasPrefix("\(path): ") && $0.contains(message) }
        }
        #expect(has("\(text)[0].rule", "type 'string' does not support field selection"))
        #expect(has("\(text)[1].rule", "cel expression must evaluate to a bool"))
        #expect(has("\(text)[2].rule", "Syntax error: mismatched input '<EOF>'"))
        #expect(has("\(text)[4].messageExpression", "messageExpression must evaluate to a string"))
        #expect(has("\(text)[5].optionalOldSelf", "may not be set if oldSelf is not used in rule"))
        #expect(
            has(
                "schema.properties[spec].properties[list].items.x-kubernetes-validations[0].rule",
                "oldSelf cannot be used on the uncorrelatable portion of the schema within "
                    + "schema.properties[spec].properties[list]"))
        #expect(found.count == 6, "\(found)")
    }

    @Test func structureOfRules() {
        let schema = schema([
            "type": "object", "properties": ["a": ["type": "string"]],
            "x-kubernetes-validations": [
                ["rule": " "], ["rule": "true", "message": " "], ["rule": "true\n", "message": "a\nb"],
                ["rule": "true", "reason": "Because"], ["rule": "true", "fieldPath": ".b"],
                ["rule": "true", "fieldPath": ".a"],
            ],
        ])
        let path = "schema.properties[spec].x-kubernetes-validations"
        #expect(
            problems(schema) == [
                "\(path)[0].rule: Required value: rule is not specified",
                "\(path)[1].message: Invalid value: \" \": must be non-empty if specified",
                "\(path)[2].message: Invalid value: \"a\\nb\": must not contain line breaks",
                "\(path)[3].reason: Unsupported value: \"Because\": supported values: \"FieldValueDuplicate\", "
                    + "\"FieldValueForbidden\", \"FieldValueInvalid\", \"FieldValueRequired\"",
                "\(path)[4].fieldPath: Invalid value: \".b\": must be a valid path",
            ])
    }

    @Test func costsOfDefinitionsAreLimited() {
        let unbounded = schema([
            "type": "object",
            "properties": [
                "x": [
                    "type": "array",
                    "items": ["type": "array", "items": ["type": "string"]],
                    "x-kubernetes-validations": [["rule": "self.all(a, a.all(b, b.contains('abc')))"]],
                ]
            ],
        ])
        let found = problems(unbounded)
        #expect(
            found.first
                == "schema.properties[spec].properties[x].x-kubernetes-validations[0].rule: Forbidden: estimated rule "
                + "cost exceeds budget by factor of more than 100x (try simplifying the rule, or adding maxItems, "
                + "maxProperties, and maxLength where arrays, maps, and strings are declared)")
        #expect(
            found.last
                == "schema: Forbidden: x-kubernetes-validations estimated rule cost total for entire OpenAPIv3 schema "
                + "exceeds budget by factor of more than 100x (try simplifying the rule, or adding maxItems, "
                + "maxProperties, and maxLength where arrays, maps, and strings are declared)")
        // What was accepted once may stay.
        #expect(problems(unbounded, old: unbounded).isEmpty)
    }

    @Test func runsAreLimited() {
        let schema = schema([
            "type": "object",
            "properties": [
                "x": [
                    "type": "array", "items": ["type": "integer"],
                    "x-kubernetes-validations": [["rule": "self.all(a, self.all(b, self.all(c, a + b + c >= 0)))"]],
                ]
            ],
        ])
        let values = JSONValue.array((0..<300).map { .integer($0) })
        #expect(
            errors(schema, ["spec": ["x": values]]) == [
                "spec.x: Invalid value: \"array\": 'operation cancelled: actual cost limit exceeded': no further "
                    + "validation rules will be run due to call cost exceeds limit for rule: "
                    + "self.all(a, self.all(b, self.all(c, a + b + c >= 0)))"
            ])
    }
}
