/// What is wrong with an expression, and where.
public struct CELIssue: Sendable, Hashable {
    public let message: String
    /// From 1; -1 where the issue is with the whole expression.
    public let line: Int
    /// From 0, in code points; -1 where the issue is with the whole expression.
    public let column: Int

    /// The longest line that is shown under a message, in bytes.
    private static let longestSnippet = 16384

    /// The message with the line of `source` that it is about and a mark under the place, as cel-go shows it.
    public func description(in source: String) -> String {
        var text = "ERROR: <input>:\(line):\(column + 1): \(message)"
        // By scalars: a carriage return and a line feed would be one character.
        let lines = source.unicodeScalars.split(separator: "\n", omittingEmptySubsequences: false)
        guard line >= 1, line <= lines.count, lines[line - 1].count <= Self.longestSnippet else { return text }
        let snippet = lines[line - 1].map { $0 == "\t" ? " " : $0 }
        text += "\n | "
        text.unicodeScalars.append(contentsOf: snippet)
        text += "\n | "
        for position in 0..<max(0, min(column, snippet.count)) { text += snippet[position].isASCII ? "." : "\u{ff0e}" }
        text += column >= 0 && column < snippet.count && !snippet[column].isASCII ? "\u{ff3e}" : "^"
        return text
    }

    /// All the messages, ordered by place.
    public static func description(of issues: [CELIssue], in source: String) -> String {
        let ordered = issues.enumerated().sorted { left, right in
            (left.element.line, left.element.column, left.offset)
                < (right.element.line, right.element.column, right.offset)
        }
        var texts = ordered.prefix(mostIssues).map { $0.element.description(in: source) }
        if issues.count > mostIssues { texts.append("\(issues.count - mostIssues) more errors were truncated") }
        return texts.joined(separator: "\n")
    }

    private static let mostIssues = 100
}

/// Collects the issues of one expression and knows where its lines begin.
final class IssueList {
    private(set) var issues: [CELIssue] = []
    private let lineStarts: [Int]

    init(_ scalars: [Unicode.Scalar]) {
        var starts = [0]
        for (offset, scalar) in scalars.enumerated() where scalar == "\n" { starts.append(offset + 1) }
        lineStarts = starts
    }

    var isEmpty: Bool { issues.isEmpty }

    func report(at offset: Int, _ message: String) {
        var line = lineStarts.count
        while line > 1, lineStarts[line - 1] > offset { line -= 1 }
        issues.append(CELIssue(message: message, line: line, column: offset - lineStarts[line - 1]))
    }

    /// Reports what concerns no place in particular.
    func reportEverywhere(_ message: String) {
        issues.append(CELIssue(message: message, line: -1, column: -1))
    }
}
