/// A list of changes to a JSON document (RFC 6902), with the leniencies that Kubernetes' API server has.
///
/// Those are: a negative index counts from the end of an array, a missing `value` is null, `replace` sets a field that
/// an object does not have, and `test` of a missing field against null succeeds.
public struct JSONPatch: Sendable {
    public struct Limits: Sendable {
        /// How many operations a patch may have.
        public var operations: Int
        /// How many bytes of JSON all `copy` operations of a patch together may add.
        public var copiedBytes: Int
        /// How deep the patched document may nest.
        public var depth: Int
        /// How many values `move` and array operations may touch all together, so that a small patch is small work.
        public var steps: Int

        public init(
            operations: Int = 10_000, copiedBytes: Int = 3 << 20, depth: Int = 512, steps: Int = 100_000_000
        ) {
            self.operations = operations
            self.copiedBytes = copiedBytes
            self.depth = depth
            self.steps = steps
        }
    }

    private let operations: [Operation]
    private let limits: Limits

    /// Reads a patch document.
    /// - Throws: `malformed` if it is no array of objects (the API answers 400), `tooManyOperations` if it is longer
    ///   than the limit (413). What is wrong with a single operation shows when the patch is applied (422).
    public init(parsing document: JSONValue, limits: Limits = Limits()) throws(JSONPatchError) {
        guard case .array(let elements) = document else {
            throw .malformed("a JSON patch is an array of operations")
        }
        guard elements.count <= limits.operations else {
            throw .tooManyOperations(limit: limits.operations, count: elements.count)
        }
        var operations: [Operation] = []
        operations.reserveCapacity(elements.count)
        for element in elements {
            guard case .object(let fields) = element else {
                throw .malformed("an operation of a JSON patch is an object")
            }
            operations.append(Operation(fields: fields))
        }
        self.operations = operations
        self.limits = limits
    }

    public var count: Int { operations.count }

    /// `document` after all operations; if one fails, none of them counts.
    public func apply(to document: JSONValue) throws(JSONPatchError) -> JSONValue {
        var patching = Patching(document: document, limits: limits)
        for operation in operations { try patching.perform(operation) }
        return patching.document
    }
}

/// Why a JSON patch is refused.
public enum JSONPatchError: Error, Hashable, CustomStringConvertible {
    /// The document is not a patch.
    case malformed(String)
    case tooManyOperations(limit: Int, count: Int)
    /// An operation is wrong in itself or does not fit the document.
    case notApplicable(String)

    public var description: String {
        switch self {
        case .malformed(let message), .notApplicable(let message): message
        case .tooManyOperations(let limit, let count):
            "The allowed maximum operations in a JSON patch is \(limit), got \(count)"
        }
    }
}

private struct Operation: Sendable, Hashable {
    let fields: JSONObject

    var kind: String { fields["op"]?.stringValue ?? "unknown" }
    var value: JSONValue { fields["value"] ?? .null }

    func pointer(_ field: String) throws(JSONPatchError) -> JSONPointer {
        guard let text = fields[field]?.stringValue else {
            throw .notApplicable("\(kind) operation: the field \"\(field)\" is missing or not a string")
        }
        guard let pointer = JSONPointer(text) else {
            throw .notApplicable("\(kind) operation does not apply: doc is missing path: \"\(text)\"")
        }
        return pointer
    }
}

/// The work of applying one patch.
private struct Patching {
    var document: JSONValue
    let limits: JSONPatch.Limits
    var copiedBytes = 0
    var steps = 0

    enum Change {
        case add(JSONValue)
        case replace(JSONValue)
        case remove
    }

    init(document: JSONValue, limits: JSONPatch.Limits) {
        self.document = document
        self.limits = limits
    }

    mutating func perform(_ operation: Operation) throws(JSONPatchError) {
        switch operation.kind {
        case "add": try add(operation.value, at: try operation.pointer("path"), "add")
        case "replace":
            let path = try operation.pointer("path")
            try checkDepth(of: operation.value, at: path)
            try change(.replace(operation.value), at: path, "replace")
        case "remove": try change(.remove, at: try operation.pointer("path"), "remove")
        case "test": try test(operation.value, at: try operation.pointer("path"))
        case "move":
            let source = try operation.pointer("from")
            let target = try operation.pointer("path")
            if target.tokens.count > source.tokens.count, target.tokens.starts(with: source.tokens) {
                throw .notApplicable("move operation does not apply: \(source) cannot move into itself")
            }
            let value = try find(source, "move")
            try change(.remove, at: source, "move")
            try add(value, at: target, "move")
        case "copy":
            let value = try find(try operation.pointer("from"), "copy")
            copiedBytes += JSONWriter.bytes(of: value).count
            guard copiedBytes <= limits.copiedBytes else {
                throw .notApplicable(
                    "Unable to complete the copy, the accumulated size increase of copy is \(copiedBytes), "
                        + "exceeding the limit \(limits.copiedBytes)")
            }
            try add(value, at: try operation.pointer("path"), "copy")
        case let unknown: throw .notApplicable("Unexpected kind: \(unknown)")
        }
    }

