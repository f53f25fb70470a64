// The node agent: it runs the pods that are assigned to this machine and reports how they do.

import CRI
import Glibc
import KubeClient
import KubeTypes
import Logging
import Synchronization

/// What a node agent is told.
public struct KubeletOptions: Sendable {
    public var nodeName: String
    /// Calls the API as `system:node:<name>`.
    public var client: KubeClient
    /// The runtime's socket.
    public var runtimeSocket: String
    /// Holds volumes and the files of pods.
    public var dataDir = "/var/lib/martlet/kubelet"
    /// Where the directories of volumes are that Martlet's own provisioner made.
    public var localVolumes: String { dataDir + "/local-volumes" }
    /// Manifests of pods that the node runs of itself; nil is `manifests` in the data directory.
    public var staticPodPath: String?
    /// Where the logs of containers are, by pod and container.
    public var podLogsDir = "/var/log/pods"
    /// The node's addresses, the primary one first.
    public var nodeIPs: [String]
    public var podCIDR: String?
    public var clusterDNS: [String] = []
    public var clusterDomain = "cluster.local"
    /// Where the HTTPS server listens, beside the address.
    public var address = "0.0.0.0"
    public var port = 10250
    /// The server's certificate and key, PEM, and the CA that signs its clients' certificates. Without them there is no
    /// server, and no logs.
    public var serverCertificatePEM: String?
    public var serverKeyPEM: String?
    public var clientCAPEM: String?
    /// Who may use the server besides members of `system:masters`: the API server, by its certificate's common name.
    public var allowedClients: Set<String> = ["kube-apiserver-kubelet-client"]
    /// Whether `/logs/` shows what is below `/var/log`.
    public var servesLogFiles = true
    public var nodeLabels: [String: String] = [:]
    public var maxPods = 110
    /// Seconds that the node's lease is good for; it is renewed four times as often (`nodeLeaseDurationSeconds`).
    public var leaseDurationSeconds = 40
    /// Processes and threads that each pod may have; nil is as many as the node has.
    public var podPidsLimit: Int64?
    /// Bytes of a container's log before another file is begun, and how many files of each are kept.
    public var logMaxSize: Int64 = 10 << 20
    public var logMaxFiles = 5
    /// How full the disk of the images is when those that nobody uses are removed, and how full they leave it, as parts
    /// of 1; and for how many seconds an image is kept after it was first seen.
    public var imageGCHigh = 0.85
    public var imageGCLow = 0.80
    public var imageMinimumAge = 120.0
    /// Sysctls beyond the safe ones that pods may set; a `*` at the end stands for any ending.
    public var allowedUnsafeSysctls: [String] = []
    /// Of what so little may be left that pods are ended for it.
    public var eviction = EvictionPolicy()
    public var version = "v1.36.0"
    /// Where the control groups of pods are below the hierarchies' roots.
    public var cgroupRoot = "/kubepods"
    /// Where the hierarchies are mounted.
    public var cgroupMount = "/sys/fs/cgroup"
    /// Images that were loaded from files; nil if there is no such store.
    public var imageStore: ImageStore?
    /// The node's own resolv.conf, which pods inherit from.
    public var resolvConf = "/etc/resolv.conf"
    public var logger = Logger(label: "kubelet")

    public init(nodeName: String, client: KubeClient, runtimeSocket: String, nodeIPs: [String]) {
        self.nodeName = nodeName
        self.client = client
        self.runtimeSocket = runtimeSocket
        self.nodeIPs = nodeIPs
    }
}

/// Runs the pods that are assigned to its node.
///
/// Whatever it needs to know about pods that run already, it finds in the runtime's labels and annotations: an agent
/// that was killed takes up where it left off.
public final class Kubelet: Sendable {
    private struct State {
        var workers: [String: PodWorker] = [:]
        var tasks: [String: Task<Void, Never>] = [:]
        /// What the runtime showed of each pod at the last look.
        var seen: [String: Set<String>] = [:]
        var orphans: Set<String> = []
        var accepting = true
        /// The runtime tells of what happens: it need not be asked as often.
        var hearsEvents = false
        /// The weight of burstable pods is to be worked out anew.
        var sharesDue = true
    }

