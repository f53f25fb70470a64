// A pod's /etc/hosts, and its host name.

import KubeTypes

enum HostsFile {
    /// The content for a pod with a network of its own.
    static func content(ips: [String], hostname: String, domain: String, aliases: [HostAlias]) -> String {
        var text = """
            # Kubernetes-managed hosts file.
            127.0.0.1\tlocalhost
            ::1\tlocalhost ip6-localhost ip6-loopback
            fe00::0\tip6-localnet
            fe00::0\tip6-mcastprefix
            fe00::1\tip6-allnodes
            fe00::2\tip6-allrouters

            """
        for ip in ips {
            text += domain.isEmpty ? "\(ip)\t\(hostname)\n" : "\(ip)\t\(hostname).\(domain)\t\(hostname)\n"
        }
        return text + lines(aliases)
    }

    /// The content for a pod in the node's network: the node's own, and the pod's aliases.
    static func content(node: String, aliases: [HostAlias]) -> String {
        "# Kubernetes-managed hosts file (host network).\n" + node + lines(aliases)
    }

    private static func lines(_ aliases: [HostAlias]) -> String {
        guard !aliases.isEmpty else { return "" }
        return "\n# Entries added by HostAliases.\n"
            + aliases.map { "\($0.ip)\t\($0.hostnames.joined(separator: "\t"))\n" }.joined()
    }

    /// The host name a pod has, and the domain that a `subdomain` puts it in.
    static func hostname(of pod: Pod, clusterDomain: String) -> (name: String, domain: String) {
        if let override = pod.spec.hostnameOverride, !override.isEmpty { return (override, "") }
        var name = pod.name
        if let wanted = pod.spec.hostname, !wanted.isEmpty {
            name = wanted
        } else if name.utf8.count > 63 {
            // A host name has at most 63 characters and does not end in a dash or a dot.
            name = String(name.prefix(63))
            while let last = name.last, last == "-" || last == "." { name.removeLast() }
        }
        guard let subdomain = pod.spec.subdomain, !subdomain.isEmpty else { return (name, "") }
        return (name, "\(subdomain).\(pod.namespace).svc.\(clusterDomain)")
    }
}
