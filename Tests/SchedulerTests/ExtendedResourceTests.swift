// Containers that ask for devices under the name of an extended resource.
import JSON
import KubeTypes
import Testing

@testable import Scheduler

@Suite struct ExtendedResourceTests {
    private let resource = "example.com/gpu"

    private func container(_ name: String, _ requests: [String: String], _ more: String = "") -> String {
        let list = requests.sorted { $0.key < $1.key }.map { "\"\($0.key)\": \"\($0.value)\"" }
        return "{\"name\": \"\(name)\", \"resources\": {\"requests\": {\(list.joined(separator: ", "))}}\(more)}"
    }

    private func pod(_ name: String, _ containers: [String], initContainers: [String] = [], claims: String = "")
        -> PodInfo
    {
        PodInfo(
            makePod(
                name,
                spec: """
                    {"containers": [\(containers.joined(separator: ", "))],
                     "initContainers": [\(initContainers.joined(separator: ", "))]\(claims)}
                    """))
    }

    private func describe(_ pod: PodInfo, _ classes: [String: String]) -> (String, String) {
        let (requests, mappings) = pod.extended.claim(classes)
        return (
            requests.map {
                "\($0["name"]?.stringValue ?? "")=\($0[path: "exactly", "count"]?.intValue ?? 0)"
            }.joined(separator: " "),
            mappings.map {
                "\($0["containerName"]?.stringValue ?? ""):\($0["requestName"]?.stringValue ?? "")"
            }.joined(separator: " ")
        )
    }

