import JSON
import KubeClient
import KubeTypes

/// Who manages an object: the one owner reference with `controller: true`, and how it is taken and given up.
enum ControllerRef {
    static func make(to owner: some KubeObject) -> OwnerReference {
        func type<T: KubeObject>(_: T) -> ObjectType { T.type }
        let type = type(owner)
        var reference = OwnerReference()
        reference.apiVersion = type.apiVersion
        reference.kind = type.kind
        reference.name = owner.name
        reference.uid = owner.uid
        reference.controller = true
        reference.blockOwnerDeletion = true
        return reference
    }

    /// What an owner has to do with an object.
    enum Claim: Equatable {
        /// It is the owner's.
        case owned
        /// It matches the selector and nobody manages it.
        case adopt
        /// It was the owner's, and does not match the selector any more.
        case release
        /// It is none of the owner's business.
        case none
    }

    static func claim(
        _ object: some KubeObject, by ownerUID: String, ownerIsBeingDeleted: Bool, matches: Bool
    ) -> Claim {
        if let controller = object.controller {
            guard controller.uid == ownerUID else { return .none }
            if matches { return .owned }
            return ownerIsBeingDeleted ? .none : .release
        }
        guard matches, !ownerIsBeingDeleted, !object.isBeingDeleted else { return .none }
        return .adopt
    }

    /// Sorts objects into those that belong to `owner` and those that join and leave it, and writes the latter.
    /// - Parameters:
    ///   - finalizer: Comes and goes with the ownership, if the owner marks what is its own with one.
    ///   - isMember: What must be true of an object beside that the selector matches it.
    /// - Returns: The objects that belong to `owner` afterwards.
    /// - Throws: `APIError` when a patch is refused for another reason than that the object is gone.
    static func claim<Owner: KubeObject, Object: KubeObject>(
        _ objects: [Object], by owner: Owner, matching selector: LabelMatcher, finalizer: String? = nil,
        client: KubeClient, where isMember: (Object) -> Bool = { _ in true }
    ) async throws -> [Object] {
        var owned: [Object] = []
        owned.reserveCapacity(objects.count)
        var mayAdopt: Bool?
        for object in objects {
            let claim = claim(
                object, by: owner.uid, ownerIsBeingDeleted: owner.isBeingDeleted,
                matches: selector.matches(object.labels) && isMember(object))
            switch claim {
            case .owned: owned.append(object)
            case .none: break
            case .adopt:
                // The cache may not have heard yet that the owner is being deleted, and its dependents orphaned.
                if mayAdopt == nil {
                    let live = try await client.get(Owner.self, owner.name, namespace: owner.metadata.namespace)
                    guard live.uid == owner.uid else {
                        throw RetryLater(description: "\(Owner.type.kind) \(owner.key) has been replaced")
                    }
                    mayAdopt = !live.isBeingDeleted
                }
                guard mayAdopt == true else { continue }
                let owners = object.metadata.ownerReferences + [make(to: owner)]
                let finalizers = finalizer.map { own in object.metadata.finalizers.filter { $0 != own } + [own] }
                if let adopted = try await write(owners, finalizers, to: object, client) { owned.append(adopted) }
            case .release:
                let owners = object.metadata.ownerReferences.filter { $0.uid != owner.uid }
                let finalizers = finalizer.map { own in object.metadata.finalizers.filter { $0 != own } }
                _ = try await write(owners, finalizers, to: object, client)
            }
        }
        return owned
    }

    /// - Parameter finalizers: Nil leaves them as they are.
    private static func write<Object: KubeObject>(
        _ owners: [OwnerReference], _ finalizers: [String]?, to object: Object, _ client: KubeClient
    ) async throws -> Object? {
        var patch = OwnerPatch.owners(owners, resourceVersion: object.resourceVersion)
        if let finalizers { patch["metadata"]?["finalizers"] = .array(finalizers.map(JSONValue.string)) }
        do {
            return try await client.patch(Object.self, object.name, namespace: object.metadata.namespace, patch)
        } catch {
            if error.isNotFound { return nil }
            throw error
        }
    }
}

/// Merge patches of metadata that apply to just the version they were computed from.
enum OwnerPatch {
    static func owners(_ owners: [OwnerReference], resourceVersion: String) -> JSONValue {
        [
            "metadata": [
                "resourceVersion": .string(resourceVersion),
                "ownerReferences": owners.isEmpty ? .null : .array(owners.map(\.json)),
            ]
        ]
    }

    static func finalizers(_ finalizers: [String], resourceVersion: String) -> JSONValue {
        [
            "metadata": [
                "resourceVersion": .string(resourceVersion),
                "finalizers": .array(finalizers.map(JSONValue.string)),
            ]
        ]
    }
}
