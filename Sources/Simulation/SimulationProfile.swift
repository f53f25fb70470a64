import JSON
import KubeTypes

/// What is wrong with a profile or a stage, in one line.
public struct SimulationError: Error, Sendable, CustomStringConvertible {
    public let description: String
    init(_ description: String) { self.description = description }
}

/// How simulated nodes and their pods behave.
public struct SimulationProfile: Sendable, Hashable {
    /// Some time between two bounds, in seconds.
    public struct Span: Sendable, Hashable {
        public var least: Double
        public var most: Double

        public init(_ least: Double, _ most: Double? = nil) {
            self.least = least
            self.most = most ?? least
        }

        func draw(_ random: inout some RandomNumberGenerator) -> Double {
            most > least ? .random(in: least...most, using: &random) : least
        }
    }

    // What a node has.
    public var capacity: [String: String] = [
        "cpu": "32", "memory": "256Gi", "ephemeral-storage": "1Ti", "pods": "110",
    ]
    public var labels: [String: String] = [:]
    public var taints: [JSONValue] = []
    /// Nodes take turns over so many zones; 0: no zones.
    public var zones = 0

    /// From a pod's binding to its containers' running.
    public var start = Span(0)
    /// From there to its end, for pods that are not restarted whatever happens; nil: they run until deleted.
    public var run: Span? = Span(0)
    /// From a pod's deletion to its end; never longer than its grace period.
    public var terminate = Span(0)
    /// How many of the pods that end fail, 0 to 1.
    public var failing = 0.0
    /// Seconds between a container's crashes, on average, for pods that are restarted; 0: it never does.
    public var meanTimeToCrash = 0.0

    /// Seconds between two renewals of a node's lease; 0: by the number of nodes.
    public var leaseInterval = 0.0
    /// Seconds that a node stays up on average; 0: it never fails.
    public var meanUptime = 0.0
    /// How long a node that failed is away.
    public var downtime = Span(60)

    public init() {}

    /// A profile from YAML: fields named as here; times in seconds, one number or two as `[least, most]`.
    /// - Throws: with the field that is wrong.
    public init(yaml: String) throws(SimulationError) {
        let document: JSONValue
        do throws(YAMLError) {
            document = try YAML.parseOne(Array(yaml.utf8), limits: .init(bytes: 1 << 20, depth: 32))
        } catch {
            throw SimulationError("the profile is no YAML: \(error)")
        }
        guard let fields = document.objectValue else { throw SimulationError("the profile must be a map of fields") }
        for (name, value) in fields {
            switch name {
            case "capacity": capacity.merge(try Self.strings(name, value)) { $1 }
            case "labels": labels = try Self.strings(name, value)
            case "taints":
                guard let list = value.arrayValue else { throw SimulationError("taints: must be a list") }
                taints = list
            case "zones": zones = Int(try Self.number(name, value))
            case "start": start = try Self.span(name, value)
            case "run": run = value == .null ? nil : try Self.span(name, value)
            case "terminate": terminate = try Self.span(name, value)
            case "failing": failing = min(1, try Self.number(name, value))
            case "meanTimeToCrash": meanTimeToCrash = try Self.number(name, value)
            case "leaseInterval": leaseInterval = try Self.number(name, value)
            case "meanUptime": meanUptime = try Self.number(name, value)
            case "downtime": downtime = try Self.span(name, value)
            default: throw SimulationError("\(name): a profile has no such field")
            }
        }
        for (name, amount) in capacity where Quantity(amount) == nil {
            throw SimulationError("capacity.\(name): \"\(amount)\" is no quantity")
        }
    }

    private static func number(_ name: String, _ value: JSONValue) throws(SimulationError) -> Double {
        guard let number = value.doubleValue, number >= 0, number < 1e9 else {
            throw SimulationError("\(name): must be a number that is not negative")
        }
        return number
    }

    private static func span(_ name: String, _ value: JSONValue) throws(SimulationError) -> Span {
        guard let bounds = value.arrayValue else { return Span(try number(name, value)) }
        guard bounds.count == 2 else { throw SimulationError("\(name): must be a number or two") }
        let span = Span(try number(name, bounds[0]), try number(name, bounds[1]))
        guard span.least <= span.most else { throw SimulationError("\(name): the first number must not be the larger") }
        return span
    }

    private static func strings(_ name: String, _ value: JSONValue) throws(SimulationError) -> [String: String] {
        guard let object = value.objectValue else { throw SimulationError("\(name): must be a map") }
        var strings: [String: String] = [:]
        for (key, value) in object {
            guard let text = value.stringValue ?? value.integerValue.map({ String($0) }) else {
                throw SimulationError("\(name).\(key): must be text or a whole number")
            }
            strings[key] = text
        }
        return strings
    }

    /// Seconds between two renewals of each of so many leases: as a kubelet's as long as that is no burden.
    func renewal(of nodes: Int) -> Double {
        leaseInterval > 0 ? leaseInterval : min(25, max(10, Double(nodes) / 200))
    }
}
