import JSON
import KubeTypes
import Testing

@testable import ControllerManager

/// A deployment's world without an API: plans are carried out at once, and pods become available as told.
struct DeploymentSimulation {
    var deployment: Deployment
    var sets: [ReplicaSet] = []
    var now = start
    var events: [String] = []
    private var made = 0

    init(_ deployment: Deployment) { self.deployment = deployment }

    var total: Int { sets.reduce(0) { $0 + $1.status.replicas } }
    var available: Int { sets.reduce(0) { $0 + $1.available } }
    func set(_ image: String) -> ReplicaSet? {
        sets.first { $0.spec.template?.spec.containers.first?.image == image }
    }

    /// Makes one plan and carries it out.
    /// - Returns: Whether it changed anything.
    @discardableResult
    mutating func step() -> Bool {
        let plan = DeploymentPlan(
            deployment, replicaSets: sets,
            hasPods: { uid in sets.contains { $0.uid == uid && $0.status.replicas > 0 } }, now: now)
        var changed = false
        if var created = plan.created {
            made += 1
            created.metadata.uid = "rs-\(made)"
            created.metadata.creationTimestamp = now.adding(seconds: made)
            created.metadata.generation = 1
            created.status.observedGeneration = 1
            sets.append(created)
            changed = true
        }
        for update in plan.updates {
            if let position = sets.firstIndex(where: { $0.uid == update.replicaSet.uid }) {
                if update.replicaSet.size != update.oldSize {
                    events.append("\(update.oldSize)→\(update.replicaSet.size)")
                }
                sets[position] = update.replicaSet
                changed = true
            }
        }
        for set in plan.deleted {
            sets.removeAll { $0.uid == set.uid }
            changed = true
        }
        if let revision = plan.revision {
            deployment.metadata.annotations["deployment.kubernetes.io/revision"] = revision
            changed = true
        }
        if plan.status != deployment.status {
            deployment.status = plan.status
            changed = true
        }
        return changed
    }

    /// The ReplicaSet controller: pods that are too many go (unavailable ones first), missing ones come.
    mutating func followSizes() {
        for position in sets.indices {
            let size = sets[position].size
            sets[position].status.replicas = size
            sets[position].status.availableReplicas = min(sets[position].available, size)
            sets[position].status.readyReplicas = sets[position].status.availableReplicas
        }
    }

    mutating func makeAvailable(_ count: Int = .max, of position: Int) {
        let missing = sets[position].status.replicas - sets[position].available
        let more = min(count, missing)
        sets[position].status.availableReplicas = sets[position].available + more
        sets[position].status.readyReplicas = sets[position].status.availableReplicas
    }

    mutating func settle(limit: Int = 200) {
        for _ in 0..<limit {
            let changed = step()
            followSizes()
            for position in sets.indices { makeAvailable(of: position) }
            if !changed, !step() { return }
        }
        Issue.record("the deployment does not come to rest")
    }

    mutating func change(_ body: (inout Deployment) -> Void) {
        body(&deployment)
        deployment.metadata.generation = (deployment.metadata.generation ?? 1) + 1
    }
}

