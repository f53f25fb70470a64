// Subresources: which one is asked for, and those that are small.

import APISchema
import JSON
import KubeTypes
import Storage

extension Registry {
    func performSubresource(
        _ subresource: SubresourceType, _ request: RegistryRequest, _ completion: @escaping Completion
    ) throws(APIError) {
        switch (request.resource.plural, subresource.name, request.verb) {
        case (_, "status", .get): completion(.success(try get(request)))
        case (_, "status", .update), ("certificatesigningrequests", "approval", .update):
            try update(request, completion)
        case (_, "status", .patch), ("certificatesigningrequests", "approval", .patch):
            try patch(request, completion)
        case ("certificatesigningrequests", "approval", .get): completion(.success(try get(request)))
        case ("pods", "ephemeralcontainers", .get), ("pods", "resize", .get): completion(.success(try get(request)))
        case ("pods", "ephemeralcontainers", .update), ("pods", "resize", .update): try update(request, completion)
        case ("pods", "ephemeralcontainers", .patch), ("pods", "resize", .patch): try patch(request, completion)
        case (_, "scale", _): try scale(request, completion)
        case ("pods", "binding", .create): try bind(request, name: request.name, completion)
        case ("pods", "eviction", .create): try evict(request, completion)
        case ("serviceaccounts", "token", .create): try requestToken(request, completion)
        case ("namespaces", "finalize", .update): try finalizeNamespace(request, completion)
        default:
            throw APIError(
                code: 501, reason: "NotImplemented",
                message: "\(request.verb.rawValue) of \(request.resource.plural)/\(subresource.name) is not implemented"
            )
        }
    }

    /// Lets a namespace's content controller say that it is done: the one way to take finalizers out of its spec.
    private func finalizeNamespace(_ request: RegistryRequest, _ completion: @escaping Completion) throws(APIError) {
        let options = try request.writeOptions()
        let sent = try decodeBody(request, options)
        try Self.checkName(of: sent, request)
        mutate(
            request.key, in: request.cache, dryRun: options.dryRun, missing: request.notFound,
            plan: { current throws(APIError) in
                let old = current.value
                var object = sent
                let seen = object.resourceVersion
                if !seen.isEmpty, seen != String(current.revision) { throw request.conflict(Self.modifiedMeanwhile) }
                if !object.uid.isEmpty, object.uid != old.uid {
                    throw request.conflict(
                        "Precondition failed: UID in precondition: \(object.uid), UID in object meta: \(old.uid)")
                }
                self.track(&object, over: old, request)
                let attributes = AdmissionAttributes(
                    .update, request, object: object, oldObject: old, isDryRun: options.dryRun)
                return try self.planAdmitted(attributes) { admitted throws(APIError) in
                    var new = admitted.object ?? old
                    var errors = ObjectMetaRules.prepareUpdate(&new, old: old)
                    ObjectMetaRules.tidy(&new)
                    new["status"] = old["status"]
                    NamespaceStrategy.label(&new)
                    errors += self.schema.validate(new, old: old, of: request.storage, subresource: "finalize")
                    if !errors.isEmpty { throw request.invalid(errors) }
                    let isDone = new.finalizers.isEmpty && new[path: "spec", "finalizers"]?.isEmptyValue ?? true
                    return PlannedMutation(old.isBeingDeleted && isDone ? .remove(last: new) : .write(new))
                }
            },
            completion: { result in completion(result.map { .object($0.object, code: 200) }) })
    }

    // MARK: Bindings

    /// Puts a pod onto a node.
    func bind(_ request: RegistryRequest, name: String, _ completion: @escaping Completion) throws(APIError) {
        let options = try request.writeOptions()
        guard var binding = request.body, let message = schema.message("core/v1.Binding"),
            let pods = cache.cache(group: "", resource: "pods")
        else { throw Self.emptyBody }
        try checkKind(&binding, apiVersion: "v1", kind: "Binding")
        try decodeFields(&binding, as: message, "Binding", "v1", request, options)
        if !binding.namespace.isEmpty, binding.namespace != request.namespace {
            throw .badRequest("the namespace of the provided object does not match the namespace sent on the request")
        }
        if !request.name.isEmpty, binding.name != request.name {
            throw .badRequest("name in URL does not match name in Binding object")
        }
        let podName = name.isEmpty ? binding.name : name
        let target = binding["target"]?.objectValue ?? JSONObject()
        let node = target[string: "name"]
        var errors: [FieldError] = []
        let kind = target[string: "kind"]
        if !kind.isEmpty, kind != "Node" {
            errors.append(.notSupported("target.kind", .string(kind), ["Node", "<empty>"]))
        }
        if node.isEmpty { errors.append(.required("target.name")) }
        // Upstream returns these as an error of no kind.
        if !errors.isEmpty {
            let texts = errors.map { "\($0.path): \($0.message)" }
            let text = texts.count == 1 ? texts[0] : "[\(texts.joined(separator: ", "))]"
            throw APIError(code: 500, reason: "", message: text)
        }
        let key = ObjectKey(namespace: request.namespace, name: podName)
        let fixed = binding
        mutate(
            key, in: pods, dryRun: options.dryRun, missing: .notFound("pods", group: "", name: podName),
            plan: { current throws(APIError) in
                var attributes = AdmissionAttributes(.create, request, object: fixed, isDryRun: options.dryRun)
                attributes.name = podName
                attributes.setLiteral(request.subresource)
                return try self.planAdmitted(attributes) { admitted throws(APIError) in
                    let node = admitted.object?[path: "target", "name"]?.stringValue ?? node
                    return .init(.write(try self.bound(current, to: node, admitted.object ?? fixed)))
                }
            },
            completion: { result in
                completion(
                    result.map { _ in
                        .value(
                            ["kind": "Status", "apiVersion": "v1", "metadata": [:], "status": "Success", "code": 201],
                            code: 201)
                    })
            })
    }

