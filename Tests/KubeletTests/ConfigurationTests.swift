import CRI
import Foundation
import JSON
import KubeTypes
import Testing

@testable import Kubelet

@Suite struct ExpansionTests {
    @Test(arguments: [
        ("plain", "plain"), ("$(A)", "1"), ("x$(A)y$(B)", "x1y2"), ("$(NONE)", "$(NONE)"), ("$$(A)", "$(A)"),
        ("$$$(A)", "$1"), ("$(A", "$(A"), ("$", "$"), ("$A", "$A"), ("$(A)$(A)", "11"), ("", ""),
    ])
    func expansion(_ text: String, _ result: String) {
        let values = ["A": "1", "B": "2"]
        #expect(expand(text) { values[$0] } == result)
    }
}

@Suite struct EnvironmentTests {
    private func build(_ more: JSONValue, _ change: (inout EnvironmentBuilder) -> Void = { _ in }) throws -> [String:
        String]
    {
        let spec: JSONValue = ["containers": [container("a", more)], "serviceAccountName": "robot"]
        let pod = makePod(spec, metadata: ["labels": ["app": "shop"]])
        var builder = EnvironmentBuilder(
            pod: pod, container: pod.spec.containers[0], objects: ReferencedObjects(), services: [],
            podIPs: ["10.244.0.5"], hostIPs: ["192.0.2.1"], nodeName: "node1", nodeAllocatable: ["cpu": Quantity("4")!])
        change(&builder)
        return Dictionary(try builder.build().map { ($0.name, $0.value) }, uniquingKeysWith: { $1 })
    }

    private func fieldRef(_ name: String, _ path: String) -> JSONValue {
        ["name": .string(name), "valueFrom": ["fieldRef": ["fieldPath": .string(path)]]]
    }

    @Test func valuesSeeThoseBefore() throws {
        let env: JSONValue = [
            ["name": "A", "value": "1"], ["name": "B", "value": "$(A)2"], ["name": "C", "value": "$(LATER)"],
            ["name": "LATER", "value": "x"],
        ]
        let values = try build(["env": env])
        #expect(values == ["A": "1", "B": "12", "C": "$(LATER)", "LATER": "x"])
    }

    @Test func fields() throws {
        let env: JSONValue = .array([
            fieldRef("NAME", "metadata.name"), fieldRef("NS", "metadata.namespace"), fieldRef("IP", "status.podIP"),
            fieldRef("HOST", "status.hostIP"), fieldRef("NODE", "spec.nodeName"),
            fieldRef("APP", "metadata.labels['app']"),
            fieldRef("SA", "spec.serviceAccountName"), fieldRef("UID", "metadata.uid"),
        ])
        let values = try build(["env": env])
        #expect(values["NAME"] == "web" && values["NS"] == "shop" && values["IP"] == "10.244.0.5")
        #expect(values["HOST"] == "192.0.2.1" && values["NODE"] == "node1" && values["APP"] == "shop")
        #expect(values["SA"] == "robot" && values["UID"] == "u1")
    }

    @Test func configMapsAndSecrets() throws {
        let more: JSONValue = [
            "envFrom": [
                ["prefix": "P_", "configMapRef": ["name": "m"]], ["secretRef": ["name": "gone", "optional": true]],
            ],
            "env": [
                ["name": "K", "valueFrom": ["configMapKeyRef": ["name": "m", "key": "k"]]],
                ["name": "S", "valueFrom": ["secretKeyRef": ["name": "s", "key": "pw"]]],
                ["name": "O", "valueFrom": ["secretKeyRef": ["name": "s", "key": "none", "optional": true]]],
            ],
        ]
        let values = try build(more) {
            $0.objects.configMaps["m"] = ConfigMap(["data": ["k": "v"]])
            $0.objects.secrets["s"] = Secret(["data": ["pw": "c2VjcmV0"]])
        }
        #expect(values == ["P_k": "v", "K": "v", "S": "secret"])
    }

