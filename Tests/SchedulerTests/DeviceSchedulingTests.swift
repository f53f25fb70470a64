// Pods with claims through the scheduler's core: when they are tried, where they go, and who else may have the devices.
import JSON
import KubeTypes
import Testing

@testable import Scheduler

private let now = ContinuousClock.now

private struct Fixture {
    var core: SchedulerCore
    var time = now

    init(_ nodes: String..., slices: [ResourceSlice], classes: [DeviceClass] = [makeClass("gpu")]) {
        core = SchedulerCore(seed: 1)
        for node in nodes { core.nodeChanged(makeNode(node), now: time) }
        for each in classes { core.deviceClassChanged(each, now: time) }
        for slice in slices { core.resourceSliceChanged(SliceInfo(slice), now: time) }
    }

    mutating func add(_ claim: DeviceClaim) { core.deviceClaimChanged(DeviceClaimInfo(claim), now: time) }
    mutating func add(_ pod: Pod) { core.podChanged(PodInfo(pod), now: time) }

    /// What comes of the next pod: `p on n1: c=d0`, `p: why not`, or `idle`.
    mutating func next() -> String {
        switch core.step(now: time) {
        case .idle: return "idle"
        case .failed(let pod, let message): return "\(pod.key.name) failed: \(message)"
        case .refused(let pod, let diagnosis, _, _):
            let claim = diagnosis.claimToGiveUp.map { " giving up \($0.name)" } ?? ""
            return "\(pod.key.name): \(diagnosis.message)\(claim)"
        case .bind(let pod, let plan):
            let claims = plan.devices.steps.map { step in
                "\(step.claim.key.name)=\(step.allocation?.devices.map(\.id.name).joined(separator: ",") ?? "as it is")"
            }
            return "\(pod.key.name) on \(plan.node): \(claims.joined(separator: " "))"
        }
    }

    mutating func wait(_ seconds: Int) { time += .seconds(seconds) }
}

private func pod(_ name: String, _ claims: String..., template: String? = nil, made: String? = nil) -> Pod {
    var list = claims.map { "{\"name\": \"\($0)\", \"resourceClaimName\": \"\($0)\"}" }
    if let template { list.append("{\"name\": \"own\", \"resourceClaimTemplateName\": \"\(template)\"}") }
    var pod = makePod(name, spec: "{\"resourceClaims\": [\(list.joined(separator: ", "))]}")
    if let made {
        pod.json["status"] = [
            "resourceClaimStatuses": [
                made.isEmpty ? ["name": "own"] : ["name": "own", "resourceClaimName": .string(made)]
            ]
        ]
    }
    return pod
}

private let one = "\"requests\": [\(request())]"
private let preemption = "preemption: 0/1 nodes are available: 1 Preemption is not helpful for scheduling."

@Suite struct DeviceSchedulingTests {
    @Test func aPodWaitsForItsClaims() {
        var fixture = Fixture("n1", slices: [makeSlice("s", node: "n1", "", "")])
        fixture.add(pod("p", "c"))
        #expect(fixture.next() == "idle")
        fixture.add(makeClaim("other", one))
        #expect(fixture.next() == "idle")
        fixture.add(makeClaim("c", one))
        #expect(fixture.next() == "p on n1: c=d0")
        // The claim of a template is known when the status says so, and is the pod's own.
        fixture.add(pod("q", template: "t"))
        #expect(fixture.next() == "idle")
        fixture.add(pod("q", template: "t", made: "q-own"))
        #expect(fixture.next() == "idle")
        fixture.add(makeClaim("q-own", one, owner: "other"))
        #expect(fixture.next() == "idle")
        fixture.add(makeClaim("q-own", one, owner: "q", revision: 2))
        #expect(fixture.next() == "q on n1: q-own=d1")
        fixture.add(pod("r", template: "t", made: ""))
        #expect(fixture.next() == "r on n1: ")
    }

