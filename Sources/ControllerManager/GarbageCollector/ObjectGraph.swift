import JSON
import KubeTypes

/// Who owns whom among all objects of the cluster, as the garbage collector knows it: no more than identity, owners and
/// how far deletion has come, for each object.
///
/// A pure structure: it is told of changes and answers with the objects that have to be looked at.
struct ObjectGraph {
    /// Where an object is found.
    struct Identity: Hashable, Sendable {
        var apiVersion: String
        var kind: String
        /// Empty for cluster-scoped objects.
        var namespace: String
        var name: String
    }

    struct Owner: Hashable, Sendable {
        var uid: String
        var apiVersion: String
        var kind: String
        var name: String
        var blocks: Bool

        init(_ reference: JSONValue) {
            uid = reference["uid"]?.stringValue ?? ""
            apiVersion = reference["apiVersion"]?.stringValue ?? ""
            kind = reference["kind"]?.stringValue ?? ""
            name = reference["name"]?.stringValue ?? ""
            blocks = reference["blockOwnerDeletion"]?.boolValue ?? false
        }
    }

    struct Node: Sendable {
        var identity: Identity
        var owners: [Owner] = []
        var dependents: Set<String> = []
        var isBeingDeleted = false
        /// Waits for its dependents to be deleted (finalizer `foregroundDeletion`).
        var deletesDependents = false
        /// Waits for its dependents to be orphaned (finalizer `orphan`).
        var orphansDependents = false
        /// Known only as somebody's owner; whether it exists has to be found out.
        var isVirtual = false
    }

    enum Work: Hashable, Sendable {
        case attemptToDelete(String)
        case attemptToOrphan(String)
    }

    static let foreground = "foregroundDeletion"
    static let orphan = "orphan"

    private(set) var nodes: [String: Node] = [:]

    /// What the graph keeps of an object.
    struct Observation {
        var uid: String
        var node: Node

        /// - Parameters apiVersion, kind: Those of the resource, since items of lists need not name them.
        init(_ object: JSONValue, apiVersion: String, kind: String) {
            let metadata = object["metadata"] ?? [:]
            uid = metadata["uid"]?.stringValue ?? ""
            node = Node(
                identity: Identity(
                    apiVersion: apiVersion, kind: kind, namespace: metadata["namespace"]?.stringValue ?? "",
                    name: metadata["name"]?.stringValue ?? ""))
            node.owners = (metadata["ownerReferences"]?.arrayValue ?? []).map(Owner.init)
            node.isBeingDeleted = metadata["deletionTimestamp"]?.stringValue != nil
            let finalizers = metadata["finalizers"]?.arrayValue ?? []
            node.deletesDependents = node.isBeingDeleted && finalizers.contains(.string(ObjectGraph.foreground))
            node.orphansDependents = node.isBeingDeleted && finalizers.contains(.string(ObjectGraph.orphan))
        }
    }

    /// An object is there, new or changed.
    mutating func observe(_ observation: Observation) -> [Work] {
        let uid = observation.uid
        guard !uid.isEmpty else { return [] }
        var work: [Work] = []
        let before = nodes[uid]
        var node = observation.node
        node.dependents = before?.dependents ?? []
        nodes[uid] = node

        let known = Set((before?.owners ?? []).map(\.uid))
        let current = Set(node.owners.map(\.uid))
        for gone in known.subtracting(current) { removeDependent(uid, of: gone) }
        for owner in node.owners where !owner.uid.isEmpty { work += addDependent(uid, node, of: owner) }

        if let before, !before.isVirtual {
            // An owner reference that went, or ceased to block, may be what an owner in deletion waits for.
            let blocking = Set(node.owners.filter(\.blocks).map(\.uid))
            for owner in before.owners
            where !blocking.contains(owner.uid) && nodes[owner.uid]?.deletesDependents == true {
                work.append(.attemptToDelete(owner.uid))
            }
        } else if before?.isVirtual == true, let dependents = before?.dependents {
            // It was taken for something else by those who refer to it wrongly: they have to be looked at.
            for dependent in dependents where !refersRightly(dependent, to: uid) {
                work.append(.attemptToDelete(dependent))
            }
        }
        if node.orphansDependents, before?.orphansDependents != true { work.append(.attemptToOrphan(uid)) }
        if node.deletesDependents, before?.deletesDependents != true {
            work += node.dependents.map { .attemptToDelete($0) }
            work.append(.attemptToDelete(uid))
        }
        return work
    }

