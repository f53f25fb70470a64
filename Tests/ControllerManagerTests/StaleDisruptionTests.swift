import JSON
import KubeClient
import KubeTypes
import Testing

@testable import ControllerManager

@Suite(.serialized) struct StaleDisruptionTests {
    private func disrupted(_ reason: String = "EvictionByEvictionAPI", phase: String = "Running") -> Pod {
        var made = pod("p", phase: phase)
        var condition = PodCondition()
        condition.type = "DisruptionTarget"
        condition.status = "True"
        condition.reason = reason
        condition.lastTransitionTime = start
        made.status.conditions.append(condition)
        return made
    }

    @Test func conditionsAreWithdrawnAfterAWhile() {
        #expect(StaleDisruption.secondsLeft(disrupted(), now: start.adding(seconds: 20)) == 100)
        #expect(StaleDisruption.secondsLeft(disrupted(), now: start.adding(seconds: 500)) == 0)
        #expect(StaleDisruption.secondsLeft(disrupted("TerminationByKubelet"), now: start) == nil)
        #expect(StaleDisruption.secondsLeft(disrupted(phase: "Failed"), now: start) == nil)
        #expect(StaleDisruption.secondsLeft(pod("p"), now: start) == nil)
    }

    @Test func theControllerWithdrawsThem() async throws {
        let api = FakeAPI()
        let clock = FakeClock(start.adding(seconds: 500))
        api.put(disrupted())
        try await withControllers(["disruption-controller"], api, clock: clock) {
            #expect(
                await eventually {
                    api.object(Pod.self, "p", namespace: "default")?.condition("DisruptionTarget")?.status == "False"
                })
        }
    }

    @Test func whatHasNoScaleIsSaid() async throws {
        let api = FakeAPI()
        var owner = ControllerRef.make(to: daemonSet())
        owner.apiVersion = "v1"
        owner.kind = "ConfigMap"
        api.put(pod("p", owner: owner))
        try await withControllers(["disruption-controller"], api) {
            var budget = PodDisruptionBudget(name: "b", namespace: "default")
            budget.spec.selector = LabelSelector(["matchLabels": ["app": "web"]])
            budget.spec.maxUnavailable = .int(1)
            try await api.client.create(budget)
            #expect(
                await eventually {
                    api.object(PodDisruptionBudget.self, "b", namespace: "default")?.status.conditions.first?.message
                        == "configmaps does not implement the scale subresource"
                })
        }
    }
}
