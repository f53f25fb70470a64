import JSON
import KubeTypes
import Testing

@testable import ControllerManager

@Suite struct NodeTests {
    @Test func silence() {
        var health = NodeHealth(node(), leaseRenewal: nil, now: start)
        #expect(!health.isSilent(graceSeconds: 50, now: start.adding(seconds: 50)))
        #expect(health.isSilent(graceSeconds: 50, now: start.adding(seconds: 51)))
        // A new heartbeat, or a renewed lease, is a sign of life, whatever time it says.
        health.observe(node(heartbeat: Time(seconds: 5)), leaseRenewal: nil, now: start.adding(seconds: 51))
        #expect(!health.isSilent(graceSeconds: 50, now: start.adding(seconds: 60)))
        health.observe(node(heartbeat: Time(seconds: 5)), leaseRenewal: start, now: start.adding(seconds: 100))
        #expect(!health.isSilent(graceSeconds: 50, now: start.adding(seconds: 149)))
        health.observe(node(heartbeat: Time(seconds: 5)), leaseRenewal: start, now: start.adding(seconds: 150))
        #expect(health.isSilent(graceSeconds: 50, now: start.adding(seconds: 151)))
        // A node that never reported counts from its creation.
        let new = NodeHealth(node(ready: nil, created: start), leaseRenewal: nil, now: start.adding(seconds: 70))
        #expect(new.isSilent(graceSeconds: 60, now: start.adding(seconds: 70)))
    }

    @Test func conditionsOfASilentNode() throws {
        let now = start.adding(seconds: 60)
        let conditions = try #require(NodeHealth.silentConditions(of: node(), now: now))
        #expect(
            conditions.map { "\($0.type) \($0.status) \($0.reason ?? "")" } == [
                "Ready Unknown NodeStatusUnknown", "MemoryPressure Unknown NodeStatusNeverUpdated",
                "DiskPressure Unknown NodeStatusNeverUpdated", "PIDPressure Unknown NodeStatusNeverUpdated",
            ])
        #expect(conditions[0].lastHeartbeatTime == start)
        #expect(conditions[0].lastTransitionTime == now)
        var silent = node()
        silent.status.conditions = conditions
        #expect(NodeHealth.silentConditions(of: silent, now: now) == nil)
    }

    @Test func taintsFollowConditions() {
        func taints(_ node: Node) -> [String] {
            NodeTaints.withScheduling(node, now: start).map { "\($0.key):\($0.effect)" }
        }
        #expect(taints(node()).isEmpty)
        #expect(taints(node(ready: "False")) == ["node.kubernetes.io/not-ready:NoSchedule"])
        #expect(taints(node(ready: "Unknown")) == ["node.kubernetes.io/unreachable:NoSchedule"])
        var pressed = node()
        pressed.status.conditions.append(NodeCondition(["type": "MemoryPressure", "status": "True"]))
        pressed.spec.unschedulable = true
        #expect(
            taints(pressed) == [
                "node.kubernetes.io/memory-pressure:NoSchedule", "node.kubernetes.io/unschedulable:NoSchedule",
            ])
        var stale = node()
        stale.spec.taints = [
            NodeTaints.taint("node.kubernetes.io/not-ready", "NoSchedule", now: nil),
            NodeTaints.taint("dedicated", "NoSchedule", now: nil),
            NodeTaints.taint("node.kubernetes.io/not-ready", "NoExecute", now: nil),
        ]
        #expect(taints(stale) == ["dedicated:NoSchedule", "node.kubernetes.io/not-ready:NoExecute"])
        let swapped = NodeTaints.withEviction(stale.spec.taints, NodeTaints.unreachable, now: start)
        #expect(swapped.filter { $0.effect == "NoExecute" }.map(\.key) == ["node.kubernetes.io/unreachable"])
        #expect(NodeTaints.withEviction(stale.spec.taints, nil, now: start).filter { $0.effect == "NoExecute" }.isEmpty)
    }

    @Test(arguments: [
        (0, 1, ZoneState.fullDisruption), (1, 0, .normal), (0, 0, .normal), (1, 2, .normal), (2, 3, .partialDisruption),
        (5, 5, .normal), (9, 11, .partialDisruption),
    ])
    func zones(ready: Int, notReady: Int, want: ZoneState) {
        #expect(ZoneState(ready: ready, notReady: notReady) == want)
    }

    @Test(arguments: [
        // tolerations → how long
        (#"[]"#, TaintEviction.goes(afterSeconds: 0)),
        (#"[{"operator":"Exists"}]"#, .stays),
        (
            #"[{"key":"node.kubernetes.io/unreachable","operator":"Exists","effect":"NoExecute","tolerationSeconds":300}]"#,
            .goes(afterSeconds: 300)
        ),
        (
            #"[{"key":"node.kubernetes.io/unreachable","operator":"Exists","effect":"NoExecute","tolerationSeconds":-1}]"#,
            .goes(afterSeconds: 0)
        ),
        (
            #"[{"key":"node.kubernetes.io/unreachable","operator":"Exists","effect":"NoSchedule"}]"#,
            .goes(afterSeconds: 0)
        ),
        (#"[{"key":"node.kubernetes.io/unreachable","effect":"NoExecute"}]"#, .stays),
        (#"[{"key":"node.kubernetes.io/unreachable","value":"x","effect":"NoExecute"}]"#, .goes(afterSeconds: 0)),
        (#"[{"key":"other","operator":"Exists"}]"#, .goes(afterSeconds: 0)),
    ])
    func tolerations(text: String, want: TaintEviction) throws {
        let tolerations = try JSONParser.parse(text).arrayValue ?? []
        let taints = [
            NodeTaints.taint("node.kubernetes.io/unreachable", "NoExecute", now: nil),
            NodeTaints.taint("irrelevant", "NoSchedule", now: nil),
        ]
        #expect(TaintEviction(taints: taints, tolerations: tolerations.map { Toleration($0) }) == want)
        #expect(TaintEviction(taints: [], tolerations: []) == .stays)
    }

    @Test func theShortestTolerationCounts() {
        let taints = ["a", "b"].map { NodeTaints.taint($0, "NoExecute", now: nil) }
        func tolerates(_ key: String, _ seconds: Int) -> Toleration {
            Toleration(["key": .string(key), "operator": "Exists", "tolerationSeconds": .integer(Int64(seconds))])
        }
        #expect(
            TaintEviction(taints: taints, tolerations: [tolerates("a", 30), tolerates("b", 10)])
                == .goes(afterSeconds: 10))
    }
}
