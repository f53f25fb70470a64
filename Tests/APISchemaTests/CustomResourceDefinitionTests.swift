import JSON
import KubeTypes
import Testing

@testable import APISchema

@Suite struct CustomResourceDefinitionTests {
    private static let definition = """
        {"apiVersion":"apiextensions.k8s.io/v1","kind":"CustomResourceDefinition","metadata":{"name":"foos.example.com"},
        "spec":{"group":"example.com","scope":"Namespaced","names":{"plural":"foos","kind":"Foo"},
        "versions":[{"name":"v1","served":true,"storage":true,"schema":{"openAPIV3Schema":{"type":"object"}}}]},
        "status":{"storedVersions":["v1"]}}
        """

    private static func make(_ change: (inout JSONValue) -> Void = { _ in }) throws -> JSONValue {
        var object = try JSONParser.parse(Array(definition.utf8))
        change(&object)
        let resource = try #require(
            Schema.builtin.resource(group: "apiextensions.k8s.io", version: "v1", kind: "CustomResourceDefinition"))
        _ = try Schema.builtin.decode(
            &object, as: resource.message, kind: "CustomResourceDefinition", version: "v1")
        Schema.builtin.applyDefaults(to: &object, of: resource)
        return object
    }

    private static func errors(
        replacing old: JSONValue? = nil, _ change: (inout JSONValue) -> Void
    ) throws -> [String] {
        CustomResourceDefinitionRules.validate(try make(change), replacing: old) { _, path, _ in
            [.forbidden(path, "rules")]
        }.map { "\($0.path): \($0.message)" }
    }

    private static func schemaErrors(_ schema: String) throws -> [String] {
        let value = try JSONParser.parse(Array(schema.utf8))
        return try errors { object in
            var version = object["spec"]?["versions"]?[0] ?? [:]
            version["schema"]?["openAPIV3Schema"] = value
            object["spec"]?["versions"] = [version]
        }
    }

    @Test func aPlainDefinitionIsRight() throws {
        let definition = try Self.make()
        #expect(definition[path: "spec", "names", "singular"] == "foo")
        #expect(definition[path: "spec", "names", "listKind"] == "FooList")
        #expect(definition[path: "spec", "conversion", "strategy"] == "None")
        #expect(try Self.errors { _ in }.isEmpty)
    }

    @Test func names() throws {
        #expect(
            try Self.errors { $0["metadata"]?["name"] = "bars.example.com" } == [
                #"metadata.name: Invalid value: "bars.example.com": must be spec.names.plural+"."+spec.group"#
            ])
        #expect(
            try Self.errors {
                $0["metadata"]?["name"] = "foos.example"
                $0["spec"]?["group"] = "example"
            } == [#"spec.group: Invalid value: "example": should be a domain with at least one dot"#])
        #expect(
            try Self.errors { $0["spec"]?["scope"] = "Global" } == [
                #"spec.scope: Unsupported value: "Global": supported values: "Cluster", "Namespaced""#
            ])
        #expect(
            try Self.errors { $0["spec"]?["names"]?["listKind"] = "Foo" } == [
                #"spec.names.listKind: Invalid value: "Foo": kind and listKind may not be the same"#
            ])
        #expect(
            try Self.errors { $0["spec"]?["names"]?["shortNames"] = ["Bad_Name"] }.map { $0.prefix { $0 != ":" } } == [
                "spec.names.shortNames[0]"
            ])
    }

    @Test func versions() throws {
        let second: JSONValue = [
            "name": "v1", "served": true, "storage": true, "schema": ["openAPIV3Schema": ["type": "object"]],
        ]
        let found = try Self.errors { object in
            let versions = object["spec"]?["versions"]?.arrayValue ?? []
            object["spec"]?["versions"] = .array(versions + [second])
        }
        #expect(found.count == 2)
        #expect(found[0].hasSuffix("must contain unique version names"))
        #expect(found[1].hasSuffix("must have exactly one version marked as storage version"))
        #expect(
            try Self.errors { object in
                object["spec"]?["versions"] = [["name": "v1", "served": true, "storage": true]]
            } == ["spec.versions[0].schema.openAPIV3Schema: Required value"])
        #expect(
            try Self.errors { object in
                var version = object["spec"]?["versions"]?[0] ?? [:]
                version["deprecationWarning"] = "old"
                object["spec"]?["versions"] = [version]
            } == [
                #"spec.versions[0].deprecationWarning: Invalid value: "old": can only be set for deprecated versions"#
            ])
        #expect(
            try Self.errors { $0["status"]?["storedVersions"] = ["v1", "v0"] }.map { $0.prefix { $0 != ":" } } == [
                "status.storedVersions[1]"
            ])
    }

    @Test func whatCannotChange() throws {
        var old = try Self.make()
        CustomResourceConditions.set("Established", "True", reason: "r", message: "m", in: &old, now: Time(seconds: 0))
        let found = try Self.errors(replacing: old) { object in
            object["spec"]?["scope"] = "Cluster"
            object["spec"]?["names"]?["kind"] = "Bar"
        }
        #expect(
            found == [
                #"spec.scope: Invalid value: "Cluster": field is immutable"#,
                #"spec.names.kind: Invalid value: "Bar": field is immutable"#,
            ])
    }

    static let schemas: [(String, [String])] = [
        (#"{"type":"object","properties":{"spec":{"type":"object","properties":{"a":{"type":"string"}}}}}"#, []),
        (
            #"{"type":"object","properties":{"spec":{"properties":{"a":{"type":"string"}}}}}"#,
            ["properties[spec].type: Required value: must not be empty for specified object fields"]
        ),
        (
            #"{"type":"object","properties":{"a":{"type":"array"}}}"#,
            ["properties[a].items: Required value: must be specified"]
        ),
        (#"{"properties":{}}"#, ["type: Required value: must not be empty at the root"]),
        (
            #"{"type":"object","anyOf":[{"properties":{"b":{"minimum":1}}}]}"#,
            [
                "properties[b]: Required value: because it is defined in "
                    + "spec.validation.openAPIV3Schema.anyOf[0].properties[b]"
            ]
        ),
        (
            #"{"type":"object","properties":{"b":{"type":"integer"}},"anyOf":[{"properties":{"b":{"type":"integer"}}}]}"#,
            ["anyOf[0].properties[b].type: Forbidden: must be empty to be structural"]
        ),
        (
            #"{"type":"object","properties":{"a":{"x-kubernetes-int-or-string":true,"anyOf":[{"type":"integer"},{"type":"string"}]}}}"#,
            []
        ),
        (
            #"{"type":"object","properties":{"a":{"type":"string","default":5}}}"#,
            [
                #"properties[a].default: Invalid value: "integer":  in body must be of type string: "integer""#
            ]
        ),
        (
            #"{"type":"object","properties":{"a":{"type":"object","default":{"x":1}}}}"#,
            [#"properties[a].default: Invalid value: {"x":1}: must not have unknown fields"#]
        ),
        (
            #"{"type":"object","properties":{"a":{"$ref":"x"}}}"#,
            ["properties[a].$ref: Forbidden: $ref is not supported"]
        ),
        (
            #"{"type":"object","properties":{"a":{"type":"strin"}}}"#,
            [
                #"properties[a].type: Unsupported value: "strin": supported values: "array", "boolean", "integer", "number", "object", "string""#
            ]
        ),
        (
            #"{"type":"object","properties":{"metadata":{"type":"object","properties":{"labels":{"type":"object"}}}}}"#,
            [
                "properties[metadata]: Forbidden: must not specify anything other than name and generateName, but metadata is implicitly specified"
            ]
        ),
        (
            #"{"type":"object","properties":{"metadata":{"type":"object","properties":{"name":{"type":"string","pattern":"^a"}}}}}"#,
            []
        ),
        (
            #"{"type":"object","properties":{"l":{"type":"array","x-kubernetes-list-type":"map","x-kubernetes-list-map-keys":["k"],"items":{"type":"object","properties":{"k":{"type":"string"}}}}}}"#,
            [
                "properties[l].items.properties[k].default: Required value: this property is in x-kubernetes-list-map-keys, so it must have a default or be a required property"
            ]
        ),
        (
            #"{"type":"object","properties":{"l":{"type":"array","x-kubernetes-list-type":"set","items":{"type":"object"}}}}"#,
            [
                "properties[l].items.x-kubernetes-map-type: Invalid value: null: must be atomic as item of a list with x-kubernetes-list-type=set"
            ]
        ),
        (
            #"{"type":"object","properties":{"a":{"type":"object","properties":{"x":{"type":"string"}},"additionalProperties":{"type":"string"}}}}"#,
            ["properties[a].additionalProperties: Forbidden: additionalProperties and properties are mutual exclusive"]
        ),
        (
            #"{"type":"object","properties":{"a":{"type":"string","pattern":"("}}}"#,
            [#"properties[a].pattern: Invalid value: "(": must be a valid regular expression, but isn't: "#]
        ),
        (#"{"type":"object","nullable":true}"#, ["nullable: Forbidden: nullable cannot be true at the root"]),
        (
            #"{"type":"object","properties":{"e":{"type":"object","x-kubernetes-embedded-resource":true}}}"#,
            [
                "properties[e].properties: Required value: must not be empty if x-kubernetes-embedded-resource is true without x-kubernetes-preserve-unknown-fields"
            ]
        ),
        (
            #"{"type":"object","x-kubernetes-validations":[{"rule":""}]}"#,
            ["x-kubernetes-validations[0].rule: Required value: rule is not specified"]
        ),
        (#"{"type":"object","x-kubernetes-validations":[{"rule":"true"}]}"#, [": Forbidden: rules"]),
    ]

    @Test(arguments: schemas) func schemaRules(_ schema: String, _ expected: [String]) throws {
        let found = try Self.schemaErrors(schema).map { error -> String in
            let rest = error.dropFirst("spec.validation.openAPIV3Schema".count)
            return String(rest.hasPrefix(".") ? rest.dropFirst() : rest)
        }
        #expect(found.count == expected.count, "\(found)")
        for (one, other) in zip(found, expected) { #expect(one.hasPrefix(other)) }
    }

    @Test func columnsScaleAndFields() throws {
        func version(_ more: JSONObject) throws -> [String] {
            try Self.errors { object in
                var version = object["spec"]?["versions"]?[0] ?? [:]
                version["schema"]?["openAPIV3Schema"] = [
                    "type": "object",
                    "properties": ["spec": ["type": "object", "properties": ["a": ["type": "string"]]]],
                ]
                for (key, value) in more { version[key] = value }
                object["spec"]?["versions"] = [version]
            }
        }
        #expect(
            try version(["additionalPrinterColumns": [["name": "A", "type": "text", "jsonPath": "spec.a"]]]) == [
                #"spec.additionalPrinterColumns[0].type: Invalid value: "text": must be one of boolean,date,integer,number,string"#,
                #"spec.additionalPrinterColumns[0].JSONPath: Invalid value: "spec.a": must be a simple json path starting with ."#,
            ])
        #expect(
            try version(["subresources": ["scale": ["specReplicasPath": ".status.x", "statusReplicasPath": ""]]]) == [
                #"spec.subresources.scale.specReplicasPath: Invalid value: ".status.x": should be a json path under .spec"#,
                "spec.subresources.scale.statusReplicasPath: Required value",
            ])
        #expect(
            try version(["selectableFields": [["jsonPath": ".spec"], ["jsonPath": ".spec.a"], ["jsonPath": ".spec.a"]]])
                .map { $0.prefix { $0 != ":" } } == [
                    "spec.selectableFields[0].jsonPath", "spec.selectableFields[2].jsonPath",
                ])
    }

    @Test func conversion() throws {
        #expect(
            try Self.errors { $0["spec"]?["conversion"] = ["strategy": "Webhook"] } == [
                "spec.conversion.webhookClientConfig: Required value: required when strategy is set to Webhook",
                "spec.conversion.conversionReviewVersions: Required value",
            ])
        #expect(
            try Self.errors { object in
                object["spec"]?["conversion"] = [
                    "strategy": "Webhook",
                    "webhook": [
                        "clientConfig": ["url": "http://x/y?z"], "conversionReviewVersions": ["v9"],
                    ],
                ]
            } == [
                #"spec.conversion.webhookClientConfig.url: Invalid value: "http": 'https' is the only allowed URL scheme; desired format: https://host[/path]"#,
                #"spec.conversion.webhookClientConfig.url: Invalid value: "z": query parameters are not permitted in the URL"#,
                #"spec.conversion.conversionReviewVersions: Invalid value: ["v9"]: must include at least one of v1, v1beta1"#,
            ])
    }

    @Test func versionsInTheOrderOfPreference() {
        let sorted = ["v1beta1", "foo1", "v10", "v1", "v2alpha1", "v11beta2", "v2", "foo10"].sorted(
            by: APIVersionOrder.precedes)
        #expect(sorted == ["v10", "v2", "v1", "v11beta2", "v1beta1", "v2alpha1", "foo1", "foo10"])
    }
}
