// Resources that are only created and never stored: reviews of access and tokens, and bindings.

import APISchema
import JSON
import KubeTypes

extension Registry {
    /// Whether a resource is only ever created and answered, and not stored.
    static func isVirtual(_ resource: ResourceType) -> Bool {
        switch resource.group {
        case "": resource.plural == "bindings"
        case "authorization.k8s.io", "authentication.k8s.io": true
        default: false
        }
    }

    /// Admits and answers a create of something that is not stored.
    func createVirtual(_ request: RegistryRequest, _ options: WriteOptions, _ completion: @escaping Completion) {
        @Sendable func answer(_ request: RegistryRequest) {
            do throws(APIError) {
                try answerVirtual(request, options, completion)
            } catch {
                completion(.failure(error))
            }
        }
        // Bindings are admitted where they are decoded; a body that is none is refused there.
        guard !request.resource.group.isEmpty, request.body?.objectValue != nil else { return answer(request) }
        var attributes = AdmissionAttributes(.create, request, object: request.body, isDryRun: options.dryRun)
        attributes.isLiteral = true
        admit(attributes) { result in
            switch result {
            case .success(let admitted):
                var request = request
                request.body = admitted.object
                answer(request)
            case .failure(let error): completion(.failure(error))
            }
        }
    }

    private func answerVirtual(_ request: RegistryRequest, _ options: WriteOptions, _ completion: @escaping Completion)
        throws(APIError)
    {
        switch (request.resource.group, request.resource.plural) {
        case ("", "bindings"): try bind(request, name: "", completion)
        case ("authorization.k8s.io", "selfsubjectaccessreviews"):
            var review = try reviewBody(request, options)
            review["status"] = accessStatus(review["spec"], of: request.user)
            completion(.success(.value(review, code: 201)))
        case ("authorization.k8s.io", "subjectaccessreviews"), ("authorization.k8s.io", "localsubjectaccessreviews"):
            completion(.success(.value(try subjectAccessReview(request, options), code: 201)))
        case ("authorization.k8s.io", "selfsubjectrulesreviews"):
            completion(.success(.value(try rulesReview(request, options), code: 201)))
        case ("authentication.k8s.io", "selfsubjectreviews"):
            var review = try reviewBody(request, options)
            review.updateMetadata { $0["creationTimestamp"] = configuration.now().field }
            review["status"] = ["userInfo": Self.json(of: request.user)]
            completion(.success(.value(review, code: 201)))
        case ("authentication.k8s.io", "tokenreviews"):
            completion(.success(.value(try tokenReview(request, options), code: 201)))
        default:
            throw .methodNotAllowed(request.resource.plural, group: request.resource.group, request.verb.rawValue)
        }
    }

    private func reviewBody(_ request: RegistryRequest, _ options: WriteOptions) throws(APIError) -> JSONValue {
        guard var body = request.body else { throw Self.emptyBody }
        try checkKind(&body, apiVersion: request.resource.apiVersion, kind: request.resource.kind)
        try decodeFields(
            &body, as: request.resource.message, request.resource.kind, request.resource.version, request, options)
        return body
    }

    static func json(of user: UserInfo) -> JSONValue {
        var info: JSONObject = ["username": .string(user.name)]
        if !user.uid.isEmpty { info["uid"] = .string(user.uid) }
        if !user.groups.isEmpty { info["groups"] = .array(user.groups.map(JSONValue.string)) }
        if !user.extra.isEmpty { info["extra"] = user.extra.field }
        return .object(info)
    }

