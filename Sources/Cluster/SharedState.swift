// State that several servers share: etcd instead of the data directory's database, keys that are the same everywhere,
// and who of the servers' controllers and schedulers works.

import EtcdStore
import Foundation
import JSON
import KubeClient
import Logging
import PKI
import Storage

/// Where etcd is (`--etcd-…`).
public struct SharedStateOptions: Sendable {
    public var servers: [String]
    /// PEM files.
    public var authorityFile: String?
    public var certificateFile: String?
    public var keyFile: String?
    public var prefix = "/registry"
    /// Zero leaves compaction to others.
    public var compactionInterval = Duration.seconds(300)

    public init(servers: [String]) { self.servers = servers }
}

/// Whether and how several servers' controllers and schedulers agree who works (`--leader-elect…`).
public struct LeaderElectionOptions: Sendable {
    /// Nil: where the state is shared.
    public var isOn: Bool?
    public var leaseDuration = Duration.seconds(15)
    public var renewDeadline = Duration.seconds(10)
    public var retryPeriod = Duration.seconds(2)

    public init() {}

    /// What is wrong with the times; nil if nothing. The holder must have given up before others take the Lease.
    public var problem: String? {
        if min(leaseDuration, renewDeadline, retryPeriod) <= .zero {
            return "--leader-elect-lease-duration, -renew-deadline and -retry-period are longer than 0."
        }
        if leaseDuration < .seconds(1) { return "--leader-elect-lease-duration is no less than 1s." }
        if leaseDuration <= renewDeadline {
            return "--leader-elect-lease-duration must be longer than --leader-elect-renew-deadline."
        }
        // A retry may come a fifth later than it should.
        if renewDeadline <= retryPeriod * 1.2 {
            return "--leader-elect-renew-deadline must be longer than 1.2 times --leader-elect-retry-period."
        }
        return nil
    }
}

extension ClusterOptions {
    /// The election that a component takes part in; nil where it is the only one.
    func election(_ name: String, identity: String) -> LeaderElection.Options? {
        guard leaderElection.isOn ?? (sharedState != nil) else { return nil }
        var election = LeaderElection.Options(name: name, identity: identity)
        election.leaseDuration = leaderElection.leaseDuration
        election.renewDeadline = leaderElection.renewDeadline
        election.retryPeriod = leaderElection.retryPeriod
        return election
    }
}

enum SharedState {
    /// Opens the cluster's store: etcd if it is named, otherwise the data directory's database.
    static func open(_ options: ClusterOptions, logger: Logger) throws(ClusterError) -> any Store {
        guard let shared = options.sharedState else {
            do {
                return try SQLiteStore(path: options.directory.database)
            } catch {
                throw ClusterError("the database \(options.directory.database): \(error)")
            }
        }
        var configuration = EtcdConfiguration(servers: shared.servers)
        configuration.authorityFile = shared.authorityFile
        configuration.certificateFile = shared.certificateFile
        configuration.keyFile = shared.keyFile
        configuration.prefix = EtcdConfiguration.normalized(prefix: shared.prefix)
        configuration.compactionInterval = shared.compactionInterval
        do {
            return try EtcdStore(configuration, logger: Logger(label: "etcd", from: logger))
        } catch {
            guard case .failed(let why) = error else { throw ClusterError("etcd: \(error)") }
            throw ClusterError(
                why, mend: "name etcd with --etcd-servers, --etcd-cafile, --etcd-certfile, --etcd-keyfile")
        }
    }

    // MARK: Keys

    /// The files that are the same on every server: whoever trusts one trusts the others, and tokens of one are good at
    /// the others.
    static let sharedFiles = ["ca.crt", "ca.key", "sa.key", "front-proxy-ca.crt", "front-proxy-ca.key"]

    /// Takes over the keys in a directory (`--pki-dir`) as the data directory's own.
    /// - Throws: `ClusterError` where one is missing, or the data directory has another.
    static func adoptKeys(_ options: ClusterOptions) throws(ClusterError) {
        guard let given = options.pkiDirectory else { return }
        let own = options.directory.pki
        do {
            for name in sharedFiles {
                guard let text = try SecretFile.read("\(given)/\(name)") else {
                    throw ClusterError(
                        "\(given)/\(name) is not there",
                        mend: "copy \(sharedFiles.joined(separator: ", ")) from the pki directory of the first server")
                }
                let kept = try SecretFile.read("\(own)/\(name)")
                if kept == text { continue }
                guard kept == nil else {
                    throw ClusterError(
                        "\(own)/\(name) is another than \(given)/\(name)",
                        mend: "start with a new --data-dir; this one is of another cluster")
                }
                try SecretFile.write(text, to: "\(own)/\(name)", mode: name.hasSuffix(".crt") ? 0o644 : 0o600)
            }
        } catch let error as ClusterError {
            throw error
        } catch {
            throw ClusterError("the cluster's keys: \(error)")
        }
    }

    private static let identityKey = "/registry/martlet/identity"
    private static let nodeKey = "/registry/martlet/servernode"

    /// Sees that this server has the keys of the cluster that is in the store, and that no other server's own node has
    /// the first range of pod addresses. The first server writes down what the others are compared with.
    static func verify(_ store: any Store, _ keys: ClusterKeys, _ options: ClusterOptions) async throws(ClusterError) {
        guard store.isShared else { return }
        let identity: JSONValue = [
            "authority": .string(fingerprint(keys.authority.certificatePEM)),
            "serviceAccounts": .string(keys.tokens.keyID),
            "frontProxy": .string(fingerprint(keys.frontProxyAuthority.certificatePEM)),
        ]
        let known = try await remember(identity, under: identityKey, in: store)
        for (name, what) in [
            ("authority", "ca.crt"), ("serviceAccounts", "sa.key"), ("frontProxy", "front-proxy-ca.crt"),
        ] where known[name] != identity[name] {
            throw ClusterError(
                "\(options.directory.pki)/\(what) is not that of the cluster whose state is in etcd",
                mend:
                    "start with a new --data-dir and with --pki-dir naming a copy of the first server's pki directory, "
                    + "or with another --etcd-prefix for another cluster")
        }
        guard options.runsNode else { return }
        let node = try await remember(["name": .string(options.nodeName)], under: nodeKey, in: store)
        guard node["name"]?.stringValue == options.nodeName else {
            throw ClusterError(
                "the server on \(node["name"]?.stringValue ?? "another machine") has the cluster's first node already",
                mend: "start this one with --no-node, and let this machine's node join with 'martlet agent'")
        }
    }

    private static func fingerprint(_ pem: String) -> String {
        Data(Digest.sha256(pem)).base64EncodedString()
    }

    /// Writes a value down unless there is one.
    /// - Returns: what is there.
    private static func remember(_ value: JSONValue, under key: String, in store: any Store) async throws(ClusterError)
        -> JSONValue
    {
        do throws(StoreError) {
            do throws(StoreError) {
                _ = try await store.commit(.create(key: key, value: JSONWriter.bytes(of: value)))
                return value
            } catch {
                guard case .keyExists(let there) = error else { throw error }
                return (try? JSONParser.parse(there.value)) ?? .null
            }
        } catch {
            throw ClusterError("the cluster's store: \(error)", mend: "see that etcd runs and can be reached")
        }
    }
}
