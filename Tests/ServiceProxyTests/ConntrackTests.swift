import KubeTypes
import Testing

@testable import ServiceProxy

@Suite struct ConntrackTests {
    private static func address(_ text: String) throws -> IPAddress { try #require(IPAddress(text)) }

    private func flow() throws -> Flow {
        Flow(
            source: try Self.address("10.244.0.9"), sourcePort: 4711, destination: try Self.address("10.96.0.10"),
            destinationPort: 53, replySource: try Self.address("10.244.0.1"), replySourcePort: 10053,
            identifier: 0x0102_0304)
    }

    /// As the kernel sends an entry, with an attribute more than we know.
    private static func entry(_ number: UInt8 = 17, _ flags: UInt16 = 2) -> [UInt8] {
        func attribute(_ type: UInt16, _ value: [UInt8]) -> [UInt8] {
            let size = UInt16(4 + value.count)
            return [UInt8(size & 255), UInt8(size >> 8), UInt8(type & 255), UInt8(type >> 8)] + value
                + [UInt8](repeating: 0, count: (4 - value.count % 4) % 4)
        }
        func tuple(_ source: [UInt8], _ destination: [UInt8], _ ports: [UInt8]) -> [UInt8] {
            attribute(0x8001, attribute(1, source) + attribute(2, destination))
                + attribute(
                    0x8002, attribute(1, [number]) + attribute(2, Array(ports[..<2])) + attribute(3, Array(ports[2...]))
                )
        }
        let attributes =
            attribute(0x8001, tuple([10, 244, 0, 9], [10, 96, 0, 10], [0x12, 0x67, 0, 53]))
            + attribute(0x8002, tuple([10, 244, 0, 1], [10, 244, 0, 9], [0x27, 0x45, 0x12, 0x67]))
            + attribute(3, [0, 0, 1, 0x88]) + attribute(12, [1, 2, 3, 4])
        let length = UInt8(20 + attributes.count)
        return [length, 0, 0, 0, 0, 1, UInt8(flags), 0] + [1, 0, 0, 0, 0, 0, 0, 0] + [2, 0, 0, 0] + attributes
    }

    private static let done: [UInt8] = [20, 0, 0, 0, 3, 0, 2, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]

    @Test func entriesAreRead() throws {
        let answer = ConntrackMessage.parse(Self.entry() + Self.entry(6) + Self.entry() + Self.done)
        // TCP is left out.
        #expect(answer.flows == [try flow(), try flow()])
        #expect(answer.isComplete)
        #expect(answer.error == nil)
        #expect(!ConntrackMessage.parse(Self.entry()).isComplete)
    }

    @Test func acknowledgementsAndErrors() {
        func error(_ code: Int32) -> [UInt8] {
            [36, 0, 0, 0, 2, 0, 0, 0] + [UInt8](repeating: 0, count: 8)
                + withUnsafeBytes(of: -code) { Array($0) } + [UInt8](repeating: 0, count: 16)
        }
        #expect(ConntrackMessage.parse(error(0)).error == 0)
        #expect(ConntrackMessage.parse(error(2)).error == 2)
        #expect(ConntrackMessage.parse(error(2)).isComplete)
    }

    @Test func brokenPacketsAreHarmless() {
        let whole = Self.entry() + Self.done
        for count in 0...whole.count { _ = ConntrackMessage.parse(Array(whole[..<count])) }
        for index in whole.indices {
            var broken = whole
            broken[index] = 255
            _ = ConntrackMessage.parse(broken)
            broken[index] = 1
            _ = ConntrackMessage.parse(broken)
        }
    }

    @Test func deletionNamesTheEntry() throws {
        let message = ConntrackMessage.delete(try flow())
        #expect(message.count == 20 + 52 + 8)
        #expect(Array(message[..<8]) == [80, 0, 0, 0, 2, 1, 5, 0])
        #expect(message[16] == 2)
        // What was read is what is deleted: the original tuple is the kernel's, byte for byte.
        #expect(Array(message[20..<72]) == Array(Self.entry()[20..<72]))
        #expect(Array(message[72...]) == [8, 0, 12, 0, 1, 2, 3, 4])
    }
}
