import Foundation
import Testing

extension EndToEnd {
    /// Two real nodes on this machine, and what becomes of the cluster when one of them, or a part of one, is gone. They
    /// need root and the packages of Scripts/prerequisites.sh.
    @Suite(.serialized)
    final class SeveralNodesTests {
        private static let port = 17447
        private static let timing = [
            "--node-monitor-period", "500ms", "--node-monitor-grace-period", "4s", "--node-lease-duration-seconds", "4",
            "--default-not-ready-toleration-seconds", "2", "--default-unreachable-toleration-seconds", "2",
        ]
        private let cluster = TestCluster(name: "nodes", port: port, node: true)

        init() {
            let up = cluster.martlet(
                ["up", "--detach", "--no-context", "--node-name", "first", "--port", "\(Self.port)"] + Self.timing)
            #expect(up.status == 0, "\(up.error)")
            let added = cluster.martlet(["node", "add", "second"])
            #expect(added.status == 0, "\(added.error)")
        }

        deinit { cluster.down() }

        private func kubectl(_ arguments: String...) -> String {
            run("kubectl", arguments, environment: ["KUBECONFIG": cluster.kubeconfig])
                .output.trimmingCharacters(in: .whitespacesAndNewlines)
        }

        private func isReady(_ node: String) -> Bool {
            kubectl("get", "node", node, "-o", "jsonpath={.status.conditions[?(@.type==\"Ready\")].status}") == "True"
        }

        private func get(_ address: String) -> String {
            run("curl", ["-sf", "--max-time", "2", "http://\(address)/"]).output
        }

        /// A web server on each node, and a Service before them.
        private func deployWeb() {
            cluster.loadImages("helloworld")
            let manifest = """
                apiVersion: apps/v1
                kind: Deployment
                metadata: {name: web}
                spec:
                  replicas: 4
                  selector: {matchLabels: {app: web}}
                  template:
                    metadata: {labels: {app: web}}
                    spec:
                      terminationGracePeriodSeconds: 1
                      topologySpreadConstraints:
                      - {maxSkew: 1, topologyKey: kubernetes.io/hostname, whenUnsatisfiable: ScheduleAnyway, labelSelector: {matchLabels: {app: web}}}
                      containers:
                      - name: web
                        image: martlet.local/helloworld:v1
                        imagePullPolicy: Never
                        ports: [{containerPort: 3000}]
                        readinessProbe: {httpGet: {path: /, port: 3000}, periodSeconds: 1}
                ---
                apiVersion: v1
                kind: Service
                metadata: {name: web}
                spec: {type: NodePort, selector: {app: web}, ports: [{port: 80, targetPort: 3000, nodePort: 30088}]}
                """
            #expect(cluster.kubectl("apply", "-f", "-", input: manifest).status == 0)
            #expect(eventually(60) { self.readyWeb == 4 })
        }

        private var readyWeb: Int {
            Int(kubectl("get", "deploy", "web", "-o", "jsonpath={.status.readyReplicas}")) ?? 0
        }

        private func webPods(on node: String) -> [String] {
            kubectl(
                "get", "pods", "-l", "app=web", "--field-selector", "spec.nodeName=\(node),status.phase=Running", "-o",
                "jsonpath={range .items[*]}{.metadata.name}{\" \"}{end}"
            ).split(separator: " ").map(String.init)
        }

