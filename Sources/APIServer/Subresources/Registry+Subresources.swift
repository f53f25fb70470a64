// Subresources: which one is asked for, and those that are small.

import APISchema
import JSON
import KubeTypes
import PKI
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
        let object = try decodeBody(request, options)
        guard object.name == request.name else {
            throw .badRequest(
                "the name of the object (\(object.name)) does not match the name on the URL (\(request.name))")
        }
        mutate(
            request.key, in: request.cache, dryRun: options.dryRun, missing: request.notFound,
            plan: { current throws(APIError) in
                let old = current.value
                let seen = object.resourceVersion
                if !seen.isEmpty, seen != String(current.revision) { throw request.conflict(Self.modifiedMeanwhile) }
                if !object.uid.isEmpty, object.uid != old.uid {
                    throw request.conflict(
                        "Precondition failed: UID in precondition: \(object.uid), UID in object meta: \(old.uid)")
                }
                let attributes = AdmissionAttributes(
                    .update, request, object: object, oldObject: old, isDryRun: options.dryRun)
                return try self.planAdmitted(attributes) { admitted throws(APIError) in
                    var new = old
                    new.update("spec") { $0["finalizers"] = admitted.object?[path: "spec", "finalizers"] }
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
        if !request.name.isEmpty, !binding.name.isEmpty, binding.name != request.name {
            throw .badRequest("name in URL does not match name in Binding object")
        }
        let podName = name.isEmpty ? binding.name : name
        let target = binding["target"]?.objectValue ?? JSONObject()
        let node = target[string: "name"]
        var errors: [FieldError] = []
        let kind = target[string: "kind"]
        if !kind.isEmpty, kind != "Node", kind != "Minion" {
            errors.append(.notSupported("target.kind", .string(kind), ["Node", "<empty>"]))
        }
        if node.isEmpty { errors.append(.required("target.name")) }
        if !errors.isEmpty { throw .invalid(kind: "Binding", group: "", name: podName, errors) }
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
                    return .init(.write(try self.bound(current.value, to: node, admitted.object ?? fixed)))
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

    private func bound(_ pod: JSONValue, to node: String, _ binding: JSONValue) throws(APIError) -> JSONValue {
        func conflict(_ why: String) -> APIError { .conflict("pods/binding", group: "", name: pod.name, why) }
        if !binding.uid.isEmpty, binding.uid != pod.uid {
            throw conflict("Precondition failed: UID in precondition: \(binding.uid), UID in object meta: \(pod.uid)")
        }
        if pod.isBeingDeleted { throw conflict("pod \(pod.name) is being deleted, cannot be assigned to a host") }
        let present = pod[path: "spec", "nodeName"]?.stringValue ?? ""
        if !present.isEmpty { throw conflict("pod \(pod.name) is already assigned to node \"\(present)\"") }
        if !(pod[path: "spec", "schedulingGates"]?.isEmptyValue ?? true) {
            throw conflict("pod \(pod.name) has non-empty .spec.schedulingGates")
        }
        var pod = pod
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
        let now = configuration.now()
        pod.update("status") { status in
            var conditions = status[array: "conditions"]
            let index = conditions.firstIndex { $0["type"]?.stringValue == "PodScheduled" }
            let isTrue = index.map { conditions[$0]["status"]?.stringValue == "True" } ?? false
            if !isTrue {
                let condition: JSONValue = [
                    "type": "PodScheduled", "status": "True", "lastProbeTime": .null, "lastTransitionTime": now.field,
                ]
                if let index { conditions[index] = condition } else { conditions.append(condition) }
            }
            status["conditions"] = .array(conditions)
        }
        return pod
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

    /// TokenRequest: a token for a service account, bound to a pod, secret or node if asked.
    func issueToken(_ request: RegistryRequest) throws(APIError) -> Answer {
        let options = try request.writeOptions()
        guard let tokens else {
            throw APIError(code: 501, reason: "NotImplemented", message: "this server issues no tokens")
        }
        guard var body = request.body, let message = schema.message("authentication/v1.TokenRequest") else {
            throw Self.emptyBody
        }
        try checkKind(&body, apiVersion: "authentication.k8s.io/v1", kind: "TokenRequest")
        try decodeFields(&body, as: message, "TokenRequest", "v1", request, options)
        guard let account = request.cache[request.key]?.value else { throw request.notFound }
        let spec = body["spec"]?.objectValue ?? JSONObject()
        let seconds = spec["expirationSeconds"]?.integerValue ?? 3600
        var errors: [FieldError] = []
        if seconds < 600 {
            errors.append(
                .invalid("spec.expirationSeconds", .integer(seconds), "may not specify a duration less than 10 minutes")
            )
        } else if seconds > 1 << 32 {
            errors.append(
                .invalid(
                    "spec.expirationSeconds", .integer(seconds), "may not specify a duration larger than 2^32 seconds"))
        }
        if !errors.isEmpty {
            throw .invalid(kind: "TokenRequest", group: "authentication.k8s.io", name: "", errors)
        }
        let bound = try boundObject(spec, request, accountName: account.name)
        // Clients that were projected an hour's token may forget to reload it: theirs lives a year, with a warning.
        let extends = seconds == 3607 && bound.pod != nil && (spec["audiences"]?.isEmptyValue ?? true)
        let lifetime = extends ? 365 * 24 * 3600 : min(seconds, 365 * 24 * 3600)
        do throws(PKIError) {
            let issued = try tokens.issue(
                namespace: request.namespace,
                serviceAccount: ServiceAccountClaims.Reference(name: account.name, uid: account.uid), pod: bound.pod,
                secret: bound.secret, node: bound.node, audiences: spec["audiences"]?.strings ?? [],
                now: configuration.now().seconds, lifetime: lifetime, warnAfter: extends ? seconds : nil)
            let ends = extends ? configuration.now().seconds + seconds : issued.claims.expires
            body.updateMetadata { metadata in
                metadata["name"] = .string(account.name)
                metadata["namespace"] = .string(request.namespace)
                metadata["creationTimestamp"] = configuration.now().field
            }
            body.update("spec") { spec in
                if spec["audiences"]?.isEmptyValue ?? true {
                    spec["audiences"] = .array(tokens.defaultAudiences.map(JSONValue.string))
                }
                spec["expirationSeconds"] = .integer(lifetime)
            }
            body["status"] = [
                "token": .string(issued.token), "expirationTimestamp": Time(seconds: ends).field,
            ]
            return .value(body, code: 201)
        } catch {
            throw .internalError("no token could be issued: \(error)")
        }
    }

    private struct BoundObject {
        var pod: ServiceAccountClaims.Reference?
        var secret: ServiceAccountClaims.Reference?
        var node: ServiceAccountClaims.Reference?
    }

    private func boundObject(_ spec: JSONObject, _ request: RegistryRequest, accountName: String) throws(APIError)
        -> BoundObject
    {
        var bound = BoundObject()
        guard let reference = spec["boundObjectRef"]?.objectValue, !reference.isEmpty else { return bound }
        let kind = reference[string: "kind"]
        let plural = ["Pod": "pods", "Secret": "secrets", "Node": "nodes"][kind]
        guard let plural, ["", "v1"].contains(reference[string: "apiVersion"]) else {
            throw .badRequest("cannot bind token for serviceaccount \"\(accountName)\" to object of type \(kind)")
        }
        let name = reference[string: "name"]
        let namespace = kind == "Node" ? "" : request.namespace
        guard let object = cache.object(group: "", resource: plural, namespace: namespace, name: name)?.value else {
            throw .notFound(plural, group: "", name: name)
        }
        let uid = reference[string: "uid"]
        if !uid.isEmpty, uid != object.uid {
            throw .conflict(
                plural, group: "", name: name,
                "the UID in the bound object reference (\(uid)) does not match the UID in record. The object might have "
                    + "been deleted and then recreated")
        }
        let found = ServiceAccountClaims.Reference(name: name, uid: object.uid)
        switch kind {
        case "Pod":
            let own = object[path: "spec", "serviceAccountName"]?.stringValue ?? ""
            guard own == accountName else {
                throw .badRequest(
                    "cannot bind token for serviceaccount \"\(accountName)\" to pod running with different "
                        + "serviceaccount name.")
            }
            bound.pod = found
            if let node = object[path: "spec", "nodeName"]?.stringValue, !node.isEmpty {
                let uid = cache.object(group: "", resource: "nodes", namespace: "", name: node)?.value.uid ?? ""
                bound.node = ServiceAccountClaims.Reference(name: node, uid: uid)
            }
        case "Secret": bound.secret = found
        default: bound.node = found
        }
        return bound
    }
}
