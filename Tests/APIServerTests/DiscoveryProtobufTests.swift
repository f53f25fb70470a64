// Discovery for clients that prefer protobuf.

import APISchema
import JSON
import Testing

@testable import APIServer

@Suite struct DiscoveryProtobufTests {
    @Test(arguments: ["/api", "/apis", "/apis/apps", "/apis/apps/v1", "/api/v1"])
    func saysTheSameAsJSON(path: String) async throws {
        let plane = try await ControlPlane()
        let json = await plane.call(.GET, path, accept: "application/json")
        let protobuf = await plane.call(.GET, path, accept: "application/vnd.kubernetes.protobuf,application/json")
        #expect(protobuf.headers.first(name: "content-type") == "application/vnd.kubernetes.protobuf")
        let decoded = try Schema.builtin.decodeProtobuf(protobuf.body)
        #expect(decoded["kind"] == json.json["kind"])
        for field in ["groups", "groupVersion", "name", "preferredVersion"] {
            #expect(decoded[field] == json.json[field])
        }
        let names = json.json["resources"]?.arrayValue?.map { $0["name"] }
        #expect(decoded["resources"]?.arrayValue?.map { $0["name"] } == names)
        plane.server.stop()
    }

    @Test(arguments: [
        ("application/vnd.kubernetes.protobuf", true), ("application/json, application/vnd.kubernetes.protobuf", false),
        ("text/html;q=1, application/vnd.kubernetes.protobuf;q=0.5", true), ("", false), (";,;", false),
        ("application/json;as=APIGroupDiscoveryList;v=v2,application/vnd.kubernetes.protobuf", true),
    ])
    func whatComesFirstCounts(accept: String, isProtobuf: Bool) {
        #expect(APIServer.prefersProtobuf([accept]) == isProtobuf)
    }
}
