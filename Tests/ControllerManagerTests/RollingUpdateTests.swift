import JSON
import KubeTypes
import Testing

@testable import ControllerManager

@Suite struct RollingUpdateTests {
    @Test(
        arguments: [
            (IntOrString.string("25%"), IntOrString.string("25%"), 10, 3, 2),
            (.string("25%"), .string("25%"), 3, 1, 0),
            (.string("25%"), .string("25%"), 4, 1, 1),
            (.string("0%"), .string("1%"), 2, 0, 1),
            (.string("1%"), .string("0%"), 2, 1, 0),
            (.int(0), .int(0), 2, 0, 1),
            (.int(3), .int(2), 10, 3, 2),
            (.string("100%"), .string("0%"), 5, 5, 0),
            (.string("200%"), .string("100%"), 5, 10, 5),
            (.string("nonsense"), .int(-1), 5, 0, 1),
        ] as [(IntOrString, IntOrString, Int, Int, Int)])
    func fenceposts(surge: IntOrString, unavailable: IntOrString, desired: Int, wantSurge: Int, wantUnavailable: Int) {
        let got = RollingUpdate.fenceposts(surge: surge, unavailable: unavailable, desired: desired)
        #expect(got == (wantSurge, wantUnavailable))
    }

    @Test(arguments: [
        // desired, surge, total, current → new size
        (10, 3, 10, 0, 3), (10, 3, 13, 3, 3), (10, 3, 11, 3, 5), (10, 0, 10, 0, 0), (10, 0, 9, 0, 1),
        (10, 3, 0, 0, 10), (1, 1, 1, 0, 1), (10, 20, 10, 0, 10), (10, 3, 20, 4, 4),
    ])
    func growth(desired: Int, surge: Int, total: Int, current: Int, want: Int) {
        #expect(RollingUpdate.newSize(desired: desired, surge: surge, total: total, current: current) == want)
    }

    struct Shrink: CustomTestStringConvertible, Sendable {
        var old: [(Int, Int)]
        var new: (Int, Int)
        var desired: Int
        var unavailable: Int
        var want: [Int]
        var testDescription: String { "\(old) \(new) \(desired) \(unavailable)" }
    }

    @Test(arguments: [
        // All available, the new set grows with nothing ready: only what may be missing goes.
        Shrink(old: [(10, 10)], new: (3, 0), desired: 10, unavailable: 2, want: [8]),
        // Nothing may be missing and nothing new is there.
        Shrink(old: [(10, 10)], new: (3, 0), desired: 10, unavailable: 0, want: [10]),
        // New pods take over from old ones.
        Shrink(old: [(10, 10)], new: (3, 3), desired: 10, unavailable: 0, want: [7]),
        // Broken old pods go first, though they are of a younger set.
        Shrink(old: [(5, 5), (5, 0)], new: (3, 0), desired: 10, unavailable: 2, want: [5, 3]),
        // The oldest shrinks first.
        Shrink(old: [(4, 4), (6, 6)], new: (0, 0), desired: 10, unavailable: 2, want: [2, 6]),
        // A node fails during a stuck rollout: the old set must not shrink.
        Shrink(old: [(8, 7)], new: (5, 0), desired: 10, unavailable: 2, want: [8]),
        // The rollout is undone: the crashing pods go.
        Shrink(old: [(5, 0)], new: (8, 7), desired: 10, unavailable: 2, want: [1]),
        Shrink(old: [(0, 0)], new: (10, 10), desired: 10, unavailable: 2, want: [0]),
        Shrink(old: [(1, 1)], new: (1, 1), desired: 1, unavailable: 0, want: [0]),
        // The old set's status still counts the three pods that it was just told to give up.
        Shrink(old: [(3, 6)], new: (5, 3), desired: 6, unavailable: 1, want: [2]),
    ])
    func shrinking(_ row: Shrink) {
        let sizes = RollingUpdate.oldSizes(
            row.old.map { RollingUpdate.Member(size: $0.0, available: $0.1) },
            new: RollingUpdate.Member(size: row.new.0, available: row.new.1), desired: row.desired,
            unavailable: row.unavailable)
        #expect(sizes == row.want)
    }

