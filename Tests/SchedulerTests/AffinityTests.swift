// Pods near each other and away from each other.
import KubeTypes
import Testing

@testable import Scheduler

@Suite struct AffinityTests {
    private let zones = [
        makeNode("a1", labels: ["zone": "a"]), makeNode("a2", labels: ["zone": "a"]),
        makeNode("b1", labels: ["zone": "b"]), makeNode("x"),
    ]

    /// `spec.affinity` with one term; `more` are further fields of the term.
    private func spec(_ kind: String, _ app: String, key: String = "zone", more: String = "", weight: Int? = nil)
        -> String
    {
        let term =
            #"{"labelSelector": {"matchLabels": {"app": "\#(app)"}}, "topologyKey": "\#(key)"\#(more)}"#
        let list =
            weight.map {
                #""preferredDuringSchedulingIgnoredDuringExecution": [{"weight": \#($0), "podAffinityTerm": \#(term)}]"#
            } ?? #""requiredDuringSchedulingIgnoredDuringExecution": [\#(term)]"#
        return #"{"affinity": {"\#(kind)": {\#(list)}}}"#
    }

    /// The nodes that take the pod, whatever the lot.
    private func places(
        _ pod: Pod, _ running: [Pod], namespaces: [String: [String: String]] = [:], nodes: [Node]? = nil
    ) -> Set<String> {
        let state = snapshot(nodes ?? zones, running)
        return Set((1...40).map { decide(pod, state, namespaces: namespaces, seed: UInt64($0)) })
    }

    @Test func near() {
        let pod = makePod("p", spec: spec("podAffinity", "db"))
        let db = makePod("db", labels: ["app": "db"], node: "a1")
        #expect(places(pod, [db]).isSubset(of: ["a1", "a2"]))
        let none = decide(pod, snapshot(zones, []))
        #expect(none.hasPrefix("0/4 nodes are available: 4 node(s) didn't match pod affinity rules. "), "\(none)")
        // The first of those that must be together may go anywhere that has the label.
        let first = makePod("p", labels: ["app": "db"], spec: spec("podAffinity", "db"))
        #expect(places(first, []) == ["a1", "a2", "b1"])
        #expect(places(first, [makePod("db", labels: ["app": "db"], node: "b1")]) == ["b1"])
        // What runs in another namespace is not meant.
        let foreign = makePod("db", namespace: "other", labels: ["app": "db"], node: "a1")
        #expect(decide(pod, snapshot(zones, [foreign])).hasPrefix("0/4"))
    }

    @Test func away() {
        let pod = makePod("p", spec: spec("podAntiAffinity", "db"))
        let db = makePod("db", labels: ["app": "db"], node: "a1")
        #expect(places(pod, [db]) == ["b1", "x"])
        let message = decide(pod, snapshot([zones[0]], [db]))
        #expect(message.hasPrefix("0/1 nodes are available: 1 node(s) didn't match pod anti-affinity rules. "))
        // The other way round: who is there keeps the pod away.
        let alone = makePod("alone", node: "a1", spec: spec("podAntiAffinity", "web"))
        let web = makePod("p", labels: ["app": "web"])
        #expect(places(web, [alone]) == ["b1", "x"])
        let kept = decide(web, snapshot([zones[0]], [alone]))
        #expect(kept.hasPrefix("0/1 nodes are available: 1 node(s) didn't satisfy existing pods anti-affinity rules. "))
    }

