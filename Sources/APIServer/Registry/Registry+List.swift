// LIST: from a snapshot in memory, or, for an older state, from the store.

import APISchema
import JSON
import KubeTypes
import Storage

extension Registry {
    func list(_ request: RegistryRequest, _ completion: @escaping Completion) throws(APIError) {
        let options = try ListOptions(
            request.query, resource: request.storage.plural, group: request.storage.group,
            custom: request.resource.custom, watch: false)
        let scope = ObjectScope(
            namespace: request.namespace.isEmpty ? nil : request.namespace, labels: options.labels,
            fields: options.fields)
        let token = try options.continueToken.map { text throws(APIError) in try ContinueToken(parsing: text) }
        if token != nil, let asked = options.resourceVersion, asked != 0 {
            throw .badRequest("specifying resource version is not allowed when using continue")
        }
        // The revision first: everything up to it is in a snapshot taken afterwards.
        let current = cache.revision
        let (objects, lastChange) = request.cache.snapshot
        let revision = max(current, lastChange)
        if let asked = options.resourceVersion, asked > revision {
            throw .tooLarge(resourceVersion: asked, current: revision)
        }
        let wanted = token?.revision ?? options.exactRevision
        if let wanted, wanted > revision { throw .tooLarge(resourceVersion: wanted, current: revision) }
        // What is compacted is gone for every resource, even for one in which nothing has changed since: clients that
        // wait for it to happen see it happen.
        if let wanted, wanted < cache.compactedRevision { throw Self.expired(after: token?.after) }
        if let wanted, wanted < lastChange {
            // Something changed since: only the store still knows that state.
            Task {
                completion(await self.pastList(request, scope, at: wanted, after: token?.after, limit: options.limit))
            }
            return
        }
        let limit = options.resourceVersion == 0 && token == nil ? 0 : options.limit
        completion(
            .success(.list(Self.page(objects, scope, after: token?.after, limit: limit, at: wanted ?? revision))))
    }

    /// A page of a snapshot.
    static func page(_ objects: ObjectMap, _ scope: ObjectScope, after: ObjectKey?, limit: Int, at revision: Revision)
        -> ObjectList
    {
        var found: [CachedObject] = []
        if limit == 0, scope.namespace == nil { found.reserveCapacity(objects.count) }
        var rest = 0
        let counts = !scope.hasSelectors
        objects.forEach(namespace: scope.namespace, after: after) { object in
            guard scope.matches(object, isListed: true) else { return true }
            if limit > 0, found.count == limit {
                rest += 1
                return counts
            }
            found.append(object)
            return true
        }
        var list = ObjectList(objects: found, revision: revision)
        if rest > 0, let last = found.last {
            list.continueToken = ContinueToken(revision: revision, after: last.key).text
            if counts { list.remaining = rest }
        }
        return list
    }

    /// A page of the state at an older revision.
    private func pastList(
        _ request: RegistryRequest, _ scope: ObjectScope, at revision: Revision, after: ObjectKey?, limit: Int
    ) async -> Result<Answer, APIError> {
        let resources = request.cache
        var prefix = resources.prefix
        if let namespace = scope.namespace { prefix += "\(namespace)/" }
        var start = after.map { resources.storeKey($0) + "\0" }
        var found: [CachedObject] = []
        do throws(StoreError) {
            while true {
                let page = try await store.range(prefix: prefix, start: start, limit: max(limit, 500), at: revision)
                for (index, keyValue) in page.keyValues.enumerated() {
                    let key = resources.objectKey(keyValue.key.dropFirst(resources.prefix.count))
                    let object: CachedObject
                    do throws(APIError) {
                        object = try await resources.inShownForm(StoredObject.object(keyValue, key: key))
                    } catch {
                        return .failure(error)
                    }
                    guard scope.matches(object, isListed: true) else { continue }
                    if limit > 0, found.count == limit {
                        var list = ObjectList(objects: found, revision: revision)
                        if let last = found.last {
                            list.continueToken = ContinueToken(revision: revision, after: last.key).text
                        }
                        if !scope.hasSelectors, !page.more { list.remaining = page.keyValues.count - index }
                        return .success(.list(list))
                    }
                    found.append(object)
                }
                guard page.more, let last = page.keyValues.last else { break }
                start = last.key + "\0"
            }
            return .success(.list(ObjectList(objects: found, revision: revision)))
        } catch {
            guard case .compacted = error else { return .failure(APIError(error)) }
            return .failure(Self.expired(after: after))
        }
    }

    private static func expired(after: ObjectKey?) -> APIError {
        after.map(expiredContinue) ?? .expired("The resourceVersion for the provided list is too old.")
    }

    /// A list in pages whose state is gone: it can go on with what is there now, if the client can live with that.
    private static func expiredContinue(_ after: ObjectKey) -> APIError {
        APIError(
            code: 410, reason: "Expired",
            message: "The provided continue parameter is too old to display a consistent list result. Begin a new list "
                + "without it; or, to see the rest as it is now, which may not fit what was listed before, continue with "
                + "the token in this answer's metadata.",
            continueToken: ContinueToken(revision: nil, after: after).text)
    }
}
