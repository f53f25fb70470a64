// Measurements in the text format of Prometheus: what metrics servers and dashboards read.

import KubeTypes

/// Collects samples by metric, as the format wants them.
struct MetricsText {
    private struct Family {
        var kind: String
        var help: String
        var samples: [String] = []
    }

    private var order: [String] = []
    private var families: [String: Family] = [:]

    mutating func declare(_ name: String, _ kind: String, _ help: String) {
        guard families[name] == nil else { return }
        order.append(name)
        families[name] = Family(kind: kind, help: help)
    }

    /// - Parameter time: When it was measured; nil leaves it out.
    mutating func add(_ name: String, _ labels: [(String, String)], _ value: Double, at time: Time? = nil) {
        let shown = labels.map { "\($0.0)=\"\(Self.escape($0.1))\"" }.joined(separator: ",")
        var line = labels.isEmpty ? "\(name) \(Self.text(value))" : "\(name){\(shown)} \(Self.text(value))"
        if let time { line += " \(time.seconds * 1000 + Int64(time.nanoseconds) / 1_000_000)" }
        families[name]?.samples.append(line)
    }

    var text: String {
        var result = ""
        for name in order {
            guard let family = families[name], !family.samples.isEmpty else { continue }
            result += "# HELP \(name) \(family.help)\n# TYPE \(name) \(family.kind)\n"
            for sample in family.samples { result += sample + "\n" }
        }
        return result
    }

    private static func escape(_ text: String) -> String {
        var result = ""
        for character in text {
            switch character {
            case "\\": result += "\\\\"
            case "\"": result += "\\\""
            case "\n": result += "\\n"
            default: result.append(character)
            }
        }
        return result
    }

    private static func text(_ value: Double) -> String {
        value == value.rounded() && abs(value) < 1e15 ? "\(Int64(value))" : "\(value)"
    }
}

extension NodeStats {
    private static let seconds = 1e9

    /// `/metrics/resource`: the little that autoscaling needs.
    var resourceMetrics: String {
        var metrics = MetricsText()
        metrics.declare(
            "container_cpu_usage_seconds_total", "counter",
            "[STABLE] Cumulative cpu time consumed by the container in core-seconds")
        metrics.declare(
            "container_memory_working_set_bytes", "gauge",
            "[STABLE] Current working set of the container in bytes")
        metrics.declare(
            "container_start_time_seconds", "gauge",
            "[STABLE] Start time of the container since unix epoch in seconds")
        metrics.declare(
            "node_cpu_usage_seconds_total", "counter",
            "[STABLE] Cumulative cpu time consumed by the node in core-seconds")
        metrics.declare(
            "node_memory_working_set_bytes", "gauge", "[STABLE] Current working set of the node in bytes")
        metrics.declare(
            "pod_cpu_usage_seconds_total", "counter",
            "[STABLE] Cumulative cpu time consumed by the pod in core-seconds")
        metrics.declare(
            "pod_memory_working_set_bytes", "gauge", "[STABLE] Current working set of the pod in bytes")
        metrics.declare(
            "resource_scrape_error", "gauge",
            "[STABLE] 1 if there was an error while getting container metrics, 0 otherwise")
        for use in pods {
            let pod = [("namespace", use.pod.namespace), ("pod", use.pod.name)]
            for container in use.containers {
                let labels = [("container", container.name)] + pod
                metrics.add(
                    "container_cpu_usage_seconds_total", labels, Double(container.usage.cpu) / Self.seconds, at: time)
                metrics.add(
                    "container_memory_working_set_bytes", labels, Double(container.usage.workingSet), at: time)
                let started = Double(container.started.seconds) + Double(container.started.nanoseconds) / 1e9
                metrics.add("container_start_time_seconds", labels, started)
            }
            guard let usage = use.usage else { continue }
            metrics.add("pod_cpu_usage_seconds_total", pod, Double(usage.cpu) / Self.seconds, at: time)
            metrics.add("pod_memory_working_set_bytes", pod, Double(usage.workingSet), at: time)
        }
        metrics.add("node_cpu_usage_seconds_total", [], Double(machine.cpu) / Self.seconds, at: time)
        metrics.add("node_memory_working_set_bytes", [], Double(machine.workingSet), at: time)
        metrics.add("resource_scrape_error", [], 0)
        return metrics.text
    }

