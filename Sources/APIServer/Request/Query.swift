// The query of a request, and the options that are read from it.

import APISchema
import JSON
import KubeTypes
import Storage

/// Names and values in the order in which they were sent.
struct Query: Sendable {
    var items: [(name: String, value: String)]

    init(_ items: [(name: String, value: String)] = []) { self.items = items }

    /// Reads `a=b&c=d`; nil where an escape is broken.
    init?(_ text: Substring) {
        items = []
        guard !text.isEmpty else { return }
        for part in text.utf8.split(separator: UInt8(ascii: "&")) {
            let mark = part.firstIndex(of: UInt8(ascii: "="))
            let name = part[..<(mark ?? part.endIndex)]
            let value = mark.map { part[part.index(after: $0)...] } ?? part[part.endIndex...]
            guard let name = PercentEncoding.decode(name, plusIsSpace: true),
                let value = PercentEncoding.decode(value, plusIsSpace: true)
            else { return nil }
            items.append((name: name, value: value))
        }
    }

    subscript(name: String) -> String? {
        for item in items where item.name == name { return item.value }
        return nil
    }

    func all(_ name: String) -> [String] { items.filter { $0.name == name }.map(\.value) }

    /// A switch: given and neither `false` nor `0`, as upstream reads booleans.
    func flag(_ name: String) -> Bool {
        guard let value = self[name] else { return false }
        return value != "false" && value != "0"
    }

    func optionalFlag(_ name: String) -> Bool? { self[name] == nil ? nil : flag(name) }

    func integer(_ name: String) throws(APIError) -> Int64? {
        guard let text = self[name] else { return nil }
        guard let value = Int64(text) else {
            throw .badRequest("strconv.ParseInt: parsing \(JSONWriter.text(of: .string(text))): invalid syntax")
        }
        return value
    }
}

/// `ListOptions` of meta/v1.
struct ListOptions: Sendable {
    enum Match: String, Sendable { case exact = "Exact", notOlderThan = "NotOlderThan" }

    var labels: LabelMatcher?
    var fields: FieldSelector?
    /// Nil where none was given; 0 means any.
    var resourceVersion: Revision?
    var match: Match?
    var limit = 0
    var continueToken: String?
    var timeoutSeconds: Int64?
    var allowBookmarks = false
    var sendInitialEvents: Bool?

    /// - Parameter custom: what a CustomResourceDefinition says the objects can be selected by.
    init(_ query: Query, resource: String, group: String, custom: CustomResourceType? = nil, watch: Bool)
        throws(APIError)
    {
        if let text = query["labelSelector"], !text.isEmpty {
            do throws(SelectorError) {
                let labels = try LabelSelectorText.parse(text)
                if !labels.requirements.isEmpty { self.labels = labels }
            } catch {
                throw .badRequest("unable to parse requirement: \(error.message)")
            }
        }
        if let text = query["fieldSelector"], !text.isEmpty {
            do throws(SelectorError) {
                let fields = try SelectableFields.resolve(
                    FieldSelector.parse(text), resource: resource, group: group, custom: custom)
                if !fields.terms.isEmpty { self.fields = fields }
            } catch {
                throw .badRequest(error.message)
            }
        }
        resourceVersion = try Self.resourceVersion(query["resourceVersion"])
        limit = Int(clamping: max(0, try query.integer("limit") ?? 0))
        if let token = query["continue"], !token.isEmpty { continueToken = token }
        timeoutSeconds = try query.integer("timeoutSeconds")
        allowBookmarks = query.flag("allowWatchBookmarks")
        sendInitialEvents = query.optionalFlag("sendInitialEvents")
        try readMatch(query["resourceVersionMatch"] ?? "", watch: watch)
    }

    static func resourceVersion(_ text: String?) throws(APIError) -> Revision? {
        guard let text, !text.isEmpty else { return nil }
        guard let revision = Revision(text), revision >= 0, text.first != "+" else {
            throw .badRequest(
                "resourceVersion: Invalid value: \(JSONWriter.text(of: .string(text))): strconv.ParseUint: parsing "
                    + "\(JSONWriter.text(of: .string(text))): invalid syntax")
        }
        return revision
    }

