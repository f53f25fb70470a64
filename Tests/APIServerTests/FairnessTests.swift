import JSON
import KubeTypes
import NIOCore
import Storage
import Synchronization
import Testing

@testable import APIServer

private typealias UserInfo = InProcessAPI.User

private func level(
    _ name: String, shares: Int64 = 10, queues: Int64 = 0, hand: Int64 = 1, length: Int64 = 10, lendable: Int64 = 0,
    borrowing: Int64? = nil
) -> PriorityLevelRules {
    var limited: JSONObject = [
        "nominalConcurrencyShares": .integer(shares), "lendablePercent": .integer(lendable),
        "limitResponse": queues == 0
            ? ["type": "Reject"]
            : [
                "type": "Queue",
                "queuing": [
                    "queues": .integer(queues), "handSize": .integer(hand), "queueLengthLimit": .integer(length),
                ],
            ],
    ]
    if let borrowing { limited["borrowingLimitPercent"] = .integer(borrowing) }
    return PriorityLevelRules([
        "metadata": ["name": .string(name)], "spec": ["type": "Limited", "limited": .object(limited)],
    ])
}

private func schema(_ name: String, _ level: String, by: String = "ByUser") -> FlowSchemaRules {
    FlowSchemaRules([
        "metadata": ["name": .string(name)],
        "spec": [
            "priorityLevelConfiguration": ["name": .string(level)], "matchingPrecedence": 1,
            "distinguisherMethod": ["type": .string(by)],
            "rules": [
                [
                    "subjects": [["kind": "User", "user": ["name": "*"]]],
                    "resourceRules": [
                        [
                            "verbs": ["*"], "apiGroups": ["*"], "resources": ["*"], "namespaces": ["*"],
                            "clusterScope": true,
                        ]
                    ],
                ]
            ],
        ],
    ])
}

/// Fairness with levels of the test's own.
private final class Bench: Sendable {
    let fairness: Fairness
    private let log = Mutex<[String]>([])
    private let held = Mutex<[String: FairnessTicket]>([:])

    init(_ concurrency: Int, _ levels: [PriorityLevelRules], _ schemas: [FlowSchemaRules]) {
        let cache = WatchCache(schema: .builtin, store: MemoryStore(), logger: .init(label: "test"))
        fairness = Fairness(cache: cache, concurrency: concurrency, queueWait: .seconds(1))
        fairness.load(schemas, levels)
    }

    var events: [String] { log.withLock { $0 } }

    /// Asks for a seat; the log says what came of it.
    func ask(_ name: String, user: String, seats: Int = 1) -> FairnessWaiter? {
        guard
            let place = fairness.classify(
                FlowRequest(user: UserInfo(name: user), verb: "list", isResource: true, resource: "pods"))
        else {
            log.withLock { $0.append("\(name) unmatched") }
            return nil
        }
        let verdict = fairness.admit(place, seats: seats) { outcome in
            self.log.withLock { $0.append("\(name) \(outcome)") }
        }
        switch verdict {
        case .execute(let ticket):
            log.withLock { $0.append("\(name) at once") }
            held.withLock { $0[name] = ticket }
            return nil
        case .wait(let waiter):
            log.withLock { $0.append("\(name) waits") }
            held.withLock { $0[name] = fairness.ticket(for: waiter, level: place.level) }
            return waiter
        case .reject:
            log.withLock { $0.append("\(name) rejected") }
            return nil
        }
    }

    func finish(_ name: String) { held.withLock { $0[name] }?.release() }
}

@Suite struct FairnessTests {
    @Test func lastSeatThenQueueThenRefusal() {
        let bench = Bench(2, [level("l", queues: 1, length: 2)], [schema("s", "l")])
        for name in ["a", "b", "c", "d", "e"] { _ = bench.ask(name, user: "u") }
        #expect(bench.events == ["a at once", "b at once", "c waits", "d waits", "e rejected"])
        bench.finish("a")
        bench.finish("a")
        #expect(bench.events.last == "c execute")
        bench.finish("b")
        #expect(bench.events.last == "d execute")
    }

    @Test func rejectsWithoutQueues() {
        let bench = Bench(1, [level("l")], [schema("s", "l")])
        _ = bench.ask("a", user: "u")
        _ = bench.ask("b", user: "u")
        #expect(bench.events == ["a at once", "b rejected"])
    }

