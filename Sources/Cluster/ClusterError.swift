/// What keeps a cluster from running, in one line: what is wrong, and how to mend it.
public struct ClusterError: Error, Sendable, CustomStringConvertible {
    public let description: String

    public init(_ problem: String, mend: String? = nil) {
        description = mend.map { "\(problem): \($0)" } ?? problem
    }
}
