// Bringing a pod's status to the API: the newest only, and without making the pod's worker wait.

import JSON
import KubeClient
import KubeTypes
import Logging
import Synchronization

final class StatusWriter: Sendable {
    private struct State {
        /// The pod as the API had it last, as far as we know.
        var base: Pod
        /// What was computed last.
        var last: PodStatus
        var pending: PodStatus?
        var writing = false
        var stopped = false
        /// The API has no such pod any more.
        var gone = false
        var waiters: [CheckedContinuation<Void, Never>] = []
    }

    private let client: KubeClient
    private let state: Mutex<State>
    private let logger: Logger
    private let staticPod: Pod?
    private var staticUID: String? { staticPod?.uid }
    private let written: @Sendable () -> Void

    init(client: KubeClient, pod: Pod, logger: Logger, written: @escaping @Sendable () -> Void) {
        self.client = client
        self.logger = logger
        staticPod = pod.isStatic ? pod : nil
        self.written = written
        state = Mutex(State(base: pod, last: pod.status))
    }

    /// The status that was computed last, or the API's where none was yet.
    var last: PodStatus { state.withLock { $0.last } }

    func stop() { state.withLock { $0.stopped = true } }

    /// The pod has changed in the API.
    func submit(base pod: Pod) {
        state.withLock { state in
            if staticPod != nil, pod.isStatic { return }
            if (Int(pod.resourceVersion) ?? 0) >= (Int(state.base.resourceVersion) ?? 0) { state.base = pod }
        }
    }

    func submit(_ status: PodStatus) {
        let begin = state.withLock { state in
            guard status != state.last || state.last.observedGeneration == nil, !state.gone else { return false }
            state.last = status
            state.pending = status
            if state.writing { return false }
            state.writing = true
            return true
        }
        if begin { Task { await write() } }
    }

    /// Waits until what was submitted is written.
    /// - Returns: whether it is, or there is nothing any more to write it to; false where the API does not answer.
    func flush() async -> Bool {
        await withCheckedContinuation { continuation in
            let done = state.withLock { state in
                if state.writing { state.waiters.append(continuation) }
                return !state.writing
            }
            if done { continuation.resume() }
        }
        return state.withLock { $0.pending == nil || $0.gone }
    }

    private func write() async {
        var delay = Duration.milliseconds(200)
        while true {
            let next: (Pod, PodStatus)? = state.withLock { state in
                guard let status = state.pending, !state.stopped, !state.gone else { return nil }
                state.pending = nil
                return (state.base, status)
            }
            guard let (base, status) = next else { break }
            if base.isStatic {
                // It is shown in the API by another pod, which may not be there yet.
                await reload(base)
                if state.withLock({ $0.base.isStatic }) {
                    putBack(status)
                    finishWaiters()
                    if state.withLock({ $0.stopped }) { break }
                    try? await Task.sleep(for: .milliseconds(500))
                } else {
                    putBack(status)
                }
                continue
            }
            var pod = base
            pod.status = status
            do {
                let answer = try await client.updateStatus(pod)
                submit(base: answer)
                delay = .milliseconds(200)
            } catch {
                if error.isConflict {
                    await reload(pod)
                    putBack(status)
                    continue
                }
                if error.isNotFound {
                    if let staticPod {
                        state.withLock { $0.base = staticPod }
                        putBack(status)
                        continue
                    }
                    state.withLock { $0.gone = true }
                    continue
                }
                logger.debug("status of \(pod.key) was not written: \(error)")
                putBack(status)
                if error.code == 422 || error.code == 400 {
                    logger.error("status of \(pod.key) was refused: \(error)")
                    state.withLock { $0.pending = nil }
                } else {
                    finishWaiters()
                    try? await Task.sleep(for: delay)
                    delay = min(delay * 2, .seconds(5))
                }
            }
        }
        state.withLock { $0.writing = false }
        finishWaiters()
        // Something may have been submitted between the last look and now.
        let again = state.withLock { state in
            guard state.pending != nil, !state.stopped, !state.gone, !state.writing else { return false }
            state.writing = true
            return true
        }
        if again { await write() }
    }

    private func putBack(_ status: PodStatus) {
        state.withLock { state in
            if state.pending == nil { state.pending = status }
        }
    }

    private func finishWaiters() {
        let waiters = state.withLock { state in
            defer { state.waiters = [] }
            return state.waiters
        }
        for waiter in waiters { waiter.resume() }
    }

    private func reload(_ pod: Pod) async {
        do {
            let fresh = try await client.get(Pod.self, pod.name, namespace: pod.namespace)
            state.withLock { state in
                let isOurs = staticUID.map { fresh.mirroredUID == $0 } ?? (fresh.uid == pod.uid)
                if isOurs {
                    state.base = fresh
                } else if staticUID == nil {
                    // Another pod has its name now.
                    state.gone = true
                }
            }
        } catch {
            if error.isNotFound, staticUID == nil {
                state.withLock { $0.gone = true }
            } else {
                try? await Task.sleep(for: .milliseconds(100))
            }
        }
    }
}
