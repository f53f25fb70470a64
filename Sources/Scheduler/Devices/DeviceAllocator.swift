// Finds devices for claims on one node: the first combination that meets everything (KEP-4381, structured parameters).
import CEL
import JSON
import KubeTypes

/// One search. Tries requests in order, and for each the devices in order, going back where that leads nowhere.
///
/// The same input gives the same devices; only the names of shares are new each time.
struct DeviceAllocator {
    /// Steps of one search: beyond that, no answer is worth the wait.
    static let stepLimit = 200_000
    /// Devices of a claim.
    static let resultLimit = 32

    private let node: AllocationNode
    private let claims: [DeviceClaimInfo]
    private let pools: [DevicePool]
    private let allocated: AllocatedDevices
    private let classes: [String: DeviceClassInfo]
    private let selectors: DeviceSelectorCache
    private let newShare: () -> String

    /// What is to be found for each alternative of each request of each claim.
    private var tasks: [[[Task]]] = []
    /// The alternative taken.
    private var chosen: [[Int]] = []
    private var constraints: [[ConstraintState]] = []
    private var results: [[Chosen]] = []
    /// Chosen in this search, and by which claims; of those that only one can have.
    private var taken: [DeviceID: [Int]] = [:]
    private var takenCapacity: [DeviceID: (shares: Int, amounts: [String: Int128])] = [:]
    private var takenCounters: [PoolID: Counters] = [:]
    private var availableCounters: [PoolID: Counters] = [:]
    private var steps = 0

    typealias Problem = DeviceAllocationError

    private struct Task {
        let request: DeviceRequest
        let deviceClass: DeviceClassInfo
        var count: Int
        /// For "all": which.
        var all: [Location]?
    }

    private struct Location {
        var pool = 0
        var device = 0
    }

    private struct Position {
        var claim = 0
        var request = 0
        /// Nil before one is chosen.
        var alternative: Int?
        var device = 0
    }

    private struct Chosen {
        let device: DeviceInfo
        let slice: SliceInfo
        let pool: PoolID
        let request: DeviceRequest
        let share: String
        let consumed: [String: Quantity]
    }

    private enum Outcome { case found, none, tooMany }

    private init(
        node: AllocationNode, claims: [DeviceClaimInfo], pools: [DevicePool], allocated: AllocatedDevices,
        classes: [String: DeviceClassInfo], selectors: DeviceSelectorCache, newShare: @escaping () -> String
    ) {
        self.node = node
        self.claims = claims
        self.pools = pools
        self.allocated = allocated
        self.classes = classes
        self.selectors = selectors
        self.newShare = newShare
    }

    /// Devices for each of the claims; nil if the node does not have them.
    static func allocate(
        _ claims: [DeviceClaimInfo], on node: AllocationNode, from pools: [DevicePool],
        beside allocated: AllocatedDevices,
        classes: [String: DeviceClassInfo], selectors: DeviceSelectorCache, newShare: @escaping () -> String
    ) throws(Problem) -> [DeviceAllocation]? {
        var search = DeviceAllocator(
            node: node, claims: claims, pools: pools, allocated: allocated, classes: classes, selectors: selectors,
            newShare: newShare)
        return try search.run()
    }

    private mutating func run() throws(Problem) -> [DeviceAllocation]? {
        for claim in claims { try prepare(claim) }
        guard try next(Position(), from: Location()) == .found else {
            if pools.contains(where: \.isInvalid) {
                throw Problem(reach: .node, message: "invalid resource pools were encountered")
            }
            return nil
        }
        return claims.indices.map { index in
            DeviceAllocation(
                DeviceAllocationResult.json(
                    claims[index], node: node.name,
                    devices: results[index].map { ($0.device, $0.slice, $0.request, $0.share, $0.consumed) },
                    classes: tasks[index].enumerated().map { request, alternatives in
                        let task = alternatives[chosen[index][request]]
                        return (task.request, task.deviceClass)
                    }))
        }
    }

