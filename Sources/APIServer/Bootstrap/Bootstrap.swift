// The objects that are there before anybody made them: namespaces, the default policy, priority classes, and the
// service by which pods find the API.

import APISchema
import JSON
import KubeTypes

enum Bootstrap {
    static let namespaces = ["kube-system", "kube-public", "kube-node-lease", "default"]

    static let priorityClasses: [(name: String, value: Int64, description: String)] = [
        (
            "system-node-critical", 2_000_001_000,
            "For what a node cannot work without: not to be moved off its node."
        ),
        (
            "system-cluster-critical", 2_000_000_000,
            "For what the cluster cannot work without: it may be moved to another node."
        ),
    ]

    /// The server itself, to authorization and in events.
    static let user = UserInfo(name: "system:apiserver", groups: ["system:masters", "system:authenticated"])

    static func namespaceObjects() -> [JSONValue] {
        namespaces.map { ["apiVersion": "v1", "kind": "Namespace", "metadata": ["name": .string($0)]] }
    }

    static func priorityClassObjects() -> [JSONValue] {
        priorityClasses.map { one in
            [
                "apiVersion": "scheduling.k8s.io/v1", "kind": "PriorityClass",
                "metadata": ["name": .string(one.name)], "value": .integer(one.value),
                "description": .string(one.description),
            ]
        }
    }

    /// Since when it is written down which tokens in Secrets are used (KEP-2799).
    static func legacyTokenTracking(since now: Time) -> JSONValue {
        [
            "apiVersion": "v1", "kind": "ConfigMap",
            "metadata": [
                "name": "kube-apiserver-legacy-service-account-token-tracking", "namespace": "kube-system",
            ],
            "data": ["since": .string(String(now.description.prefix(10)))],
        ]
    }

    private static let labels: JSONValue = ["component": "apiserver", "provider": "kubernetes"]

    /// The Service `kubernetes` and where it leads.
    /// - Parameter servers: the addresses of all API servers, which listen on one and the same port.
    static func serviceObjects(
        _ configuration: APIServerConfiguration, address: IPv4Address, servers: [String]
    ) -> [JSONValue] {
        let metadata: JSONValue = ["name": "kubernetes", "namespace": "default", "labels": labels]
        let port = JSONValue.integer(Int64(configuration.advertisePort))
        return [
            [
                "apiVersion": "v1", "kind": "Service", "metadata": metadata,
                "spec": [
                    "type": "ClusterIP", "clusterIP": .string(address.description),
                    "ports": [["name": "https", "protocol": "TCP", "port": 443, "targetPort": port]],
                    "sessionAffinity": "None",
                ],
            ],
            [
                "apiVersion": "v1", "kind": "Endpoints",
                "metadata": [
                    "name": "kubernetes", "namespace": "default",
                    "labels": ["endpointslice.kubernetes.io/skip-mirror": "true"],
                ],
                "subsets": [
                    [
                        "addresses": .array(servers.map { ["ip": .string($0)] }),
                        "ports": [["name": "https", "port": port, "protocol": "TCP"]],
                    ]
                ],
            ],
            [
                "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice",
                "metadata": [
                    "name": "kubernetes", "namespace": "default",
                    "labels": ["kubernetes.io/service-name": "kubernetes"],
                ],
                "addressType": "IPv4",
                "endpoints": .array(
                    servers.map { ["addresses": [.string($0)], "conditions": ["ready": true]] }),
                "ports": [["name": "https", "port": port, "protocol": "TCP"]],
            ],
        ]
    }

    /// The range of service addresses as an object (KEP-1880).
    static func serviceRange(_ configuration: APIServerConfiguration) -> JSONValue {
        [
            "apiVersion": "networking.k8s.io/v1", "kind": "ServiceCIDR", "metadata": ["name": "kubernetes"],
            "spec": ["cidrs": [.string(configuration.serviceCIDR)]],
        ]
    }

    /// What a stored object must become to be as it is to be at start; nil if it is.
    static func reconciled(_ stored: JSONValue, with expected: JSONValue) -> JSONValue? {
        switch expected["kind"]?.stringValue {
        case "ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding":
            return BootstrapPolicy.reconciled(stored, with: expected)
        case "Service":
            guard stored[path: "spec", "ports"]?[0]?["targetPort"] != expected[path: "spec", "ports"]?[0]?["targetPort"]
            else { return nil }
            var result = stored
            result.update("spec") { $0["ports"] = expected[path: "spec", "ports"] }
            return result
        case "ConfigMap": return replacing(["data"], in: stored, from: expected)
        case "FlowSchema", "PriorityLevelConfiguration":
            // Whoever has changed the annotation keeps what he made of it.
            guard stored.annotations?[FairnessBootstrap.autoUpdate]?.stringValue != "false" else { return nil }
            return replacing(["spec"], in: stored, from: expected)
        case "APIService":
            // One that somebody made to lead elsewhere stays.
            guard APIServiceStrategy.isLocal(stored) else { return nil }
            return replacing(["spec"], in: stored, from: expected)
        case "Endpoints": return replacing(["subsets"], in: stored, from: expected)
        case "EndpointSlice": return replacing(["endpoints", "ports"], in: stored, from: expected)
        default: return nil
        }
    }

    private static func replacing(_ fields: [String], in stored: JSONValue, from expected: JSONValue) -> JSONValue? {
        var result = stored
        for field in fields { result[field] = expected[field] }
        return result == stored ? JSONValue?.none : result
    }
}
