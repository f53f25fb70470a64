// What the simulated user applies.
import JSON
import KubeTypes

enum Manifests {
    /// A template whose pods go where nodes of the pool are, or, without one, where they should not all fail.
    static func template(
        _ app: String, pool: String? = nil, restart: String = "Always", version: Int = 0
    ) -> JSONValue {
        var spec: JSONValue = [
            "containers": [
                [
                    "name": "main", "image": "example/app:1",
                    "env": [["name": "VERSION", "value": .string("\(version)")]],
                    "resources": ["requests": ["cpu": "100m"]],
                ]
            ],
            "restartPolicy": .string(restart), "terminationGracePeriodSeconds": 10,
        ]
        if let pool {
            spec["nodeSelector"] = ["pool": .string(pool)]
            spec["tolerations"] = [["key": "failing", "operator": "Exists"]]
        }
        return ["metadata": ["labels": ["app": .string(app)]], "spec": spec]
    }

    static func metadata(_ name: String, _ namespace: String) -> JSONValue {
        ["name": .string(name), "namespace": .string(namespace)]
    }

    static func deployment(
        _ name: String, _ namespace: String, replicas: Int, pool: String? = nil
    ) -> Deployment {
        Deployment([
            "apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata(name, namespace),
            "spec": [
                "replicas": .integer(Int64(replicas)), "selector": ["matchLabels": ["app": .string(name)]],
                "template": template(name, pool: pool), "progressDeadlineSeconds": 60,
            ],
        ])
    }

    static func statefulSet(
        _ name: String, _ namespace: String, replicas: Int, parallel: Bool = false, pool: String? = nil
    ) -> StatefulSet {
        StatefulSet([
            "apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": metadata(name, namespace),
            "spec": [
                "replicas": .integer(Int64(replicas)), "serviceName": .string(name),
                "podManagementPolicy": parallel ? "Parallel" : "OrderedReady",
                "selector": ["matchLabels": ["app": .string(name)]], "template": template(name, pool: pool),
            ],
        ])
    }

    static func daemonSet(_ name: String, _ namespace: String) -> DaemonSet {
        DaemonSet([
            "apiVersion": "apps/v1", "kind": "DaemonSet", "metadata": metadata(name, namespace),
            "spec": ["selector": ["matchLabels": ["app": .string(name)]], "template": template(name)],
        ])
    }

    static func job(
        _ name: String, _ namespace: String, completions: Int, parallelism: Int, indexed: Bool = false,
        backoffLimit: Int = 100, pool: String? = nil, restart: String = "Never"
    ) -> Job {
        var template = template(name, pool: pool, restart: restart)
        template["metadata"] = [:]
        return Job([
            "apiVersion": "batch/v1", "kind": "Job", "metadata": metadata(name, namespace),
            "spec": [
                "completions": .integer(Int64(completions)), "parallelism": .integer(Int64(parallelism)),
                "completionMode": indexed ? "Indexed" : "NonIndexed",
                "backoffLimit": .integer(Int64(backoffLimit)), "template": template,
            ],
        ])
    }

    static func budget(_ name: String, _ namespace: String, _ rule: JSONValue) -> PodDisruptionBudget {
        var spec = rule
        spec["selector"] = ["matchLabels": ["app": .string(name)]]
        return PodDisruptionBudget([
            "apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": metadata(name, namespace),
            "spec": spec,
        ])
    }

    static func service(_ name: String, _ namespace: String) -> Service {
        Service([
            "apiVersion": "v1", "kind": "Service", "metadata": metadata(name, namespace),
            "spec": ["selector": ["app": .string(name)], "ports": [["port": 80]]],
        ])
    }
}
