// Selectors that nobody meant: read or refused, and what is read selects the same when it is read again.

import APISchema
import JSON
import KubeTypes
import Testing

@testable import APIServer

@Suite struct SelectorFuzzTests {
    private struct Generator: RandomNumberGenerator {
        var state: UInt64
        mutating func next() -> UInt64 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return state ^ (state >> 29)
        }
    }

    private static let pieces = [
        "a", "app", "example.com/name", "in", "notin", "(", ")", "(a,b)", ",", "=", "==", "!=", "!", ">", "<", " ",
        "\\", "\\,", "\\=", "metadata.name", "spec.nodeName", "1", "-1", "\u{0}", "é", "%", "..", "/",
    ]

    @Test(arguments: [1, 2, 3] as [UInt64])
    func whateverComes(_ seed: UInt64) {
        var random = Generator(state: seed)
        for _ in 0..<3000 {
            var text = ""
            for _ in 0..<Int.random(in: 0...12, using: &random) {
                text += Self.pieces.randomElement(using: &random) ?? ""
            }
            if let labels = try? LabelSelectorText.parse(text) {
                _ = labels.matches(["app": "a", "example.com/name": "1"])
            }
            if let fields = try? FieldSelector.parse(text) {
                for resource in ["pods", "configmaps", "events"] {
                    _ = try? SelectableFields.resolve(fields, resource: resource, group: "")
                }
            }
        }
    }

    @Test func longSelectorsTakeNoLongTime() {
        let many = (0..<20_000).map { "k\($0)=v" }.joined(separator: ",")
        let nested = String(repeating: "(", count: 100_000)
        let escaped = String(repeating: "\\", count: 100_000)
        let duration = ContinuousClock().measure {
            for text in [many, nested, escaped] {
                _ = try? LabelSelectorText.parse(text)
                _ = try? FieldSelector.parse(text)
            }
        }
        #expect(duration < .seconds(20))
    }
}