        /// Pods on both nodes reach each other, Services, names and the API; exec and logs work on both.
        @Test func oneNetwork() {
            deployWeb()
            let address = kubectl("get", "svc", "web", "-o", "jsonpath={.spec.clusterIP}")
            #expect(webPods(on: "first").count == 2)
            #expect(webPods(on: "second").count == 2)
            let addresses = kubectl(
                "get", "pods", "-l", "app=web", "-o", "jsonpath={range .items[*]}{.status.podIP}{\" \"}{end}"
            ).split(separator: " ").map(String.init)
            #expect(Set(addresses.map { $0.split(separator: ".").prefix(3).joined(separator: ".") }).count == 2)
            // From the machine: every pod, the Service, and the node port on both nodes' addresses.
            for pod in addresses { #expect(get("\(pod):3000").contains("version v1"), "\(pod)") }
            #expect(eventually(10) { self.get(address).contains("version v1") })
            for node in ["first", "second"] {
                let own = kubectl("get", "node", node, "-o", "jsonpath={.status.addresses[0].address}")
                #expect(eventually(10) { self.get("\(own):30088").contains("version v1") }, "\(node) \(own)")
            }
            // From a pod on each node: the same, names, and the API.
            cluster.loadImages("slides")
            for node in ["first", "second"] {
                let script =
                    addresses.map { "wget -qO- http://\($0):3000/ >/dev/null && " }.joined()
                    + "wget -qO- http://web.default.svc.cluster.local/ >/dev/null && "
                    + "nslookup kubernetes.default.svc.cluster.local >/dev/null && nc -w 3 10.96.0.1 443 </dev/null && echo all-reached"
                let manifest = """
                    apiVersion: v1
                    kind: Pod
                    metadata: {name: looker-\(node)}
                    spec:
                      nodeName: \(node)
                      terminationGracePeriodSeconds: 0
                      containers:
                      - {name: main, image: busybox, imagePullPolicy: Never, command: [sleep, "1000"]}
                    """
                #expect(cluster.kubectl("apply", "-f", "-", input: manifest).status == 0)
                #expect(
                    cluster.kubectl("wait", "--for=condition=Ready", "pod/looker-\(node)", "--timeout=60s").status == 0)
                let seen = cluster.kubectl("exec", "looker-\(node)", "--", "sh", "-c", script, timeout: 40)
                #expect(seen.output.contains("all-reached"), "\(node): \(seen.output) \(seen.error)")
                for pod in webPods(on: node) {
                    #expect(cluster.printed("logs", pod).contains("version v1 listens"))
                }
            }
        }

