import Glibc

/// Where in the log each key's latest revision stands: the keys in byte order, in memory.
///
/// Blocks of a few hundred keys, so that adding one moves little. A value type: a reader takes a copy (one reference)
/// and goes through it at leisure, while the writer copies only the blocks it changes meanwhile.
struct KeyIndex: Sendable {
    struct Entry: Sendable, Equatable {
        let key: String
        let created: Revision
        /// The revision of the latest row of the key in the log.
        let modified: Revision
        /// The latest row is a deletion. It stays until it is compacted, so that the past can be found.
        let deleted: Bool
    }

    private static let blockLimit = 256

    /// None is empty.
    private var blocks: [[Entry]] = []
    private(set) var count = 0

    init() {}

    /// Takes entries in any order, each key once.
    init(_ entries: some Sequence<Entry>) {
        let sorted = entries.sorted { KeyOrder.compare($0.key, $1.key) < 0 }
        count = sorted.count
        var start = 0
        // Not quite full, to leave room before the first split.
        while start < sorted.count {
            let end = min(start + Self.blockLimit * 3 / 4, sorted.count)
            blocks.append(Array(sorted[start..<end]))
            start = end
        }
    }

    /// The block that holds `key` or would.
    private func block(of key: String) -> Int {
        var low = 0
        var high = blocks.count
        while low < high {
            let middle = (low + high) / 2
            if KeyOrder.compare(blocks[middle][0].key, key) <= 0 { low = middle + 1 } else { high = middle }
        }
        return max(0, low - 1)
    }

    /// The first position in the block that is not before `key`.
    private func position(of key: String, in block: Int) -> Int {
        blocks[block].withUnsafeBufferPointer { entries in
            var low = 0
            var high = entries.count
            while low < high {
                let middle = (low + high) / 2
                if KeyOrder.compare(entries[middle].key, key) < 0 { low = middle + 1 } else { high = middle }
            }
            return low
        }
    }

    subscript(key: String) -> Entry? {
        guard !blocks.isEmpty else { return nil }
        let block = block(of: key)
        let position = position(of: key, in: block)
        guard position < blocks[block].count, KeyOrder.compare(blocks[block][position].key, key) == 0 else {
            return nil
        }
        return blocks[block][position]
    }

    /// Adds the entry, or puts it in the place of the one that has its key.
    mutating func set(_ entry: Entry) {
        guard !blocks.isEmpty else {
            blocks = [[entry]]
            count = 1
            return
        }
        let block = block(of: entry.key)
        let position = position(of: entry.key, in: block)
        if position < blocks[block].count, KeyOrder.compare(blocks[block][position].key, entry.key) == 0 {
            blocks[block][position] = entry
            return
        }
        count += 1
        blocks[block].insert(entry, at: position)
        guard blocks[block].count > Self.blockLimit else { return }
        // Keys often come in order: then the last block is left nearly full, and the new one has the room.
        let appended = block == blocks.count - 1 && position == blocks[block].count - 1
        let split = appended ? Self.blockLimit - 1 : Self.blockLimit / 2
        blocks.insert(Array(blocks[block][split...]), at: block + 1)
        blocks[block].removeSubrange(split...)
    }

    mutating func remove(_ key: String) {
        guard !blocks.isEmpty else { return }
        let block = block(of: key)
        let position = position(of: key, in: block)
        guard position < blocks[block].count, KeyOrder.compare(blocks[block][position].key, key) == 0 else { return }
        count -= 1
        blocks[block].remove(at: position)
        if blocks[block].isEmpty { blocks.remove(at: block) }
    }

    /// Calls `body` with the entries that begin with `prefix`, in order, from `start` on (inclusive), until it returns
    /// false.
    func forEach<Failure: Error>(
        prefix: String, from start: String?, _ body: (Entry) throws(Failure) -> Bool
    ) throws(Failure) {
        guard !blocks.isEmpty else { return }
        let first = start.map { KeyOrder.compare($0, prefix) > 0 ? $0 : prefix } ?? prefix
        var block = block(of: first)
        var position = position(of: first, in: block)
        while block < blocks.count {
            while position < blocks[block].count {
                let entry = blocks[block][position]
                guard KeyOrder.hasPrefix(entry.key, prefix), try body(entry) else { return }
                position += 1
            }
            block += 1
            position = 0
        }
    }
}

/// Keys are compared by their bytes, as etcd does; `String`'s own order goes by canonical equivalence.
enum KeyOrder {
    /// Negative, zero or positive, as `left` is before, at or after `right`.
    static func compare(_ left: String, _ right: String) -> Int {
        let result = left.utf8.withContiguousStorageIfAvailable { left in
            right.utf8.withContiguousStorageIfAvailable { right in
                let order = bytes(left, right, min(left.count, right.count))
                return order != 0 ? order : left.count - right.count
            }
        }
        if case .some(.some(let order)) = result { return order }
        if left.utf8.lexicographicallyPrecedes(right.utf8) { return -1 }
        return left.utf8.elementsEqual(right.utf8) ? 0 : 1
    }

    static func hasPrefix(_ key: String, _ prefix: String) -> Bool {
        let result = key.utf8.withContiguousStorageIfAvailable { key in
            prefix.utf8.withContiguousStorageIfAvailable { prefix in
                key.count >= prefix.count && bytes(key, prefix, prefix.count) == 0
            }
        }
        if case .some(.some(let has)) = result { return has }
        return key.utf8.starts(with: prefix.utf8)
    }

    private static func bytes(_ left: UnsafeBufferPointer<UInt8>, _ right: UnsafeBufferPointer<UInt8>, _ count: Int)
        -> Int
    {
        guard count > 0, let left = left.baseAddress, let right = right.baseAddress else { return 0 }
        return Int(memcmp(left, right, count))
    }
}
