import JSON
import KubeTypes
import Testing

@testable import APISchema

/// 2026-11-21T22:00:00Z, to which ages are counted.
private let now = Time("2026-11-21T22:00:00Z") ?? Time(seconds: 0)

private func parse(_ text: String) throws -> JSONValue { try JSONParser.parse(text) }

/// The cells of one object, with numbers and booleans as text.
private func cells(_ group: String, _ kind: String, _ object: JSONValue) -> [String] {
    let table = Printer.table(of: [object], group: group, kind: kind, now: now)
    return table["rows"]?[0]?["cells"]?.arrayValue?.map(\.scalarText) ?? []
}

@Suite struct HumanDurationTests {
    @Test(
        arguments: [
            (-5, "<invalid>"), (-1.5, "0s"), (-0.5, "0s"), (0, "0s"), (1.9, "1s"), (119, "119s"), (120, "2m"),
            (125, "2m5s"),
            (599, "9m59s"), (600, "10m"), (3600, "60m"), (10799, "179m"), (10800, "3h"), (11100, "3h5m"), (28800, "8h"),
            (172_799, "47h"), (172_800, "2d"), (176_400, "2d1h"), (691_199, "7d23h"), (691_200, "8d"),
            (63_071_999, "729d"),
            (63_072_000, "2y"), (63_158_400, "2y1d"), (252_288_000, "8y"), (400_000_000, "12y"),
            (.infinity, "<invalid>"),
        ] as [(Double, String)])
    func texts(_ seconds: Double, _ text: String) { #expect(HumanDuration.text(seconds: seconds) == text) }
}

@Suite struct PodPrinterTests {
    /// Ready, Status and Restarts of a pod with this status and spec.
    private func summary(
        _ status: String, spec: String = "{\"containers\":[{\"name\":\"a\"},{\"name\":\"b\"}]}", deleted: Bool = false
    ) throws -> [String] {
        let deletion = deleted ? ",\"deletionTimestamp\":\"2026-11-21T21:59:00Z\"" : ""
        let pod = try parse(
            "{\"metadata\":{\"name\":\"p\",\"creationTimestamp\":\"2026-11-21T21:55:00Z\"\(deletion)},\"spec\":\(spec),\"status\":\(status)}"
        )
        return Array(cells("", "Pod", pod)[1...3])
    }

    private let running = "{\"ready\":true,\"restartCount\":0,\"state\":{\"running\":{}}}"

