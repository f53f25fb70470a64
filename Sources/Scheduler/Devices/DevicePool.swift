// The pools of devices as one node sees them: the newest generation, and only if it is whole and makes sense.
import KubeTypes

/// What drivers have published, by where it is.
struct PublishedSlices: Sendable {
    private var byName: [String: SliceInfo] = [:]
    /// Of one node alone.
    private var byNode: [String: [String: SliceInfo]] = [:]
    /// Of several nodes, or with counters.
    private var shared: [String: SliceInfo] = [:]
    private var byPool: [PoolID: [String: SliceInfo]] = [:]

    mutating func set(_ slice: SliceInfo) {
        remove(slice.name)
        byName[slice.name] = slice
        byPool[slice.pool, default: [:]][slice.name] = slice
        if case .node(let node) = slice.scope, slice.counters.isEmpty {
            byNode[node, default: [:]][slice.name] = slice
        } else {
            shared[slice.name] = slice
        }
    }

    mutating func remove(_ name: String) {
        guard let old = byName.removeValue(forKey: name) else { return }
        shared[name] = nil
        byPool[old.pool]?[name] = nil
        if byPool[old.pool]?.isEmpty == true { byPool[old.pool] = nil }
        guard case .node(let node) = old.scope else { return }
        byNode[node]?[name] = nil
        if byNode[node]?.isEmpty == true { byNode[node] = nil }
    }

    /// The pools with devices for a node, in the order in which they are used: by name, those whose devices must be made
    /// ready first at the end.
    func pools(for node: AllocationNode) -> [DevicePool] {
        var relevant: [PoolID: [SliceInfo]] = [:]
        func add(_ slice: SliceInfo) {
            guard slice.isRelevant(to: node) else { return }
            let generation = relevant[slice.pool]?.first?.generation ?? slice.generation
            if slice.generation > generation {
                relevant[slice.pool] = [slice]
            } else if slice.generation == generation {
                relevant[slice.pool, default: []].append(slice)
            }
        }
        for slice in (byNode[node.name] ?? [:]).values { add(slice) }
        for slice in shared.values { add(slice) }
        var pools: [DevicePool] = []
        for (id, slices) in relevant {
            let all = byPool[id] ?? [:]
            let generation = slices[0].generation
            // A newer generation that has nothing for the node.
            if all.values.contains(where: { $0.generation > generation }) { continue }
            let current = all.values.filter { $0.generation == generation }
            guard Int64(current.count) == slices[0].sliceCount else {
                pools.append(DevicePool(id: id, isIncomplete: true))
                continue
            }
            let names = Set(slices.map(\.name))
            pools.append(DevicePool(id, slices, others: current.filter { !names.contains($0.name) }))
        }
        pools.sort { left, right in
            left.hasBindingConditions == right.hasBindingConditions
                ? left.id < right.id : right.hasBindingConditions
        }
        return pools
    }
}

struct DevicePool: Sendable {
    let id: PoolID
    /// Its driver is still writing slices.
    var isIncomplete = false
    var isInvalid = false
    /// Those that the node may have, in order, and the slice of each.
    private(set) var devices: [(info: DeviceInfo, slice: SliceInfo)] = []
    /// All that consume counters, those of other nodes included.
    private(set) var consumers: [DeviceInfo] = []
    private(set) var counters: Counters = [:]

    init(id: PoolID, isIncomplete: Bool) {
        self.id = id
        self.isIncomplete = isIncomplete
    }

    init(_ id: PoolID, _ slices: [SliceInfo], others: [SliceInfo]) {
        self.id = id
        var names: Set<String> = []
        for slice in slices.sorted(by: { $0.name < $1.name }) {
            for (set, amounts) in slice.counters {
                if counters.updateValue(amounts, forKey: set) != nil { isInvalid = true }
            }
            if slice.namesCounterTwice { isInvalid = true }
            for device in slice.devices {
                if !names.insert(device.id.name).inserted { isInvalid = true }
                devices.append((device, slice))
            }
        }
        consumers = (slices + others).flatMap(\.devices).filter { !$0.consumes.isEmpty }
        for device in consumers {
            for (set, amounts) in device.consumes {
                guard let known = counters[set], amounts.keys.allSatisfy({ known[$0] != nil }) else {
                    isInvalid = true
                    return
                }
            }
        }
    }

    var isUsable: Bool { !isIncomplete && !isInvalid }
    var hasBindingConditions: Bool { devices.contains { !$0.info.bindingConditions.isEmpty } }
}
