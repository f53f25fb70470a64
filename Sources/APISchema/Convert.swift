import JSON
import KubeTypes

/// Conversion between the versions of a resource: objects are stored in one form, and answered in the one asked for.
///
/// Versions with equal types differ in `apiVersion` alone; the others have functions here and in the Convert… files.
extension Schema {
    /// Turns an object of `resource`, decoded and defaulted, into the form in which it is stored, and fills in that
    /// form's defaults. Does nothing but set `apiVersion` and `kind` where `resource` is stored as it is.
    /// - Throws: 400 where the object says something that the stored form cannot hold.
    public func toStorage(_ object: inout JSONValue, from resource: ResourceType) throws(APIError) {
        try convert(&object, from: resource, to: storageResource(of: resource))
    }

    /// Turns a stored object into one of `resource`.
    public func fromStorage(_ object: inout JSONValue, to resource: ResourceType) throws(APIError) {
        try convert(&object, from: storageResource(of: resource), to: resource)
    }

    /// Turns an object of one version into one of another of the same resource.
    public func convert(
        _ object: inout JSONValue, from old: ResourceType, to new: ResourceType
    ) throws(APIError) {
        if old != new, case .object(var fields) = object {
            object = .null
            try Conversions.convert(&fields, from: old, to: new)
            object = .object(fields)
        }
        object["apiVersion"] = .string(new.apiVersion)
        object["kind"] = .string(new.kind)
        if old != new { applyDefaults(to: &object, of: new) }
    }

    /// The field selector of a resource's own version in the names of the stored form: `regarding.name` of
    /// `events.k8s.io` is the core Event's `involvedObject.name`.
    public func storagePath(ofField path: String, in resource: ResourceType) -> String {
        guard resource.group == "events.k8s.io" else { return path }
        return EventConversion.storagePath(of: path)
    }
}

/// Which function converts what. Each goes from the older or derived form to the stored one and back.
enum Conversions {
    static func convert(
        _ object: inout JSONObject, from old: ResourceType, to new: ResourceType
    ) throws(APIError) {
        // Through the stored form where neither is it.
        if isStored(new) {
            try toStorage(&object, from: old)
        } else if isStored(old) {
            try fromStorage(&object, to: new)
        } else {
            try toStorage(&object, from: old)
            try fromStorage(&object, to: new)
        }
    }

    private static func isStored(_ resource: ResourceType) -> Bool { resource.storage == resource.identity }

    private static func toStorage(_ object: inout JSONObject, from resource: ResourceType) throws(APIError) {
        switch (resource.group, resource.version, resource.kind) {
        case ("extensions", _, "Deployment"), ("apps", "v1beta1", "Deployment"):
            WorkloadConversion.deploymentToStorage(&object)
        case ("extensions", _, "DaemonSet"): WorkloadConversion.daemonSetToStorage(&object)
        case ("extensions", _, "Ingress"), ("networking.k8s.io", "v1beta1", "Ingress"):
            IngressConversion.toStorage(&object)
        case ("autoscaling", "v2beta1", _): AutoscalerConversion.betaToStorage(&object)
        case ("policy", "v1beta1", "PodDisruptionBudget"): DisruptionBudgetConversion.toStorage(&object)
        case ("discovery.k8s.io", "v1beta1", _): EndpointSliceConversion.toStorage(&object)
        case ("flowcontrol.apiserver.k8s.io", "v1beta1", "PriorityLevelConfiguration"),
            ("flowcontrol.apiserver.k8s.io", "v1beta2", "PriorityLevelConfiguration"):
            PriorityLevelConversion.toStorage(&object)
        case ("apiextensions.k8s.io", "v1beta1", _): CustomResourceDefinitionConversion.toStorage(&object)
        case ("events.k8s.io", _, "Event"): EventConversion.toStorage(&object)
        case ("autoscaling", "v1", "HorizontalPodAutoscaler"): AutoscalerConversion.toStorage(&object)
        case ("resource.k8s.io", "v1beta1", let kind): DeviceConversion.toStorage(&object, kind)
        default: break
        }
    }

    private static func fromStorage(_ object: inout JSONObject, to resource: ResourceType) throws(APIError) {
        switch (resource.group, resource.version, resource.kind) {
        case ("extensions", _, "Deployment"), ("apps", "v1beta1", "Deployment"):
            WorkloadConversion.deploymentFromStorage(&object)
        case ("extensions", _, "DaemonSet"): WorkloadConversion.daemonSetFromStorage(&object)
        case ("extensions", _, "Ingress"), ("networking.k8s.io", "v1beta1", "Ingress"):
            IngressConversion.fromStorage(&object)
        case ("autoscaling", "v2beta1", _): AutoscalerConversion.betaFromStorage(&object)
        case ("policy", "v1beta1", "PodDisruptionBudget"): DisruptionBudgetConversion.fromStorage(&object)
        case ("discovery.k8s.io", "v1beta1", _): EndpointSliceConversion.fromStorage(&object)
        case ("flowcontrol.apiserver.k8s.io", "v1beta1", "PriorityLevelConfiguration"),
            ("flowcontrol.apiserver.k8s.io", "v1beta2", "PriorityLevelConfiguration"):
            PriorityLevelConversion.fromStorage(&object)
        case ("apiextensions.k8s.io", "v1beta1", _): CustomResourceDefinitionConversion.fromStorage(&object)
        case ("events.k8s.io", _, "Event"): EventConversion.fromStorage(&object)
        case ("autoscaling", "v1", "HorizontalPodAutoscaler"): AutoscalerConversion.fromStorage(&object)
        case ("resource.k8s.io", "v1beta1", let kind): DeviceConversion.fromStorage(&object, kind)
        default: break
        }
    }
}

extension JSONObject {
    /// Gives the field `old` the name `new`, where it stands; replaces what had that name.
    mutating func rename(_ old: String, to new: String) {
        guard let value = removeValue(forKey: old) else { return }
        self[new] = value
    }

    /// Sets an annotation, or removes it with nil; an empty list of annotations goes.
    mutating func setAnnotation(_ name: String, _ text: String?) {
        if text == nil, self["metadata"]?["annotations"] == nil { return }
        changeOrMake("metadata") { metadata in
            metadata.changeOrMake("annotations") { $0[name] = text.map(JSONValue.string) }
            if metadata["annotations"]?.objectValue?.isEmpty ?? false { metadata["annotations"] = nil }
        }
    }

    func annotation(_ name: String) -> String? {
        self["metadata"]?[path: "annotations", name]?.stringValue
    }
}