    @Test func noDeviceIsGivenTwice() {
        var fixture = Fixture("n1", "n2", slices: [makeSlice("s1", node: "n1", ""), makeSlice("s2", node: "n2", "")])
        for name in ["a", "b", "c"] {
            fixture.add(makeClaim(name, one))
            fixture.add(pod("pod-\(name)", name))
        }
        let nodes = Set([fixture.next(), fixture.next()].map { $0.split(separator: ":")[0].suffix(2) })
        #expect(nodes == ["n1", "n2"])
        #expect(
            fixture.next()
                == "pod-c: 0/2 nodes are available: 2 cannot allocate all claims. still not schedulable, preemption: "
                + "0/2 nodes are available: 2 Preemption is not helpful for scheduling.")
    }

    @Test func aRefusedPodIsTriedAgainWhenItMayHelp() {
        func waiting() -> Fixture {
            var fixture = Fixture("n1", slices: [makeSlice("s", node: "n1", pool: "pool", "")])
            fixture.add(makeClaim("taken", one, status: allocated("d0", users: ["x"])))
            fixture.add(makeClaim("c", one))
            fixture.add(pod("p", "c"))
            #expect(
                fixture.next()
                    == "p: 0/1 nodes are available: 1 cannot allocate all claims. still not schedulable, \(preemption)")
            #expect(fixture.next() == "idle")
            fixture.wait(20)
            return fixture
        }
        var freed = waiting()
        freed.add(makeClaim("taken", one, status: "{}", revision: 2))
        #expect(freed.next() == "p on n1: c=d0")
        var more = waiting()
        more.core.resourceSliceChanged(
            SliceInfo(makeSlice("s", node: "n1", pool: "pool", generation: 2, "", "")), now: more.time)
        #expect(more.next() == "p on n1: c=d1")
        var unrelated = waiting()
        unrelated.add(makeClaim("taken", one, status: allocated("d0", users: ["x", "y"]), revision: 2))
        unrelated.add(makeClaim("z", one))
        unrelated.add(makePod("running", node: "n1"))
        #expect(unrelated.next() == "idle")
        var gone = waiting()
        gone.core.deviceClaimDeleted(makeClaim("taken", one).key, now: gone.time)
        #expect(gone.next() == "p on n1: c=d0")
        var tried = waiting()
        tried.core.deviceClassChanged(makeClass("gpu"), now: tried.time)
        #expect(tried.next().hasPrefix("p: 0/1 nodes are available: 1 cannot allocate"))
    }

    @Test func missingClassesAndSelectorsThatFail() {
        var fixture = Fixture("n1", slices: [makeSlice("s", node: "n1", "")], classes: [])
        fixture.add(makeClaim("c", one))
        fixture.add(pod("p", "c"))
        #expect(
            fixture.next()
                == "p: 0/1 nodes are available: request r: device class gpu does not exist. no new claims to "
                + "deallocate, \(preemption)")
        fixture.wait(20)
        fixture.core.deviceClassChanged(makeClass("gpu"), now: fixture.time)
        #expect(fixture.next() == "p on n1: c=d0")
        // A selector that fails on one node: the pod goes to no other either.
        var failing = Fixture(
            "n1", "n2",
            slices: [
                makeSlice("s1", node: "n1", "\"attributes\": {\"a\": {\"bool\": true}}"),
                makeSlice("s2", node: "n2", ""),
            ])
        let selector = cel("device.attributes[\"\(testDriver)\"].a")
        failing.add(makeClaim("c", "\"requests\": [\(request("r", selector))]"))
        failing.add(pod("p", "c"))
        #expect(
            failing.next()
                == "p failed: running \"DynamicResources\" filter plugin: claim default/c: selector #0: "
                + "CEL runtime error: no such key: a")
        #expect(failing.core.queue.place(of: ObjectKey(namespace: "default", name: "p")) == "backoff")
    }

    @Test func sharedClaims() {
        var fixture = Fixture("n1", "n2", slices: [makeSlice("s", node: "n1", pool: "pool", "")])
        fixture.add(makeClaim("c", one))
        fixture.add(pod("p", "c"))
        fixture.add(pod("q", "c"))
        #expect(fixture.next() == "p on n1: c=d0")
        #expect(fixture.next().contains("resource claim default/c is in the process of being allocated"))
        fixture.wait(20)
        fixture.add(makeClaim("c", one, status: allocated("d0", node: "n1", users: ["p"]), revision: 2))
        #expect(fixture.next() == "q on n1: c=as it is")
        // Already reserved: nothing to write.
        fixture.add(makeClaim("c", one, status: allocated("d0", node: "n1", users: ["p", "r"]), revision: 3))
        fixture.add(pod("r", "c"))
        #expect(fixture.next() == "r on n1: ")
    }

    @Test func whatWasDecidedAndNotWrittenIsFreeAgain() throws {
        var fixture = Fixture("n1", slices: [makeSlice("s", node: "n1", "")])
        for name in ["a", "b"] { fixture.add(makeClaim(name, one)) }
        fixture.add(pod("p", "a"))
        guard case .bind(let info, let plan) = fixture.core.step(now: fixture.time) else {
            Issue.record("the pod is not placed")
            return
        }
        fixture.add(pod("q", "b"))
        #expect(fixture.next().contains("cannot allocate all claims"))
        // A late event without the allocation does not free the device.
        fixture.add(makeClaim("a", one, revision: 2))
        fixture.wait(20)
        #expect(fixture.next() == "idle")
        fixture.core.bindFailed(info, plan, current: nil, now: fixture.time)
        #expect(fixture.next() == "q on n1: b=d0")
    }

    @Test func anOldEventDoesNotUndoAWrite() {
        var fixture = Fixture("n1", slices: [makeSlice("s", node: "n1", pool: "pool", "")])
        fixture.add(makeClaim("a", one, status: allocated("d0", node: "n1"), revision: 7))
        fixture.add(makeClaim("a", one, revision: 6))
        fixture.add(makeClaim("b", one))
        fixture.add(pod("q", "b"))
        #expect(fixture.next().contains("cannot allocate all claims"))
    }

    @Test func aClaimThatIsInTheWayIsGivenUp() {
        // Allocated on a node that is full: nobody uses the claim, so it may have other devices.
        var fixture = Fixture("n1", slices: [makeSlice("s", node: "n1", pool: "pool", "")])
        fixture.add(makeClaim("c", one, status: allocated("d0", node: "gone")))
        fixture.add(pod("p", "c"))
        #expect(
            fixture.next()
                == "p: 0/1 nodes are available: 1 resourceclaim not available on the node. deallocation of "
                + "ResourceClaim completed, \(preemption) giving up c")
        fixture.wait(20)
        fixture.add(makeClaim("c", one, revision: 2))
        #expect(fixture.next() == "p on n1: c=d0")
        // Others use it: the pod waits.
        var used = Fixture("n1", slices: [makeSlice("s", node: "n1", pool: "pool", "")])
        used.add(makeClaim("c", one, status: allocated("d0", node: "gone", users: ["x"])))
        used.add(pod("p", "c"))
        #expect(used.next().hasSuffix("still not schedulable, \(preemption)"))
    }

    @Test func nodesWithWhatIsPreferredAreBetter() {
        func alternative(_ name: String, _ memory: Int) -> String {
            let selector = cel("device.attributes[\"\(testDriver)\"].memory == \(memory)")
            return "{\"name\": \"\(name)\", \"deviceClassName\": \"gpu\", \(selector)}"
        }
        let claim = """
            "requests": [{"name": "r", "firstAvailable": [\(alternative("best", 3)), \(alternative("good", 2)),
             \(alternative("poor", 1))]}]
            """
        for seed in 1...5 {
            var fixture = Fixture(
                "n1", "n2", "n3",
                slices: (1...3).map {
                    makeSlice(
                        "s\($0)", node: "n\($0)", "\"attributes\": {\"memory\": {\"int\": \((($0 + seed) % 3) + 1)}}")
                })
            fixture.add(makeClaim("c", claim))
            fixture.add(pod("p", "c"))
            let best = (1...3).first { (($0 + seed) % 3) + 1 == 3 } ?? 0
            #expect(fixture.next() == "p on n\(best): c=d0")
        }
    }

    @Test func devicesThatMustBeMadeReady() {
        func claim(_ conditions: String, since: String = "1970-01-01T00:00:00Z") -> DeviceClaimInfo {
            DeviceClaimInfo(
                makeClaim(
                    "c", one,
                    status: """
                        {"allocation": {"allocationTimestamp": "\(since)", "devices": {"results": [{"request": "r",
                         "driver": "x", "pool": "p", "device": "d", "bindingConditions": ["Ready", "Attached"],
                         "bindingFailureConditions": ["Broken"]}]}},
                         "devices": [{"driver": "x", "pool": "p", "device": "d", "conditions": [\(conditions)]}]}
                        """))
        }
        func holds(_ type: String) -> String {
            "{\"type\": \"\(type)\", \"status\": \"True\", \"reason\": \"R\", \"message\": \"M\"}"
        }
        func readiness(_ claim: DeviceClaimInfo, at seconds: Int64 = 10) -> DeviceReadiness {
            DeviceReadiness(claim, now: Time(seconds: seconds), timeout: 600)
        }
        #expect(readiness(claim("")) == .waiting)
        #expect(readiness(claim(holds("Ready"))) == .waiting)
        #expect(readiness(claim("\(holds("Ready")), \(holds("Attached"))")) == .ready)
        #expect(
            readiness(claim("\(holds("Ready")), \(holds("Broken"))"))
                == .failed("device binding failed: claim=c, reason=R, message=\"M\""))
        #expect(readiness(claim(holds("Ready")), at: 601) == .failed("device binding timeout: claim=c"))
    }
}
