// The order of admission: built-in plugins, then the stages that may wait, for changes first and for refusals after.

import JSON
import KubeTypes

/// All admission of a server. Requests that no stage concerns never leave their thread.
struct AdmissionControl: Sendable {
    let plugins: [any AdmissionPlugin]
    let mutating: [any MutatingAdmissionStage]
    let validating: [any ValidatingAdmissionStage]

    /// The built-in plugins in upstream's order, and the stages.
    static func standard(_ configuration: APIServerConfiguration) -> AdmissionControl {
        AdmissionControl(
            plugins: [
                NamespaceLifecycle(), LimitRanger(), ServiceAccountAdmission(), NodeRestriction(),
                TaintNodesByCondition(), PodSecurityAdmission(), PodUpdateCarryOver(), PriorityAdmission(),
                DefaultTolerations(
                    notReadySeconds: configuration.notReadyTolerationSeconds,
                    unreachableSeconds: configuration.unreachableTolerationSeconds), DefaultStorageClass(),
                StorageObjectInUseProtection(),
                PersistentVolumeClaimResize(), RuntimeClassAdmission(), CertificateAdmission(), DefaultIngressClass(),
                PodTopologyLabels(),
            ],
            mutating: [MutatingPolicies(), MutatingWebhooks()],
            validating: [ValidatingPolicies(), ValidatingWebhooks(), ResourceQuotaAdmission()])
    }

    func admit(_ attributes: inout AdmissionAttributes, _ registry: Registry) throws(APIError) {
        for plugin in plugins where plugin.handles(attributes) { try plugin.admit(&attributes, registry) }
    }

    func validate(_ attributes: AdmissionAttributes, _ registry: Registry) throws(APIError) {
        for plugin in plugins where plugin.handles(attributes) { try plugin.validate(attributes, registry) }
    }

    func mustMutateLater(_ attributes: AdmissionAttributes, _ registry: Registry) -> Bool {
        mutating.contains { $0.concerns(attributes, registry) }
    }

    func mustValidateLater(_ attributes: AdmissionAttributes, _ registry: Registry) -> Bool {
        validating.contains { $0.concerns(attributes, registry) }
    }

    /// Runs the mutating stages, and, if one of them changed the object, everything that changes objects once more.
    func mutateLater(_ given: AdmissionAttributes, _ registry: Registry) async throws(APIError) -> AdmissionAttributes {
        var attributes = given
        var round = MutationRound()
        for stage in mutating { try await stage.admit(&attributes, &round, registry) }
        if round.shouldReinvoke {
            round.isReinvocation = true
            try admit(&attributes, registry)
            for stage in mutating { try await stage.admit(&attributes, &round, registry) }
        }
        attributes.restoreManagedFields(of: given)
        return attributes
    }

    func validateLater(_ attributes: AdmissionAttributes, _ registry: Registry) async throws(APIError) {
        for stage in validating where stage.concerns(attributes, registry) {
            try await stage.validate(attributes, registry)
        }
    }

    /// Everything, for what is admitted as a whole.
    func all(_ admitted: AdmissionAttributes, _ registry: Registry) async throws(APIError) -> AdmissionAttributes {
        let attributes = try await mutateLater(admitted, registry)
        try validate(attributes, registry)
        try await validateLater(attributes, registry)
        return attributes
    }
}

extension Registry {
    /// Admits something whose validation is admission's alone (subresources, deletions), and plans the write after it.
    func planAdmitted(
        _ given: AdmissionAttributes,
        then plan: @escaping @Sendable (AdmissionAttributes) throws(APIError) -> PlannedMutation
    ) throws(APIError) -> PlannedMutation {
        var attributes = given
        try admission.admit(&attributes, self)
        guard admission.mustMutateLater(attributes, self) || admission.mustValidateLater(attributes, self) else {
            try admission.validate(attributes, self)
            return Self.bind(try plan(attributes), attributes.effects)
        }
        return .later { [attributes] () async throws(APIError) in
            do throws(APIError) {
                let admitted = try await self.admission.all(attributes, self)
                return Self.bind(try plan(admitted), admitted.effects)
            } catch {
                attributes.effects.finish(succeeded: false)
                throw error
            }
        }
    }

    private static func bind(_ planned: PlannedMutation, _ effects: AdmissionEffects) -> PlannedMutation {
        var planned = planned
        planned.onSuccess.append { effects.finish(succeeded: true) }
        planned.onFailure.append { effects.finish(succeeded: false) }
        return planned
    }

    /// Admits what is not written at all, or not by a mutation: reviews, evictions, tokens, connections. `completion` is
    /// called at once where no stage has to wait.
    func admit(
        _ given: AdmissionAttributes,
        completion: @escaping @Sendable (Result<AdmissionAttributes, APIError>) -> Void
    ) {
        var attributes = given
        do throws(APIError) {
            try admission.admit(&attributes, self)
            guard admission.mustMutateLater(attributes, self) || admission.mustValidateLater(attributes, self) else {
                try admission.validate(attributes, self)
                return completion(.success(attributes))
            }
        } catch {
            return completion(.failure(error))
        }
        Task { [attributes] in
            do throws(APIError) {
                completion(.success(try await self.admission.all(attributes, self)))
            } catch {
                completion(.failure(error))
            }
        }
    }

    /// Admits a connection into something (`pods/exec`, `services/proxy` …) before it is made.
    /// - Parameters:
    ///   - options: the kind that the connection's query stands for, such as `PodExecOptions`, in JSON.
    func admitConnect(
        _ request: RegistryRequest, options: JSONValue,
        completion: @escaping @Sendable (Result<Void, APIError>) -> Void
    ) {
        var attributes = AdmissionAttributes(.connect, request, object: options)
        attributes.setLiteral(request.subresource)
        admit(attributes) { completion($0.map { _ in () }) }
    }
}
