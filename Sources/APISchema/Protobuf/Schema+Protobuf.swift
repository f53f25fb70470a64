// The API's protobuf form of objects (`application/vnd.kubernetes.protobuf`), which typed clients written in Go prefer:
// the magic `k8s\0`, then a `runtime.Unknown` with apiVersion and kind and, as bytes, the object's message. What is
// embedded in a watch's events is the same.

import JSON
import KubeTypes

extension Schema {
    public static let protobufMediaType = "application/vnd.kubernetes.protobuf"

    /// `k8s\0`
    static let protobufMagic: [UInt8] = [0x6b, 0x38, 0x73, 0x00]

    /// Reads an object with its envelope.
    /// - Parameter expected: the apiVersion and kind of an object that says nothing of them.
    /// - Throws: 400 where the bytes are no such message, or hold a kind or a part that cannot be read.
    public func decodeProtobuf(
        _ bytes: some Collection<UInt8>, expected: (apiVersion: String, kind: String)? = nil
    ) throws(APIError) -> JSONValue {
        let bytes = Array(bytes)
        guard bytes.starts(with: Self.protobufMagic) else {
            throw .badRequest("the body is no Kubernetes protobuf: it lacks the prefix \"k8s\\0\"")
        }
        var apiVersion = ""
        var kind = ""
        var raw = 0..<0
        var unknown = ProtobufReader(bytes, 4..<bytes.count)
        while let (number, value) = try unknown.next() {
            switch (number, value) {
            case (1, .bytes):
                var typeMeta = try unknown.message(value)
                while let (number, value) = try typeMeta.next() {
                    if number == 1 { apiVersion = try typeMeta.text(value) }
                    if number == 2 { kind = try typeMeta.text(value) }
                }
            case (2, .bytes(let range)): raw = range
            default: break
            }
        }
        if let expected {
            if apiVersion.isEmpty { apiVersion = expected.apiVersion }
            if kind.isEmpty { kind = expected.kind }
        }
        guard let message = protobufMessage(apiVersion: apiVersion, kind: kind) else {
            throw .badRequest("no kind \"\(kind)\" is registered for version \"\(apiVersion)\"")
        }
        var decoder = ProtobufDecoder()
        let fields = try decoder.object(ProtobufReader(bytes, raw), as: message)
        var object: JSONObject = ["kind": .string(kind), "apiVersion": .string(apiVersion)]
        for (key, value) in fields where key != "kind" && key != "apiVersion" { object[key] = value }
        return .object(object)
    }

    /// The message of a kind; nil for kinds without protobuf: custom resources, `Table`.
    func protobufMessage(apiVersion: String, kind: String) -> MessageType? {
        let slash = apiVersion.firstIndex(of: "/")
        let wanted = GroupVersionKind(
            group: slash.map { String(apiVersion[..<$0]) } ?? "",
            version: slash.map { String(apiVersion[apiVersion.index(after: $0)...]) } ?? apiVersion, kind: kind)
        // Options and `Status` belong to every group and version.
        return ProtobufKinds.messages[wanted] ?? (apiVersion.isEmpty ? nil : ProtobufKinds.everywhere[kind])
    }

    /// Whether objects of `resource` have a protobuf form.
    public func hasProtobuf(_ resource: ResourceType) -> Bool { resource.message.hasProtobuf }

    /// An object with its envelope; nil if its kind has no protobuf form.
    public func encodeProtobuf(_ value: JSONValue) -> [UInt8]? {
        let apiVersion = value["apiVersion"]?.stringValue ?? ""
        let kind = value["kind"]?.stringValue ?? ""
        guard let object = value.objectValue else { return nil }
        var output = ProtobufOutput(reserving: 2048)
        if let message = protobufMessage(apiVersion: apiVersion, kind: kind) {
            Self.writeEnvelope(apiVersion: apiVersion, kind: kind, to: &output) { output in
                ProtobufEncoder.write(object, as: message, to: &output)
            }
        } else if apiVersion.hasPrefix("meta.k8s.io/"), kind == "PartialObjectMetadata" {
            Self.writeEnvelope(apiVersion: apiVersion, kind: kind, to: &output) { output in
                Self.writePartial(value, to: &output)
            }
        } else if apiVersion.hasPrefix("meta.k8s.io/"), kind == "PartialObjectMetadataList" {
            Self.writeEnvelope(apiVersion: apiVersion, kind: kind, to: &output) { output in
                for item in (value["items"]?.arrayValue ?? []).reversed() {
                    let mark = output.count
                    Self.writePartial(item, to: &output)
                    output.write(lengthSince: mark)
                    output.write(varint: 2 << 3 | 2)
                }
                Self.writeListMetadata(value["metadata"], to: &output)
            }
        } else {
            return nil
        }
        return output.bytes
    }

