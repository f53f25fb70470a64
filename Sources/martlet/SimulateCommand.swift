import ArgumentParser
import Cluster
import Foundation

struct SimulateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "simulate", abstract: "Put things into a cluster that are not there.", subcommands: [Nodes.self])

    struct Nodes: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "nodes", abstract: "Add nodes that run nothing but behave like real ones.",
            discussion: """
                The nodes renew their leases, and their pods start, end and go, as the profile says. They stay until this \
                command is interrupted. 'martlet up --simulate-nodes N' does the same in the cluster's own process.

                A profile is YAML, all of it optional, times in seconds: capacity, labels, taints, zones, start, run, \
                terminate, failing, meanTimeToCrash, leaseInterval, meanUptime, downtime. Stages are KWOK's \
                (kwok.x-k8s.io/v1alpha1), for pods.
                """)

        @Argument(help: "How many nodes.") var count: Int
        @OptionGroup var simulation: SimulationArguments
        @OptionGroup var data: DataDirectoryOption

        @Option(name: .long, help: "A kubeconfig that leads to the cluster; by default that of the data directory.")
        var kubeconfig: String?

        @Flag(name: .long, help: "Leave the nodes in the cluster at the end.")
        var keep = false

        func validate() throws {
            guard (1...50_000).contains(count) else { throw ValidationError("1 to 50,000 nodes can be simulated.") }
        }

        func run() async throws {
            try await SimulatedNodes(simulation.options(count: count)).run(
                kubeconfig: kubeconfig ?? data.directory.adminKubeconfig, keep: keep)
        }
    }
}

struct SimulationArguments: ParsableArguments {
    @Option(name: .customLong("profile"), help: "A file that says how simulated nodes and their pods behave.")
    var profile: String?

    @Option(name: .customLong("stages"), help: "A file of KWOK stages, which then decide about the pods.")
    var stages: [String] = []

    @Option(name: .customLong("node-prefix"), help: "What the names of simulated nodes begin with.")
    var prefix = "sim"

    func options(count: Int) -> SimulatedNodes.Options {
        .init(count: count, prefix: prefix, profile: profile, stages: stages)
    }
}
