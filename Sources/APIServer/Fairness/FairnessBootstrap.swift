// The flow schemas and priority levels that every cluster begins with (KEP-1040), in a compact notation.

import JSON

enum FairnessBootstrap {
    static let autoUpdate = "apf.kubernetes.io/autoupdate-spec"

    /// Name, shares, percent that may be lent, and how many queues, of which each flow gets how many; no queues reject.
    private static let levels: [(name: String, shares: Int64, lendable: Int64, queues: Int64, hand: Int64)] = [
        ("catch-all", 5, 0, 0, 0), ("system", 30, 33, 64, 6), ("node-high", 40, 25, 64, 6),
        ("leader-election", 10, 0, 16, 4), ("workload-high", 40, 50, 128, 6), ("workload-low", 100, 90, 128, 6),
        ("global-default", 20, 50, 128, 6),
    ]

    private enum Subject {
        case user(String)
        case group(String)
        case accounts(String)
    }

    private struct Flow {
        var name: String
        var level: String
        var precedence: Int64
        /// `ByUser`, `ByNamespace` or empty.
        var by: String
        var subjects: [Subject]
        /// Verbs, group and resources; nil covers everything, paths that are no resources included.
        var resources: [(verbs: [String], group: String, names: [String], clusterScope: Bool)]?
        var paths: [String] = []
    }

    private static let everyone: [Subject] = [.group("system:unauthenticated"), .group("system:authenticated")]

    private static let flows: [Flow] = [
        Flow(name: "exempt", level: "exempt", precedence: 1, by: "", subjects: [.group("system:masters")]),
        Flow(
            name: "probes", level: "exempt", precedence: 2, by: "", subjects: everyone, resources: [],
            paths: ["/healthz", "/readyz", "/livez"]),
        Flow(
            name: "system-leader-election", level: "leader-election", precedence: 100, by: "ByUser",
            subjects: [
                .user("system:kube-controller-manager"), .user("system:kube-scheduler"), .accounts("kube-system"),
            ], resources: [(["get", "create", "update"], "coordination.k8s.io", ["leases"], false)]),
        Flow(
            name: "system-node-high", level: "node-high", precedence: 400, by: "ByUser",
            subjects: [.group("system:nodes")],
            resources: [
                (["*"], "", ["nodes", "nodes/status"], true), (["*"], "coordination.k8s.io", ["leases"], false),
            ]),
        Flow(name: "system-nodes", level: "system", precedence: 500, by: "ByUser", subjects: [.group("system:nodes")]),
        Flow(
            name: "kube-controller-manager", level: "workload-high", precedence: 800, by: "ByNamespace",
            subjects: [.user("system:kube-controller-manager")]),
        Flow(
            name: "kube-scheduler", level: "workload-high", precedence: 800, by: "ByNamespace",
            subjects: [.user("system:kube-scheduler")]),
        Flow(
            name: "kube-system-service-accounts", level: "workload-high", precedence: 900, by: "ByNamespace",
            subjects: [.accounts("kube-system")]),
        Flow(
            name: "service-accounts", level: "workload-low", precedence: 9000, by: "ByUser",
            subjects: [.group("system:serviceaccounts")]),
        Flow(name: "global-default", level: "global-default", precedence: 9900, by: "ByUser", subjects: everyone),
        Flow(name: "catch-all", level: "catch-all", precedence: 10000, by: "ByUser", subjects: everyone),
    ]

    /// The objects that cannot be done without: they are made again when somebody deletes them.
    static let mandatory: Set<String> = ["exempt", "catch-all"]

    static let levelObjects: [JSONValue] =
        [
            object(
                "PriorityLevelConfiguration", "exempt",
                ["type": "Exempt", "exempt": ["nominalConcurrencyShares": 0, "lendablePercent": 0]])
        ]
        + levels.map { level in
            var response: JSONObject = ["type": "Reject"]
            if level.queues > 0 {
                response = [
                    "type": "Queue",
                    "queuing": [
                        "queues": .integer(level.queues), "handSize": .integer(level.hand), "queueLengthLimit": 50,
                    ],
                ]
            }
            return object(
                "PriorityLevelConfiguration", level.name,
                [
                    "type": "Limited",
                    "limited": [
                        "nominalConcurrencyShares": .integer(level.shares), "limitResponse": .object(response),
                        "lendablePercent": .integer(level.lendable),
                    ],
                ])
        }

    static let flowObjects: [JSONValue] = flows.map { flow in
        var spec: JSONObject = [
            "priorityLevelConfiguration": ["name": .string(flow.level)],
            "matchingPrecedence": .integer(flow.precedence),
        ]
        if !flow.by.isEmpty { spec["distinguisherMethod"] = ["type": .string(flow.by)] }
        var rule: JSONObject = ["subjects": .array(flow.subjects.map(json))]
        if let resources = flow.resources {
            if !resources.isEmpty {
                rule["resourceRules"] = .array(
                    resources.map { resourceRule($0.verbs, $0.group, $0.names, clusterScope: $0.clusterScope) })
            }
            if !flow.paths.isEmpty {
                rule["nonResourceRules"] = [["verbs": ["get"], "nonResourceURLs": strings(flow.paths)]]
            }
        } else {
            rule["resourceRules"] = [resourceRule(["*"], "*", ["*"], clusterScope: true)]
            rule["nonResourceRules"] = [["verbs": ["*"], "nonResourceURLs": ["*"]]]
        }
        spec["rules"] = [.object(rule)]
        return object("FlowSchema", flow.name, .object(spec))
    }

    private static func object(_ kind: String, _ name: String, _ spec: JSONValue) -> JSONValue {
        [
            "apiVersion": "flowcontrol.apiserver.k8s.io/v1", "kind": .string(kind),
            "metadata": ["name": .string(name), "annotations": [autoUpdate: "true"]], "spec": spec,
        ]
    }

    private static func resourceRule(_ verbs: [String], _ group: String, _ names: [String], clusterScope: Bool)
        -> JSONValue
    {
        var rule: JSONObject = ["verbs": strings(verbs), "apiGroups": [.string(group)], "resources": strings(names)]
        if clusterScope { rule["clusterScope"] = true }
        rule["namespaces"] = ["*"]
        return .object(rule)
    }

    private static func json(_ subject: Subject) -> JSONValue {
        switch subject {
        case .user(let name): ["kind": "User", "user": ["name": .string(name)]]
        case .group(let name): ["kind": "Group", "group": ["name": .string(name)]]
        case .accounts(let namespace):
            ["kind": "ServiceAccount", "serviceAccount": ["namespace": .string(namespace), "name": "*"]]
        }
    }

    private static func strings(_ values: [String]) -> JSONValue { .array(values.map(JSONValue.string)) }
}
