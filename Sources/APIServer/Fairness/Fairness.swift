// API Priority and Fairness (KEP-1040): every request belongs to a flow of a priority level, and each level's flows share
// the level's seats fairly. What fits goes ahead at once.

import JSON
import KubeTypes
import NIOCore
import Synchronization

final class Fairness: Sendable {
    /// What becomes of a request.
    enum Verdict: Sendable {
        /// It goes ahead; nil takes no seat.
        case execute(FairnessTicket?)
        /// It waits; whoever asked is told.
        case wait(FairnessWaiter)
        case reject
    }

    /// A request's place: for its answer's header fields, and to be given back.
    struct Classification: Sendable {
        var schema: String
        var schemaUID: String
        var level: String
        var levelUID: String
        var isExempt: Bool
        var hash: UInt64 = 0
    }

    struct State {
        var levels: [String: PriorityLevel] = [:]
    }

    /// Seats of all limited levels together.
    let concurrency: Int
    /// How long a request may wait for its seats.
    let queueWait: TimeAmount
    private let cache: WatchCache
    private let state = Mutex(State())
    /// The schemas with their levels apart from the rest, so that classifying does not wait for who takes seats.
    private let matchers = Mutex<[(schema: FlowSchemaRules, level: PriorityLevelRules)]>([])

    init(cache: WatchCache, concurrency: Int, queueWait: TimeAmount) {
        self.cache = cache
        self.concurrency = concurrency
        self.queueWait = queueWait
    }

    private static let group = "flowcontrol.apiserver.k8s.io"

    /// Reads flow schemas and priority levels again.
    func reload() {
        let schemas = cache.objects(group: Self.group, resource: "flowschemas", namespace: nil)
            .map { FlowSchemaRules($0.value) }.sorted { ($0.precedence, $0.name) < ($1.precedence, $1.name) }
        let levels = cache.objects(group: Self.group, resource: "prioritylevelconfigurations", namespace: nil)
            .map { PriorityLevelRules($0.value) }
        load(schemas, levels)
    }

