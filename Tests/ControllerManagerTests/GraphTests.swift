import JSON
import KubeTypes
import Testing

@testable import ControllerManager

@Suite struct GraphTests {
    private func object(
        _ name: String, kind: String = "ConfigMap", namespace: String = "default",
        owners: [(String, String)] = [], blocks: Bool = true, deleted: Bool = false, finalizers: [String] = []
    ) -> ObjectGraph.Observation {
        var metadata = ObjectMeta()
        metadata.uid = "u-\(name)"
        metadata.name = name
        metadata.namespace = namespace.isEmpty ? nil : namespace
        metadata.finalizers = finalizers
        if deleted { metadata.deletionTimestamp = start }
        metadata.ownerReferences = owners.map { owner, kind in
            var reference = OwnerReference()
            reference.apiVersion = "v1"
            reference.kind = kind
            reference.name = owner
            reference.uid = "u-\(owner)"
            reference.blockOwnerDeletion = blocks
            return reference
        }
        return ObjectGraph.Observation(["metadata": metadata.json], apiVersion: "v1", kind: kind)
    }

    @Test func dependentsFollowTheirOwner() {
        var graph = ObjectGraph()
        #expect(graph.observe(object("owner")).isEmpty)
        #expect(graph.observe(object("a", owners: [("owner", "ConfigMap")])).isEmpty)
        #expect(graph.observe(object("b", owners: [("owner", "ConfigMap")])).isEmpty)
        #expect(Set(graph.remove("u-owner")) == [.attemptToDelete("u-a"), .attemptToDelete("u-b")])
        #expect(graph.remove("u-a").isEmpty)
        #expect(graph.remove("u-b").isEmpty)
        #expect(graph.nodes.isEmpty)
    }

    @Test func anUnknownOwnerIsLookedAt() {
        var graph = ObjectGraph()
        #expect(graph.observe(object("a", owners: [("owner", "ConfigMap")])) == [.attemptToDelete("u-owner")])
        #expect(graph.nodes["u-owner"]?.isVirtual == true)
        #expect(graph.nodes["u-owner"]?.identity.namespace == "default")
        // It comes after all.
        #expect(graph.observe(object("owner")).isEmpty)
        #expect(graph.nodes["u-owner"]?.isVirtual == false)
        #expect(graph.nodes["u-owner"]?.dependents == ["u-a"])
    }

    @Test func anOwnerElsewhereIsNoOwner() {
        var graph = ObjectGraph()
        _ = graph.observe(object("owner", namespace: "other"))
        #expect(graph.observe(object("a", owners: [("owner", "ConfigMap")])) == [.attemptToDelete("u-a")])
        // And the other way round.
        var late = ObjectGraph()
        _ = late.observe(object("a", owners: [("owner", "ConfigMap")]))
        #expect(late.observe(object("owner", namespace: "other")) == [.attemptToDelete("u-a")])
        // A cluster-scoped owner may own everywhere.
        var cluster = ObjectGraph()
        _ = cluster.observe(object("owner", kind: "Node", namespace: ""))
        #expect(cluster.observe(object("a", owners: [("owner", "Node")])).isEmpty)
    }

    @Test func foregroundDeletionWaitsForBlockingDependents() {
        var graph = ObjectGraph()
        _ = graph.observe(object("owner"))
        _ = graph.observe(object("a", owners: [("owner", "ConfigMap")]))
        _ = graph.observe(object("b", owners: [("owner", "ConfigMap")], blocks: false))
        let deleting = object("owner", deleted: true, finalizers: ["foregroundDeletion"])
        #expect(
            Set(graph.observe(deleting)) == [
                .attemptToDelete("u-owner"), .attemptToDelete("u-a"), .attemptToDelete("u-b"),
            ])
        #expect(graph.observe(deleting).isEmpty)
        #expect(graph.blockingDependents(of: "u-owner") == ["u-a"])
        #expect(graph.remove("u-a") == [.attemptToDelete("u-owner")])
        #expect(graph.blockingDependents(of: "u-owner").isEmpty)
        // One that ceases to block counts like one that is gone.
        _ = graph.observe(object("c", owners: [("owner", "ConfigMap")]))
        #expect(
            graph.observe(object("c", owners: [("owner", "ConfigMap")], blocks: false)) == [.attemptToDelete("u-owner")]
        )
    }

    @Test func orphaning() {
        var graph = ObjectGraph()
        _ = graph.observe(object("owner"))
        #expect(graph.observe(object("owner", deleted: true, finalizers: ["orphan"])) == [.attemptToOrphan("u-owner")])
        // A finalizer alone, without deletion, asks for nothing.
        #expect(graph.observe(object("x", finalizers: ["orphan", "foregroundDeletion"])).isEmpty)
    }

    @Test func verdicts() {
        var graph = ObjectGraph()
        _ = graph.observe(object("a"))
        _ = graph.observe(object("parent"))
        _ = graph.observe(object("child", owners: [("parent", "ConfigMap")]))
        #expect(graph.verdict(on: "u-a", owners: []) == .keep)
        #expect(graph.verdict(on: "u-a", owners: [("x", .exists)]) == .keep)
        #expect(graph.verdict(on: "u-a", owners: [("x", .exists), ("y", .absent)]) == .dropReferences(["y"]))
        #expect(
            graph.verdict(on: "u-a", owners: [("x", .exists), ("y", .waitsForDependents)]) == .dropReferences(["y"]))
        #expect(graph.verdict(on: "u-a", owners: [("x", .absent)]) == .delete)
        #expect(graph.verdict(on: "u-a", owners: [("x", .waitsForDependents)]) == .delete)
        #expect(
            graph.verdict(on: "u-parent", owners: [("x", .waitsForDependents)]) == .deleteInForeground(unblock: false))
        _ = graph.observe(
            object("child", owners: [("parent", "ConfigMap")], deleted: true, finalizers: ["foregroundDeletion"]))
        #expect(
            graph.verdict(on: "u-parent", owners: [("x", .waitsForDependents)]) == .deleteInForeground(unblock: true))
    }

    @Test func absentOwnersByNamespace() {
        var absent = AbsentOwners()
        absent.insert("u", namespace: "a")
        #expect(absent.contains("u", namespace: "a"))
        #expect(!absent.contains("u", namespace: "b"))
        absent.insert("v", namespace: nil)
        #expect(absent.contains("v", namespace: "b"))
        for number in 0..<5000 { absent.insert("n\(number)", namespace: nil) }
        #expect(absent.contains("n4999", namespace: ""))
        #expect(!absent.contains("v", namespace: "b"))
    }

    @Test func podGarbage() {
        let pods = [
            pod("running"), pod("old", phase: "Succeeded"),
            pod("new", phase: "Failed", created: start.adding(seconds: 9)),
            pod("lost", node: "gone"), pod("stuck", node: "", deleted: true), pod("dead", node: "n2", deleted: true),
        ]
        var dead = node("n2", ready: "Unknown")
        dead.spec.taints = [NodeTaints.taint("node.kubernetes.io/out-of-service", "NoExecute", now: nil)]
        let garbage = PodGarbage(pods: pods, nodes: [node("n1"), dead])
        #expect(garbage.terminated(threshold: 1).map(\.name) == ["old"])
        #expect(garbage.terminated(threshold: 0).isEmpty)
        #expect(garbage.terminated(threshold: 5).isEmpty)
        #expect(garbage.missingNodes == ["gone"])
        #expect(garbage.unscheduledTerminating.map(\.name) == ["stuck"])
        #expect(garbage.terminatingOutOfService.map(\.name) == ["dead"])
    }
}
