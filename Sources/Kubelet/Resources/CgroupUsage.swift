// What a control group uses, read from the kernel's files of either version.

import CRI
import Glibc

struct CgroupUsage: Sendable, Equatable {
    /// Nanoseconds of one core since the group was made.
    var cpu: UInt64 = 0
    /// Bytes.
    var memory: UInt64 = 0
    /// Bytes that cannot be taken back without harm: all but the file pages that were not used lately.
    var workingSet: UInt64 = 0
    var rss: UInt64 = 0
    var cache: UInt64 = 0
    var pageFaults: UInt64 = 0
    var majorPageFaults: UInt64 = 0
    var processes: UInt64 = 0
    /// Bytes; nil is no limit.
    var memoryLimit: UInt64?

    /// `name value` lines.
    static func table(_ text: String) -> [Substring: UInt64] {
        var result: [Substring: UInt64] = [:]
        for line in text.split(separator: "\n") {
            let parts = line.split(separator: " ")
            if parts.count == 2, let value = UInt64(parts[1]) { result[parts[0]] = value }
        }
        return result
    }
}

extension CgroupTree {
    /// Nil where there is no such group.
    func usage(_ path: String) -> CgroupUsage? {
        func number(_ controller: String, _ name: String) -> UInt64? {
            Files.text(file(controller, path, name)).flatMap { UInt64($0.prefix { !$0.isWhitespace }) }
        }
        func table(_ controller: String, _ name: String) -> [Substring: UInt64] {
            CgroupUsage.table(Files.text(file(controller, path, name)) ?? "")
        }
        var usage = CgroupUsage()
        let memory = table("memory", "memory.stat")
        if isUnified {
            guard Files.exists(mount + path) else { return nil }
            usage.cpu = (table("cpu", "cpu.stat")["usage_usec"] ?? 0) * 1000
            usage.memory = number("memory", "memory.current") ?? 0
            usage.rss = memory["anon"] ?? 0
            usage.cache = memory["file"] ?? 0
            usage.pageFaults = memory["pgfault"] ?? 0
            usage.majorPageFaults = memory["pgmajfault"] ?? 0
            usage.memoryLimit = number("memory", "memory.max")
            let inactive = memory["inactive_file"] ?? 0
            usage.workingSet = usage.memory > inactive ? usage.memory - inactive : 0
        } else {
            guard let cpu = number("cpuacct", "cpuacct.usage") else { return nil }
            usage.cpu = cpu
            usage.memory = number("memory", "memory.usage_in_bytes") ?? 0
            usage.rss = memory["total_rss"] ?? 0
            usage.cache = memory["total_cache"] ?? 0
            usage.pageFaults = memory["total_pgfault"] ?? 0
            usage.majorPageFaults = memory["total_pgmajfault"] ?? 0
            let limit = number("memory", "memory.limit_in_bytes") ?? 0
            // "No limit" is the largest number of pages there can be.
            usage.memoryLimit = limit > 0 && limit < 1 << 62 ? limit : nil
            let inactive = memory["total_inactive_file"] ?? 0
            usage.workingSet = usage.memory > inactive ? usage.memory - inactive : 0
        }
        usage.processes = number("pids", "pids.current") ?? 0
        return usage
    }

    /// The processes of a group.
    func processes(_ path: String) -> [Int32] {
        (Files.text(file("cpu", path, "cgroup.procs")) ?? "").split(separator: "\n").compactMap { Int32($0) }
    }

    /// The process that a container began with: the first one of its own process namespace, or the oldest there is.
    func firstProcess(_ path: String) -> Int32? {
        let all = processes(path)
        return all.first { process in
            let lines = (Files.text("/proc/\(process)/status") ?? "").split(separator: "\n")
            let numbers = lines.first { $0.hasPrefix("NSpid:") }?.split(whereSeparator: \.isWhitespace) ?? []
            return numbers.count > 2 && numbers.last == "1"
        } ?? all.min()
    }
}

/// What a network namespace has carried.
struct NetworkUsage: Sendable, Equatable {
    struct Interface: Sendable, Equatable {
        var name: String
        var rxBytes: UInt64
        var rxErrors: UInt64
        var txBytes: UInt64
        var txErrors: UInt64
    }

    var interfaces: [Interface]

    /// The interface that leads out: `eth0`, or the first that is not the loopback.
    var main: Interface? { interfaces.first { $0.name == "eth0" } ?? interfaces.first }

