import KubeClient
import KubeTypes

/// Mirrors Endpoints that somebody wrote by hand into EndpointSlices (upstream's endpointslicemirroring-controller).
final class EndpointSliceMirroringController: Controller {
    private static let component = "endpoint-slice-mirroring-controller"
    private static let byService = "mirrored"

    private let context: ControllerContext
    private let services: Informer<Service>
    private let endpoints: Informer<Endpoints>
    private let slices: Informer<EndpointSlice>
    private let queue: WorkQueue<ObjectKey>
    private let recorder: EventRecorder
    private let expectations = SliceExpectations()

    init(_ context: ControllerContext) {
        self.context = context
        let queue: WorkQueue<ObjectKey> = context.queue()
        self.queue = queue
        services = context.informers.informer(Service.self)
        endpoints = context.informers.informer(Endpoints.self)
        slices = context.informers.informer(EndpointSlice.self)
        recorder = context.recorder(Self.component)
        slices.addIndex(Self.byService) { slice in
            guard slice.labels[EndpointSlicePlan.managedBy] == MirrorPlan.manager,
                let service = slice.labels[EndpointSlicePlan.serviceName]
            else { return [] }
            return ["\(slice.namespace)/\(service)"]
        }
        services.addHandler { change in
            let hadSelector = change.previous?.spec.json["selector"] != nil
            guard change.object.spec.json["selector"] == nil || hadSelector else {
                if case .updated = change { queue.add(change.object.key) }
                return
            }
            queue.add(change.object.key)
        }
        endpoints.addHandler { change in
            let isMirrored = [change.object, change.previous].compactMap(\.self).contains(where: MirrorPlan.isMirrored)
            if isMirrored { queue.add(change.object.key) }
        }
        slices.addHandler { [expectations] change in
            expectations.observe(change.object, deleted: change.isDeletion)
            for slice in [change.object, change.previous].compactMap(\.self) {
                guard slice.labels[EndpointSlicePlan.managedBy] == MirrorPlan.manager,
                    let service = slice.labels[EndpointSlicePlan.serviceName]
                else { continue }
                queue.add(ObjectKey(namespace: slice.namespace, name: service))
            }
        }
    }

    func run() async {
        await services.waitForSync()
        await endpoints.waitForSync()
        await slices.waitForSync()
        await context.work(queue, of: Self.component, workers: 4) { [self] in try await reconcile($0) }
    }

    private func reconcile(_ key: ObjectKey) async throws {
        let mine = slices.objects(by: Self.byService, key.description)
        guard let source = endpoints[key], MirrorPlan.isMirrored(source), let service = services[key],
            service.spec.json["selector"] == nil
        else {
            for slice in mine where !slice.isBeingDeleted { try await delete(slice) }
            return
        }
        guard expectations.areMet(by: mine, service: key, now: context.now) else {
            throw RetryLater(description: "the slices of \(key) in the cache are older than what was written")
        }
        let plan = MirrorPlan(source, slices: mine)
        tell(plan, source)
        do {
            if !source.isBeingDeleted {
                for slice in plan.create {
                    expectations.expect(try await context.client.create(slice), service: key, now: context.now)
                }
            }
            for slice in plan.update {
                expectations.expect(try await context.client.update(slice), service: key, now: context.now)
            }
        } catch {
            if error.isNamespaceTerminating { return }
            throw error
        }
        for slice in plan.delete { try await delete(slice) }
    }

    private func tell(_ plan: MirrorPlan, _ source: Endpoints) {
        if plan.invalid > 0 {
            recorder.event(
                regarding: source, type: .warning, reason: "InvalidIPAddress",
                message: "Skipped \(plan.invalid) invalid IP addresses when mirroring to EndpointSlices")
        }
        if plan.skipped > 0 {
            recorder.event(
                regarding: source, type: .warning, reason: "TooManyAddressesToMirror",
                message:
                    "A max of \(MirrorPlan.maximum) addresses can be mirrored to EndpointSlices per Endpoints subset. "
                    + "\(plan.skipped + plan.invalid) addresses were skipped")
        }
    }

    private func delete(_ slice: EndpointSlice) async throws {
        do {
            try await context.client.delete(EndpointSlice.self, slice.name, namespace: slice.namespace)
        } catch { if !error.isNotFound { throw error } }
    }
}
