import HTTPServer
import JSON

/// How `pods/log` reaches the kubelet that runs the pod.
public protocol KubeletConnection: Sendable {
    /// Asks a node's kubelet for a container's log and passes its answer, status and all, on to `response`.
    /// - Parameters:
    ///   - node: the Node object: its address and its kubelet's port are in the status.
    ///   - path: `/containerLogs/NAMESPACE/POD/CONTAINER`
    ///   - query: `follow=true&tailLines=10`, without the question mark; checked, and without `container`.
    func logs(node: JSONValue, path: String, query: String, to response: any HTTPResponseWriter)
}
