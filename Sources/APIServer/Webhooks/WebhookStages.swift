// Webhooks as stages of admission: mutating ones in order and one after the other, validating ones all at once.

import APISchema
import JSON
import KubeTypes

/// What both kinds of webhooks do alike: asking.
private enum WebhookCall {
    /// Why a webhook stops a request.
    enum Failure: Error {
        /// It could not be asked; the failure policy decides what that means.
        case calling(AdmissionCallError)
        case refused(APIError)
    }

    /// Asks one webhook and notes its warnings and annotations.
    static func ask(
        _ webhook: AdmissionWebhook, _ versioned: VersionedAdmissionAttributes, mutating: Bool, _ registry: Registry
    ) async throws(Failure) -> AdmissionVerdict {
        let attributes = versioned.attributes
        if attributes.isDryRun, webhook.sideEffects != "None", webhook.sideEffects != "NoneOnDryRun" {
            if webhook.sideEffects.isEmpty {
                throw .calling(AdmissionCallError(reason: "Webhook SideEffects is nil"))
            }
            throw .refused(.badRequest("admission webhook \"\(webhook.name)\" does not support dry run"))
        }
        let verdict: AdmissionVerdict
        do throws(AdmissionCallError) {
            let review = try AdmissionReview(
                versioned, versions: webhook.reviewVersions, uid: RandomNames.uuid(registry.configuration.random))
            let answer = try await post(review, webhook, registry)
            verdict = try review.verdict(answer, mutating: mutating)
        } catch {
            throw .calling(error)
        }
        for (key, value) in verdict.auditAnnotations { attributes.audit.add("\(webhook.name)/\(key)", value) }
        for warning in verdict.warnings { attributes.warnings.add(warning) }
        if !verdict.isAllowed { throw .refused(AdmissionReview.denial(by: webhook.name, verdict.status)) }
        return verdict
    }

    private static func post(_ review: AdmissionReview, _ webhook: AdmissionWebhook, _ registry: Registry)
        async throws(AdmissionCallError) -> JSONValue
    {
        let started = SystemClock.monotonic()
        do throws(WebhookCallError) {
            let answer = try await registry.webhooks.post(
                review.json, to: webhook.client, timeoutInQuery: true, timeout: webhook.timeout)
            registry.webhookMetrics.record(webhook.name, code: 200, since: started)
            return answer
        } catch {
            registry.webhookMetrics.record(webhook.name, code: error.code ?? 0, since: started)
            throw AdmissionCallError(reason: "failed to call webhook: \(error)", isTimeout: error.isTimeout)
        }
    }

    /// What a failure means by the webhook's policy: an error, or, failing open, nothing.
    static func error(_ failure: Failure, _ webhook: AdmissionWebhook, _ registry: Registry) -> APIError? {
        switch failure {
        case .refused(let error): return error
        case .calling(let error):
            let text = "failed calling webhook \"\(webhook.name)\": \(error.reason)"
            guard webhook.failsOpen else { return .internalError(text) }
            registry.logger.warning("\(text): going on, as its failure policy says")
            return nil
        }
    }
}

/// Mutating webhooks, in the order of their configurations' names. Each sees what the one before has made.
struct MutatingWebhooks: MutatingAdmissionStage {
    private let index = WebhookIndex("mutatingwebhookconfigurations")
    private static let memoryKey = "MutatingAdmissionWebhook"

    func concerns(_ attributes: AdmissionAttributes, _ registry: Registry) -> Bool {
        index.concerns(attributes, registry)
    }

