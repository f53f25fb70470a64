// Protobuf over HTTP: who gets it, in which frames, and who does not.

import APISchema
import CZlib
import JSON
import KubeTypes
import NIOHTTP1
import Testing

@testable import APIServer

@Suite(.timeLimit(.minutes(5)))
struct ProtobufServingTests {
    static let maps = "/api/v1/namespaces/default/configmaps"
    static let protobuf = Schema.protobufMediaType
    /// What client-go sends.
    static let accept = "\(protobuf),application/json"

    private func decoded(_ answer: Recorded) throws -> JSONValue {
        #expect(answer.headers.first(name: "content-type") == Self.protobuf)
        return try Schema.builtin.decodeProtobuf(answer.body)
    }

    @Test func objectsListsAndErrorsAreProtobuf() async throws {
        let plane = try await ControlPlane()
        let body = try #require(Schema.builtin.encodeProtobuf(configMap("m", ["a": "1"])))
        let created = await plane.call(.POST, Self.maps, bytes: body, type: Self.protobuf, accept: Self.accept)
        #expect(created.status == 201)
        #expect(try decoded(created)["data"] == ["a": "1"])
        let got = try decoded(await plane.call(.GET, "\(Self.maps)/m", accept: Self.accept))
        #expect(got == (await plane.call(.GET, "\(Self.maps)/m")).json)
        let list = try decoded(await plane.call(.GET, Self.maps, accept: Self.accept))
        #expect(list["kind"] == "ConfigMapList")
        #expect(list["items"]?[0]?["metadata"] == got["metadata"])
        #expect(list[path: "metadata", "resourceVersion"]?.stringValue == String(plane.store.revision))
        let missing = await plane.call(.GET, "\(Self.maps)/other", accept: Self.accept)
        #expect(missing.status == 404)
        let status = try decoded(missing)
        #expect(status["reason"] == "NotFound")
        #expect(status[path: "details", "name"] == "other")
        let deleted = await plane.call(.DELETE, "\(Self.maps)/m", accept: Self.accept)
        #expect(try decoded(deleted)["status"] == "Success")
    }

    @Test func otherVersionsAndSubresourcesAreProtobuf() async throws {
        let plane = try await ControlPlane()
        await plane.call(.POST, "/apis/apps/v1/namespaces/default/deployments", deployment("d"))
        let old = try decoded(
            await plane.call(.GET, "/apis/extensions/v1beta1/namespaces/default/deployments/d", accept: Self.accept))
        #expect(old["apiVersion"] == "extensions/v1beta1")
        let scale = "/apis/apps/v1/namespaces/default/deployments/d/scale"
        var value = try decoded(await plane.call(.GET, scale, accept: Self.accept))
        #expect(value["kind"] == "Scale")
        value["spec"] = ["replicas": 7]
        let bytes = try #require(Schema.builtin.encodeProtobuf(value))
        let scaled = await plane.call(.PUT, scale, bytes: bytes, type: Self.protobuf, accept: Self.accept)
        #expect(try decoded(scaled)["spec"]?["replicas"] == 7)
        let review: JSONValue = [
            "apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview",
            "spec": ["resourceAttributes": ["verb": "get", "resource": "pods"]],
        ]
        let answer = await plane.call(
            .POST, "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews",
            bytes: Schema.builtin.encodeProtobuf(review), type: Self.protobuf, accept: Self.accept)
        #expect(try decoded(answer)["status"]?["allowed"] == true)
    }

