import Testing

@testable import HTTPServer

@Suite struct HTTPPiecesTests {
    @Test(arguments: [
        (784_111_777, "Sun, 06 Nov 1994 08:49:37 GMT"), (0, "Thu, 01 Jan 1970 00:00:00 GMT"),
        (1_709_164_800, "Thu, 29 Feb 2024 00:00:00 GMT"),
    ])
    func dates(_ seconds: Int, _ text: String) { #expect(HTTPDate.format(seconds) == text) }

    @Test(
        arguments: [
            ("/a?b", "/a?b"), ("*", "*"), ("http://h/p?q", "/p?q"), ("http://h", "/"), ("http://h?q", "/?q"),
            ("a/b", nil), ("", nil),
        ] as [(String, String?)])
    func targets(_ target: String, _ form: String?) { #expect(originForm(of: target) == form) }

    @Test func theBudgetIsKept() {
        let budget = BodyBudget(limit: 100)
        #expect(budget.take(60))
        #expect(!budget.take(41))
        #expect(budget.take(40))
        #expect(budget.inUse == 100)
        budget.giveBack(100)
        #expect(budget.inUse == 0)
    }
}
