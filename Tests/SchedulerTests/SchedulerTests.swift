// The whole scheduler against an API that is a few dictionaries.
import JSON
import KubeClient
import KubeTypes
import Logging
import Synchronization
import Testing

@testable import Scheduler

/// Keeps nodes, pods and services, and tells watches of them.
private final class FakeAPI: KubeTransport {
    private struct State {
        var objects: [String: [String: JSONValue]] = [:]
        var watches: [String: [AsyncThrowingStream<KubeWatchEvent, any Error>.Continuation]] = [:]
        var revision = 1
        var bindings: [String: String] = [:]
        var bindFailures: [String: Int] = [:]
        var events: [Event] = []
        /// What pods said of themselves when they were deleted.
        var conditions: [String: JSONValue] = [:]
    }
    private let state = Mutex(State())

    var bindings: [String: String] { state.withLock { $0.bindings } }
    var events: [Event] { state.withLock { $0.events } }
    func failBindings(of name: String, times: Int) { state.withLock { $0.bindFailures[name] = times } }
    func object(_ resource: String, _ name: String) -> JSONValue? { state.withLock { $0.objects[resource]?[name] } }
    func lastConditions(of name: String) -> JSONValue? { state.withLock { $0.conditions[name] } }
    func condition(of name: String) -> JSONValue? {
        state.withLock { $0.objects["pods"]?[name]?[path: "status", "conditions"]?[0] }
    }

    private static func set(_ resource: String, _ object: JSONValue, _ state: inout State) {
        var object = object
        let name = object[path: "metadata", "name"]?.stringValue ?? ""
        state.revision += 1
        object["metadata"]?["resourceVersion"] = .string(String(state.revision))
        let known = state.objects[resource, default: [:]].updateValue(object, forKey: name) != nil
        for watch in state.watches[resource] ?? [] {
            watch.yield(.init(kind: known ? .modified : .added, object: object))
        }
    }

    func set<T: KubeObject>(_ object: T) { state.withLock { Self.set(T.type.resource, object.json, &$0) } }

    func delete<T: KubeObject>(_ type: T.Type, _ name: String) {
        state.withLock { state in
            guard let old = state.objects[T.type.resource]?.removeValue(forKey: name) else { return }
            for watch in state.watches[T.type.resource] ?? [] { watch.yield(.init(kind: .deleted, object: old)) }
        }
    }

    func call(_ request: KubeRequest) async throws(APIError) -> JSONValue {
        let result: Result<JSONValue, APIError> = state.withLock { state in
            let name = request.name ?? ""
            switch (request.verb, request.resource, request.subresource) {
            case (.list, let resource, _):
                let items = Array((state.objects[resource] ?? [:]).values)
                return .success([
                    "metadata": ["resourceVersion": .string(String(state.revision))], "items": .array(items),
                ])
            case (.create, "pods", "binding"):
                if let left = state.bindFailures[name], left > 0 {
                    state.bindFailures[name] = left - 1
                    return .failure(APIError(code: 500, reason: "InternalError", message: "no luck"))
                }
                guard var pod = state.objects["pods"]?[name] else {
                    return .failure(.notFound("pods", group: "", name: name))
                }
                let node = request.body?[path: "target", "name"]?.stringValue ?? ""
                state.bindings[name] = node
                pod["spec"]?["nodeName"] = .string(node)
                Self.set("pods", pod, &state)
                return .success([:])
            case (.patch, "pods", "status"):
                guard var pod = state.objects["pods"]?[name] else {
                    return .failure(.notFound("pods", group: "", name: name))
                }
                var status = pod["status"] ?? [:]
                for (key, value) in request.body?["status"]?.objectValue ?? [:] {
                    status[key] = value == .null ? nil : value
                }
                pod["status"] = status
                Self.set("pods", pod, &state)
                return .success(pod)
            case (.delete, "pods", _):
                guard let old = state.objects["pods"]?.removeValue(forKey: name) else {
                    return .failure(.notFound("pods", group: "", name: name))
                }
                state.conditions[name] = old[path: "status", "conditions"]
                for watch in state.watches["pods"] ?? [] { watch.yield(.init(kind: .deleted, object: old)) }
                return .success([:])
            case (.get, let resource, _):
                guard let object = state.objects[resource]?[name] else {
                    return .failure(.notFound(resource, group: "", name: name))
                }
                return .success(object)
            case (.update, let resource, _):
                Self.set(resource, request.body ?? .null, &state)
                return .success(request.body ?? .null)
            case (.create, "events", _):
                state.events.append(Event(request.body ?? .null))
                return .success([:])
            case (.patch, "events", _): return .success([:])
            default: return .failure(APIError(code: 400, reason: "BadRequest", message: request.path))
            }
        }
        return try result.get()
    }

