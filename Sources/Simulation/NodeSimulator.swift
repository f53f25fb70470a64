import JSON
import KubeClient
import KubeTypes
import Logging
import Synchronization

/// Nodes that run nothing but behave: they are there, renew their leases, and their pods start, end and go as a profile
/// or KWOK's stages say. The rest of the cluster cannot tell.
public final class NodeSimulator: Sendable {
    private struct State {
        var nodes: [String: SimulatedNode] = [:]
        /// Steps of pods.
        var pods = Agenda<ObjectKey, PendingStep>()
        /// Renewals of leases; also when a node that failed comes back.
        var leases = Agenda<String, Void>()
        /// Nodes that are away, and until when.
        var down: [String: ContinuousClock.Instant] = [:]
        var failures = Agenda<String, Void>()
        /// Nodes that are here and of which the API says otherwise.
        var astray: Set<String> = []
        var nextAddress: [String: Int] = [:]
        var random: SeededGenerator
    }

    private struct PendingStep {
        let step: PodStep
        let pod: Pod
    }

    private let client: KubeClient
    private let prefix: String
    private let count: Int
    private let profile: SimulationProfile
    private let stages: [Stage]
    private let life: PodLife
    private let logger: Logger
    private let state: Mutex<State>
    private let (wakes, wake) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))

    /// Writes that may be on their way at a time.
    private static let writesInFlight = 64
    /// How long after a server was away it is asked again.
    private static let patience = Duration.seconds(5)

    /// - Parameters:
    ///   - client: May create nodes, and write leases, pods' statuses and events: an administrator's.
    ///   - count: How many nodes; named `prefix-0` and so on.
    ///   - stages: Where there are some, they decide about pods in the profile's stead.
    ///   - seed: Decides what the profile leaves to chance.
    public init(
        client: KubeClient, count: Int, prefix: String = "sim", profile: SimulationProfile = SimulationProfile(),
        stages: [Stage] = [], logger: Logger = Logger(label: "simulation"), seed: UInt64 = .random(in: .min ... .max)
    ) {
        state = Mutex(State(random: SeededGenerator(seed: seed)))
        self.client = client
        self.count = count
        self.prefix = prefix
        self.profile = profile
        self.stages = stages.filter { $0.kind == "Pod" }
        self.logger = logger
        life = PodLife(profile: profile)
    }

    /// Simulates until the task is cancelled. `ready` is called once all nodes are there.
    public func run(ready: @escaping @Sendable () -> Void = {}) async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await self.createNodes(ready) }
            group.addTask { await self.followPods() }
            group.addTask { await self.followNodes() }
            group.addTask { await self.work() }
        }
    }

    /// Takes the nodes and their leases away.
    public func removeNodes() async {
        let names = state.withLock { Array($0.nodes.keys) }
        await each(names) { name in
            do throws(APIError) {
                try await self.client.delete(Node.self, name)
                try await self.client.delete(Lease.self, name, namespace: "kube-node-lease")
            } catch {
                if !error.isNotFound { self.logger.info("\(name) cannot be removed: \(error)") }
            }
        }
    }

    /// Does something for each, several at a time.
    private func each(_ names: [String], _ body: @escaping @Sendable (String) async -> Void) async {
        await withTaskGroup(of: Void.self) { group in
            for (number, name) in names.enumerated() {
                if number >= Self.writesInFlight { await group.next() }
                group.addTask { await body(name) }
            }
        }
    }

    // MARK: Nodes

    private func createNodes(_ ready: @escaping @Sendable () -> Void) async {
        let nodes = (0..<count).map { SimulatedNode(name: "\(prefix)-\($0)", index: $0) }
        // Pods that are there already are followed from now on.
        state.withLock { state in
            for node in nodes { state.nodes[node.name] = node }
        }
        let byName = Dictionary(uniqueKeysWithValues: nodes.map { ($0.name, $0) })
        await each(nodes.map(\.name)) { name in
            guard let node = byName[name] else { return }
            await self.create(node)
        }
        if !Task.isCancelled { ready() }
    }

    private func create(_ node: SimulatedNode) async {
        let now = wallClockTime()
        var delay = Duration.milliseconds(100)
        while !Task.isCancelled {
            do throws(APIError) {
                do throws(APIError) {
                    try await client.create(node.object(profile, now: now))
                } catch {
                    guard error.code == 409 else { throw error }
                }
                try await client.patch(
                    Node.self, node.name, subresource: "status", ["status": node.status(profile, now: now)],
                    as: .strategic)
                try await renew(node.name)
                let interval = profile.renewal(of: count)
                state.withLock { state in
                    // Spread over the interval from the start.
                    let first = Double.random(in: 0..<interval, using: &state.random)
                    state.leases.put((), for: node.name, at: .now + .seconds(first))
                    if profile.meanUptime > 0 {
                        let uptime = life.exponential(profile.meanUptime, &state.random)
                        state.failures.put((), for: node.name, at: .now + .seconds(uptime))
                    }
                }
                wake.yield()
                return
            } catch {
                logger.info("\(node.name) cannot be made: \(error)")
                try? await Task.sleep(for: delay)
                delay = min(delay * 2, .seconds(10))
            }
        }
    }

    private func renew(_ name: String) async throws(APIError) {
        let lease = SimulatedNode(name: name, index: 0).lease(now: wallClockTime())
        do throws(APIError) {
            try await client.patch(
                Lease.self, name, namespace: lease.namespace,
                ["spec": ["renewTime": lease.spec.json["renewTime"] ?? .null]])
        } catch {
            guard error.isNotFound else { throw error }
            try await client.create(lease)
        }
    }

    /// Nobody else says that a node is ready again.
    private func comeBack(_ name: String) async throws(APIError) {
        guard let node = state.withLock({ $0.nodes[name] }) else { return }
        try await client.patch(
            Node.self, name, subresource: "status", ["status": node.status(profile, now: wallClockTime())],
            as: .strategic)
    }

    /// Whoever has not heard of a node for too long says that it is not ready, perhaps at the moment when it comes back.
    private func followNodes() async {
        let informer = Informer<Node>(
            client, labelSelector: "\(SimulatedNode.label)=true", transform: Self.onlyReadiness, logger: logger)
        informer.addHandler { [self] change in
            if case .deleted = change { return }
            let node = change.object
            guard Self.isWrittenOff(node) else { return }
            let isOurs: Bool = state.withLock { state in
                guard state.nodes[node.name] != nil, state.down[node.name] == nil else { return false }
                state.astray.insert(node.name)
                state.leases.put((), for: node.name, at: .now)
                return true
            }
            if isOurs { wake.yield() }
        }
        await informer.run()
    }

    private static func isWrittenOff(_ node: Node) -> Bool {
        (node.json["status"]?["conditions"]?.arrayValue ?? []).contains {
            $0["type"]?.stringValue == "Ready" && $0["status"]?.stringValue != "True"
        }
    }

    /// Names and conditions: thousands of nodes are kept.
    private static func onlyReadiness(_ node: Node) -> Node {
        var slim = Node(name: node.name)
        slim.metadata.uid = node.metadata.uid
        slim.metadata.resourceVersion = node.metadata.resourceVersion
        slim.json["status"] = ["conditions": node.json["status"]?["conditions"] ?? []]
        return slim
    }

    // MARK: Pods

    private func followPods() async {
        var delay = Duration.milliseconds(100)
        while !Task.isCancelled {
            do {
                let list = try await client.list(Pod.self, fieldSelector: "spec.nodeName!=")
                for pod in list.items { consider(pod) }
                delay = .milliseconds(100)
                let events = try await client.watch(
                    Pod.self, resourceVersion: list.resourceVersion, fieldSelector: "spec.nodeName!=")
                for try await event in events {
                    switch event.kind {
                    case .added, .modified: consider(Pod(event.object))
                    case .deleted: state.withLock { $0.pods.remove(Pod(event.object).key) }
                    case .bookmark: break
                    case .error: throw APIError(Status(event.object))
                    }
                }
            } catch {
                if Task.isCancelled { return }
                logger.debug("following pods broke: \(error)")
                try? await Task.sleep(for: delay)
                delay = min(delay * 2, .seconds(10))
            }
        }
    }

    /// Puts a pod's next step on the agenda.
    private func consider(_ pod: Pod) {
        guard let node = pod.json["spec"]?["nodeName"]?.stringValue else { return }
        let isNew: Bool = state.withLock { state in
            guard state.nodes[node] != nil else { return false }
            let key = pod.key
            let next =
                stages.isEmpty
                ? life.next(pod, &state.random) : Stage.next(of: pod.json, stages, &state.random)
            guard let next else {
                state.pods.remove(key)
                return false
            }
            state.pods.put(PendingStep(step: next.step, pod: pod), for: key, at: .now + .seconds(next.delay))
            return true
        }
        if isNew { wake.yield() }
    }

    // MARK: Doing it

    private enum Chore: Sendable {
        case pod(ObjectKey, PodStep, Pod)
        /// A lease that is due; of a node that comes back, its status as well.
        case lease(String, isBack: Bool)
    }

    private func work() async {
        await withDiscardingTaskGroup { group in
            // For what time brings; the stream also tells of changes.
            var timer: (due: ContinuousClock.Instant, task: Task<Void, Never>)?
            defer { timer?.task.cancel() }
            wake.yield()
            let gate = Gate(Self.writesInFlight)
            for await _ in wakes {
                while let next = take() {
                    await gate.enter()
                    group.addTask {
                        await self.perform(next)
                        gate.leave()
                    }
                }
                if Task.isCancelled { return }
                let due = state.withLock { state in
                    [state.pods.nextDue, state.leases.nextDue, state.failures.nextDue].compactMap { $0 }.min()
                }
                guard let due, due != timer?.due else { continue }
                timer?.task.cancel()
                let sleep = Task {
                    try? await Task.sleep(until: due, clock: .continuous)
                    if !Task.isCancelled { self.wake.yield() }
                }
                timer = (due, sleep)
            }
        }
    }

    private func take() -> Chore? {
        let now = ContinuousClock.now
        return state.withLock { state in
            while let (name, _) = state.failures.take(now: now) {
                let until = now + .seconds(profile.downtime.draw(&state.random))
                state.down[name] = until
                let uptime = life.exponential(profile.meanUptime, &state.random)
                state.failures.put((), for: name, at: until + .seconds(uptime))
                state.leases.put((), for: name, at: until)
            }
            if let (name, _) = state.leases.take(now: now) {
                let wasAway = state.down.removeValue(forKey: name) != nil
                let isBack = state.astray.remove(name) != nil || wasAway
                state.leases.put((), for: name, at: now + .seconds(profile.renewal(of: count)))
                return .lease(name, isBack: isBack)
            }
            while let (key, pending) = state.pods.take(now: now) {
                // Nothing happens on a node that is away.
                if let until = state.down[pending.pod.json["spec"]?["nodeName"]?.stringValue ?? ""], until > now {
                    state.pods.put(pending, for: key, at: until)
                    continue
                }
                return .pod(key, pending.step, pending.pod)
            }
            return nil
        }
    }

    private func perform(_ task: Chore) async {
        do throws(APIError) {
            switch task {
            case .lease(let name, let isBack):
                try await renew(name)
                if isBack { try await comeBack(name) }
            case .pod(let key, let step, let pod): try await perform(step, key, pod)
            }
        } catch {
            if error.isNotFound || error.isConflict || Task.isCancelled { return }
            logger.debug("a step failed: \(error)")
            if case .lease(let name, isBack: true) = task {
                state.withLock { state in
                    state.astray.insert(name)
                    state.leases.put((), for: name, at: .now + Self.patience)
                }
                wake.yield()
            }
            // What the API says next brings the pod up again; a server that is away is asked again later.
            if case .pod(let key, let step, let pod) = task, error.code >= 500 || error.code == 429 {
                state.withLock {
                    $0.pods.put(PendingStep(step: step, pod: pod), for: key, at: .now + Self.patience)
                }
                wake.yield()
            }
        }
    }

    private func perform(_ step: PodStep, _ key: ObjectKey, _ pod: Pod) async throws(APIError) {
        let (host, address) = addresses(pod)
        switch step {
        case .remove: try await remove(pod)
        case .stage(let index):
            let stage = stages[index]
            if let patch = try stage.status(of: pod.json, hostIP: host, podIP: address, now: wallClockTime()) {
                try await write(patch, of: pod)
            }
            if stage.emptiesFinalizers, pod.json["metadata"]?["finalizers"] != nil {
                try await client.patch(
                    Pod.self, key.name, namespace: key.namespace, ["metadata": ["finalizers": .null]])
            }
            if stage.deletes { try await remove(pod) }
        default:
            guard
                let status = life.status(after: step, pod, hostIP: host, podIP: address, now: wallClockTime())
            else { return }
            try await write(status, of: pod)
        }
    }

    private func write(_ status: JSONValue, of pod: Pod) async throws(APIError) {
        try await client.patch(
            Pod.self, pod.name, namespace: pod.namespace, subresource: "status",
            ["metadata": ["uid": .string(pod.uid)], "status": status], as: .strategic)
    }

    private func remove(_ pod: Pod) async throws(APIError) {
        var options = DeleteOptions()
        options.json["gracePeriodSeconds"] = 0
        options.json["preconditions"] = ["uid": .string(pod.uid)]
        try await client.delete(Pod.self, pod.name, namespace: pod.namespace, options: options)
    }

    /// The addresses of a pod's node and of the pod; one that it has stays.
    private func addresses(_ pod: Pod) -> (host: String, pod: String) {
        let name = pod.json["spec"]?["nodeName"]?.stringValue ?? ""
        return state.withLock { state in
            guard let node = state.nodes[name] else { return ("", "") }
            if let known = pod.json[path: "status", "podIP"]?.stringValue { return (node.address, known) }
            let number = (state.nextAddress[name] ?? 0) % 254 + 1
            state.nextAddress[name] = number
            return (node.address, node.podAddress(number))
        }
    }
}

/// Lets so many in at a time.
private final class Gate: Sendable {
    private let state: Mutex<(left: Int, waiting: [CheckedContinuation<Void, Never>])>

    init(_ count: Int) { state = Mutex((left: count, waiting: [])) }

    func enter() async {
        await withCheckedContinuation { continuation in
            let now = state.withLock { state in
                guard state.left > 0 else {
                    state.waiting.append(continuation)
                    return false
                }
                state.left -= 1
                return true
            }
            if now { continuation.resume() }
        }
    }

    func leave() {
        let next = state.withLock { state in
            guard !state.waiting.isEmpty else {
                state.left += 1
                return Optional<CheckedContinuation<Void, Never>>.none
            }
            return state.waiting.removeFirst()
        }
        next?.resume()
    }
}
