import JSON
import KubeTypes
import Testing

@testable import ControllerManager

func daemonSet(
    surge: IntOrString = .int(0), unavailable: IntOrString = .int(1), onDelete: Bool = false, minReady: Int = 0,
    selector: [String: String] = [:], image: String = "v1"
) -> DaemonSet {
    var set = DaemonSet(name: "agent", namespace: "default")
    set.metadata.uid = "uid-agent"
    set.metadata.generation = 1
    set.spec.selector = LabelSelector(["matchLabels": ["app": "web"]])
    set.spec.template = template(image)
    set.spec.template.spec.nodeSelector = selector
    set.spec.minReadySeconds = minReady == 0 ? nil : minReady
    set.spec.updateStrategy = DaemonSetUpdateStrategy(["type": onDelete ? "OnDelete" : "RollingUpdate"])
    if !onDelete {
        set.spec.updateStrategy?.rollingUpdate = RollingUpdateDaemonSet([
            "maxSurge": surge.field, "maxUnavailable": unavailable.field,
        ])
    }
    return set
}

/// The pods of nodes n0, n1 …, each described by letters: `r`eady, `p`ending, `n`ot ready, `f`ailed, `s`ucceeded,
/// `t`erminating; upper case is the old template, `-` no pod.
private func pods(_ nodes: [String]) -> [Pod] {
    nodes.enumerated().flatMap { number, states in
        states.enumerated().compactMap { offset, state in
            guard state != "-" else { return nil }
            let kind = Character(state.lowercased())
            let phases: [Character: String] = ["p": "Pending", "f": "Failed", "s": "Succeeded"]
            return pod(
                "n\(number).\(offset)",
                labels: ["app": "web", "controller-revision-hash": state.isUppercase ? "old" : "new"],
                node: "n\(number)", phase: phases[kind] ?? "Running", ready: kind == "r" || kind == "t",
                created: start.adding(seconds: offset), owner: ControllerRef.make(to: daemonSet()), deleted: kind == "t"
            )
        }
    }
}

private func nodes(_ count: Int, _ change: (inout Node, Int) -> Void = { _, _ in }) -> [Node] {
    (0..<count).map { number in
        var made = node("n\(number)")
        change(&made, number)
        return made
    }
}

private func plan(
    _ set: DaemonSet, _ states: [String], nodes all: [Node]? = nil, mayAct: Bool = true,
    backOff: (String) -> Double? = { _ in nil }
) -> DaemonPlan {
    DaemonPlan(
        set, placement: DaemonPlacement(set), nodes: all ?? nodes(states.count), pods: pods(states), hash: "new",
        mayAct: mayAct, backOff: backOff, now: start.adding(seconds: 100))
}

private func steps(_ plan: DaemonPlan) -> String {
    (plan.create.map { "+\($0)" } + plan.delete.map { "-\($0.name)" }).joined(separator: " ")
}

@Suite struct DaemonPlanTests {
    @Test(arguments: [
        (["-", "r"], "+n0"), (["r", "r"], ""), (["f", "r"], "-n0.0"), (["s", "r"], "-n0.0"), (["t", "r"], ""),
        // Of two the older stays.
        (["rr", "r"], "-n0.1"),
        // Updates: one may be missing.
        (["R", "R"], "-n0.0"), (["R", "n"], ""), (["r", "R"], "-n1.0"), (["t", "R"], ""), (["N", "R"], "-n0.0"),
    ]) func onePodANode(states: [String], expected: String) {
        #expect(steps(plan(daemonSet(), states)) == expected)
    }

    @Test(arguments: [
        (["R", "R"], "+n0"), (["Rn", "R"], ""), (["Rr", "R"], "-n0.0"), (["Nn", "R"], "-n0.0"),
        (["N", "R"], "+n0 +n1"),
        (["r", "R"], "+n1"), (["t", "r"], "+n0"), (["rr", "r"], "-n0.1"),
    ]) func surgeKeepsTheOldPodUntilTheNewServes(states: [String], expected: String) {
        #expect(steps(plan(daemonSet(surge: .int(1), unavailable: .int(0)), states)) == expected)
    }

    @Test func limitsScaleWithTheNodes() {
        let all = Array(repeating: "R", count: 10)
        #expect(plan(daemonSet(unavailable: .string("25%")), all).delete.count == 3)
        #expect(plan(daemonSet(surge: .string("25%"), unavailable: .int(0)), all).create.count == 3)
        #expect(plan(daemonSet(unavailable: .int(0)), all).delete.count == 1)
        #expect(plan(daemonSet(onDelete: true), all).delete.isEmpty)
    }

    @Test(arguments: [
        ("NoSchedule", "+n0"), ("NoExecute", "+n0 -n1.0"), ("PreferNoSchedule", "+n0 +n2"),
    ]) func taintsKeepDaemonsAway(effect: String, expected: String) {
        let tainted = nodes(3) { node, number in
            if number > 0 { node.spec.taints = [Taint(["key": "k", "value": "v", "effect": .string(effect)])] }
        }
        #expect(steps(plan(daemonSet(), ["-", "r", "-"], nodes: tainted)) == expected)
    }

