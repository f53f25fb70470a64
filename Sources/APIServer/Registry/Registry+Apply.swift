// Who owns which fields: managed fields for every write, and server-side apply.

import APISchema
import JSON
import KubeTypes
import Storage

extension Registry {
    /// Keeps managed fields as this request writes them.
    private func fieldManager(_ request: RegistryRequest) -> FieldManager {
        FieldManager(
            schema: schema, resource: request.resource, storage: request.storage,
            subresource: request.subresource?.name ?? "")
    }

    /// Writes down who owns what of an object, before admission and strategies add what nobody asked for.
    /// - Parameters:
    ///   - object: in the storage version, as the client wants it.
    ///   - live: what there is; nil if the object is new.
    func track(_ object: inout JSONValue, over live: JSONValue?, _ request: RegistryRequest) {
        if request.patchType == .apply { return }
        let managed = fieldManager(request).managedFields(
            afterUpdateOf: live, to: object, by: request.fieldManager, at: configuration.now().description)
        object.updateMetadata { $0["managedFields"] = managed }
    }

    /// Applies a configuration: makes the object, or merges the configuration into it.
    func apply(_ request: RegistryRequest, _ completion: @escaping Completion) throws(APIError) {
        let options = try request.writeOptions()
        guard let applied = request.body else { throw Self.emptyBody }
        if request.cache[request.key] == nil {
            guard request.subresource == nil else { throw request.notFound }
            return try applyNew(applied, request, options, completion)
        }
        change(request, options, completion) { current throws(APIError) in
            let object = try self.merged(applied, current.value, request, options)
            if object.name != request.name {
                throw request.invalid([.invalid("metadata.name", .string(object.name), "field is immutable")])
            }
            return object
        }
    }

    private func merged(
        _ applied: JSONValue, _ live: JSONValue?, _ request: RegistryRequest, _ options: WriteOptions
    ) throws(APIError) -> JSONValue {
        let merged = try fieldManager(request).apply(
            applied, to: live, by: request.query["fieldManager"] ?? "", force: request.query.flag("force"),
            at: configuration.now().description)
        try reportDuplicates(ofApplied: request, options)
        var decoding = request
        decoding.duplicates = BodyDuplicates()
        var object = try decode(merged, decoding, options)
        try Self.placeInNamespace(&object, request)
        return object
    }

    private func applyNew(
        _ applied: JSONValue, _ request: RegistryRequest, _ options: WriteOptions, _ completion: @escaping Completion
    ) throws(APIError) {
        let object = try merged(applied, nil, request, options)
        if object.name != request.name {
            throw .badRequest(
                "the name of the object (\(object.name)) does not match the name on the URL (\(request.name))")
        }
        if !object.uid.isEmpty {
            throw request.conflict(
                "uid mismatch: the provided object specified uid \(object.uid), and no existing object was found")
        }
        try authorizeCreation(request)
        createDecoded(object, request, options) { result in
            // Somebody else may have made it meanwhile.
            if case .failure(let error) = result, error.isAlreadyExists, request.cache[request.key] != nil {
                return self.resume {
                    do throws(APIError) { try self.apply(request, completion) } catch { completion(.failure(error)) }
                }
            }
            completion(result)
        }
    }

    /// Whoever makes an object by applying it, or by PUT, must be allowed to make objects.
    private func authorizeCreation(_ request: RegistryRequest) throws(APIError) {
        var attributes = AuthorizationAttributes(user: request.user, verb: "create")
        attributes.group = request.resource.group
        attributes.version = request.resource.version
        attributes.resource = request.resource.plural
        attributes.namespace = request.namespace
        attributes.name = request.name
        switch authorizer.authorize(attributes) {
        case .allow: return
        case .noOpinion(let why), .deny(let why): throw request.forbidden(attributes.forbiddenMessage(reason: why))
        }
    }
}

extension AdmissionAttributes {
    /// Takes back what a webhook made of the managed fields, if they make no sense any more, and says so.
    mutating func restoreManagedFields(of given: AdmissionAttributes) {
        let managed = object?["metadata"]?["managedFields"]
        guard let problem = ManagedFields.problem(with: managed) else { return }
        let before = given.object?["metadata"]?["managedFields"]
        object?.updateMetadata { $0["managedFields"] = before }
        warnings.add(
            ".metadata.managedFields was in an invalid state after admission; this could be caused by an outdated "
                + "mutating admission controller; please fix your requests: \(problem)")
    }
}

extension RegistryRequest {
    /// Bytes.
    static let managerLimit = 128

    /// Who writes: what the client says, or the first part of its user agent.
    var fieldManager: String {
        if let given = query["fieldManager"], !given.isEmpty { return given }
        var name = String.UnicodeScalarView()
        var size = 0
        for scalar in userAgent.unicodeScalars.prefix(while: { $0 != "/" }) where scalar.isPrintable {
            size += String(scalar).utf8.count
            if size > Self.managerLimit { break }
            name.append(scalar)
        }
        return String(name)
    }
}

extension Unicode.Scalar {
    /// A letter, mark, number, punctuation mark, symbol or the ASCII space, as Go's `unicode.IsPrint`.
    var isPrintable: Bool {
        switch properties.generalCategory {
        case .control, .format, .surrogate, .privateUse, .unassigned, .lineSeparator, .paragraphSeparator: false
        case .spaceSeparator: self == " "
        default: true
        }
    }
}
