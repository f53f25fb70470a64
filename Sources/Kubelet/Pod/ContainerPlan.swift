// The configuration of one container of a pod.

import CRI
import Crypto
import JSON
import KubeTypes

/// All that a container's configuration is made from.
struct ContainerPlan {
    var pod: Pod
    var container: Container
    var attempt: Int
    /// The image's name or id for the runtime, and what it says about its user.
    var image: RuntimeImage
    var imageReference: String
    var environment: [(name: String, value: String)]
    /// Where volumes are on the node, by their names.
    var volumes: [String: PreparedVolume]
    /// Where `/etc/hosts` of the pod is on the node; nil leaves the image's.
    var hostsFile: String?
    /// The file for the termination message on the node.
    var terminationLog: String?
    var node: NodeFacts
    /// Names of devices that drivers have made ready, and what the container needs for them where the runtime does not
    /// know such names.
    var cdiDevices: [String] = []
    var deviceEdits = DeviceEdits()
    /// The container whose processes an ephemeral one is to see, by its id.
    var targetContainer: String?

    func config() throws(ConfigError) -> ContainerConfig {
        var config = ContainerConfig(name: container.name, attempt: attempt, image: imageReference)
        config.userSpecifiedImage = container.image ?? ""
        let lookup = Dictionary(environment.map { ($0.name, $0.value) }, uniquingKeysWith: { $1 })
        config.command = container.command.map { expand($0) { lookup[$0] } }
        config.args = container.args.map { expand($0) { lookup[$0] } }
        config.workingDir = container.workingDir ?? ""
        config.environment = environment
        config.mounts = try mounts(lookup)
        config.devices = try devices()
        config.cdiDevices = cdiDevices
        deviceEdits.apply(to: &config)
        config.labels = [
            RuntimeKeys.podName: pod.name, RuntimeKeys.podNamespace: pod.namespace, RuntimeKeys.podUID: pod.uid,
            RuntimeKeys.containerName: container.name,
        ]
        config.annotations = [
            RuntimeKeys.hash: Self.hash(container), RuntimeKeys.restartCount: "\(attempt)",
            RuntimeKeys.terminationMessagePath: container.terminationMessagePath ?? "/dev/termination-log",
            RuntimeKeys.terminationMessagePolicy: container.terminationMessagePolicy ?? "File",
            RuntimeKeys.resources: Self.text(of: container.resources),
        ]
        if let grace = pod.spec.terminationGracePeriodSeconds {
            config.annotations[RuntimeKeys.gracePeriod] = "\(grace)"
        }
        config.logPath = "\(container.name)/\(attempt).log"
        config.stdin = container.stdin == true
        config.stdinOnce = container.stdinOnce == true
        config.tty = container.tty == true
        config.resources = PodQoS(of: pod).resources(
            of: container, pod: pod, memoryCapacity: node.memoryCapacity)
        for name in node.allocatable.keys {
            guard let size = HugePages.size(of: name) else { continue }
            let limit = container.resources?.limits[name]?.value ?? 0
            config.resources.hugePageLimits[HugePages.kernelName(size)] = limit
        }
        config.security = try security()
        return config
    }

    /// Tells a changed definition from the one that a running container was made from. Only the image can change in a
    /// pod that exists.
    static func hash(_ container: Container) -> String {
        let text = JSONWriter.bytes(of: [
            "name": .string(container.name), "image": .string(container.image ?? ""),
        ])
        return SHA256.hash(data: text).prefix(4).hexadecimal()
    }

    /// Resources as an annotation keeps them.
    static func text(of resources: ResourceRequirements?) -> String {
        String(decoding: JSONWriter.bytes(of: resources?.json ?? [:]), as: UTF8.self)
    }

    // MARK: Mounts

    private func mounts(_ variables: [String: String]) throws(ConfigError) -> [RuntimeMount] {
        var mounts: [RuntimeMount] = []
        var hosts = hostsFile
        for mount in container.volumeMounts {
            guard let volume = volumes[mount.name] else {
                throw ConfigError("cannot find volume \"\(mount.name)\" to mount into container \"\(container.name)\"")
            }
            if volume.isBlock {
                throw ConfigError("volume \(mount.name) has volumeMode Block, but is specified in volumeMounts")
            }
            if mount.mountPath == "/etc/hosts" { hosts = nil }
            var path = volume.path
            var subPath = mount.subPath ?? ""
            if let template = mount.subPathExpr, !template.isEmpty {
                subPath = expand(template) { variables[$0] }
                if subPath.contains("$(") {
                    throw ConfigError("failed to expand subPathExpr of volume \(mount.name)")
                }
            }
            if !subPath.isEmpty { path = try volume.subPath(subPath) }
            let propagation: RuntimeMount.Propagation =
                switch mount.mountPropagation {
                case "HostToContainer": .hostToContainer
                case "Bidirectional": .bidirectional
                default: .private
                }
            let target = mount.mountPath.hasPrefix("/") ? mount.mountPath : "/" + mount.mountPath
            let isRecursive = mount.isReadOnlyRecursively(node.features)
            if mount.recursiveReadOnly == "Enabled", !isRecursive {
                throw ConfigError(
                    "volume \"\(mount.name)\" requested recursive read-only mode, but it is not supported by the runtime"
                )
            }
            mounts.append(
                RuntimeMount(
                    containerPath: target, hostPath: path, readOnly: mount.readOnly == true || volume.readOnly,
                    recursiveReadOnly: isRecursive, propagation: propagation))
        }
        if let hosts { mounts.append(RuntimeMount(containerPath: "/etc/hosts", hostPath: hosts)) }
        if let terminationLog {
            let target = container.terminationMessagePath ?? "/dev/termination-log"
            mounts.append(RuntimeMount(containerPath: target, hostPath: terminationLog))
        }
        return mounts
    }

