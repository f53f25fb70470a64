import Foundation
import Testing

extension EndToEnd {
    /// exec, attach, cp and port-forward on real containers: every byte arrives, and many sessions go on at once.
    @Suite(.serialized)
    final class StreamTests {
        private let cluster = TestCluster(name: "streams", port: 17450, node: true)

        init() {
            let up = cluster.up()
            #expect(up.status == 0, "\(up.error)")
            cluster.loadImages("slides")
            let applied = cluster.kubectl(
                "apply", "-f", "-",
                input: """
                    apiVersion: v1
                    kind: Pod
                    metadata: {name: box}
                    spec:
                      terminationGracePeriodSeconds: 1
                      containers:
                      - {name: main, image: busybox, imagePullPolicy: IfNotPresent, command: [sleep, '1000']}
                    """)
            #expect(applied.status == 0, "\(applied.error)")
            let ready = cluster.kubectl("wait", "--for=condition=Ready", "pod/box", "--timeout=60s")
            #expect(ready.status == 0, "\(ready.error)")
        }

        deinit { cluster.down() }

        private func shell(_ script: String, timeout: Double = 240) -> CommandResult {
            run("bash", ["-c", script], environment: ["KUBECONFIG": cluster.kubeconfig], timeout: timeout)
        }

        /// 32 MiB of noise, there and back, by exec and by cp. The shell that runs `cat` stays and keeps its standard
        /// output: containerd ends what goes into a process when all of its standard output is closed (its issue 13934).
        @Test func largeTransfersKeepEveryByte() {
            let file = cluster.directory + "/noise"
            let made = shell(
                """
                set -e -o pipefail
                head -c 33554432 /dev/urandom > \(file)
                kubectl exec -i box -- sh -c 'cat > /tmp/noise; exit $?' < \(file)
                kubectl exec box -- cat /tmp/noise | cmp - \(file)
                kubectl cp \(file) box:/tmp/copy
                kubectl exec box -- md5sum /tmp/noise /tmp/copy | cut -d' ' -f1
                md5sum \(file) | cut -d' ' -f1
                """)
            #expect(made.status == 0, "\(made.error)")
            let sums = made.output.split(separator: "\n")
            #expect(sums.count == 3 && Set(sums).count == 1, "\(made.output)")
        }

        @Test func hundredsOfSessionsAtOnce() {
            // Every session holds its connection until all are there, then answers what it was told, and nothing else.
            // A kubectl that is slow to begin may say one thing: that it lost the empty message by which a server,
            // upstream's too, tells that a session is there.
            let count = 200
            let result = shell(
                """
                cd \(cluster.directory)
                for i in $(seq \(count)); do
                  (echo "line $i"; sleep 20) | kubectl exec -i box -- head -n 1 > out.$i 2> err.$i &
                done
                wait
                for i in $(seq \(count)); do
                  [ "$(cat out.$i; grep -v 'Unknown stream id 1, discarding' err.$i)" = "line $i" ] ||
                    echo "$i: $(cat out.$i err.$i)"
                done
                """, timeout: 400)
            #expect(result.output.isEmpty, "\(result.output)")
        }

        @Test func manyShortSessionsLoseNothing() {
            let result = shell(
                """
                for round in $(seq 15); do
                  for i in $(seq 8); do
                    (kubectl exec box -- echo "round $round $i" | grep -qx "round $round $i" || echo "lost $round $i") &
                  done
                  wait
                done
                """)
            #expect(result.output.isEmpty, "\(result.output)")
        }

        @Test func exitCodesComeBack() {
            #expect(cluster.kubectl("exec", "box", "--", "sh", "-c", "exit 7").status == 7)
            #expect(cluster.kubectl("exec", "box", "--", "true").status == 0)
        }
    }
}
