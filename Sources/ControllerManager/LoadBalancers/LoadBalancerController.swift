import KubeClient
import KubeTypes
import Synchronization

/// Gives Services of type LoadBalancer addresses out of a pool of the node's own, as a cloud's controller does. The
/// service proxy makes them answer.
final class LoadBalancerController: Controller {
    private static let component = "service-controller"

    private let context: ControllerContext
    private let pool: AddressPool?
    private let services: Informer<Service>
    private let queue: WorkQueue<ObjectKey>
    private let recorder: EventRecorder
    /// Given out, and not in the informer's copy yet.
    private let given = Mutex<[ObjectKey: String]>([:])

    init(_ context: ControllerContext) {
        self.context = context
        let queue: WorkQueue<ObjectKey> = context.queue()
        self.queue = queue
        pool = context.options.loadBalancerPool.flatMap(AddressPool.init)
        services = context.informers.informer(Service.self)
        recorder = context.recorder(Self.component)
        services.addHandler { [services] change in
            let service = change.object
            queue.add(service.key)
            // An address that is free again may be what another one waits for.
            guard change.isDeletion || service.spec.type != "LoadBalancer" else { return }
            guard !(change.previous ?? service).status.balancerIPs.isEmpty else { return }
            for other in services.objects
            where other.spec.type == "LoadBalancer" && other.status.balancerIPs.isEmpty { queue.add(other.key) }
        }
    }

    func run() async {
        await services.waitForSync()
        // One worker: two could give the same address away.
        await context.work(queue, of: Self.component, workers: 1) { [self] in try await reconcile($0) }
    }

    private func reconcile(_ key: ObjectKey) async throws {
        guard var service = services[key] else {
            given.withLock { $0[key] = nil }
            return
        }
        guard let pool else {
            // Addresses are none of ours; a Service of a time when they were must not be kept for ever.
            if LoadBalancerPlan.keeps(service) == false, service.setFinalizer(false) { try await write(service) }
            return
        }
        let isChanged = LoadBalancerPlan.keeps(service).map { service.setFinalizer($0) } ?? false
        var taken: Set<String> = []
        for other in services.objects where other.key != key { taken.formUnion(other.status.balancerIPs) }
        given.withLock { given in
            if !service.status.balancerIPs.isEmpty { given[key] = nil }
            given = given.filter { services[$0.key]?.spec.type == "LoadBalancer" }
            taken.formUnion(given.filter { $0.key != key }.values)
        }
        switch LoadBalancerPlan(service, pool: pool, taken: taken) {
        case .leave:
            if isChanged { try await write(service) }
            return
        case .clear:
            given.withLock { $0[key] = nil }
            service.status.loadBalancer = nil
        case .assign(let address):
            given.withLock { $0[key] = address }
            var entry = LoadBalancerIngress()
            entry.ip = address
            entry.ipMode = "VIP"
            var status = service.status.loadBalancer ?? LoadBalancerStatus()
            status.ingress = [entry]
            service.status.loadBalancer = status
        case .refuse(let reason):
            recorder.event(
                regarding: service, type: .warning, reason: "SyncLoadBalancerFailed",
                message: "Error syncing load balancer: failed to ensure load balancer: \(reason)")
            if isChanged { try await write(service) }
            return
        }
        try await write(service)
        if !service.status.balancerIPs.isEmpty {
            recorder.event(
                regarding: service, type: .normal, reason: "EnsuredLoadBalancer", message: "Ensured load balancer")
        }
    }

    /// The status, and with it the finalizers.
    private func write(_ service: Service) async throws {
        do {
            _ = try await context.client.updateStatus(service)
        } catch { if !error.isNotFound { throw error } }
    }
}

extension Service {
    /// Puts the finalizer in or takes it out; false if that is done already.
    fileprivate mutating func setFinalizer(_ present: Bool) -> Bool {
        guard metadata.finalizers.contains(LoadBalancerPlan.finalizer) != present else { return false }
        if present {
            metadata.finalizers.append(LoadBalancerPlan.finalizer)
        } else {
            metadata.finalizers.removeAll { $0 == LoadBalancerPlan.finalizer }
        }
        return true
    }
}

extension ServiceStatus {
    fileprivate var balancerIPs: [String] { loadBalancer?.ingress.compactMap(\.ip) ?? [] }
}
