// Reading the API's protobuf form of objects (`application/vnd.kubernetes.protobuf`) into the JSON that everything else
// works on: typed clients, kubectl's `create` among them, send nothing else.
//
// The form: the magic `k8s\0`, then a `runtime.Unknown` with apiVersion and kind and, as bytes, the object's message.

import JSON
import KubeTypes

extension Schema {
    public static let protobufMediaType = "application/vnd.kubernetes.protobuf"

    /// - Throws: 400 where the bytes are no such message, or hold a kind or a part that cannot be read.
    public func decodeProtobuf(_ bytes: some Collection<UInt8>) throws(APIError) -> JSONValue {
        let bytes = Array(bytes)
        guard bytes.starts(with: [0x6b, 0x38, 0x73, 0x00]) else {
            throw .badRequest("the body is no Kubernetes protobuf: it lacks the prefix \"k8s\\0\"")
        }
        var apiVersion = ""
        var kind = ""
        var raw: ArraySlice<UInt8> = []
        var unknown = ProtobufReader(bytes[4...])
        while let (number, value) = try unknown.next() {
            switch (number, value) {
            case (1, .bytes(let slice)):
                var typeMeta = ProtobufReader(slice)
                while let (number, value) = try typeMeta.next() {
                    if number == 1 { apiVersion = try value.text() }
                    if number == 2 { kind = try value.text() }
                }
            case (2, .bytes(let slice)): raw = slice
            default: break
            }
        }
        let message =
            resource(apiVersion: apiVersion, kind: kind)?.message ?? message("meta/v1.\(kind)")
            ?? kindMessage(apiVersion, kind)
        guard let message else { throw .badRequest("no kind \"\(kind)\" is registered for version \"\(apiVersion)\"") }
        var object: JSONObject = ["kind": .string(kind), "apiVersion": .string(apiVersion)]
        try ProtobufDecoder.read(raw, as: message, into: &object, depth: 0)
        return .object(object)
    }

    /// Kinds that are only ever the body of a subresource: Scale, Eviction, TokenRequest.
    private func kindMessage(_ apiVersion: String, _ kind: String) -> MessageType? {
        let slash = apiVersion.firstIndex(of: "/")
        let wanted = GroupVersionKind(
            group: slash.map { String(apiVersion[..<$0]) } ?? "",
            version: slash.map { String(apiVersion[apiVersion.index(after: $0)...]) } ?? apiVersion, kind: kind)
        return messages.first { $0.kinds.contains(wanted) }
    }
}

/// The wire format: numbered fields, one after the other.
struct ProtobufReader {
    enum Value {
        case varint(UInt64)
        case fixed64(UInt64)
        case fixed32(UInt32)
        case bytes(ArraySlice<UInt8>)

        func text() throws(APIError) -> String {
            guard case .bytes(let slice) = self, let text = String(validating: slice, as: UTF8.self) else {
                throw ProtobufReader.malformed
            }
            return text
        }
    }

    static let malformed = APIError.badRequest("the body is malformed protobuf")
    private var rest: ArraySlice<UInt8>

    init(_ bytes: ArraySlice<UInt8>) { rest = bytes }

    /// The next field; nil at the end.
    mutating func next() throws(APIError) -> (number: Int, value: Value)? {
        guard !rest.isEmpty else { return nil }
        let tag = try varint()
        guard tag >> 3 > 0, tag >> 3 < 1 << 29 else { throw Self.malformed }
        let number = Int(tag >> 3)
        switch tag & 7 {
        case 0: return (number, .varint(try varint()))
        case 1: return (number, .fixed64(try little(8)))
        case 2:
            let count = try varint()
            guard count <= UInt64(rest.count) else { throw Self.malformed }
            return (number, .bytes(take(Int(count))))
        case 5: return (number, .fixed32(UInt32(try little(4))))
        default: throw Self.malformed
        }
    }

    var isAtEnd: Bool { rest.isEmpty }

    mutating func varint() throws(APIError) -> UInt64 {
        var value: UInt64 = 0
        for shift in stride(from: UInt64(0), to: 70, by: 7) {
            guard let byte = rest.popFirst() else { break }
            value |= UInt64(byte & 0x7f) << shift
            if byte < 0x80 { return value }
        }
        throw Self.malformed
    }

    private mutating func take(_ count: Int) -> ArraySlice<UInt8> {
        let taken = rest.prefix(count)
        rest = rest.dropFirst(count)
        return taken
    }

    private mutating func little(_ count: Int) throws(APIError) -> UInt64 {
        guard rest.count >= count else { throw Self.malformed }
        return take(count).reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }
}

