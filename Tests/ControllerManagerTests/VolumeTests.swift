import JSON
import KubeTypes
import Testing

@testable import ControllerManager

private func claim(
    _ name: String = "data", class className: String? = nil, size: String = "1Gi", modes: [String] = ["ReadWriteOnce"],
    volume: String? = nil, annotations: [String: String] = [:], spec: JSONValue = [:]
) -> PersistentVolumeClaim {
    var claim = PersistentVolumeClaim(name: name, namespace: "default")
    claim.metadata.uid = "uid-\(name)"
    claim.metadata.annotations = annotations
    claim.spec = PersistentVolumeClaimSpec(spec)
    claim.spec.storageClassName = className
    claim.spec.accessModes = modes
    claim.spec.resources = VolumeResourceRequirements(["requests": ["storage": .string(size)]])
    claim.spec.volumeName = volume
    return claim
}

private func volume(
    _ name: String, class className: String = "", size: String = "1Gi", modes: [String] = ["ReadWriteOnce"],
    claim: (name: String, uid: String?)? = nil, phase: String = "Available", policy: String = "Retain",
    annotations: [String: String] = [:], labels: [String: String] = [:], spec: JSONValue = [:]
) -> PersistentVolume {
    var volume = PersistentVolume(name: name)
    volume.metadata.uid = "uid-\(name)"
    volume.metadata.annotations = annotations
    volume.metadata.labels = labels
    volume.spec = PersistentVolumeSpec(spec)
    volume.spec.storageClassName = className
    volume.spec.capacity = ["storage": Quantity(size) ?? Quantity(0)]
    volume.spec.accessModes = modes
    volume.spec.persistentVolumeReclaimPolicy = policy
    if let claim {
        var reference = ObjectReference()
        reference.namespace = "default"
        reference.name = claim.name
        reference.uid = claim.uid
        volume.spec.claimRef = reference
    }
    volume.status.phase = phase
    return volume
}

private func storageClass(
    _ name: String, _ provisioner: String = LocalVolumes.provisioner, waits: Bool = false, isDefault: Bool = false,
    created: Time = start
) -> StorageClass {
    var storageClass = StorageClass(name: name)
    storageClass.metadata.creationTimestamp = created
    storageClass.provisioner = provisioner
    storageClass.volumeBindingMode = waits ? "WaitForFirstConsumer" : "Immediate"
    if isDefault { storageClass.metadata.annotations = ["storageclass.kubernetes.io/is-default-class": "true"] }
    return storageClass
}

@Suite struct VolumeMatchTests {
    private func match(_ claim: PersistentVolumeClaim, _ volumes: [PersistentVolume], waits: Bool = false) -> String? {
        VolumeMatch.best(for: claim, among: volumes, waits: waits)?.name
    }

    @Test func theSmallestThatFitsIsTaken() {
        #expect(
            match(claim(size: "2Gi"), [volume("a", size: "1Gi"), volume("b", size: "9Gi"), volume("c", size: "3Gi")])
                == "c")
        #expect(match(claim(size: "10Gi"), [volume("a"), volume("b", size: "9Gi")]) == nil)
    }

    @Test func fewerSparedModesGoFirst() {
        let volumes = [
            volume("many", size: "1Gi", modes: ["ReadWriteOnce", "ReadOnlyMany"]), volume("one", size: "5Gi"),
            volume("other", modes: ["ReadOnlyMany"]),
        ]
        #expect(match(claim(), volumes) == "one")
        #expect(match(claim(modes: ["ReadOnlyMany", "ReadWriteOnce"]), volumes) == "many")
    }

    @Test func whatIsMeantForTheClaimWins() {
        let reserved = volume("big", class: "other", size: "50Gi", claim: ("data", nil))
        #expect(match(claim(), [volume("a"), reserved]) == "big")
        #expect(match(claim(), [volume("a", claim: ("else", nil)), volume("b", claim: ("data", "uid-former"))]) == nil)
        // Where the scheduler chooses, nothing else counts.
        #expect(match(claim(), [volume("a")], waits: true) == nil)
        #expect(match(claim(), [reserved], waits: true) == "big")
    }

    @Test func classSelectorModeAndPhaseMustFit() {
        #expect(match(claim(class: "fast"), [volume("a"), volume("b", class: "fast")]) == "b")
        let selecting = claim(spec: ["selector": ["matchLabels": ["disk": "ssd"]]])
        #expect(match(selecting, [volume("a"), volume("b", labels: ["disk": "ssd"])]) == "b")
        #expect(
            match(claim(spec: ["volumeMode": "Block"]), [volume("a"), volume("b", spec: ["volumeMode": "Block"])])
                == "b")
        #expect(match(claim(), [volume("a", phase: "Released"), volume("b", phase: "")]) == nil)
        let attributes: JSONValue = ["volumeAttributesClassName": "gold"]
        #expect(match(claim(spec: attributes), [volume("a"), volume("b", spec: attributes)]) == "b")
        var leaving = volume("a")
        leaving.metadata.deletionTimestamp = start
        #expect(match(claim(), [leaving]) == nil)
    }

    @Test(arguments: [
        (volume("v", size: "1Mi"), "requested PV is too small" as String?),
        (volume("v", class: "x"), "storageClassName does not match"),
        (volume("v", spec: ["volumeMode": "Block"]), "incompatible volumeMode"),
        (volume("v", modes: ["ReadOnlyMany"]), "incompatible accessMode"),
        (volume("v", spec: ["volumeAttributesClassName": "gold"]), "volumeAttributesClassName does not match"),
        (volume("v"), nil),
    ])
    func problemsOfNamedVolumes(_ volume: PersistentVolume, _ problem: String?) {
        #expect(VolumeMatch.problem(with: volume, for: claim()) == problem)
    }
}

