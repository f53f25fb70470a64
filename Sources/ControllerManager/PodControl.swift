import KubeClient
import KubeTypes

/// Creates and deletes pods in the name of whoever owns them, and tells of it in the owner's events.
struct PodControl: Sendable {
    let client: KubeClient
    let recorder: EventRecorder

    /// - Returns: Why the pod was not created; nil if it was.
    func create(_ pod: Pod, for owner: some KubeObject) async -> APIError? {
        do {
            let created = try await client.create(pod)
            recorder.event(
                regarding: owner, type: .normal, reason: "SuccessfulCreate", message: "Created pod: \(created.name)")
            return nil
        } catch {
            if !error.isNamespaceTerminating {
                recorder.event(
                    regarding: owner, type: .warning, reason: "FailedCreate", message: "Error creating: \(error)")
            }
            return error
        }
    }

    /// Deletes just this pod, not a later one of its name.
    /// - Returns: Why it could not be deleted, *not found* included; nil if it was.
    func delete(_ pod: Pod, of owner: some KubeObject) async -> APIError? {
        do {
            try await client.delete(Pod.self, pod.name, namespace: pod.namespace, options: .only(uid: pod.uid))
            recorder.event(
                regarding: owner, type: .normal, reason: "SuccessfulDelete", message: "Deleted pod: \(pod.name)")
            return nil
        } catch {
            if !error.isNotFound {
                recorder.event(
                    regarding: owner, type: .warning, reason: "FailedDelete", message: "Error deleting: \(error)")
            }
            return error
        }
    }

    /// Creates `count` things in batches of growing size, and stops after the first batch with a failure.
    /// - Returns: How many were created, and the first failure.
    static func inBatches(
        _ count: Int, _ create: @escaping @Sendable (Int) async -> APIError?
    ) async -> (created: Int, failure: APIError?) {
        var created = 0
        var next = 0
        for batch in ReplicaPlan.batches(of: count) {
            let failures = await withTaskGroup(of: APIError?.self) { group in
                for number in next..<next + batch { group.addTask { await create(number) } }
                var failures: [APIError] = []
                for await failure in group { if let failure { failures.append(failure) } }
                return failures
            }
            next += batch
            created += batch - failures.count
            if let failure = failures.first { return (created, failure) }
        }
        return (created, nil)
    }
}

extension DeleteOptions {
    /// Deletes an object only if it has this UID.
    /// - Parameter propagation: `Background`, `Foreground` or `Orphan`; nil leaves it to the kind.
    static func only(uid: String, resourceVersion: String? = nil, propagation: String? = nil) -> DeleteOptions {
        var options = DeleteOptions(["kind": "DeleteOptions", "apiVersion": "v1"])
        var preconditions = Preconditions()
        preconditions.uid = uid
        preconditions.resourceVersion = resourceVersion
        options.preconditions = preconditions
        options.propagationPolicy = propagation
        return options
    }
}
