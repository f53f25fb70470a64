// Advice about volumes: drivers that are gone, and files that hide each other.

import JSON

enum VolumeAdvice {
    enum Owner { case pod, persistentVolume }

    private static let drivers: [(field: String, text: String, owners: [Owner])] = [
        ("photonPersistentDisk", "deprecated in v1.11, non-functional in v1.16+", [.pod, .persistentVolume]),
        ("gitRepo", "deprecated in v1.11, and disabled by default in v1.33+", [.pod]),
        ("scaleIO", "deprecated in v1.16, non-functional in v1.22+", [.pod, .persistentVolume]),
        ("flocker", "deprecated in v1.22, non-functional in v1.25+", [.pod]),
        ("storageos", "deprecated in v1.22, non-functional in v1.25+", [.pod, .persistentVolume]),
        ("quobyte", "deprecated in v1.22, non-functional in v1.25+", [.pod]),
        ("glusterfs", "deprecated in v1.25, non-functional in v1.26+", [.pod, .persistentVolume]),
        ("cephfs", "deprecated in v1.28, non-functional in v1.31+", [.pod, .persistentVolume]),
        ("rbd", "deprecated in v1.28, non-functional in v1.31+", [.pod, .persistentVolume]),
    ]

    /// The drivers in `volume` that do nothing any more.
    static func drivers(_ volume: JSONObject, _ path: String, of owner: Owner) -> [String] {
        drivers.compactMap { driver in
            guard driver.owners.contains(owner), volume[driver.field] != nil else { return nil }
            // Upstream spells this one otherwise than the field is.
            let name = driver.field == "storageos" ? "storageOS" : driver.field
            return "\(path).\(name): \(driver.text)"
        }
    }

    /// A file in a volume, and what puts it there.
    private struct File: Hashable {
        var path: String
        let source: String

        init(_ path: String, _ source: String) {
            self.path = path
            while self.path.hasSuffix("/") { self.path.removeLast() }
            self.source = source
        }

        var description: String { source.isEmpty ? "\"\(path)\"" : "\"\(path)\" (\(source))" }

        func overlaps(_ other: File) -> Bool {
            guard !path.isEmpty, !other.path.isEmpty else { return false }
            return path == other.path || path.hasPrefix(other.path + "/") || other.path.hasPrefix(path + "/")
        }
    }

    /// Files of one volume of which one hides another.
    static func overlaps(in volume: JSONObject) -> [String] {
        let name = volume["name"]?.stringValue ?? ""
        func warning(_ kind: String, _ text: String) -> String {
            "volume \"\(name)\" (\(kind)): overlapping paths: \(text)"
        }
        var warnings: [String] = []
        for (field, label, nameField) in [
            ("configMap", "ConfigMap", "name"), ("secret", "Secret", "secretName"), ("downwardAPI", "DownwardAPI", ""),
        ] {
            guard let source = volume[field], let items = source["items"]?.arrayValue else { continue }
            let kind = nameField.isEmpty ? label : "\(label) \"\(source[nameField]?.stringValue ?? "")\""
            var seen: [File] = []
            warnings += overlaps(paths(items, ""), &seen).map { warning(kind, $0) }
        }
        var seen: [File] = []
        for source in volume["projected"]?["sources"]?.arrayValue ?? [] {
            if source.objectValue?.isEmpty ?? true {
                warnings.append("volume \"\(name)\" (Projected) has no sources provided")
                continue
            }
            warnings += overlaps(files(of: source), &seen).map { warning("Projected", $0) }
        }
        return warnings
    }

    private static func paths(_ items: [JSONValue], _ source: String) -> [File] {
        items.map { File($0["path"]?.stringValue ?? "", source) }
    }

    private static func files(of source: JSONValue) -> [File] {
        func items(_ field: String) -> [JSONValue]? { source[field]?["items"]?.arrayValue }
        func name(_ field: String) -> String { source[field]?["name"]?.stringValue ?? "" }
        if let items = items("configMap") { return paths(items, "ConfigMap \"\(name("configMap"))\"") }
        if let items = items("secret") { return paths(items, "Secret \"\(name("secret"))\"") }
        if let items = items("downwardAPI") { return paths(items, "DownwardAPI") }
        if let path = source["serviceAccountToken"]?["path"]?.stringValue { return [File(path, "ServiceAccountToken")] }
        if let bundle = source["clusterTrustBundle"] {
            let name = bundle["name"]?.stringValue ?? bundle["signerName"]?.stringValue ?? ""
            return [File(bundle["path"]?.stringValue ?? "", "ClusterTrustBundle \"\(name)\"")]
        }
        return [
            ("certificateChainPath", "PodCertificate chain"), ("keyPath", "PodCertificate key"),
            ("credentialBundlePath", "PodCertificate credential bundle"),
        ].compactMap { field, label in
            source["podCertificate"]?[field]?.stringValue.map { File($0, label) }
        }
    }

    private static func overlaps(_ files: [File], _ seen: inout [File]) -> [String] {
        var found: [String] = []
        for file in files {
            for other in seen where file.overlaps(other) {
                found.append("\(file.description) with \(other.description)")
            }
            seen.append(file)
        }
        return found
    }
}
