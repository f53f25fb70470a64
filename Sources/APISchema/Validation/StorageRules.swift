import JSON
import KubeTypes

/// Volumes, claims, storage classes and CSI's objects.
enum StorageRules {
    private static let accessModes = ["ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod"]

    /// The sources in the order in which upstream looks at them.
    private static let sources = [
        "hostPath", "gcePersistentDisk", "awsElasticBlockStore", "glusterfs", "flocker", "nfs", "rbd", "quobyte",
        "cephfs", "iscsi", "cinder", "fc", "flexVolume", "azureFile", "vsphereVolume", "photonPersistentDisk",
        "portworxVolume", "azureDisk", "scaleIO", "local", "storageos", "csi",
    ]

    private static func modes(_ spec: JSONObject, _ v: inout Validator) {
        let modes = spec[array: "accessModes"]
        for mode in modes where !accessModes.contains(mode.stringValue ?? "") {
            v.unsupported("accessModes", mode, accessModes)
        }
        if modes.contains("ReadWriteOncePod"),
            modes.contains(where: { $0 != "ReadWriteOncePod" && accessModes.contains($0.stringValue ?? "") })
        {
            v.forbidden("accessModes", "may not use ReadWriteOncePod with other access modes")
        }
    }

    // MARK: Volumes

    static func volumeSpec(_ spec: JSONObject, _ v: inout Validator) {
        // An attachment may bring its volume's spec along.
        let isInline = v.isAt("inlineVolumeSpec", below: "source")
        modes(spec, &v)
        if isInline { inline(spec, &v) } else { capacity(spec, &v) }
        let found = sources.filter { spec.holds($0) }
        if found.isEmpty { v.required("", "must specify a volume type") }
        for extra in found.dropFirst() where extra != "flexVolume" {
            v.forbidden(extra, "may not specify more than 1 volume type")
        }
        if case .object(let path)? = spec["hostPath"], spec[string: "persistentVolumeReclaimPolicy"] == "Recycle",
            path[string: "path"].split(separator: "/").allSatisfy({ $0 == "." })
        {
            v.forbidden(
                "persistentVolumeReclaimPolicy", "may not be 'recycle' for a hostPath mount of '/'")
        }
        if spec.holds("local"), !spec.holds("nodeAffinity") {
            v.required("nodeAffinity", "Local volume requires node affinity")
        }
        if case .object(let affinity)? = spec["nodeAffinity"], !affinity.holds("required") {
            v.required("nodeAffinity.required", "must specify required node constraints")
        }
        v.optionalName("storageClassName", spec, Names.isDNS1123Subdomain)
        if let name = spec["volumeAttributesClassName"]?.stringValue {
            if name.isEmpty {
                v.required("volumeAttributesClassName", "an empty string is disallowed")
            } else {
                v.invalid("volumeAttributesClassName", name, Names.isDNS1123Subdomain(name))
            }
            if !spec.holds("csi") {
                v.required("csi", "has to be specified when using volumeAttributesClassName")
            }
        }
        if case .object(let local)? = spec["local"] { v.noBacksteps("local.path", local[string: "path"]) }
        secrets(spec, &v)
    }

    private static func capacity(_ spec: JSONObject, _ v: inout Validator) {
        let capacity = spec[object: "capacity"]
        if capacity.isEmpty { v.required("capacity") }
        if capacity["storage"] == nil || capacity.count > 1 {
            v.unsupported("capacity", .object(capacity), ["storage"])
        }
        v.entries("capacity", of: spec) { _, value, v in
            guard let amount = ResourceRules.quantity(value) else { return }
            if amount.nanos < 0 { v.invalid("", value, "must be a valid resource quantity") }
            if amount.nanos <= 0 { v.invalid("", value, "must be greater than zero") }
        }
    }

    private static func inline(_ spec: JSONObject, _ v: inout Validator) {
        let where_ = "in the context of inline volumes"
        for field in ["claimRef", "capacity", "nodeAffinity", "storageClassName"]
        where !(spec[field]?.isEmptyOrZero ?? true) {
            v.forbidden(field, "may not be specified \(where_)")
        }
        if !spec.holds("csi") { v.required("csi", "has to be specified \(where_)") }
        let policy = spec[string: "persistentVolumeReclaimPolicy"]
        if !policy.isEmpty, policy != "Retain" {
            v.forbidden("persistentVolumeReclaimPolicy", "may only be Retain \(where_)")
        }
        if let mode = spec["volumeMode"]?.stringValue, mode != "Filesystem" {
            v.forbidden("volumeMode", "may not specify volumeMode other than Filesystem \(where_)")
        }
    }

