// Keeping `metadata.managedFields` of objects that are written, and merging what is applied into what is there.
//
// Specified by KEP-555 (server-side apply) and the documentation of `metadata.managedFields`.

import JSON
import KubeTypes

/// Tracks who owns which fields of the objects of one resource, as it is written in one version and through one
/// subresource. Objects come in and go out in the form in which they are stored.
public struct FieldManager: Sendable {
    let schema: Schema
    /// The version that was asked for.
    let resource: ResourceType
    let storage: ResourceType
    /// Empty for writes of the object itself.
    let subresource: String
    /// What a write through here leaves as it was, and its manager therefore does not own.
    let ignored: FieldSet

    public init(schema: Schema, resource: ResourceType, storage: ResourceType, subresource: String = "") {
        self.schema = schema
        self.resource = resource
        self.storage = storage
        self.subresource = subresource
        ignored = ResetFields.of(resource, subresource: subresource)
    }

    private var type: MergeType { resource.mergeType }

    /// What nobody owns: it is the same for all, or the server's.
    private static let stripped = FieldSet(
        fields: ["apiVersion"], ["kind"], ["metadata"], ["metadata", "name"], ["metadata", "namespace"],
        ["metadata", "creationTimestamp"], ["metadata", "selfLink"], ["metadata", "uid"], ["metadata", "clusterName"],
        ["metadata", "generation"], ["metadata", "managedFields"], ["metadata", "resourceVersion"])

    private func identity(_ manager: String, _ operation: ManagedFields.Operation) -> ManagedFields.Identity {
        ManagedFields.Identity(
            manager, operation, apiVersion: resource.apiVersion, subresource: subresource)
    }

    // MARK: Updates

    /// What `metadata.managedFields` is to be once `manager` has written `new` over `live`.
    /// - Parameters:
    ///   - live: nil if the object is created.
    ///   - new: with the managed fields that the client sent, if it did.
    ///   - time: now, RFC 3339 in UTC to the second.
    /// - Returns: nil if nobody is known to own anything.
    public func managedFields(
        afterUpdateOf live: JSONValue?, to new: JSONValue, by manager: String, at time: String
    ) -> JSONValue? {
        let kept = live?["metadata"]?["managedFields"]
        var managed: ManagedFields
        var isUntouched = false
        let sent = subresource.isEmpty ? new["metadata"]?["managedFields"] : JSONValue?.none
        if ManagedFields.isReset(sent) {
            managed = ManagedFields()
        } else if let sent, sent != kept, let decoded = try? ManagedFields(decoding: sent), !decoded.isEmpty {
            managed = decoded
        } else {
            managed = (try? ManagedFields(decoding: kept, isOurs: true)) ?? ManagedFields()
            isUntouched = true
        }
        reconcile(&managed)
        // An object of which nobody owns anything stays like that until somebody applies it.
        if live != nil, managed.isEmpty { return JSONValue?.none }
        guard let new = versioned(new) else { return managed.encoded }
        guard let live else { return managedFields(ofNew: new, managed, by: manager, at: time) }
        guard var old = versioned(live) else { return managed.encoded }
        EmptyObject.addStructs(of: resource, to: &old)
        let comparison = Comparison(old, new, type, ignoring: ignored)
        if comparison.isSame, isUntouched { return kept }
        update(&managed, comparison, (live, new), except: nil)
        let changed = comparison.changed.subtracting(Self.stripped)
        if !changed.isEmpty {
            let identity = identity(manager, .update)
            if var entry = managed[identity], entry.contains(changed) {
                entry.touch(at: time)
                managed[identity] = entry
            } else {
                let before = managed[identity]?.fields ?? FieldSet()
                managed[identity] = ManagedFields.Entry(
                    identity, apiVersion: resource.apiVersion, time: time, fields: changed.union(before))
            }
        }
        managed.cap()
        return managed.encoded
    }

    /// The managed fields of an object that is created, whose creator may have brought along those of others.
    private func managedFields(
        ofNew new: JSONValue, _ others: ManagedFields, by manager: String, at time: String
    ) -> JSONValue? {
        let empty = EmptyObject.value(of: resource)
        guard others.isEmpty else {
            var managed = others
            let comparison = Comparison(empty, new, type, ignoring: ignored)
            update(&managed, comparison, (empty, new), except: nil)
            let identity = identity(manager, .update)
            let owned = comparison.changed.subtracting(Self.stripped).union(managed[identity]?.fields ?? FieldSet())
            managed[identity] =
                owned.isEmpty
                ? nil
                : ManagedFields.Entry(
                    identity, apiVersion: resource.apiVersion, time: time, fields: owned)
            managed.cap()
            return managed.encoded
        }
        let creation = CreatedFields(stripped: Self.stripped, ignored: ignored)
        let fields = creation.fieldsV1(of: new, over: empty, type)
        if fields.isEmpty { return JSONValue?.none }
        return .array([ManagedFields.encode(identity(manager, .update), resource.apiVersion, time, .object(fields))])
    }

