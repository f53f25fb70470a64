// Certificate signing requests: who asks is written down by the server, approval and signature have a way of their own.

import APISchema
import JSON
import KubeTypes
import PKI

struct CertificateSigningRequestStrategy: Strategy {
    private static let approvalTypes = ["Approved", "Denied"]
    private static let lastingTypes = ["Approved", "Denied", "Failed"]
    private static let legacySigner = "kubernetes.io/legacy-unknown"

    func prepareForCreate(_ object: inout JSONValue, _ context: inout StrategyContext) throws(APIError) {
        let user = context.request.user
        object.update("spec") { spec in
            spec["username"] = .string(user.name)
            spec.set("uid", .string(user.uid), isEmpty: user.uid.isEmpty)
            spec.set("groups", user.groups)
            spec.set("extra", user.extra.field, isEmpty: user.extra.isEmpty)
        }
        object["status"] = [:]
    }

    /// A request stays what it was made.
    func prepareForUpdate(_ object: inout JSONValue, old: JSONValue, _ context: inout StrategyContext) throws(APIError)
    {
        object["spec"] = old["spec"]
        object["status"] = old["status"]
    }

    func prepareForStatusUpdate(_ object: inout JSONValue, old: JSONValue, _ context: inout StrategyContext) {
        var conditions = Self.conditions(object)
        let before = Self.conditions(old)
        let isApproval = context.request.subresource?.name == "approval"
        if !isApproval {
            // Signers may send approvals back slightly changed: what was decided stays as it is.
            for type in Self.approvalTypes {
                let new = conditions.indices.filter { conditions[$0]["type"]?.stringValue == type }
                let kept = before.filter { $0["type"]?.stringValue == type }
                if new.count == kept.count {
                    for (index, condition) in zip(new, kept) { conditions[index] = condition }
                }
            }
        }
        let now = context.now.field
        for index in conditions.indices {
            let condition = conditions[index]
            if condition["lastUpdateTime"]?.stringValue == nil { conditions[index]["lastUpdateTime"] = now }
            if condition["lastTransitionTime"]?.stringValue == nil {
                let same = before.first {
                    $0["type"] == condition["type"] && $0["status"] == condition["status"]
                        && $0["lastTransitionTime"]?.stringValue != nil
                }
                conditions[index]["lastTransitionTime"] = same?["lastTransitionTime"] ?? now
            }
        }
        if isApproval { object["status"] = old["status"] }
        object.update("status") { $0.set("conditions", .array(conditions), isEmpty: conditions.isEmpty) }
    }

    private static func conditions(_ object: JSONValue) -> [JSONValue] {
        object[path: "status", "conditions"]?.arrayValue ?? []
    }

    // MARK: Validation

    func validate(_ object: JSONValue, _ context: StrategyContext) -> [FieldError] {
        // Updates are checked with the old object at hand.
        context.request.verb == .create
            ? Self.errors(
                in: object, old: nil, allowsLegacySigner: context.request.resource.version == "v1beta1") : []
    }

    func validateUpdate(_ object: JSONValue, old: JSONValue, _ context: StrategyContext) -> [FieldError] {
        let subresource = context.request.subresource?.name
        var errors = Self.errors(in: object, old: old)
        let new = Self.conditions(object)
        let before = Self.conditions(old)
        func of(_ type: String, _ conditions: [JSONValue]) -> [JSONValue] {
            conditions.filter { $0["type"]?.stringValue == type }
        }
        for type in Self.lastingTypes where of(type, new).count < of(type, before).count {
            errors.append(
                .forbidden("status.conditions", "updates may not remove a condition of type \"\(type)\""))
        }
        if subresource != "approval" {
            for type in Self.approvalTypes {
                let (after, kept) = (of(type, new), of(type, before))
                if after.count > kept.count {
                    errors.append(
                        .forbidden("status.conditions", "updates may not add a condition of type \"\(type)\""))
                } else if after.count == kept.count, after != kept {
                    errors.append(
                        .forbidden("status.conditions", "updates may not modify a condition of type \"\(type)\""))
                }
            }
        }
        let certificate = object[path: "status", "certificate"]?.stringValue ?? ""
        let oldCertificate = old[path: "status", "certificate"]?.stringValue ?? ""
        if certificate != oldCertificate {
            if subresource != "status" {
                errors.append(.forbidden("status.certificate", "updates may not set certificate content"))
            } else if !oldCertificate.isEmpty {
                errors.append(.forbidden("status.certificate", "updates may not modify existing certificate content"))
            }
        }
        return errors
    }

