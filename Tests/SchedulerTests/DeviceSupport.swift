// Devices, classes and claims for tests of the scheduler, in few words.
import JSON
import KubeTypes
import Testing

@testable import Scheduler

let testDriver = "gpu.example.com"

/// A slice of one pool. Each device is JSON without a name: `d0`, `d1` …, or what `names` says.
func makeSlice(
    _ name: String, node: String? = nil, pool: String? = nil, generation: Int = 1, count: Int = 1,
    scope: String = #""allNodes": true"#, more: String = "", names: [String]? = nil, _ devices: String...
) -> ResourceSlice {
    makeSlice(
        name, node: node, pool: pool, generation: generation, count: count, scope: scope, more: more, names: names,
        devices: devices)
}

func makeSlice(
    _ name: String, node: String? = nil, pool: String? = nil, generation: Int = 1, count: Int = 1,
    scope: String = #""allNodes": true"#, more: String = "", names: [String]? = nil, devices: [String]
) -> ResourceSlice {
    let scope = node.map { "\"nodeName\": \"\($0)\"" } ?? scope
    let list = devices.enumerated().map { index, device in
        "{\"name\": \"\(names?[index] ?? "d\(index)")\"\(device.isEmpty ? "" : ", ")\(device)}"
    }
    return ResourceSlice(
        json(
            """
            {"metadata": {"name": "\(name)"}, "spec": {"driver": "\(testDriver)", \(scope),
             "pool": {"name": "\(pool ?? node ?? name)", "generation": \(generation), "resourceSliceCount": \(count)}
             \(devices.isEmpty ? "" : ", \"devices\": [\(list.joined(separator: ", "))]")\(more.isEmpty ? "" : ", " + more)}}
            """))
}

/// `spec` is JSON: the fields of the claim's `spec.devices`.
func makeClaim(
    _ name: String, _ spec: String, owner: String = "", status: String = "{}", revision: Int = 1
) -> DeviceClaim {
    var claim = DeviceClaim(name: name, namespace: "default")
    claim.metadata.uid = "claim-\(name)"
    claim.metadata.resourceVersion = String(revision)
    if !owner.isEmpty {
        claim.json["metadata"]?["ownerReferences"] = [
            [
                "apiVersion": "v1", "kind": "Pod", "name": .string(owner), "uid": .string("uid-\(owner)"),
                "controller": true,
            ]
        ]
    }
    claim.json["spec"] = ["devices": json("{\(spec)}")]
    claim.json["status"] = json(status)
    return claim
}

func makeClass(_ name: String, _ spec: String = "{}") -> DeviceClass {
    var result = DeviceClass(name: name)
    result.json["spec"] = json(spec)
    return result
}

/// One request of the class `gpu`; `more` are further fields of `exactly`.
func request(_ name: String = "r", _ more: String = "") -> String {
    "{\"name\": \"\(name)\", \"exactly\": {\"deviceClassName\": \"gpu\"\(more.isEmpty ? "" : ", ")\(more)}}"
}

func cel(_ text: String) -> String {
    "\"selectors\": [{\"cel\": {\"expression\": \(JSONText.quote(text))}}]"
}

enum JSONText {
    static func quote(_ text: String) -> String { JSONWriter.text(of: .string(text)) }
}

func deviceState(_ slices: [ResourceSlice], _ claims: [DeviceClaim] = [], _ classes: [DeviceClass] = [makeClass("gpu")])
    -> DeviceState
{
    var state = DeviceState()
    for slice in slices { state.slices.set(SliceInfo(slice)) }
    for claim in claims { _ = state.set(DeviceClaimInfo(claim)) }
    for each in classes { state.set(DeviceClassInfo(each)) }
    return state
}

/// What an allocation of a claim looks like in its status.
func allocated(_ devices: String..., pool: String = "pool", node: String? = nil, users: [String] = []) -> String {
    let results = devices.map {
        "{\"request\": \"r\", \"driver\": \"\(testDriver)\", \"pool\": \"\(pool)\", \"device\": \"\($0)\"}"
    }
    let selector = node.map {
        """
        , "nodeSelector": {"nodeSelectorTerms": [{"matchFields": [
            {"key": "metadata.name", "operator": "In", "values": ["\($0)"]}]}]}
        """
    }
    let consumers = users.map { "{\"resource\": \"pods\", \"name\": \"\($0)\", \"uid\": \"uid-\($0)\"}" }
    return """
        {"allocation": {"devices": {"results": [\(results.joined(separator: ", "))]}\(selector ?? "")},
         "reservedFor": [\(consumers.joined(separator: ", "))]}
        """
}

/// What the claims would get on a node: `r=d0,d1; s=d2` for each, `none`, or what is wrong.
func allocate(
    _ claims: [DeviceClaim], _ state: DeviceState, node: String = "n1", labels: [String: String] = [:]
) -> (text: String, allocations: [DeviceAllocation]) {
    let node = AllocationNode(name: node, labels: labels)
    do throws(DeviceAllocationError) {
        let found = try DeviceAllocator.allocate(
            claims.map(DeviceClaimInfo.init), on: node, from: state.slices.pools(for: node), beside: state.allocated,
            classes: state.classes, selectors: state.selectors, newShare: { "share" })
        guard let found else { return ("none", []) }
        let text = found.map { allocation in
            var requests: [String] = []
            for device in allocation.devices where !requests.contains(device.request) {
                requests.append(device.request)
            }
            return requests.map { name in
                "\(name)=\(allocation.devices.filter { $0.request == name }.map(\.id.name).joined(separator: ","))"
            }.joined(separator: " ")
        }.joined(separator: "; ")
        return (text, found)
    } catch {
        return ("\(error.reach): \(error.message)", [])
    }
}
