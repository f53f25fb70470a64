// What a search for devices comes to: the AllocationResult for a claim's status, or why there is none.
import JSON
import KubeTypes

/// Why no devices could be sought at all.
struct DeviceAllocationError: Error, Sendable, Hashable {
    enum Reach: Sendable, Hashable {
        /// Other nodes may do.
        case node
        /// The claim or its class is wrong: no node will do.
        case everywhere
        /// The search took too long.
        case overdue
    }

    let reach: Reach
    let message: String
}

enum DeviceAllocationResult {
    typealias Choice = (
        device: DeviceInfo, slice: SliceInfo, request: DeviceRequest, share: String, consumed: [String: Quantity]
    )

    /// - Parameters:
    ///   - devices: In the order in which they were chosen.
    ///   - classes: For each request, in order, the alternative that was taken and its class.
    static func json(
        _ claim: DeviceClaimInfo, node: String, devices: [Choice],
        classes: [(request: DeviceRequest, deviceClass: DeviceClassInfo)]
    ) -> JSONObject {
        var allocation: JSONObject = ["results": .array(devices.map { .object(result($0)) })]
        let config = configuration(claim, classes)
        if !config.isEmpty { allocation["config"] = .array(config) }
        var json: JSONObject = ["devices": .object(allocation)]
        if let selector = nodeSelector(devices, node: node) { json["nodeSelector"] = selector }
        return json
    }

    private static func result(_ choice: Choice) -> JSONObject {
        let id = choice.device.id
        var result: JSONObject = [
            "request": .string(choice.request.name), "driver": .string(id.driver), "pool": .string(id.pool),
            "device": .string(id.name),
        ]
        if choice.request.hasAdminAccess { result["adminAccess"] = true }
        for field in choice.request.repeated { result[field.key] = field.value }
        func set(_ key: String, _ names: [String]) {
            if !names.isEmpty { result[key] = .array(names.map(JSONValue.string)) }
        }
        set("bindingConditions", choice.device.bindingConditions)
        set("bindingFailureConditions", choice.device.bindingFailureConditions)
        if !choice.share.isEmpty { result["shareID"] = .string(choice.share) }
        if !choice.consumed.isEmpty {
            result["consumedCapacity"] =
                choice.consumed.mapValues { Quantity(nanos: $0.nanos, format: $0.format) }.field
        }
        return result
    }

    /// What the classes' administrators and the claim's user say to the drivers, a class's once for all its requests.
    private static func configuration(
        _ claim: DeviceClaimInfo, _ classes: [(request: DeviceRequest, deviceClass: DeviceClassInfo)]
    ) -> [JSONValue] {
        func entry(_ source: String, _ config: JSONObject, _ requests: [String]) -> JSONValue {
            var entry: JSONObject = ["source": .string(source)]
            if !requests.isEmpty { entry["requests"] = .array(requests.map(JSONValue.string)) }
            if let opaque = config["opaque"] { entry["opaque"] = opaque }
            return .object(entry)
        }
        var all: [JSONValue] = []
        var seen: Set<String> = []
        for (_, deviceClass) in classes where seen.insert(deviceClass.name).inserted {
            let requests = classes.filter { $0.deviceClass.name == deviceClass.name }.map(\.request.name)
            all += deviceClass.config.map { entry("FromClass", $0, requests) }
        }
        for config in claim.config {
            let requests = config[strings: "requests"]
            if requests.isEmpty {
                all.append(entry("FromClaim", config, []))
                continue
            }
            for (request, _) in classes where requests.contains(request.base) || requests.contains(request.name) {
                all.append(entry("FromClaim", config, requests))
            }
        }
        return all
    }

    /// Where all the devices can be had together; nil for everywhere.
    private static func nodeSelector(_ devices: [Choice], node: String) -> JSONValue? {
        var fields: [JSONValue] = []
        var expressions: [JSONValue] = []
        func add(_ key: String, of term: JSONObject, to all: inout [JSONValue]) {
            for requirement in term[array: key] where !all.contains(requirement) { all.append(requirement) }
        }
        for choice in devices {
            var scope = choice.slice.scope
            if case .perDevice = scope { scope = choice.device.scope }
            if choice.device.bindsToNode { scope = .node(node) }
            switch scope {
            case .node:
                return [
                    "nodeSelectorTerms": [
                        [
                            "matchFields": [
                                ["key": "metadata.name", "operator": "In", "values": [.string(node)]]
                            ]
                        ]
                    ]
                ]
            case .nodes(_, let selector):
                guard let term = selector[array: "nodeSelectorTerms"].first?.objectValue else { continue }
                add("matchFields", of: term, to: &fields)
                add("matchExpressions", of: term, to: &expressions)
            case .everywhere, .perDevice, .nowhere: continue
            }
        }
        var term: JSONObject = [:]
        if !fields.isEmpty { term["matchFields"] = .array(fields) }
        if !expressions.isEmpty { term["matchExpressions"] = .array(expressions) }
        return term.isEmpty ? Optional<JSONValue>.none : .some(["nodeSelectorTerms": [.object(term)]])
    }
}
