// POST: a new object, named, prepared, checked and committed.

import APISchema
import JSON
import KubeTypes
import NIOCore
import Storage

extension Registry {
    private static let nameAttempts = 8

    func create(_ request: RegistryRequest, _ completion: @escaping Completion) throws(APIError) {
        let options = try request.writeOptions()
        if Self.isVirtual(request.resource) { return createVirtual(request, options, completion) }
        let object = try decodeBody(request, options)
        createDecoded(object, request, options, completion: completion)
    }

    /// Creates an object in the storage version whose fields are decoded and defaulted.
    func createDecoded(
        _ decoded: JSONValue, _ request: RegistryRequest, _ options: WriteOptions, attempt: Int = 0,
        waited: Int = 0, completion: @escaping Completion
    ) {
        var object = decoded
        var attributes: AdmissionAttributes
        do throws(APIError) {
            try prepareForAdmission(&object, request)
            if ServiceAccountAdmission.mustWait(object, request, self), waited < 10 {
                // What a controller makes for every namespace may be a moment away (a pod's service account).
                resume(after: .milliseconds(100)) {
                    self.createDecoded(
                        decoded, request, options, attempt: attempt, waited: waited + 1, completion: completion)
                }
                return
            }
            dropRepeatedOwners(of: &object, request)
            track(&object, over: nil, request)
            attributes = AdmissionAttributes(.create, request, object: object, isDryRun: options.dryRun)
            object = .null
            try admission.admit(&attributes, self)
        } catch {
            return completion(.failure(error))
        }
        let creation = Creation(
            decoded: decoded, request: request, options: options, attempt: attempt, completion: completion)
        guard admission.mustMutateLater(attributes, self) else { return validate(creation, attributes) }
        Task { [attributes] in
            do throws(APIError) {
                self.validate(creation, try await self.admission.mutateLater(attributes, self))
            } catch {
                completion(.failure(error))
            }
        }
    }

    /// A create on its way: what it takes to try again under another name.
    private struct Creation: Sendable {
        let decoded: JSONValue
        let request: RegistryRequest
        let options: WriteOptions
        let attempt: Int
        let completion: Completion
    }

    /// What is known of every new object before anybody is asked about it.
    private func prepareForAdmission(_ object: inout JSONValue, _ request: RegistryRequest) throws(APIError) {
        try Self.placeInNamespace(&object, request)
        if !object.resourceVersion.isEmpty {
            throw APIError(
                code: 500, reason: "", message: "resourceVersion should not be set on objects to be created")
        }
        object.updateMetadata { metadata in
            for key in [
                "uid", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds", "selfLink",
                "generation", "resourceVersion",
            ] {
                metadata[key] = nil
            }
        }
    }

    /// Everything between mutating admission and the commit.
    private func validate(_ creation: Creation, _ admitted: AdmissionAttributes) {
        var attributes = admitted
        var context = StrategyContext(creation.request, self, isDryRun: creation.options.dryRun)
        do throws(APIError) {
            var object = attributes.object ?? [:]
            attributes.object = nil
            try prepareNew(&object, creation.request, &context)
            attributes.name = object.name
            attributes.object = object
            try admission.validate(attributes, self)
        } catch {
            return fail(creation, context, attributes, error)
        }
        guard admission.mustValidateLater(attributes, self) else { return commit(creation, context, attributes) }
        Task { [attributes, context] in
            do throws(APIError) {
                try await self.admission.validateLater(attributes, self)
                self.commit(creation, context, attributes)
            } catch {
                self.fail(creation, context, attributes, error)
            }
        }
    }

    private func fail(
        _ creation: Creation, _ context: StrategyContext, _ attributes: AdmissionAttributes, _ error: APIError
    ) {
        for hook in context.onFailure { hook() }
        attributes.effects.finish(succeeded: false)
        creation.completion(.failure(error))
    }

    private func commit(_ creation: Creation, _ context: StrategyContext, _ attributes: AdmissionAttributes) {
        let request = creation.request
        let object = attributes.object ?? [:]
        let key = ObjectKey(namespace: request.storage.namespaced ? request.namespace : "", name: object.name)
        if creation.options.dryRun {
            if request.cache[key] != nil { return fail(creation, context, attributes, alreadyExists(request, key)) }
            for hook in context.onFailure { hook() }
            attributes.effects.finish(succeeded: false)
            let shown = CachedObject(key: key, bytes: JSONWriter.bytes(of: object), revision: 0)
            return creation.completion(.success(.object(shown, code: 201)))
        }
        take(context.claim) { [context, effects = attributes.effects] outcome in
            let isTaken: Bool
            switch outcome {
            case .success(let taken): isTaken = taken
            case .failure(let error): return self.fail(creation, context, attributes, error)
            }
            guard isTaken else {
                for hook in context.onFailure { hook() }
                effects.finish(succeeded: false)
                // With what is known now: another address, or word that the one asked for is taken.
                return self.createAgain(creation)
            }
            self.write(object, creation, context, effects, key)
        }
    }

