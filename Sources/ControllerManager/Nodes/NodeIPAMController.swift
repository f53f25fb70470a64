import JSON
import KubeClient
import KubeTypes
import Synchronization

/// Gives every node that has none a range of addresses for its pods (`spec.podCIDR`), and takes it back with the node.
final class NodeIPAMController: Controller {
    private let context: ControllerContext
    private let nodes: Informer<Node>
    private let queue: WorkQueue<String>
    private let recorder: EventRecorder
    private let ranges: Mutex<PodCIDRs?>

    init(_ context: ControllerContext) {
        self.context = context
        let nodes = context.informers.informer(Node.self)
        let queue: WorkQueue<String> = context.queue()
        (self.nodes, self.queue) = (nodes, queue)
        recorder = context.recorder("cidrAllocator")
        let options = context.options
        var ranges = options.podCIDR.flatMap { PodCIDRs($0, nodePrefix: options.nodeCIDRMaskSize) }
        for reserved in options.reservedPodCIDRs { ranges?.occupy(reserved) }
        self.ranges = Mutex(ranges)
        guard ranges != nil else { return }
        nodes.addHandler { [self] change in
            switch change {
            case .added(let node), .updated(_, let node):
                for range in Self.ranges(of: node) { self.ranges.withLock { $0?.occupy(range) } }
                // Pods of simulated nodes are nowhere, and there may be more such nodes than ranges.
                if Self.ranges(of: node).isEmpty, node.metadata.annotations[Self.simulated] == nil {
                    queue.add(node.name)
                }
            case .deleted(let node): release(node)
            }
        }
    }

    /// Marks KWOK's nodes and our own simulated ones.
    private static let simulated = "kwok.x-k8s.io/node"

    private static func ranges(of node: Node) -> [String] {
        node.spec.podCIDRs.isEmpty ? [node.spec.podCIDR].compactMap { $0 } : node.spec.podCIDRs
    }

    private func release(_ node: Node) {
        for range in Self.ranges(of: node) where !context.options.reservedPodCIDRs.contains(range) {
            ranges.withLock { $0?.release(range) }
        }
    }

    func run() async {
        guard ranges.withLock({ $0 != nil }) else { return }
        // What nodes have must be known before anything is given out.
        await nodes.waitForSync()
        await context.work(queue, of: "node-ipam-controller", workers: 1) { [self] in try await reconcile($0) }
    }

    private func reconcile(_ name: String) async throws {
        guard let node = nodes.get(name), Self.ranges(of: node).isEmpty, !node.isBeingDeleted else { return }
        guard let range = ranges.withLock({ $0?.allocate() }) else {
            recorder.event(
                regarding: node, type: .normal, reason: "CIDRNotAvailable",
                message: "Node \(name) status is now: CIDRNotAvailable")
            throw RetryLater(description: "no pod CIDR is left for node \(name)")
        }
        do {
            let written = try await context.client.modify(Node.self, name) { live in
                guard live.uid == node.uid, Self.ranges(of: live).isEmpty else { return false }
                live.spec.podCIDR = range
                live.spec.podCIDRs = [range]
                return true
            }
            // The node had one by then.
            if Self.ranges(of: written) != [range] { ranges.withLock { $0?.release(range) } }
        } catch {
            ranges.withLock { $0?.release(range) }
            if !error.isNotFound { throw error }
        }
    }
}