    /// What is wrong with a request by itself. What was wrong already before an update is let be.
    /// - Parameter allowsLegacySigner: what v1beta1 took a request without a signer for.
    private static func errors(
        in object: JSONValue, old: JSONValue?, allowsLegacySigner: Bool = false
    ) -> [FieldError] {
        let spec = object["spec"]?.objectValue ?? JSONObject()
        var errors: [FieldError] = []
        // The spec cannot change: looking at it once is enough.
        if old == nil { errors += specErrors(spec, allowsLegacySigner: allowsLegacySigner) }
        errors += conditionErrors(conditions(object), old: old.map(conditions) ?? [])
        let certificate = object[path: "status", "certificate"]?.stringValue ?? ""
        if !certificate.isEmpty, certificate != old?[path: "status", "certificate"]?.stringValue,
            let problem = CertificatePEM.problem(with: Base64.decode(certificate) ?? [])
        {
            errors.append(.invalid("status.certificate", "<certificate data>", problem))
        }
        return errors
    }

    private static func specErrors(_ spec: JSONObject, allowsLegacySigner: Bool) -> [FieldError] {
        var errors: [FieldError] = []
        let request = spec["request"] ?? ""
        do throws(PKIError) {
            let parsed = try CertificateRequest(pem: request.stringValue.flatMap { Base64.decode($0) } ?? [])
            if !parsed.isSignatureValid {
                errors.append(.invalid("spec.request", request, "x509: signature does not match the key"))
            }
        } catch {
            var reason = "\(error)"
            if case .malformed(_, let why) = error { reason = why }
            errors.append(.invalid("spec.request", request, reason))
        }
        let usages = spec["usages"]?.strings ?? []
        if usages.isEmpty { errors.append(.required("spec.usages")) }
        var seen: Set<String> = []
        for (index, usage) in usages.enumerated() {
            let path = "spec.usages[\(index)]"
            if !CertificateUsages.all.contains(usage) {
                errors.append(.notSupported(path, .string(usage), CertificateUsages.all))
            }
            if !seen.insert(usage).inserted { errors.append(.duplicate(path, .string(usage))) }
        }
        let signer = spec[string: "signerName"]
        if signer == legacySigner, allowsLegacySigner {
            // Nobody signs it, and anybody may ask.
        } else if signer == legacySigner {
            errors.append(
                .invalid(
                    "spec.signerName", .string(signer), "the legacy signerName is not allowed via this API version"))
        } else {
            errors += SignerNames.errors(signer, "spec.signerName")
        }
        if let seconds = spec["expirationSeconds"]?.integerValue, seconds < 600 {
            errors.append(
                .invalid(
                    "spec.expirationSeconds", .integer(seconds),
                    "may not specify a duration less than 600 seconds (10 minutes)"))
        }
        return errors
    }

    private static func conditionErrors(_ conditions: [JSONValue], old: [JSONValue]) -> [FieldError] {
        func types(_ conditions: [JSONValue]) -> [String] { conditions.map { $0["type"]?.stringValue ?? "" } }
        let oldTypes = types(old)
        let allowsBoth = approvalTypes.allSatisfy(oldTypes.contains)
        let allowsDuplicates = Set(oldTypes).count < oldTypes.count
        var errors: [FieldError] = []
        var seen: Set<String> = []
        for (index, condition) in conditions.enumerated() {
            let path = "status.conditions[\(index)]"
            let type = condition["type"]?.stringValue ?? ""
            let status = condition["status"]?.stringValue ?? ""
            if type.isEmpty, !oldTypes.contains("") { errors.append(.required("\(path).type")) }
            let allowed = lastingTypes.contains(type) ? ["True"] : ["False", "True", "Unknown"]
            if status.isEmpty {
                errors.append(.required("\(path).status"))
            } else if !allowed.contains(status) {
                errors.append(.notSupported("\(path).status", .string(status), allowed))
            }
            if !allowsBoth,
                type == "Approved" && seen.contains("Denied") || type == "Denied" && seen.contains("Approved")
            {
                errors.append(
                    .invalid(
                        "status.conditions", .string(type), "Approved and Denied conditions are mutually exclusive"))
            }
            if !seen.insert(type).inserted, !allowsDuplicates {
                errors.append(.duplicate("\(path).type", .string(type)))
            }
        }
        return errors
    }
}
