import JSON
import KubeTypes

/// Where environment variables and files of the downward API take their values from.
enum EnvironmentRules {
    static func variable(_ variable: JSONObject, _ v: inout Validator) {
        guard case .object(let source)? = variable["valueFrom"] else { return }
        let count = source.count { !$0.value.isNull }
        if count == 0 {
            v.invalid(
                "valueFrom", "",
                "must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef` or `fileKeyRef`"
            )
        } else if !variable[string: "value"].isEmpty {
            v.invalid("valueFrom", "", "may not be specified when `value` is not empty")
        } else if count > 1 {
            v.invalid("valueFrom", "", "may not have more than one field specified at a time")
        }
        v.at("valueFrom") { v in
            v.inside("fieldRef", of: source) { fieldReference($0, of: environmentFields, &$1) }
            v.inside("resourceFieldRef", of: source) { resourceReference($0, isInVolume: false, &$1) }
            for reference in ["configMapKeyRef", "secretKeyRef"] {
                v.inside(reference, of: source) { reference, v in
                    let name = reference[string: "name"]
                    v.invalid("name", name, Names.isDNS1123Subdomain(name))
                }
            }
        }
    }

    static func file(_ reference: JSONObject, _ v: inout Validator) {
        v.noBacksteps("path", reference[string: "path"])
    }

    static func source(_ source: JSONObject, _ v: inout Validator) {
        let found = ["configMapRef", "secretRef"].filter { source.holds($0) }
        v.leavingOne { v in
            if found.isEmpty { v.invalid("", "", "must specify one of: `configMapRef` or `secretRef`") }
            if found.count > 1 { v.invalid("", "", "may not have more than one field specified at a time") }
        }
        for name in found {
            v.inside(name, of: source) { reference, v in
                v.requiredName("name", reference) {
                    Names.isDNS1123Subdomain($0.hasSuffix("-") ? String($0.dropLast()) + "a" : $0)
                }
            }
        }
    }

    static func volumeFile(_ file: JSONObject, _ v: inout Validator) {
        v.nonReservedPath("path", file[string: "path"])
        if file.holds("fieldRef") {
            v.inside("fieldRef", of: file) { fieldReference($0, of: volumeFields, &$1) }
            if file.holds("resourceFieldRef") {
                v.invalid("", "resource", "fieldRef and resourceFieldRef can not be specified simultaneously")
            }
        } else if file.holds("resourceFieldRef") {
            v.inside("resourceFieldRef", of: file) { resourceReference($0, isInVolume: true, &$1) }
        } else {
            v.required("", "one of fieldRef and resourceFieldRef is required")
        }
    }

    // MARK: Fields

    /// The fields of a pod that its environment may hold.
    private static let environmentFields = [
        "metadata.name", "metadata.namespace", "metadata.uid", "spec.nodeName", "spec.serviceAccountName",
        "status.hostIP", "status.hostIPs", "status.podIP", "status.podIPs",
    ]

    /// The fields of a pod that its files may hold.
    private static let volumeFields = [
        "metadata.annotations", "metadata.labels", "metadata.name", "metadata.namespace", "metadata.uid",
    ]

    /// Fields that the downward API knows, whether or not they may be used here.
    private static let knownFields: Set<String> = Set(
        environmentFields + volumeFields + ["spec.restartPolicy", "spec.schedulerName", "status.phase"])

    private static func fieldReference(_ reference: JSONObject, of fields: [String], _ v: inout Validator) {
        var path = reference[string: "fieldPath"]
        guard !path.isEmpty else { return }
        let version = reference["apiVersion"]?.stringValue ?? "v1"
        if version != "v1" {
            v.invalid("fieldPath", path, "error converting fieldPath: unsupported pod version: \(version)")
            return
        }
        if fields.contains(path) { return }
        if path.hasSuffix("']"), let open = path.firstIndex(of: "["), path[open...].hasPrefix("['") {
            let map = String(path[..<open])
            let key = String(path[path.index(open, offsetBy: 2)...].dropLast(2))
            switch map {
            case "metadata.annotations": v.invalid("", key.lowercased(), Names.isQualifiedName(key.lowercased()))
            case "metadata.labels": v.invalid("", key, Names.isQualifiedName(key))
            default:
                v.invalid(
                    "fieldPath", path, "error converting fieldPath: field label does not support subscript: \(path)")
            }
            return
        }
        if path == "spec.host" { path = "spec.nodeName" }
        if fields.contains(path) { return }
        if knownFields.contains(path) {
            v.unsupported("fieldPath", .string(path), fields)
        } else {
            v.invalid("fieldPath", path, "error converting fieldPath: field label not supported: \(path)")
        }
    }

    private static let resources = [
        "limits.cpu", "limits.ephemeral-storage", "limits.memory", "requests.cpu", "requests.ephemeral-storage",
        "requests.memory",
    ]

    private static let byteDivisors = [
        "1", "1k", "1M", "1G", "1T", "1P", "1E", "1Ki", "1Mi", "1Gi", "1Ti", "1Pi", "1Ei",
    ]

    private static func resourceReference(_ reference: JSONObject, isInVolume: Bool, _ v: inout Validator) {
        let resource = reference[string: "resource"]
        let isHugePages = resource.hasPrefix("requests.hugepages-") || resource.hasPrefix("limits.hugepages-")
        if isInVolume, reference[string: "containerName"].isEmpty {
            v.required("containerName")
        } else if !resource.isEmpty, !resources.contains(resource), !isHugePages {
            v.unsupported("resource", .string(resource), resources)
        }
        let divisor = reference["divisor"]?.stringValue ?? "0"
        if divisor == "0" || divisor.isEmpty { return }
        let kind: String
        if resource.hasSuffix(".cpu") {
            if divisor != "1m", divisor != "1" {
                v.invalid("divisor", resource, "only divisor's values 1m and 1 are supported with the cpu resource")
            }
            return
        } else if resource.hasSuffix(".memory") {
            kind = "memory"
        } else if resource.hasSuffix(".ephemeral-storage") {
            kind = "local ephemeral storage"
        } else if isHugePages {
            kind = "hugepages"
        } else {
            return
        }
        if !byteDivisors.contains(divisor) {
            v.invalid(
                "divisor", resource,
                "only divisor's values \(byteDivisors.joined(separator: ", ")) are supported with the \(kind) resource")
        }
    }
}
