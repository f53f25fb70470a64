import JSON
import Testing

@testable import CEL

/// Values with a schema: how JSON is read, names are escaped, lists compared, and costs estimated and limited.
@Suite struct SchemaTests {
    private static let text = DeclaredType.scalar(.string, maxElements: 10, minSerializedSize: 2)
    private static let item = DeclaredType.object(
        "selfType.items.@idx",
        fields: ["key": .init(jsonName: "key", type: text), "n": .init(jsonName: "n", type: int)])
    private static let int = DeclaredType.scalar(.int, minSerializedSize: 1)

    private static let schema = DeclaredType.object(
        "selfType",
        fields: [
            "name": .init(jsonName: "name", type: text),
            "a__dash__b": .init(jsonName: "a-b", type: int),
            "__namespace__": .init(jsonName: "namespace", type: text),
            "ratio": .init(jsonName: "ratio", type: .scalar(.double, minSerializedSize: 1)),
            "when": .init(jsonName: "when", type: .scalar(.timestamp, format: .dateTime, minSerializedSize: 21)),
            "long": .init(jsonName: "long", type: .scalar(.duration, format: .duration, minSerializedSize: 3)),
            "raw": .init(jsonName: "raw", type: .scalar(.bytes, format: .byte, minSerializedSize: 2)),
            "port": .init(jsonName: "port", type: .intOrString(maxElements: 20)),
            "nothing": .init(
                jsonName: "nothing", type: .scalar(.string, isNullable: true, minSerializedSize: 2)),
            "tags": .init(jsonName: "tags", type: .list(text, semantics: .set, maxElements: 5)),
            "items": .init(jsonName: "items", type: .list(item, semantics: .map(["key"]), maxElements: 4)),
            "labels": .init(jsonName: "labels", type: .map(text, maxElements: 3)),
        ])

    private static let value: JSONValue = [
        "name": "x", "a-b": 5, "namespace": "ns", "ratio": 1, "when": "2020-01-01T00:00:00Z", "long": "90s",
        "raw": "aGk=", "port": "http", "nothing": .null, "tags": ["a", "b"],
        "items": [["key": "k", "n": 1], ["key": "l", "n": 2]], "labels": ["app-name": "web"], "unknown": true,
    ]

    private func run(_ expression: String, old: JSONValue? = nil) -> String {
        let environment = CELEnvironment(
            variables: ["self": Self.schema.type, "oldSelf": Self.schema.type], declared: [Self.schema])
        let compilation = environment.compile(expression)
        if let problem = compilation.issues.first { return "✗ \(problem.message)" }
        do {
            let variables = [
                "self": try CELValue.reading(Self.value, as: Self.schema),
                "oldSelf": try CELValue.reading(old ?? Self.value, as: Self.schema),
            ]
            return Tables.show(try compilation.program().run(variables).result.get())
        } catch {
            return "! \((error as? CELError)?.message ?? "\(error)")"
        }
    }

    @Test(arguments: [
        ("self.name", "\"x\""), ("self.a__dash__b + 1", "6"), ("self.namespace", "\"ns\""),
        ("self.__namespace__", "\"ns\""), ("self.ratio", "1d"), ("self.ratio + 1.5", "2.5d"),
        ("self.when.getFullYear()", "2020"), ("self.long == duration('1m30s')", "true"), ("string(self.raw)", "\"hi\""),
        ("type(self.port) == string", "true"), ("self.port == 'http' || self.port > 5", "true"),
        ("has(self.nothing)", "true"), ("dyn(self.nothing) == null", "true"),
        ("has(self.labels)", "true"), ("self.labels['app-name']", "\"web\""), ("'app-name' in self.labels", "true"),
        ("self.labels.all(k, self.labels[k] == 'web')", "true"), ("self.tags.size()", "2"),
        ("self.items.filter(i, i.n > 1).map(i, i.key)", "[\"l\"]"), ("self.unknown", "✗ undefined field 'unknown'"),
        ("self.name + 1", "✗ found no matching overload for '_+_' applied to '(string, int)'"),
        ("self == oldSelf", "true"), ("self.items[?5].?n.orValue(7)", "7"), ("self.?name.orValue('')", "\"x\""),
        ("self.port + 1", "! no such overload"),
    ])
    func values(_ expression: String, _ outcome: String) { #expect(run(expression) == outcome, "\(expression)") }

    @Test func setsAndMapsHaveNoOrder() {
        var other = Self.value
        other["tags"] = ["b", "a"]
        other["items"] = [["key": "l", "n": 2], ["key": "k", "n": 1]]
        #expect(run("self.tags == oldSelf.tags", old: other) == "true")
        #expect(run("self.items == oldSelf.items", old: other) == "true")
        other["items"] = [["key": "k", "n": 9], ["key": "m", "n": 3]]
        #expect(run("self.items == oldSelf.items", old: other) == "false")
        #expect(run("(self.tags + oldSelf.tags).size()", old: other) == "2")
        #expect(run("(self.items + oldSelf.items).map(i, i.key)", old: other) == "[\"k\", \"l\", \"m\"]")
        #expect(run("(self.items + oldSelf.items)[0].n", old: other) == "9")
    }

    @Test func whatIsNotAsTheSchemaSaysIsAnError() {
        var other = Self.value
        other["name"] = 5
        #expect(run("oldSelf.name == 'x'", old: other) == "! invalid data, expected string")
        other["name"] = .null
        #expect(
            run("oldSelf.name == 'x'", old: other)
                == "! invalid data, got null for schema with nullable=false")
        #expect(run("true || oldSelf.name == 'x'", old: other) == "true")
    }