    /// An object is gone.
    mutating func remove(_ uid: String) -> [Work] {
        guard let node = nodes.removeValue(forKey: uid) else { return [] }
        var work: [Work] = node.dependents.map { .attemptToDelete($0) }
        for owner in node.owners {
            removeDependent(uid, of: owner.uid)
            if nodes[owner.uid]?.deletesDependents == true { work.append(.attemptToDelete(owner.uid)) }
        }
        // Its dependents still name it: it stays in the graph as long as they do, as one that does not exist.
        if !node.dependents.isEmpty {
            var virtual = Node(identity: node.identity)
            virtual.isVirtual = true
            virtual.dependents = node.dependents
            nodes[uid] = virtual
        }
        return work
    }

    private mutating func addDependent(_ uid: String, _ node: Node, of owner: Owner) -> [Work] {
        guard let present = nodes[owner.uid] else {
            var virtual = Node(
                identity: Identity(
                    apiVersion: owner.apiVersion, kind: owner.kind, namespace: node.identity.namespace,
                    name: owner.name))
            virtual.isVirtual = true
            virtual.dependents = [uid]
            nodes[owner.uid] = virtual
            return [.attemptToDelete(owner.uid)]
        }
        let inserted = nodes[owner.uid]?.dependents.insert(uid).inserted ?? false
        guard inserted else { return [] }
        if present.isVirtual || !refersRightly(uid, to: owner.uid) { return [.attemptToDelete(uid)] }
        if present.deletesDependents { return [.attemptToDelete(uid)] }
        return []
    }

    private mutating func removeDependent(_ uid: String, of owner: String) {
        nodes[owner]?.dependents.remove(uid)
        if let node = nodes[owner], node.isVirtual, node.dependents.isEmpty { nodes[owner] = nil }
    }

    /// Whether the owner is where the dependent's reference says: an owner lives in its dependents' namespace, or in none.
    func refersRightly(_ dependent: String, to owner: String) -> Bool {
        guard let dependent = nodes[dependent], let target = nodes[owner],
            let reference = dependent.owners.first(where: { $0.uid == owner })
        else { return true }
        if target.isVirtual { return true }
        return reference.name == target.identity.name && reference.kind == target.identity.kind
            && (target.identity.namespace.isEmpty || target.identity.namespace == dependent.identity.namespace)
    }

    /// The dependents that hold up the deletion of an owner in the foreground.
    func blockingDependents(of uid: String) -> [String] {
        (nodes[uid]?.dependents ?? []).filter { dependent in
            nodes[dependent]?.owners.contains { $0.uid == uid && $0.blocks } ?? false
        }
    }

    /// What to do with an object, when it is known which of its owners exist.
    enum Verdict: Equatable {
        case keep
        /// Some owner exists; references to those that do not, or that wait for their dependents to go, are removed.
        case dropReferences(Set<String>)
        /// Its owner waits for it, and it has dependents itself. Where one of those waits as well, which may be a circle,
        /// its references must cease to block first.
        case deleteInForeground(unblock: Bool)
        case delete
    }

    enum OwnerState {
        case exists
        case absent
        /// It is being deleted, and waits for its dependents to be.
        case waitsForDependents
    }

    func verdict(on uid: String, owners: [(uid: String, state: OwnerState)]) -> Verdict {
        guard !owners.isEmpty else { return .keep }
        let rest = owners.filter { $0.state != .exists }
        if rest.count < owners.count { return rest.isEmpty ? .keep : .dropReferences(Set(rest.map(\.uid))) }
        let dependents = nodes[uid]?.dependents ?? []
        if rest.contains(where: { $0.state == .waitsForDependents }), !dependents.isEmpty {
            return .deleteInForeground(unblock: dependents.contains { nodes[$0]?.deletesDependents == true })
        }
        return .delete
    }
}
