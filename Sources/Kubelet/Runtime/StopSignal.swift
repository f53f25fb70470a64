// The signals by which a container can ask to be ended (KEP-4960).

enum StopSignal {
    private static let numbers: [String: Int32] = [
        "SIGHUP": 1, "SIGINT": 2, "SIGQUIT": 3, "SIGILL": 4, "SIGTRAP": 5, "SIGABRT": 6, "SIGBUS": 7, "SIGFPE": 8,
        "SIGKILL": 9, "SIGUSR1": 10, "SIGSEGV": 11, "SIGUSR2": 12, "SIGPIPE": 13, "SIGALRM": 14, "SIGTERM": 15,
        "SIGSTKFLT": 16, "SIGCHLD": 17, "SIGCONT": 18, "SIGSTOP": 19, "SIGTSTP": 20, "SIGTTIN": 21, "SIGTTOU": 22,
        "SIGURG": 23, "SIGXCPU": 24, "SIGXFSZ": 25, "SIGVTALRM": 26, "SIGPROF": 27, "SIGWINCH": 28, "SIGIO": 29,
        "SIGPWR": 30, "SIGSYS": 31,
    ]

    /// `SIGUSR1`, `SIGRTMIN+3`, `SIGRTMAX-2` as Linux numbers them; nil for a name that is none.
    static func number(_ name: String) -> Int32? {
        if let known = numbers[name] { return known }
        for (prefix, base, sign) in [("SIGRTMIN", Int32(34), Int32(1)), ("SIGRTMAX", 64, -1)]
        where name.hasPrefix(prefix) {
            let rest = name.dropFirst(prefix.count)
            guard !rest.isEmpty else { return base }
            guard rest.first == (sign > 0 ? "+" : "-"), let offset = Int32(rest.dropFirst()), (0...30).contains(offset)
            else { return nil }
            return base + sign * offset
        }
        return nil
    }
}
