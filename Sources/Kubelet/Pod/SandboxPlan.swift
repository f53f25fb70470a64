// The configuration of a pod's sandbox.

import CRI
import KubeTypes

/// What the node lends to the configuration of sandboxes and containers.
struct NodeFacts: Sendable {
    var name: String
    var ips: [String]
    var clusterDNS: [String]
    var clusterDomain: String
    var resolvConf: ResolvConf
    /// `/kubepods`
    var cgroupRoot: String
    var podLogs: String
    /// Bytes.
    var memoryCapacity: Int64
    var allocatable: [String: Quantity]
    var seccompDirectory: String
    var features = RuntimeFeatures()
}

enum SandboxPlan {
    /// What Linux allows for a host name.
    private static let longestHostname = 64

    /// - Throws: for a fully qualified name that is too long to be a host name.
    static func config(_ pod: Pod, attempt: Int, node: NodeFacts) throws(ConfigError) -> SandboxConfig {
        var config = SandboxConfig(
            metadata: SandboxMetadata(name: pod.name, namespace: pod.namespace, uid: pod.uid, attempt: attempt))
        if !pod.isHostNetwork {
            let (name, domain) = HostsFile.hostname(of: pod, clusterDomain: node.clusterDomain)
            config.hostname = pod.spec.setHostnameAsFQDN == true && !domain.isEmpty ? "\(name).\(domain)" : name
            let length = config.hostname.utf8.count
            if length > longestHostname {
                throw ConfigError(
                    "failed to construct FQDN from pod hostname and cluster domain, FQDN \(config.hostname) is too long "
                        + "(\(longestHostname) characters is the max, \(length) characters requested)")
            }
        }
        config.logDirectory = logDirectory(pod, node.podLogs)
        config.dns = ResolvConf.forPod(
            pod, node: node.resolvConf, clusterDNS: node.clusterDNS, domain: node.clusterDomain)
        config.labels = pod.labels.merging(
            [
                RuntimeKeys.podName: pod.name, RuntimeKeys.podNamespace: pod.namespace, RuntimeKeys.podUID: pod.uid,
            ], uniquingKeysWith: { $1 })
        config.annotations = pod.annotations
        if !pod.isStatic { config.annotations[StaticPodKeys.source] = "api" }
        if !pod.isHostNetwork {
            for container in pod.spec.containers + pod.spec.initContainers.filter(\.isSidecar) {
                for port in container.ports {
                    guard let hostPort = port.hostPort, hostPort > 0 else { continue }
                    config.portMappings.append(
                        RuntimePortMapping(
                            protocol: port.protocol == "UDP" ? .udp : port.protocol == "SCTP" ? .sctp : .tcp,
                            containerPort: port.containerPort, hostPort: hostPort, hostIP: port.hostIP ?? ""))
                }
            }
        }
        config.cgroupParent = PodQoS(of: pod).cgroup(root: node.cgroupRoot, uid: pod.uid)
        config.namespaces = namespaces(of: pod)
        let security = pod.spec.securityContext
        for sysctl in security?.sysctls ?? [] { config.sysctls[sysctl.name] = sysctl.value }
        config.privileged = pod.allContainers.contains { $0.securityContext?.privileged == true }
        config.runAsUser = security?.runAsUser.map { Int64($0) }
        // The runtime wants a group only together with a user.
        if config.runAsUser != nil { config.runAsGroup = security?.runAsGroup.map { Int64($0) } }
        config.supplementalGroups = groups(of: pod)
        config.strictGroups = hasStrictGroups(pod)
        return config
    }

    static func logDirectory(_ pod: Pod, _ root: String) -> String {
        "\(root)/\(pod.namespace)_\(pod.name)_\(pod.uid)"
    }

    static func namespaces(of pod: Pod) -> NamespaceOptions {
        NamespaceOptions(
            network: pod.isHostNetwork ? .node : .pod,
            pid: pod.spec.hostPID == true ? .node : pod.spec.shareProcessNamespace == true ? .pod : .container,
            ipc: pod.spec.hostIPC == true ? .node : .pod)
    }

    static func hasStrictGroups(_ pod: Pod) -> Bool {
        pod.spec.securityContext?.supplementalGroupsPolicy == "Strict"
    }

    static func groups(of pod: Pod) -> [Int64] {
        var groups = (pod.spec.securityContext?.supplementalGroups ?? []).map { Int64($0) }
        if let group = pod.spec.securityContext?.fsGroup { groups.append(Int64(group)) }
        return groups
    }
}
