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
            for node in nodes {
                let ready = node.status.conditions.first { $0.type == "Ready" }?.status == "True"
                lines.append("node \(node.name): \(ready ? "Ready" : "NotReady")")
                healthy = healthy && ready
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

    /// Loads an archive into the node.
    /// - Returns: the names of the images.
    public func loadImage(_ file: String) async throws(ClusterError) -> [String] {
        do { return try await images().load(tar: file) } catch let error as ClusterError { throw error } catch {
            throw ClusterError("\(error)")
        }
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
        return ImageStore(socket: options.socket, dataDir: options.dataDir)
    }
}
