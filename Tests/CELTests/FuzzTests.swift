import JSON
import Testing

@testable import CEL

/// Random expressions and texts: nothing crashes, nothing runs on, and what an expression costs stays within its limit.
@Suite struct FuzzTests {
    /// A generator of the same numbers on every run.
    private struct SplitMix: RandomNumberGenerator {
        var state: UInt64

        mutating func next() -> UInt64 {
            state &+= 0x9e37_79b9_7f4a_7c15
            var value = state
            value = (value ^ (value >> 30)) &* 0xbf58_476d_1ce4_e5b9
            value = (value ^ (value >> 27)) &* 0x94d0_49bb_1331_11eb
            return value ^ (value >> 31)
        }
    }

    private struct Generator {
        var random: SplitMix

        mutating func pick<Element>(_ elements: [Element]) -> Element {
            elements[Int.random(in: 0..<elements.count, using: &random)]
        }

        private static let leaves = [
            "1", "-3", "0", "9223372036854775807", "2u", "1.5", "'a'", "'héllo'", "''", "b'x'", "true", "false",
            "null",
            "[]", "{}", "obj", "obj.a.b", "obj.s", "obj.missing", "str", "strs", "ints", "num", "counts", "x", "y",
            "duration('1h')", "timestamp('2020-01-01T00:00:00Z')", "quantity('1Gi')", "ip('10.0.0.1')",
            "cidr('10.0.0.0/8')", "url('https://a.b:80/c?d=e')", "semver('1.2.3')", "optional.none()",
        ]
        private static let binary = [
            "+", "-", "*", "/", "%", "==", "!=", "<", "<=", ">", ">=", "&&", "||", "in",
        ]
        private static let members: [(String, Int)] = Declarations.standard.functions.flatMap { name, overloads in
            overloads.filter { $0.isMember && !name.contains("@") }.map { (name, $0.arguments.count - 1) }
        }.sorted { ($0.0, $0.1) < ($1.0, $1.1) }
        private static let globals: [(String, Int)] = Declarations.standard.functions.flatMap { name, overloads in
            overloads.filter { !$0.isMember && name.allSatisfy { $0.isLetter || $0 == "." } }
                .map { (name, $0.arguments.count) }
        }.sorted { ($0.0, $0.1) < ($1.0, $1.1) }

        mutating func expression(_ depth: Int) -> String {
            if depth == 0 { return pick(Self.leaves) }
            switch Int.random(in: 0..<12, using: &random) {
            case 0, 1, 2: return "(\(expression(depth - 1)) \(pick(Self.binary)) \(expression(depth - 1)))"
            case 3: return "\(pick(["!", "-"]))\(expression(depth - 1))"
            case 4: return "(\(expression(depth - 1)) ? \(expression(depth - 1)) : \(expression(depth - 1)))"
            case 5: return "[\(expression(depth - 1)), \(expression(depth - 1))]"
            case 6: return "{\(expression(depth - 1)): \(expression(depth - 1))}"
            case 7: return "\(expression(depth - 1))[\(pick(["", "?"]))\(expression(depth - 1))]"
            case 8:
                let macro = pick(["all", "exists", "exists_one", "map", "filter", "sortBy", "optMap"])
                return "\(expression(depth - 1)).\(macro)(x, \(expression(depth - 1)))"
            case 9:
                let macro = pick(["all", "exists", "existsOne", "transformList", "transformMap"])
                return "\(expression(depth - 1)).\(macro)(x, y, \(expression(depth - 1)))"
            case 10:
                let (name, count) = pick(Self.members)
                let arguments = (0..<count).map { _ in expression(depth - 1) }.joined(separator: ", ")
                return "dyn(\(expression(depth - 1))).\(name)(\(arguments))"
            default:
                let (name, count) = pick(Self.globals)
                return "\(name)(\((0..<count).map { _ in "dyn(\(expression(depth - 1)))" }.joined(separator: ", ")))"
            }
        }
    }

    @Test func randomExpressionsComeToAnEnd() {
        var generator = Generator(random: SplitMix(state: 20_260_401))
        var compiled = 0
        var succeeded = 0
        for _ in 0..<4000 {
            let text = generator.expression(Int.random(in: 1...4, using: &generator.random))
            let compilation = Tables.environment.compile(text)
            guard compilation.issues.isEmpty, let program = try? compilation.program() else { continue }
            compiled += 1
            let estimate = compilation.cost(UnknownSizes())
            #expect(estimate.minimum <= estimate.maximum, "\(text)")
            let (result, _) = program.run(Tables.variables, costLimit: 20_000)
            if case .success(let value) = result {
                succeeded += 1
                _ = Tables.show(value)
                _ = try? value.json()
            }
        }
        // The generator is of use only as long as much of what it makes can be run.
        #expect(compiled > 300 && succeeded > 50, "\(compiled) \(succeeded)")
    }

    @Test func brokenTextsAreRefusedOrCompiled() {
        var generator = Generator(random: SplitMix(state: 7))
        let alphabet = Array("abx01.,:;?!&|+-*/%<>=()[]{}'\"\\`@#$ \n\tuéru".unicodeScalars)
        for _ in 0..<3000 {
            var scalars = Array(generator.expression(2).unicodeScalars)
            for _ in 0..<Int.random(in: 1...4, using: &generator.random) {
                let position = Int.random(in: 0...scalars.count, using: &generator.random)
                if position < scalars.count, Bool.random(using: &generator.random) {
                    scalars.remove(at: position)
                } else {
                    scalars.insert(generator.pick(alphabet), at: position)
                }
            }
            let compilation = Tables.environment.compile(scalars.joinedText)
            #expect(compilation.issues.isEmpty || compilation.problem != nil)
        }
    }

    /// What the fuzzers and reading have found; kept so that it stays found.
    @Test(arguments: [
        String(repeating: "(", count: 5000), String(repeating: "[", count: 5000), String(repeating: "!", count: 90_000),
        String(repeating: "-", count: 90_000) + "1", "1" + String(repeating: "+1", count: 300),
        "obj" + String(repeating: ".a", count: 300), "true" + String(repeating: " ? true : true", count: 300),
        "obj" + String(repeating: "[0]", count: 300), String(repeating: "a", count: 100_001),
        "optional.of(1)" + String(repeating: ".optMap(x, x)", count: 40),
        "'" + String(repeating: "\\", count: 99) + "'",
        "\u{0}", "\u{feff}1", "'\u{202e}'", "`", "``", "0x", "1e", "1e+", "0xu", ".", "..", "?", ":", "b", "r'", "br\"",
    ])
    func hardTexts(_ text: String) {
        let compilation = Tables.environment.compile(text)
        if let program = try? compilation.program() { _ = program.run(Tables.variables) }
    }

    @Test func deepButAllowed() throws {
        let text = String(repeating: "(", count: 200) + "1" + String(repeating: ")", count: 200)
        #expect(Tables.outcome(of: text) == "1 ¢ 0 of 0…0")
        let logic = Array(repeating: "true", count: 2000).joined(separator: " && ")
        #expect(Tables.outcome(of: logic).hasPrefix("true"))
        let recursion = Tables.environment.compile(String(repeating: "(", count: 300) + "1")
        #expect(recursion.issues.contains { $0.message == "expression recursion limit exceeded: 250" })
    }
}
