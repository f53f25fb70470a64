import JSON
import KubeClient
import KubeTypes
import Synchronization

/// Tells which services a pod's change concerns; both controllers of endpoints listen through it.
final class ServiceWatch: Sendable {
    let services: Informer<Service>
    let pods: Informer<Pod>

    init(_ context: ControllerContext, enqueue: @escaping @Sendable (ObjectKey) -> Void) {
        services = context.informers.informer(Service.self)
        pods = context.informers.pods
        services.addHandler { enqueue($0.object.key) }
        pods.addHandler { [services] change in
            switch change {
            case .added(let pod), .deleted(let pod):
                // A pod without an address has never been anybody's endpoint.
                if !pod.addresses.isEmpty { Self.enqueue(pod, services, enqueue) }
            case .updated(let old, let new):
                guard ServiceEndpoints.matters(old, new) else { return }
                Self.enqueue(new, services, enqueue)
                if old.labels != new.labels { Self.enqueue(old, services, enqueue) }
            }
        }
    }

    private static func enqueue(
        _ pod: Pod, _ services: Informer<Service>, _ enqueue: (ObjectKey) -> Void
    ) {
        let labels = pod.labels
        guard !labels.isEmpty else { return }
        for service in services.objects(namespace: pod.namespace) {
            let selector = service.spec.selector
            if !selector.isEmpty, selector.allSatisfy({ labels[$0.key] == $0.value }) { enqueue(service.key) }
        }
    }

    /// The selected pods; nil for services whose endpoints are somebody else's to write.
    func pods(of service: Service) -> [Pod]? {
        guard service.spec.type != "ExternalName", !service.spec.selector.isEmpty else { return nil }
        return PodIndex.labelled(service.spec.selector, namespace: service.namespace, in: pods)
    }
}

/// Keeps the EndpointSlices of services with a selector.
final class EndpointSliceController: Controller {
    private static let component = "endpoint-slice-controller"
    private static let byService = "service"

    private let context: ControllerContext
    private let watch: ServiceWatch
    private let slices: Informer<EndpointSlice>
    private let nodes: Informer<Node>
    private let queue: WorkQueue<ObjectKey>
    private let recorder: EventRecorder
    /// Slices that were written and may not be in the cache yet: acting on a cache that lacks them would make them twice.
    private let expectations = SliceExpectations()
    /// What was last said about the topology hints of services that ask for them.
    private let hinted = Mutex<[ObjectKey: [String]]>([:])

    init(_ context: ControllerContext) {
        self.context = context
        let queue: WorkQueue<ObjectKey> = context.queue()
        self.queue = queue
        slices = context.informers.informer(EndpointSlice.self)
        nodes = context.informers.informer(Node.self)
        recorder = context.recorder(Self.component)
        let delay = context.options.endpointsBatchPeriod
        watch = ServiceWatch(context) { queue.add($0, after: delay) }
        slices.addIndex(Self.byService) { slice in
            guard slice.labels[EndpointSlicePlan.managedBy] == EndpointSlicePlan.manager,
                let service = slice.labels[EndpointSlicePlan.serviceName]
            else { return [] }
            return ["\(slice.namespace)/\(service)"]
        }
        slices.addHandler { [queue, expectations] change in
            let slice = change.object
            expectations.observe(slice, deleted: change.isDeletion)
            for version in [slice, change.previous].compactMap(\.self) {
                guard let service = version.labels[EndpointSlicePlan.serviceName] else { continue }
                queue.add(ObjectKey(namespace: version.namespace, name: service))
            }
        }
        nodes.addHandler { [watch, queue, pods = context.informers.pods] change in
            if Self.changesShares(change) {
                for service in watch.services.objects where TopologyHints(service) == .auto { queue.add(service.key) }
            }
            // Only a node's zone is in the slices.
            guard case .updated(let old, let new) = change, Self.zone(of: old) != Self.zone(of: new) else { return }
            for pod in PodIndex.onNode(new.name, in: pods) {
                for service in watch.services.objects(namespace: pod.namespace)
                where !service.spec.selector.isEmpty
                    && LabelMatcher(matchLabels: service.spec.selector).matches(pod.labels)
                {
                    queue.add(service.key)
                }
            }
        }
    }

    /// Whether the zones' shares of the processors may be others.
    private static func changesShares(_ change: Informer<Node>.Change) -> Bool {
        guard case .updated(let old, let new) = change else { return true }
        return TopologyHints.shares([old]) != TopologyHints.shares([new]) || old.labels != new.labels
            || old.status.allocatable["cpu"] != new.status.allocatable["cpu"]
    }

    private static func zone(of node: Node) -> String? { node.labels["topology.kubernetes.io/zone"] }

    func run() async {
        await watch.services.waitForSync()
        await watch.pods.waitForSync()
        await slices.waitForSync()
        await nodes.waitForSync()
        await context.work(queue, of: Self.component, workers: 4) { [self] in try await reconcile($0) }
    }

