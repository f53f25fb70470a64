import JSON
import KubeTypes
import Synchronization
import Testing

@testable import ControllerManager
@testable import KubeClient

private final class Working: Sendable {
    let state = Mutex<(now: Int, most: Int, turns: [String])>((0, 0, []))
}

@Suite struct LeaderElectionTests {
    private func held(by holder: String, transitions: Int = 0) -> LeaseSpec {
        var spec = LeaseSpec()
        spec.holderIdentity = holder
        spec.leaseDurationSeconds = 15
        spec.leaseTransitions = transitions
        spec.renewTime = MicroTime(start)
        return spec
    }

    @Test func aLeaseIsTakenWhenItsHolderIsSilent() throws {
        var candidate = LeaderElection.Candidate(identity: "b", duration: .seconds(15))
        let begin = ContinuousClock.now
        let lease = held(by: "a", transitions: 3)
        // Its age counts from here, whatever time the holder's clock has.
        let first = candidate.claim(lease, at: begin, now: start)
        #expect(first == nil)
        #expect(candidate.isHeldByOther)
        let second = candidate.claim(lease, at: begin + .seconds(14), now: start)
        #expect(second == nil)
        var renewed = lease
        renewed.renewTime = MicroTime(start.adding(seconds: 9))
        let third = candidate.claim(renewed, at: begin + .seconds(14), now: start)
        #expect(third == nil)
        let fourth = candidate.claim(renewed, at: begin + .seconds(28), now: start)
        #expect(fourth == nil)
        let claimed = candidate.claim(renewed, at: begin + .seconds(29), now: start.adding(seconds: 40))
        let taken = try #require(claimed)
        #expect(taken.holderIdentity == "b" && taken.leaseTransitions == 4)
        #expect(taken.acquireTime?.time == start.adding(seconds: 40))
    }

    @Test func aFreeLeaseIsTakenAtOnce() {
        var candidate = LeaderElection.Candidate(identity: "b", duration: .seconds(15))
        let first = candidate.claim(nil, at: .now, now: start)
        #expect(first?.leaseTransitions == 0)
        let second = candidate.claim(held(by: ""), at: .now, now: start)
        #expect(second?.holderIdentity == "b")
        let own = candidate.claim(held(by: "b", transitions: 2), at: .now, now: start)
        #expect(own?.leaseTransitions == 2 && own?.acquireTime == nil)
    }

    @Test func oneWorksAtATime() async {
        let api = FakeAPI()
        let working = Working()
        func candidate(_ name: String) -> Task<Void, Never> {
            var options = LeaderElection.Options(name: "kube-controller-manager", identity: name)
            options.leaseDuration = .seconds(60)
            options.retryPeriod = .milliseconds(5)
            options.renewDeadline = .seconds(40)
            let election = LeaderElection(client: api.client, options: options)
            return Task {
                await election.run {
                    working.state.withLock {
                        $0.now += 1
                        $0.most = max($0.most, $0.now)
                        $0.turns.append(name)
                    }
                    while !Task.isCancelled { try? await Task.sleep(for: .milliseconds(1)) }
                    working.state.withLock { $0.now -= 1 }
                }
            }
        }
        let candidates = ["a", "b", "c"].map { ($0, candidate($0)) }
        #expect(await eventually { working.state.withLock { $0.now } == 1 })
        // The leader stops and gives the Lease back: another follows.
        let first = working.state.withLock { $0.turns[0] }
        for (name, task) in candidates where name == first {
            task.cancel()
            await task.value
        }
        #expect(await eventually { working.state.withLock { $0.turns.count } >= 2 })
        for (_, task) in candidates {
            task.cancel()
            await task.value
        }
        #expect(working.state.withLock { $0.most } == 1)
        #expect(api.objects(Lease.self).first?.spec.holderIdentity == nil)
    }

    /// A renewal that hangs does not keep a leader in office longer than others wait.
    @Test func aLeaderThatHearsNothingStops() async {
        let api = FakeAPI()
        let working = Working()
        let hanging = HangingTransport(api)
        var options = LeaderElection.Options(name: "kube-scheduler", identity: "a")
        options.leaseDuration = .seconds(2)
        options.renewDeadline = .milliseconds(300)
        options.retryPeriod = .milliseconds(20)
        let election = LeaderElection(client: KubeClient(hanging), options: options)
        let task = Task {
            await election.run {
                working.state.withLock { $0.now += 1 }
                while !Task.isCancelled { try? await Task.sleep(for: .milliseconds(1)) }
                working.state.withLock { $0.now -= 1 }
            }
        }
        #expect(await eventually { working.state.withLock { $0.now } == 1 })
        hanging.hang(true)
        #expect(await eventually { working.state.withLock { $0.now } == 0 })
        hanging.hang(false)
        // It is a candidate again.
        #expect(await eventually { working.state.withLock { $0.now } == 1 })
        task.cancel()
        await task.value
    }

    /// Candidates whose requests take their time, get lost or are answered after all, and that crash: whatever happens,
    /// no two of them lead at once, and before long one does.
    @Test(arguments: 0..<200) func neverTwoAtOnce(seed: UInt64) {
        var model = ElectionModel(seed: seed)
        model.run(for: .seconds(300))
        #expect(model.overlaps == 0)
        #expect(model.tenures > 2)
        // Nobody leads for at most a lease, an attempt and what a crash of the next takes.
        #expect(model.longestVacancy < .seconds(60))
    }
}

