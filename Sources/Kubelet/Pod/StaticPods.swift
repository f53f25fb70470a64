// Pods that the node runs of itself, from manifests in a directory (Kubernetes documentation, *Create static Pods*).

import CRI
import Crypto
import Glibc
import JSON
import KubeClient
import KubeTypes
import Logging
import Synchronization

enum StaticPodKeys {
    static let hash = "kubernetes.io/config.hash"
    static let mirror = "kubernetes.io/config.mirror"
    static let source = "kubernetes.io/config.source"
    static let seen = "kubernetes.io/config.seen"
}

extension Pod {
    /// The uid of the static pod that this one shows in the API; nil for all others.
    var mirroredUID: String? { annotations[StaticPodKeys.mirror] }
    /// Comes from a manifest of the node's.
    var isStatic: Bool { annotations[StaticPodKeys.source].map { $0 != "api" } ?? false && mirroredUID == nil }
}

/// From a manifest to the pod that the node runs, and to the one that shows it in the API.
enum StaticPodManifest {
    /// - Throws: `ConfigError` for text that is no pod.
    static func pod(_ text: [UInt8], nodeName: String, now: Time) throws -> Pod {
        var json = try YAML.parseOne(text)
        guard json["kind"]?.stringValue == "Pod", let name = json[path: "metadata", "name"]?.stringValue, !name.isEmpty
        else { throw ConfigError("the manifest is no Pod with a name") }
        json["apiVersion"] = "v1"
        var pod = Pod(json)
        // The same manifest on the same node is the same pod.
        let uid = Insecure.MD5.hash(data: text + Array("host:\(nodeName)".utf8)).hexadecimal()
        pod.metadata.uid = uid
        pod.metadata.name = "\(name)-\(nodeName)"
        if pod.namespace.isEmpty { pod.metadata.namespace = "default" }
        pod.metadata.creationTimestamp = now
        pod.metadata.annotations[StaticPodKeys.hash] = uid
        pod.metadata.annotations[StaticPodKeys.source] = "file"
        pod.metadata.annotations[StaticPodKeys.seen] = now.description
        pod.spec.nodeName = nodeName
        var toleration = Toleration()
        toleration.operator = "Exists"
        toleration.effect = "NoExecute"
        pod.spec.tolerations = [toleration]
        pod.status = PodStatus()
        pod.status.phase = "Pending"
        return pod
    }

    static func mirror(of pod: Pod, node: Node?) -> Pod {
        var mirror = Pod(name: pod.name, namespace: pod.namespace)
        mirror.metadata.labels = pod.labels
        mirror.metadata.annotations = pod.annotations
        mirror.metadata.annotations[StaticPodKeys.mirror] = pod.uid
        if let node {
            var owner = OwnerReference()
            owner.apiVersion = "v1"
            owner.kind = "Node"
            owner.name = node.name
            owner.uid = node.uid
            owner.controller = true
            mirror.metadata.ownerReferences = [owner]
        }
        mirror.spec = pod.spec
        return mirror
    }
}

/// Looks at the directory every other second, and keeps in the API a pod for each that it finds there.
final class StaticPods: Sendable {
    private let directory: String
    private let nodeName: String
    private let client: KubeClient
    private let logger: Logger
    private let now: @Sendable () -> Time
    /// By file: its content and the pod.
    private let found = Mutex<[String: (content: [UInt8], pod: Pod)]>([:])

    init(
        directory: String, nodeName: String, client: KubeClient, logger: Logger, now: @escaping @Sendable () -> Time
    ) {
        self.directory = directory
        self.nodeName = nodeName
        self.client = client
        self.logger = logger
        self.now = now
    }

    var uids: Set<String> { found.withLock { Set($0.values.map(\.pod.uid)) } }

    /// - Parameters:
    ///   - mirror: The pod of this name in the API, if it is there.
    ///   - admit: Runs a pod.
    ///   - remove: Ends the pod of a uid.
    func run(
        mirror: @escaping @Sendable (Pod) -> Pod?, admit: @escaping @Sendable (Pod) -> Void,
        remove: @escaping @Sendable (String) -> Void
    ) async {
        while !Task.isCancelled {
            let (added, gone) = look()
            for pod in gone { remove(pod.uid) }
            for pod in gone { await delete(mirror(pod)) }
            for pod in added { admit(pod) }
            for pod in found.withLock({ $0.values.map(\.pod) }) { await keep(pod, mirror(pod)) }
            try? await Task.sleep(for: .seconds(2))
        }
    }

    private func look() -> (added: [Pod], gone: [Pod]) {
        var fresh: [String: (content: [UInt8], pod: Pod)] = [:]
        let before = found.withLock { $0 }
        for name in Files.list(directory) where !name.hasPrefix(".") {
            guard let content = Files.read("\(directory)/\(name)") else { continue }
            if let known = before[name], known.content == content {
                fresh[name] = known
                continue
            }
            do {
                fresh[name] = (content, try StaticPodManifest.pod(content, nodeName: nodeName, now: now()))
            } catch { logger.error("\(directory)/\(name): \(error)") }
        }
        found.withLock { $0 = fresh }
        let old = Set(before.values.map(\.pod.uid))
        let new = Set(fresh.values.map(\.pod.uid))
        return (
            fresh.values.map(\.pod).filter { !old.contains($0.uid) },
            before.values.map(\.pod).filter { !new.contains($0.uid) }
        )
    }

    /// Makes the pod in the API if it is missing, shows another manifest, or is being deleted.
    private func keep(_ pod: Pod, _ shown: Pod?) async {
        if let shown, shown.mirroredUID == pod.uid, !shown.isBeingDeleted { return }
        await delete(shown)
        let node = try? await client.get(Node.self, nodeName)
        do {
            try await client.create(StaticPodManifest.mirror(of: pod, node: node))
        } catch {
            if !error.isAlreadyExists { logger.debug("the pod \(pod.key) is not shown in the API: \(error)") }
        }
    }

    private func delete(_ shown: Pod?) async {
        guard let shown, shown.mirroredUID != nil else { return }
        var options = DeleteOptions()
        options.gracePeriodSeconds = 0
        var preconditions = Preconditions()
        preconditions.uid = shown.uid
        options.preconditions = preconditions
        try? await client.delete(Pod.self, shown.name, namespace: shown.namespace, options: options)
    }
}
