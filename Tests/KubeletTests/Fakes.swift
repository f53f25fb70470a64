import CRI
import JSON
import KubeClient
import KubeTypes
import Synchronization

@testable import Kubelet

/// An API server of a few lines: objects by path, watches, and the conflicts and deletions a kubelet meets.
final class FakeAPI: KubeTransport {
    private struct State {
        var objects: [String: JSONValue] = [:]
        var revision: Int64 = 1
        var watchers:
            [(prefix: String, name: String?, stream: AsyncThrowingStream<KubeWatchEvent, any Error>.Continuation)] = []
        var events: [JSONValue] = []
    }

    private let state = Mutex(State())

    var events: [JSONValue] { state.withLock { $0.events } }

    func object(_ path: String) -> JSONValue? { state.withLock { $0.objects[path] } }

    /// Puts an object there, as somebody else would.
    func put(_ path: String, _ object: JSONValue) {
        state.withLock { state in store(path, object, &state) }
    }

    func remove(_ path: String) {
        state.withLock { state in
            guard let old = state.objects.removeValue(forKey: path) else { return }
            tell(path, .deleted, old, state)
        }
    }

    private func store(_ path: String, _ object: JSONValue, _ state: inout State) {
        state.revision += 1
        var object = object
        if object["metadata"] == nil { object["metadata"] = [:] }
        object["metadata"]?["resourceVersion"] = .string("\(state.revision)")
        let isNew = state.objects.updateValue(object, forKey: path) == nil
        tell(path, isNew ? .added : .modified, object, state)
    }

    private func tell(_ path: String, _ kind: KubeWatchEvent.Kind, _ object: JSONValue, _ state: State) {
        for watcher in state.watchers where path.hasPrefix(watcher.prefix + "/") || matches(path, watcher.prefix) {
            if let name = watcher.name, object[path: "metadata", "name"]?.stringValue != name { continue }
            watcher.stream.yield(KubeWatchEvent(kind: kind, object: object))
        }
    }

    /// A list over all namespaces sees the objects of each.
    private func matches(_ path: String, _ prefix: String) -> Bool {
        let parts = path.split(separator: "/")
        guard let plural = prefix.split(separator: "/").last, parts.count >= 2 else { return false }
        return parts[parts.count - 2] == plural && !prefix.contains("/namespaces/")
    }

    func call(_ request: KubeRequest) async throws(APIError) -> JSONValue {
        var path = KubeRequest(
            request.verb, apiVersion: request.apiVersion, resource: request.resource, namespace: request.namespace,
            name: request.name
        ).path
        let body = request.body ?? .null
        if request.subresource == "token" {
            return [
                "status": ["token": "token-of-\(request.name ?? "")", "expirationTimestamp": "2999-01-01T00:00:00Z"]
            ]
        }
        let answer: Result<JSONValue, APIError> = state.withLock { state in
            let missing = APIError.notFound(request.resource, group: "", name: request.name ?? "")
            switch request.verb {
            case .get: return state.objects[path].map { .success($0) } ?? .failure(missing)
            case .list:
                let name = fieldName(request)
                let items = state.objects.filter { key, value in
                    (key.hasPrefix(path + "/") || matches(key, path))
                        && (name == nil || value[path: "metadata", "name"]?.stringValue == name)
                }
                return .success([
                    "metadata": ["resourceVersion": .string("\(state.revision)")], "items": .array(Array(items.values)),
                ])
            case .create:
                if request.resource == "events" { state.events.append(body) }
                path += "/" + (body[path: "metadata", "name"]?.stringValue ?? "")
                store(path, body, &state)
                return .success(state.objects[path] ?? body)
            case .update:
                guard let old = state.objects[path] else { return .failure(missing) }
                if old[path: "metadata", "resourceVersion"] != body[path: "metadata", "resourceVersion"] {
                    return .failure(.conflict(request.resource, group: "", name: request.name ?? "", "it was changed"))
                }
                var new = old
                if request.subresource == "status" { new["status"] = body["status"] } else { new = body }
                store(path, new, &state)
                return .success(state.objects[path] ?? new)
            case .delete:
                guard let old = state.objects.removeValue(forKey: path) else { return .failure(missing) }
                tell(path, .deleted, old, state)
                return .success(["kind": "Status"])
            default: return .success(body)
            }
        }
        return try answer.get()
    }