    /// Follows a schema that was changed since the entries were written. Built-in types never change while they are
    /// served.
    private func reconcile(_ managed: inout ManagedFields) {
        if resource.custom == nil { return }
        managed.changeEach { entry in
            guard let type = row(in: entry.apiVersion)?.mergeType else { return }
            let reconciled = entry.fields.reconciled(with: type)
            if reconciled != entry.fields { entry.fields = reconciled }
        }
    }

    /// Takes from every entry but one what a change took from it: fields that have another value now, or none.
    private func update(
        _ managed: inout ManagedFields, _ comparison: Comparison, _ objects: (old: JSONValue, new: JSONValue),
        except: ManagedFields.Identity?
    ) {
        var comparisons: [String: Comparison?] = [resource.apiVersion: comparison]
        var sets: [String: FieldSet] = [:]
        managed.changeEach { entry in
            if entry.identity == except { return }
            guard let comparison = self.comparison(in: entry.apiVersion, objects, &comparisons) else {
                // A version that is no longer served.
                entry.fields = FieldSet()
                return
            }
            if comparison.isSame { return }
            let lost = sets[entry.apiVersion] ?? comparison.all
            sets[entry.apiVersion] = lost
            if entry.intersects(lost) { entry.fields = entry.fields.subtracting(lost) }
        }
    }

    /// The difference between two objects, the old as it is stored and the new in the version asked for, as another
    /// version shows it; nil for versions that there are not.
    private func comparison(
        in apiVersion: String, _ objects: (old: JSONValue, new: JSONValue), _ known: inout [String: Comparison?]
    ) -> Comparison? {
        if let comparison = known[apiVersion] { return comparison }
        var result: Comparison?
        if let other = row(in: apiVersion), let old = convert(objects.old, from: storage, to: other),
            let new = convert(objects.new, from: resource, to: other)
        {
            result = Comparison(
                old, new, other.mergeType, ignoring: ResetFields.of(other, subresource: subresource))
        }
        known[apiVersion] = .some(result)
        return result
    }

    // MARK: Applying

    /// What `manager` makes of `live` by applying a configuration, with its managed fields.
    /// - Parameters:
    ///   - live: nil if there is nothing yet.
    ///   - applied: the configuration as it was sent, in the version asked for.
    /// - Returns: the object in the version asked for, whose fields are still to be decoded and defaulted.
    /// - Throws: 409 with causes where others own what would change and `force` is not given; 400 and 500 as upstream.
    public func apply(
        _ applied: JSONValue, to live: JSONValue?, by manager: String, force: Bool, at time: String
    ) throws(APIError) -> JSONValue {
        try checkKind(applied)
        if let given = applied["metadata"]?["managedFields"], !given.isNull {
            throw .badRequest("metadata.managedFields must be nil")
        }
        let problems = type.problems(of: applied)
        if !problems.isEmpty {
            throw Self.failure(
                "failed to create typed patch object (\(label(applied))): \(MergeProblem.text(problems))")
        }
        var managed: ManagedFields
        do throws(FieldSetError) {
            managed = try ManagedFields(decoding: live?["metadata"]?["managedFields"])
        } catch {
            throw Self.failure("failed to decode managed fields: \(error.text)")
        }
        reconcile(&managed)
        guard let old = live == nil ? JSONValue.object([:]) : versioned(live) else {
            throw Self.failure("failed to convert live object (\(label(applied))) to proper version")
        }
        if managed.isEmpty, let live {
            managed = ownedBeforeFirstApply(live, old, at: time)
        }
        var outcome = try merge(applied, into: old, managed, identity(manager, .apply))
        var conflicts = force ? [] : outcome.conflicts
        if manager == "kubectl", !conflicts.isEmpty, let own = LastApplied.unchangedFields(of: old, self) {
            // What `kubectl apply` wrote before it applied on the server is its own.
            conflicts.removeAll { own.contains($0.path) }
        }
        if !conflicts.isEmpty { throw Self.conflict(conflicts) }
        outcome.settle(at: time)
        var object = outcome.object
        if manager == "kubectl", LastApplied.isSet(in: object) {
            LastApplied.set(in: &object, to: applied)
        }
        var metadata = object["metadata"]?.objectValue ?? JSONObject()
        metadata["managedFields"] = outcome.managed.encoded
        object["metadata"] = .object(metadata)
        return object
    }

