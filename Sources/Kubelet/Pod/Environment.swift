// The environment of a container: services, config maps, secrets, fields of the pod, and what is written out.

import Foundation
import JSON
import KubeTypes

/// A container that cannot be made as its definition wants; the message is shown in its status.
struct ConfigError: Error, Hashable, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}

/// Where the values come from that a pod only refers to. Nil is an object that is not there.
struct ReferencedObjects: Sendable {
    var configMaps: [String: ConfigMap] = [:]
    var secrets: [String: Secret] = [:]
}

/// Computes the variables of a container, in the order in which they are set.
struct EnvironmentBuilder {
    var pod: Pod
    var container: Container
    var objects: ReferencedObjects
    /// The services of the pod's namespace, and `default/kubernetes`.
    var services: [Service]
    var podIPs: [String]
    var hostIPs: [String]
    var nodeName: String
    /// What `resourceFieldRef` gives for a limit that is not set.
    var nodeAllocatable: [String: Quantity]
    /// The pod's volumes by their names, where variables come from files in them.
    var volumes: [String: PreparedVolume] = [:]

    func build() throws(ConfigError) -> [(name: String, value: String)] {
        var order: [String] = []
        var values: [String: String] = [:]
        func set(_ name: String, _ value: String) {
            if values.updateValue(value, forKey: name) == nil { order.append(name) }
        }
        let fromServices = ServiceVariables.variables(
            services: services, namespace: pod.namespace, enabled: pod.spec.enableServiceLinks ?? true)
        for source in container.envFrom {
            for (key, value) in try variables(from: source) { set((source.prefix ?? "") + key, value) }
        }
        for variable in container.env {
            var value = variable.value ?? ""
            if let from = variable.valueFrom {
                guard let found = try self.value(of: from) else { continue }
                value = found
            } else if !value.isEmpty {
                value = expand(value) { values[$0] ?? fromServices[$0] }
            }
            set(variable.name, value)
        }
        // A pod's own variables win over those of services.
        for name in fromServices.keys.sorted() where values[name] == nil { set(name, fromServices[name] ?? "") }
        return order.map { ($0, values[$0] ?? "") }
    }

    private func variables(from source: EnvFromSource) throws(ConfigError) -> [(String, String)] {
        if let reference = source.configMapRef {
            guard let map = objects.configMaps[reference.name ?? ""] else {
                if reference.optional == true { return [] }
                throw ConfigError("configmap \"\(reference.name ?? "")\" not found")
            }
            return map.data.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
        }
        if let reference = source.secretRef {
            guard let secret = objects.secrets[reference.name ?? ""] else {
                if reference.optional == true { return [] }
                throw ConfigError("secret \"\(reference.name ?? "")\" not found")
            }
            return secret.data.sorted { $0.key < $1.key }.map { ($0.key, Self.decode($0.value)) }
        }
        return []
    }

