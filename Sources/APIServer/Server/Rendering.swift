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
            return (code, Self.encode(try value(of: object), form))
        case .value(let value, let code): return (code, Self.encode(value, form))
        case .list(let list):
            if isVerbatim { return (200, verbatim(list)) }
            return (200, Self.encode(try value(of: list), form))
        }
    }

    /// An object as the client wants to see it, before encoding.
    func value(of object: CachedObject) throws(APIError) -> JSONValue {
        switch form.view {
        case .full: return try present(object)
        case .partial(let version): return partial(object.value, version)
        case .table(let version):
            return table([try present(object)], ["resourceVersion": .string(String(object.revision))], version)
        }
    }

    private func present(_ object: CachedObject) throws(APIError) -> JSONValue {
        guard resource != storage else { return object.value }
        var value = object.value
        try schema.fromStorage(&value, to: resource)
        return value
    }

    private func partial(_ value: JSONValue, _ version: String) -> JSONValue {
        [
            "kind": "PartialObjectMetadata", "apiVersion": .string("meta.k8s.io/\(version)"),
            "metadata": value["metadata"] ?? [:],
        ]
    }

    private func table(_ objects: [JSONValue], _ metadata: JSONValue, _ version: String) -> JSONValue {
        var table = Printer.table(
            of: objects, resource: resource, now: now, includeObject: includeObject, listMetadata: metadata)
        table["apiVersion"] = .string("meta.k8s.io/\(version)")
        return table
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
        case .partial(let version):
            for object in list.objects { items.append(partial(object.value, version)) }
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
        case .json:
            var bytes = form.pretty ? PrettyJSON.bytes(of: value) : JSONWriter.bytes(of: value)
            bytes.append(UInt8(ascii: "\n"))
            return ByteBuffer(bytes: bytes)
        }
    }

    // MARK: Watches

    /// Whether events are copied, and their objects' values left alone.
    var isVerbatimWatch: Bool { form.view == .full && resource == storage }

    /// Appends one line of a watch.
    func write(_ event: WatchEvent, to buffer: inout ByteBuffer) throws(APIError) {
        buffer.writeString("{\"type\":\"\(event.kind.rawValue)\",\"object\":")
        if isVerbatimWatch {
            buffer.writeBytes(event.object.bytes)
        } else {
            buffer.writeBytes(JSONWriter.bytes(of: try value(of: event.object)))
        }
        buffer.writeString("}\n")
    }

    /// The object of a bookmark: nothing but how far the watch has come.
    func bookmark(_ revision: Revision, initialEventsEnd: Bool) -> JSONValue {
        var metadata: JSONObject = ["resourceVersion": .string(String(revision)), "creationTimestamp": .null]
        if initialEventsEnd { metadata["annotations"] = ["k8s.io/initial-events-end": "true"] }
        let object: JSONValue = [
            "kind": .string(resource.kind), "apiVersion": .string(resource.apiVersion), "metadata": .object(metadata),
        ]
        switch form.view {
        case .full: return object
        case .partial(let version): return partial(object, version)
        case .table(let version): return table([object], ["resourceVersion": .string(String(revision))], version)
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
