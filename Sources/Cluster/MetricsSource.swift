// What the kubelets' summaries say, collected when somebody asks and kept for a few seconds.

import Foundation
import JSON
import KubeClient
import KubeTypes

struct MeasuredUsage: Sendable, Equatable {
    /// Nanoseconds of one core in a second.
    var nanoCores: Int64
    /// Bytes of the working set.
    var memory: Int64
}

struct MeasuredNode: Sendable, Equatable {
    var name: String
    var labels: [String: String]
    var time: String
    var usage: MeasuredUsage
}

struct MeasuredPod: Sendable, Equatable {
    struct Container: Sendable, Equatable {
        var name: String
        var usage: MeasuredUsage
    }

    var namespace: String
    var name: String
    var labels: [String: String]
    var time: String
    var containers: [Container]
}

struct Measured: Sendable, Equatable {
    var nodes: [MeasuredNode] = []
    var pods: [MeasuredPod] = []

    /// Adds one kubelet's `/stats/summary`. What has no rate yet is left out, as if it did not run.
    /// - Parameter labels: Of a pod, by namespace and name.
    mutating func add(_ summary: JSONValue, node: Node, labels: (String, String) -> [String: String]) {
        if let usage = Self.usage(summary["node"]) {
            nodes.append(
                MeasuredNode(
                    name: node.name, labels: node.labels,
                    time: summary[path: "node", "cpu", "time"]?.stringValue ?? "", usage: usage))
        }
        for entry in summary["pods"]?.arrayValue ?? [] {
            let name = entry[path: "podRef", "name"]?.stringValue ?? ""
            let namespace = entry[path: "podRef", "namespace"]?.stringValue ?? ""
            let containers = (entry["containers"]?.arrayValue ?? []).compactMap { container in
                Self.usage(container).map {
                    MeasuredPod.Container(name: container["name"]?.stringValue ?? "", usage: $0)
                }
            }
            guard !containers.isEmpty else { continue }
            let time = entry["containers"]?.arrayValue?.first?[path: "cpu", "time"]?.stringValue ?? ""
            pods.append(
                MeasuredPod(
                    namespace: namespace, name: name, labels: labels(namespace, name), time: time,
                    containers: containers))
        }
    }

    private static func usage(_ json: JSONValue?) -> MeasuredUsage? {
        guard let cpu = json?[path: "cpu", "usageNanoCores"]?.intValue,
            let memory = json?[path: "memory", "workingSetBytes"]?.intValue
        else { return nil }
        return MeasuredUsage(nanoCores: Int64(cpu), memory: Int64(memory))
    }
}

actor MetricsSource {
    private let client: KubeClient
    private let kubelets: KubeletProxy
    private var last: (at: ContinuousClock.Instant, measured: Measured)?
    private var collecting: Task<Measured, Never>?
    private static let freshFor = Duration.seconds(5)

    init(client: KubeClient, kubelets: KubeletProxy) {
        self.client = client
        self.kubelets = kubelets
    }

    func measured() async -> Measured {
        if let last, ContinuousClock.now - last.at < Self.freshFor { return last.measured }
        if let collecting { return await collecting.value }
        let task = Task { await collect() }
        collecting = task
        let result = await task.value
        collecting = nil
        last = (.now, result)
        return result
    }

    private func collect() async -> Measured {
        guard let nodes = try? await client.list(Node.self).items, let pods = try? await client.list(Pod.self).items
        else { return Measured() }
        let labels = Dictionary(
            pods.map { ("\($0.namespace)/\($0.name)", $0.labels) }, uniquingKeysWith: { first, _ in first })
        let kubelets = kubelets
        return await withTaskGroup(of: (Node, JSONValue?).self) { group in
            for node in nodes {
                group.addTask { (node, await kubelets.summary(of: node)) }
            }
            var measured = Measured()
            for await (node, summary) in group {
                if let summary { measured.add(summary, node: node) { labels["\($0)/\($1)"] ?? [:] } }
            }
            measured.nodes.sort { $0.name < $1.name }
            measured.pods.sort { ($0.namespace, $0.name) < ($1.namespace, $1.name) }
            return measured
        }
    }
}
