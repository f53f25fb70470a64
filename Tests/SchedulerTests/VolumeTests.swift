// Where volumes let a pod run.
import JSON
import KubeTypes
import Testing

@testable import Scheduler

@Suite struct VolumeTests {
    private let nodes = [
        makeNode("n1", labels: ["zone": "a"]), makeNode("n2", labels: ["zone": "b"]),
    ]

    private func state(_ objects: JSONValue...) -> Surroundings {
        var surroundings = Surroundings()
        for object in objects {
            switch object["kind"]?.stringValue {
            case "PVC": surroundings.volumes.set(ClaimInfo(PersistentVolumeClaim(object)))
            case "PV": surroundings.volumes.set(VolumeInfo(PersistentVolume(object)))
            case "Class":
                let info = ClassInfo(StorageClass(object))
                surroundings.volumes.classes[info.name] = info
            default: Issue.record("\(object)")
            }
        }
        return surroundings
    }

    private func claim(_ name: String, _ spec: JSONValue, bound: Bool = false, selected: String = "") -> JSONValue {
        var annotations: JSONValue = [:]
        if bound { annotations["pv.kubernetes.io/bind-completed"] = "yes" }
        if !selected.isEmpty { annotations["volume.kubernetes.io/selected-node"] = .string(selected) }
        return [
            "kind": "PVC",
            "metadata": [
                "name": .string(name), "namespace": "default", "uid": .string(name), "annotations": annotations,
            ],
            "spec": spec,
        ]
    }

    private func volume(_ name: String, _ size: String, zone: String? = nil, labels: JSONValue = [:]) -> JSONValue {
        var spec: JSONValue = [
            "capacity": ["storage": .string(size)], "accessModes": ["ReadWriteOnce"], "storageClassName": "local",
        ]
        if let zone {
            spec["nodeAffinity"] = [
                "required": [
                    "nodeSelectorTerms": [
                        ["matchExpressions": [["key": "zone", "operator": "In", "values": [.string(zone)]]]]
                    ]
                ]
            ]
        }
        return [
            "kind": "PV", "metadata": ["name": .string(name), "labels": labels], "spec": spec,
            "status": ["phase": "Available"],
        ]
    }

    private func storageClass(_ name: String, provisioner: String = "kubernetes.io/no-provisioner") -> JSONValue {
        [
            "kind": "Class", "metadata": ["name": .string(name)], "provisioner": .string(provisioner),
            "volumeBindingMode": "WaitForFirstConsumer",
        ]
    }

    private func pod(_ name: String = "p", _ claim: String = "data") -> Pod {
        makePod(name, spec: #"{"volumes": [{"name": "v", "persistentVolumeClaim": {"claimName": "\#(claim)"}}]}"#)
    }

    private func places(_ pod: Pod, _ surroundings: Surroundings, _ running: [Pod] = []) -> Set<String> {
        Set(
            (1...20).map {
                let answer = outcome(pod, snapshot(nodes, running), Profile(), surroundings, seed: UInt64($0)).answer
                return String(answer.prefix { $0 != "." })
            })
    }

    @Test func claimsThatAreNotReady() {
        let table: [(Surroundings, String)] = [
            (state(), #"0/2 nodes are available: persistentvolumeclaim "data" not found"#),
            (
                state(claim("data", ["storageClassName": "x"])),
                "0/2 nodes are available: pod has unbound immediate PersistentVolumeClaims"
            ),
        ]
        for (surroundings, expected) in table { #expect(places(pod(), surroundings) == [expected]) }
        let message = outcome(pod(), snapshot(nodes), Profile(), state()).answer
        #expect(message.hasSuffix("preemption: 0/2 nodes are available: 2 Preemption is not helpful for scheduling."))
    }

    @Test func boundVolumesDecide() {
        let bound = claim("data", ["volumeName": "pv", "storageClassName": "local"], bound: true)
        #expect(places(pod(), state(bound, volume("pv", "1Gi", zone: "b"))) == ["n2"])
        #expect(
            places(pod(), state(bound, volume("pv", "1Gi", zone: "c")))
                == ["0/2 nodes are available: 2 node(s) didn't match PersistentVolume's node affinity"])
        #expect(
            places(pod(), state(bound))
                == [
                    "0/2 nodes are available: 2 node(s) unavailable due to one or more pvc(s) bound to non-existent pv(s)"
                ])
    }

    @Test func unboundClaimsTakeTheSmallestThatFits() {
        let wanted = claim(
            "data",
            [
                "storageClassName": "local", "accessModes": ["ReadWriteOnce"],
                "resources": ["requests": ["storage": "2Gi"]],
            ])
        let surroundings = state(
            wanted, storageClass("local"), volume("small", "1Gi", zone: "a"), volume("large", "9Gi", zone: "b"),
            volume("right", "3Gi", zone: "b"))
        #expect(places(pod(), surroundings) == ["n2"])
        var state = snapshot(nodes)
        let question = state.question(about: PodInfo(pod()), Profile(), surroundings)
        let slot = state.slots["n2"] ?? 0
        #expect(question.volumes.map { state.plan(slot, $0).0.bindings.map(\.volume) } == ["right"])
        // Without a provisioner there is no other way.
        var none = Surroundings()
        none.volumes = surroundings.volumes
        for name in ["right", "large"] { none.volumes.removeVolume(name) }
        #expect(
            places(pod(), none)
                == ["0/2 nodes are available: 2 node(s) didn't find available persistent volumes to bind"])
    }