    /// Secrets that a cluster-wide volume names, with their namespaces.
    private static func secrets(_ spec: JSONObject, _ v: inout Validator) {
        v.inside("csi", of: spec) { source, v in
            let name = source[string: "driver"]
            if name.utf8.count > 63 { v.tooLong("driver", limit: 63) }
            if !name.isEmpty { v.invalid("driver", name, Names.isCSIDriver(name)) }
            for field in [
                "controllerPublishSecretRef", "controllerExpandSecretRef", "nodePublishSecretRef",
                "nodeExpandSecretRef",
            ] {
                v.inside(field, of: source) { secret, v in
                    v.requiredName("name", secret, Names.isDNS1123Subdomain)
                    v.requiredName("namespace", secret, Names.isDNS1123Label)
                }
            }
        }
        for (source, needsNamespace) in [("cinder", true), ("storageos", true), ("iscsi", false)] {
            v.inside(source, of: spec) { source, v in
                guard case .object(let secret)? = source["secretRef"] else { return }
                if secret[string: "name"].isEmpty { v.required("secretRef.name") }
                if needsNamespace, secret[string: "namespace"].isEmpty { v.required("secretRef.namespace") }
            }
        }
        if case .object(let file)? = spec["azureFile"], file["secretNamespace"]?.stringValue == "" {
            v.required("azureFile.secretNamespace")
        }
        if let namespace = spec["glusterfs"]?["endpointsNamespace"]?.stringValue {
            v.invalid(
                "glusterfs.endpointsNamespace", namespace,
                namespace.isEmpty
                    ? ["if the endpointnamespace is set, it must be a valid namespace name"]
                    : Names.isDNS1123Label(namespace))
        }
    }

    static func volumeUpdate(_ new: JSONObject, _ old: JSONObject, _ v: inout Validator) {
        let spec = new[object: "spec"]
        let before = old[object: "spec"]
        for source in sources {
            var now = spec[source]
            let was = before[source]
            if source == "csi", was != nil, was?["controllerExpandSecretRef"] == nil {
                now?["controllerExpandSecretRef"] = nil
            }
            // Empty sources differ from missing ones.
            if (now == nil) != (was == nil) || !Validator.areSame(now, was) {
                v.forbidden(
                    "spec.persistentvolumesource",
                    "spec.persistentvolumesource is immutable after creation\nchanged: spec.\(source)")
                break
            }
        }
        v.immutable("volumeMode", spec["volumeMode"], before["volumeMode"])
        if let was = before["nodeAffinity"], !was.isNull, !isSameAffinity(spec["nodeAffinity"], was) {
            v.invalid(
                "nodeAffinity", spec["nodeAffinity"] ?? .null,
                "field is immutable, except for updating from beta label to GA")
        }
        if before.holds("volumeAttributesClassName"), !spec.holds("volumeAttributesClassName") {
            v.forbidden("spec.volumeAttributesClassName", "update from non-nil value to nil is forbidden")
        }
    }

    private static let stableLabels = [
        "failure-domain.beta.kubernetes.io/zone": "topology.kubernetes.io/zone",
        "failure-domain.beta.kubernetes.io/region": "topology.kubernetes.io/region",
        "beta.kubernetes.io/os": "kubernetes.io/os", "beta.kubernetes.io/arch": "kubernetes.io/arch",
        "beta.kubernetes.io/instance-type": "node.kubernetes.io/instance-type",
    ]

    /// Whether two affinities differ at most in labels that have got a stable name.
    private static func isSameAffinity(_ new: JSONValue?, _ old: JSONValue?) -> Bool {
        switch (new, old) {
        case (.object(let new)?, .object(let old)?):
            let keys = Set(new.keys).union(old.keys)
            return keys.allSatisfy { key in
                if key == "key", let was = old[key]?.stringValue, let stable = stableLabels[was],
                    new[key]?.stringValue == stable
                {
                    return true
                }
                return isSameAffinity(new[key], old[key])
            }
        case (.array(let new)?, .array(let old)?):
            return new.count == old.count && zip(new, old).allSatisfy { isSameAffinity($0, $1) }
        default: return Validator.areSame(new, old)
        }
    }

    // MARK: Claims