    /// What the authorizer says to the attributes in a review's spec.
    private func accessStatus(_ spec: JSONValue?, of user: UserInfo) -> JSONValue {
        var attributes = AuthorizationAttributes(user: user, verb: "")
        if let resource = spec?["resourceAttributes"]?.objectValue {
            attributes.verb = resource[string: "verb"]
            attributes.group = resource[string: "group"]
            attributes.version = resource[string: "version"]
            attributes.resource = resource[string: "resource"]
            attributes.subresource = resource[string: "subresource"]
            attributes.namespace = resource[string: "namespace"]
            attributes.name = resource[string: "name"]
        } else if let path = spec?["nonResourceAttributes"]?.objectValue {
            attributes.verb = path[string: "verb"]
            attributes.path = path[string: "path"]
        }
        switch authorizer.authorize(attributes) {
        case .allow(let reason): return Self.accessStatus(allowed: true, denied: false, reason)
        case .noOpinion(let reason): return Self.accessStatus(allowed: false, denied: false, reason)
        case .deny(let reason): return Self.accessStatus(allowed: false, denied: true, reason)
        }
    }

    private static func accessStatus(allowed: Bool, denied: Bool, _ reason: String) -> JSONValue {
        var status: JSONObject = ["allowed": .bool(allowed)]
        if denied { status["denied"] = true }
        if !reason.isEmpty { status["reason"] = .string(reason) }
        return .object(status)
    }

    private func subjectAccessReview(_ request: RegistryRequest, _ options: WriteOptions) throws(APIError) -> JSONValue
    {
        var review = try reviewBody(request, options)
        let spec = review["spec"]?.objectValue ?? JSONObject()
        let groups = spec["groups"]?.strings ?? []
        var errors: [FieldError] = []
        if spec["resourceAttributes"] != nil, spec["nonResourceAttributes"] != nil {
            errors.append(
                .invalid(
                    "spec.nonResourceAttributes", spec["nonResourceAttributes"] ?? .null,
                    "cannot be specified in combination with resourceAttributes"))
        }
        if spec["resourceAttributes"] == nil, spec["nonResourceAttributes"] == nil {
            errors.append(
                .invalid(
                    "spec.resourceAttributes", .null,
                    "exactly one of nonResourceAttributes or resourceAttributes must be specified"))
        }
        if spec[string: "user"].isEmpty, groups.isEmpty {
            errors.append(.invalid("spec.user", "", "at least one of user or group must be specified"))
        }
        if request.resource.namespaced {
            if let own = spec["resourceAttributes"]?["namespace"]?.stringValue, own != request.namespace {
                errors.append(
                    .invalid("spec.resourceAttributes.namespace", .string(own), "must match metadata.namespace"))
            }
        }
        if !errors.isEmpty { throw request.invalid(errors, name: "") }
        var extra: [String: [String]] = [:]
        for (key, values) in spec[object: "extra"] { extra[key] = values.strings }
        let user = UserInfo(
            name: spec[string: "user"], uid: spec[string: "uid"], groups: groups, extra: extra)
        review["status"] = accessStatus(review["spec"], of: user)
        return review
    }

    private func rulesReview(_ request: RegistryRequest, _ options: WriteOptions) throws(APIError) -> JSONValue {
        var review = try reviewBody(request, options)
        let namespace = review[path: "spec", "namespace"]?.stringValue ?? ""
        guard !namespace.isEmpty else { throw .badRequest("no namespace on request") }
        review["status"] = rbac.rules(for: request.user, namespace: namespace).json
        return review
    }

    private func tokenReview(_ request: RegistryRequest, _ options: WriteOptions) throws(APIError) -> JSONValue {
        var review = try reviewBody(request, options)
        let token = review[path: "spec", "token"]?.stringValue ?? ""
        guard !token.isEmpty else { throw .badRequest("token is required for TokenReview in authentication") }
        let audiences = review[path: "spec", "audiences"]?.strings ?? []
        do throws(AuthenticationError) {
            let user = try authenticator.authenticate(token: token, audiences: audiences)
            var status: JSONObject = ["authenticated": true, "user": Self.json(of: user)]
            let meant = audiences.isEmpty ? tokens?.defaultAudiences ?? [] : audiences
            if !meant.isEmpty { status["audiences"] = .array(meant.map(JSONValue.string)) }
            review["status"] = .object(status)
        } catch {
            review["status"] = ["user": [:], "error": .string(error.reason)]
        }
        return review
    }
}
