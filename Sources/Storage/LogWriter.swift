/// The one point that all writes of a store pass: checks each against what the key holds, appends what is accepted to
/// the log, commits it all at once, and only then tells anybody.
struct LogWriter<Log: RevisionLog>: Sendable {
    private let store: LogStore<Log>
    /// Rows up to here that compaction made needless are removed.
    private var swept: Revision

    private typealias Completion = @Sendable (Result<StoreCommit, StoreError>) -> Void

    init(store: LogStore<Log>, swept: Revision) {
        self.store = store
        self.swept = swept
    }

    mutating func perform(_ jobs: [LogStore<Log>.Job]) {
        var writes: [(StoreWrite, Completion)] = []
        writes.reserveCapacity(jobs.count)
        for job in jobs {
            switch job {
            case .write(let write, let completion): writes.append((write, completion))
            case .compact(let revision, let completion):
                // What was asked for before comes before.
                commit(writes)
                writes = []
                do {
                    try compact(to: revision)
                    completion(nil)
                } catch {
                    completion(error)
                }
            }
        }
        commit(writes)
    }

    // MARK: Writes

    /// What a batch has done so far, on top of what is committed.
    private struct Batch {
        var rows: [LogRow] = []
        var events: [StoreEvent] = []
        /// The position in `rows` of the latest row of a key.
        var latest: [String: Int] = [:]
        var results: [Result<StoreCommit, StoreError>] = []
        var revision: Revision
    }

    private func commit(_ writes: [(StoreWrite, Completion)]) {
        guard !writes.isEmpty else { return }
        var batch = Batch(revision: store.revision)
        batch.rows.reserveCapacity(writes.count)
        batch.events.reserveCapacity(writes.count)
        batch.results.reserveCapacity(writes.count)
        do throws(StoreError) {
            for (write, _) in writes { try apply(write, to: &batch) }
            if !batch.rows.isEmpty { try store.log.commit() }
        } catch {
            // Refusals fall with the rest: what they were measured against has not happened.
            if !batch.rows.isEmpty { store.log.rollback() }
            for (_, completion) in writes { completion(.failure(error)) }
            return
        }
        store.publish(batch.rows, batch.events)
        for ((_, completion), result) in zip(writes, batch.results) { completion(result) }
    }

    private func apply(_ write: StoreWrite, to batch: inout Batch) throws(StoreError) {
        let key = write.key
        let latest = batch.latest[key].map { batch.rows[$0] }
        let entry = latest?.indexEntry ?? store.state.withLock { $0.index[key] }
        let row: LogRow
        var before: LogRow?
        switch write {
        case .create(_, let value):
            if let entry, !entry.deleted {
                let there: LogRow
                if let latest { there = latest } else { there = try committed(entry) }
                batch.results.append(.failure(.keyExists(there.keyValue)))
                return
            }
            let revision = batch.revision + 1
            row = LogRow(
                revision: revision, key: key, value: value, created: revision, previous: entry?.modified ?? 0,
                deleted: false)
        case .update(_, _, let expected), .delete(_, let expected):
            guard let entry, !entry.deleted else {
                batch.results.append(.failure(.conflict(nil)))
                return
            }
            let there: LogRow
            if let latest { there = latest } else { there = try committed(entry) }
            guard entry.modified == expected else {
                batch.results.append(.failure(.conflict(there.keyValue)))
                return
            }
            before = there
            if case .update(_, let value, _) = write {
                row = LogRow(
                    revision: batch.revision + 1, key: key, value: value, created: entry.created,
                    previous: entry.modified, deleted: false)
            } else {
                row = LogRow(
                    revision: batch.revision + 1, key: key, value: [], created: entry.created,
                    previous: entry.modified, deleted: true)
            }
        }
        if batch.rows.isEmpty { try store.log.begin() }
        batch.latest[key] = batch.rows.count
        batch.rows.append(row)
        try store.log.append(row)
        batch.revision = row.revision
        batch.events.append(StoreEvent(row, previous: before))
        batch.results.append(.success(StoreCommit(revision: row.revision, previous: before?.keyValue)))
    }

    private func committed(_ entry: KeyIndex.Entry) throws(StoreError) -> LogRow {
        guard let row = try store.log.row(entry.modified) else { throw .missing(entry) }
        return row
    }

    // MARK: Compaction

    /// Revisions that are gone through in one transaction, so that writes need not wait long.
    private static var sweepStep: Int { 1000 }

    private mutating func compact(to revision: Revision) throws(StoreError) {
        let state = store.state.withLock { (revision: $0.revision, compacted: $0.compacted) }
        if revision > state.revision { throw .future(current: state.revision) }
        if revision <= state.compacted { throw .compacted(oldest: state.compacted) }
        try transaction { (log) throws(StoreError) in try log.set(.compacted, revision) }
        // From now on nobody begins to read what is about to go; a watch that reads already is not overtaken.
        let end = store.state.withLock { state in
            state.compacted = revision
            return state.watches.values.reduce(revision) { $1.live ? $0 : min($0, $1.cursor) }
        }
        while swept < end {
            let through = min(end, swept + Revision(Self.sweepStep))
            let rows = try store.log.rows(after: swept, through: through, limit: Self.sweepStep, values: false)
            var needless: [Revision] = []
            for row in rows {
                if row.previous > 0 { needless.append(row.previous) }
                if row.deleted { needless.append(row.revision) }
            }
            try transaction { (log) throws(StoreError) in
                try log.remove(needless)
                try log.set(.swept, through)
            }
            store.state.withLock { state in
                for row in rows where row.deleted && state.index[row.key]?.modified == row.revision {
                    state.index.remove(row.key)
                }
            }
            swept = through
        }
    }

    private func transaction(_ body: (Log) throws(StoreError) -> Void) throws(StoreError) {
        try store.log.begin()
        do throws(StoreError) {
            try body(store.log)
            try store.log.commit()
        } catch {
            store.log.rollback()
            throw error
        }
    }
}