    private func fieldName(_ request: KubeRequest) -> String? {
        let selector = request.query.first { $0.name == "fieldSelector" }?.value ?? ""
        return selector.hasPrefix("metadata.name=") ? String(selector.dropFirst("metadata.name=".count)) : nil
    }

    func watch(_ request: KubeRequest) async throws(APIError) -> AsyncThrowingStream<KubeWatchEvent, any Error> {
        let (stream, continuation) = AsyncThrowingStream.makeStream(of: KubeWatchEvent.self)
        state.withLock { $0.watchers.append((request.path, fieldName(request), continuation)) }
        return stream
    }
}

/// A runtime that only pretends: containers run until a test ends them.
final class FakeRuntime: RuntimeService {
    struct State {
        var sandboxes: [String: RuntimeSandboxStatus] = [:]
        var containers: [String: (RuntimeContainerStatus, sandbox: String)] = [:]
        var configs: [String: ContainerConfig] = [:]
        var images: Set<String> = ["docker.io/library/busybox:latest"]
        var log: [String] = []
        var next = 0
        /// What the errors of pulls begin with.
        var pullProblem = ""
        /// The calls that fail.
        var failing: Set<String> = []
        var signal: (@Sendable () -> Void)?
    }

    let state = Mutex(State())

    var log: [String] { state.withLock { $0.log } }

    private func changed() { state.withLock { $0.signal }?() }

    private func mayFail(_ call: String = #function) throws {
        let name = String(call.prefix { $0 != "(" })
        if state.withLock({ $0.failing.contains(name) }) { throw RuntimeError(.other, "\(name) does not work") }
    }

    /// The newest container of a name.
    func container(_ name: String) -> RuntimeContainerStatus? {
        state.withLock { $0.containers.values.map(\.0).filter { $0.name == name }.max { $0.createdAt < $1.createdAt } }
    }

    func end(_ name: String, code: Int, reason: String = "") {
        state.withLock { state in
            for (id, entry) in state.containers where entry.0.name == name && entry.0.state == .running {
                end(id, code, reason, &state)
            }
        }
        changed()
    }

    private func end(_ id: String, _ code: Int, _ reason: String, _ state: inout State) {
        state.containers[id]?.0.state = .exited
        state.containers[id]?.0.exitCode = code
        state.containers[id]?.0.reason = reason
        let now = kubeletNow()
        state.containers[id]?.0.finishedAt = now.seconds * 1_000_000_000 + Int64(now.nanoseconds)
    }

    private static func nanoseconds() -> Int64 {
        let now = kubeletNow()
        return now.seconds * 1_000_000_000 + Int64(now.nanoseconds)
    }

    func version() async throws -> RuntimeVersion { RuntimeVersion(name: "containerd", version: "fake") }
    func status() async throws -> RuntimeStatus {
        RuntimeStatus(
            conditions: ["RuntimeReady", "NetworkReady"].map { RuntimeCondition(type: $0, status: true) })
    }

    func runPodSandbox(_ config: SandboxConfig) async throws -> String {
        try mayFail()
        defer { changed() }
        return state.withLock { state in
            state.next += 1
            let id = "sandbox\(state.next)"
            state.sandboxes[id] = RuntimeSandboxStatus(
                sandbox: RuntimeSandbox(
                    id: id, metadata: config.metadata, ready: true, createdAt: Self.nanoseconds(), labels: config.labels
                ),
                ips: ["10.244.0.\(state.next)"])
            state.log.append("sandbox")
            return id
        }
    }

    func stopPodSandbox(_ id: String) async throws {
        try mayFail()
        state.withLock { state in
            guard state.sandboxes[id]?.sandbox.ready == true else { return }
            state.sandboxes[id]?.sandbox.ready = false
            state.sandboxes[id]?.ips = []
            state.log.append("stop sandbox")
            for (container, entry) in state.containers where entry.sandbox == id && entry.0.state == .running {
                end(container, 137, "", &state)
            }
        }
        changed()
    }

    func removePodSandbox(_ id: String) async throws {
        state.withLock { state in
            state.sandboxes[id] = nil
            state.containers = state.containers.filter { $0.value.sandbox != id }
        }
    }

