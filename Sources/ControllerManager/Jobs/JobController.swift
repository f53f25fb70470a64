import JSON
import KubeClient
import KubeTypes
import Synchronization

/// Carries out what `JobSync` decides.
final class JobController: Controller {
    private static let component = "job-controller"

    private let context: ControllerContext
    private let jobs: Informer<Job>
    private let pods: Informer<Pod>
    private let queue: WorkQueue<ObjectKey>
    private let recorder: EventRecorder
    private let control: PodControl
    private let expectations = Expectations<ObjectKey>()
    private let memory = JobMemory()
    /// Counting from an old status would create pods for successes that are counted already.
    private let written = WrittenObjects<Job>()
    private let abandoned: AbandonedJobPods

    init(_ context: ControllerContext) {
        self.context = context
        jobs = context.informers.informer(Job.self)
        pods = context.informers.pods
        queue = context.queue()
        recorder = context.recorder(Self.component)
        control = PodControl(client: context.client, recorder: recorder)
        abandoned = AbandonedJobPods(context, pods: pods)
        jobs.addHandler { [self] in heard($0) }
        pods.addHandler { [self] in heard($0) }
    }

    func run() async {
        await jobs.waitForSync()
        await pods.waitForSync()
        await withTaskGroup(of: Void.self) { group in
            group.addTask { [self] in
                await context.work(queue, of: Self.component, workers: 5) { [self] in try await reconcile($0) }
            }
            group.addTask { [self] in await abandoned.run() }
        }
    }

    // MARK: What changed

    private func heard(_ change: Informer<Job>.Change) {
        let job = change.object
        if case .deleted = change {
            expectations.forget(job.key)
            memory.forget(job.key)
            abandoned.add(podsOf: job.uid)
        } else if job.end != nil {
            // Their finalizers went before the Job ended; this is for those that turned up since.
            abandoned.add(podsOf: job.uid)
        }
        queue.add(job.key)
    }

    private func job(of pod: Pod) -> Job? {
        guard let reference = pod.controller, reference.kind == Job.type.kind else { return nil }
        guard let job = jobs.get(reference.name, namespace: pod.namespace), job.uid == reference.uid else { return nil }
        return job
    }

    private func heard(_ change: Informer<Pod>.Change) {
        switch change {
        case .added(let pod):
            if pod.isBeingDeleted {
                gone(pod, isFinal: false)
            } else if let reference = pod.controller {
                guard reference.kind == Job.type.kind else { return }
                // Lowered even if the Job is not in the cache: it is by its key that creations were expected.
                let key = ObjectKey(namespace: pod.namespace, name: reference.name)
                expectations.lowerCreations(of: key)
                queue.add(key, after: delay(reference.uid))
            } else {
                unowned(pod)
            }
        case .updated(let old, let new):
            if new.isBeingDeleted {
                gone(new, isFinal: false)
                return
            }
            if let former = old.controller, former.uid != new.controller?.uid, let job = job(of: old) {
                if !new.isTracked { memory.observeRelease(of: new.uid, job.key) }
                queue.add(job.key)
            }
            if new.controller != nil {
                guard let job = job(of: new) else { return }
                if !new.isTracked { memory.observeRelease(of: new.uid, job.key) }
                queue.add(job.key, after: delay(job.uid))
            } else if new.isTracked || old.labels != new.labels || old.controller != nil {
                unowned(new)
            }
        case .deleted(let pod): gone(pod, isFinal: true)
        }
    }

    private func gone(_ pod: Pod, isFinal: Bool) {
        guard let reference = pod.controller else {
            if pod.isTracked, !isFinal { abandoned.add(pod.key) }
            return
        }
        guard reference.kind == Job.type.kind else { return }
        guard let job = job(of: pod), job.end == nil else {
            if pod.isTracked, !isFinal { abandoned.add(pod.key) }
            return
        }
        expectations.observeDeletion(of: pod.uid, for: job.key)
        if isFinal || !pod.isTracked { memory.observeRelease(of: pod.uid, job.key) }
        queue.add(job.key, after: delay(job.uid))
    }

