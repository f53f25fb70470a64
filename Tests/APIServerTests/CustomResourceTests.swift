// Custom resources: from the definition to objects and back.

import APISchema
import JSON
import KubeTypes
import NIOHTTP1
import Testing

@testable import APIServer

@Suite struct CustomResourceTests {
    @Test func aDefinitionIsServedAtOnce() async throws {
        let plane = try await ControlPlane()
        let before = await plane.call(.GET, ControlPlane.cronTabs)
        #expect(before.status == 404)
        let established = await plane.establish(Definition())
        #expect(established.json[path: "status", "acceptedNames", "singular"] == "crontab")
        #expect(established.json[path: "status", "acceptedNames", "listKind"] == "CronTabList")
        #expect(established.json[path: "status", "storedVersions"] == ["v1"])
        #expect(established.json[path: "spec", "conversion"] == ["strategy": "None"])
        #expect(CustomResourceConditions.isTrue("NamesAccepted", of: established.json))

        let created = await plane.call(.POST, ControlPlane.cronTabs, cronTab("one"))
        #expect(created.status == 201)
        #expect(created.json["metadata"]?["generation"] == 1)
        let read = await plane.call(.GET, ControlPlane.cronTabs + "/one")
        #expect(read.status == 200)
        #expect(read.json[path: "spec", "image"] == "a")
        let list = await plane.call(.GET, ControlPlane.cronTabs)
        #expect(list.json["kind"] == "CronTabList")
        #expect(list.json["items"]?.arrayValue?.count == 1)
        var changed = read.json
        changed["spec"]?["image"] = "b"
        let updated = await plane.call(.PUT, ControlPlane.cronTabs + "/one", changed)
        #expect(updated.json["metadata"]?["generation"] == 2)
        let deleted = await plane.call(.DELETE, ControlPlane.cronTabs + "/one")
        #expect(deleted.json["status"] == "Success")
        #expect(await plane.call(.GET, ControlPlane.cronTabs + "/one").status == 404)
    }

    @Test func objectsSurviveARestart() async throws {
        let plane = try await ControlPlane()
        await plane.establish(Definition())
        await plane.call(.POST, ControlPlane.cronTabs, cronTab("one"))
        plane.server.stop()
        let again = try ControlPlane.server(plane.store)
        try await again.start()
        let writer = RecordingWriter()
        let user = InProcessAPI.User(name: "admin", groups: ["system:masters"])
        let answer = await again.handle(
            APICall(
                verb: "get", group: "stable.example.com", version: "v1", resource: "crontabs", namespace: "default",
                name: "one"), as: user)
        #expect(try answer.get()[path: "spec", "image"] == "a")
        _ = writer
    }