    private let options: KubeletOptions
    private let runtime: any RuntimeService
    private let recorder: EventRecorder
    let machine: NodeInspection
    let started: Time
    let stats: NodeStatsCollector
    private let eviction: EvictionManager
    private let collector: ImageCollector
    private let pods: Informer<Pod>
    private let services: Informer<Service>
    /// The node itself.
    private let own: Informer<Node>
    private let node: NodeReporter
    private let state: Mutex<State>
    private let context: PodWorkerContext
    private let room: NodeRoom
    private let plugins: PluginRegistry
    private let slices: NodeSlices
    private let staticPods: StaticPods
    private let sources: ObjectSources
    private let relist: (stream: AsyncStream<Void>, signal: AsyncStream<Void>.Continuation)
    /// What happens to directories of volumes, for the janitor.
    private let localVolumes:
        (stream: AsyncStream<LocalVolumeJanitor.Event>, signal: AsyncStream<LocalVolumeJanitor.Event>.Continuation)

    /// - Throws: `RuntimeError` where the runtime's socket cannot be used at all; a runtime that does not answer yet is
    ///   waited for.
    public convenience init(_ options: KubeletOptions) throws {
        self.init(options, runtime: try ContainerRuntime(socket: options.runtimeSocket, logger: options.logger))
    }

    /// The same over any runtime.
    public init(_ options: KubeletOptions, runtime: any RuntimeService) {
        self.options = options
        self.runtime = runtime
        let logger = options.logger
        let now: @Sendable () -> Time = { kubeletNow() }
        recorder = EventRecorder(client: options.client, component: "kubelet", host: options.nodeName, logger: logger)
        try? Files.makeDirectory(options.dataDir, mode: 0o750)
        machine = NodeInspection.read(dataDir: options.dataDir)
        pods = Informer(options.client, fieldSelector: "spec.nodeName=\(options.nodeName)", logger: logger)
        services = Informer(options.client, logger: logger)
        let pressure = NodePressure(transition: options.eviction.transition)
        let features = KnownFeatures()
        node = NodeReporter(
            options: options, runtime: runtime, recorder: recorder, machine: machine, pressure: pressure,
            features: features, now: now)
        started = now()
        let fixed = NodeFacts(
            name: options.nodeName, ips: options.nodeIPs, clusterDNS: options.clusterDNS,
            clusterDomain: options.clusterDomain,
            resolvConf: ResolvConf(parsing: Files.text(options.resolvConf) ?? ""), cgroupRoot: options.cgroupRoot,
            podLogs: options.podLogsDir, memoryCapacity: machine.memory,
            allocatable: machine.allocatable(maxPods: options.maxPods),
            seccompDirectory: options.dataDir + "/seccomp")
        let facts: @Sendable () -> NodeFacts = {
            var facts = fixed
            facts.features = features.current
            return facts
        }
        state = Mutex(State())
        let reporter = PodReporter(recorder: recorder)
        let changed = ChangeRelay()
        sources = ObjectSources(client: options.client, logger: logger) { uids in changed.call(uids) }
        let (volumeEvents, volumeSignal) = AsyncStream.makeStream(of: LocalVolumeJanitor.Event.self)
        localVolumes = (volumeEvents, volumeSignal)
        let images = ImagePuller(runtime: runtime, store: options.imageStore, reporter: reporter, now: now)
        let volumes = PodVolumes(
            root: options.dataDir, tokens: ServiceAccountTokens(client: options.client, now: now), sources: sources,
            claims: ClaimVolumes(client: options.client, localVolumes: options.localVolumes) { volumeSignal.yield($0) },
            imageVolumes: ImageVolumes(images: images, store: options.imageStore), now: now)
        let cgroups = PodCgroups(
            tree: CgroupTree(mount: options.cgroupMount), root: options.cgroupRoot, allocatable: fixed.allocatable,
            pidsLimit: options.podPidsLimit)
        let room = NodeRoom(pods: pods, allocatable: fixed.allocatable)
        own = Informer(options.client, fieldSelector: "metadata.name=\(options.nodeName)", logger: logger)
        let admission = PodAdmission(
            client: options.client, nodeName: options.nodeName, node: own, room: room, pressure: pressure,
            features: features, allowedUnsafeSysctls: options.allowedUnsafeSysctls)
        let slices = NodeSlices(client: options.client, nodeName: options.nodeName, logger: logger)
        self.slices = slices
        let plugins = PluginRegistry(
            directory: options.dataDir + "/plugins_registry", paths: NodePaths(root: options.dataDir),
            access: SocketPlugins(), logger: logger
        ) { name, isThere in slices.driver(name, isThere: isThere) }
        self.plugins = plugins
        let devices = DeviceManager(
            client: options.client, path: options.dataDir + "/dra_manager_state", logger: logger
        ) { plugins.drivers(named: $0) }
        let services = services
        let executor = PodExecutor(
            runtime: runtime, volumes: volumes,
            images: images,
            hooks: HookRunner(runtime: runtime), cgroups: cgroups, devices: devices, reporter: reporter, facts: facts,
            services: {
                await services.waitForSync()
                return services.objects
            }, now: now, logger: logger)
        context = PodWorkerContext(
            client: options.client, runtime: runtime, executor: executor, reporter: reporter,
            prober: Prober(runtime: runtime), facts: facts, admit: { await admission.admit($0) },
            resizeProblem: { room.problem($0) }, now: now, logger: logger)
        self.room = room
        staticPods = StaticPods(
            directory: options.staticPodPath ?? options.dataDir + "/manifests", nodeName: options.nodeName,
            client: options.client, logger: logger, now: now)
        let workers = WorkerRelay()
        let stats = NodeStatsCollector(
            runtime: runtime, cgroups: cgroups, dataDir: options.dataDir, volumes: volumes, now: now
        ) {
            var entries: [(Pod, ObservedPod)] = []
            for worker in workers.all { entries.append(await worker.snapshot()) }
            return entries
        }
        self.stats = stats
        collector = ImageCollector(
            runtime: runtime, options: options, now: now
        ) {
            Set(workers.all.flatMap { volumes.imageVolumes.references(of: $0.uid).values })
        }
        eviction = EvictionManager(
            stats: stats, policy: options.eviction, pressure: pressure, images: collector,
            evict: { pod, eviction in workers.all.first { $0.uid == pod.uid }?.evict(eviction) },
            reporter: reporter, now: now, logger: logger)
        let (stream, signal) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        relist = (stream, signal)
        workers.set { [weak self] in self?.allWorkers ?? [] }
        changed.set { [weak self] uids in
            guard let self else { return }
            let workers = self.state.withLock { state in uids.compactMap { state.workers[$0] } }
            for worker in workers { worker.objectsChanged() }
        }
    }