@Suite struct ClaimPlanTests {
    private func reason(_ plan: ClaimPlan) -> String? {
        switch plan {
        case .wait(let notice): notice?.reason
        case .lose(let notice): notice.reason
        default: nil
        }
    }

    @Test func aClaimWithoutVolumeIsBoundProvisionedOrWaits() {
        var around = ClaimPlan.Surroundings()
        #expect(reason(ClaimPlan(claim(), around)) == "FailedBinding")
        around.candidates = [volume("a")]
        #expect(ClaimPlan(claim(), around) == .bind(volume("a")))
        around.candidates = []
        around.defaultClass = storageClass("standard", isDefault: true)
        #expect(ClaimPlan(claim(), around) == .useClass("standard"))
        // The empty class is a choice.
        #expect(reason(ClaimPlan(claim(class: ""), around)) == "FailedBinding")
        #expect(reason(ClaimPlan(claim(class: "fast"), around)) == "ProvisioningFailed")
        around.storageClass = storageClass("fast")
        #expect(ClaimPlan(claim(class: "fast"), around) == .provision(storageClass("fast")))
    }

    @Test func aClaimWaitsForItsFirstPod() {
        var around = ClaimPlan.Surroundings(storageClass: storageClass("fast", waits: true))
        #expect(reason(ClaimPlan(claim(class: "fast"), around)) == "WaitForFirstConsumer")
        around.waitingPods = ["b", "a"]
        #expect(
            ClaimPlan(claim(class: "fast"), around)
                == .wait(.init(reason: "WaitForPodScheduled", message: "waiting for pods a,b to be scheduled")))
        let chosen = claim(class: "fast", annotations: [VolumeMark.selectedNode: "n1"])
        #expect(ClaimPlan(chosen, around) == .provision(storageClass("fast", waits: true)))
    }

    @Test func aNamedVolumeIsTakenOrRefused() {
        let asking = claim(volume: "v")
        var around = ClaimPlan.Surroundings()
        #expect(ClaimPlan(asking, around) == .wait(nil))
        around.named = volume("v")
        #expect(ClaimPlan(asking, around) == .bind(volume("v")))
        around.named = volume("v", size: "1Ki")
        #expect(reason(ClaimPlan(asking, around)) == "VolumeMismatch")
        around.named = volume("v", claim: ("data", nil))
        #expect(ClaimPlan(asking, around) == .bind(volume("v", claim: ("data", nil))))
        around.named = volume("v", claim: ("other", nil))
        #expect(reason(ClaimPlan(asking, around)) == "FailedBinding")
    }

    @Test func aBoundClaimKeepsItsVolumeOrIsLost() {
        let bound = claim(volume: "v", annotations: [VolumeMark.bindCompleted: "yes"])
        var around = ClaimPlan.Surroundings()
        #expect(reason(ClaimPlan(bound, around)) == "ClaimLost")
        around.named = volume("v", claim: ("data", "uid-data"))
        #expect(ClaimPlan(bound, around) == .bind(volume("v", claim: ("data", "uid-data"))))
        around.named = volume("v", claim: ("data", "uid-former"))
        #expect(reason(ClaimPlan(bound, around)) == "ClaimMisbound")
    }

    @Test func bindingMakesBothNameEachOther() {
        let bound = volume("v").bound(to: claim())
        #expect(bound.spec.claimRef?.uid == "uid-data" && bound.annotations[VolumeMark.boundByController] == "yes")
        #expect(bound.bound(to: claim()) == bound)
        let reserved = volume("v", claim: ("data", nil)).bound(to: claim())
        #expect(reserved.spec.claimRef?.uid == "uid-data" && reserved.annotations.isEmpty)
        #expect(bound.unbound.spec.claimRef == nil)
        #expect(reserved.unbound.spec.claimRef?.name == "data" && reserved.unbound.spec.claimRef?.uid == nil)
        let claimed = claim().bound(to: bound)
        #expect(claimed.spec.volumeName == "v" && claimed.annotations[VolumeMark.boundByController] == "yes")
        #expect(claim(volume: "v").bound(to: bound).annotations == [VolumeMark.bindCompleted: "yes"])
        let status = claim().status.entering("Bound", volume: volume("v", size: "3Gi"))
        #expect(status.phase == "Bound" && status.capacity["storage"]?.text == "3Gi")
        // The size of a bound claim is not the binder's.
        #expect(status.entering("Bound", volume: volume("v", size: "4Gi")).capacity["storage"]?.text == "3Gi")
        #expect(status.entering("Pending", volume: nil).capacity.isEmpty)
    }

    @Test func theNewestDefaultClassCounts() {
        let classes = [
            storageClass("a", isDefault: true), storageClass("b", isDefault: true, created: start.adding(seconds: 1)),
            storageClass("c", created: start.adding(seconds: 9)),
            storageClass("d", isDefault: true, created: start.adding(seconds: 1)),
        ]
        #expect(StorageClass.theDefault(of: classes)?.name == "b")
        #expect(StorageClass.theDefault(of: []) == nil)
    }
}