@Suite struct DeploymentPlanTests {
    @Test func aNewDeploymentComesUp() throws {
        var world = DeploymentSimulation(deployment())
        do {
            let changed = world.step()
            #expect(changed)
        }
        let set = try #require(world.sets.first)
        let hash = try #require(set.labels["pod-template-hash"])
        #expect(set.name == "web-\(hash)")
        #expect(set.size == 3)
        #expect(set.spec.selector.matchLabels == ["app": "web", "pod-template-hash": hash])
        #expect(set.spec.template?.metadata.labels["pod-template-hash"] == hash)
        #expect(set.controller?.uid == world.deployment.uid)
        #expect(
            set.annotations == [
                "deployment.kubernetes.io/revision": "1", "deployment.kubernetes.io/desired-replicas": "3",
                "deployment.kubernetes.io/max-replicas": "4",
            ])
        #expect(world.deployment.annotations["deployment.kubernetes.io/revision"] == "1")
        #expect(world.deployment.condition("Progressing")?.reason == "NewReplicaSetCreated")
        #expect(world.deployment.condition("Available")?.reason == "MinimumReplicasUnavailable")
        #expect(world.deployment.status.observedGeneration == 1)
        world.followSizes()
        world.step()
        #expect(world.deployment.condition("Progressing")?.reason == "ReplicaSetUpdated")
        #expect(world.deployment.status.unavailableReplicas == 3)
        world.settle()
        #expect(world.deployment.condition("Progressing")?.reason == "NewReplicaSetAvailable")
        #expect(world.deployment.condition("Available")?.reason == "MinimumReplicasAvailable")
        #expect(world.deployment.status.availableReplicas == 3)
        #expect(world.deployment.status.unavailableReplicas == nil)
    }

    @Test func atRestNothingIsWritten() {
        var world = DeploymentSimulation(deployment())
        world.settle()
        world.now = world.now.adding(seconds: 100_000)
        let before = world.deployment
        do {
            let changed = world.step()
            #expect(!changed)
        }
        #expect(world.deployment == before)
    }

    /// Whatever order pods become available in, and fail in: never fewer available and never more in all than allowed.
    @Test(arguments: 0..<40) func aRolloutKeepsItsPromises(seed: Int) throws {
        var random = SeededGenerator(seed: UInt64(seed))
        let replicas = Int.random(in: 1...30, using: &random)
        func amount(_ random: inout SeededGenerator) -> IntOrString {
            Bool.random(using: &random)
                ? .int(Int.random(in: 0...replicas, using: &random))
                : .string("\(Int.random(in: 0...100, using: &random))%")
        }
        var world = DeploymentSimulation(
            deployment(replicas: replicas, surge: amount(&random), unavailable: amount(&random)))
        let surge = world.deployment.maxSurge
        let least = replicas - world.deployment.maxUnavailable
        world.settle()
        #expect(world.available == replicas)

        var steps = 0
        var images = ["v2", "v3", "v1"].prefix(Int.random(in: 1...3, using: &random))
        world.change { [image = images[0]] in $0.spec.template = template(image) }
        var target = images.removeFirst()
        while steps < 3000 {
            steps += 1
            world.step()
            world.followSizes()
            if world.available < least || world.total > replicas + surge {
                Issue.record("\(world.available) available, \(world.total) in all: \(world.events)")
            }
            if !world.sets.isEmpty {
                let position = Int.random(in: world.sets.indices, using: &random)
                world.makeAvailable(Int.random(in: 0...3, using: &random), of: position)
            }
            // Another change in the middle of it.
            if !images.isEmpty, Int.random(in: 0..<20, using: &random) == 0 {
                target = images.removeFirst()
                world.change { [target] in $0.spec.template = template(target) }
            }
            if images.isEmpty, world.set(target)?.available == replicas, world.total == replicas { break }
        }
        world.settle()
        #expect(world.set(target)?.available == replicas)
        #expect(world.sets.allSatisfy { $0.size == 0 || $0.uid == world.set(target)?.uid })
        #expect(world.deployment.condition("Progressing")?.reason == "NewReplicaSetAvailable")
    }

    /// Pods that are lost on the way (a node dies) may cost availability, but the rollout still ends.
    @Test(arguments: 100..<115) func aRolloutEndsDespiteFailures(seed: Int) {
        var random = SeededGenerator(seed: UInt64(seed))
        let replicas = Int.random(in: 1...12, using: &random)
        var world = DeploymentSimulation(deployment(replicas: replicas))
        world.settle()
        world.change { $0.spec.template = template("v2") }
        for _ in 0..<50 {
            world.step()
            world.followSizes()
            #expect(world.total <= replicas + world.deployment.maxSurge)
            let position = Int.random(in: world.sets.indices, using: &random)
            if Int.random(in: 0..<4, using: &random) == 0, world.sets[position].available > 0 {
                world.sets[position].status.availableReplicas = world.sets[position].available - 1
            } else {
                world.makeAvailable(1, of: position)
            }
        }
        world.settle()
        #expect(world.set("v2")?.available == replicas)
        #expect(world.total == replicas)
    }

    @Test func aRolloutIsSeenAsUpstreamShowsIt() {
        var world = DeploymentSimulation(deployment(replicas: 3))
        world.settle()
        world.events = []
        world.change { $0.spec.template = template("v2") }
        world.settle()
        // Surge 1, none unavailable: one up, one down.
        #expect(world.events == ["3→2", "1→2", "2→1", "2→3", "1→0"])
        #expect(world.deployment.annotations["deployment.kubernetes.io/revision"] == "2")
    }

    @Test func undoingTakesTheOldReplicaSetAgain() throws {
        var world = DeploymentSimulation(deployment())
        world.settle()
        let first = try #require(world.set("v1")?.name)
        world.change { $0.spec.template = template("v2") }
        world.settle()
        world.change { $0.spec.template = template("v1") }
        world.settle()
        let set = try #require(world.set("v1"))
        #expect(set.name == first)
        #expect(set.size == 3)
        #expect(set.annotations["deployment.kubernetes.io/revision"] == "3")
        #expect(set.annotations["deployment.kubernetes.io/revision-history"] == "1")
        #expect(world.deployment.annotations["deployment.kubernetes.io/revision"] == "3")
        #expect(world.sets.count == 2)
    }

    @Test func historyIsLimited() {
        var world = DeploymentSimulation(deployment(history: 2))
        for version in 1...6 {
            world.change { $0.spec.template = template("v\(version)") }
            world.settle()
        }
        #expect(
            world.sets.compactMap { $0.spec.template?.spec.containers.first?.image }.sorted() == ["v4", "v5", "v6"])
        #expect(world.deployment.annotations["deployment.kubernetes.io/revision"] == "6")
    }

    @Test func scalingInTheMiddleOfARolloutIsProportional() throws {
        var world = DeploymentSimulation(deployment(replicas: 10, surge: .int(3), unavailable: .int(2)))
        world.settle()
        world.change { $0.spec.template = template("v2") }
        world.step()  // the new set, 3
        world.followSizes()
        world.step()  // the old one, 8
        world.followSizes()
        world.step()  // the new one, 5
        world.followSizes()
        #expect(world.sets.map(\.size) == [8, 5])
        world.change { $0.spec.replicas = 15 }
        world.step()
        #expect(world.sets.map(\.size) == [11, 7])
        #expect(world.sets.allSatisfy { $0.annotations["deployment.kubernetes.io/desired-replicas"] == "15" })
        #expect(world.sets.allSatisfy { $0.annotations["deployment.kubernetes.io/max-replicas"] == "18" })
        world.settle()
        #expect(world.set("v2")?.size == 15)
    }

    @Test func scalingWithoutARollout() {
        var world = DeploymentSimulation(deployment())
        world.settle()
        world.change { $0.spec.replicas = 50 }
        world.step()
        #expect(world.sets.map(\.size) == [50])
        world.change { $0.spec.replicas = 0 }
        world.settle()
        #expect(world.sets.map(\.size) == [0])
        #expect(world.deployment.status.replicas == nil)
        #expect(world.deployment.condition("Available")?.status == "True")
    }

    @Test func aPausedDeploymentScalesButDoesNotRoll() {
        var world = DeploymentSimulation(deployment())
        world.settle()
        world.change { $0.spec.paused = true }
        world.settle()
        #expect(world.deployment.condition("Progressing")?.reason == "DeploymentPaused")
        #expect(world.deployment.condition("Progressing")?.status == "Unknown")
        world.change { $0.spec.template = template("v2") }
        world.settle()
        #expect(world.sets.count == 1)
        world.change { $0.spec.replicas = 5 }
        world.settle()
        #expect(world.sets.map(\.size) == [5])
        #expect(world.deployment.status.updatedReplicas == nil)
        world.change { $0.spec.paused = nil }
        world.step()
        #expect(world.sets.count == 2)
        world.settle()
        #expect(world.deployment.condition("Progressing")?.reason == "NewReplicaSetAvailable")
        #expect(world.set("v2")?.size == 5)
    }

    @Test func recreateWaitsForTheOldToEnd() {
        var world = DeploymentSimulation(deployment(strategy: "Recreate"))
        world.settle()
        #expect(world.available == 3)
        world.change { $0.spec.template = template("v2") }
        world.step()
        #expect(world.sets.map(\.size) == [0])
        #expect(world.total == 3)
        // The old pods are still there, so the new ReplicaSet is not.
        world.step()
        #expect(world.sets.count == 1)
        world.followSizes()
        world.step()
        #expect(world.sets.map(\.size) == [0, 3])
        world.settle()
        #expect(world.set("v2")?.available == 3)
    }

    @Test func aStuckRolloutTimesOutAndRecovers() {
        var world = DeploymentSimulation(deployment(deadline: 60))
        world.settle()
        world.change { $0.spec.template = template("broken") }
        for _ in 0..<5 {
            world.step()
            world.followSizes()
        }
        let progressing = world.deployment.condition("Progressing")
        #expect(progressing?.reason == "ReplicaSetUpdated")
        world.now = world.now.adding(seconds: 59)
        world.step()
        #expect(world.deployment.condition("Progressing")?.reason == "ReplicaSetUpdated")
        world.now = world.now.adding(seconds: 2)
        world.step()
        #expect(world.deployment.condition("Progressing")?.reason == "ProgressDeadlineExceeded")
        #expect(world.deployment.condition("Progressing")?.status == "False")
        #expect(
            world.deployment.condition("Progressing")?.message
                == "ReplicaSet \"\(world.set("broken")?.name ?? "")\" has timed out progressing.")
        #expect(world.deployment.condition("Available")?.status == "True")
        do {
            let changed = world.step()
            #expect(!changed)
        }
        world.change { $0.spec.template = template("v1") }
        world.settle()
        #expect(world.deployment.condition("Progressing")?.reason == "NewReplicaSetAvailable")
        #expect(world.set("v1")?.available == 3)
        #expect(world.total == 3)
    }

    @Test func aRecheckIsAskedForUntilTheDeadline() {
        var world = DeploymentSimulation(deployment(deadline: 60))
        world.step()
        world.followSizes()
        world.step()
        let plan = DeploymentPlan(
            world.deployment, replicaSets: world.sets, hasPods: { _ in true }, now: start.adding(seconds: 20))
        #expect(plan.recheckSeconds == 41)
        var complete = world
        complete.settle()
        #expect(
            DeploymentPlan(complete.deployment, replicaSets: complete.sets, hasPods: { _ in true }, now: start)
                .recheckSeconds == nil)
    }

    @Test func aReplicaSetsFailureShowsOnTheDeployment() {
        var world = DeploymentSimulation(deployment())
        world.step()
        var failure = ReplicaSetCondition()
        failure.type = "ReplicaFailure"
        failure.status = "True"
        failure.reason = "FailedCreate"
        failure.message = "quota"
        failure.lastTransitionTime = start
        world.sets[0].status.conditions = [failure]
        world.step()
        #expect(world.deployment.condition("ReplicaFailure")?.reason == "FailedCreate")
        #expect(world.deployment.condition("ReplicaFailure")?.message == "quota")
        world.sets[0].status.conditions = []
        world.settle()
        #expect(world.deployment.condition("ReplicaFailure") == nil)
    }

    @Test func minReadySecondsReachTheReplicaSet() {
        var world = DeploymentSimulation(deployment())
        world.settle()
        world.change { $0.spec.minReadySeconds = 7 }
        world.step()
        #expect(world.sets[0].spec.minReadySeconds == 7)
        #expect(world.sets.count == 1)
    }

    @Test func annotationsAreCopiedButNotAll() {
        var object = deployment()
        object.metadata.annotations = [
            "kubernetes.io/change-cause": "x", "kubectl.kubernetes.io/last-applied-configuration": "y",
        ]
        var world = DeploymentSimulation(object)
        world.settle()
        #expect(world.sets[0].annotations["kubernetes.io/change-cause"] == "x")
        #expect(world.sets[0].annotations["kubectl.kubernetes.io/last-applied-configuration"] == nil)
    }

    @Test func aDeploymentBeingDeletedOnlyCounts() {
        var world = DeploymentSimulation(deployment())
        world.settle()
        world.deployment.metadata.deletionTimestamp = start
        world.change { $0.spec.template = template("v2") }
        world.settle()
        #expect(world.sets.count == 1)
        #expect(world.sets[0].size == 3)
    }
}
