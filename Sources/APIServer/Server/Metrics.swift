// What the server counts about itself, in Prometheus' text format.

import Synchronization

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

final class Metrics: Sendable {
    struct Key: Hashable, Sendable {
        var verb: String
        var group: String
        var version: String
        var resource: String
        var subresource: String
        var code: Int

        init(verb: String, group: String, version: String, resource: String, subresource: String, code: Int) {
            self.verb = verb
            self.group = group
            self.version = version
            self.resource = resource
            self.subresource = subresource
            self.code = code
        }

        /// Whatever was done with it, and with what success.
        init(asked key: Key) {
            self = key
            verb = ""
            code = 0
        }
    }

    /// Upper bounds in seconds.
    fileprivate static let bounds = [0.0005, 0.001, 0.005, 0.025, 0.05, 0.1, 0.2, 0.4, 0.6, 1, 2, 5, 10, 30, 60]

    fileprivate struct Series {
        var count = 0
        var seconds = 0.0
        var buckets = [Int](repeating: 0, count: Metrics.bounds.count)
    }

    private let series = Mutex<[Key: Series]>([:])
    private let started = SystemClock.now()

    func record(_ key: Key, seconds: Double) {
        series.withLock { series in
            // Names in requests must not fill memory.
            if series.count > 20_000, series[key] == nil { return }
            series[key, default: Series()].add(seconds)
        }
    }

    /// - Parameter objects: for each stored resource its name, how many objects and how many watchers it has.
    func text(objects: [(resource: String, count: Int, watchers: Int)], inFlight: Int, revision: Int64) -> String {
        let series = series.withLock { $0 }.sorted { Self.order($0.key) < Self.order($1.key) }
        var text = "# HELP apiserver_request_total Requests answered, by verb, resource and code.\n"
        text += "# TYPE apiserver_request_total counter\n"
        for (key, one) in series {
            text += "apiserver_request_total{code=\"\(key.code)\",\(Self.labels(key))} \(one.count)\n"
        }
        text +=
            "# HELP apiserver_request_duration_seconds Time from a request's arrival to its answer, watches left out.\n"
        text += "# TYPE apiserver_request_duration_seconds histogram\n"
        var merged: [String: Series] = [:]
        for (key, one) in series where key.verb != "WATCH" { merged[Self.labels(key), default: Series()].add(one) }
        for (labels, one) in merged.sorted(by: { $0.key < $1.key }) {
            var total = 0
            for (index, bound) in Self.bounds.enumerated() {
                total += one.buckets[index]
                text += "apiserver_request_duration_seconds_bucket{\(labels),le=\"\(bound)\"} \(total)\n"
            }
            text += "apiserver_request_duration_seconds_bucket{\(labels),le=\"+Inf\"} \(one.count)\n"
            text += "apiserver_request_duration_seconds_sum{\(labels)} \(one.seconds)\n"
            text += "apiserver_request_duration_seconds_count{\(labels)} \(one.count)\n"
        }
        text +=
            "# HELP apiserver_storage_objects Objects stored, by resource.\n# TYPE apiserver_storage_objects gauge\n"
        for object in objects.sorted(by: { $0.resource < $1.resource }) {
            text += "apiserver_storage_objects{resource=\"\(object.resource)\"} \(object.count)\n"
        }
        text +=
            "# HELP apiserver_longrunning_requests Watches under way.\n# TYPE apiserver_longrunning_requests gauge\n"
        for object in objects.sorted(by: { $0.resource < $1.resource }) where object.watchers > 0 {
            text +=
                "apiserver_longrunning_requests{resource=\"\(object.resource)\",verb=\"WATCH\"} \(object.watchers)\n"
        }
        text += "# HELP apiserver_current_inflight_requests Requests being worked on.\n"
        text += "# TYPE apiserver_current_inflight_requests gauge\n"
        text += "apiserver_current_inflight_requests{request_kind=\"mutating\"} \(inFlight)\n"
        text += "# HELP apiserver_storage_revision The store's revision.\n# TYPE apiserver_storage_revision counter\n"
        text += "apiserver_storage_revision \(revision)\n"
        return text + process()
    }

    /// What was asked for, as far as it is counted.
    var requested: Set<Key> { Set(series.withLock { $0.keys }.map { Key(asked: $0) }) }

    private static func order(_ key: Key) -> String {
        "\(key.group)/\(key.resource)/\(key.subresource)/\(key.verb)/\(key.version)/\(key.code)"
    }

    private static func labels(_ key: Key) -> String {
        "group=\"\(key.group)\",resource=\"\(key.resource)\",subresource=\"\(key.subresource)\",verb=\"\(key.verb)\","
            + "version=\"\(key.version)\""
    }

    private func process() -> String {
        var usage = rusage()
        getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
        let cpu =
            Double(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec)
            + Double(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6
        var text = "# HELP process_cpu_seconds_total Processor time used.\n# TYPE process_cpu_seconds_total counter\n"
        text += "process_cpu_seconds_total \(cpu)\n"
        text += "# HELP process_start_time_seconds When the process started, since 1970.\n"
        text += "# TYPE process_start_time_seconds gauge\nprocess_start_time_seconds \(started.seconds)\n"
        if let resident = Self.residentBytes() {
            text += "# HELP process_resident_memory_bytes Resident memory.\n"
            text += "# TYPE process_resident_memory_bytes gauge\nprocess_resident_memory_bytes \(resident)\n"
        }
        if let files = Self.openFiles() {
            text += "# HELP process_open_fds Files and connections open.\n# TYPE process_open_fds gauge\n"
            text += "process_open_fds \(files)\n"
        }
        return text
    }

    private static func openFiles() -> Int? {
        guard let directory = opendir("/proc/self/fd") else { return nil }
        defer { closedir(directory) }
        var count = 0
        while readdir(directory) != nil { count += 1 }
        // Itself, its parent, and the directory that is being read.
        return count - 3
    }

    private static func residentBytes() -> Int? {
        guard let file = fopen("/proc/self/statm", "r") else { return nil }
        defer { fclose(file) }
        var line = [CChar](repeating: 0, count: 128)
        guard fgets(&line, Int32(line.count), file) != nil else { return nil }
        let text = String(decoding: line.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        let fields = text.split(separator: " ")
        guard fields.count > 1, let pages = Int(fields[1]) else { return nil }
        return pages * Int(sysconf(Int32(_SC_PAGESIZE)))
    }
}

extension Metrics.Series {
    fileprivate mutating func add(_ seconds: Double) {
        count += 1
        self.seconds += seconds
        if let bucket = Metrics.bounds.firstIndex(where: { seconds <= $0 }) { buckets[bucket] += 1 }
    }

    fileprivate mutating func add(_ other: Metrics.Series) {
        count += other.count
        seconds += other.seconds
        for index in buckets.indices { buckets[index] += other.buckets[index] }
    }
}