    // MARK: What is asked for

    private func wrong(_ claim: DeviceClaimInfo, _ why: String) -> Problem {
        Problem(reach: .everywhere, message: "claim \(claim.key)\(why)")
    }

    private mutating func prepare(_ claim: DeviceClaimInfo) throws(Problem) {
        var least = 0
        var all: [[Task]] = []
        for request in claim.requests {
            var alternatives: [Task] = []
            for alternative in request.alternatives { alternatives.append(try task(alternative, claim)) }
            guard let fewest = alternatives.map(\.count).min() else {
                throw wrong(claim, ", request \(request.name): unknown request type")
            }
            least += fewest
            all.append(alternatives)
        }
        if least > Self.resultLimit {
            throw wrong(
                claim, ": number of requested devices \(least) exceeds the claim limit of \(Self.resultLimit)")
        }
        var states: [ConstraintState] = []
        for (index, constraint) in claim.constraints.enumerated() {
            guard let constraint else {
                throw wrong(claim, ", constraint #\(index): empty constraint (unsupported constraint type?)")
            }
            states.append(ConstraintState(constraint: constraint))
        }
        tasks.append(all)
        chosen.append(Array(repeating: 0, count: all.count))
        constraints.append(states)
        results.append([])
    }

    private func task(_ request: DeviceRequest, _ claim: DeviceClaimInfo) throws(Problem) -> Task {
        let name = request.name.split(separator: "/").last.map(String.init) ?? ""
        if let index = request.selectors.firstIndex(of: nil) {
            throw wrong(
                claim,
                ", request \(name), selector #\(index): CEL expression empty (unsupported selector type?)")
        }
        guard let deviceClass = classes[request.className] else {
            throw wrong(
                claim,
                ", request \(name): could not retrieve device class \(request.className): "
                    + "deviceclass.resource.k8s.io \"\(request.className)\" not found")
        }
        switch request.mode {
        case .count(let count):
            guard count <= Int64(Int32.max) else {
                throw wrong(claim, ", request \(name): exact count \(count) is too large")
            }
            return Task(request: request, deviceClass: deviceClass, count: Int(count))
        case .all:
            var task = Task(request: request, deviceClass: deviceClass, count: 0, all: [])
            for (index, pool) in pools.enumerated() {
                guard pool.isUsable else {
                    throw wrong(
                        claim,
                        ", request \(name): asks for all devices, but resource pool \(pool.id) is currently "
                            + (pool.isIncomplete ? "being updated" : "invalid"))
                }
                for position in pool.devices.indices {
                    let (device, slice) = pool.devices[position]
                    guard try isSuitable(device, slice, task, claim), hasCapacity(device, request) else { continue }
                    task.all?.append(Location(pool: index, device: position))
                }
            }
            task.count = task.all?.count ?? 0
            return task
        case .unknown(let mode): throw wrong(claim, ", request \(name): unsupported count mode \(mode)")
        }
    }

    // MARK: The search