    static func claimSpec(_ spec: JSONObject, _ v: inout Validator) {
        if spec[array: "accessModes"].isEmpty { v.required("accessModes", "at least 1 access mode is required") }
        modes(spec, &v)
        if let value = spec["resources"]?[path: "requests", "storage"], let amount = ResourceRules.quantity(value) {
            if amount.nanos <= 0 { v.invalid("resources[storage]", value, "must be greater than zero") }
        } else {
            v.required("resources[storage]")
        }
        for field in ["storageClassName", "volumeAttributesClassName"] {
            v.optionalName(field, spec, Names.isDNS1123Subdomain)
        }
        for field in ["dataSource", "dataSourceRef"] {
            v.inside(field, of: spec) { source, v in
                let group = source[string: "apiGroup"]
                let kind = source[string: "kind"]
                for name in ["name", "kind"] where source[string: name].isEmpty { v.required(name) }
                if group.isEmpty, kind != "PersistentVolumeClaim" {
                    v.invalid(
                        "", kind, "must be 'PersistentVolumeClaim' when referencing the default apiGroup")
                }
                if !group.isEmpty { v.invalid("apiGroup", group, Names.isDNS1123Subdomain(group)) }
                v.optionalName("namespace", source, Names.isDNS1123Label)
            }
        }
        guard case .object(let source)? = spec["dataSource"], case .object(let reference)? = spec["dataSourceRef"]
        else { return }
        if !reference[string: "namespace"].isEmpty {
            v.invalid("", "dataSource", "may not be specified when dataSourceRef.namespace is specified")
        } else if ["apiGroup", "kind", "name"].contains(where: { source[$0] != reference[$0] }) {
            v.invalid("", "dataSource", "must match dataSourceRef")
        }
    }

    private static let classAnnotation = "volume.beta.kubernetes.io/storage-class"

    static func claimUpdate(_ new: JSONObject, _ old: JSONObject, _ v: inout Validator) {
        var spec = new[object: "spec"]
        let before = old[object: "spec"]
        let isBound = new["status"]?["phase"]?.stringValue == "Bound"
        if before[string: "volumeName"].isEmpty { spec["volumeName"] = before["volumeName"] }
        let annotation = new["metadata"]?["annotations"]?[classAnnotation]?.stringValue
        let oldAnnotation = old["metadata"]?["annotations"]?[classAnnotation]?.stringValue
        let name = spec["storageClassName"]?.stringValue
        if !before.holds("storageClassName"), let name, oldAnnotation ?? name == name {
            // A class may be filled in where there was none, or the annotation's.
            spec["storageClassName"] = before["storageClassName"]
        }
        if annotation != oldAnnotation, !(annotation == nil && name != nil && name == oldAnnotation) {
            v.invalid("metadata.annotations.\(classAnnotation)", annotation ?? "", "field is immutable")
        }
        if isBound {
            spec["volumeAttributesClassName"] = before["volumeAttributesClassName"]
            if var resources = spec["resources"], resources["requests"] != nil {
                var requests = resources["requests"] ?? [:]
                requests["storage"] = before["resources"]?[path: "requests", "storage"]
                resources["requests"] = requests
                spec["resources"] = resources
            }
        }
        if !Validator.areSame(.object(spec), .object(before)) {
            let changed = Set(spec.keys).union(before.keys).filter { !Validator.areSame(spec[$0], before[$0]) }
            v.forbidden(
                "spec",
                "spec is immutable after creation except resources.requests and volumeAttributesClassName for bound "
                    + "claims\nchanged: \(changed.sorted().map { "spec.\($0)" }.joined(separator: ", "))")
        }
        size(new, old, &v)
        v.immutable("volumeMode", new["spec"]?["volumeMode"], before["volumeMode"])
        let attributes = new["spec"]?["volumeAttributesClassName"]?.stringValue
        guard attributes != before["volumeAttributesClassName"]?.stringValue,
            let current = old["status"]?["currentVolumeAttributesClassName"], !current.isNull
        else { return }
        if attributes == nil {
            v.forbidden(
                "spec.volumeAttributesClassName",
                "update to nil is forbidden when status.currentVolumeAttributesClassName is not nil")
        } else if attributes == "" {
            v.forbidden(
                "spec.volumeAttributesClassName",
                "update to empty string is forbidden when status.currentVolumeAttributesClassName is not nil")
        }
    }

    private static func size(_ new: JSONObject, _ old: JSONObject, _ v: inout Validator) {
        func request(_ claim: JSONObject) -> Int128 {
            ResourceRules.quantity(claim["spec"]?[path: "resources", "requests", "storage"])?.nanos ?? 0
        }
        let capacity = ResourceRules.quantity(old["status"]?[path: "capacity", "storage"])?.nanos ?? 0
        if request(new) < request(old), request(new) <= capacity {
            v.forbidden("spec.resources.requests.storage", "field can not be less than status.capacity")
        }
    }