@Suite struct VolumePlanTests {
    @Test func phasesFollowTheClaim() {
        #expect(VolumePlan(volume("v"), claim: nil) == .phase("Available"))
        #expect(VolumePlan(volume("v", claim: ("data", nil)), claim: nil) == .phase("Available"))
        let bound = volume("v", claim: ("data", "uid-data"))
        #expect(VolumePlan(bound, claim: nil) == .release)
        #expect(VolumePlan(bound, claim: claim()) == .leaveToClaim)
        #expect(VolumePlan(bound, claim: claim(spec: ["volumeMode": "Block"])) == .mismatch)
        #expect(VolumePlan(bound, claim: claim(volume: "v")) == .phase("Bound"))
        #expect(VolumePlan(bound, claim: claim(volume: "w")) == .unbind)
        let provisioned = volume(
            "v", claim: ("data", "uid-data"), policy: "Delete", annotations: [VolumeMark.provisionedBy: "x"])
        #expect(VolumePlan(provisioned, claim: claim(volume: "w")) == .release)
    }

    @Test func reclaimPolicies() {
        func reason(_ plan: ReclaimPlan) -> String? { if case .fail(let notice) = plan { notice.reason } else { nil } }
        #expect(ReclaimPlan(volume("v")) == .leave)
        let local = [VolumeMark.provisionedBy: LocalVolumes.provisioner]
        #expect(ReclaimPlan(volume("v", policy: "Delete", annotations: local)) == .delete)
        let external = [VolumeMark.provisionedBy: "example.com/csi"]
        #expect(ReclaimPlan(volume("v", policy: "Delete", annotations: external)) == .leave)
        #expect(ReclaimPlan(volume("v", policy: "Delete", spec: ["csi": ["driver": "d"]])) == .leave)
        #expect(reason(ReclaimPlan(volume("v", policy: "Delete"))) == "VolumeFailedDelete")
        #expect(ReclaimPlan(volume("v", policy: "Recycle", spec: ["hostPath": ["path": "/x"]])) == .recycle)
        #expect(reason(ReclaimPlan(volume("v", policy: "Recycle"))) == "VolumeFailedRecycle")
        #expect(reason(ReclaimPlan(volume("v", policy: "Burn"))) == "VolumeUnknownReclaimPolicy")
    }