    /// The revision at which the list must be, if it is not just to be new enough: asked for, or meant by a list in
    /// pages that names a revision.
    var exactRevision: Revision? {
        guard let resourceVersion, resourceVersion > 0, continueToken == nil else { return nil }
        return match == .exact || (match == nil && limit > 0) ? resourceVersion : nil
    }

    /// Which combinations are refused, and how, is upstream's `ValidateListOptions`.
    private mutating func readMatch(_ text: String, watch: Bool) throws(APIError) {
        let errors = watch ? watchErrors(text) : listErrors(text)
        if !errors.isEmpty { throw .invalid(kind: "ListOptions", group: "meta.k8s.io", name: "", errors) }
        match = Match(rawValue: text)
    }

    private func listErrors(_ text: String) -> [FieldError] {
        let field = "resourceVersionMatch"
        var errors: [FieldError] = []
        if !text.isEmpty {
            if resourceVersion == nil {
                errors.append(.forbidden(field, "\(field) is forbidden unless resourceVersion is provided"))
            }
            if continueToken != nil {
                errors.append(.forbidden(field, "\(field) is forbidden when continue is provided"))
            }
            if Match(rawValue: text) == nil {
                errors.append(.notSupported(field, .string(text), ["Exact", "NotOlderThan", ""]))
            }
            if text == Match.exact.rawValue, resourceVersion == 0 {
                errors.append(.forbidden(field, "\(field) \"exact\" is forbidden for resourceVersion \"0\""))
            }
        }
        if sendInitialEvents != nil {
            errors.append(.forbidden("sendInitialEvents", "sendInitialEvents is forbidden for list"))
        }
        return errors
    }

    private func watchErrors(_ text: String) -> [FieldError] {
        let field = "resourceVersionMatch"
        var errors: [FieldError] = []
        if sendInitialEvents != nil, text != Match.notOlderThan.rawValue {
            errors.append(.forbidden(field, "sendInitialEvents requires setting \(field) to NotOlderThan"))
        }
        guard !text.isEmpty else { return errors }
        if sendInitialEvents == nil {
            errors.append(
                .forbidden(field, "\(field) is forbidden for watch unless sendInitialEvents is provided"))
        }
        if text != Match.notOlderThan.rawValue {
            errors.append(.notSupported(field, .string(text), ["NotOlderThan"]))
        }
        if continueToken != nil {
            errors.append(.forbidden(field, "\(field) is forbidden when continue is provided"))
        }
        return errors
    }
}

/// What create, update and patch are told beside the object.
struct WriteOptions: Sendable {
    enum FieldValidation: String, Sendable { case ignore = "Ignore", warn = "Warn", strict = "Strict" }

    var dryRun = false
    var fieldValidation = FieldValidation.warn

    init() {}

    /// - Parameter isApply: of patches, whether a configuration is applied; nil for other writes.
    init(_ query: Query, kind: String, isApply: Bool? = nil) throws(APIError) {
        var errors: [FieldError] = []
        let manager = query["fieldManager"] ?? ""
        if isApply == true, manager.isEmpty {
            errors.append(.required("fieldManager", "is required for apply patch"))
        }
        if isApply == false, query["force"] != nil {
            errors.append(.forbidden("force", "may not be specified for non-apply patch"))
        }
        Self.checkManager(manager, &errors)
        dryRun = Self.readDryRun(query.all("dryRun"), &errors)
        if let text = query["fieldValidation"], !text.isEmpty {
            if let mode = FieldValidation(rawValue: text) {
                fieldValidation = mode
            } else {
                errors.append(.notSupported("fieldValidation", .string(text), ["", "Ignore", "Strict", "Warn"]))
            }
        }
        if !errors.isEmpty { throw .invalid(kind: kind, group: "meta.k8s.io", name: "", errors) }
    }