    private func checkKind(_ applied: JSONValue) throws(APIError) {
        let apiVersion = applied["apiVersion"]?.stringValue ?? ""
        let kind = applied["kind"]?.stringValue ?? ""
        guard apiVersion == resource.apiVersion, kind == resource.kind else {
            throw .badRequest("invalid object type: \(Self.kindText(apiVersion, kind))")
        }
    }

    /// A group, version and kind as Go prints it: `apps/v1, Kind=Deployment`.
    static func kindText(_ apiVersion: String, _ kind: String) -> String {
        "\(apiVersion.contains("/") ? apiVersion : "/\(apiVersion)"), Kind=\(kind)"
    }

    /// How errors name an object: `default/web; apps/v1, Kind=Deployment`.
    private func label(_ object: JSONValue) -> String {
        let namespace = object[path: "metadata", "namespace"]?.stringValue ?? ""
        let name = object[path: "metadata", "name"]?.stringValue ?? ""
        return "\(namespace)/\(name); \(Self.kindText(resource.apiVersion, resource.kind))"
    }

    static func failure(_ message: String) -> APIError { APIError(code: 500, reason: "", message: message) }

    /// The first to apply finds somebody who owns all that is there.
    private func ownedBeforeFirstApply(_ live: JSONValue, _ old: JSONValue, at time: String) -> ManagedFields {
        var managed = ManagedFields()
        let comparison = Comparison(EmptyObject.value(of: resource), old, type, ignoring: ignored)
        let fields = comparison.changed.subtracting(Self.stripped)
        if !fields.isEmpty {
            let identity = identity("before-first-apply", .update)
            managed[identity] = ManagedFields.Entry(
                identity, apiVersion: resource.apiVersion, time: time, fields: fields)
        }
        return managed
    }

    /// A field that somebody else owns and that would change.
    struct Conflict {
        let manager: ManagedFields.Identity
        let path: [PathElement]
    }

    private static func conflict(_ conflicts: [Conflict]) -> APIError {
        var details = StatusDetails()
        details.causes = conflicts.map { conflict in
            var cause = StatusCause()
            cause.reason = "FieldManagerConflict"
            cause.message = "conflict with \(conflict.manager.description)"
            cause.field = FieldSet.text(conflict.path)
            return cause
        }
        var message: String
        if conflicts.count == 1 {
            message =
                "Apply failed with 1 conflict: conflict with \(conflicts[0].manager.description): "
                + FieldSet.text(conflicts[0].path)
        } else {
            var lines: [String] = []
            var last: ManagedFields.Identity?
            for conflict in conflicts {
                if conflict.manager != last { lines.append("conflicts with \(conflict.manager.description):") }
                last = conflict.manager
                lines.append("- \(FieldSet.text(conflict.path))")
            }
            message = "Apply failed with \(conflicts.count) conflicts: \(lines.joined(separator: "\n"))"
        }
        return APIError(code: 409, reason: "Conflict", message: message, details: details)
    }

    /// What comes out of applying, were it forced.
    private struct Outcome {
        var object: JSONValue
        var managed: ManagedFields
        var conflicts: [Conflict]
        let identity: ManagedFields.Identity
        let changesObject: Bool

        /// Says when it was applied, if that changed anything.
        mutating func settle(at time: String) {
            guard changesObject, var entry = managed[identity] else { return }
            entry.time = time
            managed[identity] = entry
        }
    }

    private func merge(
        _ applied: JSONValue, into old: JSONValue, _ before: ManagedFields, _ identity: ManagedFields.Identity
    ) throws(APIError) -> Outcome {
        var managed = before
        let merged: JSONValue
        do throws(MergeProblem) {
            merged = try type.merge(applied, into: old)
        } catch {
            throw Self.failure("failed to merge config: \(error.description)")
        }
        let last = managed[identity]
        let fields = FieldSet(of: applied, type).subtractingRecursively(ignored)
        var entry = ManagedFields.Entry(
            identity, apiVersion: resource.apiVersion, time: last?.time, fields: fields)
        if let last, last.fields == fields, last.apiVersion == resource.apiVersion { entry.encoded = last.encoded }
        managed[identity] = entry
        let pruned = prune(merged, managed, last)
        let comparison = Comparison(old, pruned, type, ignoring: ignored)
        var conflicts: [Conflict] = []
        if !comparison.isSame {
            conflicts = self.conflicts(managed, comparison, (old, pruned), except: identity)
            var stored = old
            if resource != storage { stored = convert(old, from: resource, to: storage) ?? old }
            update(&managed, comparison, (stored, pruned), except: identity)
        }
        if var own = managed[identity] {
            if own.intersects(Self.stripped) { own.fields = own.fields.subtracting(Self.stripped) }
            managed[identity] = own
        }
        managed.changeEach { _ in }
        return Outcome(
            object: pruned, managed: managed, conflicts: conflicts, identity: identity,
            changesObject: !Comparison(old, pruned, type).isSame)
    }

