// Which API servers share a store, for the Service `kubernetes` to lead to all that live.

import NIOCore
import Storage
import Synchronization

/// Each server writes a key of its own again and again; one that has not for a while is taken for dead, by the clock of
/// whoever looks (upstream's lease endpoint reconciler, with its time to live).
final class ServerEndpoints: Sendable {
    static let interval = TimeAmount.seconds(5)
    private static let timeToLive = Duration.seconds(15)
    private static let prefix = "\(WatchCache.root)masterleases/"

    private struct Sighting {
        let revision: Revision
        let since: ContinuousClock.Instant
    }

    private let store: any Store
    private let address: String
    private let port: Int
    private let state = Mutex<(sightings: [String: Sighting], hasLeft: Bool)>(([:], false))

    init(_ store: any Store, _ configuration: APIServerConfiguration) {
        self.store = store
        address = configuration.advertiseAddress
        port = configuration.advertisePort
    }

    private var key: String { "\(Self.prefix)\(address)" }

    /// Says that this server lives.
    /// - Returns: the addresses of all that do, in order. All listen on one port, since the Service has but one: what is
    ///   on another is left out by those on this one.
    func renew() async throws(StoreError) -> [String] {
        guard !state.withLock({ $0.hasLeft }) else { return try await others() }
        let value = Array(String(port).utf8)
        do throws(StoreError) {
            if let there = try await store.get(key) {
                _ = try await store.commit(.update(key: key, value: value, expected: there.modRevision))
            } else {
                _ = try await store.commit(.create(key: key, value: value))
            }
        } catch {
            switch error {
            // Somebody with this address has just written: it lives.
            case .conflict, .keyExists: break
            default: throw error
            }
        }
        return Set(try await others() + [address]).sorted()
    }

    /// Says that this server goes.
    /// - Returns: the addresses of the others.
    func leave() async throws(StoreError) -> [String] {
        state.withLock { $0.hasLeft = true }
        if let there = try await store.get(key) {
            _ = try await store.commit(.delete(key: key, expected: there.modRevision))
        }
        return try await others()
    }

    private func others() async throws(StoreError) -> [String] {
        let found = try await store.range(prefix: Self.prefix, start: nil, limit: 0, at: nil).keyValues
        let now = ContinuousClock.now
        let (living, dead) = state.withLock { state in
            var living: [String] = []
            var dead: [KeyValue] = []
            var sightings: [String: Sighting] = [:]
            for server in found where server.key != key {
                var sighting = Sighting(revision: server.modRevision, since: now)
                if let known = state.sightings[server.key], known.revision == server.modRevision { sighting = known }
                sightings[server.key] = sighting
                if now - sighting.since > Self.timeToLive {
                    dead.append(server)
                } else if String(decoding: server.value, as: UTF8.self) == String(port) {
                    living.append(String(server.key.dropFirst(Self.prefix.count)))
                }
            }
            state.sightings = sightings
            return (living, dead)
        }
        for server in dead {
            do throws(StoreError) {
                _ = try await store.commit(.delete(key: server.key, expected: server.modRevision))
            } catch {
                guard case .conflict = error else { throw error }
            }
        }
        return living.sorted()
    }
}
