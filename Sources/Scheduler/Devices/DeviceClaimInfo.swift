// Claims and classes as the scheduler reads them: what is asked for, and what has been given.
import JSON
import KubeTypes

struct DeviceClassInfo: Sendable {
    let name: String
    let selectors: [String?]
    let config: [JSONObject]
    /// Of the resource that containers may ask for instead of a claim; empty for none.
    let extendedResource: String
    let created: Time

    init(_ deviceClass: DeviceClass) {
        name = deviceClass.name
        let spec = deviceClass.json["spec"]?.objectValue ?? JSONObject()
        selectors = DeviceRequest.selectors(spec)
        config = spec[array: "config"].compactMap(\.objectValue)
        extendedResource = spec[string: "extendedResourceName"]
        created = deviceClass.metadata.creationTimestamp ?? Time(seconds: 0)
    }
}

struct DeviceToleration: Sendable {
    let key: String
    let `operator`: String
    let value: String
    let effect: String

    /// Unlike a pod's, one without a key covers every key.
    func covers(_ taint: DeviceTaint) -> Bool {
        guard effect.isEmpty || effect == taint.effect, key.isEmpty || key == taint.key else { return false }
        switch `operator` {
        case "", "Equal": return value == taint.value
        case "Exists": return true
        default: return false
        }
    }
}

/// Devices of one class: a request of a claim, or one of its alternatives.
struct DeviceRequest: Sendable {
    enum Mode: Sendable, Equatable {
        case count(Int64)
        case all
        case unknown(String)
    }

    /// Of an alternative, the request's and its own: `gpu/large`.
    let name: String
    /// The request's alone.
    let base: String
    let className: String
    let mode: Mode
    /// Sees devices that others have, too.
    let hasAdminAccess: Bool
    /// Nil for one that is not CEL.
    let selectors: [String?]
    let tolerations: [DeviceToleration]
    private let tolerationsJSON: [JSONValue]
    /// What is asked of a device's capacity.
    let capacity: [String: Quantity]

    init(_ json: JSONObject, name: String, base: String) {
        self.name = name
        self.base = base
        className = json[string: "deviceClassName"]
        switch json[string: "allocationMode"] {
        case "ExactCount", "": mode = .count(json.holds("count") ? json[integer: "count"] : 1)
        case "All": mode = .all
        case let other: mode = .unknown(other)
        }
        hasAdminAccess = json[flag: "adminAccess"]
        selectors = Self.selectors(json)
        tolerationsJSON = json[array: "tolerations"]
        tolerations = tolerationsJSON.map {
            DeviceToleration(
                key: $0["key"]?.stringValue ?? "", operator: $0["operator"]?.stringValue ?? "",
                value: $0["value"]?.stringValue ?? "", effect: $0["effect"]?.stringValue ?? "")
        }
        capacity = Dictionary(
            json[object: "capacity"][object: "requests"].compactMap { entry in
                Quantity(field: entry.value).map { (entry.key, $0) }
            }
        ) { $1 }
    }

    static func selectors(_ json: JSONObject) -> [String?] {
        json[array: "selectors"].map { $0[path: "cel", "expression"]?.stringValue }
    }

    /// What the result repeats of the request.
    var repeated: [JSONObject.Field] {
        tolerationsJSON.isEmpty ? [] : [.init(key: "tolerations", value: .array(tolerationsJSON))]
    }

    func tolerates(_ device: DeviceInfo) -> Bool {
        device.taints.allSatisfy { taint in !taint.isHard || tolerations.contains { $0.covers(taint) } }
    }
}

/// What a claim has been given.
struct DeviceAllocation: Sendable {
    struct Device: Sendable {
        let id: DeviceID
        /// Of an alternative, with the request's name before it.
        let request: String
        let hasAdminAccess: Bool
        /// Told from other parts of the same device.
        let share: String
        let consumed: [String: Quantity]
        let bindingConditions: [String]
        let bindingFailureConditions: [String]
    }