    @Test func missingObjects() {
        let map: JSONValue = ["env": [["name": "K", "valueFrom": ["configMapKeyRef": ["name": "m", "key": "k"]]]]]
        #expect(throws: ConfigError("configmap \"m\" not found")) { try build(map) }
        #expect(throws: ConfigError("couldn't find key k in ConfigMap shop/m")) {
            try build(map) { $0.objects.configMaps["m"] = ConfigMap(["data": [:]]) }
        }
        let secret: JSONValue = ["envFrom": [["secretRef": ["name": "s"]]]]
        #expect(throws: ConfigError("secret \"s\" not found")) { try build(secret) }
    }

    @Test func resources() throws {
        let more: JSONValue = [
            "resources": ["limits": ["memory": "100Mi"], "requests": ["cpu": "250m"]],
            "env": [
                ["name": "MEM", "valueFrom": ["resourceFieldRef": ["resource": "limits.memory", "divisor": "1Mi"]]],
                ["name": "REQ", "valueFrom": ["resourceFieldRef": ["resource": "requests.cpu", "divisor": "1m"]]],
                ["name": "CPU", "valueFrom": ["resourceFieldRef": ["resource": "limits.cpu"]]],
            ],
        ]
        let values = try build(more)
        #expect(values == ["MEM": "100", "REQ": "250", "CPU": "4"])
    }

    @Test func services() throws {
        func service(_ namespace: String, _ name: String, _ ip: String) -> Service {
            Service([
                "metadata": ["namespace": .string(namespace), "name": .string(name)],
                "spec": ["clusterIP": .string(ip), "ports": [["name": "http-web", "port": 80, "protocol": "TCP"]]],
            ])
        }
        let all = [
            service("default", "kubernetes", "10.96.0.1"), service("shop", "my-db", "10.96.0.7"),
            service("other", "x", "10.96.0.8"), service("shop", "headless", "None"),
        ]
        let values = try build([:]) { $0.services = all }
        #expect(values["KUBERNETES_SERVICE_HOST"] == "10.96.0.1" && values["KUBERNETES_PORT"] == "tcp://10.96.0.1:80")
        #expect(values["MY_DB_SERVICE_PORT_HTTP_WEB"] == "80" && values["MY_DB_PORT_80_TCP_ADDR"] == "10.96.0.7")
        #expect(values["X_SERVICE_HOST"] == nil && values["HEADLESS_SERVICE_HOST"] == nil)
        let few = try build([:]) {
            $0.services = all
            $0.pod.spec.enableServiceLinks = false
        }
        #expect(few["KUBERNETES_SERVICE_HOST"] != nil && few["MY_DB_SERVICE_HOST"] == nil)
    }
}

@Suite struct ResolvConfTests {
    private func dns(_ spec: JSONValue) -> RuntimeDNS {
        let facts = testFacts()
        var whole = spec
        whole["containers"] = [container("a")]
        return ResolvConf.forPod(
            makePod(whole), node: facts.resolvConf, clusterDNS: facts.clusterDNS, domain: facts.clusterDomain)
    }

    @Test func parsing() {
        let conf = ResolvConf(
            parsing: "# x\nnameserver 1.1.1.1\nsearch a.b. c\nnameserver 8.8.8.8 # y\noptions ndots:2 rotate\n")
        #expect(
            conf
                == ResolvConf(
                    servers: ["1.1.1.1", "8.8.8.8"], searches: ["a.b", "c"], options: ["ndots:2", "rotate"]))
    }

    @Test func policies() {
        let cluster = RuntimeDNS(
            servers: ["10.96.0.10"],
            searches: ["shop.svc.cluster.local", "svc.cluster.local", "cluster.local", "example.com"],
            options: ["ndots:5"])
        let node = RuntimeDNS(servers: ["192.0.2.53"], searches: ["example.com"], options: ["timeout:1"])
        #expect(dns(["dnsPolicy": "ClusterFirst"]) == cluster)
        #expect(dns(["dnsPolicy": "ClusterFirst", "hostNetwork": true]) == node)
        #expect(dns(["dnsPolicy": "ClusterFirstWithHostNet", "hostNetwork": true]) == cluster)
        #expect(dns(["dnsPolicy": "Default"]) == node)
    }

    @Test func config() {
        let custom: JSONValue = [
            "nameservers": ["9.9.9.9"], "searches": ["x.y"],
            "options": [["name": "ndots", "value": "1"], ["name": "edns0"]],
        ]
        #expect(
            dns(["dnsPolicy": "None", "dnsConfig": custom])
                == RuntimeDNS(servers: ["9.9.9.9"], searches: ["x.y"], options: ["ndots:1", "edns0"]))
        #expect(dns(["dnsPolicy": "ClusterFirst", "dnsConfig": custom]).options == ["ndots:1", "edns0"])
    }
}

