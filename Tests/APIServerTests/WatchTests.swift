// Lists and watches: pages, selectors, where a watch begins, what it tells, and how it ends.

import JSON
import KubeTypes
import NIOHTTP1
import Testing

@testable import APIServer

@Suite(.timeLimit(.minutes(5)))
struct WatchTests {
    static let maps = "/api/v1/namespaces/default/configmaps"

    private func filled(_ count: Int) async throws -> ControlPlane {
        let plane = try await ControlPlane()
        for index in 0..<count {
            await plane.call(.POST, Self.maps, configMap("m\(index)", labels: ["n": .string("\(index % 2)")]))
        }
        return plane
    }

    private func names(_ list: Recorded) -> [String] { (list.json["items"]?.arrayValue ?? []).map(\.name) }

    @Test func listsAreOrderedAndComplete() async throws {
        let plane = try await filled(3)
        let list = await plane.call(.GET, Self.maps)
        #expect(list.json["kind"] == "ConfigMapList")
        #expect(names(list) == ["m0", "m1", "m2"])
        #expect(list.json[path: "metadata", "resourceVersion"]?.stringValue == String(plane.store.revision))
        let everywhere = await plane.call(.GET, "/api/v1/configmaps")
        // The server keeps some of its own in kube-system.
        #expect(names(everywhere).filter { $0.hasPrefix("m") } == ["m0", "m1", "m2"])
    }

    @Test(arguments: [
        ("labelSelector=n%3D0", ["m0", "m2"]), ("labelSelector=n!%3D0", ["m1", "m3"]),
        ("labelSelector=n+in+(1,2)", ["m1", "m3"]),
        ("labelSelector=!n", []), ("labelSelector=n%3E0", ["m1", "m3"]), ("fieldSelector=metadata.name%3Dm1", ["m1"]),
        ("fieldSelector=metadata.name!%3Dm1,metadata.namespace%3Ddefault", ["m0", "m2", "m3"]),
        ("labelSelector=n%3D0&fieldSelector=metadata.name%3Dm1", []),
    ])
    func selectors(_ query: String, _ expected: [String]) async throws {
        let plane = try await filled(4)
        #expect(names(await plane.call(.GET, "\(Self.maps)?\(query)")) == expected)
    }

    @Test func pagesAreOneConsistentList() async throws {
        let plane = try await filled(5)
        let first = await plane.call(.GET, "\(Self.maps)?limit=2")
        #expect(names(first) == ["m0", "m1"])
        #expect(first.json[path: "metadata", "remainingItemCount"] == 3)
        let token = try #require(first.json[path: "metadata", "continue"]?.stringValue)
        // What happens meanwhile belongs to no page.
        await plane.call(.DELETE, "\(Self.maps)/m3")
        await plane.call(.POST, Self.maps, configMap("m9"))
        let second = await plane.call(.GET, "\(Self.maps)?limit=2&continue=\(token)")
        #expect(names(second) == ["m2", "m3"])
        #expect(second.json[path: "metadata", "resourceVersion"] == first.json[path: "metadata", "resourceVersion"])
        let next = try #require(second.json[path: "metadata", "continue"]?.stringValue)
        let third = await plane.call(.GET, "\(Self.maps)?limit=2&continue=\(next)")
        #expect(names(third) == ["m4"])
        #expect(third.json[path: "metadata", "continue"] == nil)
    }

    @Test func pagesWhoseStateIsGoneExpire() async throws {
        let plane = try await filled(5)
        let first = await plane.call(.GET, "\(Self.maps)?limit=2")
        let token = try #require(first.json[path: "metadata", "continue"]?.stringValue)
        await plane.call(.DELETE, "\(Self.maps)/m3")
        try await plane.store.compact(to: plane.store.revision)
        let second = await plane.call(.GET, "\(Self.maps)?limit=2&continue=\(token)")
        #expect(second.status == 410)
        #expect(second.reason == "Expired")
    }

