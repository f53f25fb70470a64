// Two API servers on one etcd: each knows what the other wrote, and neither gives out what the other has.

import APISchema
import EtcdServer
import EtcdStore
import Foundation
import JSON
import KubeTypes
import NIOHTTP1
import Storage
import Synchronization
import Testing

@testable import APIServer

/// One at a time: each has an etcd of its own, and the room's other tests keep the machine busy.
@Suite(.serialized, .timeLimit(.minutes(10)))
struct SharedStoreTests {
    private struct Pair {
        let a: ControlPlane
        let b: ControlPlane
        var both: [ControlPlane] { [a, b] }
    }

    /// - Parameter patience: how long servers wait for each other's writes; long, for machines that are busy.
    private func withServers(
        _ configure: (inout APIServerConfiguration) -> Void = { _ in }, patience: Duration = .seconds(50),
        _ body: (Pair, EtcdServer) async throws -> Void
    ) async throws {
        let etcd = try EtcdServer()
        defer { etcd.remove() }
        try await etcd.start()
        var stores: [EtcdStore] = []
        var planes: [ControlPlane] = []
        for address in ["192.0.2.1", "192.0.2.2"] {
            var shared = EtcdConfiguration(servers: [etcd.url])
            shared.callTimeout = .seconds(50)
            shared.synchronizationTimeout = patience
            let store = try EtcdStore(shared)
            stores.append(store)
            let server = try ControlPlane.server(store) {
                $0.advertiseAddress = address
                configure(&$0)
            }
            planes.append(ControlPlane(server: server, store: MemoryStore()))
        }
        func stop() async {
            for plane in planes { plane.server.stop() }
            for store in stores { await store.close() }
        }
        do {
            // Both make what every cluster has, at the same time.
            let (one, other) = (planes[0].server, planes[1].server)
            async let first: Void = one.start()
            async let second: Void = other.start()
            _ = try await (first, second)
            try await body(Pair(a: planes[0], b: planes[1]), etcd)
        } catch {
            await stop()
            throw error
        }
        await stop()
    }

    private static let maps = "/api/v1/namespaces/default/configmaps"
    private static let services = "/api/v1/namespaces/default/services"

    @Test func consistentReadsSeeTheOtherServersWritesAtOnce() async throws {
        try await withServers { servers, _ in
            for number in 0..<40 {
                let (writer, reader) = number % 2 == 0 ? (servers.a, servers.b) : (servers.b, servers.a)
                #expect(await writer.call(.POST, Self.maps, configMap("m\(number)")).status == 201)
                #expect(await reader.call(.GET, "\(Self.maps)/m\(number)").status == 200)
                let list = await reader.call(.GET, Self.maps)
                #expect(list.json["items"]?.arrayValue?.count == number + 1)
                // The revision of one server's answer can be asked of the other.
                let revision = list.json[path: "metadata", "resourceVersion"]?.stringValue ?? ""
                let again = await writer.call(.GET, "\(Self.maps)?resourceVersion=\(revision)")
                #expect(again.json["items"]?.arrayValue?.count == number + 1)
                let any = await reader.call(.GET, "\(Self.maps)?resourceVersion=0")
                #expect(any.status == 200)
            }
        }
    }

    @Test func whatHasNotHappenedIsNotWaitedForForever() async throws {
        try await withServers(patience: .milliseconds(300)) { servers, _ in
            let future = await servers.a.call(.GET, "\(Self.maps)?resourceVersion=100000000")
            #expect(future.status == 504 && future.message.contains("Too large resource version"), "\(future.text)")
            #expect(await servers.a.call(.GET, "\(Self.maps)?resourceVersion=0").status == 200)
        }
    }

