import Glibc
import JSON
import KubeTypes
import Logging
import Synchronization

/// Writes `Event` objects about what a component does, without making it wait.
///
/// Repeats of an event become one object with a growing `count`, many different messages about one thing become one
/// object that says so, and a flood about one object is cut off, all with the numbers of client-go's event correlator.
/// Events of one object reach the API in the order in which they were recorded. What does not fit into the queue, or
/// is refused by the API, is dropped: events inform, nothing may depend on them.
public final class EventRecorder: Sendable {
    public enum EventType: String, Sendable {
        case normal = "Normal"
        case warning = "Warning"
    }

    /// One of several queues that are worked on side by side; an object always goes to the same.
    private struct Lane {
        var waiting: [Event] = []
        var correlator: EventCorrelator
        /// Whether a task is emptying the queue.
        var busy = false
    }

    private struct State {
        var lanes: [Lane]
        var waiting = 0
        var dropped = 0
        /// Nanoseconds of the last event's name, so that no two names are alike.
        var lastName: Int64 = 0
        /// When the next event may be written.
        var nextTurn: ContinuousClock.Instant?
    }

    /// Events of a burst give way to what they tell of: so many are written at once, and then so many a second, until
    /// half of the queue is full. (A client of upstream's writes 50 requests a second at most.)
    private static let burst = 500
    private static let perSecond = 500

    private let client: KubeClient
    private let component: String
    private let host: String
    private let limit: Int
    private let logger: Logger
    private let now: @Sendable () -> Time
    private let state: Mutex<State>

    /// - Parameters:
    ///   - component: Who reports, as `kubectl describe` prints it under *From*: `kubelet`, `default-scheduler`.
    ///   - host: The node the component runs on, if that matters.
    ///   - limit: How many events may wait; more are dropped.
    public init(
        client: KubeClient, component: String, host: String = "", limit: Int = 10_000,
        logger: Logger = Logger(label: "events"), now: @escaping @Sendable () -> Time = { wallClockTime() }
    ) {
        self.client = client
        self.component = component
        self.host = host
        self.limit = limit
        self.logger = logger
        self.now = now
        state = Mutex(State(lanes: Array(repeating: Lane(correlator: EventCorrelator()), count: 8)))
    }

    /// Records that `reason` happened to `object`.
    public func event(regarding object: some KubeObject, type: EventType, reason: String, message: String) {
        event(regarding: Self.reference(to: object), type: type, reason: reason, message: message)
    }

    /// Records that `reason` happened to what the reference names; the way to name a part of an object by `fieldPath`,
    /// as the kubelet does with `spec.containers{web}`.
    public func event(regarding reference: ObjectReference, type: EventType, reason: String, message: String) {
        let time = now()
        var event = Event(["apiVersion": "v1", "kind": "Event"])
        event.involvedObject = reference
        event.reason = reason
        event.message = message
        event.type = type.rawValue
        event.firstTimestamp = time
        event.lastTimestamp = time
        event.count = 1
        var source = EventSource()
        source.component = component
        source.host = host.isEmpty ? nil : host
        event.source = source
        // Required fields of the kind, empty as client-go leaves them for events of this form.
        event.json["eventTime"] = .null
        event.reportingComponent = component
        event.reportingInstance = host
        var hasher = Hasher()
        hasher.combine(reference.kind)
        hasher.combine(reference.namespace)
        hasher.combine(reference.name)
        let hash = hasher.finalize()

        let lane: Int? = state.withLock { state in
            guard state.waiting < limit else {
                state.dropped += 1
                return nil
            }
            state.lastName = max(state.lastName + 1, time.seconds * 1_000_000_000 + Int64(time.nanoseconds))
            event.metadata.name = "\(reference.name ?? "").\(String(state.lastName, radix: 16))"
            event.metadata.namespace = (reference.namespace ?? "").isEmpty ? "default" : reference.namespace
            let lane = Int(UInt(bitPattern: hash) % UInt(state.lanes.count))
            state.lanes[lane].waiting.append(event)
            state.waiting += 1
            if state.lanes[lane].busy { return nil }
            state.lanes[lane].busy = true
            return lane
        }
        if let lane { Task { await self.empty(lane) } }
    }

    /// How many events did not fit into the queue.
    public var dropped: Int { state.withLock { $0.dropped } }

    /// What an event says it is about.
    public static func reference(to object: some KubeObject) -> ObjectReference {
        func kindAndVersion<T: KubeObject>(_ object: T) -> (String, String) { (T.type.kind, T.type.apiVersion) }
        let (kind, apiVersion) = kindAndVersion(object)
        var reference = ObjectReference()
        reference.kind = kind
        reference.namespace = object.metadata.namespace
        reference.name = object.name
        reference.uid = object.metadata.uid
        reference.apiVersion = apiVersion
        reference.resourceVersion = object.metadata.resourceVersion
        return reference
    }

    private func empty(_ lane: Int) async {
        while true {
            let step: (EventCorrelator.Action)? = state.withLock { state in
                while !state.lanes[lane].waiting.isEmpty {
                    let event = state.lanes[lane].waiting.removeFirst()
                    state.waiting -= 1
                    let action = state.lanes[lane].correlator.correlate(event, now: now())
                    if case .skip = action { continue }
                    return action
                }
                state.lanes[lane].busy = false
                return nil
            }
            guard let step else { return }
            await waitForTurn()
            await perform(step)
        }
    }

