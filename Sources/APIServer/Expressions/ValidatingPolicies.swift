// ValidatingAdmissionPolicies as a stage of admission.

import JSON
import KubeTypes

struct ValidatingPolicies: ValidatingAdmissionStage {
    private let index = PolicyIndex(
        policies: "validatingadmissionpolicies", bindings: "validatingadmissionpolicybindings",
        compile: ValidatingPolicy.init)

    func concerns(_ attributes: AdmissionAttributes, _ registry: Registry) -> Bool {
        index.concerns(attributes, registry)
    }

    /// A denial and who is behind it.
    private struct Refusal {
        let policy: String
        let binding: String?
        let denial: ValidatingPolicy.Denial

        var message: String {
            let binding = binding.map { " with binding '\($0)'" } ?? ""
            return "ValidatingAdmissionPolicy '\(policy)'\(binding) denied request: \(denial.message)"
        }
    }

    func validate(_ attributes: AdmissionAttributes, _ registry: Registry) async throws(APIError) {
        if AdmissionMatching.isExempt(attributes) { return }
        var refusals: [Refusal] = []
        for (policy, bindings) in index.bound(registry) {
            refusals += try await self.refusals(of: policy, bindings, attributes, registry)
        }
        guard let first = refusals.first else { return }
        var error = attributes.forbidden(first.message)
        error.reason = first.denial.reason
        error.code = Self.codes[first.denial.reason] ?? 422
        var cause = StatusCause()
        cause.message = first.message
        let causes = error.details?.causes ?? []
        error.details?.causes = causes + [cause]
        throw error
    }

    private static let codes = ["Unauthorized": 401, "Forbidden": 403, "RequestEntityTooLarge": 413]
    /// Bytes of an audit annotation's value.
    private static let longestAnnotation = 10 * 1024

    private func refusals(
        of policy: ValidatingPolicy, _ bindings: [PolicyBinding], _ attributes: AdmissionAttributes,
        _ registry: Registry
    ) async throws(APIError) -> [Refusal] {
        var found: [Refusal] = []
        func misconfigured(_ message: String, _ binding: PolicyBinding?) {
            if policy.failsOpen { return }
            let what = binding == nil ? "policy" : "binding"
            found.append(
                Refusal(
                    policy: policy.name, binding: binding?.name,
                    denial: .init(message: "failed to configure \(what): \(message)")))
        }
        let match: AdmissionMatch
        do throws(APIError) {
            guard let matched = try policy.matcher.match(attributes, registry) else { return [] }
            match = matched
        } catch {
            misconfigured(error.message, nil)
            return found
        }
        if let kind = policy.paramKind, PolicyParameters.resource(kind, registry) == nil {
            let shown = PolicyParameters.groupVersionKind(kind)
            misconfigured("failed to find resource referenced by paramKind: '\(shown)'", nil)
            return found
        }
        var input: AdmissionInput?
        var annotations: [(key: String, values: [String])] = []
        for binding in bindings {
            let params: [JSONValue?]
            do throws(APIError) {
                guard try binding.matcher.match(attributes, registry) != nil else { continue }
            } catch {
                misconfigured(error.message, binding)
                continue
            }
            do throws(PolicyParameters.Problem) {
                params = try await PolicyParameters.collect(
                    policy.paramKind, binding.paramReference, namespace: attributes.namespace, registry)
            } catch {
                misconfigured(error.message, binding)
                continue
            }
            if params.isEmpty { continue }
            let known: AdmissionInput
            if let input {
                known = input
            } else {
                let versioned = try await AdmissionMatching.versioned(attributes, as: match, registry)
                known = AdmissionInput(
                    versioned, namespace: try registry.policyNamespace(attributes), authorizer: registry.authorizer)
                input = known
            }
            for value in params {
                let outcome = policy.evaluate(known, params: value)
                for denial in outcome.denials {
                    act(on: denial, policy, binding, attributes, &found)
                }
                for denial in outcome.annotationProblems {
                    found.append(Refusal(policy: policy.name, binding: binding.name, denial: denial))
                }
                for (key, value) in outcome.annotations {
                    let value = String(decoding: value.utf8.prefix(Self.longestAnnotation), as: UTF8.self)
                    if let position = annotations.firstIndex(where: { $0.key == key }) {
                        if !annotations[position].values.contains(value) { annotations[position].values.append(value) }
                    } else {
                        annotations.append((key, [value]))
                    }
                }
            }
        }
        for (key, values) in annotations {
            attributes.audit.add("\(policy.name)/\(key)", values.joined(separator: ", "))
        }
        return found
    }

    /// Does what the binding says is done about a denial.
    private func act(
        on denial: ValidatingPolicy.Denial, _ policy: ValidatingPolicy, _ binding: PolicyBinding,
        _ attributes: AdmissionAttributes, _ refusals: inout [Refusal]
    ) {
        for action in binding.actions {
            switch action {
            case "Deny": refusals.append(Refusal(policy: policy.name, binding: binding.name, denial: denial))
            case "Warn":
                attributes.warnings.add(
                    "Validation failed for ValidatingAdmissionPolicy '\(policy.name)' with binding '\(binding.name)': "
                        + denial.message)
            case "Audit":
                let failure: JSONValue = [
                    [
                        "message": .string(denial.message), "policy": .string(policy.name),
                        "binding": .string(binding.name), "expressionIndex": .integer(Int64(denial.index)),
                        "validationActions": .array(binding.actions.map(JSONValue.string)),
                    ]
                ]
                attributes.audit.add(
                    "validation.policy.admission.k8s.io/validation_failure", JSONWriter.text(of: failure))
            default: break
            }
        }
    }
}