    /// An AllocationResult of the API.
    let json: JSONObject
    let devices: [Device]
    /// Nil: usable everywhere.
    let nodes: NodeRequirement?

    init(_ json: JSONObject) {
        self.json = json
        devices = json[object: "devices"][array: "results"].compactMap(\.objectValue).map { result in
            Device(
                id: DeviceID(
                    driver: result[string: "driver"], pool: result[string: "pool"], name: result[string: "device"]),
                request: result[string: "request"], hasAdminAccess: result[flag: "adminAccess"],
                share: result[string: "shareID"],
                consumed: Dictionary(
                    result[object: "consumedCapacity"].compactMap { entry in
                        Quantity(field: entry.value).map { (entry.key, $0) }
                    }
                ) { $1 },
                bindingConditions: result[strings: "bindingConditions"],
                bindingFailureConditions: result[strings: "bindingFailureConditions"])
        }
        nodes = json["nodeSelector"]?.objectValue.map {
            NodeRequirement(nodeSelector: [:], required: NodeSelector(.object($0)))
        }
    }
}

/// A claim of resource.k8s.io.
struct DeviceClaimInfo: Sendable {
    struct Request: Sendable {
        let name: String
        /// The first that can be had is taken; a request without alternatives is its only one.
        let alternatives: [DeviceRequest]
        let isPrioritized: Bool
    }

    struct Constraint: Sendable {
        /// Empty: all.
        let requests: Set<String>
        let attribute: String
        /// Whether values must differ instead of being the same.
        let isDistinct: Bool
    }

    let object: DeviceClaim
    let key: ObjectKey
    let uid: String
    let revision: Int64
    let requests: [Request]
    /// Nil for one of a kind that is not known.
    let constraints: [Constraint?]
    let allocation: DeviceAllocation?
    let isBeingDeleted: Bool
    let owner: String
    /// Made for a pod's extended resources.
    let isExtended: Bool
    let consumers: [String]
    var config: [JSONObject] {
        object.json[path: "spec", "devices", "config"]?.arrayValue?.compactMap(\.objectValue) ?? []
    }

    init(_ claim: DeviceClaim) {
        object = claim
        key = claim.key
        uid = claim.uid
        revision = Int64(claim.resourceVersion) ?? 0
        let devices = claim.json[path: "spec", "devices"]?.objectValue ?? JSONObject()
        requests = devices[array: "requests"].compactMap(\.objectValue).map { request in
            let name = request[string: "name"]
            let alternatives = request[array: "firstAvailable"].compactMap(\.objectValue)
            if !alternatives.isEmpty {
                return Request(
                    name: name,
                    alternatives: alternatives.map {
                        DeviceRequest($0, name: "\(name)/\($0[string: "name"])", base: name)
                    }, isPrioritized: true)
            }
            let exactly = request["exactly"]?.objectValue
            return Request(
                name: name, alternatives: exactly.map { [DeviceRequest($0, name: name, base: name)] } ?? [],
                isPrioritized: false)
        }
        constraints = devices[array: "constraints"].compactMap(\.objectValue).map { constraint in
            let same = constraint[string: "matchAttribute"]
            let distinct = constraint[string: "distinctAttribute"]
            guard !same.isEmpty || !distinct.isEmpty else { return nil }
            return Constraint(
                requests: Set(constraint[strings: "requests"]), attribute: same.isEmpty ? distinct : same,
                isDistinct: same.isEmpty)
        }
        allocation = claim.allocation.map(DeviceAllocation.init)
        isBeingDeleted = claim.isBeingDeleted
        let controller = claim.controller
        owner = controller?.kind == Pod.type.kind ? controller?.uid ?? "" : ""
        isExtended = claim.annotations[ExtendedRequests.annotation] == "true"
        consumers = claim.consumers.compactMap { $0["uid"]?.stringValue }
    }
}
