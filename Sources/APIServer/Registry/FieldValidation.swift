// What becomes of fields that a type does not know, and of those that a body has twice: `fieldValidation`.

import APISchema
import JSON
import KubeTypes

/// The fields that a body has twice. Parsing keeps the last of them, and this says which they were.
struct BodyDuplicates: Sendable {
    /// Of JSON: paths such as `spec.replicas`, in the order of the document.
    var fields: [String] = []
    /// Of JSON with something twice: where each path stands among the others; for one that is there twice, the second.
    private var places: [String: Int] = [:]
    /// Of YAML: `line 5: key "name" already set in map`.
    var lines: [String] = []
    /// YAML goes through a form without order, so that what is found later comes in the order of names.
    var isYAML = false

    init() {}

    var isEmpty: Bool { fields.isEmpty && lines.isEmpty }

    static func parseJSON(
        _ bytes: some Sequence<UInt8>, limits: JSONParser.Limits
    ) throws(JSONError) -> (body: JSONValue, duplicates: BodyDuplicates) {
        let (value, fields) = try JSONParser.parseReportingDuplicates(bytes, limits: limits)
        var duplicates = BodyDuplicates()
        guard !fields.isEmpty else { return (value, duplicates) }
        duplicates.fields = fields
        for (place, path) in JSONParser.fieldPaths(bytes).enumerated() { duplicates.places[path] = place }
        return (value, duplicates)
    }

    static func parseYAML(
        _ bytes: [UInt8], limits: YAML.Limits
    ) throws(YAMLError) -> (body: JSONValue, duplicates: BodyDuplicates) {
        let (value, lines) = try YAML.parseOneReportingDuplicates(bytes, limits: limits)
        var duplicates = BodyDuplicates()
        duplicates.isYAML = true
        duplicates.lines = lines
        return (value, duplicates)
    }

    /// One text for all lines, as upstream's YAML library says it; nil where there are none.
    var linesText: String? {
        lines.isEmpty ? nil : "yaml: unmarshal errors:\n" + lines.map { "  \($0)" }.joined(separator: "\n")
    }

    /// What to report of an object in which `unknown` fields were found: errors as one text each, and as warnings.
    func findings(unknown: [String]) -> (errors: [String], warnings: [String]) {
        func text(_ unknown: String) -> String { "unknown field \"\(unknown)\"" }
        if isYAML {
            let others = unknown.sorted().map(text)
            return ((linesText.map { [$0] } ?? []) + others, lines + others)
        }
        if fields.isEmpty {
            let texts = unknown.map(text)
            return (texts, texts)
        }
        let strange = Set(unknown)
        let found =
            unknown.map { (places[$0] ?? .max, text($0)) }
            + fields.filter { !strange.contains($0) }.map { (places[$0] ?? .max, "duplicate field \"\($0)\"") }
        let texts = found.enumerated().sorted { ($0.element.0, $0.offset) < ($1.element.0, $1.offset) }.map(\.element.1)
        return (texts, texts)
    }
}

/// What a patch made of an object, while it is decoded.
struct PatchedBody: Sendable {
    let value: JSONValue
    /// What was wrong with the patch itself.
    let findings: [String]
    private let patch: JSONValue
    private let type: PatchType

    init(_ value: JSONValue, by request: RegistryRequest) {
        self.value = value
        patch = request.body ?? .null
        type = request.patchType ?? .merge
        var findings = request.duplicates.fields.map { "duplicate field \"\($0)\"" }
        if type == .json {
            let unknown = (patch.arrayValue ?? []).enumerated().flatMap { index, operation in
                (operation.objectValue ?? [:]).keys.filter { !["op", "path", "from", "value"].contains($0) }
                    .map { "[\(index)].\($0)" }
            }
            findings = request.duplicates.findings(unknown: unknown).errors.map { "json patch \($0)" }
        }
        self.findings = findings
    }

    /// What came out is not acceptable (422).
    func invalid(_ why: String) -> APIError {
        let shown =
            type == .strategic ? JSONValue.string(GoText.of(patch)) : .string(JSONWriter.text(of: value))
        return .invalid(kind: "", group: "", name: "", [.invalid("patch", shown, why)])
    }
}

