import KubeClient
import KubeTypes

/// What the scheduler listens to beside pods.
struct Sources: Sendable {
    private let nodes: Informer<Node>
    private let services: Informer<Service>
    private let namespaces: Informer<Namespace>
    private let budgets: Informer<PodDisruptionBudget>
    private let claims: Informer<PersistentVolumeClaim>
    private let volumes: Informer<PersistentVolume>
    private let classes: Informer<StorageClass>
    private let csiNodes: Informer<CSINode>
    private let drivers: Informer<CSIDriver>
    private let capacities: Informer<CSIStorageCapacity>
    private let deviceClaims: Informer<DeviceClaim>
    private let deviceClasses: Informer<DeviceClass>
    private let slices: Informer<ResourceSlice>

    init(_ scheduler: Scheduler) {
        let client = scheduler.client
        let logger = scheduler.logger
        let state = scheduler.state
        nodes = Informer(client, logger: logger)
        services = Informer(client, logger: logger)
        namespaces = Informer(client, logger: logger)
        budgets = Informer(client, logger: logger)
        claims = Informer(client, logger: logger)
        volumes = Informer(client, logger: logger)
        classes = Informer(client, logger: logger)
        csiNodes = Informer(client, logger: logger)
        drivers = Informer(client, logger: logger)
        capacities = Informer(client, logger: logger)
        deviceClaims = Informer(client, logger: logger)
        deviceClasses = Informer(client, logger: logger)
        slices = Informer(client, logger: logger)

        /// Hands changes to the core: the object if it is there, or its key if it has gone.
        func listen<T: KubeObject>(
            _ informer: Informer<T>, set: @escaping @Sendable (inout SchedulerCore, T) -> Void,
            remove: @escaping @Sendable (inout SchedulerCore, ObjectKey) -> Void, isStorage: Bool = false
        ) {
            informer.addHandler { change in
                state.change { core in
                    switch change {
                    case .added(let object), .updated(_, let object): set(&core, object)
                    case .deleted(let object): remove(&core, object.key)
                    }
                }
                if isStorage { state.storage.ring() }
            }
        }
        listen(nodes) {
            $0.nodeChanged($1, now: .now)
        } remove: {
            $0.nodeDeleted($1.name, now: .now)
        }
        listen(services) {
            $0.serviceChanged($1)
        } remove: {
            $0.serviceDeleted($1)
        }
        listen(namespaces) {
            $0.namespaceChanged($1)
        } remove: {
            $0.namespaceDeleted($1.name)
        }
        listen(budgets) {
            $0.budgetChanged($1)
        } remove: {
            $0.budgetDeleted($1)
        }
        listen(
            claims,
            set: { core, claim in
                let info = ClaimInfo(claim)
                core.storageChanged(.claim, claim: info.key, now: .now) { $0.set(info) }
            },
            remove: { core, key in core.storageChanged(.claim, claim: key, now: .now) { $0.removeClaim(key) } },
            isStorage: true)
        listen(
            volumes,
            set: { core, volume in
                let info = VolumeInfo(volume)
                core.storageChanged(.volume, now: .now) { $0.set(info) }
            },
            remove: { core, key in core.storageChanged(.volume, now: .now) { $0.removeVolume(key.name) } },
            isStorage: true)
        listen(
            classes,
            set: { core, storageClass in
                core.storageChanged(.storageClass, now: .now) {
                    $0.classes[storageClass.name] = ClassInfo(storageClass)
                }
            },
            remove: { core, key in core.storageChanged(.storageClass, now: .now) { $0.classes[key.name] = nil } })
        listen(
            csiNodes,
            set: { core, node in
                let limits = node.limits
                core.storageChanged(.storage, now: .now) { $0.limits[node.name] = limits.isEmpty ? nil : limits }
            },
            remove: { core, key in core.storageChanged(.storage, now: .now) { $0.limits[key.name] = nil } })
        listen(
            drivers,
            set: { core, driver in
                core.storageChanged(.storage, now: .now) { state in
                    if driver.tracksCapacity {
                        state.tracksCapacity.insert(driver.name)
                    } else {
                        state.tracksCapacity.remove(driver.name)
                    }
                }
            },
            remove: { core, key in
                core.storageChanged(.storage, now: .now) { _ = $0.tracksCapacity.remove(key.name) }
            })
        listen(
            capacities,
            set: { core, capacity in
                core.storageChanged(.storage, now: .now) { $0.capacities[capacity.key] = CapacityInfo(capacity) }
            },
            remove: { core, key in core.storageChanged(.storage, now: .now) { $0.capacities[key] = nil } })
        listen(
            deviceClaims, set: { $0.deviceClaimChanged(DeviceClaimInfo($1), now: .now) },
            remove: { $0.deviceClaimDeleted($1, now: .now) }, isStorage: true)
        listen(deviceClasses) {
            $0.deviceClassChanged($1, now: .now)
        } remove: {
            $0.deviceClassDeleted($1.name)
        }
        listen(slices) {
            $0.resourceSliceChanged(SliceInfo($1), now: .now)
        } remove: {
            $0.resourceSliceDeleted($1.name)
        }
    }

    /// Listens until the task is cancelled.
    func run() async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await nodes.run() }
            group.addTask { await services.run() }
            group.addTask { await namespaces.run() }
            group.addTask { await budgets.run() }
            group.addTask { await claims.run() }
            group.addTask { await volumes.run() }
            group.addTask { await classes.run() }
            group.addTask { await csiNodes.run() }
            group.addTask { await drivers.run() }
            group.addTask { await capacities.run() }
            group.addTask { await deviceClaims.run() }
            group.addTask { await deviceClasses.run() }
            group.addTask { await slices.run() }
        }
    }

    /// Returns once everything that decisions depend on has been heard of.
    func waitForSync() async {
        await nodes.waitForSync()
        await services.waitForSync()
        await namespaces.waitForSync()
        await budgets.waitForSync()
        await claims.waitForSync()
        await volumes.waitForSync()
        await classes.waitForSync()
        await csiNodes.waitForSync()
        await drivers.waitForSync()
        await capacities.waitForSync()
        await deviceClaims.waitForSync()
        await deviceClasses.waitForSync()
        await slices.waitForSync()
    }
}
