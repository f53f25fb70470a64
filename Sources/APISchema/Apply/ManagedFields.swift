// `metadata.managedFields`: who owns which fields of an object.

import JSON

/// The owners of an object's fields, as `metadata.managedFields` lists them.
public struct ManagedFields: Sendable {
    public enum Operation: String, Sendable { case apply = "Apply", update = "Update" }

    /// What tells entries apart. Whoever applies has one entry; who updates has one for each version.
    struct Identity: Hashable, Sendable {
        var manager: String
        var operation: Operation
        /// Empty for those that apply.
        var apiVersion: String
        var subresource: String

        init(_ manager: String, _ operation: Operation, apiVersion: String, subresource: String) {
            self.manager = manager.isEmpty ? "unknown" : manager
            self.operation = operation
            self.apiVersion = operation == .apply ? "" : apiVersion
            self.subresource = subresource
        }

        /// As errors name it: `"kubectl" using apps/v1`.
        var description: String {
            var text = JSONWriter.text(of: .string(manager))
            if !subresource.isEmpty { text += " with subresource \(JSONWriter.text(of: .string(subresource)))" }
            return operation == .update ? "\(text) using \(apiVersion)" : text
        }
    }

    struct Entry: Sendable {
        var identity: Identity
        var apiVersion: String
        /// RFC 3339 in UTC, to the second.
        var time: String? {
            didSet { fields = fields }
        }
        /// Nil as long as nobody has asked: most entries are written back as they were read.
        private var decoded: FieldSet?
        /// The entry as it was read; nil since something in it changed.
        var encoded: JSONValue?

        init(_ identity: Identity, apiVersion: String, time: String?, fields: FieldSet) {
            self.identity = identity
            self.apiVersion = apiVersion
            self.time = time
            decoded = fields
        }

        /// An entry that was read, and whose fields are known to make sense.
        init(_ identity: Identity, apiVersion: String, time: String?, encoded: JSONValue) {
            self.identity = identity
            self.apiVersion = apiVersion
            self.time = time
            self.encoded = encoded
        }

        private var encodedFields: JSONObject { encoded?["fieldsV1"]?.objectValue ?? JSONObject() }

        /// Setting it makes the entry's encoded form anew.
        var fields: FieldSet {
            get { decoded ?? (try? FieldSet(fieldsV1: .object(encodedFields))) ?? FieldSet() }
            set {
                decoded = newValue
                encoded = JSONValue?.none
            }
        }

        var isEmpty: Bool { decoded?.isEmpty ?? encodedFields.isEmpty }

        func intersects(_ set: FieldSet) -> Bool {
            decoded.map { $0.intersects(set) } ?? set.intersects(fieldsV1: encodedFields)
        }

        func contains(_ set: FieldSet) -> Bool {
            decoded.map { set.subtracting($0).isEmpty } ?? set.isContained(inFieldsV1: encodedFields)
        }

        /// Says when the manager wrote last, its fields being as they were.
        mutating func touch(at time: String) {
            guard var written = encoded else {
                self.time = time
                return
            }
            written["time"] = .string(time)
            self = Entry(identity, apiVersion: apiVersion, time: time, encoded: written)
        }
    }

    /// No two with the same identity.
    private(set) var entries: [Entry] = []

    init() {}

    var isEmpty: Bool { entries.isEmpty }

    subscript(identity: Identity) -> Entry? {
        get { entries.first { $0.identity == identity } }
        set {
            let index = entries.firstIndex { $0.identity == identity }
            switch (index, newValue) {
            case (let index?, let entry?): entries[index] = entry
            case (let index?, nil): entries.remove(at: index)
            case (nil, let entry?): entries.append(entry)
            case (nil, nil): break
            }
        }
    }

    /// Changes the fields of every entry; those that have none left go.
    mutating func changeEach(_ change: (inout Entry) -> Void) {
        for index in entries.indices { change(&entries[index]) }
        entries.removeAll { $0.isEmpty }
    }
}

// MARK: Reading and writing

extension ManagedFields {
    /// More entries than this are no object's; what is beyond is refused.
    private static let entriesLimit = 2048

    /// Reads `metadata.managedFields`.
    /// - Parameter isOurs: whether this server wrote it, so that its fields need not be read to know that they can be.
    /// - Throws: what makes an entry unusable, as upstream says it.
    init(decoding value: JSONValue?, isOurs: Bool = false) throws(FieldSetError) {
        guard case .array(let list)? = value else { return }
        guard list.count <= Self.entriesLimit else { throw FieldSetError("too many entries") }
        entries.reserveCapacity(list.count)
        for (index, entry) in list.enumerated() {
            guard let operation = entry["operation"]?.stringValue.flatMap(Operation.init(rawValue:)) else {
                throw FieldSetError("operation must be `Apply` or `Update`")
            }
            let apiVersion = entry["apiVersion"]?.stringValue ?? ""
            if apiVersion.isEmpty { throw FieldSetError("apiVersion must not be empty") }
            switch entry["fieldsType"]?.stringValue ?? "" {
            case "FieldsV1": break
            case "": throw FieldSetError("missing fieldsType in managed fields entry \(index)")
            case let other:
                throw FieldSetError(
                    "invalid fieldsType \(JSONWriter.text(of: .string(other))) in managed fields entry \(index)")
            }
            var identity = Identity(
                "", operation, apiVersion: apiVersion, subresource: entry["subresource"]?.stringValue ?? "")
            identity.manager = entry["manager"]?.stringValue ?? ""
            var decoded = Entry(
                identity, apiVersion: apiVersion, time: entry["time"]?.stringValue, encoded: entry)
            if !isOurs {
                decoded.fields =
                    try entry["fieldsV1"].map { value throws(FieldSetError) in
                        try FieldSet(fieldsV1: value)
                    } ?? FieldSet()
                decoded.encoded = entry
            }
            self[identity] = decoded
        }
    }