@Suite struct PlanTests {
    private func plan(_ spec: JSONValue, image: RuntimeImage = RuntimeImage(id: "sha256:1", uid: 0)) -> ContainerPlan {
        let pod = makePod(spec)
        return ContainerPlan(
            pod: pod, container: pod.spec.containers[0], attempt: 2, image: image,
            imageReference: "docker.io/library/busybox:latest",
            environment: [("HOME", "/root")], volumes: ["v": PreparedVolume(path: "/tmp", readOnly: false)],
            hostsFile: "/data/etc-hosts", terminationLog: "/data/log", node: testFacts())
    }

    @Test func container() throws {
        let spec: JSONValue = [
            "containers": [
                Kubelet_container(
                    "a",
                    [
                        "command": ["sh", "-c", "echo $(HOME)"], "workingDir": "/w",
                        "volumeMounts": [["name": "v", "mountPath": "/x", "readOnly": true]],
                        "resources": ["limits": ["cpu": "500m", "memory": "64Mi"], "requests": ["cpu": "250m"]],
                    ])
            ]
        ]
        let config = try plan(spec).config()
        #expect(config.command == ["sh", "-c", "echo /root"] && config.workingDir == "/w")
        #expect(config.logPath == "a/2.log" && config.annotations[RuntimeKeys.restartCount] == "2")
        #expect(config.mounts.map(\.containerPath) == ["/x", "/etc/hosts", "/dev/termination-log"])
        #expect(config.mounts[0].readOnly && config.mounts[0].hostPath == "/tmp")
        #expect(config.resources.cpuShares == 256 && config.resources.cpuQuota == 50_000)
        #expect(
            config.resources.memoryLimit == 64 << 20 && config.resources.oomScoreAdj > 2
                && config.resources.oomScoreAdj < 1000)
        #expect(config.security.maskedPaths.contains("/proc/kcore"))
        #expect(config.labels[RuntimeKeys.podUID] == "u1")
    }

    @Test func nonRoot() throws {
        let spec: JSONValue = ["containers": [Kubelet_container("a", ["securityContext": ["runAsNonRoot": true]])]]
        #expect(throws: ConfigError.self) { try plan(spec).config() }
        #expect(throws: ConfigError.self) { try plan(spec, image: RuntimeImage(id: "i", username: "nobody")).config() }
        #expect(try plan(spec, image: RuntimeImage(id: "i", uid: 1000)).config().security.runAsUser == 1000)
        let named: JSONValue = [
            "securityContext": ["runAsUser": 7],
            "containers": [Kubelet_container("a", ["securityContext": ["runAsNonRoot": true]])],
        ]
        #expect(try plan(named).config().security.runAsUser == 7)
    }

    @Test func unknownVolume() {
        let spec: JSONValue = [
            "containers": [Kubelet_container("a", ["volumeMounts": [["name": "none", "mountPath": "/x"]]])]
        ]
        #expect(throws: ConfigError.self) { try plan(spec).config() }
    }

    @Test func sandbox() throws {
        let spec: JSONValue = [
            "subdomain": "sub", "securityContext": ["fsGroup": 5, "sysctls": [["name": "net.x", "value": "1"]]],
            "containers": [
                Kubelet_container("a", ["ports": [["containerPort": 80, "hostPort": 8080], ["containerPort": 81]]])
            ],
        ]
        let config = try SandboxPlan.config(makePod(spec), attempt: 1, node: testFacts())
        #expect(config.hostname == "web" && config.logDirectory == "/var/log/pods/shop_web_u1")
        #expect(config.portMappings.count == 1 && config.portMappings[0].hostPort == 8080)
        #expect(config.cgroupParent == "/kubepods/besteffort/podu1")
        #expect(config.supplementalGroups == [5] && config.sysctls == ["net.x": "1"])
        let host = try SandboxPlan.config(
            makePod(["hostNetwork": true, "containers": [Kubelet_container("a")]]), attempt: 0, node: testFacts())
        #expect(host.namespaces.network == .node && host.hostname.isEmpty)
    }

    @Test func aNameThatNoKernelTakes() {
        let spec: JSONValue = [
            "setHostnameAsFQDN": true, "subdomain": .string(String(repeating: "s", count: 40)),
            "containers": [Kubelet_container("a")],
        ]
        #expect(throws: ConfigError.self) { try SandboxPlan.config(makePod(spec), attempt: 0, node: testFacts()) }
    }

    @Test func quality() {
        func quality(_ resources: JSONValue) -> PodQoS {
            PodQoS(of: makePod(["containers": [Kubelet_container("a", ["resources": resources])]]))
        }
        #expect(quality([:]) == .bestEffort)
        #expect(quality(["limits": ["cpu": "1", "memory": "1Gi"]]) == .guaranteed)
        #expect(quality(["limits": ["cpu": "1"]]) == .burstable)
        #expect(
            quality(["limits": ["cpu": "1", "memory": "1Gi"], "requests": ["cpu": "500m", "memory": "1Gi"]])
                == .burstable)
    }

    @Test func hosts() {
        let text = HostsFile.content(
            ips: ["10.0.0.1"], hostname: "web", domain: "sub.shop.svc.cluster.local",
            aliases: [HostAlias(["ip": "1.2.3.4", "hostnames": ["a", "b"]])])
        #expect(text.contains("10.0.0.1\tweb.sub.shop.svc.cluster.local\tweb\n") && text.contains("1.2.3.4\ta\tb\n"))
        #expect(text.hasPrefix("# Kubernetes-managed hosts file.\n127.0.0.1\tlocalhost\n"))
        let long = makePod(
            ["containers": [Kubelet_container("a")]],
            metadata: ["name": .string(String(repeating: "a", count: 62) + "-b")])
        #expect(HostsFile.hostname(of: long, clusterDomain: "c").name == String(repeating: "a", count: 62))
    }
}

