import Testing

@testable import LinearRegex

/// Patterns with RE2's syntax: what they find, what is wrong with them, and that none of them runs on.
@Suite struct RegularExpressionTests {
    @Test(arguments: [
        ("^a+$", "aaa", true), ("^a+$", "aab", false), ("b|c", "xxc", true), ("^b|c$", "ac", true), ("^$", "", true),
        ("^[a-z0-9]([-a-z0-9]*[a-z0-9])?$", "my-name", true), ("^[a-z0-9]([-a-z0-9]*[a-z0-9])?$", "my-", false),
        ("(?i)STRAßE", "straße", true), ("\\bfoo\\b", "a foo b", true), ("\\bfoo\\b", "afoo", false),
        ("^.$", "é", true), ("^.$", "\n", false), ("(?s)^.$", "\n", true), ("\\pL", "1ж", true),
        ("^\\d{2,3}$", "1234", false),
        ("\\x41", "A", true), ("[[:upper:]]", "a", false), ("a{0}b", "b", true), ("(?m)^b$", "a\nb\nc", true),
    ])
    func finds(pattern: String, text: String, isFound: Bool) throws {
        #expect(try RegularExpression(pattern).isFound(in: text) == isFound)
    }

    @Test(arguments: [
        ("(", "error parsing regexp: missing closing ): `(`"),
        ("a**", "error parsing regexp: invalid nested repetition operator: `**`"),
        ("(?=a)", "error parsing regexp: invalid or unsupported Perl syntax: `(?=`"),
        ("[a", "error parsing regexp: missing closing ]: `[a`"),
        ("a{1001}", "error parsing regexp: invalid repeat count: `{1001}`"),
        ("\\1", "error parsing regexp: invalid escape sequence: `\\1`"),
        (")", "error parsing regexp: unexpected ): `)`"),
    ])
    func refuses(pattern: String, message: String) {
        #expect(throws: RegularExpression.Problem(message: message)) { try RegularExpression(pattern) }
    }

    /// What makes an engine that goes back try for longer than the universe is old.
    @Test(arguments: [
        "^(a+)+$", "^(a|a)*$", "^(a|aa)+$", "(.*a){12}$", "^(([a-z])+.)+[A-Z]([a-z])+$", "(a?){20}a{20}b",
    ])
    func hardPatternsEnd(pattern: String) throws {
        #expect(try !RegularExpression(pattern).isFound(in: String(repeating: "a", count: 300) + "!"))
    }

    @Test func tooMuchIsRefused() throws {
        #expect(throws: RegularExpression.Problem.self) { try RegularExpression("((a{30}){30}){30}{30}") }
        let pattern = try RegularExpression("(x?){90}y", mostSteps: 10_000)
        #expect(throws: RegularExpression.Exhausted.self) {
            try pattern.isFound(in: String(repeating: "x", count: 5000))
        }
    }

    @Test func randomPatternsComeToAnEnd() throws {
        var state: UInt64 = 99
        func next(_ bound: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int(state >> 33) % bound
        }
        let parts = [
            "a", "b", ".", "[ab]", "[^a]", "(", ")", "|", "*", "+", "?", "{2}", "{1,3}", "^", "$", "\\b", "\\d", "\\w+",
            "(?i)", "(?:", "(?s)", "\\pL", "[[:alpha:]]", "\\Q", "\\E", "x",
        ]
        let texts = ["ab", "aé1", "aaab\n", ""]
        for _ in 0..<1000 {
            let pattern = (0..<next(8) + 1).map { _ in parts[next(parts.count)] }.joined()
            guard let expression = try? RegularExpression(pattern) else { continue }
            let text = String(repeating: texts[next(texts.count)], count: 20)
            #expect(
                try expression.isFound(in: text) == !expression.matches(in: text, limit: .max).isEmpty, "\(pattern)")
        }
    }
}
