import JSON
import KubeTypes
import Testing

@testable import APISchema

/// An object and those who write it, second after second.
struct Written {
    let manager: FieldManager
    let resource: ResourceType
    private(set) var object: JSONValue?
    private var seconds: Int64 = 0

    init(_ apiVersion: String = "apps/v1", _ plural: String = "deployments", subresource: String = "") {
        resource = Given.resource(apiVersion, plural)
        manager = FieldManager(
            schema: .builtin, resource: resource, storage: Schema.builtin.storageResource(of: resource),
            subresource: subresource)
    }

    private mutating func now() -> String {
        seconds += 1
        return Time(seconds: seconds).description
    }

    /// Writes all of it, as PUT does, keeping the managed fields that `text` has.
    mutating func update(_ text: String, by name: String) {
        var new = Given.json(text)
        new["kind"] = .string(resource.kind)
        new["apiVersion"] = .string(resource.apiVersion)
        let managed = manager.managedFields(afterUpdateOf: object, to: new, by: name, at: now())
        var metadata = new["metadata"]?.objectValue ?? [:]
        metadata["managedFields"] = managed
        new["metadata"] = .object(metadata)
        object = new
    }

    mutating func apply(_ text: String, by name: String, force: Bool = false) throws(APIError) {
        var applied = Given.json(text)
        if applied["kind"] == nil { applied["kind"] = .string(resource.kind) }
        if applied["apiVersion"] == nil { applied["apiVersion"] = .string(resource.apiVersion) }
        object = try manager.apply(applied, to: object, by: name, force: force, at: now())
    }

    /// Who owns what: `OPERATION MANAGER: FIELDS`.
    var owners: [String] {
        (object?["metadata"]?["managedFields"]?.arrayValue ?? []).map { entry in
            "\(entry["operation"]?.stringValue ?? "") \(entry["manager"]?.stringValue ?? ""): "
                + JSONWriter.text(of: entry["fieldsV1"] ?? .null)
        }
    }

    func at(_ path: String) -> JSONValue? { object?.at(path) }
}

