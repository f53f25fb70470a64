// Amounts of resources: what a pod asks for, and what a node has.
import KubeTypes

/// Amounts of what a pod asks for or a node has.
struct Resources: Sendable, Equatable {
    var milliCPU: Int64 = 0
    /// Bytes.
    var memory: Int64 = 0
    /// Bytes.
    var ephemeralStorage: Int64 = 0
    /// Extended resources and huge pages, by name.
    var scalars: [String: Int64] = [:]

    var isEmpty: Bool { milliCPU == 0 && memory == 0 && ephemeralStorage == 0 && scalars.isEmpty }

    /// Reads amounts; `pods` is not among them.
    init(_ quantities: [String: Quantity] = [:]) {
        for (name, quantity) in quantities {
            switch name {
            case "cpu": milliCPU = quantity.milliValue
            case "memory": memory = quantity.value
            case "ephemeral-storage": ephemeralStorage = quantity.value
            case "pods": break
            default: if name.contains("/") || name.hasPrefix("hugepages-") { scalars[name] = quantity.value }
            }
        }
    }

    mutating func add(_ other: Resources) {
        milliCPU &+= other.milliCPU
        memory &+= other.memory
        ephemeralStorage &+= other.ephemeralStorage
        for (name, value) in other.scalars { scalars[name, default: 0] &+= value }
    }

    mutating func subtract(_ other: Resources) {
        milliCPU &-= other.milliCPU
        memory &-= other.memory
        ephemeralStorage &-= other.ephemeralStorage
        for (name, value) in other.scalars { scalars[name, default: 0] &-= value }
    }

    mutating func takeMaximum(_ other: Resources) {
        milliCPU = max(milliCPU, other.milliCPU)
        memory = max(memory, other.memory)
        ephemeralStorage = max(ephemeralStorage, other.ephemeralStorage)
        for (name, value) in other.scalars { scalars[name] = max(scalars[name] ?? 0, value) }
    }
}

/// What a pod asks for in all, as `component-helpers/resource` adds it up.
enum PodRequests {
    private static let defaultMilliCPU: Int64 = 100
    private static let defaultMemory: Int64 = 200 * 1024 * 1024

    static func compute(
        _ spec: PodSpec, containers: [Container], initContainers: [Container]
    ) -> (Resources, nonZero: (milliCPU: Int64, memory: Int64)) {
        let plain = total(spec, containers, initContainers, nonMissing: false)
        let padded = total(spec, containers, initContainers, nonMissing: true)
        return (plain, (padded.milliCPU, padded.memory))
    }

    private static func total(
        _ spec: PodSpec, _ containers: [Container], _ initContainers: [Container], nonMissing: Bool
    ) -> Resources {
        func requests(_ container: Container) -> Resources {
            let quantities = container.resources?.requests ?? [:]
            var resources = Resources(quantities)
            if nonMissing {
                if quantities["cpu"] == nil { resources.milliCPU = defaultMilliCPU }
                if quantities["memory"] == nil { resources.memory = defaultMemory }
            }
            return resources
        }
        var sum = Resources()
        for container in containers { sum.add(requests(container)) }
        // Init containers run one after the other, each beside the sidecars that were started before it.
        var sidecars = Resources()
        var peak = Resources()
        for container in initContainers {
            var own = requests(container)
            if container.isSidecar {
                sum.add(own)
                sidecars.add(own)
                own = sidecars
            } else {
                own.add(sidecars)
            }
            peak.takeMaximum(own)
        }
        sum.takeMaximum(peak)
        // Requests of the pod as a whole (KEP-2837) stand in place of the sum.
        if let whole = spec.resources?.requests, !whole.isEmpty {
            let resources = Resources(whole)
            if whole["cpu"] != nil { sum.milliCPU = resources.milliCPU }
            if whole["memory"] != nil { sum.memory = resources.memory }
            for (name, value) in resources.scalars where name.hasPrefix("hugepages-") { sum.scalars[name] = value }
        }
        sum.add(Resources(spec.overhead))
        return sum
    }
}

extension Resources {
    func amount(of name: String) -> Int64 {
        switch name {
        case "cpu": milliCPU
        case "memory": memory
        case "ephemeral-storage": ephemeralStorage
        default: scalars[name] ?? 0
        }
    }

    /// Whether an empty node with these allocatable resources could take the request.
    func fits(into allocatable: Resources) -> Bool {
        (milliCPU == 0 || milliCPU <= allocatable.milliCPU) && (memory == 0 || memory <= allocatable.memory)
            && (ephemeralStorage == 0 || ephemeralStorage <= allocatable.ephemeralStorage)
            && scalars.allSatisfy { $0.value == 0 || $0.value <= allocatable.scalars[$0.key] ?? 0 }
    }
}
