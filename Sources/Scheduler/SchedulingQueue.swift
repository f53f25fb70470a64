import HeapModule
import KubeTypes

/// The pods that wait for a node: those to be tried next, those that failed a moment ago, and those that no node takes
/// until something changes. Time is passed in.
struct SchedulingQueue: Sendable {
    typealias Instant = ContinuousClock.Instant

    /// A pod in the queue, or out of it while it is tried.
    struct Entry: Sendable {
        var pod: PodInfo
        /// How often it failed.
        var failures = 0
        var lastFailure: Instant?
        /// What refused it the last time; empty after an error.
        var plugins: Set<Plugin> = []
        /// The number of the last event when it was taken to be tried.
        var takenAt = 0
    }

    private enum Place { case active, backoff, unschedulable, gated, taken }

    private struct Active: Comparable, Sendable {
        let priority: Int
        let created: Time
        let sequence: Int
        let key: ObjectKey

        /// What is tried first is least: higher priority, then older.
        static func < (left: Active, right: Active) -> Bool {
            if left.priority != right.priority { return left.priority > right.priority }
            if left.created != right.created { return left.created < right.created }
            return left.sequence < right.sequence
        }
    }

    private struct Backoff: Comparable, Sendable {
        let due: Instant
        let sequence: Int
        let key: ObjectKey
        static func < (left: Backoff, right: Backoff) -> Bool {
            (left.due, left.sequence) < (right.due, right.sequence)
        }
    }

    private let initialBackoff: Duration
    private let maximumBackoff: Duration
    /// How long a pod waits for an event before it is tried all the same.
    static let unschedulableLimit = Duration.seconds(300)

    private var entries: [ObjectKey: (entry: Entry, place: Place, sequence: Int)] = [:]
    // Heaps hold what may have moved on: an element counts only if its sequence is that of its entry.
    private var active = Heap<Active>()
    private var backoff = Heap<Backoff>()
    private var sequence = 0
    private var activeCount = 0
    private var unschedulable: Set<ObjectKey> = []
    private var lastLook: Instant?

    /// The events of late, so that a pod that is being tried misses none.
    private var eventNumber = 0
    private var recent: [(number: Int, event: ClusterEvent)] = []
    private static let recentLimit = 256
    private var takenCount = 0
    /// Pods that room is being made for: they are not tried before that is done. True: something has happened since that
    /// may help.
    private var heldBack: [ObjectKey: Bool] = [:]

    init(initialBackoff: Duration = .seconds(1), maximumBackoff: Duration = .seconds(10)) {
        self.initialBackoff = initialBackoff
        self.maximumBackoff = maximumBackoff
    }

    var count: Int { entries.count }
    var isActiveEmpty: Bool { activeCount == 0 }

    // MARK: Coming and going

    /// A pod that has no node has come or changed. What is the same but for its status stays where it is.
    /// - Parameter isHeld: It cannot be tried before something else has been made; `set` again then.
    mutating func set(_ pod: PodInfo, isHeld: Bool = false, now: Instant) {
        let isGated = isHeld || !pod.schedulingGates.isEmpty
        guard var (entry, place, _) = entries[pod.key] else {
            insert(Entry(pod: pod), isGated ? .gated : .active, now: now)
            return
        }
        let changed =
            entry.pod.uid != pod.uid || entry.pod.generation != pod.generation || entry.pod.labels != pod.labels
            || entry.pod.schedulingGates != pod.schedulingGates || entry.pod.claims != pod.claims
        if entry.pod.uid != pod.uid {
            entry = Entry(pod: pod)
            if place == .taken { takenCount -= 1 }
            insert(entry, isGated ? .gated : .active, now: now)
            return
        }
        entry.pod = pod
        switch place {
        case .taken: entries[pod.key]?.entry = entry
        case .gated where !isGated: insert(entry, .active, now: now)
        case .unschedulable where changed && heldBack[pod.key] == nil:
            insert(entry, isBackingOff(entry, now) ? .backoff : .active, now: now)
        default: entries[pod.key]?.entry = entry
        }
    }

    mutating func remove(_ key: ObjectKey) {
        guard let (_, place, _) = entries.removeValue(forKey: key) else { return }
        unschedulable.remove(key)
        heldBack[key] = nil
        if place == .active { activeCount -= 1 }
        if place == .taken { ended() }
    }

    private mutating func insert(_ entry: Entry, _ place: Place, now: Instant) {
        let key = entry.pod.key
        if entries[key]?.place == .active { activeCount -= 1 }
        unschedulable.remove(key)
        sequence += 1
        entries[key] = (entry, place, sequence)
        switch place {
        case .active:
            activeCount += 1
            active.insert(
                Active(priority: entry.pod.priority, created: entry.pod.created, sequence: sequence, key: key))
        case .backoff: backoff.insert(Backoff(due: due(entry) ?? now, sequence: sequence, key: key))
        case .unschedulable: unschedulable.insert(key)
        case .gated, .taken: break
        }
    }

    /// When a pod that failed may be tried again.
    private func due(_ entry: Entry) -> Instant? {
        guard let last = entry.lastFailure, entry.failures > 0 else { return nil }
        return last + min(maximumBackoff, initialBackoff * (1 << min(entry.failures - 1, 10)))
    }

