import JSON

/// Reads types.table (its header describes the notation): first every message by name, then their fields, which may
/// refer to any message.
enum TypeTable {
    struct Messages {
        var all: [MessageType] = []
        var byName: [String: MessageType] = [:]
    }

    /// A message and the lines that say what is in it.
    private struct Draft {
        let message: MessageType
        let body: [TableLine]
        /// The group and version that its kinds get instead of those written.
        let kindsIn: (group: String, version: String)?
    }

    private struct Package {
        let alias: String
        let openAPI: String
        let protobuf: String
    }

    static func parse(_ texts: [TableText]) -> Messages {
        var result = Messages()
        result.byName.reserveCapacity(1024)
        var drafts: [String: Draft] = [:]
        for text in texts { readMessages(of: text, into: &result, &drafts) }
        for message in result.all where message.fields.isEmpty { fill(message, drafts, result.byName) }
        return result
    }

    private static func readMessages(
        of text: TableText, into result: inout Messages, _ drafts: inout [String: Draft]
    ) {
        var package = Package(alias: "", openAPI: "", protobuf: "")
        var current: MessageType?
        var body: [TableLine] = []
        func finish() {
            if let current { drafts[current.name] = Draft(message: current, body: body, kindsIn: nil) }
            current = nil
            body = []
        }
        func add(_ name: String, scalar: Scalar? = nil, atomic: Bool = false, origin: String? = nil) -> MessageType {
            let message = MessageType(
                name: qualified(name, in: package.alias), package: package.alias, shortName: name,
                openAPIPackage: package.openAPI, protobufPackage: package.protobuf, scalar: scalar, isAtomic: atomic,
                origin: origin)
            precondition(result.byName[message.name] == nil, "\(text.name): \(message.name) appears twice")
            result.all.append(message)
            result.byName[message.name] = message
            return message
        }
        for line in TableLines(text) {
            if line.isIndented {
                body.append(line)
                continue
            }
            finish()
            switch line[0] {
            case let word where word == "package":
                let openAPI = line[2].string
                package = Package(
                    alias: line[1].string, openAPI: openAPI,
                    protobuf: line.words.count > 3 ? line[3].string : protobufPackage(of: openAPI))
            case let word where word == "scalar":
                guard let scalar = Scalar(rawValue: line[2].string) else {
                    preconditionFailure("\(text.name):\(line.number): unknown scalar")
                }
                _ = add(line[1].string, scalar: scalar)
            case let word where word == "message":
                current = add(line[1].string, atomic: line.words.count > 2 && line[2] == "atomic")
            case let word where word == "copy":
                let groupVersion = line[2].split(UInt8(ascii: "/"))
                for name in line.words[3...] {
                    guard let draft = drafts["\(line[1].string).\(name.string)"] else {
                        preconditionFailure("\(text.name):\(line.number): nothing to copy")
                    }
                    let copy = add(name.string, atomic: draft.message.isAtomic, origin: draft.message.name)
                    drafts[copy.name] = Draft(
                        message: copy, body: draft.body, kindsIn: (groupVersion[0].string, groupVersion[1].string))
                }
            default: preconditionFailure("\(text.name):\(line.number): not understood")
            }
        }
        finish()
    }

    private static func qualified(_ name: String, in package: String) -> String {
        var text = package
        text += "."
        text += name
        return text
    }

    /// `io.k8s.api.core.v1` → `k8s.io.api.core.v1`
    private static func protobufPackage(of openAPI: String) -> String {
        var parts = openAPI.split(separator: ".")
        if parts.count > 1 { parts.swapAt(0, 1) }
        return parts.joined(separator: ".")
    }

    private static func fill(_ message: MessageType, _ drafts: [String: Draft], _ byName: [String: MessageType]) {
        guard let draft = drafts[message.name] else { return }
        var fields: [Field] = []
        fields.reserveCapacity(draft.body.count)
        var isSorted = true
        for line in draft.body {
            guard line[0].first == UInt8(ascii: ":") else {
                let field = field(line, in: message, byName)
                if isSorted, let last = fields.last, last.name >= field.name { isSorted = false }
                // Once one field replaces a model's, those behind it may, too.
                if !isSorted { fields.removeAll { $0.name == field.name } }
                fields.append(field)
                continue
            }
            switch line[0] {
            case let word where word == ":kind": message.kinds.append(kind(line[1], in: draft))
            case let word where word == ":union": message.unions.append(union(line))
            case let word where word == ":like":
                guard let model = byName[line[1].string] else {
                    preconditionFailure("\(message.name): nothing like \(line[1].string)")
                }
                if model.fields.isEmpty { fill(model, drafts, byName) }
                message.origin = model.name
                fields = model.fields.map { relocated($0, from: model.package, to: message.package, byName) }
            default: preconditionFailure("\(message.name): \(line[0].string) is not understood")
            }
        }
        if !isSorted { fields.sort { $0.name < $1.name } }
        message.fields = fields
    }

