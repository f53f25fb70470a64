// CustomResourceDefinitions for tests, and waiting for what they bring.

import APISchema
import JSON
import KubeTypes
import NIOHTTP1
import Testing

@testable import APIServer

/// What a definition is put together from.
struct Definition {
    var plural = "crontabs"
    var kind = "CronTab"
    var group = "stable.example.com"
    var scope = "Namespaced"
    var versions: [JSONValue] = [version("v1")]
    var names: JSONObject = [:]
    var spec: JSONObject = [:]
    var annotations: JSONObject = [:]

    static func version(
        _ name: String, served: Bool = true, storage: Bool = true, schema: JSONValue = cronTab,
        _ more: JSONObject = [:]
    ) -> JSONValue {
        var version: JSONObject = [
            "name": .string(name), "served": .bool(served), "storage": .bool(storage),
            "schema": ["openAPIV3Schema": schema],
        ]
        for (key, value) in more { version[key] = value }
        return .object(version)
    }

    static let cronTab: JSONValue = [
        "type": "object",
        "properties": [
            "spec": [
                "type": "object",
                "properties": [
                    "cronSpec": ["type": "string", "pattern": "^(\\d+|\\*)(/\\d+)?(\\s+(\\d+|\\*)(/\\d+)?){4}$"],
                    "image": ["type": "string"],
                    "replicas": ["type": "integer", "minimum": 1, "maximum": 10],
                ],
            ],
            "status": [
                "type": "object", "properties": ["replicas": ["type": "integer"], "selector": ["type": "string"]],
            ],
        ],
    ]

    var name: String { "\(plural).\(group)" }

    var json: JSONValue {
        var names = names
        names["plural"] = .string(plural)
        names["kind"] = .string(kind)
        var spec = spec
        spec["group"] = .string(group)
        spec["scope"] = .string(scope)
        spec["names"] = .object(names)
        spec["versions"] = .array(versions)
        return [
            "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
            "metadata": ["name": .string(name), "annotations": .object(annotations)], "spec": .object(spec),
        ]
    }
}

func cronTab(_ name: String, _ spec: JSONValue = ["cronSpec": "* * * * */5", "image": "a"], version: String = "v1")
    -> JSONValue
{
    [
        "apiVersion": .string("stable.example.com/\(version)"), "kind": "CronTab",
        "metadata": ["name": .string(name)], "spec": spec,
    ]
}

extension ControlPlane {
    static let definitions = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
    static let cronTabs = "/apis/stable.example.com/v1/namespaces/default/crontabs"

    /// Asks again and again until an answer is right; the last answer after some ten seconds.
    @discardableResult
    func eventually(
        _ target: String, method: HTTPMethod = .GET, body: JSONValue? = nil, accept: String? = nil,
        _ isRight: (Recorded) -> Bool
    ) async -> Recorded {
        var answer = Recorded()
        for _ in 0..<2000 {
            answer = await call(method, target, body, accept: accept)
            if isRight(answer) { return answer }
            try? await Task.sleep(for: .milliseconds(5))
        }
        return answer
    }

    /// Creates a definition and waits until it is established.
    @discardableResult
    func establish(_ definition: Definition) async -> Recorded {
        let created = await call(.POST, Self.definitions, definition.json)
        guard created.status == 201 else { return created }
        return await eventually("\(Self.definitions)/\(definition.name)") {
            CustomResourceConditions.isTrue("Established", of: $0.json)
        }
    }

    /// Changes a definition and waits until the change is served.
    func redefine(_ name: String, _ change: (inout JSONValue) -> Void) async -> Recorded {
        var object = await call(.GET, "\(Self.definitions)/\(name)").json
        change(&object)
        let generation = server.liveSchema.snapshot.generation
        let answer = await call(.PUT, "\(Self.definitions)/\(name)", object)
        guard answer.status == 200 else { return answer }
        for _ in 0..<400 where server.liveSchema.snapshot.generation == generation {
            try? await Task.sleep(for: .milliseconds(5))
        }
        return answer
    }
}
