// What pods' own claims for devices are made from.
import JSON
import KubeTypes

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
    /// It does not run and will not.
    var isDoneWithClaims: Bool { isTerminal || isBeingDeleted && nodeName.isEmpty }
}