    func watch(_ request: KubeRequest) async throws(APIError) -> AsyncThrowingStream<KubeWatchEvent, any Error> {
        let (stream, continuation) = AsyncThrowingStream.makeStream(of: KubeWatchEvent.self)
        let since = Int(request.query.first { $0.name == "resourceVersion" }?.value ?? "") ?? 0
        state.withLock { state in
            for object in (state.objects[request.resource] ?? [:]).values
            where Int(object[path: "metadata", "resourceVersion"]?.stringValue ?? "") ?? 0 > since {
                continuation.yield(.init(kind: .modified, object: object))
            }
            state.watches[request.resource, default: []].append(continuation)
        }
        return stream
    }
}

@Suite struct SchedulerTests {
    private func withScheduler(_ body: (FakeAPI) async throws -> Void) async throws {
        let api = FakeAPI()
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        let scheduler = Scheduler(client: KubeClient(api), logger: logger, seed: 1)
        let task = Task { await scheduler.run() }
        defer { task.cancel() }
        try await body(api)
    }

    private func eventually(_ what: String, _ condition: () -> Bool) async throws {
        for _ in 0..<1000 {
            if condition() { return }
            try await Task.sleep(for: .milliseconds(5))
        }
        Issue.record("\(what) did not happen")
    }

    @Test func fromPodToBinding() async throws {
        try await withScheduler { api in
            api.set(makeNode("small", "cpu=1,memory=1Gi,pods=10"))
            api.set(makePod("first", "cpu=1"))
            api.set(makePod("second", "cpu=1"))
            try await eventually("one is bound") { api.bindings.count == 1 }
            let bound = api.bindings.keys.first ?? ""
            let waiting = bound == "first" ? "second" : "first"
            try await eventually("the other is reported") { api.condition(of: waiting) != nil }
            let condition = PodCondition(api.condition(of: waiting) ?? .null)
            let message =
                "0/1 nodes are available: 1 Insufficient cpu. no new claims to deallocate, preemption: "
                + "0/1 nodes are available: 1 No preemption victims found for incoming pod."
            #expect(condition.type == "PodScheduled" && condition.status == "False")
            #expect(condition.reason == "Unschedulable" && condition.message == message)
            try await eventually("two events are written") { api.events.count >= 2 }
            let events = api.events.map {
                "\($0.type ?? "") \($0.reason ?? "") \($0.involvedObject?.name ?? ""): \($0.message ?? "")"
            }
            #expect(events.contains("Normal Scheduled \(bound): Successfully assigned default/\(bound) to small"))
            #expect(events.contains("Warning FailedScheduling \(waiting): \(message)"))
            api.set(makeNode("large"))
            try await eventually("the other is bound") { api.bindings[waiting] == "large" }
        }
    }

    @Test func aFailedBindingIsTriedAgain() async throws {
        try await withScheduler { api in
            api.failBindings(of: "p", times: 1)
            api.set(makeNode("n"))
            api.set(makePod("p"))
            try await eventually("it is reported") { api.condition(of: "p") != nil }
            #expect(PodCondition(api.condition(of: "p") ?? .null).reason == "SchedulerError")
            try await eventually("it is bound") { api.bindings["p"] == "n" }
        }
    }

