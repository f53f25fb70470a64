import CRI
import Foundation
import Logging
import ServiceProxy

/// What a node needs of the machine, and this cluster's claim on it: one cluster with a node a machine, since they would
/// share addresses, links and ports.
final class Machine: Sendable {
    private static let lockPath = "/run/martlet-node.lock"
    /// Nil for a node in a network namespace, which shares nothing with others.
    private let lock: FileLock?

    private init(lock: FileLock?) { self.lock = lock }

    static func containerdOptions(_ directory: DataDirectory) -> ContainerdOptions {
        ContainerdOptions(dataDir: directory.containerd)
    }

    /// - Throws: `ClusterError` with what is missing and how to mend it, or who has the machine.
    static func claim(_ settings: NodeSettings) throws(ClusterError) -> Machine {
        guard geteuid() == 0 else {
            throw ClusterError(
                "a node needs root", mend: "run as root, or start the control plane alone with --no-node")
        }
        if settings.containerRuntimeEndpoint == nil {
            for (program, package) in [("containerd", "containerd"), ("runc", "runc"), ("ctr", "containerd")]
            where Subprocess.find(program) == nil {
                throw ClusterError("\(program) is missing", mend: "apt-get install \(package)")
            }
        }
        let network = settings.networkOptions(podCIDR: settings.podCIDR ?? settings.network.podCIDR)
        if let problem = NodeNetwork(network).problems.first { throw ClusterError(problem) }
        if let problem = NodeServices.problem(settings) { throw ClusterError(problem) }
        if settings.isNamespaced { return Machine(lock: nil) }
        guard let lock = FileLock(path: lockPath) else {
            throw ClusterError(
                "another cluster has its node on this machine",
                mend: "stop it with 'martlet down', or start this one with --no-node")
        }
        return Machine(lock: lock)
    }

    /// Removes what a node left on this machine: containers, mounts, links, routes, tables.
    static func tidy(_ directory: DataDirectory, logger: Logger) async {
        let containerd = ContainerdProcess(containerdOptions(directory), logger: logger)
        if FileManager.default.fileExists(atPath: directory.containerd) {
            // Only containerd can take containers down in good order, so a dead one is brought back for it.
            if (try? await containerd.ensureRunning()) != nil,
                let runtime = try? ContainerRuntime(socket: containerd.options.socket, logger: logger)
            {
                await containerd.removeAllPods(runtime)
                runtime.close()
            }
            await containerd.stop()
        }
        // Volumes of pods, and what containers left.
        Files.unmountAll(below: directory.path)
        for table in [ServiceProxy.Options().table, NetworkPolicyEnforcer.defaultTable] {
            await ServiceProxy.cleanup(table: table, logger: logger)
        }
        let settings =
            NodeRecord(in: directory)?.settings(in: directory, network: ClusterNetwork())
            ?? ClusterOptions(directory: directory).nodeSettings
        let podCIDR = settings.podCIDR ?? NodeRecord.podCIDR(in: directory) ?? settings.network.podCIDR
        await NodeNetwork(settings.networkOptions(podCIDR: podCIDR), logger: logger).tearDown()
    }
}
