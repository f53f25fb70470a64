// What this machine is: processors, memory, disk, names, versions.

import CRI
import Glibc
import JSON
import KubeTypes

/// Reads what the node's status tells about the machine. The parsers are pure; `read` looks at the files.
struct NodeInspection: Sendable, Equatable {
    var cores: Int
    /// Bytes.
    var memory: Int64
    var disk: Int64
    var kernel: String
    var machineID: String
    var systemUUID: String
    var bootID: String
    var osImage: String
    /// Go's name of the processor.
    var architecture: String
    /// Bytes that the kernel keeps in huge pages, by the resources' names.
    var hugePages: [String: Int64] = [:]

    /// What the machine itself has.
    static let resources: Set = ["cpu", "memory", "ephemeral-storage", "pods"]

    static func read(dataDir: String) -> NodeInspection {
        var system = utsname()
        uname(&system)
        let kernel = withUnsafeBytes(of: &system.release) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
        func line(_ path: String) -> String {
            (Files.text(path) ?? "").split(whereSeparator: \.isNewline).first.map(String.init) ?? ""
        }
        var disk = statvfs()
        let bytes = statvfs(dataDir, &disk) == 0 ? Int64(disk.f_blocks) * Int64(disk.f_frsize) : 0
        return NodeInspection(
            cores: max(1, Int(sysconf(Int32(_SC_NPROCESSORS_ONLN)))),
            memory: memory(meminfo: Files.text("/proc/meminfo") ?? ""), disk: bytes, kernel: kernel,
            machineID: line("/etc/machine-id"), systemUUID: line("/sys/class/dmi/id/product_uuid"),
            bootID: line("/proc/sys/kernel/random/boot_id"),
            osImage: osName(release: Files.text("/etc/os-release") ?? ""),
            architecture: OCIImageWriter.nativeArchitecture,
            hugePages: HugePages.reserved(in: "/sys/kernel/mm/hugepages"))
    }

    /// Bytes of all memory, from `/proc/meminfo`.
    static func memory(meminfo: String) -> Int64 {
        for line in meminfo.split(separator: "\n") where line.hasPrefix("MemTotal:") {
            let kilobytes = line.split(separator: " ").dropFirst().first.flatMap { Int64($0) }
            return (kilobytes ?? 0) * 1024
        }
        return 0
    }

    /// `PRETTY_NAME` of `/etc/os-release`.
    static func osName(release: String) -> String {
        for line in release.split(separator: "\n") where line.hasPrefix("PRETTY_NAME=") {
            return line.dropFirst("PRETTY_NAME=".count).filter { $0 != "\"" }
        }
        return "Linux"
    }

    private static func quantity(_ text: String) -> Quantity { Quantity(text) ?? zero }
    private static let zero: Quantity = {
        guard let zero = Quantity("0") else { preconditionFailure("0 is a quantity") }
        return zero
    }()

    func capacity(maxPods: Int) -> [String: Quantity] {
        hugePages.mapValues { Quantity($0, format: .binary) }.merging(
            [
                "cpu": Self.quantity("\(cores)"), "memory": Self.quantity("\(memory / 1024)Ki"),
                "ephemeral-storage": Self.quantity("\(disk / 1024)Ki"), "pods": Self.quantity("\(maxPods)"),
            ], uniquingKeysWith: { $1 })
    }

    /// What pods may use: the capacity without what upstream's eviction thresholds keep free, and without memory that only
    /// huge pages are made of.
    func allocatable(maxPods: Int) -> [String: Quantity] {
        var result = capacity(maxPods: maxPods)
        let usual = memory - hugePages.values.reduce(0, +)
        result["memory"] = Self.quantity("\(max(0, usual / 1024 - 100 * 1024))Ki")
        result["ephemeral-storage"] = Self.quantity("\(disk / 10 * 9)")
        return result
    }
}
