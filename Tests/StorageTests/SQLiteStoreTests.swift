// What only a store on disk does: it comes back, it keeps others out, and it survives a crash.
import CSQLite
import Glibc
import Synchronization
import Testing

@testable import Storage

@Suite struct SQLiteStoreTests {
    @Test func everythingIsThereAfterReopening() async throws {
        try await withTemporaryDirectory { directory in
            let path = directory + "/store.db"
            var store = try SQLiteStore(path: path)
            for number in 0..<300 {
                _ = try await store.commit(.create(key: "/k/\(number)", value: bytes("\(number)")))
            }
            for number in 0..<100 {
                _ = try await store.commit(
                    .update(key: "/k/\(number)", value: bytes("new"), expected: Revision(number + 1)))
            }
            for number in 100..<150 {
                _ = try await store.commit(.delete(key: "/k/\(number)", expected: Revision(number + 1)))
            }
            let before = try await store.range(prefix: "/", start: nil, limit: 0, at: nil)
            let earlier = try await store.range(prefix: "/", start: nil, limit: 0, at: 320)
            await store.close()

            store = try SQLiteStore(path: path)
            #expect(store.revision == 450)
            var again = try await store.range(prefix: "/", start: nil, limit: 0, at: nil).keyValues
            #expect(again == before.keyValues)
            again = try await store.range(prefix: "/", start: nil, limit: 0, at: 320).keyValues
            #expect(again == earlier.keyValues)
            let recorder = Recorder()
            _ = try store.watch(prefix: "/", after: 399, handler: recorder.handler)
            let revisions = try await recorder.wait(for: 51).map(\.keyValue.modRevision)
            #expect(revisions == Array(400...450))
            try await store.compact(to: 450)
            await store.close()

            // The last revision was a deletion, and its row is gone.
            store = try SQLiteStore(path: path)
            #expect(store.revision == 450)
            again = try await store.range(prefix: "/", start: nil, limit: 0, at: nil).keyValues
            #expect(again == before.keyValues)
            #expect(
                await outcome { try await store.range(prefix: "/", start: nil, limit: 0, at: 449).summary }
                    == "compacted 450")
            let commit = try await store.commit(.create(key: "/k/100", value: []))
            #expect(commit.revision == 451)
            await store.close()
        }
    }

    @Test func compactionGivesRoomBack() async throws {
        try await withTemporaryDirectory { directory in
            let path = directory + "/store.db"
            let store = try SQLiteStore(path: path)
            var revision = try await store.commit(.create(key: "/k", value: [])).revision
            for _ in 0..<3000 {
                revision = try await store.commit(.update(key: "/k", value: bytes("x"), expected: revision)).revision
            }
            try await store.compact(to: revision)
            await store.close()
            let database = try SQLiteDatabase(path: path, flags: SQLITE_OPEN_READONLY)
            let rows = try database.text("SELECT count(*) FROM log")
            #expect(rows == "1")
        }
    }

    @Test func onlyTheOwnerMayRead() async throws {
        try await withTemporaryDirectory { directory in
            let path = directory + "/store.db"
            let store = try SQLiteStore(path: path)
            _ = try await store.commit(.create(key: "/secret", value: bytes("secret")))
            for suffix in ["", "-wal", "-shm"] {
                var status = stat()
                #expect(stat(path + suffix, &status) == 0)
                #expect(status.st_mode & 0o777 == 0o600, "\(suffix)")
            }
            await store.close()
        }
    }

    @Test func refusals() async throws {
        try await withTemporaryDirectory { directory in
            let path = directory + "/store.db"
            func opening(_ path: String) async -> String {
                await outcome {
                    await (try SQLiteStore(path: path)).close(); return "opened"
                }
            }
            let store = try SQLiteStore(path: path)
            #expect(await opening(path) == "failed \(path) is in use by another process")
            await store.close()
            #expect(await opening(path) == "opened")
            let database = try SQLiteDatabase(path: path, flags: SQLITE_OPEN_READWRITE)
            try database.execute("UPDATE number SET value = 7 WHERE name = 'schema'")
            #expect(
                await opening(path) == "failed \(path) has the format of version 7; this program knows version 1")
            try database.execute("DROP TABLE number")
            #expect(await opening(path) == "failed \(path) is no database of Martlet's")
            #expect(
                await opening(directory + "/none/store.db")
                    == "failed cannot open \(directory)/none/store.db-lock: No such file or directory")
        }
    }

    @Test func aFullDiskFailsTheBatchAndNothingElse() async throws {
        try await withTemporaryDirectory { directory in
            let log = try SQLiteLog(path: directory + "/store.db", maximumPages: 20)
            let store = try LogStore(log, limits: StoreLimits(), readers: 1)
            var written: [String] = []
            var failure = ""
            for number in 0..<100 {
                let key = "/k/\(number)"
                failure = await outcome {
                    _ = try await store.commit(.create(key: key, value: Array(repeating: 1, count: 3000)))
                    return ""
                }
                if !failure.isEmpty { break }
                written.append(key)
            }
            #expect(failure.contains("full"))
            #expect(store.revision == written.count)
            let range = try await store.range(prefix: "/", start: nil, limit: 0, at: nil)
            #expect(Set(range.keyValues.map(\.key)) == Set(written))
            // Room is made, and writing goes on.
            for number in 0..<5 {
                let expected = Revision(number + 1)
                #expect(
                    await outcome {
                        _ = try await store.commit(.delete(key: "/k/\(number)", expected: expected)); return ""
                    } == "")
            }
            try await store.compact(to: store.revision)
            _ = try await store.commit(.create(key: "/k/0", value: Array(repeating: 1, count: 3000)))
            await store.close()
        }
    }

    /// A process writes, and is killed in the middle of it: whatever it had been told is done is there.
    @Test func killedWhileWriting() async throws {
        let program = try #require(sibling(named: "storage-crash-writer"))
        try await withTemporaryDirectory { directory in
            let path = directory + "/store.db"
            var acknowledged: [String: Revision] = [:]
            for _ in 0..<3 {
                let lines = try await run(program, path, killAfterLines: 1500)
                for line in lines {
                    let words = line.split(separator: " ")
                    #expect(words.count == 2 && words[0] != "error", "\(line)")
                    if words.count == 2, let revision = Revision(words[0]) { acknowledged[String(words[1])] = revision }
                }
                let store = try SQLiteStore(path: path)
                let range = try await store.range(prefix: "/", start: nil, limit: 0, at: nil)
                var there: [String: Revision] = [:]
                for keyValue in range.keyValues {
                    there[keyValue.key] = keyValue.modRevision
                    #expect(text(keyValue) == "value of \(keyValue.key)")
                }
                #expect(acknowledged.count >= 1500)
                for (key, revision) in acknowledged where there[key] != revision {
                    Issue.record(
                        "\(key) was acknowledged at \(revision) and is \(there[key].map { "at \($0)" } ?? "gone")")
                }
                #expect(store.revision == Revision(there.count))
                await store.close()
            }
        }
    }

    /// A program beside the one that runs the tests.
    private func sibling(named name: String) -> String? {
        var buffer = [CChar](repeating: 0, count: 4096)
        let count = readlink("/proc/self/exe", &buffer, buffer.count - 1)
        guard count > 0 else { return nil }
        let own = String(decoding: buffer[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self)
        // Either the test bundle itself runs, or the toolchain's helper with the bundle as an argument.
        for program in [own] + CommandLine.arguments {
            guard let slash = program.lastIndex(of: "/") else { continue }
            let path = program[..<slash] + "/" + name
            if access(String(path), X_OK) == 0 { return String(path) }
        }
        return nil
    }

    /// Runs the program until it has printed so many lines, kills it, and returns all complete lines it had printed.
    private func run(_ program: String, _ argument: String, killAfterLines lines: Int) async throws -> [String] {
        var pipes: [CInt] = [0, 0]
        try #require(pipe(&pipes) == 0)
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        posix_spawn_file_actions_adddup2(&actions, pipes[1], 1)
        var arguments: [UnsafeMutablePointer<CChar>?] = [strdup(program), strdup(argument), nil]
        defer { for argument in arguments { free(argument) } }
        var process: pid_t = 0
        let failure = posix_spawn(&process, program, &actions, nil, &arguments, environ)
        posix_spawn_file_actions_destroy(&actions)
        Glibc.close(pipes[1])
        defer { Glibc.close(pipes[0]) }
        try #require(failure == 0)
        // The child has its own copy as 1; the reading end it may keep, it never reads.
        let child = process
        let input = pipes[0]
        return await withCheckedContinuation { continuation in
            startThread(named: "crash-test") {
                var output: [UInt8] = []
                var count = 0
                var killed = false
                var buffer = [UInt8](repeating: 0, count: 65_536)
                while true {
                    let read = Glibc.read(input, &buffer, buffer.count)
                    if read <= 0 { break }
                    output += buffer[..<read]
                    count += buffer[..<read].count { $0 == UInt8(ascii: "\n") }
                    if count >= lines, !killed {
                        kill(child, SIGKILL)
                        killed = true
                    }
                }
                kill(child, SIGKILL)
                waitpid(child, nil, 0)
                // What follows the last line break was cut off.
                let complete = output.lastIndex(of: UInt8(ascii: "\n")).map { output[..<$0] } ?? []
                continuation.resume(
                    returning: String(decoding: complete, as: UTF8.self).split(separator: "\n").map(String.init))
            }
        }
    }
}
