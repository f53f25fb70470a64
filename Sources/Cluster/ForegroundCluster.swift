import Dispatch
import Foundation
import HTTPServer
import KubeClient
import KubeTypes
import Logging
import Synchronization

/// `martlet up`: a cluster in this process, until it is told to stop.
public enum ForegroundCluster {
    private static func prepare(_ settings: NodeSettings?, logger: Logger) async throws -> NodeStack.Ground? {
        guard let settings else { return nil }
        return try await NodeStack.Ground.prepare(settings, logger: logger)
    }

    /// Runs until INT or TERM arrives, and then stops everything it started.
    /// - Throws: `ClusterError` with what keeps it from running.
    public static func run(_ options: ClusterOptions, logLevel: LogLevel) async throws {
        let started = ForegroundProcess.start()
        let startTime = wallClockTime()
        let logger = ForegroundProcess.begin(logLevel)
        let stop = StopSignal()

        try options.directory.prepare()
        guard let lock = FileLock(path: options.directory.lock) else {
            throw ClusterError(
                "a cluster runs in \(options.directory.path) already", mend: "use it, or stop it with 'martlet down'")
        }
        defer { withExtendedLifetime(lock) {} }
        let settings = options.runsNode ? options.nodeSettings : nil
        let machine = try settings.map { settings throws(ClusterError) in try Machine.claim(settings) }
        defer { withExtendedLifetime(machine) {} }

        // The machine's part takes longest and needs no API: both come up at once.
        async let preparation = prepare(settings, logger: logger)
        let plane = try await ControlPlane(options, logger: logger)
        let loopback = try await plane.listen(on: "127.0.0.1")
        try Kubeconfigs.write(options, keys: plane.keys)
        var state = RunState(
            pid: getpid(), port: options.port, nodeName: options.runsNode ? options.nodeName : "")
        state.advertised = "https://\(options.advertised):\(options.port)"
        state.apiReadyAfter = ForegroundProcess.milliseconds(since: started)
        state.write(path: options.directory.runState)
        logger.info(
            "the API answers on https://127.0.0.1:\(options.port) after \(state.apiReadyAfter ?? 0) ms")

        let components = Task { await plane.runComponents() }
        var listeners = [loopback]
        var nodeError: ClusterError?
        var node: NodeStack?
        var metrics: Task<Void, Never>?
        do {
            let ground = try await preparation
            for host in options.listenAddresses { listeners.append(try await plane.listen(on: host)) }
            await plane.publish()
            if let settings, let ground {
                let stack = NodeStack(settings, api: plane.nodeAPI(options.nodeName), ground: ground, logger: logger)
                stack.start()
                node = stack
                metrics = Task { await MetricsServer.run(plane, at: settings.address, logger: logger) }
                if await stack.waitUntilReady(since: startTime, orStopped: stop) {
                    state.nodeReadyAfter = ForegroundProcess.milliseconds(since: started)
                    state.write(path: options.directory.runState)
                    logger.info("the node is Ready after \(state.nodeReadyAfter ?? 0) ms")
                }
            }
        } catch {
            nodeError = error as? ClusterError ?? ClusterError("the node: \(error)")
        }
        let further = ClusterNodes(options.directory)
        let recall = Task { [nodeError] in if nodeError == nil { await further.startRecorded(logger: logger) } }
        if nodeError == nil { await stop.wait() }
        logger.info("stopping")
        recall.cancel()
        metrics?.cancel()
        await recall.value
        await metrics?.value
        plane.server.beginShutdown()
        await withTaskGroup(of: Void.self) { group in
            group.addTask { [node] in await node?.stop() }
            group.addTask { await further.stopAll() }
        }
        components.cancel()
        await components.value
        for listener in listeners { await listener.shutdown(grace: .seconds(2)) }
        await plane.stop()
        try? FileManager.default.removeItem(atPath: options.directory.runState)
        if let nodeError { throw nodeError }
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
