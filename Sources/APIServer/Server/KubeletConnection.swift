import HTTPServer
import JSON
import KubeTypes

/// How the API server reaches kubelets.
public protocol KubeletConnection: Sendable {
    /// Asks a node's kubelet for a container's log and passes its answer, status and all, on to `response`.
    /// - Parameters:
    ///   - node: the Node object: its address and its kubelet's port are in the status.
    ///   - path: `/containerLogs/NAMESPACE/POD/CONTAINER`
    ///   - query: `follow=true&tailLines=10`, without the question mark; checked, and without `container`.
    func logs(node: JSONValue, path: String, query: String, to response: any HTTPResponseWriter)

    /// Where a node's kubelet listens, and how it is spoken to: as the API server, with a certificate.
    /// - Throws: what to answer where the node has not said it.
    func target(of node: JSONValue) throws(APIError) -> ProxyTarget
}
