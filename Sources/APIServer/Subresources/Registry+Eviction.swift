// Evictions: deletions of pods that a disruption budget may refuse (policy/v1 Eviction).

import APISchema
import JSON
import KubeTypes
import Storage

extension Registry {
    private static let maximumDisrupted = 2000

    func evict(_ request: RegistryRequest, _ completion: @escaping Completion) throws(APIError) {
        guard var body = request.body, let message = schema.message("policy/v1.Eviction") else { throw Self.emptyBody }
        var options = try request.writeOptions()
        // v1beta1 is the same.
        if body["apiVersion"]?.stringValue == "policy/v1beta1" { body["apiVersion"] = "policy/v1" }
        try checkKind(&body, apiVersion: "policy/v1", kind: "Eviction")
        try decodeFields(&body, as: message, "Eviction", "v1", request, options)
        if body.name != request.name { throw .badRequest("name in URL does not match name in Eviction object") }
        let ignoring = "ignoreStoreReadErrorWithClusterBreakingPotential"
        if body["deleteOptions"]?[ignoring]?.boolValue == true {
            throw .invalid(
                kind: "Eviction", group: "policy", name: request.name,
                [
                    .invalid(
                        "deleteOptions.\(ignoring)", true,
                        "can not be set for pod eviction, try after removing the option")
                ])
        }
        guard request.cache[request.key] != nil else { throw request.notFound }
        let deletion = try DeletionOptions(request.query, body: body["deleteOptions"])
        options.dryRun = options.dryRun || deletion.dryRun
        var attributes = AdmissionAttributes(.create, request, object: body, isDryRun: options.dryRun)
        attributes.setLiteral(request.subresource)
        let dryRun = options.dryRun
        admit(attributes) { result in
            do throws(APIError) {
                try self.evictAdmitted(request, try result.get().object ?? [:], dryRun: dryRun, completion)
            } catch {
                completion(.failure(error))
            }
        }
    }

    private func evictAdmitted(
        _ request: RegistryRequest, _ eviction: JSONValue, dryRun: Bool, _ completion: @escaping Completion
    ) throws(APIError) {
        guard let pod = request.cache[request.key]?.value else { throw request.notFound }
        var options = try DeletionOptions(request.query, body: eviction["deleteOptions"])
        options.dryRun = dryRun
        let deletion = options
        let evicted: Completion = { result in
            completion(
                result.map { _ in
                    .value(
                        ["kind": "Status", "apiVersion": "v1", "metadata": [:], "status": "Success", "code": 201],
                        code: 201)
                })
        }
        var delete = request
        delete.subresource = nil
        delete.verb = .delete
        let phase = pod[path: "status", "phase"]?.stringValue
        let needsNoBudget = phase == "Succeeded" || phase == "Failed" || phase == "Pending" || pod.isBeingDeleted
        guard !needsNoBudget, let budgets = cache.cache(group: "policy", resource: "poddisruptionbudgets") else {
            disrupt(delete, deletion, evicted)
            return
        }
        let matching = budgets.snapshot.objects.objects(namespace: request.namespace).filter {
            guard let selector = $0.value[path: "spec", "selector"] else { return false }
            return LabelMatcher(LabelSelector(selector)).matches(pod.labels)
        }
        if matching.count > 1 {
            throw .internalError(
                "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.")
        }
        guard let budget = matching.first else { return disrupt(delete, deletion, evicted) }
        let ready = delete
        mutate(
            budget.key, in: budgets, dryRun: dryRun,
            missing: .notFound("poddisruptionbudgets", group: "policy", name: budget.key.name),
            plan: { current throws(APIError) in
                PlannedMutation(.write(try self.disrupted(current.value, pod, requestName: request.name)))
            },
            completion: { result in
                switch result {
                case .success: self.disrupt(ready, deletion, evicted)
                case .failure(let error): completion(.failure(error))
                }
            })
    }

