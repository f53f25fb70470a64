import Foundation
import Testing

/// Clusters share one machine: their tests run one after the other.
@Suite(.serialized) enum EndToEnd {}

extension EndToEnd {
    /// Every test here talks to a control plane without a node, through the real kubectl.
    @Suite(.serialized)
    final class ControlPlaneTests {
        private let cluster = TestCluster(name: "control-plane", port: 16443, node: false)

        init() {
            let up = cluster.up()
            #expect(up.status == 0, "\(up.error)")
        }

        deinit { cluster.down() }

        /// What people type, in the order in which they type it, and what it must print.
        @Test func kubectlCommands() {
            let manifest = TestCluster.repository + "/Examples/helloworld"
            #expect(cluster.printed("apply", "-f", manifest).contains("deployment.apps/helloworld created"))
            #expect(
                cluster.printed("apply", "-f", manifest)
                    == "deployment.apps/helloworld unchanged\nservice/helloworld unchanged")
            #expect(cluster.printed("get", "deploy", "helloworld", "-o", "jsonpath={.spec.replicas}") == "3")
            #expect(
                cluster.printed(
                    "get", "svc", "helloworld", "-o", "custom-columns=N:.metadata.name,P:.spec.ports[0].nodePort")
                    == "N            P\nhelloworld   30080")
            #expect(
                cluster.printed("get", "deploy", "-l", "app=helloworld", "-o", "name") == "deployment.apps/helloworld")
            #expect(cluster.printed("get", "deploy", "-l", "app!=helloworld", "-o", "name") == "")
            #expect(
                cluster.printed("get", "deploy", "--field-selector", "metadata.name=helloworld", "-o", "name")
                    == "deployment.apps/helloworld")
            #expect(cluster.printed("get", "deploy", "--show-labels").contains("app=helloworld"))
            #expect(cluster.printed("get", "deploy", "-o", "wide").contains("martlet.local/helloworld:v1"))
            #expect(
                cluster.printed("get", "deploy", "helloworld", "-o", "yaml").contains(
                    "terminationGracePeriodSeconds: 10"))
            #expect(
                cluster.printed("describe", "deploy", "helloworld").contains(
                    "RollingUpdateStrategy:  0 max unavailable, 1 max surge"))
            #expect(
                cluster.printed("label", "deploy", "helloworld", "tier=front") == "deployment.apps/helloworld labeled")
            #expect(
                cluster.printed("annotate", "deploy", "helloworld", "note=x") == "deployment.apps/helloworld annotated")
            #expect(
                cluster.printed("scale", "deploy/helloworld", "--replicas=2") == "deployment.apps/helloworld scaled")
            #expect(cluster.printed("get", "deploy", "helloworld", "-o", "jsonpath={.spec.replicas}") == "2")
            #expect(
                cluster.printed("set", "image", "deploy/helloworld", "web=martlet.local/helloworld:v2")
                    == "deployment.apps/helloworld image updated")
            #expect(
                cluster.printed(
                    "patch", "deploy", "helloworld", "-p",
                    #"{"spec":{"template":{"spec":{"containers":[{"name":"web","env":[{"name":"A","value":"1"}]}]}}}}"#)
                    == "deployment.apps/helloworld patched")
            #expect(
                cluster.printed(
                    "get", "deploy", "helloworld", "-o", "jsonpath={.spec.template.spec.containers[0].image}")
                    == "martlet.local/helloworld:v2")
            #expect(
                cluster.printed(
                    "patch", "deploy", "helloworld", "--type=json", "-p",
                    #"[{"op":"replace","path":"/spec/replicas","value":1}]"#) == "deployment.apps/helloworld patched")
            #expect(
                cluster.printed(
                    "patch", "deploy", "helloworld", "--type=merge", "-p",
                    #"{"metadata":{"annotations":{"note":null}}}"#) == "deployment.apps/helloworld patched")
            #expect(cluster.printed("rollout", "pause", "deploy/helloworld") == "deployment.apps/helloworld paused")
            #expect(cluster.printed("rollout", "resume", "deploy/helloworld") == "deployment.apps/helloworld resumed")
            #expect(
                cluster.printed("rollout", "restart", "deploy/helloworld") == "deployment.apps/helloworld restarted")
            #expect(eventually { self.cluster.kubectl("rollout", "history", "deploy/helloworld").output.contains("4") })
            #expect(
                cluster.printed("rollout", "undo", "deploy/helloworld", "--to-revision=1")
                    == "deployment.apps/helloworld rolled back")
            #expect(
                cluster.printed("expose", "deploy", "helloworld", "--name=again", "--port=81")
                    == "service/again exposed")
            #expect(cluster.printed("auth", "can-i", "create", "pods") == "yes")
            #expect(
                cluster.kubectl("auth", "can-i", "create", "pods", "--as-group=nobody", "--as=nobody").output.hasPrefix(
                    "no"))
            #expect(cluster.printed("api-versions").contains("apps/v1"))
            #expect(cluster.printed("api-resources").contains("deploy"))
            #expect(cluster.printed("explain", "deployment.spec.replicas").contains("replicas <integer>"))
            #expect(cluster.printed("explain", "pod.spec.containers").contains("image"))
            #expect(
                cluster.printed("create", "configmap", "settings", "--from-literal=a=b") == "configmap/settings created"
            )
            #expect(cluster.printed("get", "cm", "settings", "-o", "jsonpath={.data.a}") == "b")
            #expect(cluster.kubectl("top", "nodes").error.contains("Metrics API not available"))
            #expect(cluster.printed("delete", "deploy,svc", "-l", "app=helloworld").contains("deleted"))
            #expect(cluster.printed("wait", "--for=delete", "pod", "-l", "app=helloworld", "--timeout=30s") == "")
        }

        /// `kubectl edit` with an editor that makes one change.
        @Test func edit() {
            _ = cluster.printed("create", "configmap", "edited", "--from-literal=a=before")
            let result = run(
                "kubectl", ["edit", "configmap", "edited"],
                environment: ["KUBECONFIG": cluster.kubeconfig, "EDITOR": "sed -i s/before/after/"])
            #expect(result.status == 0, "\(result.error)")
            #expect(cluster.printed("get", "cm", "edited", "-o", "jsonpath={.data.a}") == "after")
        }

        @Test func watchShowsChanges() {
            _ = cluster.printed("create", "namespace", "watched")
            let log = cluster.directory + "/watch.out"
            let watcher = Process()
            watcher.executableURL = URL(fileURLWithPath: "/bin/sh")
            watcher.arguments = ["-c", "exec kubectl get configmaps -n watched -w -o name > \(log)"]
            watcher.environment = ProcessInfo.processInfo.environment.merging(["KUBECONFIG": cluster.kubeconfig]) { $1 }
            #expect(throws: Never.self) { try watcher.run() }
            defer {
                watcher.terminate()
                watcher.waitUntilExit()
            }
            usleep(500_000)
            _ = cluster.printed("create", "configmap", "seen", "-n", "watched")
            #expect(
                eventually(10) {
                    ((try? String(contentsOfFile: log, encoding: .utf8)) ?? "").contains("configmap/seen")
                })
        }

        /// What is refused says why, changes nothing, and leaves the server alive.
        @Test(arguments: [
            ("apiVersion: v1\nkind: Nothing\nmetadata: {name: x}", "no matches for kind"),
            ("apiVersion: v1\nkind: Pod\nmetadata: {name: x}\nspec: {containers: [{image: a}]}", "Required value"),
            ("apiVersion: v1\nkind: Service\nmetadata: {name: x}\nspec: {ports: 7}", "error"),
            (
                "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: x}\nspec: {selector: {matchLabels: {a: b}}, template: {metadata: {labels: {a: c}}, spec: {containers: [{name: c, image: i}]}}}",
                "`selector` does not match template `labels`"
            ),
            ("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: UPPER}", "a lowercase RFC 1123 subdomain"),
        ])
        func refusals(manifest: String, says: String) {
            let result = cluster.kubectl("create", "--validate=false", "-f", "-", input: manifest)
            #expect(result.status != 0)
            #expect(result.error.lowercased().contains(says.lowercased()), "\(result.error)")
            #expect(
                cluster.kubectl("get", "pod,svc,deploy,cm", "x", "UPPER", "--ignore-not-found", "-o", "name").output
                    == "")
        }

        /// Writes that were answered are there after `kill -9`.
        @Test func killedServerKeepsWhatItAnswered() {
            let log = cluster.directory + "/acknowledged"
            let writer = Process()
            writer.executableURL = URL(fileURLWithPath: "/bin/sh")
            writer.arguments = [
                "-c",
                "i=0; while kubectl create configmap kept-$i > /dev/null 2>&1; do echo kept-$i >> \(log); i=$((i+1)); done",
            ]
            writer.environment = ProcessInfo.processInfo.environment.merging(["KUBECONFIG": cluster.kubeconfig]) { $1 }
            #expect(throws: Never.self) { try writer.run() }
            sleep(2)
            cluster.killServer()
            writer.waitUntilExit()
            let up = cluster.up()
            #expect(up.status == 0, "\(up.error)")
            let acknowledged = ((try? String(contentsOfFile: log, encoding: .utf8)) ?? "").split(separator: "\n")
            #expect(acknowledged.count > 3)
            let kept = Set(
                cluster.printed("get", "cm", "-o", "name").split(separator: "\n").map {
                    $0.dropFirst("configmap/".count)
                })
            #expect(acknowledged.allSatisfy(kept.contains))
        }
    }

}

