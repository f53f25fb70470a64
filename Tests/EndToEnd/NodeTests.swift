import Foundation
import Testing

extension EndToEnd {
    /// Real containers: each test brings a cluster with a node up and takes it down. They need root and the packages of
    /// Scripts/prerequisites.sh.
    @Suite(.serialized)
    final class NodeTests {
        private let cluster = TestCluster(name: "node", port: 17443, node: true)

        init() {
            let up = cluster.up()
            #expect(up.status == 0, "\(up.error)")
        }

        deinit { cluster.down() }

        private func ready(_ deployment: String, _ count: Int) -> Bool {
            cluster.kubectl("get", "deploy", deployment, "-o", "jsonpath={.status.readyReplicas}").output == "\(count)"
        }

        private func get(_ address: String) -> CommandResult {
            run("curl", ["-sf", "--max-time", "3", "http://\(address)/"])
        }

        /// The application of the slides: reached through its Service, broken, and updated under load.
        @Test func helloWorld() {
            cluster.loadImages("helloworld")
            _ = cluster.printed("apply", "-f", TestCluster.repository + "/Examples/helloworld")
            #expect(eventually(60) { self.ready("helloworld", 3) })
            let clusterIP = cluster.printed("get", "svc", "helloworld", "-o", "jsonpath={.spec.clusterIP}")
            let nodeIP = cluster.printed("get", "nodes", "-o", "jsonpath={.items[0].status.addresses[0].address}")
            #expect(eventually(5) { self.get(clusterIP).output.contains("version v1") })
            #expect(eventually(5) { self.get("\(nodeIP):30080").output.contains("version v1") })
            // All three pods get their share.
            let answers = Set((0..<60).map { _ in get(clusterIP).output })
            #expect(answers.count == 3)

            let pod = cluster.printed("get", "pods", "-l", "app=helloworld", "-o", "jsonpath={.items[0].metadata.name}")
            #expect(cluster.printed("logs", pod).contains("version v1 listens on port 3000"))
            #expect(cluster.printed("logs", "--tail=1", "--since=10m", pod).contains("listens"))

            // A killed container comes back in its pod.
            let id = cluster.printed("get", "pod", pod, "-o", "jsonpath={.status.containerStatuses[0].containerID}")
                .replacingOccurrences(of: "containerd://", with: "")
            let killed = run(
                "ctr",
                [
                    "--address", cluster.directory + "/containerd/containerd.sock", "-n", "k8s.io", "tasks", "kill",
                    "-s", "SIGKILL", id,
                ])
            #expect(killed.status == 0, "\(killed.error)")
            #expect(
                eventually(30) {
                    self.cluster.kubectl(
                        "get", "pod", pod, "-o",
                        "jsonpath={.status.containerStatuses[0].restartCount} {.status.containerStatuses[0].ready}"
                    ).output == "1 true"
                })
            #expect(cluster.printed("logs", "--previous", pod).contains("listens"))

            // A deleted pod is replaced.
            _ = cluster.printed("delete", "pod", pod, "--wait=false")
            #expect(
                eventually(30) { self.cluster.kubectl("get", "pod", pod).status != 0 && self.ready("helloworld", 3) })

