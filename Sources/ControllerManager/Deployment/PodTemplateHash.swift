import JSON
import KubeTypes

/// The value of the label `pod-template-hash`, which tells the ReplicaSets of a deployment apart.
///
/// Equal templates have equal hashes on every machine and in every version of Martlet: the hash is taken of canonical
/// JSON, fields in order. It need not be, and is not, the one that upstream computes from Go's memory.
enum PodTemplateHash {
    static let label = "pod-template-hash"

    /// Letters and digits that spell no words, as upstream's generated names use them.
    private static let alphabet = Array("bcdfghjklmnpqrstvwxz2456789")

    /// - Parameter collisionCount: Counts the ReplicaSets of other templates that had this name already.
    static func compute(_ template: PodTemplateSpec, collisionCount: Int?) -> String {
        var writer = JSONWriter(reserving: 2048)
        writer.write(canonical(template.json))
        var mixed = FNV1a()
        mixed.mix(writer.bytes)
        if let collisionCount { mixed.mix("#\(collisionCount)".utf8) }
        var hash = mixed.value
        // FNV's high bits depend too little on the last bytes: mix once more.
        hash = (hash ^ (hash >> 33)) &* 0xff51_afd7_ed55_8ccd
        hash ^= hash >> 33
        var text = ""
        for _ in 0..<10 {
            text.append(alphabet[Int(hash % UInt64(alphabet.count))])
            hash /= UInt64(alphabet.count)
        }
        return text
    }

    /// Whether two templates are the same but for the hash that one of them carries as a label.
    static func equal(_ left: PodTemplateSpec, _ right: PodTemplateSpec) -> Bool {
        // Most often they are written alike; only otherwise are they brought into one form.
        let left = withoutHash(left).json
        let right = withoutHash(right).json
        return left == right || canonical(left) == canonical(right)
    }

    static func withoutHash(_ template: PodTemplateSpec) -> PodTemplateSpec {
        guard template.json[path: "metadata", "labels", label] != nil else { return template }
        var template = template
        template.metadata.labels[label] = nil
        return template
    }

    /// Fields in order, and without those that mean the same as their absence: null and empty lists anywhere, empty
    /// maps in the metadata.
    private static func canonical(_ template: JSONValue) -> JSONValue {
        guard case .object(let fields) = template else { return template }
        var result = JSONObject()
        for (key, value) in fields.sortedByKey() {
            var value = pruned(value)
            if key == "metadata", case .object(let metadata) = value {
                value = .object(
                    JSONObject(
                        metadata.filter { field in
                            if case .object(let map) = field.value { return !map.isEmpty }
                            return true
                        }))
                if value == [:] { continue }
            }
            if value.isNull || value == .array([]) { continue }
            result[key] = value
        }
        return .object(result)
    }

    private static func pruned(_ value: JSONValue) -> JSONValue {
        switch value {
        case .object(let fields):
            var result = JSONObject()
            for (key, value) in fields.sortedByKey() {
                let value = pruned(value)
                if value.isNull || value == .array([]) { continue }
                result[key] = value
            }
            return .object(result)
        case .array(let elements): return .array(elements.map(pruned))
        default: return value
        }
    }
}
