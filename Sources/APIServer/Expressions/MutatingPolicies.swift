// MutatingAdmissionPolicies, compiled, and as a stage of admission.

import APISchema
import CEL
import JSON
import KubeTypes

/// One policy, compiled.
struct MutatingPolicy: CompiledPolicy {
    private struct Mutation: Sendable {
        let isApply: Bool
        let expression: String
        let program: Result<CELProgram, ExpressionProblem>
    }

    /// Why a mutation did not happen; the failure policy decides what that means.
    struct Problem: Error { let message: String }

    let frame: PolicyFrame
    let reinvokes: Bool
    private let mutations: [Mutation]

    init(_ policy: JSONValue) {
        frame = PolicyFrame(policy)
        let spec = policy["spec"] ?? [:]
        reinvokes = spec["reinvocationPolicy"]?.stringValue == "IfNeeded"
        var names = frame.names
        names.patches = true
        let environment = AdmissionExpressions.environment(names)
        mutations = (spec["mutations"]?.arrayValue ?? []).map { mutation in
            let isApply = mutation["patchType"]?.stringValue == "ApplyConfiguration"
            let expression = mutation[isApply ? "applyConfiguration" : "jsonPatch"]?["expression"]?.stringValue ?? ""
            do throws(ExpressionProblem) {
                let program = try AdmissionExpressions.compile(
                    expression, returning: [isApply ? .object("Object") : .list(.object("JSONPatch"))], in: environment)
                return Mutation(isApply: isApply, expression: expression, program: .success(program))
            } catch {
                return Mutation(isApply: isApply, expression: expression, program: .failure(error))
            }
        }
    }

    /// Whether the match conditions are met.
    func meetsConditions(_ input: AdmissionInput, params: JSONValue?) throws(Problem) -> Bool {
        guard let matchConditions = frame.matchConditions else { return true }
        switch matchConditions.matches(frame.values(input, params)) {
        case .success(let result): return result
        case .failure(let problem):
            if failsOpen { return false }
            throw Problem(message: problem.detail)
        }
    }

    var mutationCount: Int { mutations.count }

    /// The object as one of the policy's mutations makes it.
    func mutate(
        _ object: JSONValue, mutation index: Int, _ input: AdmissionInput, params: JSONValue?, _ resource: ResourceType
    ) throws(Problem) -> JSONValue {
        let mutation = mutations[index]
        let program: CELProgram
        switch mutation.program {
        case .success(let compiled): program = compiled
        case .failure(let problem): throw Problem(message: problem.detail)
        }
        let variables = PolicyVariables(frame.variables, frame.values(input, params))
        let result: Result<CELValue, CELError>
        do throws(ExpressionBudget.OutOfBudget) {
            result = try variables.run(program, ExpressionBudget(AdmissionExpressions.budget))
        } catch {
            throw Problem(message: error.message)
        }
        switch result {
        case .failure(let error):
            throw Problem(message: "expression '\(mutation.expression)' resulted in error: \(error.message)")
        case .success(let value):
            return mutation.isApply ? try apply(value, to: object, resource) : try patch(value, object)
        }
    }

    private func apply(
        _ value: CELValue, to object: JSONValue, _ resource: ResourceType
    ) throws(Problem) -> JSONValue {
        guard case .object(let made) = value, let patch = made as? PatchObject else {
            throw Problem(message: "unsupported return type from ApplyConfiguration expression: \(value.type.name)")
        }
        let problems = patch.typeProblems()
        if !problems.isEmpty { throw Problem(message: "type mismatch: \(problems.joined(separator: "\n"))") }
        guard var applied = patch.json else { throw Problem(message: "invalid return type: \(value.type.name)") }
        applied["apiVersion"] = object["apiVersion"] ?? .string(resource.apiVersion)
        applied["kind"] = object["kind"] ?? .string(resource.kind)
        let type = resource.mergeType
        if let problem = type.problems(of: applied).first {
            throw Problem(
                message: "error applying patch: failed to convert patch object to typed object: "
                    + problem.description)
        }
        let atomics = type.atomics(in: applied)
        if !atomics.isEmpty {
            throw Problem(
                message: "error applying patch: invalid ApplyConfiguration: may not mutate atomic arrays, maps or "
                    + "structs: \(atomics.joined(separator: ", "))")
        }
        do throws(MergeProblem) {
            return try type.merge(applied, into: object)
        } catch {
            throw Problem(message: "error applying patch: failed to merge patch: \(error.description)")
        }
    }