    func load(_ schemas: [FlowSchemaRules], _ levels: [PriorityLevelRules]) {
        let byName = Dictionary(levels.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
        let known = Set(byName.keys)
        // A schema that names no level matches nothing.
        let usable = schemas.compactMap { schema in byName[schema.level].map { (schema: schema, level: $0) } }
        let resumed = state.withLock { state in
            for rules in levels {
                if state.levels[rules.name] != nil {
                    state.levels[rules.name]?.rules = rules
                    state.levels[rules.name]?.isGone = false
                } else {
                    state.levels[rules.name] = PriorityLevel(rules)
                }
            }
            for (name, level) in state.levels where !known.contains(name) {
                if level.executing == 0, level.waiting == 0 {
                    state.levels[name] = nil
                } else {
                    state.levels[name]?.isGone = true
                }
            }
            Self.shareOut(concurrency, &state)
            return state.levels.keys.flatMap { Self.dispatch($0, &state) }
        }
        matchers.withLock { $0 = usable }
        for waiter in resumed { waiter.resume(.execute) }
    }

    /// Gives each level its nominal seats: its share of all, rounded up.
    private static func shareOut(_ concurrency: Int, _ state: inout State) {
        let total = state.levels.values.reduce(0) { $0 + $1.rules.shares }
        for (name, level) in state.levels {
            let rules = level.rules
            let nominal = total == 0 ? 0 : (concurrency * rules.shares + total - 1) / total
            state.levels[name]?.nominal = rules.isExempt ? nominal : max(1, nominal)
            state.levels[name]?.lendable = (nominal * rules.lendablePercent + 50) / 100
            state.levels[name]?.borrowingLimit = rules.borrowingPercent.map { (nominal * $0 + 50) / 100 }
        }
    }

    // MARK: Requests

    /// The flow schema and level of a request: the first schema that matches.
    func classify(_ request: FlowRequest) -> Classification? {
        let matchers = matchers.withLock { $0 }
        guard let (schema, level) = matchers.first(where: { $0.schema.matches(request) }) else { return nil }
        let needsFlow = !level.isExempt && level.queues > 0
        return Classification(
            schema: schema.name, schemaUID: schema.uid, level: level.name, levelUID: level.uid,
            isExempt: level.isExempt,
            hash: needsFlow ? ShuffleSharding.hash(schema.name, schema.flow(of: request)) : 0)
    }

    /// Asks for seats.
    /// - Parameter resume: called once if the verdict is to wait.
    func admit(
        _ place: Classification, seats: Int, resume: @escaping @Sendable (FairnessWaiter.Outcome) -> Void
    ) -> Verdict {
        state.withLock { state in
            guard let level = state.levels[place.level] else { return .execute(nil) }
            if level.rules.isExempt { return .execute(nil) }
            let wanted = max(1, min(seats, level.nominal))
            if level.waiting == 0, Self.fits(wanted, place.level, state) {
                Self.take(wanted, place.level, place.schema, &state)
                return .execute(FairnessTicket(self, level: place.level, seats: wanted))
            }
            guard level.rules.queues > 0 else {
                state.levels[place.level]?.rejected["concurrency-limit", default: 0] += 1
                return .reject
            }
            let waiter = FairnessWaiter(seats: wanted, schema: place.schema, resume: resume)
            if state.levels[place.level]?.enqueue(waiter, hash: place.hash) == true { return .wait(waiter) }
            state.levels[place.level]?.rejected["queue-full", default: 0] += 1
            return .reject
        }
    }

    /// Whether a level may take more seats: its own, or those that others lend and do not use.
    private static func fits(_ seats: Int, _ name: String, _ state: State) -> Bool {
        guard let level = state.levels[name] else { return true }
        // Nobody waits for seats that this level has lent out: what it has left of its own is its own.
        if level.inUse + seats <= level.nominal { return true }
        // A level that takes more than all of its own seats alone, where nothing else runs.
        if level.inUse == 0 { return true }
        if let limit = level.borrowingLimit, level.inUse + seats > level.nominal + limit { return false }
        var available = 0
        for (other, lender) in state.levels where other != name && !lender.rules.isExempt {
            available += min(lender.lendable, max(0, lender.nominal - lender.inUse))
            // What others have borrowed is lent already.
            available -= max(0, lender.inUse - lender.nominal)
        }
        return level.inUse + seats <= level.nominal + available
    }

    private static func take(_ seats: Int, _ name: String, _ schema: String, _ state: inout State) {
        state.levels[name]?.inUse += seats
        state.levels[name]?.executing += 1
        state.levels[name]?.dispatched[schema, default: 0] += 1
    }

    /// The waiters of a level whose turn has come, their seats taken.
    private static func dispatch(_ name: String, _ state: inout State) -> [FairnessWaiter] {
        var resumed: [FairnessWaiter] = []
        while let level = state.levels[name], level.waiting > 0 {
            var seats = max(0, level.nominal - level.inUse)
            // What can be borrowed is found seat by seat; lists take ten at most.
            while seats < 10, fits(seats + 1, name, state) { seats += 1 }
            guard let waiter = state.levels[name]?.next(seats: seats) else { break }
            take(waiter.seats, name, waiter.schema, &state)
            resumed.append(waiter)
        }
        return resumed
    }

    fileprivate func release(_ name: String, _ seats: Int) {
        let resumed = state.withLock { state in
            state.levels[name]?.inUse -= seats
            state.levels[name]?.executing -= 1
            var resumed: [FairnessWaiter] = []
            if let level = state.levels[name], level.waiting > 0 { resumed = Self.dispatch(name, &state) }
            // What this level has given back may be lent to others.
            for (other, level) in state.levels where other != name && level.waiting > 0 {
                resumed += Self.dispatch(other, &state)
            }
            return resumed
        }
        for waiter in resumed { waiter.resume(.execute) }
    }

    /// The seats of a waiter that was told to go ahead.
    func ticket(for waiter: FairnessWaiter, level: String) -> FairnessTicket {
        FairnessTicket(self, level: level, seats: waiter.seats)
    }

    /// Takes a waiter out of its queue: its time is up, or its client has gone. Does nothing once it was resumed.
    func giveUp(_ waiter: FairnessWaiter, level: String, reason: String) {
        let wasWaiting = state.withLock { state in
            guard state.levels[level]?.remove(waiter) == true else { return false }
            state.levels[level]?.rejected[reason, default: 0] += 1
            return true
        }
        if wasWaiting { waiter.resume(.timeout) }
    }

    // MARK: For people

    var snapshot: State { state.withLock { $0 } }
}

/// Seats that a request holds until it is answered.
final class FairnessTicket: Sendable {
    private let fairness: Fairness
    private let level: String
    private let seats: Int
    private let released = Atomic<Bool>(false)

    init(_ fairness: Fairness, level: String, seats: Int) {
        self.fairness = fairness
        self.level = level
        self.seats = seats
    }

    /// Gives the seats back; only the first call does anything.
    func release() {
        if !released.exchange(true, ordering: .acquiringAndReleasing) { fairness.release(level, seats) }
    }
}
