// Writes to a store until it is killed, and prints each revision once it is acknowledged: `test of a crash`.
import Glibc
import Storage
import Synchronization

setvbuf(stdout, nil, _IOLBF, 0)
let path = CommandLine.arguments.dropFirst().first ?? ""
let store = try SQLiteStore(path: path)
await withTaskGroup(of: Void.self) { group in
    for writer in 0..<16 {
        group.addTask {
            var number = 0
            while true {
                let key = "/crash/\(writer)/\(number)"
                do {
                    let commit = try await store.commit(.create(key: key, value: Array("value of \(key)".utf8)))
                    print("\(commit.revision) \(key)")
                } catch {
                    print("error \(error)")
                    return
                }
                number += 1
            }
        }
    }
}