    private func patch(_ value: CELValue, _ object: JSONValue) throws(Problem) -> JSONValue {
        guard case .list(let list) = value, let elements = try? list.all() else {
            throw Problem(message: "type mismatch: JSONPatchType.expression should evaluate to array")
        }
        var operations: [JSONValue] = []
        for element in elements {
            guard case .object(let made) = element, let operation = made as? PatchObject else {
                throw Problem(
                    message: "type mismatch: JSONPatchType.expression should evaluate to array of JSONPatch")
            }
            if case .object(let inner)? = operation.fields.first(where: { $0.name == "value" })?.value,
                let inner = inner as? PatchObject
            {
                let problems = inner.typeProblems(inner.type.name)
                if !problems.isEmpty { throw Problem(message: "type mismatch: \(problems.joined(separator: "\n"))") }
            }
            guard let json = operation.json else {
                throw Problem(
                    message: "JSONPath valueExpression evaluated to a type that could not marshal to JSON")
            }
            operations.append(json)
        }
        do throws(JSONPatchError) {
            return try JSONPatch(parsing: .array(operations)).apply(to: object)
        } catch {
            // A test that fails only means that the patch is not for this object.
            if error.description.hasSuffix("test failed") { return object }
            throw Problem(message: "JSON Patch: \(error.description)")
        }
    }
}

extension MergeType {
    /// The paths of values in an applied object that are owned as a whole: a policy may not take them over, lest it
    /// removes what it does not mention.
    fileprivate func atomics(in value: JSONValue, _ path: String = "") -> [String] {
        switch value {
        case .object(let object):
            if case .leaf(let type) = self, type != nil { return [path] }
            return object.flatMap { name, value in field(name)?.atomics(in: value, "\(path).\(name)") ?? [] }
        case .array(let elements):
            switch self {
            case .leaf: return [path]
            case .list(_, let type):
                return elements.enumerated().flatMap { type.atomics(in: $1, "\(path)[\($0)]") }
            default: return []
            }
        default: return []
        }
    }
}

/// The stage: policies in the order of their names, each with its bindings and their parameters.
struct MutatingPolicies: MutatingAdmissionStage {
    private let index = PolicyIndex(
        policies: "mutatingadmissionpolicies", bindings: "mutatingadmissionpolicybindings", compile: MutatingPolicy.init
    )
    private static let memoryKey = "MutatingAdmissionPolicy"

    func concerns(_ attributes: AdmissionAttributes, _ registry: Registry) -> Bool {
        index.concerns(attributes, registry)
    }

    func admit(_ attributes: inout AdmissionAttributes, _ round: inout MutationRound, _ registry: Registry)
        async throws(APIError)
    {
        if AdmissionMatching.isExempt(attributes) { return }
        let bound = index.bound(registry)
        if bound.isEmpty { return }
        var memory = round.memory(of: Self.memoryKey, attributes)
        var refusals: [String] = []
        for (policy, bindings) in bound {
            refusals += try await admit(&attributes, &round, &memory, policy, bindings, registry)
        }
        round.keep(memory, of: Self.memoryKey, attributes)
        guard let first = refusals.first else { return }
        var error = attributes.forbidden("admission request denied by policy")
        error.message = first
        error.reason = "Invalid"
        let causes = error.details?.causes ?? []
        error.details?.causes =
            causes
            + refusals.map { refusal in
                var cause = StatusCause()
                cause.message = refusal
                return cause
            }
        throw error
    }

