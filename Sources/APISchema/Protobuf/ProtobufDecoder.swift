// From messages to the JSON that Go's encoder would make of them: a zero is left out where Go leaves it out, and kept
// where it was meant, because the field is a pointer, or is always shown.

import JSON
import KubeTypes

struct ProtobufDecoder {
    /// How deep messages may nest.
    static let depthLimit = 200
    private var depth = 0

    /// The fields of a message.
    mutating func object(_ reader: ProtobufReader, as message: MessageType) throws(APIError) -> JSONObject {
        var object = JSONObject()
        try read(reader, as: message, into: &object)
        return object
    }

    /// Adds the fields of a message to what an earlier occurrence of the same field held: messages merge. What is there
    /// is moved, never copied, so that many occurrences cost no more than their bytes.
    private mutating func read(
        _ reader: ProtobufReader, as message: MessageType, into object: inout JSONObject
    ) throws(APIError) {
        guard depth < Self.depthLimit else {
            throw .badRequest("the body nests deeper than \(Self.depthLimit) messages")
        }
        depth += 1
        defer { depth -= 1 }
        let layout = ProtobufLayout.of(message)
        var values = [JSONValue?](repeating: nil, count: layout.fields.count)
        if !object.isEmpty {
            for (position, field) in layout.fields.enumerated() {
                values[position] = object.removeValue(forKey: field.name)
            }
        }
        try read(reader, layout.members, into: &values)
        for (position, field) in layout.fields.enumerated() {
            guard let value = values[position] else { continue }
            values[position] = nil
            if !field.isPointer, !field.showsZero, Self.isZero(value) { continue }
            object[field.name] = value
        }
    }

    private mutating func read(
        _ reader: ProtobufReader, _ members: ProtobufLayout.Members, into values: inout [JSONValue?]
    ) throws(APIError) {
        var reader = reader
        while let (number, value) = try reader.next() {
            guard let slot = members[number] else { continue }
            guard slot.field != nil else {
                depth += 1
                defer { depth -= 1 }
                try read(try reader.message(value), slot.embedded, into: &values)
                continue
            }
            try add(value, slot.form, to: &values[slot.position], reader)
        }
    }

    private static func isZero(_ value: JSONValue) -> Bool {
        switch value {
        case .string(let text): text.isEmpty
        case .integer(0), .bool(false): true
        default: false
        }
    }

    /// Adds one more occurrence of a field to what it held; nil is what JSON leaves out, the zero time.
    private mutating func add(
        _ value: ProtobufReader.Value, _ form: ProtobufForm, to target: inout JSONValue?, _ reader: ProtobufReader
    ) throws(APIError) {
        switch form {
        case .list(let element):
            var elements = Self.takeArray(&target)
            if case .bytes(let range) = value, element.wireType == 0 {
                var packed = ProtobufReader(reader.bytes, range)
                while !packed.isAtEnd {
                    elements.append(try json(.varint(packed.varint()), element, packed) ?? .null)
                }
            } else {
                elements.append(try json(value, element, reader) ?? .null)
            }
            target = .array(elements)
        case .map(let element):
            var entries = Self.takeObject(&target)
            var entry = try reader.message(value)
            var key = ""
            var content: JSONValue?
            while let (number, value) = try entry.next() {
                if number == 1 { key = try entry.text(value) }
                if number == 2 { content = try json(value, element, entry) }
            }
            entries[key] = content ?? Self.zero(element)
            target = .object(entries)
        case .message(let message):
            var object = Self.takeObject(&target)
            try read(try reader.message(value), as: message, into: &object)
            target = .object(object)
        default: target = try json(value, form, reader)
        }
    }

    private static func takeArray(_ value: inout JSONValue?) -> [JSONValue] {
        guard case .array(let elements)? = value else { return [] }
        value = nil
        return elements
    }

    private static func takeObject(_ value: inout JSONValue?) -> JSONObject {
        guard case .object(let object)? = value else { return JSONObject() }
        value = nil
        return object
    }

    private static func zero(_ form: ProtobufForm) -> JSONValue {
        switch form {
        case .string, .bytes: ""
        case .integer, .intOrString, .double: 0
        case .bool: false
        case .quantity: "0"
        case .items, .list: []
        case .time, .microtime, .raw: .null
        default: [:]
        }
    }