    @Test func localVolumesStayOnTheirNode() {
        var home = node("n1")
        home.metadata.labels = ["kubernetes.io/hostname": "host-1"]
        let made = LocalProvisioner.volume(
            for: claim(class: "standard"), storageClass("standard"), on: home, directory: "/d")
        #expect(made.name == "pvc-uid-data" && made.spec.local?.path == "/d/pvc-uid-data")
        #expect(made.isMeant(for: claim()) && made.className == "standard" && made.reclaimPolicy == "Delete")
        #expect(LocalVolumes.host(of: made.json) == "host-1")
        var deleted = made
        deleted.metadata.deletionTimestamp = start
        #expect(!LocalProvisioner.isStranded(deleted, nodes: [home]))
        #expect(LocalProvisioner.isStranded(deleted, nodes: [node("n2")]))
        #expect(!LocalProvisioner.isStranded(made, nodes: []))
        #expect(LocalProvisioner.problem(with: claim(spec: ["volumeMode": "Block"])) != nil)
        #expect(LocalProvisioner.problem(with: claim()) == nil)
    }
}

@Suite(.serialized) struct VolumeShellTests {
    private static let names: Set<String> = [
        "persistentvolume-binder-controller", "persistentvolume-expander-controller", "ephemeral-volume-controller",
        "persistentvolumeclaim-protection-controller", "persistentvolume-protection-controller",
    ]

    private func make(_ name: String, class className: String? = nil) -> PersistentVolumeClaim {
        var made = claim(name, class: className)
        made.metadata = ObjectMeta(["name": .string(name), "namespace": "default"])
        return made
    }

    private func phases(_ api: FakeAPI) -> [String] {
        api.objects(PersistentVolumeClaim.self).map { $0.status.phase ?? "" }
    }

    @Test func claimsAndVolumesFindEachOther() async throws {
        let api = FakeAPI()
        try await withControllers(Self.names, api) {
            for name in ["a", "b", "c"] { try await api.client.create(make(name, class: "")) }
            for number in 0..<2 {
                var free = volume("v\(number)", phase: "")
                free.metadata = ObjectMeta(["name": .string("v\(number)")])
                try await api.client.create(free)
            }
            #expect(await eventually { phases(api).sorted() == ["Bound", "Bound", "Pending"] })
            #expect(await eventually { api.objects(PersistentVolume.self).allSatisfy { $0.phase == "Bound" } })
            let bound = api.objects(PersistentVolumeClaim.self).filter { $0.status.phase == "Bound" }
            #expect(Set(bound.compactMap(\.spec.volumeName)) == ["v0", "v1"])

            // A released volume is kept.
            let gone = try #require(bound.first)
            try await api.client.delete(PersistentVolumeClaim.self, gone.name, namespace: "default")
            #expect(
                await eventually {
                    api.object(PersistentVolume.self, gone.spec.volumeName ?? "")?.phase == "Released"
                })
            #expect(phases(api).sorted() == ["Bound", "Pending"])
            await api.quiet()
            let before = api.writes().count
            try await Task.sleep(for: .milliseconds(100))
            #expect(api.writes().count == before)
        }
    }

    @Test func aVolumeIsMadeGrowsAndGoes() async throws {
        let api = FakeAPI()
        api.put(node("n1"))
        var standard = storageClass("standard", waits: true, isDefault: true)
        standard.allowVolumeExpansion = true
        try await withControllers(Self.names, api) {
            // The default class comes after the claim.
            try await api.client.create(make("data"))
            #expect(await eventually { api.eventMessages.contains { $0.hasPrefix("FailedBinding") } })
            try await api.client.create(standard)
            #expect(
                await eventually {
                    api.object(PersistentVolumeClaim.self, "data", namespace: "default")?.spec.storageClassName
                        == "standard"
                })
            #expect(await eventually { api.eventMessages.contains { $0.hasPrefix("WaitForFirstConsumer") } })
            try await api.client.patch(
                PersistentVolumeClaim.self, "data", namespace: "default",
                ["metadata": ["annotations": [.init(VolumeMark.selectedNode): "n1"]]])
            #expect(await eventually { phases(api) == ["Bound"] })
            #expect(await eventually { api.eventMessages.contains { $0.hasPrefix("ProvisioningSucceeded") } })
            #expect(api.objects(PersistentVolume.self).count == 1)

            try await api.client.patch(
                PersistentVolumeClaim.self, "data", namespace: "default",
                ["spec": ["resources": ["requests": ["storage": "2Gi"]]]])
            #expect(
                await eventually {
                    api.object(PersistentVolumeClaim.self, "data", namespace: "default")?.status.capacity["storage"]?
                        .text
                        == "2Gi"
                })
            #expect(api.objects(PersistentVolume.self).first?.storage.text == "2Gi")

            try await api.client.delete(PersistentVolumeClaim.self, "data", namespace: "default")
            #expect(await eventually { api.objects(PersistentVolume.self).first?.isBeingDeleted == true })
            #expect(api.objects(PersistentVolume.self).first?.phase == "Released")
            // The node is gone, and the directory with it.
            api.remove(Node.self, "n1")
            #expect(await eventually { api.count(PersistentVolume.self) == 0 })
        }
    }

    @Test func ephemeralVolumesGetClaims() async throws {
        let api = FakeAPI()
        try await withControllers(["ephemeral-volume-controller"], api) {
            var user = pod("p", node: "", phase: "Pending", ready: false)
            user.spec.volumes = [
                Volume([
                    "name": "scratch",
                    "ephemeral": [
                        "volumeClaimTemplate": ["metadata": ["labels": ["a": "b"]], "spec": claim().spec.json]
                    ],
                ])
            ]
            try await api.client.create(user)
            #expect(await eventually { api.count(PersistentVolumeClaim.self) == 1 })
            let made = api.objects(PersistentVolumeClaim.self).first
            #expect(made?.name == "p-scratch" && made?.labels == ["a": "b"] && made?.controller?.kind == "Pod")
            #expect(made?.spec.accessModes == ["ReadWriteOnce"])
        }
    }
}