    private func createAgain(_ creation: Creation) {
        guard creation.attempt < Self.nameAttempts else {
            return creation.completion(.failure(.internalError("no free name, address or port was found")))
        }
        resume {
            self.createDecoded(
                creation.decoded, creation.request, creation.options, attempt: creation.attempt + 1,
                completion: creation.completion)
        }
    }

    private func write(
        _ object: JSONValue, _ creation: Creation, _ context: StrategyContext, _ effects: AdmissionEffects,
        _ key: ObjectKey
    ) {
        let request = creation.request
        commitCreate(object, key: key, in: request.cache) { result in
            switch result {
            case .success(let created):
                for hook in context.onSuccess { hook() }
                effects.finish(succeeded: true)
                creation.completion(.success(.object(created, code: 201)))
            case .failure(let error):
                for hook in context.onFailure { hook() }
                effects.finish(succeeded: false)
                guard case .store(.keyExists) = error else { return creation.completion(.failure(APIError(error))) }
                self.giveBack(context.claim, written: false)
                // A generated name that is taken is bad luck: another one.
                if creation.decoded.name.isEmpty, creation.attempt < Self.nameAttempts {
                    return self.createAgain(creation)
                }
                creation.completion(.failure(self.alreadyExists(request, key)))
            }
        }
    }

    private func alreadyExists(_ request: RegistryRequest, _ key: ObjectKey) -> APIError {
        var error = APIError.alreadyExists(request.resource.plural, group: request.resource.group, name: key.name)
        if request.cache[key]?.value.isBeingDeleted == true {
            error.message = "object is being deleted: \(error.message)"
        }
        return error
    }

    /// Fills in what the server decides, and validates.
    private func prepareNew(_ object: inout JSONValue, _ request: RegistryRequest, _ context: inout StrategyContext)
        throws(APIError)
    {
        let strategy = strategy(request.cache)
        try Self.placeInNamespace(&object, request)
        let now = context.now
        object.updateMetadata { metadata in
            if metadata[string: "name"].isEmpty {
                let base = metadata[string: "generateName"]
                if !base.isEmpty { metadata["name"] = .string(RandomNames.generate(base, configuration.random)) }
            }
            metadata["uid"] = .string(RandomNames.uuid(configuration.random))
            metadata["creationTimestamp"] = now.field
            for key in [
                "deletionTimestamp", "deletionGracePeriodSeconds", "selfLink", "generation", "resourceVersion",
            ] {
                metadata[key] = nil
            }
            if strategy.tracksGeneration { metadata["generation"] = 1 }
        }
        if !strategy.keepsStatusOnCreate, request.storage.subresource("status") != nil { object["status"] = nil }
        try strategy.prepareForCreate(&object, &context)
        ObjectMetaRules.tidy(&object)
        var errors = ObjectMetaRules.validateName(object, of: request.storage)
        errors += schema.validate(object, of: request.storage, writtenAs: request.resource.apiVersion)
        errors += strategy.validate(object, context)
        if !errors.isEmpty { throw request.invalid(Self.unique(errors), name: object.name) }
        advise(about: object, replacing: nil, request)
    }

    /// An object lies in the namespace of its URL, and need not repeat it.
    static func placeInNamespace(_ object: inout JSONValue, _ request: RegistryRequest) throws(APIError) {
        let given = object.namespace
        guard request.resource.namespaced else {
            if !given.isEmpty { object.updateMetadata { $0["namespace"] = nil } }
            return
        }
        if given.isEmpty {
            object.updateMetadata { $0["namespace"] = .string(request.namespace) }
        } else if given != request.namespace {
            throw .badRequest(
                "the namespace of the provided object does not match the namespace sent on the request")
        }
    }

    /// Structure and semantics may both find fault with one field: once is enough.
    static func unique(_ errors: [FieldError]) -> [FieldError] {
        var seen: Set<FieldError> = []
        return errors.filter { seen.insert($0).inserted }
    }
}
