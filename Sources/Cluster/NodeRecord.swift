import CRI
import Foundation
import JSON
import PKI

/// What a node of its own process is, in a file in its data directory: it comes up again without being told.
struct NodeRecord: Sendable, Hashable {
    var name: String
    /// The node's own address.
    var address: String
    /// `https://HOST:PORT`
    var server: String
    /// For a node in a network namespace: which of the machine's it is, from 2.
    var number: Int?
    var containerRuntimeEndpoint: String?

    private static func path(_ directory: DataDirectory) -> String { directory.path + "/node.json" }
    private static func rangePath(_ directory: DataDirectory) -> String { directory.path + "/pod-cidr" }
    private static func stopPath(_ directory: DataDirectory) -> String { directory.path + "/stopped" }

    init(name: String, address: String, server: String, number: Int? = nil, containerRuntimeEndpoint: String? = nil) {
        self.name = name
        self.address = address
        self.server = server
        self.number = number
        self.containerRuntimeEndpoint = containerRuntimeEndpoint
    }

    /// Nil where there is none: the directory is a server's, or nobody's yet.
    init?(in directory: DataDirectory) {
        guard let data = FileManager.default.contents(atPath: Self.path(directory)),
            let json = try? JSONParser.parse(data), let name = json["name"]?.stringValue,
            let address = json["address"]?.stringValue, let server = json["server"]?.stringValue
        else { return nil }
        self.init(
            name: name, address: address, server: server, number: json["number"]?.intValue,
            containerRuntimeEndpoint: json["containerRuntimeEndpoint"]?.stringValue)
    }

    func write(in directory: DataDirectory) throws(ClusterError) {
        var json: JSONValue = [
            "name": .string(name), "address": .string(address), "server": .string(server),
        ]
        json["number"] = number.map { .integer(Int64($0)) }
        json["containerRuntimeEndpoint"] = containerRuntimeEndpoint.map { .string($0) }
        do { try Files.replace(Self.path(directory), with: JSONWriter.bytes(of: json), mode: 0o600) } catch {
            throw ClusterError("\(error)")
        }
    }

    /// The range of the node's pods, to tidy up by when nobody can be asked.
    static func podCIDR(in directory: DataDirectory) -> String? {
        Files.text(rangePath(directory))?.trimmingCharacters(in: .whitespacesAndNewlines)
    }

    static func note(podCIDR: String, in directory: DataDirectory) throws(SystemError) {
        try Files.write(podCIDR + "\n", to: rangePath(directory))
    }

    /// Whether the node was stopped on purpose: then it does not come up with the cluster.
    static func isStopped(in directory: DataDirectory) -> Bool { Files.exists(stopPath(directory)) }

    static func note(isStopped: Bool, in directory: DataDirectory) throws(ClusterError) {
        do {
            if isStopped {
                try Files.write("", to: stopPath(directory))
            } else {
                try Files.removeTree(stopPath(directory))
            }
        } catch { throw ClusterError("\(error)") }
    }

    func settings(in directory: DataDirectory, network: ClusterNetwork) -> NodeSettings {
        NodeSettings(
            name: name, directory: directory, address: address, podCIDR: nil, network: network,
            containerRuntimeEndpoint: containerRuntimeEndpoint, isNamespaced: number != nil,
            cgroupRoot: number == nil ? "/kubepods" : "/martlet-\(name)/kubepods")
    }
}

/// With what a machine joins: kept until it has joined, for it may be started again before.
struct JoinSecret: Sendable, Hashable {
    var token: String
    /// `sha256:HEX` of the authority's public key; nil: the token vouches for the authority.
    var authorityHash: String?

    private static func path(_ directory: DataDirectory) -> String { directory.path + "/join" }

    static func read(in directory: DataDirectory) -> JoinSecret? {
        guard let words = try? SecretFile.read(path(directory))?.split(whereSeparator: \.isWhitespace),
            let token = words.first
        else { return nil }
        return JoinSecret(token: String(token), authorityHash: words.dropFirst().first.map(String.init))
    }

    func write(in directory: DataDirectory) throws(ClusterError) {
        do { try SecretFile.write("\(token) \(authorityHash ?? "")\n", to: Self.path(directory)) } catch {
            throw ClusterError("\(error)")
        }
    }

    static func remove(in directory: DataDirectory) { unlink(path(directory)) }
}
