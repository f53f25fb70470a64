import JSON
import KubeTypes
import Testing

@testable import ControllerManager

@Suite struct DisruptionTests {
    private func budget(_ spec: JSONValue) -> PodDisruptionBudget {
        var budget = PodDisruptionBudget(name: "b", namespace: "default")
        budget.metadata.generation = 3
        budget.spec = PodDisruptionBudgetSpec(spec)
        return budget
    }

    private var owner: OwnerReference {
        OwnerReference(["kind": "ReplicaSet", "name": "rs", "uid": "rs", "controller": true, "apiVersion": "apps/v1"])
    }

    private func pods(_ count: Int, ready: Int) -> [Pod] {
        (0..<count).map { pod("p\($0)", ready: $0 < ready, owner: owner) }
    }

    private func status(_ spec: JSONValue, _ pods: [Pod], scale: Int = 5) throws -> [Int] {
        let status = try DisruptionBudget(budget(spec), pods: pods, scale: { _, _ in ("d", scale) }, now: start).status
        return [
            status.expectedPods ?? -1, status.desiredHealthy ?? -1, status.currentHealthy ?? -1,
            status.disruptionsAllowed ?? -1,
        ]
    }

    @Test func numbers() throws {
        #expect(try status(["minAvailable": 2], pods(4, ready: 3)) == [4, 2, 3, 1])
        #expect(try status(["minAvailable": 4], pods(4, ready: 3)) == [4, 4, 3, 0])
        #expect(try status(["minAvailable": "50%"], pods(5, ready: 5)) == [5, 3, 5, 2])
        #expect(try status(["maxUnavailable": 1], pods(5, ready: 5)) == [5, 4, 5, 1])
        #expect(try status(["maxUnavailable": "30%"], pods(5, ready: 5)) == [5, 3, 5, 2])
        #expect(try status(["maxUnavailable": 9], pods(5, ready: 1)) == [5, 0, 1, 1])
        #expect(try status(["minAvailable": 0], []) == [0, 0, 0, 0])
    }

    @Test func problems() throws {
        #expect(throws: DisruptionBudget.Problem.self) {
            _ = try DisruptionBudget(
                budget(["maxUnavailable": 1]), pods: pods(1, ready: 1), scale: { _, _ in nil }, now: start)
        }
        let unmanaged = try DisruptionBudget(
            budget(["maxUnavailable": 1]), pods: [pod("bare")], scale: { _, _ in nil }, now: start)
        #expect(unmanaged.unmanaged == ["bare"])
        #expect(unmanaged.status.disruptionsAllowed == 0)
        let failed = DisruptionBudget.failed(budget([:]), .noController(pod: "x"), now: start)
        #expect(failed.conditions.first?.reason == "SyncFailed")
        #expect(failed.disruptionsAllowed == 0)
    }

    @Test func grantedEvictionsCountUntilTheyHappenOrLapse() throws {
        var granted = budget(["minAvailable": 1])
        granted.status.disruptedPods = ["p0": start, "gone": start]
        let all = pods(3, ready: 3)
        var result = try DisruptionBudget(granted, pods: all, scale: { _, _ in nil }, now: start.adding(seconds: 20))
        #expect(result.status.currentHealthy == 2)
        #expect(result.status.disruptedPods == ["p0": start])
        #expect(result.recheckSeconds == 100)
        result = try DisruptionBudget(granted, pods: all, scale: { _, _ in nil }, now: start.adding(seconds: 121))
        #expect(result.status.currentHealthy == 3)
        #expect(result.notDeleted.map(\.name) == ["p0"])
    }

    @Test func theConditionMovesOnlyWithItsStatus() throws {
        var object = budget(["minAvailable": 1])
        func next(_ ready: Int, _ seconds: Int) throws {
            object.status = try DisruptionBudget(
                object, pods: pods(2, ready: ready), scale: { _, _ in nil }, now: start.adding(seconds: seconds)
            ).status
        }
        try next(2, 0)
        #expect(object.status.conditions.map(\.reason) == ["SufficientPods"])
        let before = object.status
        try next(2, 10)
        #expect(object.status == before)
        try next(1, 20)
        #expect(object.status.conditions.map(\.reason) == ["InsufficientPods"])
        #expect(object.status.conditions[0].lastTransitionTime == start.adding(seconds: 20))
    }

    @Test func namespaceConditions() {
        var content = NamespaceContent()
        content.remaining = ["pods.": 2, "configmaps.": 1]
        content.finalizers = ["x/y": 1]
        let first = content.conditions(after: [], now: start)
        #expect(
            first.map { "\($0.type)=\($0.status)" } == [
                "NamespaceDeletionDiscoveryFailure=False", "NamespaceDeletionGroupVersionParsingFailure=False",
                "NamespaceDeletionContentFailure=False", "NamespaceContentRemaining=True",
                "NamespaceFinalizersRemaining=True",
            ])
        #expect(
            first[3].message
                == "Some resources are remaining: configmaps. has 1 resource instances, pods. has 2 resource instances")
        #expect(content.conditions(after: first, now: start.adding(seconds: 5)) == first)
        let done = NamespaceContent().conditions(after: first, now: start.adding(seconds: 5))
        #expect(done[3].status == "False")
        #expect(done[3].lastTransitionTime == start.adding(seconds: 5))
        #expect(done[0] == first[0])
    }
}
