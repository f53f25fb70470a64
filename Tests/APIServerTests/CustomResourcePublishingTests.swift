// How custom resources are shown to clients that ask what there is: discovery and OpenAPI.

import APISchema
import JSON
import KubeTypes
import NIOHTTP1
import Testing

@testable import APIServer

@Suite struct CustomResourcePublishingTests {
    private static let definition = Definition(
        versions: [
            Definition.version(
                "v1",
                schema: [
                    "description": "A table of jobs", "type": "object",
                    "properties": [
                        "spec": [
                            "type": "object", "description": "What is to run",
                            "properties": [
                                "port": [
                                    "x-kubernetes-int-or-string": true,
                                    "anyOf": [["type": "integer"], ["type": "string"]],
                                ],
                                "maybe": ["type": "string", "nullable": true],
                                "any": ["type": "object", "x-kubernetes-preserve-unknown-fields": true],
                                "pod": [
                                    "type": "object", "x-kubernetes-embedded-resource": true,
                                    "properties": ["spec": ["type": "object"]],
                                ],
                            ], "required": ["port", "maybe"],
                        ]
                    ],
                ], ["subresources": ["status": [:]]]),
            Definition.version("v1beta1", storage: false),
        ], names: ["shortNames": ["ct"], "categories": ["all"]])

    @Test func discoveryListsThem() async throws {
        let plane = try await ControlPlane()
        _ = await plane.call(.GET, "/apis")
        await plane.establish(Self.definition)
        let groups = await plane.call(.GET, "/apis").json["groups"]?.arrayValue ?? []
        let group = try #require(groups.first { $0["name"] == "stable.example.com" })
        #expect(group["preferredVersion"]?["version"] == "v1")
        #expect(group["versions"]?.arrayValue?.map { $0["version"] } == ["v1", "v1beta1"])
        let resources = await plane.call(.GET, "/apis/stable.example.com/v1").json["resources"]?.arrayValue ?? []
        #expect(resources.map { $0["name"] } == ["crontabs", "crontabs/status"])
        #expect(resources[0]["shortNames"] == ["ct"])
        #expect(resources[0]["categories"] == ["all"])
        #expect(resources[0]["singularName"] == "crontab")
        let aggregated = await plane.call(
            .GET, "/apis", accept: "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList")
        let item = try #require(
            aggregated.json["items"]?.arrayValue?.first { $0["metadata"]?["name"] == "stable.example.com" })
        let resource = item["versions"]?[0]?["resources"]?[0]
        #expect(resource?["resource"] == "crontabs")
        #expect(resource?["scope"] == "Namespaced")
        #expect(resource?["subresources"]?[0]?["subresource"] == "status")
        await plane.call(.DELETE, "\(ControlPlane.definitions)/\(Self.definition.name)")
        let gone = await plane.eventually("/apis/stable.example.com") { $0.status == 404 }
        #expect(gone.status == 404)
    }

    @Test func openAPIDescribesThem() async throws {
        let plane = try await ControlPlane()
        await plane.establish(Self.definition)
        let name = "com.example.stable.v1.CronTab"
        let v3 = await plane.call(.GET, "/openapi/v3/apis/stable.example.com/v1")
        let schemas = try #require(v3.json[path: "components", "schemas"])
        let schema = try #require(schemas[name])
        #expect(schema["description"] == "A table of jobs")
        #expect(
            schema["x-kubernetes-group-version-kind"]
                == [["group": "stable.example.com", "kind": "CronTab", "version": "v1"]])
        let spec = schema[path: "properties", "spec", "properties"]
        #expect(spec?["port"]?["anyOf"] == [["type": "integer"], ["type": "string"]])
        #expect(spec?["pod"]?["properties"]?["metadata"] != nil)
        #expect(spec?["pod"]?["required"] == ["kind", "apiVersion"])
        #expect(schemas["com.example.stable.v1.CronTabList"] != nil)
        #expect(schemas["io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"] != nil)
        let path = "/apis/stable.example.com/v1/namespaces/{namespace}/crontabs/{name}"
        let patch = v3.json["paths"]?[path]?["patch"]
        #expect(patch?["requestBody"]?["content"]?["application/merge-patch+json"] != nil)
        #expect(patch?["requestBody"]?["content"]?["application/strategic-merge-patch+json"] == nil)
    }

    @Test func partsOfOpenAPIV2() async throws {
        let plane = try await ControlPlane()
        await plane.establish(Self.definition)
        let (paths, definitions) = OpenAPIV2.customPart(plane.server.schema)
        let schema = definitions["com.example.stable.v1.CronTab"]
        let spec = schema?[path: "properties", "spec"]
        #expect(spec?["required"] == ["port"])
        #expect(spec?["properties"]?["port"] == ["x-kubernetes-int-or-string": true])
        #expect(spec?["properties"]?["maybe"] == [:])
        #expect(spec?["properties"]?["any"] == ["x-kubernetes-preserve-unknown-fields": true])
        #expect(paths["/apis/stable.example.com/v1/namespaces/{namespace}/crontabs"] != nil)
        #expect(!OpenAPIV2.customProtobuf(plane.server.schema).isEmpty)
        let document = Array(#"{"paths":{"/a":{}},"definitions":{"x":{}}}"#.utf8)
        let inserted = PublishedDocuments.insert(["y": [:]], into: document, under: "definitions")
        #expect(String(decoding: inserted, as: UTF8.self) == #"{"paths":{"/a":{}},"definitions":{"y":{},"x":{}}}"#)
    }

    @Test func documentsOfOthersStay() async throws {
        let plane = try await ControlPlane()
        let before = await plane.call(.GET, "/openapi/v3/apis/coordination.k8s.io/v1").headers.first(name: "etag")
        await plane.establish(Self.definition)
        let after = await plane.call(.GET, "/openapi/v3/apis/coordination.k8s.io/v1").headers.first(name: "etag")
        #expect(before == after)
        #expect(before != nil)
    }
}
