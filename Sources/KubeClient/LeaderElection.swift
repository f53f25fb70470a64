import KubeTypes
import Logging
import Synchronization

/// Lets one of several candidates work at a time: the one that holds a Lease and renews it. A holder that has not renewed
/// for the lease's duration, by the clock of whoever waits, is taken for dead.
///
/// The protocol, and its numbers, are client-go's, so that candidates of either kind can share a Lease.
public struct LeaderElection: Sendable {
    public struct Options: Sendable {
        public var name: String
        public var namespace: String
        /// Tells candidates apart.
        public var identity: String
        /// How long others wait after the last renewal that they have seen.
        public var leaseDuration = Duration.seconds(15)
        /// How long the holder tries to renew before it gives up; less than the lease's duration.
        public var renewDeadline = Duration.seconds(10)
        public var retryPeriod = Duration.seconds(2)

        public init(name: String, namespace: String = "kube-system", identity: String) {
            self.name = name
            self.namespace = namespace
            self.identity = identity
        }
    }

    private let client: KubeClient
    private let options: Options
    private let clock: DelayClock
    private let now: @Sendable () -> Time
    private let logger: Logger

    public init(
        client: KubeClient, options: Options, clock: DelayClock = .continuous,
        now: @escaping @Sendable () -> Time = { wallClockTime() }, logger: Logger = Logger(label: "leader-election")
    ) {
        self.client = client
        self.options = options
        self.clock = clock
        self.now = now
        self.logger = logger
    }

    /// Waits for the Lease, and works as long as it is held; then begins anew, until the task is cancelled. The work is
    /// cancelled, and waited for, when the Lease is lost; a cancelled task gives the Lease back at its end.
    public func run(_ work: @escaping @Sendable () async -> Void) async {
        var candidate = Candidate(identity: options.identity, duration: options.leaseDuration)
        while !Task.isCancelled {
            let begun = clock.now()
            guard await attempt(&candidate, until: begun + options.renewDeadline) else {
                await clock.sleep(clock.now() + options.retryPeriod)
                continue
            }
            logger.info("\(options.identity) leads: \(options.namespace)/\(options.name)")
            let working = Task { await work() }
            await hold(&candidate, since: begun)
            working.cancel()
            await working.value
            if Task.isCancelled { await release(candidate) }
        }
    }

    /// Renews until that fails for too long, or the task is cancelled.
    /// - Parameter since: When the attempt began that took the Lease. Others count from when they see it renewed, which is
    ///   later: whoever counts from here has stopped before they begin.
    private func hold(_ candidate: inout Candidate, since: ContinuousClock.Instant) async {
        var renewed = since
        while !Task.isCancelled {
            let end = renewed + options.renewDeadline
            await clock.sleep(min(clock.now() + options.retryPeriod, end))
            if Task.isCancelled { return }
            let begun = clock.now()
            if begun < end, await attempt(&candidate, until: end) {
                renewed = begun
            } else if clock.now() >= end || candidate.isHeldByOther {
                logger.warning("\(options.identity) leads no longer: \(options.namespace)/\(options.name)")
                return
            }
        }
    }

    /// Tries to take or renew the Lease, and gives up at an instant: an answer that takes longer is no use.
    private func attempt(_ candidate: inout Candidate, until end: ContinuousClock.Instant) async -> Bool {
        let (known, clock) = (candidate, clock)
        let outcome = await withCheckedContinuation { (continuation: CheckedContinuation<(Bool, Candidate), Never>) in
            let first = First(continuation)
            let timer = Task {
                await clock.sleep(end)
                first.resume((false, known))
            }
            Task {
                var candidate = known
                let isHeld = await attempt(&candidate)
                timer.cancel()
                first.resume((isHeld, candidate))
            }
        }
        candidate = outcome.1
        return outcome.0
    }

    /// Whoever comes first answers.
    private final class First: Sendable {
        private let waiting: Mutex<CheckedContinuation<(Bool, Candidate), Never>?>

        init(_ continuation: CheckedContinuation<(Bool, Candidate), Never>) { waiting = Mutex(continuation) }

        func resume(_ outcome: (Bool, Candidate)) {
            let continuation = waiting.withLock { waiting in
                defer { waiting = nil }
                return waiting
            }
            continuation?.resume(returning: outcome)
        }
    }

    /// - Returns: Whether the Lease is this candidate's now.
    private func attempt(_ candidate: inout Candidate) async -> Bool {
        do throws(APIError) {
            let found: Lease?
            do throws(APIError) {
                found = try await client.get(Lease.self, options.name, namespace: options.namespace)
            } catch {
                if !error.isNotFound { throw error }
                found = nil
            }
            guard let spec = candidate.claim(found?.spec, at: clock.now(), now: now()) else { return false }
            var lease = found ?? Lease(name: options.name, namespace: options.namespace)
            lease.spec = spec
            let written = try await found == nil ? client.create(lease) : client.update(lease)
            candidate.observe(written.spec, at: clock.now())
            return true
        } catch {
            logger.debug("the Lease \(options.namespace)/\(options.name): \(error)")
            return false
        }
    }

    private func release(_ candidate: Candidate) async {
        let (client, options, time) = (client, options, now())
        // The task is cancelled already; what it leaves behind is written by another.
        await Task.detached {
            guard var lease = try? await client.get(Lease.self, options.name, namespace: options.namespace),
                lease.spec.holderIdentity == options.identity
            else { return }
            lease.spec.holderIdentity = nil
            lease.spec.leaseDurationSeconds = 1
            lease.spec.renewTime = MicroTime(time)
            _ = try? await client.update(lease)
        }.value
    }

    /// What a candidate knows of the Lease, and what it makes of it.
    struct Candidate: Sendable {
        let identity: String
        let duration: Duration
        private var observed: LeaseSpec?
        private var observedAt: ContinuousClock.Instant?

        init(identity: String, duration: Duration) {
            self.identity = identity
            self.duration = duration
        }

        var isHeldByOther: Bool {
            let holder = observed?.holderIdentity ?? ""
            return !holder.isEmpty && holder != identity
        }

        /// Notes the Lease as it is; its age counts from when it was first seen so.
        mutating func observe(_ spec: LeaseSpec, at instant: ContinuousClock.Instant) {
            if spec != observed { (observed, observedAt) = (spec, instant) }
        }

        /// The Lease to write; nil while another candidate has it.
        mutating func claim(_ current: LeaseSpec?, at instant: ContinuousClock.Instant, now: Time) -> LeaseSpec? {
            if let current { observe(current, at: instant) }
            let holder = current?.holderIdentity ?? ""
            if let current, !holder.isEmpty, holder != identity, let observedAt {
                let held = current.leaseDurationSeconds.map { Duration.seconds($0) } ?? duration
                if instant < observedAt + held { return nil }
            }
            var spec = current ?? LeaseSpec()
            spec.leaseDurationSeconds = max(1, Int(duration.components.seconds))
            spec.renewTime = MicroTime(now)
            if holder != identity {
                spec.holderIdentity = identity
                spec.acquireTime = MicroTime(now)
                spec.leaseTransitions = (current?.leaseTransitions ?? (current == nil ? -1 : 0)) + 1
            }
            return spec
        }
    }
}
