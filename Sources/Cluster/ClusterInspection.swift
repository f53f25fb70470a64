import CRI
import Foundation
import KubeClient
import KubeTypes

/// What the command asks of a cluster that another process runs.
public struct ClusterInspection: Sendable {
    private let directory: DataDirectory

    public init(_ directory: DataDirectory) { self.directory = directory }

    /// The administrator's kubeconfig.
    public func kubeconfig() throws(ClusterError) -> String {
        guard let text = try? String(contentsOfFile: directory.adminKubeconfig, encoding: .utf8) else {
            throw ClusterError(
                "no kubeconfig in \(directory.path)",
                mend: "start the cluster with 'martlet up', or name its --data-dir")
        }
        return text
    }

    /// A few lines on how the cluster is.
    public func status() async -> (text: String, healthy: Bool) {
        guard FileLock.isHeld(path: directory.lock), let state = RunState(path: directory.runState) else {
            return ("\(directory.path): no cluster runs here", false)
        }
        if let record = NodeRecord(in: directory) {
            let isReady = state.nodeReadyAfter != nil
            return (
                "\(directory.path): process \(state.pid), node \(record.name) of \(record.server)"
                    + (isReady ? "" : ", not Ready yet"), isReady
            )
        }
        var lines = ["\(directory.path): process \(state.pid), https://127.0.0.1:\(state.port)"]
        if let memory = Self.residentMegabytes(of: state.pid) { lines.append("memory: \(memory) MB resident") }
        var healthy = false
        do {
            let transport = try HTTPSTransport(KubeConfig.load(path: directory.adminKubeconfig))
            let client = KubeClient(transport)
            let nodes = try await client.list(Node.self).items
            let pods = try await client.list(Pod.self).items
            healthy = true
            lines.append("API: answers")
            let stopped = ClusterNodes(directory).stopped
            for node in nodes {
                let ready = node.status.conditions.first { $0.type == "Ready" }?.status == "True"
                let isStopped = stopped.contains(node.name)
                lines.append("node \(node.name): \(isStopped ? "stopped" : ready ? "Ready" : "NotReady")")
                // Who stops a node knows that it is not there.
                healthy = healthy && (ready || isStopped)
            }
            if !state.nodeName.isEmpty, nodes.isEmpty { healthy = false }
            let running = pods.filter { $0.status.phase == "Running" }.count
            lines.append("pods: \(pods.count), \(running) of them Running")
            await transport.shutdown()
        } catch {
            lines.append("API: \(error)")
        }
        return (lines.joined(separator: "\n"), healthy)
    }

    private static func residentMegabytes(of pid: Int32) -> Int? {
        guard let status = try? String(contentsOfFile: "/proc/\(pid)/status", encoding: .utf8),
            let line = status.split(separator: "\n").first(where: { $0.hasPrefix("VmRSS:") }),
            let kilobytes = line.split(whereSeparator: { $0 == " " || $0 == "\t" }).dropFirst().first.flatMap({
                Int($0)
            })
        else { return nil }
        return kilobytes / 1024
    }

    /// Loads an archive into all nodes of this machine that run.
    /// - Returns: the names of the images.
    public func loadImage(_ file: String) async throws(ClusterError) -> [String] {
        let stores = [try images()] + ClusterNodes(directory).running.map(Self.images)
        do {
            return try await withThrowingTaskGroup(of: [String].self) { group in
                for store in stores { group.addTask { try await store.load(tar: file) } }
                var names: [String] = []
                for try await loaded in group { names = loaded }
                return names
            }
        } catch { throw ClusterError("\(error)") }
    }

    /// The node's images: name, identity and size, a line each.
    public func imageLines() async throws(ClusterError) -> [String] {
        _ = try images()
        do {
            let runtime = try ContainerRuntime(socket: Machine.containerdOptions(directory).socket)
            defer { runtime.close() }
            return try await runtime.listImages().flatMap { image in
                image.tags.map { "\($0)  \(image.id.prefix(19))  \(image.size / 1024) KiB" }
            }.sorted()
        } catch {
            throw ClusterError("the node's images: \(error)")
        }
    }

    private func images() throws(ClusterError) -> ImageStore {
        let options = Machine.containerdOptions(directory)
        guard FileManager.default.fileExists(atPath: options.socket) else {
            throw ClusterError("no node runs in \(directory.path)", mend: "start one with 'martlet up'")
        }
        return Self.images(directory)
    }

    private static func images(_ directory: DataDirectory) -> ImageStore {
        let options = Machine.containerdOptions(directory)
        return ImageStore(socket: options.socket, dataDir: options.dataDir)
    }
}