    private func reconcile(_ key: ObjectKey) async throws {
        let mine = slices.objects(by: Self.byService, key.description)
        guard let service = watch.services[key] else {
            hinted.withLock { $0[key] = nil }
            for slice in mine { try await delete(slice) }
            return
        }
        // Slices of a service that is being deleted go with it, by its owner reference.
        guard let pods = watch.pods(of: service), !service.isBeingDeleted else { return }
        guard expectations.areMet(by: mine, service: key, now: context.now) else {
            throw RetryLater(description: "the slices of \(key) in the cache are older than what was written")
        }
        let plan = EndpointSlicePlan(
            service, pods: pods, slices: mine, zone: { [nodes] in nodes.get($0).flatMap(Self.zone) },
            shares: TopologyHints(service) == .auto ? TopologyHints.shares(nodes.objects) : nil)
        tell(service, plan.unhinted, hasPods: !pods.isEmpty)
        do {
            for slice in plan.create {
                let written = try await context.client.create(slice)
                expectations.expect(written, service: key, now: context.now)
            }
            for slice in plan.update {
                let written = try await context.client.update(slice)
                expectations.expect(written, service: key, now: context.now)
            }
        } catch {
            if error.isNamespaceTerminating { return }
            if !error.isConflict {
                recorder.event(
                    regarding: service, type: .warning, reason: "FailedToUpdateEndpointSlices",
                    message: "Error updating Endpoint Slices for Service \(key): \(error)")
            }
            throw error
        }
        for slice in plan.delete { try await delete(slice) }
    }

    /// Says once that the hints of a service come or go, and why.
    private func tell(_ service: Service, _ problems: [String], hasPods: Bool) {
        let wanted = TopologyHints(service) == .auto && hasPods
        let before = hinted.withLock { said in
            let before = said[service.key]
            said[service.key] = wanted ? problems : nil
            return before
        }
        guard wanted else {
            if before == [] {
                recorder.event(
                    regarding: service, type: .warning, reason: "TopologyAwareHintsDisabled",
                    message: "Topology Aware Hints has been disabled")
            }
            return
        }
        guard before != problems else { return }
        if problems.isEmpty {
            recorder.event(
                regarding: service, type: .normal, reason: "TopologyAwareHintsEnabled",
                message: "Topology Aware Hints has been enabled")
        }
        for problem in problems {
            recorder.event(regarding: service, type: .warning, reason: "TopologyAwareHintsDisabled", message: problem)
        }
    }

    private func delete(_ slice: EndpointSlice) async throws {
        do {
            try await context.client.delete(EndpointSlice.self, slice.name, namespace: slice.namespace)
        } catch { if !error.isNotFound { throw error } }
    }
}

/// Keeps the Endpoints of services with a selector.
final class EndpointsController: Controller {
    private static let component = "endpoint-controller"

    private let context: ControllerContext
    private let watch: ServiceWatch
    private let endpoints: Informer<Endpoints>
    private let queue: WorkQueue<ObjectKey>
    private let recorder: EventRecorder

    init(_ context: ControllerContext) {
        self.context = context
        let queue: WorkQueue<ObjectKey> = context.queue()
        self.queue = queue
        endpoints = context.informers.informer(Endpoints.self)
        recorder = context.recorder(Self.component)
        let delay = context.options.endpointsBatchPeriod
        watch = ServiceWatch(context) { queue.add($0, after: delay) }
        endpoints.addHandler { queue.add($0.object.key) }
    }

    func run() async {
        await watch.services.waitForSync()
        await watch.pods.waitForSync()
        await endpoints.waitForSync()
        await context.work(queue, of: Self.component, workers: 4) { [self] in try await reconcile($0) }
    }

    private func reconcile(_ key: ObjectKey) async throws {
        let current = endpoints[key]
        guard let service = watch.services[key] else {
            // Without their service Endpoints mean nothing, unless somebody else wrote them.
            guard let current, current.labels[EndpointsPlan.managedBy] == EndpointsPlan.manager else { return }
            do {
                try await context.client.delete(Endpoints.self, key.name, namespace: key.namespace)
            } catch { if !error.isNotFound { throw error } }
            return
        }
        guard let pods = watch.pods(of: service), !service.isBeingDeleted else { return }
        let wanted = EndpointsPlan.object(service, pods: pods, current: current)
        guard wanted != current else { return }
        do {
            if current == nil {
                try await context.client.create(wanted)
            } else {
                try await context.client.update(wanted)
            }
        } catch {
            if error.isNamespaceTerminating { return }
            if error.isConflict || error.isAlreadyExists { throw error }
            recorder.event(
                regarding: wanted, type: .warning,
                reason: current == nil ? "FailedToCreateEndpoint" : "FailedToUpdateEndpoint",
                message:
                    "Failed to \(current == nil ? "create endpoint for service" : "update endpoint") \(key): \(error)")
            throw error
        }
    }
}

extension Informer.Change {
    var isDeletion: Bool { if case .deleted = self { true } else { false } }
    var previous: Object? { if case .updated(let old, _) = self { old } else { nil } }
}
