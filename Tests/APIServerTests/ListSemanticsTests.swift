// resourceVersion, resourceVersionMatch, limit and continue in all their combinations; what is refused, and with which
// words.

import APISchema
import JSON
import KubeTypes
import NIOHTTP1
import Testing

@testable import APIServer

@Suite(.timeLimit(.minutes(5)))
struct ListSemanticsTests {
    static let maps = "/api/v1/namespaces/default/configmaps"

    private func filled(_ count: Int) async throws -> ControlPlane {
        let plane = try await ControlPlane()
        for index in 0..<count { await plane.call(.POST, Self.maps, configMap("m\(index)")) }
        return plane
    }

    private func names(_ list: Recorded) -> [String] { (list.json["items"]?.arrayValue ?? []).map(\.name) }

    /// As upstream's ValidateListOptions refuses them.
    @Test(
        arguments: [
            ("resourceVersionMatch=Exact", ["resourceVersionMatch is forbidden unless resourceVersion is provided"]),
            (
                "resourceVersionMatch=NotOlderThan",
                ["resourceVersionMatch is forbidden unless resourceVersion is provided"]
            ),
            (
                "resourceVersionMatch=Exact&resourceVersion=0",
                ["resourceVersionMatch \"exact\" is forbidden for resourceVersion \"0\""]
            ),
            (
                "resourceVersionMatch=Some&resourceVersion=1",
                ["Unsupported value: \"Some\": supported values: \"Exact\", \"NotOlderThan\", \"\""]
            ),
            (
                "resourceVersionMatch=Exact&resourceVersion=1&continue=x",
                ["resourceVersionMatch is forbidden when continue is provided"]
            ),
            ("sendInitialEvents=true", ["sendInitialEvents is forbidden for list"]),
            (
                "sendInitialEvents=true&resourceVersionMatch=Exact",
                [
                    "resourceVersionMatch is forbidden unless resourceVersion is provided",
                    "sendInitialEvents is forbidden for list",
                ]
            ),
            (
                "watch=1&sendInitialEvents=true",
                ["sendInitialEvents requires setting resourceVersionMatch to NotOlderThan"]
            ),
            (
                "watch=1&resourceVersionMatch=NotOlderThan",
                ["resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided"]
            ),
            (
                "watch=1&sendInitialEvents=false&resourceVersionMatch=Exact",
                [
                    "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan",
                    "Unsupported value: \"Exact\": supported values: \"NotOlderThan\"",
                ]
            ),
        ] as [(String, [String])])
    func refusedCombinations(_ query: String, _ messages: [String]) async throws {
        let plane = try await ControlPlane()
        let answer = await plane.call(.GET, "\(Self.maps)?\(query)")
        #expect(answer.status == 422)
        #expect(answer.json[path: "details", "kind"] == "ListOptions")
        let causes = (answer.json[path: "details", "causes"]?.arrayValue ?? []).map { $0["message"]?.stringValue ?? "" }
        #expect(causes.count == messages.count)
        for (cause, message) in zip(causes, messages) { #expect(cause.contains(message)) }
    }

    /// What a list shows after m0 and m1, then m2 and a deletion of m0; `R` is the revision between.
    @Test(
        arguments: [
            ("", ["m1", "m2"]), ("resourceVersion=0", ["m1", "m2"]), ("resourceVersion=R", ["m1", "m2"]),
            ("resourceVersion=R&resourceVersionMatch=NotOlderThan", ["m1", "m2"]),
            ("resourceVersion=0&resourceVersionMatch=NotOlderThan", ["m1", "m2"]),
            ("resourceVersion=R&resourceVersionMatch=Exact", ["m0", "m1"]),
            // A list in pages that names a revision means just that one.
            ("resourceVersion=R&limit=5", ["m0", "m1"]),
            ("resourceVersion=R&limit=5&resourceVersionMatch=NotOlderThan", ["m1", "m2"]),
            ("resourceVersion=R&limit=1&resourceVersionMatch=Exact", ["m0"]), ("limit=1", ["m1"]),
            // From the cache all at once, whatever the limit.
            ("resourceVersion=0&limit=1", ["m1", "m2"]),
        ] as [(String, [String])])
    func whichStateIsShown(_ query: String, _ expected: [String]) async throws {
        let plane = try await filled(2)
        let revision = plane.store.revision
        await plane.call(.POST, Self.maps, configMap("m2"))
        await plane.call(.DELETE, "\(Self.maps)/m0")
        let list = await plane.call(.GET, "\(Self.maps)?\(query.replacing("=R", with: "=\(revision)"))")
        #expect(list.status == 200)
        #expect(names(list) == expected)
    }

    @Test func futuresAreRefused() async throws {
        let plane = try await filled(1)
        let ahead = plane.store.revision + 1000
        for query in ["resourceVersion=\(ahead)", "resourceVersion=\(ahead)&resourceVersionMatch=Exact"] {
            let answer = await plane.call(.GET, "\(Self.maps)?\(query)")
            #expect(answer.status == 504)
            #expect(answer.json[path: "details", "causes"]?[0]?["reason"] == "ResourceVersionTooLarge")
        }
        #expect(await plane.call(.GET, "\(Self.maps)?resourceVersion=abc").status == 400)
        #expect(await plane.call(.GET, "\(Self.maps)?continue=abc").status == 400)
    }

    /// test/e2e/apimachinery/chunking.go: a list goes on, inconsistently, after its state was forgotten, and says how
    /// in its metadata; for a resource in which nothing has changed, too.
    @Test func expiredListsSayHowToGoOn() async throws {
        let plane = try await filled(5)
        let first = await plane.call(.GET, "\(Self.maps)?limit=2")
        let token = try #require(first.json[path: "metadata", "continue"]?.stringValue)
        // Something else happens, and all before it is forgotten.
        await plane.call(.POST, "/api/v1/namespaces", ["metadata": ["name": "other"]])
        try await plane.server.cache.compact(to: plane.store.revision)
        let second = await plane.call(.GET, "\(Self.maps)?limit=2&continue=\(token)")
        #expect(second.status == 410)
        #expect(second.reason == "Expired")
        let fresh = try #require(second.json[path: "metadata", "continue"]?.stringValue)
        let third = await plane.call(.GET, "\(Self.maps)?limit=2&continue=\(fresh)")
        #expect(names(third) == ["m2", "m3"])
        #expect(third.json[path: "metadata", "remainingItemCount"] == 1)
        #expect(third.json[path: "metadata", "resourceVersion"] != first.json[path: "metadata", "resourceVersion"])
        let next = try #require(third.json[path: "metadata", "continue"]?.stringValue)
        let last = await plane.call(.GET, "\(Self.maps)?limit=2&continue=\(next)")
        #expect(names(last) == ["m4"])
        #expect(last.json[path: "metadata", "resourceVersion"] == third.json[path: "metadata", "resourceVersion"])
        #expect(last.json[path: "metadata", "continue"] == nil)
    }

    @Test func watchesFromNowhereMarkTheEndOfTheState() async throws {
        let plane = try await filled(1)
        let writer = plane.begin(.GET, "\(Self.maps)?watch=1&allowWatchBookmarks=true")
        let events = await writer.events(2).events
        writer.close()
        #expect(events.map { $0["type"] } == ["ADDED", "BOOKMARK"])
        #expect(
            events[1][path: "object", "metadata", "annotations", "k8s.io/initial-events-end"] == "true")
    }