    @Test func requestsOfTheClaim() {
        let classes = [resource: "gpu"]
        #expect(
            describe(pod("p", [container("a", [resource: "2", "cpu": "1"])]), classes)
                == ("container-0-request-1=2", "a:container-0-request-1"))
        #expect(
            describe(
                pod("p", [container("a", [resource: "1"]), container("b", [:]), container("c", [resource: "3"])]),
                classes)
                == (
                    "container-0-request-0=1 container-2-request-0=3", "a:container-0-request-0 c:container-2-request-0"
                ))
        // What comes first and goes uses what comes later, and one request more for the most that is missing.
        let short = pod(
            "p", [container("main", [resource: "1"])],
            initContainers: [
                container("one", [resource: "1"]), container("three", [resource: "3"]),
                container("two", [resource: "2"]),
            ])
        let (requests, mappings) = describe(short, classes)
        #expect(requests == "container-1-request-0=2 container-3-request-0=1")
        #expect(
            mappings
                == "main:container-3-request-0 one:container-3-request-0 three:container-3-request-0 "
                + "three:container-1-request-0 two:container-3-request-0 two:container-1-request-0")
        #expect(pod("p", [container("a", ["cpu": "1", "hugepages-2Mi": "2Mi", resource: "0"])]).extended.isEmpty)
    }

    private func core(_ deviceClass: DeviceClass?, devices: Int = 2) -> SchedulerCore {
        var core = SchedulerCore(seed: 1)
        core.nodeChanged(makeNode("n1"), now: .now)
        if let deviceClass { core.deviceClassChanged(deviceClass, now: .now) }
        let slice = makeSlice("s", node: "n1", devices: Array(repeating: "", count: devices))
        core.resourceSliceChanged(SliceInfo(slice), now: .now)
        return core
    }

    private func step(_ core: inout SchedulerCore, at time: ContinuousClock.Instant = .now) -> String {
        switch core.step(now: time) {
        case .bind(let pod, let plan):
            let steps = plan.devices.steps.map { step in
                "\(step.extended == nil ? step.claim.key.name : "made")="
                    + (step.allocation?.devices.map(\.id.name).joined(separator: ",") ?? "")
            }
            return "\(pod.key.name) on \(plan.node): \(steps.joined(separator: " "))"
        case .refused(let pod, let diagnosis, _, _):
            return "\(pod.key.name): \(diagnosis.message)"
                + (diagnosis.claimToGiveUp.map { " giving up \($0.name)" } ?? "")
        case .failed(let pod, let message): return "\(pod.key.name) failed: \(message)"
        case .idle: return "idle"
        }
    }

    private func gpu() -> DeviceClass { makeClass("gpu", "{\"extendedResourceName\": \"\(resource)\"}") }

    @Test func nodesWithoutTheResourceGiveDevices() {
        var core = core(gpu())
        for name in ["a", "b", "c"] { core.podChanged(pod(name, [container("main", [resource: "1"])]), now: .now) }
        #expect(step(&core) == "a on n1: made=d0")
        #expect(step(&core) == "b on n1: made=d1")
        #expect(
            step(&core).hasPrefix("c: 0/1 nodes are available: 1 cannot allocate all claims. still not schedulable"))
        // By the name of a class.
        var implicit = self.core(makeClass("gpu"))
        implicit.podChanged(
            pod("a", [container("main", ["deviceclass.resource.kubernetes.io/gpu": "2"])]), now: .now)
        #expect(step(&implicit) == "a on n1: made=d0,d1")
    }

    @Test func nodesWithTheResourceGiveThat() {
        var core = core(gpu())
        core.nodeChanged(makeNode("n1", "cpu=4,memory=8Gi,pods=10,\(resource)=1"), now: .now)
        core.podChanged(pod("a", [container("main", [resource: "1"])]), now: .now)
        core.podChanged(pod("b", [container("main", [resource: "1"])]), now: .now)
        #expect(step(&core) == "a on n1: ")
        #expect(step(&core).hasPrefix("b: 0/1 nodes are available: 1 Insufficient example.com/gpu."))
    }

    @Test func aClassThatComesLaterHelps() {
        var core = core(nil)
        let start = ContinuousClock.now
        core.podChanged(pod("a", [container("main", [resource: "1"])]), now: start)
        #expect(step(&core, at: start).hasPrefix("a: 0/1 nodes are available: 1 Insufficient example.com/gpu."))
        core.deviceClassChanged(gpu(), now: start + .seconds(20))
        #expect(step(&core, at: start + .seconds(20)) == "a on n1: made=d0")
    }

    @Test func whatAnAttemptHasLeftGoesFirst() {
        var core = core(gpu())
        var left = makeClaim("left", "\"requests\": [\(request())]", owner: "a", status: allocated("d0", pool: "n1"))
        left.metadata.annotations[ExtendedRequests.annotation] = "true"
        core.deviceClaimChanged(DeviceClaimInfo(left), now: .now)
        let start = ContinuousClock.now
        core.podChanged(pod("a", [container("main", [resource: "2"])]), now: start)
        #expect(step(&core, at: start).hasSuffix("giving up left"))
        core.deviceClaimDeleted(left.key, now: start + .seconds(20))
        #expect(step(&core, at: start + .seconds(20)) == "a on n1: made=d0,d1")
    }

    @Test func theClaimThatIsMadeTakesThePlaceOfTheOneDecided() throws {
        var core = core(gpu(), devices: 1)
        core.podChanged(pod("a", [container("main", [resource: "1"])]), now: .now)
        guard case .bind(let info, let plan) = core.step(now: .now), let first = plan.devices.steps.first,
            let allocation = first.allocation
        else {
            Issue.record("the pod is not placed")
            return
        }
        var made = first.extended?.object ?? DeviceClaim()
        made.metadata.name = "a-extended-resources-x"
        made.metadata.uid = "real"
        made.metadata.resourceVersion = "5"
        made.json["status"] = ["allocation": .object(allocation.json)]
        core.extendedClaimMade(DeviceClaimInfo(made), first.claim.uid, now: .now)
        #expect(core.extendedClaim(of: info)?.key.name == "a-extended-resources-x")
        core.podChanged(pod("b", [container("main", [resource: "1"])]), now: .now)
        #expect(step(&core).contains("cannot allocate all claims"))
        let start = ContinuousClock.now
        core.deviceClaimDeleted(made.key, now: start + .seconds(20))
        #expect(step(&core, at: start + .seconds(20)) == "b on n1: made=d0")
    }
}