    @Test func phasesAndReasons() throws {
        #expect(try summary("{\"phase\":\"Pending\"}") == ["0/2", "Pending", "0"])
        #expect(try summary("{\"phase\":\"Failed\",\"reason\":\"Evicted\"}") == ["0/2", "Evicted", "0"])
        #expect(
            try summary(
                "{\"phase\":\"Pending\",\"conditions\":[{\"type\":\"PodScheduled\",\"status\":\"False\",\"reason\":\"SchedulingGated\"}]}"
            )
                == ["0/2", "SchedulingGated", "0"])
        #expect(
            try summary("{\"phase\":\"Running\",\"containerStatuses\":[\(running),\(running)]}") == [
                "2/2", "Running", "0",
            ])
        #expect(try summary("{\"phase\":\"Running\"}", deleted: true) == ["0/2", "Terminating", "0"])
        #expect(try summary("{\"phase\":\"Succeeded\"}", deleted: true) == ["0/2", "Succeeded", "0"])
        #expect(
            try summary("{\"phase\":\"Running\",\"reason\":\"NodeLost\"}", deleted: true) == ["0/2", "Unknown", "0"])
    }

    @Test func containerStates() throws {
        let waiting =
            "{\"ready\":false,\"restartCount\":3,\"state\":{\"waiting\":{\"reason\":\"CrashLoopBackOff\"}},\"lastState\":{\"terminated\":{\"finishedAt\":\"2026-11-21T21:55:00Z\",\"exitCode\":1}}}"
        #expect(
            try summary("{\"phase\":\"Running\",\"containerStatuses\":[\(waiting),\(running)]}") == [
                "1/2", "CrashLoopBackOff", "3 (5m ago)",
            ])
        let completed =
            "{\"ready\":false,\"restartCount\":0,\"state\":{\"terminated\":{\"reason\":\"Completed\",\"exitCode\":0}}}"
        #expect(
            try summary("{\"phase\":\"Running\",\"containerStatuses\":[\(completed),\(running)]}") == [
                "1/2", "NotReady", "0",
            ])
        #expect(
            try summary(
                "{\"phase\":\"Running\",\"conditions\":[{\"type\":\"Ready\",\"status\":\"True\"}],\"containerStatuses\":[\(completed),\(running)]}"
            )
                == ["1/2", "Running", "0"])
        let failed = "{\"ready\":false,\"restartCount\":0,\"state\":{\"terminated\":{\"exitCode\":137,\"signal\":9}}}"
        #expect(try summary("{\"phase\":\"Failed\",\"containerStatuses\":[\(failed)]}") == ["0/2", "Signal:9", "0"])
        #expect(
            try summary("{\"phase\":\"Failed\",\"containerStatuses\":[\(completed),\(failed)]}") == [
                "0/2", "Signal:9", "0",
            ])
        let exited = "{\"ready\":false,\"restartCount\":0,\"state\":{\"terminated\":{\"exitCode\":2}}}"
        #expect(try summary("{\"phase\":\"Failed\",\"containerStatuses\":[\(exited)]}") == ["0/2", "ExitCode:2", "0"])
    }

    @Test func initContainers() throws {
        let spec =
            "{\"containers\":[{\"name\":\"a\"}],\"initContainers\":[{\"name\":\"i\"},{\"name\":\"s\",\"restartPolicy\":\"Always\"},{\"name\":\"j\"}]}"
        let done = "{\"name\":\"i\",\"restartCount\":1,\"state\":{\"terminated\":{\"exitCode\":0}}}"
        let sidecar = "{\"name\":\"s\",\"restartCount\":2,\"ready\":true,\"started\":true,\"state\":{\"running\":{}}}"
        func status(_ last: String, _ more: String = "") -> String {
            "{\"phase\":\"Pending\",\"initContainerStatuses\":[\(done),\(sidecar),{\"name\":\"j\",\"restartCount\":1,\"state\":\(last)}]\(more)}"
        }
        #expect(try summary(status("{\"running\":{}}"), spec: spec) == ["1/2", "Init:2/3", "4"])
        #expect(
            try summary(status("{\"waiting\":{\"reason\":\"PodInitializing\"}}"), spec: spec) == [
                "1/2", "Init:2/3", "4",
            ])
        #expect(
            try summary(status("{\"waiting\":{\"reason\":\"ImagePullBackOff\"}}"), spec: spec) == [
                "1/2", "Init:ImagePullBackOff", "4",
            ])
        #expect(
            try summary(status("{\"terminated\":{\"exitCode\":1,\"reason\":\"Error\"}}"), spec: spec) == [
                "1/2", "Init:Error", "4",
            ])
        #expect(
            try summary(status("{\"terminated\":{\"exitCode\":3}}"), spec: spec) == ["1/2", "Init:ExitCode:3", "4"])
        // Through: only the sidecar's restarts count on.
        #expect(
            try summary(status("{\"terminated\":{\"exitCode\":0}}", ",\"containerStatuses\":[\(running)]"), spec: spec)
                == ["2/2", "Pending", "2"])
    }

    @Test func wideCellsAndRow() throws {
        let pod = try parse(
            """
            {"metadata":{"name":"p","creationTimestamp":"2026-11-21T21:55:00Z"},
             "spec":{"nodeName":"n1","containers":[{"name":"a"}],"readinessGates":[{"conditionType":"x"},{"conditionType":"y"}]},
             "status":{"phase":"Succeeded","podIPs":[{"ip":"10.0.0.7"}],"conditions":[{"type":"x","status":"True"},{"type":"y","status":"False"}]}}
            """)
        #expect(cells("", "Pod", pod) == ["p", "0/1", "Succeeded", "0", "5m", "10.0.0.7", "n1", "<none>", "1/2"])
        let table = Printer.table(
            of: [pod, [:]], group: "", kind: "Pod", now: now, listMetadata: ["resourceVersion": "7", "other": 1])
        #expect(table["kind"] == "Table" && table["apiVersion"] == "meta.k8s.io/v1")
        #expect(table["metadata"] == ["resourceVersion": "7"])
        #expect(
            table["columnDefinitions"]?.arrayValue?.compactMap { $0["name"]?.stringValue }.joined(separator: ",")
                == "Name,Ready,Status,Restarts,Age,IP,Node,Nominated Node,Readiness Gates")
        #expect(
            table["columnDefinitions"]?.arrayValue?.compactMap { $0["priority"]?.intValue } == [
                0, 0, 0, 0, 0, 1, 1, 1, 1,
            ])
        #expect(table["rows"]?[0]?["conditions"]?[0]?["type"] == "Completed")
        #expect(table["rows"]?[0]?["object"]?["kind"] == "PartialObjectMetadata")
        #expect(table["rows"]?[0]?["object"]?["spec"] == nil)
        #expect(table["rows"]?[1]?["conditions"] == nil)
        let full = Printer.table(
            of: [pod], group: "", kind: "Pod", now: now, includeObject: .object, withColumns: false)
        #expect(full["columnDefinitions"] == .null)
        #expect(full["rows"]?[0]?["object"] == pod)
        #expect(
            Printer.table(of: [pod], group: "", kind: "Pod", now: now, includeObject: .none)["rows"]?[0]?["object"]
                == .null)
    }
}