    @Test func flowsTakeTurns() {
        let bench = Bench(1, [level("l", queues: 64, hand: 4, length: 50)], [schema("s", "l")])
        _ = bench.ask("first", user: "elephant")
        for index in 0..<6 { _ = bench.ask("elephant-\(index)", user: "elephant") }
        _ = bench.ask("mouse", user: "mouse")
        bench.finish("first")
        // The elephant's hand has four queues, so the mouse waits for four of its requests at most.
        var order: [String] = []
        for _ in 0..<7 {
            guard let last = bench.events.last, last.hasSuffix(" execute") else { break }
            let name = String(last.dropLast(" execute".count))
            order.append(name)
            if name == "mouse" { break }
            bench.finish(name)
        }
        #expect(order.last == "mouse")
        #expect(order.count <= 5)
    }

    @Test func wideRequestsTakeTheirSeats() {
        let bench = Bench(4, [level("l", queues: 1)], [schema("s", "l")])
        _ = bench.ask("wide", user: "u", seats: 3)
        _ = bench.ask("wide too", user: "u", seats: 3)
        _ = bench.ask("small", user: "u")
        // A small one does not overtake: the wide one would never come to its seats.
        #expect(bench.events == ["wide at once", "wide too waits", "small waits"])
        bench.finish("wide")
        #expect(Array(bench.events.dropFirst(3)) == ["wide too execute", "small execute"])
        let level = bench.fairness.snapshot.levels["l"]
        #expect(level?.inUse == 4)
    }

    @Test func borrowsWhatOthersLend() {
        let lender = level("lender", shares: 10, lendable: 50)
        for (borrowing, atOnce) in [(Int64?.none, 15), (0, 10), (20, 12)] {
            let bench = Bench(20, [level("l", shares: 10, borrowing: borrowing), lender], [schema("s", "l")])
            for index in 0..<20 { _ = bench.ask("\(index)", user: "u") }
            #expect(bench.events.count { $0.hasSuffix("at once") } == atOnce, "\(String(describing: borrowing))")
        }
    }

    @Test func waitersGiveUp() throws {
        let bench = Bench(1, [level("l", queues: 1)], [schema("s", "l")])
        _ = bench.ask("a", user: "u")
        let waiter = try #require(bench.ask("b", user: "u"))
        bench.fairness.giveUp(waiter, level: "l", reason: "time-out")
        bench.fairness.giveUp(waiter, level: "l", reason: "time-out")
        #expect(bench.events == ["a at once", "b waits", "b timeout"])
        #expect(bench.fairness.snapshot.levels["l"]?.rejected == ["time-out": 1])
    }

    @Test func aSchemaWithoutLevelMatchesNothing() {
        let bench = Bench(1, [], [schema("s", "gone")])
        _ = bench.ask("a", user: "u")
        #expect(bench.events == ["a unmatched"])
    }

    @Test func dealsDifferentCards() {
        var seen: Set<Set<Int>> = []
        for flow in 0..<1000 {
            let hand = ShuffleSharding.hand(ShuffleSharding.hash("s", "user-\(flow)"), size: 6, of: 128)
            #expect(Set(hand).count == 6)
            #expect(hand.allSatisfy { (0..<128).contains($0) })
            seen.insert(Set(hand))
        }
        #expect(seen.count > 990)
        #expect(ShuffleSharding.hand(1, size: 8, of: 3).sorted() == [0, 1, 2])
    }

