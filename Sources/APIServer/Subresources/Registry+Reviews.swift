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
        case ("authorization.k8s.io", "selfsubjectaccessreviews"),
            ("authorization.k8s.io", "subjectaccessreviews"),
            ("authorization.k8s.io", "localsubjectaccessreviews"):
            completion(.success(.value(try accessReview(request, options), code: 201)))
        case ("authorization.k8s.io", "selfsubjectrulesreviews"):
            completion(.success(.value(try rulesReview(request, options), code: 201)))
        case ("authentication.k8s.io", "selfsubjectreviews"):
            let review = try reviewBody(request, options)
            completion(
                .success(
                    .value(
                        Self.review(
                            review, metadata: ["creationTimestamp": configuration.now().field],
                            status: ["userInfo": Self.json(of: request.user)]), code: 201)))
        case ("authentication.k8s.io", "tokenreviews"): try tokenReview(request, options, completion)
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

    /// An answer that repeats nothing of the question but its kind.
    private static func review(_ question: JSONValue, metadata: JSONValue, status: JSONValue) -> JSONValue {
        [
            "kind": question["kind"] ?? "", "apiVersion": question["apiVersion"] ?? "", "metadata": metadata,
            "status": status,
        ]
    }

    static func json(of user: UserInfo) -> JSONValue {
        var info: JSONObject = ["username": .string(user.name)]
        if !user.uid.isEmpty { info["uid"] = .string(user.uid) }
        if !user.groups.isEmpty { info["groups"] = .array(user.groups.map(JSONValue.string)) }
        if !user.extra.isEmpty { info["extra"] = user.extra.field }
        return .object(info)
    }

    // MARK: Access

    private func accessReview(_ request: RegistryRequest, _ options: WriteOptions) throws(APIError) -> JSONValue {
        var review = try reviewBody(request, options)
        try Self.placeInNamespace(&review, request)
        let isOwn = request.resource.plural == "selfsubjectaccessreviews"
        let errors = AccessReviewValidation.errors(in: review, of: request.resource, isOwn: isOwn)
        if !errors.isEmpty { throw request.invalid(errors, name: "") }
        let spec = review["spec"]?.objectValue ?? JSONObject()
        var user = request.user
        if !isOwn {
            // v1beta1 has the groups in the singular.
            let groups = (spec["groups"] ?? spec["group"])?.strings ?? []
            user = UserInfo(name: spec[string: "user"], uid: spec[string: "uid"], groups: groups)
            for (key, values) in spec[object: "extra"] { user.extra[key] = values.strings }
        }
        review["status"] = accessStatus(spec, of: user)
        return review
    }

    /// What the authorizer says to the attributes in a review's spec.
    private func accessStatus(_ spec: JSONObject, of user: UserInfo) -> JSONValue {
        var attributes = AuthorizationAttributes(user: user, verb: "")
        if let resource = spec["resourceAttributes"]?.objectValue {
            attributes.verb = resource[string: "verb"]
            attributes.group = resource[string: "group"]
            attributes.version = resource[string: "version"]
            if attributes.version.isEmpty { attributes.version = "*" }
            attributes.resource = resource[string: "resource"]
            attributes.subresource = resource[string: "subresource"]
            attributes.namespace = resource[string: "namespace"]
            attributes.name = resource[string: "name"]
            attributes.selectors = AuthorizationSelectors(resource)
        } else if let path = spec["nonResourceAttributes"]?.objectValue {
            attributes.verb = path[string: "verb"]
            attributes.path = path[string: "path"]
        }
        var status: JSONObject = [:]
        let reason: String
        switch authorizer.authorize(attributes) {
        case .allow(let why):
            status["allowed"] = true
            reason = why
        case .noOpinion(let why):
            status["allowed"] = false
            reason = why
        case .deny(let why):
            status["allowed"] = false
            status["denied"] = true
            reason = why
        }
        if !reason.isEmpty { status["reason"] = .string(reason) }
        let problems = attributes.selectors.evaluationErrors
        if !problems.isEmpty { status["evaluationError"] = .string(problems.joined(separator: "; ")) }
        return .object(status)
    }

    private func rulesReview(_ request: RegistryRequest, _ options: WriteOptions) throws(APIError) -> JSONValue {
        let review = try reviewBody(request, options)
        let namespace = review[path: "spec", "namespace"]?.stringValue ?? ""
        guard !namespace.isEmpty else { throw .badRequest("no namespace on request") }
        var answer = Self.review(
            review, metadata: ["creationTimestamp": .null],
            status: rbac.rules(for: request.user, namespace: namespace).json)
        answer["spec"] = [:]
        return answer
    }

    // MARK: Tokens

    private func tokenReview(_ request: RegistryRequest, _ options: WriteOptions, _ completion: @escaping Completion)
        throws(APIError)
    {
        let review = try reviewBody(request, options)
        let token = review[path: "spec", "token"]?.stringValue ?? ""
        guard !token.isEmpty else { throw .badRequest("token is required for TokenReview in authentication") }
        let answer: @Sendable () -> Void = { [self] in
            completion(.success(.value(reviewed(review, token), code: 201)))
        }
        if let preparation = authenticator.preparation(forToken: token) { preparation(answer) } else { answer() }
    }

    private func reviewed(_ review: JSONValue, _ token: String) -> JSONValue {
        var review = review
        do throws(AuthenticationError) {
            let found = try authenticator.authenticate(
                token: token, audiences: review[path: "spec", "audiences"]?.strings ?? [])
            var status: JSONObject = ["authenticated": true, "user": Self.json(of: found.user)]
            status.set("audiences", found.audiences)
            review["status"] = .object(status)
        } catch {
            review["status"] = ["user": [:], "error": .string(error.reason)]
        }
        return review
    }
}