@Suite struct PrinterTests {
    private static let template =
        "\"template\":{\"spec\":{\"containers\":[{\"name\":\"a\",\"image\":\"i:1\"},{\"name\":\"b\",\"image\":\"j\"}]}}"

    /// Group, kind, the object without its name and time of creation (a day ago), and the cells behind the name.
    @Test(
        arguments: [
            (
                "apps", "Deployment",
                "\"spec\":{\"replicas\":3,\"selector\":{\"matchLabels\":{\"b\":\"2\",\"a\":\"1\"},\"matchExpressions\":[{\"key\":\"c\",\"operator\":\"In\",\"values\":[\"y\",\"x\"]},{\"key\":\"d\",\"operator\":\"DoesNotExist\"}]},\(template)},\"status\":{\"readyReplicas\":2,\"updatedReplicas\":1,\"availableReplicas\":2}",
                ["2/3", "1", "2", "24h", "a,b", "i:1,j", "a=1,b=2,c in (x,y),!d"]
            ),
            ("extensions", "Deployment", "\"spec\":{\"replicas\":0}", ["0/0", "0", "0", "24h", "", "", ""]),
            (
                "apps", "ReplicaSet",
                "\"spec\":{\"replicas\":3,\(template)},\"status\":{\"replicas\":2,\"readyReplicas\":1}",
                ["3", "2", "1", "24h", "a,b", "i:1,j", "<none>"]
            ),
            (
                "", "ReplicationController", "\"spec\":{\"replicas\":3,\"selector\":{\"x\":\"y\"},\(template)}",
                ["3", "0", "0", "24h", "a,b", "i:1,j", "x=y"]
            ),
            (
                "apps", "StatefulSet", "\"spec\":{\"replicas\":3,\(template)},\"status\":{\"readyReplicas\":1}",
                ["1/3", "24h", "a,b", "i:1,j"]
            ),
            (
                "apps", "DaemonSet",
                "\"status\":{\"desiredNumberScheduled\":5,\"currentNumberScheduled\":4,\"numberReady\":3,\"updatedNumberScheduled\":2,\"numberAvailable\":1}",
                ["5", "4", "3", "2", "1", "<none>", "24h", "", "", "<none>"]
            ),
            ("apps", "ControllerRevision", "\"revision\":4", ["<none>", "4", "24h"]),
            (
                "batch", "Job",
                "\"spec\":{\"completions\":3},\"status\":{\"succeeded\":1,\"startTime\":\"2026-11-21T21:50:00Z\"}",
                ["Running", "1/3", "10m", "24h", "", "", "<none>"]
            ),
            (
                "batch", "Job",
                "\"spec\":{\"parallelism\":2},\"status\":{\"startTime\":\"2026-11-21T21:50:00Z\",\"completionTime\":\"2026-11-21T21:50:07Z\",\"conditions\":[{\"type\":\"Complete\",\"status\":\"True\"}]}",
                ["Complete", "0/1 of 2", "7s", "24h", "", "", "<none>"]
            ),
            (
                "batch", "CronJob",
                "\"spec\":{\"schedule\":\"* * * * *\",\"suspend\":false},\"status\":{\"active\":[{}],\"lastScheduleTime\":\"2026-11-21T21:59:00Z\"}",
                ["* * * * *", "<none>", "False", "1", "60s", "24h", "", "", "<none>"]
            ),
            (
                "policy", "PodDisruptionBudget",
                "\"spec\":{\"minAvailable\":\"50%\"},\"status\":{\"disruptionsAllowed\":1}", ["50%", "N/A", "1", "24h"]
            ),
            (
                "autoscaling", "HorizontalPodAutoscaler",
                "\"spec\":{\"scaleTargetRef\":{\"kind\":\"Deployment\",\"name\":\"web\"},\"maxReplicas\":5,\"metrics\":[{\"type\":\"Resource\",\"resource\":{\"name\":\"cpu\",\"target\":{\"averageUtilization\":80}}},{\"type\":\"Pods\",\"pods\":{\"target\":{\"averageValue\":\"10\"}}},{\"type\":\"External\",\"external\":{\"target\":{\"value\":\"3\"}}}]},\"status\":{\"currentReplicas\":2,\"currentMetrics\":[{\"resource\":{\"current\":{\"averageUtilization\":12}}}]}",
                ["Deployment/web", "cpu: 12%/80%, <unknown>/10 + 1 more...", "<unset>", "5", "2", "24h"]
            ),
            ("autoscaling", "Scale", "\"spec\":{\"replicas\":3},\"status\":{\"replicas\":2}", ["3", "2", "24h"]),
            (
                "", "Service",
                "\"spec\":{\"type\":\"ClusterIP\",\"clusterIPs\":[\"10.96.0.1\"],\"ports\":[{\"port\":443,\"protocol\":\"TCP\"},{\"port\":53,\"nodePort\":30053,\"protocol\":\"UDP\"}]}",
                ["ClusterIP", "10.96.0.1", "<none>", "443/TCP,53:30053/UDP", "24h", "<none>"]
            ),
            (
                "", "Service", "\"spec\":{\"type\":\"LoadBalancer\",\"selector\":{\"a\":\"b\"}}",
                ["LoadBalancer", "<none>", "<pending>", "<none>", "24h", "a=b"]
            ),
            (
                "", "Service",
                "\"spec\":{\"type\":\"LoadBalancer\",\"externalIPs\":[\"9.9.9.9\"]},\"status\":{\"loadBalancer\":{\"ingress\":[{\"ip\":\"2.2.2.2\"},{\"hostname\":\"lb\"}]}}",
                ["LoadBalancer", "<none>", "2.2.2.2,lb,9.9.9.9", "<none>", "24h", "<none>"]
            ),
            (
                "", "Service", "\"spec\":{\"type\":\"ExternalName\",\"externalName\":\"example.com\"}",
                ["ExternalName", "<none>", "example.com", "<none>", "24h", "<none>"]
            ),
            (
                "", "Endpoints",
                "\"subsets\":[{\"addresses\":[{\"ip\":\"1.1.1.1\"},{\"ip\":\"fd00::1\"}],\"ports\":[{\"port\":80},{\"port\":81}]}]",
                ["1.1.1.1:80,[fd00::1]:80,1.1.1.1:81 + 1 more...", "24h"]
            ),
            ("", "Endpoints", "\"subsets\":[]", ["<none>", "24h"]),
            (
                "discovery.k8s.io", "EndpointSlice",
                "\"addressType\":\"IPv4\",\"ports\":[{\"port\":80},{\"name\":\"x\"},{}],\"endpoints\":[{\"addresses\":[\"1.1.1.1\"]},{\"addresses\":[\"1.1.1.2\"]},{\"addresses\":[\"1.1.1.3\"]},{\"addresses\":[\"1.1.1.4\"]}]",
                ["IPv4", "80,x,*", "1.1.1.1,1.1.1.2,1.1.1.3 + 1 more...", "24h"]
            ),
            ("discovery.k8s.io", "EndpointSlice", "\"addressType\":\"IPv4\"", ["IPv4", "<unset>", "<unset>", "24h"]),
            (
                "networking.k8s.io", "Ingress",
                "\"spec\":{\"ingressClassName\":\"nginx\",\"rules\":[{\"host\":\"a\"},{\"host\":\"b\"},{},{\"host\":\"d\"}],\"tls\":[{}]},\"status\":{\"loadBalancer\":{\"ingress\":[{\"ip\":\"2.2.2.2\"}]}}",
                ["nginx", "a,b + 1 more...", "2.2.2.2", "80, 443", "24h"]
            ),
            ("networking.k8s.io", "Ingress", "\"spec\":{}", ["<none>", "*", "", "80", "24h"]),
            (
                "networking.k8s.io", "NetworkPolicy", "\"spec\":{\"podSelector\":{\"matchLabels\":{\"a\":\"b\"}}}",
                ["a=b", "24h"]
            ),
            (
                "networking.k8s.io", "IPAddress",
                "\"spec\":{\"parentRef\":{\"resource\":\"services\",\"namespace\":\"default\",\"name\":\"kubernetes\"}}",
                ["services/default/kubernetes"]
            ),
            ("", "Namespace", "\"status\":{\"phase\":\"Active\"}", ["Active", "24h"]),
            ("", "ConfigMap", "\"data\":{\"a\":\"1\",\"b\":\"2\"},\"binaryData\":{\"c\":\"\"}", ["3", "24h"]),
            ("", "Secret", "\"type\":\"Opaque\",\"data\":{\"a\":\"1\"}", ["Opaque", "1", "24h"]),
            ("", "ServiceAccount", "\"secrets\":[]", ["24h"]),
            (
                "", "ResourceQuota",
                "\"status\":{\"hard\":{\"pods\":\"4\",\"limits.cpu\":\"2\",\"cpu\":\"1\"},\"used\":{\"pods\":\"2\"}}",
                ["cpu: 0/1, pods: 2/4", "limits.cpu: 0/2", "24h"]
            ),
            ("", "LimitRange", "\"spec\":{}", ["2026-11-20T22:00:00Z"]),
            ("rbac.authorization.k8s.io", "Role", "\"rules\":[]", ["2026-11-20T22:00:00Z"]),
            (
                "rbac.authorization.k8s.io", "ClusterRoleBinding",
                "\"roleRef\":{\"kind\":\"ClusterRole\",\"name\":\"admin\"},\"subjects\":[{\"kind\":\"User\",\"name\":\"u\"},{\"kind\":\"Group\",\"name\":\"g\"},{\"kind\":\"ServiceAccount\",\"namespace\":\"n\",\"name\":\"s\"},{\"kind\":\"User\",\"name\":\"v\"}]",
                ["ClusterRole/admin", "24h", "u, v", "g", "n/s"]
            ),
            ("coordination.k8s.io", "Lease", "\"spec\":{\"holderIdentity\":\"node-1\"}", ["node-1", "24h"]),
            (
                "scheduling.k8s.io", "PriorityClass", "\"value\":1000,\"preemptionPolicy\":\"Never\"",
                ["1000", "false", "24h", "Never"]
            ),
            (
                "", "PersistentVolume",
                "\"spec\":{\"capacity\":{\"storage\":\"5Gi\"},\"accessModes\":[\"ReadWriteMany\",\"ReadWriteOnce\"],\"persistentVolumeReclaimPolicy\":\"Retain\",\"claimRef\":{\"namespace\":\"d\",\"name\":\"c\"},\"storageClassName\":\"fast\",\"volumeMode\":\"Filesystem\"},\"status\":{\"phase\":\"Bound\"}",
                ["5Gi", "RWO,RWX", "Retain", "Bound", "d/c", "fast", "<unset>", "", "24h", "Filesystem"]
            ),
            (
                "", "PersistentVolumeClaim",
                "\"spec\":{\"storageClassName\":\"fast\"},\"status\":{\"phase\":\"Pending\"}",
                ["Pending", "", "", "", "fast", "<unset>", "24h", "<unset>"]
            ),
            (
                "storage.k8s.io", "CSIDriver", "\"spec\":{\"tokenRequests\":[]}",
                ["true", "false", "false", "", "false", "<none>", "24h"]
            ),
            ("node.k8s.io", "RuntimeClass", "\"handler\":\"runc\"", ["runc", "24h"]),
            (
                "apiregistration.k8s.io", "APIService",
                "\"spec\":{\"service\":{\"namespace\":\"k\",\"name\":\"m\"}},\"status\":{\"conditions\":[{\"type\":\"Available\",\"status\":\"False\",\"reason\":\"MissingEndpoints\"}]}",
                ["k/m", "False (MissingEndpoints)", "24h"]
            ),
            (
                "certificates.k8s.io", "CertificateSigningRequest",
                "\"spec\":{\"signerName\":\"s\",\"username\":\"u\",\"expirationSeconds\":3600},\"status\":{\"certificate\":\"x\",\"conditions\":[{\"type\":\"Approved\"}]}",
                ["24h", "s", "u", "60m", "Approved,Issued"]
            ),
            ("admissionregistration.k8s.io", "ValidatingWebhookConfiguration", "\"webhooks\":[{},{}]", ["2", "24h"]),
            ("apiextensions.k8s.io", "CustomResourceDefinition", "\"spec\":{}", ["2026-11-20T22:00:00Z"]),
            ("example.com", "Pod", "\"spec\":{}", ["24h"]),
        ] as [(String, String, String, [String])])
    func cellsOfKinds(group: String, kind: String, fields: String, expected: [String]) throws {
        let object = try parse(
            "{\"metadata\":{\"name\":\"x\",\"creationTimestamp\":\"2026-11-20T22:00:00Z\"},\(fields)}")
        #expect(cells(group, kind, object) == ["x"] + expected)
        #expect(Printer.columns(group: group, kind: kind).count == expected.count + 1)
    }