/// A transport whose requests may be left without an answer.
private final class HangingTransport: KubeTransport {
    private let base: FakeAPI
    private let state = Mutex<(hangs: Bool, waiting: [CheckedContinuation<Void, Never>])>((false, []))

    init(_ base: FakeAPI) { self.base = base }

    func hang(_ hangs: Bool) {
        let waiting = state.withLock { state in
            state.hangs = hangs
            defer { state.waiting = [] }
            return state.waiting
        }
        for continuation in waiting { continuation.resume() }
    }

    func call(_ request: KubeRequest) async throws(APIError) -> JSONValue {
        await withCheckedContinuation { continuation in
            let isFree = state.withLock { state in
                if state.hangs { state.waiting.append(continuation) }
                return !state.hangs
            }
            if isFree { continuation.resume() }
        }
        return try await base.call(request)
    }

    func watch(_ request: KubeRequest) async throws(APIError) -> AsyncThrowingStream<KubeWatchEvent, any Error> {
        try await base.watch(request)
    }
}

/// Three candidates, one Lease and a clock of their own: the steps that `LeaderElection` makes of what `Candidate` says.
private struct ElectionModel {
    private struct Member {
        var candidate: LeaderElection.Candidate
        /// When its tenure ends unless it is renewed.
        var leadsUntil: ContinuousClock.Instant?
        var incarnation = 0
    }

    private enum Step {
        case begin
        /// What was read arrives; the attempt began at an instant.
        case read(LeaseSpec?, Int, since: ContinuousClock.Instant)
        case write(LeaseSpec, Int, since: ContinuousClock.Instant)
        case written(LeaseSpec?, since: ContinuousClock.Instant)
        case crash
    }

    private struct Event {
        let at: ContinuousClock.Instant
        let member: Int
        let incarnation: Int
        let step: Step
    }

    private static let retry = Duration.seconds(2)
    private static let deadline = Duration.seconds(10)

    private var random: SeededGenerator
    private var now = ContinuousClock.now
    private var events: [Event] = []
    private var members: [Member]
    private var lease: (spec: LeaseSpec?, version: Int) = (nil, 0)
    private(set) var overlaps = 0
    private(set) var tenures = 0
    private(set) var longestVacancy = Duration.zero

    init(seed: UInt64) {
        random = SeededGenerator(seed: seed)
        members = (0..<3).map {
            Member(candidate: LeaderElection.Candidate(identity: "m\($0)", duration: .seconds(15)))
        }
        for member in members.indices {
            schedule(.begin, member, after: .milliseconds(member * 300))
            schedule(.crash, member, after: .seconds(20 + chance(100)))
        }
    }

    private mutating func chance(_ limit: Int) -> Int { Int(random.next() % UInt64(limit)) }

    private mutating func schedule(_ step: Step, _ member: Int, after delay: Duration) {
        events.append(
            Event(at: now + delay, member: member, incarnation: members[member].incarnation, step: step))
    }

    /// Mostly quick, now and then as slow as a store in trouble.
    private mutating func delay() -> Duration {
        .milliseconds(chance(10) == 0 ? 1000 + chance(14_000) : 1 + chance(50))
    }

    mutating func run(for length: Duration) {
        let end = now + length
        var vacantSince = now
        while let next = events.indices.min(by: { events[$0].at < events[$1].at }), events[next].at < end {
            let event = events.remove(at: next)
            now = event.at
            if event.incarnation == members[event.member].incarnation { take(event) }
            let leading = members.count { $0.leadsUntil.map { $0 > now } ?? false }
            if leading > 1 { overlaps += 1 }
            if leading > 0 { vacantSince = now }
            longestVacancy = max(longestVacancy, now - vacantSince)
        }
    }

    private mutating func take(_ event: Event) {
        let member = event.member
        if let end = members[member].leadsUntil, now >= end { members[member].leadsUntil = nil }
        switch event.step {
        case .begin:
            // The answer may come when nobody waits for it any more: the next attempt has begun by then.
            if chance(12) > 0 {
                schedule(.read(nil, -1, since: now), member, after: delay())
            }
            schedule(.begin, member, after: Self.retry)
        case .read(_, _, let since):
            let spec = members[member].candidate.claim(lease.spec, at: now, now: start.adding(seconds: seconds))
            guard let spec else {
                if members[member].candidate.isHeldByOther { members[member].leadsUntil = nil }
                return
            }
            schedule(.write(spec, lease.version, since: since), member, after: delay())
        case .write(let spec, let version, let since):
            let isTaken = version != lease.version
            if !isTaken { lease = (spec, version + 1) }
            // The write may be made and its answer lost.
            if chance(12) > 0 { schedule(.written(isTaken ? nil : spec, since: since), member, after: delay()) }
        case .written(let spec, let since):
            guard let spec, now < since + Self.deadline else { return }
            members[member].candidate.observe(spec, at: now)
            if members[member].leadsUntil == nil { tenures += 1 }
            members[member].leadsUntil = max(members[member].leadsUntil ?? now, since + Self.deadline)
        case .crash:
            let identity = "m\(member)-\(members[member].incarnation + 1)"
            members[member] = Member(
                candidate: LeaderElection.Candidate(identity: identity, duration: .seconds(15)),
                incarnation: members[member].incarnation + 1)
            schedule(.begin, member, after: .seconds(1 + chance(10)))
            schedule(.crash, member, after: .seconds(20 + chance(100)))
        }
    }

    private var seconds: Int { Int((now - ContinuousClock.now).components.seconds) + 1_000_000 }
}
