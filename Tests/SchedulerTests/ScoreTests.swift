// Which of the nodes that fit is best.
import KubeTypes
import Testing

@testable import Scheduler

@Suite struct ScoreTests {
    @Test(arguments: [(0, 1000, 100), (500, 1000, 50), (1000, 1000, 0), (1001, 1000, 0), (5, 0, 0), (1, 3, 66)])
    func leastAllocated(requested: Int64, capacity: Int64, expected: Int64) {
        #expect(Snapshot.leastAllocated(requested, of: capacity) == expected)
    }

    @Test func leastAllocatedDoesNotOverflow() {
        #expect(Snapshot.leastAllocated(0, of: .max) == 100)
    }

    @Test(arguments: [(0, 0, 100), (500, 500, 100), (1000, 0, 50), (500, 0, 75), (2000, 1000, 100)])
    func balance(cpu: Int64, memory: Int64, expected: Int64) {
        #expect(Snapshot.balance(cpu, of: 1000, memory, of: 1000) == expected)
    }

    @Test func normalizing() {
        #expect(Snapshot.normalize([0, 1, 2, 4], reversed: false) == [0, 25, 50, 100])
        #expect(Snapshot.normalize([0, 1, 2, 4], reversed: true) == [100, 75, 50, 0])
        #expect(Snapshot.normalize([0, 0], reversed: true) == [100, 100])
        #expect(Snapshot.normalize([0, 0], reversed: false) == [0, 0])
    }