    @Test func theBootstrapSchemasSortRequests() async throws {
        let plane = try await ControlPlane { $0.makesServingObjects = true }
        for (user, groups, verb, group, resource, namespace, path, expected) in [
            ("x", ["system:masters"], "get", "", "pods", "a", "", "exempt"),
            ("x", ["system:authenticated"], "get", "", "", "", "/healthz", "probes"),
            ("x", ["system:authenticated"], "get", "", "", "", "/metrics", "global-default"),
            (
                "system:kube-scheduler", ["system:authenticated"], "update", "coordination.k8s.io", "leases",
                "kube-system", "", "system-leader-election"
            ),
            ("system:kube-scheduler", ["system:authenticated"], "list", "", "pods", "", "", "kube-scheduler"),
            ("system:node:n", ["system:nodes"], "patch", "", "nodes/status", "", "", "system-node-high"),
            ("system:node:n", ["system:nodes"], "list", "", "pods", "", "", "system-nodes"),
            (
                "system:serviceaccount:kube-system:x", ["system:serviceaccounts"], "list", "", "pods", "", "",
                "kube-system-service-accounts"
            ),
            ("system:serviceaccount:a:x", ["system:serviceaccounts"], "list", "", "pods", "a", "", "service-accounts"),
            ("system:anonymous", ["system:unauthenticated"], "get", "", "", "", "/livez", "probes"),
            ("x", ["system:authenticated"], "create", "", "pods", "a", "", "global-default"),
            ("x", ["other"], "get", "", "pods", "a", "", "none"),
        ] as [(String, [String], String, String, String, String, String, String)] {
            var request = FlowRequest(
                user: UserInfo(name: user, groups: groups), verb: verb, isResource: path.isEmpty)
            request.group = group
            request.resource = resource
            request.namespace = namespace
            request.path = path
            #expect(
                plane.server.fairness.classify(request)?.schema ?? "none" == expected, "\(user) \(resource) \(path)")
        }
        plane.server.stop()
    }

    private static let base = "/apis/flowcontrol.apiserver.k8s.io/v1"

    @Test func saysWhoLetARequestThrough() async throws {
        let plane = try await ControlPlane { $0.makesServingObjects = true }
        let answer = await plane.call(.GET, "/api/v1/namespaces/default")
        let exempt = await plane.call(.GET, "\(Self.base)/flowschemas/exempt").json
        #expect(answer.headers.first(name: "x-kubernetes-pf-flowschema-uid") == exempt.uid)
        #expect(exempt[path: "status", "conditions"]?[0]?["status"] == "False")
        let level = await plane.call(.GET, "\(Self.base)/prioritylevelconfigurations/exempt").json
        #expect(answer.headers.first(name: "x-kubernetes-pf-prioritylevel-uid") == level.uid)
        let metrics = await plane.call(.GET, "/metrics").text
        #expect(metrics.contains("apiserver_flowcontrol_nominal_limit_seats{priority_level=\"workload-low\"} 245"))
        for name in ["dump_priority_levels", "dump_queues", "dump_requests"] {
            let dump = await plane.call(.GET, "/debug/api_priority_and_fairness/\(name)")
            #expect(dump.text.hasPrefix("PriorityLevelName,"))
        }
        plane.server.stop()
    }

    @Test func schemasSayWhetherTheirLevelExists() async throws {
        let plane = try await ControlPlane { $0.makesServingObjects = true }
        let flow: JSONValue = [
            "apiVersion": "flowcontrol.apiserver.k8s.io/v1", "kind": "FlowSchema", "metadata": ["name": "mine"],
            "spec": ["priorityLevelConfiguration": ["name": "later"], "matchingPrecedence": 1000],
        ]
        let created = await plane.call(.POST, "\(Self.base)/flowschemas", flow)
        #expect(created.status == 201, "\(created.text)")
        #expect(created.json[path: "status", "conditions"]?[0]?["reason"] == "NotFound")
        let made = await plane.call(
            .POST, "\(Self.base)/prioritylevelconfigurations",
            [
                "apiVersion": "flowcontrol.apiserver.k8s.io/v1", "kind": "PriorityLevelConfiguration",
                "metadata": ["name": "later"],
                "spec": [
                    "type": "Limited",
                    "limited": ["nominalConcurrencyShares": 5, "limitResponse": ["type": "Reject"]],
                ],
            ])
        #expect(made.status == 201, "\(made.text)")
        try await until { await plane.call(.GET, "\(Self.base)/flowschemas/mine").text.contains("and it exists") }
        // What cannot be done without comes back.
        await plane.call(.DELETE, "\(Self.base)/flowschemas/catch-all")
        try await until { await plane.call(.GET, "\(Self.base)/flowschemas/catch-all").status == 200 }
        plane.server.stop()
    }

    private func until(_ condition: () async -> Bool) async throws {
        for _ in 0..<2000 {
            if await condition() { return }
            try await Task.sleep(for: .milliseconds(5))
        }
        Issue.record("it never came")
    }
}
