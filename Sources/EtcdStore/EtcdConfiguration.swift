// Where etcd is, who we are to it, and which of its keys are ours.

import Foundation
import Storage

/// What an `EtcdStore` is told. The flags of kube-apiserver that say the same are named `--etcd-…`.
public struct EtcdConfiguration: Sendable {
    /// URLs of the members' client ports: `https://10.0.0.1:2379`. Plain HTTP is for loopback addresses only.
    public var servers: [String]
    /// PEM files: whom to believe (nil: the system's authorities), and who we are (both or none).
    public var authorityFile: String?
    public var certificateFile: String?
    public var keyFile: String?
    /// What our keys begin with in etcd. Stores with different prefixes know nothing of each other.
    public var prefix = "/registry"
    /// What the keys begin with for whoever uses the store, in the place of `prefix`.
    public var root = "/registry"
    /// Between compactions; as much history is kept at least. Zero leaves compaction to others.
    public var compactionInterval = Duration.seconds(300)
    /// How long a call may take.
    public var callTimeout = Duration.seconds(10)
    /// How long `synchronize` waits for the watches; upstream's watch cache waits as long.
    public var synchronizationTimeout = Duration.seconds(3)
    public var limits = StoreLimits()

    public init(servers: [String]) { self.servers = servers }

    /// A prefix with a slash before and none behind it, however it was written.
    public static func normalized(prefix: String) -> String {
        "/" + prefix.split(separator: "/").joined(separator: "/")
    }
}

/// One member's address.
struct EtcdEndpoint: Equatable, Sendable {
    enum Host: Equatable, Sendable { case ipv4, ipv6, name }

    let host: String
    let kind: Host
    let port: Int
    let isSecure: Bool

    /// - Throws: `StoreError.failed` with what is wrong with the URL.
    init(_ text: String) throws(StoreError) {
        guard let url = URLComponents(string: text), let scheme = url.scheme, let named = url.host, !named.isEmpty,
            url.path.isEmpty || url.path == "/"
        else { throw .failed("\(text) is not the URL of an etcd server, such as https://10.0.0.1:2379") }
        guard scheme == "https" || scheme == "http" else {
            throw .failed("\(text): etcd is spoken to over https, or over http on loopback, not \(scheme)")
        }
        host = named.hasPrefix("[") ? String(named.dropFirst().dropLast()) : named
        var four = in_addr()
        var six = in6_addr()
        kind =
            inet_pton(AF_INET, host, &four) == 1 ? .ipv4 : inet_pton(AF_INET6, host, &six) == 1 ? .ipv6 : .name
        port = url.port ?? 2379
        isSecure = scheme == "https"
        let isLoopback = host == "localhost" || host == "::1" || kind == .ipv4 && host.hasPrefix("127.")
        if !isSecure, !isLoopback {
            throw .failed("\(text): etcd on another machine is spoken to over https only, for it holds every secret")
        }
    }
}

/// The keys of the store as they are in etcd.
struct EtcdKeys: Sendable {
    private let root: [UInt8]
    private let prefix: [UInt8]

    init(root: String, prefix: String) {
        self.root = Array(root.utf8)
        self.prefix = Array(prefix.utf8)
        marker = self.prefix + Array("/martlet-progress".utf8)
    }

    /// A key of the store's in etcd; nil for one that is none of ours.
    func inner(_ key: String) -> [UInt8]? {
        let bytes = Array(key.utf8)
        return bytes.starts(with: root) ? prefix + bytes[root.count...] : nil
    }

    func outer(_ key: some Collection<UInt8>) -> String {
        String(decoding: root + key.dropFirst(prefix.count), as: UTF8.self)
    }

    /// Everything that is ours: what follows the prefix begins with a slash.
    var all: EtcdRange { EtcdRange(prefix: prefix + [UInt8(ascii: "/")]) }

    /// The keys that begin with `prefix`, none but ours.
    func range(prefix: String) -> EtcdRange {
        guard let inner = inner(prefix), inner.count > self.prefix.count else { return all }
        return EtcdRange(prefix: inner)
    }

    /// Written by nobody but whoever must know that he has heard of everything before.
    let marker: [UInt8]

    func isMarker(_ key: some Collection<UInt8>) -> Bool { key.count == marker.count && key.elementsEqual(marker) }
}

/// Keys from one up to, and without, another.
struct EtcdRange: Sendable, Equatable {
    var start: [UInt8]
    var end: [UInt8]

    init(prefix: [UInt8]) {
        start = prefix
        // The first key that is after all that begin with the prefix; [0] is etcd's word for no end.
        var end = prefix
        while let last = end.popLast() {
            if last < 0xff {
                end.append(last + 1)
                break
            }
        }
        self.end = end.isEmpty ? [0] : end
    }
}
