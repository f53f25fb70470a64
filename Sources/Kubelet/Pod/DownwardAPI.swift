// What a pod may ask to be told about itself: fields of its metadata, and its containers' resources.

import KubeTypes

enum DownwardAPI {
    /// The fields that variables and volumes have in common.
    static func field(_ path: String, of pod: Pod) throws(ConfigError) -> String {
        if let key = subscripted(path, "metadata.annotations") { return pod.annotations[key] ?? "" }
        if let key = subscripted(path, "metadata.labels") { return pod.labels[key] ?? "" }
        switch path {
        case "metadata.name": return pod.name
        case "metadata.namespace": return pod.namespace
        case "metadata.uid": return pod.uid
        case "metadata.labels": return lines(pod.labels)
        case "metadata.annotations": return lines(pod.annotations)
        default: throw ConfigError("unsupported fieldPath: \(path)")
        }
    }

    private static func subscripted(_ path: String, _ map: String) -> String? {
        guard path.hasPrefix(map + "['"), path.hasSuffix("']") else { return nil }
        return String(path.dropFirst(map.count + 2).dropLast(2))
    }

    /// `key="value"`, one to a line, the values escaped as Go quotes strings.
    static func lines(_ map: [String: String]) -> String {
        map.sorted { $0.key < $1.key }.map { "\($0.key)=\(quoted($0.value))" }.joined(separator: "\n")
    }

    private static func quoted(_ text: String) -> String {
        var result = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": result += "\\\""
            case "\\": result += "\\\\"
            case "\n": result += "\\n"
            case "\t": result += "\\t"
            case "\r": result += "\\r"
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result + "\""
    }

    /// A container's request or limit in units of the divisor, rounded up. A limit that is not set is the node's
    /// allocatable.
    static func resource(
        _ path: String, divisor: Quantity?, of container: Container, allocatable: [String: Quantity]
    ) throws(ConfigError) -> String {
        let parts = path.split(separator: ".", maxSplits: 1).map(String.init)
        guard parts.count == 2, parts[0] == "limits" || parts[0] == "requests" else {
            throw ConfigError("unsupported container resource : \(path)")
        }
        let resource = parts[1]
        guard ["cpu", "memory", "ephemeral-storage"].contains(resource) || resource.hasPrefix(HugePages.prefix) else {
            throw ConfigError("unsupported container resource : \(path)")
        }
        var quantity: Quantity?
        if parts[0] == "limits" {
            quantity = container.resources?.limits[resource] ?? allocatable[resource]
        } else {
            quantity = container.resources?.requests[resource]
        }
        let nanos = quantity?.nanos ?? 0
        var unit = divisor?.nanos ?? 0
        if unit <= 0 { unit = 1_000_000_000 }
        let (whole, rest) = nanos.quotientAndRemainder(dividingBy: unit)
        return "\(whole + (rest > 0 ? 1 : 0))"
    }
}
