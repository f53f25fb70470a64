// Sending a container's log, to its present end or as it grows.

import CRI
import Glibc
import HTTPServer
import KubeTypes
import NIOCore
import NIOHTTP1
import Synchronization

/// Answers one request for a log.
final class LogStream: Sendable {
    private static let piece = 64 << 10
    /// A client that takes less than it is sent is waited for from here on.
    private static let backlog = 1 << 20

    private let kubelet: Kubelet
    private let namespace: String
    private let pod: String
    private let container: String
    private let options: LogOptions
    private let response: any HTTPResponseWriter

    init(
        kubelet: Kubelet, namespace: String, pod: String, container: String, options: LogOptions,
        response: any HTTPResponseWriter
    ) {
        self.kubelet = kubelet
        self.namespace = namespace
        self.pod = pod
        self.container = container
        self.options = options
        self.response = response
    }

    func start() {
        let task = Task { await run() }
        response.onClose { task.cancel() }
    }

    private func run() async {
        guard let worker = kubelet.worker(namespace: namespace, name: pod) else {
            fail(.notFound, "pod \"\(pod)\" does not exist")
            return
        }
        let current = await worker.current()
        guard let spec = current.allContainers.first(where: { $0.name == container }) else {
            fail(.notFound, "container \"\(container)\" not found in pod \"\(pod)\"")
            return
        }
        var containers = await worker.containers(named: container)
        if containers.isEmpty {
            // It may have been started a moment ago.
            containers = await lookUp(current.uid)
        }
        let status: RuntimeContainerStatus
        if options.previous {
            guard
                let last = containers.dropFirst(containers.first?.state == .exited && isWaiting(current) ? 0 : 1).first
            else {
                fail(
                    .badRequest, "previous terminated container \"\(spec.name)\" in pod \"\(pod)\" not found")
                return
            }
            status = last
        } else {
            guard let first = containers.first, first.state != .created else {
                fail(.badRequest, waitingMessage(current))
                return
            }
            status = first
        }
        guard let bytes = openAndSkip(status.logPath) else {
            fail(.internalServerError, "failed to open the log of container \"\(container)\"")
            return
        }
        await send(status, from: bytes)
    }

    private func lookUp(_ uid: String) async -> [RuntimeContainerStatus] {
        let runtime = kubelet.runtimeService
        let labels = [RuntimeKeys.podUID: uid, RuntimeKeys.containerName: container]
        var result: [RuntimeContainerStatus] = []
        for found in (try? await runtime.listContainers(labels: labels)) ?? [] {
            if let status = try? await runtime.containerStatus(found.id) { result.append(status) }
        }
        return result.sorted { $0.createdAt > $1.createdAt }
    }

    private func isWaiting(_ pod: Pod) -> Bool {
        let statuses = pod.status.containerStatuses + pod.status.initContainerStatuses
        return statuses.first { $0.name == container }?.state?.waiting != nil
    }

    /// Why there is no log yet, as upstream says it.
    private func waitingMessage(_ current: Pod) -> String {
        let statuses = current.status.containerStatuses + current.status.initContainerStatuses
        let reason = statuses.first { $0.name == container }?.state?.waiting?.reason ?? "ContainerCreating"
        switch reason {
        case "ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull":
            return "container \"\(container)\" in pod \"\(pod)\" is waiting to start: "
                + (reason == "ErrImagePull" ? "image can't be pulled" : "trying and failing to pull image")
        default: return "container \"\(container)\" in pod \"\(pod)\" is waiting to start: \(reason)"
        }
    }

    private func fail(_ status: HTTPResponseStatus, _ text: String) { KubeletServer.answer(response, status, text) }

    /// Where in the file to begin.
    private func openAndSkip(_ path: String) -> Int? {
        guard let bytes = Files.read(path) else { return nil }
        return options.tailLines.map { LogFilter.tail(bytes, lines: $0) } ?? 0
    }

    private func send(_ status: RuntimeContainerStatus, from start: Int) async {
        response.begin(.ok, headers: ["content-type": "text/plain"])
        defer { response.end() }
        var filter = LogFilter(options)
        var file = open(status.logPath, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return }
        defer { close(file) }
        var offset = off_t(start)
        var lastLook = ContinuousClock.now
        var ended = false
        while !Task.isCancelled, !filter.isExhausted {
            var piece = [UInt8](repeating: 0, count: Self.piece)
            let count = pread(file, &piece, piece.count, offset)
            if count > 0 {
                offset += off_t(count)
                let output = filter.take(Array(piece[..<count]))
                if !output.isEmpty { response.write(ByteBuffer(bytes: output)) }
                while response.pendingBytes > Self.backlog, !Task.isCancelled {
                    try? await Task.sleep(for: .milliseconds(20))
                }
                continue
            }
            guard options.follow, !ended else { return }
            if ContinuousClock.now - lastLook > .seconds(1) {
                lastLook = .now
                // One more look at the file after the container has ended, for its last lines.
                ended = await !isRunning(status.id)
                if let moved = reopened(status.logPath, file) {
                    close(file)
                    file = moved
                    offset = 0
                }
            }
            try? await Task.sleep(for: .milliseconds(100))
        }
    }

    private func isRunning(_ id: String) async -> Bool {
        do { return try await kubelet.runtimeService.containerStatus(id).state == .running } catch { return false }
    }

    /// The file that has taken the place of the one that is open, where the log was rotated.
    private func reopened(_ path: String, _ file: Int32) -> Int32? {
        var here = stat()
        var there = stat()
        guard fstat(file, &here) == 0, stat(path, &there) == 0, here.st_ino != there.st_ino else { return nil }
        let fresh = open(path, O_RDONLY | O_CLOEXEC)
        return fresh >= 0 ? fresh : nil
    }
}
