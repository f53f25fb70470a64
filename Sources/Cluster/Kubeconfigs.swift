import Foundation
import KubeClient
import PKI

/// The kubeconfig of the administrator, in the data directory and as the context `martlet` in the user's own.
enum Kubeconfigs {
    static let context = "martlet"

    static func write(_ options: ClusterOptions, keys: ClusterKeys) throws(ClusterError) {
        let server = "https://127.0.0.1:\(options.port)"
        do {
            try KubeConfig.write(
                path: options.directory.adminKubeconfig, server: server, caPEM: keys.authority.certificatePEM,
                clientCertPEM: keys.administrator.certificatePEM, clientKeyPEM: keys.administrator.privateKeyPEM,
                contextName: context)
        } catch {
            throw ClusterError("\(options.directory.adminKubeconfig): \(error)")
        }
        guard options.mergesUserKubeconfig, let path = userPath(options.directory) else { return }
        do {
            try KubeConfig.merge(
                into: path, server: server, caPEM: keys.authority.certificatePEM,
                clientCertPEM: keys.administrator.certificatePEM, clientKeyPEM: keys.administrator.privateKeyPEM,
                contextName: context)
        } catch {
            throw ClusterError(
                "\(path): \(error)", mend: "mend that file, or start with --no-context to leave it alone")
        }
    }

    static func removeContext(_ directory: DataDirectory) {
        guard let path = userPath(directory), FileManager.default.fileExists(atPath: path) else { return }
        // What cannot be read or written is not ours to mend.
        try? KubeConfig.remove(context: context, from: path)
    }

    /// Where kubectl would write: the first file of KUBECONFIG, or ~/.kube/config. Nil if that is the data directory's
    /// own file.
    private static func userPath(_ directory: DataDirectory) -> String? {
        let environment = ProcessInfo.processInfo.environment
        let named = environment["KUBECONFIG"]?.split(separator: ":").first.map(String.init)
        let path = named ?? environment["HOME"].map { "\($0)/.kube/config" }
        return path == directory.adminKubeconfig ? nil : path
    }
}