/// `container`, which a test's name hides.
private func Kubelet_container(_ name: String, _ more: JSONValue = [:]) -> JSONValue { container(name, more) }

@Suite struct LogTests {
    private let file = """
        2026-11-21T22:00:00.000000001Z stdout F one
        2026-11-21T22:00:01.000000001Z stderr F bad
        2026-11-21T22:00:02.000000001Z stdout P tw
        2026-11-21T22:00:02.000000002Z stdout F o
        2026-11-21T22:00:03.000000001Z stdout F three

        """

    private func run(_ change: (inout LogOptions) -> Void) -> String {
        var options = LogOptions()
        change(&options)
        var bytes = Array(file.utf8)
        if let lines = options.tailLines { bytes.removeFirst(LogFilter.tail(bytes, lines: lines)) }
        var filter = LogFilter(options)
        // In small pieces, as a growing file comes.
        var output: [UInt8] = []
        while !bytes.isEmpty {
            output += filter.take(Array(bytes.prefix(7)))
            bytes.removeFirst(min(7, bytes.count))
        }
        return String(decoding: output, as: UTF8.self)
    }

    @Test func options() {
        #expect(run { _ in } == "one\nbad\ntwo\nthree\n")
        #expect(run { $0.stream = "Stdout" } == "one\ntwo\nthree\n")
        #expect(run { $0.stream = "Stderr" } == "bad\n")
        #expect(run { $0.tailLines = 1 } == "three\n")
        #expect(run { $0.tailLines = 0 } == "")
        #expect(run { $0.tailLines = 99 } == "one\nbad\ntwo\nthree\n")
        #expect(run { $0.limitBytes = 6 } == "one\nba")
        #expect(run { $0.since = Time("2026-11-21T22:00:02Z") } == "two\nthree\n")
        #expect(
            run {
                $0.timestamps = true; $0.tailLines = 3
            } == """
                2026-11-21T22:00:02.000000001Z two
                2026-11-21T22:00:03.000000001Z three

                """)
    }

    @Test func wholeLines() {
        let lines = CRILog.lines(in: Array(file.utf8)).map { String(decoding: $0.content, as: UTF8.self) }
        #expect(lines == ["one\n", "bad\n", "two\n", "three\n"])
        #expect(CRILog.lines(in: Array("garbage\n\nx y z\n".utf8)).isEmpty)
    }

    @Test func queries() throws {
        let options = try #require(
            LogOptions(query: ["follow": "true", "tailLines": "5", "sinceSeconds": "10"], now: testTime))
        #expect(options.follow && options.tailLines == 5 && options.since == testTime.adding(seconds: -10))
        for bad in [
            ["tailLines": "-1"], ["tailLines": "x"], ["sinceTime": "yesterday"], ["limitBytes": "0"],
            ["stream": "Both"],
        ] {
            #expect(LogOptions(query: bad, now: testTime) == nil)
        }
        let (path, query) = KubeletServer.split("/containerLogs/a/b/c?sinceTime=2026-11-21T22%3A00%3A00Z&follow")
        #expect(path == "/containerLogs/a/b/c" && query == ["sinceTime": "2026-11-21T22:00:00Z", "follow": ""])
    }
}

