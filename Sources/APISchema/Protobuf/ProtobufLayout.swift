// How a message lies on the wire: its fields by number, embedded messages among them, computed from the table once.

import Synchronization

/// The protobuf form of a value.
indirect enum ProtobufForm: Sendable {
    case string, integer, bool, double, bytes
    /// `Quantity`: a message around its text.
    case quantity
    /// `Time` and `MicroTime`: messages of seconds and nanoseconds, empty for the zero time.
    case time, microtime
    case intOrString
    /// `RawExtension`, `JSON` and `FieldsV1`: a message around the bytes of a JSON value.
    case raw
    /// `JSONSchemaPropsOrArray`, `…OrBool`, `…OrStringArray`: messages of alternatives, one of them this message.
    case schemaOrArray(MessageType)
    case schemaOrBool(MessageType)
    case schemaOrStringArray(MessageType)
    case message(MessageType)
    /// A repeated field.
    case list(ProtobufForm)
    /// Repeated entries of key and value.
    case map(ProtobufForm)
    /// A list in a message of its own (`Verbs`, `ExtraValue`), where protobuf cannot repeat.
    case items(ProtobufForm)

    /// The wire type of one value.
    var wireType: UInt64 {
        switch self {
        case .integer, .bool: 0
        case .double: 1
        case .list(let element): element.wireType
        default: 2
        }
    }

    /// - Parameter owner: the message that has a field of this type.
    init(_ type: FieldType, owner: MessageType, isElement: Bool = false) {
        switch type {
        case .scalar(let scalar): self.init(scalar)
        case .message(let message):
            switch message.scalar {
            case nil: self = .message(message)
            case .any?:
                switch message.shortName {
                case "JSONSchemaPropsOrArray": self = .schemaOrArray(owner)
                case "JSONSchemaPropsOrBool": self = .schemaOrBool(owner)
                case "JSONSchemaPropsOrStringArray": self = .schemaOrStringArray(owner)
                default: self = .raw
                }
            case let scalar?: self.init(scalar)
            }
        case .list(let element):
            let element = ProtobufForm(element, owner: owner, isElement: true)
            self = isElement ? .items(element) : .list(element)
        case .map(let element): self = .map(ProtobufForm(element, owner: owner, isElement: true))
        }
    }

    private init(_ scalar: Scalar) {
        switch scalar {
        case .string: self = .string
        case .int32, .int64: self = .integer
        case .bool: self = .bool
        case .double: self = .double
        case .bytes: self = .bytes
        case .quantity: self = .quantity
        case .time: self = .time
        case .microtime: self = .microtime
        case .intorstring: self = .intOrString
        case .any: self = .raw
        }
    }
}

/// The fields of a message on the wire.
final class ProtobufLayout: Sendable {
    /// A field, or a message that Go embeds: in JSON its fields stand among the others.
    struct Slot: Sendable {
        let number: Int
        /// Number and wire type, as written before the value.
        let tag: UInt64
        /// Nil for an embedded message.
        let field: Field?
        let form: ProtobufForm
        /// Where the field's value is kept while a message is decoded.
        let position: Int
        let embedded: Members
    }

    struct Members: Sendable {
        /// The highest number first, as a message is written from its end.
        let descending: [Slot]
        /// Positions in `descending` by field number; -1 for numbers that mean nothing.
        let byNumber: [Int8]

        static let none = Members([])

        init(_ slots: [Slot]) {
            descending = slots.sorted { $0.number > $1.number }
            var byNumber = [Int8](repeating: -1, count: (descending.first?.number ?? -1) + 1)
            for (position, slot) in descending.enumerated() { byNumber[slot.number] = Int8(position) }
            self.byNumber = byNumber
        }

        subscript(number: Int) -> Slot? {
            guard number < byNumber.count, byNumber[number] >= 0 else { return nil }
            return descending[Int(byNumber[number])]
        }
    }

    let members: Members
    /// The fields by `Slot.position`: in the order of their numbers.
    let fields: [Field]

    private init(_ message: MessageType) {
        var fields: [Field] = []
        members = Self.members(of: message.fields.filter { !$0.path.isEmpty }, depth: 0, in: message, &fields)
        self.fields = fields
    }

    private static func members(
        of fields: [Field], depth: Int, in message: MessageType, _ all: inout [Field]
    ) -> Members {
        var slots: [Slot] = []
        for (number, group) in Dictionary(grouping: fields, by: { $0.path[depth] }).sorted(by: { $0.key < $1.key }) {
            if let field = group.first, field.path.count == depth + 1 {
                precondition(group.count == 1, "\(message.name): two fields have the number \(number)")
                let form =
                    field.protobufType == "Verbs"
                    ? ProtobufForm.items(.string) : ProtobufForm(field.type, owner: message)
                slots.append(
                    Slot(
                        number: number, tag: UInt64(number) << 3 | form.wireType, field: field, form: form,
                        position: all.count, embedded: .none))
                all.append(field)
            } else {
                slots.append(
                    Slot(
                        number: number, tag: UInt64(number) << 3 | 2, field: nil, form: .message(message),
                        position: -1, embedded: members(of: group, depth: depth + 1, in: message, &all)))
            }
        }
        return Members(slots)
    }

    /// The layout of `message`, made when it is first asked for.
    static func of(_ message: MessageType) -> ProtobufLayout {
        message.layout.load() ?? message.layout.storeIfNil(ProtobufLayout(message))
    }
}

extension MessageType {
    /// Whether the table knows a protobuf form of it; custom resources have none.
    public var hasProtobuf: Bool { !ProtobufLayout.of(self).fields.isEmpty }
}