    struct Proportion: CustomTestStringConvertible, Sendable {
        var sizes: [(Int, Int?)]
        var desired: Int
        var surge: Int
        var current = 0
        var want: [Int]
        var testDescription: String { "\(sizes) → \(desired)+\(surge)" }
    }

    @Test(arguments: [
        // Up from 10 to 15 in the middle of a rollout, surge 3: in proportion 8 : 5.
        Proportion(sizes: [(8, 13), (5, 13)], desired: 15, surge: 3, want: [11, 7]),
        // Down.
        Proportion(sizes: [(8, 13), (5, 13)], desired: 5, surge: 3, want: [5, 3]),
        // To nothing.
        Proportion(sizes: [(8, 13), (5, 13)], desired: 0, surge: 3, want: [0, 0]),
        // What rounding leaves goes to the largest.
        Proportion(sizes: [(5, 10), (5, 10)], desired: 11, surge: 0, want: [6, 5]),
        // Nothing to add.
        Proportion(sizes: [(8, 13), (5, 13)], desired: 10, surge: 3, want: [8, 5]),
        // Without the annotation: by the deployment's size.
        Proportion(sizes: [(5, nil), (5, nil)], desired: 20, surge: 0, current: 10, want: [10, 10]),
        Proportion(sizes: [(5, nil), (5, nil)], desired: 20, surge: 0, current: 0, want: [15, 5]),
    ])
    func proportions(_ row: Proportion) {
        let sizes = RollingUpdate.proportionalSizes(
            row.sizes.map { RollingUpdate.Member(size: $0.0, maxReplicasBefore: $0.1) }, desired: row.desired,
            surge: row.surge, currentReplicas: row.current)
        #expect(sizes == row.want)
    }

    @Test func theHashIsOfTheTemplateAlone() {
        let one = template("v1")
        var reordered = PodTemplateSpec([
            "spec": ["containers": [["image": "v1", "name": "c"]], "volumes": []],
            "metadata": ["labels": ["app": "web"]],
        ])
        #expect(
            PodTemplateHash.compute(one, collisionCount: nil) == PodTemplateHash.compute(reordered, collisionCount: nil)
        )
        #expect(PodTemplateHash.equal(one, reordered))
        reordered.metadata.labels[PodTemplateHash.label] = "x"
        #expect(PodTemplateHash.equal(one, reordered))
        #expect(!PodTemplateHash.equal(one, template("v2")))
        let hashes = Set(
            ["v1", "v2", "v3"].flatMap { image in
                [nil, 1, 2].map { PodTemplateHash.compute(template(image), collisionCount: $0) }
            })
        #expect(hashes.count == 9)
        for hash in hashes {
            #expect(hash.count == 10)
            #expect(hash.allSatisfy { "bcdfghjklmnpqrstvwxz2456789".contains($0) })
        }
        // Names of ReplicaSets must not change from one version of Martlet to the next.
        #expect(PodTemplateHash.compute(one, collisionCount: nil) == "8p6hcb8rkq")
    }

    @Test func anEmptyDirIsNotNoVolumeSource() {
        let with = PodTemplateSpec(["spec": ["volumes": [["name": "a", "emptyDir": [:]]]]])
        let without = PodTemplateSpec(["spec": ["volumes": [["name": "a"]]]])
        #expect(!PodTemplateHash.equal(with, without))
    }

    @Test func revisionsKeepTheirHistory() {
        var annotations = ["deployment.kubernetes.io/revision": "1"]
        DeploymentAnnotation.update(
            &annotations, from: ["a": "b", "deployment.kubernetes.io/revision": "9"], revision: 3)
        #expect(
            annotations == [
                "a": "b", "deployment.kubernetes.io/revision": "3", "deployment.kubernetes.io/revision-history": "1",
            ])
        DeploymentAnnotation.update(&annotations, from: [:], revision: 5)
        #expect(annotations["deployment.kubernetes.io/revision-history"] == "1,3")
        DeploymentAnnotation.update(&annotations, from: [:], revision: 4)
        #expect(annotations["deployment.kubernetes.io/revision"] == "5")
        for revision in 6...1000 { DeploymentAnnotation.update(&annotations, from: [:], revision: revision) }
        let history = annotations["deployment.kubernetes.io/revision-history"] ?? ""
        #expect(history.utf8.count <= 2000)
        #expect(history.hasSuffix(",998,999"))
    }
}
