import JSON

/// Amounts by the names of resources: `requests`, `limits`, `hard`, `used`.
public typealias ResourceAmounts = [String: Quantity]

extension ResourceAmounts {
    /// Reads a map of quantities; what is no quantity is left out.
    public init(resources json: JSONValue?) {
        self.init()
        for (name, value) in json?.objectValue ?? [:] {
            if let quantity = Quantity(field: value) { self[name] = quantity }
        }
    }

    /// The map as the API writes it: canonical quantities, ordered by name.
    public var resourcesJSON: JSONValue {
        .object(
            JSONObject(sorted { $0.key < $1.key }.lazy.map { (key: $0.key, value: .string($0.value.canonical)) }))
    }

    /// `cpu=500m,memory=1Gi`, as messages about quota show amounts.
    public var listing: String {
        sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value.canonical)" }.joined(separator: ",")
    }

    public static func + (left: ResourceAmounts, right: ResourceAmounts) -> ResourceAmounts {
        left.merging(right) { $0 + $1 }
    }

    /// Only the resources named.
    public func masked(by names: some Sequence<String>) -> ResourceAmounts {
        let names = Set(names)
        return filter { names.contains($0.key) }
    }

    /// The larger of both for every resource.
    public func maximum(_ other: ResourceAmounts) -> ResourceAmounts { merging(other) { $0 < $1 ? $1 : $0 } }
}

/// What a pod needs all together (KEP-753, KEP-2837): containers that run side by side added up, or an init container
/// with the sidecars started before it, whichever is more; resources of the pod itself in place of those.
public enum PodResources {
    public enum List: String, Sendable { case requests, limits }

    /// - Parameter overhead: whether what the runtime class costs is added, to limits only where there are any.
    public static func total(_ list: List, of spec: JSONValue?, overhead: Bool) -> ResourceAmounts {
        var running: ResourceAmounts = [:]
        for container in spec?["containers"]?.arrayValue ?? [] { running = running + amounts(list, container) }
        var sidecars: ResourceAmounts = [:]
        var starting: ResourceAmounts = [:]
        for container in spec?["initContainers"]?.arrayValue ?? [] {
            var needed = amounts(list, container)
            if container["restartPolicy"]?.stringValue == "Always" {
                running = running + needed
                sidecars = sidecars + needed
                needed = sidecars
            } else {
                needed = needed + sidecars
            }
            starting = starting.maximum(needed)
        }
        var total = running.maximum(starting)
        for (name, amount) in ResourceAmounts(resources: spec?[path: "resources", list.rawValue])
        where name == "cpu" || name == "memory" || name.hasPrefix("hugepages-") {
            total[name] = amount
        }
        guard overhead else { return total }
        for (name, amount) in ResourceAmounts(resources: spec?["overhead"])
        where list == .requests || total[name] != nil {
            total[name] = (total[name] ?? Quantity(0)) + amount
        }
        return total
    }

    private static func amounts(_ list: List, _ container: JSONValue) -> ResourceAmounts {
        ResourceAmounts(resources: container[path: "resources", list.rawValue])
    }
}
