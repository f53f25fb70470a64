// When a pod is tried again.
import KubeTypes
import Testing

@testable import Scheduler

@Suite struct QueueTests {
    private let start = ContinuousClock.now

    private func at(_ seconds: Double) -> ContinuousClock.Instant { start + .seconds(seconds) }

    private func info(_ name: String, priority: Int = 0, created: Int64 = 0, spec: String? = nil) -> PodInfo {
        var pod = makePod(name, spec: spec ?? #"{"priority": \#(priority)}"#)
        pod.metadata.creationTimestamp = Time(seconds: created)
        return PodInfo(pod)
    }

    private func key(_ name: String) -> ObjectKey { ObjectKey(namespace: "default", name: name) }

    @Test func higherPriorityFirstThenOlder() {
        var queue = SchedulingQueue()
        for pod in [
            info("young", created: 3), info("old", created: 1), info("high", priority: 10, created: 9),
            info("same", created: 1),
        ] { queue.set(pod, now: start) }
        var order: [String] = []
        while let pod = queue.take(now: start) { order.append(pod.key.name) }
        #expect(order == ["high", "old", "same", "young"])
    }

    @Test func unschedulablePodsWaitForWhatMayHelp() {
        let table: [(Plugin, helped: Set<ClusterEvent.Kind>)] = [
            (.nodeResourcesFit, [.nodeAdded, .nodeAllocatable, .podRemoved]),
            (.taintToleration, [.nodeAdded, .nodeTaints]),
            (.nodeAffinity, [.nodeAdded, .nodeLabels]),
            (.nodePorts, [.nodeAdded, .podRemoved]),
        ]
        for (plugin, helped) in table {
            for event in ClusterEvent.Kind.allCases {
                var queue = SchedulingQueue()
                queue.set(info("p"), now: start)
                _ = queue.take(now: start)
                queue.failed(key("p"), plugins: [plugin], now: start)
                #expect(queue.place(of: key("p")) == "unschedulable")
                queue.happened(ClusterEvent(kind: event), now: at(20))
                #expect((queue.place(of: key("p")) == "active") == helped.contains(event), "\(plugin) \(event)")
            }
        }
    }

    @Test func backoffDoubles() {
        var queue = SchedulingQueue()
        queue.set(info("p"), now: start)
        var now = 0.0
        for expected in [1.0, 2, 4, 8, 10, 10] {
            #expect(queue.take(now: at(now)) != nil)
            // An error, not a verdict: it waits for its time.
            queue.failed(key("p"), plugins: [], now: at(now))
            #expect(queue.place(of: key("p")) == "backoff")
            #expect(queue.take(now: at(now)) == nil)
            queue.flush(now: at(now + expected - 0.01))
            #expect(queue.place(of: key("p")) == "backoff")
            now += expected
            queue.flush(now: at(now))
            #expect(queue.place(of: key("p")) == "active")
        }
    }

    @Test func anIdleSchedulerDoesNotWaitForBackoff() {
        var queue = SchedulingQueue()
        queue.set(info("p"), now: start)
        _ = queue.take(now: start)
        queue.failed(key("p"), plugins: [.nodeResourcesFit], now: start)
        queue.happened(ClusterEvent(kind: .nodeAdded), now: at(0.1))
        #expect(queue.place(of: key("p")) == "backoff")
        #expect(queue.take(now: at(0.1))?.key == key("p"))
    }

    @Test func anEventWhileAPodIsTriedIsNotLost() {
        var queue = SchedulingQueue()
        queue.set(info("p"), now: start)
        _ = queue.take(now: start)
        queue.happened(ClusterEvent(kind: .nodeAdded), now: start)
        queue.failed(key("p"), plugins: [.nodeResourcesFit], now: start)
        #expect(queue.place(of: key("p")) == "backoff")
        // One from before it was taken does not count.
        queue.set(info("q"), now: start)
        queue.happened(ClusterEvent(kind: .nodeAdded), now: start)
        _ = queue.take(now: at(50))
        _ = queue.take(now: at(50))
        queue.failed(key("q"), plugins: [.nodeResourcesFit], now: at(50))
        #expect(queue.place(of: key("q")) == "unschedulable")
    }

    @Test func aPodThatGoesWakesOnlyThoseThatMayFit() {
        let small = PodInfo(makePod("small", "cpu=1"))
        let large = PodInfo(makePod("large", "cpu=3"))
        var free = Resources()
        free.milliCPU = 2000
        let nominee = PodInfo(makePod("nominee", "cpu=2", spec: #"{"priority": 5}"#))
        let table: [(nominated: [PodInfo], PodInfo, Bool)] = [
            ([], small, true), ([], large, false), ([nominee], small, false), ([nominee], nominee, true),
            ([small], nominee, true),
        ]
        for (nominated, pod, helped) in table {
            let event = ClusterEvent(
                kind: .podRemoved, pod: large, room: .init(free: free, nominated: nominated))
            #expect(Plugin.nodeResourcesFit.mayBeHelped(by: event, pod) == helped)
        }
    }

    @Test func afterFiveMinutesItIsTriedAnyway() {
        var queue = SchedulingQueue()
        queue.set(info("p"), now: start)
        _ = queue.take(now: start)
        queue.failed(key("p"), plugins: [.nodeAffinity], now: start)
        queue.flush(now: at(299))
        #expect(queue.place(of: key("p")) == "unschedulable")
        queue.flush(now: at(311))
        #expect(queue.place(of: key("p")) == "active")
    }

    @Test func gatesHoldAPodBack() {
        var queue = SchedulingQueue()
        queue.set(info("p", spec: #"{"schedulingGates": [{"name": "wait"}]}"#), now: start)
        #expect(queue.place(of: key("p")) == "gated" && queue.take(now: start) == nil)
        queue.happened(ClusterEvent(kind: .nodeAdded), now: start)
        #expect(queue.place(of: key("p")) == "gated")
        queue.set(info("p"), now: start)
        #expect(queue.take(now: start)?.key == key("p"))
    }

    @Test func changesOfAWaitingPod() {
        var queue = SchedulingQueue()
        queue.set(info("p"), now: start)
        _ = queue.take(now: start)
        queue.failed(key("p"), plugins: [.nodeAffinity], now: start)
        // Only its status is new.
        queue.set(info("p"), now: at(20))
        #expect(queue.place(of: key("p")) == "unschedulable")
        var changed = makePod("p", labels: ["new": "label"])
        changed.metadata.generation = 2
        queue.set(PodInfo(changed), now: at(20))
        #expect(queue.place(of: key("p")) == "active")
        queue.remove(key("p"))
        #expect(queue.take(now: at(20)) == nil && queue.count == 0)
    }
}

@Suite struct SchedulerCoreTests {
    private let now = ContinuousClock.now

    private func describe(_ step: SchedulerCore.Step) -> String {
        switch step {
        case .bind(let pod, let plan): "\(pod.key.name) to \(plan.node)"
        case .failed(let pod, let message): "\(pod.key.name) failed: \(message)"
        case .refused(let pod, let diagnosis, _, _): "\(pod.key.name): \(diagnosis.message)"
        case .idle: "idle"
        }
    }

    private func bound(_ pod: Pod, to node: String) -> PodInfo {
        var pod = pod
        pod.spec.nodeName = node
        return PodInfo(pod)
    }

    @Test func assumedPodsTakeUpRoom() {
        var core = SchedulerCore(seed: 1)
        core.nodeChanged(makeNode("n", "cpu=1,memory=1Gi,pods=10"), now: now)
        let first = makePod("a", "cpu=1")
        let second = makePod("b", "cpu=1")
        core.podChanged(PodInfo(first), now: now)
        core.podChanged(PodInfo(second), now: now)
        #expect(describe(core.step(now: now)) == "a to n")
        #expect(describe(core.step(now: now)).hasPrefix("b: 0/1 nodes are available: 1 Insufficient cpu."))
        #expect(describe(core.step(now: now)) == "idle")
        // The confirmation changes nothing; the end of the pod lets the other in.
        core.podChanged(bound(first, to: "n"), now: now)
        #expect(core.snapshot.usedCPU == [1000])
        #expect(describe(core.step(now: now)) == "idle")
        core.podDeleted(bound(first, to: "n"), now: now + .seconds(2))
        #expect(core.snapshot.usedCPU == [0])
        #expect(describe(core.step(now: now + .seconds(2))) == "b to n")
    }

    @Test func aPodThatEndsMakesRoom() {
        var core = SchedulerCore(seed: 1)
        core.nodeChanged(makeNode("n", "cpu=1,pods=10"), now: now)
        var job = makePod("job", "cpu=1", node: "n")
        core.podChanged(PodInfo(job), now: now)
        #expect(core.snapshot.usedCPU == [1000])
        job.status.phase = "Succeeded"
        core.podChanged(PodInfo(job), now: now)
        #expect(core.snapshot.usedCPU == [0])
    }

    @Test func aFailedBindingIsTakenBack() {
        var core = SchedulerCore(seed: 1)
        core.nodeChanged(makeNode("n", "cpu=1,pods=10"), now: now)
        let pod = PodInfo(makePod("a", "cpu=1"))
        let plan = BindingPlan(volumes: VolumePlan(node: "n"))
        core.podChanged(pod, now: now)
        _ = core.step(now: now)
        core.bindFailed(pod, plan, current: pod, now: now)
        #expect(core.snapshot.usedCPU == [0])
        #expect(describe(core.step(now: now)) == "idle")
        #expect(describe(core.step(now: now + .seconds(1))) == "a to n")
        // The next time it waits longer.
        core.bindFailed(pod, plan, current: pod, now: now + .seconds(1))
        #expect(describe(core.step(now: now + .seconds(2))) == "idle")
        #expect(describe(core.step(now: now + .seconds(3))) == "a to n")
        // One that is gone is not tried again; one that the API confirmed after all stays.
        core.bindFailed(pod, plan, current: nil, now: now)
        #expect(describe(core.step(now: now + .seconds(60))) == "idle")
        core.podChanged(PodInfo(makePod("b", "cpu=1")), now: now)
        _ = core.step(now: now)
        core.podChanged(bound(makePod("b", "cpu=1"), to: "n"), now: now)
        core.bindFailed(PodInfo(makePod("b", "cpu=1")), plan, current: nil, now: now)
        #expect(core.snapshot.usedCPU == [1000])
    }

    @Test func othersPodsAreLeftAlone() {
        var core = SchedulerCore(seed: 1)
        core.nodeChanged(makeNode("n"), now: now)
        core.podChanged(PodInfo(makePod("a", spec: #"{"schedulerName": "mine"}"#)), now: now)
        var leaving = makePod("b")
        leaving.metadata.deletionTimestamp = Time(seconds: 1)
        core.podChanged(PodInfo(leaving), now: now)
        #expect(describe(core.step(now: now)) == "idle")
        var configuration = SchedulerConfiguration()
        configuration.profiles[0].name = "mine"
        var own = SchedulerCore(configuration, seed: 1)
        own.nodeChanged(makeNode("n"), now: now)
        own.podChanged(PodInfo(makePod("a", spec: #"{"schedulerName": "mine"}"#)), now: now)
        #expect(describe(own.step(now: now)) == "a to n")
    }

    @Test func servicesSpread() {
        var core = SchedulerCore(seed: 1)
        for name in ["n1", "n2"] { core.nodeChanged(makeNode(name), now: now) }
        var service = Service(name: "web", namespace: "default")
        service.json["spec"] = ["selector": ["app": "web"]]
        core.serviceChanged(service)
        core.podChanged(PodInfo(makePod("there", labels: ["app": "web"], node: "n1")), now: now)
        core.podChanged(PodInfo(makePod("other", labels: ["app": "x"], node: "n2")), now: now)
        core.podChanged(PodInfo(makePod("new", labels: ["app": "web"])), now: now)
        #expect(describe(core.step(now: now)) == "new to n2")
    }
}