/// What is wrong with the question of an access review.
enum AccessReviewValidation {
    static func errors(in review: JSONValue, of resource: ResourceType, isOwn: Bool) -> [FieldError] {
        let spec = review["spec"]?.objectValue ?? JSONObject()
        var errors: [FieldError] = []
        if spec["resourceAttributes"] != nil, let path = spec["nonResourceAttributes"] {
            errors.append(
                .invalid(
                    "spec.nonResourceAttributes", path, "cannot be specified in combination with resourceAttributes"))
        }
        if spec["resourceAttributes"] == nil, spec["nonResourceAttributes"] == nil {
            errors.append(
                .invalid(
                    "spec.resourceAttributes", .null,
                    "exactly one of nonResourceAttributes or resourceAttributes must be specified"))
        }
        if !isOwn, spec[string: "user"].isEmpty, spec[array: "groups"].isEmpty, spec[array: "group"].isEmpty {
            errors.append(.invalid("spec.user", "", "at least one of user or group must be specified"))
        }
        if let attributes = spec["resourceAttributes"]?.objectValue {
            for name in ["fieldSelector", "labelSelector"] {
                guard let selector = attributes[name]?.objectValue else { continue }
                errors += self.errors(
                    in: selector, "spec.resourceAttributes.\(name)", isLabels: name == "labelSelector")
            }
        }
        errors += metadataErrors(review["metadata"], isLocal: resource.namespaced)
        guard resource.namespaced else { return errors }
        if let attributes = spec["resourceAttributes"]?.objectValue,
            attributes[string: "namespace"] != review.namespace
        {
            errors.append(
                .invalid(
                    "spec.resourceAttributes.namespace", .string(attributes[string: "namespace"]),
                    "must match metadata.namespace"))
        }
        if let path = spec["nonResourceAttributes"] {
            errors.append(.invalid("spec.nonResourceAttributes", path, "disallowed on this kind of request"))
        }
        return errors
    }

    /// What is asked has no identity: clients that give it one expect something else than they get.
    private static func metadataErrors(_ metadata: JSONValue?, isLocal: Bool) -> [FieldError] {
        let ignored: Set = [
            "managedFields", "creationTimestamp", "uid", "deletionTimestamp", "deletionGracePeriodSeconds", "selfLink",
        ]
        let rest = (metadata?.objectValue ?? JSONObject()).filter { key, value in
            !ignored.contains(key) && !(isLocal && key == "namespace") && !value.isEmptyValue
        }
        guard !rest.isEmpty else { return [] }
        return [
            .invalid("metadata", metadata ?? .null, isLocal ? "must be empty except for namespace" : "must be empty")
        ]
    }

    private static func errors(in selector: JSONObject, _ path: String, isLabels: Bool) -> [FieldError] {
        let raw = selector[string: "rawSelector"]
        let requirements = selector[array: "requirements"]
        var errors: [FieldError] = []
        if !raw.isEmpty, !requirements.isEmpty {
            errors.append(
                .invalid("\(path).rawSelector", .string(raw), "may not specified at the same time as requirements"))
        }
        if raw.isEmpty, requirements.isEmpty {
            errors.append(
                .required(
                    "\(path).requirements", "when \(path) is specified, requirements or rawSelector is required"))
        }
        for (index, requirement) in requirements.enumerated() {
            errors += self.errors(of: requirement, "\(path).requirements[\(index)]", isLabels: isLabels)
        }
        return errors
    }

    private static func errors(of requirement: JSONValue, _ path: String, isLabels: Bool) -> [FieldError] {
        var errors: [FieldError] = []
        let key = requirement["key"]?.stringValue ?? ""
        let values = requirement["values"]?.strings ?? []
        if !isLabels, key.isEmpty { errors.append(.required("\(path).key", "must be specified")) }
        switch requirement["operator"]?.stringValue ?? "" {
        case "In", "NotIn":
            if values.isEmpty {
                errors.append(.required("\(path).values", "must be specified when `operator` is 'In' or 'NotIn'"))
            }
        case "Exists", "DoesNotExist":
            if !values.isEmpty {
                errors.append(
                    .forbidden(
                        "\(path).values", "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"))
            }
        // A client may know operators that this server does not.
        default: break
        }
        guard isLabels else { return errors }
        errors += Names.isQualifiedName(key).map { .invalid("\(path).key", .string(key), $0) }
        for (index, value) in values.enumerated() {
            errors += Names.isLabelValue(value).map { .invalid("\(path).values[\(index)]", .string(value), $0) }
        }
        return errors
    }
}
