// What a pod's resolv.conf says.

import CRI
import KubeTypes

/// The node's own resolv.conf, taken apart.
struct ResolvConf: Sendable, Equatable {
    var servers: [String] = []
    var searches: [String] = []
    var options: [String] = []

    init(servers: [String] = [], searches: [String] = [], options: [String] = []) {
        self.servers = servers
        self.searches = searches
        self.options = options
    }

    init(parsing text: String) {
        for line in text.split(whereSeparator: \.isNewline) {
            let words = line.prefix { $0 != "#" && $0 != ";" }.split(whereSeparator: \.isWhitespace).map(String.init)
            guard let keyword = words.first else { continue }
            switch keyword {
            case "nameserver": if words.count > 1 { servers.append(words[1]) }
            // The last line of these wins.
            case "search":
                searches = words.dropFirst().map { $0.count > 1 && $0.hasSuffix(".") ? String($0.dropLast()) : $0 }
            case "options": options = Array(words.dropFirst())
            default: break
            }
        }
    }

    /// What the pod gets by its `dnsPolicy` and `dnsConfig`.
    ///
    /// Specified in the Kubernetes documentation, *DNS for Services and Pods*. Without a cluster DNS, `ClusterFirst`
    /// is the node's.
    static func forPod(_ pod: Pod, node: ResolvConf, clusterDNS: [String], domain: String) -> RuntimeDNS {
        var result = RuntimeDNS()
        func useNode() {
            result.servers = node.servers
            result.searches = node.searches
            result.options = node.options
        }
        let policy = pod.spec.dnsPolicy ?? "ClusterFirst"
        let cluster = policy == "ClusterFirstWithHostNet" || (policy == "ClusterFirst" && !pod.isHostNetwork)
        if policy == "None" {
        } else if cluster, !clusterDNS.isEmpty {
            result.servers = clusterDNS
            result.searches =
                domain.isEmpty ? [] : ["\(pod.namespace).svc.\(domain)", "svc.\(domain)", domain]
            for search in node.searches where !result.searches.contains(search) { result.searches.append(search) }
            result.options = ["ndots:5"]
        } else {
            useNode()
        }
        if let config = pod.spec.dnsConfig {
            result.servers = unique(result.servers + config.nameservers)
            result.searches = unique(result.searches + config.searches)
            var options = result.options
            for option in config.options {
                let name = option.name ?? ""
                options.removeAll { $0 == name || $0.hasPrefix(name + ":") }
                options.append(option.value.map { "\(name):\($0)" } ?? name)
            }
            result.options = options
        }
        // The limits of the API: three servers, 32 domains of together 2048 characters.
        result.servers = Array(result.servers.prefix(3))
        result.searches = Array(result.searches.prefix(32))
        while result.searches.joined(separator: " ").utf8.count > 2048 { result.searches.removeLast() }
        return result
    }

    private static func unique(_ list: [String]) -> [String] {
        var seen: Set<String> = []
        return list.filter { seen.insert($0).inserted }
    }
}
