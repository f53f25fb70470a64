// What the node has made ready of claims for devices, and for which pods, in a form that outlives the agent.

import CRI
import JSON
import KubeTypes

struct ClaimLedger: Sendable, Equatable {
    struct Entry: Sendable, Equatable {
        let uid: String
        var pods: Set<String> = []
        /// By driver; none as long as a driver has not answered.
        var devices: [String: [PreparedDevice]]
        var isPrepared = false

        /// Names of the Container Device Interface for one of the claim's requests, or for all if it is empty.
        func cdiDevices(for request: String) -> [String] {
            devices.sorted { $0.key < $1.key }.flatMap(\.value).filter {
                request.isEmpty || $0.requests.isEmpty || $0.requests.contains(request)
            }.flatMap(\.cdiDevices)
        }
    }

    var entries: [ObjectKey: Entry] = [:]

    /// The claims of a pod.
    func keys(of pod: String) -> [ObjectKey] { entries.filter { $0.value.pods.contains(pod) }.keys.sorted() }
    /// The pods of all claims.
    var pods: Set<String> { Set(entries.values.flatMap(\.pods)) }

    // MARK: On disk

    var json: JSONValue {
        let claims = entries.sorted { $0.key < $1.key }.map { key, entry -> JSONValue in
            [
                "namespace": .string(key.namespace), "name": .string(key.name), "uid": .string(entry.uid),
                "pods": .array(entry.pods.sorted().map(JSONValue.string)), "prepared": .bool(entry.isPrepared),
                "drivers": .array(
                    entry.devices.sorted { $0.key < $1.key }.map { driver, devices in
                        ["name": .string(driver), "devices": .array(devices.map(Self.json))]
                    }),
            ]
        }
        return ["version": 1, "claims": .array(claims)]
    }

    private static func json(_ device: PreparedDevice) -> JSONValue {
        func list(_ names: [String]) -> JSONValue { .array(names.map(JSONValue.string)) }
        return [
            "requests": list(device.requests), "pool": .string(device.pool), "name": .string(device.name),
            "cdi": list(device.cdiDevices),
        ]
    }

    init() {}

    /// Nil for what is no ledger.
    init?(_ json: JSONValue) {
        guard json["version"]?.intValue == 1, let claims = json["claims"]?.arrayValue else { return nil }
        for claim in claims.compactMap(\.objectValue) {
            var devices: [String: [PreparedDevice]] = [:]
            for driver in claim[array: "drivers"].compactMap(\.objectValue) {
                devices[driver[string: "name"]] = driver[array: "devices"].compactMap(\.objectValue).map {
                    PreparedDevice(
                        requests: $0[strings: "requests"], pool: $0[string: "pool"], name: $0[string: "name"],
                        cdiDevices: $0[strings: "cdi"])
                }
            }
            entries[ObjectKey(namespace: claim[string: "namespace"], name: claim[string: "name"])] = Entry(
                uid: claim[string: "uid"], pods: Set(claim[strings: "pods"]), devices: devices,
                isPrepared: claim[flag: "prepared"])
        }
    }
}
