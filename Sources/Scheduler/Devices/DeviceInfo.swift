// Devices as drivers publish them, read once: slices, their pools, and what each device has.
import CEL
import JSON
import KubeTypes
import Synchronization

/// Which device of all.
struct DeviceID: Sendable, Hashable, CustomStringConvertible {
    let driver: String
    let pool: String
    let name: String
    var description: String { "\(driver)/\(pool)/\(name)" }
}

/// A driver's devices are published in pools, each of several slices.
struct PoolID: Sendable, Hashable, Comparable, CustomStringConvertible {
    let driver: String
    let name: String
    var description: String { "\(driver)/\(name)" }

    static func < (left: PoolID, right: PoolID) -> Bool { (left.driver, left.name) < (right.driver, right.name) }
}

/// The nodes that can have a device.
enum DeviceScope: Sendable {
    case everywhere
    case node(String)
    case nodes(NodeRequirement, JSONObject)
    /// Each device says for itself.
    case perDevice
    /// None, or said in a way that is not known here.
    case nowhere

    init(_ json: JSONObject) {
        let name = json[string: "nodeName"]
        if !name.isEmpty {
            self = .node(name)
        } else if json[flag: "allNodes"] {
            self = .everywhere
        } else if let selector = json["nodeSelector"]?.objectValue {
            self = .nodes(
                NodeRequirement(nodeSelector: [:], required: NodeSelector(.object(selector))), selector)
        } else {
            self = json[flag: "perDeviceNodeSelection"] ? .perDevice : .nowhere
        }
    }

    func contains(_ node: AllocationNode) -> Bool {
        switch self {
        case .everywhere: true
        case .node(let name): name == node.name
        case .nodes(let requirement, _): requirement.matches(name: node.name, labels: node.labels)
        case .perDevice, .nowhere: false
        }
    }
}

/// The node that devices are sought for.
struct AllocationNode: Sendable {
    let name: String
    let labels: [String: String]
}

/// So much of a counter that several devices share, by set and counter, in billionths.
typealias Counters = [String: [String: Int128]]

/// What a device has of something, and how requests for a part of it are rounded (KEP-5075).
struct DeviceCapacity: Sendable {
    let value: Quantity
    let preset: Quantity?
    let minimum: Quantity?
    let maximum: Quantity?
    let step: Quantity?
    let hasRange: Bool
    let values: [Quantity]
    private let hasPolicy: Bool

    init(_ json: JSONValue) {
        value = json["value"].flatMap(Quantity.init(field:)) ?? Quantity(0)
        let policy = json["requestPolicy"]
        let range = policy?["validRange"]
        hasPolicy = policy?.objectValue != nil
        hasRange = range?.objectValue != nil
        preset = policy?["default"].flatMap(Quantity.init(field:))
        minimum = range?["min"].flatMap(Quantity.init(field:))
        maximum = range?["max"].flatMap(Quantity.init(field:))
        step = range?["step"].flatMap(Quantity.init(field:))
        values = (policy?["validValues"]?.arrayValue ?? []).compactMap(Quantity.init(field:))
    }

    /// What a request takes up; without one, the default, or all.
    func consumed(by request: Quantity?) -> Quantity {
        guard let request else { return preset ?? value }
        if let minimum {
            if request < minimum { return minimum }
            guard let step, step.value > 0 else { return request }
            let above = request.value - minimum.value
            let steps = above / step.value + (above % step.value == 0 ? 0 : 1)
            return Quantity(minimum.value + step.value * steps, format: .binary)
        }
        return values.first { request <= $0 } ?? request
    }

    /// Whether the policy lets nobody take that much.
    func forbids(_ amount: Quantity) -> Bool {
        guard hasPolicy, amount != preset else { return false }
        if hasRange {
            if let maximum, amount > maximum { return true }
            if let step, step.value > 0, (amount.value - (minimum?.value ?? 0)) % step.value != 0 { return true }
            return false
        }
        return !values.isEmpty && !values.contains(amount)
    }
}

struct DeviceTaint: Sendable, Hashable {
    let key: String
    let value: String
    let effect: String

    /// Whether it keeps away those who do not tolerate it; other effects only inform.
    var isHard: Bool { effect == "NoSchedule" || effect == "NoExecute" }
}

final class DeviceInfo: Sendable {
    let id: DeviceID
    let attributes: [String: DeviceValue.Attribute]
    /// Of an attribute that selectors cannot read, its name.
    let unreadable: String?
    let capacity: [String: DeviceCapacity]
    let scope: DeviceScope
    let bindsToNode: Bool
    let taints: [DeviceTaint]
    let consumes: Counters
    let allowsMultipleAllocations: Bool
    let bindingConditions: [String]
    let bindingFailureConditions: [String]

    enum Match: Sendable, Equatable {
        case yes, no
        case failed(String)
    }

