import Foundation
import Testing

extension EndToEnd {
    /// The Python client against a control plane without a node: what it does is in Tests/Support/PythonClient.
    @Suite(.serialized)
    final class PythonClientTests {
        private let cluster = TestCluster(name: "python", port: 16445, node: false)

        init() {
            let up = cluster.up()
            #expect(up.status == 0, "\(up.error)")
        }

        deinit { cluster.down() }

        @Test func pythonClient() throws {
            let made = run("sh", [TestCluster.repository + "/Scripts/python-client.sh"], timeout: 600)
            #expect(made.status == 0, "\(made.error)")
            let python = made.output.trimmingCharacters(in: .whitespacesAndNewlines)
            let script = TestCluster.repository + "/Tests/Support/PythonClient/client.py"
            let result = run(python, [script, cluster.kubeconfig], timeout: 120)
            #expect(result.status == 0, "\(result.error)")
            #expect(result.output == "ok\n")
        }
    }
}
