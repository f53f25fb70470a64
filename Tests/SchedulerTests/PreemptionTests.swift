// Who must go so that a more important pod fits.
import JSON
import KubeTypes
import Testing

@testable import Scheduler

@Suite struct PreemptionTests {
    private func running(
        _ name: String, _ requests: String = "cpu=1", priority: Int = 0, on node: String,
        labels: [String: String] = [:],
        started: Int64 = 0, more: String = ""
    ) -> Pod {
        var pod = makePod(name, requests, labels: labels, node: node, spec: #"{"priority": \#(priority)\#(more)}"#)
        if started > 0 { pod.status.startTime = Time(seconds: started) }
        return pod
    }

    private func strong(_ requests: String, priority: Int = 100, more: String = "") -> Pod {
        makePod("strong", requests, spec: #"{"priority": \#(priority)\#(more)}"#)
    }

    private func budget(_ selector: JSONValue, allowed: Int) -> Surroundings {
        var budget = PodDisruptionBudget(name: "b", namespace: "default")
        budget.json["spec"] = ["selector": selector]
        budget.json["status"] = ["disruptionsAllowed": .integer(Int64(allowed))]
        var surroundings = Surroundings()
        surroundings.budgets[budget.key] = DisruptionBudget(budget)
        return surroundings
    }

    private func victims(
        _ pod: Pod, _ nodes: [Node], _ pods: [Pod], _ surroundings: Surroundings = Surroundings()
    ) -> String {
        let result = outcome(pod, snapshot(nodes, pods), Profile(), surroundings)
        guard let plan = result.plan else { return result.answer }
        #expect(result.nomination == .set(plan.node))
        return "\(plan.node): " + plan.victims.map(\.key.name).joined(separator: " ")
    }

    private let small = makeNode("n", "cpu=2,pods=10")

    @Test func onlyAsManyAsNeeded() {
        let pods = [running("a", priority: 1, on: "n"), running("b", priority: 2, on: "n")]
        #expect(victims(strong("cpu=1"), [small], pods) == "n: a")
        #expect(victims(strong("cpu=2"), [small], pods) == "n: b a")
        // One that runs longer is more important.
        let aged = [
            running("young", priority: 1, on: "n", started: 200), running("old", priority: 1, on: "n", started: 100),
        ]
        #expect(victims(strong("cpu=1"), [small], aged) == "n: young")
    }

    @Test func equalsStay() {
        let claims = "no new claims to deallocate, preemption: "
        let pods = [running("a", "cpu=2", priority: 100, on: "n")]
        #expect(
            victims(strong("cpu=1"), [small], pods)
                == "0/1 nodes are available: 1 Insufficient cpu. \(claims)0/1 nodes are available: "
                + "1 No preemption victims found for incoming pod.")
        // Even without all of lower priority it would not fit.
        let mixed = [running("a", priority: 100, on: "n"), running("b", priority: 1, on: "n")]
        #expect(
            victims(strong("cpu=2"), [small], mixed)
                == "0/1 nodes are available: 1 Insufficient cpu. \(claims)0/1 nodes are available: 1 Insufficient cpu.")
        #expect(
            victims(strong("cpu=3"), [small], mixed)
                == "0/1 nodes are available: 1 Insufficient cpu. \(claims)0/1 nodes are available: "
                + "1 Preemption is not helpful for scheduling.")
    }

    @Test func theNodeThatLosesLeast() {
        let nodes = [makeNode("n1", "cpu=1,pods=10"), makeNode("n2", "cpu=1,pods=10")]
        let table: [([Pod], String)] = [
            ([running("a", priority: 5, on: "n1"), running("b", priority: 3, on: "n2")], "n2: b"),
            (
                [
                    running("a", "cpu=500m", priority: 5, on: "n1"), running("b", "cpu=500m", priority: 1, on: "n1"),
                    running("c", priority: 5, on: "n2"),
                ], "n2: c"
            ),
            (
                [running("a", priority: 5, on: "n1", started: 100), running("b", priority: 5, on: "n2", started: 300)],
                "n2: b"
            ),
        ]
        for (pods, expected) in table { #expect(victims(strong("cpu=1"), nodes, pods) == expected) }
    }

    @Test func budgets() {
        let nodes = [makeNode("n1", "cpu=1,pods=10"), makeNode("n2", "cpu=1,pods=10")]
        let pods = [
            running("a", priority: 1, on: "n1", labels: ["app": "web"]),
            running("b", priority: 9, on: "n2", labels: ["app": "db"]),
        ]
        let web: JSONValue = ["matchLabels": ["app": "web"]]
        #expect(victims(strong("cpu=1"), nodes, pods, budget(web, allowed: 0)) == "n2: b")
        #expect(victims(strong("cpu=1"), nodes, pods, budget(web, allowed: 1)) == "n1: a")
        // Where nothing else helps, budgets give way; those that they protect are spared first.
        let both = [
            running("a", priority: 1, on: "n", labels: ["app": "web"]), running("b", priority: 9, on: "n"),
        ]
        #expect(victims(strong("cpu=1"), [small], both, budget(web, allowed: 0)) == "n: b")
        #expect(victims(strong("cpu=2"), [small], both, budget(web, allowed: 0)) == "n: b a")
    }

    @Test func otherThingsThanResources() {
        let port = #", "containers": [{"name": "c", "ports": [{"hostPort": 80}]}]"#
        let holder = running("holder", on: "n", more: port)
        #expect(victims(strong("", more: port), [small], [holder, running("b", on: "n")]) == "n: holder")
        let away = #"""
            , "affinity": {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [
            {"labelSelector": {"matchLabels": {"app": "x"}}, "topologyKey": "kubernetes.io/hostname"}]}}
            """#
        let near = running("near", on: "n", labels: ["app": "x"])
        #expect(victims(strong("", more: away), [small], [near, running("b", on: "n")]) == "n: near")
        let spread = #"""
            , "topologySpreadConstraints": [{"maxSkew": 1, "topologyKey": "kubernetes.io/hostname",
            "whenUnsatisfiable": "DoNotSchedule", "labelSelector": {"matchLabels": {"app": "x"}}}]
            """#
        let crowd = [near, running("full", "cpu=2", priority: 1000, on: "m")]
        var pod = strong("cpu=1", more: spread)
        pod.metadata.labels = ["app": "x"]
        #expect(victims(pod, [small, makeNode("m", "cpu=2,pods=10")], crowd) == "n: near")
    }

    @Test func nominatedPodsKeepTheirRoom() {
        var state = snapshot([small], [running("a", on: "n")])
        let nominee = PodInfo(makePod("nominee", "cpu=1", spec: #"{"priority": 50}"#))
        state.nominate(nominee, to: "n")
        #expect(decide(makePod("weak", "cpu=1"), state).hasPrefix("0/1 nodes are available: 1 Insufficient cpu."))
        #expect(decide(strong("cpu=1"), state) == "n")
        state.removeNomination(nominee.key)
        #expect(decide(makePod("weak", "cpu=1"), state) == "n")
    }

    @Test func whileVictimsLeaveNobodyElseIsPushedOut() {
        var leaving = running("a", priority: 1, on: "n")
        leaving.metadata.deletionTimestamp = Time(seconds: 1)
        leaving.json["status"] = [
            "conditions": [["type": "DisruptionTarget", "status": "True", "reason": "PreemptionByScheduler"]]
        ]
        var state = snapshot([small], [leaving, running("b", priority: 1, on: "n")])
        let pod = strong("cpu=1")
        state.nominate(PodInfo(pod), to: "n")
        let result = outcome(pod, state)
        #expect(result.plan == nil && result.nomination == .keep)
        #expect(result.answer.hasSuffix("preemption: not eligible due to a terminating pod on the nominated node."))
    }
}