    private func waitForTurn() async {
        let turn: ContinuousClock.Instant? = state.withLock { state in
            guard state.waiting < limit / 2 else { return nil }
            let now = ContinuousClock.now
            let interval = Duration.seconds(1) / Self.perSecond
            let turn = max(now - interval * Self.burst, state.nextTurn ?? now - interval * Self.burst) + interval
            state.nextTurn = turn
            return turn > now ? turn : nil
        }
        if let turn { try? await Task.sleep(until: turn, clock: .continuous) }
    }

    /// Writes, and tries again while the server cannot be reached.
    private func perform(_ action: EventCorrelator.Action) async {
        var delay = Duration.milliseconds(100)
        for _ in 0..<8 {
            do {
                switch action {
                case .create(let event): try await client.create(event)
                case .count(let event, let patch):
                    do {
                        try await client.patch(
                            Event.self, event.name, namespace: event.namespace, patch, as: .merge)
                    } catch  where error.isNotFound {
                        // It has outlived its time to live in the store: begin anew.
                        try await client.create(event)
                    }
                case .skip: break
                }
                return
            } catch {
                guard error.code == 503 || error.code == 429 else {
                    logger.debug("event refused: \(error)")
                    return
                }
            }
            do { try await Task.sleep(for: delay) } catch { return }
            delay = min(delay * 2, .seconds(5))
        }
        logger.warning("an event could not be written: the API server does not answer")
    }
}

/// The time of day.
public func wallClockTime() -> Time {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    return Time(seconds: Int64(time.tv_sec), nanoseconds: Int32(time.tv_nsec))
}

/// Decides what becomes of an event: a new object, one more in the count of an object that is there, or nothing.
struct EventCorrelator: Sendable {
    enum Action: Sendable {
        case create(Event)
        /// The event is there under this name already; the patch counts it. Should it be gone, the event is complete.
        case count(Event, patch: JSONValue)
        case skip
    }

    /// Numbers of client-go's `tools/record`.
    private static let aggregateFrom = 10
    private static let aggregateInterval = 600.0
    private static let burst = 25.0
    private static let refillPerSecond = 1.0 / 300
    private static let remembered = 4096

    private struct Key: Hashable {
        var kind, namespace, name, uid, fieldPath, type: String
        var reason = ""
        var message = ""
    }
    private struct Similar {
        var messages: Set<String> = []
        var last: Time
    }
    private struct Observation {
        var name: String
        var first: Time?
        var count: Int
    }
    private struct Budget {
        var tokens: Double
        var at: Time
    }

    private var similar = RecentCache<Key, Similar>(limit: remembered)
    private var observed = RecentCache<Key, Observation>(limit: remembered)
    private var budgets = RecentCache<Key, Budget>(limit: remembered)

    mutating func correlate(_ incoming: Event, now: Time) -> Action {
        var event = incoming
        let about = event.involvedObject ?? ObjectReference()
        let object = Key(
            kind: about.kind ?? "", namespace: about.namespace ?? "", name: about.name ?? "", uid: about.uid ?? "",
            fieldPath: "", type: event.type ?? "")

        // Similar events: the same but for the message.
        var kindOfEvent = object
        kindOfEvent.reason = event.reason ?? ""
        var group = similar[kindOfEvent] ?? Similar(last: now)
        if now.since(group.last) > Self.aggregateInterval { group.messages = [] }
        group.last = now
        group.messages.insert(event.message ?? "")
        var key = kindOfEvent
        if group.messages.count < Self.aggregateFrom {
            key.fieldPath = about.fieldPath ?? ""
            key.message = event.message ?? ""
        } else {
            group.messages.removeFirst()
            event.message = "(combined from similar events): \(event.message ?? "")"
        }
        similar[kindOfEvent] = group

        // The same event again.
        let earlier = observed[key]
        if let earlier {
            event.metadata.name = earlier.name
            event.firstTimestamp = earlier.first
            event.count = earlier.count + 1
        }
        observed[key] = Observation(name: event.name, first: event.firstTimestamp, count: event.count ?? 1)

        // A flood about one object.
        var budget = budgets[object] ?? Budget(tokens: Self.burst, at: now)
        budget.tokens = min(Self.burst, budget.tokens + max(0, now.since(budget.at)) * Self.refillPerSecond)
        budget.at = now
        let affordable = budget.tokens >= 1
        if affordable { budget.tokens -= 1 }
        budgets[object] = budget
        guard affordable else { return .skip }

        guard earlier != nil else { return .create(event) }
        return .count(
            event,
            patch: [
                "count": .integer(Int64(event.count ?? 1)), "message": .string(event.message ?? ""),
                "lastTimestamp": event.lastTimestamp?.field ?? .null,
            ])
    }
}

/// A dictionary that forgets what has not been used for a while: at least the `limit` / 2 entries used last are there,
/// and never more than `limit`.
struct RecentCache<Key: Hashable & Sendable, Value: Sendable>: Sendable {
    private var young: [Key: Value] = [:]
    private var old: [Key: Value] = [:]
    private let half: Int

    init(limit: Int) { half = max(1, limit / 2) }

    subscript(key: Key) -> Value? {
        get { young[key] ?? old[key] }
        set {
            if young.count >= half, young[key] == nil {
                old = young
                young = [:]
            }
            young[key] = newValue
        }
    }
}
