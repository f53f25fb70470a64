// How fast decisions are; run with MARTLET_MEASURE=1.
import Glibc
import KubeTypes
import Testing

@testable import Scheduler

@Suite struct Throughput {
    @Test(.enabled(if: getenv("MARTLET_MEASURE") != nil)) func decisions() {
        let now = ContinuousClock.now
        for (what, spec, zones) in [
            ("plain", "{}", false), ("with zones", "{}", true),
            ("with a node selector", #"{"nodeSelector": {"kubernetes.io/os": "linux"}}"#, true),
        ] {
            var core = SchedulerCore(seed: 1)
            for number in 0..<1000 {
                var labels = ["kubernetes.io/os": "linux", "kubernetes.io/arch": "amd64"]
                if zones { labels["topology.kubernetes.io/zone"] = "z\(number % 3)" }
                core.nodeChanged(makeNode("node-\(number)", labels: labels), now: now)
            }
            let pods = (0..<3000).map {
                PodInfo(
                    makePod(
                        "p\($0)", "cpu=100m,memory=128Mi", labels: ["app": "a\($0 % 10)"], owner: "web-\($0 % 10)",
                        spec: spec))
            }
            for pod in pods { core.podChanged(pod, now: now) }
            var bound = 0
            let time = ContinuousClock().measure {
                while case .bind = core.step(now: now) { bound += 1 }
            }
            #expect(bound == 3000)
            print("\(what): \(bound) pods on 1,000 nodes: \(Int(Double(bound) / (time / .seconds(1)))) /s")
        }
        let pod = makePod("p", "cpu=100m,memory=128Mi", labels: ["app": "a"], owner: "web")
        let reading = ContinuousClock().measure { for _ in 0..<3000 { _ = PodInfo(pod) } }
        print("reading a pod: \(reading / 3000)")
    }
}