    private func unowned(_ pod: Pod) {
        if pod.isTracked { abandoned.add(pod.key) }
        let labels = pod.labels
        guard !labels.isEmpty else { return }
        for job in jobs.objects(namespace: pod.namespace) where LabelMatcher(job.spec.selector).matches(labels) {
            queue.add(job.key)
        }
    }

    /// A large Job's pods report by the hundred; each round costs two writes of its status.
    private func delay(_ uid: String) -> Duration {
        let size = PodIndex.countControlled(by: uid, in: pods)
        return size < 4 ? .zero : .milliseconds(min(500, size * 2))
    }

    // MARK: What to do

    private func reconcile(_ key: ObjectKey) async throws {
        guard let cached = jobs[key] else {
            expectations.forget(key)
            memory.forget(key)
            written.forget(key)
            return
        }
        let job = written.newest(cached)
        if job.isManagedElsewhere { return }
        if job.end != nil {
            memory.setBackoff(nil, key)
            return
        }
        if let mode = job.spec.completionMode, mode != "Indexed", mode != "NonIndexed" {
            recorder.event(
                regarding: job, type: .warning, reason: "UnknownCompletionMode",
                message: "Skipped Job sync because completion mode is unknown")
            return
        }
        // Before the pods are read: one that is seen in between only puts the work off.
        let isCurrent = expectations.areSatisfied(for: key, now: context.now)
        let owned = PodIndex.controlled(by: job.uid, in: pods) + PodIndex.orphans(namespace: key.namespace, in: pods)
        let claimed = try await ControllerRef.claim(
            owned, by: job, matching: LabelMatcher(job.spec.selector), finalizer: JobPodMark.finalizer,
            client: context.client)
        var sync = JobSync(
            JobObservation(
                job: job, pods: claimed, isCurrent: isCurrent, released: memory.released(key),
                backoff: memory.backoff(key), now: context.now))
        let failure = await act(&sync, for: job)
        let counted = try await write(sync, to: job)
        memory.setBackoff(sync.backoff, key)

        let (freed, refusal) = await release(sync.release, of: job)
        sync.finish(written: counted.status, freed: freed, isComplete: refusal == nil)
        _ = try await write(sync, to: counted)
        if let seconds = sync.recheckSeconds { queue.add(key, after: .milliseconds(Int64(seconds * 1000) + 1)) }
        if let error = refusal ?? failure { throw error }
    }

    /// Writes the status, and tells what there is to tell.
    private func write(_ sync: JobSync, to job: Job) async throws(APIError) -> Job {
        var changed = job
        if sync.status != job.status {
            changed.status = sync.status
            do throws(APIError) {
                changed = try await context.client.updateStatus(changed)
            } catch {
                if !error.isNotFound { throw error }
                return changed
            }
            written.remember(changed)
        }
        for notice in sync.notices {
            recorder.event(
                regarding: job, type: notice.isWarning ? .warning : .normal, reason: notice.reason,
                message: notice.message)
        }
        return changed
    }

    private func act(_ sync: inout JobSync, for job: Job) async -> APIError? {
        switch sync.work {
        case .none:
            sync.settle()
            return nil
        case .end(let pods):
            let (deleted, failure) = await delete(pods, of: job)
            sync.settle(deleted: deleted)
            return failure
        case .remove(let pods):
            expectations.expect(deletions: pods.map(\.uid), of: job.key, now: context.now)
            let (deleted, failure) = await delete(pods, of: job, uncounted: true)
            sync.settle(deleted: deleted)
            return failure
        case .create(let indexes):
            expectations.expect(creations: indexes.count, of: job.key, now: context.now)
            let result = await PodControl.inBatches(indexes.count) { [control, replaced = sync.replaced] number in
                let index = indexes[number]
                let pod = JobPodTemplate.pod(of: job, index: index, replacing: index.flatMap { replaced[$0] })
                return await control.create(pod, for: job)
            }
            expectations.lowerCreations(of: job.key, by: indexes.count - result.created)
            sync.settle(created: result.created)
            // In a namespace that is going away nothing can be created, and nothing needs to be.
            return result.failure?.isNamespaceTerminating == true ? nil : result.failure
        }
    }

