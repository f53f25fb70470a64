// The Container Device Interface for runtimes that do not know it: what devices want of a container, from the
// specifications that drivers write (CNCF CDI, version 0.8).

import CRI
import JSON
import KubeTypes

/// What devices change of a container.
struct DeviceEdits: Sendable, Equatable {
    var environment: [(name: String, value: String)] = []
    var mounts: [RuntimeMount] = []
    var devices: [RuntimeDevice] = []

    static func == (left: DeviceEdits, right: DeviceEdits) -> Bool {
        left.environment.elementsEqual(right.environment, by: ==) && left.mounts == right.mounts
            && left.devices == right.devices
    }

    /// Later devices have the last word.
    func apply(to config: inout ContainerConfig) {
        for variable in environment {
            config.environment.removeAll { $0.name == variable.name }
            config.environment.append(variable)
        }
        for mount in mounts {
            config.mounts.removeAll { $0.containerPath == mount.containerPath }
            config.mounts.append(mount)
        }
        for device in devices {
            config.devices.removeAll { $0.containerPath == device.containerPath }
            config.devices.append(device)
        }
    }

    mutating func add(_ json: JSONObject, of device: String) throws(ConfigError) {
        // What is done by programs of the host around a container's start is the runtime's alone.
        for field in ["hooks", "intelRdt", "netDevices", "additionalGids"] where !json[array: field].isEmpty {
            throw ConfigError(
                "CDI device \(device): \(field): not implemented for a container runtime without CDI support")
        }
        for text in json[strings: "env"] {
            let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            guard parts.count == 2, !parts[0].isEmpty else {
                throw ConfigError("CDI device \(device): invalid environment variable \"\(text)\"")
            }
            environment.append((parts[0], parts[1]))
        }
        for node in json[array: "deviceNodes"].compactMap(\.objectValue) {
            let path = node[string: "path"]
            let host = node[string: "hostPath"]
            let permissions = node[string: "permissions"]
            devices.append(
                RuntimeDevice(
                    containerPath: path, hostPath: host.isEmpty ? path : host,
                    permissions: permissions.isEmpty ? "rwm" : permissions))
        }
        for mount in json[array: "mounts"].compactMap(\.objectValue) {
            let options = mount[strings: "options"]
            var result = RuntimeMount(
                containerPath: mount[string: "containerPath"], hostPath: mount[string: "hostPath"])
            result.readOnly = options.contains("ro")
            result.propagation =
                options.contains("rshared") || options.contains("shared")
                ? .bidirectional
                : options.contains("rslave") || options.contains("slave") ? .hostToContainer : .private
            mounts.append(result)
        }
    }
}

enum DeviceInterface {
    /// Where drivers write their specifications, what is more temporary behind what is less.
    static let directories = ["/etc/cdi", "/var/run/cdi"]

    /// What the devices of these names want together.
    static func edits(for names: [String], in directories: [String] = directories) throws(ConfigError) -> DeviceEdits {
        var edits = DeviceEdits()
        guard !names.isEmpty else { return edits }
        var specifications: [String: [JSONObject]] = [:]
        for directory in directories {
            for file in Files.list(directory) where file.hasSuffix(".json") || file.hasSuffix(".yaml") {
                guard let bytes = Files.read("\(directory)/\(file)"), bytes.count <= 1 << 20,
                    let json = try? YAML.parseOne(bytes), let specification = json.objectValue
                else { continue }
                specifications[specification[string: "kind"], default: []].append(specification)
            }
        }
        var used: Set<String> = []
        var missing: [String] = []
        for name in names {
            let parts = name.split(separator: "=", maxSplits: 1).map(String.init)
            // The last one that was written wins.
            let found =
                parts.count == 2
                ? (specifications[parts[0]] ?? []).enumerated().reversed().lazy.compactMap {
                    index, specification -> (Int, JSONObject, JSONObject)? in
                    let device = specification[array: "devices"].lazy.compactMap(\.objectValue).first {
                        $0[string: "name"] == parts[1]
                    }
                    return device.map { (index, specification, $0) }
                }.first : nil
            guard let (index, specification, device) = found else {
                missing.append(name)
                continue
            }
            // What a specification wants for all its devices comes once.
            if used.insert("\(parts[0]) \(index)").inserted {
                try edits.add(specification[object: "containerEdits"], of: name)
            }
            try edits.add(device[object: "containerEdits"], of: name)
        }
        if !missing.isEmpty {
            throw ConfigError(
                "CDI device injection failed: unresolvable CDI devices \(missing.joined(separator: ", "))")
        }
        return edits
    }
}
