// What the scheduler knows of devices and claims, and what it has decided about them ahead of the API.
import CEL
import JSON
import KubeTypes

struct DeviceState: Sendable {
    private(set) var claims: [ObjectKey: DeviceClaimInfo] = [:]
    private(set) var classes: [String: DeviceClassInfo] = [:]
    /// The class for an extended resource: the newest, if there are several.
    private var classOfResource: [String: String] = [:]
    /// Claims for the extended resources of pods, by the pod's uid.
    private(set) var extendedClaims: [String: ObjectKey] = [:]
    var slices = PublishedSlices()
    /// Decided for claims, by their uid, and not in what the API says yet.
    private(set) var pending: [String: DeviceAllocation] = [:]
    private(set) var allocated = AllocatedDevices()
    let selectors: DeviceSelectorCache

    /// What a change of a claim means for pods that wait.
    struct Change: Sendable {
        /// Devices may be free again.
        var freed = false
        /// Pods that use the claim may go on.
        var matters = false
    }

    init(formats: [String: NamedFormat] = [:]) { selectors = DeviceSelectorCache(formats: formats) }

    // MARK: Classes

    mutating func set(_ deviceClass: DeviceClassInfo) {
        classes[deviceClass.name] = deviceClass
        mapResources()
    }

    mutating func removeClass(_ name: String) {
        classes[name] = nil
        mapResources()
    }

    private mutating func mapResources() {
        classOfResource = [:]
        let oldestFirst = classes.values.sorted { ($0.created, $1.name) < ($1.created, $0.name) }
        for each in oldestFirst where !each.extendedResource.isEmpty {
            classOfResource[each.extendedResource] = each.name
        }
    }

    /// Whether there is a class at all that may have what the containers ask for.
    func mayBack(_ requests: ExtendedRequests) -> Bool {
        !classes.isEmpty && requests.totals.keys.contains { backing(of: $0) != nil }
    }

    /// The class of a resource; a resource may name its class.
    func backing(of resource: String) -> String? {
        if resource.hasPrefix(ExtendedRequests.classPrefix) {
            let name = String(resource.dropFirst(ExtendedRequests.classPrefix.count))
            return classes[name] == nil ? nil : name
        }
        return classOfResource[resource]
    }

    // MARK: Claims

    /// A claim has come or changed. What is older than what is known is left out: a write's answer may be faster than
    /// the watch.
    mutating func set(_ claim: DeviceClaimInfo) -> Change {
        let old = claims[claim.key]
        if let old, old.uid == claim.uid, claim.revision < old.revision { return Change() }
        if let old { uncount(old) }
        if let old, old.uid != claim.uid { pending[old.uid] = nil }
        if claim.allocation != nil { pending[claim.uid] = nil }
        claims[claim.key] = claim
        if claim.isExtended { extendedClaims[claim.owner] = claim.key }
        count(claim)
        guard let old, old.uid == claim.uid else { return Change(freed: old?.allocation != nil, matters: true) }
        return Change(
            freed: old.allocation != nil && claim.allocation == nil,
            matters: old.object.json["status"] != claim.object.json["status"])
    }

    mutating func removeClaim(_ key: ObjectKey) -> Change {
        guard let old = claims.removeValue(forKey: key) else { return Change() }
        if old.isExtended { extendedClaims[old.owner] = nil }
        let held = old.allocation != nil || pending[old.uid] != nil
        if let allocation = old.allocation ?? pending[old.uid] { allocated.remove(allocation) }
        pending[old.uid] = nil
        return Change(freed: held)
    }

    private mutating func count(_ claim: DeviceClaimInfo) {
        if let allocation = claim.allocation ?? pending[claim.uid] { allocated.add(allocation) }
    }

    private mutating func uncount(_ claim: DeviceClaimInfo) {
        if let allocation = claim.allocation ?? pending[claim.uid] { allocated.remove(allocation) }
    }