    /// Runs until the task is cancelled. Pods go on running: the next agent takes them over.
    public func run() async {
        context.executor.cgroups.setUp()
        pods.addHandler { [weak self] change in self?.podChanged(change) }
        let server: KubeletServer.Running?
        do {
            server = try await KubeletServer(kubelet: self, options: options).start()
        } catch {
            options.logger.error("the kubelet's server did not start: \(error)")
            server = nil
        }
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await self.node.run() }
            group.addTask { await self.node.keepLease() }
            group.addTask { await self.services.run() }
            group.addTask { await self.own.run() }
            group.addTask { await self.pods.run() }
            group.addTask { await self.followRuntime() }
            group.addTask { await self.watchRuntime() }
            group.addTask { await self.eviction.run() }
            group.addTask { await self.runStaticPods() }
            group.addTask { await self.plugins.run() }
            group.addTask { await self.slices.run() }
            group.addTask {
                await self.pods.waitForSync()
                await self.context.executor.devices.run { [weak self] in
                    self?.state.withLock { Set($0.workers.keys) } ?? []
                }
            }
            group.addTask { await self.collector.run() }
            group.addTask {
                await LocalVolumeJanitor(
                    client: self.options.client, directory: self.options.localVolumes,
                    inUse: { [context = self.context] in await context.executor.volumes.claims.pathsInUse },
                    logger: self.options.logger, events: self.localVolumes.stream, signal: self.localVolumes.signal
                ).run()
            }
            group.addTask { await LogRotation(self.runtime, self.options).run() }
            await group.waitForAll()
        }
        let tasks = state.withLock { state in
            state.accepting = false
            return Array(state.tasks.values)
        }
        for task in tasks { task.cancel() }
        for task in tasks { await task.value }
        await server?.stop()
    }

    /// Ends every pod on the node, within their grace periods but at most `grace` seconds, and removes what is left of
    /// them. Call it after `run` has returned.
    public func stopAllPods(grace: Int = 10) async {
        let containers = (try? await runtime.listContainers(labels: [:])) ?? []
        let runtime = runtime
        await withTaskGroup(of: Void.self) { group in
            for container in containers where container.state == .running {
                group.addTask { try? await runtime.stopContainer(container.id, timeout: grace) }
            }
        }
        let sandboxes = (try? await runtime.listPodSandboxes(labels: [:])) ?? []
        let executor = context.executor
        await withTaskGroup(of: Void.self) { group in
            for sandbox in sandboxes {
                let logs =
                    "\(options.podLogsDir)/\(sandbox.metadata.namespace)_\(sandbox.metadata.name)_\(sandbox.metadata.uid)"
                group.addTask { try? await executor.remove(uid: sandbox.metadata.uid, logDirectory: logs) }
            }
        }
        for uid in executor.volumes.podsOnDisk { try? executor.volumes.remove(uid) }
        executor.cgroups.tree.removeEmpty(root: options.cgroupRoot)
    }

    // MARK: Pods

    private func runStaticPods() async {
        await pods.waitForSync()
        await staticPods.run(
            mirror: { [pods] in pods.get($0.name, namespace: $0.namespace) }, admit: { [weak self] in self?.admit($0) },
            remove: { [weak self] uid in self?.state.withLock { $0.workers[uid] }?.submitRemoval() })
    }

    private func podChanged(_ change: Informer<Pod>.Change) {
        state.withLock { $0.sharesDue = true }
        // What shows a static pod in the API is run from its manifest.
        if change.object.mirroredUID != nil { return }
        switch change {
        case .added(let pod): admit(pod)
        case .updated(let old, let pod):
            if old.uid != pod.uid {
                state.withLock { $0.workers[old.uid] }?.submitRemoval()
                admit(pod)
            } else if Self.matters(old, pod) {
                admit(pod)
            }
        case .deleted(let pod): state.withLock { $0.workers[pod.uid] }?.submitRemoval()
        }
    }

    /// Whether a change is more than our own report coming back.
    static func matters(_ old: Pod, _ new: Pod) -> Bool {
        func relevant(_ pod: Pod) -> Pod {
            var pod = pod
            pod.metadata.resourceVersion = nil
            pod.metadata.managedFields = []
            let foreign = pod.status.conditions.filter { condition in
                !PodConditions.own.contains(condition.type)
            }
            let phase = pod.isFinished ? pod.status.phase : nil
            pod.status = PodStatus()
            pod.status.conditions = foreign
            pod.status.phase = phase
            return pod
        }
        return relevant(old) != relevant(new)
    }

    private func admit(_ pod: Pod) {
        let (worker, isNew): (PodWorker?, Bool) = state.withLock { state in
            if let worker = state.workers[pod.uid] { return (worker, false) }
            guard state.accepting else { return (nil, false) }
            let worker = PodWorker(pod, context)
            state.workers[pod.uid] = worker
            return (worker, true)
        }
        guard let worker else { return }
        guard isNew else {
            worker.submit(pod)
            return
        }
        let uid = pod.uid
        let task = Task {
            await worker.run()
            self.state.withLock { state in
                self.room.forget(uid)
                state.workers[uid] = nil
                state.tasks[uid] = nil
                state.seen[uid] = nil
            }
        }
        state.withLock { state in if state.workers[uid] != nil { state.tasks[uid] = task } }
    }

    func worker(namespace: String, name: String) -> PodWorker? {
        guard let pod = pods.get(name, namespace: namespace) else { return nil }
        return state.withLock { $0.workers[pod.mirroredUID ?? pod.uid] }
    }

    var allWorkers: [PodWorker] { state.withLock { Array($0.workers.values) } }

    var runtimeService: any RuntimeService { runtime }

    // MARK: The runtime

    /// Has the runtime looked at whenever it says that something happened.
    private func followRuntime() async {
        let signal = relist.signal
        while !Task.isCancelled {
            // A stream that has not been refused after a while is one.
            let settled = Task {
                try await Task.sleep(for: .seconds(2))
                self.state.withLock { $0.hearsEvents = true }
            }
            do {
                try await runtime.followEvents { signal.yield() }
            } catch { if !Task.isCancelled { options.logger.debug("runtime events: \(error)") } }
            settled.cancel()
            state.withLock { $0.hearsEvents = false }
            try? await Task.sleep(for: .seconds(1))
        }
    }

    /// Looks at all that runs, at every event and every five seconds (every second where there are no events), and wakes
    /// the workers of pods for which something is different. What belongs to no pod is removed.
    private func watchRuntime() async {
        await pods.waitForSync()
        let signal = relist.signal
        let ticker = Task {
            while !Task.isCancelled {
                signal.yield()
                let interval = self.state.withLock { $0.hearsEvents ? 5 : 1 }
                try? await Task.sleep(for: .seconds(interval))
            }
        }
        defer { ticker.cancel() }
        var round = 0
        for await _ in relist.stream {
            if Task.isCancelled { return }
            do {
                let seen = try await lookAtRuntime()
                wakeChanged(seen)
                shareProcessors()
                removeOrphans(Set(seen.keys), includingDisk: round % 60 == 0)
                round += 1
            } catch { options.logger.debug("the runtime does not answer: \(error)") }
        }
    }

    /// Gives burstable pods the weight of what they ask for together, where pods have changed.
    private func shareProcessors() {
        let isDue = state.withLock { state in
            defer { state.sharesDue = false }
            return state.sharesDue
        }
        if isDue { context.executor.cgroups.share(pods.objects) }
    }

    /// States of sandboxes and containers, by the pod's uid.
    private func lookAtRuntime() async throws -> [String: Set<String>] {
        var seen: [String: Set<String>] = [:]
        for sandbox in try await runtime.listPodSandboxes(labels: [:]) {
            seen[sandbox.metadata.uid, default: []].insert("\(sandbox.id) \(sandbox.ready)")
        }
        for container in try await runtime.listContainers(labels: [:]) {
            guard let uid = container.labels[RuntimeKeys.podUID] else { continue }
            seen[uid, default: []].insert("\(container.id) \(container.state)")
        }
        return seen
    }

    private func wakeChanged(_ seen: [String: Set<String>]) {
        let changed = state.withLock { state in
            let changed = state.workers.filter { state.seen[$0.key] != seen[$0.key] }
            state.seen = seen
            return changed.values
        }
        for worker in changed { worker.wake() }
    }

    /// Ends what runs for pods that the API has no longer, and removes their leftovers.
    private func removeOrphans(_ running: Set<String>, includingDisk: Bool) {
        let known = Set(pods.objects.map(\.uid)).union(staticPods.uids)
        var candidates = running
        if includingDisk { candidates.formUnion(context.executor.volumes.podsOnDisk) }
        let orphans = state.withLock { state in
            let orphans = candidates.filter { uid in
                !known.contains(uid) && state.workers[uid] == nil && !state.orphans.contains(uid)
            }
            state.orphans.formUnion(orphans)
            return orphans
        }
        for uid in orphans {
            Task {
                await self.removeOrphan(uid)
                self.state.withLock { _ = $0.orphans.remove(uid) }
            }
        }
    }

    private func removeOrphan(_ uid: String) async {
        options.logger.info("removing what is left of pod \(uid)")
        do {
            let containers = try await runtime.listContainers(labels: [RuntimeKeys.podUID: uid])
            let runtime = runtime
            await withTaskGroup(of: Void.self) { group in
                for container in containers where container.state == .running {
                    let grace = container.annotations[RuntimeKeys.gracePeriod].flatMap(Int.init) ?? 30
                    group.addTask { try? await runtime.stopContainer(container.id, timeout: grace) }
                }
            }
            let sandbox = try await runtime.listPodSandboxes(labels: [RuntimeKeys.podUID: uid]).first?.metadata
            let logs = sandbox.map { "\(options.podLogsDir)/\($0.namespace)_\($0.name)_\(uid)" }
            try await context.executor.remove(uid: uid, logDirectory: logs)
        } catch { options.logger.warning("what is left of pod \(uid) could not be removed: \(error)") }
    }
}

/// The node's workers, for what is made before them.
private final class WorkerRelay: Sendable {
    private let source = Mutex<(@Sendable () -> [PodWorker])?>(nil)

    var all: [PodWorker] { source.withLock { $0 }?() ?? [] }
    func set(_ new: @escaping @Sendable () -> [PodWorker]) { source.withLock { $0 = new } }
}

/// Lets a closure be given that did not exist yet when its caller was made.
private final class ChangeRelay: Sendable {
    private let action = Mutex<(@Sendable (Set<String>) -> Void)?>(nil)

    func set(_ new: @escaping @Sendable (Set<String>) -> Void) { action.withLock { $0 = new } }
    func call(_ uids: Set<String>) { action.withLock { $0 }?(uids) }
}

/// The time of day.
func kubeletNow() -> Time {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    return Time(seconds: Int64(time.tv_sec), nanoseconds: Int32(time.tv_nsec))
}
