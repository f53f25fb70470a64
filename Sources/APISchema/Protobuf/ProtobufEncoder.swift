// From JSON to messages, by the table: straight into bytes, as Go's generated code writes them. That writes every field
// that is no pointer, zero or not, and map entries ordered by key; so does this, and the bytes are the same.

import JSON
import KubeTypes

enum ProtobufEncoder {
    /// The message's fields, without tag or length.
    static func write(_ object: JSONObject, as message: MessageType, to output: inout ProtobufOutput) {
        write(object, ProtobufLayout.of(message).members.descending, to: &output)
    }

    private static func write(
        _ object: JSONObject, _ slots: [ProtobufLayout.Slot], to output: inout ProtobufOutput
    ) {
        for slot in slots {
            guard let field = slot.field else {
                let mark = output.count
                write(object, slot.embedded.descending, to: &output)
                output.write(lengthSince: mark)
                output.write(varint: slot.tag)
                continue
            }
            write(object[field.name] ?? .null, slot, isPointer: field.isPointer, to: &output)
        }
    }

    private static func write(
        _ value: JSONValue, _ slot: ProtobufLayout.Slot, isPointer: Bool, to output: inout ProtobufOutput
    ) {
        switch slot.form {
        case .list(let element):
            guard case .array(let elements) = value else { return }
            for one in elements.reversed() {
                write(one, element, to: &output)
                output.write(varint: slot.tag)
            }
        case .map(let element):
            guard case .object(let entries) = value else { return }
            for (key, one) in entries.sorted(by: { $0.key > $1.key }) {
                let mark = output.count
                write(one, element, to: &output)
                output.write(varint: 2 << 3 | element.wireType)
                output.write(key, field: 1)
                output.write(lengthSince: mark)
                output.write(varint: slot.tag)
            }
        case .bytes where value.isNull: return
        case .items where value.isNull: return
        default:
            if isPointer, value.isNull { return }
            write(value, slot.form, to: &output)
            output.write(varint: slot.tag)
        }
    }

    /// One value, with its length where its form has one; null is the zero value.
    private static func write(_ value: JSONValue, _ form: ProtobufForm, to output: inout ProtobufOutput) {
        switch form {
        case .integer:
            output.write(varint: UInt64(bitPattern: value.integerValue ?? 0))
            return
        case .bool:
            output.write(varint: value.boolValue == true ? 1 : 0)
            return
        case .double:
            output.write(fixed64: (value.doubleValue ?? 0).bitPattern)
            return
        default: break
        }
        let mark = output.count
        writeContent(value, form, to: &output)
        output.write(lengthSince: mark)
    }

    private static func writeContent(_ value: JSONValue, _ form: ProtobufForm, to output: inout ProtobufOutput) {
        switch form {
        case .string: output.write(value.stringValue ?? "")
        case .bytes: output.write(Base64.decode(value.stringValue ?? "") ?? [])
        case .quantity: output.write(Quantity(field: value)?.text ?? "0", field: 1)
        case .time, .microtime: writeTime(value, form, to: &output)
        case .intOrString:
            let text = value.stringValue
            output.write(text ?? "", field: 3)
            output.write(value.integerValue ?? 0, field: 2)
            output.write(text == nil ? 0 : 1, field: 1)
        case .raw:
            if value.isNull { return }
            let mark = output.count
            output.write(JSONWriter.bytes(of: value))
            output.write(lengthSince: mark)
            output.write(varint: 1 << 3 | 2)
        case .message(let message): write(value.objectValue ?? JSONObject(), as: message, to: &output)
        case .items(let element):
            for one in (value.arrayValue ?? []).reversed() {
                write(one, element, to: &output)
                output.write(varint: 1 << 3 | element.wireType)
            }
        case .schemaOrArray(let schema):
            for one in (value.arrayValue ?? []).reversed() { write(one, schema, field: 2, to: &output) }
            if case .object = value { write(value, schema, field: 1, to: &output) }
        case .schemaOrStringArray(let schema):
            for one in (value.arrayValue ?? []).reversed() { output.write(one.stringValue ?? "", field: 2) }
            if case .object = value { write(value, schema, field: 1, to: &output) }
        case .schemaOrBool(let schema):
            if case .object = value { write(value, schema, field: 2, to: &output) }
            output.write(value.boolValue == false || value.isNull ? 0 : 1, field: 1)
        case .integer, .bool, .double, .list, .map: break
        }
    }

    private static func write(
        _ value: JSONValue, _ message: MessageType, field number: UInt64, to output: inout ProtobufOutput
    ) {
        write(value, .message(message), to: &output)
        output.write(varint: number << 3 | 2)
    }

    /// Seconds and, of a `MicroTime`, nanoseconds; nothing for the zero time.
    private static func writeTime(_ value: JSONValue, _ form: ProtobufForm, to output: inout ProtobufOutput) {
        guard let time = Time(field: value) else { return }
        var nanoseconds: Int64 = 0
        if case .microtime = form { nanoseconds = Int64(time.nanoseconds / 1000 * 1000) }
        output.write(nanoseconds, field: 2)
        output.write(time.seconds, field: 1)
    }
}
