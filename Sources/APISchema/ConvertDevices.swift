import JSON

/// Claims and slices of resource.k8s.io/v1beta1, where a request had no `exactly` and a device had a `basic` around what
/// it is.
enum DeviceConversion {
    /// Fields of a request that v1 has one level deeper.
    private static let exactFields = [
        "deviceClassName", "selectors", "allocationMode", "count", "adminAccess", "tolerations", "capacity",
    ]

    static func toStorage(_ object: inout JSONObject, _ kind: String) {
        convert(&object, kind, request: requestToStorage, device: deviceToStorage)
    }

    static func fromStorage(_ object: inout JSONObject, _ kind: String) {
        convert(&object, kind, request: requestFromStorage, device: deviceFromStorage)
    }

    private static func convert(
        _ object: inout JSONObject, _ kind: String, request: (inout JSONObject) -> Void,
        device: (inout JSONObject) -> Void
    ) {
        func claim(_ claim: inout JSONObject) {
            claim.change("spec") { spec in
                spec.change("devices") { devices in devices.changeEach("requests", request) }
            }
        }
        switch kind {
        case "ResourceClaim": claim(&object)
        case "ResourceClaimTemplate": object.change("spec", claim)
        case "ResourceSlice": object.change("spec") { spec in spec.changeEach("devices", device) }
        default: break
        }
    }

    private static func requestToStorage(_ request: inout JSONObject) {
        var exactly = JSONObject()
        for field in exactFields {
            guard let value = request.removeValue(forKey: field) else { continue }
            // Clients of typed languages write a class's name also where alternatives name theirs.
            switch value {
            case .string(""), .integer(0), .null: continue
            default: exactly[field] = value
            }
        }
        if !exactly.isEmpty { request["exactly"] = .object(exactly) }
    }

    private static func requestFromStorage(_ request: inout JSONObject) {
        guard let exactly = request.removeValue(forKey: "exactly")?.objectValue else { return }
        for (field, value) in exactly { request[field] = value }
    }

    private static func deviceToStorage(_ device: inout JSONObject) {
        guard let basic = device.removeValue(forKey: "basic")?.objectValue else { return }
        for (field, value) in basic { device[field] = value }
    }

    private static func deviceFromStorage(_ device: inout JSONObject) {
        let name = device.removeValue(forKey: "name")
        let basic = device
        device = [:]
        device["name"] = name
        device["basic"] = .object(basic)
    }
}