/// From messages to JSON, by the table.
enum ProtobufDecoder {
    private static let depthLimit = 64

    /// Fields that Go embeds: in JSON they stand among the others, in protobuf in a message of their own.
    private static let embedded: [String: (number: Int, fields: [Int: String])] = [
        "core/v1.Volume": (
            2,
            [
                1: "hostPath", 2: "emptyDir", 3: "gcePersistentDisk", 4: "awsElasticBlockStore", 5: "gitRepo",
                6: "secret",
                7: "nfs", 8: "iscsi", 9: "glusterfs", 10: "persistentVolumeClaim", 11: "rbd", 12: "flexVolume",
                13: "cinder", 14: "cephfs", 15: "flocker", 16: "downwardAPI", 17: "fc", 18: "azureFile",
                19: "configMap",
                20: "vsphereVolume", 21: "quobyte", 22: "azureDisk", 23: "photonPersistentDisk", 24: "portworxVolume",
                25: "scaleIO", 26: "projected", 27: "storageos", 28: "csi", 29: "ephemeral", 30: "image",
            ]
        ),
        "core/v1.PersistentVolumeSpec": (
            2,
            [
                1: "gcePersistentDisk", 2: "awsElasticBlockStore", 3: "hostPath", 4: "glusterfs", 5: "nfs", 6: "rbd",
                7: "iscsi", 8: "cinder", 9: "cephfs", 10: "fc", 11: "flocker", 12: "flexVolume", 13: "azureFile",
                14: "vsphereVolume", 15: "quobyte", 16: "azureDisk", 17: "photonPersistentDisk", 18: "portworxVolume",
                19: "scaleIO", 20: "local", 21: "storageos", 22: "csi",
            ]
        ),
        "core/v1.Probe": (1, [1: "exec", 2: "httpGet", 3: "tcpSocket", 4: "grpc"]),
        "core/v1.ConfigMapEnvSource": (1, [1: "name"]),
        "core/v1.ConfigMapKeySelector": (1, [1: "name"]),
        "core/v1.ConfigMapProjection": (1, [1: "name"]),
        "core/v1.ConfigMapVolumeSource": (1, [1: "name"]),
        "core/v1.SecretEnvSource": (1, [1: "name"]),
        "core/v1.SecretKeySelector": (1, [1: "name"]),
        "core/v1.SecretProjection": (1, [1: "name"]),
        "networking/v1.IngressRule": (2, [1: "http"]),
    ]

    /// Fields that are pointers in Go: there a zero was meant. Elsewhere it is what a missing field is written as.
    private static let meantZeros: Set<String> = [
        "activeDeadlineSeconds", "allocateLoadBalancerNodePorts", "allowPrivilegeEscalation",
        "automountServiceAccountToken", "backoffLimit", "blockOwnerDeletion", "completions", "controller",
        "defaultMode", "enableServiceLinks", "expirationSeconds", "failedJobsHistoryLimit", "fsGroup",
        "gracePeriodSeconds", "hostUsers", "immutable", "minReplicas", "mode", "optional", "orphanDependents",
        "parallelism", "partition", "priority", "privileged", "readOnlyRootFilesystem", "ready", "replicas",
        "revisionHistoryLimit", "runAsGroup", "runAsNonRoot", "runAsUser", "serving", "setHostnameAsFQDN",
        "shareProcessNamespace", "storageClassName", "successfulJobsHistoryLimit", "suspend", "terminating",
        "terminationGracePeriodSeconds", "tolerationSeconds", "ttlSecondsAfterFinished",
    ]

    static func read(
        _ bytes: ArraySlice<UInt8>, as message: MessageType, into object: inout JSONObject, depth: Int
    ) throws(APIError) {
        guard depth < depthLimit else { throw .badRequest("the body nests deeper than \(depthLimit) messages") }
        var reader = ProtobufReader(bytes)
        while let (number, value) = try reader.next() {
            if let inner = embedded[message.name], number == inner.number, case .bytes(let slice) = value {
                var members = ProtobufReader(slice)
                while let (number, value) = try members.next() {
                    guard let name = inner.fields[number], let field = message.field(name) else { continue }
                    try add(value, of: field, to: &object, depth: depth)
                }
            } else if let field = message.fields.first(where: { $0.number == number }) {
                try add(value, of: field, to: &object, depth: depth)
            }
        }
    }

