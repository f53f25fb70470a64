// Pods run as a service account, and find its token, the cluster's CA and their namespace in a projected volume.

import JSON
import KubeTypes

struct ServiceAccountAdmission: AdmissionPlugin {
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

    private static func account(_ name: String, _ namespace: String, _ registry: Registry) -> CachedObject? {
        registry.cache.cache(group: "", resource: "serviceaccounts")?[ObjectKey(namespace: namespace, name: name)]
    }

    /// Whether a create should be tried again in a moment: the account that every namespace has is made by a controller
    /// right after the namespace.
    static func mustWait(_ object: JSONValue, _ request: RegistryRequest, _ registry: Registry) -> Bool {
        guard request.storage.plural == "pods", request.storage.group.isEmpty else { return false }
        let namespaces = registry.cache.cache(group: "", resource: "namespaces")
        guard !isMirror(object), accountName(object) == "default",
            let namespace = namespaces?[ObjectKey(name: request.namespace)], !namespace.value.isBeingDeleted
        else { return false }
        return account("default", request.namespace, registry) == nil
    }

    func handles(_ attributes: AdmissionAttributes) -> Bool {
        attributes.operation == .create && attributes.concerns("", "pods")
    }

    func admit(_ attributes: inout AdmissionAttributes, _ registry: Registry) throws(APIError) {
        guard let object = attributes.object, !Self.isMirror(object) else { return }
        let name = Self.accountName(object)
        guard let account = Self.account(name, attributes.namespace, registry)?.value else {
            throw attributes.forbidden(
                "error looking up service account \(attributes.namespace)/\(name): serviceaccount \"\(name)\" not found"
            )
        }
        let automounts =
            object[path: "spec", "automountServiceAccountToken"]?.boolValue
            ?? account["automountServiceAccountToken"]?.boolValue ?? true
        let suffix = RandomNames.suffix(registry.configuration.random)
        attributes.object?.update("spec") { spec in
            spec["serviceAccountName"] = .string(name)
            spec["serviceAccount"] = .string(name)
            if spec[array: "imagePullSecrets"].isEmpty, let secrets = account["imagePullSecrets"],
                !secrets.isEmptyValue
            {
                spec["imagePullSecrets"] = secrets
            }
            if automounts { Self.mountToken(&spec, suffix) }
        }
    }

    func validate(_ attributes: AdmissionAttributes, _ registry: Registry) throws(APIError) {
        guard let object = attributes.object else { return }
        if Self.isMirror(object) { return try validateMirror(object, attributes) }
        let name = object[path: "spec", "serviceAccountName"]?.stringValue ?? ""
        guard let account = Self.account(name, attributes.namespace, registry)?.value else {
            throw attributes.forbidden(
                "error looking up service account \(attributes.namespace)/\(name): serviceaccount \"\(name)\" not found"
            )
        }
        if account.annotations?["kubernetes.io/enforce-mountable-secrets"]?.stringValue == "true" {
            try validateSecrets(object, account, attributes)
        }
    }

    /// A node's own pods have nothing that only the API could give them.
    private func validateMirror(_ object: JSONValue, _ attributes: AdmissionAttributes) throws(APIError) {
        if !(object[path: "spec", "serviceAccountName"]?.isEmptyValue ?? true) {
            throw attributes.forbidden("a mirror pod may not reference service accounts")
        }
        if Self.secretReferences(of: object).isEmpty == false {
            throw attributes.forbidden("a mirror pod may not reference secrets")
        }
        for volume in object[path: "spec", "volumes"]?.arrayValue ?? []
        where (volume["projected"]?["sources"]?.arrayValue ?? []).contains(where: {
            $0["serviceAccountToken"] != nil
        }) {
            throw attributes.forbidden("a mirror pod may not use ServiceAccountToken volume projections")
        }
    }

    /// Where a pod names secrets: in volumes, and in its containers' environment.
    private static func secretReferences(of object: JSONValue) -> [(place: String, name: String)] {
        var found: [(place: String, name: String)] = []
        let spec = object["spec"]?.objectValue ?? JSONObject()
        for volume in spec[array: "volumes"] {
            if let name = volume["secret"]?["secretName"]?.stringValue { found.append(("volume", name)) }
        }
        for list in ["initContainers", "containers", "ephemeralContainers"] {
            for container in spec[array: list] {
                for variable in container["env"]?.arrayValue ?? [] {
                    if let name = variable["valueFrom"]?["secretKeyRef"]?["name"]?.stringValue {
                        found.append((container["name"]?.stringValue ?? "", name))
                    }
                }
                for source in container["envFrom"]?.arrayValue ?? [] {
                    if let name = source["secretRef"]?["name"]?.stringValue {
                        found.append((container["name"]?.stringValue ?? "", name))
                    }
                }
            }
        }
        return found
    }

    private func validateSecrets(_ object: JSONValue, _ account: JSONValue, _ attributes: AdmissionAttributes)
        throws(APIError)
    {
        let allowed = Set((account["secrets"]?.arrayValue ?? []).compactMap { $0["name"]?.stringValue })
        for reference in Self.secretReferences(of: object) where !allowed.contains(reference.name) {
            let what =
                reference.place == "volume"
                ? "volume with secret.secretName=\"\(reference.name)\""
                : "container \(reference.place) with envVar referencing secret.secretName=\"\(reference.name)\""
            throw attributes.forbidden(
                "\(what) is not allowed because service account \(account.name) does not reference that secret")
        }
        let pull = Set((account["imagePullSecrets"]?.arrayValue ?? []).compactMap { $0["name"]?.stringValue })
        for (index, secret) in (object[path: "spec", "imagePullSecrets"]?.arrayValue ?? []).enumerated() {
            let name = secret["name"]?.stringValue ?? ""
            if !pull.contains(name) {
                throw attributes.forbidden(
                    "imagePullSecrets[\(index)].name=\"\(name)\" is not allowed because service account "
                        + "\(account.name) does not reference that imagePullSecret")
            }
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
