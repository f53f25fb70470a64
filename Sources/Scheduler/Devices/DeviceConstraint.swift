// What a claim demands of its devices together: the same value of an attribute, or different ones.
import CEL

/// A claim's condition on its devices together, and those that it holds for already.
struct ConstraintState {
    let constraint: DeviceClaimInfo.Constraint
    private var values: [DeviceValue.Attribute] = []

    init(constraint: DeviceClaimInfo.Constraint) { self.constraint = constraint }

    private func concerns(_ request: DeviceRequest) -> Bool {
        constraint.requests.isEmpty || constraint.requests.contains(request.name)
            || constraint.requests.contains(request.base)
    }

    /// False: the device does not go with the others.
    mutating func add(_ device: DeviceInfo, _ request: DeviceRequest) -> Bool {
        guard concerns(request) else { return true }
        guard let value = device.attribute(constraint.attribute) else { return false }
        if constraint.isDistinct {
            if values.contains(value) { return false }
        } else if let first = values.first, first != value {
            return false
        }
        values.append(value)
        return true
    }

    /// Takes back what was added last.
    mutating func remove(_ device: DeviceInfo, _ request: DeviceRequest) {
        if concerns(request) { values.removeLast() }
    }
}
