import CRI
import Foundation
import Logging
import ServiceProxy

/// What a node needs of the machine, and this cluster's claim on it: one cluster with a node a machine, since they would
/// share addresses, links and ports.
final class Machine: Sendable {
    private static let lockPath = "/run/martlet-node.lock"
    private let lock: FileLock

    private init(lock: FileLock) { self.lock = lock }

    /// - Parameter pool: the addresses of load balancers, which need a route as those of Services do.
    static func networkOptions(_ directory: DataDirectory, pool: String? = nil) -> NodeNetworkOptions {
        NodeNetworkOptions(
            podCIDRs: [Addresses.podCIDR], serviceCIDRs: [Addresses.serviceCIDR] + [pool].compactMap(\.self),
            dataDirectory: directory.network,
            confDirectory: containerdOptions(directory).cniConfigDirectory)
    }

    static func containerdOptions(_ directory: DataDirectory) -> ContainerdOptions {
        ContainerdOptions(dataDir: directory.containerd)
    }

    /// - Throws: `ClusterError` with what is missing and how to mend it, or who has the machine.
    static func claim(_ options: ClusterOptions) throws(ClusterError) -> Machine {
        guard geteuid() == 0 else {
            throw ClusterError(
                "a node needs root", mend: "run as root, or start the control plane alone with --no-node")
        }
        if options.containerRuntimeEndpoint == nil {
            for (program, package) in [("containerd", "containerd"), ("runc", "runc"), ("ctr", "containerd")]
            where Subprocess.find(program) == nil {
                throw ClusterError("\(program) is missing", mend: "apt-get install \(package)")
            }
        }
        if let problem = NodeNetwork(networkOptions(options.directory, pool: options.loadBalancerPool)).problems.first {
            throw ClusterError(problem)
        }
        if let problem = NodeServices.problem(options) { throw ClusterError(problem) }
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
        await NodeNetwork(networkOptions(directory), logger: logger).tearDown()
    }
}
