// What every store does, whatever it keeps its rows in.
import Synchronization
import Testing

@testable import Storage

@Suite struct StoreTests {
    /// A write in short: `+k v`, `~k v @2`, `-k @2`.
    private func commit(_ line: String, to store: any Store) async -> String {
        let words = line.split(separator: " ").map(String.init)
        let key = String(words[0].dropFirst())
        let expected = words.last.flatMap { $0.hasPrefix("@") ? Revision($0.dropFirst()) : nil } ?? 0
        let write: StoreWrite =
            switch words[0].first {
            case "+": .create(key: key, value: bytes(words[1]))
            case "~": .update(key: key, value: bytes(words[1]), expected: expected)
            default: .delete(key: key, expected: expected)
            }
        return await outcome {
            let commit = try await store.commit(write)
            return "\(commit.revision)" + (commit.previous.map { " (\(text($0) ?? "")@\($0.modRevision))" } ?? "")
        }
    }

    @Test(arguments: StoreKind.allCases) func writes(_ kind: StoreKind) async throws {
        try await withStore(kind) { store in
            #expect(store.revision == 0)
            let steps: [(String, String)] = [
                ("+/a 1", "1"),
                ("+/a 2", "exists 1@1"),
                ("~/a 2 @1", "2 (1@1)"),
                ("~/a 3 @1", "conflict 2@2"),
                ("~/b 3 @1", "conflict -@0"),
                ("-/b @1", "conflict -@0"),
                ("-/a @1", "conflict 2@2"),
                ("-/a @2", "3 (2@2)"),
                ("-/a @2", "conflict -@0"),
                ("~/a 4 @3", "conflict -@0"),
                ("+/a 5", "4"),
                ("+/b 6", "5"),
            ]
            for (write, expected) in steps { #expect(await commit(write, to: store) == expected, "\(write)") }
            #expect(store.revision == 5)
            let found = try await [store.get("/a"), store.get("/c"), store.get("/")]
            #expect(found.map(text) == ["5", nil, nil])
        }
    }

    @Test(arguments: StoreKind.allCases) func emptyValuesAndStrangeKeys(_ kind: StoreKind) async throws {
        try await withStore(kind) { store in
            // The two spellings of é are one string to Swift and two keys to us.
            for key in ["/x/e\u{301}", "/x/\u{e9}", "/x/", "/x/a/b", "/x/a\u{0}b"] {
                _ = try await store.commit(.create(key: key, value: []))
            }
            let range = try await store.range(prefix: "/x/", start: nil, limit: 0, at: nil)
            #expect(
                range.keyValues.map { Array($0.key.utf8) } == [
                    bytes("/x/"), bytes("/x/a\u{0}b"), bytes("/x/a/b"), bytes("/x/e\u{301}"), bytes("/x/\u{e9}"),
                ])
            #expect(range.keyValues.filter { $0.value.isEmpty }.count == 5)
        }
    }

    @Test(arguments: StoreKind.allCases) func ranges(_ kind: StoreKind) async throws {
        try await withStore(kind) { store in
            for line in ["+/a/1 x", "+/a/2 x", "+/b/1 x", "+/a/3 x", "~/a/2 y @2", "-/a/1 @1", "+/a/1 z", "-/b/1 @3"] {
                _ = await commit(line, to: store)
            }
            let table: [(prefix: String, start: String?, limit: Int, at: Revision?, expected: String)] = [
                ("/a/", nil, 0, nil, "/a/1=z@7/7 /a/2=y@2/5 /a/3=x@4/4 #8"),
                ("/a/", nil, 2, nil, "/a/1=z@7/7 /a/2=y@2/5 … #8"),
                ("/a/", "/a/2", 2, nil, "/a/2=y@2/5 /a/3=x@4/4 #8"),
                ("/a/", "/a/2\u{0}", 2, nil, "/a/3=x@4/4 #8"),
                ("/a/", "/0", 1, nil, "/a/1=z@7/7 … #8"),
                ("/a/", "/b", 0, nil, " #8"),
                ("/b/", nil, 0, nil, " #8"),
                ("", nil, 3, nil, "/a/1=z@7/7 /a/2=y@2/5 /a/3=x@4/4 #8"),
                ("/a/", nil, 0, 0, " #0"),
                ("/a/", nil, 0, 1, "/a/1=x@1/1 #1"),
                ("/", nil, 0, 4, "/a/1=x@1/1 /a/2=x@2/2 /a/3=x@4/4 /b/1=x@3/3 #4"),
                ("/a/", nil, 0, 6, "/a/2=y@2/5 /a/3=x@4/4 #6"),
                ("/a/", nil, 1, 6, "/a/2=y@2/5 … #6"),
                ("/a/", nil, 2, 6, "/a/2=y@2/5 /a/3=x@4/4 #6"),
                ("/b/", nil, 0, 7, "/b/1=x@3/3 #7"),
                ("/b/", nil, 1, 2, " #2"),
                ("/a/", nil, 0, 9, "future 8"),
            ]
            for row in table {
                let got = await outcome {
                    try await store.range(prefix: row.prefix, start: row.start, limit: row.limit, at: row.at).summary
                }
                #expect(got == row.expected, "\(row)")
            }
        }
    }

