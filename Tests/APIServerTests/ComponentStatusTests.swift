// ComponentStatuses, and what discovery says of storage.

import JSON
import KubeTypes
import NIOHTTP1
import Testing

@testable import APIServer

@Suite(.timeLimit(.minutes(5)))
struct ComponentStatusTests {
    private func plane() async throws -> ControlPlane {
        try await ControlPlane { $0.components = { [("scheduler", nil), ("controller-manager", "it has stopped")] } }
    }

    @Test func componentsSayHowTheyAre() async throws {
        let plane = try await plane()
        let list = await plane.call(.GET, "/api/v1/componentstatuses").json
        let items = list["items"]?.arrayValue ?? []
        #expect(items.map(\.name) == ["controller-manager", "etcd-0", "scheduler"])
        #expect(items.map { $0["conditions"]?[0]?["status"] } == ["False", "True", "True"])
        #expect(items[0]["conditions"]?[0]?["error"] == "it has stopped")
        let one = await plane.call(.GET, "/api/v1/componentstatuses/etcd-0")
        #expect(one.json["conditions"]?[0]?["type"] == "Healthy")
        #expect(one.headers["warning"].joined().contains("v1 ComponentStatus is deprecated in v1.19+"))
        #expect(await plane.call(.GET, "/api/v1/componentstatuses/other").status == 404)
        let table = await plane.call(
            .GET, "/api/v1/componentstatuses", accept: "application/json;as=Table;v=v1;g=meta.k8s.io")
        #expect(table.json["rows"]?[1]?["cells"] == ["etcd-0", "Healthy", "ok", ""])
    }

    @Test func discoveryNamesTheStoredVersion() async throws {
        let plane = try await plane()
        let core = await plane.call(.GET, "/api/v1").json["resources"]?.arrayValue ?? []
        func hash(_ name: String) -> JSONValue? {
            core.first { $0["name"]?.stringValue == name }?["storageVersionHash"]
        }
        // SHA-256 of `/v1/Pod`, its first eight bytes.
        #expect(hash("pods") == "xPOwRZ+Yhw8=")
        #expect(hash("bindings") == nil)
        #expect(hash("pods/status") == nil)
        let old = await plane.call(.GET, "/apis/extensions/v1beta1").json["resources"]?.arrayValue ?? []
        #expect(old.first { $0["name"] == "deployments" }?["storageVersionHash"] == "8aSe+NMegvE=")
    }
}
