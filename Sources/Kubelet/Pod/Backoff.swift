// Growing delays between tries of the same thing.

import KubeTypes

/// Delays that double from `initial` to `limit` and start anew when nothing failed for twice the limit, as client-go's
/// `flowcontrol.Backoff` has them.
struct Backoff: Sendable, Equatable {
    struct Entry: Sendable, Equatable {
        /// Seconds.
        var delay: Double
        var updated: Time
    }

    var initial = 10.0
    var limit = 300.0
    private(set) var entries: [String: Entry] = [:]

    subscript(key: String) -> Entry? { entries[key] }

    /// Notes another try: the next one has to wait longer.
    mutating func next(_ key: String, now: Time) {
        if let entry = entries[key], now.since(entry.updated) <= limit * 2 {
            entries[key] = Entry(delay: min(limit, entry.delay * 2), updated: now)
        } else {
            entries[key] = Entry(delay: initial, updated: now)
        }
    }

    /// Takes up the count of an agent that ran before: `failures` in a row, the last at `last`.
    mutating func resume(_ key: String, failures: Int, last: Time) {
        guard entries[key] == nil, failures > 0 else { return }
        entries[key] = Entry(delay: min(limit, initial * Double(1 << min(failures - 1, 10))), updated: last)
    }

    mutating func forget(_ key: String) { entries[key] = nil }

    /// When the next try is due after a failure at `event`; nil if it is now.
    func waiting(_ key: String, since event: Time, now: Time) -> (until: Time, delay: Double)? {
        guard let entry = entries[key], event.since(entry.updated) <= limit * 2 else { return nil }
        let until = event.adding(entry.delay)
        return now < until ? (until, entry.delay) : nil
    }

    /// The same, counted from the last try.
    func waiting(_ key: String, now: Time) -> (until: Time, delay: Double)? {
        guard let entry = entries[key] else { return nil }
        return waiting(key, since: entry.updated, now: now)
    }
}

/// A duration as Go prints it: `10s`, `1m20s`, `5m0s`.
func goDuration(seconds: Double) -> String {
    let whole = Int(seconds.rounded())
    if whole < 60 { return "\(whole)s" }
    if whole < 3600 { return "\(whole / 60)m\(whole % 60)s" }
    return "\(whole / 3600)h\(whole / 60 % 60)m\(whole % 60)s"
}