    func admit(_ attributes: inout AdmissionAttributes, _ round: inout MutationRound, _ registry: Registry)
        async throws(APIError)
    {
        if AdmissionMatching.isExempt(attributes) { return }
        var memory = round.memory(of: Self.memoryKey, attributes)
        for (position, webhook) in index.webhooks(registry).enumerated() {
            guard let match = try webhook.match(attributes, registry) else { continue }
            if round.isReinvocation, !memory.due.contains(webhook.identifier) { continue }
            let versioned = try await AdmissionMatching.versioned(attributes, as: match, registry)
            guard try webhook.meetsConditions(versioned, registry) else { continue }
            let note = "round_\(round.isReinvocation ? 1 : 0)_index_\(position)"
            var changed = false
            do throws(WebhookCall.Failure) {
                let verdict = try await WebhookCall.ask(webhook, versioned, mutating: true, registry)
                changed = try await Self.apply(verdict, webhook, versioned, match, &attributes, registry)
            } catch {
                if let error = WebhookCall.error(error, webhook, registry) { throw error }
                attributes.audit.add("failed-open.mutation.webhook.admission.k8s.io/\(note)", webhook.name)
            }
            let record: JSONValue = [
                "configuration": .string(webhook.configuration), "webhook": .string(webhook.name),
                "mutated": .bool(changed),
            ]
            attributes.audit.add("mutation.webhook.admission.k8s.io/\(note)", JSONWriter.text(of: record))
            if changed {
                memory.objectChanged()
                round.shouldReinvoke = true
            }
            if webhook.reinvokes { memory.reinvocable.insert(webhook.identifier) }
        }
        round.keep(memory, of: Self.memoryKey, attributes)
    }

    /// Applies a webhook's patch.
    /// - Returns: whether the object is another one now.
    private static func apply(
        _ verdict: AdmissionVerdict, _ webhook: AdmissionWebhook, _ versioned: VersionedAdmissionAttributes,
        _ match: AdmissionMatch, _ attributes: inout AdmissionAttributes, _ registry: Registry
    ) async throws(WebhookCall.Failure) -> Bool {
        if verdict.patch.isEmpty { return false }
        let patch: JSONPatch
        do {
            patch = try JSONPatch(parsing: try JSONParser.parse(verdict.patch))
        } catch {
            throw .calling(AdmissionCallError(reason: "received undecodable patch in webhook response: \(error)"))
        }
        if patch.count == 0 { return false }
        guard let object = versioned.object else {
            throw .refused(
                .internalError(
                    "admission webhook \"\(webhook.name)\" attempted to modify the object, which is not supported for "
                        + "this operation"))
        }
        do {
            let before = attributes.object
            try await AdmissionMatching.take(try patch.apply(to: object), as: match, into: &attributes, registry)
            return attributes.object != before
        } catch {
            throw .refused(.internalError((error as? APIError)?.message ?? "\(error)"))
        }
    }
}

/// Validating webhooks. All are asked at once, and one refusal is enough.
struct ValidatingWebhooks: ValidatingAdmissionStage {
    private let index = WebhookIndex("validatingwebhookconfigurations")

    func concerns(_ attributes: AdmissionAttributes, _ registry: Registry) -> Bool {
        index.concerns(attributes, registry)
    }

    func validate(_ attributes: AdmissionAttributes, _ registry: Registry) async throws(APIError) {
        if AdmissionMatching.isExempt(attributes) { return }
        var asked: [(position: Int, webhook: AdmissionWebhook, versioned: VersionedAdmissionAttributes)] = []
        for (position, webhook) in index.webhooks(registry).enumerated() {
            guard let match = try webhook.match(attributes, registry) else { continue }
            let versioned = try await AdmissionMatching.versioned(attributes, as: match, registry)
            if try webhook.meetsConditions(versioned, registry) { asked.append((position, webhook, versioned)) }
        }
        let refusals = await withTaskGroup(of: (Int, APIError)?.self) { group in
            for (position, webhook, versioned) in asked {
                group.addTask {
                    do throws(WebhookCall.Failure) {
                        _ = try await WebhookCall.ask(webhook, versioned, mutating: false, registry)
                        return nil
                    } catch {
                        if let error = WebhookCall.error(error, webhook, registry) { return (position, error) }
                        attributes.audit.add(
                            "failed-open.validating.webhook.admission.k8s.io/round_0_index_\(position)", webhook.name)
                        return nil
                    }
                }
            }
            var refusals: [(Int, APIError)] = []
            for await refusal in group { if let refusal { refusals.append(refusal) } }
            return refusals
        }
        if let first = refusals.min(by: { $0.0 < $1.0 }) { throw first.1 }
    }
}