    private func value(of source: EnvVarSource) throws(ConfigError) -> String? {
        if let field = source.fieldRef { return try fieldValue(field.fieldPath) }
        if let resource = source.resourceFieldRef {
            let name = resource.containerName ?? container.name
            guard let owner = name == container.name ? container : pod.allContainers.first(where: { $0.name == name })
            else {
                throw ConfigError("container \(name) not found")
            }
            return try DownwardAPI.resource(
                resource.resource, divisor: resource.divisor, of: owner, allocatable: nodeAllocatable)
        }
        if let reference = source.configMapKeyRef {
            guard let map = objects.configMaps[reference.name ?? ""] else {
                if reference.optional == true { return nil }
                throw ConfigError("configmap \"\(reference.name ?? "")\" not found")
            }
            guard let value = map.data[reference.key] else {
                if reference.optional == true { return nil }
                throw ConfigError(
                    "couldn't find key \(reference.key) in ConfigMap \(pod.namespace)/\(reference.name ?? "")")
            }
            return value
        }
        if let reference = source.secretKeyRef {
            guard let secret = objects.secrets[reference.name ?? ""] else {
                if reference.optional == true { return nil }
                throw ConfigError("secret \"\(reference.name ?? "")\" not found")
            }
            guard let value = secret.data[reference.key] else {
                if reference.optional == true { return nil }
                throw ConfigError(
                    "couldn't find key \(reference.key) in Secret \(pod.namespace)/\(reference.name ?? "")")
            }
            return Self.decode(value)
        }
        if let reference = source.fileKeyRef {
            guard let volume = volumes[reference.volumeName] else {
                throw ConfigError("cannot find the volume \"\(reference.volumeName)\" referenced by FileKeyRef")
            }
            let text = try EnvironmentFile.text(of: reference.path, in: volume)
            let found: String?
            do { found = try EnvironmentFile.value(of: reference.key, in: text) } catch {
                throw ConfigError("couldn't parse env file")
            }
            if found == nil, reference.optional != true {
                throw ConfigError(
                    "environment variable key \"\(reference.key)\" not found in file "
                        + "\"\(volume.path)/\(reference.path)\"")
            }
            return found
        }
        throw ConfigError("a variable of container \(container.name) has a source that this kubelet does not know")
    }

    private func fieldValue(_ path: String) throws(ConfigError) -> String {
        switch path {
        case "spec.nodeName": return nodeName
        case "spec.serviceAccountName": return pod.spec.serviceAccountName ?? ""
        case "status.hostIP": return hostIPs.first ?? ""
        case "status.hostIPs": return hostIPs.joined(separator: ",")
        case "status.podIP": return podIPs.first ?? ""
        case "status.podIPs": return podIPs.joined(separator: ",")
        default: return try DownwardAPI.field(path, of: pod)
        }
    }

    private static func decode(_ base64: String) -> String {
        Data(base64Encoded: base64).map { String(decoding: $0, as: UTF8.self) } ?? ""
    }
}

/// `NAME_SERVICE_HOST` and the variables of docker's links.
enum ServiceVariables {
    /// - Parameter enabled: whether the pod wants those of the services in its namespace; those of the API it always has.
    static func variables(services: [Service], namespace: String, enabled: Bool) -> [String: String] {
        var result: [String: String] = [:]
        func add(_ service: Service) {
            guard let ip = service.spec.clusterIP, !ip.isEmpty, ip != "None" else { return }
            for (name, value) in variables(of: service, ip: ip) { result[name] = value }
        }
        for service in services where service.namespace == "default" && service.name == "kubernetes" { add(service) }
        if enabled { for service in services where service.namespace == namespace { add(service) } }
        return result
    }

    private static func variables(of service: Service, ip: String) -> [(String, String)] {
        let prefix = service.name.uppercased().replacing("-", with: "_")
        let host = ip.contains(":") ? "[\(ip)]" : ip
        var variables = [("\(prefix)_SERVICE_HOST", ip)]
        for (index, port) in service.spec.ports.enumerated() {
            if index == 0 { variables.append(("\(prefix)_SERVICE_PORT", "\(port.port)")) }
            if let name = port.name, !name.isEmpty {
                variables.append(
                    ("\(prefix)_SERVICE_PORT_\(name.uppercased().replacing("-", with: "_"))", "\(port.port)"))
            }
        }
        for (index, port) in service.spec.ports.enumerated() {
            let proto = port.protocol ?? "TCP"
            let url = "\(proto.lowercased())://\(host):\(port.port)"
            if index == 0 { variables.append(("\(prefix)_PORT", url)) }
            let link = "\(prefix)_PORT_\(port.port)_\(proto.uppercased())"
            variables += [
                (link, url), ("\(link)_PROTO", proto.lowercased()), ("\(link)_PORT", "\(port.port)"),
                ("\(link)_ADDR", ip),
            ]
        }
        return variables
    }
}
