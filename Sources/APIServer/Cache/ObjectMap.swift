// The objects of one resource in the order of their keys in the store: a value type that is cheap to copy and to change.

import KubeTypes

/// Chunks of at most `chunkLimit` objects. A copy shares all of them; a change copies the list of chunks and one chunk.
struct ObjectMap: Sendable {
    private static let chunkLimit = 128
    private var chunks: [[CachedObject]] = []
    private(set) var count = 0

    init() {}

    /// The chunk in which `key` is, or would be.
    private func chunk(for key: ObjectKey) -> Int {
        var low = 0
        var high = chunks.count
        // The last chunk whose first key is not behind `key`.
        while low < high {
            let middle = (low + high) / 2
            if ObjectKey.storeOrder(key, chunks[middle][0].key) { high = middle } else { low = middle + 1 }
        }
        return max(0, low - 1)
    }

    /// The first position in a chunk whose key is not before `key`.
    private static func position(of key: ObjectKey, in chunk: [CachedObject]) -> Int {
        var low = 0
        var high = chunk.count
        while low < high {
            let middle = (low + high) / 2
            if ObjectKey.storeOrder(chunk[middle].key, key) { low = middle + 1 } else { high = middle }
        }
        return low
    }

    subscript(key: ObjectKey) -> CachedObject? {
        guard !chunks.isEmpty else { return nil }
        let chunk = chunks[chunk(for: key)]
        let position = Self.position(of: key, in: chunk)
        guard position < chunk.count, chunk[position].key == key else { return nil }
        return chunk[position]
    }

    /// Puts an object in place of what has its key, and returns that.
    @discardableResult
    mutating func set(_ object: CachedObject) -> CachedObject? {
        guard !chunks.isEmpty else {
            chunks = [[object]]
            count = 1
            return nil
        }
        let index = chunk(for: object.key)
        let position = Self.position(of: object.key, in: chunks[index])
        if position < chunks[index].count, chunks[index][position].key == object.key {
            let old = chunks[index][position]
            chunks[index][position] = object
            return old
        }
        chunks[index].insert(object, at: position)
        count += 1
        if chunks[index].count > Self.chunkLimit {
            // Keys that only grow fill chunks to the brim: split off the end alone.
            let atEnd = index == chunks.count - 1 && position == chunks[index].count - 1
            let middle = atEnd ? Self.chunkLimit : Self.chunkLimit / 2
            let tail = Array(chunks[index][middle...])
            chunks[index].removeSubrange(middle...)
            chunks.insert(tail, at: index + 1)
        }
        return nil
    }

    @discardableResult
    mutating func remove(_ key: ObjectKey) -> CachedObject? {
        guard !chunks.isEmpty else { return nil }
        let index = chunk(for: key)
        let position = Self.position(of: key, in: chunks[index])
        guard position < chunks[index].count, chunks[index][position].key == key else { return nil }
        let old = chunks[index].remove(at: position)
        if chunks[index].isEmpty { chunks.remove(at: index) }
        count -= 1
        return old
    }

    /// Calls `body` with the objects of a namespace (nil: all), in order, behind `after` if given, until it returns false.
    func forEach(namespace: String? = nil, after: ObjectKey? = nil, _ body: (CachedObject) -> Bool) {
        guard !chunks.isEmpty else { return }
        var start = after
        if start == nil, let namespace { start = ObjectKey(namespace: namespace, name: "") }
        var index = 0
        var position = 0
        if let start {
            index = chunk(for: start)
            position = Self.position(of: start, in: chunks[index])
            if let after, position < chunks[index].count, chunks[index][position].key == after { position += 1 }
        }
        while index < chunks.count {
            let chunk = chunks[index]
            while position < chunk.count {
                let object = chunk[position]
                if let namespace, object.key.namespace != namespace {
                    // A continue key may lie before the namespace; everything behind it ends the walk.
                    if ObjectKey.storeOrder(ObjectKey(namespace: namespace, name: ""), object.key) { return }
                } else if !body(object) {
                    return
                }
                position += 1
            }
            index += 1
            position = 0
        }
    }

    var all: [CachedObject] { chunks.flatMap { $0 } }

    func objects(namespace: String) -> [CachedObject] {
        var objects: [CachedObject] = []
        forEach(namespace: namespace) {
            objects.append($0)
            return true
        }
        return objects
    }
}

extension ObjectKey {
    /// Whether `left` comes before `right` in the store, where keys are `namespace/name`: a namespace that begins
    /// another's name may come behind it, since `-` and `.` sort before `/`.
    static func storeOrder(_ left: ObjectKey, _ right: ObjectKey) -> Bool {
        if left.namespace == right.namespace { return left.name < right.name }
        var first = left.namespace.utf8.makeIterator()
        var second = right.namespace.utf8.makeIterator()
        let slash = UInt8(ascii: "/")
        while true {
            let a = first.next()
            let b = second.next()
            if a == nil && b == nil { return false }
            if a != b { return (a ?? slash) < (b ?? slash) }
        }
    }
}