    @Test func exactListsShowThePast() async throws {
        let plane = try await filled(2)
        let revision = plane.store.revision
        await plane.call(.DELETE, "\(Self.maps)/m0")
        let past = await plane.call(.GET, "\(Self.maps)?resourceVersion=\(revision)&resourceVersionMatch=Exact")
        #expect(names(past) == ["m0", "m1"])
        #expect(past.json[path: "metadata", "resourceVersion"]?.stringValue == String(revision))
        let atLeast = await plane.call(.GET, "\(Self.maps)?resourceVersion=\(revision)")
        #expect(names(atLeast) == ["m1"])
    }

    @Test func aWatchTellsOfEveryChange() async throws {
        let plane = try await filled(1)
        let watch = plane.begin(.GET, "\(Self.maps)?watch=1&resourceVersion=\(plane.store.revision)")
        await plane.call(.POST, Self.maps, configMap("new"))
        await plane.call(.PUT, "\(Self.maps)/new", configMap("new", ["b": "2"]))
        let deleted = await plane.call(.DELETE, "\(Self.maps)/new")
        let told = await watch.events(3)
        #expect(told.eventSummary == ["ADDED new", "MODIFIED new", "DELETED new"])
        // A deletion has a revision of its own.
        #expect(told.events[2]["object"]?.resourceVersion == String(plane.store.revision))
        #expect(deleted.status == 200)
        watch.close()
        #expect(plane.server.cache.cache(group: "", resource: "configmaps")?.watcherCount == 0)
    }

    @Test func aWatchWithoutRevisionBeginsWithWhatIsThere() async throws {
        let plane = try await filled(2)
        let watch = plane.begin(.GET, "\(Self.maps)?watch=true")
        await plane.call(.POST, Self.maps, configMap("new"))
        #expect(await watch.events(3).eventSummary == ["ADDED m0", "ADDED m1", "ADDED new"])
        watch.close()
    }

    @Test func aWatchCatchesUpFromMemoryAndFromHistory() async throws {
        let plane = try await filled(0)
        let revision = plane.store.revision
        for index in 0..<3 { await plane.call(.POST, Self.maps, configMap("m\(index)")) }
        let fromMemory = plane.begin(.GET, "\(Self.maps)?watch=1&resourceVersion=\(revision)")
        #expect(await fromMemory.events(3).eventSummary == ["ADDED m0", "ADDED m1", "ADDED m2"])
        fromMemory.close()
        // A new server has nothing but the store's history.
        plane.server.stop()
        let second = try ControlPlane.server(plane.store)
        try await second.start()
        let events = try second.inProcess(as: Bootstrap.user).watch(
            APICall(
                verb: "watch", group: "", version: "v1", resource: "configmaps", namespace: "default",
                query: [(name: "resourceVersion", value: String(revision))]))
        var told: [String] = []
        for await event in events {
            told.append("\(event.type) \(event.object.name)")
            if told.count == 3 { break }
        }
        #expect(told == ["ADDED m0", "ADDED m1", "ADDED m2"])
    }

    @Test func aRevisionThatIsGoneIsToldAsAnEvent() async throws {
        let plane = try await filled(3)
        plane.server.stop()
        try await plane.store.compact(to: plane.store.revision)
        let second = try ControlPlane.server(plane.store)
        try await second.start()
        let events = try second.inProcess(as: Bootstrap.user).watch(
            APICall(
                verb: "watch", group: "", version: "v1", resource: "configmaps",
                query: [(name: "resourceVersion", value: "1")]))
        var last: APIWatchEvent?
        for await event in events { last = event }
        #expect(last?.type == "ERROR")
        #expect(last?.object["code"] == 410)
        #expect(last?.object["reason"] == "Expired")
    }

    @Test func selectorsTurnChangesIntoComingsAndGoings() async throws {
        let plane = try await filled(0)
        let watch = plane.begin(
            .GET, "\(Self.maps)?watch=1&labelSelector=on%3Dyes&resourceVersion=\(plane.store.revision)")
        await plane.call(.POST, Self.maps, configMap("a", labels: ["on": "no"]))
        func label(_ value: String) async {
            await plane.call(
                .PATCH, "\(Self.maps)/a", ["metadata": ["labels": ["on": .string(value)]]],
                type: "application/merge-patch+json")
        }
        await label("yes")
        await plane.call(
            .PATCH, "\(Self.maps)/a", ["data": ["x": "y"]], type: "application/merge-patch+json")
        await label("no")
        await plane.call(.DELETE, "\(Self.maps)/a")
        await plane.call(.POST, Self.maps, configMap("b", labels: ["on": "yes"]))
        let told = await watch.events(4)
        #expect(told.eventSummary == ["ADDED a", "MODIFIED a", "DELETED a", "ADDED b"])
        // The object is told as it last matched, under the revision at which it ceased to.
        #expect(told.events[2]["object"]?.labels?["on"] == "yes")
        watch.close()
    }

