// Connections to other servers that are kept open between two requests.

import NIOCore
import NIOSSL
import Synchronization

/// Idle connections, each on its event loop, waiting for the next request to the same server.
public final class ProxyPool: Sendable {
    /// What a connection is good for. TLS is told apart by its context: other settings, another connection.
    struct Key: Hashable {
        let loop: ObjectIdentifier
        let host: String
        let port: Int
        let tls: ObjectIdentifier?
        let serverName: String?

        init(_ target: ProxyTarget, _ loop: any EventLoop) {
            self.loop = ObjectIdentifier(loop)
            host = target.host
            port = target.port
            tls = target.tls.map { ObjectIdentifier($0) }
            serverName = target.serverName
        }
    }

    private let idle = Mutex<[Key: [NIOLoopBound<ProxyConnection>]]>([:])
    /// Idle connections to one server from one event loop.
    let limit: Int
    /// How long a connection may be idle; less than servers usually allow, so that they seldom close first.
    let timeout: TimeAmount

    public init(limit: Int = 64, timeout: TimeAmount = .seconds(30)) {
        self.limit = limit
        self.timeout = timeout
    }

    /// How many connections are idle.
    public var count: Int { idle.withLock { $0.values.reduce(0) { $0 + $1.count } } }

    /// The connection that was used last. Called on its event loop.
    func take(_ key: Key) -> ProxyConnection? { idle.withLock { $0[key]?.popLast() }?.value }

    /// False if there are enough already.
    func put(_ connection: NIOLoopBound<ProxyConnection>, _ key: Key) -> Bool {
        idle.withLock { idle in
            guard idle[key]?.count ?? 0 < limit else { return false }
            idle[key, default: []].append(connection)
            return true
        }
    }

    /// Takes a connection out that is about to close. Called on its event loop.
    func remove(_ connection: ProxyConnection, _ key: Key) {
        idle.withLock { idle in
            idle[key]?.removeAll { $0.value === connection }
            if idle[key]?.isEmpty == true { idle[key] = nil }
        }
    }
}