    private mutating func next(_ at: Position, from start: Location) throws(Problem) -> Outcome {
        steps += 1
        if steps > Self.stepLimit {
            throw Problem(reach: .overdue, message: "node \(node.name): timed out trying to allocate devices")
        }
        guard at.claim < claims.count else { return .found }
        guard at.request < tasks[at.claim].count else {
            let outcome = try next(Position(claim: at.claim + 1), from: Location())
            // The limit is one claim's; another choice for an earlier one may still do.
            return outcome == .tooMany ? .none : outcome
        }
        guard let alternative = at.alternative else { return try firstAlternative(at) }
        let task = tasks[at.claim][at.request][alternative]
        if task.all?.isEmpty == true { return .none }
        if at.device >= task.count {
            return try next(Position(claim: at.claim, request: at.request + 1), from: Location())
        }
        if results[at.claim].count + task.count - at.device > Self.resultLimit { return .tooMany }
        var after = at
        after.device += 1
        if let all = task.all {
            let (device, slice) = pools[all[at.device].pool].devices[all[at.device].device]
            guard try take(device, slice, all[at.device].pool, at, task, isOnlyChoice: true) else { return .none }
            let outcome = try next(after, from: Location())
            if outcome != .found { giveBack(at) }
            return outcome
        }
        // Which of a request's devices comes first does not matter: each is sought behind the one before.
        for pool in start.pool..<max(start.pool, pools.count) where pools[pool].isUsable {
            let devices = pools[pool].devices
            let first = pool == start.pool ? start.device : 0
            for index in first..<max(first, devices.count) {
                let (device, slice) = devices[index]
                // What is cheap to know comes first.
                if isUnavailable(device.id, task.request, claim: at.claim) { continue }
                guard try isSuitable(device, slice, task, claims[at.claim]), hasCapacity(device, task.request),
                    try take(device, slice, pool, at, task, isOnlyChoice: false)
                else { continue }
                let outcome = try next(after, from: Location(pool: pool, device: index + 1))
                if outcome == .found { return .found }
                giveBack(at)
                if outcome == .tooMany { return .tooMany }
            }
        }
        return .none
    }

    private mutating func firstAlternative(_ at: Position) throws(Problem) -> Outcome {
        var allTooMany = true
        for index in tasks[at.claim][at.request].indices {
            var position = at
            position.alternative = index
            switch try next(position, from: Location()) {
            case .found:
                chosen[at.claim][at.request] = index
                return .found
            case .none: allTooMany = false
            case .tooMany: continue
            }
        }
        return allTooMany ? .tooMany : .none
    }

    private func isUnavailable(_ id: DeviceID, _ request: DeviceRequest, claim: Int) -> Bool {
        request.hasAdminAccess
            ? taken[id]?.contains(claim) ?? false : allocated.isTaken(id) || taken[id] != nil
    }

    /// Whether class, request and node would have the device.
    private func isSuitable(
        _ device: DeviceInfo, _ slice: SliceInfo, _ task: Task, _ claim: DeviceClaimInfo
    ) throws(Problem) -> Bool {
        func agree(_ texts: [String?], _ who: String) throws(Problem) -> Bool {
            for (index, text) in texts.enumerated() {
                func failure(_ why: String) -> Problem {
                    Problem(reach: .everywhere, message: "\(who): selector #\(index): \(why)")
                }
                guard let text else { throw failure("CEL expression empty (unsupported selector type?)") }
                switch selectors.selector(text) {
                case .failure(let problem): throw failure("CEL compile error: \(problem.detail)")
                case .success(let selector):
                    switch device.match(selector, text: text) {
                    case .yes: continue
                    case .no: return false
                    case .failed(let why): throw failure("CEL runtime error: \(why)")
                    }
                }
            }
            return true
        }
        guard try agree(task.deviceClass.selectors, "class \(task.deviceClass.name)"),
            try agree(task.request.selectors, "claim \(claim.key)")
        else { return false }
        if case .perDevice = slice.scope { return device.scope.contains(node) }
        return true
    }

    /// Whether enough of the device is left for a request.
    private func hasCapacity(_ device: DeviceInfo, _ request: DeviceRequest) -> Bool {
        guard request.capacity.keys.allSatisfy({ device.capacity[$0] != nil }) else { return false }
        return device.capacity.allSatisfy { name, capacity in
            let amount = capacity.consumed(by: request.capacity[name])
            let others =
                allocated.consumed(of: device.id, name) + (takenCapacity[device.id]?.amounts[name] ?? 0)
            return !capacity.forbids(amount) && others + amount.nanos <= capacity.value.nanos
        }
    }