    @Test func daemonsTolerateWhatAilsNodes() {
        let ailing = nodes(1) { node, _ in
            node.spec.unschedulable = true
            node.spec.taints = [
                "not-ready:NoExecute", "unreachable:NoExecute", "disk-pressure:NoSchedule",
                "memory-pressure:NoSchedule",
                "pid-pressure:NoSchedule", "unschedulable:NoSchedule",
            ].map { text in
                let parts = text.split(separator: ":")
                return Taint(["key": .string("node.kubernetes.io/\(parts[0])"), "effect": .string(String(parts[1]))])
            }
        }
        #expect(steps(plan(daemonSet(), ["-"], nodes: ailing)) == "+n0")
        let offline = nodes(1) { node, _ in
            node.spec.taints = [Taint(["key": "node.kubernetes.io/network-unavailable", "effect": "NoSchedule"])]
        }
        #expect(steps(plan(daemonSet(), ["-"], nodes: offline)) == "")
        var host = daemonSet()
        host.spec.template.spec.hostNetwork = true
        #expect(steps(plan(host, ["-"], nodes: offline)) == "+n0")
    }

    @Test func selectorsAndAffinityChooseNodes() {
        let labelled = nodes(3) { node, number in if number == 1 { node.metadata.labels = ["disk": "ssd"] } }
        #expect(steps(plan(daemonSet(selector: ["disk": "ssd"]), ["r", "-", "-"], nodes: labelled)) == "+n1 -n0.0")
        var affine = daemonSet()
        affine.spec.template.spec.affinity = Affinity([
            "nodeAffinity": [
                "requiredDuringSchedulingIgnoredDuringExecution": [
                    "nodeSelectorTerms": [
                        ["matchExpressions": [["key": "disk", "operator": "Exists"]]]
                    ]
                ]
            ]
        ])
        #expect(steps(plan(affine, ["-", "-", "-"], nodes: labelled)) == "+n1")
        var named = daemonSet()
        named.spec.template.spec.nodeName = "n2"
        #expect(steps(plan(named, ["-", "-", "-"])) == "+n2")
    }

    @Test func aPodIsMadeForItsNode() {
        var made = PodFromTemplate.make(DaemonPlacement(daemonSet()).template, owner: daemonSet())
        #expect(made.spec.tolerations.count == 6)
        DaemonPlacement.bind(&made, to: "n7")
        #expect(DaemonPlacement.node(of: made) == "n7")
        #expect(DaemonPlacement.node(of: pod("x", node: "")) == nil)
        // Pods that wait for a node that is gone are nobody else's to delete.
        made.metadata.name = "waiting"
        let plan = DaemonPlan(
            daemonSet(), placement: DaemonPlacement(daemonSet()), nodes: nodes(1),
            pods: [made] + pods(["r"]), hash: "new", mayAct: true, now: start)
        #expect(steps(plan) == "-waiting")
    }

    @Test func failedPodsAreReplacedMoreAndMoreSlowly() {
        let waiting = plan(daemonSet(), ["f", "f"]) { $0 == "n0" ? 5 : nil }
        #expect(steps(waiting) == "-n1.0")
        #expect(waiting.failed.map(\.name) == ["n1.0"])
        #expect(waiting.recheckSeconds == 5)
        let backoff = FailureBackoff()
        #expect(backoff.remaining("k", now: start) == nil)
        backoff.failed("k", now: start)
        #expect(backoff.remaining("k", now: start) == 1)
        #expect(backoff.remaining("k", now: start.adding(seconds: 1)) == nil)
        for _ in 0..<12 { backoff.failed("k", now: start.adding(seconds: 1)) }
        #expect(backoff.remaining("k", now: start.adding(seconds: 1)) == 900)
        backoff.failed("k", now: start.adding(seconds: 5000))
        #expect(backoff.remaining("k", now: start.adding(seconds: 5000)) == 1)
    }

    @Test func statusCounts() {
        let tainted = nodes(5) { node, number in
            if number == 4 { node.spec.taints = [Taint(["key": "k", "effect": "NoSchedule"])] }
        }
        let status = plan(daemonSet(), ["r", "R", "n", "-", "r"], nodes: tainted).status
        #expect(status.desiredNumberScheduled == 4)
        #expect(status.currentNumberScheduled == 3)
        #expect(status.numberMisscheduled == 1)
        #expect(status.numberReady == 2)
        #expect(status.numberAvailable == 2)
        #expect(status.numberUnavailable == 2)
        #expect(status.updatedNumberScheduled == 2)
        #expect(status.observedGeneration == 1)
        let blind = plan(daemonSet(), ["-"], mayAct: false)
        #expect(steps(blind) == "")
        #expect(blind.status.observedGeneration == nil)
    }

    @Test func aRolloutEndsAndNeverLeavesMoreThanAllowedWithoutPod() {
        for (surge, unavailable) in [(0, 1), (0, 3), (2, 0)] {
            var random = SeededGenerator(seed: UInt64(surge * 10 + unavailable))
            var states = Array(repeating: "R", count: 7)
            let set = daemonSet(surge: .int(surge), unavailable: .int(unavailable))
            for _ in 0..<400 {
                let next = plan(set, states)
                for node in next.create {
                    let index = Int(node.dropFirst()) ?? 0
                    states[index] = states[index].replacing("-", with: "") + "n"
                }
                for pod in next.delete {
                    let parts = pod.name.dropFirst().split(separator: ".").compactMap { Int($0) }
                    var letters = Array(states[parts[0]])
                    letters.remove(at: parts[1])
                    states[parts[0]] = letters.isEmpty ? "-" : String(letters)
                }
                #expect(states.count { !$0.lowercased().contains("r") } <= unavailable)
                let index = Int.random(in: 0..<7, using: &random)
                states[index] = states[index].replacing("n", with: "r")
            }
            #expect(states == Array(repeating: "r", count: 7))
        }
    }
}
