import JSON
import KubeTypes

/// The volumes of pods: one source each, in the form that its kind asks for. What every source must have is in the rule
/// table.
enum VolumeRules {
    /// The sources in the order in which upstream looks at them: the first one counts, the others are too many.
    private static let podOrder = [
        "emptyDir", "hostPath", "gitRepo", "gcePersistentDisk", "awsElasticBlockStore", "secret", "nfs", "iscsi",
        "glusterfs", "flocker", "persistentVolumeClaim", "rbd", "cinder", "cephfs", "quobyte", "downwardAPI", "fc",
        "flexVolume", "configMap", "azureFile", "vsphereVolume", "photonPersistentDisk", "portworxVolume", "azureDisk",
        "storageos", "projected", "scaleIO", "csi", "ephemeral", "image",
    ]

    static func volume(_ volume: JSONObject, _ v: inout Validator) {
        let found = volume.filter { $0.key != "name" && !$0.value.isNull }.map(\.key)
        if found.isEmpty { v.required("", "must specify a volume type") }
        if found.count > 1 {
            let ordered = podOrder.filter { found.contains($0) }
            for extra in ordered.dropFirst() { v.forbidden(extra, "may not specify more than 1 volume type") }
        }
        let name = volume[string: "name"]
        if case .object(let empty)? = volume["emptyDir"], let limit = ResourceRules.quantity(empty["sizeLimit"]),
            limit.nanos < 0
        {
            v.forbidden("emptyDir.sizeLimit", "SizeLimit field must be a valid resource quantity")
        }
        if case .object(let iscsi)? = volume["iscsi"], iscsi.holds("initiatorName") {
            let portal = iscsi[string: "targetPortal"]
            if name.utf8.count + portal.utf8.count + 1 > 64 { v.invalid("name", name, iscsiLength) }
        }
        if volume.holds("ephemeral"), v.isPod, !name.isEmpty {
            let claim = "\(v.root[object: "metadata"][string: "name"])-\(name)"
            for problem in Names.isDNS1123Subdomain(claim) {
                v.invalid("name", name, "PVC name \"\(claim)\": \(problem)")
            }
        }
        for reference in ["cinder", "storageos"] {
            v.inside(reference, of: volume) { source, v in
                if case .object(let secret)? = source["secretRef"], secret[string: "name"].isEmpty {
                    v.required("secretRef.name")
                }
            }
        }
        v.inside("csi", of: volume) { source, v in
            driver("driver", source, &v)
            guard case .object(let secret)? = source["nodePublishSecretRef"] else { return }
            let name = secret[string: "name"]
            if name.isEmpty {
                v.required("nodePublishSecretRef.name")
            } else {
                v.invalid("name", name, Names.isDNS1123Subdomain(name))
            }
        }
        v.inside("ephemeral", of: volume) { source, v in
            v.inside("volumeClaimTemplate", of: source) { template, v in
                for field in template[object: "metadata"] where !["labels", "annotations"].contains(field.key) {
                    if !field.value.isEmptyOrZero { v.forbidden("metadata.\(field.key)", "cannot be set") }
                }
            }
        }
        v.inside("projected", of: volume, projected)
    }

    static let iscsiLength =
        "Total length of <volume name>:<iscsi.targetPortal> must be under 64 characters if iscsi.initiatorName is "
        + "specified."

    static func driver(_ field: String, _ source: JSONObject, _ v: inout Validator) {
        let name = source[string: field]
        if name.isEmpty { return v.required(field) }
        if name.utf8.count > 63 { v.tooLong(field, limit: 63) }
        v.invalid(field, name, Names.isCSIDriver(name))
    }

    static func hostPath(_ source: JSONObject, _ v: inout Validator) {
        v.noBacksteps("path", source[string: "path"])
        v.oneOf(
            "type", source,
            [
                "", "BlockDevice", "CharDevice", "Directory", "DirectoryOrCreate", "File", "FileOrCreate", "Socket",
            ])
    }

    static func gitRepo(_ source: JSONObject, _ v: inout Validator) {
        v.descendingPath("directory", source[string: "directory"])
    }

    static func keyToPath(_ item: JSONObject, _ v: inout Validator) {
        v.nonReservedPath("path", item[string: "path"])
    }

    static func iscsi(_ source: JSONObject, _ v: inout Validator) {
        let name = source[string: "iqn"]
        if !name.isEmpty { initiator("iqn", name, &v) }
        let lun = source[integer: "lun"]
        if !(0...255).contains(lun) { v.invalid("lun", .integer(lun), "must be between 0 and 255, inclusive") }
        if source[flag: "chapAuthDiscovery"] || source[flag: "chapAuthSession"], !source.holds("secretRef") {
            v.required("secretRef")
        }
        if let name = source["initiatorName"]?.stringValue { initiator("initiatorname", name, &v) }
    }