    /// The events of a watch: their types and objects.
    private func frames(_ recorded: Recorded) throws -> [(type: String, object: JSONValue)] {
        var rest = recorded.body[...]
        var events: [(String, JSONValue)] = []
        while rest.count >= 4 {
            let length = rest.prefix(4).reduce(0) { $0 << 8 | Int($1) }
            rest = rest.dropFirst(4)
            let frame = Array(rest.prefix(length))
            rest = rest.dropFirst(length)
            // Type with its tag and length, then the object in two layers, whose magic can be searched for.
            let type = String(decoding: frame[2..<(2 + Int(frame[1]))], as: UTF8.self)
            let magic = try #require(
                (0..<(frame.count - 4)).first { Array(frame[$0..<($0 + 4)]) == [0x6b, 0x38, 0x73, 0] })
            events.append((type, try Schema.builtin.decodeProtobuf(frame[magic...])))
        }
        return events
    }

    @Test func watchesAreFramesOfProtobuf() async throws {
        let plane = try await ControlPlane()
        let writer = plane.begin(
            .GET, "\(Self.maps)?watch=1&resourceVersion=\(plane.store.revision)", accept: Self.accept)
        await plane.call(.POST, Self.maps, configMap("a"))
        await plane.call(.DELETE, "\(Self.maps)/a")
        let recorded = await writer.wait { recorded, _ in recorded.text.contains("DELETED") }
        writer.close()
        #expect(recorded.headers.first(name: "content-type") == "\(Self.protobuf);stream=watch")
        let events = try frames(recorded)
        #expect(events.map(\.type) == ["ADDED", "DELETED"])
        #expect(events.map { $0.object["metadata"]?["name"] } == ["a", "a"])
    }

    @Test func initialEventsEndIsAFrame() async throws {
        let plane = try await ControlPlane()
        await plane.call(.POST, Self.maps, configMap("a"))
        let query = "watch=1&sendInitialEvents=true&allowWatchBookmarks=true&resourceVersionMatch=NotOlderThan"
        let writer = plane.begin(.GET, "\(Self.maps)?\(query)", accept: Self.accept)
        let recorded = await writer.wait { recorded, _ in recorded.text.contains("BOOKMARK") }
        writer.close()
        let events = try frames(recorded)
        #expect(events.map(\.type) == ["ADDED", "BOOKMARK"])
        #expect(events.last?.object[path: "metadata", "annotations", "k8s.io/initial-events-end"] == "true")
    }

    @Test func errorsOfAWatchAreFrames() async throws {
        let plane = try await ControlPlane()
        let ahead = plane.store.revision + 1_000_000
        let query = "watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&resourceVersion=\(ahead)"
        let ended = try frames(await plane.call(.GET, "\(Self.maps)?\(query)", accept: Self.accept))
        #expect(ended.map(\.type) == ["ERROR"])
        #expect(ended.last?.object["code"] == 504)
    }

    @Test func metadataAloneIsProtobuf() async throws {
        let plane = try await ControlPlane()
        await plane.call(.POST, Self.maps, configMap("a", ["a": "payload"], labels: ["x": "y"]))
        let list = await plane.call(
            .GET, Self.maps,
            accept: "\(Self.protobuf);as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json")
        #expect(list.headers.first(name: "content-type") == Self.protobuf)
        // kind, then the name somewhere behind it.
        #expect(list.text.contains("PartialObjectMetadataList"))
        #expect(!list.text.contains("payload"))
        let wrong = await plane.call(
            .GET, Self.maps, accept: "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1")
        #expect(wrong.status == 406)
        #expect(wrong.reason == "NotAcceptable")
    }

    @Test(
        arguments: [
            // Tables have no protobuf, reviews no table, and CBOR is not spoken.
            ("/api/v1/configmaps", "\(protobuf);as=Table;g=meta.k8s.io;v=v1", 406),
            ("/api/v1/configmaps", "\(protobuf);as=Table;g=meta.k8s.io;v=v1,application/json", 200),
            ("/api/v1/configmaps", "application/cbor", 406), ("/api/v1/configmaps", "application/cbor,*/*", 200),
            ("/api/v1/configmaps?watch=1&timeoutSeconds=1", "application/yaml", 406),
        ] as [(String, String, Int)])
    func negotiation(_ path: String, _ accept: String, _ status: Int) async throws {
        let plane = try await ControlPlane()
        #expect(await plane.call(.GET, path, accept: accept).status == status)
    }

    @Test func reviewsHaveNoTable() async throws {
        let plane = try await ControlPlane()
        let answer = await plane.call(
            .POST, "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews",
            [
                "apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview",
                "spec": ["resourceAttributes": ["verb": "get", "resource": "pods"]],
            ], accept: "application/json;as=Table;v=v1;g=meta.k8s.io")
        #expect(answer.status == 406)
        #expect(answer.reason == "NotAcceptable")
    }

    @Test func unknownBodiesAreRefused() async throws {
        let plane = try await ControlPlane()
        #expect(await plane.call(.POST, Self.maps, bytes: [0xa0], type: "application/cbor").status == 415)
        #expect(await plane.call(.POST, Self.maps, bytes: [1, 2, 3, 4, 5], type: Self.protobuf).status == 400)
    }

    @Test func longAnswersAreCompressed() async throws {
        let plane = try await ControlPlane()
        let text = String(repeating: "0123456789abcdef", count: 20_000)
        await plane.call(.POST, Self.maps, configMap("big", ["a": .string(text)]))
        await plane.call(.POST, Self.maps, configMap("small"))
        let plain = await plane.call(.GET, "\(Self.maps)/big")
        #expect(plain.headers.first(name: "content-encoding") == nil)
        let packed = await plane.call(.GET, "\(Self.maps)/big", headers: [("accept-encoding", "deflate, gzip;q=0.5")])
        #expect(packed.headers.first(name: "content-encoding") == "gzip")
        #expect(packed.body.count < plain.body.count / 10)
        var unpacked = [UInt8](repeating: 0, count: plain.body.count + 1)
        let count = martlet_gunzip(packed.body, packed.body.count, &unpacked, unpacked.count)
        #expect(Array(unpacked.prefix(count)) == plain.body)
        let small = await plane.call(.GET, "\(Self.maps)/small", headers: [("accept-encoding", "gzip")])
        #expect(small.headers.first(name: "content-encoding") == nil)
        let refused = await plane.call(.GET, "\(Self.maps)/big", headers: [("accept-encoding", "gzip;q=0")])
        #expect(refused.headers.first(name: "content-encoding") == nil)
    }

    @Test func tablesOfAWatchHaveTheirColumnsOnce() async throws {
        let plane = try await ControlPlane()
        let writer = plane.begin(
            .GET, "\(Self.maps)?watch=1&resourceVersion=\(plane.store.revision)",
            accept: "application/json;as=Table;v=v1;g=meta.k8s.io")
        await plane.call(.POST, Self.maps, configMap("a"))
        await plane.call(.POST, Self.maps, configMap("b"))
        let events = await writer.events(2).events
        writer.close()
        #expect(events[0][path: "object", "columnDefinitions"]?.arrayValue?.isEmpty == false)
        #expect(events[1][path: "object", "columnDefinitions"]?.isNull == true)
        #expect(events[1][path: "object", "rows"]?[0]?["cells"]?[0] == "b")
    }
}
