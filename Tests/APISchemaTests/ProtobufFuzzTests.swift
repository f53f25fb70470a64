// Bodies that nobody meant, from seeds: truncated, changed, spliced and nested. Whatever comes is read or refused, in
// time and memory that its length bounds.

import JSON
import KubeTypes
import Testing

@testable import APISchema

/// SplitMix64: the same numbers for the same seed on every machine.
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var value = state
        value = (value ^ (value >> 30)) &* 0xbf58_476d_1ce4_e5b9
        value = (value ^ (value >> 27)) &* 0x94d0_49bb_1331_11eb
        return value ^ (value >> 31)
    }
}

@Suite struct ProtobufFuzzTests {
    private static let kinds = [
        ("v1", "Pod"), ("apps/v1", "Deployment"), ("v1", "Secret"), ("v1", "PersistentVolume"),
        ("apiextensions.k8s.io/v1", "CustomResourceDefinition"), ("resource.k8s.io/v1", "ResourceSlice"),
        ("admissionregistration.k8s.io/v1", "ValidatingWebhookConfiguration"), ("v1", "DeleteOptions"),
        ("authorization.k8s.io/v1", "SubjectAccessReview"), ("events.k8s.io/v1", "Event"),
    ]

    private func seedBodies() throws -> [[UInt8]] {
        try Self.kinds.map { apiVersion, kind in
            let message = try #require(Schema.builtin.protobufMessage(apiVersion: apiVersion, kind: kind))
            var sample = Sample()
            var object = sample.object(message)
            object["apiVersion"] = .string(apiVersion)
            object["kind"] = .string(kind)
            return try #require(Schema.builtin.encodeProtobuf(.object(object)))
        }
    }

    private func mutated(_ bytes: [UInt8], with other: [UInt8], _ random: inout SeededGenerator) -> [UInt8] {
        var bytes = bytes
        for _ in 0..<Int.random(in: 1...4, using: &random) {
            guard bytes.count > 8 else { return bytes }
            let place = Int.random(in: 4..<bytes.count, using: &random)
            switch Int.random(in: 0..<7, using: &random) {
            case 0: bytes.removeLast(bytes.count - place)
            case 1: bytes[place] = UInt8.random(in: 0...255, using: &random)
            case 2: bytes[place] ^= 1 << UInt8.random(in: 0..<8, using: &random)
            case 3: bytes.insert(contentsOf: [0xff, 0xff, 0xff, 0xff, 0x0f], at: place)
            case 4: bytes.removeSubrange(place..<min(bytes.count, place + Int.random(in: 1...64, using: &random)))
            case 5:
                let start = Int.random(in: 0..<other.count, using: &random)
                bytes.insert(contentsOf: other[start..<min(other.count, start + 200)], at: place)
            default:
                // A part of itself again and again: fields that repeat.
                let part = Array(bytes[place..<min(bytes.count, place + 40)])
                for _ in 0..<20 { bytes.insert(contentsOf: part, at: place) }
            }
        }
        return bytes
    }

    @Test(arguments: [1, 2, 3, 4] as [UInt64])
    func changedBodiesAreReadOrRefused(_ seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let bodies = try seedBodies()
        for _ in 0..<400 {
            guard let base = bodies.randomElement(using: &random), let other = bodies.randomElement(using: &random)
            else { return }
            let body = mutated(base, with: other, &random)
            guard let value = try? Schema.builtin.decodeProtobuf(body) else { continue }
            // What was read can be written and read again, and is the same.
            guard let written = Schema.builtin.encodeProtobuf(value) else { continue }
            let again = try Schema.builtin.decodeProtobuf(written)
            let isStable = try Schema.builtin.encodeProtobuf(again) == written
            #expect(isStable, "seed \(seed)")
        }
    }

    /// The smallest elements, as many as fit: what comes of them is bounded by the size of the body.
    @Test(arguments: [
        // containers {} · labels ["": ""] · args [""] · supplementalGroups packed · metadata again and again
        ("v1", "Pod", [0x12, 0x02, 0x12, 0x00] as [UInt8]), ("v1", "Pod", [0x0a, 0x02, 0x5a, 0x00]),
        ("v1", "Pod", [0x0a, 0x00]), ("v1", "Secret", [0x12, 0x00]),
        ("v1", "Pod", [0x12, 0x05, 0x72, 0x03, 0x22, 0x01, 0x00]),
    ])
    func manySmallElements(_ apiVersion: String, _ kind: String, _ part: [UInt8]) throws {
        var content: [UInt8] = []
        while content.count < 200_000 { content += part }
        let body = Schema.builtin.protobufEnvelope(apiVersion: apiVersion, kind: kind, body: content)
        let clock = ContinuousClock()
        let duration = clock.measure { _ = try? Schema.builtin.decodeProtobuf(body) }
        // Quadratic work would take minutes.
        #expect(duration < .seconds(60))
    }
}
