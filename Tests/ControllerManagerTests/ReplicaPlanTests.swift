import JSON
import KubeTypes
import Testing

@testable import ControllerManager

@Suite struct ReplicaPlanTests {
    @Test(arguments: [(3, 0, 3, 0), (3, 3, 0, 0), (3, 5, 0, 2), (0, 2, 0, 2), (1000, 0, 500, 0), (0, 700, 0, 500)])
    func numbers(desired: Int, present: Int, create: Int, delete: Int) {
        let pods = (0..<present).map { pod("p\($0)") }
        let plan = ReplicaPlan(desired: desired, active: pods.count, pods: { pods }, related: { $0 }, now: start)
        #expect(plan.create == create)
        #expect(plan.delete.count == delete)
    }

    @Test(arguments: [(0, []), (1, [1]), (3, [1, 2]), (10, [1, 2, 4, 3]), (7, [1, 2, 4])])
    func batches(count: Int, want: [Int]) { #expect(ReplicaPlan.batches(of: count) == want) }

    private func first(_ pods: [Pod], related: [Pod]? = nil, now: Time = start.adding(seconds: 100_000)) -> String? {
        // The order in which pods are given must not matter.
        let one = DeletionRanking.choose(1, of: pods, related: related ?? pods, now: now).first?.name
        let other = DeletionRanking.choose(1, of: pods.reversed(), related: related ?? pods, now: now).first?.name
        #expect(one == other)
        return one
    }

    @Test func whoGoesFirst() {
        #expect(first([pod("a"), pod("b", node: "")]) == "b")
        #expect(first([pod("a"), pod("b", phase: "Pending")]) == "b")
        #expect(first([pod("a", phase: "Unknown"), pod("b", phase: "Pending")]) == "b")
        #expect(first([pod("a"), pod("b", ready: false)]) == "b")
        let cost = "controller.kubernetes.io/pod-deletion-cost"
        #expect(first([pod("a", annotations: [cost: "10"]), pod("b", annotations: [cost: "-5"])]) == "b")
        #expect(first([pod("a", annotations: [cost: "10"]), pod("b")]) == "b")
        // An assigned pod that costs nothing stays before an unassigned one that is dear.
        #expect(first([pod("a"), pod("b", node: "", annotations: [cost: "100"])]) == "b")
        let crowd = [pod("a", node: "n1"), pod("b", node: "n2"), pod("c", node: "n2")]
        #expect(first([crowd[0], crowd[1]], related: crowd) == "b")
        let younger = start.adding(seconds: 90_000)
        #expect(first([pod("a"), pod("b", readySince: younger)]) == "b")
        #expect(first([pod("a"), pod("b", restarts: 4)]) == "b")
        #expect(first([pod("a"), pod("b", created: younger)]) == "b")
        // Of about the same age: by UID.
        #expect(first([pod("a", created: start.adding(seconds: 3)), pod("b")]) == "a")
    }

    @Test(arguments: [("5", 5), ("-5", -5), ("+5", 0), ("05", 0), ("x", 0), ("99999999999", 0), ("", 0)])
    func deletionCost(text: String, want: Int) {
        #expect(
            DeletionRanking.cost(of: pod("a", annotations: ["controller.kubernetes.io/pod-deletion-cost": text]))
                == want)
    }

    private func status(
        _ pods: [Pod], after current: ReplicaStatus = ReplicaStatus(), minReady: Int = 0, now: Time = start,
        outcome: ReplicaStatus.Outcome = .success
    ) -> ReplicaStatus {
        ReplicaStatus.compute(
            current: current, generation: 2, desired: 3, minReadySeconds: minReady, templateLabels: ["app": "web"],
            active: pods.map { ReplicaPod($0) }, terminating: 1, outcome: outcome, now: now)
    }

