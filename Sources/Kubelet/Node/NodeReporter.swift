// Keeping the node in the API: its registration, its status, and the lease that says that it is alive.

import CRI
import JSON
import KubeClient
import KubeTypes
import Logging
import Synchronization

/// What the runtime can do, as it said last.
final class KnownFeatures: Sendable {
    private let features = Mutex(RuntimeFeatures())

    var current: RuntimeFeatures { features.withLock { $0 } }
    func set(_ new: RuntimeFeatures) { features.withLock { $0 = new } }
}

actor NodeReporter {
    private let options: KubeletOptions
    private let runtime: any RuntimeService
    private let recorder: EventRecorder
    private let machine: NodeInspection
    private let pressure: NodePressure
    private let features: KnownFeatures
    private let now: @Sendable () -> Time
    private let logger: Logger
    private var node: Node?
    private var written: Time?
    private var ready: Bool?
    private var runtimeVersion = ""

    init(
        options: KubeletOptions, runtime: any RuntimeService, recorder: EventRecorder, machine: NodeInspection,
        pressure: NodePressure, features: KnownFeatures, now: @escaping @Sendable () -> Time
    ) {
        self.options = options
        self.runtime = runtime
        self.recorder = recorder
        self.machine = machine
        self.pressure = pressure
        self.features = features
        self.now = now
        logger = options.logger
    }

    private var client: KubeClient { options.client }

    /// Registers the node, then looks at it: often until it is ready, then every ten seconds. What changed is written
    /// at once, what did not every five minutes.
    func run() async {
        event("Starting", "Starting kubelet.")
        while !Task.isCancelled {
            do {
                try await look()
            } catch { logger.debug("node status was not written: \(error)") }
            try? await Task.sleep(for: ready == true ? .seconds(10) : .milliseconds(100))
        }
    }

    private func look() async throws {
        var problem: String?
        var images: [RuntimeImage] = []
        do {
            if runtimeVersion.isEmpty {
                let version = try await runtime.version()
                runtimeVersion = "\(version.name)://\(version.version)"
            }
            let status = try await runtime.status()
            problem = Self.problem(status.conditions)
            var known = status.features
            known.deviceInterface = Self.knowsDeviceInterface(runtimeVersion)
            features.set(known)
            images = try await runtime.listImages()
        } catch let error as RuntimeError {
            problem = "container runtime is down: \(error)"
        }
        let time = now()
        var input = NodeStatusInput(
            options: options, machine: machine, runtimeVersion: runtimeVersion, problem: problem, images: images,
            pressure: pressure.conditions, features: features.current, previous: NodeStatus(), now: time)
        let node = try await current(input)
        input.previous = node.status
        // A node that was made a moment ago has its status already.
        let due = written.map { time.since($0) >= 300 } ?? false
        if written == nil { written = time }
        if due || NodeStatusBuilder.differs(NodeStatusBuilder.status(input), node.status) { try await write(input) }
        let isReady = problem == nil
        if ready != isReady {
            ready = isReady
            let name = isReady ? "NodeReady" : "NodeNotReady"
            event(name, "Node \(options.nodeName) status is now: \(name)")
        }
    }

    /// Whether a runtime knows the Container Device Interface: containerd does from 1.7 on.
    static func knowsDeviceInterface(_ runtime: String) -> Bool {
        guard runtime.hasPrefix("containerd://") else { return true }
        let text = runtime.dropFirst("containerd://".count).drop { !$0.isNumber }
        let numbers = text.split(separator: ".").prefix(2).map { Int($0.prefix { $0.isNumber }) ?? 0 }
        return numbers.count == 2 && (numbers[0], numbers[1]) >= (1, 7)
    }

    /// What keeps the node from being ready, from the runtime's conditions.
    static func problem(_ conditions: [RuntimeCondition]) -> String? {
        let missing = ["RuntimeReady", "NetworkReady"].compactMap { type -> String? in
            guard let condition = conditions.first(where: { $0.type == type }) else { return "\(type) is not known" }
            if condition.status { return nil }
            let what = type == "NetworkReady" ? "container runtime network not ready" : "container runtime not ready"
            return "\(what): \(type)=false reason:\(condition.reason) message:\(condition.message)"
        }
        return missing.isEmpty ? nil : missing.joined(separator: ", ")
    }

    /// The node as the API has it now, with what others wrote into its status: capacities, conditions.
    private func current(_ input: NodeStatusInput) async throws -> Node {
        guard node != nil else { return try await register(input) }
        guard let found = try await existing() else {
            // Somebody deleted the node: it is registered again.
            node = nil
            return try await register(input)
        }
        node = found
        return found
    }

    /// The node in the API, made if it is not there.
    private func register(_ input: NodeStatusInput) async throws -> Node {
        let labels = NodeStatusBuilder.labels(options, machine)
        let annotation = "volumes.kubernetes.io/controller-managed-attach-detach"
        if var found = try await existing() {
            if labels.contains(where: { found.labels[$0.key] != $0.value })
                || found.annotations[LocalVolumes.directoryAnnotation] != options.localVolumes
            {
                found = try await client.modify(Node.self, options.nodeName) { [options] node in
                    node.metadata.labels = node.labels.merging(labels) { $1 }
                    node.metadata.annotations[LocalVolumes.directoryAnnotation] = options.localVolumes
                    return true
                }
            }
            node = found
            return found
        }
        var fresh = Node(name: options.nodeName)
        fresh.metadata.labels = labels
        fresh.metadata.annotations = [annotation: "true", LocalVolumes.directoryAnnotation: options.localVolumes]
        if let cidr = options.podCIDR {
            fresh.spec.podCIDR = cidr
            fresh.spec.podCIDRs = [cidr]
        }
        fresh.status = NodeStatusBuilder.status(input)
        let created = try await client.create(fresh)
        logger.info("node \(options.nodeName) registered")
        self.node = created
        return created
    }

    private func existing() async throws(APIError) -> Node? {
        do {
            return try await client.get(Node.self, options.nodeName)
        } catch {
            if error.isNotFound { return nil }
            throw error
        }
    }

    private func write(_ input: NodeStatusInput) async throws {
        do {
            node = try await client.modify(Node.self, options.nodeName, status: true) { node in
                var input = input
                input.previous = node.status
                node.status = NodeStatusBuilder.status(input)
                return true
            }
            written = now()
        } catch {
            guard error.isNotFound else { throw error }
            node = nil
        }
    }

    private func event(_ reason: String, _ message: String) {
        var reference = ObjectReference()
        reference.kind = "Node"
        reference.name = options.nodeName
        reference.uid = options.nodeName
        recorder.event(regarding: reference, type: .normal, reason: reason, message: message)
    }

    // MARK: The lease

    /// Renews the node's lease four times within the time that it is good for.
    func keepLease() async {
        var lease: Lease?
        var delay = Duration.milliseconds(200)
        while !Task.isCancelled {
            do {
                lease = try await renew(lease)
                delay = .milliseconds(200)
                try await Task.sleep(for: .milliseconds(max(1, options.leaseDurationSeconds) * 250))
            } catch is CancellationError {
                return
            } catch {
                logger.debug("the node's lease was not renewed: \(error)")
                lease = nil
                try? await Task.sleep(for: delay)
                delay = min(delay * 2, .seconds(7))
            }
        }
    }

    private func renew(_ held: Lease?) async throws -> Lease {
        let namespace = "kube-node-lease"
        var lease: Lease
        if let held {
            lease = held
        } else {
            do {
                lease = try await client.get(Lease.self, options.nodeName, namespace: namespace)
            } catch {
                guard error.isNotFound else { throw error }
                lease = Lease(name: options.nodeName, namespace: namespace)
            }
        }
        lease.spec.holderIdentity = options.nodeName
        lease.spec.leaseDurationSeconds = options.leaseDurationSeconds
        lease.spec.renewTime = MicroTime(now())
        if lease.metadata.ownerReferences.isEmpty, let node, !node.uid.isEmpty {
            var owner = OwnerReference()
            owner.apiVersion = "v1"
            owner.kind = "Node"
            owner.name = node.name
            owner.uid = node.uid
            lease.metadata.ownerReferences = [owner]
        }
        return lease.resourceVersion.isEmpty ? try await client.create(lease) : try await client.update(lease)
    }
}