    private func isBackingOff(_ entry: Entry, _ now: Instant) -> Bool { (due(entry) ?? now) > now }

    // MARK: Trying

    /// The next pod to try. `placed`, `failed` or `remove` must follow.
    mutating func take(now: Instant) -> PodInfo? {
        while let first = active.min {
            active.removeMin()
            guard var (entry, place, sequence) = entries[first.key], sequence == first.sequence, place == .active
            else { continue }
            activeCount -= 1
            takenCount += 1
            entry.takenAt = eventNumber
            place = .taken
            entries[first.key] = (entry, place, sequence)
            return entry.pod
        }
        return takeEarly(now: now)
    }

    /// With nothing else to do, a pod need not wait for its backoff to end, if it failed for want of a node rather than
    /// by an error.
    private mutating func takeEarly(now: Instant) -> PodInfo? {
        var kept: [Backoff] = []
        defer { for element in kept { backoff.insert(element) } }
        while let first = backoff.min {
            backoff.removeMin()
            guard var (entry, place, sequence) = entries[first.key], sequence == first.sequence, place == .backoff
            else { continue }
            if first.due > now, entry.plugins.isEmpty {
                kept.append(first)
                continue
            }
            takenCount += 1
            entry.takenAt = eventNumber
            place = .taken
            entries[first.key] = (entry, place, sequence)
            return entry.pod
        }
        return nil
    }

    /// The pod has got its node; nothing more is to be done about it.
    mutating func placed(_ key: ObjectKey) { remove(key) }

    /// The pod was tried and has no node. With `plugins`, these refused it; without, something went wrong.
    mutating func failed(_ key: ObjectKey, plugins: Set<Plugin>, now: Instant) {
        guard var (entry, place, _) = entries[key], place == .taken else { return }
        entry.failures += 1
        entry.lastFailure = now
        entry.plugins = plugins
        let pod = entry.pod
        let takenAt = entry.takenAt
        let helped =
            recent.count >= Self.recentLimit
            || recent.contains { event in
                event.number > takenAt && plugins.contains { $0.mayBeHelped(by: event.event, pod) }
            }
        insert(entry, plugins.isEmpty || helped ? .backoff : .unschedulable, now: now)
        ended()
    }

    /// Puts a pod back that had been placed, because the API did not take the decision.
    mutating func putBack(_ pod: PodInfo, failures: Int, now: Instant) {
        guard entries[pod.key] == nil else { return }
        var entry = Entry(pod: pod)
        entry.failures = max(1, failures)
        entry.lastFailure = now
        insert(entry, .backoff, now: now)
    }

    /// Room is being made for a pod that has just failed: it is not tried until `release`.
    mutating func holdBack(_ key: ObjectKey) {
        guard entries[key]?.place == .unschedulable else { return }
        heldBack[key] = false
    }

    /// The victims are on their way out, or could not be sent there.
    mutating func release(_ key: ObjectKey, failed: Bool, now: Instant) {
        guard let happened = heldBack.removeValue(forKey: key), happened || failed,
            let (entry, place, _) = entries[key], place == .unschedulable
        else { return }
        insert(entry, isBackingOff(entry, now) ? .backoff : .active, now: now)
    }

    private mutating func ended() {
        takenCount -= 1
        if takenCount <= 0 {
            takenCount = 0
            recent.removeAll(keepingCapacity: true)
        }
    }

    // MARK: Events

    /// Something changed: pods that it may help are tried again.
    mutating func happened(_ event: ClusterEvent, now: Instant) {
        eventNumber += 1
        if takenCount > 0, recent.count < Self.recentLimit { recent.append((eventNumber, event)) }
        for key in unschedulable {
            guard let entry = entries[key]?.entry,
                entry.plugins.contains(where: { $0.mayBeHelped(by: event, entry.pod) })
            else { continue }
            if heldBack[key] != nil {
                heldBack[key] = true
                continue
            }
            insert(entry, isBackingOff(entry, now) ? .backoff : .active, now: now)
        }
    }

    /// Moves what has waited long enough. To be called once in a while, and at `nextDue`.
    mutating func flush(now: Instant) {
        while let first = backoff.min, first.due <= now {
            backoff.removeMin()
            guard let (entry, place, sequence) = entries[first.key], sequence == first.sequence, place == .backoff
            else { continue }
            insert(entry, .active, now: now)
        }
        if let lastLook, now - lastLook < .seconds(10) { return }
        lastLook = now
        for key in unschedulable where heldBack[key] == nil {
            guard let entry = entries[key]?.entry, let last = entry.lastFailure, now - last > Self.unschedulableLimit
            else { continue }
            insert(entry, .active, now: now)
        }
    }

    /// When a backoff ends next.
    var nextDue: Instant? { backoff.min?.due }

    /// Whether a pod waits for something to be made before it is tried.
    func isGated(_ key: ObjectKey, uid: String) -> Bool {
        entries[key].map { $0.place == .gated && $0.entry.pod.uid == uid } ?? false
    }

    /// Where a pod waits, for tests.
    func place(of key: ObjectKey) -> String? { entries[key].map { "\($0.place)" } }
}