    /// Volumes that the container has as devices.
    private func devices() throws(ConfigError) -> [RuntimeDevice] {
        var devices: [RuntimeDevice] = []
        for device in container.volumeDevices {
            guard let volume = volumes[device.name] else {
                throw ConfigError("cannot find volume \"\(device.name)\" to pass into container \"\(container.name)\"")
            }
            guard volume.isBlock else {
                throw ConfigError("volume \(device.name) has volumeMode Filesystem, but is specified in volumeDevices")
            }
            devices.append(
                RuntimeDevice(
                    containerPath: device.devicePath, hostPath: volume.path, permissions: volume.readOnly ? "r" : "mrw")
            )
        }
        return devices
    }

    // MARK: Security

    private func security() throws(ConfigError) -> RuntimeSecurity {
        let own = container.securityContext
        let shared = pod.spec.securityContext
        var result = RuntimeSecurity()
        result.privileged = own?.privileged == true
        result.namespaces = SandboxPlan.namespaces(of: pod)
        if let targetContainer, result.namespaces.pid == .container {
            result.namespaces.pid = .target
            result.namespaces.target = targetContainer
        }
        result.readOnlyRootFilesystem = own?.readOnlyRootFilesystem == true
        result.noNewPrivileges = own?.allowPrivilegeEscalation == false
        result.addCapabilities = own?.capabilities?.add ?? []
        result.dropCapabilities = own?.capabilities?.drop ?? []
        result.supplementalGroups = SandboxPlan.groups(of: pod)
        result.strictGroups = SandboxPlan.hasStrictGroups(pod)
        let user = own?.runAsUser ?? shared?.runAsUser
        if let user {
            result.runAsUser = Int64(user)
        } else if let uid = image.uid {
            result.runAsUser = uid
        } else if !image.username.isEmpty {
            result.runAsUsername = image.username
        }
        if let group = own?.runAsGroup ?? shared?.runAsGroup {
            result.runAsGroup = Int64(group)
            // The runtime wants a group only together with a user; an image without one runs as root.
            if result.runAsUser == nil, result.runAsUsername.isEmpty { result.runAsUser = 0 }
        }
        if own?.runAsNonRoot ?? shared?.runAsNonRoot ?? false { try checkNonRoot(user) }
        let seccomp = own?.seccompProfile ?? shared?.seccompProfile
        switch seccomp?.type {
        case "RuntimeDefault": result.seccomp = .runtimeDefault
        case "Localhost": result.seccomp = .localhost("\(node.seccompDirectory)/\(seccomp?.localhostProfile ?? "")")
        default: result.seccomp = .unconfined
        }
        if !result.privileged, own?.procMount != "Unmasked" {
            result.maskedPaths = [
                "/proc/asound", "/proc/acpi", "/proc/interrupts", "/proc/kcore", "/proc/keys", "/proc/latency_stats",
                "/proc/timer_list", "/proc/timer_stats", "/proc/sched_debug", "/proc/scsi", "/sys/firmware",
                "/sys/devices/virtual/powercap",
            ]
            result.readOnlyPaths = ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"]
        }
        return result
    }

    private func checkNonRoot(_ user: Int?) throws(ConfigError) {
        let who = "(pod: \"\(pod.logName)\", container: \(container.name))"
        if let user {
            if user == 0 { throw ConfigError("container's runAsUser breaks non-root policy \(who)") }
            return
        }
        if image.uid == 0 || (image.uid == nil && image.username.isEmpty) {
            throw ConfigError("container has runAsNonRoot and image will run as root \(who)")
        }
        if !image.username.isEmpty {
            throw ConfigError(
                "container has runAsNonRoot and image has non-numeric user (\(image.username)), cannot verify user is "
                    + "non-root \(who)")
        }
    }
}

extension VolumeMount {
    /// Whether the mounts within it are read-only too (KEP-3857): where that is asked for, or possible.
    func isReadOnlyRecursively(_ features: RuntimeFeatures) -> Bool {
        guard readOnly == true, mountPropagation ?? "None" == "None", let wanted = recursiveReadOnly else {
            return false
        }
        return wanted != "Disabled" && features.recursiveReadOnlyMounts
    }
}
