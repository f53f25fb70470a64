import Foundation
import JSON
import Testing

extension EndToEnd {
    /// What goes wrong with pods, provoked on real containers: each has upstream's name, and an event that says more.
    @Suite(.serialized)
    final class PodFaultTests {
        private let cluster = TestCluster(name: "faults", port: 17446, node: true)

        init() {
            let up = cluster.up()
            #expect(up.status == 0, "\(up.error)")
        }

        deinit { cluster.down() }

        /// A pod of one container.
        private func pod(_ name: String, image: String = "busybox", container: String = "", spec: String = "")
            -> String
        {
            """
            apiVersion: v1
            kind: Pod
            metadata: {name: \(name)}
            spec:
              terminationGracePeriodSeconds: 1
            \(spec)
              containers:
              - name: main
                image: \(image)
                imagePullPolicy: IfNotPresent
            \(container)
            ---

            """
        }

        private func value(_ pod: String, _ path: String) -> String {
            cluster.kubectl("get", "pod", pod, "-o", "jsonpath={\(path)}").output
        }

        private func events(of pod: String) -> String {
            cluster.kubectl(
                "get", "events", "--field-selector", "involvedObject.name=\(pod)", "-o",
                "jsonpath={range .items[*]}{.reason}{': '}{.message}{'\\n'}{end}"
            ).output
        }

