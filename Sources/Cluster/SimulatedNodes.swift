import Foundation
import KubeClient
import Logging
import Simulation

/// Simulated nodes, in a cluster of this process or in one that a kubeconfig leads to.
public struct SimulatedNodes: Sendable {
    public struct Options: Sendable {
        public var count: Int
        public var prefix: String
        /// Files of a profile and of KWOK stages.
        public var profile: String?
        public var stages: [String]

        public init(count: Int, prefix: String = "sim", profile: String? = nil, stages: [String] = []) {
            self.count = count
            self.prefix = prefix
            self.profile = profile
            self.stages = stages
        }
    }

    private let options: Options
    private let profile: SimulationProfile
    private let stages: [Stage]

    /// - Throws: `ClusterError` with the file that is wrong, and why.
    public init(_ options: Options) throws(ClusterError) {
        self.options = options
        profile = try options.profile.map(Self.readProfile) ?? SimulationProfile()
        var stages: [Stage] = []
        for path in options.stages { stages += try Self.readStages(path) }
        self.stages = stages
    }

    private static func text(_ path: String) throws(ClusterError) -> String {
        guard let data = FileManager.default.contents(atPath: path) else {
            throw ClusterError("\(path) cannot be read")
        }
        return String(decoding: data, as: UTF8.self)
    }

    private static func readProfile(_ path: String) throws(ClusterError) -> SimulationProfile {
        let yaml = try text(path)
        do {
            return try SimulationProfile(yaml: yaml)
        } catch {
            throw ClusterError("\(path): \(error)")
        }
    }

    private static func readStages(_ path: String) throws(ClusterError) -> [Stage] {
        let yaml = try text(path)
        do {
            return try Stage.read(yaml)
        } catch {
            throw ClusterError("\(path): \(error)")
        }
    }

    func simulator(_ client: KubeClient, logger: Logger) -> NodeSimulator {
        NodeSimulator(
            client: client, count: options.count, prefix: options.prefix, profile: profile, stages: stages,
            logger: Logger(label: "simulation", from: logger))
    }

    /// Simulates over HTTPS until INT or TERM arrives, and then takes the nodes away.
    /// - Throws: `ClusterError` if the kubeconfig leads nowhere.
    public func run(kubeconfig: String, keep: Bool) async throws(ClusterError) {
        let stop = StopSignal()
        let logger = Logger(label: "simulation")
        let transport: HTTPSTransport
        do {
            transport = try HTTPSTransport(try KubeConfig.load(path: kubeconfig), logger: logger)
        } catch {
            throw ClusterError("\(error)", mend: "name a kubeconfig with --kubeconfig, or start a cluster")
        }
        let simulator = simulator(KubeClient(transport), logger: logger)
        let count = options.count
        let started = ContinuousClock.now
        let task = Task {
            await simulator.run {
                print("\(count) simulated nodes are there after \(ContinuousClock.now - started)")
            }
        }
        await stop.wait()
        task.cancel()
        await task.value
        if !keep { await simulator.removeNodes() }
        await transport.shutdown()
    }
}
