import KubeTypes

/// What a namespace's status says while its content is being deleted.
struct NamespaceContent: Equatable {
    /// How many objects of each resource remain, under `resource.group`.
    var remaining: [String: Int] = [:]
    /// How many objects each finalizer holds back.
    var finalizers: [String: Int] = [:]
    /// What went wrong, resource by resource.
    var failures: [String] = []
    /// Seconds until what remains is expected to be gone.
    var estimateSeconds = 0

    var isEmpty: Bool { remaining.isEmpty && failures.isEmpty }

    /// The conditions of the status after this pass: those that are there, changed where the state is another.
    func conditions(after current: [NamespaceCondition], now: Time) -> [NamespaceCondition] {
        var conditions = current
        func set(_ type: String, _ problem: (reason: String, message: String)?, ok: (reason: String, message: String)) {
            var condition = NamespaceCondition()
            condition.type = type
            condition.status = problem == nil ? "False" : "True"
            condition.reason = (problem ?? ok).reason
            condition.message = (problem ?? ok).message
            condition.lastTransitionTime = now
            guard let position = conditions.firstIndex(where: { $0.type == type }) else {
                conditions.append(condition)
                return
            }
            let before = conditions[position]
            if before.status == condition.status {
                condition.lastTransitionTime = before.lastTransitionTime
                if before.reason == condition.reason, before.message == condition.message { return }
            }
            conditions[position] = condition
        }
        func list(_ counts: [String: Int], _ text: (String, Int) -> String) -> String {
            counts.map(text).sorted().joined(separator: ", ")
        }
        set(
            "NamespaceDeletionDiscoveryFailure", nil,
            ok: ("ResourcesDiscovered", "All resources successfully discovered"))
        set(
            "NamespaceDeletionGroupVersionParsingFailure", nil,
            ok: ("ParsedGroupVersions", "All legacy kube types successfully parsed"))
        set(
            "NamespaceDeletionContentFailure",
            failures.isEmpty
                ? nil
                : (
                    "ContentDeletionFailed",
                    "Failed to delete all resource types, \(failures.count) remaining: "
                        + failures.sorted().joined(separator: ", ")
                ),
            ok: ("ContentDeleted", "All content successfully deleted, may be waiting on finalization"))
        set(
            "NamespaceContentRemaining",
            remaining.isEmpty
                ? nil
                : (
                    "SomeResourcesRemain",
                    "Some resources are remaining: " + list(remaining) { "\($0) has \($1) resource instances" }
                ),
            ok: ("ContentRemoved", "All content successfully removed"))
        set(
            "NamespaceFinalizersRemaining",
            finalizers.isEmpty
                ? nil
                : (
                    "SomeFinalizersRemain",
                    "Some content in the namespace has finalizers remaining: "
                        + list(finalizers) { "\($0) in \($1) resource instances" }
                ),
            ok: ("ContentHasNoFinalizers", "All content-preserving finalizers finished"))
        return conditions
    }
}