    @Test func initialEventsEndWithABookmark() async throws {
        let plane = try await filled(2)
        let watch = plane.begin(
            .GET,
            "\(Self.maps)?watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true")
        let told = await watch.events(3)
        #expect(told.eventSummary == ["ADDED m0", "ADDED m1", "BOOKMARK "])
        #expect(told.events[2]["object"]?.annotations?["k8s.io/initial-events-end"] == "true")
        watch.close()
        let wrong = await plane.call(.GET, "\(Self.maps)?watch=1&sendInitialEvents=true")
        #expect(wrong.status == 422)
    }

    @Test func bookmarksTellHowFarAWatchHasCome() async throws {
        let plane = try await ControlPlane { $0.bookmarkInterval = 0 }
        let watch = plane.begin(
            .GET, "\(Self.maps)?watch=1&allowWatchBookmarks=true&resourceVersion=\(plane.store.revision)")
        let told = await watch.events(1)
        #expect(told.events[0]["type"] == "BOOKMARK")
        #expect(told.events[0]["object"]?.resourceVersion == String(plane.store.revision))
        #expect(told.events[0]["object"]?["kind"] == "ConfigMap")
        watch.close()
    }

    @Test func watchesEndInTime() async throws {
        let plane = try await filled(1)
        let ended = await plane.call(.GET, "\(Self.maps)?watch=1&timeoutSeconds=1")
        #expect(ended.status == 200)
        #expect(ended.eventSummary == ["ADDED m0"])
    }

    @Test func aSlowWatcherIsEnded() async throws {
        let plane = try await ControlPlane { $0.watchBacklogLimit = 1000 }
        let watch = plane.begin(.GET, "\(Self.maps)?watch=1&resourceVersion=\(plane.store.revision)")
        watch.pending.withLock { $0 = 5000 }
        await plane.call(.POST, Self.maps, configMap("new"))
        let told = await watch.finished()
        #expect(told.events.isEmpty)
        #expect(plane.server.cache.cache(group: "", resource: "configmaps")?.watcherCount == 0)
    }

    @Test func aWatchOfOneObject() async throws {
        let plane = try await filled(2)
        let watch = plane.begin(.GET, "\(Self.maps)/m1?watch=1")
        #expect(await watch.events(1).eventSummary == ["ADDED m1"])
        watch.close()
        let selected = plane.begin(.GET, "\(Self.maps)?watch=1&fieldSelector=metadata.name%3Dm0")
        #expect(await selected.events(1).eventSummary == ["ADDED m0"])
        selected.close()
    }

    @Test func manyObjectsStayInOrder() async throws {
        var map = ObjectMap()
        var keys: [ObjectKey] = []
        for index in 0..<1000 {
            // In no order, in namespaces that begin each other's names.
            let number = index * 7919 % 1000
            keys.append(ObjectKey(namespace: ["a", "a-b", "a.b", "ab"][number % 4], name: "n\(number)"))
        }
        let copy = map
        for key in keys { map.set(CachedObject(key: key, bytes: [], revision: 1)) }
        #expect(copy.count == 0)
        #expect(map.count == 1000)
        #expect(map.all.map { "\($0.key)" } == keys.map { "\($0)" }.sorted())
        #expect(map.objects(namespace: "a").count == 250)
        for key in keys { #expect(map[key]?.key == key) }
        for key in keys.prefix(500) { #expect(map.remove(key)?.key == key) }
        #expect(map.count == 500)
        #expect(map.all.map { "\($0.key)" } == keys.dropFirst(500).map { "\($0)" }.sorted())
    }
}