    func podSandboxStatus(_ id: String) async throws -> RuntimeSandboxStatus {
        guard let found = state.withLock({ $0.sandboxes[id] }) else {
            throw RuntimeError(.notFound, "no sandbox \(id)")
        }
        return found
    }

    func listPodSandboxes(labels: [String: String]) async throws -> [RuntimeSandbox] {
        state.withLock { state in
            state.sandboxes.values.map(\.sandbox).filter { sandbox in
                labels.allSatisfy { sandbox.labels[$0.key] == $0.value }
            }
        }
    }

    func createContainer(_ config: ContainerConfig, in sandbox: String, _: SandboxConfig) async throws -> String {
        try mayFail()
        return state.withLock { state in
            state.next += 1
            let id = "container\(state.next)"
            state.configs[id] = config
            state.containers[id] = (
                RuntimeContainerStatus(
                    id: id, name: config.name, attempt: config.attempt, state: .created, createdAt: Self.nanoseconds(),
                    image: config.image, labels: config.labels, annotations: config.annotations), sandbox
            )
            return id
        }
    }

    func startContainer(_ id: String) async throws {
        try mayFail()
        state.withLock { state in
            state.containers[id]?.0.state = .running
            state.containers[id]?.0.startedAt = Self.nanoseconds()
            state.log.append("start \(state.containers[id]?.0.name ?? "")")
        }
        changed()
    }

    func stopContainer(_ id: String, timeout: Int) async throws {
        try mayFail()
        state.withLock { state in
            state.log.append("stop \(state.containers[id]?.0.name ?? "") \(timeout)")
            end(id, 143, "", &state)
        }
        changed()
    }

    func removeContainer(_ id: String) async throws { state.withLock { $0.containers[id] = nil } }

    func listContainers(labels: [String: String]) async throws -> [RuntimeContainer] {
        state.withLock { state in
            state.containers.values.filter { entry in labels.allSatisfy { entry.0.labels[$0.key] == $0.value } }.map {
                entry in
                RuntimeContainer(
                    id: entry.0.id, sandboxID: entry.sandbox, name: entry.0.name, attempt: entry.0.attempt,
                    state: entry.0.state, createdAt: entry.0.createdAt, labels: entry.0.labels,
                    annotations: entry.0.annotations)
            }
        }
    }

    func containerStatus(_ id: String) async throws -> RuntimeContainerStatus {
        guard let found = state.withLock({ $0.containers[id]?.0 }) else {
            throw RuntimeError(.notFound, "no container \(id)")
        }
        return found
    }

    func execSync(_ command: [String], in container: String, timeout: Int) async throws -> ExecResult {
        let fails = state.withLock { state in
            state.log.append("exec \(command.joined(separator: " "))")
            return command.last == "fail" || state.failing.contains("execSync")
        }
        return ExecResult(stdout: [], stderr: [], exitCode: fails ? 1 : 0)
    }

    func exec(_ command: [String], in container: String, _ streams: StreamOptions) async throws -> String {
        throw RuntimeError(.unimplemented, "no exec")
    }
    func attach(to container: String, _ streams: StreamOptions) async throws -> String {
        throw RuntimeError(.unimplemented, "no attach")
    }
    func portForward(_ ports: [Int], in sandbox: String) async throws -> String {
        throw RuntimeError(.unimplemented, "no port-forward")
    }
    func containerStats() async throws -> [RuntimeContainerStats] { [] }
    func updateContainerResources(_ id: String, _ resources: RuntimeResources) async throws {}
    func reopenContainerLog(_ id: String) async throws {}

    func pullImage(_ image: String, credentials: RegistryCredentials?, for sandbox: SandboxConfig?) async throws
        -> String
    {
        throw RuntimeError(.other, state.withLock { $0.pullProblem } + "failed to resolve \(image)")
    }

    func listImages() async throws -> [RuntimeImage] { [] }
    func imageStatus(_ image: String) async throws -> RuntimeImage? {
        try mayFail()
        return state.withLock { $0.images.contains(image) } ? RuntimeImage(id: "sha256:1", tags: [image], uid: 0) : nil
    }
    func removeImage(_ image: String) async throws {}
    func imageFilesystems() async throws -> [FilesystemUse] { [] }

    func followEvents(_ changed: @escaping @Sendable () -> Void) async throws {
        state.withLock { $0.signal = changed }
        try await Task.sleep(for: .seconds(3600))
    }
}
