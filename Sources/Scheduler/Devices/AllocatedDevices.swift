// Which devices claims have, and how much of those that several can have.
import KubeTypes

struct AllocatedDevices: Sendable {
    /// How many claims have a device to themselves: one, unless somebody wrote nonsense.
    private var owners: [DeviceID: Int] = [:]
    /// How many have a part of a device.
    private var shares: [DeviceID: Int] = [:]
    /// How much of its capacity, by name, in billionths.
    private var consumed: [DeviceID: [String: Int128]] = [:]

    mutating func add(_ allocation: DeviceAllocation) { count(allocation, 1) }
    mutating func remove(_ allocation: DeviceAllocation) { count(allocation, -1) }

    private mutating func count(_ allocation: DeviceAllocation, _ sign: Int) {
        for device in allocation.devices where !device.hasAdminAccess {
            if device.share.isEmpty {
                Self.add(sign, to: &owners[device.id])
                continue
            }
            Self.add(sign, to: &shares[device.id])
            guard shares[device.id] != nil else {
                consumed[device.id] = nil
                continue
            }
            for (name, amount) in device.consumed {
                consumed[device.id, default: [:]][name, default: 0] += Int128(sign) * amount.nanos
            }
        }
    }

    private static func add(_ sign: Int, to count: inout Int?) {
        let sum = (count ?? 0) + sign
        count = sum > 0 ? sum : nil
    }

    func isTaken(_ id: DeviceID) -> Bool { owners[id] != nil }
    func isShared(_ id: DeviceID) -> Bool { shares[id] != nil }
    /// Whether its counters are used up.
    func isInUse(_ id: DeviceID) -> Bool { isTaken(id) || isShared(id) }
    func consumed(of id: DeviceID, _ name: String) -> Int128 { consumed[id]?[name] ?? 0 }
}
