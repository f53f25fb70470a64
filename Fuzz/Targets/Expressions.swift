import CEL
import JSON

/// Expressions: compiled or refused, and evaluated within their limit of cost.
extension Fuzz {
    private static let environment = CELEnvironment(variables: [
        "obj": .dyn, "str": .string, "strs": .list(.string), "num": .int, "ints": .list(.int),
        "counts": .map(.string, .int),
    ])

    private static let variables: [String: CELValue] = [
        "obj": .dynamic([
            "a": ["b": [1, 2, ["c": "d"]]], "s": "text", "t": true, "z": .null, "list": ["a", "b"], "x-y": 3,
        ]),
        "str": .string("hello"), "strs": .dynamic(["b", "a", "c"]), "num": .int(5), "ints": .dynamic([3, 1, 2]),
        "counts": .dynamic(["one": 1, "two": 2]),
    ]

    static func evaluate(_ bytes: UnsafeBufferPointer<UInt8>) {
        let compilation = environment.compile(String(decoding: bytes, as: UTF8.self))
        require(compilation.issues.isEmpty == (compilation.problem == nil), "issues are told")
        guard compilation.issues.isEmpty, let program = try? compilation.program() else { return }
        let estimate = compilation.cost(UnknownSizes())
        require(estimate.minimum <= estimate.maximum, "the least cost is no more than the most")
        let (result, _) = program.run(variables, costLimit: 20_000)
        if case .success(let value) = result { _ = try? value.json() }
    }
}
