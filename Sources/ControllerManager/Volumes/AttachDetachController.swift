import JSON
import KubeClient
import KubeTypes

/// Asks for the CSI volumes of pods to be attached to their nodes, and detached when nobody there uses them any more
/// (upstream's persistentvolume-attach-detach-controller). A driver's own attacher does it; volumes of drivers that need
/// none are left alone.
final class AttachDetachController: Controller {
    private static let component = "attachdetach-controller"
    private static let byCSI = "csi"
    /// For how long a node that is not Ready keeps volumes that it seems to use.
    private static let patienceSeconds = 360.0
    private static let recheckPeriod = Duration.seconds(15)

    private let context: ControllerContext
    private let pods: Informer<Pod>
    private let claims: Informer<PersistentVolumeClaim>
    private let volumes: Informer<PersistentVolume>
    private let nodes: Informer<Node>
    private let drivers: Informer<CSIDriver>
    private let attachments: Informer<VolumeAttachment>
    /// One key: the plan is made for all volumes at once, which are few where there are any.
    private let queue: WorkQueue<Bool>
    private let recorder: EventRecorder

    init(_ context: ControllerContext) {
        self.context = context
        pods = context.informers.pods
        claims = context.informers.informer(PersistentVolumeClaim.self)
        volumes = context.informers.informer(PersistentVolume.self)
        nodes = context.informers.informer(Node.self)
        drivers = context.informers.informer(CSIDriver.self)
        attachments = context.informers.informer(VolumeAttachment.self)
        let queue: WorkQueue<Bool> = context.queue()
        self.queue = queue
        recorder = context.recorder(Self.component)
        volumes.addIndex(Self.byCSI) { $0.spec.csi == nil ? [] : ["csi"] }
        // Changes come in bursts, and are looked at together.
        let wake: @Sendable () -> Void = { queue.add(true, after: .milliseconds(20)) }
        pods.addHandler { [volumes] change in
            guard !change.object.claimKeys.isEmpty, volumes.count(by: Self.byCSI, "csi") > 0 else { return }
            wake()
        }
        volumes.addHandler { if $0.object.spec.csi != nil { wake() } }
        nodes.addHandler { [attachments] change in
            if attachments.count > 0,
                change.previous?.status.json["volumesInUse"] != change.object.status.json["volumesInUse"]
                    || change.isDeletion
            {
                wake()
            }
        }
        drivers.addHandler { _ in wake() }
        attachments.addHandler { _ in wake() }
    }

    func run() async {
        await pods.waitForSync()
        await claims.waitForSync()
        await volumes.waitForSync()
        await nodes.waitForSync()
        await drivers.waitForSync()
        await attachments.waitForSync()
        await context.work(queue, of: Self.component, workers: 1) { [self] _ in try await reconcile() }
    }

    private func attachable(_ volume: PersistentVolume, on node: String) -> AttachableVolume? {
        guard let csi = volume.spec.csi, drivers.get(csi.driver)?.attachRequired ?? true else { return nil }
        let shared = ["ReadWriteMany", "ReadOnlyMany"]
        return AttachableVolume(
            volume: volume.name, driver: csi.driver, handle: csi.volumeHandle, node: node,
            isExclusive: !volume.spec.accessModes.contains(where: shared.contains))
    }

    private func wanted() -> [AttachableVolume: [Pod]] {
        var wanted: [AttachableVolume: [Pod]] = [:]
        for volume in volumes.objects(by: Self.byCSI, "csi") {
            guard let key = volume.claimKey, let claim = claims[key], claim.spec.volumeName == volume.name else {
                continue
            }
            for pod in PodIndex.using(key, in: pods)
            where !pod.nodeName.isEmpty && !pod.isTerminal {
                if let found = attachable(volume, on: pod.nodeName) { wanted[found, default: []].append(pod) }
            }
        }
        return wanted
    }

    /// Whether the node has the volume mounted, as far as it can be believed.
    private func isHeld(_ volume: AttachableVolume) -> Bool {
        guard let node = nodes.get(volume.node) else { return false }
        guard (node.status.json["volumesInUse"]?.arrayValue ?? []).contains(.string(volume.uniqueName)) else {
            return false
        }
        if node.spec.taints.contains(where: { $0.key == "node.kubernetes.io/out-of-service" }) { return false }
        guard let ready = node.status.conditions.first(where: { $0.type == "Ready" }), ready.status != "True",
            let since = ready.lastTransitionTime
        else { return true }
        return context.now.since(since) < Self.patienceSeconds
    }

    private func reconcile() async throws {
        let wanted = wanted()
        let all = attachments.objects
        let plan = AttachPlan(
            wanted: Set(wanted.keys), attachments: all,
            described: { [self] attachment in
                attachment.volume.flatMap { volumes.get($0) }.flatMap { attachable($0, on: attachment.node) }
            }, isHeld: { [self] in isHeld($0) })
        for attachment in plan.detach {
            do {
                try await context.client.delete(
                    VolumeAttachment.self, attachment.name, options: .only(uid: attachment.uid))
            } catch { if !error.isNotFound { throw error } }
        }
        for volume in plan.attach {
            do {
                try await context.client.create(
                    VolumeAttachment(
                        name: volume.attachmentName, attacher: volume.driver, volume: volume.volume, node: volume.node))
            } catch { if !error.isAlreadyExists { throw error } }
        }
        for (volume, other) in plan.blocked {
            for pod in wanted[volume] ?? [] {
                recorder.event(
                    regarding: pod, type: .warning, reason: "FailedAttachVolume",
                    message:
                        "Multi-Attach error for volume \"\(volume.volume)\" Volume is already exclusively attached to "
                        + "node \(other) and can't be attached to another")
            }
        }
        try await report(all, wanted)
        if !plan.blocked.isEmpty || all.contains(where: { !$0.isAttached || $0.isBeingDeleted }) {
            queue.add(true, after: Self.recheckPeriod)
        }
    }

    /// Writes into the nodes' status what is attached, for which their kubelets wait.
    private func report(_ all: [VolumeAttachment], _ wanted: [AttachableVolume: [Pod]]) async throws {
        var attached: [String: [String]] = [:]
        let byName = Dictionary(wanted.keys.map { ($0.attachmentName, $0) }, uniquingKeysWith: { $1 })
        for attachment in all where attachment.isAttached && !attachment.isBeingDeleted {
            if let volume = byName[attachment.name] { attached[volume.node, default: []].append(volume.uniqueName) }
        }
        for node in nodes.objects {
            let present = (node.status.json["volumesAttached"]?.arrayValue ?? []).filter { entry in
                entry["name"]?.stringValue?.hasPrefix("kubernetes.io/csi/") == true
            }
            let names = (attached[node.name] ?? []).sorted()
            guard present.compactMap({ $0["name"]?.stringValue }).sorted() != names else { continue }
            let entries = names.map { JSONValue.object(["name": .string($0), "devicePath": ""]) }
            try await context.client.patch(
                Node.self, node.name, subresource: "status",
                ["status": ["volumesAttached": entries.isEmpty ? .null : .array(entries)]])
            let known = Set(present.compactMap { $0["name"]?.stringValue })
            for (volume, pods) in wanted
            where volume.node == node.name && names.contains(volume.uniqueName) && !known.contains(volume.uniqueName) {
                for pod in pods {
                    recorder.event(
                        regarding: pod, type: .normal, reason: "SuccessfulAttachVolume",
                        message: "AttachVolume.Attach succeeded for volume \"\(volume.volume)\" ")
                }
            }
        }
    }
}