    @Test(arguments: StoreKind.allCases) func compaction(_ kind: StoreKind) async throws {
        try await withStore(kind) { store in
            for line in [
                "+/a 1", "+/b 1", "~/a 2 @1", "-/b @2", "~/a 3 @3", "+/c 1", "+/b 2", "~/a 4 @5", "-/c @6",
            ] { _ = await commit(line, to: store) }
            #expect(
                await outcome {
                    try await store.compact(to: 10); return ""
                } == "future 9")
            try await store.compact(to: 5)
            #expect(
                await outcome {
                    try await store.compact(to: 5); return ""
                } == "compacted 5")
            let table: [(Revision?, String)] = [
                (nil, "/a=4@1/8 /b=2@7/7 #9"), (8, "/a=4@1/8 /b=2@7/7 /c=1@6/6 #8"), (6, "/a=3@1/5 /c=1@6/6 #6"),
                (5, "/a=3@1/5 #5"), (4, "compacted 5"), (0, "compacted 5"),
            ]
            for (at, expected) in table {
                let got = await outcome { try await store.range(prefix: "/", start: nil, limit: 0, at: at).summary }
                #expect(got == expected, "at \(at ?? -1)")
            }
            let recorder = Recorder()
            #expect(
                await outcome {
                    _ = try store.watch(prefix: "/", after: 4, handler: recorder.handler); return ""
                }
                    == "compacted 5")
            _ = try store.watch(prefix: "/", after: 5, handler: recorder.handler)
            let events = try await recorder.wait(for: 4)
            #expect(events.map(\.summary) == ["+/c=1@6", "+/b=2@7", "~/a=4@8(3@5)", "-/c=1@9(1@6)"])
            // To the end: a deletion that is the last revision goes, and the revision stays.
            try await store.compact(to: 9)
            let end = try await store.range(prefix: "/", start: nil, limit: 0, at: 9).summary
            #expect(end == "/a=4@1/8 /b=2@7/7 #9")
            #expect(await commit("+/c 2", to: store) == "10")
        }
    }

    @Test(arguments: StoreKind.allCases) func watches(_ kind: StoreKind) async throws {
        try await withStore(kind) { store in
            for line in ["+/a/1 x", "+/b/1 x", "~/a/1 y @1"] { _ = await commit(line, to: store) }
            let all = Recorder()
            let later = Recorder()
            let ofA = Recorder()
            let future = Recorder()
            let watch = try store.watch(prefix: "/", after: 0, handler: all.handler)
            let others = [
                try store.watch(prefix: "/", after: 2, handler: later.handler),
                try store.watch(prefix: "/a/", after: 3, handler: ofA.handler),
                try store.watch(prefix: "/", after: 5, handler: future.handler),
            ]
            for line in ["-/a/1 @3", "+/a/1 z", "~/b/1 y @2"] { _ = await commit(line, to: store) }
            let history = ["+/a/1=x@1", "+/b/1=x@2", "~/a/1=y@3(x@1)"]
            let live = ["-/a/1=y@4(y@3)", "+/a/1=z@5", "~/b/1=y@6(x@2)"]
            let allEvents = try await all.wait(for: 6).map(\.summary)
            #expect(allEvents == history + live)
            let laterEvents = try await later.wait(for: 4).map(\.summary)
            #expect(laterEvents == history.suffix(1) + live)
            let ofAEvents = try await ofA.wait(for: 2).map(\.summary)
            #expect(ofAEvents == Array(live.prefix(2)))
            let futureEvents = try await future.wait(for: 1).map(\.summary)
            #expect(futureEvents == Array(live.suffix(1)))
            watch.cancel()
            for other in others { other.cancel() }
            _ = await commit("+/a/2 x", to: store)
            #expect(all.events.count == 6 && later.events.count == 4 && ofA.events.count == 2)
        }
    }

    @Test(arguments: StoreKind.allCases) func aHandlerMayCancelItsWatch(_ kind: StoreKind) async throws {
        try await withStore(kind) { store in
            let seen = Counter()
            let own = Locked<(any StoreWatch)?>(nil)
            let watch = try store.watch(prefix: "/", after: 0) { events in
                seen.add(events.count)
                own.withLock { $0 }?.cancel()
            }
            own.withLock { $0 = watch }
            _ = await commit("+/a 1", to: store)
            _ = await commit("+/b 1", to: store)
            #expect(seen.value == 1)
        }
    }

    @Test(arguments: StoreKind.allCases) func eventsComeBeforeTheAnswer(_ kind: StoreKind) async throws {
        try await withStore(kind) { store in
            let recorder = Recorder()
            _ = try store.watch(prefix: "/", after: 0, handler: recorder.handler)
            for number in 1...50 {
                let seen = await withCheckedContinuation { continuation in
                    store.commit(.create(key: "/\(number)", value: [])) { _ in
                        continuation.resume(returning: recorder.events.count)
                    }
                }
                #expect(seen == number)
            }
        }
    }

    /// Many count up the same few numbers by compare-and-swap, while watches begin at all times.
    @Test(arguments: StoreKind.allCases) func concurrentWritersAndWatches(_ kind: StoreKind) async throws {
        try await withStore(kind) { store in
            let keys = 4, writers = 8, increments = 60
            for key in 0..<keys { _ = try await store.commit(.create(key: "/n/\(key)", value: bytes("0"))) }
            let recorders = Locked<[(after: Revision, recorder: Recorder)]>([])
            let conflicts = Counter()
            try await withThrowingTaskGroup(of: Void.self) { group in
                for writer in 0..<writers {
                    group.addTask {
                        for step in 0..<increments {
                            let key = "/n/\((writer + step) % keys)"
                            while true {
                                let now = try #require(try await store.get(key))
                                let next = bytes(String((Int(text(now) ?? "") ?? -1) + 1))
                                do {
                                    _ = try await store.commit(
                                        .update(key: key, value: next, expected: now.modRevision))
                                    break
                                } catch StoreError.conflict {
                                    conflicts.add(1)
                                }
                            }
                        }
                    }
                }
                group.addTask {
                    for _ in 0..<40 {
                        let after = max(0, store.revision - 20)
                        let recorder = Recorder()
                        _ = try store.watch(prefix: "/n/", after: after, handler: recorder.handler)
                        recorders.withLock { $0.append((after, recorder)) }
                        try await Task.sleep(for: .milliseconds(1))
                    }
                }
                try await group.waitForAll()
            }
            #expect(conflicts.value > 0)
            let last = Revision(keys + writers * increments)
            #expect(store.revision == last)
            var sum = 0
            for keyValue in try await store.range(prefix: "/n/", start: nil, limit: 0, at: nil).keyValues {
                sum += Int(text(keyValue) ?? "") ?? 0
            }
            #expect(sum == writers * increments)
            for (after, recorder) in recorders.withLock({ $0 }) {
                let revisions = try await recorder.wait(for: Int(last - after)).map(\.keyValue.modRevision)
                #expect(revisions == Array((after + 1)...last), "after \(after)")
            }
        }
    }

    /// Ranges at a revision are the same however much is written and compacted beside them.
    @Test(arguments: StoreKind.allCases) func readersBesideCompaction(_ kind: StoreKind) async throws {
        try await withStore(kind) { store in
            for key in 0..<20 { _ = try await store.commit(.create(key: "/k/\(key)", value: bytes("0"))) }
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask {
                    for round in 0..<60 {
                        for key in 0..<20 {
                            let now = try #require(try await store.get("/k/\(key)"))
                            _ = try await store.commit(
                                .update(key: now.key, value: bytes("\(round)"), expected: now.modRevision))
                        }
                        if round % 5 == 4 { try await store.compact(to: store.revision - 7) }
                    }
                }
                group.addTask {
                    for _ in 0..<300 {
                        let now = try await store.range(prefix: "/k/", start: nil, limit: 0, at: nil)
                        #expect(now.keyValues.count == 20)
                        do throws(StoreError) {
                            let again = try await store.range(prefix: "/k/", start: nil, limit: 0, at: now.revision)
                            #expect(again.keyValues == now.keyValues)
                        } catch {
                            guard case .compacted = error else { throw error }
                        }
                    }
                }
                try await group.waitForAll()
            }
        }
    }

    @Test(arguments: StoreKind.allCases) func limits(_ kind: StoreKind) async throws {
        var limits = StoreLimits()
        limits.valueSize = 10
        limits.queuedWrites = 4
        limits.batchedWrites = 1
        try await withStore(kind, limits: limits) { store in
            let large = StoreWrite.create(key: "/large", value: Array(repeating: 0, count: 11))
            #expect(
                await outcome {
                    _ = try await store.commit(large); return ""
                }
                    == "failed a value of 11 bytes is larger than the limit of 10")
            // A handler that dawdles makes the queue fill up.
            let gate = Locked(0)
            let refused = Counter()
            _ = try store.watch(prefix: "/", after: 0) { _ in gate.withLock { _ in } }
            gate.withLock { _ in
                for number in 0..<50 {
                    store.commit(.create(key: "/\(number)", value: [])) { result in
                        if case .failure(.failed("too many requests")) = result {
                            refused.add(1)
                        }
                    }
                }
                #expect(refused.value >= 44)
            }
        }
    }

    @Test(arguments: StoreKind.allCases) func closing(_ kind: StoreKind) async throws {
        try await withStore(kind) { store in
            let answered = Counter()
            for number in 0..<100 {
                store.commit(.create(key: "/\(number)", value: [])) { result in
                    if case .success = result { answered.add(1) }
                }
            }
            await store.close()
            #expect(answered.value == 100)
            #expect(await commit("+/a 1", to: store) == "closed")
            #expect(
                await outcome { try await store.range(prefix: "", start: nil, limit: 0, at: nil).summary } == "closed")
            #expect(
                await outcome {
                    _ = try store.watch(prefix: "", after: 0) { _ in }; return ""
                } == "closed")
            #expect(
                await outcome {
                    try await store.compact(to: 1); return ""
                } == "closed")
            await store.close()
        }
    }

    @Test func aFailedCommitChangesNothing() async throws {
        let log = MemoryLog()
        let store = MemoryStore(log)
        let recorder = Recorder()
        _ = try store.watch(prefix: "/", after: 0, handler: recorder.handler)
        #expect(await commit("+/a 1", to: store) == "1")
        log.fail(with: .failed("no space left"))
        #expect(await commit("+/b 1", to: store) == "failed no space left")
        #expect(await commit("~/a 2 @1", to: store) == "failed no space left")
        log.fail(with: nil)
        #expect(store.revision == 1)
        #expect(await commit("~/a 3 @1", to: store) == "2 (1@1)")
        #expect(await commit("+/b 2", to: store) == "3")
        #expect(recorder.events.map(\.summary) == ["+/a=1@1", "~/a=3@2(1@1)", "+/b=2@3"])
        await store.close()
    }
}

