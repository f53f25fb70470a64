import ArgumentParser
import Cluster
import Foundation

/// The command. It has no logic of its own: what it does is in `Cluster`.
@main
struct Martlet: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "martlet",
        abstract: "Kubernetes in one program.",
        discussion: """
            'martlet up' starts a cluster on this machine; kubectl then finds it under the context 'martlet'.
            """,
        version: Version.martlet,
        subcommands: [
            UpCommand.self, DownCommand.self, StatusCommand.self, KubeconfigCommand.self, ImageCommand.self,
            NodeCommand.self, AgentCommand.self, TokenCommand.self, SimulateCommand.self, VersionCommand.self,
        ])

    static func main() async {
        do {
            var command = try parseAsRoot()
            if var asynchronous = command as? any AsyncParsableCommand {
                try await asynchronous.run()
            } else {
                try command.run()
            }
        } catch let error as ClusterError {
            // One line: what is wrong and how to mend it.
            FileHandle.standardError.write(Data("martlet: \(error)\n".utf8))
            Foundation.exit(1)
        } catch {
            exit(withError: error)
        }
    }
}

struct DataDirectoryOption: ParsableArguments {
    @Option(name: .long, help: "Where the cluster keeps its state.")
    var dataDir = DataDirectory.defaultPath

    var directory: DataDirectory { DataDirectory(path: dataDir) }
}

struct VersionCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "version", abstract: "Show the versions of martlet and of the API it serves.")

    func run() {
        print("martlet \(Version.martlet) (Kubernetes API \(Version.kubernetes))")
    }
}

struct KubeconfigCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "kubeconfig", abstract: "Print the administrator's kubeconfig.",
        discussion: "For example: martlet kubeconfig > ~/.kube/martlet; export KUBECONFIG=~/.kube/martlet")

    @OptionGroup var data: DataDirectoryOption

    func run() throws {
        print(try ClusterInspection(data.directory).kubeconfig(), terminator: "")
    }
}

struct StatusCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status", abstract: "Say whether the cluster runs, and how its parts are.",
        discussion: "Exits with 1 if it does not run or is not well.")

    @OptionGroup var data: DataDirectoryOption

    func run() async throws {
        let report = await ClusterInspection(data.directory).status()
        print(report.text)
        if !report.healthy { throw ExitCode.failure }
    }
}

struct ImageCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "image", abstract: "Bring images to the nodes without a registry, and list them.",
        subcommands: [Load.self, List.self])

    struct Load: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "load", abstract: "Load the images of an archive into the nodes of this machine.",
            discussion: "Takes what 'docker save' and OCI tools write: docker-archive and OCI layout tars.")

        @Argument(help: "The tar file.", completion: .file()) var file: String
        @OptionGroup var data: DataDirectoryOption

        func run() async throws {
            for name in try await ClusterInspection(data.directory).loadImage(file) { print("loaded \(name)") }
        }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "ls", abstract: "List the node's images.")

        @OptionGroup var data: DataDirectoryOption

        func run() async throws {
            for line in try await ClusterInspection(data.directory).imageLines() { print(line) }
        }
    }
}
