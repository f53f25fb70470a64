// Which names of a CustomResourceDefinition are accepted: those that no other of its group has.

import APISchema
import JSON
import KubeTypes

enum CustomResourceNames {
    /// Sets `status.acceptedNames` and the condition `NamesAccepted`, and, where they are new, `Established`.
    static func accept(_ definition: inout JSONValue, among others: [JSONValue], now: Time) {
        let requested = definition["spec"]?["names"]?.objectValue ?? JSONObject()
        let accepted = definition[path: "status", "acceptedNames"]?.objectValue ?? JSONObject()
        var resources: Set<String> = []
        var kinds: Set<String> = []
        let group = definition["spec"]?["group"]
        for other in others where other["spec"]?["group"] == group {
            collect(other[path: "status", "acceptedNames"]?.objectValue ?? JSONObject(), &resources, &kinds)
        }
        collect(accepted, &resources, &kinds)

        var names = accepted
        var conflict: (reason: String, message: String)?
        func check(_ key: String, _ taken: Set<String>, _ reason: String) {
            let name = requested[string: key]
            if name != accepted[string: key], taken.contains(name) {
                conflict = (reason, "\(JSONWriter.text(of: .string(name))) is already in use")
            } else {
                names[key] = .string(name)
            }
        }
        check("plural", resources, "PluralConflict")
        check("singular", resources, "SingularConflict")
        let shortNames = requested["shortNames"]?.strings ?? []
        let ownShortNames = accepted["shortNames"]?.strings ?? []
        if shortNames != ownShortNames {
            let taken = shortNames.filter { !ownShortNames.contains($0) && resources.contains($0) }
            if taken.isEmpty {
                names.set("shortNames", shortNames)
            } else {
                let texts = taken.map { "\(JSONWriter.text(of: .string($0))) is already in use" }
                conflict = (
                    "ShortNamesConflict", texts.count == 1 ? texts[0] : "[\(texts.joined(separator: ", "))]"
                )
            }
        }
        check("kind", kinds, "KindConflict")
        check("listKind", kinds, "ListKindConflict")
        names.set("categories", requested["categories"]?.strings ?? [])

        definition.update("status") { $0["acceptedNames"] = .object(names) }
        CustomResourceConditions.set(
            "NamesAccepted", conflict == nil ? "True" : "False", reason: conflict?.reason ?? "NoConflicts",
            message: conflict?.message ?? "no conflicts found", in: &definition, now: now)
        guard !CustomResourceConditions.isTrue("Established", of: definition) else { return }
        CustomResourceConditions.set(
            "Established", "False", reason: conflict == nil ? "Installing" : "NotAccepted",
            message: conflict == nil ? "the initial names have been accepted" : "not all names are accepted",
            in: &definition, now: now)
    }

    private static func collect(_ names: JSONObject, _ resources: inout Set<String>, _ kinds: inout Set<String>) {
        for key in ["plural", "singular"] { resources.insert(names[string: key]) }
        resources.formUnion(names["shortNames"]?.strings ?? [])
        for key in ["kind", "listKind"] { kinds.insert(names[string: key]) }
    }

    /// Says that the definition is served; once it is, it stays established, whatever becomes of its names.
    static func establish(_ definition: inout JSONValue, now: Time) {
        guard CustomResourceConditions.isTrue("NamesAccepted", of: definition),
            !CustomResourceConditions.isTrue("Established", of: definition)
        else { return }
        CustomResourceConditions.set(
            "Established", "True", reason: "InitialNamesAccepted", message: "the initial names have been accepted",
            in: &definition, now: now)
    }
}

/// Definitions in groups of Kubernetes' own need an annotation that tells where they were approved.
enum CustomResourceApproval {
    static let annotation = "api-approved.kubernetes.io"
    private static let advice = "see https://github.com/kubernetes/enhancements/pull/1111"

    enum State {
        case invalid, approved, bypassed, missing
    }

    static func isProtected(_ group: String) -> Bool {
        ["k8s.io", "kubernetes.io"].contains { group == $0 || group.hasSuffix(".\($0)") }
    }

    static func state(of definition: JSONValue) -> (state: State, reason: String) {
        let value = definition.annotations?[annotation]?.stringValue ?? ""
        if value.isEmpty {
            return (.missing, "protected groups must have approval annotation \"\(annotation)\", \(advice)")
        }
        if value.hasPrefix("unapproved") {
            return (.bypassed, "not approved: \(JSONWriter.text(of: .string(value)))")
        }
        if let mark = value.range(of: "://"), mark.lowerBound > value.startIndex, mark.upperBound < value.endIndex,
            value[mark.upperBound...].first != "/"
        {
            return (.approved, "approved in \(value)")
        }
        return (
            .invalid,
            "protected groups must have approval annotation \"\(annotation)\" with either a URL or a reason starting "
                + "with \"unapproved\", \(advice)"
        )
    }

    /// What is wrong with the annotation of a definition. What was so before is let pass.
    static func validate(_ definition: JSONValue, old: JSONValue?) -> [FieldError] {
        guard isProtected(definition["spec"]?["group"]?.stringValue ?? "") else { return [] }
        let (state, reason) = state(of: definition)
        if let old, self.state(of: old).state == state { return [] }
        let path = "metadata.annotations[\(annotation)]"
        switch state {
        case .invalid:
            return [.invalid(path, definition.annotations?[annotation] ?? "", reason)]
        case .missing: return [.required(path, reason)]
        case .approved, .bypassed: return []
        }
    }

    static func setCondition(in definition: inout JSONValue, now: Time) {
        guard isProtected(definition["spec"]?["group"]?.stringValue ?? "") else { return }
        let (state, message) = state(of: definition)
        let (status, reason) =
            switch state {
            case .invalid: ("False", "InvalidAnnotation")
            case .missing: ("False", "MissingAnnotation")
            case .approved: ("True", "ApprovedAnnotation")
            case .bypassed: ("False", "UnapprovedAnnotation")
            }
        CustomResourceConditions.set(
            "KubernetesAPIApprovalPolicyConformant", status, reason: reason, message: message, in: &definition,
            now: now)
    }
}
