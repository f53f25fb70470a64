// PUT and PATCH: a new state of an object that is there.

import APISchema
import JSON
import KubeTypes
import Storage

extension Registry {
    func update(_ request: RegistryRequest, _ completion: @escaping Completion) throws(APIError) {
        let options = try request.writeOptions()
        var object = try decodeBody(request, options)
        try Self.placeInNamespace(&object, request)
        try Self.checkName(of: object, request)
        if request.cache[request.key] == nil, strategy(request.cache).allowsCreateOnUpdate,
            request.subresource == nil
        {
            object.updateMetadata { $0["resourceVersion"] = nil }
            createDecoded(object, request, options, completion: completion)
            return
        }
        let decoded = object
        change(request, options, completion) { _ throws(APIError) in decoded }
    }

    /// What is sent to an object's URL bears its name.
    static func checkName(of object: JSONValue, _ request: RegistryRequest) throws(APIError) {
        let name = object.name
        if name.isEmpty {
            throw .badRequest(
                "the name of the object (\(request.name) based on URL) was undeterminable: name must be provided")
        }
        if name != request.name {
            throw .badRequest("the name of the object (\(name)) does not match the name on the URL (\(request.name))")
        }
    }

    func patch(_ request: RegistryRequest, _ completion: @escaping Completion) throws(APIError) {
        let options = try request.writeOptions()
        guard let body = request.body, let type = request.patchType else { throw Self.emptyBody }
        if type == .apply { return try apply(request, completion) }
        if request.resource.custom != nil, type == .strategic { throw Self.noStrategicMerge }
        let patch = try Patch(body, type, kind: request.resource.kind)
        change(request, options, completion) { current throws(APIError) in
            let shown = try self.present(current.value, as: request.resource, storage: request.storage)
            let patched = try patch.apply(to: shown, self.schema, request.resource)
            var object = try self.decode(patched, request.decoding(patched), options, over: shown)
            try Self.placeInNamespace(&object, request)
            if object.name != request.name {
                throw request.invalid([
                    .invalid("metadata.name", .string(object.name), "field is immutable")
                ])
            }
            return object
        }
    }

    /// Strategic merge needs to know merge keys, which schemas of custom resources have no way to tell.
    private static let noStrategicMerge = APIError(
        code: 415, reason: "UnsupportedMediaType",
        message: "the body of the request was in an unknown format - accepted media types include: "
            + "application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml",
        details: StatusDetails())

    /// Brings an object into the state that `next` makes of what it is.
    func change(
        _ request: RegistryRequest, _ options: WriteOptions, _ completion: @escaping Completion,
        next: @escaping @Sendable (CachedObject) throws(APIError) -> JSONValue
    ) {
        mutate(
            request.key, in: request.cache, dryRun: options.dryRun, missing: request.notFound,
            plan: { current throws(APIError) in
                var object = try next(current)
                self.dropRepeatedOwners(of: &object, request)
                self.track(&object, over: current.value, request)
                return try self.planUpdate(object, of: current, request, isDryRun: options.dryRun)
            },
            completion: { result in completion(result.map { .object($0.object, code: 200) }) })
    }

    /// Admits and checks a new state of an object and decides what is written.
    /// - Parameter admits: false where admission has seen the request in another form (a Scale).
    func planUpdate(
        _ new: JSONValue, of current: CachedObject, _ request: RegistryRequest, isDryRun: Bool, admits: Bool = true
    ) throws(APIError) -> PlannedMutation {
        try checkPreconditions(new, of: current, request)
        var attributes = AdmissionAttributes(
            .update, request, object: new, oldObject: current.value, isDryRun: isDryRun)
        guard admits else { return try planAdmittedUpdate(attributes, of: current, request, admits: false) }
        try admission.admit(&attributes, self)
        guard admission.mustMutateLater(attributes, self) else {
            return try planAdmittedUpdate(attributes, of: current, request)
        }
        // Whoever is asked sees what the client need not repeat.
        var complete = new
        _ = ObjectMetaRules.prepareUpdate(&complete, old: current.value)
        attributes.object = complete
        return .later { [attributes] () async throws(APIError) in
            let mutated = try await self.admission.mutateLater(attributes, self)
            return try self.planAdmittedUpdate(mutated, of: current, request)
        }
    }

    private func checkPreconditions(_ object: JSONValue, of current: CachedObject, _ request: RegistryRequest)
        throws(APIError)
    {
        let seen = object.resourceVersion
        if !seen.isEmpty, seen != "0" {
            if seen != String(current.revision) { throw request.conflict(Self.modifiedMeanwhile) }
        } else if !strategy(request.cache).allowsUnconditionalUpdate {
            throw request.invalid([
                .invalid("metadata.resourceVersion", .string(seen), "must be specified for an update")
            ])
        }
        let old = current.value
        if !object.uid.isEmpty, object.uid != old.uid {
            throw request.conflict(
                "Precondition failed: UID in precondition: \(object.uid), UID in object meta: \(old.uid)")
        }
    }

