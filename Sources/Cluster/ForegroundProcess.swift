import CPlatform
import Foundation
import Logging

/// What `martlet up` and `martlet agent` do alike as processes.
enum ForegroundProcess {
    /// Sets this process up to run for long, and its log.
    static func begin(_ level: LogLevel) -> Logger {
        martlet_limit_memory_arenas()
        LoggingSystem.bootstrap { label in
            var handler = StreamLogHandler.standardError(label: label)
            handler.logLevel = level.level
            return handler
        }
        var logger = Logger(label: "martlet") { StreamLogHandler.standardError(label: $0) }
        logger.logLevel = level.level
        return logger
    }

    /// When this process began, so that the time to load it counts as well.
    static func start() -> ContinuousClock.Instant {
        let now = ContinuousClock.now
        guard let stat = try? String(contentsOfFile: "/proc/self/stat", encoding: .utf8),
            let uptime = try? String(contentsOfFile: "/proc/uptime", encoding: .utf8),
            let up = uptime.split(separator: " ").first.flatMap({ Double($0) }),
            let ticks = stat.split(separator: ")").last?.split(separator: " ").dropFirst(19).first.flatMap({
                Double($0)
            })
        else { return now }
        return now - .seconds(max(0, up - ticks / Double(sysconf(Int32(_SC_CLK_TCK)))))
    }

    static func milliseconds(since start: ContinuousClock.Instant) -> Int {
        let passed = (ContinuousClock.now - start).components
        return Int(passed.seconds) * 1000 + Int(passed.attoseconds / 1_000_000_000_000_000)
    }
}