    /// Writes down why the pod goes, and deletes it.
    private func disrupt(_ request: RegistryRequest, _ options: DeletionOptions, _ completion: @escaping Completion) {
        if options.dryRun { return delete(request, options, admits: false, completion: completion) }
        let now = configuration.now()
        mutate(
            request.key, in: request.cache, dryRun: false, missing: request.notFound,
            plan: { current throws(APIError) in
                let pod = current.value
                func conflict(_ what: String, _ asked: String, _ found: String, _ why: String) -> APIError {
                    .conflict(
                        "Pod", group: "", name: pod.name,
                        "the \(what) in the precondition (\(asked)) does not match the \(what) in record (\(found)). "
                            + "The object might have been \(why)")
                }
                if let uid = options.uid, !uid.isEmpty, uid != pod.uid {
                    throw conflict("UID", uid, pod.uid, "deleted and then recreated")
                }
                if let version = options.resourceVersion, !version.isEmpty, version != String(current.revision) {
                    throw conflict("ResourceVersion", version, String(current.revision), "modified")
                }
                return PlannedMutation(
                    .write(
                        pod.withCondition(
                            "DisruptionTarget", "True", reason: "EvictionByEvictionAPI",
                            message: "Eviction API: evicting", now: now)))
            },
            completion: { result in
                switch result {
                case .success(let changed):
                    var options = options
                    if options.resourceVersion != nil { options.resourceVersion = String(changed.object.revision) }
                    self.delete(request, options, admits: false, completion: completion)
                case .failure(let error): completion(.failure(error))
                }
            })
    }

    /// The budget with one disruption less, or why there is none left.
    private func disrupted(_ budget: JSONValue, _ pod: JSONValue, requestName: String) throws(APIError) -> JSONValue {
        let status = budget["status"]?.objectValue ?? JSONObject()
        let policy = budget[path: "spec", "unhealthyPodEvictionPolicy"]?.stringValue ?? "IfHealthyBudget"
        let healthy = status["currentHealthy"]?.integerValue ?? 0
        let desired = status["desiredHealthy"]?.integerValue ?? 0
        let isReady = (pod[path: "status", "conditions"]?.arrayValue ?? []).contains {
            $0["type"]?.stringValue == "Ready" && $0["status"]?.stringValue == "True"
        }
        // A pod that is running but not ready is nobody's loss, if the policy or the others' health says so.
        if !isReady, policy == "AlwaysAllow" || healthy >= desired && desired > 0 { return budget }
        if status["observedGeneration"]?.integerValue ?? 0 < budget.generation {
            throw refusal(
                "The disruption budget \(budget.name) is still being processed by the server.", retryAfter: 10)
        }
        let allowed = status["disruptionsAllowed"]?.integerValue ?? 0
        let disrupted = status[object: "disruptedPods"]
        if allowed < 0 {
            throw .forbidden(
                "poddisruptionbudgets", group: "policy", name: budget.name, "pdb disruptions allowed is negative")
        }
        if disrupted.count > Self.maximumDisrupted {
            throw .forbidden(
                "poddisruptionbudgets", group: "policy", name: budget.name,
                "DisruptedPods map too big - too many evictions not confirmed by PDB controller")
        }
        if allowed == 0 {
            throw refusal(Self.reason(budget.name, status, desired: desired, healthy: healthy), retryAfter: nil)
        }
        var budget = budget
        let now = configuration.now()
        budget.update("status") { status in
            status["disruptionsAllowed"] = .integer(allowed - 1)
            status.updateObject("disruptedPods") { $0[pod.name] = now.field }
        }
        return budget
    }

    /// Why a budget allows nothing.
    private static func reason(_ name: String, _ status: JSONObject, desired: Int64, healthy: Int64) -> String {
        let condition = (status["conditions"]?.arrayValue ?? []).first {
            $0["type"]?.stringValue == "DisruptionAllowed" && $0["status"]?.stringValue == "False"
        }
        let reason = condition?["reason"]?.stringValue ?? ""
        let message = condition?["message"]?.stringValue ?? ""
        let refused = "The disruption budget \(name) does not allow evicting pods currently"
        // After a failed count the figures mean nothing.
        if reason == "SyncFailed", !message.isEmpty { return "\(refused) because it failed sync: \(message)" }
        if healthy <= desired {
            return "The disruption budget \(name) needs \(desired) healthy pods and has \(healthy) currently"
        }
        return message.isEmpty ? refused : "\(refused) (\(reason)): \(message)"
    }

    /// - Parameter retryAfter: Seconds after which it is worth another try; nil leaves that to the client, which
    ///   otherwise waits within its call.
    private func refusal(_ why: String, retryAfter: Int?) -> APIError {
        var error = APIError.tooManyRequests(
            "Cannot evict pod as it would violate the pod's disruption budget.", retryAfter: retryAfter)
        var cause = StatusCause()
        cause.reason = "DisruptionBudget"
        cause.message = why
        error.details?.causes = [cause]
        return error
    }
}
