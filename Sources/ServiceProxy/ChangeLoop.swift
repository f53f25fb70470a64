// How what follows changes tries again: the same for rules, policies and routes.

import Logging

/// Does a piece of work at every signal, and again after a pause that grows while it fails.
struct ChangeLoop: Sendable {
    let changes: AsyncStream<Void>
    let change: AsyncStream<Void>.Continuation
    let logger: Logger
    /// What a failure is about, for the log.
    let what: String

    /// Works until the stream ends or the task is cancelled.
    func run(_ work: () async throws -> Void) async {
        var failures = 0
        for await _ in changes {
            if Task.isCancelled { return }
            do {
                try await work()
                failures = 0
            } catch {
                failures += 1
                if failures == 1 || failures.isMultiple(of: 20) { logger.error("\(what): \(error)") }
                try? await Task.sleep(for: min(.milliseconds(200) * failures, .seconds(10)))
                change.yield()
            }
        }
    }
}