    @Test(
        arguments: [
            ("/api/v1/pods", "spec.nodeName=n", 200, ""), ("/api/v1/pods", "spec.host=n", 200, ""),
            ("/api/v1/pods", "spec.image=n", 400, "field label not supported: spec.image"),
            ("/api/v1/nodes", "spec.unschedulable=true", 200, ""), ("/api/v1/secrets", "type=Opaque", 200, ""),
            ("/api/v1/namespaces", "status.phase=Active", 200, ""),
            ("/api/v1/services", "spec.type=NodePort", 200, ""),
            (
                "/api/v1/configmaps", "data.a=b", 400,
                "\"data.a\" is not a known field selector: only \"metadata.name\", \"metadata.namespace\""
            ),
            ("/apis/batch/v1/jobs", "status.successful=1", 200, ""),
            ("/apis/batch/v1/jobs", "x=1", 400, "field label \"x\" not supported for Job"),
            ("/apis/events.k8s.io/v1/events", "regarding.kind=Pod", 200, ""),
            ("/api/v1/events", "involvedObject.kind=Pod,reason!=x", 200, ""),
            ("/apis/certificates.k8s.io/v1beta1/clustertrustbundles", "spec.signerName=a/b", 200, ""),
        ] as [(String, String, Int, String)])
    func fieldSelectorsByKind(_ path: String, _ selector: String, _ status: Int, _ message: String) async throws {
        let plane = try await ControlPlane()
        let escaped = selector.replacing("=", with: "%3D").replacing("!", with: "%21")
        let answer = await plane.call(.GET, "\(path)?fieldSelector=\(escaped)")
        #expect(answer.status == status)
        if status != 200 { #expect(answer.message == message) }
    }

    @Test(arguments: [
        ("m0?watch=1&fieldSelector=metadata.name%3Dm1", 400), ("m0?watch=1&fieldSelector=metadata.namespace%3Da", 400),
        ("m0?watch=1&fieldSelector=metadata.name%3Dm0&timeoutSeconds=1", 200), ("m0?watch=1&timeoutSeconds=1", 200),
    ])
    func oneObjectIsWatchedByItsName(_ query: String, _ status: Int) async throws {
        let plane = try await filled(2)
        let answer = await plane.call(.GET, "\(Self.maps)/\(query)")
        #expect(answer.status == status)
        if status == 200 { #expect(answer.eventSummary == ["ADDED m0"]) }
    }

    @Test func collectionsAreDeletedBySelectorAndLimit() async throws {
        let plane = try await filled(4)
        await plane.call(.DELETE, "\(Self.maps)?dryRun=All")
        #expect(names(await plane.call(.GET, Self.maps)).count == 4)
        await plane.call(.DELETE, "\(Self.maps)?fieldSelector=metadata.name%3Dm2")
        #expect(names(await plane.call(.GET, Self.maps)) == ["m0", "m1", "m3"])
        await plane.call(.DELETE, "\(Self.maps)?limit=2")
        #expect(names(await plane.call(.GET, Self.maps)) == ["m3"])
    }

    @Test func watchersHearOfChangesInOneOrder() async throws {
        let plane = try await ControlPlane()
        let writers = (0..<8).map { _ in
            plane.begin(.GET, "\(Self.maps)?watch=1&resourceVersion=\(plane.store.revision)")
        }
        await withTaskGroup(of: Void.self) { group in
            for index in 0..<40 { group.addTask { await plane.call(.POST, Self.maps, configMap("c\(index)")) } }
        }
        var orders: Set<[String]> = []
        for writer in writers {
            let events = await writer.events(40).events
            writer.close()
            let revisions = events.compactMap { Int64($0["object"]?.resourceVersion ?? "") }
            #expect(revisions == revisions.sorted())
            orders.insert(events.map { $0["object"]?.name ?? "" })
        }
        #expect(orders.count == 1)
    }
}