    /// What `metadata.managedFields` is to be; nil if there is nobody.
    var encoded: JSONValue? {
        if entries.isEmpty { return JSONValue?.none }
        let sorted = entries.count > 1 ? entries.sorted(by: Self.comesBefore) : entries
        return .array(sorted.map(Self.encode))
    }

    private static func comesBefore(_ left: Entry, _ right: Entry) -> Bool {
        if left.identity.operation != right.identity.operation { return left.identity.operation == .apply }
        let (leftTime, rightTime) = (left.time ?? "", right.time ?? "")
        if leftTime != rightTime { return leftTime < rightTime }
        if left.identity.manager != right.identity.manager { return left.identity.manager < right.identity.manager }
        if left.apiVersion != right.apiVersion { return left.apiVersion < right.apiVersion }
        return left.identity.subresource < right.identity.subresource
    }

    private static func encode(_ entry: Entry) -> JSONValue {
        entry.encoded ?? encode(entry.identity, entry.apiVersion, entry.time, entry.fields.fieldsV1)
    }

    static func encode(_ identity: Identity, _ apiVersion: String, _ time: String?, _ fieldsV1: JSONValue) -> JSONValue
    {
        var object = JSONObject()
        object.reserveCapacity(7)
        if !identity.manager.isEmpty { object["manager"] = .string(identity.manager) }
        object["operation"] = .string(identity.operation.rawValue)
        object["apiVersion"] = .string(apiVersion)
        if let time { object["time"] = .string(time) }
        object["fieldsType"] = "FieldsV1"
        object["fieldsV1"] = fieldsV1
        if !identity.subresource.isEmpty { object["subresource"] = .string(identity.subresource) }
        return .object(object)
    }

    /// Whether a client asks for nobody to own anything: an empty list, or one with an empty entry.
    static func isReset(_ value: JSONValue?) -> Bool {
        guard case .array(let list)? = value else { return false }
        return list.isEmpty || (list.count == 1 && (list[0].objectValue?.isEmpty ?? false))
    }

    /// Whether two lists differ in nothing but when entries were written.
    public static func differInTimesOnly(_ left: JSONValue?, _ right: JSONValue?) -> Bool {
        guard case .array(let left)? = left, case .array(let right)? = right, left.count == right.count else {
            return false
        }
        return zip(left, right).allSatisfy { one, other in
            guard case .object(var one) = one, case .object(var other) = other else { return false }
            one["time"] = JSONValue?.none
            other["time"] = JSONValue?.none
            return one == other
        }
    }

    /// What is wrong with a list of managed fields that a mutating webhook left behind; nil if nothing is.
    public static func problem(with value: JSONValue?) -> String? {
        do throws(FieldSetError) {
            _ = try ManagedFields(decoding: value)
            return nil
        } catch {
            return error.text
        }
    }
}

// MARK: Capping

extension ManagedFields {
    /// How many entries there may be of those who update.
    static let updatersLimit = 10
    private static let oldUpdates = "ancient-changes"

    /// Puts the oldest updates of each version together as long as there are too many.
    mutating func cap() {
        let updaters = entries.filter { $0.identity.operation == .update }
        guard updaters.count > Self.updatersLimit else { return }
        let oldestFirst = updaters.sorted {
            let (left, right) = ($0.time ?? "", $1.time ?? "")
            return left == right ? $0.identity.manager < $1.identity.manager : left < right
        }
        var count = updaters.count
        var firstOfVersion: [String: Identity] = [:]
        for entry in oldestFirst where count > Self.updatersLimit {
            let bucket = Identity(Self.oldUpdates, .update, apiVersion: entry.apiVersion, subresource: "")
            guard let first = firstOfVersion[entry.apiVersion] else {
                firstOfVersion[entry.apiVersion] = entry.identity
                continue
            }
            if self[bucket] == nil, var moved = self[first] {
                self[first] = nil
                moved.identity = bucket
                moved.fields = moved.fields
                self[bucket] = moved
            }
            let gathered = entry.fields.union(self[bucket]?.fields ?? FieldSet())
            self[entry.identity] = nil
            // The more recent time of the two.
            self[bucket] = Entry(bucket, apiVersion: entry.apiVersion, time: entry.time, fields: gathered)
            count -= 1
        }
    }
}
