import KubeClient
import KubeTypes
import Synchronization

/// Carries out the plans of CronJobs.
final class CronJobController: Controller {
    private static let component = "cronjob-controller"
    private static let byController = "controller"

    private let context: ControllerContext
    private let cronJobs: Informer<CronJob>
    private let jobs: Informer<Job>
    private let queue: WorkQueue<ObjectKey>
    private let recorder: EventRecorder
    /// CronJobs as they were written last, as long as the cache has older ones.
    private let written = WrittenObjects<CronJob>()

    init(_ context: ControllerContext) {
        self.context = context
        cronJobs = context.informers.informer(CronJob.self)
        jobs = context.informers.informer(Job.self)
        let queue: WorkQueue<ObjectKey> = context.queue()
        self.queue = queue
        recorder = context.recorder(Self.component)
        jobs.addIndex(Self.byController) { job in job.controller.map { [$0.uid] } ?? [] }
        cronJobs.addHandler { queue.add($0.object.key) }
        jobs.addHandler { change in
            for job in [change.object, change.previous].compactMap(\.self) {
                guard let owner = job.controller, owner.kind == CronJob.type.kind else { continue }
                queue.add(ObjectKey(namespace: job.namespace, name: owner.name))
            }
        }
    }

    func run() async {
        await cronJobs.waitForSync()
        await jobs.waitForSync()
        await context.work(queue, of: Self.component, workers: 5) { [self] in try await reconcile($0) }
    }

    private func reconcile(_ key: ObjectKey) async throws {
        guard let cached = cronJobs[key] else {
            written.forget(key)
            return
        }
        var cron = written.newest(cached)
        let children = jobs.objects(by: Self.byController, cron.uid)
        let active = Set(cron.status.active.compactMap(\.uid))
        // Before a stranger is reported: the cache of CronJobs may be the one that is behind.
        if children.contains(where: { $0.end == nil && !active.contains($0.uid) }) {
            let live = try await context.client.get(CronJob.self, key.name, namespace: key.namespace)
            if live.uid == cron.uid { cron = live }
        }
        let plan = CronJobPlan(
            cron, jobs: children, missing: try await missing(cron, children), zone: { TimeZoneFile($0) },
            now: context.now)
        for notice in plan.notices {
            recorder.event(
                regarding: cron, type: notice.isWarning ? .warning : .normal, reason: notice.reason,
                message: notice.message)
        }
        for job in plan.outdated {
            _ = await delete(ObjectKey(namespace: job.namespace, name: job.name), uid: job.uid, of: cron)
        }
        let (status, failure) = await start(plan, of: cron)
        if status != cron.status {
            var changed = cron
            changed.status = status
            do { written.remember(try await context.client.updateStatus(changed)) } catch {
                if error.isNotFound { return }
                throw error
            }
        }
        if let failure { throw failure }
        if let seconds = plan.recheckSeconds { queue.add(key, after: .milliseconds(Int64(seconds * 1000))) }
    }

    /// The UIDs of active Jobs that are gone.
    private func missing(_ cron: CronJob, _ children: [Job]) async throws(APIError) -> Set<String> {
        let known = Set(children.map(\.uid))
        var missing: Set<String> = []
        for reference in cron.status.active {
            guard let uid = reference.uid, !known.contains(uid) else { continue }
            do throws(APIError) {
                let job = try await context.client.get(
                    Job.self, reference.name ?? "", namespace: reference.namespace ?? cron.namespace)
                if job.uid != uid { missing.insert(uid) }
            } catch {
                if !error.isNotFound { throw error }
                missing.insert(uid)
            }
        }
        return missing
    }

    private func delete(_ key: ObjectKey, uid: String, of cron: CronJob) async -> APIError? {
        do {
            try await context.client.delete(
                Job.self, key.name, namespace: key.namespace, options: .only(uid: uid, propagation: "Background"))
        } catch {
            if error.isNotFound { return nil }
            recorder.event(regarding: cron, type: .warning, reason: "FailedDelete", message: "Deleted job: \(error)")
            return error
        }
        recorder.event(regarding: cron, type: .normal, reason: "SuccessfulDelete", message: "Deleted job \(key.name)")
        return nil
    }

    /// Starts the Job that is due.
    /// - Returns: The status that results, and what went wrong.
    private func start(_ plan: CronJobPlan, of cron: CronJob) async -> (CronJobStatus, APIError?) {
        var status = plan.status
        guard let job = plan.create else { return (status, nil) }
        for reference in plan.replaced {
            let key = ObjectKey(namespace: reference.namespace ?? cron.namespace, name: reference.name ?? "")
            if let error = await delete(key, uid: reference.uid ?? "", of: cron) {
                status.active = plan.replaced
                return (status, error)
            }
        }
        var created: Job
        do throws(APIError) {
            created = try await context.client.create(job)
            recorder.event(
                regarding: cron, type: .normal, reason: "SuccessfulCreate", message: "Created job \(created.name)")
        } catch {
            if error.isNamespaceTerminating { return (status, nil) }
            guard error.isAlreadyExists else {
                recorder.event(
                    regarding: cron, type: .warning, reason: "FailedCreate", message: "Error creating job: \(error)")
                return (status, error)
            }
            // Created before, by this controller, which then failed to write it down, or by somebody else.
            do throws(APIError) {
                created = try await context.client.get(Job.self, job.name, namespace: job.namespace)
            } catch { return (status, error) }
            guard created.controller?.uid == cron.uid, created.end == nil else { return (status, nil) }
        }
        if !status.active.contains(where: { $0.uid == created.uid }) {
            status.active.append(CronJobStatus.reference(to: created))
        }
        status.lastScheduleTime = plan.scheduled
        return (status, nil)
    }
}