    static func claimStatus(_ new: JSONObject, _ old: JSONObject, _ v: inout Validator) {
        let status = new[object: "status"]
        v.at("status") { v in
            v.entries("capacity", of: status) { _, value, v in
                if ResourceRules.quantity(value)?.nanos ?? 0 < 0 {
                    v.invalid("", value, "must be a valid resource quantity")
                }
            }
            let states = [
                "ControllerResizeInProgress", "ControllerResizeInfeasible", "NodeResizeInProgress",
                "NodeResizeInfeasible", "NodeResizePending",
            ]
            for (name, state) in status[object: "allocatedResourceStatuses"] {
                resourceKey(name, "allocatedResourceStatuses", &v)
                if !states.contains(state.stringValue ?? "") {
                    v.unsupported("allocatedResourceStatuses", .string(name), states.sorted())
                }
            }
            for (name, value) in status[object: "allocatedResources"] {
                resourceKey(name, "allocatedResources", &v)
                if ResourceRules.quantity(value)?.nanos ?? 0 < 0 {
                    v.invalid("allocatedResources[\(name)]", value, "must be a valid resource quantity")
                }
            }
        }
    }

    private static func resourceKey(_ name: String, _ path: String, _ v: inout Validator) {
        let problems = Names.isQualifiedName(name)
        v.invalid(path, name, problems)
        if problems.isEmpty, ResourceRules.isNative(name), name != "storage" {
            v.unsupported(path, .string(name), ["storage"])
        }
    }

    // MARK: Classes

    static func storageClass(_ object: JSONObject, _ v: inout Validator) {
        let provisioner = object[string: "provisioner"]
        if !provisioner.isEmpty {
            v.invalid("provisioner", provisioner, Names.isQualifiedName(provisioner.lowercased()))
        }
        parameters(object, mayBeEmpty: true, &v)
        var terms: [JSONValue] = []
        v.elements("allowedTopologies", of: object) { _, term, v in
            var keys: Set<String> = []
            v.elements("matchLabelExpressions", of: term) { _, requirement, v in
                if requirement[array: "values"].isEmpty { v.required("values") }
                var seen: Set<String> = []
                v.strings("values", of: requirement) { value, v in
                    if !seen.insert(value).inserted { v.duplicate("", value) }
                }
                let key = requirement[string: "key"]
                v.invalid("key", key, Names.isQualifiedName(key))
                if !keys.insert(key).inserted { v.duplicate("key", key) }
            }
            if terms.contains(.object(term)) { v.duplicate("matchLabelExpressions", "") }
            terms.append(.object(term))
        }
    }

    static func attributesClass(_ object: JSONObject, _ v: inout Validator) {
        v.requiredName("driverName", object) { Names.isQualifiedName($0.lowercased()) }
        parameters(object, mayBeEmpty: false, &v)
    }

    private static func parameters(_ object: JSONObject, mayBeEmpty: Bool, _ v: inout Validator) {
        let parameters = object[object: "parameters"]
        if parameters.count > 512 { return v.tooLong("parameters", limit: 512) }
        if parameters[""] != nil { v.invalid("parameters", "", "field can not be empty.") }
        let size = parameters.reduce(0) { $0 + $1.key.utf8.count + ($1.value.stringValue?.utf8.count ?? 0) }
        if size > 256 << 10 { v.tooLong("parameters", limit: 256 << 10) }
        if !mayBeEmpty, parameters.isEmpty { v.required("parameters", "must contain at least one key/value pair") }
    }

    // MARK: CSI

