// A view of claims for devices and of how pods name theirs: what scheduler, controllers and kubelets share.
import JSON

/// Devices that pods share or have to themselves (resource.k8s.io/v1 ResourceClaim; core/v1 has another type of that
/// name).
public struct DeviceClaim: KubeObject {
    public static let type = ObjectType(
        apiVersion: "resource.k8s.io/v1", kind: "ResourceClaim", resource: "resourceclaims", namespaced: true)
    /// Of a claim made for a pod: which of the pod's claims it is.
    public static let podClaimName = "resource.kubernetes.io/pod-claim-name"
    /// Keeps an allocated claim.
    public static let finalizer = "resource.kubernetes.io/delete-protection"
    public static let maximumConsumers = 256

    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var metadata: ObjectMeta {
        get { self["metadata"] ?? ObjectMeta() }
        set { self["metadata"] = newValue }
    }

    /// For whom it is reserved: at most `maximumConsumers`.
    public var consumers: [JSONValue] { json[path: "status", "reservedFor"]?.arrayValue ?? [] }
    /// The devices it has, and where; nil as long as there are none.
    public var allocation: JSONObject? { json[path: "status", "allocation"]?.objectValue }
    public var isAllocated: Bool { allocation != nil }

    /// The pod that the claim was made for.
    public func isOwned(by pod: Pod) -> Bool { controller?.kind == "Pod" && controller?.uid == pod.uid }
    public func isReserved(for pod: Pod) -> Bool { isReserved(forUID: pod.uid) }
    public func isReserved(forUID uid: String) -> Bool { consumers.contains { $0["uid"]?.stringValue == uid } }

    /// What says in `reservedFor` that a pod uses the claim.
    public static func consumer(name: String, uid: String) -> JSONValue {
        ["resource": "pods", "name": .string(name), "uid": .string(uid)]
    }
}

extension Pod {
    /// A claim as a pod names it.
    public struct ClaimReference: Sendable, Hashable {
        /// The pod's own name for the claim.
        public let name: String
        public let claim: String?
        public let template: String?
    }

    /// Why it is not known yet which claim a pod means.
    public struct UnknownClaim: Error, Sendable, Hashable, CustomStringConvertible {
        public let description: String
    }

    public var claimReferences: [ClaimReference] {
        (json[path: "spec", "resourceClaims"]?.arrayValue ?? []).map {
            ClaimReference(
                name: $0["name"]?.stringValue ?? "", claim: $0["resourceClaimName"]?.stringValue,
                template: $0["resourceClaimTemplateName"]?.stringValue)
        }
    }

    /// The claims made for the pod as its status names them; a nil inside means that none is needed.
    public var madeClaims: [String: String?] {
        Dictionary(
            (json[path: "status", "resourceClaimStatuses"]?.arrayValue ?? []).map {
                ($0["name"]?.stringValue ?? "", $0["resourceClaimName"]?.stringValue)
            }, uniquingKeysWith: { $1 })
    }

    /// The name of the claim that a reference means, and whether it must have been made for the pod; nil where none is
    /// needed.
    public func claim(
        _ reference: ClaimReference, made: [String: String?]
    ) throws(UnknownClaim) -> (name: String, isOwn: Bool)? {
        if let name = reference.claim { return (name, false) }
        guard reference.template != nil else {
            throw UnknownClaim(
                description: "pod \"\(key)\", spec.resourceClaim \"\(reference.name)\": "
                    + "none of the supported fields are set")
        }
        guard let name = made[reference.name] else {
            throw UnknownClaim(description: "pod \"\(key)\": ResourceClaim not created yet")
        }
        return name.map { ($0, true) }
    }
}
