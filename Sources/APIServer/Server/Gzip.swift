// Compressed answers: long ones, to clients that say they take them, as upstream does it (APIResponseCompression).

import CZlib
import NIOCore
import NIOHTTP1
import NIOPosix

enum Gzip {
    /// Bytes of an answer above which it is compressed.
    static let threshold = 128 << 10

    static func isAccepted(_ headers: HTTPHeaders) -> Bool {
        for encoding in headers[canonicalForm: "accept-encoding"] {
            let parts = encoding.split(separator: ";")
            guard let name = parts.first?.filter({ $0 != " " }), name == "gzip" || name == "*" else { continue }
            // `gzip;q=0` refuses it.
            if parts.dropFirst().contains(where: { Double($0.filter { $0 != " " }.dropFirst(2)) == 0 }) { continue }
            return true
        }
        return false
    }

    /// Compresses on a thread of its own, since a long list takes longer than an event loop should be kept, and calls
    /// `completion` there; with nil if it did not work.
    static func compress(_ body: ByteBuffer, _ completion: @escaping @Sendable (ByteBuffer?) -> Void) {
        NIOThreadPool.singleton.submit { state in
            guard case .active = state else { return completion(nil) }
            completion(compress(body))
        }
    }

    static func compress(_ body: ByteBuffer) -> ByteBuffer? {
        let bound = martlet_gzip_bound(body.readableBytes)
        var buffer = ByteBufferAllocator().buffer(capacity: bound)
        let written = buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: bound) { target in
            body.withUnsafeReadableBytes { source in
                martlet_gzip(
                    source.bindMemory(to: UInt8.self).baseAddress, source.count,
                    target.bindMemory(to: UInt8.self).baseAddress, target.count)
            }
        }
        return written > 0 ? buffer : nil
    }
}
