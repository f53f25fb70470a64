// What is counted about calls to webhooks, in Prometheus' text format.

import Synchronization

final class WebhookMetrics: Sendable {
    private struct Key: Hashable {
        var name: String
        /// 0 where no answer came.
        var code: Int
    }

    private let calls = Mutex<[Key: (count: Int, seconds: Double)]>([:])
    /// Names are those of configurations: many, but not for a client to fill memory with.
    private static let limit = 1000

    /// - Parameter started: `SystemClock.monotonic()` before the call.
    func record(_ name: String, code: Int, since started: UInt64) {
        let seconds = Double(SystemClock.monotonic() - started) / 1e9
        let key = Key(name: name, code: code)
        calls.withLock { calls in
            if calls.count >= Self.limit, calls[key] == nil { return }
            let before = calls[key] ?? (0, 0)
            calls[key] = (before.count + 1, before.seconds + seconds)
        }
    }

    var text: String {
        let calls = calls.withLock { $0 }.sorted { ($0.key.name, $0.key.code) < ($1.key.name, $1.key.code) }
        if calls.isEmpty { return "" }
        var text = "# HELP apiserver_admission_webhook_request_total Calls to admission webhooks, by answer.\n"
        text += "# TYPE apiserver_admission_webhook_request_total counter\n"
        for (key, call) in calls {
            text +=
                "apiserver_admission_webhook_request_total{code=\"\(key.code)\",name=\"\(key.name)\"} \(call.count)\n"
        }
        text += "# HELP apiserver_admission_webhook_admission_duration_seconds Time that calls to webhooks took.\n"
        text += "# TYPE apiserver_admission_webhook_admission_duration_seconds summary\n"
        for (key, call) in calls {
            let labels = "code=\"\(key.code)\",name=\"\(key.name)\""
            text += "apiserver_admission_webhook_admission_duration_seconds_sum{\(labels)} \(call.seconds)\n"
            text += "apiserver_admission_webhook_admission_duration_seconds_count{\(labels)} \(call.count)\n"
        }
        return text
    }
}
