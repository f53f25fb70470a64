// The scale subresource: replicas and selector of whatever has them.

import APISchema
import JSON
import KubeTypes
import Storage

extension Registry {
    func scale(_ request: RegistryRequest, _ completion: @escaping Completion) throws(APIError) {
        let storage = request.storage
        switch request.verb {
        case .get:
            guard let object = request.cache[request.key] else { throw request.notFound }
            completion(.success(.value(try shownScale(of: object.value, request), code: 200)))
        case .update:
            let options = try request.writeOptions()
            guard let body = request.body else { throw Self.emptyBody }
            let wanted = try decodeScale(body, request, options)
            try Self.checkName(of: wanted, request)
            if !wanted.namespace.isEmpty, wanted.namespace != request.namespace {
                throw .badRequest(
                    "the namespace of the object (\(wanted.namespace)) does not match the namespace on the request "
                        + "(\(request.namespace))")
            }
            changeScale(request, options, completion) { _, _ throws(APIError) in wanted }
        case .patch:
            let options = try request.writeOptions()
            guard let body = request.body, let type = request.patchType else { throw Self.emptyBody }
            if type == .apply {
                return changeScale(request, options, completion) { shown, live throws(APIError) in
                    try self.applyScale(body, to: shown, of: live, request, options)
                }
            }
            let patch = try Patch(body, type, kind: "Scale")
            let message = schema.message("autoscaling/v1.Scale") ?? storage.message
            changeScale(request, options, completion) { shown, _ throws(APIError) in
                let patched = try patch.apply(to: shown, schema: self.schema, message: message)
                return try self.decodeScale(patched, request.decoding(patched), options)
            }
        default: throw .methodNotAllowed(request.resource.plural, group: request.resource.group, request.verb.rawValue)
        }
    }

    private func decodeScale(_ body: JSONValue, _ request: RegistryRequest, _ options: WriteOptions) throws(APIError)
        -> JSONValue
    {
        var scale = body
        // Old clients send the Scale of the workload's own group.
        if scale["kind"]?.stringValue == "Scale" { scale["apiVersion"] = "autoscaling/v1" }
        try checkKind(&scale, apiVersion: "autoscaling/v1", kind: "Scale")
        if let message = schema.message("autoscaling/v1.Scale") {
            try decodeFields(&scale, as: message, "Scale", "v1", request, options)
        }
        let replicas = scale[path: "spec", "replicas"]?.integerValue ?? 0
        if replicas < 0 {
            throw .invalid(
                kind: "Scale", group: "autoscaling", name: request.name,
                [.invalid("spec.replicas", .integer(replicas), "must be greater than or equal to 0")])
        }
        return scale
    }

    /// - Parameter wanted: makes the Scale that is to be of the one that is shown now, and of the object behind it.
    private func changeScale(
        _ request: RegistryRequest, _ options: WriteOptions, _ completion: @escaping Completion,
        wanted: @escaping @Sendable (_ shown: JSONValue, _ live: JSONValue) throws(APIError) -> JSONValue
    ) {
        var whole = request
        whole.subresource = nil
        let direct = whole
        mutate(
            request.key, in: request.cache, dryRun: options.dryRun, missing: request.notFound,
            plan: { current throws(APIError) in
                let shown = try self.shownScale(of: current.value, request)
                var scale = try wanted(shown, current.value)
                if request.patchType != .apply { self.trackScale(&scale, over: shown, request) }
                var attributes = AdmissionAttributes(
                    .update, request, object: scale, oldObject: shown, isDryRun: options.dryRun)
                attributes.setLiteral(request.subresource)
                return try self.planAdmitted(attributes) { admitted throws(APIError) in
                    let object = try self.scaled(current.value, by: admitted.object ?? [:], request)
                    return try self.planUpdate(
                        object, of: current, direct, isDryRun: options.dryRun, admits: false)
                }
            },
            completion: { result in
                completion(
                    result.flatMap { result in
                        Result { () throws(APIError) in
                            .value(try self.shownScale(of: result.object.value, request), code: 200)
                        }
                    })
            })
    }

    // MARK: Managed fields