    private mutating func take(
        _ device: DeviceInfo, _ slice: SliceInfo, _ pool: Int, _ at: Position, _ task: Task, isOnlyChoice: Bool
    ) throws(Problem) -> Bool {
        if isUnavailable(device.id, task.request, claim: at.claim) || !task.request.tolerates(device) { return false }
        if !hasCapacity(device, task.request) { return false }
        for index in constraints[at.claim].indices {
            if constraints[at.claim][index].add(device, task.request) { continue }
            for earlier in 0..<index { constraints[at.claim][earlier].remove(device, task.request) }
            // To want everything and forbid a part of it makes no sense.
            if isOnlyChoice {
                throw wrong(
                    claims[at.claim],
                    ", request \(task.request.name): cannot add device \(device.id) because a claim constraint "
                        + "would not be satisfied")
            }
            return false
        }
        let isShared = device.allowsMultipleAllocations
        let usesCounters =
            !device.consumes.isEmpty
            && !(isShared && (allocated.isShared(device.id) || takenCapacity[device.id] != nil))
        if usesCounters, !hasCounters(for: device, pool) {
            for index in constraints[at.claim].indices { constraints[at.claim][index].remove(device, task.request) }
            return false
        }
        if usesCounters { count(device, pools[pool].id, 1) }
        var consumed: [String: Quantity] = [:]
        if isShared {
            consumed = device.capacity.reduce(into: [:]) {
                $0[$1.key] = $1.value.consumed(by: task.request.capacity[$1.key])
            }
            takenCapacity[device.id, default: (0, [:])].shares += 1
            for (name, amount) in consumed {
                takenCapacity[device.id]?.amounts[name, default: 0] += amount.nanos
            }
        } else {
            taken[device.id, default: []].append(at.claim)
        }
        results[at.claim].append(
            Chosen(
                device: device, slice: slice, pool: pools[pool].id, request: task.request,
                share: isShared ? newShare() : "", consumed: consumed))
        return true
    }

    /// Takes the last choice for a claim back.
    private mutating func giveBack(_ at: Position) {
        guard let last = results[at.claim].popLast() else { return }
        let id = last.device.id
        for index in constraints[at.claim].indices { constraints[at.claim][index].remove(last.device, last.request) }
        var wasFirst = true
        if last.device.allowsMultipleAllocations {
            takenCapacity[id]?.shares -= 1
            for (name, amount) in last.consumed { takenCapacity[id]?.amounts[name, default: 0] -= amount.nanos }
            if takenCapacity[id]?.shares == 0 { takenCapacity[id] = nil }
            wasFirst = takenCapacity[id] == nil && !allocated.isShared(id)
        } else {
            taken[id]?.removeLast()
            if taken[id]?.isEmpty == true { taken[id] = nil }
        }
        if wasFirst, !last.device.consumes.isEmpty { count(last.device, last.pool, -1) }
    }

    // MARK: Counters

    /// Whether the counters that a device shares with others still have what it needs.
    private mutating func hasCounters(for device: DeviceInfo, _ index: Int) -> Bool {
        let pool = pools[index]
        let available = availableCounters[pool.id] ?? left(of: pool)
        availableCounters[pool.id] = available
        return device.consumes.allSatisfy { set, amounts in
            amounts.allSatisfy { name, amount in
                (available[set]?[name] ?? 0) >= (takenCounters[pool.id]?[set]?[name] ?? 0) + amount
            }
        }
    }

    private func left(of pool: DevicePool) -> Counters {
        var left = pool.counters
        for device in pool.consumers where allocated.isInUse(device.id) {
            for (set, amounts) in device.consumes {
                for (name, amount) in amounts { left[set]?[name]? -= amount }
            }
        }
        return left
    }

    private mutating func count(_ device: DeviceInfo, _ pool: PoolID, _ sign: Int128) {
        for (set, amounts) in device.consumes {
            for (name, amount) in amounts {
                takenCounters[pool, default: [:]][set, default: [:]][name, default: 0] += sign * amount
            }
        }
    }
}