extension RegistryRequest {
    /// The same request while what its patch made of the object is decoded.
    func decoding(_ patched: JSONValue) -> RegistryRequest {
        var request = self
        request.patched = PatchedBody(patched, by: self)
        request.duplicates = BodyDuplicates()
        // What comes out of a patch went through a form without order.
        request.duplicates.isYAML = true
        return request
    }
}

extension Registry {
    /// Checks and prunes a value by its message and reports unknown fields as the request wants it.
    func decodeFields(
        _ object: inout JSONValue, as message: MessageType, _ kind: String, _ version: String,
        _ request: RegistryRequest, _ options: WriteOptions, over known: JSONValue? = nil
    ) throws(APIError) {
        let unknown: [String]
        do throws(APIError) {
            unknown = try schema.decode(&object, as: message, kind: kind, version: version, over: known)
        } catch {
            guard let patched = request.patched else { throw error }
            throw patched.invalid(error.message.components(behind: " cannot be handled as a \(message.shortName): "))
        }
        try report(unknown, kind, version, request, options)
    }

    /// Refuses or warns about fields that are unknown, or that the body has twice.
    func report(
        _ unknown: [String], _ kind: String, _ version: String, _ request: RegistryRequest, _ options: WriteOptions
    ) throws(APIError) {
        if options.fieldValidation == .ignore { return }
        let ofPatch = request.patched?.findings ?? []
        if unknown.isEmpty, ofPatch.isEmpty, request.duplicates.isEmpty { return }
        let found = request.duplicates.findings(unknown: unknown)
        guard options.fieldValidation == .strict else {
            for text in ofPatch + found.warnings { request.warnings.add(text) }
            return
        }
        let text = "strict decoding error: \((ofPatch + found.errors).joined(separator: ", "))"
        if let patched = request.patched { throw patched.invalid(text) }
        throw .badRequest("\(kind) in version \"\(version)\" cannot be handled as a \(kind): \(text)")
    }

    /// The same for an applied configuration, in which nothing is unknown by then.
    func reportDuplicates(ofApplied request: RegistryRequest, _ options: WriteOptions) throws(APIError) {
        guard let text = request.duplicates.linesText, options.fieldValidation != .ignore else { return }
        if options.fieldValidation == .strict {
            throw .badRequest("error strict decoding YAML: error converting YAML to JSON: \(text)")
        }
        for line in request.duplicates.lines { request.warnings.add(line) }
    }
}

// MARK: Advice

extension Registry {
    /// Warns about what was accepted and is hardly meant.
    func advise(about object: JSONValue, replacing old: JSONValue?, _ request: RegistryRequest) {
        let advice = Advice.about(object, old: old, kind: request.storage.message.name)
        for warning in advice + strategy(request.cache).warnings(object) { request.warnings.add(warning) }
    }

    /// An owner is an owner once, however often it is listed.
    func dropRepeatedOwners(of object: inout JSONValue, _ request: RegistryRequest) {
        guard let owners = object["metadata"]?["ownerReferences"]?.arrayValue, owners.count > 1 else { return }
        var kept: [JSONValue] = []
        var repeated: [String] = []
        for owner in owners {
            if kept.contains(owner) {
                let uid = owner["uid"]?.stringValue ?? ""
                if !repeated.contains(uid) { repeated.append(uid) }
            } else {
                kept.append(owner)
            }
        }
        guard !repeated.isEmpty else { return }
        object.updateMetadata { $0["ownerReferences"] = .array(kept) }
        let when = request.verb == .patch ? " after mutating admission happens" : ""
        request.warnings.add(
            ".metadata.ownerReferences contains duplicate entries\(when); API server dedups owner references in 1.20+, and "
                + "may reject such requests as early as 1.24; please fix your requests; duplicate UID(s) observed: "
                + repeated.joined(separator: ", "))
    }
}

extension String {
    /// What follows the first `separator`; all of it where there is none.
    fileprivate func components(behind separator: String) -> String {
        guard let range = self.firstRange(of: separator) else { return self }
        return String(self[range.upperBound...])
    }
}
