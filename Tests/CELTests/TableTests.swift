import Testing

@testable import CEL

/// Every function and operator, with the results, messages and costs of cel-go and Kubernetes.
@Suite struct TableTests {
    @Test(arguments: [
        ("literals", Tables.literals), ("operators", Tables.operators), ("macros", Tables.macros),
        ("optionals", Tables.optionals), ("strings", Tables.strings), ("patterns", Tables.patterns),
        ("conversions", Tables.conversions), ("lists", Tables.lists), ("kubernetes", Tables.kubernetes),
        ("costs", Tables.costs),
    ])
    func outcomes(_ name: String, _ table: String) {
        let rows = Tables.rows(table)
        #expect(!rows.isEmpty)
        for (expression, outcome) in rows {
            let found = Tables.outcome(of: expression)
            #expect(found == outcome, "\(expression)")
        }
    }

    @Test func everyFunctionIsInATable() {
        let tables =
            Tables.operators + Tables.macros + Tables.optionals + Tables.strings + Tables.conversions + Tables.lists
            + Tables.kubernetes
        let asked: Set<String> = [
            "check", "path", "group", "resource", "subresource", "namespace", "name", "serviceAccount",
            "fieldSelector", "labelSelector", "allowed", "reason", "errored", "error",
        ]
        for name in Declarations.standard.functions.keys
        where name.first.map { $0.isLetter } ?? false && !name.contains("@") && !asked.contains(name) {
            #expect(tables.contains("\(name)("), "\(name)")
        }
    }

    @Test func messagesShowTheLine() {
        let problem = Tables.environment.compile("1 == 1 &&\n  'é' == nope").problem
        #expect(
            problem == """
                ERROR: <input>:2:10: undeclared reference to 'nope' (in container '')
                 |   'é' == nope
                 | ...．.....^
                """)
    }
}
