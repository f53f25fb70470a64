import JSON
import Testing

@testable import KubeTypes

@Suite struct QuotaTests {
    private static let now = Time(seconds: 1_800_000_000)

    private static func evaluator(_ name: String) -> QuotaEvaluator? {
        let parts = name.split(separator: ".", maxSplits: 1).map(String.init)
        return QuotaEvaluator(group: parts.count > 1 ? parts[1] : "", resource: parts[0])
    }

    private static func container(_ requests: JSONValue, _ limits: JSONValue = [:], always: Bool = false) -> JSONValue {
        var container: JSONValue = ["name": "c", "resources": ["requests": requests, "limits": limits]]
        if always { container["restartPolicy"] = "Always" }
        return container
    }

    @Test(
        arguments: [
            (
                "pods", ["spec": ["containers": [container(["cpu": "100m"]), container(["cpu": "200m"])]]],
                "count/pods=1,cpu=300m,pods=1,requests.cpu=300m"
            ),
            // An init container that needs more than all others together; a sidecar beside those.
            (
                "pods",
                [
                    "spec": [
                        "initContainers": [
                            container(["cpu": "100m"], always: true), container(["cpu": "1"], ["cpu": "2"]),
                        ], "containers": [container(["cpu": "100m"])], "overhead": ["cpu": "10m", "memory": "5Mi"],
                    ]
                ],
                "count/pods=1,cpu=1110m,limits.cpu=2010m,memory=5Mi,pods=1,requests.cpu=1110m,requests.memory=5Mi"
            ),
            (
                "pods",
                [
                    "spec": [
                        "resources": ["requests": ["cpu": "2"]],
                        "containers": [container(["cpu": "1", "example.com/gpu": "2", "hugepages-2Mi": "4Mi"])],
                    ]
                ],
                "count/pods=1,cpu=2,hugepages-2Mi=4Mi,pods=1,requests.cpu=2,requests.example.com/gpu=2,"
                    + "requests.hugepages-2Mi=4Mi"
            ),
            (
                "pods", ["spec": ["containers": [container(["cpu": "1"])]], "status": ["phase": "Succeeded"]],
                "count/pods=1"
            ),
            (
                "services", ["spec": ["type": "NodePort", "ports": [["port": 1], ["port": 2]]]],
                "count/services=1,services=1,services.loadbalancers=0,services.nodeports=2"
            ),
            (
                "services",
                [
                    "spec": [
                        "type": "LoadBalancer", "allocateLoadBalancerNodePorts": false,
                        "ports": [["port": 1], ["port": 2, "nodePort": 30000]],
                    ]
                ], "count/services=1,services=1,services.loadbalancers=1,services.nodeports=1"
            ),
            (
                "persistentvolumeclaims",
                ["spec": ["storageClassName": "gold", "resources": ["requests": ["storage": "1Gi"]]]],
                "count/persistentvolumeclaims=1,gold.storageclass.storage.k8s.io/persistentvolumeclaims=1,"
                    + "gold.storageclass.storage.k8s.io/requests.storage=1Gi,persistentvolumeclaims=1,"
                    + "requests.storage=1Gi"
            ),
            ("secrets", [:], "count/secrets=1,secrets=1"), ("deployments.apps", [:], "count/deployments.apps=1"),
        ] as [(String, JSONValue, String)])
    func usage(_ resource: String, _ object: JSONValue, _ expected: String) throws {
        let evaluator = try #require(Self.evaluator(resource))
        #expect(evaluator.usage(of: object, now: Self.now).listing == expected)
    }

    @Test(
        arguments: [
            ("count/jobs.batch", "jobs.batch"), ("count/pods", "pods"), ("secrets", "secrets"),
            ("limits.memory", "pods"), ("services.nodeports", "services"),
            ("x.storageclass.storage.k8s.io/requests.storage", "persistentvolumeclaims"),
            ("requests.example.com/gpu", "pods"), ("requests.hugepages-2Mi", "pods"), ("nonsense", nil),
        ] as [(String, String?)])
    func names(_ name: String, _ resource: String?) {
        #expect(QuotaEvaluator.counting(name) == resource.flatMap(Self.evaluator))
    }

