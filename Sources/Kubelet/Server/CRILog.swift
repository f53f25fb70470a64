// The format in which runtimes write the output of containers: time, stream, tag, and what was written.

import KubeTypes

/// `2026-11-21T22:18:41.123456789Z stdout F text`, a `P` instead of the `F` where the line goes on in the next one.
enum CRILog {
    struct Line: Equatable {
        /// As written in the file.
        var time: ArraySlice<UInt8>
        var isError: Bool
        /// With its line break, unless the line is a part of a longer one.
        var content: ArraySlice<UInt8>
        var isPartial: Bool
    }

    /// One line of the file, with or without its line break; nil where it has another form.
    static func parse(_ bytes: ArraySlice<UInt8>) -> Line? {
        var rest = bytes
        func word() -> ArraySlice<UInt8>? {
            guard let space = rest.firstIndex(of: UInt8(ascii: " ")) else { return nil }
            defer { rest = rest[(space + 1)...] }
            return rest[..<space]
        }
        guard let time = word(), time.count >= 20, let stream = word(), let tags = word() else { return nil }
        let isError = stream.elementsEqual("stderr".utf8)
        guard isError || stream.elementsEqual("stdout".utf8) else { return nil }
        let isPartial = tags.first == UInt8(ascii: "P")
        if isPartial, rest.last == UInt8(ascii: "\n") { rest = rest.dropLast() }
        return Line(time: time, isError: isError, content: rest, isPartial: isPartial)
    }

    /// All lines, parts of one line put together.
    static func lines(in bytes: [UInt8]) -> [(isError: Bool, content: [UInt8])] {
        var result: [(isError: Bool, content: [UInt8])] = []
        var open: [Bool: [UInt8]] = [:]
        for raw in split(bytes) {
            guard let line = parse(raw) else { continue }
            let content = open.removeValue(forKey: line.isError) ?? []
            if line.isPartial {
                open[line.isError] = content + line.content
            } else {
                result.append((line.isError, content + line.content))
            }
        }
        for (isError, content) in open { result.append((isError, content)) }
        return result
    }

    /// The lines of a file, each with its line break.
    static func split(_ bytes: [UInt8]) -> [ArraySlice<UInt8>] {
        var result: [ArraySlice<UInt8>] = []
        var start = 0
        while start < bytes.count {
            let end = bytes[start...].firstIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? bytes.count
            result.append(bytes[start..<end])
            start = end
        }
        return result
    }
}
