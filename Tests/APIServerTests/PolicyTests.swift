// Expressions in admission: validating and mutating policies, and match conditions of webhooks.

import CEL
import JSON
import KubeTypes
import Testing

@testable import APIServer

@Suite struct PolicyTests {
    private static let group = "/apis/admissionregistration.k8s.io/v1"
    private static let configMaps = "/api/v1/namespaces/default/configmaps"

    private static let rules: JSONValue = [
        [
            "operations": ["CREATE", "UPDATE"], "apiGroups": [""], "apiVersions": ["v1"],
            "resources": ["configmaps"],
        ]
    ]

    private func policy(_ kind: String, _ name: String, _ spec: JSONValue) -> JSONValue {
        var spec = spec
        if spec["matchConstraints"] == nil { spec["matchConstraints"] = ["resourceRules": Self.rules] }
        return [
            "apiVersion": "admissionregistration.k8s.io/v1", "kind": .string(kind),
            "metadata": ["name": .string(name)], "spec": spec,
        ]
    }

    private func validating(_ name: String, _ spec: JSONValue) -> JSONValue {
        policy("ValidatingAdmissionPolicy", name, spec)
    }

    private func mutating(_ name: String, _ spec: JSONValue) -> JSONValue {
        var spec = spec
        if spec["reinvocationPolicy"] == nil { spec["reinvocationPolicy"] = "Never" }
        return policy("MutatingAdmissionPolicy", name, spec)
    }

    private func bind(
        _ plane: ControlPlane, _ policy: JSONValue, actions: [String] = ["Deny"], _ extra: JSONValue = [:]
    ) async {
        let kind = policy["kind"]?.stringValue ?? ""
        let plural = kind == "ValidatingAdmissionPolicy" ? "validatingadmissionpolicies" : "mutatingadmissionpolicies"
        let made = await plane.call(.POST, "\(Self.group)/\(plural)", policy)
        #expect(made.status == 201, "\(made.text)")
        var spec: JSONValue = ["policyName": .string(policy.name)]
        if kind == "ValidatingAdmissionPolicy" { spec["validationActions"] = .array(actions.map(JSONValue.string)) }
        for (key, value) in extra.objectValue ?? [:] { spec[key] = value }
        let binding: JSONValue = [
            "apiVersion": "admissionregistration.k8s.io/v1", "kind": .string("\(kind)Binding"),
            "metadata": ["name": .string("\(policy.name)-binding")], "spec": spec,
        ]
        let bound = await plane.call(.POST, "\(Self.group)/\(kind.lowercased())bindings", binding)
        #expect(bound.status == 201, "\(bound.text)")
    }

