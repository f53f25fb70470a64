// Keeping the logs of containers from filling the disk.

import CRI
import Glibc
import KubeTypes
import Logging

/// Starts a new log file for a container when its log has grown large, and keeps some files of each.
struct LogRotation: Sendable {
    let runtime: any RuntimeService
    let logger: Logger
    /// Bytes.
    let limit: Int64
    let files: Int

    init(_ runtime: any RuntimeService, _ options: KubeletOptions) {
        self.runtime = runtime
        logger = options.logger
        limit = options.logMaxSize
        files = options.logMaxFiles
    }

    func run() async {
        while !Task.isCancelled {
            do { try await Task.sleep(for: .seconds(10)) } catch { return }
            do { try await rotate() } catch { logger.debug("logs were not rotated: \(error)") }
        }
    }

    private func rotate() async throws {
        for container in try await runtime.listContainers(labels: [:]) where container.state == .running {
            let path = try await logPath(container)
            var info = stat()
            guard !path.isEmpty, stat(path, &info) == 0, info.st_size > limit else { continue }
            let stamp = kubeletNow().description.filter(\.isNumber)
            guard rename(path, "\(path).\(stamp)") == 0 else { continue }
            do {
                try await runtime.reopenContainerLog(container.id)
            } catch {
                // The runtime goes on writing into the file that it has open: give it its name back.
                rename("\(path).\(stamp)", path)
                throw error
            }
            prune(path)
        }
    }

    private func logPath(_ container: RuntimeContainer) async throws -> String {
        do { return try await runtime.containerStatus(container.id).logPath } catch let error as RuntimeError
            where error.isNotFound
        { return "" }
    }

    private func prune(_ path: String) {
        guard let slash = path.lastIndex(of: "/") else { return }
        let directory = String(path[..<slash])
        let prefix = path[path.index(after: slash)...] + "."
        let rotated = Files.list(directory).filter { $0.hasPrefix(prefix) }.sorted()
        for name in rotated.dropLast(files - 1) { unlink("\(directory)/\(name)") }
    }
}
