import Foundation

/// `martlet up --detach` and `martlet agent --detach`: a process of its own that outlives the terminal.
public enum DetachedCluster {
    private static let patience = 120.0

    /// Starts this program again with the same arguments, without `--detach`, in a session of its own, and returns when
    /// the API answers and the node, if there is to be one, is Ready.
    /// - Returns: what to tell the user.
    /// - Throws: `ClusterError` with what the new process said, if it ended.
    public static func start(_ options: ClusterOptions, arguments: [String]) async throws -> String {
        try refuseIfRunning(options.directory, what: "a cluster")
        try options.directory.prepare()
        let state = try await DetachedProcess.start(
            DetachedProcess.program, arguments.filter { $0 != "--detach" }, in: options.directory,
            what: "the cluster", patience: patience
        ) { $0.apiReadyAfter != nil && (!options.runsNode || $0.nodeReadyAfter != nil) }
        let node = state.nodeReadyAfter.map { ", the node was Ready after \(seconds($0))." } ?? "."
        return "The API answered after \(seconds(state.apiReadyAfter ?? 0))\(node)\n"
            + "  export KUBECONFIG=\(options.directory.adminKubeconfig)"
    }

    /// The same for an agent: returns when its node is Ready.
    public static func startAgent(_ directory: DataDirectory, arguments: [String]) async throws -> String {
        try refuseIfRunning(directory, what: "an agent")
        try directory.prepare()
        let state = try await DetachedProcess.start(
            DetachedProcess.program, arguments.filter { $0 != "--detach" }, in: directory, what: "the agent",
            patience: patience
        ) { $0.nodeReadyAfter != nil }
        return "node \(state.nodeName) was Ready after \(seconds(state.nodeReadyAfter ?? 0))."
    }

    private static func refuseIfRunning(_ directory: DataDirectory, what: String) throws(ClusterError) {
        guard FileLock.isHeld(path: directory.lock), let state = RunState(path: directory.runState) else { return }
        throw ClusterError(
            "\(what) runs in \(directory.path) already (process \(state.pid), port \(state.port))",
            mend: "use it, or stop it with 'martlet down'")
    }

    static func seconds(_ milliseconds: Int) -> String {
        "\(milliseconds / 1000).\(String(milliseconds % 1000 + 1000).dropFirst()) s"
    }
}