    @Test func aValidatingPolicyRefusesWhatItsExpressionsRefuse() async throws {
        let plane = try await ControlPlane()
        await bind(
            plane,
            validating(
                "p",
                [
                    "variables": [["name": "size", "expression": "object.data.size()"]],
                    "validations": [
                        ["expression": "variables.size < 3", "messageExpression": "'has ' + string(variables.size)"],
                        [
                            "expression": "object.metadata.name != 'bad'", "message": "a bad name",
                            "reason": "Forbidden",
                        ],
                        ["expression": "request.operation != 'UPDATE' || object.data == oldObject.data"],
                    ],
                ]))
        let good = await plane.call(.POST, Self.configMaps, configMap("a", ["x": "1"]))
        #expect(good.status == 201, "\(good.text)")
        let large = await plane.call(.POST, Self.configMaps, configMap("b", ["x": "1", "y": "2", "z": "3"]))
        #expect(large.status == 422 && large.reason == "Invalid")
        #expect(
            large.message
                == "configmaps \"b\" is forbidden: ValidatingAdmissionPolicy 'p' with binding 'p-binding' denied "
                + "request: has 3")
        let bad = await plane.call(.POST, Self.configMaps, configMap("bad"))
        #expect(bad.status == 403 && bad.reason == "Forbidden" && bad.message.hasSuffix("denied request: a bad name"))
        let changed = await plane.call(.PUT, "\(Self.configMaps)/a", configMap("a", ["x": "2"]))
        #expect(changed.status == 422)
        #expect(
            changed.message.hasSuffix(
                "failed expression: request.operation != 'UPDATE' || object.data == oldObject.data"))
    }

    @Test func actionsWarnAndFailurePoliciesDecide() async throws {
        let plane = try await ControlPlane()
        await bind(
            plane, validating("warns", ["validations": [["expression": "false", "message": "look out"]]]),
            actions: ["Warn", "Audit"])
        await bind(
            plane,
            validating(
                "open", ["failurePolicy": "Ignore", "validations": [["expression": "object.nothing.there == 1"]]]))
        let made = await plane.call(.POST, Self.configMaps, configMap("a"))
        #expect(made.status == 201, "\(made.text)")
        #expect(
            made.headers["warning"] == [
                "299 - \"Validation failed for ValidatingAdmissionPolicy 'warns' with binding 'warns-binding': "
                    + "look out\""
            ])
        await bind(
            plane, validating("closed", ["validations": [["expression": "object.nothing.there == 1"]]]))
        let refused = await plane.call(.POST, Self.configMaps, configMap("b"))
        #expect(refused.status == 422)
        #expect(
            refused.message.hasSuffix(
                "expression 'object.nothing.there == 1' resulted in error: no such key: nothing"))
    }

    @Test func parametersComeFromObjects() async throws {
        let plane = try await ControlPlane()
        await plane.call(.POST, Self.configMaps, configMap("limits", ["most": "2"]))
        await bind(
            plane,
            validating(
                "p",
                [
                    "paramKind": ["apiVersion": "v1", "kind": "ConfigMap"],
                    "validations": [["expression": "object.data.size() <= int(params.data.most)"]],
                ]),
            ["paramRef": ["name": "limits", "namespace": "default", "parameterNotFoundAction": "Deny"]])
        #expect(await plane.call(.POST, Self.configMaps, configMap("a", ["x": "1"])).status == 201)
        #expect(
            await plane.call(.POST, Self.configMaps, configMap("b", ["x": "1", "y": "2", "z": "3"])).status == 422)
        #expect(await plane.call(.DELETE, "\(Self.configMaps)/limits").status == 200)
        let missing = await plane.call(.POST, Self.configMaps, configMap("c"))
        #expect(
            missing.message.hasSuffix(
                "failed to configure binding: no params found for policy binding with `Deny` "
                    + "parameterNotFoundAction"))
    }

    @Test func matchConditionsAndSelectorsNarrowAPolicy() async throws {
        let plane = try await ControlPlane()
        await bind(
            plane,
            validating(
                "p",
                [
                    "matchConditions": [["name": "named", "expression": "object.metadata.name.startsWith('x')"]],
                    "validations": [["expression": "false"]],
                ]),
            ["matchResources": ["objectSelector": ["matchLabels": ["strict": "yes"]]]])
        let labels: JSONValue = ["strict": "yes"]
        #expect(await plane.call(.POST, Self.configMaps, configMap("x1", labels: labels)).status == 422)
        #expect(await plane.call(.POST, Self.configMaps, configMap("x2")).status == 201)
        #expect(await plane.call(.POST, Self.configMaps, configMap("y1", labels: labels)).status == 201)
    }

    @Test func expressionsMayAskForPermissions() async throws {
        let plane = try await ControlPlane()
        await bind(
            plane,
            validating(
                "p",
                [
                    "validations": [
                        [
                            "expression":
                                "authorizer.group('').resource('secrets').namespace('default').check('get').allowed()"
                        ],
                        ["expression": "authorizer.requestResource.check('delete').allowed()"],
                        [
                            "expression":
                                "!authorizer.serviceAccount('default', 'none').path('/metrics').check('get').allowed()"
                        ],
                        ["expression": "namespaceObject.metadata.name == 'default'"],
                        ["expression": "request.userInfo.username == 'admin' && !request.dryRun"],
                    ]
                ]))
        let made = await plane.call(.POST, Self.configMaps, configMap("a"))
        #expect(made.status == 201, "\(made.text)")
    }

    @Test func expressionsAreCompiledBeforeTheyAreStored() async throws {
        let plane = try await ControlPlane()
        let wrong = await plane.call(
            .POST, "\(Self.group)/validatingadmissionpolicies",
            validating(
                "p",
                [
                    "matchConditions": [["name": "a", "expression": "nope"]],
                    "variables": [["name": "v", "expression": "1 +"]],
                    "validations": [["expression": "'text'"], ["expression": "variables.unknown"]],
                ]))
        #expect(wrong.status == 422)
        #expect(
            Set(wrong.causes) == [
                "spec.matchConditions[0].expression", "spec.variables[0].expression", "spec.validations[0].expression",
                "spec.validations[1].expression",
            ], "\(wrong.text)")
        #expect(wrong.message.contains("undeclared reference to 'nope' (in container '')"))
        #expect(wrong.message.contains("must evaluate to bool but got string"))
        #expect(wrong.message.contains("undefined field 'unknown'"))
    }

    @Test func theStatusTellsOfTypesThatDoNotFit() async throws {
        let plane = try await ControlPlane()
        let made = await plane.call(
            .POST, "\(Self.group)/validatingadmissionpolicies",
            validating(
                "p",
                [
                    "matchConstraints": [
                        "resourceRules": [
                            [
                                "operations": ["*"], "apiGroups": ["apps"], "apiVersions": ["v1"],
                                "resources": ["deployments"],
                            ]
                        ]
                    ],
                    "validations": [
                        ["expression": "object.spec.replicas > 1"], ["expression": "object.spec.replicas > '1'"],
                        ["expression": "object.spec.maxReplicas > 1"],
                    ],
                ]))
        let warnings = made.json[path: "status", "typeChecking", "expressionWarnings"]?.arrayValue ?? []
        #expect(
            warnings.compactMap { $0["fieldRef"]?.stringValue }
                == ["spec.validations[1].expression", "spec.validations[2].expression"], "\(made.text)")
        #expect(
            warnings.first?["warning"]?.stringValue?.contains(
                "apps/v1, Kind=Deployment: compilation failed: ERROR: <input>:1:22: found no matching overload for "
                    + "'_>_' applied to '(int, string)'") ?? false)
        #expect(warnings.last?["warning"]?.stringValue?.contains("undefined field 'maxReplicas'") ?? false)
    }

    @Test func mutatingPoliciesApplyAndPatch() async throws {
        let plane = try await ControlPlane()
        await bind(
            plane,
            mutating(
                "apply",
                [
                    "variables": [["name": "team", "expression": "'team-' + object.metadata.name"]],
                    "mutations": [
                        [
                            "patchType": "ApplyConfiguration",
                            "applyConfiguration": [
                                "expression":
                                    "Object{metadata: Object.metadata{labels: {'team': variables.team}}, data: {'b': '2'}}"
                            ],
                        ]
                    ],
                ]))
        await bind(
            plane,
            mutating(
                "patch",
                [
                    "mutations": [
                        [
                            "patchType": "JSONPatch",
                            "jsonPatch": [
                                "expression":
                                    """
                                [JSONPatch{op: 'add', path: '/data/' + jsonpatch.escapeKey('c'), value: \
                                object.data.b + '!'}]
                                """
                            ],
                        ]
                    ]
                ]))
        let made = await plane.call(.POST, Self.configMaps, configMap("a"))
        #expect(made.status == 201, "\(made.text)")
        #expect(made.json["data"] == ["a": "1", "b": "2", "c": "2!"])
        #expect(made.json[path: "metadata", "labels", "team"] == "team-a")
    }

    @Test func mutationsThatFailRefuseTheRequest() async throws {
        let plane = try await ControlPlane()
        await bind(
            plane,
            mutating(
                "p",
                [
                    "mutations": [
                        [
                            "patchType": "ApplyConfiguration",
                            "applyConfiguration": ["expression": "Object{metadata: Object.wrong{name: 'x'}}"],
                        ]
                    ]
                ]))
        let refused = await plane.call(.POST, Self.configMaps, configMap("a"))
        #expect(refused.status == 422 || refused.status == 403)
        #expect(
            refused.message
                == "policy 'p' with binding 'p-binding' denied request: type mismatch: unexpected type name "
                + "\"Object.wrong\", expected \"Object.metadata\", which matches field name path from root Object type")
    }

    @Test func conditionsOfWebhooks() throws {
        let compiler = ExpressionMatchConditionCompiler()
        let problems = compiler.problems(
            [["name": "a", "expression": "..."], ["name": "b", "expression": "1"]], path: "webhooks[0].matchConditions")
        #expect(
            problems.map(\.path)
                == ["webhooks[0].matchConditions[0].expression", "webhooks[0].matchConditions[1].expression"])
        #expect(problems[1].message == "Invalid value: \"1\": must evaluate to bool but got int")
        func outcome(_ expressions: String...) -> String {
            let conditions = ExpressionMatchConditions(
                expressions.map { ["name": "x", "expression": .string($0)] })
            switch conditions.matches(["object": .dynamic(["a": 1])]) {
            case .success(let matches): return "\(matches)"
            case .failure(let problem): return problem.detail
            }
        }
        #expect(outcome("object.a == 1", "true") == "true")
        #expect(outcome("object.a == 1", "false") == "false")
        #expect(outcome("object.b == 1", "false") == "false")
        #expect(outcome("object.b == 1", "true") == "expression 'object.b == 1' resulted in error: no such key: b")
    }
}