    @Test func counting() {
        let pods = [pod("a"), pod("b", ready: false), pod("c", labels: ["app": "other"])]
        let result = status(pods)
        #expect(
            result.json == [
                "replicas": 3, "fullyLabeledReplicas": 2, "readyReplicas": 2, "availableReplicas": 2,
                "terminatingReplicas": 1, "observedGeneration": 2,
            ])
        #expect(status(pods, after: result) == result)
    }

    @Test func minReadySecondsDelayAvailability() {
        let pods = [pod("a", readySince: start), pod("b", readySince: start.adding(seconds: 6))]
        let now = start.adding(seconds: 10)
        #expect(status(pods, minReady: 5, now: now).availableReplicas == 1)
        let since = pods.map(\.readySince)
        #expect(ReplicaStatus.secondsToNextAvailable(since, minReadySeconds: 5, now: now) == 1)
        #expect(status(pods, minReady: 5, now: start.adding(seconds: 11)).availableReplicas == 2)
        #expect(ReplicaStatus.secondsToNextAvailable(since, minReadySeconds: 5, now: start.adding(seconds: 11)) == nil)
        #expect(ReplicaStatus.secondsToNextAvailable(since, minReadySeconds: 0, now: now) == nil)
    }

    @Test func podsOfSets() {
        func pod(_ name: String, of set: String?, app: String = "web", uid: String? = nil) -> Pod {
            let owner = OwnerReference([
                "apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "rs", "uid": .string(set ?? ""),
                "controller": true,
            ])
            return ControllerManagerTests.pod(
                name, uid: uid, labels: ["app": app], owner: set == nil ? nil : owner)
        }
        let view = ReplicaPods(ofKind: "ReplicaSet")
        func names(_ set: String) -> [String] { view.controlled(by: set).map(\.pod.name).sorted() }
        let (a, b) = (pod("a", of: "one"), pod("b", of: "one", app: "other"))
        view.replace(nil, by: a)
        view.replace(nil, by: b)
        view.replace(nil, by: pod("c", of: nil))
        #expect(names("one") == ["a", "b"])
        let (matching, others) = LabelMatcher(matchLabels: ["app": "web"]).split(view.controlled(by: "one"))
        #expect(matching.map(\.pod.name) == ["a"] && others.map(\.pod.name) == ["b"])
        // Labels that are the same are kept once.
        view.replace(nil, by: pod("d", of: "three"))
        view.replace(nil, by: pod("e", of: "three"))
        view.replace(nil, by: pod("f", of: "three", app: "other"))
        view.replace(pod("e", of: "three"), by: pod("e", of: "three"))
        #expect(Set(view.controlled(by: "three").map { ObjectIdentifier($0.labels) }).count == 2)
        // Given to another set, given up, replaced by one of the same name, gone.
        view.replace(a, by: pod("a", of: "two"))
        #expect(names("one") == ["b"] && names("two") == ["a"])
        view.replace(b, by: pod("b", of: nil))
        #expect(names("one") == [])
        let next = pod("a", of: "two", uid: "next")
        view.replace(pod("a", of: "two"), by: next)
        #expect(view.controlled(by: "two").map(\.pod.uid) == ["next"])
        view.replace(next, by: nil)
        #expect(names("two") == [])
    }

    @Test func failuresComeAndGo() {
        let failed = status([], outcome: .failure("no"))
        #expect(failed.conditions.map(\.reason) == ["FailedCreate"])
        // The same failure later does not change the condition.
        #expect(status([], after: failed, now: start.adding(seconds: 9), outcome: .failure("no again")) == failed)
        #expect(status([], after: failed).conditions.isEmpty)
        #expect(
            status((0..<5).map { pod("p\($0)") }, outcome: .failure("no")).conditions.map(\.reason) == ["FailedDelete"])
    }

    @Test(arguments: [
        // controller uid, being deleted, owner being deleted, matches → claim
        ("me", false, false, true, ControllerRef.Claim.owned), ("me", false, false, false, .release),
        ("me", false, true, false, .none), ("me", false, true, true, .owned), ("other", false, false, true, .none),
        ("", false, false, true, .adopt), ("", false, false, false, .none), ("", true, false, true, .none),
        ("", false, true, true, .none),
    ])
    func claims(controller: String, deleted: Bool, ownerDeleted: Bool, matches: Bool, want: ControllerRef.Claim) {
        var reference = OwnerReference()
        reference.uid = controller
        reference.controller = true
        let object = pod("a", owner: controller.isEmpty ? nil : reference, deleted: deleted)
        #expect(ControllerRef.claim(object, by: "me", ownerIsBeingDeleted: ownerDeleted, matches: matches) == want)
    }

    @Test func expectations() {
        let expectations = Expectations<String>(timeoutSeconds: 10)
        #expect(expectations.areSatisfied(for: "a", now: start))
        expectations.expect(creations: 2, of: "a", now: start)
        #expect(!expectations.areSatisfied(for: "a", now: start))
        expectations.lowerCreations(of: "a")
        #expect(!expectations.areSatisfied(for: "a", now: start))
        expectations.lowerCreations(of: "a")
        #expect(expectations.areSatisfied(for: "a", now: start))
        expectations.expect(deletions: ["u1", "u2"], of: "a", now: start)
        expectations.observeDeletion(of: "u1", for: "a")
        expectations.observeDeletion(of: "u1", for: "a")
        #expect(!expectations.areSatisfied(for: "a", now: start))
        #expect(expectations.areSatisfied(for: "a", now: start.adding(seconds: 11)))
        expectations.observeDeletion(of: "u2", for: "a")
        #expect(expectations.areSatisfied(for: "a", now: start))
    }

    @Test func podsOfATemplate() {
        var set = ReplicaSet(name: "web-abc", namespace: "default")
        set.metadata.uid = "u"
        var description = template("v1")
        description.metadata.annotations = ["a": "b"]
        let made = PodFromTemplate.make(description, owner: set)
        #expect(made.metadata.generateName == "web-abc-")
        #expect(made.labels == ["app": "web"])
        #expect(made.annotations == ["a": "b"])
        #expect(
            made.metadata.ownerReferences.map(\.json) == [
                [
                    "apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "web-abc", "uid": "u", "controller": true,
                    "blockOwnerDeletion": true,
                ]
            ])
        #expect(made.spec.containers.first?.image == "v1")
    }
}