        @Test func faultsHaveTheirNames() {
            cluster.loadImages("slides")
            let busybox = "busybox"
            let sleeping = "    command: [sleep, '1000']"
            let failing = "    command: [sh, -c, 'exit 3']"
            var manifest = pod("no-registry", image: "registry.invalid/none:1")
            manifest += pod("bad-name", image: "a/UPPER")
            manifest += pod("never", image: "registry.invalid/never:1").replacingOccurrences(
                of: "IfNotPresent", with: "Never")
            manifest += pod("crash", image: busybox, container: failing)
            manifest += pod("no-program", image: busybox, container: "    command: [/does/not/exist]")
            manifest += pod(
                "root", image: busybox,
                container: sleeping + "\n    securityContext: {runAsNonRoot: true}")
            manifest += pod(
                "no-map", image: busybox,
                container: sleeping + "\n    envFrom: [{configMapRef: {name: missing}}]")
            manifest += pod(
                "no-volume", image: busybox, container: sleeping,
                spec: "  volumes: [{name: v, configMap: {name: missing}}]")
            manifest += pod(
                "hook", image: busybox,
                container: sleeping + "\n    lifecycle: {postStart: {exec: {command: [sh, -c, 'exit 5']}}}")
            manifest += pod(
                "init", image: busybox, container: sleeping,
                spec: "  initContainers: [{name: first, image: \(busybox), imagePullPolicy: IfNotPresent, "
                    + "command: [sh, -c, 'exit 1']}]")
            manifest += pod(
                "late", image: busybox, container: sleeping, spec: "  activeDeadlineSeconds: 2")
            // The runtime hears of the lack of memory and of the end in no order: there is time between them, and
            // another try.
            manifest += pod(
                "hungry", image: busybox,
                container: "    command: [sh, -c, 'tail /dev/zero; sleep 2; exit 1']\n"
                    + "    resources: {limits: {memory: 16Mi}}")
            manifest += pod(
                "full", image: busybox,
                container: "    command: [sh, -c, 'dd if=/dev/zero of=/v/f bs=1M count=8; sleep 1000']\n"
                    + "    volumeMounts: [{name: v, mountPath: /v}]",
                spec: "  volumes: [{name: v, emptyDir: {sizeLimit: 1Mi}}]")
            manifest += pod(
                "too-large", image: busybox,
                container: sleeping + "\n    resources: {requests: {cpu: 1000}}",
                spec: "  nodeName: \(cluster.printed("get", "nodes", "-o", "jsonpath={.items[0].metadata.name}"))")
            let applied = cluster.kubectl("apply", "-f", "-", input: manifest)
            #expect(applied.status == 0, "\(applied.error)")

            let waiting = ".status.containerStatuses[0].state.waiting.reason"
            let expected: [(String, String, Set<String>, String)] = [
                ("no-registry", waiting, ["ErrImagePull", "ImagePullBackOff"], "Failed: Failed to pull image"),
                ("bad-name", waiting, ["InvalidImageName"], "InspectFailed: "),
                ("never", waiting, ["ErrImageNeverPull"], "ErrImageNeverPull: "),
                ("crash", waiting, ["CrashLoopBackOff"], "BackOff: Back-off restarting failed container main"),
                ("no-program", waiting, ["RunContainerError", "CrashLoopBackOff"], "Failed: Error: "),
                ("root", waiting, ["CreateContainerConfigError"], "image will run as root"),
                ("no-map", waiting, ["CreateContainerConfigError"], "configmap \"missing\" not found"),
                ("no-volume", waiting, ["ContainerCreating"], "FailedMount: MountVolume.SetUp failed for volume"),
                ("hook", waiting, ["PostStartHookError", "CrashLoopBackOff"], "FailedPostStartHook: "),
                (
                    "init", ".status.initContainerStatuses[0].state.waiting.reason", ["CrashLoopBackOff"],
                    "BackOff: Back-off restarting failed container first"
                ),
                ("late", ".status.reason", ["DeadlineExceeded"], "DeadlineExceeded: "),
                ("hungry", ".status.containerStatuses[0].lastState.terminated.reason", ["OOMKilled"], "Started: "),
                ("full", ".status.reason", ["Evicted"], "Usage of EmptyDir volume \"v\" exceeds the limit \"1Mi\""),
                ("too-large", ".status.reason", ["OutOfcpu"], "Node didn't have enough resource: cpu"),
            ]
            for (name, path, reasons, event) in expected {
                #expect(
                    eventually(90) { reasons.contains(self.value(name, path)) },
                    "\(name) says \(value(name, path)) and not \(reasons)")
                #expect(
                    eventually(10) { self.events(of: name).contains(event) },
                    "\(name) has no event \(event): \(events(of: name))")
            }
            #expect(value("full", ".status.phase") == "Failed")
            #expect(
                value("full", ".status.conditions[?(@.type=='DisruptionTarget')].reason") == "TerminationByKubelet")
        }

        /// What goes wrong with a pod's sandbox and its network has upstream's events.
        @Test func sandboxFaultsHaveTheirNames() throws {
            cluster.loadImages("slides")
            let sleeping = "    command: [sleep, '1000']"
            var manifest = pod(
                "bad-sysctl", container: sleeping,
                spec: "  securityContext: {sysctls: [{name: net.ipv4.ip_local_port_range, value: nonsense}]}")
            manifest += pod(
                "unsafe-sysctl", container: sleeping,
                spec: "  securityContext: {sysctls: [{name: kernel.msgmax, value: '65536'}]}")
            manifest += pod(
                "long-name", container: sleeping,
                spec: "  setHostnameAsFQDN: true\n  subdomain: \(String(repeating: "s", count: 50))")
            manifest += pod("wrong-system", container: sleeping, spec: "  os: {name: windows}\n  nodeName: NODE")
            manifest += pod(
                "wrong-node", container: sleeping, spec: "  nodeSelector: {no: such}\n  nodeName: NODE")
            manifest += pod("ends-badly", container: sleeping)
            manifest = manifest.replacingOccurrences(
                of: "NODE", with: cluster.printed("get", "nodes", "-o", "jsonpath={.items[0].metadata.name}"))
            let applied = cluster.kubectl("apply", "-f", "-", input: manifest)
            #expect(applied.status == 0, "\(applied.error)")
            for (name, reason, event) in [
                ("bad-sysctl", "", "FailedCreatePodSandBox: Failed to create pod sandbox"),
                ("unsafe-sysctl", "SysctlForbidden", "SysctlForbidden: "),
                ("long-name", "", "is too long (64 characters is the max"),
                ("wrong-system", "PodOSNotSupported", "PodOSNotSupported: "),
                ("wrong-node", "NodeAffinity", "Predicate NodeAffinity failed"),
            ] {
                #expect(
                    eventually(60) { self.events(of: name).contains(event) },
                    "\(name) has no event \(event): \(events(of: name))")
                #expect(
                    eventually(10) { self.value(name, ".status.reason") == reason },
                    "\(name) says \(value(name, ".status.reason"))")
            }

            // A network that cannot be set up, or taken down.
            #expect(
                cluster.kubectl("wait", "--for=condition=Ready", "pod/ends-badly", "--timeout=60s").status == 0)
            let path = cluster.directory + "/containerd/cni/10-martlet.conflist"
            let good = try String(contentsOfFile: path, encoding: .utf8)
            let bad = good.replacingOccurrences(of: "\"ptp\"", with: "\"no-such-plugin\"")
            #expect(bad != good)
            try bad.write(toFile: path, atomically: true, encoding: .utf8)
            defer { try? good.write(toFile: path, atomically: true, encoding: .utf8) }
            #expect(
                eventually(30) {
                    let name = "no-network-\(UInt32.random(in: 0...99999))"
                    _ = self.cluster.kubectl("apply", "-f", "-", input: self.pod(name, container: sleeping))
                    return eventually(5) {
                        self.events(of: name).contains("failed to setup network for sandbox")
                            || self.events(of: name).contains("no-such-plugin")
                    }
                })
            _ = cluster.kubectl("delete", "pod", "ends-badly", "--wait=false")
            #expect(
                eventually(60) { self.events(of: "ends-badly").contains("KillPodSandboxError") },
                "\(events(of: "ends-badly"))")
            try good.write(toFile: path, atomically: true, encoding: .utf8)
            #expect(eventually(60) { self.cluster.kubectl("get", "pod", "ends-badly").status != 0 })
        }
    }
}