    private static func checkManager(_ manager: String, _ errors: inout [FieldError]) {
        if manager.utf8.count > RegistryRequest.managerLimit {
            errors.append(.tooLong("fieldManager", limit: RegistryRequest.managerLimit))
        }
        var position = 0
        for scalar in manager.unicodeScalars {
            if !scalar.isPrintable {
                let code = String(scalar.value, radix: 16, uppercase: true)
                let padded = String(repeating: "0", count: max(0, 4 - code.count)) + code
                errors.append(
                    .invalid(
                        "fieldManager", .string(manager), "invalid character U+\(padded) (at position \(position))"))
            }
            position += String(scalar).utf8.count
        }
    }

    static func readDryRun(_ values: [String], _ errors: inout [FieldError]) -> Bool {
        for value in values where value != "All" {
            errors.append(.notSupported("dryRun", .array(values.map(JSONValue.string)), ["All"]))
            return false
        }
        return !values.isEmpty
    }
}

/// `DeleteOptions` of meta/v1.
struct DeletionOptions: Sendable {
    enum Propagation: String, Sendable { case orphan = "Orphan", background = "Background", foreground = "Foreground" }

    var gracePeriodSeconds: Int64?
    var propagation: Propagation?
    var uid: String?
    var resourceVersion: String?
    var dryRun = false

    init() {}

    /// From the body, if there is one, and otherwise from the query.
    init(_ query: Query, body: JSONValue?) throws(APIError) {
        var errors: [FieldError] = []
        if let body {
            try read(body, &errors)
        } else {
            gracePeriodSeconds = try query.integer("gracePeriodSeconds")
            readPropagation(query["propagationPolicy"], orphan: query.optionalFlag("orphanDependents"), &errors)
        }
        dryRun = WriteOptions.readDryRun(query.all("dryRun"), &errors) || dryRun
        if !errors.isEmpty { throw .invalid(kind: "DeleteOptions", group: "meta.k8s.io", name: "", errors) }
    }

    private mutating func read(_ body: JSONValue, _ errors: inout [FieldError]) throws(APIError) {
        guard let object = body.objectValue else { throw .badRequest("DeleteOptions must be an object") }
        if let kind = object["kind"]?.stringValue, !kind.isEmpty, kind != "DeleteOptions" {
            throw .badRequest("\(kind) cannot be handled as DeleteOptions")
        }
        if let grace = object["gracePeriodSeconds"], !grace.isNull {
            guard let seconds = grace.integerValue else {
                throw .badRequest("gracePeriodSeconds must be an integer")
            }
            gracePeriodSeconds = seconds
        }
        for (key, isRight) in [
            ("propagationPolicy", object["propagationPolicy"].map { $0.isNull || $0.stringValue != nil } ?? true),
            ("orphanDependents", object["orphanDependents"].map { $0.isNull || $0.boolValue != nil } ?? true),
            ("preconditions", object["preconditions"].map { $0.isNull || $0.objectValue != nil } ?? true),
            ("dryRun", object["dryRun"].map { $0.isNull || $0.arrayValue != nil } ?? true),
        ] where !isRight {
            throw .badRequest("DeleteOptions: \(key) has the wrong type")
        }
        readPropagation(
            object["propagationPolicy"]?.stringValue, orphan: object["orphanDependents"]?.boolValue, &errors)
        uid = object["preconditions"]?["uid"]?.stringValue
        resourceVersion = object["preconditions"]?["resourceVersion"]?.stringValue
        dryRun = WriteOptions.readDryRun(object["dryRun"]?.strings ?? [], &errors)
    }

    private mutating func readPropagation(_ policy: String?, orphan: Bool?, _ errors: inout [FieldError]) {
        if policy != nil, orphan != nil {
            errors.append(
                .invalid(
                    "propagationPolicy", .string(policy ?? ""),
                    "orphanDependents and deletionPropagation cannot be both set"))
        }
        if let policy {
            propagation = Propagation(rawValue: policy)
            if propagation == nil {
                errors.append(
                    .notSupported("propagationPolicy", .string(policy), ["Background", "Foreground", "Orphan"]))
            }
        } else if let orphan {
            propagation = orphan ? .orphan : .background
        }
    }
}
