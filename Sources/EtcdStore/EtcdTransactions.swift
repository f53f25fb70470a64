// Reads and writes of the store as calls of etcd's.

import Foundation
import Logging
import Storage

/// The calls that a store is made of; no state of its own.
struct EtcdTransactions: Sendable {
    let connection: EtcdConnection
    let keys: EtcdKeys

    /// Keys in one answer: what is larger is read page by page, at one revision.
    private static let page = 1000

    // MARK: Reading

    func range(
        _ range: EtcdRange, start: [UInt8]?, limit: Int, at revision: Revision?
    ) async throws(StoreError) -> StoreRange {
        var found: [KeyValue] = []
        // etcd's first revision is 1, which is nothing at all; 0 is its word for now.
        var at = revision.map { max($0, 1) } ?? 0
        var next = start.map { $0.lexicographicallyPrecedes(range.start) ? range.start : $0 } ?? range.start
        while true {
            let wanted = limit > 0 ? min(Self.page, limit - found.count) : Self.page
            let request = Etcdserverpb_RangeRequest.with {
                $0.key = Data(next)
                $0.rangeEnd = Data(range.end)
                $0.limit = Int64(wanted)
                $0.revision = at
            }
            let answer = try await connection.call(repeats: true) { try await $0.values.range(request, options: $1) }
            if at == 0 { at = answer.header.revision }
            found.reserveCapacity(found.count + answer.kvs.count)
            for keyValue in answer.kvs { found.append(KeyValue(keyValue, keys)) }
            guard answer.more, let last = answer.kvs.last, limit == 0 || found.count < limit else {
                return StoreRange(keyValues: found, more: answer.more, revision: revision ?? at)
            }
            next = Array(last.key) + [0]
        }
    }

    /// The revision of everything that anybody has written by now.
    func revision() async throws(StoreError) -> Revision {
        let request = Etcdserverpb_RangeRequest.with {
            $0.key = Data(keys.marker)
            $0.countOnly = true
        }
        return try await connection.call(repeats: true) {
            try await $0.values.range(request, options: $1).header.revision
        }
    }

    // MARK: Writing

    /// Compares and writes, and reads what is there instead where the comparison fails, all at one revision.
    func commit(_ write: StoreWrite) async throws(StoreError) -> StoreCommit {
        guard let inner = keys.inner(write.key) else { throw .failed("\(write.key) is not a key of this store") }
        let key = Data(inner)
        let request = Etcdserverpb_TxnRequest.with { request in
            switch write {
            case .create(_, let value):
                request.compare = [Self.isAt(key, created: 0)]
                request.success = [Self.put(key, value, previous: false)]
            case .update(_, let value, let expected):
                request.compare = [Self.exists(key), Self.isAt(key, modified: expected)]
                request.success = [Self.put(key, value, previous: true)]
            case .delete(_, let expected):
                request.compare = [Self.exists(key), Self.isAt(key, modified: expected)]
                request.success = [
                    .with {
                        $0.requestDeleteRange = .with {
                            $0.key = key
                            $0.prevKv = true
                        }
                    }
                ]
            }
            request.failure = [.with { $0.requestRange = .with { $0.key = key } }]
        }
        let answer = try await connection.call { try await $0.values.txn(request, options: $1) }
        let response = answer.responses.first
        guard answer.succeeded else {
            let there = response?.responseRange.kvs.first.map { KeyValue($0, keys) }
            if case .create = write, let there { throw .keyExists(there) }
            throw .conflict(there)
        }
        let previous: Etcdserverpb_KeyValue?
        switch write {
        case .create: previous = nil
        case .update:
            let put = response?.responsePut
            previous = put?.hasPrevKv == true ? put?.prevKv : nil
        case .delete: previous = response?.responseDeleteRange.prevKvs.first
        }
        return StoreCommit(revision: answer.header.revision, previous: previous.map { KeyValue($0, keys) })
    }

    private static func exists(_ key: Data) -> Etcdserverpb_Compare {
        .with {
            $0.key = key
            $0.target = .create
            $0.result = .greater
            $0.createRevision = 0
        }
    }

    private static func isAt(_ key: Data, created: Revision) -> Etcdserverpb_Compare {
        .with {
            $0.key = key
            $0.target = .create
            $0.result = .equal
            $0.createRevision = created
        }
    }

    private static func isAt(_ key: Data, modified: Revision) -> Etcdserverpb_Compare {
        .with {
            $0.key = key
            $0.target = .mod
            $0.result = .equal
            $0.modRevision = modified
        }
    }

    private static func put(_ key: Data, _ value: [UInt8], previous: Bool) -> Etcdserverpb_RequestOp {
        .with {
            $0.requestPut = .with {
                $0.key = key
                $0.value = Data(value)
                $0.prevKv = previous
            }
        }
    }

    /// Writes the marker: whoever follows the store and hears of it has heard of everything before.
    func mark() async throws(StoreError) {
        let request = Etcdserverpb_PutRequest.with { $0.key = Data(keys.marker) }
        _ = try await connection.call { try await $0.values.put(request, options: $1) }
    }

    // MARK: Compaction

    func compact(to revision: Revision) async throws(StoreError) {
        let request = Etcdserverpb_CompactionRequest.with { $0.revision = revision }
        _ = try await connection.call { try await $0.values.compact(request, options: $1) }
    }

    /// Takes a turn of compaction, if nobody has since the last one that is known: all servers of an etcd, upstream's
    /// too, count turns by the version of one key, and whoever finds the count as he left it goes ahead.
    /// - Parameters:
    ///   - turn: the count of turns as it was.
    ///   - revision: what is compacted up to in this turn, noted for the others.
    /// - Returns: whether the turn was ours, the count now, the revision noted last, and etcd's revision now.
    func takeCompactionTurn(_ turn: Int64, revision: Revision) async throws(StoreError) -> (
        isOurs: Bool, turn: Int64, noted: Revision, now: Revision
    ) {
        let key = Data("compact_rev_key".utf8)
        let request = Etcdserverpb_TxnRequest.with { request in
            request.compare = [
                .with {
                    $0.key = key
                    $0.target = .version
                    $0.result = .equal
                    $0.version = turn
                }
            ]
            request.success = [Self.put(key, Array(String(revision).utf8), previous: false)]
            request.failure = [.with { $0.requestRange = .with { $0.key = key } }]
        }
        let answer = try await connection.call { try await $0.values.txn(request, options: $1) }
        if answer.succeeded { return (true, turn + 1, revision, answer.header.revision) }
        let there = answer.responses.first?.responseRange.kvs.first
        let noted = there.flatMap { Revision(String(decoding: $0.value, as: UTF8.self)) } ?? 0
        return (false, there?.version ?? 0, noted, answer.header.revision)
    }
}
