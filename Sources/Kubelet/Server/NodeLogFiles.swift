// `/logs/…`: the machine's log files, as upstream's kubelet gives them out (`enableSystemLogHandler`, on by default).

import CRI
import Glibc
import HTTPServer
import KubeTypes
import NIOCore
import NIOHTTP1

/// The files below one directory. What lies elsewhere is not there, whatever links lead to it.
struct NodeLogFiles: Sendable {
    /// A directory's entries, or a file that is open for reading.
    enum Found {
        case directory([String])
        case file(Int32)
    }

    private static let piece = 64 << 10
    private let root: String

    init(root: String = "/var/log") { self.root = root }

    /// - Parameter path: relative to the directory; empty for the directory itself.
    func find(_ path: String) -> Found? {
        guard let top = try? Files.realPath(root), let full = try? Files.realPath("\(root)/\(path)"),
            full == top || full.hasPrefix(top + "/")
        else { return nil }
        switch Files.kind(of: full) {
        case .file:
            let file = open(full, O_RDONLY | O_CLOEXEC)
            return file >= 0 ? .file(file) : nil
        case .directory:
            return .directory(
                Files.list(full).sorted().map { Files.kind(of: "\(full)/\($0)") == .directory ? "\($0)/" : $0 })
        default: return nil
        }
    }

    /// A directory as Go's file server shows it.
    static func page(_ entries: [String]) -> String {
        func escaped(_ name: String) -> String {
            name.reduce(into: "") { text, character in
                switch character {
                case "&": text += "&amp;"
                case "<": text += "&lt;"
                case ">": text += "&gt;"
                case "\"": text += "&#34;"
                case "'": text += "&#39;"
                default: text.append(character)
                }
            }
        }
        let lines = entries.map { "<a href=\"\(escaped($0))\">\(escaped($0))</a>\n" }
        return "<!doctype html>\n<pre>\n\(lines.joined())</pre>\n"
    }

    func answer(_ path: String, _ response: any HTTPResponseWriter) {
        switch find(path) {
        case nil: KubeletServer.answer(response, .notFound, "404 page not found")
        case .directory(let entries)?:
            response.send(
                .ok, headers: ["content-type": "text/html; charset=utf-8"],
                body: [ByteBuffer(string: Self.page(entries))])
        case .file(let file)?:
            response.begin(.ok, headers: ["content-type": "text/plain; charset=utf-8"])
            Self.send(file, response)
        }
    }

    /// Piece by piece, no faster than the client takes them.
    private static func send(_ file: Int32, _ response: any HTTPResponseWriter) {
        let task = Task {
            defer {
                close(file)
                response.end()
            }
            var bytes = [UInt8](repeating: 0, count: piece)
            while !Task.isCancelled {
                let count = read(file, &bytes, bytes.count)
                guard count > 0 else { return }
                response.write(ByteBuffer(bytes: bytes[..<count]))
                await withCheckedContinuation { next in response.onDrain(below: piece) { next.resume() } }
            }
        }
        response.onClose { task.cancel() }
    }
}