@Suite struct VolumeTests {
    private func withDirectory(_ body: (String) throws -> Void) throws {
        let path = NSTemporaryDirectory() + "martlet-volume-\(UUID().uuidString)"
        try Files.makeDirectory(path)
        defer { try? Files.removeTree(path) }
        try body(path)
    }

    private func file(_ text: String) -> VolumeFile { VolumeFile(content: Array(text.utf8), mode: 0o640) }

    @Test func atomicWriter() throws {
        try withDirectory { path in
            #expect(try AtomicWriter.write(["a": file("1"), "d/b": file("2")], to: path, now: testTime))
            #expect(Files.text("\(path)/a") == "1" && Files.text("\(path)/d/b") == "2")
            #expect(Files.readLink("\(path)/a") == "..data/a")
            let first = try #require(Files.readLink("\(path)/..data"))
            #expect(first.hasPrefix("..2023_11_14_22_13_20."))
            #expect(try !AtomicWriter.write(["a": file("1"), "d/b": file("2")], to: path, now: testTime))
            #expect(Files.readLink("\(path)/..data") == first)
            #expect(try AtomicWriter.write(["a": file("new"), "c": file("3")], to: path, now: testTime))
            #expect(Files.text("\(path)/a") == "new" && Files.text("\(path)/c") == "3" && !Files.exists("\(path)/d"))
            #expect(Files.list(path).count == 4, "the old directory is gone: \(Files.list(path))")
            for bad in ["../x", "/x", "a/../b", ""] {
                #expect(throws: ConfigError.self) { try AtomicWriter.write([bad: file("")], to: path, now: testTime) }
            }
        }
    }

