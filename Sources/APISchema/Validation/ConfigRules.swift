import JSON
import KubeTypes

/// ConfigMaps and Secrets: keys, sizes, what each type of secret holds, and the seal of those that are immutable.
enum ConfigRules {
    /// The most bytes that the values of a ConfigMap or Secret may have together.
    private static let dataLimit = 1 << 20

    static func configMap(_ map: JSONObject, _ v: inout Validator) {
        var size = 0
        let binary = map[object: "binaryData"]
        for (key, value) in map[object: "data"] {
            let problems = Names.isConfigMapKey(key)
            if !problems.isEmpty { v.invalid("data[\(key)]", key, problems) }
            if binary[key] != nil { v.invalid("data[\(key)]", key, "duplicate of key present in binaryData") }
            size += value.stringValue?.utf8.count ?? 0
        }
        for (key, value) in binary {
            let problems = Names.isConfigMapKey(key)
            if !problems.isEmpty { v.invalid("binaryData[\(key)]", key, problems) }
            size += decodedSize(value)
        }
        if size > dataLimit { v.report(.tooLong("[]", limit: dataLimit)) }
    }

    static func secret(_ secret: JSONObject, _ v: inout Validator) {
        var size = 0
        var data = secret[object: "data"]
        for (key, value) in data {
            size += decodedSize(value)
            let problems = Names.isConfigMapKey(key)
            if !problems.isEmpty { v.invalid("data[\(key)]", key, problems) }
        }
        // What is given as text ends up among the data, whether or not that has happened already.
        for (key, value) in secret[object: "stringData"] where data[key] == nil {
            size += value.stringValue?.utf8.count ?? 0
            v.invalid("data[\(key)]", key, Names.isConfigMapKey(key))
            data[key] = value
        }
        if size > dataLimit { v.tooLong("data", limit: dataLimit) }
        func needs(_ keys: String...) {
            for key in keys where data[key] == nil { v.required("data[\(key)]") }
        }
        switch secret[string: "type"] {
        case "kubernetes.io/service-account-token":
            let name = "kubernetes.io/service-account.name"
            if (secret["metadata"]?[path: "annotations", name]?.stringValue ?? "").isEmpty {
                v.required("metadata.annotations[\(name)]")
            }
        case "kubernetes.io/dockercfg": credentials(".dockercfg", secret, data, &v)
        case "kubernetes.io/dockerconfigjson": credentials(".dockerconfigjson", secret, data, &v)
        case "kubernetes.io/basic-auth":
            if data["username"] == nil, data["password"] == nil { needs("username", "password") }
        case "kubernetes.io/ssh-auth":
            if (data["ssh-privatekey"]?.stringValue ?? "").isEmpty { v.required("data[ssh-privatekey]") }
        case "kubernetes.io/tls": needs("tls.crt", "tls.key")
        default: break
        }
    }

    /// Credentials for registries are a JSON object.
    private static func credentials(_ key: String, _ secret: JSONObject, _ data: JSONObject, _ v: inout Validator) {
        guard let text = data[key]?.stringValue else { return v.required("data[\(key)]") }
        let isPlain = secret["data"]?[key] == nil
        let bytes = isPlain ? Array(text.utf8) : Base64.decode(text) ?? []
        if case .object? = try? JSONParser.parse(bytes) { return }
        v.invalid(
            "data[\(key)]", "<secret contents redacted>",
            bytes.isEmpty ? "unexpected end of JSON input" : "invalid character in JSON, or no object")
    }

    /// Bytes that a base64 text stands for.
    private static func decodedSize(_ value: JSONValue) -> Int { (value.stringValue?.utf8.count ?? 0) / 4 * 3 }

    static func sealed(_ new: JSONObject, _ old: JSONObject, _ fields: [String], _ v: inout Validator) {
        guard old[flag: "immutable"] else { return }
        let detail = "field is immutable when `immutable` is set"
        if !new[flag: "immutable"] { v.forbidden("immutable", detail) }
        for field in fields where !Validator.areSame(new[field], old[field]) { v.forbidden(field, detail) }
    }
}