@Suite struct KeyIndexTests {
    /// Compared with a dictionary under many random changes.
    @Test func agreesWithADictionary() {
        var random = SystemRandomNumberGenerator()
        var index = KeyIndex()
        var model: [String: Revision] = [:]
        for revision in 1...20_000 as ClosedRange<Revision> {
            let key = "/\(Int.random(in: 0..<3000, using: &random))"
            if Int.random(in: 0..<4, using: &random) == 0 {
                index.remove(key)
                model[key] = nil
            } else {
                index.set(.init(key: key, created: 1, modified: revision, deleted: false))
                model[key] = revision
            }
        }
        #expect(index.count == model.count)
        func listed(_ index: KeyIndex, _ prefix: String, _ start: String?) -> [String] {
            var keys: [String] = []
            index.forEach(prefix: prefix, from: start) { (entry) -> Bool in
                #expect(model[entry.key] == entry.modified)
                keys.append(entry.key)
                return true
            }
            return keys
        }
        #expect(listed(index, "", nil) == model.keys.sorted())
        #expect(listed(index, "/1", nil) == model.keys.filter { $0.hasPrefix("/1") }.sorted())
        #expect(listed(index, "/1", "/15") == model.keys.filter { $0.hasPrefix("/1") && $0 >= "/15" }.sorted())
        let built = KeyIndex(model.map { .init(key: $0.key, created: 1, modified: $0.value, deleted: false) })
        #expect(listed(built, "", nil) == model.keys.sorted())
        for (key, revision) in model { #expect(built[key]?.modified == revision && index[key]?.modified == revision) }
        #expect(index["/none"] == nil && KeyIndex()["/none"] == nil)
    }
}