    /// A field as it is in another package: a message of the old package becomes the new one's, where it has one.
    private static func relocated(
        _ field: Field, from old: String, to new: String, _ byName: [String: MessageType]
    ) -> Field {
        func relocated(_ type: FieldType) -> FieldType {
            switch type {
            case .scalar: type
            case .message(let message) where message.package == old:
                byName["\(new).\(message.shortName)"].map(FieldType.message) ?? type
            case .message: type
            case .list(let element): .list(relocated(element))
            case .map(let element): .map(relocated(element))
            }
        }
        return Field(
            name: field.name, path: field.path, type: relocated(field.type), isRequired: field.isRequired,
            isPointer: field.isPointer, showsZero: field.showsZero, semantics: field.semantics,
            patchMerges: field.patchMerges, patchRetainsKeys: field.patchRetainsKeys,
            patchReplaces: field.patchReplaces, patchMergeKey: field.patchMergeKey,
            documentedDefault: field.documentedDefault, protobufType: field.protobufType)
    }

    private static func kind(_ word: Word, in draft: Draft) -> GroupVersionKind {
        let parts = word.split(UInt8(ascii: "/"))
        let kind = parts[parts.count - 1].string
        if let (group, version) = draft.kindsIn { return GroupVersionKind(group: group, version: version, kind: kind) }
        return GroupVersionKind(
            group: parts.count > 2 ? parts[0].string : "", version: parts[parts.count - 2].string, kind: kind)
    }

    private static func union(_ line: TableLine) -> Union {
        let members = line.words[2...].map { word in
            let parts = word.split(UInt8(ascii: "="))
            return (field: parts[0].string, go: parts.count > 1 ? parts[1].string : "")
        }
        return Union(discriminator: line[1] == "-" ? nil : line[1].string, members: members)
    }

    private static func field(
        _ line: TableLine, in message: MessageType, _ byName: [String: MessageType]
    ) -> Field {
        precondition(line.words.count >= 3, "\(message.name), line \(line.number): a field needs a number and a type")
        var name = line[0]
        var marks: (required: Bool, pointer: Bool, zero: Bool) = (false, false, false)
        marking: while true {
            switch name.last {
            case UInt8(ascii: "!"): marks.required = true
            case UInt8(ascii: "*"): marks.pointer = true
            case UInt8(ascii: "~"): marks.zero = true
            default: break marking
            }
            name = name.dropLast()
        }
        var semantics = MergeSemantics.unspecified
        var merges = false
        var retains = false
        var replaces = false
        var mergeKey: String?
        var documented: JSONValue?
        var protobuf: String?
        for flag in line.words[3...] {
            if flag == "atomic" {
                semantics = .atomic
            } else if flag == "set" {
                semantics = .set
            } else if flag == "granular" {
                semantics = .granular
            } else if let keys = flag.after("map=") {
                semantics = .map(keys: keys.list)
            } else if let strategies = flag.after("patch=") {
                for strategy in strategies.split(UInt8(ascii: ",")) {
                    merges = merges || strategy == "merge"
                    retains = retains || strategy == "retainKeys"
                    replaces = replaces || strategy == "replace"
                }
            } else if let key = flag.after("key=") {
                mergeKey = key.string
            } else if let json = flag.after("default=") {
                documented = try? JSONParser.parse(json.bytes)
            } else if let name = flag.after("proto=") {
                protobuf = name.string
            } else {
                preconditionFailure("\(message.name), line \(line.number): \(flag.string) is not understood")
            }
        }
        return Field(
            name: name.string, path: line[1] == "-" ? [] : line[1].split(UInt8(ascii: ".")).compactMap(\.integer),
            type: type(line[2], in: message, byName), isRequired: marks.required, isPointer: marks.pointer,
            showsZero: marks.zero, semantics: semantics, patchMerges: merges, patchRetainsKeys: retains,
            patchReplaces: replaces, patchMergeKey: mergeKey,
            documentedDefault: documented, protobufType: protobuf)
    }

    private static func type(_ word: Word, in message: MessageType, _ byName: [String: MessageType]) -> FieldType {
        switch word.first {
        case UInt8(ascii: "["): return .list(type(word.dropFirst().dropLast(), in: message, byName))
        case UInt8(ascii: "{"): return .map(type(word.dropFirst().dropLast(), in: message, byName))
        default: break
        }
        // Messages of this package begin with a capital; those of others have a dot; scalars have neither.
        let isLocal = UInt8(ascii: "A")...UInt8(ascii: "Z") ~= word.first
        if !isLocal, !word.contains(UInt8(ascii: ".")) {
            if word == "string" { return .scalar(.string) }
            if let scalar = Scalar(rawValue: word.string) { return .scalar(scalar) }
        }
        let name = isLocal ? qualified(word.string, in: message.package) : word.string
        if let found = byName[name] { return .message(found) }
        // A copied message may refer to what its package has no copy of.
        if isLocal, let origin = message.origin?.split(separator: ".").first,
            let found = byName[qualified(word.string, in: String(origin))]
        {
            return .message(found)
        }
        preconditionFailure("\(message.name): there is no type \(name)")
    }
}
