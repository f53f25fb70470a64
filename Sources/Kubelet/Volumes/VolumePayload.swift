// The files of volumes that show objects of the API.

import Foundation
import JSON
import KubeTypes

enum VolumePayload {
    /// The keys of a config map or secret as files: all of them, or those that `items` names.
    static func files(
        _ content: [String: [UInt8]], items: [KeyToPath], mode: Int, optional: Bool, what: String
    ) throws(ConfigError) -> [String: VolumeFile] {
        if items.isEmpty { return content.mapValues { VolumeFile(content: $0, mode: mode) } }
        var files: [String: VolumeFile] = [:]
        for item in items {
            guard let bytes = content[item.key] else {
                if optional { continue }
                throw ConfigError(
                    "\(what) references non-existent \(what.hasPrefix("secret") ? "secret" : "config") key: \(item.key)"
                )
            }
            files[item.path] = VolumeFile(content: bytes, mode: item.mode ?? mode)
        }
        return files
    }

    static func content(of map: ConfigMap) -> [String: [UInt8]] {
        var content = map.data.mapValues { Array($0.utf8) }
        for (key, value) in map.binaryData { content[key] = decode(value) }
        return content
    }

    static func content(of secret: Secret) -> [String: [UInt8]] { secret.data.mapValues(decode) }

    private static func decode(_ base64: String) -> [UInt8] { Data(base64Encoded: base64).map(Array.init) ?? [] }

    static func files(
        downward items: [DownwardAPIVolumeFile], pod: Pod, mode: Int, allocatable: [String: Quantity]
    ) throws(ConfigError) -> [String: VolumeFile] {
        var files: [String: VolumeFile] = [:]
        for item in items {
            let text: String
            if let field = item.fieldRef {
                text = try DownwardAPI.field(field.fieldPath, of: pod)
            } else if let resource = item.resourceFieldRef {
                guard let container = pod.allContainers.first(where: { $0.name == resource.containerName }) else {
                    throw ConfigError("container \(resource.containerName ?? "") not found")
                }
                text = try DownwardAPI.resource(
                    resource.resource, divisor: resource.divisor, of: container, allocatable: allocatable)
            } else {
                continue
            }
            files[item.path] = VolumeFile(content: Array(text.utf8), mode: item.mode ?? mode)
        }
        return files
    }

    /// The objects that a pod refers to, by variables and by volumes.
    static func references(of pod: Pod) -> (configMaps: Set<String>, secrets: Set<String>) {
        var maps: Set<String> = []
        var secrets: Set<String> = []
        for container in pod.allContainers {
            for source in container.envFrom {
                if let name = source.configMapRef?.name { maps.insert(name) }
                if let name = source.secretRef?.name { secrets.insert(name) }
            }
            for variable in container.env {
                if let name = variable.valueFrom?.configMapKeyRef?.name { maps.insert(name) }
                if let name = variable.valueFrom?.secretKeyRef?.name { secrets.insert(name) }
            }
        }
        for volume in pod.spec.volumes {
            if let name = volume.configMap?.name { maps.insert(name) }
            if let name = volume.secret?.secretName { secrets.insert(name) }
            for source in volume.projected?.sources ?? [] {
                if let name = source.configMap?.name { maps.insert(name) }
                if let name = source.secret?.name { secrets.insert(name) }
            }
        }
        for secret in pod.spec.imagePullSecrets { if let name = secret.name, !name.isEmpty { secrets.insert(name) } }
        return (maps, secrets)
    }
}
