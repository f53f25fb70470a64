import JSON
import KubeTypes
import Testing

@testable import ControllerManager

func statefulSet(
    _ name: String = "web", replicas: Int = 3, parallel: Bool = false, partition: Int? = 0,
    maxUnavailable: IntOrString? = nil, onDelete: Bool = false, start first: Int? = nil, minReady: Int = 0,
    claims: [String] = [], whenDeleted: String = "Retain", whenScaled: String = "Retain", image: String = "v1"
) -> StatefulSet {
    var set = StatefulSet(name: name, namespace: "default")
    set.metadata.uid = "uid-set-\(name)"
    set.metadata.generation = 1
    set.spec.replicas = replicas
    set.spec.serviceName = "svc"
    set.spec.selector = LabelSelector(["matchLabels": ["app": "web"]])
    set.spec.template = template(image)
    set.spec.podManagementPolicy = parallel ? "Parallel" : "OrderedReady"
    var strategy = StatefulSetUpdateStrategy(["type": onDelete ? "OnDelete" : "RollingUpdate"])
    if !onDelete, let partition {
        strategy.rollingUpdate = RollingUpdateStatefulSetStrategy(["partition": .integer(Int64(partition))])
        strategy.rollingUpdate?.maxUnavailable = maxUnavailable
    }
    set.spec.updateStrategy = strategy
    if let first { set.spec.ordinals = StatefulSetOrdinals(["start": .integer(Int64(first))]) }
    set.spec.minReadySeconds = minReady == 0 ? nil : minReady
    set.spec.volumeClaimTemplates = claims.map { PersistentVolumeClaim(["metadata": ["name": .string($0)]]) }
    set.spec.persistentVolumeClaimRetentionPolicy = StatefulSetPersistentVolumeClaimRetentionPolicy([
        "whenDeleted": .string(whenDeleted), "whenScaled": .string(whenScaled),
    ])
    return set
}

/// How a pod of a set is, in one letter: `r`eady, `p`ending, `n`ot ready, `f`ailed, `s`ucceeded, `t`erminating, `-`
/// missing; an upper case letter is a pod of the old template.
private func pods(_ states: String, of set: StatefulSet, from first: Int = 0, claims: [String] = []) -> [Pod] {
    states.enumerated().compactMap { offset, state in
        guard state != "-" else { return nil }
        let name = "\(set.name)-\(first + offset)"
        let phases: [Character: String] = ["p": "Pending", "f": "Failed", "s": "Succeeded"]
        let kind = Character(state.lowercased())
        var made = pod(
            name,
            labels: [
                "app": "web", "statefulset.kubernetes.io/pod-name": name,
                "apps.kubernetes.io/pod-index": String(first + offset),
                "controller-revision-hash": state.isUppercase ? "old" : "new",
            ],
            phase: phases[kind] ?? "Running", ready: kind == "r" || kind == "t", owner: ControllerRef.make(to: set),
            deleted: kind == "t")
        made.spec.volumes = claims.map {
            Volume(["name": .string($0), "persistentVolumeClaim": ["claimName": .string("\($0)-\(name)")]])
        }
        return made
    }
}

private func plan(
    _ set: StatefulSet, _ pods: [Pod], claims: [PersistentVolumeClaim] = [], now: Time = start.adding(seconds: 100)
) -> StatefulSetPlan {
    StatefulSetPlan(
        set, pods: pods,
        revisions: .init(
            current: "old", update: "new", currentTemplate: template("v0"), updateTemplate: set.spec.template,
            collisionCount: 0),
        claim: { name in claims.first { $0.name == name } }, now: now)
}

/// `+web-1` creates, `-web-2` deletes.
private func steps(_ plan: StatefulSetPlan) -> String {
    plan.phases.map { phase in
        phase.map { action in
            switch action {
            case .create(let pod, let claims):
                "+\(pod.name)" + (claims.isEmpty ? "" : "(\(claims.map(\.name).joined(separator: ",")))")
            case .createClaims(let claims, _): "claims(\(claims.map(\.name).joined(separator: ",")))"
            case .setOwners(let owners, let claim, _):
                "\(claim.name)->\(owners.map(\.name).joined(separator: ","))"
            case .conform(let pod, _): "~\(pod.name)"
            case .delete(let pod): "-\(pod.name)"
            case .fail(let pod, let message): "!\(pod) \(message)"
            }
        }.joined(separator: " ")
    }.joined(separator: " | ")
}

