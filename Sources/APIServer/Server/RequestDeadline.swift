// How long a request may take: a minute, or what its `timeout` says, if that is less.

import JSON
import KubeTypes
import NIOCore
import Synchronization

/// Lets one of two answer: whoever does the work, or the clock.
final class PendingAnswer: Sendable {
    private let answered = Atomic<Bool>(false)
    private let timer = Mutex<Scheduled<Void>?>(nil)

    /// - Parameter onTimeout: called on the event loop if nobody has answered until then.
    func start(_ limit: TimeAmount, on loop: any EventLoop, onTimeout: @escaping @Sendable () -> Void) {
        let scheduled = loop.scheduleTask(in: limit) { if self.finish() { onTimeout() } }
        timer.withLock { $0 = scheduled }
        if answered.load(ordering: .acquiring) { scheduled.cancel() }
    }

    /// Whether the caller is the one to answer.
    func finish() -> Bool {
        guard !answered.exchange(true, ordering: .acquiringAndReleasing) else { return false }
        timer.withLock { $0 }?.cancel()
        return true
    }
}

enum RequestDeadline {
    /// The limit of a request that is not to last long.
    /// - Throws: 400 where `timeout` is no duration.
    static func limit(_ query: Query, maximum: Int) throws(APIError) -> TimeAmount {
        guard let text = query["timeout"], !text.isEmpty else { return .seconds(Int64(maximum)) }
        guard let asked = GoDuration.nanoseconds(text) else {
            throw .badRequest(
                "invalid timeout specified in the request URL - time: invalid duration "
                    + JSONWriter.text(of: .string(text)))
        }
        guard asked > 0 else { return .seconds(Int64(maximum)) }
        return min(.nanoseconds(asked), .seconds(Int64(maximum)))
    }

    static let exceeded = APIError(
        code: 504, reason: "Timeout",
        message: "Timeout: request did not complete within requested timeout - context deadline exceeded",
        details: StatusDetails())
}