    /// What is left on the file systems of volumes that claims stand for.
    func addVolumeMetrics(to metrics: inout MetricsText) {
        let families: [(String, String, (VolumeUse) -> UInt64)] = [
            ("available_bytes", "Number of available bytes in the volume", { $0.room.available }),
            ("capacity_bytes", "Capacity in bytes of the volume", { $0.room.capacity }),
            ("inodes", "Maximum number of inodes in the volume", { $0.room.inodes }),
            ("inodes_free", "Number of free inodes in the volume", { $0.room.inodesFree }),
            ("inodes_used", "Number of used inodes in the volume", { $0.use.inodes }),
            ("used_bytes", "Number of used bytes in the volume", { $0.use.bytes }),
        ]
        var seen: Set<String> = []
        let volumes = pods.flatMap(\.volumes).filter { volume in
            volume.claim.map { seen.insert("\($0.namespace)/\($0.name)").inserted } ?? false
        }
        for (name, help, value) in families {
            metrics.declare("kubelet_volume_stats_\(name)", "gauge", "[ALPHA] \(help)")
            for volume in volumes {
                let labels = [
                    ("namespace", volume.claim?.namespace ?? ""), ("persistentvolumeclaim", volume.claim?.name ?? ""),
                ]
                metrics.add("kubelet_volume_stats_\(name)", labels, Double(value(volume)))
            }
        }
    }

    /// `/metrics/cadvisor`: what dashboards are made of, under the names that cAdvisor gave it.
    func cadvisorMetrics(machine inspection: NodeInspection) -> String {
        var metrics = MetricsText()
        for (name, kind, help) in Self.cadvisor { metrics.declare(name, kind, help) }
        for use in pods {
            let pod = [("namespace", use.pod.namespace), ("pod", use.pod.name)]
            if let usage = use.usage { add(usage, [("container", ""), ("image", ""), ("name", "")] + pod, &metrics) }
            for container in use.containers {
                let labels = [("container", container.name), ("image", container.image), ("name", container.id)] + pod
                add(container.usage, labels, &metrics)
                metrics.add("container_start_time_seconds", labels, Double(container.started.seconds))
                metrics.add("container_fs_usage_bytes", labels, Double(container.rootfs), at: time)
            }
            for interface in use.network?.interfaces ?? [] {
                let labels = [("interface", interface.name)] + pod
                metrics.add(
                    "container_network_receive_bytes_total", labels, Double(interface.rxBytes), at: time)
                metrics.add(
                    "container_network_transmit_bytes_total", labels, Double(interface.txBytes), at: time)
                metrics.add(
                    "container_network_receive_errors_total", labels, Double(interface.rxErrors), at: time)
                metrics.add(
                    "container_network_transmit_errors_total", labels, Double(interface.txErrors), at: time)
            }
        }
        metrics.add("machine_cpu_cores", [], Double(inspection.cores))
        metrics.add("machine_memory_bytes", [], Double(inspection.memory))
        return metrics.text
    }

    private func add(_ usage: CgroupUsage, _ labels: [(String, String)], _ metrics: inout MetricsText) {
        metrics.add(
            "container_cpu_usage_seconds_total", [("cpu", "total")] + labels, Double(usage.cpu) / Self.seconds,
            at: time)
        metrics.add("container_memory_usage_bytes", labels, Double(usage.memory), at: time)
        metrics.add("container_memory_working_set_bytes", labels, Double(usage.workingSet), at: time)
        metrics.add("container_memory_rss", labels, Double(usage.rss), at: time)
        metrics.add("container_memory_cache", labels, Double(usage.cache), at: time)
        metrics.add("container_processes", labels, Double(usage.processes), at: time)
        if let limit = usage.memoryLimit { metrics.add("container_spec_memory_limit_bytes", labels, Double(limit)) }
    }

    private static let cadvisor: [(String, String, String)] = [
        ("container_cpu_usage_seconds_total", "counter", "Cumulative cpu time consumed in seconds."),
        ("container_memory_usage_bytes", "gauge", "Current memory usage in bytes, including all memory"),
        ("container_memory_working_set_bytes", "gauge", "Current working set in bytes."),
        ("container_memory_rss", "gauge", "Size of RSS in bytes."),
        ("container_memory_cache", "gauge", "Number of bytes of page cache memory."),
        ("container_processes", "gauge", "Number of processes running inside the container."),
        ("container_spec_memory_limit_bytes", "gauge", "Memory limit for the container."),
        ("container_start_time_seconds", "gauge", "Start time of the container since unix epoch in seconds."),
        ("container_fs_usage_bytes", "gauge", "Number of bytes that are consumed by the container's layer."),
        ("container_network_receive_bytes_total", "counter", "Cumulative count of bytes received"),
        ("container_network_transmit_bytes_total", "counter", "Cumulative count of bytes transmitted"),
        ("container_network_receive_errors_total", "counter", "Cumulative count of errors encountered while receiving"),
        ("container_network_transmit_errors_total", "counter", "Cumulative count of errors while transmitting"),
        ("machine_cpu_cores", "gauge", "Number of logical CPU cores."),
        ("machine_memory_bytes", "gauge", "Amount of memory installed on the machine."),
    ]
}
