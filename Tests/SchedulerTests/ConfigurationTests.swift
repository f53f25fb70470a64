// What a KubeSchedulerConfiguration changes.
import KubeTypes
import Testing

@testable import Scheduler

@Suite struct ConfigurationTests {
    private func configuration(_ body: String) throws(SchedulerConfigurationError) -> SchedulerConfiguration {
        try SchedulerConfiguration(
            yaml: "apiVersion: kubescheduler.config.k8s.io/v1\nkind: KubeSchedulerConfiguration\n" + body)
    }

    @Test func defaults() throws {
        let plain = try configuration("")
        #expect(plain.profiles == [Profile()])
        #expect(plain.initialBackoff == .seconds(1) && plain.maximumBackoff == .seconds(10))
    }

    @Test func profiles() throws {
        let read = try configuration(
            """
            podInitialBackoffSeconds: 2
            podMaxBackoffSeconds: 20
            percentageOfNodesToScore: 30
            profiles:
            - schedulerName: default-scheduler
            - schedulerName: packer
              percentageOfNodesToScore: 100
              plugins:
                multiPoint:
                  disabled: [{name: InterPodAffinity}]
                  enabled: [{name: ImageLocality, weight: 5}]
                score:
                  disabled: [{name: PodTopologySpread}]
                  enabled: [{name: NodeResourcesFit, weight: 10}]
                postFilter:
                  disabled: [{name: "*"}]
              pluginConfig:
              - name: NodeResourcesFit
                args:
                  ignoredResourceGroups: [example.com]
                  scoringStrategy:
                    type: MostAllocated
                    resources: [{name: cpu, weight: 3}, {name: example.com/gpu}]
              - name: PodTopologySpread
                args:
                  defaultingType: List
                  defaultConstraints: [{maxSkew: 1, topologyKey: zone, whenUnsatisfiable: DoNotSchedule}]
            """)
        #expect(read.initialBackoff == .seconds(2) && read.maximumBackoff == .seconds(20))
        #expect(read.profiles.map(\.name) == ["default-scheduler", "packer"])
        let packer = read.profiles[1]
        #expect(read.profiles[0].enough(of: 1000) == 300 && packer.enough(of: 1000) == 1000)
        #expect(!packer.filters.contains(.interPodAffinity) && packer.filters.contains(.podTopologySpread))
        #expect(packer.weights[.interPodAffinity] == nil && packer.weights[.podTopologySpread] == nil)
        #expect(packer.weights[.imageLocality] == 5 && packer.weights[.nodeResourcesFit] == 10)
        #expect(!packer.preempts && packer.fit.kind == .mostAllocated)
        #expect(packer.fit.resources == [.init(name: "cpu", weight: 3), .init(name: "example.com/gpu", weight: 1)])
        #expect(packer.defaultSpread == [.init(maxSkew: 1, topologyKey: "zone", isHard: true)])
    }

    @Test(arguments: [
        ("profiles: [{}, {}]", "profiles[0].schedulerName: Required value"),
        (
            "profiles: [{schedulerName: a}, {schedulerName: a}]",
            #"profiles[1].schedulerName: Duplicate value: "a""#
        ),
        (
            "profiles: [{plugins: {filter: {enabled: [{name: Mine}]}}}]",
            #"profiles[0].plugins.filter.enabled[0].name: Invalid value: "Mine": no such plugin"#
        ),
        ("percentageOfNodesToScore: 101", "percentageOfNodesToScore: Invalid value: 101: not in valid range [0-100]"),
        ("podInitialBackoffSeconds: 0", "podInitialBackoffSeconds: Invalid value: 0: not in valid range [1-86400]"),
        (
            "podInitialBackoffSeconds: 20",
            "podMaxBackoffSeconds: Invalid value: 10: must be greater than or equal to PodInitialBackoffSeconds"
        ),
        ("extenders: [{urlPrefix: http://x}]", "extenders: not implemented: filters and scores are those built in"),
        (
            "profiles: [{pluginConfig: [{name: NodeResourcesFit, args: {scoringStrategy: {type: Best}}}]}]",
            #"profiles[0].pluginConfig[0].args.scoringStrategy.type: Unsupported value: "Best": supported values: "#
                + #""LeastAllocated", "MostAllocated", "RequestedToCapacityRatio""#
        ),
    ])
    func mistakes(body: String, message: String) {
        do throws(SchedulerConfigurationError) {
            _ = try configuration(body)
            Issue.record("\(body) is taken")
        } catch {
            #expect(error.description == message)
        }
    }

    @Test func strategies() {
        let nodes = [makeNode("busy"), makeNode("idle")]
        let state = snapshot(nodes, [makePod("a", "cpu=2,memory=4Gi", node: "busy")])
        var packer = Profile()
        packer.fit.kind = .mostAllocated
        packer.weights = [.nodeResourcesFit: 1]
        #expect(decide(makePod("p", "cpu=1,memory=1Gi"), state, packer) == "busy")
        var curve = packer
        curve.fit.kind = .requestedToCapacityRatio
        curve.fit.shape = [.init(utilization: 0, score: 100), .init(utilization: 100, score: 0)]
        #expect(decide(makePod("p", "cpu=1,memory=1Gi"), state, curve) == "idle")
        #expect(curve.fit.curve(25) == 75 && curve.fit.curve(0) == 100 && curve.fit.curve(100) == 0)
    }

    @Test func imagesDrawPods() {
        var holder = makeNode("holder")
        holder.json["status"]?["images"] = [["names": ["example.com/big:1"], "sizeBytes": 900_000_000]]
        let state = snapshot([holder, makeNode("other")])
        let pod = makePod("p", spec: #"{"containers": [{"name": "c", "image": "example.com/big:1"}]}"#)
        for seed in 1...10 { #expect(decide(pod, state, seed: UInt64(seed)) == "holder") }
        #expect(PodInfo.normalizedImage("host:5000/a") == "host:5000/a:latest")
    }

    @Test func enforcedAffinity() {
        var profile = Profile()
        let required: JSONText =
            #"{"nodeSelectorTerms": [{"matchExpressions": [{"key": "pool", "operator": "Exists"}]}]}"#
        profile.addedAffinity = NodeRequirement(nodeSelector: [:], required: NodeSelector(json(required)))
        let message = decide(makePod("p"), snapshot([makeNode("n")]), profile)
        #expect(message.hasPrefix("0/1 nodes are available: 1 node(s) didn't match scheduler-enforced node affinity."))
        #expect(decide(makePod("p"), snapshot([makeNode("n", labels: ["pool": "x"])]), profile) == "n")
    }

    private typealias JSONText = String
}
