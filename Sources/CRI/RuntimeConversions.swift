// From the values of RuntimeTypes to the messages on the wire and back.

import Foundation

extension SandboxConfig {
    var message: Runtime_V1_PodSandboxConfig {
        var message = Runtime_V1_PodSandboxConfig()
        message.metadata = metadata.message
        message.hostname = hostname
        message.logDirectory = logDirectory
        if let dns {
            message.dnsConfig.servers = dns.servers
            message.dnsConfig.searches = dns.searches
            message.dnsConfig.options = dns.options
        }
        message.portMappings = portMappings.map { mapping in
            var message = Runtime_V1_PortMapping()
            message.protocol =
                switch mapping.protocol {
                case .tcp: .tcp
                case .udp: .udp
                case .sctp: .sctp
                }
            message.containerPort = Int32(clamping: mapping.containerPort)
            message.hostPort = Int32(clamping: mapping.hostPort)
            message.hostIp = mapping.hostIP
            return message
        }
        message.labels = labels
        message.annotations = annotations
        message.linux.cgroupParent = cgroupParent
        message.linux.sysctls = sysctls
        var security = Runtime_V1_LinuxSandboxSecurityContext()
        security.namespaceOptions = namespaces.message
        security.privileged = privileged
        if let runAsUser { security.runAsUser.value = runAsUser }
        if let runAsGroup { security.runAsGroup.value = runAsGroup }
        security.supplementalGroups = supplementalGroups
        security.supplementalGroupsPolicy = strictGroups ? .strict : .merge
        security.seccomp = seccomp.message
        message.linux.securityContext = security
        return message
    }
}

extension SandboxMetadata {
    var message: Runtime_V1_PodSandboxMetadata {
        var message = Runtime_V1_PodSandboxMetadata()
        message.name = name
        message.namespace = namespace
        message.uid = uid
        message.attempt = UInt32(clamping: attempt)
        return message
    }

    init(_ message: Runtime_V1_PodSandboxMetadata) {
        self.init(
            name: message.name, namespace: message.namespace, uid: message.uid, attempt: Int(message.attempt))
    }
}

extension NamespaceMode {
    var message: Runtime_V1_NamespaceMode {
        switch self {
        case .pod: .pod
        case .container: .container
        case .node: .node
        case .target: .target
        }
    }

    init(_ message: Runtime_V1_NamespaceMode) {
        switch message {
        case .container: self = .container
        case .node: self = .node
        case .target: self = .target
        case .pod, .UNRECOGNIZED: self = .pod
        }
    }
}

extension NamespaceOptions {
    var message: Runtime_V1_NamespaceOption {
        var message = Runtime_V1_NamespaceOption()
        message.network = network.message
        message.pid = pid.message
        message.ipc = ipc.message
        message.targetID = target
        return message
    }
}

extension SeccompProfileSetting {
    var message: Runtime_V1_SecurityProfile {
        var message = Runtime_V1_SecurityProfile()
        switch self {
        case .unconfined: message.profileType = .unconfined
        case .runtimeDefault: message.profileType = .runtimeDefault
        case .localhost(let path):
            message.profileType = .localhost
            message.localhostRef = path
        }
        return message
    }
}

extension RuntimeStatus {
    init(_ message: Runtime_V1_StatusResponse) {
        var features = RuntimeFeatures()
        features.handlers = message.runtimeHandlers.map {
            RuntimeFeatures.Handler(
                name: $0.name, recursiveReadOnlyMounts: $0.features.recursiveReadOnlyMounts,
                userNamespaces: $0.features.userNamespaces)
        }
        features.supplementalGroupsPolicy = message.features.supplementalGroupsPolicy
        self.init(
            conditions: message.status.conditions.map {
                RuntimeCondition(type: $0.type, status: $0.status, reason: $0.reason, message: $0.message)
            }, features: features)
    }
}

extension RuntimeResources {
    var message: Runtime_V1_LinuxContainerResources {
        var message = Runtime_V1_LinuxContainerResources()
        message.cpuPeriod = cpuPeriod
        message.cpuQuota = cpuQuota
        message.cpuShares = cpuShares
        message.memoryLimitInBytes = memoryLimit
        message.oomScoreAdj = oomScoreAdj
        message.hugepageLimits = hugePageLimits.sorted { $0.key < $1.key }.map { size, bytes in
            var limit = Runtime_V1_HugepageLimit()
            limit.pageSize = size
            limit.limit = UInt64(clamping: bytes)
            return limit
        }
        return message
    }
}

extension RuntimeSecurity {
    var message: Runtime_V1_LinuxContainerSecurityContext {
        var message = Runtime_V1_LinuxContainerSecurityContext()
        message.capabilities.addCapabilities = addCapabilities
        message.capabilities.dropCapabilities = dropCapabilities
        message.privileged = privileged
        message.namespaceOptions = namespaces.message
        if let runAsUser { message.runAsUser.value = runAsUser }
        if let runAsGroup { message.runAsGroup.value = runAsGroup }
        message.runAsUsername = runAsUsername
        message.readonlyRootfs = readOnlyRootFilesystem
        message.supplementalGroups = supplementalGroups
        message.supplementalGroupsPolicy = strictGroups ? .strict : .merge
        message.noNewPrivs = noNewPrivileges
        message.maskedPaths = maskedPaths
        message.readonlyPaths = readOnlyPaths
        message.seccomp = seccomp.message
        return message
    }
}