    @Test(arguments: [
        ("self.name == 'abc'", 2, 3), ("self.name.contains('abc')", 2, 3), ("self.tags.all(t, t == 'x')", 2, 32),
        ("self.tags.all(t, t.matches('^[a-z]+$'))", 2, 47), ("self.items.exists(i, i.n > 3)", 2, 38),
        ("self.labels.all(k, k.size() < 5)", 2, 23),
        ("self.tags.all(a, self.tags.all(b, a == b))", 2, 157),
    ])
    func estimates(_ expression: String, _ least: UInt64, _ most: UInt64) {
        let environment = CELEnvironment(variables: ["self": Self.schema.type], declared: [Self.schema])
        let estimate = environment.compile(expression).cost(DeclaredSizes(Self.schema))
        #expect(estimate.maximum > 0 && estimate.minimum <= estimate.maximum)
        #expect(estimate.minimum <= least + 1 && estimate.maximum <= most * 2, "\(expression): \(estimate)")
    }

    @Test func costsAreLimited() throws {
        let environment = CELEnvironment(variables: ["list": .list(.int)])
        let program = try environment.compile("list.all(a, list.all(b, list.all(c, a + b + c >= 0)))").program()
        let list = CELValue.dynamic(.array((0..<200).map { .integer($0) }))
        let (result, cost) = program.run(["list": list])
        guard case .failure(let error) = result else {
            Issue.record("the limit was not kept")
            return
        }
        #expect(error.isCancelled && error.message == "operation cancelled: actual cost limit exceeded")
        #expect(cost > CELEnvironment.costLimit && cost < CELEnvironment.costLimit + 10)
        // Logic does not swallow the end.
        let swallowing = try environment.compile("true || list.all(a, list.all(b, list.all(c, a >= b)))").program()
        #expect(try swallowing.run(["list": list]).result.get().boolValue == true)
        let ending = try environment.compile("list.all(a, list.all(b, list.all(c, a >= 0))) || true").program()
        #expect(throws: CELError.self) { try ending.run(["list": list]).result.get() }
    }

    @Test(arguments: [
        ("namespace", "__namespace__"), ("a-b", "a__dash__b"), ("a.b/c", "a__dot__b__slash__c"),
        ("a__b", "a__underscores__b"), ("_", "_"), ("plain1", "plain1"), ("if", "__if__"),
    ])
    func escaping(_ name: String, _ escaped: String) {
        #expect(CELEscaping.escape(name) == escaped)
        #expect(CELEscaping.unescape(escaped) == name)
    }

    @Test func namesThatCannotBeEscaped() {
        #expect(CELEscaping.escape("") == nil && CELEscaping.escape("1a") == nil && CELEscaping.escape("a$b") == nil)
        #expect(CELEscaping.unescape("a__nope__b") == nil)
    }

    @Test func questionsAboutPermissions() throws {
        struct Asked: CELAuthorizer {
            func decide(_ check: CELAuthorizationCheck) -> CELDecision {
                if check.verb == "break" { return CELDecision(isAllowed: false, error: "broken") }
                let who = check.serviceAccount.map { "\($0.namespace)/\($0.name)" } ?? "user"
                let what =
                    check.path
                    ?? [check.group, check.resource, check.subresource, check.namespace, check.name].joined(
                        separator: "|")
                return CELDecision(isAllowed: check.verb == "get", reason: "\(who) \(what) \(check.labelSelector)")
            }
        }
        let environment = CELEnvironment(
            variables: ["authorizer": .authorizer, "authorizer.requestResource": .resourceCheck])
        let own = CELAuthorizationCheck(
            group: "g", resource: "r", subresource: "s", namespace: "n", name: "x")
        let variables: [String: CELValue] = [
            "authorizer": .object(CELAuthorizerValue(Asked())),
            "authorizer.requestResource": .object(CELAuthorizerValue(Asked(), resource: own)),
        ]
        for (expression, outcome) in [
            ("authorizer.path('/healthz').check('get').allowed()", "true"),
            ("authorizer.path('/healthz').check('post').allowed()", "false"),
            ("authorizer.path('/healthz').check('get').reason()", "\"user /healthz \""),
            ("authorizer.path(' ').check('get').allowed()", "! path must not be empty"),
            (
                "authorizer.group('apps').resource('deployments').subresource('scale').namespace('d').name('w')"
                    + ".labelSelector('a=b').check('get').reason()", "\"user apps|deployments|scale|d|w a=b\""
            ),
            ("authorizer.requestResource.check('get').reason()", "\"user g|r|s|n|x \""),
            ("authorizer.serviceAccount('d', 'sa').path('/x').check('get').reason()", "\"d/sa /x \""),
            (
                "authorizer.serviceAccount('D_', 'sa').path('/x').check('get').reason()",
                "! Invalid service account namespace"
            ),
            ("authorizer.path('/x').check('break').errored()", "true"),
            ("authorizer.path('/x').check('break').error()", "\"broken\""),
            ("authorizer.group('g').fieldSelector('a')", ""),
        ] {
            let compilation = environment.compile(expression)
            guard compilation.issues.isEmpty else {
                #expect(outcome.isEmpty, "\(expression) \(compilation.problem ?? "")")
                continue
            }
            switch try compilation.program().run(variables).result {
            case .success(let value): #expect(Tables.show(value) == outcome, "\(expression)")
            case .failure(let error): #expect("! \(error.message)" == outcome, "\(expression)")
            }
        }
    }
}
