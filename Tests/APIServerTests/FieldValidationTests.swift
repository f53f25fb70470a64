import JSON
import KubeTypes
import Testing

@testable import APIServer

/// `fieldValidation`: unknown fields and fields that a body has twice.
@Suite struct FieldValidationTests {
    static let deployments = "/apis/apps/v1/namespaces/default/deployments"

    static let json = #"""
        {"apiVersion": "apps/v1", "kind": "Deployment",
         "metadata": {"name": "other", "name": "web", "unknownMeta": "m", "labels": {"app": "nginx"}},
         "spec": {
           "unknown1": "a", "unknownDupe": "a", "unknownDupe": "b", "paused": true, "paused": false,
           "selector": {"matchLabels": {"app": "nginx"}},
           "template": {"metadata": {"labels": {"app": "nginx"}}, "spec": {"containers": [
             {"name": "nginx", "image": "nginx", "unknownNested": "v", "imagePullPolicy": "Always", "imagePullPolicy": "Never"}]}}}}
        """#

    static let yaml = """
        apiVersion: apps/v1
        kind: Deployment
        metadata:
          name: other
          name: web
          unknownMeta: m
          labels:
            app: nginx
        spec:
          unknown1: a
          unknownDupe: a
          unknownDupe: b
          paused: true
          paused: false
          selector:
            matchLabels:
              app: nginx
          template:
            metadata:
              labels:
                app: nginx
            spec:
              containers:
              - name: nginx
                image: nginx
                unknownNested: v
                imagePullPolicy: Always
                imagePullPolicy: Never
        """

    static let jsonFindings = [
        #"duplicate field "metadata.name""#, #"unknown field "metadata.unknownMeta""#,
        #"unknown field "spec.unknown1""#, #"unknown field "spec.unknownDupe""#, #"duplicate field "spec.paused""#,
        #"unknown field "spec.template.spec.containers[0].unknownNested""#,
        #"duplicate field "spec.template.spec.containers[0].imagePullPolicy""#,
    ]
    static let yamlFindings = [
        #"line 5: key "name" already set in map"#, #"line 12: key "unknownDupe" already set in map"#,
        #"line 14: key "paused" already set in map"#, #"line 28: key "imagePullPolicy" already set in map"#,
        #"unknown field "metadata.unknownMeta""#, #"unknown field "spec.template.spec.containers[0].unknownNested""#,
        #"unknown field "spec.unknown1""#, #"unknown field "spec.unknownDupe""#,
    ]

    private func warnings(_ answer: Recorded) -> [String] {
        answer.headers["warning"].map { text in
            var text = text.replacing("\\\"", with: "\"")
            if text.hasPrefix("299 - \"") { text.removeFirst(7) }
            if text.hasSuffix("\"") { text.removeLast() }
            return text
        }
    }

    @Test func json() async throws {
        let plane = try await ControlPlane()
        let bytes = Array(Self.json.utf8)
        let strict = await plane.call(.POST, "\(Self.deployments)?fieldValidation=Strict", bytes: bytes)
        #expect(strict.status == 400)
        #expect(strict.reason == "BadRequest")
        #expect(
            strict.message == "Deployment in version \"v1\" cannot be handled as a Deployment: strict decoding error: "
                + Self.jsonFindings.joined(separator: ", "))
        let ignored = await plane.call(.POST, "\(Self.deployments)?fieldValidation=Ignore&dryRun=All", bytes: bytes)
        #expect(ignored.status == 201)
        #expect(warnings(ignored).isEmpty)
        let warned = await plane.call(.POST, Self.deployments, bytes: bytes)
        #expect(warned.status == 201)
        #expect(warnings(warned) == Self.jsonFindings)
        // The last one counts.
        #expect(warned.json.name == "web")
        #expect(warned.json[path: "spec", "paused"]?.boolValue ?? false == false)
        #expect(warned.json[path: "spec", "unknown1"] == nil)
        let put = await plane.call(.PUT, "\(Self.deployments)/web", bytes: bytes)
        #expect(put.status == 200)
        #expect(warnings(put) == Self.jsonFindings)
        let wrong = await plane.call(.POST, "\(Self.deployments)?fieldValidation=Maybe", bytes: bytes)
        #expect(wrong.status == 422)
        #expect(wrong.causes == ["fieldValidation"])
    }

    @Test func yaml() async throws {
        let plane = try await ControlPlane()
        let bytes = Array(Self.yaml.utf8)
        let strict = await plane.call(
            .POST, "\(Self.deployments)?fieldValidation=Strict", bytes: bytes, type: "application/yaml")
        #expect(strict.status == 400)
        let lines = Self.yamlFindings.prefix(4).map { "  \($0)" }.joined(separator: "\n")
        #expect(
            strict.message.hasSuffix(
                "strict decoding error: yaml: unmarshal errors:\n\(lines), "
                    + Self.yamlFindings.dropFirst(4).joined(separator: ", ")))
        let warned = await plane.call(.POST, Self.deployments, bytes: bytes, type: "application/yaml")
        #expect(warned.status == 201)
        #expect(warnings(warned) == Self.yamlFindings)
        #expect(warned.json.name == "web")
        let ignored = await plane.call(
            .PUT, "\(Self.deployments)/web?fieldValidation=Ignore", bytes: bytes, type: "application/yaml")
        #expect(ignored.status == 200)
        #expect(warnings(ignored).isEmpty)
    }

    /// Kind of patch, patch, what is found.
    @Test(arguments: [
        (
            "merge-patch+json",
            #"{"spec":{"foo":"a","unknownDupe":"a","unknownDupe":"b","paused":true,"paused":false}}"#,
            [
                #"duplicate field "spec.unknownDupe""#, #"duplicate field "spec.paused""#, #"unknown field "spec.foo""#,
                #"unknown field "spec.unknownDupe""#,
            ]
        ),
        (
            "strategic-merge-patch+json",
            #"{"spec":{"paused":true,"paused":false,"template":{"spec":{"containers":[{"name":"c","nope":1}]}}}}"#,
            [#"duplicate field "spec.paused""#, #"unknown field "spec.template.spec.containers[0].nope""#]
        ),
        (
            "json-patch+json",
            #"[{"op":"add","path":"/spec/foo","value":1,"what":2},{"op":"add","path":"/spec/bar","path":"/spec/baz","value":1}]"#,
            [
                #"json patch unknown field "[0].what""#, #"json patch duplicate field "[1].path""#,
                #"unknown field "spec.baz""#, #"unknown field "spec.foo""#,
            ]
        ),
    ])
    func patches(_ kind: String, _ patch: String, _ findings: [String]) async throws {
        let plane = try await ControlPlane()
        await plane.call(.POST, Self.deployments, deployment("web"))
        let path = "\(Self.deployments)/web"
        let type = "application/\(kind)"
        let strict = await plane.call(
            .PATCH, "\(path)?fieldValidation=Strict", bytes: Array(patch.utf8), type: type)
        #expect(strict.status == 422)
        #expect(strict.reason == "Invalid")
        #expect(strict.causes == ["patch"])
        #expect(
            strict.message.hasSuffix("strict decoding error: " + findings.joined(separator: ", ")), "\(strict.message)")
        let warned = await plane.call(.PATCH, path, bytes: Array(patch.utf8), type: type)
        #expect(warned.status == 200)
        #expect(warnings(warned) == findings)
        let ignored = await plane.call(
            .PATCH, "\(path)?fieldValidation=Ignore", bytes: Array(patch.utf8), type: type)
        #expect(ignored.status == 200)
        #expect(warnings(ignored).isEmpty)
    }

    @Test func patchedIntoTheWrongType() async throws {
        let plane = try await ControlPlane()
        await plane.call(.POST, Self.deployments, deployment("web"))
        let answer = await plane.call(
            .PATCH, "\(Self.deployments)/web", ["spec": ["replicas": "many"]], type: "application/merge-patch+json")
        #expect(answer.status == 422)
        #expect(answer.causes == ["patch"])
        #expect(answer.message.contains("json: cannot unmarshal string into Go struct field"))
    }

    @Test func applied() async throws {
        let plane = try await ControlPlane()
        let text = """

            apiVersion: v1
            kind: ConfigMap
            metadata:
              name: one
            data:
              a: "1"
              foo: "1"
              foo: "2"
            """
        let path = "/api/v1/namespaces/default/configmaps/one?fieldManager=m"
        let type = "application/apply-patch+yaml"
        let strict = await plane.call(.PATCH, "\(path)&fieldValidation=Strict", bytes: Array(text.utf8), type: type)
        #expect(strict.status == 400)
        #expect(
            strict.message == "error strict decoding YAML: error converting YAML to JSON: yaml: unmarshal errors:\n"
                + "  line 9: key \"foo\" already set in map")
        let warned = await plane.call(.PATCH, path, bytes: Array(text.utf8), type: type)
        #expect(warned.status == 201)
        #expect(warnings(warned) == [#"line 9: key "foo" already set in map"#])
        #expect(warned.json["data"] == ["a": "1", "foo": "2"])
    }
}