    private func scaleFields(_ request: RegistryRequest) -> ScaleFields {
        var paths: [String: [String]] = [:]
        for resource in schema.resources where resource.storage == request.resource.storage {
            paths[resource.apiVersion] = resource.custom?.scale?.specReplicas ?? ["spec", "replicas"]
        }
        return ScaleFields(apiVersion: request.resource.apiVersion, paths: paths)
    }

    /// The Scale of an object, with those who own the replicas.
    private func shownScale(of object: JSONValue, _ request: RegistryRequest) throws(APIError) -> JSONValue {
        var scale = try Self.scale(of: object, request.resource)
        let managed = scaleFields(request).toScale(object["metadata"]?["managedFields"])
        scale.updateMetadata { $0["managedFields"] = managed }
        return scale
    }

    private func trackScale(_ scale: inout JSONValue, over shown: JSONValue, _ request: RegistryRequest) {
        guard let resource = schema.scaleResource else { return }
        let manager = FieldManager(schema: schema, resource: resource, storage: resource, subresource: "scale")
        let managed = manager.managedFields(
            afterUpdateOf: shown, to: scale, by: request.fieldManager, at: configuration.now().description)
        scale.updateMetadata { $0["managedFields"] = managed }
    }

    private func applyScale(
        _ applied: JSONValue, to shown: JSONValue, of live: JSONValue, _ request: RegistryRequest,
        _ options: WriteOptions
    ) throws(APIError) -> JSONValue {
        guard let resource = schema.scaleResource else { throw .internalError("there is no type Scale") }
        let manager = FieldManager(schema: schema, resource: resource, storage: resource, subresource: "scale")
        let scale = try manager.apply(
            applied, to: shown, by: request.query["fieldManager"] ?? "", force: request.query.flag("force"),
            at: configuration.now().description)
        try reportDuplicates(ofApplied: request, options)
        var decoding = request
        decoding.duplicates = BodyDuplicates()
        return try decodeScale(scale, decoding, options)
    }

    /// An object with as many replicas as a Scale wants.
    private func scaled(_ current: JSONValue, by scale: JSONValue, _ request: RegistryRequest) throws(APIError)
        -> JSONValue
    {
        var object = current
        let managed = scaleFields(request).toParent(
            object["metadata"]?["managedFields"], scale: scale["metadata"]?["managedFields"])
        object.updateMetadata { metadata in
            let seen = scale.resourceVersion
            // Custom resources are never written without saying which state is meant.
            if seen.isEmpty, request.resource.custom != nil { return }
            metadata.set("resourceVersion", .string(seen), isEmpty: seen.isEmpty)
            metadata["managedFields"] = managed
        }
        if !scale.uid.isEmpty, scale.uid != object.uid {
            throw request.conflict(
                "Precondition failed: UID in precondition: \(scale.uid), UID in object meta: \(object.uid)")
        }
        let replicas = scale[path: "spec", "replicas"]?.integerValue
        if let paths = request.resource.custom?.scale {
            try Self.setReplicas(replicas, at: paths, in: &object)
        } else {
            object.update("spec") { $0["replicas"] = .integer(replicas ?? 0) }
        }
        return object
    }

    /// The Scale that an object shows.
    static func scale(of object: JSONValue, _ resource: ResourceType) throws(APIError) -> JSONValue {
        if let paths = resource.custom?.scale { return try scale(of: object, at: paths) }
        var status: JSONObject = ["replicas": .integer(object[path: "status", "replicas"]?.integerValue ?? 0)]
        if let selector = object[path: "spec", "selector"] {
            let isPlain = object["kind"]?.stringValue == "ReplicationController"
            let text = LabelSelector(isPlain ? ["matchLabels": selector] : selector).text
            if !text.isEmpty { status["selector"] = .string(text) }
        }
        return [
            "kind": "Scale", "apiVersion": "autoscaling/v1", "metadata": scaleMetadata(of: object),
            "spec": ["replicas": .integer(object[path: "spec", "replicas"]?.integerValue ?? 0)],
            "status": .object(status),
        ]
    }

    static func scaleMetadata(of object: JSONValue) -> JSONValue {
        var metadata: JSONObject = [:]
        for key in ["name", "namespace", "uid", "resourceVersion", "creationTimestamp"] {
            if let value = object["metadata"]?[key] { metadata[key] = value }
        }
        return .object(metadata)
    }
}
