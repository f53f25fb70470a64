// One priority level: how many seats its requests may take, and the queues in which they wait for one.

import JSON
import KubeTypes

/// What a PriorityLevelConfiguration says.
struct PriorityLevelRules: Sendable, Equatable {
    var name: String
    var uid: String
    var isExempt: Bool
    var shares: Int
    var lendablePercent: Int
    /// Nil: as much as others have to lend.
    var borrowingPercent: Int?
    /// 0 rejects what does not fit.
    var queues: Int
    var handSize: Int
    var queueLengthLimit: Int

    init(_ object: JSONValue) {
        name = object.name
        uid = object.uid
        let spec = object["spec"]
        isExempt = spec?["type"]?.stringValue == "Exempt"
        let limits = isExempt ? spec?["exempt"] : spec?["limited"]
        shares = limits?["nominalConcurrencyShares"]?.intValue ?? (isExempt ? 0 : 30)
        lendablePercent = limits?["lendablePercent"]?.intValue ?? 0
        borrowingPercent = limits?["borrowingLimitPercent"]?.intValue
        let response = limits?["limitResponse"]
        let queuing = response?["queuing"]
        let doesQueue = response?["type"]?.stringValue == "Queue"
        queues = doesQueue ? min(10_000_000, max(1, queuing?["queues"]?.intValue ?? 64)) : 0
        handSize = max(1, queuing?["handSize"]?.intValue ?? 8)
        queueLengthLimit = max(1, queuing?["queueLengthLimit"]?.intValue ?? 50)
    }
}

/// A request that waits for its seats.
final class FairnessWaiter: Sendable {
    enum Outcome: Sendable { case execute, timeout }

    let seats: Int
    let schema: String
    /// Called once, on whatever thread the seats became free.
    let resume: @Sendable (Outcome) -> Void

    init(seats: Int, schema: String, resume: @escaping @Sendable (Outcome) -> Void) {
        self.seats = seats
        self.schema = schema
        self.resume = resume
    }
}

/// The state of one level. Not safe by itself: `Fairness` holds the lock.
struct PriorityLevel {
    struct Entry {
        let waiter: FairnessWaiter
        /// The virtual time at which it would begin if every flow got its share.
        let start: Double
    }

    struct Queue {
        var entries: [Entry] = []
        var lastFinish = 0.0
    }

    var rules: PriorityLevelRules
    var nominal = 1
    var lendable = 0
    var borrowingLimit: Int?
    var inUse = 0
    var executing = 0
    var waiting = 0
    var queues: [Int: Queue] = [:]
    var virtualTime = 0.0
    var dispatched: [String: Int] = [:]
    var rejected: [String: Int] = [:]
    /// Still wanted by requests, though its object is gone.
    var isGone = false

    init(_ rules: PriorityLevelRules) { self.rules = rules }

    /// Puts a request into the shortest queue of its flow's hand.
    /// - Returns: false where that is full.
    mutating func enqueue(_ waiter: FairnessWaiter, hash: UInt64) -> Bool {
        let hand = ShuffleSharding.hand(hash, size: rules.handSize, of: rules.queues)
        guard let best = hand.min(by: { length($0) < length($1) }), length(best) < rules.queueLengthLimit else {
            return false
        }
        var queue = queues.removeValue(forKey: best) ?? Queue()
        let start = max(virtualTime, queue.lastFinish)
        queue.lastFinish = start + Double(waiter.seats)
        queue.entries.append(Entry(waiter: waiter, start: start))
        queues[best] = queue
        waiting += 1
        return true
    }

    private func length(_ queue: Int) -> Int { queues[queue]?.entries.count ?? 0 }

    /// The waiter whose turn it is, if it takes no more than `seats`: the head of the queue with the earliest start.
    mutating func next(seats: Int) -> FairnessWaiter? {
        guard waiting > 0,
            let (index, queue) = queues.filter({ !$0.value.entries.isEmpty }).min(by: {
                ($0.value.entries[0].start, $0.key) < ($1.value.entries[0].start, $1.key)
            }), queue.entries[0].waiter.seats <= seats
        else { return nil }
        virtualTime = max(virtualTime, queue.entries[0].start)
        let waiter = queue.entries[0].waiter
        queues[index]?.entries.removeFirst()
        if queue.entries.count == 1, queue.lastFinish <= virtualTime { queues[index] = nil }
        waiting -= 1
        return waiter
    }

    /// Takes a waiter out of its queue; false if it is in none.
    mutating func remove(_ waiter: FairnessWaiter) -> Bool {
        for (index, queue) in queues {
            if let place = queue.entries.firstIndex(where: { $0.waiter === waiter }) {
                queues[index]?.entries.remove(at: place)
                waiting -= 1
                return true
            }
        }
        return false
    }
}