    private func conflicts(
        _ managed: ManagedFields, _ comparison: Comparison, _ objects: (old: JSONValue, new: JSONValue),
        except: ManagedFields.Identity
    ) -> [Conflict] {
        var comparisons: [String: Comparison?] = [resource.apiVersion: comparison]
        var stored = objects.old
        if resource != storage { stored = convert(objects.old, from: resource, to: storage) ?? stored }
        var conflicts: [Conflict] = []
        for entry in managed.entries.sorted(by: { $0.identity.manager < $1.identity.manager })
        where entry.identity != except {
            guard let comparison = self.comparison(in: entry.apiVersion, (stored, objects.new), &comparisons) else {
                continue
            }
            for path in entry.fields.intersection(comparison.changed).paths {
                conflicts.append(Conflict(manager: entry.identity, path: path))
            }
        }
        return conflicts
    }

    // MARK: Removing what is no longer applied

    /// Removes what the manager applied last time, and neither it nor anybody else owns now.
    private func prune(_ merged: JSONValue, _ managed: ManagedFields, _ last: ManagedFields.Entry?) -> JSONValue {
        guard let last, !last.fields.isEmpty, let row = row(in: last.apiVersion),
            let converted = convert(merged, from: resource, to: row)
        else { return merged }
        let type = row.mergeType
        let owned = last.fields.withNamedFields(of: type)
        var pruned = type.removing(owned, from: converted)
        pruned = addBackOwned(converted, pruned, row, managed)
        // What came back only because it hangs on something that stays, and was applied last time, goes after all.
        let before = FieldSet(of: converted, type).withNamedFields(of: type)
        let after = FieldSet(of: pruned, type).withNamedFields(of: type)
        pruned = type.removing(before.subtracting(after).intersection(owned), from: converted)
        return convert(pruned, from: row, to: resource) ?? merged
    }

    /// Puts back what somebody owns, version by version.
    private func addBackOwned(
        _ merged: JSONValue, _ pruned: JSONValue, _ first: ResourceType, _ managed: ManagedFields
    ) -> JSONValue {
        var byVersion: [String: FieldSet] = [:]
        for entry in managed.entries {
            byVersion[entry.apiVersion] = byVersion[entry.apiVersion, default: FieldSet()].union(entry.fields)
        }
        let others = byVersion.keys.filter { $0 != first.apiVersion }.sorted()
        var current = (row: first, merged: merged, pruned: pruned)
        for version in [first.apiVersion] + others {
            guard let owned = byVersion[version], let row = row(in: version),
                let merged = convert(current.merged, from: current.row, to: row),
                let pruned = convert(current.pruned, from: current.row, to: row)
            else { continue }
            let type = row.mergeType
            let all = FieldSet(of: merged, type).withNamedFields(of: type)
            let kept = FieldSet(of: pruned, type).withNamedFields(of: type)
            let gone = all.subtracting(kept.union(owned.withNamedFields(of: type)))
            current = (row, merged, type.removing(gone, from: merged))
        }
        return convert(current.pruned, from: current.row, to: first) ?? pruned
    }

    // MARK: Versions

    /// The row of the same resource in another version; nil if there is none.
    private func row(in apiVersion: String) -> ResourceType? {
        if apiVersion == resource.apiVersion { return resource }
        if apiVersion == storage.apiVersion { return storage }
        guard let row = schema.resource(apiVersion: apiVersion, kind: resource.kind), row.storage == storage.identity
        else { return nil }
        return row
    }

    /// A stored object in the version asked for.
    private func versioned(_ object: JSONValue?) -> JSONValue? {
        guard let object else { return JSONValue?.none }
        return convert(object, from: storage, to: resource)
    }

    /// Nil where the object cannot be said in that version. Nothing is defaulted: what is missing stays missing.
    private func convert(_ object: JSONValue, from old: ResourceType, to new: ResourceType) -> JSONValue? {
        if old == new { return object }
        guard case .object(var fields) = object else { return object }
        do throws(APIError) {
            try Conversions.convert(&fields, from: old, to: new)
        } catch {
            return JSONValue?.none
        }
        fields["apiVersion"] = .string(new.apiVersion)
        fields["kind"] = .string(new.kind)
        return .object(fields)
    }
}

extension ResourceType {
    /// How objects of this resource are merged and owned.
    public var mergeType: MergeType { .object(message) }
}
