// The commands about nodes: joining a cluster, the tokens for that, and further nodes on the server's machine.

import ArgumentParser
import Cluster
import Foundation

struct AgentCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "agent", abstract: "Make this machine a node of a cluster.",
        discussion: """
            'martlet token create --print-join-command' on the server's machine prints what to type here. The server must \
            have been started with --advertise-address. A machine that has joined needs neither server nor token again.

            Ctrl-C or TERM stops everything it started; 'martlet down' does it from another terminal.
            """)

    @Flag(name: .long, help: "Return when the node is Ready; it goes on in the background.")
    var detach = false

    @OptionGroup var data: DataDirectoryOption

    @Option(name: .long, help: "The API: https://HOST:PORT.")
    var server: String?

    @Option(name: .long, help: "A bootstrap token.")
    var token: String?

    @Option(name: .customLong("ca-cert-hash"), help: "The hash of the cluster's authority: sha256:HEX.")
    var authorityHash: String?

    @Option(name: .long, help: "The node's name; the host's by default.")
    var nodeName: String?

    @Option(
        name: .customLong("node-ip"), help: "The node's address; the one from which the server is reached by default.")
    var nodeAddress: String?

    @Option(name: .long, help: "The socket of a containerd that runs already, instead of one of our own.")
    var containerRuntimeEndpoint: String?

    @Option(name: .long, help: "What to log: trace, debug, info, warning or error.")
    var logLevel = "info"

    func run() async throws {
        guard let level = LogLevel(rawValue: logLevel) else {
            throw ValidationError("--log-level is one of trace, debug, info, warning and error.")
        }
        if detach {
            let arguments = Array(CommandLine.arguments.dropFirst())
            print(try await DetachedCluster.startAgent(data.directory, arguments: arguments))
            return
        }
        var options = AgentOptions(directory: data.directory)
        options.server = server
        options.token = token
        options.authorityHash = authorityHash
        options.nodeName = nodeName
        options.nodeAddress = nodeAddress
        options.containerRuntimeEndpoint = containerRuntimeEndpoint
        try await Agent.run(options, logLevel: level)
    }
}

struct TokenCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "token", abstract: "The tokens with which machines join.",
        subcommands: [Create.self, List.self, Delete.self])

    struct Create: AsyncParsableCommand {
        static let configuration = CommandConfiguration(commandName: "create", abstract: "Make a token.")

        @Option(name: .long, help: "How long it is good for, such as 30m or 24h; 0 is for ever.")
        var ttl = TimeSpan(seconds: 24 * 3600)

        @Option(name: .long, help: "What it is for.")
        var description = ""

        @Flag(name: .long, help: "Print the whole command to type on the machine that joins.")
        var printJoinCommand = false

        @OptionGroup var data: DataDirectoryOption

        func run() async throws {
            let tokens = JoinTokens(data.directory)
            let token = try await tokens.create(
                goodFor: ttl.seconds == 0 ? nil : Int(ttl.seconds.rounded(.up)), description: description)
            print(printJoinCommand ? try tokens.command(token) : token)
        }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(commandName: "ls", abstract: "List the tokens.")

        @OptionGroup var data: DataDirectoryOption

        func run() async throws {
            for line in try await JoinTokens(data.directory).lines() { print(line) }
        }
    }

    struct Delete: AsyncParsableCommand {
        static let configuration = CommandConfiguration(commandName: "delete", abstract: "End a token.")

        @Argument(help: "The token, or its first six characters.") var token: String
        @OptionGroup var data: DataDirectoryOption

        func run() async throws { try await JoinTokens(data.directory).delete(token) }
    }
}

struct NodeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "node", abstract: "Further nodes on this machine, to try what happens when one fails.",
        discussion: """
            Each is a process of its own in a network namespace of its own, with its own containerd. They come up and go \
            down with the cluster.
            """,
        subcommands: [Add.self, List.self, Stop.self, Start.self, Remove.self])

    struct Add: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "add", abstract: "Make a node, and wait until it is Ready.")

        @Argument(help: "Its name; the server's node's with a number by default.") var name: String?
        @OptionGroup var data: DataDirectoryOption

        func run() async throws { print(try await ClusterNodes(data.directory).add(name)) }
    }

    struct List: ParsableCommand {
        static let configuration = CommandConfiguration(commandName: "ls", abstract: "List the nodes.")

        @OptionGroup var data: DataDirectoryOption

        func run() { for line in ClusterNodes(data.directory).lines() { print(line) } }
    }

    struct Stop: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "stop", abstract: "Stop a node, in good order or as if it lost its power.")

        @Flag(name: .long, help: "Kill everything at once: nothing tidies up, and nobody is told.")
        var kill = false

        @Argument(help: "The node.") var name: String
        @OptionGroup var data: DataDirectoryOption

        func run() async throws { print(try await ClusterNodes(data.directory).stop(name, suddenly: kill)) }
    }

    struct Start: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "start", abstract: "Start a node that was stopped, and wait until it is Ready.")

        @Argument(help: "The node.") var name: String
        @OptionGroup var data: DataDirectoryOption

        func run() async throws { print(try await ClusterNodes(data.directory).start(name)) }
    }

    struct Remove: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "remove", abstract: "Stop a node and remove it from the cluster and from this machine.")

        @Argument(help: "The node.") var name: String
        @OptionGroup var data: DataDirectoryOption

        func run() async throws { print(try await ClusterNodes(data.directory).remove(name)) }
    }
}

/// A length of time as Kubernetes' flags have it: `90s`, `1m30s`, `2h`, `500ms`, or a bare 0.
struct TimeSpan: ExpressibleByArgument {
    let seconds: Double

    init(seconds: Double) { self.seconds = seconds }

    init?(argument: String) {
        if argument == "0" {
            seconds = 0
            return
        }
        let units: [(name: String, seconds: Double)] = [("ms", 0.001), ("h", 3600), ("m", 60), ("s", 1)]
        var rest = Substring(argument)
        var sum = 0.0
        while !rest.isEmpty {
            let digits = rest.prefix { $0.isASCII && $0.isNumber || $0 == "." }
            guard let number = Double(digits) else { return nil }
            rest = rest.dropFirst(digits.count)
            guard let unit = units.first(where: { rest.hasPrefix($0.name) }) else { return nil }
            rest = rest.dropFirst(unit.name.count)
            sum += number * unit.seconds
        }
        guard !argument.isEmpty, sum <= 100 * 365 * 86400 else { return nil }
        seconds = sum
    }

    var defaultValueDescription: String { seconds == seconds.rounded() ? "\(Int(seconds))s" : "\(seconds)s" }

    /// Rounded up to whole seconds.
    var wholeSeconds: Int { Int(seconds.rounded(.up)) }
}
