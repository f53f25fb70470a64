// Field selectors: `spec.nodeName=n1,status.phase!=Failed`, and the fields that each kind can be selected by.

import JSON
import KubeTypes

/// Conditions on fields of an object; all must be met.
public struct FieldSelector: Sendable, Hashable {
    public struct Term: Sendable, Hashable {
        public var field: String {
            didSet { path = Self.split(field) }
        }
        public var value: String
        /// Whether the field must have the value, or must not.
        public var equal: Bool
        /// The field taken apart, once and not for every object.
        public private(set) var path: [String]

        public init(field: String, value: String, equal: Bool) {
            self.field = field
            self.value = value
            self.equal = equal
            path = Self.split(field)
        }

        private static func split(_ field: String) -> [String] { field.split(separator: ".").map(String.init) }
    }

    public var terms: [Term]

    public init(terms: [Term]) { self.terms = terms }

    /// Reads a selector. `\` makes `,`, `=` and itself part of a value.
    public static func parse(_ text: String) throws(SelectorError) -> FieldSelector {
        var terms: [Term] = []
        for part in split(text) where !part.isEmpty {
            guard let term = term(part) else {
                throw SelectorError(message: "invalid selector: '\(text)'; can't understand '\(String(part))'")
            }
            terms.append(term)
        }
        return FieldSelector(terms: terms)
    }

    private static func split(_ text: String) -> [Substring] {
        var parts: [Substring] = []
        var start = text.startIndex
        var escaped = false
        for index in text.indices {
            if escaped {
                escaped = false
            } else if text[index] == "\\" {
                escaped = true
            } else if text[index] == "," {
                parts.append(text[start..<index])
                start = text.index(after: index)
            }
        }
        parts.append(text[start...])
        return parts
    }

    private static func term(_ text: Substring) -> Term? {
        var escaped = false
        for index in text.indices {
            if escaped {
                escaped = false
                continue
            }
            if text[index] == "\\" {
                escaped = true
                continue
            }
            let rest = text[index...]
            for (mark, equal) in [("!=", false), ("==", true), ("=", true)] where rest.hasPrefix(mark) {
                guard let value = unescape(rest.dropFirst(mark.count)), index > text.startIndex else { return nil }
                return Term(field: String(text[..<index]), value: value, equal: equal)
            }
        }
        return nil
    }

    private static func unescape(_ text: Substring) -> String? {
        var result = ""
        var escaped = false
        for character in text {
            if escaped {
                guard "\\,=".contains(character) else { return nil }
                result.append(character)
                escaped = false
            } else if character == "\\" {
                escaped = true
            } else if character == "=" {
                return nil
            } else {
                result.append(character)
            }
        }
        return escaped ? nil : result
    }

    /// The value that a field must have, if the selector says so.
    public func required(_ field: String) -> String? { terms.first { $0.field == field && $0.equal }?.value }
}

/// Which fields objects can be selected by, as upstream's field label conversions list them.
public enum SelectableFields {
    private static let eventFields = [
        "involvedObject.kind", "involvedObject.namespace", "involvedObject.name", "involvedObject.uid",
        "involvedObject.apiVersion", "involvedObject.resourceVersion", "involvedObject.fieldPath", "reason",
        "reportingComponent", "source", "type",
    ]

    /// By storage resource, core group without a prefix.
    private static let byResource: [String: [String]] = [
        "pods": [
            "spec.nodeName", "spec.restartPolicy", "spec.schedulerName", "spec.serviceAccountName",
            "spec.hostNetwork", "status.phase", "status.podIP", "status.podIPs", "status.nominatedNodeName",
        ],
        "nodes": ["spec.unschedulable"],
        "namespaces": ["status.phase"],
        "secrets": ["type"],
        "services": ["spec.clusterIP", "spec.type"],
        "replicationcontrollers": ["status.replicas"],
        "jobs.batch": ["status.successful"],
        "certificatesigningrequests.certificates.k8s.io": ["spec.signerName"],
        "clustertrustbundles.certificates.k8s.io": ["spec.signerName"],
        "podcertificaterequests.certificates.k8s.io": ["spec.signerName", "spec.podName", "spec.nodeName"],
        "resourceslices.resource.k8s.io": ["spec.nodeName", "spec.driver"],
        "events": eventFields,
        "events.events.k8s.io": eventFields,
    ]

    /// The selector in terms of stored fields, or an error for a field that objects cannot be selected by.
    public static func resolve(
        _ selector: FieldSelector, resource: String, group: String, custom: CustomResourceType? = nil
    ) throws(SelectorError) -> FieldSelector {
        let known = custom?.selectableFields ?? byResource[group.isEmpty ? resource : "\(resource).\(group)"] ?? []
        var result = selector
        for index in result.terms.indices {
            var field = result.terms[index].field
            if resource == "events" {
                if field.hasPrefix("regarding.") { field = "involvedObject." + field.dropFirst("regarding.".count) }
                if field == "reportingController" { field = "reportingComponent" }
            }
            if resource == "pods", group.isEmpty, field == "spec.host" { field = "spec.nodeName" }
            guard field == "metadata.name" || field == "metadata.namespace" || known.contains(field) else {
                throw SelectorError(message: unsupported(field, resource, group, isCustom: custom != nil))
            }
            result.terms[index].field = field
        }
        return result
    }

    /// Upstream's words, which differ from kind to kind.
    private static func unsupported(_ field: String, _ resource: String, _ group: String, isCustom: Bool) -> String {
        switch (group, resource) {
        case ("batch", "jobs"): return "field label \"\(field)\" not supported for Job"
        case ("resource.k8s.io", "resourceslices"):
            return "field label not supported for resource.k8s.io/v1, Kind=ResourceSlice: \(field)"
        default: break
        }
        if isCustom || byResource[group.isEmpty ? resource : "\(resource).\(group)"] != nil {
            return "field label not supported: \(field)"
        }
        return "\"\(field)\" is not a known field selector: only \"metadata.name\", \"metadata.namespace\""
    }

    /// The value of a field as selectors compare it; empty where there is none.
    public static func value(of term: FieldSelector.Term, in object: JSONValue) -> String {
        switch term.field {
        case "spec.unschedulable", "spec.hostNetwork":
            return object["spec"]?[term.path[1]]?.boolValue == true ? "true" : "false"
        case "status.replicas": return String(object[path: "status", "replicas"]?.integerValue ?? 0)
        case "status.successful": return String(object[path: "status", "succeeded"]?.integerValue ?? 0)
        case "source":
            let source = object[path: "source", "component"]?.stringValue ?? ""
            return source.isEmpty ? object["reportingComponent"]?.stringValue ?? "" : source
        default:
            var value: JSONValue? = object
            for part in term.path { value = value?[part] }
            return switch value {
            case .string(let text)?: text
            case .integer(let integer)?: String(integer)
            case .bool(let bool)?: bool ? "true" : "false"
            default: ""
            }
        }
    }
}
