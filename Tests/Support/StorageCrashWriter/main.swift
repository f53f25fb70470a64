// Writes to a store until it is killed, and prints each revision with its key once it is acknowledged.
import Glibc
import Storage

let path = CommandLine.arguments.dropFirst().first ?? ""
let store = try SQLiteStore(path: path)
// A run after a crash must not find its keys taken.
let run = store.revision

await withTaskGroup(of: Void.self) { group in
    for writer in 0..<16 {
        group.addTask {
            var number = 0
            while true {
                let key = "/crash/\(run)/\(writer)/\(number)"
                var line: String
                do {
                    let commit = try await store.commit(.create(key: key, value: Array("value of \(key)".utf8)))
                    line = "\(commit.revision) \(key)\n"
                } catch {
                    line = "error \(error)\n"
                }
                // In one call, so that lines of different writers do not mix.
                let written = line.withUTF8 { Glibc.write(1, $0.baseAddress, $0.count) }
                if written <= 0 || line.hasPrefix("error") { return }
                number += 1
            }
        }
    }
}
