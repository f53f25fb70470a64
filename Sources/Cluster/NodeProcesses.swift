import CRI
import Foundation

/// All processes of a node in a data directory: its agent, its containerd, the shims and what runs below them.
struct NodeProcesses: Sendable {
    private let directory: DataDirectory

    init(_ directory: DataDirectory) { self.directory = directory }

    /// A process as `/proc` shows it.
    struct Process: Sendable, Hashable {
        var pid: pid_t
        var parent: pid_t
        var command: String
    }

    /// Ends all of them at once, as a loss of power does: nothing gets to tidy up.
    func kill() async {
        // What starts a process may be quicker than we.
        for _ in 0..<20 {
            let found = Self.ordered(Self.all(), containerd: directory.containerd, agent: agent)
            if found.isEmpty { return }
            for pid in found { Glibc.kill(pid, SIGKILL) }
            try? await Task.sleep(for: .milliseconds(50))
        }
    }

    private var agent: pid_t? {
        guard FileLock.isHeld(path: directory.lock) else { return nil }
        return RunState(path: directory.runState)?.pid
    }

    /// The agent first, which would mend what comes after; then containerd and what runs in containers, and the shims
    /// last, so that nothing is left without the process by which it is found.
    static func ordered(_ processes: [Process], containerd: String, agent: pid_t?) -> [pid_t] {
        let roots = processes.filter { $0.command.contains("\(containerd)/") && $0.pid != agent }.map(\.pid)
        var children: [pid_t: [pid_t]] = [:]
        for process in processes { children[process.parent, default: []].append(process.pid) }
        var below: [pid_t] = []
        var next = roots
        while let pid = next.popLast() {
            for child in children[pid] ?? [] where !roots.contains(child) && !below.contains(child) {
                below.append(child)
                next.append(child)
            }
        }
        let isShim = Set(processes.filter { $0.command.contains("containerd-shim") }.map(\.pid))
        return [agent].compactMap { $0 } + roots.filter { !isShim.contains($0) } + below
            + roots.filter { isShim.contains($0) }
    }

    private static func all() -> [Process] {
        Files.list("/proc").compactMap { name in
            guard let pid = pid_t(name), pid > 1,
                let fields = Files.text("/proc/\(name)/stat")?.split(separator: ")").last?.split(separator: " "),
                fields.count > 1, fields[0] != "Z", let parent = pid_t(fields[1])
            else { return nil }
            let command = String(decoding: Files.read("/proc/\(name)/cmdline") ?? [], as: UTF8.self)
            return Process(pid: pid, parent: parent, command: command)
        }
    }
}
