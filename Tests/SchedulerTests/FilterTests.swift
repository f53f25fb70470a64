// Which nodes a pod may go to, and what is said when there is none.
import JSON
import KubeTypes
import Testing

@testable import Scheduler

@Suite struct FilterTests {
    /// What a node that is like `node` and runs `others` has against a pod with `spec`; empty if it takes it.
    private func refusal(_ node: Node, _ others: [Pod] = [], _ pod: Pod) -> String {
        var snapshot = snapshot([node], others)
        let question = snapshot.question(about: PodInfo(pod))
        return snapshot.refusal(of: 0, question).map { $0.reasons.joined(separator: " & ") } ?? ""
    }

    @Test func unschedulable() {
        let node = makeNode("n", spec: #"{"unschedulable": true}"#)
        #expect(refusal(node, [], makePod("p")) == "node(s) were unschedulable")
        let tolerant = #"{"tolerations": [{"key": "node.kubernetes.io/unschedulable", "operator": "Exists"}]}"#
        #expect(refusal(node, [], makePod("p", spec: tolerant)) == "")
    }

    @Test func taints() {
        let untolerated = "node(s) had untolerated taint(s)"
        let table: [(taint: String, toleration: String, String)] = [
            (#"{"key": "a", "value": "b", "effect": "NoSchedule"}"#, "", untolerated),
            (#"{"key": "a", "value": "b", "effect": "NoExecute"}"#, "", untolerated),
            (#"{"key": "a", "value": "b", "effect": "PreferNoSchedule"}"#, "", ""),
            (#"{"key": "a", "value": "b", "effect": "NoSchedule"}"#, #"{"key": "a", "value": "b"}"#, ""),
            (#"{"key": "a", "value": "b", "effect": "NoSchedule"}"#, #"{"key": "a", "value": "c"}"#, untolerated),
            (#"{"key": "a", "value": "b", "effect": "NoSchedule"}"#, #"{"key": "a"}"#, untolerated),
            (#"{"key": "a", "effect": "NoSchedule"}"#, #"{"key": "a"}"#, ""),
            (#"{"key": "a", "value": "b", "effect": "NoSchedule"}"#, #"{"key": "a", "operator": "Exists"}"#, ""),
            (#"{"key": "a", "value": "b", "effect": "NoSchedule"}"#, #"{"operator": "Exists"}"#, ""),
            (
                #"{"key": "a", "value": "b", "effect": "NoSchedule"}"#,
                #"{"key": "a", "operator": "Exists", "effect": "NoExecute"}"#, untolerated
            ),
            (
                #"{"key": "a", "value": "b", "effect": "NoExecute"}"#,
                #"{"key": "a", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 1}"#, ""
            ),
        ]
        for row in table {
            let node = makeNode("n", spec: #"{"taints": [\#(row.taint)]}"#)
            let pod = makePod("p", spec: #"{"tolerations": [\#(row.toleration)]}"#)
            #expect(refusal(node, [], pod) == row.2, "\(row)")
        }
    }

    @Test func selectorsAndAffinity() {
        let node = makeNode("n1", labels: ["disk": "ssd", "cores": "8", "zone": "a"])
        let mismatch = "node(s) didn't match Pod's node affinity/selector"
        func required(_ terms: String) -> String {
            let affinity = #"{"nodeSelectorTerms": [\#(terms)]}"#
            return #"{"affinity": {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": \#(affinity)}}}"#
        }
        func expression(_ key: String, _ sign: String, _ values: String = "") -> String {
            #"{"key": "\#(key)", "operator": "\#(sign)", "values": [\#(values)]}"#
        }
        func term(_ expressions: String...) -> String {
            #"{"matchExpressions": [\#(expressions.joined(separator: ","))]}"#
        }
        func named(_ names: String) -> String {
            #"{"matchFields": [\#(expression("metadata.name", "In", names))]}"#
        }
        let table: [(String, String)] = [
            ("{}", ""),
            (#"{"nodeSelector": {"disk": "ssd"}}"#, ""),
            (#"{"nodeSelector": {"disk": "hdd"}}"#, mismatch),
            (#"{"nodeSelector": {"disk": "ssd", "gpu": "yes"}}"#, mismatch),
            (required(term(expression("disk", "In", #""hdd", "ssd""#))), ""),
            (required(term(expression("disk", "NotIn", #""ssd""#))), mismatch),
            (required(term(expression("gpu", "NotIn", #""ssd""#))), ""),
            (required(term(expression("disk", "Exists"))), ""),
            (required(term(expression("disk", "DoesNotExist"))), mismatch),
            (required(term(expression("cores", "Gt", #""4""#))), ""),
            (required(term(expression("cores", "Gt", #""8""#))), mismatch),
            (required(term(expression("cores", "Lt", #""16""#))), ""),
            (required(term(expression("disk", "Gt", #""4""#))), mismatch),
            (required(term(expression("disk", "Exists"), expression("gpu", "Exists"))), mismatch),
            (required(term(expression("disk", "Exists")) + "," + term(expression("gpu", "Exists"))), ""),
            (required("{}"), mismatch),
            (required(""), mismatch),
            (required(named(#""n1""#)), ""),
            (required(named(#""n2""#)), mismatch),
        ]
        for (spec, expected) in table { #expect(refusal(node, [], makePod("p", spec: spec)) == expected, "\(spec)") }
    }

    @Test func ports() {
        func pod(_ name: String, _ port: String, on node: String = "") -> Pod {
            makePod(name, node: node, spec: #"{"containers": [{"name": "c", "ports": [\#(port)]}]}"#)
        }
        let taken = "node(s) didn't have free ports for the requested pod ports"
        let table: [(used: String, wanted: String, String)] = [
            (#"{"containerPort": 80}"#, #"{"containerPort": 80}"#, ""),
            (#"{"containerPort": 80, "hostPort": 80}"#, #"{"containerPort": 80}"#, ""),
            (#"{"containerPort": 80, "hostPort": 80}"#, #"{"containerPort": 8080, "hostPort": 80}"#, taken),
            (#"{"containerPort": 80, "hostPort": 80}"#, #"{"containerPort": 80, "hostPort": 81}"#, ""),
            (#"{"hostPort": 80}"#, #"{"hostPort": 80, "protocol": "UDP"}"#, ""),
            (#"{"hostPort": 80}"#, #"{"hostPort": 80, "protocol": "TCP"}"#, taken),
            (#"{"hostPort": 80, "hostIP": "10.0.0.1"}"#, #"{"hostPort": 80, "hostIP": "10.0.0.2"}"#, ""),
            (#"{"hostPort": 80, "hostIP": "10.0.0.1"}"#, #"{"hostPort": 80}"#, taken),
            (#"{"hostPort": 80, "hostIP": "0.0.0.0"}"#, #"{"hostPort": 80, "hostIP": "10.0.0.2"}"#, taken),
        ]
        for row in table {
            let answer = refusal(makeNode("n"), [pod("other", row.used, on: "n")], pod("p", row.wanted))
            #expect(answer == row.2, "\(row)")
        }
    }

    @Test func resources() {
        let node = makeNode("n", "cpu=2,memory=2Gi,ephemeral-storage=1Gi,pods=3,example.com/gpu=1,hugepages-2Mi=4Mi")
        let used = [makePod("a", "cpu=1,memory=1Gi,example.com/gpu=1", node: "n"), makePod("b", node: "n")]
        let table: [(String, String)] = [
            ("", ""), ("cpu=1", ""), ("cpu=1001m", "Insufficient cpu"), ("memory=1Gi", ""),
            ("memory=1025Mi", "Insufficient memory"), ("cpu=2,memory=2Gi", "Insufficient cpu & Insufficient memory"),
            ("ephemeral-storage=2Gi", "Insufficient ephemeral-storage"),
            ("example.com/gpu=1", "Insufficient example.com/gpu"), ("example.com/gpu=0", ""),
            ("example.com/none=1", "Insufficient example.com/none"), ("hugepages-2Mi=4Mi", ""),
            ("hugepages-2Mi=6Mi", "Insufficient hugepages-2Mi"),
        ]
        for (requests, expected) in table {
            #expect(refusal(node, used, makePod("p", requests)) == expected, "\(requests)")
        }
        let full = used + [makePod("c", node: "n")]
        #expect(refusal(node, full, makePod("p")) == "Too many pods")
        #expect(refusal(node, full, makePod("p", "cpu=2")) == "Too many pods & Insufficient cpu")
        // A pod that has ended or gone makes room.
        var snapshot = snapshot([node], full)
        snapshot.removePod(ObjectKey(namespace: "default", name: "c"))
        let question = snapshot.question(about: PodInfo(makePod("p", "cpu=1")))
        #expect(snapshot.refusal(of: 0, question) == nil)
    }

    @Test func nodeName() {
        let pod = makePod("p", spec: #"{"nodeName": "other"}"#)
        #expect(refusal(makeNode("n"), [], pod) == "node(s) didn't match the requested node name")
    }

    @Test func hardTopologySpread() {
        let nodes = [
            makeNode("a1", labels: ["zone": "a"]), makeNode("b1", labels: ["zone": "b"]), makeNode("x"),
        ]
        func constraint(_ skew: Int, _ more: String = "") -> String {
            #"""
            {"topologySpreadConstraints": [{"maxSkew": \#(skew), "topologyKey": "zone",
            "whenUnsatisfiable": "DoNotSchedule", "labelSelector": {"matchLabels": {"app": "web"}}\#(more)}]}
            """#
        }
        let running = [
            makePod("1", labels: ["app": "web"], node: "a1"), makePod("2", labels: ["app": "other"], node: "b1"),
        ]
        let pod = { (spec: String) in makePod("p", labels: ["app": "web"], spec: spec) }
        #expect(decide(pod(constraint(1)), snapshot(nodes, running)) == "b1")
        let spread = running + [makePod("3", labels: ["app": "web"], node: "a1")]
        for seed in 1...10 { #expect(decide(pod(constraint(2)), snapshot(nodes, spread), seed: UInt64(seed)) == "b1") }
        let message = decide(pod(constraint(1, #", "minDomains": 3"#)), snapshot([nodes[0], nodes[2]], running))
        #expect(
            message.hasPrefix(
                "0/2 nodes are available: 1 node(s) didn't match pod topology spread constraints, 1 node(s) didn't match "
                    + "pod topology spread constraints (missing required label). "), "\(message)")
    }

    @Test func messages() {
        let tainted = #"{"taints": [{"key": "k", "effect": "NoSchedule"}]}"#
        let small = makeNode("small", "cpu=1,memory=1Gi,pods=10")
        let claims = " no new claims to deallocate, preemption: "
        func busy(_ name: String, priority: Int) -> Pod {
            makePod(name, "cpu=1", node: "small", spec: #"{"priority": \#(priority)}"#)
        }
        let table: [(nodes: [Node], pods: [Pod], pod: Pod, expected: String)] = [
            ([], [], makePod("p"), "no nodes available to schedule pods"),
            (
                [small, makeNode("t1", spec: tainted), makeNode("t2", spec: tainted)], [], makePod("p", "cpu=2"),
                "0/3 nodes are available: 1 Insufficient cpu, 2 node(s) had untolerated taint(s)." + claims
                    + "0/3 nodes are available: 3 Preemption is not helpful for scheduling."
            ),
            (
                [small, makeNode("t", spec: tainted)], [busy("b", priority: 0)], makePod("p", "cpu=1"),
                "0/2 nodes are available: 1 Insufficient cpu, 1 node(s) had untolerated taint(s)." + claims
                    + "0/2 nodes are available: 1 No preemption victims found for incoming pod, "
                    + "1 Preemption is not helpful for scheduling."
            ),
            // The other is pushed out: there is nothing to say of what was in the way of that.
            (
                [small], [busy("b", priority: 0)], makePod("p", "cpu=1", spec: #"{"priority": 5}"#),
                "0/1 nodes are available: 1 Insufficient cpu."
            ),
            (
                [small], [busy("b", priority: 0)],
                makePod("p", "cpu=1", spec: #"{"priority": 5, "preemptionPolicy": "Never"}"#),
                "0/1 nodes are available: 1 Insufficient cpu." + claims
                    + "not eligible due to preemptionPolicy=Never."
            ),
            (
                [makeNode("n1"), makeNode("n2", spec: #"{"unschedulable": true}"#), makeNode("n3")], [],
                makePod(
                    "p",
                    spec: #"""
                        {"affinity": {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution":
                        {"nodeSelectorTerms": [{"matchFields": [{"key": "metadata.name", "operator": "In",
                        "values": ["n2"]}]}]}}}}
                        """#),
                "0/3 nodes are available: 1 node(s) were unschedulable, 2 node(s) didn't satisfy plugin(s) "
                    + "[NodeAffinity]." + claims
                    + "0/3 nodes are available: 3 Preemption is not helpful for scheduling."
            ),
        ]
        for row in table { #expect(decide(row.pod, snapshot(row.nodes, row.pods)) == row.expected) }
    }
}

@Suite struct PodRequestTests {
    /// `cpu memory gpu` of a spec, and its CPU and memory for scores.
    private func requests(_ spec: String) -> String {
        let info = PodInfo(makePod("p", spec: spec))
        let gpu = info.requests.scalars["example.com/gpu"] ?? 0
        return "\(info.requests.milliCPU) \(info.requests.memory >> 20) \(gpu) / "
            + "\(info.nonZero.milliCPU) \(info.nonZero.memory >> 20)"
    }

    @Test(arguments: [
        (#"{"containers": [{"name": "a"}, {"name": "b"}]}"#, "0 0 0 / 200 400"),
        (
            #"{"containers": [{"name": "a", "resources": {"requests": {"cpu": "1", "memory": "1Gi"}}}, {"name": "b"}]}"#,
            "1000 1024 0 / 1100 1224"
        ),
        (
            #"""
            {"initContainers": [{"name": "i", "resources": {"requests": {"cpu": "3", "memory": "64Mi"}}}],
             "containers": [{"name": "a", "resources": {"requests": {"cpu": "1", "memory": "1Gi"}}}]}
            """#, "3000 1024 0 / 3000 1024"
        ),
        (
            #"""
            {"initContainers": [{"name": "s", "restartPolicy": "Always", "resources": {"requests": {"cpu": "1"}}},
                                {"name": "i", "resources": {"requests": {"cpu": "2"}}}],
             "containers": [{"name": "a", "resources": {"requests": {"cpu": "1"}}}]}
            """#, "3000 0 0 / 3000 400"
        ),
        (
            #"""
            {"overhead": {"cpu": "250m", "memory": "10Mi"},
             "containers": [{"name": "a", "resources": {"requests": {"cpu": 1, "memory": "10Mi", "example.com/gpu": "2"}}}]}
            """#, "1250 20 2 / 1250 20"
        ),
        (
            #"""
            {"resources": {"requests": {"cpu": "4"}},
             "containers": [{"name": "a", "resources": {"requests": {"cpu": "1", "memory": "10Mi"}}}]}
            """#, "4000 10 0 / 4000 10"
        ),
    ]) func requests(spec: String, expected: String) { #expect(requests(spec) == expected) }
}