    @Test func namespaces() {
        let db = makePod("db", namespace: "prod", labels: ["app": "db"], node: "a1")
        let labels = ["prod": ["team": "x"], "default": [:]]
        let table: [(more: String, Set<String>)] = [
            (#", "namespaces": ["prod"]"#, ["b1", "x"]),
            (#", "namespaceSelector": {}"#, ["b1", "x"]),
            (#", "namespaceSelector": {"matchLabels": {"team": "x"}}"#, ["b1", "x"]),
            (#", "namespaceSelector": {"matchLabels": {"team": "y"}}"#, ["a1", "a2", "b1", "x"]),
            (#", "namespaces": ["test"]"#, ["a1", "a2", "b1", "x"]),
        ]
        for (more, expected) in table {
            let pod = makePod("p", spec: spec("podAntiAffinity", "db", more: more))
            // An idle node is better than one that runs something: only where it may go is asked here.
            let state = snapshot(zones, [db])
            var other = state
            let surroundings = { () -> Surroundings in
                var surroundings = Surroundings()
                surroundings.namespaces = labels
                return surroundings
            }()
            let question = other.question(about: PodInfo(pod), Profile(), surroundings)
            let fit = other.order.filter { other.refusal(of: $0, question) == nil }.map { other.info[$0].name }
            #expect(Set(fit) == expected, "\(more)")
            // The same term on a pod that runs, about one that comes from that namespace.
            var mirrored = snapshot(
                zones, [makePod("r", labels: [:], node: "a1", spec: spec("podAntiAffinity", "db", more: more))])
            let incoming = mirrored.question(
                about: PodInfo(makePod("q", namespace: "prod", labels: ["app": "db"])), Profile(), surroundings)
            let left = mirrored.order.filter { mirrored.refusal(of: $0, incoming) == nil }
                .map { mirrored.info[$0].name }
            #expect(Set(left) == expected, "\(more)")
        }
    }

    @Test func labelKeys() {
        let old = makePod("old", labels: ["app": "web", "hash": "1"], node: "a1")
        let same = makePod(
            "p", labels: ["app": "web", "hash": "2"],
            spec: spec("podAntiAffinity", "web", more: #", "matchLabelKeys": ["hash"]"#))
        #expect(places(same, [old], nodes: Array(zones.prefix(1))) == ["a1"])
        let other = makePod(
            "p", labels: ["app": "web", "hash": "2"],
            spec: spec("podAntiAffinity", "web", more: #", "mismatchLabelKeys": ["hash"]"#))
        #expect(places(other, [old], nodes: Array(zones.prefix(2))).allSatisfy { $0.hasPrefix("0/2") })
    }

    @Test func preferences() {
        let db = makePod("db", labels: ["app": "db"], node: "a1")
        #expect(places(makePod("p", spec: spec("podAffinity", "db", weight: 100)), [db]) == ["a2"])
        #expect(
            places(makePod("p", spec: spec("podAntiAffinity", "db", weight: 100)), [db]).isDisjoint(with: ["a1", "a2"]))
        // What those that run would like counts as well.
        let fond = makePod("fond", node: "a1", spec: spec("podAffinity", "web", weight: 100))
        #expect(places(makePod("p", labels: ["app": "web"]), [fond]) == ["a2"])
        var profile = Profile()
        profile.ignoresPreferredTermsOfExistingPods = true
        let state = snapshot(zones, [fond])
        let free = Set((1...60).map { decide(makePod("p", labels: ["app": "web"]), state, profile, seed: UInt64($0)) })
        #expect(free.count == 3)
    }

    /// What is kept agrees with a snapshot made anew, whatever comes and goes.
    @Test func countsAreKept() {
        var random = SeededGenerator(seed: 3)
        var state = snapshot(zones)
        var pods: [String: Pod] = [:]
        let kinds = [
            spec("podAntiAffinity", "web"), spec("podAffinity", "db"), spec("podAntiAffinity", "db", weight: 7), "{}",
        ]
        for step in 0..<400 {
            let name = "p\(Int.random(in: 0..<30, using: &random))"
            if Bool.random(using: &random) {
                let pod = makePod(
                    name, labels: ["app": Bool.random(using: &random) ? "web" : "db"],
                    node: ["a1", "a2", "b1", "x"].randomElement(using: &random) ?? "",
                    spec: kinds.randomElement(using: &random) ?? "")
                pods[name] = pod
                state.setPod(PodInfo(pod))
            } else {
                pods[name] = nil
                state.removePod(ObjectKey(namespace: "default", name: name))
            }
            guard step % 20 == 0 else { continue }
            var anew = snapshot(zones, Array(pods.values))
            for kind in kinds {
                let pod = PodInfo(makePod("new", labels: ["app": "web"], spec: kind))
                let kept = state.question(about: pod)
                let fresh = anew.question(about: pod)
                for (slot, other) in zip(state.order, anew.order) {
                    #expect(state.refusal(of: slot, kept) == anew.refusal(of: other, fresh))
                }
                #expect(
                    state.scores(of: state.order, kept, Surroundings())
                        == anew.scores(of: anew.order, fresh, Surroundings()))
            }
        }
    }
}
