// What becomes of events: repeats are counted, floods cut off, and the order of an object's events kept.
import JSON
import KubeTypes
import Synchronization
import Testing

@testable import KubeClient

@Suite struct EventCorrelatorTests {
    private func event(_ message: String, at seconds: Int64, name: String, reason: String = "Failed") -> Event {
        var event = Event()
        var about = ObjectReference()
        about.kind = "Pod"
        about.namespace = "default"
        about.name = "web"
        event.involvedObject = about
        event.metadata.name = name
        event.reason = reason
        event.message = message
        event.type = "Warning"
        event.count = 1
        event.firstTimestamp = Time(seconds: seconds)
        event.lastTimestamp = Time(seconds: seconds)
        return event
    }

    /// `create NAME`, `count NAME N`, or `skip`
    private func summary(_ action: EventCorrelator.Action) -> String {
        switch action {
        case .create(let event): "create \(event.name): \(event.message ?? "")"
        case .count(let event, let patch):
            "count \(event.name) \(patch["count"]?.intValue ?? 0): \(event.message ?? "")"
        case .skip: "skip"
        }
    }

    @Test func repeatsAreCounted() {
        var correlator = EventCorrelator()
        let steps = [("a", "1"), ("a", "2"), ("b", "3"), ("a", "4")].enumerated().map { index, step in
            let now = Time(seconds: Int64(index))
            return summary(correlator.correlate(event(step.0, at: Int64(index), name: step.1), now: now))
        }
        #expect(steps == ["create 1: a", "count 1 2: a", "create 3: b", "count 1 3: a"])
    }

    @Test func manyMessagesBecomeOne() {
        var correlator = EventCorrelator()
        var last: [String] = []
        for number in 1...12 {
            let action = correlator.correlate(event("m\(number)", at: 0, name: "\(number)"), now: Time(seconds: 0))
            last.append(summary(action))
        }
        #expect(last[8] == "create 9: m9")
        #expect(last[9] == "create 10: (combined from similar events): m10")
        #expect(last[11] == "count 10 3: (combined from similar events): m12")
        // After ten quiet minutes they are told apart again.
        let later = correlator.correlate(event("m13", at: 700, name: "13"), now: Time(seconds: 700))
        #expect(summary(later) == "create 13: m13")
    }

    @Test func floodsAreCutOff() {
        var correlator = EventCorrelator()
        var passed = 0
        for number in 0..<100 {
            let action = correlator.correlate(
                event("same", at: 0, name: "\(number)", reason: "R\(number)"), now: Time(seconds: 0))
            if case .skip = action { continue }
            passed += 1
        }
        #expect(passed == 25)
        let later = correlator.correlate(event("same", at: 301, name: "x", reason: "later"), now: Time(seconds: 301))
        #expect(summary(later) == "create x: same")
    }

    @Test func aCacheForgets() {
        var cache = RecentCache<Int, Int>(limit: 10)
        for number in 0..<1000 {
            cache[number] = number
            cache[0] = 0
        }
        #expect(cache[0] == 0 && cache[999] == 999 && cache[997] == 997 && cache[500] == nil)
    }
}

@Suite struct EventRecorderTests {
    private final class Transport: KubeTransport {
        let calls = Mutex<[KubeRequest]>([])
        let failures = Mutex(0)

        func call(_ request: KubeRequest) async throws(APIError) -> JSONValue {
            let fails = failures.withLock { left in
                defer { left -= 1 }
                return left > 0
            }
            if fails { throw APIError(code: 503, reason: "ServiceUnavailable", message: "not yet") }
            calls.withLock { $0.append(request) }
            return request.body ?? [:]
        }

        func watch(_ request: KubeRequest) async throws(APIError) -> AsyncThrowingStream<KubeWatchEvent, any Error> {
            throw APIError(code: 500, reason: "", message: "no watches here")
        }
    }

    @Test func events() async throws {
        let transport = Transport()
        transport.failures.withLock { $0 = 2 }
        let recorder = EventRecorder(
            client: KubeClient(transport), component: "kubelet", host: "node-1",
            now: { Time(seconds: 1_700_000_000, nanoseconds: 7) })
        var pod = Pod(name: "web", namespace: "shop")
        pod.metadata.uid = "u-1"
        pod.metadata.resourceVersion = "12"
        recorder.event(regarding: pod, type: .normal, reason: "Pulled", message: "it is there")
        recorder.event(regarding: pod, type: .normal, reason: "Pulled", message: "it is there")
        recorder.event(regarding: Node(name: "node-1"), type: .warning, reason: "Rebooted", message: "again")
        for _ in 0..<1000 where transport.calls.withLock({ $0.count }) < 3 {
            try await Task.sleep(for: .milliseconds(5))
        }
        let calls = transport.calls.withLock { $0 }
        let ofPod = calls.filter { $0.namespace == "shop" }
        #expect(ofPod.map(\.verb) == [.create, .patch])
        let event = Event(ofPod.first?.body ?? .null)
        #expect(event.name == "web.17979cfe362a0007")
        #expect(event.involvedObject?.uid == "u-1" && event.involvedObject?.kind == "Pod")
        #expect(event.source?.component == "kubelet" && event.source?.host == "node-1")
        #expect(event.type == "Normal" && event.count == 1 && event.reportingComponent == "kubelet")
        #expect(event.firstTimestamp == Time(seconds: 1_700_000_000))
        #expect(ofPod.last?.name == "web.17979cfe362a0007")
        #expect(ofPod.last?.body?["count"] == 2)
        // What has no namespace is told of in the default one.
        #expect(calls.contains { $0.namespace == "default" && Event($0.body ?? .null).reason == "Rebooted" })
    }

    @Test func tooManyAreDropped() {
        let transport = Transport()
        transport.failures.withLock { $0 = .max }
        let recorder = EventRecorder(client: KubeClient(transport), component: "x", limit: 10)
        for number in 0..<200 {
            recorder.event(regarding: Node(name: "n\(number)"), type: .normal, reason: "R", message: "m")
        }
        // Eight tasks may have taken one each out of the queue.
        #expect(recorder.dropped >= 182)
    }
}