    /// Counts what has been decided as given.
    mutating func assume(_ plan: DevicePlan) {
        for step in plan.steps {
            if step.extended != nil, let allocation = step.allocation, pending[step.claim.uid] == nil {
                pending[step.claim.uid] = allocation
                allocated.add(allocation)
                continue
            }
            guard let allocation = step.allocation, let claim = claims[step.claim.key], claim.uid == step.claim.uid,
                claim.allocation == nil, pending[claim.uid] == nil
            else { continue }
            pending[claim.uid] = allocation
            allocated.add(allocation)
        }
    }

    /// What was decided for a claim that did not exist is in the API now, under another name.
    mutating func madeReal(_ uid: String) {
        if let allocation = pending.removeValue(forKey: uid) { allocated.remove(allocation) }
    }

    /// Takes back what was decided and has not been written. True if devices are free again.
    mutating func forget(_ plan: DevicePlan) -> Bool {
        var freed = false
        for step in plan.steps where step.allocation != nil {
            guard let allocation = pending.removeValue(forKey: step.claim.uid) else { continue }
            allocated.remove(allocation)
            freed = true
        }
        return freed
    }

    // MARK: Pods

    /// What keeps a pod from being tried, and the claim that it is about.
    func problem(of pod: PodInfo) -> (message: String, claim: ObjectKey?)? {
        if let problem = pod.claims.problem { return (problem, nil) }
        for use in pod.claims.uses {
            let key = ObjectKey(namespace: pod.key.namespace, name: use.name)
            guard let claim = claims[key] else {
                return ("resourceclaim.resource.k8s.io \"\(use.name)\" not found", key)
            }
            if claim.isBeingDeleted { return ("resourceclaim \"\(use.name)\" is being deleted", key) }
            if use.isOwn, claim.owner != pod.uid {
                return ("ResourceClaim \(key) was not created for Pod \(pod.key) (Pod is not owner)", key)
            }
        }
        return nil
    }
}

/// What is to be written before a pod can be bound: allocations of claims, and for whom they are.
struct DevicePlan: Sendable {
    struct Step: Sendable {
        let claim: DeviceClaimInfo
        /// Nil for a claim that has its devices already.
        let allocation: DeviceAllocation?
        /// For a claim that is still to be made.
        var extended: ExtendedClaim?
    }

    /// A step for each of the pod's claims that is not reserved for it.
    var steps: [Step] = []
    /// All claims of the pod.
    var claims: [ObjectKey] = []

    var isEmpty: Bool { claims.isEmpty && steps.isEmpty }
}

/// Whether devices are ready for a pod to be bound (KEP-5007).
enum DeviceReadiness: Sendable, Equatable {
    case ready, waiting
    case failed(String)

    /// By the conditions that a driver writes into a claim's status.
    /// - Parameter timeout: Seconds from the allocation, after which nobody waits any more.
    init(_ claim: DeviceClaimInfo, now: Time, timeout: Int64) {
        guard let allocation = claim.allocation else {
            self = .waiting
            return
        }
        let statuses = (claim.object.json[path: "status", "devices"]?.arrayValue ?? []).compactMap(\.objectValue)
        var state = DeviceReadiness.ready
        for device in allocation.devices where !device.bindingConditions.isEmpty {
            let status = statuses.first {
                $0[string: "driver"] == device.id.driver && $0[string: "pool"] == device.id.pool
                    && $0[string: "device"] == device.id.name
            }
            let conditions = (status?[array: "conditions"] ?? []).compactMap(\.objectValue)
            func holding(_ type: String) -> JSONObject? {
                conditions.first { $0[string: "type"] == type && $0[string: "status"] == "True" }
            }
            if let failed = device.bindingFailureConditions.lazy.compactMap(holding).first {
                self = .failed(
                    "device binding failed: claim=\(claim.key.name), reason=\(failed[string: "reason"]), "
                        + "message=\"\(failed[string: "message"])\"")
                return
            }
            if !device.bindingConditions.allSatisfy({ holding($0) != nil }) { state = .waiting }
        }
        if state == .waiting, let since: Time = allocation.json["allocationTimestamp"].flatMap(Time.init(field:)),
            now.seconds - since.seconds > timeout
        {
            state = .failed("device binding timeout: claim=\(claim.key.name)")
        }
        self = state
    }
}
