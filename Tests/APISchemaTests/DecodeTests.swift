import JSON
import KubeTypes
import Testing

@testable import APISchema

@Suite struct DecodeTests {
    let schema = Schema.builtin

    private func decode(_ text: String, _ apiVersion: String, _ plural: String) throws(APIError) -> (
        JSONValue, [String]
    ) {
        let resource = Given.resource(apiVersion, plural)
        var value = Given.json(text)
        let unknown = try schema.decode(
            &value, as: resource.message, kind: resource.kind, version: resource.version)
        return (value, unknown)
    }

    private func problem(_ text: String, _ apiVersion: String, _ plural: String) -> APIError? {
        do {
            _ = try decode(text, apiVersion, plural)
            return nil
        } catch {
            return error
        }
    }

    @Test(arguments: [
        (
            "apps/v1", "deployments", #"{"spec":{"replicas":"3"}}"#,
            "json: cannot unmarshal string into Go struct field DeploymentSpec.spec.replicas of type int32"
        ),
        (
            "apps/v1", "deployments", #"{"spec":{"replicas":1.5}}"#,
            "json: cannot unmarshal number 1.5 into Go struct field DeploymentSpec.spec.replicas of type int32"
        ),
        (
            "apps/v1", "deployments", #"{"spec":{"replicas":3000000000}}"#,
            "json: cannot unmarshal number 3000000000 into Go struct field DeploymentSpec.spec.replicas of type int32"
        ),
        (
            "v1", "pods", #"{"spec":{"containers":[{"env":[{"value":1}]}]}}"#,
            "json: cannot unmarshal number into Go struct field EnvVar.spec.containers.env.value of type string"
        ),
        (
            "v1", "pods", #"{"spec":{"containers":{}}}"#,
            "json: cannot unmarshal object into Go struct field PodSpec.spec.containers of type []v1.Container"
        ),
        (
            "v1", "pods", #"{"spec":[]}"#,
            "json: cannot unmarshal array into Go struct field Pod.spec of type v1.PodSpec"
        ),
        (
            "v1", "pods", #"{"metadata":{"labels":{"a":true}}}"#,
            "json: cannot unmarshal bool into Go struct field ObjectMeta.metadata.labels of type string"
        ),
        (
            "v1", "pods", #"{"metadata":{"labels":"a"}}"#,
            "json: cannot unmarshal string into Go struct field ObjectMeta.metadata.labels of type map[string]string"
        ),
        (
            "v1", "services", #"{"spec":{"ports":[{"targetPort":true}]}}"#,
            "json: cannot unmarshal bool into Go struct field ServicePort.spec.ports.targetPort of type int32"
        ),
        (
            "v1", "pods", #"{"metadata":{"creationTimestamp":5}}"#,
            "json: cannot unmarshal number into Go struct field ObjectMeta.metadata.creationTimestamp of type string"
        ),
        (
            "v1", "pods", #"{"metadata":{"creationTimestamp":"today"}}"#,
            #"parsing time "today" as "2006-01-02T15:04:05Z07:00": cannot parse "today" as "2006""#
        ),
        (
            "v1", "pods", #"{"spec":{"containers":[{"resources":{"limits":{"cpu":"lots"}}}]}}"#,
            "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"
        ),
        (
            "v1", "pods", #"{"spec":{"containers":[{"resources":{"limits":{"cpu":"1q"}}}]}}"#,
            "unable to parse quantity's suffix"
        ),
        ("v1", "secrets", #"{"data":{"a":"a b"}}"#, "illegal base64 data at input byte 1"),
        ("v1", "secrets", #"{"data":{"a":"YQ"}}"#, "illegal base64 data at input byte 2"),
    ])
    func wrongTypesAreRefused(apiVersion: String, plural: String, text: String, message: String) {
        let error = problem(text, apiVersion, plural)
        let kind = Given.resource(apiVersion, plural).kind
        #expect(error?.code == 400)
        #expect(error?.reason == "BadRequest")
        #expect(error?.message == "\(kind) in version \"v1\" cannot be handled as a \(kind): \(message)")
    }

    @Test func unknownFieldsGoAndAreNamed() throws {
        let (pod, unknown) = try decode(
            #"{"kind":"Pod","Metadata":{},"spec":{"foo":1,"containers":[{"name":"a","bar":{"x":1}}]},"status":{}}"#,
            "v1",
            "pods")
        #expect(unknown == ["Metadata", "spec.foo", "spec.containers[0].bar"])
        #expect(pod == Given.json(#"{"kind":"Pod","spec":{"containers":[{"name":"a"}]},"status":{}}"#))
    }

    @Test func nullsGoOrBecomeZero() throws {
        let (pod, unknown) = try decode(
            #"{"metadata":{"creationTimestamp":null,"labels":{"a":null}},"spec":{"containers":[null,{"args":[null,"x"]}]}}"#,
            "v1", "pods")
        #expect(unknown == [])
        #expect(
            pod
                == Given.json(
                    #"{"metadata":{"labels":{"a":""}},"spec":{"containers":[{},{"args":["","x"]}]}}"#))
    }

    @Test func valuesTakeTheirCanonicalForm() throws {
        let (pod, _) = try decode(
            """
            {"metadata":{"creationTimestamp":"2020-01-01T02:00:00.5+02:00"},
             "spec":{"containers":[{"resources":{"limits":{"cpu":0.5,"memory":"1024Mi"},"requests":{"cpu":"500m"}}}]}}
            """, "v1", "pods")
        #expect(pod.at("metadata.creationTimestamp") == "2020-01-01T00:00:00Z")
        #expect(pod.at("spec.containers.0.resources.limits") == ["cpu": "500m", "memory": "1Gi"])
        #expect(pod.at("spec.containers.0.resources.requests.cpu") == "500m")
        let (lease, _) = try decode(
            #"{"spec":{"renewTime":"2020-01-01T00:00:00Z"}}"#, "coordination.k8s.io/v1", "leases")
        #expect(lease.at("spec.renewTime") == "2020-01-01T00:00:00.000000Z")
        let (secret, _) = try decode(#"{"data":{"a":"YW\nJj"}}"#, "v1", "secrets")
        #expect(secret.at("data.a") == "YWJj")
    }

    @Test func freeFormFieldsStayAsTheyAre() throws {
        let text =
            #"{"data":{"a":null,"b":[1,{"c":1.50}]},"metadata":{"managedFields":[{"fieldsV1":{"f:x":{}}}]},"revision":1}"#
        let (revision, unknown) = try decode(text, "apps/v1", "controllerrevisions")
        #expect(unknown == [])
        #expect(JSONWriter.text(of: revision) == text)
    }

    @Test func whatIsRightIsLeftAlone() throws {
        let text = #"{"spec":{"replicas":2,"template":{"spec":{"containers":[{"name":"a","image":"b"}]}}}}"#
        let (deployment, _) = try decode(text, "apps/v1", "deployments")
        #expect(JSONWriter.text(of: deployment) == text)
    }

    @Test(arguments: [
        ("0", "0"), ("1", "1"), ("1000m", "1"), ("0.5", "500m"), ("1.5", "1500m"), (".5", "500m"), ("5.", "5"),
        ("1024", "1024"), ("1024Ki", "1Mi"), ("1Gi", "1Gi"), ("1.5Gi", "1536Mi"), ("0.5Ki", "512"),
        ("1000", "1k"), ("1500", "1500"), ("1000000", "1M"), ("1e3", "1e3"), ("1E3", "1e3"), ("12e5", "1200e3"),
        ("100M", "100M"), ("-1", "-1"), ("+1", "1"), ("0.1n", "1n"), ("1u", "1u"), ("1.1Ki", "1127"),
        ("1023Ki", "1023Ki"), ("0.000001", "1u"), ("9223372036854775807", "9223372036854775807"),
        ("10000000000000000000", "9223372036854775807"), ("0.0", "0"), ("128974848", "128974848"),
    ])
    func quantitiesAreWrittenOneWay(text: String, canonical: String) throws {
        #expect(try CanonicalQuantity.parse(text).get().text == canonical)
    }

    @Test(arguments: ["", "m", "1.2.3", "abc", "1 ", "1kk", "1K", "--1", "1e", "."])
    func whatIsNoQuantityIsRefused(text: String) {
        #expect(throws: CanonicalQuantity.Problem.self) { try CanonicalQuantity.parse(text).get() }
    }
}