            // An update loses no request.
            let stop = cluster.directory + "/stop"
            let log = cluster.directory + "/failures"
            let load = Process()
            load.executableURL = URL(fileURLWithPath: "/bin/sh")
            load.arguments = [
                "-c",
                "while [ ! -e \(stop) ]; do curl -sf --max-time 5 http://\(clusterIP)/ > /dev/null || echo failed >> \(log); sleep 0.02; done",
            ]
            #expect(throws: Never.self) { try load.run() }
            _ = cluster.printed("set", "image", "deploy/helloworld", "web=martlet.local/helloworld:v2")
            _ = cluster.printed("rollout", "status", "deploy/helloworld", "--timeout=90s")
            sleep(3)
            FileManager.default.createFile(atPath: stop, contents: nil)
            load.waitUntilExit()
            #expect(!FileManager.default.fileExists(atPath: log), "requests were lost")
            #expect(eventually(5) { self.get(clusterIP).output.contains("version v2") })
            _ = cluster.printed("rollout", "undo", "deploy/helloworld")
            _ = cluster.printed("rollout", "status", "deploy/helloworld", "--timeout=90s")
            #expect(eventually(5) { self.get(clusterIP).output.contains("version v1") })
            _ = cluster.printed("delete", "-f", TestCluster.repository + "/Examples/helloworld")
        }

        /// The manifests of the slides, as they are, with local images under the names they use.
        @Test func slides() {
            cluster.loadImages("slides")
            let slides = TestCluster.repository + "/Examples/slides/"
            for file in [
                "helloworld-deployment", "emptydir-pod", "my-deployment", "deploy-blue", "deploy-green",
                "service-blue-green",
            ] {
                let created = cluster.kubectl("create", "-f", slides + file + ".yaml")
                #expect(created.status == 0, "\(file): \(created.error)")
            }
            for (deployment, count) in [("helloworld-deployment", 3), ("my-deployment", 1), ("blue", 3), ("green", 3)] {
                #expect(eventually(60) { self.ready(deployment, count) }, "\(deployment)")
            }
            #expect(cluster.kubectl("wait", "--for=condition=Ready", "pod/example", "--timeout=60s").status == 0)
            let address = cluster.printed("get", "svc", "entry-point", "-o", "jsonpath={.spec.clusterIP}")
            #expect(eventually(10) { self.get(address).output.contains("version 1.0.0") })
            _ = cluster.printed("patch", "svc", "entry-point", "-p", #"{"spec":{"selector":{"version":"2.0.0"}}}"#)
            #expect(eventually(10) { self.get(address).output.contains("version 2.0.0") })
            _ = cluster.printed(
                "delete", "--wait=false", "-f", slides + "helloworld-deployment.yaml", "-f",
                slides + "emptydir-pod.yaml", "-f", slides + "my-deployment.yaml", "-f", slides + "deploy-blue.yaml",
                "-f", slides + "deploy-green.yaml", "-f", slides + "service-blue-green.yaml")
        }

        /// A pod sees its configuration, its identity and the cluster's names; what fails says so by its right name.
        @Test func podEnvironment() {
            cluster.loadImages("slides")
            let manifest = """
                apiVersion: v1
                kind: ConfigMap
                metadata: {name: settings}
                data: {colour: green}
                ---
                apiVersion: v1
                kind: Secret
                metadata: {name: password}
                stringData: {word: sesame}
                ---
                apiVersion: v1
                kind: Pod
                metadata: {name: seer, labels: {role: seer}}
                spec:
                  restartPolicy: Never
                  containers:
                  - name: main
                    image: busybox
                    imagePullPolicy: IfNotPresent
                    command: ["sh", "-c", "echo $COLOUR $WORD $POD; cat /settings/colour /secret/word /meta/labels; ls /var/run/secrets/kubernetes.io/serviceaccount; nslookup kubernetes.default.svc.cluster.local; cat /etc/resolv.conf"]
                    env:
                    - {name: COLOUR, valueFrom: {configMapKeyRef: {name: settings, key: colour}}}
                    - {name: WORD, valueFrom: {secretKeyRef: {name: password, key: word}}}
                    - {name: POD, valueFrom: {fieldRef: {fieldPath: metadata.name}}}
                    volumeMounts:
                    - {name: settings, mountPath: /settings}
                    - {name: secret, mountPath: /secret}
                    - {name: meta, mountPath: /meta}
                  volumes:
                  - {name: settings, configMap: {name: settings}}
                  - {name: secret, secret: {secretName: password}}
                  - {name: meta, downwardAPI: {items: [{path: labels, fieldRef: {fieldPath: metadata.labels}}]}}
                ---
                apiVersion: v1
                kind: Pod
                metadata: {name: crasher}
                spec: {containers: [{name: main, image: busybox, imagePullPolicy: IfNotPresent, command: ["sh", "-c", "exit 3"]}]}
                ---
                apiVersion: v1
                kind: Pod
                metadata: {name: no-image}
                spec: {containers: [{name: main, image: nowhere.invalid/nothing:1}]}
                ---
                apiVersion: v1
                kind: Pod
                metadata: {name: no-config}
                spec: {containers: [{name: main, image: busybox, imagePullPolicy: IfNotPresent, envFrom: [{configMapRef: {name: missing}}]}]}
                ---
                apiVersion: v1
                kind: Pod
                metadata: {name: too-big}
                spec: {containers: [{name: main, image: busybox, resources: {requests: {cpu: "1000"}}}]}
                """
            let applied = cluster.kubectl("apply", "-f", "-", input: manifest)
            #expect(applied.status == 0, "\(applied.error)")
            #expect(
                eventually(30) {
                    self.cluster.kubectl("get", "pod", "seer", "-o", "jsonpath={.status.phase}").output == "Succeeded"
                })
            let log = cluster.printed("logs", "seer")
            for text in [
                "green sesame seer", "role=\"seer\"", "ca.crt", "namespace", "token", "10.96.0.1",
                "search default.svc.cluster.local",
            ] {
                #expect(log.contains(text), "\(text) in \(log)")
            }
            func waiting(_ pod: String) -> String {
                cluster.kubectl("get", "pod", pod, "-o", "jsonpath={.status.containerStatuses[0].state.waiting.reason}")
                    .output
            }
            #expect(eventually(40) { waiting("crasher") == "CrashLoopBackOff" })
            #expect(
                cluster.printed(
                    "get", "pod", "crasher", "-o",
                    "jsonpath={.status.containerStatuses[0].lastState.terminated.exitCode}") == "3")
            #expect(eventually(60) { ["ErrImagePull", "ImagePullBackOff"].contains(waiting("no-image")) })
            #expect(eventually(30) { waiting("no-config") == "CreateContainerConfigError" })
            #expect(
                eventually(30) {
                    self.cluster.kubectl("describe", "pod", "too-big").output.contains(
                        "0/1 nodes are available: 1 Insufficient cpu")
                })
            _ = cluster.printed("delete", "pod", "--all", "--wait=true", "--grace-period=1")
        }

        /// `kill -9` of martlet: the pods go on running, and the next `up` takes them over as they are.
        @Test func killedServerFindsItsPodsAgain() {
            cluster.loadImages("helloworld")
            _ = cluster.printed("apply", "-f", TestCluster.repository + "/Examples/helloworld")
            #expect(eventually(60) { self.ready("helloworld", 3) })
            let question = [
                "get", "pods", "-l", "app=helloworld", "--sort-by=.metadata.name", "-o",
                "jsonpath={range .items[*]}{.metadata.uid} {.status.containerStatuses[0].containerID} {.status.containerStatuses[0].restartCount};{end}",
            ]
            let before = run("kubectl", question, environment: ["KUBECONFIG": cluster.kubeconfig]).output
            cluster.killServer()
            let up = cluster.up()
            #expect(up.status == 0, "\(up.error)")
            sleep(5)
            #expect(eventually(20) { self.ready("helloworld", 3) })
            #expect(run("kubectl", question, environment: ["KUBECONFIG": cluster.kubeconfig]).output == before)
            _ = cluster.printed("delete", "-f", TestCluster.repository + "/Examples/helloworld")
        }

        /// After `down --purge` nothing of the cluster is left on the machine.
        @Test func downLeavesNothing() {
            cluster.loadImages("helloworld")
            _ = cluster.printed("apply", "-f", TestCluster.repository + "/Examples/helloworld")
            #expect(eventually(60) { self.ready("helloworld", 3) })
            let down = cluster.down()
            #expect(down.status == 0, "\(down.error)")
            #expect(!FileManager.default.fileExists(atPath: cluster.directory))
            #expect(!run("sh", ["-c", "cat /proc/mounts"]).output.contains(cluster.directory))
            #expect(!run("nft", ["list", "tables"]).output.contains("martlet"))
            #expect(!run("ip", ["-o", "link"]).output.contains("martlet"))
            #expect(run("ip", ["netns", "list"]).output.trimmingCharacters(in: .whitespacesAndNewlines) == "")
            let processes = run(
                "sh",
                [
                    "-c",
                    "tr '\\0' ' ' < /dev/null; for p in /proc/[0-9]*; do tr '\\0' ' ' < $p/cmdline 2>/dev/null; echo; done",
                ]
            ).output
            #expect(!processes.contains(cluster.directory))
        }
    }
}
