import APISchema
import JSON
import KubeTypes

/// Bodies: JSON, YAML and protobuf. What is read can be written, and reads the same again.
extension Fuzz {
    static func readJSON(_ bytes: UnsafeBufferPointer<UInt8>) {
        guard let value = try? JSONParser.parse(bytes) else { return }
        let text = JSONWriter.bytes(of: value)
        guard let again = try? JSONParser.parse(text) else { return require(false, "what is written can be read") }
        require(again == value, "what is written reads the same")
        require(JSONWriter.bytes(of: again) == text, "what is read again is written the same")
        guard let reported = try? JSONParser.parseReportingDuplicates(bytes) else {
            return require(false, "duplicates make nothing unreadable")
        }
        require(reported.value == value, "duplicates change no value")
        let paths = JSONParser.fieldPaths(bytes)
        require(reported.duplicateFields.allSatisfy(Set(paths).contains), "a duplicate is a field")
    }

    static func readYAML(_ bytes: UnsafeBufferPointer<UInt8>) {
        _ = try? YAML.parseOneReportingDuplicates(Array(bytes))
        guard let values = try? YAML.parse(bytes) else { return }
        let text = YAML.text(of: values)
        guard let again = try? YAML.parse(text) else { return require(false, "what is written can be read") }
        require(again == values, "what is written reads the same")
    }

    private static let kinds = [
        ("v1", "Pod"), ("apps/v1", "Deployment"), ("v1", "Secret"), ("v1", "PersistentVolume"),
        ("apiextensions.k8s.io/v1", "CustomResourceDefinition"), ("resource.k8s.io/v1", "ResourceSlice"),
        ("admissionregistration.k8s.io/v1", "ValidatingWebhookConfiguration"), ("v1", "DeleteOptions"),
        ("authorization.k8s.io/v1", "SubjectAccessReview"), ("events.k8s.io/v1", "Event"), ("v1", "Status"),
        ("autoscaling/v2", "HorizontalPodAutoscaler"),
    ]

    /// The first byte chooses the kind of the message that follows; a larger one takes the bytes as they are.
    static func readProtobuf(_ bytes: UnsafeBufferPointer<UInt8>) {
        guard let first = bytes.first else { return }
        var body = Array(bytes.dropFirst())
        if Int(first) < kinds.count {
            let (apiVersion, kind) = kinds[Int(first)]
            body = Schema.builtin.protobufEnvelope(apiVersion: apiVersion, kind: kind, body: body)
        }
        guard let value = try? Schema.builtin.decodeProtobuf(body) else { return }
        guard let written = Schema.builtin.encodeProtobuf(value) else { return }
        guard let again = try? Schema.builtin.decodeProtobuf(written) else {
            return require(false, "what is written can be read")
        }
        require(Schema.builtin.encodeProtobuf(again) == written, "what is read again is written the same")
    }
}