    /// Everything between mutating admission and the commit.
    private func planAdmittedUpdate(
        _ admitted: AdmissionAttributes, of current: CachedObject, _ request: RegistryRequest, admits: Bool = true
    ) throws(APIError) -> PlannedMutation {
        let strategy = strategy(request.cache)
        let old = current.value
        var attributes = admitted
        var object = attributes.object ?? [:]
        attributes.object = nil
        var context = StrategyContext(request, self, isDryRun: attributes.isDryRun)
        do throws(APIError) {
            var errors = ObjectMetaRules.prepareUpdate(&object, old: old)
            // What a webhook made of the object is still the object.
            if object.name != old.name {
                errors.append(.invalid("metadata.name", .string(object.name), "field is immutable"))
            }
            if object.namespace != old.namespace {
                errors.append(.invalid("metadata.namespace", .string(object.namespace), "field is immutable"))
            }
            let isStatus = Self.isStatusLike(request.subresource)
            if isStatus {
                object = Self.combine(metadata: object, status: object, rest: old)
                strategy.prepareForStatusUpdate(&object, old: old, &context)
            } else {
                if request.storage.subresource("status") != nil { object["status"] = old["status"] }
                try strategy.prepareForUpdate(&object, old: old, &context)
            }
            ObjectMetaRules.tidy(&object)
            if strategy.tracksGeneration, !isStatus,
                Self.contentDiffers(object, old) || strategy.countsAnnotations && object.annotations != old.annotations
            {
                object.updateMetadata { $0["generation"] = .integer(old.generation + 1) }
            }
            errors += schema.validate(
                object, old: old, of: request.storage, subresource: request.subresource?.name ?? "",
                writtenAs: request.resource.apiVersion)
            if !isStatus {
                errors += schema.withoutOldFaults(
                    strategy.validate(object, context), object, replacing: old, of: request.storage
                ) { strategy.validate(old, context) }
            }
            errors += strategy.validateUpdate(object, old: old, context)
            if !errors.isEmpty { throw request.invalid(Self.unique(errors)) }
            attributes.object = object
            if admits { try admission.validate(attributes, self) }
        } catch {
            for hook in context.onFailure { hook() }
            attributes.effects.finish(succeeded: false)
            throw error
        }
        if request.subresource == nil { advise(about: object, replacing: old, request) }
        var planned = PlannedMutation(.write(object), context)
        if old.isBeingDeleted, object.finalizers.isEmpty, !strategy.holdsBackDeletion(object),
            old.metadata?["deletionGracePeriodSeconds"]?.integerValue ?? 0 == 0
        {
            // The last finalizer of an object that waits for its end.
            planned.mutation = .remove(last: object)
        }
        let effects = attributes.effects
        planned.onSuccess.append { effects.finish(succeeded: true) }
        planned.onFailure.append { effects.finish(succeeded: false) }
        guard admits, admission.mustValidateLater(attributes, self) else { return planned }
        return .later { [attributes, planned] () async throws(APIError) in
            do throws(APIError) {
                try await self.admission.validateLater(attributes, self)
            } catch {
                for hook in planned.onFailure { hook() }
                throw error
            }
            return planned
        }
    }

    /// Whether a subresource writes the status and nothing else of the object.
    static func isStatusLike(_ subresource: SubresourceType?) -> Bool {
        subresource?.name == "status" || subresource?.name == "approval"
    }

    /// An object with the metadata of one, the status of another, and everything else of a third.
    static func combine(metadata: JSONValue, status: JSONValue, rest: JSONValue) -> JSONValue {
        var object = rest
        object["metadata"] = metadata["metadata"]
        object["status"] = status["status"]
        return object
    }

    /// Whether anything differs that is neither metadata nor status.
    static func contentDiffers(_ left: JSONValue, _ right: JSONValue) -> Bool {
        func content(_ value: JSONValue) -> JSONObject {
            var object = value.objectValue ?? JSONObject()
            for key in ["kind", "apiVersion", "metadata", "status"] { object[key] = nil }
            return object
        }
        return content(left) != content(right)
    }
}

/// A patch of one of the three kinds, parsed once and applied as often as it takes.
struct Patch: Sendable {
    private enum Content: Sendable {
        case json(JSONPatch)
        case merge(JSONValue)
        case strategic(JSONValue)
    }

    private static let operationsLimit = 10_000
    private let content: Content

    init(_ body: JSONValue, _ type: PatchType, kind: String) throws(APIError) {
        switch type {
        case .json:
            if let operations = body.arrayValue, operations.count > Self.operationsLimit {
                throw APIError(
                    code: 413, reason: "RequestEntityTooLarge",
                    message: "The allowed maximum operations in a JSON patch is \(Self.operationsLimit), got "
                        + "\(operations.count)")
            }
            do throws(JSONPatchError) {
                content = .json(try JSONPatch(parsing: body))
            } catch {
                throw .badRequest("error decoding patch: \(error)")
            }
        case .merge, .strategic:
            guard case .object = body else {
                throw .badRequest("error decoding patch: a JSON object is expected for a \(kind)")
            }
            content = type == .merge ? .merge(body) : .strategic(body)
        case .apply: throw .badRequest("error decoding patch: a \(kind) cannot be applied here")
        }
    }

    /// Changes an object of `resource`.
    func apply(to value: JSONValue, _ schema: Schema, _ resource: ResourceType) throws(APIError) -> JSONValue {
        guard case .json = content else { return try apply(to: value, schema: schema, message: resource.message) }
        return try EmptyObject.withStructs(of: resource, value) { value throws(APIError) in
            try apply(to: value, schema: schema, message: resource.message)
        }
    }

    /// Changes a value that is no object of a resource of its own.
    func apply(to value: JSONValue, schema: Schema, message: MessageType) throws(APIError) -> JSONValue {
        switch content {
        case .json(let patch):
            do throws(JSONPatchError) {
                return try patch.apply(to: value)
            } catch {
                throw APIError(
                    code: 422, reason: "Invalid",
                    message: "the server rejected our request due to an "
                        + "error in our request: \(error)")
            }
        case .merge(let patch): return JSONMergePatch.apply(patch, to: value)
        case .strategic(let patch): return try schema.strategicMerge(patch: patch, into: value, as: message)
        }
    }
}