    private mutating func json(
        _ value: ProtobufReader.Value, _ form: ProtobufForm, _ reader: ProtobufReader
    ) throws(APIError) -> JSONValue? {
        switch (form, value) {
        case (.string, .bytes): return .string(try reader.text(value))
        case (.integer, .varint(let number)): return .integer(Int64(bitPattern: number))
        case (.bool, .varint(let number)): return .bool(number != 0)
        case (.double, .fixed64(let bits)):
            let double = Double(bitPattern: bits)
            guard double.isFinite else { throw .badRequest("the body holds a number that JSON cannot write") }
            return double.field
        case (.bytes, .bytes(let range)): return .string(Base64.encode(Array(reader.bytes[range])))
        case (.quantity, .bytes): return .string(try parts(value, reader).texts[1] ?? "0")
        case (.time, .bytes), (.microtime, .bytes): return try time(value, form, reader)
        case (.intOrString, .bytes):
            let (integers, texts) = try parts(value, reader)
            if integers[1] == 1 { return .string(texts[3] ?? "") }
            guard let integer = Int32(exactly: integers[2] ?? 0) else { throw ProtobufReader.malformed }
            return .integer(Int64(integer))
        case (.raw, .bytes): return try raw(value, reader)
        case (.message(let message), .bytes): return .object(try object(try reader.message(value), as: message))
        case (.items(let element), .bytes):
            var items = try reader.message(value)
            var elements: [JSONValue] = []
            while let (number, value) = try items.next() {
                if number == 1, let one = try json(value, element, items) { elements.append(one) }
            }
            return .array(elements)
        case (.schemaOrArray(let schema), .bytes):
            return try alternatives(value, reader, schema: 1, .message(schema), element: .message(schema))
        case (.schemaOrStringArray(let schema), .bytes):
            return try alternatives(value, reader, schema: 1, .message(schema), element: .string)
        case (.schemaOrBool(let schema), .bytes):
            return try alternatives(value, reader, schema: 2, .message(schema), element: nil)
        default: throw ProtobufReader.malformed
        }
    }

    /// Nil for the zero time, and for what lies outside the years that RFC 3339 can write.
    private func time(
        _ value: ProtobufReader.Value, _ form: ProtobufForm, _ reader: ProtobufReader
    ) throws(APIError) -> JSONValue? {
        let integers = try parts(value, reader).integers
        guard let seconds = integers[1] else { return nil }
        // From year 1 to year 9999.
        guard seconds >= -62_135_596_800, seconds < 253_402_300_800 else { throw ProtobufReader.malformed }
        let nanoseconds = integers[2] ?? 0
        guard (0..<1_000_000_000).contains(nanoseconds) else { throw ProtobufReader.malformed }
        let time = Time(seconds: seconds, nanoseconds: Int32(nanoseconds))
        if case .microtime = form { return MicroTime(time).field }
        return time.field
    }

    /// The JSON in a `RawExtension`: as it is, or itself in protobuf's envelope.
    private func raw(_ value: ProtobufReader.Value, _ reader: ProtobufReader) throws(APIError) -> JSONValue? {
        var message = try reader.message(value)
        var content: JSONValue?
        while let (number, value) = try message.next() {
            guard number == 1, case .bytes(let range) = value, !range.isEmpty else { continue }
            do throws(JSONError) {
                content = try JSONParser.parse(reader.bytes[range], limits: .init(depth: Self.depthLimit))
            } catch {
                throw .badRequest("an embedded object is no JSON: \(error)")
            }
        }
        return content
    }

    /// A schema, or what may stand in its place: a list of schemas or of names (field 2), or, without an element's form,
    /// whether anything is allowed (field 1).
    private mutating func alternatives(
        _ value: ProtobufReader.Value, _ reader: ProtobufReader, schema schemaNumber: Int, _ schema: ProtobufForm,
        element: ProtobufForm?
    ) throws(APIError) -> JSONValue? {
        var message = try reader.message(value)
        var elements: [JSONValue] = []
        var allows = false
        var found: JSONValue?
        while let (number, value) = try message.next() {
            if number == schemaNumber {
                try add(value, schema, to: &found, message)
            } else if let element, number == 2 {
                elements.append(try json(value, element, message) ?? .null)
            } else if number == 1, case .varint(let number) = value {
                allows = number != 0
            }
        }
        if let found { return found }
        return element == nil ? .bool(allows) : .array(elements)
    }

    /// The integers and texts of a small message by number.
    private func parts(
        _ value: ProtobufReader.Value, _ reader: ProtobufReader
    ) throws(APIError) -> (integers: [Int: Int64], texts: [Int: String]) {
        var integers: [Int: Int64] = [:]
        var texts: [Int: String] = [:]
        var message = try reader.message(value)
        while let (number, value) = try message.next() {
            switch value {
            case .varint(let integer) where number < 16: integers[number] = Int64(bitPattern: integer)
            case .bytes where number < 16: texts[number] = try message.text(value)
            default: continue
            }
        }
        return (integers, texts)
    }
}
