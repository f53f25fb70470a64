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
}
