import JSON
import KubeTypes

/// The ControllerRevisions of one StatefulSet or DaemonSet: the pod templates it has had, oldest first, and what has to
/// be written so that the last is the template it has now.
struct RevisionHistory {
    let revisions: [ControllerRevision]

    init(_ revisions: [ControllerRevision]) {
        self.revisions = revisions.sorted { left, right in
            if left.revision != right.revision { return left.revision < right.revision }
            let (first, second) = (left.metadata.creationTimestamp, right.metadata.creationTimestamp)
            if let first, let second, first != second { return first < second }
            return left.name < right.name
        }
    }

    /// What makes a template the newest in the history.
    enum Step: Equatable {
        /// It is.
        case keep(ControllerRevision)
        /// It is an earlier one, and moves to the end: a rollback.
        case renumber(ControllerRevision, to: Int)
        /// It is new.
        case create(revision: Int)
    }

    func step(to template: PodTemplateSpec) -> Step {
        let highest = revisions.last?.revision ?? 0
        guard let equal = revisions.last(where: { Self.holds($0, template) }) else {
            return .create(revision: highest + 1)
        }
        let later = revisions.contains { $0.revision >= equal.revision && !Self.holds($0, template) }
        return later ? .renumber(equal, to: highest + 1) : .keep(equal)
    }

    /// The revisions too many, oldest first, of those that nobody uses.
    /// - Parameters:
    ///   - limit: How many unused ones stay; negative keeps all.
    ///   - isLive: Whether a pod, or the status, refers to a revision.
    func surplus(limit: Int, isLive: (ControllerRevision) -> Bool) -> [ControllerRevision] {
        guard limit >= 0 else { return [] }
        return Array(revisions.filter { !isLive($0) }.dropLast(limit))
    }

    /// What a revision stores: a strategic merge patch that gives its owner the template back, as clients that roll
    /// back send it. Fields are in order: clients compare revisions byte by byte with what they would write.
    static func data(of template: PodTemplateSpec) -> JSONValue {
        var replacing = template.json
        replacing["$patch"] = "replace"
        return ["spec": ["template": ordered(replacing)]]
    }

    private static func ordered(_ value: JSONValue) -> JSONValue {
        switch value {
        case .object(let fields):
            .object(JSONObject(fields.sortedByKey().map { (key: $0.key, value: ordered($0.value)) }))
        case .array(let elements): .array(elements.map(ordered))
        default: value
        }
    }

    /// The template in a revision; nil where its data is something else.
    static func template(in revision: ControllerRevision) -> PodTemplateSpec? {
        guard var template = revision.data?[path: "spec", "template"], case .object = template else { return nil }
        template["$patch"] = nil
        return PodTemplateSpec(template)
    }

    static func holds(_ revision: ControllerRevision, _ template: PodTemplateSpec) -> Bool {
        Self.template(in: revision).map { PodTemplateHash.equal($0, template) } ?? false
    }

    /// The revision to create for an owner's template.
    /// - Parameters:
    ///   - label: The label that holds the hash.
    ///   - collisionCount: Counts the names that were taken by other templates.
    static func make(
        _ template: PodTemplateSpec, owner: some KubeObject, revision number: Int, label: String, collisionCount: Int
    ) -> ControllerRevision {
        let hash = PodTemplateHash.compute(template, collisionCount: collisionCount)
        var revision = ControllerRevision(
            name: "\(owner.name.prefix(252 - hash.utf8.count))-\(hash)", namespace: owner.namespace)
        var labels = template.metadata.labels
        labels[label] = hash
        revision.metadata.labels = labels
        revision.metadata.annotations = owner.annotations
        revision.metadata.ownerReferences = [ControllerRef.make(to: owner)]
        revision.data = data(of: template)
        revision.revision = number
        return revision
    }
}
