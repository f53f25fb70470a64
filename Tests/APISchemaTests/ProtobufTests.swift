// Protobuf by the table: bytes as Go's generated code writes them, and the JSON that Go would make of them.

import JSON
import KubeTypes
import Testing

@testable import APISchema

@Suite struct ProtobufTests {
    private func hex(_ bytes: [UInt8]) -> String {
        bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }

    private func bytes(_ hex: String) -> [UInt8] {
        var bytes: [UInt8] = []
        var high: UInt8?
        for character in hex {
            guard let digit = character.hexDigitValue else { continue }
            if let first = high {
                bytes.append(first << 4 | UInt8(digit))
                high = nil
            } else {
                high = UInt8(digit)
            }
        }
        return bytes
    }

    /// The message without its envelope.
    private func body(_ text: String, _ message: String) throws -> String {
        let message = try #require(Schema.builtin.message(message))
        return hex(Schema.builtin.protobufBody(of: Given.json(text), as: message))
    }

    private func json(_ text: String, _ message: String) throws -> JSONValue {
        let message = try #require(Schema.builtin.message(message))
        let bytes = bytes(text)
        var decoder = ProtobufDecoder()
        return .object(try decoder.object(ProtobufReader(bytes, 0..<bytes.count), as: message))
    }

    // Field by field: what is no pointer is written even if it is missing; what is one, only if it is there.
    @Test(
        arguments: [
            ("core/v1.LocalObjectReference", "{}", "0a00"),
            ("core/v1.LocalObjectReference", #"{"name":"a"}"#, "0a0161"),
            ("core/v1.ContainerPort", #"{"containerPort":300}"#, "0a00 1000 18ac02 2200 2a00"),
            ("core/v1.Toleration", #"{"tolerationSeconds":-1}"#, "0a00 1200 1a00 2200 28ffffffffffffffffff01"),
            ("core/v1.Toleration", "{}", "0a00 1200 1a00 2200"),
            ("core/v1.ConfigMapKeySelector", #"{"name":"n","key":"k","optional":false}"#, "0a030a016e 12016b 1800"),
            ("core/v1.TCPSocketAction", #"{"port":80}"#, "0a06 0800 1050 1a00 1200"),
            ("core/v1.TCPSocketAction", #"{"port":"http"}"#, "0a0a 0801 1000 1a0468747470 1200"),
            ("core/v1.ResourceFieldSelector", "{}", "0a00 1200 1a03 0a0130"),
            ("core/v1.PodIP", #"{"ip":"é"}"#, "0a02c3a9"),
            ("coordination/v1.LeaseSpec", #"{"renewTime":"1970-01-01T00:00:01.000002Z"}"#, "2205 0801 10d00f"),
            ("meta/v1.OwnerReference", #"{"controller":true}"#, "0a00 1a00 2200 2a00 3001"),
        ] as [(String, String, String)])
    func writes(_ message: String, _ text: String, _ expected: String) throws {
        #expect(try body(text, message) == expected.filter { $0 != " " })
        #expect(try json(expected, message) == removingMissing(Given.json(text), message))
    }

    /// What decoding adds to the smallest form of some texts above.
    private func removingMissing(_ value: JSONValue, _ message: String) -> JSONValue {
        var value = value
        switch message {
        case "core/v1.ResourceFieldSelector":
            value["divisor"] = "0"
            value["resource"] = ""
        case "meta/v1.OwnerReference": for key in ["apiVersion", "kind", "name", "uid"] { value[key] = "" }
        default: break
        }
        return value
    }

    @Test func zerosOfPointersAreKeptAndOthersLeftOut() throws {
        #expect(try json("0800 1000", "apps/v1.DeploymentStatus") == [:])
        #expect(try json("0800", "apps/v1.DeploymentSpec") == ["replicas": 0])
        // Always shown, though OpenAPI does not require it.
        #expect(try json("5800", "apps/v1.StatefulSetStatus") == ["availableReplicas": 0])
    }

    @Test func embeddedMessagesStandAmongTheOthers() throws {
        let volume = Given.json(#"{"name":"v","emptyDir":{}}"#)
        #expect(try body(#"{"name":"v","emptyDir":{}}"#, "core/v1.Volume") == "0a0176" + "1204" + "12020a00")
        #expect(try json("0a0176 1204 12020a00", "core/v1.Volume") == volume)
        let rule = #"{"operations":["CREATE"],"apiGroups":["apps"],"scope":"*"}"#
        let written = try body(rule, "admissionregistration/v1.NamedRuleWithOperations")
        #expect(try json(written, "admissionregistration/v1.NamedRuleWithOperations") == Given.json(rule))
    }

    @Test func messagesAndListsThatComeInPartsAreMerged() throws {
        // metadata twice, with a label each.
        let twice = "0a07 5a05 0a0161 1200".filter { $0 != " " } + "0a07 5a05 0a0162 1200".filter { $0 != " " }
        let pod = try json(twice, "core/v1.Pod")
        #expect(pod["metadata"]?["labels"] == ["a": "", "b": ""])
        // Integers packed and not.
        let context = try json("2202 0102 2003", "core/v1.PodSecurityContext")
        #expect(context["supplementalGroups"] == [1, 2, 3])
    }

    @Test func envelopeNamesTheKind() throws {
        let map = Given.json(
            #"{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"m"},"data":{"b":"2","a":"1"}}"#)
        let written = try #require(Schema.builtin.encodeProtobuf(map))
        #expect(hex(written).hasPrefix("6b38730" + "00a0f" + "0a027631" + "1209436f6e6669674d6170"))
        #expect(hex(written).hasSuffix("1a002200"))
        #expect(try Schema.builtin.decodeProtobuf(written) == map)
        // Entries are ordered by key.
        #expect(hex(written).contains("12060a0161120131" + "12060a0162120132"))
    }

    @Test func kindsWithoutProtobufHaveNone() {
        #expect(Schema.builtin.encodeProtobuf(["apiVersion": "example.com/v1", "kind": "Thing"]) == nil)
        #expect(Schema.builtin.encodeProtobuf(["apiVersion": "meta.k8s.io/v1", "kind": "Table"]) == nil)
    }

    @Test func watchFramesHaveTheirLength() {
        let frame = Schema.builtin.protobufWatchFrame(type: "ADDED", object: [1, 2, 3])
        #expect(hex(frame) == "0000000e" + "0a054144444544" + "1205" + "0a03010203")
    }

    @Test func schemasOfCustomResources() throws {
        let text = #"""
            {"type":"object","default":{"a":[1,null]},"required":["a"],"minimum":1.5,"maxLength":0,
            "items":{"type":"string"},"additionalProperties":true,"additionalItems":{"type":"integer"},
            "anyOf":[{"items":[{"type":"a"},{"type":"b"}]}],"enum":["x",1],
            "dependencies":{"a":["b","c"],"d":{"type":"null"}},"$ref":"r","x-kubernetes-preserve-unknown-fields":false,
            "properties":{"p":{"additionalProperties":false}}}
            """#
        let name = "apiextensions/v1.JSONSchemaProps"
        #expect(try json(body(text, name), name) == Given.json(text))
        // As Go's encoder writes the same schema.
        let golden = """
            0a0012001a017222002a066f626a65637432003a0042100a0e7b2261223a5b312c6e756c6c5d7d5000590000
            00000000f83f600068007a00900100a201050a03227822a201030a0131ba010161c201260a240a0012002200
            2a06737472696e6732003a00500060007a00900100a80200b80200c00200da01630a00120022002a0032003a
            00500060007a00900100c20142121f0a00120022002a016132003a00500060007a00900100a80200b80200c0
            0200121f0a00120022002a016232003a00500060007a00900100a80200b80200c00200a80200b80200c00200
            ea01280a017012230a00120022002a0032003a00500060007a00900100f201020800a80200b80200c00200f2
            0102080182020b0a016112061201621201638202290a016412240a220a00120022002a046e756c6c32003a00
            500060007a00900100a80200b80200c002008a0229080112250a00120022002a07696e746567657232003a00
            500060007a00900100a80200b80200c00200a80200b00200b80200c00200
            """
        #expect(try body(text, name) == golden.filter { $0 != "\n" })
    }

    @Test(arguments: [
        "", "6b387300", "6b3873000a", "6b3873000aff", "6b387301", "6b38730012ffffffffffffffffff01",
        // A field of the wrong wire type.
        "6b3873000a0f0a0276311209436f6e6669674d61701202 0801",
        // Text that is no UTF-8.
        "6b3873000a0f0a0276311209436f6e6669674d61701204 0a021aff",
    ])
    func brokenBodiesAreRefused(_ text: String) {
        #expect(throws: APIError.self) { try Schema.builtin.decodeProtobuf(bytes(text)) }
    }

    @Test func nestingIsBounded() throws {
        // `not` within `not` …
        var inner: [UInt8] = []
        for _ in 0..<2000 {
            var output = ProtobufOutput()
            output.write(inner)
            output.write(lengthSince: 0)
            output.write(varint: 28 << 3 | 2)
            inner = output.bytes
        }
        let message = try #require(Schema.builtin.message("apiextensions/v1.JSONSchemaProps"))
        #expect(throws: APIError.self) {
            var decoder = ProtobufDecoder()
            _ = try decoder.object(ProtobufReader(inner, 0..<inner.count), as: message)
        }
    }

    @Test func everyKindSurvivesTheWayThere() throws {
        for message in Schema.builtin.messages where !message.kinds.isEmpty && message.package != "meta/v1" {
            let kind = message.kinds[0]
            let apiVersion = kind.group.isEmpty ? kind.version : "\(kind.group)/\(kind.version)"
            var sample = Sample()
            var object = sample.object(message)
            object["apiVersion"] = .string(apiVersion)
            object["kind"] = .string(kind.kind)
            let written = try #require(Schema.builtin.encodeProtobuf(.object(object)))
            let read = try Schema.builtin.decodeProtobuf(written)
            let isSame = read == .object(object)
            #expect(isSame, "\(message.name)")
        }
    }
}

/// An object with every field that its message has.
struct Sample {
    private var counter: Int64 = 0
    private var isInSchema = false

    mutating func object(_ message: MessageType) -> JSONObject {
        var object = JSONObject()
        for field in message.fields where !field.path.isEmpty {
            if let value = value(field.type) { object[field.name] = value }
        }
        return object
    }

    private mutating func value(_ type: FieldType) -> JSONValue? {
        switch type {
        case .list(let element):
            // Two of a kind show that their order is kept.
            guard let one = value(element), let other = value(element) else { return nil }
            return [one, other]
        case .map(let element): return value(element).map { ["key": $0] }
        case .message(let message) where message.scalar == nil:
            // Schemas contain schemas.
            if message.shortName == "JSONSchemaProps" {
                if isInSchema { return ["type": "object"] }
                isInSchema = true
            }
            defer { if message.shortName == "JSONSchemaProps" { isInSchema = false } }
            return .object(object(message))
        case .message(let message) where message.shortName.hasPrefix("JSONSchemaPropsOr"): return ["type": "string"]
        default:
            guard let scalar = type.scalar else { return nil }
            return self.scalar(scalar)
        }
    }

    private mutating func scalar(_ scalar: Scalar) -> JSONValue {
        counter += 1
        switch scalar {
        case .string: return .string("text \(counter)")
        case .int32, .int64: return .integer(-counter)
        case .bool: return true
        case .double: return .number(JSONNumber(text: "\(counter).5"))
        case .bytes: return "AAEC"
        case .quantity: return .string("\(counter)Mi")
        case .time: return .string(Time(seconds: counter).description)
        case .microtime: return MicroTime(Time(seconds: counter, nanoseconds: 1000)).field
        case .intorstring: return counter % 2 == 0 ? .integer(counter) : .string("\(counter)%")
        case .any: return ["a": .integer(counter)]
        }
    }
}