    private mutating func add(_ value: JSONValue, at path: JSONPointer, _ kind: String) throws(JSONPatchError) {
        try checkDepth(of: value, at: path)
        try change(.add(value), at: path, kind)
    }

    /// Values nest no deeper than the limit at any time, so that nothing that recurses over them overflows its stack.
    private mutating func checkDepth(of value: JSONValue, at path: JSONPointer) throws(JSONPatchError) {
        let depth = path.tokens.count + depth(of: value)
        guard depth <= limits.depth else {
            throw .notApplicable("patched document nests deeper than \(limits.depth) levels")
        }
        guard steps <= limits.steps else { throw .notApplicable("patch takes too much work to apply") }
    }

    private mutating func depth(of value: JSONValue) -> Int {
        steps += 1
        var deepest = 0
        switch value {
        case .array(let elements): for element in elements { deepest = max(deepest, depth(of: element)) }
        case .object(let object): for field in object { deepest = max(deepest, depth(of: field.value)) }
        default: return 0
        }
        return deepest + 1
    }

    private mutating func change(
        _ change: Change, at path: JSONPointer, _ kind: String
    ) throws(JSONPatchError) {
        guard !path.tokens.isEmpty else {
            switch change {
            case .add(let value), .replace(let value): document = value
            case .remove: throw .notApplicable("\(kind) operation does not apply: doc is missing path: \"\"")
            }
            return
        }
        var edited = document
        document = .null  // the only reference is ours now, so the change happens in place
        try apply(change, to: &edited, path.tokens[...], path, kind)
        document = edited
    }

    private mutating func apply(
        _ change: Change, to value: inout JSONValue, _ tokens: ArraySlice<String>, _ path: JSONPointer, _ kind: String
    ) throws(JSONPatchError) {
        guard let token = tokens.first else { return }
        let isLast = tokens.count == 1
        switch value {
        case .object(var object):
            value = .null
            if isLast {
                switch change {
                case .add(let new), .replace(let new): object[token] = new
                case .remove:
                    guard object.removeValue(forKey: token) != nil else {
                        throw .notApplicable(
                            "error in \(kind) for path: '\(path)': Unable to remove nonexistent key: \(token): "
                                + "missing value")
                    }
                }
            } else {
                guard var child = object[token] else { throw missing(path, kind) }
                object[token] = .null
                try apply(change, to: &child, tokens.dropFirst(), path, kind)
                object[token] = child
            }
            value = .object(object)
        case .array(var elements):
            value = .null
            steps += isLast ? elements.count : 0
            guard steps <= limits.steps else { throw .notApplicable("patch takes too much work to apply") }
            if isLast {
                switch change {
                case .add(let new):
                    let index = token == "-" ? elements.count : try index(token, elements.count + 1, path, kind)
                    elements.insert(new, at: index)
                case .replace(let new): elements[try index(token, elements.count, path, kind)] = new
                case .remove: elements.remove(at: try index(token, elements.count, path, kind))
                }
            } else {
                let index = try index(token, elements.count, path, kind)
                var child = elements[index]
                elements[index] = .null
                try apply(change, to: &child, tokens.dropFirst(), path, kind)
                elements[index] = child
            }
            value = .array(elements)
        default: throw missing(path, kind)
        }
    }

    private func missing(_ path: JSONPointer, _ kind: String) -> JSONPatchError {
        .notApplicable("\(kind) operation does not apply: doc is missing path: \"\(path)\": missing value")
    }

    /// The position that an array index means; `-1` is the last one of `count`.
    private func index(
        _ token: String, _ count: Int, _ path: JSONPointer, _ kind: String
    ) throws(JSONPatchError) -> Int {
        guard let index = Int(token) else {
            throw .notApplicable(
                "error in \(kind) for path: '\(path)': value was not a proper array index: '\(token)'")
        }
        guard index >= -count, index < count else {
            throw .notApplicable(
                "error in \(kind) for path: '\(path)': Unable to access invalid index: \(index): "
                    + "invalid index referenced")
        }
        return index < 0 ? index + count : index
    }

    /// The value at `path`.
    private func find(_ path: JSONPointer, _ kind: String) throws(JSONPatchError) -> JSONValue {
        var value = document
        for token in path.tokens {
            switch value {
            case .object(let object):
                guard let child = object[token] else { throw missing(path, kind) }
                value = child
            case .array(let elements): value = elements[try index(token, elements.count, path, kind)]
            default: throw missing(path, kind)
            }
        }
        return value
    }

    private func test(_ expected: JSONValue, at path: JSONPointer) throws(JSONPatchError) {
        let found: JSONValue
        if let last = path.tokens.last,
            case .object(let parent) = try find(JSONPointer(tokens: path.tokens.dropLast()), "test")
        {
            found = parent[last] ?? .null
        } else {
            found = try find(path, "test")
        }
        guard found == expected else { throw .notApplicable("testing value \(path) failed: test failed") }
    }
}