    private static func initiator(_ field: String, _ name: String, _ v: inout Validator) {
        let isRight: Bool
        switch name.prefix(3) {
        case "iqn": isRight = isQualifiedISCSI(name)
        case "eui": isRight = name.utf8.count == 20 && name.utf8.dropFirst(4).allSatisfy(isAlphanumeric)
        case "naa": isRight = name.utf8.count == 36 && name.utf8.dropFirst(4).allSatisfy(isAlphanumeric)
        default: return v.invalid(field, name, "must be valid format starting with iqn, eui, or naa")
        }
        if !isRight { v.invalid(field, name, "must be valid format") }
    }

    private static func isAlphanumeric(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5a, 0x61...0x7a: true
        default: false
        }
    }

    /// `iqn.2014-12.com.example:storage`
    private static func isQualifiedISCSI(_ name: String) -> Bool {
        guard let colon = name.firstIndex(of: ":") else { return false }
        let head = Array(name[..<colon].utf8)
        let tail = name[name.index(after: colon)...]
        func digits(_ range: Range<Int>) -> Bool { head[range].allSatisfy { (0x30...0x39).contains($0) } }
        guard head.count > 12, head[3] == 0x2e, digits(4..<8), head[8] == 0x2d, digits(9..<11), head[11] == 0x2e else {
            return false
        }
        return head[12...].allSatisfy { isAlphanumeric($0) || $0 == 0x2d || $0 == 0x2e } && !tail.isEmpty
            && !tail.contains { ",;*&$|".contains($0) || $0.isWhitespace }
    }

    static func fibreChannel(_ source: JSONObject, _ v: inout Validator) {
        let targets = source[array: "targetWWNs"]
        let ids = source[array: "wwids"]
        if targets.isEmpty, ids.isEmpty {
            v.required("targetWWNs", "must specify either targetWWNs or wwids, but not both")
        }
        guard !targets.isEmpty else { return }
        if !ids.isEmpty {
            v.invalid("targetWWNs", .array(targets), "targetWWNs and wwids can not be specified simultaneously")
        }
        guard let lun = source["lun"]?.integerValue else {
            return v.required("lun", "lun is required if targetWWNs is specified")
        }
        if !(0...255).contains(lun) { v.invalid("lun", .integer(lun), "must be between 0 and 255, inclusive") }
    }

    static func quobyte(_ source: JSONObject, _ v: inout Validator) {
        let form = "must be a host:port pair or multiple pairs separated by commas"
        let registry = source[string: "registry"]
        if registry.isEmpty { return v.required("registry", form) }
        if source[string: "tenant"].utf8.count >= 65 {
            return v.required("tenant", "must be a UUID and may not exceed a length of 64 characters")
        }
        for pair in registry.split(separator: ",", omittingEmptySubsequences: false) {
            let isBracketed = pair.hasPrefix("[") && pair.contains("]:")
            if !isBracketed, pair.count(where: { $0 == ":" }) != 1 { v.invalid("registry", registry, form) }
        }
    }

    static func flocker(_ source: JSONObject, _ v: inout Validator) {
        let name = source[string: "datasetName"]
        let uuid = source[string: "datasetUUID"]
        if name.isEmpty, uuid.isEmpty { v.required("", "one of datasetName and datasetUUID is required") }
        if !name.isEmpty, !uuid.isEmpty {
            v.invalid("", "resource", "datasetName and datasetUUID can not be specified simultaneously")
        }
        if name.contains("/") { v.invalid("datasetName", name, "must not contain '/'") }
    }

    static func flexVolume(_ source: JSONObject, _ v: inout Validator) {
        for (key, _) in source[object: "options"] {
            let host = ".\(key.prefix { $0 != "/" }.lowercased())"
            if host.hasSuffix(".kubernetes.io") || host.hasSuffix(".k8s.io") {
                v.invalid("options[\(key)]", key, "kubernetes.io and k8s.io namespaces are reserved")
            }
        }
    }

    static func azureDisk(_ source: JSONObject, _ v: inout Validator) {
        let address = source[string: "diskURI"]
        if source[string: "kind"] == "Managed" {
            if !address.hasPrefix("/subscriptions/") {
                v.unsupported(
                    "diskURI", .string(address),
                    [
                        "/subscriptions/{sub-id}/resourcegroups/{group-name}/providers/microsoft.compute/disks/{disk-id}"
                    ])
            }
        } else if source.holds("kind"), !address.hasPrefix("https://") {
            v.unsupported(
                "diskURI", .string(address),
                ["https://{account-name}.blob.core.windows.net/{container-name}/{disk-name}.vhd"])
        }
    }

    static func image(_ source: JSONObject, _ v: inout Validator) {
        if v.isPod, source[string: "reference"].isEmpty { v.required("reference") }
    }

    // MARK: Projected volumes

    private static func projected(_ volume: JSONObject, _ v: inout Validator) {
        var paths: Set<String> = []
        func take(_ path: String, _ name: String, _ v: inout Validator) {
            guard !path.isEmpty, !paths.insert(path).inserted else { return }
            // Upstream reports these about the volume.
            v.leavingOne { v in v.leavingOne { v in v.invalid("", name, "conflicting duplicate paths") } }
        }
        v.elements("sources", of: volume) { _, source, v in
            if source.count(where: { !$0.value.isNull }) > 1 {
                v.forbidden("", "may not specify more than 1 volume type per source")
            }
            for kind in ["secret", "configMap"] {
                guard case .object(let inner)? = source[kind] else { continue }
                for item in inner[array: "items"] {
                    take(item["path"]?.stringValue ?? "", inner[string: "name"], &v)
                }
            }
            for item in source["downwardAPI"]?["items"]?.arrayValue ?? [] {
                let path = item["path"]?.stringValue ?? ""
                take(path, path, &v)
            }
            if case .object(let token)? = source["serviceAccountToken"] {
                let path = token[string: "path"]
                v.leavingOne { v in v.leavingOne { v in v.nonReservedPath("path", path) } }
            }
            v.inside("clusterTrustBundle", of: source, trustBundle)
            if let path = source["clusterTrustBundle"]?["path"]?.stringValue { take(path, path, &v) }
            guard case .object(let certificate)? = source["podCertificate"] else { return }
            v.at("podCertificate") { v in podCertificate(certificate, &v) }
            for field in ["credentialBundlePath", "keyPath", "certificateChainPath"] {
                let path = certificate[string: field]
                v.at("podCertificate") { v in v.nonReservedPath(field, path) }
                take(path, path, &v)
            }
        }
    }

    private static func trustBundle(_ source: JSONObject, _ v: inout Validator) {
        switch (source["name"]?.stringValue, source["signerName"]?.stringValue) {
        case (.some, .some): v.invalid("", .object(source), "only one of name and signerName may be used")
        case (let name?, nil):
            if name.isEmpty { v.required("name", "must be a valid object name") }
            var signer = ""
            if let colon = name.lastIndex(of: ":") {
                signer = name[..<colon].split(separator: ":", omittingEmptySubsequences: false).joined(separator: "/")
            }
            for problem in Names.isTrustBundleName(name, signer: signer) {
                v.invalid("name", name, "not a valid clustertrustbundlename: \(problem)")
            }
            if let selector = source["labelSelector"] {
                v.invalid("labelSelector", selector, "labelSelector must be unset if name is specified")
            }
        case (nil, let signer?):
            if signer.isEmpty { v.required("signerName", "must be a valid signer name") }
            v.signerName("signerName", signer)
        case (nil, nil): v.required("", "either name or signerName must be specified")
        }
        if source[string: "path"].isEmpty { v.required("path") }
        v.nonReservedPath("path", source[string: "path"])
    }

    private static func podCertificate(_ source: JSONObject, _ v: inout Validator) {
        let signer = source[string: "signerName"]
        v.signerName("signerName", signer)
        let types = ["RSA3072", "RSA4096", "ECDSAP256", "ECDSAP384", "ECDSAP521", "ED25519"]
        if !types.contains(source[string: "keyType"]) {
            v.unsupported("keyType", .string(source[string: "keyType"]), types)
        }
        if let seconds = source["maxExpirationSeconds"]?.integerValue {
            let maximum: Int64 = SignerNames.isKubernetes(signer) ? 86400 : 7_862_400
            if seconds < 3600 {
                v.invalid(
                    "maxExpirationSeconds", .integer(seconds), "if provided, maxExpirationSeconds must be >= 3600")
            } else if seconds > maximum {
                v.invalid(
                    "maxExpirationSeconds", .integer(seconds),
                    "if provided, maxExpirationSeconds must be <= \(maximum)")
            }
        }
        if ["credentialBundlePath", "keyPath", "certificateChainPath"].allSatisfy({ source[string: $0].isEmpty }) {
            v.required("", "specify at least one of credentialBundlePath, keyPath, and certificateChainPath")
        }
    }
}
