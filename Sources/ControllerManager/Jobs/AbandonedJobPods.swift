import KubeClient
import KubeTypes

/// Takes the finalizers off pods whose Job is gone or over: nobody will count them, and nothing else lets them go.
final class AbandonedJobPods: Sendable {
    private let context: ControllerContext
    private let pods: Informer<Pod>
    private let queue: WorkQueue<ObjectKey>

    init(_ context: ControllerContext, pods: Informer<Pod>) {
        self.context = context
        self.pods = pods
        queue = context.queue()
    }

    func add(_ pod: ObjectKey) { queue.add(pod) }

    func add(podsOf job: String) {
        for pod in PodIndex.controlled(by: job, in: pods) where pod.isTracked { queue.add(pod.key) }
    }

    func run() async {
        await context.work(queue, of: "job-controller", workers: 2) { [self] in try await reconcile($0) }
    }

    private func reconcile(_ key: ObjectKey) async throws {
        guard let pod = pods[key], pod.isTracked else { return }
        if let reference = pod.controller {
            guard reference.kind == Job.type.kind, reference.apiVersion == Job.type.apiVersion else { return }
            // Asked of the server: the cache may not have heard of the Job yet.
            do {
                let job = try await context.client.get(Job.self, reference.name, namespace: key.namespace)
                if job.uid == reference.uid, job.isManagedElsewhere || job.end == nil { return }
            } catch { if !error.isNotFound { throw error } }
        }
        if let error = await JobFinalizer.remove(from: pod, context.client) { throw error }
    }
}