@Suite struct StatefulSetPlanTests {
    @Test(arguments: [
        ("---", "+web-0"), ("r--", "+web-1"), ("p--", ""), ("n--", ""), ("rr-", "+web-2"), ("r-r", "+web-1"),
        ("rrr", ""), ("-rr", "+web-0"), ("t--", ""), ("frr", "-web-0"), ("srr", "-web-0"), ("rnr", ""),
        // Too many: the last first, and only while all others serve.
        ("rrrrr", "-web-4"), ("rrrrt", ""), ("rrrnr", "-web-4"), ("rrrrn", "-web-4"), ("rrrnn", ""), ("rnrrr", ""),
        // Another template: from the last on, one at a time.
        ("RRR", "-web-2"), ("RRr", "-web-1"), ("RRt", ""), ("RRn", ""), ("Rrr", "-web-0"), ("NRr", ""),
        ("RN-", ""), ("RRN", ""), ("RRRR", "-web-3"),
    ]) func orderedSets(states: String, expected: String) {
        let set = statefulSet()
        #expect(steps(plan(set, pods(states, of: set))) == expected)
    }

    @Test(arguments: [
        ("---", "+web-0 +web-1 +web-2"), ("p--", "+web-1 +web-2"), ("rfr", "-web-1"), ("rrrnr", "-web-4 -web-3"),
        ("t-r", "+web-1"), ("RRR", "-web-2"), ("RRn", ""), ("NRr", "-web-1"), ("-rrr", "+web-0 | -web-3"),
    ]) func parallelSets(states: String, expected: String) {
        let set = statefulSet(parallel: true)
        #expect(steps(plan(set, pods(states, of: set))) == expected)
    }

    @Test func updatesStopAtThePartition() {
        let set = statefulSet(partition: 2)
        #expect(steps(plan(set, pods("RRR", of: set))) == "-web-2")
        #expect(steps(plan(set, pods("RRr", of: set))) == "")
        // A pod below the partition comes back as it was.
        let next = plan(set, pods("R-r", of: set))
        guard case .create(let pod, _)? = next.phases.first?.first else {
            Issue.record("no pod is created")
            return
        }
        #expect(pod.labels["controller-revision-hash"] == "old")
        #expect(pod.spec.containers.first?.image == "v0")
        let far = statefulSet(partition: 9)
        #expect(steps(plan(far, pods("RRR", of: far))) == "")
    }

    @Test func onDeleteLeavesUpdatesToPeople() {
        let set = statefulSet(onDelete: true)
        #expect(steps(plan(set, pods("RRR", of: set))) == "")
        #expect(steps(plan(set, pods("RR-", of: set))) == "+web-2")
        #expect(plan(set, pods("rrr", of: set)).status.currentRevision == "old")
    }

    @Test(arguments: [
        (IntOrString.int(2), "RRRR", "-web-3 -web-2"), (.int(2), "RRRn", ""), (.string("50%"), "RRRR", "-web-3 -web-2"),
        (.string("10%"), "RRRR", "-web-3"), (.int(4), "RRrR", "-web-3 -web-1 -web-0"),
    ]) func severalMayBeUpdatedAtOnce(limit: IntOrString, states: String, expected: String) {
        // Ordered sets wait for every pod before they turn to updates.
        let set = statefulSet(replicas: 4, parallel: true, maxUnavailable: limit)
        let planned = steps(plan(set, pods(states, of: set)))
        #expect(planned == (states == "RRRn" ? "-web-2" : expected))
    }

    @Test func ordinalsMayStartElsewhere() {
        let set = statefulSet(replicas: 2, start: 5)
        #expect(steps(plan(set, [])) == "+web-5")
        #expect(steps(plan(set, pods("r", of: set, from: 5))) == "+web-6")
        // The lower ones are too many now.
        #expect(steps(plan(set, pods("rr", of: set, from: 4) + pods("r", of: set, from: 6))) == "-web-4")
    }

    @Test func podsHaveAnIdentity() throws {
        let set = statefulSet(claims: ["data"])
        guard case .create(let pod, let claims)? = plan(set, []).phases.first?.first else {
            Issue.record("no pod is created")
            return
        }
        #expect(pod.name == "web-0")
        #expect(pod.metadata.generateName == nil)
        #expect(pod.spec.hostname == "web-0")
        #expect(pod.spec.subdomain == "svc")
        #expect(
            pod.labels == [
                "app": "web", "statefulset.kubernetes.io/pod-name": "web-0", "apps.kubernetes.io/pod-index": "0",
                "controller-revision-hash": "new",
            ])
        #expect(pod.spec.volumes.first?.persistentVolumeClaim?.claimName == "data-web-0")
        #expect(pod.controller?.name == "web")
        #expect(claims.map(\.name) == ["data-web-0"])
        #expect(claims.first?.labels == ["app": "web"])
        #expect(StatefulSetIdentity.split("a-b-12")?.set == "a-b")
        #expect(StatefulSetIdentity.split("a-b-12")?.ordinal == 12)
        for name in ["web", "web-", "web-x", "web-99999999999"] { #expect(StatefulSetIdentity.split(name) == nil) }
    }

