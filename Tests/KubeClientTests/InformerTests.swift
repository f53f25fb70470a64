import JSON
import KubeClient
import KubeTypes
import Synchronization
import Testing

/// A server with one resource whose lists and watches a test writes.
private final class ScriptedTransport: KubeTransport {
    private struct State {
        var items: [String: ConfigMap] = [:]
        var revision = 1
        var lists = 0
        var watches: [AsyncThrowingStream<KubeWatchEvent, any Error>.Continuation] = []
        var versions: [String] = []
    }
    private let state = Mutex(State())

    func call(_ request: KubeRequest) async throws(APIError) -> JSONValue {
        state.withLock { state in
            state.lists += 1
            return [
                "metadata": ["resourceVersion": .string(String(state.revision))],
                "items": .array(state.items.values.map(\.json)),
            ]
        }
    }

    func watch(_ request: KubeRequest) async throws(APIError) -> AsyncThrowingStream<KubeWatchEvent, any Error> {
        let (stream, continuation) = AsyncThrowingStream<KubeWatchEvent, any Error>.makeStream()
        state.withLock { state in
            state.watches.append(continuation)
            state.versions.append(request.query.first { $0.name == "resourceVersion" }?.value ?? "")
        }
        return stream
    }

    var watchVersions: [String] { state.withLock { $0.versions } }
    var lists: Int { state.withLock { $0.lists } }

    func set(_ name: String, namespace: String = "default", _ value: String, uid: String? = nil, silently: Bool = false)
    {
        state.withLock { state in
            state.revision += 1
            var object = ConfigMap(name: name, namespace: namespace)
            object.metadata.uid = uid ?? "u-\(name)"
            object.metadata.resourceVersion = String(state.revision)
            object.metadata.json["managedFields"] = []
            object.data = ["v": value]
            let known = state.items.updateValue(object, forKey: "\(namespace)/\(name)") != nil
            if !silently {
                state.watches.last?.yield(KubeWatchEvent(kind: known ? .modified : .added, object: object.json))
            }
        }
    }

    func remove(_ name: String, silently: Bool = false) {
        state.withLock { state in
            state.revision += 1
            guard let object = state.items.removeValue(forKey: "default/\(name)") else { return }
            if !silently { state.watches.last?.yield(KubeWatchEvent(kind: .deleted, object: object.json)) }
        }
    }

    func bookmark() {
        state.withLock { state in
            state.revision += 1
            let object: JSONValue = ["metadata": ["resourceVersion": .string(String(state.revision))]]
            state.watches.last?.yield(KubeWatchEvent(kind: .bookmark, object: object))
        }
    }

    func endWatch(expired: Bool = false) {
        state.withLock { state in
            if expired {
                state.watches.last?.yield(KubeWatchEvent(kind: .error, object: APIError.expired("too old").status.json))
            }
            state.watches.last?.finish()
        }
    }
}

@Suite struct InformerTests {
    private func eventually(_ condition: @Sendable () -> Bool) async -> Bool {
        for _ in 0..<1500 {
            if condition() { return true }
            try? await Task.sleep(for: .milliseconds(2))
        }
        return condition()
    }

    private func describe(_ change: Informer<ConfigMap>.Change) -> String {
        switch change {
        case .added(let object): "+\(object.name)\(object.data["v"] ?? "")"
        case .updated(let old, let new): "~\(new.name)\(old.data["v"] ?? "")\(new.data["v"] ?? "")"
        case .deleted(let object): "-\(object.name)"
        }
    }

    private func run(
        _ transport: ScriptedTransport, transform: (@Sendable (ConfigMap) -> ConfigMap)? = nil,
        _ body: (Informer<ConfigMap>, _ heard: @escaping @Sendable () -> [String]) async -> Void
    ) async {
        let informer = Informer<ConfigMap>(KubeClient(transport), transform: transform)
        let log = Log()
        informer.addHandler { change in log.append(self.describe(change)) }
        let task = Task { await informer.run() }
        await informer.waitForSync()
        await body(informer) { log.lines }
        task.cancel()
        await task.value
    }