    /// What is written by one server is changed, deleted and made again by the other, without a pause.
    @Test func writesOfBothGoByWhatIsThere() async throws {
        try await withServers { servers, _ in
            for number in 0..<20 {
                let (one, other) = number % 2 == 0 ? (servers.a, servers.b) : (servers.b, servers.a)
                let path = "\(Self.maps)/m"
                #expect(await one.call(.POST, Self.maps, configMap("m", ["n": "0"])).status == 201)
                let patched = await other.call(
                    .PATCH, path, ["data": ["n": "1"]], type: "application/merge-patch+json")
                #expect(patched.status == 200 && patched.json[path: "data", "n"] == "1", "\(patched.text)")
                // The same again is no change, seen from a server that knows of none.
                let same = await one.call(.PATCH, path, ["data": ["n": "1"]], type: "application/merge-patch+json")
                #expect(
                    same.json[path: "metadata", "resourceVersion"] == patched.json[path: "metadata", "resourceVersion"])
                let replaced = await one.call(.PUT, path, patched.json)
                #expect(replaced.status == 200, "\(replaced.text)")
                let back = await other.call(.PATCH, path, ["data": ["n": "0"]], type: "application/merge-patch+json")
                // A client with an old resourceVersion is refused, whichever server he asks.
                #expect(await one.call(.PUT, path, patched.json).status == 409)
                #expect(await other.call(.PUT, path, back.json).status == 200)
                #expect(await one.call(.DELETE, path).status == 200)
                #expect(await other.call(.DELETE, path).status == 404)
                #expect(await other.call(.GET, path).status == 404)
            }
            // A namespace is good everywhere as soon as it is there.
            for number in 0..<10 {
                let namespace: JSONValue = [
                    "apiVersion": "v1", "kind": "Namespace", "metadata": ["name": .string("n\(number)")],
                ]
                #expect(await servers.a.call(.POST, "/api/v1/namespaces", namespace).status == 201)
                let made = await servers.b.call(.POST, "/api/v1/namespaces/n\(number)/configmaps", configMap("m"))
                #expect(made.status == 201, "\(made.text)")
            }
        }
    }

    @Test func concurrentChangesOfBothAreAllThere() async throws {
        try await withServers { servers, _ in
            #expect(await servers.a.call(.POST, Self.maps, configMap("n", ["first": "x"])).status == 201)
            await withTaskGroup(of: Void.self) { group in
                for (index, plane) in [servers.a, servers.b, servers.a, servers.b].enumerated() {
                    group.addTask {
                        for step in 0..<20 {
                            let answer = await plane.call(
                                .PATCH, "\(Self.maps)/n", ["data": .object(["k\(index)-\(step)": "x"])],
                                type: "application/merge-patch+json")
                            #expect(answer.status == 200, "\(answer.text)")
                        }
                    }
                }
            }
            for plane in servers.both {
                let data = await plane.call(.GET, "\(Self.maps)/n").json["data"]?.objectValue
                #expect(data?.count == 81)
            }
        }
    }

    @Test func aWatchHearsTheOtherServersWritesInOrder() async throws {
        try await withServers { servers, _ in
            let list = await servers.a.call(.GET, Self.maps)
            let revision = list.json[path: "metadata", "resourceVersion"]?.stringValue ?? ""
            let watch = servers.b.begin(.GET, "\(Self.maps)?watch=1&resourceVersion=\(revision)")
            let count = 30
            for number in 0..<count {
                #expect(await servers.a.call(.POST, Self.maps, configMap("m\(number)")).status == 201)
            }
            let seen = await watch.events(count)
            #expect(seen.eventSummary == (0..<count).map { "ADDED m\($0)" })
            // From where one server lists, the other goes on: nothing is told again.
            for round in 0..<5 {
                let made = await servers.a.call(.POST, Self.maps, configMap("r\(round)"))
                let revision = made.json[path: "metadata", "resourceVersion"]?.stringValue ?? ""
                let watch = servers.b.begin(.GET, "\(Self.maps)?watch=1&resourceVersion=\(revision)")
                #expect(await servers.a.call(.POST, Self.maps, configMap("s\(round)")).status == 201)
                #expect(await watch.events(1).eventSummary.first == "ADDED s\(round)")
            }
        }
    }

    private func service(_ name: String, _ spec: JSONValue = [:]) -> JSONValue {
        var whole: JSONValue = ["ports": [["port": 80]], "type": "NodePort"]
        for (key, value) in spec.objectValue ?? [:] { whole[key] = value }
        return ["apiVersion": "v1", "kind": "Service", "metadata": ["name": .string(name)], "spec": whole]
    }

    @Test func addressesAndPortsAreGivenOutOnce() async throws {
        func small(_ configuration: inout APIServerConfiguration) {
            configuration.serviceCIDR = "10.0.0.0/26"
            configuration.nodePortRange = 30000...30049
        }
        try await withServers(small) { servers, _ in
            let answers = Box<[Recorded]>([])
            await withTaskGroup(of: Void.self) { group in
                for (index, plane) in [servers.a, servers.b, servers.a, servers.b].enumerated() {
                    group.addTask { [self] in
                        for step in 0..<11 {
                            let answer = await plane.call(.POST, Self.services, service("s\(index)-\(step)"))
                            #expect(answer.status == 201, "\(answer.text)")
                            answers.withLock { $0.append(answer) }
                        }
                    }
                }
            }
            let made = answers.withLock { $0 }
            let addresses = made.compactMap { $0.json[path: "spec", "clusterIP"]?.stringValue }
            let ports = made.compactMap { $0.json[path: "spec", "ports"]?[0]?["nodePort"]?.intValue }
            #expect(Set(addresses).count == 44 && Set(ports).count == 44)
            // One that is asked for by name is refused where the other server has given it away, and free when its
            // service is gone.
            let wanted: JSONValue = ["clusterIP": .string(addresses[0])]
            for plane in servers.both {
                let taken = await plane.call(.POST, Self.services, service("wanted", wanted))
                #expect(taken.status == 422 && taken.message.contains("already allocated"), "\(taken.text)")
            }
            let name = made[0].json.name
            #expect(await servers.b.call(.DELETE, "\(Self.services)/\(name)").status == 200)
            // The key goes a moment after the service.
            let again = await servers.a.eventually(
                Self.services, method: .POST, body: service("wanted", wanted)
            ) { $0.status == 201 }
            #expect(again.status == 201, "\(again.text)")
            // So is one that was refused because of a service that was gone by then, or was never written.
            let store = servers.a.server.cache.store
            let held = ports + [again.json[path: "spec", "ports"]?[0]?["nodePort"]?.intValue]
            let number = try #require((30000...30049).first { !held.contains($0) })
            let key = "/registry/ranges/servicenodeports/\(number)"
            let unknown = try await store.commit(.create(key: key, value: Array("unknown".utf8)))
            let port = service("refused", ["ports": [["nodePort": .integer(Int64(number)), "port": 80]]])
            let refused = await servers.a.call(.POST, Self.services, port)
            #expect(refused.status == 422 && refused.message.contains("already allocated"), "\(refused.text)")
            _ = try await store.commit(.delete(key: key, expected: unknown.revision))
            let free = await servers.a.eventually(Self.services, method: .POST, body: port) { $0.status == 201 }
            #expect(free.status == 201, "\(free.text)")
            // A type that changes takes and gives back ports.
            let without = await servers.a.call(
                .PATCH, "\(Self.services)/wanted", ["spec": ["type": "ClusterIP"]],
                type: "application/merge-patch+json")
            #expect(without.json[path: "spec", "ports"]?[0]?["nodePort"] == nil, "\(without.text)")
            // Claims of services that are not there are found, twice, and removed.
            _ = try await store.commit(
                .create(key: "/registry/ranges/servicenodeports/30099", value: Array("nobody".utf8)))
            let claims = try #require(servers.a.server.registry.services.claims)
            let cache = try #require(servers.a.server.cache.cache(group: "", resource: "services"))
            for _ in 0..<2 { try await claims.repair(cache, servers.a.server.registry.services) }
            let left = try await store.range(prefix: "/registry/ranges/", start: nil, limit: 0, at: nil).keyValues
            let holdings = cache.snapshot.objects.all.map { ServiceHoldings($0.value) }
            #expect(left.count == holdings.reduce(0) { $0 + $1.addresses.count + $1.ports.count })
            #expect(!left.contains { $0.value == Array("nobody".utf8) })
        }
    }

    /// What tasks of a test share.
    private final class Box<Value: Sendable>: Sendable {
        private let value: Mutex<Value>
        init(_ value: Value) { self.value = Mutex(value) }
        func withLock<Result: Sendable>(_ body: (inout Value) -> Result) -> Result { value.withLock { body(&$0) } }
    }

    @Test func quotaHoldsAcrossServers() async throws {
        try await withServers { servers, _ in
            let path = "/api/v1/namespaces/default/resourcequotas"
            let hard: JSONValue = ["count/configmaps": "10"]
            var quota: JSONValue = [
                "apiVersion": "v1", "kind": "ResourceQuota", "metadata": ["name": "q"], "spec": ["hard": hard],
            ]
            #expect(await servers.a.call(.POST, path, quota).status == 201)
            quota["status"] = ["hard": hard, "used": ["count/configmaps": "0"]]
            #expect(await servers.a.call(.PUT, "\(path)/q/status", quota).status == 200)
            try await servers.b.server.cache.store.synchronize()
            let accepted = Box(0)
            await withTaskGroup(of: Void.self) { group in
                for (index, plane) in [servers.a, servers.b, servers.a, servers.b].enumerated() {
                    group.addTask {
                        for step in 0..<6 {
                            let answer = await plane.call(.POST, Self.maps, configMap("m\(index)-\(step)"))
                            if answer.status == 201 {
                                accepted.withLock { $0 += 1 }
                            } else {
                                #expect(answer.status == 403 && answer.message.contains("exceeded quota"))
                            }
                        }
                    }
                }
            }
            #expect(accepted.withLock { $0 } == 10)
            let used = await servers.b.call(.GET, "\(path)/q").json[path: "status", "used", "count/configmaps"]
            #expect(used == "10")
        }
    }

    @Test func theAPIsOwnServiceLeadsToBoth() async throws {
        try await withServers { servers, _ in
            let path = "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices/kubernetes"
            func addresses(_ plane: ControlPlane) async -> [String] {
                (await plane.call(.GET, path).json["endpoints"]?.arrayValue ?? []).compactMap {
                    $0["addresses"]?[0]?.stringValue
                }
            }
            var found: [String] = []
            for _ in 0..<200 where found.count < 2 {
                found = await addresses(servers.a)
                try await Task.sleep(for: .milliseconds(100))
            }
            #expect(found == ["192.0.2.1", "192.0.2.2"])
            await servers.b.server.leave()
            #expect(await addresses(servers.a) == ["192.0.2.1"])
        }
    }

    @Test func resourcesDefinedAtOneAreServedByTheOther() async throws {
        try await withServers { servers, _ in
            let definition: JSONValue = [
                "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
                "metadata": ["name": "things.example.com"],
                "spec": [
                    "group": "example.com", "scope": "Namespaced",
                    "names": ["plural": "things", "singular": "thing", "kind": "Thing", "listKind": "ThingList"],
                    "versions": [
                        [
                            "name": "v1", "served": true, "storage": true,
                            "schema": [
                                "openAPIV3Schema": [
                                    "type": "object", "properties": ["spec": ["type": "object"]],
                                ]
                            ],
                        ]
                    ],
                ],
            ]
            let path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
            #expect(await servers.a.call(.POST, path, definition).status == 201)
            await servers.a.eventually("\(path)/things.example.com") {
                CustomResourceConditions.isTrue("Established", of: $0.json)
            }
            let thing: JSONValue = ["apiVersion": "example.com/v1", "kind": "Thing", "metadata": ["name": "t"]]
            let made = await servers.b.call(.POST, "/apis/example.com/v1/namespaces/default/things", thing)
            #expect(made.status == 201, "\(made.text)")
            #expect(await servers.a.call(.GET, "/apis/example.com/v1/namespaces/default/things/t").status == 200)
        }
    }

    @Test func etcdGoesAndComesBack() async throws {
        try await withServers { servers, etcd in
            #expect(await servers.a.call(.POST, Self.maps, configMap("before")).status == 201)
            etcd.kill()
            let read = await servers.a.call(.GET, "\(Self.maps)/before")
            #expect(read.status == 500 && read.message.contains("etcd"), "\(read.text)")
            let written = await servers.a.call(.POST, Self.maps, configMap("during"))
            #expect(written.status == 500 && written.message.contains("etcd"), "\(written.text)")
            // Whoever takes what is at hand gets it.
            #expect(await servers.a.call(.GET, "\(Self.maps)/before?resourceVersion=0").status == 200)
            let health = await servers.a.call(.GET, "/readyz?verbose")
            #expect(health.status == 500 && health.text.contains("[-]etcd"), "\(health.text)")
            try await etcd.start()
            let after = await servers.b.eventually(
                Self.maps, method: .POST, body: configMap("after")
            ) { $0.status != 500 }
            #expect(after.status == 201, "\(after.text)")
            for name in ["before", "after"] {
                #expect(await servers.a.call(.GET, "\(Self.maps)/\(name)").status == 200)
            }
            #expect(await servers.a.call(.GET, "/readyz").status == 200)
        }
    }
}