    /// `/proc/PID/net/dev`
    init(parsing text: String) {
        interfaces = text.split(separator: "\n").dropFirst(2).compactMap { line in
            let parts = line.split(separator: ":", maxSplits: 1)
            guard parts.count == 2 else { return nil }
            let name = parts[0].trimmingPrefix { $0 == " " }
            let numbers = parts[1].split(separator: " ").map { UInt64($0) ?? 0 }
            guard numbers.count >= 11, name != "lo" else { return nil }
            return Interface(
                name: String(name), rxBytes: numbers[0], rxErrors: numbers[2], txBytes: numbers[8],
                txErrors: numbers[10])
        }
    }
}

/// A file system's size and what is left of it.
struct FilesystemRoom: Sendable, Equatable {
    /// Bytes.
    var capacity: UInt64 = 0
    var available: UInt64 = 0
    var inodes: UInt64 = 0
    var inodesFree: UInt64 = 0

    var used: UInt64 { capacity > available ? capacity - available : 0 }

    static func of(_ path: String) -> FilesystemRoom? {
        var info = statvfs()
        guard statvfs(path, &info) == 0 else { return nil }
        let block = UInt64(info.f_frsize)
        return FilesystemRoom(
            capacity: UInt64(info.f_blocks) * block, available: UInt64(info.f_bavail) * block,
            inodes: UInt64(info.f_files), inodesFree: UInt64(info.f_ffree))
    }
}

/// What a directory takes on its disk, without what is mounted in it.
struct DirectoryUse: Sendable, Equatable {
    /// Bytes.
    var bytes: UInt64 = 0
    var inodes: UInt64 = 0

    static func of(_ path: String) -> DirectoryUse {
        var info = stat()
        guard lstat(path, &info) == 0 else { return DirectoryUse() }
        var use = DirectoryUse()
        add(path, device: info.st_dev, &use)
        return use
    }

    private static func add(_ path: String, device: dev_t, _ use: inout DirectoryUse) {
        var info = stat()
        guard lstat(path, &info) == 0, info.st_dev == device else { return }
        use.bytes += UInt64(max(0, info.st_blocks)) * 512
        use.inodes += 1
        guard info.st_mode & S_IFMT == S_IFDIR else { return }
        for name in Files.list(path) { add("\(path)/\(name)", device: device, &use) }
    }
}

/// What the whole machine uses.
struct MachineUsage: Sendable, Equatable {
    /// Nanoseconds of one core since boot.
    var cpu: UInt64 = 0
    /// Bytes.
    var memory: UInt64 = 0
    var workingSet: UInt64 = 0
    var available: UInt64 = 0
    var processes: UInt64 = 0
    var maxProcesses: UInt64 = 0

    static func read() -> MachineUsage {
        MachineUsage(
            stat: Files.text("/proc/stat") ?? "", meminfo: Files.text("/proc/meminfo") ?? "",
            loadavg: Files.text("/proc/loadavg") ?? "", pidMax: Files.text("/proc/sys/kernel/pid_max") ?? "",
            threadsMax: Files.text("/proc/sys/kernel/threads-max") ?? "")
    }

    init() {}

    init(stat: String, meminfo: String, loadavg: String, pidMax: String, threadsMax: String) {
        if let line = stat.split(separator: "\n").first(where: { $0.hasPrefix("cpu ") }) {
            let numbers = line.split(separator: " ").dropFirst().map { UInt64($0) ?? 0 }
            // In hundredths of a second. All but idle, waiting and stolen; guests are counted in user and nice.
            let busy = numbers.enumerated().filter { ![3, 4, 7, 8, 9].contains($0.offset) }
            cpu = busy.reduce(0) { $0 + $1.element } * 10_000_000
        }
        var fields: [Substring: UInt64] = [:]
        for line in meminfo.split(separator: "\n") {
            let parts = line.split(separator: " ")
            if parts.count >= 2, let value = UInt64(parts[1]) { fields[parts[0].dropLast()] = value * 1024 }
        }
        let total = fields["MemTotal"] ?? 0
        memory = total - min(total, fields["MemFree"] ?? 0)
        workingSet = memory - min(memory, fields["Inactive(file)"] ?? 0)
        available = total - min(total, workingSet)
        let running = loadavg.split(separator: " ").dropFirst(3).first?.split(separator: "/").last
        processes = running.flatMap { UInt64($0) } ?? 0
        func number(_ text: String) -> UInt64 { UInt64(text.prefix { $0.isNumber }) ?? 0 }
        let limits = [number(pidMax), number(threadsMax)].filter { $0 > 0 }
        maxProcesses = limits.min() ?? 0
    }
}