        /// A node dies: it is noticed, its pods run on the other, and the Service answers again as soon as that is known.
        /// It comes back: what was replaced is gone there.
        @Test func aNodeDies() throws {
            deployWeb()
            let address = kubectl("get", "svc", "web", "-o", "jsonpath={.spec.clusterIP}")
            #expect(eventually(10) { self.get(address).contains("version v1") })
            let log = cluster.directory + "/answers"
            let stop = cluster.directory + "/stop"
            let load = Process()
            load.executableURL = URL(fileURLWithPath: "/bin/sh")
            load.arguments = [
                "-c",
                "while [ ! -e \(stop) ]; do curl -sf --max-time 1 http://\(address)/ > /dev/null && date +%s%N >> \(log); sleep 0.05; done",
            ]
            try load.run()
            let doomed = Set(webPods(on: "second"))
            #expect(doomed.count == 2)
            let killed = cluster.martlet(["node", "stop", "--kill", "second"])
            #expect(killed.status == 0, "\(killed.error)")
            #expect(cluster.martlet(["status"]).output.contains("node second: stopped"))
            #expect(eventually(30) { !self.isReady("second") })
            let taints = kubectl("get", "node", "second", "-o", "jsonpath={.spec.taints[*].key}")
            #expect(taints.contains("node.kubernetes.io/unreachable"))
            #expect(eventually(60) { self.webPods(on: "first").count == 4 && self.readyWeb == 4 })
            FileManager.default.createFile(atPath: stop, contents: nil)
            load.waitUntilExit()
            // While the node was not yet known to be gone, half of the connections went there; none does any more.
            let times = try String(contentsOfFile: log, encoding: .utf8).split(separator: "\n").compactMap {
                Double($0)
            }
            let longest = zip(times.dropFirst(), times).map { ($0 - $1) / 1e9 }.max() ?? 0
            // 4 s of grace, half a second between two looks, and what a loaded machine needs to act on it.
            #expect(longest < 10, "no answer for \(longest) s")
            for _ in 0..<20 { #expect(get(address).contains("version v1")) }

            let started = cluster.martlet(["node", "start", "second"])
            #expect(started.status == 0, "\(started.error)")
            #expect(eventually(30) { self.isReady("second") })
            #expect(
                eventually(30) { self.kubectl("get", "node", "second", "-o", "jsonpath={.spec.taints}").isEmpty })
            // The pods that were replaced are ended, and so are their containers.
            #expect(
                eventually(60) {
                    let left = Set(self.kubectl("get", "pods", "-o", "name").split(separator: "\n").map(String.init))
                    return left.isDisjoint(with: doomed.map { "pod/\($0)" })
                })
            let socket = cluster.directory + "/nodes/second/containerd/containerd.sock"
            #expect(
                eventually(60) {
                    run("ctr", ["--address", socket, "-n", "k8s.io", "tasks", "list", "-q"]).output.isEmpty
                })
            // It is a node like before.
            _ = cluster.printed("scale", "deploy/web", "--replicas=8")
            #expect(eventually(60) { self.readyWeb == 8 && self.webPods(on: "second").count > 1 })
            _ = cluster.printed("delete", "deploy/web", "svc/web")
        }

        /// What is killed comes back by `martlet up`, further nodes as well; what is removed is gone.
        @Test func recovery() throws {
            deployWeb()
            let address = kubectl("get", "svc", "web", "-o", "jsonpath={.spec.clusterIP}")
            func up() {
                let up = cluster.martlet(
                    ["up", "--detach", "--no-context", "--node-name", "first", "--port", "\(Self.port)"] + Self.timing)
                #expect(up.status == 0, "\(up.error)")
            }
            func allIsWell(_ what: String) {
                #expect(
                    eventually(60) {
                        self.isReady("first") && self.isReady("second") && self.readyWeb == 4
                            && (0..<10).allSatisfy { _ in self.get(address).contains("version v1") }
                    }, "\(what): \(kubectl("get", "nodes,pods", "-o", "wide"))")
            }
            // The server is killed; its containers and the other node live on and are found again.
            cluster.killServer()
            let before = Set(webPods(on: "first"))
            up()
            allIsWell("after the server's death")
            #expect(before.isSubset(of: Set(webPods(on: "first") + webPods(on: "second"))))

            // containerd is killed, on both nodes, and comes back by itself.
            for directory in [cluster.directory, cluster.directory + "/nodes/second"] {
                let text = try String(contentsOfFile: directory + "/containerd/containerd.pid", encoding: .utf8)
                let pid = try #require(Int32(text.trimmingCharacters(in: .whitespacesAndNewlines)))
                kill(pid, SIGKILL)
            }
            sleep(1)
            allIsWell("after containerd's death")

            // All is gone at once, as by a loss of power.
            cluster.killServer()
            #expect(cluster.martlet(["node", "stop", "--kill", "second"]).status == 0)
            try? FileManager.default.removeItem(atPath: cluster.directory + "/nodes/second/stopped")
            for pid in processes(mentioning: cluster.directory + "/containerd/") { kill(pid, SIGKILL) }
            up()
            allIsWell("after a loss of power")

            // Everything is stopped in good order and comes up again.
            #expect(cluster.down(purge: false).status == 0)
            #expect(processes(mentioning: cluster.directory).isEmpty)
            up()
            allIsWell("after down and up")

            let removed = cluster.martlet(["node", "remove", "second"])
            #expect(removed.status == 0, "\(removed.error)")
            #expect(kubectl("get", "nodes", "-o", "name") == "node/first")
            #expect(eventually(60) { self.webPods(on: "first").count == 4 && self.readyWeb == 4 })
            #expect(cluster.martlet(["node", "ls"]).output.isEmpty)
            #expect(!FileManager.default.fileExists(atPath: "/run/netns/martlet-second"))
        }

        /// Shims and their containers: the containers' own processes have commands of their own, and end with them.
        private func processes(mentioning text: String) -> [Int32] {
            let entries = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
            return entries.compactMap(Int32.init).filter { pid in
                let command = FileManager.default.contents(atPath: "/proc/\(pid)/cmdline") ?? Data()
                return pid != getpid() && String(decoding: command, as: UTF8.self).contains(text)
            }
        }
    }
}
