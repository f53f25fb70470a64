// A node agent's configuration file: `KubeletConfiguration` of kubelet.config.k8s.io/v1beta1.

import JSON
import KubeTypes

/// What of such a file this agent can be told. A field that it does not know is an error, so that nobody relies on what
/// is not done.
public struct KubeletConfiguration: Sendable {
    /// What is wrong with a file, naming the field.
    public struct Problem: Error, Hashable, CustomStringConvertible {
        public let description: String

        init(_ description: String) { self.description = description }
    }

    private var settings: [@Sendable (inout KubeletOptions) -> Void] = []

    /// - Parameter text: YAML or JSON.
    public init(parsing text: String) throws(Problem) {
        let json: JSONValue
        do { json = try YAML.parseOne(Array(text.utf8)) } catch { throw Problem("\(error)") }
        guard let fields = json.objectValue, json["kind"]?.stringValue == "KubeletConfiguration",
            json["apiVersion"]?.stringValue == "kubelet.config.k8s.io/v1beta1"
        else { throw Problem("it is no KubeletConfiguration of kubelet.config.k8s.io/v1beta1") }
        var eviction = EvictionPolicy()
        for (name, value) in fields where name != "kind" && name != "apiVersion" {
            switch name {
            case "evictionHard":
                // As upstream: whoever names one threshold names all.
                eviction.hard = try Self.thresholds(name, value)
            case "evictionSoft": eviction.soft = try Self.thresholds(name, value)
            case "evictionSoftGracePeriod":
                eviction.softGrace = try Self.bySignal(name, value) { text throws(Problem) in
                    try Self.seconds(name, .string(text))
                }
            case "evictionMaxPodGracePeriod": eviction.maxPodGrace = try Self.number(name, value)
            case "evictionPressureTransitionPeriod": eviction.transition = try Self.seconds(name, value)
            default: settings.append(try Self.setting(name, value))
            }
        }
        for signal in eviction.soft.keys where eviction.softGrace[signal] == nil {
            throw Problem("evictionSoftGracePeriod: it names no time for \(signal.rawValue)")
        }
        settings.append { [eviction] in $0.eviction = eviction }
    }

    public func apply(to options: inout KubeletOptions) {
        for setting in settings { setting(&options) }
    }

    private static func setting(
        _ name: String, _ value: JSONValue
    ) throws(Problem) -> @Sendable (inout KubeletOptions) -> Void {
        switch name {
        case "maxPods":
            let count = try number(name, value)
            return { $0.maxPods = count }
        case "podPidsLimit":
            guard let limit = value.intValue, limit == -1 || limit > 0 else {
                throw Problem("\(name): it is -1 or a number above 0")
            }
            return { $0.podPidsLimit = limit == -1 ? nil : Int64(limit) }
        case "allowedUnsafeSysctls":
            let patterns = (value.arrayValue ?? []).compactMap(\.stringValue)
            guard patterns.count == value.arrayValue?.count else { throw Problem("\(name): it is a list of names") }
            return { $0.allowedUnsafeSysctls = patterns }
        case "staticPodPath":
            guard let path = value.stringValue, path.hasPrefix("/") else {
                throw Problem("\(name): it is the path of a directory")
            }
            return { $0.staticPodPath = path }
        case "enableSystemLogHandler":
            guard let isOn = value.boolValue else { throw Problem("\(name): it is true or false") }
            return { $0.servesLogFiles = isOn }
        case "containerLogMaxSize":
            guard let size = value.stringValue.flatMap({ Quantity($0) })?.value, size > 0 else {
                throw Problem("\(name): it is a quantity above 0")
            }
            return { $0.logMaxSize = size }
        case "containerLogMaxFiles":
            let count = try number(name, value)
            guard count > 1 else { throw Problem("\(name): it is 2 or more") }
            return { $0.logMaxFiles = count }
        case "imageGCHighThresholdPercent":
            let percent = try percent(name, value)
            return { $0.imageGCHigh = percent }
        case "imageGCLowThresholdPercent":
            let percent = try percent(name, value)
            return { $0.imageGCLow = percent }
        case "imageMinimumGCAge":
            let age = try seconds(name, value)
            return { $0.imageMinimumAge = age }
        default: throw Problem("the field \(name) is not supported")
        }
    }

    // MARK: Values

    private static func number(_ name: String, _ value: JSONValue) throws(Problem) -> Int {
        guard let number = value.intValue, (0...1_000_000).contains(number) else {
            throw Problem("\(name): it is a number from 0 to 1,000,000")
        }
        return Int(number)
    }

    /// As a part of 1.
    private static func percent(_ name: String, _ value: JSONValue) throws(Problem) -> Double {
        guard let number = value.intValue, (0...100).contains(number) else {
            throw Problem("\(name): it is a number from 0 to 100")
        }
        return Double(number) / 100
    }

    private static func seconds(_ name: String, _ value: JSONValue) throws(Problem) -> Double {
        guard let nanoseconds = value.stringValue.flatMap({ GoDuration.nanoseconds($0) }), nanoseconds >= 0 else {
            throw Problem("\(name): it is a duration like 1m30s")
        }
        return Double(nanoseconds) / 1e9
    }

    private static func thresholds(
        _ name: String, _ value: JSONValue
    ) throws(Problem) -> [EvictionSignal: EvictionThreshold] {
        try bySignal(name, value) { text throws(Problem) in
            guard let threshold = EvictionThreshold(text) else {
                throw Problem("\(name): \(text) is neither a quantity nor a percentage")
            }
            return threshold
        }
    }

    private static func bySignal<Value>(
        _ name: String, _ value: JSONValue, _ read: (String) throws(Problem) -> Value
    ) throws(Problem) -> [EvictionSignal: Value] {
        guard let fields = value.objectValue else { throw Problem("\(name): it is a map from signals") }
        var result: [EvictionSignal: Value] = [:]
        for (key, value) in fields {
            guard let signal = EvictionSignal(rawValue: key) else { throw Problem("\(name): \(key) is no signal") }
            guard let text = value.stringValue else { throw Problem("\(name): the value of \(key) is no text") }
            result[signal] = try read(text)
        }
        return result
    }
}
