// Objects with nothing in them, as a write that creates one finds them.

import JSON

/// The structs that upstream's empty objects hold. What is in an empty object is not there by anybody's doing: whoever
/// creates a Deployment owns `spec.replicas`, but not `spec`.
public enum EmptyObject {
    /// Fields of messages, by the messages' short names, that are there in an empty one and are no pointers.
    private static let fields: [String: [String]] = [
        "CronJobSpec": ["jobTemplate"], "CustomResourceDefinitionSpec": ["names"],
        "CustomResourceDefinitionStatus": ["acceptedNames"], "DaemonSetSpec": ["template", "updateStrategy"],
        "DeploymentSpec": ["template", "strategy"], "IngressStatus": ["loadBalancer"],
        "JobSpec": ["template"], "JobTemplateSpec": ["metadata", "spec"],
        "NodeDaemonEndpoints": ["kubeletEndpoint"], "NodeStatus": ["daemonEndpoints", "nodeInfo"],
        "PersistentVolumeClaimSpec": ["resources"], "PodTemplate": ["template"],
        "PodTemplateSpec": ["metadata", "spec"], "ReplicaSetSpec": ["template"], "ResourceClaimSpec": ["devices"],
        "ResourceClaimTemplateSpec": ["metadata", "spec"], "ResourceSliceSpec": ["pool"],
        "ServiceStatus": ["loadBalancer"], "StatefulSetSpec": ["template", "updateStrategy"],
        "VolumeAttachmentSpec": ["source"], "FlowSchemaSpec": ["priorityLevelConfiguration"],
        "HorizontalPodAutoscalerSpec": ["scaleTargetRef"], "Event": ["involvedObject", "regarding", "source"],
    ]

    private static func structs(of resource: ResourceType) -> [(name: String, message: MessageType)] {
        // An empty custom resource has nothing in it at all.
        guard resource.custom == nil else { return [] }
        return ["metadata", "spec", "status"].compactMap { name in
            guard let field = resource.message.field(name), case .message(let message) = field.type,
                message.scalar == nil
            else { return nil }
            return (name, message)
        }
    }

    /// Adds what is always there to an object that says nothing of it: its spec and its status.
    static func addStructs(of resource: ResourceType, to object: inout JSONValue) {
        for (name, _) in structs(of: resource) where object[name] == nil { object[name] = .object([:]) }
    }

    /// What `change` makes of an object in which upstream's structs are there even if nothing is said of them: a JSON
    /// patch may add to a status of which there is none yet.
    public static func withStructs<Failure>(
        of resource: ResourceType, _ object: JSONValue, _ change: (JSONValue) throws(Failure) -> JSONValue
    ) throws(Failure) -> JSONValue {
        var whole = object
        addStructs(of: resource, to: &whole)
        var changed = try change(whole)
        for (name, _) in structs(of: resource) where object[name] == nil && changed[name] == .object([:]) {
            changed[name] = nil
        }
        return changed
    }

    static func value(of resource: ResourceType) -> JSONValue {
        guard resource.custom == nil else { return [:] }
        var object = JSONObject()
        for (name, message) in structs(of: resource) { object[name] = value(of: message) }
        add(resource.message, to: &object)
        return .object(object)
    }

    private static func value(of message: MessageType) -> JSONValue {
        var object = JSONObject()
        add(message, to: &object)
        // The one list of these that is written even if there is none.
        if message.shortName == "PodSpec" { object["containers"] = .some(.null) }
        return .object(object)
    }

    private static func add(_ message: MessageType, to object: inout JSONObject) {
        for name in fields[message.shortName] ?? [] {
            guard let field = message.field(name), case .message(let inner) = field.type else { continue }
            object[name] = value(of: inner)
        }
    }
}