@Suite struct FieldManagerTests {
    @Test func whoCreatesOwnsWhatItSays() {
        var deployment = Written()
        deployment.update(
            #"{"metadata":{"name":"a","labels":{"x":"1"}},"spec":{"replicas":1,"template":{"spec":{"containers":[{"name":"c","image":"i"}]}}},"status":{"replicas":1}}"#,
            by: "creator")
        #expect(
            deployment.owners == [
                #"Update creator: {"f:metadata":{"f:labels":{".":{},"f:x":{}}},"f:spec":{"f:replicas":{},"f:template":{"f:spec":{"f:containers":{"k:{\"name\":\"c\"}":{".":{},"f:image":{},"f:name":{}}}}}}}"#
            ])
        let entry = deployment.at("metadata.managedFields.0")
        #expect(entry?["apiVersion"] == "apps/v1")
        #expect(entry?["fieldsType"] == "FieldsV1")
        #expect(entry?["time"] == "1970-01-01T00:00:01Z")
        #expect(entry?["subresource"] == nil)
    }

    @Test func updatesMoveOwnership() {
        var deployment = Written()
        deployment.update(#"{"spec":{"replicas":1,"paused":true,"minReadySeconds":3}}"#, by: "a")
        let first = deployment.object
        // What changes nothing leaves everything as it is.
        deployment.update(#"{"spec":{"replicas":1,"paused":true,"minReadySeconds":3}}"#, by: "b")
        #expect(deployment.object == first)
        deployment.update(#"{"spec":{"replicas":2,"paused":true}}"#, by: "b")
        #expect(
            deployment.owners == [
                #"Update a: {"f:spec":{"f:paused":{}}}"#, #"Update b: {"f:spec":{"f:replicas":{}}}"#,
            ])
        deployment.update(#"{"spec":{"replicas":3,"paused":false}}"#, by: "b")
        #expect(deployment.owners == [#"Update b: {"f:spec":{"f:paused":{},"f:replicas":{}}}"#])
    }

    @Test func anEmptyListResets() {
        var deployment = Written()
        deployment.update(#"{"spec":{"replicas":1}}"#, by: "a")
        deployment.update(#"{"metadata":{"uid":"u","managedFields":[{}]},"spec":{"replicas":2}}"#, by: "b")
        #expect(deployment.owners.isEmpty)
        // Nobody is tracked until somebody applies.
        deployment.update(#"{"metadata":{"uid":"u"},"spec":{"replicas":3}}"#, by: "b")
        #expect(deployment.owners.isEmpty)
    }

    @Test func beforeTheFirstApply() throws {
        var deployment = Written()
        deployment.update(#"{"metadata":{"uid":"u"},"spec":{"replicas":1}}"#, by: "a")
        deployment.update(#"{"metadata":{"uid":"u","managedFields":[]},"spec":{"replicas":1}}"#, by: "a")
        try deployment.apply(#"{"spec":{"paused":true}}"#, by: "b")
        #expect(
            deployment.owners == [
                #"Apply b: {"f:spec":{"f:paused":{}}}"#, #"Update before-first-apply: {"f:spec":{"f:replicas":{}}}"#,
            ])
    }

    @Test func whatIsNoLongerAppliedGoes() throws {
        var deployment = Written()
        try deployment.apply(#"{"metadata":{"labels":{"a":"1","b":"2"}},"spec":{"replicas":1,"paused":true}}"#, by: "a")
        try deployment.apply(#"{"metadata":{"labels":{"a":"1"}},"spec":{"replicas":1}}"#, by: "a")
        #expect(deployment.at("metadata.labels") == ["a": "1"])
        #expect(deployment.at("spec") == ["replicas": 1])
        #expect(deployment.owners == [#"Apply a: {"f:metadata":{"f:labels":{"f:a":{}}},"f:spec":{"f:replicas":{}}}"#])
        try deployment.apply(#"{"spec":{"replicas":1}}"#, by: "a")
        #expect(deployment.at("metadata.labels") == nil)
    }

    @Test func whatOthersOwnStays() throws {
        var deployment = Written()
        try deployment.apply(#"{"metadata":{"labels":{"a":"1"}},"spec":{"replicas":1}}"#, by: "a")
        try deployment.apply(#"{"metadata":{"labels":{"a":"1","b":"2"}}}"#, by: "b")
        try deployment.apply(#"{"spec":{"replicas":1}}"#, by: "a")
        #expect(deployment.at("metadata.labels") == ["a": "1", "b": "2"])
        try deployment.apply(#"{"metadata":{"labels":{"b":"2"}}}"#, by: "b")
        #expect(deployment.at("metadata.labels") == ["b": "2"])
    }

    @Test func elementsGoWithTheirOwners() throws {
        var deployment = Written()
        func template(_ containers: String) -> String {
            #"{"spec":{"template":{"spec":{"containers":["# + containers + "]}}}}"
        }
        try deployment.apply(template(#"{"name":"x","image":"1"},{"name":"y","image":"1"}"#), by: "a")
        try deployment.apply(template(#"{"name":"y","tty":true},{"name":"z"}"#), by: "b")
        try deployment.apply(template(#"{"name":"x","image":"1"}"#), by: "a")
        #expect(
            deployment.at("spec.template.spec.containers")
                == Given.json(#"[{"name":"x","image":"1"},{"name":"y","tty":true},{"name":"z"}]"#))
        try deployment.apply(template(""), by: "b")
        #expect(deployment.at("spec.template.spec.containers") == Given.json(#"[{"name":"x","image":"1"}]"#))
    }

    @Test func conflicts() throws {
        var deployment = Written()
        try deployment.apply(#"{"metadata":{"labels":{"a":"1"}},"spec":{"replicas":1}}"#, by: "a")
        deployment.update(
            #"{"metadata":{"labels":{"a":"1"},"uid":"u","managedFields":\#(managed(deployment))},"spec":{"replicas":1,"paused":true}}"#,
            by: "u")
        let before = deployment.object
        #expect {
            try deployment.apply(#"{"spec":{"replicas":2}}"#, by: "b")
        } throws: { error in
            guard let error = error as? APIError else { return false }
            #expect(error.code == 409)
            #expect(error.reason == "Conflict")
            #expect(error.message == #"Apply failed with 1 conflict: conflict with "a": .spec.replicas"#)
            #expect(error.details?.causes.first?.reason == "FieldManagerConflict")
            #expect(error.details?.causes.first?.message == #"conflict with "a""#)
            #expect(error.details?.causes.first?.field == ".spec.replicas")
            return true
        }
        #expect(deployment.object == before)
        #expect {
            try deployment.apply(#"{"metadata":{"labels":{"a":"2"}},"spec":{"replicas":2,"paused":false}}"#, by: "b")
        } throws: { error in
            (error as? APIError)?.message == """
                Apply failed with 3 conflicts: conflicts with "a":
                - .metadata.labels.a
                - .spec.replicas
                conflicts with "u" using apps/v1:
                - .spec.paused
                """
        }
        // The same values are no conflict, and owned by both.
        try deployment.apply(#"{"spec":{"replicas":1}}"#, by: "b")
        #expect(deployment.owners.count == 3)
        try deployment.apply(#"{"spec":{"replicas":5}}"#, by: "b", force: true)
        #expect(deployment.at("spec.replicas") == 5)
        #expect(deployment.owners.contains(#"Apply a: {"f:metadata":{"f:labels":{"f:a":{}}}}"#))
        #expect(deployment.owners.contains(#"Apply b: {"f:spec":{"f:replicas":{}}}"#))
    }

    private func managed(_ written: Written) -> String {
        JSONWriter.text(of: written.at("metadata.managedFields") ?? [])
    }

    @Test func applyingTheSameChangesNothing() throws {
        var deployment = Written()
        let text = #"{"metadata":{"labels":{"a":"1"}},"spec":{"replicas":1,"selector":{"matchLabels":{"a":"1"}}}}"#
        try deployment.apply(text, by: "a")
        let before = deployment.object
        try deployment.apply(text, by: "a")
        #expect(deployment.object == before)
    }

    /// Configuration, the error.
    @Test(arguments: [
        (#"{"kind":"Pod","spec":{}}"#, 400, "invalid object type: apps/v1, Kind=Pod"),
        (#"{"apiVersion":"v1","spec":{}}"#, 400, "invalid object type: /v1, Kind=Deployment"),
        (#"{"metadata":{"managedFields":[]}}"#, 400, "metadata.managedFields must be nil"),
        (
            #"{"metadata":{"name":"n","namespace":"d"},"spec":{"nope":1}}"#, 500,
            "failed to create typed patch object (d/n; apps/v1, Kind=Deployment): .spec.nope: field not declared in schema"
        ),
    ])
    func refused(_ text: String, _ code: Int, _ message: String) {
        var deployment = Written()
        #expect {
            try deployment.apply(text, by: "a")
        } throws: { error in
            let error = error as? APIError
            return error?.code == code && error?.message == message
        }
    }

    @Test func oldUpdatesAreGathered() throws {
        var map = Written("v1", "configmaps")
        var data = ""
        for index in 0..<13 {
            data += "\(data.isEmpty ? "" : ",")\"k\(index)\":\"v\""
            map.update(#"{"metadata":{"uid":"u"},"data":{\#(data)}}"#, by: "m\(index)")
        }
        #expect(map.owners.count == ManagedFields.updatersLimit)
        let old = try #require(map.owners.first { $0.hasPrefix("Update ancient-changes") })
        for index in 0..<4 { #expect(old.contains("f:k\(index)\"")) }
        #expect(!old.contains("f:k4\""))
    }

    @Test func aStatusWriterOwnsStatusOnly() {
        var deployment = Written("apps/v1", "deployments", subresource: "status")
        deployment.update(
            #"{"metadata":{"labels":{"a":"1"},"annotations":{"b":"1"}},"spec":{"replicas":1},"status":{"replicas":1}}"#,
            by: "c")
        #expect(
            deployment.owners == [
                #"Update c: {"f:metadata":{"f:annotations":{".":{},"f:b":{}}},"f:status":{"f:replicas":{}}}"#
            ])
        #expect(deployment.at("metadata.managedFields.0.subresource") == "status")
    }

    @Test func managersOfOtherVersions() throws {
        // What was written as extensions/v1beta1 is lost to whoever changes it as apps/v1, and found again by its owner.
        var old = Written("extensions/v1beta1", "deployments")
        try old.apply(#"{"metadata":{"labels":{"a":"1"}},"spec":{"replicas":1,"paused":true}}"#, by: "a")
        var stored = try #require(old.object)
        try Schema.builtin.toStorage(&stored, from: old.resource)
        let new = Given.resource("apps/v1", "deployments")
        let manager = FieldManager(schema: .builtin, resource: new, storage: new)
        #expect {
            _ = try manager.apply(
                Given.json(#"{"apiVersion":"apps/v1","kind":"Deployment","spec":{"replicas":2}}"#), to: stored, by: "b",
                force: false, at: "1970-01-01T00:00:09Z")
        } throws: { error in
            (error as? APIError)?.message == #"Apply failed with 1 conflict: conflict with "a": .spec.replicas"#
        }
        // The same manager goes over to the new version, and what it no longer applies goes.
        let moved = try manager.apply(
            Given.json(#"{"apiVersion":"apps/v1","kind":"Deployment","spec":{"replicas":2}}"#), to: stored, by: "a",
            force: false, at: "1970-01-01T00:00:09Z")
        #expect(moved.at("spec.replicas") == 2)
        #expect(moved.at("spec.paused") == nil)
        #expect(moved.at("metadata.labels") == nil)
        #expect(moved.at("metadata.managedFields")?.arrayValue?.count == 1)
        #expect(moved.at("metadata.managedFields.0.apiVersion") == "apps/v1")
    }

    @Test func fromApplyOnTheClient() throws {
        var deployment = Written()
        let text = #"{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"a"},"spec":{"replicas":1}}"#
        let annotation = JSONWriter.text(of: .string(text))
        deployment.update(
            #"{"metadata":{"name":"a","annotations":{"kubectl.kubernetes.io/last-applied-configuration":\#(annotation)}},"spec":{"replicas":1}}"#,
            by: "kubectl-client-side-apply")
        try deployment.apply(
            #"{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"a"},"spec":{"replicas":2}}"#,
            by: "kubectl")
        #expect(deployment.at("spec.replicas") == 2)
        let kept = deployment.object?[path: "metadata", "annotations", LastApplied.annotation]?.stringValue
        #expect(
            kept == #"{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"a"},"spec":{"replicas":2}}"#
                + "\n")
    }

    @Test func scales() throws {
        let fields = ScaleFields(apiVersion: "apps/v1", paths: ["apps/v1": ["spec", "replicas"]])
        let parent = Given.json(
            #"""
            [{"manager":"a","operation":"Apply","apiVersion":"apps/v1","time":"1970-01-01T00:00:01Z","fieldsType":"FieldsV1","fieldsV1":{"f:spec":{"f:paused":{},"f:replicas":{}}}},
             {"manager":"b","operation":"Update","apiVersion":"apps/v1","time":"1970-01-01T00:00:02Z","fieldsType":"FieldsV1","fieldsV1":{"f:spec":{"f:minReadySeconds":{}}}}]
            """#)
        let scale = try #require(fields.toScale(parent))
        #expect(
            scale
                == Given.json(
                    #"[{"manager":"a","operation":"Apply","apiVersion":"autoscaling/v1","time":"1970-01-01T00:00:01Z","fieldsType":"FieldsV1","fieldsV1":{"f:spec":{"f:replicas":{}}}}]"#
                ))
        #expect(fields.toParent(parent, scale: scale) == parent)
        let taken = Given.json(
            #"[{"manager":"h","operation":"Update","apiVersion":"autoscaling/v1","time":"1970-01-01T00:00:03Z","subresource":"scale","fieldsType":"FieldsV1","fieldsV1":{"f:spec":{"f:replicas":{}}}}]"#
        )
        let after = try #require(fields.toParent(parent, scale: taken)?.arrayValue)
        #expect(after.count == 3)
        #expect(after[0]["fieldsV1"] == Given.json(#"{"f:spec":{"f:paused":{}}}"#))
        #expect(after[2]["apiVersion"] == "apps/v1")
        #expect(after[2]["subresource"] == "scale")
        #expect(after[2]["manager"] == "h")
    }
}
