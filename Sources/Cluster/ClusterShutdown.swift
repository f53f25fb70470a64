import Foundation
import Logging

/// `martlet down`: ends a cluster, or what a killed one left behind.
public struct ClusterShutdown: Sendable {
    private let directory: DataDirectory
    private let patience = 90.0

    public init(_ directory: DataDirectory) { self.directory = directory }

    /// - Returns: what to tell the user.
    /// - Throws: `ClusterError` if something does not end, or cannot be removed.
    public func run(purge: Bool) async throws -> String {
        guard directory.exists else {
            // Refuses what is no data directory, and has nothing to do where there is none.
            if purge { try directory.remove() }
            return "no cluster in \(directory.path)"
        }
        let wasRunning = FileLock.isHeld(path: directory.lock)
        if wasRunning { try await stopProcess() }
        let isAgent = NodeRecord(in: directory) != nil
        if !wasRunning, geteuid() == 0 { await ClusterNodes(directory).stopAll() }
        if !wasRunning, FileManager.default.fileExists(atPath: directory.containerd) {
            guard geteuid() == 0 else {
                throw ClusterError("containers of \(directory.path) may still run", mend: "run 'martlet down' as root")
            }
            var logger = Logger(label: "martlet")
            logger.logLevel = .error
            await Machine.tidy(directory, logger: logger)
        }
        try? FileManager.default.removeItem(atPath: directory.runState)
        if !isAgent { Kubeconfigs.removeContext(directory) }
        if purge { try directory.remove() }
        return (wasRunning ? "stopped" : "was not running")
            + (purge ? "; \(directory.path) is removed" : "; \(directory.path) is kept")
    }

    private func stopProcess() async throws {
        guard let state = RunState(path: directory.runState), kill(state.pid, 0) == 0 else {
            throw ClusterError(
                "a cluster is starting in \(directory.path)", mend: "wait until it is up, then stop it")
        }
        kill(state.pid, SIGTERM)
        let deadline = Date().addingTimeInterval(patience)
        while FileLock.isHeld(path: directory.lock) {
            if Date() > deadline {
                throw ClusterError(
                    "process \(state.pid) does not end",
                    mend: "see \(directory.log); then kill it and run 'martlet down' again")
            }
            try await Task.sleep(for: .milliseconds(20))
        }
    }
}
