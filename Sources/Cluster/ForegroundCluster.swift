import CPlatform
import Dispatch
import Foundation
import HTTPServer
import KubeClient
import KubeTypes
import Logging
import Synchronization

/// `martlet up`: a cluster in this process, until it is told to stop.
public enum ForegroundCluster {
    /// Runs until INT or TERM arrives, and then stops everything it started.
    /// - Throws: `ClusterError` with what keeps it from running.
    public static func run(_ options: ClusterOptions, logLevel: LogLevel) async throws {
        let started = processStart()
        let startTime = wallClockTime()
        martlet_limit_memory_arenas()
        var logger = Logger(label: "martlet") { StreamLogHandler.standardError(label: $0) }
        LoggingSystem.bootstrap { label in
            var handler = StreamLogHandler.standardError(label: label)
            handler.logLevel = logLevel.level
            return handler
        }
        logger.logLevel = logLevel.level
        let stop = StopSignal()

        try options.directory.prepare()
        guard let lock = FileLock(path: options.directory.lock) else {
            throw ClusterError(
                "a cluster runs in \(options.directory.path) already", mend: "use it, or stop it with 'martlet down'")
        }
        defer { withExtendedLifetime(lock) {} }
        let machine = options.runsNode ? try Machine.claim(options) : nil
        defer { withExtendedLifetime(machine) {} }

        // The machine's part takes longest and needs no API: both come up at once.
        async let preparation = options.runsNode ? NodeStack.Ground.prepare(options, logger: logger) : nil
        let plane = try await ControlPlane(options, logger: logger)
        let loopback = try await plane.listen(on: "127.0.0.1")
        try Kubeconfigs.write(options, keys: plane.keys)
        var state = RunState(
            pid: getpid(), port: options.port, nodeName: options.runsNode ? options.nodeName : "")
        state.apiReadyAfter = milliseconds(since: started)
        state.write(path: options.directory.runState)
        logger.info("the API answers on https://127.0.0.1:\(options.port) after \(milliseconds(since: started)) ms")

        let components = Task { await plane.runComponents() }
        var nodeError: ClusterError?
        var node: NodeStack?
        if options.runsNode {
            do {
                guard let ground = try await preparation else { preconditionFailure("a node has a ground") }
                let stack = try await NodeStack(options, plane: plane, ground: ground, logger: logger)
                node = stack
                if await stack.waitUntilReady(since: startTime, orStopped: stop) {
                    state.nodeReadyAfter = milliseconds(since: started)
                    state.write(path: options.directory.runState)
                    logger.info("the node is Ready after \(milliseconds(since: started)) ms")
                }
            } catch {
                nodeError = error as? ClusterError ?? ClusterError("the node: \(error)")
            }
        }
        if nodeError == nil { await stop.wait() }
        logger.info("stopping")
        plane.server.beginShutdown()
        await node?.stop()
        components.cancel()
        await components.value
        await loopback.shutdown(grace: .seconds(2))
        await plane.stop()
        try? FileManager.default.removeItem(atPath: options.directory.runState)
        if let nodeError { throw nodeError }
    }

    /// When this process began, so that the time to load it counts as well.
    private static func processStart() -> ContinuousClock.Instant {
        let now = ContinuousClock.now
        guard let stat = try? String(contentsOfFile: "/proc/self/stat", encoding: .utf8),
            let uptime = try? String(contentsOfFile: "/proc/uptime", encoding: .utf8),
            let up = uptime.split(separator: " ").first.flatMap({ Double($0) }),
            let ticks = stat.split(separator: ")").last?.split(separator: " ").dropFirst(19).first.flatMap({
                Double($0)
            })
        else { return now }
        return now - .seconds(max(0, up - ticks / Double(sysconf(Int32(_SC_CLK_TCK)))))
    }

    private static func milliseconds(since start: ContinuousClock.Instant) -> Int {
        let passed = (ContinuousClock.now - start).components
        return Int(passed.seconds) * 1000 + Int(passed.attoseconds / 1_000_000_000_000_000)
    }
}

/// INT and TERM, once.
final class StopSignal: @unchecked Sendable {
    private struct State {
        var fired = false
        var waiters: [Int: CheckedContinuation<Void, Never>] = [:]
        var next = 0
    }

    private let state = Mutex(State())
    /// Only kept alive; nothing touches them once they are set up.
    private var sources: [any DispatchSourceSignal] = []

    init() {
        signal(SIGPIPE, SIG_IGN)
        sources = [SIGINT, SIGTERM].map { number in
            signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
            source.setEventHandler { [weak self] in self?.fire() }
            source.resume()
            return source
        }
    }

    private func fire() {
        let waiters = state.withLock { state in
            state.fired = true
            defer { state.waiters = [:] }
            return state.waiters.values
        }
        for waiter in waiters { waiter.resume() }
    }

    /// Returns when a signal has come, or when the task is cancelled.
    func wait() async {
        let number = state.withLock { state in
            state.next += 1
            return state.next
        }
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let over = state.withLock { state in
                    if state.fired || Task.isCancelled { return true }
                    state.waiters[number] = continuation
                    return false
                }
                if over { continuation.resume() }
            }
        } onCancel: {
            state.withLock { $0.waiters.removeValue(forKey: number) }?.resume()
        }
    }
}