    @Test func listsAndFollows() async {
        let transport = ScriptedTransport()
        transport.set("a", "1")
        await run(transport) { informer, heard in
            #expect(heard() == ["+a1"])
            #expect(informer.get("a", namespace: "default")?.data == ["v": "1"])
            _ = await eventually { transport.watchVersions.count == 1 }
            transport.set("b", "1")
            transport.set("a", "2")
            transport.remove("b")
            #expect(await eventually { heard() == ["+a1", "+b1", "~a12", "-b"] })
            #expect(informer.count == 1)
        }
    }

    @Test func watchesGoOnWhereTheyEnded() async {
        let transport = ScriptedTransport()
        transport.set("a", "1")
        await run(transport) { _, heard in
            _ = await eventually { transport.watchVersions.count == 1 }
            transport.bookmark()
            transport.endWatch()
            #expect(await eventually { transport.watchVersions == ["2", "3"] })
            #expect(transport.lists == 1)
            #expect(heard() == ["+a1"])
        }
    }

    @Test func anExpiredWatchListsAgain() async {
        let transport = ScriptedTransport()
        for name in ["a", "b", "c"] { transport.set(name, "1") }
        await run(transport) { informer, heard in
            _ = await eventually { transport.watchVersions.count == 1 }
            transport.set("a", "2", silently: true)
            transport.remove("b", silently: true)
            transport.set("c", "1", uid: "another", silently: true)
            transport.set("d", "1", silently: true)
            transport.endWatch(expired: true)
            #expect(await eventually { transport.lists == 2 && heard().count == 8 })
            #expect(Set(heard().dropFirst(3)) == ["~a12", "-b", "-c", "+c1", "+d1"])
            #expect(Set(informer.objects.map(\.name)) == ["a", "c", "d"])
        }
    }

    @Test func aWatchThatEndsAtOnceIsNotASpin() async throws {
        let transport = ScriptedTransport()
        await run(transport) { _, _ in
            let end = ContinuousClock.now + .milliseconds(300)
            while ContinuousClock.now < end {
                transport.endWatch()
                try? await Task.sleep(for: .milliseconds(1))
            }
            #expect(transport.watchVersions.count < 12)
        }
    }

    @Test func indicesFollowObjects() async {
        let transport = ScriptedTransport()
        transport.set("a", "x")
        transport.set("b", "y")
        await run(transport) { informer, heard in
            informer.addIndex("value") { $0.data["v"].map { [$0] } ?? [] }
            // A second of the same name changes nothing.
            informer.addIndex("value") { _ in ["wrong"] }
            func names(_ value: String) -> [String] { informer.objects(by: "value", value).map(\.name).sorted() }
            #expect(names("x") == ["a"])
            _ = await eventually { transport.watchVersions.count == 1 }
            transport.set("b", "x")
            transport.set("c", namespace: "other", "x")
            #expect(await eventually { heard().count == 4 })
            #expect(names("x") == ["a", "b", "c"])
            #expect(informer.count(by: "value", "y") == 0)
            #expect(informer.objects(namespace: "other").map(\.name) == ["c"])
            transport.remove("a")
            #expect(await eventually { heard().count == 5 })
            #expect(names("x") == ["b", "c"])
            #expect(names("wrong").isEmpty)
            #expect(informer.objects(by: "none", "x").isEmpty)
        }
    }

    @Test func aTransformChangesWhatIsKept() async {
        let transport = ScriptedTransport()
        transport.set("a", "1")
        await run(
            transport,
            transform: { object in
                var object = object
                object.metadata.json["managedFields"] = nil
                return object
            }
        ) { informer, _ in
            #expect(informer.get("a", namespace: "default")?.metadata.json["managedFields"] == nil)
            #expect(informer.get("a", namespace: "default")?.data == ["v": "1"])
        }
    }

    @Test func waitingEndsWithItsTask() async {
        let informer = Informer<ConfigMap>(KubeClient(ScriptedTransport()))
        let task = Task { await informer.waitForSync() }
        task.cancel()
        await task.value
        #expect(!informer.hasSynced)
    }
}

private final class Log: Sendable {
    private let state = Mutex<[String]>([])
    func append(_ line: String) { state.withLock { $0.append(line) } }
    var lines: [String] { state.withLock { $0 } }
}