    /// What selectors said of it, by their text: a device never changes, its slice is replaced.
    private let matches = Mutex<[String: Match]>([:])
    private static let matchLimit = 64

    init(_ json: JSONObject, pool: PoolID) {
        id = DeviceID(driver: pool.driver, pool: pool.name, name: json[string: "name"])
        var attributes: [String: DeviceValue.Attribute] = [:]
        var unreadable: String?
        for (name, value) in json[object: "attributes"] {
            if let int = value["int"]?.integerValue {
                attributes[name] = .int(int)
            } else if let bool = value["bool"]?.boolValue {
                attributes[name] = .bool(bool)
            } else if let text = value["string"]?.stringValue {
                attributes[name] = .string(text)
            } else if let text = value["version"]?.stringValue {
                attributes[name] = .version(text)
            } else {
                unreadable = name
            }
        }
        self.attributes = attributes
        self.unreadable = unreadable
        capacity = Dictionary(json[object: "capacity"].map { ($0.key, DeviceCapacity($0.value)) }) { $1 }
        scope = DeviceScope(json)
        bindsToNode = json[flag: "bindsToNode"]
        taints = json[array: "taints"].map {
            DeviceTaint(
                key: $0["key"]?.stringValue ?? "", value: $0["value"]?.stringValue ?? "",
                effect: $0["effect"]?.stringValue ?? "")
        }
        var consumes: Counters = [:]
        for entry in json[array: "consumesCounters"] {
            guard let entry = entry.objectValue else { continue }
            consumes[entry[string: "counterSet"], default: [:]].merge(
                Self.amounts(entry[object: "counters"])
            ) { $0 + $1 }
        }
        self.consumes = consumes
        allowsMultipleAllocations = json[flag: "allowMultipleAllocations"]
        bindingConditions = json[strings: "bindingConditions"]
        bindingFailureConditions = json[strings: "bindingFailureConditions"]
    }

    static func amounts(_ counters: JSONObject) -> [String: Int128] {
        Dictionary(
            counters.compactMap { entry in
                entry.value["value"].flatMap(Quantity.init(field:)).map { (entry.key, $0.nanos) }
            }
        ) { $1 }
    }

    /// An attribute by its full name; those without a domain are in the driver's.
    func attribute(_ name: String) -> DeviceValue.Attribute? {
        if let attribute = attributes[name] { return attribute }
        guard name.hasPrefix(id.driver + "/") else { return nil }
        return attributes[String(name.dropFirst(id.driver.count + 1))]
    }

    /// Whether a selector means the device.
    func match(_ selector: DeviceSelector, text: String) -> Match {
        if let known = matches.withLock({ $0[text] }) { return known }
        let match = evaluate(selector)
        matches.withLock { matches in
            if matches.count >= Self.matchLimit { matches = [:] }
            matches[text] = match
        }
        return match
    }

    private func evaluate(_ selector: DeviceSelector) -> Match {
        if let unreadable { return .failed("attribute \(unreadable): unsupported attribute value") }
        do throws(CELError) {
            let value = try DeviceValue(
                driver: id.driver, allowsMultipleAllocations: allowsMultipleAllocations, attributes: attributes,
                capacity: capacity.mapValues(\.value))
            return try selector.matches(value) ? .yes : .no
        } catch {
            return .failed(error.message)
        }
    }
}

/// A part of a pool.
final class SliceInfo: Sendable {
    let name: String
    let pool: PoolID
    /// Only the slices of the highest count.
    let generation: Int64
    /// How many slices the pool has in this generation.
    let sliceCount: Int64
    let scope: DeviceScope
    let devices: [DeviceInfo]
    /// What devices of the pool share; a slice has these or devices.
    let counters: Counters
    let namesCounterTwice: Bool

    init(_ slice: ResourceSlice) {
        name = slice.name
        let spec = slice.json["spec"]?.objectValue ?? JSONObject()
        let pool = spec[object: "pool"]
        let id = PoolID(driver: spec[string: "driver"], name: pool[string: "name"])
        self.pool = id
        generation = pool[integer: "generation"]
        sliceCount = pool[integer: "resourceSliceCount"]
        scope = DeviceScope(spec)
        devices = spec[array: "devices"].compactMap { $0.objectValue.map { DeviceInfo($0, pool: id) } }
        var counters: Counters = [:]
        let sets = spec[array: "sharedCounters"].compactMap(\.objectValue)
        for set in sets { counters[set[string: "name"]] = DeviceInfo.amounts(set[object: "counters"]) }
        self.counters = counters
        namesCounterTwice = counters.count < sets.count
    }

    /// Whether a node can have one of the devices, or needs to know the counters.
    func isRelevant(to node: AllocationNode) -> Bool {
        if !counters.isEmpty { return true }
        if case .perDevice = scope { return devices.contains { $0.scope.contains(node) } }
        return scope.contains(node)
    }
}