    @Test func subPaths() throws {
        try withDirectory { path in
            let volume = PreparedVolume(path: path, readOnly: false)
            let made = try volume.subPath("x/y")
            #expect(made.hasSuffix("/x/y") && Files.kind(of: made) == .directory)
            try FileManager.default.createSymbolicLink(atPath: path + "/out", withDestinationPath: "/etc")
            for bad in ["../x", "/etc", "out"] { #expect(throws: ConfigError.self) { try volume.subPath(bad) } }
        }
    }

    @Test func payloads() throws {
        let content = ["k": Array("v".utf8), "l": [1]]
        #expect(try VolumePayload.files(content, items: [], mode: 0o600, optional: false, what: "configmap").count == 2)
        let items = [KeyToPath(["key": "k", "path": "p/q", "mode": 256])]
        let files = try VolumePayload.files(content, items: items, mode: 0o600, optional: false, what: "configmap")
        #expect(files == ["p/q": VolumeFile(content: Array("v".utf8), mode: 0o400)])
        let missing = [KeyToPath(["key": "none", "path": "p"])]
        #expect(throws: ConfigError("configmap references non-existent config key: none")) {
            try VolumePayload.files(content, items: missing, mode: 0o600, optional: false, what: "configmap")
        }
        #expect(
            try VolumePayload.files(content, items: missing, mode: 0o600, optional: true, what: "configmap").isEmpty)
    }

    @Test func downward() {
        #expect(DownwardAPI.lines(["b": "2", "a": "x\"y\nz"]) == "a=\"x\\\"y\\nz\"\nb=\"2\"")
    }

    @Test func tokensAreRenewedInTime() {
        #expect(
            ServiceAccountTokens.renewal(asked: testTime, expires: testTime.adding(seconds: 1000))
                == testTime.adding(seconds: 800))
        #expect(
            ServiceAccountTokens.renewal(asked: testTime, expires: testTime.adding(seconds: 10_000_000))
                == testTime.adding(seconds: 86_400))
    }

    @Test func references() {
        let spec: JSONValue = [
            "containers": [container("a", ["envFrom": [["configMapRef": ["name": "m1"]]]])],
            "volumes": [
                ["name": "v", "secret": ["secretName": "s1"]],
                ["name": "w", "projected": ["sources": [["configMap": ["name": "m2"]], ["secret": ["name": "s2"]]]]],
            ],
        ]
        let found = VolumePayload.references(of: makePod(spec))
        #expect(found.configMaps == ["m1", "m2"] && found.secrets == ["s1", "s2"])
    }
}

@Suite struct NodeTests {
    @Test func parsing() {
        #expect(NodeInspection.memory(meminfo: "MemTotal:       16384 kB\nMemFree: 1 kB\n") == 16_777_216)
        #expect(NodeInspection.osName(release: "ID=x\nPRETTY_NAME=\"Debian GNU/Linux 12\"\n") == "Debian GNU/Linux 12")
    }

    @Test func problems() {
        let ready = RuntimeCondition(type: "RuntimeReady", status: true)
        let network = RuntimeCondition(
            type: "NetworkReady", status: false, reason: "NetworkPluginNotReady", message: "no plugin")
        #expect(NodeReporter.problem([ready, RuntimeCondition(type: "NetworkReady", status: true)]) == nil)
        #expect(
            NodeReporter.problem([ready, network])
                == "container runtime network not ready: NetworkReady=false reason:NetworkPluginNotReady message:no plugin"
        )
    }

    @Test func ownReportDoesNotMatter() {
        let pod = makePod(["containers": [container("a")]])
        var reported = pod
        reported.status.phase = "Running"
        reported.metadata.resourceVersion = "7"
        #expect(!Kubelet.matters(pod, reported))
        reported.metadata.deletionTimestamp = testTime
        #expect(Kubelet.matters(pod, reported))
    }

    @Test func credentials() throws {
        let config = #"{"auths":{"https://registry.example.com/v1/":{"auth":"dXNlcjpwdw=="}}}"#
        let secret = Secret(["data": [".dockerconfigjson": .string(Data(config.utf8).base64EncodedString())]])
        let found = try #require(ImagePuller.credentials(in: secret, domain: "registry.example.com"))
        #expect(found.username == "user" && found.password == "pw")
        #expect(ImagePuller.credentials(in: secret, domain: "docker.io") == nil)
    }
}