    @Test func lostLabelsAreRestored() {
        let set = statefulSet(replicas: 1)
        var odd = pods("r", of: set)
        odd[0].metadata.labels["statefulset.kubernetes.io/pod-name"] = nil
        #expect(steps(plan(set, odd)) == "~web-0")
    }

    @Test func availabilityTakesItsTime() {
        let set = statefulSet(minReady: 10)
        let early = plan(set, pods("r", of: set), now: start.adding(seconds: 4))
        #expect(steps(early) == "")
        #expect(early.recheckSeconds == 6)
        #expect(early.status.readyReplicas == 1)
        #expect(early.status.availableReplicas == 0)
        #expect(steps(plan(set, pods("r", of: set), now: start.adding(seconds: 10))) == "+web-1")
    }

    @Test func statusCounts() {
        let set = statefulSet(replicas: 4)
        let status = plan(set, pods("RrNt", of: set)).status
        #expect(status.replicas == 4)
        #expect(status.readyReplicas == 3)
        #expect(status.currentReplicas == 2)
        #expect(status.updatedReplicas == 1)
        #expect(status.currentRevision == "old")
        #expect(status.updateRevision == "new")
        let done = statefulSet()
        let complete = plan(done, pods("rrr", of: done)).status
        #expect(complete.currentRevision == "new")
        #expect(complete.currentReplicas == 3)
    }

    @Test func whatIsBeingDeletedIsOnlyCounted() {
        var set = statefulSet()
        set.metadata.deletionTimestamp = start
        let plan = plan(set, pods("r", of: set))
        #expect(plan.phases.isEmpty)
        #expect(plan.status.replicas == 1)
    }
}

@Suite struct ClaimTests {
    private func claim(_ name: String, owners: [OwnerReference] = [], deleted: Bool = false) -> PersistentVolumeClaim {
        var claim = PersistentVolumeClaim(name: name, namespace: "default")
        claim.metadata.ownerReferences = owners
        if deleted { claim.metadata.deletionTimestamp = start }
        return claim
    }

    @Test func missingClaimsComeFirst() {
        let set = statefulSet(claims: ["a", "b"])
        #expect(steps(plan(set, [], claims: [claim("a-web-0")])) == "+web-0(b-web-0)")
        let pending = pods("p", of: set, claims: ["a", "b"])
        #expect(steps(plan(set, pending, claims: [claim("a-web-0")])) == "claims(b-web-0)")
        #expect(
            steps(plan(set, [], claims: [claim("a-web-0", deleted: true)])) == "!web-0 pvc a-web-0 is being deleted")
    }

    @Test(arguments: [
        ("Retain", "Retain", "", ""), ("Delete", "Retain", "set", "set"), ("Retain", "Delete", "", "pod"),
        ("Delete", "Delete", "set", "pod"),
    ]) func claimsBelongToWhoTakesThemAlong(deleted: String, scaled: String, wanted: String, condemned: String) {
        let set = statefulSet(replicas: 1, claims: ["d"], whenDeleted: deleted, whenScaled: scaled)
        let all = pods("rr", of: set, claims: ["d"])
        for (pod, expected) in [(all[0], wanted), (all[1], condemned)] {
            let right = [
                "": [], "set": [ControllerRef.make(to: set)], "pod": [ControllerRef.make(to: pod)],
            ]
            for (now, owners) in right {
                let corrected = ClaimRetention(set).correctedOwners(of: claim("d", owners: owners), pod: pod)
                #expect(corrected == (now == expected ? nil : right[expected]), "\(pod.name) \(now)")
            }
        }
    }

    @Test func othersClaimsAreLeftAlone() {
        let set = statefulSet(replicas: 1, claims: ["d"], whenDeleted: "Delete", whenScaled: "Delete")
        let own = pods("r", of: set, claims: ["d"])[0]
        let retention = ClaimRetention(set)
        var stranger = ControllerRef.make(to: deployment())
        #expect(retention.correctedOwners(of: claim("d", owners: [stranger]), pod: own) == nil)
        #expect(
            retention.correctedOwners(of: claim("d", owners: [stranger, ControllerRef.make(to: set)]), pod: own)
                == [stranger])
        stranger.controller = nil
        #expect(
            retention.correctedOwners(of: claim("d", owners: [stranger]), pod: own)
                == [stranger, ControllerRef.make(to: set)])
        var former = ControllerRef.make(to: own)
        former.uid = "former"
        #expect(retention.correctedOwners(of: claim("d", owners: [former]), pod: own) == nil)
        // The claim goes with the pod that was scaled away; its successor waits.
        #expect(steps(plan(set, [], claims: [claim("d-web-0", owners: [former])])) == "")
    }
}