    @Test func unknownFieldsArePruned() async throws {
        let plane = try await ControlPlane()
        await plane.establish(Definition())
        let object = cronTab("one", ["cronSpec": "* * * * */5", "image": "a", "extra": 1])
        let warned = await plane.call(.POST, ControlPlane.cronTabs, object)
        #expect(warned.status == 201)
        #expect(warned.json["spec"]?["extra"] == nil)
        #expect(warned.headers.first(name: "warning")?.contains(#"unknown field \"spec.extra\""#) == true)
        var strict = object
        strict["metadata"] = ["name": "two", "unknownMeta": "x"]
        let refused = await plane.call(.POST, ControlPlane.cronTabs + "?fieldValidation=Strict", strict)
        #expect(refused.status == 400)
        #expect(
            refused.message.hasSuffix(
                #"strict decoding error: unknown field "metadata.unknownMeta", unknown field "spec.extra""#))
        strict["metadata"] = ["name": "two", "labels": 1]
        let malformed = await plane.call(.POST, ControlPlane.cronTabs, strict)
        #expect(malformed.status == 400)
    }

    @Test func valuesAreValidated() async throws {
        let plane = try await ControlPlane()
        await plane.establish(Definition())
        let refused = await plane.call(
            .POST, ControlPlane.cronTabs, cronTab("one", ["cronSpec": "* * * *", "image": 5, "replicas": 15]))
        #expect(refused.status == 422)
        #expect(Set(refused.causes) == ["spec.cronSpec", "spec.image", "spec.replicas"])
        #expect(
            refused.message.contains(
                #"spec.image: Invalid value: "integer": spec.image in body must be of type string: "integer""#))
        #expect(
            refused.message.contains(
                "spec.replicas: Invalid value: 15: spec.replicas in body should be less than or equal to 10"))
        #expect(
            refused.message.contains(
                #"spec.cronSpec: Invalid value: "* * * *": spec.cronSpec in body should match '"#))
        let patched = await plane.call(.POST, ControlPlane.cronTabs, cronTab("two"))
        #expect(patched.status == 201)
        let merge = await plane.call(
            .PATCH, ControlPlane.cronTabs + "/two", ["spec": ["replicas": 0]], type: "application/merge-patch+json")
        #expect(merge.causes == ["spec.replicas"])
        let strategic = await plane.call(
            .PATCH, ControlPlane.cronTabs + "/two", ["spec": ["replicas": 2]],
            type: "application/strategic-merge-patch+json")
        #expect(strategic.status == 415)
        #expect(strategic.reason == "UnsupportedMediaType")
    }

    @Test func whatWasWrongMayStay() async throws {
        let plane = try await ControlPlane()
        let definition = Definition()
        await plane.establish(definition)
        await plane.call(.POST, ControlPlane.cronTabs, cronTab("one", ["image": "a", "replicas": 9]))
        let changed = await plane.redefine(definition.name) { object in
            var version = object["spec"]?["versions"]?[0] ?? [:]
            version["schema"]?["openAPIV3Schema"]?["properties"]?["spec"]?["properties"]?["replicas"]?["maximum"] = 5
            object["spec"]?["versions"] = [version]
        }
        #expect(changed.status == 200)
        let patch = "application/merge-patch+json"
        let unrelated = await plane.call(.PATCH, ControlPlane.cronTabs + "/one", ["spec": ["image": "b"]], type: patch)
        #expect(unrelated.status == 200)
        let worse = await plane.call(.PATCH, ControlPlane.cronTabs + "/one", ["spec": ["replicas": 8]], type: patch)
        #expect(worse.causes == ["spec.replicas"])
    }

    @Test func defaultsAreFilledInAlsoWhenRead() async throws {
        let plane = try await ControlPlane()
        let definition = Definition()
        await plane.establish(definition)
        await plane.call(.POST, ControlPlane.cronTabs, cronTab("old"))
        _ = await plane.redefine(definition.name) { object in
            var version = object["spec"]?["versions"]?[0] ?? [:]
            version["schema"]?["openAPIV3Schema"]?["properties"]?["spec"]?["properties"]?["replicas"]?["default"] = 3
            object["spec"]?["versions"] = [version]
        }
        let old = await plane.call(.GET, ControlPlane.cronTabs + "/old")
        #expect(old.json[path: "spec", "replicas"] == 3)
        let new = await plane.call(.POST, ControlPlane.cronTabs, cronTab("new", ["image": "a", "replicas": .null]))
        #expect(new.json[path: "spec", "replicas"] == 3)
    }

    @Test func statusAndScaleAreSubresources() async throws {
        let plane = try await ControlPlane()
        let definition = Definition(versions: [
            Definition.version(
                "v1",
                [
                    "subresources": [
                        "status": [:],
                        "scale": [
                            "specReplicasPath": ".spec.replicas", "statusReplicasPath": ".status.replicas",
                            "labelSelectorPath": ".status.selector",
                        ],
                    ]
                ])
        ])
        await plane.establish(definition)
        var object = cronTab("one", ["image": "a", "replicas": 2])
        object["status"] = ["replicas": 7]
        let created = await plane.call(.POST, ControlPlane.cronTabs, object)
        #expect(created.json["status"] == nil)
        object = created.json
        object["status"] = ["replicas": 1, "selector": "app=x"]
        object["spec"]?["replicas"] = 9
        let status = await plane.call(.PUT, ControlPlane.cronTabs + "/one/status", object)
        #expect(status.json[path: "status", "selector"] == "app=x")
        #expect(status.json[path: "spec", "replicas"] == 2)
        #expect(status.json["metadata"]?["generation"] == 1)
        let scale = await plane.call(.GET, ControlPlane.cronTabs + "/one/scale")
        #expect(scale.json["kind"] == "Scale")
        #expect(scale.json["spec"] == ["replicas": 2])
        #expect(scale.json["status"] == ["replicas": 1, "selector": "app=x"])
        let scaled = await plane.call(
            .PATCH, ControlPlane.cronTabs + "/one/scale", ["spec": ["replicas": 5]],
            type: "application/merge-patch+json")
        #expect(scaled.json["spec"] == ["replicas": 5])
        let after = await plane.call(.GET, ControlPlane.cronTabs + "/one")
        #expect(after.json[path: "spec", "replicas"] == 5)
        #expect(after.json["metadata"]?["generation"] == 2)
        let tooMany = await plane.call(
            .PATCH, ControlPlane.cronTabs + "/one/scale", ["spec": ["replicas": 50]],
            type: "application/merge-patch+json")
        #expect(tooMany.status == 422)
    }

    @Test func versionsWithoutAWebhookDifferInNameOnly() async throws {
        let plane = try await ControlPlane()
        let definition = Definition(versions: [
            Definition.version("v1"),
            Definition.version(
                "v2", storage: false, schema: ["type": "object", "x-kubernetes-preserve-unknown-fields": true]),
        ])
        await plane.establish(definition)
        await plane.call(.POST, ControlPlane.cronTabs, cronTab("one"))
        let newer = "/apis/stable.example.com/v2/namespaces/default/crontabs"
        let other = await plane.call(.GET, newer + "/one")
        #expect(other.json["apiVersion"] == "stable.example.com/v2")
        #expect(other.json[path: "spec", "image"] == "a")
        let watch = plane.begin(.GET, newer + "?watch=1")
        await plane.call(.POST, newer, cronTab("two", version: "v2"))
        let events = await watch.events(2)
        #expect(events.events.allSatisfy { $0[path: "object", "apiVersion"] == "stable.example.com/v2" })
        watch.close()
        let list = await plane.call(.GET, ControlPlane.cronTabs)
        #expect(
            list.json["items"]?.arrayValue?.map { $0["apiVersion"] } == [
                "stable.example.com/v1", "stable.example.com/v1",
            ])

        // What is stored moves on with the storage version.
        _ = await plane.redefine(definition.name) { object in
            var versions = object["spec"]?["versions"]?.arrayValue ?? []
            versions[0]["storage"] = false
            versions[1]["storage"] = true
            object["spec"]?["versions"] = .array(versions)
        }
        let crd = await plane.call(.GET, "\(ControlPlane.definitions)/\(definition.name)")
        #expect(crd.json[path: "status", "storedVersions"] == ["v1", "v2"])
        let still = await plane.call(.GET, newer + "/one")
        #expect(still.json["apiVersion"] == "stable.example.com/v2")
    }

    @Test func deletingADefinitionDeletesItsObjects() async throws {
        let plane = try await ControlPlane()
        let definition = Definition()
        await plane.establish(definition)
        await plane.call(.POST, ControlPlane.cronTabs, cronTab("one"))
        var held = cronTab("held")
        held["metadata"]?["finalizers"] = ["example.com/hold"]
        await plane.call(.POST, ControlPlane.cronTabs, held)
        let deleted = await plane.call(.DELETE, "\(ControlPlane.definitions)/\(definition.name)")
        #expect(deleted.json["kind"] == "CustomResourceDefinition")
        #expect(deleted.json["metadata"]?["finalizers"] == ["customresourcecleanup.apiextensions.k8s.io"])
        #expect(CustomResourceConditions.isTrue("Terminating", of: deleted.json))
        let gone = await plane.eventually(ControlPlane.cronTabs) { $0.json["items"]?.arrayValue?.count == 1 }
        #expect(gone.json["items"]?[0]?["metadata"]?["deletionTimestamp"] != nil)
        let refused = await plane.call(.POST, ControlPlane.cronTabs, cronTab("late"))
        #expect(refused.status == 403)
        #expect(refused.message.contains("create not allowed while custom resource definition is terminating"))
        await plane.call(
            .PATCH, ControlPlane.cronTabs + "/held", ["metadata": ["finalizers": .null]],
            type: "application/merge-patch+json")
        let end = await plane.eventually("\(ControlPlane.definitions)/\(definition.name)") { $0.status == 404 }
        #expect(end.status == 404)
        #expect(await plane.eventually(ControlPlane.cronTabs) { $0.status == 404 }.status == 404)
    }

    @Test func namesAreGivenOnce() async throws {
        let plane = try await ControlPlane()
        await plane.establish(Definition(names: ["shortNames": ["ct"]]))
        let rival = Definition(plural: "chronotabs", kind: "CronTab", names: ["shortNames": ["ct"]])
        await plane.call(.POST, ControlPlane.definitions, rival.json)
        let refused = await plane.eventually("\(ControlPlane.definitions)/\(rival.name)") {
            CustomResourceConditions.condition("NamesAccepted", of: $0.json) != nil
        }
        let condition = CustomResourceConditions.condition("NamesAccepted", of: refused.json)
        #expect(condition?["status"] == "False")
        #expect(condition?["reason"] == "ListKindConflict")
        #expect(condition?["message"] == #""CronTabList" is already in use"#)
        #expect(await plane.call(.GET, "/apis/stable.example.com/v1/chronotabs").status == 404)
        await plane.call(.DELETE, "\(ControlPlane.definitions)/\(Definition().name)")
        let accepted = await plane.eventually("\(ControlPlane.definitions)/\(rival.name)") {
            CustomResourceConditions.isTrue("Established", of: $0.json)
        }
        #expect(CustomResourceConditions.isTrue("Established", of: accepted.json))
    }

    @Test func fieldsCanBeSelectedBy() async throws {
        let plane = try await ControlPlane()
        await plane.establish(
            Definition(versions: [
                Definition.version(
                    "v1", ["selectableFields": [["jsonPath": ".spec.image"], ["jsonPath": ".spec.replicas"]]])
            ]))
        await plane.call(.POST, ControlPlane.cronTabs, cronTab("one", ["image": "a", "replicas": 1]))
        await plane.call(.POST, ControlPlane.cronTabs, cronTab("two", ["image": "b", "replicas": 2]))
        func names(_ selector: String) async -> [String] {
            let list = await plane.call(.GET, "\(ControlPlane.cronTabs)?fieldSelector=\(selector)")
            return (list.json["items"]?.arrayValue ?? []).map { $0["metadata"]?["name"]?.stringValue ?? "" }
        }
        #expect(await names("spec.image=a") == ["one"])
        #expect(await names("spec.replicas=2") == ["two"])
        #expect(await names("spec.image!=a,metadata.name=two") == ["two"])
        let unknown = await plane.call(.GET, "\(ControlPlane.cronTabs)?fieldSelector=spec.cronSpec=x")
        #expect(unknown.status == 400)
        #expect(unknown.message.contains("field label not supported: spec.cronSpec"))
        let gone = await plane.call(.DELETE, "\(ControlPlane.cronTabs)?fieldSelector=spec.image=a")
        #expect(gone.status == 200)
        #expect(await names("metadata.namespace=default") == ["two"])
    }

    @Test func tablesHaveTheColumnsOfTheDefinition() async throws {
        let plane = try await ControlPlane()
        await plane.establish(
            Definition(versions: [
                Definition.version(
                    "v1",
                    [
                        "additionalPrinterColumns": [
                            ["name": "Image", "type": "string", "jsonPath": ".spec.image", "description": "what runs"],
                            ["name": "Replicas", "type": "integer", "jsonPath": ".spec.replicas", "priority": 1],
                            ["name": "Age", "type": "date", "jsonPath": ".metadata.creationTimestamp"],
                        ]
                    ])
            ]))
        await plane.call(.POST, ControlPlane.cronTabs, cronTab("one", ["image": "a"]))
        let table = await plane.call(
            .GET, ControlPlane.cronTabs, accept: "application/json;as=Table;v=v1;g=meta.k8s.io,application/json")
        let columns = table.json["columnDefinitions"]?.arrayValue ?? []
        try #require(columns.map { $0["name"] } == ["Name", "Image", "Replicas", "Age"])
        #expect(columns[1]["description"] == "what runs")
        #expect(columns[2]["priority"] == 1)
        #expect(
            columns[2]["description"] == "Custom resource definition column (in JSONPath format): .spec.replicas")
        #expect(table.json["rows"]?[0]?["cells"]?.arrayValue?.prefix(3) == ["one", "a", .null])
    }

    @Test func deprecatedVersionsWarn() async throws {
        let plane = try await ControlPlane()
        await plane.establish(
            Definition(versions: [
                Definition.version("v1"),
                Definition.version("v1beta1", storage: false, ["deprecated": true]),
                Definition.version(
                    "v1alpha1", storage: false, ["deprecated": true, "deprecationWarning": "do not"]),
            ]))
        let beta = await plane.call(.GET, "/apis/stable.example.com/v1beta1/crontabs")
        #expect(
            beta.headers.first(name: "warning")
                == #"299 - "stable.example.com/v1beta1 CronTab is deprecated; use stable.example.com/v1 CronTab""#)
        let alpha = await plane.call(.GET, "/apis/stable.example.com/v1alpha1/crontabs")
        #expect(alpha.headers.first(name: "warning") == #"299 - "do not""#)
        #expect(await plane.call(.GET, "/apis/stable.example.com/v1/crontabs").headers.first(name: "warning") == nil)
    }

    @Test func builtInResourcesKeepTheirNames() async throws {
        let plane = try await ControlPlane()
        let list = await plane.call(.GET, "/api/v1/namespaces/default/configmaps")
        #expect(list.json["kind"] == "ConfigMapList")
    }
}
