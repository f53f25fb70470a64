import NIOCore
import Testing

@testable import GRPCPings

@Suite struct PingFilterTests {
    private func frame(_ kind: UInt8, flags: UInt8 = 0, stream: UInt32 = 0, _ payload: [UInt8]) -> [UInt8] {
        [0, UInt8(payload.count >> 8), UInt8(payload.count & 0xff), kind, flags]
            + withUnsafeBytes(of: stream.bigEndian, Array.init) + payload
    }

    /// However the bytes are cut, pings are answered and everything else passes as it came.
    @Test(arguments: [1, 2, 5, 9, 13, 17, 1000]) func answersPings(_ chunk: Int) {
        let ping = frame(6, [2, 4, 16, 16, 9, 14, 7, 7])
        let others = [
            frame(4, []), frame(0, flags: 1, stream: 1, Array(repeating: 6, count: 300)),
            frame(6, flags: 1, [1, 2, 3, 4, 5, 6, 7, 8]), frame(3, stream: 3, [0, 0, 0, 8]),
        ]
        let bytes = others[0] + ping + others[1] + ping + others[2] + others[3] + ping
        var filter = PingFilter()
        var passed: [UInt8] = []
        var answers: [UInt8] = []
        for start in stride(from: 0, to: bytes.count, by: chunk) {
            let result = filter.filter(ByteBuffer(bytes: bytes[start..<min(start + chunk, bytes.count)]))
            passed += Array(result.passed.readableBytesView)
            answers += Array(result.answers.readableBytesView)
        }
        #expect(passed == others.flatMap { $0 })
        let answer = frame(6, flags: 1, [2, 4, 16, 16, 9, 14, 7, 7])
        #expect(answers == answer + answer + answer)
    }
}