    /// An object of `message` without its envelope: an item of a list.
    public func protobufBody(of value: JSONValue, as message: MessageType) -> [UInt8] {
        var output = ProtobufOutput(reserving: 2048)
        ProtobufEncoder.write(value.objectValue ?? JSONObject(), as: message, to: &output)
        return output.bytes
    }

    /// A body as `protobufBody` makes it in the envelope of its kind.
    public func protobufEnvelope(apiVersion: String, kind: String, body: [UInt8]) -> [UInt8] {
        var output = ProtobufOutput(reserving: body.count + 128)
        Self.writeEnvelope(apiVersion: apiVersion, kind: kind, to: &output) { $0.write(body) }
        return output.bytes
    }

    /// A list whose items are encoded already. All lists have their metadata as field 1 and their items as field 2.
    public func protobufList(
        apiVersion: String, kind: String, metadata: JSONValue, bodies: some BidirectionalCollection<[UInt8]>
    ) -> [UInt8] {
        var output = ProtobufOutput(reserving: bodies.reduce(256) { $0 + $1.count + 8 })
        Self.writeEnvelope(apiVersion: apiVersion, kind: kind, to: &output) { output in
            for body in bodies.reversed() {
                output.write(body)
                output.write(varint: UInt64(body.count))
                output.write(varint: 2 << 3 | 2)
            }
            Self.writeListMetadata(metadata, to: &output)
        }
        return output.bytes
    }

    /// A frame of a watch: the length of a `WatchEvent`, and the event, whose object is in its envelope.
    public func protobufWatchFrame(type: String, object: [UInt8]) -> [UInt8] {
        var output = ProtobufOutput(reserving: object.count + 64)
        // RawExtension.raw
        output.write(object)
        output.write(varint: UInt64(object.count))
        output.write(varint: 1 << 3 | 2)
        output.write(lengthSince: 0)
        output.write(varint: 2 << 3 | 2)
        output.write(type, field: 1)
        output.write(bigEndian: UInt32(output.count))
        return output.bytes
    }

    private static func writeEnvelope(
        apiVersion: String, kind: String, to output: inout ProtobufOutput, _ body: (inout ProtobufOutput) -> Void
    ) {
        // contentEncoding and contentType, which are empty.
        output.write("", field: 4)
        output.write("", field: 3)
        var mark = output.count
        body(&output)
        output.write(lengthSince: mark)
        output.write(varint: 2 << 3 | 2)
        mark = output.count
        output.write(kind, field: 2)
        output.write(apiVersion, field: 1)
        output.write(lengthSince: mark)
        output.write(varint: 1 << 3 | 2)
        output.write(protobufMagic)
    }

    private static func writePartial(_ value: JSONValue, to output: inout ProtobufOutput) {
        write(value["metadata"], as: ProtobufKinds.objectMeta, to: &output)
    }

    private static func writeListMetadata(_ metadata: JSONValue?, to output: inout ProtobufOutput) {
        write(metadata, as: ProtobufKinds.listMeta, to: &output)
    }

    /// As field 1.
    private static func write(_ value: JSONValue?, as message: MessageType?, to output: inout ProtobufOutput) {
        guard let message else { return }
        let mark = output.count
        ProtobufEncoder.write(value?.objectValue ?? JSONObject(), as: message, to: &output)
        output.write(lengthSince: mark)
        output.write(varint: 1 << 3 | 2)
    }
}

/// The kinds that have protobuf: those of the tables.
private enum ProtobufKinds {
    static let messages: [GroupVersionKind: MessageType] = {
        var messages: [GroupVersionKind: MessageType] = [:]
        for message in Schema.builtin.messages where message.package != "meta/v1" {
            for kind in message.kinds { messages[kind] = message }
        }
        return messages
    }()

    /// Kinds of meta/v1, which each group has as its own.
    static let everywhere: [String: MessageType] = {
        var messages: [String: MessageType] = [:]
        for message in Schema.builtin.messages where message.package == "meta/v1" && !message.kinds.isEmpty {
            messages[message.shortName] = message
        }
        return messages
    }()

    static let objectMeta = Schema.builtin.message("meta/v1.ObjectMeta")
    static let listMeta = Schema.builtin.message("meta/v1.ListMeta")
}
