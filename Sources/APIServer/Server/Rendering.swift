// From answers to bytes: as stored where that is what is asked for, converted, tabulated or as YAML otherwise.

import APISchema
import JSON
import KubeTypes
import NIOCore
import Storage

struct Rendering: Sendable {
    let schema: Schema
    let resource: ResourceType
    let storage: ResourceType
    let form: ResponseForm
    let now: Time
    var includeObject: Printer.IncludeObject = .metadata
    /// Whether whoever gets the values keeps them, as informers in this process do.
    var keepsValues = false

    /// Whether stored bytes can go out as they are.
    private var isVerbatim: Bool {
        form.view == .full && form.encoding == .json && !form.pretty && resource == storage
    }

    func body(of answer: Answer) throws(APIError) -> (code: Int, body: ByteBuffer) {
        switch answer {
        case .object(let object, let code):
            if isVerbatim {
                var buffer = ByteBufferAllocator().buffer(capacity: object.bytes.count + 1)
                buffer.writeBytes(object.bytes)
                buffer.writeInteger(UInt8(ascii: "\n"))
                return (code, buffer)
            }
            if form.encoding == .protobuf, form.view == .full { return (code, ByteBuffer(bytes: try protobuf(object))) }
            return (code, Self.encode(try value(of: object), form))
        case .value(let value, let code): return (code, Self.encode(value, form))
        case .list(let list):
            if isVerbatim { return (200, verbatim(list)) }
            if form.encoding == .protobuf, form.view == .full { return (200, try protobuf(list)) }
            return (200, Self.encode(try value(of: list), form))
        }
    }

    /// An object as the client wants to see it, before encoding.
    /// - Parameter withColumns: false from the second table of a watch on.
    func value(of object: CachedObject, withColumns: Bool = true) throws(APIError) -> JSONValue {
        switch form.view {
        case .full: return try present(object)
        case .partial(let version, false): return partial(object.transientValue, version)
        case .partial(_, true):
            throw .notAcceptable(
                "you requested PartialObjectMetadataList, but the requested object is not a list (\(resource.kind))")
        case .table(let version):
            return table(
                [try present(object)], ["resourceVersion": .string(String(object.revision))], version,
                withColumns: withColumns)
        }
    }

    private func present(_ object: CachedObject) throws(APIError) -> JSONValue {
        var value = keepsValues ? object.value : object.transientValue
        guard resource != storage else { return value }
        try schema.fromStorage(&value, to: resource)
        return value
    }

    private func partial(_ value: JSONValue, _ version: String) -> JSONValue {
        [
            "kind": "PartialObjectMetadata", "apiVersion": .string("meta.k8s.io/\(version)"),
            "metadata": value["metadata"] ?? [:],
        ]
    }

    private func table(
        _ objects: [JSONValue], _ metadata: JSONValue, _ version: String, withColumns: Bool = true
    ) -> JSONValue {
        Printer.table(
            of: objects, resource: resource, now: now, includeObject: includeObject, listMetadata: metadata,
            apiVersion: "meta.k8s.io/\(version)", withColumns: withColumns)
    }

    static func metadata(of list: ObjectList) -> JSONObject {
        var metadata: JSONObject = ["resourceVersion": .string(String(list.revision))]
        if let token = list.continueToken { metadata["continue"] = .string(token) }
        if let remaining = list.remaining { metadata["remainingItemCount"] = .integer(Int64(remaining)) }
        return metadata
    }

    func value(of list: ObjectList) throws(APIError) -> JSONValue {
        let metadata = JSONValue.object(Self.metadata(of: list))
        var items: [JSONValue] = []
        items.reserveCapacity(list.objects.count)
        switch form.view {
        case .full:
            for object in list.objects { items.append(try present(object)) }
            return [
                "kind": .string(resource.listKind), "apiVersion": .string(resource.apiVersion),
                "metadata": metadata, "items": .array(items),
            ]
        case .partial(_, false):
            throw .notAcceptable(
                "you requested PartialObjectMetadata, but the requested object is a list (\(resource.kind)List)")
        case .partial(let version, true):
            for object in list.objects { items.append(partial(object.transientValue, version)) }
            return [
                "kind": "PartialObjectMetadataList", "apiVersion": .string("meta.k8s.io/\(version)"),
                "metadata": metadata, "items": .array(items),
            ]
        case .table(let version):
            for object in list.objects { items.append(try present(object)) }
            return table(items, metadata, version)
        }
    }

    /// A list whose items are copied as they are stored.
    private func verbatim(_ list: ObjectList) -> ByteBuffer {
        let size = list.objects.reduce(256) { $0 + $1.bytes.count + 1 }
        var buffer = ByteBufferAllocator().buffer(capacity: size)
        buffer.writeString("{\"kind\":\"\(resource.listKind)\",\"apiVersion\":\"\(resource.apiVersion)\",\"metadata\":")
        buffer.writeBytes(JSONWriter.bytes(of: .object(Self.metadata(of: list))))
        buffer.writeString(",\"items\":[")
        var first = true
        for object in list.objects {
            if !first { buffer.writeInteger(UInt8(ascii: ",")) }
            first = false
            buffer.writeBytes(object.bytes)
        }
        buffer.writeString("]}\n")
        return buffer
    }

