import JSON
import KubeClient
import KubeTypes

/// Tells each node, by an annotation, for how many seconds it may keep Secrets and ConfigMaps without asking again: the
/// longer the larger the cluster (upstream's ttl-controller).
final class NodeTTLController: Controller {
    static let annotation = "node.alpha.kubernetes.io/ttl"
    /// Cluster sizes that overlap, so that a cluster at the border does not go to and fro.
    private static let steps: [(sizes: ClosedRange<Int>, seconds: Int)] = [
        (0...100, 0), (90...500, 15), (450...1000, 30), (900...2000, 60), (1800...Int.max, 300),
    ]

    private let context: ControllerContext
    private let nodes: Informer<Node>
    private let queue: WorkQueue<String>

    init(_ context: ControllerContext) {
        self.context = context
        nodes = context.informers.informer(Node.self)
        let queue: WorkQueue<String> = context.queue()
        self.queue = queue
        // Nodes report every few seconds, which brings a change of the cluster's size to all of them.
        nodes.addHandler { change in
            if case .deleted = change { return }
            queue.add(change.object.name)
        }
    }

    func run() async {
        await nodes.waitForSync()
        await context.work(queue, of: "ttl-controller", workers: 1) { [self] in try await reconcile($0) }
    }

    /// The seconds for a cluster of this many nodes whose nodes have been told `current`.
    static func seconds(nodes count: Int, current: Int?) -> Int {
        if let current, let step = steps.first(where: { $0.seconds == current }), step.sizes.contains(count) {
            return current
        }
        return steps.first { $0.sizes.contains(count) }?.seconds ?? 0
    }

    private func reconcile(_ name: String) async throws {
        guard let node = nodes.get(name), !node.isBeingDeleted else { return }
        let current = node.annotations[Self.annotation].flatMap { Int($0) }
        let seconds = Self.seconds(nodes: nodes.count, current: current)
        guard current != seconds else { return }
        do {
            try await context.client.patch(
                Node.self, name,
                ["metadata": ["annotations": .object([Self.annotation: .string(String(seconds))])]])
        } catch { if !error.isNotFound { throw error } }
    }
}