extension EndToEnd {
    /// What the command says when something stands in the way: one line, and nothing started.
    @Suite struct CommandTests {
        @Test func foreignDirectoryIsRefused() throws {
            let directory = "/tmp/martlet-e2e-foreign-\(getpid())"
            try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
            defer { try? FileManager.default.removeItem(atPath: directory) }
            try Data("mine".utf8).write(to: URL(fileURLWithPath: directory + "/file"))
            let up = run(TestCluster.binary, ["up", "--detach", "--no-node", "--data-dir", directory])
            #expect(up.status != 0)
            #expect(up.error.contains("holds something that is no cluster's data"))
            #expect(run(TestCluster.binary, ["down", "--purge", "--data-dir", directory]).status != 0)
            #expect(FileManager.default.fileExists(atPath: directory + "/file"))
        }

        @Test func otherVersionIsRefused() throws {
            let directory = "/tmp/martlet-e2e-version-\(getpid())"
            try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
            defer { try? FileManager.default.removeItem(atPath: directory) }
            try Data("0\n".utf8).write(to: URL(fileURLWithPath: directory + "/version"))
            let up = run(TestCluster.binary, ["up", "--detach", "--no-node", "--data-dir", directory])
            #expect(up.status != 0)
            #expect(up.error.contains("another version"))
        }

        @Test func takenPortIsRefused() {
            let first = TestCluster(name: "port-a", port: 16449, node: false)
            let second = TestCluster(name: "port-b", port: 16449, node: false)
            defer {
                second.down()
                first.down()
            }
            #expect(first.up().status == 0)
            let up = second.up()
            #expect(up.status != 0)
            #expect(up.error.contains("16449"))
            #expect(up.error.split(separator: "\n").count == 1)
        }

        @Test func helpIsUseful() {
            for command in ["up", "down", "status", "kubeconfig", "image", "version"] {
                let help = run(TestCluster.binary, [command, "--help"])
                #expect(help.status == 0)
                #expect(help.output.contains("OVERVIEW"))
            }
        }
    }
}
