// What of a container's log a client gets to see, and how.

import KubeTypes

/// The options of `kubectl logs`, as the API passes them on.
struct LogOptions: Sendable, Equatable {
    var follow = false
    var previous = false
    var timestamps = false
    var tailLines: Int?
    var limitBytes: Int?
    var since: Time?
    /// `All`, `Stdout` or `Stderr`.
    var stream = "All"

    /// Reads a query; nil where a value makes no sense.
    init?(query: [String: String], now: Time) {
        func bool(_ name: String) -> Bool { ["1", "true", "t", "True", "TRUE"].contains(query[name] ?? "") }
        func number(_ name: String) -> Int?? {
            guard let text = query[name], !text.isEmpty else { return .some(nil) }
            return Int(text).map(Optional.some)
        }
        follow = bool("follow")
        previous = bool("previous")
        timestamps = bool("timestamps")
        guard let tail = number("tailLines"), let limit = number("limitBytes"), let seconds = number("sinceSeconds"),
            tail ?? 0 >= 0, limit ?? 1 > 0, seconds ?? 1 > 0
        else { return nil }
        tailLines = tail
        limitBytes = limit
        if let seconds { since = now.adding(seconds: -seconds) }
        if let text = query["sinceTime"], !text.isEmpty {
            guard let time = Time(text) else { return nil }
            since = time
        }
        stream = query["stream"].flatMap { $0.isEmpty ? nil : $0 } ?? "All"
        guard ["All", "Stdout", "Stderr"].contains(stream) else { return nil }
    }

    init() {}
}

/// Turns the lines of a log file into what is sent. It takes the file in pieces, as it grows.
struct LogFilter {
    let options: LogOptions
    private var remaining: Int
    private var partial: [UInt8] = []
    /// The last line was a part: what follows continues it, and gets no time of its own.
    private var continues: [Bool: Bool] = [:]

    init(_ options: LogOptions) {
        self.options = options
        remaining = options.limitBytes ?? .max
    }

    /// The client has got as many bytes as it wanted.
    var isExhausted: Bool { remaining <= 0 }

    /// Takes what was appended to the file and gives what is to be sent.
    mutating func take(_ bytes: [UInt8]) -> [UInt8] {
        var output: [UInt8] = []
        partial += bytes
        var start = 0
        while let end = partial[start...].firstIndex(of: UInt8(ascii: "\n")) {
            append(partial[start...end], to: &output)
            start = end + 1
        }
        partial.removeFirst(start)
        return output
    }

    private mutating func append(_ raw: ArraySlice<UInt8>, to output: inout [UInt8]) {
        guard remaining > 0, let line = CRILog.parse(raw) else { return }
        let continued = continues[line.isError] ?? false
        continues[line.isError] = line.isPartial
        if options.stream == "Stdout", line.isError { return }
        if options.stream == "Stderr", !line.isError { return }
        if let since = options.since {
            guard let time = Time(String(decoding: line.time, as: UTF8.self)), time >= since else { return }
        }
        let before = output.count
        if options.timestamps, !continued {
            output += line.time
            output.append(UInt8(ascii: " "))
        }
        output += line.content
        let added = output.count - before
        if added > remaining { output.removeLast(added - remaining) }
        remaining -= added
    }

    /// Where in a file its last `lines` lines begin.
    static func tail(_ bytes: [UInt8], lines: Int) -> Int {
        guard lines > 0 else { return bytes.count }
        var seen = 0
        var index = bytes.count - 1
        // A line break at the very end ends the last line.
        if index >= 0, bytes[index] == UInt8(ascii: "\n") { index -= 1 }
        while index >= 0 {
            if bytes[index] == UInt8(ascii: "\n") {
                seen += 1
                if seen == lines { return index + 1 }
            }
            index -= 1
        }
        return 0
    }
}