    @Test func roomThatIsGivenBackIsUsed() async throws {
        try await withScheduler { api in
            api.set(makeNode("n", "cpu=1,pods=10"))
            api.set(makePod("old", "cpu=1", node: "n"))
            api.set(makePod("new", "cpu=1"))
            try await eventually("it is reported") { api.condition(of: "new") != nil }
            api.delete(Pod.self, "old")
            try await eventually("it is bound") { api.bindings["new"] == "n" }
        }
    }

    @Test func gatedPodsAreSaidToBe() async throws {
        try await withScheduler { api in
            api.set(makeNode("n"))
            api.set(makePod("p", spec: #"{"schedulingGates": [{"name": "wait"}]}"#))
            try await eventually("it is said") { api.condition(of: "p") != nil }
            #expect(PodCondition(api.condition(of: "p") ?? .null).reason == "SchedulingGated")
            #expect(api.bindings.isEmpty)
            var open = makePod("p")
            open.metadata.generation = 2
            api.set(open)
            try await eventually("it is bound") { api.bindings["p"] == "n" }
        }
    }

    @Test func manyPodsAreSpreadEvenly() async throws {
        try await withScheduler { api in
            for number in 0..<10 { api.set(makeNode("n\(number)")) }
            for number in 0..<100 { api.set(makePod("p\(number)", "cpu=100m", owner: "web")) }
            try await eventually("all are bound") { api.bindings.count == 100 }
            let counts = Dictionary(grouping: api.bindings.values) { $0 }.mapValues(\.count)
            #expect(counts.count == 10 && counts.values.allSatisfy { (8...12).contains($0) }, "\(counts)")
        }
    }

    @Test func theWeakMakeRoom() async throws {
        try await withScheduler { api in
            api.set(makeNode("n", "cpu=1,pods=10"))
            api.set(makePod("weak", "cpu=1", node: "n"))
            api.set(makePod("strong", "cpu=1", spec: #"{"priority": 10}"#))
            try await eventually("it is bound") { api.bindings["strong"] == "n" }
            let condition = PodCondition(api.lastConditions(of: "weak")?[0] ?? .null)
            #expect(condition.type == "DisruptionTarget" && condition.reason == "PreemptionByScheduler")
            #expect(condition.message == "default-scheduler: preempting to accommodate a higher priority pod")
            try await eventually("it is said") { api.events.contains { $0.reason == "Preempted" } }
            let event = api.events.first { $0.reason == "Preempted" }
            #expect(event?.message == "Preempted by pod uid-strong on node n" && event?.involvedObject?.name == "weak")
            let status = api.object("pods", "strong")?["status"]
            #expect(status?["nominatedNodeName"]?.stringValue == "n")
        }
    }

    @Test func aPodWaitsForItsVolume() async throws {
        try await withScheduler { api in
            var storageClass = StorageClass(name: "late")
            storageClass.json["provisioner"] = "example.com/p"
            storageClass.json["volumeBindingMode"] = "WaitForFirstConsumer"
            api.set(storageClass)
            var claim = PersistentVolumeClaim(name: "data", namespace: "default")
            claim.json["spec"] = ["storageClassName": "late", "accessModes": ["ReadWriteOnce"]]
            api.set(claim)
            api.set(makeNode("n"))
            let spec = #"{"volumes": [{"name": "v", "persistentVolumeClaim": {"claimName": "data"}}]}"#
            api.set(makePod("p", spec: spec))
            try await eventually("the node is chosen") {
                api.object("persistentvolumeclaims", "data")?[path: "metadata", "annotations"]?[
                    "volume.kubernetes.io/selected-node"]?.stringValue == "n"
            }
            #expect(api.bindings.isEmpty)
            var volume = PersistentVolume(name: "pv")
            volume.json["spec"] = [
                "claimRef": ["namespace": "default", "name": "data"], "accessModes": ["ReadWriteOnce"],
            ]
            api.set(volume)
            claim = PersistentVolumeClaim(api.object("persistentvolumeclaims", "data") ?? .null)
            claim.spec.volumeName = "pv"
            claim.metadata.annotations["pv.kubernetes.io/bind-completed"] = "yes"
            api.set(claim)
            try await eventually("it is bound") { api.bindings["p"] == "n" }
        }
    }
}
