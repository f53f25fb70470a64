// Claims for devices and device classes: what is refused when they are written, and by whom their status is.
import JSON
import KubeTypes
import Testing

@testable import APIServer

@Suite struct DeviceTests {
    private static let base = "/apis/resource.k8s.io/v1"
    private static let claims = "\(base)/namespaces/default/resourceclaims"

    private func deviceClass(_ name: String, _ expression: String) -> JSONValue {
        [
            "apiVersion": "resource.k8s.io/v1", "kind": "DeviceClass", "metadata": ["name": .string(name)],
            "spec": ["selectors": [["cel": ["expression": .string(expression)]]]],
        ]
    }

    private func claim(_ name: String, _ exactly: JSONValue) -> JSONValue {
        var request = exactly
        request["deviceClassName"] = "c"
        return [
            "apiVersion": "resource.k8s.io/v1", "kind": "ResourceClaim", "metadata": ["name": .string(name)],
            "spec": ["devices": ["requests": [["name": "r", "exactly": request]]]],
        ]
    }

    @Test(
        arguments: [
            ("device.driver == 'x.example.com'", nil),
            ("device.attributes['x.example.com'].isBig", nil),
            ("'a' in device.attributes['x.example.com'] && device.attributes['x.example.com'].a > 3", nil),
            ("device.capacity['x.example.com'].memory.compareTo(quantity('1Gi')) >= 0", nil),
            ("device.attributes['x'].v.isGreaterThan(semver('1.0.0')) || device.allowMultipleAllocations", nil),
            ("device.attributes['x'].exists(a, a == 'b')", nil),
            ("device.driver", "must evaluate to bool or the unknown type, not string"),
            ("device.nothing", "undefined field 'nothing'"),
            ("device.driver ==", "compilation failed"),
            (
                "device.attributes.all(a, device.attributes.all(b, device.attributes.all(c, device.attributes.all(d, "
                    + "a.matches(b + c + d)))))",
                "too complex, exceeds cost limit"
            ),
        ] as [(String, String?)]) func selectorsAreCompiledWhenTheyAreWritten(text: String, problem: String?)
        async throws
    {
        let plane = try await ControlPlane()
        let selectors: JSONValue = ["selectors": [["cel": ["expression": .string(text)]]]]
        for (path, object, field) in [
            ("\(Self.base)/deviceclasses", deviceClass("c", text), "spec.selectors[0].cel.expression"),
            (Self.claims, claim("c", selectors), "spec.devices.requests[0].exactly.selectors[0].cel.expression"),
        ] {
            let answer = await plane.call(.POST, path, object)
            guard let problem else {
                #expect(answer.status == 201, "\(answer.text)")
                continue
            }
            #expect(answer.status == 422, "\(answer.text)")
            #expect(answer.json["message"]?.stringValue?.contains(problem) == true, "\(answer.text)")
            #expect(answer.json[path: "details", "causes"]?[0]?["field"]?.stringValue == field)
        }
    }

    @Test func adminAccessNeedsAMarkedNamespace() async throws {
        let plane = try await ControlPlane()
        let admin = claim("a", ["adminAccess": true])
        let refused = await plane.call(.POST, Self.claims, admin)
        #expect(refused.status == 422)
        #expect(
            refused.json["message"]?.stringValue?.contains(
                "admin access to devices requires the `resource.kubernetes.io/admin-access: true` label on the "
                    + "containing namespace") == true)
        let labelled = await plane.call(
            .PATCH, "/api/v1/namespaces/default",
            ["metadata": ["labels": ["resource.kubernetes.io/admin-access": "true"]]],
            type: "application/merge-patch+json")
        #expect(labelled.status == 200)
        #expect(await plane.call(.POST, Self.claims, admin).status == 201)
    }

    private func allocation(_ devices: String...) -> JSONValue {
        [
            "devices": [
                "results": .array(
                    devices.map {
                        ["request": "r", "driver": "x.example.com", "pool": "p", "device": .string($0)]
                    })
            ]
        ]
    }

    private func patch(
        _ plane: ControlPlane, _ status: JSONValue, token: String = "admin"
    ) async -> (status: Int, json: JSONValue) {
        let answer = await plane.call(
            .PATCH, "\(Self.claims)/one/status", ["status": status], type: "application/merge-patch+json", token: token)
        return (answer.status, answer.json)
    }

    @Test func whatDriversSaidGoesWithTheDevices() async throws {
        let plane = try await ControlPlane()
        await plane.call(.POST, Self.claims, claim("one", [:]))
        func said(_ device: String) -> JSONValue {
            ["driver": "x.example.com", "pool": "p", "device": .string(device)]
        }
        let given = await patch(
            plane, ["allocation": allocation("a", "b"), "devices": [said("a"), said("b")]])
        #expect(given.status == 200, "\(given.json)")
        #expect(given.json[path: "status", "devices"]?.arrayValue?.count == 2)
        let freed = await patch(plane, ["allocation": .null])
        #expect(freed.status == 200, "\(freed.json)")
        #expect(freed.json[path: "status", "devices"] == nil)
    }

    @Test func partsOfTheStatusNeedPermissionsOfTheirOwn() async throws {
        let plane = try await ControlPlane()
        await plane.call(.POST, Self.claims, claim("one", [:]))
        func allow(_ rules: JSONValue...) async {
            let name = "role-\(rules.count)"
            let roles = "/apis/rbac.authorization.k8s.io/v1"
            await plane.call(
                .POST, "\(roles)/clusterroles",
                [
                    "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole",
                    "metadata": ["name": .string(name)], "rules": .array(rules),
                ])
            await plane.call(
                .POST, "\(roles)/clusterrolebindings",
                [
                    "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding",
                    "metadata": ["name": .string(name)],
                    "roleRef": [
                        "apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": .string(name),
                    ],
                    "subjects": [["kind": "User", "apiGroup": "rbac.authorization.k8s.io", "name": "nobody"]],
                ])
        }
        func rule(_ resource: String, _ verbs: JSONValue, names: JSONValue? = nil) -> JSONValue {
            var rule: JSONValue = [
                "apiGroups": ["resource.k8s.io"], "resources": [.string(resource)], "verbs": verbs,
            ]
            rule["resourceNames"] = names
            return rule
        }
        await allow(rule("resourceclaims/status", ["patch"]))
        let bound = await patch(plane, ["allocation": allocation("a")], token: "nobody")
        #expect(bound.status == 422)
        #expect(
            bound.json["message"]?.stringValue?.contains(
                "changing status.allocation or status.reservedFor requires resource=\"resourceclaims/binding\", "
                    + "verb=\"patch\" permission") == true, "\(bound.json)")
        #expect(await patch(plane, ["allocation": allocation("a")]).status == 200)
        let said: JSONValue = ["devices": [["driver": "x.example.com", "pool": "p", "device": "a"]]]
        let refused = await patch(plane, said, token: "nobody")
        #expect(refused.status == 422)
        #expect(
            refused.json["message"]?.stringValue?.contains("cannot arbitrary-node:patch resource") == true,
            "\(refused.json)")
        await allow(
            rule("resourceclaims/status", ["patch"]),
            rule("resourceclaims/driver", ["arbitrary-node:patch"], names: ["x.example.com"]))
        let allowed = await patch(plane, said, token: "nobody")
        #expect(allowed.status == 200, "\(allowed.json)")
    }
}
