import NIOCore
import NIOHTTP1
import NIOPosix
import Synchronization

/// Takes an answer in this process: for requests of our own that go the way of passed-on ones.
public final class ResponseCollector: HTTPResponseWriter {
    public struct Answer: Sendable {
        public var status: HTTPResponseStatus
        public var headers: HTTPHeaders
        public var body: ByteBuffer
        /// Whether the body is whole.
        public var isComplete: Bool
    }

    private struct State {
        var answer = Answer(status: .ok, headers: [:], body: ByteBuffer(), isComplete: false)
        var isOver = false
        var waiter: CheckedContinuation<Answer, Never>?
        var closeHandlers: [@Sendable () -> Void] = []
    }

    public let eventLoop: any EventLoop
    private let state = Mutex(State())
    private let limit: Int

    /// - Parameter limit: bytes of the body; what comes behind is dropped, and the answer incomplete.
    public init(limit: Int = 32 << 20, on eventLoop: any EventLoop = MultiThreadedEventLoopGroup.singleton.any()) {
        self.limit = limit
        self.eventLoop = eventLoop
    }

    /// Waits for the answer's end. Called once.
    public func answer() async -> Answer {
        await withCheckedContinuation { continuation in
            let done: Answer? = state.withLock { state in
                if state.isOver { return state.answer }
                state.waiter = continuation
                return nil
            }
            if let done { continuation.resume(returning: done) }
        }
    }

    public var pendingBytes: Int { 0 }

    public func send(_ status: HTTPResponseStatus, headers: HTTPHeaders, body: [ByteBuffer]) {
        begin(status, headers: headers)
        for part in body { write(part) }
        end()
    }

    public func begin(_ status: HTTPResponseStatus, headers: HTTPHeaders) {
        state.withLock { state in
            state.answer.status = status
            state.answer.headers = headers
        }
    }

    public func write(_ bytes: ByteBuffer) {
        let isTooLarge = state.withLock { state in
            guard state.answer.body.readableBytes + bytes.readableBytes <= limit else { return true }
            state.answer.body.writeImmutableBuffer(bytes)
            return false
        }
        if isTooLarge { finish(complete: false) }
    }

    public func end() { finish(complete: true) }

    public func abort() { finish(complete: false) }

    private func finish(complete: Bool) {
        let ended: State? = state.withLock { state in
            guard !state.isOver else { return nil }
            state.isOver = true
            state.answer.isComplete = complete
            defer {
                state.waiter = nil
                state.closeHandlers = []
            }
            return state
        }
        guard let ended else { return }
        ended.waiter?.resume(returning: ended.answer)
        for handler in ended.closeHandlers { handler() }
    }

    public func onClose(_ handler: @escaping @Sendable () -> Void) {
        let isOver = state.withLock { state in
            if !state.isOver { state.closeHandlers.append(handler) }
            return state.isOver
        }
        if isOver { handler() }
    }
}
