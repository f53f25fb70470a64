import JSON
import KubeTypes
import Synchronization

/// Which objects have to do with which node: what pods bound to it mention, and what those lead to.
///
/// It is told of every change and reads it when somebody next asks, once for each object however often that changed in
/// between: where no node asks for anything, a change costs an entry in a dictionary.
///
/// Specified by the documentation of the node authorizer (*Using Node Authorization*).
final class NodeGraph: Sendable {
    enum Kind: UInt8, Sendable, CaseIterable {
        case pod, secret, configMap, claim, volume, serviceAccount, resourceClaim, volumeAttachment, resourceSlice
        case podCertificateRequest
    }

    struct Vertex: Hashable, Sendable {
        let kind: Kind
        let namespace: String
        let name: String

        init(_ kind: Kind, _ namespace: String, _ name: String) {
            self.kind = kind
            self.namespace = namespace
            self.name = name
        }
    }

    /// What one object says: that a node has to do with some others, or that a volume belongs to a claim.
    private enum Edges: Sendable, Hashable {
        case node(String, Set<Vertex>)
        case volume(claim: Vertex, secrets: Set<Vertex>, keeper: String?)
    }

    private struct State {
        /// What has changed and was not read yet; nil for what is gone.
        var pending: [Vertex: CachedObject?] = [:]
        var edges: [Vertex: Edges] = [:]
        /// For each object, the nodes that have to do with it, and how many objects say so.
        var nodes: [Vertex: [String: Int]] = [:]
        /// The volumes that need a secret.
        var volumes: [Vertex: Set<Vertex>] = [:]
    }

    /// The resources that edges are read from.
    static let sources: [(group: String, resource: String, kind: Kind)] = [
        ("", "pods", .pod), ("", "persistentvolumes", .volume),
        ("storage.k8s.io", "volumeattachments", .volumeAttachment),
        ("resource.k8s.io", "resourceslices", .resourceSlice),
        ("certificates.k8s.io", "podcertificaterequests", .podCertificateRequest),
    ]

    private let state = Mutex(State())

    /// Takes note of a change; the object is read later, if at all.
    func changed(_ kind: Kind, _ object: CachedObject, isGone: Bool) {
        let vertex = Vertex(kind, object.key.namespace, object.key.name)
        state.withLock { state in
            if !isGone {
                state.pending[vertex] = .some(object)
            } else if state.edges[vertex] != nil {
                state.pending[vertex] = .some(nil)
            } else {
                state.pending[vertex] = nil
            }
        }
    }

    /// Whether an object has to do with a node.
    func leads(_ vertex: Vertex, to node: String) -> Bool {
        state.withLock { state in
            Self.catchUp(&state)
            if state.nodes[vertex]?[node] != nil { return true }
            switch vertex.kind {
            case .volume: return Self.volume(vertex, leadsTo: node, state)
            case .secret: return state.volumes[vertex]?.contains { Self.volume($0, leadsTo: node, state) } ?? false
            default: return false
            }
        }
    }

    private static func volume(_ volume: Vertex, leadsTo node: String, _ state: State) -> Bool {
        guard case .volume(let claim, _, let keeper)? = state.edges[volume] else { return false }
        return keeper == node || state.nodes[claim]?[node] != nil
    }

    // MARK: Reading

    private static func catchUp(_ state: inout State) {
        guard !state.pending.isEmpty else { return }
        let pending = state.pending
        state.pending = [:]
        for (vertex, object) in pending {
            let new = object.flatMap { edges(of: $0, vertex) }
            let old = state.edges[vertex]
            guard new != old else { continue }
            if let old { remove(old, from: vertex, &state) }
            if let new { add(new, from: vertex, &state) }
            state.edges[vertex] = new
        }
    }

    private static func add(_ edges: Edges, from vertex: Vertex, _ state: inout State) {
        switch edges {
        case .node(let node, let targets):
            for target in targets { state.nodes[target, default: [:]][node, default: 0] += 1 }
        case .volume(_, let secrets, _):
            for secret in secrets { state.volumes[secret, default: []].insert(vertex) }
        }
    }

    private static func remove(_ edges: Edges, from vertex: Vertex, _ state: inout State) {
        switch edges {
        case .node(let node, let targets):
            for target in targets {
                let count = state.nodes[target]?[node] ?? 0
                state.nodes[target]?[node] = count > 1 ? count - 1 : nil
                if state.nodes[target]?.isEmpty == true { state.nodes[target] = nil }
            }
        case .volume(_, let secrets, _):
            for secret in secrets {
                state.volumes[secret]?.remove(vertex)
                if state.volumes[secret]?.isEmpty == true { state.volumes[secret] = nil }
            }
        }
    }

    /// Whether a node keeps the directory of a volume that Martlet's own provisioner made.
    func keeps(_ volume: Vertex, node: String) -> Bool {
        state.withLock { state in
            Self.catchUp(&state)
            guard case .volume(_, _, let keeper)? = state.edges[volume] else { return false }
            return keeper == node
        }
    }