    @Test func theEmptierNodeWins() {
        let nodes = [makeNode("full"), makeNode("empty")]
        let state = snapshot(nodes, [makePod("a", "cpu=2,memory=4Gi", node: "full")])
        for seed in 1...10 { #expect(decide(makePod("p", "cpu=1,memory=2Gi"), state, seed: UInt64(seed)) == "empty") }
        // Pods that ask for nothing count as if they asked for a little.
        let crowded = snapshot(nodes, (0..<5).map { makePod("b\($0)", node: "full") })
        for seed in 1...10 { #expect(decide(makePod("p"), crowded, seed: UInt64(seed)) == "empty") }
    }

    @Test func equalNodesAreDrawnByLot() {
        let state = snapshot([makeNode("a"), makeNode("b"), makeNode("c")])
        let seen = Set((1...40).map { decide(makePod("p"), state, seed: UInt64($0)) })
        #expect(seen == ["a", "b", "c"])
        #expect(decide(makePod("p"), state, seed: 5) == decide(makePod("p"), state, seed: 5))
    }

    @Test func taintsThatMakeANodeLessWanted() {
        let taint = #"{"taints": [{"key": "k", "effect": "PreferNoSchedule"}]}"#
        let state = snapshot([makeNode("tainted", spec: taint), makeNode("clean")])
        for seed in 1...10 { #expect(decide(makePod("p"), state, seed: UInt64(seed)) == "clean") }
        let tolerant = makePod("p", spec: #"{"tolerations": [{"key": "k", "operator": "Exists"}]}"#)
        #expect(Set((1...20).map { decide(tolerant, state, seed: UInt64($0)) }).count == 2)
        let elsewhere = #"{"tolerations": [{"key": "k", "operator": "Exists", "effect": "NoSchedule"}]}"#
        for seed in 1...10 {
            #expect(decide(makePod("p", spec: elsewhere), state, seed: UInt64(seed)) == "clean")
        }
    }

    @Test func preferredNodes() {
        let state = snapshot([
            makeNode("a", labels: ["disk": "ssd"]), makeNode("b", labels: ["disk": "ssd", "zone": "z"]), makeNode("c"),
        ])
        let pod = makePod(
            "p",
            spec: #"""
                {"affinity": {"nodeAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": [
                {"weight": 10, "preference": {"matchExpressions": [{"key": "disk", "operator": "In", "values": ["ssd"]}]}},
                {"weight": 5, "preference": {"matchExpressions": [{"key": "zone", "operator": "Exists"}]}}]}}}
                """#)
        for seed in 1...10 { #expect(decide(pod, state, seed: UInt64(seed)) == "b") }
    }

    @Test func podsOfOneControllerAreSpread() {
        let nodes = ["a", "b", "c"].map { makeNode($0) }
        // b and c hold as much as a, of other controllers.
        let pods = [
            makePod("1", "cpu=1,memory=1Gi", node: "a", owner: "web"),
            makePod("2", "cpu=1,memory=1Gi", node: "b", owner: "other"),
            makePod("3", "cpu=1,memory=1Gi", node: "c", owner: "web"),
        ]
        for seed in 1...10 {
            #expect(decide(makePod("p", owner: "web"), snapshot(nodes, pods), seed: UInt64(seed)) == "b")
        }
    }

    @Test func podsOfOneServiceAreSpread() {
        let nodes = ["a", "b"].map { makeNode($0) }
        let pods = [
            makePod("1", labels: ["app": "web"], node: "a"), makePod("2", labels: ["app": "db"], node: "b"),
            makePod("3", namespace: "elsewhere", labels: ["app": "web"], node: "b"),
        ]
        let pod = makePod("p", labels: ["app": "web", "tier": "x"])
        for seed in 1...10 {
            let service = ["app": "web"]
            #expect(decide(pod, snapshot(nodes, Array(pods.prefix(2))), services: [service], seed: UInt64(seed)) == "b")
        }
        // Without the service, the two are alike.
        #expect(Set((1...20).map { decide(pod, snapshot(nodes, Array(pods.prefix(2))), seed: UInt64($0)) }).count == 2)
    }

    @Test func zonesAreSpreadOver() {
        let zone = "topology.kubernetes.io/zone"
        let nodes = [
            makeNode("a1", labels: [zone: "a"]), makeNode("a2", labels: [zone: "a"]),
            makeNode("b1", labels: [zone: "b"]),
        ]
        // One pod on every node of the same size; the controller's is in zone a.
        let pods = [
            makePod("1", node: "a1", owner: "web"), makePod("2", node: "a2", owner: "x"),
            makePod("3", node: "b1", owner: "y"),
        ]
        for seed in 1...10 {
            #expect(decide(makePod("p", owner: "web"), snapshot(nodes, pods), seed: UInt64(seed)) == "b1")
        }
    }

    @Test func ownSoftConstraints() {
        let nodes = [
            makeNode("a", labels: ["rack": "1"]), makeNode("b", labels: ["rack": "2"]), makeNode("c"),
        ]
        let pods = [makePod("1", labels: ["app": "web"], node: "a")]
        let pod = makePod(
            "p", labels: ["app": "web"],
            spec: #"""
                {"topologySpreadConstraints": [{"maxSkew": 1, "topologyKey": "rack",
                "whenUnsatisfiable": "ScheduleAnyway", "labelSelector": {"matchLabels": {"app": "web"}}}]}
                """#)
        for seed in 1...10 { #expect(decide(pod, snapshot(nodes, pods), seed: UInt64(seed)) == "b") }
    }

    @Test(arguments: [(1, 1), (99, 99), (100, 100), (150, 100), (300, 144), (1000, 420), (5000, 500), (6000, 300)])
    func howManyAreEnough(nodes: Int, expected: Int) { #expect(Profile().enough(of: nodes) == expected) }
}

@Suite struct SnapshotTests {
    @Test func podsMayComeBeforeTheirNode() {
        var state = Snapshot()
        state.setPod(PodInfo(makePod("p", "cpu=4", node: "n")))
        _ = state.setNode(makeNode("n"))
        #expect(state.usedCPU == [4000])
        state.removeNode("n")
        #expect(state.nodeCount == 0 && state.order.isEmpty)
        _ = state.setNode(makeNode("m"))
        #expect(state.usedCPU == [0])
        _ = state.setNode(makeNode("n"))
        #expect(state.usedCPU == [0, 4000])
        state.removePod(ObjectKey(namespace: "default", name: "p"))
        #expect(state.usedCPU == [0, 0] && state.podCount == [0, 0])
    }

    @Test func eventsOfNodes() {
        var state = Snapshot()
        #expect(state.setNode(makeNode("n", "cpu=4,pods=10")) == [.nodeAdded])
        #expect(state.setNode(makeNode("n", "cpu=4,pods=10")) == [])
        #expect(state.setNode(makeNode("n", "cpu=2,pods=10")) == [])
        #expect(state.setNode(makeNode("n", "cpu=4,pods=10")) == [.nodeAllocatable])
        #expect(state.setNode(makeNode("n", "cpu=4,pods=10", labels: ["a": "b"])) == [.nodeLabels])
        #expect(
            state.setNode(makeNode("n", "cpu=4,pods=10", labels: ["a": "b"], spec: #"{"unschedulable": true}"#))
                == [.nodeTaints])
    }

    /// Counts that are kept agree with counting anew, whatever comes and goes.
    @Test func countsOfGroupsAreKept() {
        var random = SeededGenerator(seed: 7)
        var state = snapshot((0..<10).map { makeNode("n\($0)") })
        let group = PodSet.owned(by: "web", namespace: "default")
        for step in 0..<500 {
            let name = "p\(Int.random(in: 0..<60, using: &random))"
            if Bool.random(using: &random) {
                let owner = Bool.random(using: &random) ? "web" : "other"
                state.setPod(
                    PodInfo(makePod(name, "cpu=100m", node: "n\(Int.random(in: 0..<10, using: &random))", owner: owner))
                )
            } else {
                state.removePod(ObjectKey(namespace: "default", name: name))
            }
            if step % 10 == 0 {
                var expected = [Int32](repeating: 0, count: 10)
                for (pod, slot) in state.placed.values where group.contains(pod) { expected[slot] += 1 }
                #expect(state.counts(of: group) == expected)
                #expect(state.usedCPU.reduce(0, +) == Int64(state.placed.count) * 100)
            }
        }
    }
}
