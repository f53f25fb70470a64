// Parses and writes a pod of 8 kB and a list of 1 MB, beside Foundation's JSONSerialization.
//
//     swift run -c release JSONBenchmark

import Foundation
import JSON

/// A pod as it stands in the store after a node has reported on it: about 8 kB.
func pod(_ number: Int) -> JSONValue {
    func container(_ name: String) -> JSONValue {
        [
            "name": .string(name), "image": "registry.example.com/team/\(name):v1.2.3",
            "args": ["--listen=0.0.0.0:8080", "--log-format=json", "--message", "a \"quoted\" word"],
            "ports": [
                ["name": "http", "containerPort": 8080, "protocol": "TCP"],
                ["name": "metrics", "containerPort": 9090, "protocol": "TCP"],
            ],
            "env": .array(
                (0..<8).map { ["name": .string("SETTING_NUMBER_\($0)"), "value": .string("some value of it: \($0)")] }),
            "resources": [
                "limits": ["cpu": "500m", "memory": "256Mi"], "requests": ["cpu": "100m", "memory": "64Mi"],
            ],
            "volumeMounts": [
                [
                    "name": "kube-api-access-x7k2p", "readOnly": true,
                    "mountPath": "/var/run/secrets/kubernetes.io/serviceaccount",
                ], ["name": "data", "mountPath": "/data"],
            ],
            "livenessProbe": [
                "httpGet": ["path": "/healthz", "port": 8080, "scheme": "HTTP"], "timeoutSeconds": 1,
                "periodSeconds": 10, "successThreshold": 1, "failureThreshold": 3,
            ],
            "terminationMessagePath": "/dev/termination-log", "terminationMessagePolicy": "File",
            "imagePullPolicy": "IfNotPresent",
            "securityContext": ["capabilities": ["drop": ["ALL"]], "runAsNonRoot": true],
        ]
    }
    func managed(_ manager: String) -> JSONValue {
        [
            "manager": .string(manager), "operation": "Update", "apiVersion": "v1", "time": "2026-11-21T22:18:53Z",
            "fieldsType": "FieldsV1",
            "fieldsV1": [
                "f:metadata": [
                    "f:generateName": [:], "f:labels": [".": [:], "f:app": [:], "f:pod-template-hash": [:]],
                    "f:ownerReferences": [".": [:], "k:{\"uid\":\"0aa8a2c4-3e1e-4b5a-9a43-6a7b9c0d1e2f\"}": [:]],
                ],
                "f:spec": [
                    "f:containers": ["k:{\"name\":\"web\"}": [".": [:], "f:image": [:], "f:name": [:]]],
                    "f:dnsPolicy": [:], "f:restartPolicy": [:], "f:terminationGracePeriodSeconds": [:],
                ],
            ],
        ]
    }
    func status(_ name: String) -> JSONValue {
        [
            "name": .string(name), "ready": true, "restartCount": 0, "started": true,
            "state": ["running": ["startedAt": "2026-11-21T22:18:53Z"]], "lastState": [:],
            "image": "registry.example.com/team/\(name):v1.2.3",
            "imageID": "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
            "containerID": "containerd://60303ae22b998861bce3b28f33eec1be758a213c86c93c076dbe9f558c11c752",
        ]
    }
    return [
        "kind": "Pod", "apiVersion": "v1",
        "metadata": [
            "name": "helloworld-7d9c5b8f6d-\(number)", "generateName": "helloworld-7d9c5b8f6d-",
            "namespace": "default", "uid": "4c1f6d0e-8f5e-4f0b-9a57-0a4d1c9e1f2b",
            "resourceVersion": "\(1000 + number)",
            "creationTimestamp": "2026-11-21T22:18:53Z",
            "labels": ["app": "helloworld", "pod-template-hash": "7d9c5b8f6d"],
            "ownerReferences": [
                [
                    "apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "helloworld-7d9c5b8f6d",
                    "uid": "0aa8a2c4-3e1e-4b5a-9a43-6a7b9c0d1e2f", "controller": true, "blockOwnerDeletion": true,
                ]
            ], "managedFields": [managed("kube-controller-manager"), managed("kubelet")],
        ],
        "spec": [
            "volumes": [["name": "data", "emptyDir": [:]]],
            "containers": [container("web"), container("sidecar"), container("proxy")],
            "restartPolicy": "Always", "terminationGracePeriodSeconds": 30, "dnsPolicy": "ClusterFirst",
            "serviceAccountName": "default", "nodeName": "node-1", "schedulerName": "default-scheduler",
            "tolerations": [
                ["key": "node.kubernetes.io/not-ready", "operator": "Exists", "effect": "NoExecute"],
                ["key": "node.kubernetes.io/unreachable", "operator": "Exists", "effect": "NoExecute"],
            ], "priority": 0, "enableServiceLinks": true, "preemptionPolicy": "PreemptLowerPriority",
        ],
        "status": [
            "phase": "Running",
            "conditions": .array(
                ["PodReadyToStartContainers", "Initialized", "Ready", "ContainersReady", "PodScheduled"].map {
                    [
                        "type": .string($0), "status": "True", "lastProbeTime": .null,
                        "lastTransitionTime": "2026-11-21T22:18:53Z",
                    ]
                }), "hostIP": "10.0.0.1", "podIP": "10.244.0.17", "podIPs": [["ip": "10.244.0.17"]],
            "startTime": "2026-11-21T22:18:53Z",
            "containerStatuses": [status("web"), status("sidecar"), status("proxy")],
            "qosClass": "Burstable",
        ],
    ]
}

/// Runs `body` for about a second and says how long one run takes.
func measure(_ what: String, bytes: Int, rate: Int = 20_000_000, _ body: () throws -> Void) rethrows {
    for _ in 0..<3 { try body() }
    let clock = ContinuousClock()
    var best = Duration.seconds(1000)
    for _ in 0..<5 {
        let runs = max(1, rate / bytes)
        let time = try clock.measure { for _ in 0..<runs { try body() } } / runs
        best = min(best, time)
    }
    let seconds = Double(best.components.attoseconds) / 1e18 + Double(best.components.seconds)
    let micros = String(format: "%10.1f µs %8.1f MB/s", seconds * 1e6, Double(bytes) / seconds / 1e6)
    print(what.padding(toLength: 40, withPad: " ", startingAt: 0), micros)
}

for (name, value) in [
    ("pod", pod(1)),
    ("list", ["kind": "PodList", "apiVersion": "v1", "items": .array((0..<125).map(pod))] as JSONValue),
] {
    let bytes = JSONWriter.bytes(of: value)
    let data = Data(bytes)
    print("\(name): \(bytes.count) bytes")
    try measure("  JSONParser", bytes: bytes.count) { _ = try JSONParser.parse(bytes) }
    try measure("  JSONSerialization reads", bytes: bytes.count, rate: 5_000_000) {
        _ = try JSONSerialization.jsonObject(with: data)
    }
    let parsed = try JSONParser.parse(bytes)
    measure("  JSONWriter", bytes: bytes.count) { _ = JSONWriter.bytes(of: parsed) }
    let object = try JSONSerialization.jsonObject(with: data)
    try measure("  JSONSerialization writes", bytes: bytes.count, rate: 1_000_000) {
        _ = try JSONSerialization.data(withJSONObject: object)
    }
    let again = try JSONParser.parse(JSONWriter.bytes(of: parsed))
    precondition(again == parsed)
}