    private static func edges(of object: CachedObject, _ vertex: Vertex) -> Edges? {
        let value = object.value
        func node(_ name: JSONValue?) -> Edges? {
            guard let name = name?.stringValue, !name.isEmpty else { return nil }
            return .node(name, [vertex])
        }
        switch vertex.kind {
        case .pod:
            guard let node = value[path: "spec", "nodeName"]?.stringValue, !node.isEmpty else { return nil }
            return .node(node, PodReferences.all(in: value).union([vertex]))
        case .volume:
            guard let claim = value[path: "spec", "claimRef"]?.objectValue else { return nil }
            return .volume(
                claim: Vertex(.claim, claim[string: "namespace"], claim[string: "name"]),
                secrets: PodReferences.volumeSecrets(in: value, claimNamespace: claim[string: "namespace"]),
                keeper: LocalVolumes.host(of: value))
        case .volumeAttachment, .resourceSlice, .podCertificateRequest: return node(value[path: "spec", "nodeName"])
        default: return nil
        }
    }
}

/// What pods and persistent volumes mention by name.
enum PodReferences {
    typealias Vertex = NodeGraph.Vertex

    /// The objects that a kubelet needs to run a pod. A mirror pod gives none: a node makes those itself.
    static func all(in pod: JSONValue) -> Set<Vertex> {
        guard pod.annotations?["kubernetes.io/config.mirror"] == nil else { return [] }
        let namespace = pod.namespace
        let spec = pod["spec"]?.objectValue ?? JSONObject()
        var found: Set<Vertex> = []
        func add(_ kind: NodeGraph.Kind, _ name: JSONValue?) {
            guard let name = name?.stringValue, !name.isEmpty else { return }
            found.insert(Vertex(kind, namespace, name))
        }
        add(.serviceAccount, spec["serviceAccountName"])
        for secret in spec[array: "imagePullSecrets"] { add(.secret, secret["name"]) }
        for list in ["containers", "initContainers", "ephemeralContainers"] {
            for container in spec[array: list] {
                for source in container["envFrom"]?.arrayValue ?? [] {
                    add(.secret, source[path: "secretRef", "name"])
                    add(.configMap, source[path: "configMapRef", "name"])
                }
                for variable in container["env"]?.arrayValue ?? [] {
                    add(.secret, variable[path: "valueFrom", "secretKeyRef", "name"])
                    add(.configMap, variable[path: "valueFrom", "configMapKeyRef", "name"])
                }
            }
        }
        for volume in spec[array: "volumes"] {
            add(.claim, volume[path: "persistentVolumeClaim", "claimName"])
            if volume["ephemeral"] != nil {
                add(.claim, .string("\(pod.name)-\(volume["name"]?.stringValue ?? "")"))
            }
            add(.configMap, volume[path: "configMap", "name"])
            add(.secret, volume[path: "secret", "secretName"])
            add(.secret, volume[path: "azureFile", "secretName"])
            add(.secret, volume[path: "csi", "nodePublishSecretRef", "name"])
            for driver in secretDrivers { add(.secret, volume[path: driver, "secretRef", "name"]) }
            for source in volume[path: "projected", "sources"]?.arrayValue ?? [] {
                add(.secret, source[path: "secret", "name"])
                add(.configMap, source[path: "configMap", "name"])
            }
        }
        let statuses = pod[path: "status", "resourceClaimStatuses"]?.arrayValue ?? []
        for claim in spec[array: "resourceClaims"] {
            add(.resourceClaim, claim["resourceClaimName"])
            let made = statuses.first { $0["name"] == claim["name"] }
            add(.resourceClaim, made?["resourceClaimName"])
        }
        add(.resourceClaim, pod[path: "status", "extendedResourceClaimStatus", "resourceClaimName"])
        return found
    }

    /// Drivers whose `secretRef` names a secret.
    private static let secretDrivers = ["cephfs", "cinder", "flexVolume", "rbd", "scaleIO", "iscsi", "storageos"]

    /// The secrets that a kubelet needs to mount a volume.
    static func volumeSecrets(in volume: JSONValue, claimNamespace: String) -> Set<Vertex> {
        let spec = volume["spec"]?.objectValue ?? JSONObject()
        var found: Set<Vertex> = []
        func add(_ reference: JSONValue?, nameField: String = "name", namespaceField: String = "namespace") {
            guard let name = reference?[nameField]?.stringValue, !name.isEmpty else { return }
            let namespace = reference?[namespaceField]?.stringValue ?? ""
            found.insert(Vertex(.secret, namespace.isEmpty ? claimNamespace : namespace, name))
        }
        add(spec["azureFile"], nameField: "secretName", namespaceField: "secretNamespace")
        for driver in secretDrivers { add(spec[driver]?["secretRef"]) }
        for reference in ["nodePublishSecretRef", "nodeStageSecretRef", "nodeExpandSecretRef"] {
            add(spec["csi"]?[reference])
        }
        return found
    }
}