extension ContainerConfig {
    var message: Runtime_V1_ContainerConfig {
        var message = Runtime_V1_ContainerConfig()
        message.metadata.name = name
        message.metadata.attempt = UInt32(clamping: attempt)
        message.image.image = image
        message.image.userSpecifiedImage = userSpecifiedImage
        message.command = command
        message.args = args
        message.workingDir = workingDir
        message.envs = environment.map { variable in
            var message = Runtime_V1_KeyValue()
            message.key = variable.name
            message.value = Data(variable.value.utf8)
            return message
        }
        message.mounts = mounts.map { mount in
            var message = Runtime_V1_Mount()
            message.containerPath = mount.containerPath
            message.hostPath = mount.hostPath
            message.readonly = mount.readOnly
            message.recursiveReadOnly = mount.recursiveReadOnly
            message.propagation =
                switch mount.propagation {
                case .private: .propagationPrivate
                case .hostToContainer: .propagationHostToContainer
                case .bidirectional: .propagationBidirectional
                }
            return message
        }
        message.devices = devices.map { device in
            var message = Runtime_V1_Device()
            message.containerPath = device.containerPath
            message.hostPath = device.hostPath
            message.permissions = device.permissions
            return message
        }
        message.cdiDevices = cdiDevices.map { name in .with { $0.name = name } }
        message.labels = labels
        message.annotations = annotations
        message.logPath = logPath
        message.stdin = stdin
        message.stdinOnce = stdinOnce
        message.tty = tty
        message.linux.resources = resources.message
        message.linux.securityContext = security.message
        return message
    }
}

extension RuntimeSandbox {
    init(_ message: Runtime_V1_PodSandbox) {
        self.init(
            id: message.id, metadata: SandboxMetadata(message.metadata), ready: message.state == .sandboxReady,
            createdAt: message.createdAt, labels: message.labels, annotations: message.annotations)
    }
}

extension RuntimeSandboxStatus {
    init(_ message: Runtime_V1_PodSandboxStatus) {
        let ips = [message.network.ip] + message.network.additionalIps.map(\.ip)
        self.init(
            sandbox: RuntimeSandbox(
                id: message.id, metadata: SandboxMetadata(message.metadata), ready: message.state == .sandboxReady,
                createdAt: message.createdAt, labels: message.labels, annotations: message.annotations),
            ips: ips.filter { !$0.isEmpty },
            networkMode: NamespaceMode(message.linux.namespaces.options.network))
    }
}

extension RuntimeContainerState {
    init(_ message: Runtime_V1_ContainerState) {
        switch message {
        case .containerCreated: self = .created
        case .containerRunning: self = .running
        case .containerExited: self = .exited
        case .containerUnknown, .UNRECOGNIZED: self = .unknown
        }
    }
}

extension RuntimeContainer {
    init(_ message: Runtime_V1_Container) {
        self.init(
            id: message.id, sandboxID: message.podSandboxID, name: message.metadata.name,
            attempt: Int(message.metadata.attempt), state: RuntimeContainerState(message.state),
            createdAt: message.createdAt, imageRef: message.imageRef, labels: message.labels,
            annotations: message.annotations)
    }
}

extension RuntimeContainerStatus {
    init(_ message: Runtime_V1_ContainerStatus) {
        self.init(
            id: message.id, name: message.metadata.name, attempt: Int(message.metadata.attempt),
            state: RuntimeContainerState(message.state), createdAt: message.createdAt, startedAt: message.startedAt,
            finishedAt: message.finishedAt, exitCode: Int(message.exitCode), image: message.image.image,
            imageRef: message.imageRef, imageID: message.imageID, reason: message.reason, message: message.message,
            logPath: message.logPath, labels: message.labels, annotations: message.annotations,
            mounts: message.mounts.map {
                RuntimeMount(containerPath: $0.containerPath, hostPath: $0.hostPath, readOnly: $0.readonly)
            })
    }
}

extension RuntimeImage {
    init(_ message: Runtime_V1_Image) {
        self.init(
            id: message.id, tags: message.repoTags, digests: message.repoDigests, size: message.size,
            uid: message.hasUid ? message.uid.value : nil, username: message.username)
    }
}

extension RuntimeContainerStats {
    init(_ message: Runtime_V1_ContainerStats) {
        self.init(
            id: message.attributes.id, name: message.attributes.metadata.name, labels: message.attributes.labels,
            timestamp: message.cpu.timestamp, cpuUsage: message.cpu.usageCoreNanoSeconds.value,
            memoryWorkingSet: message.memory.workingSetBytes.value, memoryUsage: message.memory.usageBytes.value,
            memoryRSS: message.memory.rssBytes.value, writableLayerBytes: message.writableLayer.usedBytes.value)
    }
}
