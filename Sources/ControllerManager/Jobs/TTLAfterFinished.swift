import KubeClient
import KubeTypes

/// Deletes Jobs that ended longer ago than their `ttlSecondsAfterFinished` (upstream's ttl-after-finished-controller).
final class TTLAfterFinishedController: Controller {
    private let context: ControllerContext
    private let jobs: Informer<Job>
    private let queue: WorkQueue<ObjectKey>

    init(_ context: ControllerContext) {
        self.context = context
        jobs = context.informers.informer(Job.self)
        let queue: WorkQueue<ObjectKey> = context.queue()
        self.queue = queue
        jobs.addHandler { change in
            if case .deleted = change { return }
            if Self.expiry(of: change.object) != nil { queue.add(change.object.key) }
        }
    }

    func run() async {
        await jobs.waitForSync()
        await context.work(queue, of: "ttl-after-finished-controller", workers: 2) { [self] in
            try await reconcile($0)
        }
    }

    /// When the Job may be deleted; nil for one that stays.
    static func expiry(of job: Job) -> Time? {
        guard let ttl = job.spec.ttlSecondsAfterFinished, !job.isBeingDeleted, let end = job.end else { return nil }
        return end.lastTransitionTime?.adding(seconds: ttl)
    }

    private func reconcile(_ key: ObjectKey) async throws {
        guard let cached = jobs[key], isDue(cached) else { return }
        // The time to live may just have been extended.
        do {
            let job = try await context.client.get(Job.self, key.name, namespace: key.namespace)
            guard isDue(job) else { return }
            try await context.client.delete(
                Job.self, key.name, namespace: key.namespace,
                options: .only(uid: job.uid, resourceVersion: job.resourceVersion, propagation: "Foreground"))
        } catch { if !error.isNotFound { throw error } }
    }

    private func isDue(_ job: Job) -> Bool {
        guard let expiry = Self.expiry(of: job) else { return false }
        let left = expiry.since(context.now)
        if left <= 0 { return true }
        queue.add(job.key, after: .milliseconds(Int64(left * 1000) + 1))
        return false
    }
}
