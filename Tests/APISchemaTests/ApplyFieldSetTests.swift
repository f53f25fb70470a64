import JSON
import Testing

@testable import APISchema

/// Shorthands of the tests about applying.
enum Fields {
    /// A set from the text of a FieldsV1 value; a mistake in it is one of the test.
    static func set(_ text: String) -> FieldSet {
        do { return try FieldSet(fieldsV1: Given.json(text)) } catch { preconditionFailure("\(error) in \(text)") }
    }

    static func text(_ set: FieldSet) -> String { JSONWriter.text(of: set.fieldsV1) }
}

@Suite struct ApplyFieldSetTests {
    /// What is read and written back; the second is the canonical form.
    @Test(arguments: [
        ("{}", "{}"),
        (#"{"f:spec":{"f:replicas":{}}}"#, #"{"f:spec":{"f:replicas":{}}}"#),
        (#"{"f:b":{},"f:a":{".":{},"f:c":{}}}"#, #"{"f:a":{".":{},"f:c":{}},"f:b":{}}"#),
        // `.` comes first; fields, keys, values and positions follow each other.
        (
            #"{"i:1":{},"v:\"x\"":{},"k:{\"name\":\"a\"}":{"f:image":{},".":{}},"f:z":{}}"#,
            #"{"f:z":{},"k:{\"name\":\"a\"}":{".":{},"f:image":{}},"v:\"x\"":{},"i:1":{}}"#
        ),
        // Keys in the order of their names, numbers before texts.
        (
            #"{"k:{\"protocol\":\"TCP\",\"port\":80}":{},"k:{\"port\":\"80\",\"protocol\":\"TCP\"}":{}}"#,
            #"{"k:{\"port\":80,\"protocol\":\"TCP\"}":{},"k:{\"port\":\"80\",\"protocol\":\"TCP\"}":{}}"#
        ),
        (#"{"v:3":{},"v:\"b\"":{},"v:true":{},"v:\"a\"":{},"v:10":{}}"#, nil),
        // Two writings of one element, and a kind of step that nobody knows.
        (#"{"k:{\"a\":1,\"b\":2}":{"f:x":{}},"k:{\"b\":2,\"a\":1}":{"f:y":{}}}"#, nil),
        (#"{"q:what":{},"f:a":{}}"#, #"{"f:a":{}}"#),
    ])
    func codec(_ text: String, canonical: String?) throws {
        let written = Fields.text(Fields.set(text))
        if let canonical { #expect(written == canonical) }
        // The canonical form is stable.
        #expect(Fields.text(Fields.set(written)) == written)
    }

    @Test func orderOfValues() {
        #expect(
            Fields.text(Fields.set(#"{"v:3":{},"v:\"b\"":{},"v:true":{},"v:\"a\"":{},"v:10":{},"v:2.5":{}}"#))
                == #"{"v:2.5":{},"v:3":{},"v:10":{},"v:\"a\"":{},"v:\"b\"":{},"v:true":{}}"#)
        #expect(
            Fields.text(Fields.set(#"{"k:{\"a\":1,\"b\":2}":{"f:x":{}},"k:{\"b\":2,\"a\":1}":{"f:y":{}}}"#))
                == #"{"k:{\"a\":1,\"b\":2}":{"f:x":{},"f:y":{}}}"#)
    }

    @Test(arguments: [
        "{\"f\":{}}", #"{"x":{}}"#, #"{"fspec":{}}"#, #"{"v:{":{}}"#, #"{"k:3":{}}"#, #"{"i:x":{}}"#, "[1]",
    ])
    func refused(_ text: String) {
        #expect(throws: FieldSetError.self) { try FieldSet(fieldsV1: Given.json(text)) }
    }

    @Test func nestingIsBounded() {
        let deep = String(repeating: #"{"f:a":"#, count: 200) + "{}" + String(repeating: "}", count: 200)
        #expect(throws: FieldSetError.self) { try FieldSet(fieldsV1: Given.json(deep)) }
    }

    static let left = #"{"f:a":{".":{},"f:x":{},"f:y":{}},"f:b":{},"f:c":{"f:z":{}}}"#
    static let right = #"{"f:a":{"f:y":{},"f:w":{}},"f:b":{},"f:c":{},"f:d":{}}"#

    /// Operation, what comes out.
    @Test(arguments: [
        ("union", #"{"f:a":{".":{},"f:w":{},"f:x":{},"f:y":{}},"f:b":{},"f:c":{".":{},"f:z":{}},"f:d":{}}"#),
        ("intersection", #"{"f:a":{"f:y":{}},"f:b":{}}"#),
        ("difference", #"{"f:a":{".":{},"f:x":{}},"f:c":{"f:z":{}}}"#),
        ("recursive difference", #"{"f:a":{".":{},"f:x":{}}}"#),
        ("leaves", #"{"f:a":{"f:x":{},"f:y":{}},"f:b":{},"f:c":{"f:z":{}}}"#),
    ])
    func operations(_ name: String, _ expected: String) {
        let (left, right) = (Fields.set(Self.left), Fields.set(Self.right))
        let result =
            switch name {
            case "union": left.union(right)
            case "intersection": left.intersection(right)
            case "difference": left.subtracting(right)
            case "recursive difference": left.subtractingRecursively(right)
            default: left.leaves
            }
        #expect(Fields.text(result) == expected)
    }

    @Test func paths() {
        let set = Fields.set(
            #"{"f:spec":{"f:containers":{"k:{\"name\":\"a\"}":{".":{},"f:image":{}}},"f:replicas":{}}}"#)
        #expect(set.count == 3)
        #expect(
            set.description == """
                .spec.replicas
                .spec.containers[name="a"]
                .spec.containers[name="a"].image
                """)
        #expect(set.contains([.field("spec"), .field("replicas")]))
        #expect(!set.contains([.field("spec")]))
        #expect(FieldSet(paths: set.paths) == set)
    }

    /// Type, value, the fields that applying it owns.
    @Test(arguments: [
        ("apps/v1.Deployment", #"{"spec":{"replicas":3}}"#, #"{"f:spec":{"f:replicas":{}}}"#),
        (
            "core/v1.Pod", #"{"metadata":{"labels":{"a":"1"},"annotations":{}}}"#,
            #"{"f:metadata":{"f:annotations":{},"f:labels":{"f:a":{}}}}"#
        ),
        (
            "core/v1.Pod",
            #"{"spec":{"containers":[{"name":"a","ports":[{"containerPort":80},{"containerPort":80,"protocol":"UDP"}]}]}}"#,
            #"{"f:spec":{"f:containers":{"k:{\"name\":\"a\"}":{".":{},"f:name":{},"f:ports":{"k:{\"containerPort\":80,\"protocol\":\"TCP\"}":{".":{},"f:containerPort":{}},"k:{\"containerPort\":80,\"protocol\":\"UDP\"}":{".":{},"f:containerPort":{},"f:protocol":{}}}}}}}"#
        ),
        (
            "core/v1.Service", #"{"spec":{"ports":[{"port":80}]}}"#,
            #"{"f:spec":{"f:ports":{"k:{\"port\":80,\"protocol\":\"TCP\"}":{".":{},"f:port":{}}}}}"#
        ),
        // Owned as a whole: selectors, lists without keys, quantities.
        (
            "apps/v1.Deployment", #"{"spec":{"selector":{"matchLabels":{"a":"b"}}}}"#, #"{"f:spec":{"f:selector":{}}}"#
        ),
        (
            "core/v1.Pod", #"{"spec":{"tolerations":[{"key":"a"}],"overhead":{"cpu":"1"}}}"#,
            #"{"f:spec":{"f:overhead":{"f:cpu":{}},"f:tolerations":{}}}"#
        ),
        (
            "core/v1.Pod", #"{"metadata":{"finalizers":["b","a"]}}"#,
            #"{"f:metadata":{"f:finalizers":{"v:\"a\"":{},"v:\"b\"":{}}}}"#
        ),
        // Elements that nothing tells apart are owned together.
        (
            "core/v1.Container", #"{"name":"a","env":[{"name":"x","value":"1"},{"name":"x","value":"2"}]}"#,
            #"{"f:env":{"k:{\"name\":\"x\"}":{}},"f:name":{}}"#
        ),
    ])
    func fieldsOfValues(_ message: String, _ value: String, _ expected: String) throws {
        let type = MergeType.object(try #require(Schema.builtin.message(message)))
        #expect(Fields.text(FieldSet(of: Given.json(value), type)) == expected)
    }

    @Test func deducedTypes() {
        let value = Given.json(#"{"a":{"b":1,"c":[1,2]},"d":[{"name":"x"}],"e":{}}"#)
        #expect(Fields.text(FieldSet(of: value, .deduced)) == #"{"f:a":{".":{},"f:b":{},"f:c":{}},"f:d":{},"f:e":{}}"#)
    }
}
