import JSON
import KubeClient
import KubeTypes

/// Reads and writes the ControllerRevisions of an owner; what to write is the history's to say.
struct RevisionKeeper: Sendable {
    private static let byController = "controller"
    private static let orphan = "orphan"
    /// Names that may be taken by other templates before it is given up for now.
    private static let mostCollisions = 10

    let client: KubeClient
    let informer: Informer<ControllerRevision>
    /// The label that holds a revision's hash.
    let label: String

    init(_ context: ControllerContext, label: String) {
        client = context.client
        informer = context.informers.informer(ControllerRevision.self)
        self.label = label
        informer.addIndex(Self.byController) { revision in revision.controller.map { [$0.uid] } ?? [] }
        informer.addIndex(Self.orphan) { revision in revision.controller == nil ? [revision.namespace] : [] }
    }

    /// The revisions that are an owner's; those without an owner that match are taken over.
    func history<Owner: KubeObject>(
        of owner: Owner, matching selector: LabelMatcher
    ) async throws -> RevisionHistory {
        let candidates =
            informer.objects(by: Self.byController, owner.uid) + informer.objects(by: Self.orphan, owner.namespace)
        return RevisionHistory(
            try await ControllerRef.claim(candidates, by: owner, matching: selector, client: client))
    }

    /// Carries out a step of the history.
    /// - Parameter collisionCount: Raised for every name that another template has.
    /// - Returns: The revision of the template, as it is stored now.
    func take(
        _ step: RevisionHistory.Step, to template: PodTemplateSpec, of owner: some KubeObject,
        collisionCount: inout Int
    ) async throws -> ControllerRevision {
        switch step {
        case .keep(let revision): return revision
        case .renumber(var revision, let number):
            revision.revision = number
            return try await client.update(revision)
        case .create(let number):
            for _ in 0..<Self.mostCollisions {
                let revision = RevisionHistory.make(
                    template, owner: owner, revision: number, label: label, collisionCount: collisionCount)
                if let stored = try await create(revision, of: owner, template) { return stored }
                collisionCount += 1
            }
            throw RetryLater(description: "every name for the next revision of \(owner.key) is taken")
        }
    }

    /// - Returns: Nil if the name is taken by another template.
    private func create(
        _ revision: ControllerRevision, of owner: some KubeObject, _ template: PodTemplateSpec
    ) async throws -> ControllerRevision? {
        do {
            return try await client.create(revision)
        } catch {
            guard error.isAlreadyExists else { throw error }
            // Most often it is this very one, and the cache is behind.
            let existing = try await client.get(
                ControllerRevision.self, revision.name, namespace: revision.namespace)
            return existing.controller?.uid == owner.uid && RevisionHistory.holds(existing, template) ? existing : nil
        }
    }

    func delete(_ revisions: [ControllerRevision]) async throws {
        for revision in revisions {
            do {
                try await client.delete(
                    ControllerRevision.self, revision.name, namespace: revision.namespace,
                    options: .only(uid: revision.uid))
            } catch {
                if !error.isNotFound { throw error }
            }
        }
    }
}
