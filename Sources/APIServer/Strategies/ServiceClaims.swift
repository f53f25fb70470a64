// Which addresses and node ports services hold, where several servers give them out: a key of the store for each, made
// before the service is written. Whoever makes it first has it.

import JSON
import KubeTypes
import Logging
import Storage
import Synchronization

/// What a write of a service takes and gives back.
struct ServiceClaim: Sendable {
    let owner: String
    let taken: ServiceHoldings
    let dropped: ServiceHoldings
}

final class ServiceClaims: Sendable {
    private static let addresses = "\(WatchCache.root)ranges/serviceips/"
    private static let ports = "\(WatchCache.root)ranges/servicenodeports/"

    private let store: any Store
    private let logger: Logger
    /// Claims of services that were not there when they were last looked at: by key, and the revision that made them.
    private let suspects = Mutex<[String: Revision]>([:])

    init(_ store: any Store, logger: Logger) {
        self.store = store
        self.logger = logger
    }

    private static func keys(_ holdings: ServiceHoldings) -> [(key: String, holding: ServiceHoldings)] {
        holdings.addresses.map { ("\(addresses)\($0)", ServiceHoldings(addresses: [$0])) }
            + holdings.ports.map { ("\(ports)\($0)", ServiceHoldings(ports: [$0])) }
    }

    private static func holding(of key: String) -> ServiceHoldings {
        if key.hasPrefix(addresses) {
            return ServiceHoldings(
                addresses: Set([IPv4Address(String(key.dropFirst(addresses.count)))].compactMap { $0 }))
        }
        return ServiceHoldings(ports: Set([Int(key.dropFirst(ports.count))].compactMap { $0 }))
    }

    /// Makes all keys, or none.
    /// - Returns: nil if they are the owner's now; otherwise what is another's.
    func take(_ holdings: ServiceHoldings, owner: String) async throws(StoreError) -> ServiceHoldings? {
        var made = ServiceHoldings()
        do throws(StoreError) {
            for (key, holding) in Self.keys(holdings) {
                do throws(StoreError) {
                    _ = try await store.commit(.create(key: key, value: Array(owner.utf8)))
                } catch {
                    guard case .keyExists(let there) = error else { throw error }
                    if String(decoding: there.value, as: UTF8.self) == owner { continue }
                    await giveBack(made, owner: owner)
                    return holding
                }
                made.formUnion(holding)
            }
            return nil
        } catch {
            await giveBack(made, owner: owner)
            throw error
        }
    }

    /// Removes the keys that are the owner's. What cannot be removed now is found later to be nobody's.
    func giveBack(_ holdings: ServiceHoldings, owner: String) async {
        for (key, _) in Self.keys(holdings) {
            do throws(StoreError) {
                guard let there = try await store.get(key), String(decoding: there.value, as: UTF8.self) == owner else {
                    continue
                }
                _ = try await store.commit(.delete(key: key, expected: there.modRevision))
            } catch {
                logger.debug("\(key) is not given back: \(error)")
            }
        }
    }

    /// Makes keys for what services hold without, and removes those whose services have not been there for two rounds: a
    /// server that ended in between leaves such behind.
    func repair(_ services: ResourceCache, _ allocations: ServiceAllocations) async throws(StoreError) {
        var claims: [String: KeyValue] = [:]
        for prefix in [Self.addresses, Self.ports] {
            for claim in try await store.range(prefix: prefix, start: nil, limit: 0, at: nil).keyValues {
                claims[claim.key] = claim
            }
        }
        // Services that are there by now: who claimed before has written by then, or is written about next time.
        try await store.synchronize()
        var held: [String: String] = [:]
        for service in services.snapshot.objects.all {
            for (key, _) in Self.keys(ServiceHoldings(service.value)) { held[key] = service.value.uid }
        }
        for (key, owner) in held where claims[key] == nil {
            do throws(StoreError) {
                _ = try await store.commit(.create(key: key, value: Array(owner.utf8)))
            } catch {
                guard case .keyExists = error else { throw error }
            }
        }
        var seen: [String: Revision] = [:]
        for (key, claim) in claims where held[key] != String(decoding: claim.value, as: UTF8.self) {
            guard suspects.withLock({ $0[key] }) == claim.modRevision else {
                seen[key] = claim.modRevision
                continue
            }
            logger.info("\(key) is nobody's any more")
            do throws(StoreError) {
                _ = try await store.commit(.delete(key: key, expected: claim.modRevision))
            } catch {
                guard case .conflict = error else { throw error }
            }
            allocations.release(Self.holding(of: key), owner: String(decoding: claim.value, as: UTF8.self))
        }
        suspects.withLock { $0 = seen }
        let known = Set(claims.keys).union(held.keys)
        allocations.retain { holding in Self.keys(holding).allSatisfy { known.contains($0.key) } }
    }
}