    private func bound(_ current: CachedObject, to node: String, _ binding: JSONValue) throws(APIError) -> JSONValue {
        var pod = current.value
        let name = pod.name
        func conflict(_ why: String) -> APIError { .conflict("pods/binding", group: "", name: name, why) }
        if !binding.uid.isEmpty, binding.uid != pod.uid {
            throw conflict("Precondition failed: UID in precondition: \(binding.uid), UID in object meta: \(pod.uid)")
        }
        let seen = binding.resourceVersion
        if !seen.isEmpty, seen != String(current.revision) {
            throw conflict(
                "Precondition failed: ResourceVersion in precondition: \(seen), ResourceVersion in object meta: "
                    + "\(current.revision)")
        }
        if pod.isBeingDeleted { throw conflict("pod \(pod.name) is being deleted, cannot be assigned to a host") }
        let present = pod[path: "spec", "nodeName"]?.stringValue ?? ""
        if !present.isEmpty { throw conflict("pod \(pod.name) is already assigned to node \"\(present)\"") }
        if !(pod[path: "spec", "schedulingGates"]?.isEmptyValue ?? true) {
            throw conflict("pod \(pod.name) has non-empty .spec.schedulingGates")
        }
        pod.update("spec") { $0["nodeName"] = .string(node) }
        pod.updateMetadata { metadata in
            if let annotations = binding.annotations, !annotations.isEmpty {
                metadata.updateObject("annotations") { own in
                    for (key, value) in annotations { own[key] = value }
                }
            }
            if let labels = binding.labels, !labels.isEmpty {
                metadata.updateObject("labels") { own in
                    for (key, value) in labels { own[key] = value }
                }
            }
        }
        pod.update("status") { $0["nominatedNodeName"] = nil }
        return pod.withCondition("PodScheduled", "True", now: configuration.now())
    }

    // MARK: Tokens

    /// Admits a TokenRequest and answers it.
    private func requestToken(_ request: RegistryRequest, _ completion: @escaping Completion) throws(APIError) {
        let isDryRun = try request.writeOptions().dryRun
        var attributes = AdmissionAttributes(.create, request, object: request.body, isDryRun: isDryRun)
        attributes.setLiteral(request.subresource)
        admit(attributes) { result in
            do throws(APIError) {
                var request = request
                request.body = try result.get().object
                completion(.success(try self.issueToken(request)))
            } catch {
                completion(.failure(error))
            }
        }
    }
}

extension JSONValue {
    /// The object with a condition in its status, as upstream's `UpdatePodCondition` sets it: the time is that of the
    /// last change of the condition's status.
    func withCondition(
        _ type: String, _ status: String, reason: String = "", message: String = "", now: Time
    ) -> JSONValue {
        var object = self
        object.update("status") { fields in
            var conditions = fields[array: "conditions"]
            let index = conditions.firstIndex { $0["type"]?.stringValue == type }
            let former = index.map { conditions[$0] }
            let hasStatus = former?["status"]?.stringValue == status
            if hasStatus, former?["reason"]?.stringValue ?? "" == reason,
                former?["message"]?.stringValue ?? "" == message
            {
                return
            }
            var condition: JSONObject = [
                "type": .string(type), "status": .string(status), "lastProbeTime": .null,
                "lastTransitionTime": hasStatus ? former?["lastTransitionTime"] ?? now.field : now.field,
            ]
            condition.set("reason", .string(reason), isEmpty: reason.isEmpty)
            condition.set("message", .string(message), isEmpty: message.isEmpty)
            if let index { conditions[index] = .object(condition) } else { conditions.append(.object(condition)) }
            fields["conditions"] = .array(conditions)
        }
        return object
    }
}