    @Test func volumesAreMadeWhereThePodGoes() {
        let wanted = claim("data", ["storageClassName": "fast", "accessModes": ["ReadWriteOnce"]])
        #expect(places(pod(), state(wanted, storageClass("fast", provisioner: "p"))) == ["n1", "n2"])
        let decided = claim("data", ["storageClassName": "fast"], selected: "n2")
        #expect(places(pod(), state(decided, storageClass("fast", provisioner: "p"))) == ["n2"])
        var restricted = storageClass("fast", provisioner: "p")
        restricted["allowedTopologies"] = [["matchLabelExpressions": [["key": "zone", "values": ["a"]]]]]
        #expect(places(pod(), state(wanted, restricted)) == ["n1"])
    }

    @Test func oneAtATime() {
        let only = claim("data", ["volumeName": "pv", "accessModes": ["ReadWriteOncePod"]], bound: true)
        let surroundings = state(only, volume("pv", "1Gi"))
        #expect(places(pod(), surroundings) == ["n1", "n2"])
        var user = pod("user")
        user.spec.nodeName = "n1"
        let inUse =
            "0/2 nodes are available: 2 node(s) unavailable due to PersistentVolumeClaim with ReadWriteOncePod access "
            + "mode already in-use by another pod"
        #expect(places(pod(), surroundings, [user]) == [inUse])
        var strong = pod()
        strong.spec.priority = 10
        let result = outcome(strong, snapshot(nodes, [user]), Profile(), surroundings)
        #expect(result.plan?.victims.map(\.key.name) == ["user"] && result.plan?.node == "n1")
    }

    @Test func limitsAndZones() {
        var zoned = volume("pv", "1Gi", labels: ["topology.kubernetes.io/zone": "z1__z2"])
        zoned["spec"]?["csi"] = ["driver": "d", "volumeHandle": "h"]
        let bound = claim("data", ["volumeName": "pv"], bound: true)
        var surroundings = state(bound, zoned)
        let zones = [
            makeNode("n1", labels: ["topology.kubernetes.io/zone": "z2"]),
            makeNode("n2", labels: ["topology.kubernetes.io/zone": "z3"]),
        ]
        #expect(outcome(pod(), snapshot(zones), Profile(), surroundings).answer == "n1")
        surroundings.volumes.limits["n1"] = ["d": 0]
        #expect(
            outcome(pod(), snapshot(zones), Profile(), surroundings).answer.hasPrefix(
                "0/2 nodes are available: 1 node(s) exceed max volume count, 1 node(s) had no available volume zone."))
    }

    @Test func disks() {
        func disk(_ name: String, readOnly: Bool, node: String = "") -> Pod {
            makePod(
                name, node: node,
                spec: #"""
                    {"volumes": [{"name": "v", "gcePersistentDisk": {"pdName": "d", "readOnly": \#(readOnly)}}]}
                    """#)
        }
        let writer = disk("w", readOnly: false, node: "n1")
        #expect(places(disk("p", readOnly: true), state(), [writer]) == ["n2"])
        let reader = disk("r", readOnly: true, node: "n1")
        var open = snapshot(nodes, [reader])
        let question = open.question(about: PodInfo(disk("p", readOnly: true)))
        #expect(open.refusal(of: 0, question) == nil)
    }
}
