import JSON
import KubeClient
import KubeTypes
import Logging
import Synchronization

/// A loop that makes what is there into what is wanted, for the objects of one kind.
protocol Controller: Sendable {
    /// Works until the task is cancelled. The context's informers run meanwhile.
    func run() async
}

/// What all controllers share.
final class ControllerContext: Sendable {
    let client: KubeClient
    let options: ControllerManagerOptions
    let informers: InformerFactory

    convenience init(client: KubeClient, options: ControllerManagerOptions) {
        self.init(
            client: client, informers: InformerFactory(client: client, logger: options.logger), options: options)
    }

    /// - Parameter informers: Shared with other controllers.
    init(client: KubeClient, informers: InformerFactory, options: ControllerManagerOptions) {
        self.client = client
        self.informers = informers
        self.options = options
    }

    var logger: Logger { options.logger }
    var now: Time { options.now() }

    func recorder(_ component: String) -> EventRecorder {
        EventRecorder(client: client, component: component, logger: options.logger, now: options.now)
    }

    func queue<Key: Hashable & Sendable>(_ type: Key.Type = Key.self) -> WorkQueue<Key> {
        WorkQueue(clock: options.clock)
    }

    /// Runs workers over a queue, and logs what fails.
    func work<Key: Hashable & Sendable>(
        _ queue: WorkQueue<Key>, of controller: String, workers: Int = 4,
        _ reconcile: @escaping @Sendable (Key) async throws -> Void
    ) async {
        let logger = options.logger
        await queue.run(workers: workers, reconcile) { key, error in
            // A conflict is the ordinary consequence of a cache that lags behind, and is mended by trying again.
            let expected = (error as? APIError)?.isConflict == true || error is RetryLater
            logger.log(level: expected ? .debug : .info, "\(controller): \(key): \(error)")
        }
    }
}

/// Work that cannot be finished yet and is to be tried again, after the queue's growing delay.
struct RetryLater: Error, CustomStringConvertible {
    let description: String
}

/// One informer for every resource that a controller asks for.
final class InformerFactory: Sendable {
    private struct Entry: Sendable {
        var informer: any Sendable
        var run: @Sendable () async -> Void
    }

    /// The client by which all controllers read; not every controller's own identity may list what it needs.
    let client: KubeClient
    private let logger: Logger
    private let entries = Mutex<[String: Entry]>([:])

    init(client: KubeClient, logger: Logger) {
        self.client = client
        self.logger = logger
    }

    /// The informer for a resource; to be asked for before `run`.
    func informer<Object: KubeObject>(_ type: Object.Type = Object.self) -> Informer<Object> {
        let name = "\(Object.type.apiVersion)/\(Object.type.resource)"
        return entries.withLock { entries in
            if let informer = entries[name]?.informer as? Informer<Object> { return informer }
            let informer = Informer<Object>(client, logger: logger)
            entries[name] = Entry(informer: informer, run: { await informer.run() })
            return informer
        }
    }

    /// Pods, indexed by who owns them, their node and labels.
    var pods: Informer<Pod> {
        let informer = informer(Pod.self)
        PodIndex.add(to: informer)
        return informer
    }

    func run() async {
        let runs = entries.withLock { $0.values.map(\.run) }
        await withTaskGroup(of: Void.self) { group in
            for run in runs { group.addTask { await run() } }
        }
    }
}
