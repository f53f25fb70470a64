// Pods run as a service account, and find its token, the cluster's CA and their namespace in a projected volume.

import JSON
import KubeTypes

enum ServiceAccountAdmission {
    private static let mountPath = "/var/run/secrets/kubernetes.io/serviceaccount"
    private static let volumePrefix = "kube-api-access-"
    /// A token of this lifetime is one that the API server may stretch for clients that do not reload it.
    private static let expirationSeconds: Int64 = 3607

    private static func isMirror(_ object: JSONValue) -> Bool {
        object.annotations?["kubernetes.io/config.mirror"] != nil
    }

    private static func accountName(_ object: JSONValue) -> String {
        let name = object[path: "spec", "serviceAccountName"]?.stringValue ?? ""
        let old = object[path: "spec", "serviceAccount"]?.stringValue ?? ""
        return name.isEmpty ? old.isEmpty ? "default" : old : name
    }

    private static func account(_ name: String, _ context: StrategyContext) -> CachedObject? {
        context.cache.cache(group: "", resource: "serviceaccounts")?[
            ObjectKey(namespace: context.request.namespace, name: name)]
    }

    /// The account that every namespace has is made by a controller right after the namespace: worth waiting for.
    static func waitsForDefault(_ object: JSONValue, _ context: StrategyContext) -> Bool {
        let namespaces = context.cache.cache(group: "", resource: "namespaces")
        guard !isMirror(object), accountName(object) == "default",
            let namespace = namespaces?[ObjectKey(name: context.request.namespace)], !namespace.value.isBeingDeleted
        else { return false }
        return account("default", context) == nil
    }

    static func admit(_ object: inout JSONValue, _ context: StrategyContext) throws(APIError) {
        let request = context.request
        if isMirror(object) {
            if !(object[path: "spec", "serviceAccountName"]?.isEmptyValue ?? true) {
                throw request.forbidden("a mirror pod may not reference service accounts", name: object.name)
            }
            return
        }
        let name = accountName(object)
        guard let account = account(name, context)?.value else {
            throw request.forbidden(
                "error looking up service account \(request.namespace)/\(name): serviceaccount \"\(name)\" not found",
                name: object.name)
        }
        let automounts =
            object[path: "spec", "automountServiceAccountToken"]?.boolValue
            ?? account["automountServiceAccountToken"]?.boolValue ?? true
        let suffix = RandomNames.suffix(context.registry.configuration.random)
        object.update("spec") { spec in
            spec["serviceAccountName"] = .string(name)
            spec["serviceAccount"] = .string(name)
            if spec[array: "imagePullSecrets"].isEmpty, let secrets = account["imagePullSecrets"],
                !secrets.isEmptyValue
            {
                spec["imagePullSecrets"] = secrets
            }
            if automounts { mountToken(&spec, suffix) }
        }
    }

    private static func mountToken(_ spec: inout JSONObject, _ suffix: String) {
        let existing = spec[array: "volumes"].compactMap { $0["name"]?.stringValue }.first {
            $0.hasPrefix(volumePrefix)
        }
        let name = existing ?? volumePrefix + suffix
        var mounted = false
        for list in ["initContainers", "containers"] {
            spec.updateEach(list) { container in
                let mounts = container[array: "volumeMounts"]
                if mounts.contains(where: { $0["mountPath"]?.stringValue == mountPath }) { return }
                mounted = true
                container["volumeMounts"] = .array(
                    mounts + [["name": .string(name), "readOnly": true, "mountPath": .string(mountPath)]])
            }
        }
        guard mounted, existing == nil else { return }
        spec["volumes"] = .array(spec[array: "volumes"] + [volume(name)])
    }

    private static func volume(_ name: String) -> JSONValue {
        [
            "name": .string(name),
            "projected": [
                "sources": [
                    ["serviceAccountToken": ["expirationSeconds": .integer(expirationSeconds), "path": "token"]],
                    [
                        "configMap": [
                            "name": "kube-root-ca.crt", "items": [["key": "ca.crt", "path": "ca.crt"]],
                        ]
                    ],
                    [
                        "downwardAPI": [
                            "items": [
                                [
                                    "path": "namespace",
                                    "fieldRef": ["apiVersion": "v1", "fieldPath": "metadata.namespace"],
                                ]
                            ]
                        ]
                    ],
                ],
                "defaultMode": 420,
            ],
        ]
    }
}