@Suite struct AttachPlanTests {
    private func disk(_ name: String, on node: String, exclusive: Bool = true) -> AttachableVolume {
        AttachableVolume(volume: name, driver: "d", handle: "h-\(name)", node: node, isExclusive: exclusive)
    }

    private func attachment(_ disk: AttachableVolume) -> VolumeAttachment {
        VolumeAttachment(name: disk.attachmentName, attacher: disk.driver, volume: disk.volume, node: disk.node)
    }

    private func plan(
        _ wanted: Set<AttachableVolume>, _ present: [AttachableVolume], held: Set<AttachableVolume> = [],
        gone: Set<String> = []
    ) -> AttachPlan {
        AttachPlan(
            wanted: wanted, attachments: present.map { attachment($0) },
            described: { one in gone.contains(one.volume ?? "") ? nil : present.first { $0.attachmentName == one.name }
            },
            isHeld: held.contains)
    }

    @Test func namesAreThoseThatKubeletsWaitFor() {
        // `echo -n h-vdn1 | sha256sum`
        #expect(
            disk("v", on: "n1").attachmentName
                == "csi-d47224af45f648e0c352969db9cffc927444b4165832b503328da8ed9bb43a93")
        #expect(disk("v", on: "n1").attachmentName != disk("v", on: "n2").attachmentName)
        #expect(disk("v", on: "n1").uniqueName == "kubernetes.io/csi/d^h-v")
    }

    @Test func volumesComeAndGo() {
        let (here, there) = (disk("v", on: "n1"), disk("v", on: "n2"))
        #expect(plan([here], []).attach == [here])
        #expect(plan([here], [here]).attach.isEmpty && plan([here], [here]).detach.isEmpty)
        #expect(plan([], [here]).detach.map(\.node) == ["n1"])
        #expect(plan([], [here], held: [here]).detach.isEmpty)
        // One after the other, where only one node can have it.
        let moving = plan([there], [here])
        #expect(moving.detach.map(\.node) == ["n1"] && moving.attach.isEmpty && moving.blocked.map(\.by) == ["n1"])
        let both = plan([disk("s", on: "n1", exclusive: false), disk("s", on: "n2", exclusive: false)], [])
        #expect(both.attach.count == 2)
        #expect(plan([], [here], gone: ["v"]).detach.count == 1)
    }

    @Test func othersAttachmentsAreLeftAlone() {
        let foreign = VolumeAttachment(name: "mine", attacher: "d", volume: "v", node: "n1")
        let plan = AttachPlan(
            wanted: [], attachments: [foreign], described: { _ in self.disk("v", on: "n1") }, isHeld: { _ in false })
        #expect(plan.detach.isEmpty)
    }
}
