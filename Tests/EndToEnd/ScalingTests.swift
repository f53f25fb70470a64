import Foundation
import Testing

extension EndToEnd {
    /// The scaling demonstrations of the first deck, on real containers: by hand, and by load. They need root and the
    /// packages of Scripts/prerequisites.sh.
    @Suite(.serialized)
    final class ScalingTests {
        private let cluster = TestCluster(name: "scaling", port: 17449, node: true)
        private let slides = TestCluster.repository + "/Examples/slides/"

        init() {
            // Upstream's five minutes of waiting before pods are taken away again are for another day.
            let up = cluster.martlet([
                "up", "--detach", "--no-context", "--port", "17449",
                "--horizontal-pod-autoscaler-downscale-stabilization", "15s",
                "--horizontal-pod-autoscaler-sync-period", "3s",
                "--horizontal-pod-autoscaler-cpu-initialization-period", "5s",
                "--horizontal-pod-autoscaler-initial-readiness-delay", "2s",
            ])
            #expect(up.status == 0, "\(up.error)")
            cluster.loadImages("slides")
        }

        deinit { cluster.down() }

        private func value(_ resource: String, _ path: String) -> Int {
            Int(cluster.kubectl("get", resource, "-o", "jsonpath={\(path)}").output) ?? 0
        }

        @Test func scaleByHand() {
            _ = cluster.printed("create", "-f", slides + "webgatos.yml")
            #expect(eventually(60) { self.value("deploy/webgatos-deploy", ".status.readyReplicas") == 1 })
            _ = cluster.printed("scale", "deployment/webgatos-deploy", "--replicas=2")
            #expect(eventually(60) { self.value("deploy/webgatos-deploy", ".status.readyReplicas") == 2 })
            let address = cluster.printed("get", "svc", "webgatos-service", "-o", "jsonpath={.spec.clusterIP}")
            // Both replicas are asked.
            var answers: Set<String> = []
            #expect(
                eventually(30) {
                    let answer = run("curl", ["-sf", "--max-time", "3", "http://\(address):5000/"])
                    if answer.status == 0 { answers.insert(answer.output) }
                    return answers.count == 2
                }, "\(answers)")
            _ = cluster.printed("scale", "deployment/webgatos-deploy", "--replicas=0")
            #expect(eventually(60) { self.cluster.printed("get", "pods", "-o", "name").isEmpty })
        }

        @Test func scaleByLoad() {
            _ = cluster.printed("create", "-f", slides + "hpa-deployment.yaml")
            _ = cluster.printed("create", "-f", slides + "hpa-autoscaling.yaml")
            #expect(eventually(60) { self.value("deploy/hpa-example", ".status.readyReplicas") == 1 })
            _ = cluster.printed(
                "run", "load-generator", "--image=busybox", "--image-pull-policy=IfNotPresent", "--restart=Never",
                "--", "/bin/sh", "-c", "while true; do wget -q -O- http://hpa-example; done")
            #expect(
                eventually(120) { self.value("deploy/hpa-example", ".status.readyReplicas") >= 3 },
                "\(cluster.kubectl("describe", "hpa").output)")
            // What is asked for now is what kubectl of today sees, too.
            #expect(value("hpa/hpa-example", ".spec.metrics[0].resource.target.averageUtilization") == 10)
            _ = cluster.printed("delete", "pod", "load-generator", "--grace-period=0", "--force")
            #expect(
                eventually(120) { self.value("deploy/hpa-example", ".spec.replicas") == 1 },
                "\(cluster.kubectl("describe", "hpa").output)")
            #expect(
                eventually(60) { self.cluster.printed("get", "pods", "-o", "name").split(separator: "\n").count == 1 })
        }
    }
}
