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
        if try answerVirtual(request, options, completion) { return }
        let object = try decodeBody(request, options)
        createDecoded(object, request, options, completion: completion)
    }

    /// Creates an object in the storage version whose fields are decoded and defaulted.
    func createDecoded(
        _ decoded: JSONValue, _ request: RegistryRequest, _ options: WriteOptions, attempt: Int = 0,
        waited: Int = 0, completion: @escaping Completion
    ) {
        var object = decoded
        var context = StrategyContext(request, self, isDryRun: options.dryRun)
        do throws(APIError) {
            if try Admission.mustWait(object, context), waited < 10 {
                // What a controller makes for every namespace may be a moment away (a pod's service account).
                resume(after: .milliseconds(100)) {
                    self.createDecoded(
                        decoded, request, options, attempt: attempt, waited: waited + 1, completion: completion)
                }
                return
            }
            try prepareNew(&object, request, &context)
        } catch {
            for hook in context.onFailure { hook() }
            completion(.failure(error))
            return
        }
        let name = object.name
        let key = ObjectKey(namespace: request.storage.namespaced ? request.namespace : "", name: name)
        if options.dryRun {
            for hook in context.onFailure { hook() }
            if request.cache[key] != nil {
                return completion(.failure(alreadyExists(request, key)))
            }
            let shown = CachedObject(key: key, bytes: JSONWriter.bytes(of: object), revision: 0, value: object)
            return completion(.success(.object(shown, code: 201)))
        }
        commitCreate(object, key: key, in: request.cache) { [context] result in
            switch result {
            case .success(let created):
                for hook in context.onSuccess { hook() }
                completion(.success(.object(created, code: 201)))
            case .failure(let error):
                for hook in context.onFailure { hook() }
                guard case .store(.keyExists) = error else { return completion(.failure(APIError(error))) }
                // A generated name that is taken is bad luck: another one.
                if decoded.name.isEmpty, attempt < Self.nameAttempts {
                    return self.resume {
                        self.createDecoded(
                            decoded, request, options, attempt: attempt + 1, completion: completion)
                    }
                }
                completion(.failure(self.alreadyExists(request, key)))
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

    /// Everything between decoding and committing.
    private func prepareNew(_ object: inout JSONValue, _ request: RegistryRequest, _ context: inout StrategyContext)
        throws(APIError)
    {
        let strategy = strategy(request.cache)
        try Self.placeInNamespace(&object, request)
        if !object.resourceVersion.isEmpty {
            throw APIError(
                code: 500, reason: "", message: "resourceVersion should not be set on objects to be created")
        }
        try Admission.admitCreate(&object, &context)
        let now = context.now
        object.updateMetadata { metadata in
            if metadata[string: "name"].isEmpty {
                let base = metadata[string: "generateName"]
                if !base.isEmpty { metadata["name"] = .string(RandomNames.generate(base, configuration.random)) }
            }
            metadata["uid"] = .string(RandomNames.uuid(configuration.random))
            metadata["creationTimestamp"] = now.field
            for key in [
                "deletionTimestamp", "deletionGracePeriodSeconds", "managedFields", "selfLink", "generation",
                "resourceVersion",
            ] {
                metadata[key] = nil
            }
            if strategy.tracksGeneration { metadata["generation"] = 1 }
        }
        if !strategy.keepsStatusOnCreate, request.storage.subresource("status") != nil { object["status"] = nil }
        try strategy.prepareForCreate(&object, &context)
        ObjectMetaRules.tidy(&object)
        var errors = ObjectMetaRules.validateName(object, of: request.storage)
        errors += schema.validateStructure(object, of: request.storage)
        errors += strategy.validate(object, context)
        if !errors.isEmpty { throw request.invalid(Self.unique(errors), name: object.name) }
        for warning in strategy.warnings(object) { request.warnings.add(warning) }
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