    /// - Returns: the refusals.
    private func admit(
        _ attributes: inout AdmissionAttributes, _ round: inout MutationRound, _ memory: inout ReinvocationMemory,
        _ policy: MutatingPolicy, _ bindings: [PolicyBinding], _ registry: Registry
    ) async throws(APIError) -> [String] {
        var found: [String] = []
        func refuse(_ message: String, _ binding: PolicyBinding?) {
            if policy.failsOpen { return }
            let who = binding.map { "'\(policy.name)' with binding '\($0.name)'" } ?? "\"\(policy.name)\""
            found.append("policy \(who) denied request: \(message)")
        }
        let match: AdmissionMatch
        do throws(APIError) {
            guard let matched = try policy.matcher.match(attributes, registry) else { return [] }
            match = matched
        } catch {
            refuse("failed to configure policy: \(error.message)", nil)
            return found
        }
        if let kind = policy.paramKind, PolicyParameters.resource(kind, registry) == nil {
            let shown = PolicyParameters.groupVersionKind(kind)
            refuse("failed to configure policy: failed to find resource referenced by paramKind: '\(shown)'", nil)
            return found
        }
        for binding in bindings {
            let params: [JSONValue?]
            do throws(APIError) {
                guard try binding.matcher.match(attributes, registry) != nil else { continue }
            } catch {
                refuse("failed to configure binding: \(error.message)", binding)
                continue
            }
            do throws(PolicyParameters.Problem) {
                params = try await PolicyParameters.collect(
                    policy.paramKind, binding.paramReference, namespace: attributes.namespace, registry)
            } catch {
                refuse("failed to configure binding: \(error.message)", binding)
                continue
            }
            let namespace = try registry.policyNamespace(attributes)
            for value in params {
                let key = "\(policy.name)/\(binding.name)/\(value?.namespace ?? "")/\(value?.name ?? "")"
                do throws(MutatingPolicy.Problem) {
                    let input = AdmissionInput(
                        try await Self.versioned(attributes, match, registry), namespace: namespace,
                        authorizer: registry.authorizer)
                    guard try policy.meetsConditions(input, params: value) else { continue }
                } catch {
                    refuse(error.message, binding)
                    continue
                }
                if round.isReinvocation, !memory.due.contains(key) { continue }
                let before = attributes.object
                for mutation in 0..<policy.mutationCount {
                    do throws(MutatingPolicy.Problem) {
                        // Each mutation sees what the one before has made.
                        let versioned = try await Self.versioned(attributes, match, registry)
                        guard let object = versioned.object else { continue }
                        let input = AdmissionInput(versioned, namespace: namespace, authorizer: registry.authorizer)
                        let mutated = try policy.mutate(
                            object, mutation: mutation, input, params: value, match.resource)
                        try await Self.take(mutated, match, &attributes, registry)
                    } catch {
                        refuse(error.message, binding)
                    }
                }
                if attributes.object != before {
                    memory.objectChanged()
                    round.shouldReinvoke = true
                }
                if policy.reinvokes { memory.reinvocable.insert(key) }
            }
        }
        return found
    }

    private static func versioned(
        _ attributes: AdmissionAttributes, _ match: AdmissionMatch, _ registry: Registry
    ) async throws(MutatingPolicy.Problem) -> VersionedAdmissionAttributes {
        do throws(APIError) {
            return try await AdmissionMatching.versioned(attributes, as: match, registry)
        } catch {
            throw MutatingPolicy.Problem(message: error.message)
        }
    }

    private static func take(
        _ object: JSONValue, _ match: AdmissionMatch, _ attributes: inout AdmissionAttributes, _ registry: Registry
    ) async throws(MutatingPolicy.Problem) {
        do throws(APIError) {
            try await AdmissionMatching.take(object, as: match, into: &attributes, registry)
        } catch {
            throw MutatingPolicy.Problem(message: error.message)
        }
    }
}
