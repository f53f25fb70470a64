import JSON
import KubeClient
import KubeTypes

/// Declares ranges of service addresses ready, and lets one go only when no service has an address that is in no other
/// range (upstream's service-cidr-controller, KEP-1880).
final class ServiceCIDRController: Controller {
    static let finalizer = "networking.k8s.io/service-cidr-finalizer"
    private static let component = "service-cidr-controller"
    /// Allocators may take an address from a range for so long after its deletion began.
    private static let graceSeconds = 10.0

    private let context: ControllerContext
    private let ranges: Informer<ServiceCIDR>
    private let addresses: Informer<ServiceIPAddress>
    private let services: Informer<Service>
    private let queue: WorkQueue<String>
    private let recorder: EventRecorder

    init(_ context: ControllerContext) {
        self.context = context
        ranges = context.informers.informer(ServiceCIDR.self)
        addresses = context.informers.informer(ServiceIPAddress.self)
        services = context.informers.informer(Service.self)
        let queue: WorkQueue<String> = context.queue()
        self.queue = queue
        recorder = context.recorder(Self.component)
        ranges.addHandler { [ranges] change in
            queue.add(change.object.name)
            if case .updated = change { return }
            let own = change.object.ranges
            for other in ranges.objects where other.ranges.contains(where: { $0.isIn(own) }) { queue.add(other.name) }
        }
        // Only the end of an address can let a range go.
        addresses.addHandler { [ranges] change in
            guard case .deleted = change else { return }
            for range in ranges.objects where range.isBeingDeleted { queue.add(range.name) }
        }
        services.addHandler { [ranges] change in
            guard case .deleted = change else { return }
            for range in ranges.objects where range.isBeingDeleted { queue.add(range.name) }
        }
    }

    func run() async {
        await ranges.waitForSync()
        await addresses.waitForSync()
        await services.waitForSync()
        await context.work(queue, of: Self.component, workers: 1) { [self] in try await reconcile($0) }
    }

    /// Whether a range can go: each of its parts lies within another range, or no address is in it alone.
    static func canGo(_ range: ServiceCIDR, others: [ServiceCIDR], addresses: [IPPrefix]) -> Bool {
        let rest = others.filter { $0.name != range.name && !$0.isBeingDeleted }.flatMap(\.ranges)
        if range.ranges.allSatisfy({ part in rest.contains { $0.contains(part) } }) { return true }
        return !addresses.contains { address in
            range.ranges.contains { $0.contains(address) } && !rest.contains { $0.contains(address) }
        }
    }

    private func reconcile(_ name: String) async throws {
        guard var range = ranges.get(name) else { return }
        guard range.isBeingDeleted else {
            if !range.metadata.finalizers.contains(Self.finalizer) {
                range.metadata.finalizers.append(Self.finalizer)
                range = try await context.client.update(range)
            }
            return try await note("True", reason: "", "Kubernetes Service CIDR is ready", on: range)
        }
        guard range.metadata.finalizers.contains(Self.finalizer) else { return }
        let taken =
            addresses.objects.filter(\.isOfService).compactMap { IPPrefix($0.name) }
            + services.objects.flatMap { $0.spec.clusterIPs + [$0.spec.clusterIP ?? ""] }.compactMap { IPPrefix($0) }
        guard Self.canGo(range, others: ranges.objects, addresses: taken) else {
            return try await note(
                "False", reason: "Terminating",
                "There are still IPAddresses referencing the ServiceCIDR, please remove them or create a new ServiceCIDR",
                on: range)
        }
        let left = Self.graceSeconds - context.now.since(range.metadata.deletionTimestamp ?? context.now)
        if left > 0 { return queue.add(name, after: .milliseconds(Int64(left * 1000) + 1)) }
        range.metadata.finalizers.removeAll { $0 == Self.finalizer }
        do { try await context.client.update(range) } catch { if !error.isNotFound { throw error } }
    }

    private func note(_ status: String, reason: String, _ message: String, on range: ServiceCIDR) async throws {
        let current = range.conditions.first { $0.type == "Ready" }
        if current?.status == status, current?.reason ?? "" == reason, current?.message == message { return }
        var changed = range
        let condition: JSONValue = [
            "type": "Ready", "status": .string(status), "reason": .string(reason), "message": .string(message),
            "lastTransitionTime": context.now.field,
        ]
        let others = range.conditions.filter { $0.type != "Ready" }.map(\.json)
        changed.json["status"] = ["conditions": .array(others + [condition])]
        do {
            try await context.client.updateStatus(changed)
        } catch {
            if error.isNotFound { return }
            if status == "True", !error.isConflict {
                recorder.event(
                    regarding: range, type: .warning, reason: "KubernetesServiceCIDRError",
                    message: "The ServiceCIDR Status can not be set to Ready=True")
            }
            throw error
        }
    }
}

extension IPPrefix {
    fileprivate func isIn(_ others: [IPPrefix]) -> Bool { others.contains { $0.overlaps(self) } }
}