    static func driver(_ spec: JSONObject, _ v: inout Validator) {
        v.oneOf("fsGroupPolicy", spec, ["File", "None", "ReadWriteOnceWithFSType"])
        for mode in spec[array: "volumeLifecycleModes"] where mode != "Persistent" && mode != "Ephemeral" {
            v.unsupported("volumeLifecycleModes", mode, ["Persistent", "Ephemeral"])
        }
        if let period = spec["nodeAllocatableUpdatePeriodSeconds"]?.integerValue, period < 10 {
            v.invalid(
                "nodeAllocatableUpdatePeriodSeconds", .integer(period),
                "must be greater than or equal to 10 seconds")
        }
        if spec.holds("serviceAccountTokenInSecrets"), spec[array: "tokenRequests"].isEmpty {
            v.invalid(
                "serviceAccountTokenInSecrets", spec["serviceAccountTokenInSecrets"] ?? .null,
                "serviceAccountTokenInSecrets is set but no tokenRequests are specified")
        }
        var audiences: Set<String> = []
        v.elements("tokenRequests", of: spec) { _, request, v in
            let audience = request[string: "audience"]
            if !audiences.insert(audience).inserted { return v.duplicate("audience", audience) }
            guard let seconds = request["expirationSeconds"]?.integerValue else { return }
            if seconds < 600 {
                v.invalid(
                    "expirationSeconds", .integer(seconds), "may not specify a duration less than 10 minutes")
            } else if seconds > 1 << 32 {
                v.invalid(
                    "expirationSeconds", .integer(seconds), "may not specify a duration larger than 2^32 seconds")
            }
        }
    }

    static func node(_ spec: JSONObject, _ v: inout Validator) {
        var names: Set<String> = []
        v.elements("drivers", of: spec) { _, driver, v in
            VolumeRules.driver("name", driver, &v)
            let id = driver[string: "nodeID"]
            if id.isEmpty { v.required("nodeID") }
            if id.utf8.count > 256 { v.invalid("nodeID", id, "must be 256 characters or less") }
            if let count = driver["allocatable"]?["count"]?.integerValue, count < 0 {
                v.invalid("allocatable.count", .integer(count), "must be greater than or equal to 0")
            }
            let name = driver[string: "name"]
            if !names.insert(name).inserted { v.duplicate("name", name) }
            var keys: Set<String> = []
            for key in driver[strings: "topologyKeys"] {
                if key.isEmpty { v.required("") }
                if !keys.insert(key).inserted { v.duplicate("", key) }
                v.invalid("", key, Names.isQualifiedName(key))
            }
        }
    }

    static func nodeUpdate(_ new: JSONObject, _ old: JSONObject, _ v: inout Validator) {
        let drivers = new["spec"]?["drivers"]?.arrayValue ?? []
        for was in old["spec"]?["drivers"]?.arrayValue ?? [] {
            guard var now = drivers.first(where: { $0["name"] == was["name"] }) else { continue }
            now["allocatable"] = was["allocatable"]
            if !Validator.areSame(now, was) { v.invalid("spec.drivers", now, "field is immutable") }
        }
    }

    static func attachment(_ attachment: JSONObject, _ v: inout Validator) {
        v.inside("spec", of: attachment) { spec, v in
            VolumeRules.driver("attacher", spec, &v)
            let node = spec[string: "nodeName"]
            v.invalid("nodeName", node, Names.isDNS1123Subdomain(node))
            let source = spec[object: "source"]
            let name = source["persistentVolumeName"]?.stringValue
            let detail = "must specify exactly one of inlineVolumeSpec and persistentVolumeName"
            switch (source.holds("inlineVolumeSpec"), name) {
            case (false, nil): v.required("source", detail)
            case (true, .some): v.forbidden("source", detail)
            case (false, let name?):
                if name.isEmpty {
                    v.required("source.persistentVolumeName", "must specify non empty persistentVolumeName")
                } else {
                    v.invalid("source.persistentVolumeName", name, Names.isDNS1123Subdomain(name))
                }
            case (true, nil): break
            }
        }
        v.inside("status", of: attachment) { status, v in
            let metadata = status[object: "attachmentMetadata"]
            let size = metadata.reduce(0) { $0 + $1.key.utf8.count + ($1.value.stringValue?.utf8.count ?? 0) }
            if size > 256 << 10 { v.tooLong("attachmentMetadata", limit: 256 << 10) }
            for field in ["attachError", "detachError"] {
                v.inside(field, of: status) { error, v in
                    if error[string: "message"].utf8.count > 1024 { v.tooLong("message", limit: 256 << 10) }
                    if let code = error["errorCode"]?.integerValue, code < 0 {
                        v.invalid("errorCode", .integer(code), "must be between 0 and 2147483647, inclusive")
                    }
                }
            }
        }
    }

    static func capacity(ofStorage object: JSONObject, _ v: inout Validator) {
        let name = object[string: "storageClassName"]
        v.invalid("storageClassName", name, Names.isDNS1123Subdomain(name))
        if let value = object["capacity"], ResourceRules.quantity(value)?.nanos ?? 0 < 0 {
            v.invalid("capacity", value, "must be greater than or equal to 0")
        }
    }
}