    @Test func nodes() throws {
        let node = try parse(
            """
            {"metadata":{"name":"n","creationTimestamp":"2026-11-20T22:00:00Z","labels":{"node-role.kubernetes.io/worker":"","node-role.kubernetes.io/control-plane":"","node-role.kubernetes.io/":""}},
             "spec":{"unschedulable":true},
             "status":{"conditions":[{"type":"Ready","status":"Unknown"}],"addresses":[{"type":"InternalIP","address":"10.0.0.1"}],
              "nodeInfo":{"kubeletVersion":"v1.36.0","osImage":"Debian","kernelVersion":"6.1","architecture":"amd64","containerRuntimeVersion":"containerd://1.6"}}}
            """)
        #expect(
            cells("", "Node", node) == [
                "n", "NotReady,SchedulingDisabled", "control-plane,worker", "24h", "v1.36.0", "10.0.0.1", "<none>",
                "Debian",
                "6.1 (amd64)", "containerd://1.6",
            ])
        #expect(
            Array(cells("", "Node", ["metadata": ["name": "n"]])[1...4]) == ["Unknown", "<none>", "<unknown>", ""])
    }

    @Test func events() throws {
        let event = try parse(
            """
            {"metadata":{"name":"e"},"type":"Warning","reason":"BackOff","message":" text\\n","count":4,
             "firstTimestamp":"2026-11-21T21:00:00Z","lastTimestamp":"2026-11-21T21:59:30Z",
             "involvedObject":{"kind":"Pod","name":"p","fieldPath":"spec.containers{a}"},"source":{"component":"kubelet","host":"n"}}
            """)
        #expect(
            cells("", "Event", event) == [
                "30s", "Warning", "BackOff", "pod/p", "spec.containers{a}", "kubelet, n", "text", "60m", "4", "e",
            ])
        let newer = try parse(
            """
            {"metadata":{"name":"e"},"type":"Normal","reason":"Scheduled","note":"done","eventTime":"2026-11-21T21:58:00.000000Z",
             "regarding":{"kind":"Pod","name":"p"},"reportingController":"default-scheduler","reportingInstance":"s",
             "series":{"count":7,"lastObservedTime":"2026-11-21T21:59:00.000000Z"}}
            """)
        #expect(
            cells("events.k8s.io", "Event", newer) == [
                "60s", "Normal", "Scheduled", "pod/p", "", "default-scheduler, s", "done", "2m", "7", "e",
            ])
    }

    @Test func defaultsAreMarked() throws {
        let storage = try parse(
            "{\"metadata\":{\"name\":\"x\",\"annotations\":{\"storageclass.kubernetes.io/is-default-class\":\"true\"}},\"provisioner\":\"p\"}"
        )
        #expect(
            cells("storage.k8s.io", "StorageClass", storage) == [
                "x (default)", "p", "Delete", "Immediate", "false", "<unknown>",
            ])
    }

    /// Whatever an object looks like, every resource has as many cells as columns.
    @Test func everyResourceHasAsManyCellsAsColumns() throws {
        let odd = try parse(
            "{\"metadata\":3,\"spec\":[1],\"status\":\"x\",\"data\":null,\"subsets\":[{}],\"webhooks\":{}}")
        for resource in Schema.builtin.resources {
            let columns = Printer.columns(of: resource)
            for object in [["metadata": ["name": "x"]], [:], odd] as [JSONValue] {
                let table = Printer.table(of: [object], resource: resource, now: now)
                #expect(table["rows"]?[0]?["cells"]?.arrayValue?.count == columns.count, "\(resource.plural)")
            }
            #expect(columns.allSatisfy { !$0.name.isEmpty })
        }
    }
}