    @Test func eventsCountNowhere() { #expect(QuotaEvaluator(group: "events.k8s.io", resource: "events") == nil) }

    @Test func podsThatShouldBeGoneCountNoMore() {
        var pod: JSONValue = ["metadata": ["deletionGracePeriodSeconds": 30]]
        pod["metadata"]?["deletionTimestamp"] = Self.now.adding(seconds: -31).field
        #expect(!QuotaEvaluator.isCharged(pod, now: Self.now))
        pod["metadata"]?["deletionTimestamp"] = Self.now.adding(seconds: -29).field
        #expect(QuotaEvaluator.isCharged(pod, now: Self.now))
    }

    @Test func scopes() throws {
        let evaluator = try #require(Self.evaluator("pods"))
        func matches(_ scope: QuotaScope, _ spec: JSONValue) -> Bool { evaluator.matches([scope], ["spec": spec]) }
        let idle: JSONValue = ["containers": [Self.container([:])]]
        let busy: JSONValue = ["containers": [Self.container(["cpu": "1"])]]
        #expect(matches(QuotaScope("BestEffort"), idle) && !matches(QuotaScope("BestEffort"), busy))
        #expect(matches(QuotaScope("NotBestEffort"), busy) && !matches(QuotaScope("NotBestEffort"), idle))
        #expect(matches(QuotaScope("Terminating"), ["activeDeadlineSeconds": 1]))
        #expect(matches(QuotaScope("NotTerminating"), idle))
        let high: JSONValue = ["priorityClassName": "high"]
        #expect(matches(QuotaScope("PriorityClass"), high) && !matches(QuotaScope("PriorityClass"), idle))
        #expect(matches(QuotaScope("PriorityClass", operator: "In", values: ["high", "low"]), high))
        #expect(!matches(QuotaScope("PriorityClass", operator: "NotIn", values: ["high"]), high))
        #expect(matches(QuotaScope("PriorityClass", operator: "NotIn", values: ["high"]), idle))
        #expect(matches(QuotaScope("PriorityClass", operator: "DoesNotExist"), idle))
        let affine: JSONValue = [
            "affinity": [
                "podAntiAffinity": [
                    "preferredDuringSchedulingIgnoredDuringExecution": [["podAffinityTerm": ["namespaceSelector": [:]]]]
                ]
            ]
        ]
        #expect(matches(QuotaScope("CrossNamespacePodAffinity"), affine))
        #expect(!matches(QuotaScope("CrossNamespacePodAffinity"), idle))
        #expect(Self.evaluator("secrets")?.matches([QuotaScope("BestEffort")], [:]) == false)
    }

    @Test func checks() throws {
        let evaluator = try #require(Self.evaluator("pods"))
        let quota: JSONValue = [
            "metadata": ["name": "q"],
            "status": ["hard": ["pods": "2", "memory": "1Gi"], "used": ["pods": "1", "memory": "512Mi"]],
        ]
        func check(_ memory: String, old: JSONValue? = nil) -> QuotaCheck.Outcome {
            QuotaCheck.check(
                quota, evaluator, ["spec": ["containers": [Self.container(["memory": .string(memory)])]]], old: old,
                now: Self.now)
        }
        #expect(
            check("512Mi") == .fits(used: ["pods": Quantity(2), "memory": Quantity(1 << 30, format: .binary)]))
        #expect(
            check("600Mi")
                == .refused(
                    "exceeded quota: q, requested: memory=600Mi, used: memory=512Mi, limited: memory=1Gi"))
        // What it used before is paid for.
        #expect(check("600Mi", old: ["spec": ["containers": [Self.container(["memory": "600Mi"])]]]) == .unconcerned)
        #expect(
            QuotaCheck.check(
                quota, evaluator, ["spec": ["containers": [["name": "a"], ["name": "b"]]]], old: nil, now: Self.now)
                == .refused("failed quota: q: must specify memory for: a,b"))
    }
}