    private static func add(
        _ value: ProtobufReader.Value, of field: Field, to object: inout JSONObject, depth: Int
    ) throws(APIError) {
        switch field.type {
        case .list(let element):
            var elements = object[field.name]?.arrayValue ?? []
            if element.scalar.map({ $0 != .string && $0 != .bytes && $0 != .double }) == true, element.message == nil,
                case .bytes(let slice) = value
            {
                var packed = ProtobufReader(slice)
                while !packed.isAtEnd {
                    if let one = try json(.varint(packed.varint()), element, depth) { elements.append(one) }
                }
            } else if let one = try json(value, element, depth) {
                elements.append(one)
            }
            object[field.name] = .array(elements)
        case .map(let element):
            guard case .bytes(let slice) = value else { throw ProtobufReader.malformed }
            var key = ""
            var content: JSONValue = element.scalar == .string ? "" : .object([:])
            var entry = ProtobufReader(slice)
            while let (number, value) = try entry.next() {
                if number == 1 { key = try value.text() }
                if number == 2, let one = try json(value, element, depth) { content = one }
            }
            var entries = object[field.name]?.objectValue ?? JSONObject()
            entries[key] = content
            object[field.name] = .object(entries)
        case .scalar, .message:
            guard let one = try json(value, field.type, depth) else { return }
            if isZero(one), !field.isRequired, !meantZeros.contains(field.name) { return }
            object[field.name] = one
        }
    }

    private static func isZero(_ value: JSONValue) -> Bool {
        value == .string("") || value == .integer(0) || value == .bool(false)
    }

    /// Nil for what JSON leaves out: the zero time.
    private static func json(
        _ value: ProtobufReader.Value, _ type: FieldType, _ depth: Int
    ) throws(APIError) -> JSONValue? {
        switch (type, value) {
        case (.list(let element), .bytes(let slice)):
            // A list as a map's value is a message with `items`.
            var elements: [JSONValue] = []
            var items = ProtobufReader(slice)
            while let (number, value) = try items.next() {
                if number == 1, let one = try json(value, element, depth) { elements.append(one) }
            }
            return .array(elements)
        case (.message(let message), .bytes(let slice)) where message.scalar == nil:
            var object = JSONObject()
            try read(slice, as: message, into: &object, depth: depth + 1)
            return .object(object)
        default:
            guard let scalar = type.scalar else { throw ProtobufReader.malformed }
            return try json(value, scalar, named: type.message)
        }
    }

    private static func json(
        _ value: ProtobufReader.Value, _ scalar: Scalar, named message: MessageType?
    ) throws(APIError) -> JSONValue? {
        switch (scalar, value) {
        case (.string, .bytes): return .string(try value.text())
        case (.int32, .varint(let number)), (.int64, .varint(let number)):
            return .integer(Int64(bitPattern: number))
        case (.bool, .varint(let number)): return .bool(number != 0)
        case (.double, .fixed64(let bits)): return Double(bitPattern: bits).field
        case (.bytes, .bytes(let slice)): return .string(Base64.encode(Array(slice)))
        case (.quantity, .bytes(let slice)): return .string(try texts(slice)[1] ?? "0")
        case (.time, .bytes(let slice)), (.microtime, .bytes(let slice)):
            let numbers = try integers(slice)
            guard let seconds = numbers[1] else { return nil }
            let time = Time(seconds: seconds, nanoseconds: Int32(truncatingIfNeeded: numbers[2] ?? 0))
            return scalar == .time ? time.field : MicroTime(time).field
        case (.intorstring, .bytes(let slice)):
            let numbers = try integers(slice)
            return numbers[1] == 1 ? .string(try texts(slice)[3] ?? "") : .integer(numbers[2] ?? 0)
        case (.any, .bytes(let slice)):
            guard message?.shortName.hasPrefix("JSONSchemaPropsOr") != true else {
                throw .badRequest("schemas of CustomResourceDefinitions in protobuf are not implemented: send JSON")
            }
            var reader = ProtobufReader(slice)
            while let (number, value) = try reader.next() {
                guard number == 1, case .bytes(let raw) = value else { continue }
                do { return try JSONParser.parse(raw) } catch { throw .badRequest("an embedded object is no JSON") }
            }
            return nil
        default: throw ProtobufReader.malformed
        }
    }

    private static func integers(_ bytes: ArraySlice<UInt8>) throws(APIError) -> [Int: Int64] {
        var found: [Int: Int64] = [:]
        var reader = ProtobufReader(bytes)
        while let (number, value) = try reader.next() {
            if case .varint(let integer) = value { found[number] = Int64(bitPattern: integer) }
        }
        return found
    }

    private static func texts(_ bytes: ArraySlice<UInt8>) throws(APIError) -> [Int: String] {
        var found: [Int: String] = [:]
        var reader = ProtobufReader(bytes)
        while let (number, value) = try reader.next() {
            if case .bytes = value { found[number] = try value.text() }
        }
        return found
    }
}