    /// - Parameter uncounted: Takes the finalizers off first.
    /// - Returns: The pods that are gone or on their way.
    private func delete(_ victims: [Pod], of job: Job, uncounted: Bool = false) async -> ([Pod], APIError?) {
        await withTaskGroup(of: (Pod, APIError?).self) { group in
            for victim in victims {
                group.addTask { [control, expectations, context] in
                    var error: APIError?
                    if uncounted { error = await JobFinalizer.remove(from: victim, context.client) }
                    if error == nil { error = await control.delete(victim, of: job) }
                    // The cache will not show this deletion.
                    if error != nil { expectations.observeDeletion(of: victim.uid, for: job.key) }
                    return (victim, error?.isNotFound == true ? nil : error)
                }
            }
            var deleted: [Pod] = []
            var failure: APIError?
            for await (pod, error) in group {
                if let error { failure = failure ?? error } else { deleted.append(pod) }
            }
            return (deleted, failure)
        }
    }

    /// - Returns: UIDs of the pods whose finalizer is off.
    private func release(_ pods: [Pod], of job: Job) async -> (Set<String>, APIError?) {
        if pods.isEmpty { return ([], nil) }
        memory.expectRelease(of: pods.map(\.uid), job.key)
        return await withTaskGroup(of: (String, APIError?).self) { group in
            for pod in pods {
                group.addTask { [context] in
                    (pod.uid, await JobFinalizer.remove(from: pod, context.client, reportsMissing: true))
                }
            }
            var freed: Set<String> = []
            var failure: APIError?
            for await (uid, error) in group {
                // After a failure no event will tell of the finalizer.
                if error != nil { memory.observeRelease(of: uid, job.key) }
                if let error, !error.isNotFound { failure = failure ?? error } else { freed.insert(uid) }
            }
            return (freed, failure)
        }
    }
}

/// Takes the finalizer off a Job's pod.
enum JobFinalizer {
    /// - Parameter reportsMissing: Returns *not found* as well.
    static func remove(from pod: Pod, _ client: KubeClient, reportsMissing: Bool = false) async -> APIError? {
        guard pod.isTracked else { return nil }
        do {
            try await client.patch(
                Pod.self, pod.name, namespace: pod.namespace,
                [
                    "metadata": [
                        "uid": .string(pod.uid),
                        "$deleteFromPrimitiveList/finalizers": [.string(JobPodMark.finalizer)],
                    ]
                ], as: .strategic)
            return nil
        } catch {
            return error.isNotFound && !reportsMissing ? nil : error
        }
    }
}

/// What the controller knows about Jobs that their objects in the cache do not tell.
private final class JobMemory: Sendable {
    private struct Entry {
        var released: Set<String> = []
        var backoff = JobBackoff()
    }

    private let entries = Mutex<[ObjectKey: Entry]>([:])

    func forget(_ key: ObjectKey) { entries.withLock { $0[key] = nil } }

    func backoff(_ key: ObjectKey) -> JobBackoff { entries.withLock { $0[key]?.backoff ?? JobBackoff() } }

    func setBackoff(_ backoff: JobBackoff?, _ key: ObjectKey) {
        entries.withLock { entries in
            if backoff == nil, entries[key] == nil { return }
            entries[key, default: Entry()].backoff = backoff ?? JobBackoff()
        }
    }

    func released(_ key: ObjectKey) -> Set<String> { entries.withLock { $0[key]?.released ?? [] } }

    func expectRelease(of uids: [String], _ key: ObjectKey) {
        entries.withLock { $0[key, default: Entry()].released.formUnion(uids) }
    }

    func observeRelease(of uid: String, _ key: ObjectKey) {
        entries.withLock { _ = $0[key]?.released.remove(uid) }
    }
}