    static func encode(_ value: JSONValue, _ form: ResponseForm) -> ByteBuffer {
        switch form.encoding {
        case .yaml: return ByteBuffer(string: YAML.text(of: value))
        // What has no protobuf was refused by the negotiation: nothing but objects of the tables comes here.
        case .protobuf: return ByteBuffer(bytes: Schema.builtin.encodeProtobuf(value) ?? [])
        case .json:
            var bytes = form.pretty ? PrettyJSON.bytes(of: value) : JSONWriter.bytes(of: value)
            bytes.append(UInt8(ascii: "\n"))
            return ByteBuffer(bytes: bytes)
        }
    }

    // MARK: Protobuf

    /// An object's message without its envelope, made once for all that ask in its storage version.
    private func protobufBody(_ object: CachedObject, keep: Bool) throws(APIError) -> [UInt8] {
        guard resource == storage else { return schema.protobufBody(of: try present(object), as: resource.message) }
        return object.protobuf(keep: keep) { schema.protobufBody(of: $0, as: resource.message) }
    }

    private func protobuf(_ object: CachedObject, keep: Bool = false) throws(APIError) -> [UInt8] {
        schema.protobufEnvelope(
            apiVersion: resource.apiVersion, kind: resource.kind, body: try protobufBody(object, keep: keep))
    }

    private func protobuf(_ list: ObjectList) throws(APIError) -> ByteBuffer {
        var bodies: [[UInt8]] = []
        bodies.reserveCapacity(list.objects.count)
        for object in list.objects { bodies.append(try protobufBody(object, keep: false)) }
        return ByteBuffer(
            bytes: schema.protobufList(
                apiVersion: resource.apiVersion, kind: "\(resource.kind)List",
                metadata: .object(Self.metadata(of: list)), bodies: bodies))
    }

    // MARK: Watches

    /// Whether events are copied, and their objects' values left alone.
    var isVerbatimWatch: Bool { form.view == .full && resource == storage && form.encoding == .json }

    /// Appends an event of a watch.
    func write(_ event: WatchEvent, withColumns: Bool = true, to buffer: inout ByteBuffer) throws(APIError) {
        if form.encoding == .protobuf {
            let object =
                form.view == .full
                ? try protobuf(event.object, keep: true)
                : schema.encodeProtobuf(try value(of: event.object)) ?? []
            buffer.writeBytes(schema.protobufWatchFrame(type: event.kind.rawValue, object: object))
            return
        }
        buffer.writeString("{\"type\":\"\(event.kind.rawValue)\",\"object\":")
        if isVerbatimWatch {
            buffer.writeBytes(event.object.bytes)
        } else {
            buffer.writeBytes(JSONWriter.bytes(of: try value(of: event.object, withColumns: withColumns)))
        }
        buffer.writeString("}\n")
    }

    /// An event about something that is no stored object: a bookmark, an error.
    func event(_ type: String, _ object: JSONValue) -> ByteBuffer {
        if form.encoding == .protobuf {
            return ByteBuffer(
                bytes: schema.protobufWatchFrame(type: type, object: Schema.builtin.encodeProtobuf(object) ?? []))
        }
        var buffer = ByteBuffer(string: "{\"type\":\"\(type)\",\"object\":")
        buffer.writeBytes(JSONWriter.bytes(of: object))
        buffer.writeString("}\n")
        return buffer
    }

    /// The object of a bookmark: nothing but how far the watch has come.
    func bookmark(_ revision: Revision, initialEventsEnd: Bool, withColumns: Bool = true) -> JSONValue {
        var metadata: JSONObject = ["resourceVersion": .string(String(revision)), "creationTimestamp": .null]
        if initialEventsEnd { metadata["annotations"] = ["k8s.io/initial-events-end": "true"] }
        let object: JSONValue = [
            "kind": .string(resource.kind), "apiVersion": .string(resource.apiVersion), "metadata": .object(metadata),
        ]
        switch form.view {
        case .full: return object
        case .partial(let version, _): return partial(object, version)
        case .table(let version):
            return table(
                [object], ["resourceVersion": .string(String(revision))], version, withColumns: withColumns)
        }
    }
}

/// JSON for people: two spaces, one field a line.
enum PrettyJSON {
    static func bytes(of value: JSONValue) -> [UInt8] {
        var bytes: [UInt8] = []
        write(value, indent: 0, to: &bytes)
        return bytes
    }

    private static func write(_ value: JSONValue, indent: Int, to bytes: inout [UInt8]) {
        func newline(_ depth: Int) {
            bytes.append(UInt8(ascii: "\n"))
            bytes.append(contentsOf: repeatElement(UInt8(ascii: " "), count: depth * 2))
        }
        switch value {
        case .object(let object) where !object.isEmpty:
            bytes.append(UInt8(ascii: "{"))
            for (index, field) in object.enumerated() {
                if index > 0 { bytes.append(UInt8(ascii: ",")) }
                newline(indent + 1)
                bytes.append(contentsOf: JSONWriter.bytes(of: .string(field.key)))
                bytes.append(contentsOf: ": ".utf8)
                write(field.value, indent: indent + 1, to: &bytes)
            }
            newline(indent)
            bytes.append(UInt8(ascii: "}"))
        case .array(let array) where !array.isEmpty:
            bytes.append(UInt8(ascii: "["))
            for (index, element) in array.enumerated() {
                if index > 0 { bytes.append(UInt8(ascii: ",")) }
                newline(indent + 1)
                write(element, indent: indent + 1, to: &bytes)
            }
            newline(indent)
            bytes.append(UInt8(ascii: "]"))
        default: bytes.append(contentsOf: JSONWriter.bytes(of: value))
        }
    }
}
