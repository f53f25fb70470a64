import JSON
import KubeTypes

/// Devices that pods share or have to themselves (resource.k8s.io/v1 ResourceClaim; core/v1 has another type of that
/// name), as far as their controller reads them.
struct DeviceClaim: KubeObject {
    static let type = ObjectType(
        apiVersion: "resource.k8s.io/v1", kind: "ResourceClaim", resource: "resourceclaims", namespaced: true)
    /// Of a claim made for a pod: which of the pod's claims it is.
    static let podClaimName = "resource.kubernetes.io/pod-claim-name"
    /// Keeps an allocated claim.
    static let finalizer = "resource.kubernetes.io/delete-protection"
    static let maximumConsumers = 256

    var json: JSONValue
    init(_ json: JSONValue = [:]) { self.json = json }
    var metadata: ObjectMeta {
        get { self["metadata"] ?? ObjectMeta() }
        set { self["metadata"] = newValue }
    }

    var consumers: [JSONValue] { json[path: "status", "reservedFor"]?.arrayValue ?? [] }
    var isAllocated: Bool { json[path: "status", "allocation"].map { !$0.isNull } ?? false }

    /// The pod that the claim was made for.
    func isOwned(by pod: Pod) -> Bool { controller?.kind == "Pod" && controller?.uid == pod.uid }
    func isReserved(for pod: Pod) -> Bool { consumers.contains { $0["uid"]?.stringValue == pod.uid } }
}

struct ResourceClaimTemplate: KubeObject {
    static let type = ObjectType(
        apiVersion: "resource.k8s.io/v1", kind: "ResourceClaimTemplate", resource: "resourceclaimtemplates",
        namespaced: true)
    var json: JSONValue
    init(_ json: JSONValue = [:]) { self.json = json }
    var metadata: ObjectMeta {
        get { self["metadata"] ?? ObjectMeta() }
        set { self["metadata"] = newValue }
    }

    /// The claim for a pod.
    /// - Parameter name: The pod's own name for it.
    func claim(_ name: String, of pod: Pod) -> DeviceClaim {
        var claim = DeviceClaim(["apiVersion": "resource.k8s.io/v1", "kind": "ResourceClaim"])
        let template = ObjectMeta(json[path: "spec", "metadata"] ?? [:])
        var metadata = ObjectMeta()
        metadata.namespace = pod.namespace
        metadata.generateName = Self.prefix(pod.name, name)
        metadata.labels = template.labels
        metadata.annotations = template.annotations
        metadata.annotations[DeviceClaim.podClaimName] = name
        var owner = ControllerRef.make(to: pod)
        owner.blockOwnerDeletion = nil
        metadata.ownerReferences = [owner]
        claim.metadata = metadata
        claim.json["spec"] = json[path: "spec", "spec"] ?? [:]
        return claim
    }

    /// Both names, shortened in proportion where the server's suffix would not fit behind them.
    static func prefix(_ pod: String, _ claim: String) -> String {
        let longest = 57
        let whole = pod.utf8.count + claim.utf8.count + 2
        if whole <= longest { return "\(pod)-\(claim)-" }
        return "\(pod.prefix(pod.utf8.count * longest / whole))-\(claim.prefix(claim.utf8.count * longest / whole))"
    }
}

extension Pod {
    struct ClaimReference: Equatable {
        /// The pod's own name for the claim.
        var name: String
        var claim: String?
        var template: String?
    }

    var claimReferences: [ClaimReference] {
        (json[path: "spec", "resourceClaims"]?.arrayValue ?? []).map {
            ClaimReference(
                name: $0["name"]?.stringValue ?? "", claim: $0["resourceClaimName"]?.stringValue,
                template: $0["resourceClaimTemplateName"]?.stringValue)
        }
    }

    /// The claims made for the pod as its status names them; a nil inside means that none is needed.
    var madeClaims: [String: String?] {
        Dictionary(
            (json[path: "status", "resourceClaimStatuses"]?.arrayValue ?? []).map {
                ($0["name"]?.stringValue ?? "", $0["resourceClaimName"]?.stringValue)
            }, uniquingKeysWith: { $1 })
    }

    /// It does not run and will not.
    var isDoneWithClaims: Bool { isTerminal || isBeingDeleted && nodeName.isEmpty }
}
