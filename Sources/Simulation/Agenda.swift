import HeapModule

/// What is to happen when, the earliest first. A thing that is put down again replaces what was there for it.
struct Agenda<Key: Hashable & Sendable, Value: Sendable>: Sendable {
    typealias Instant = ContinuousClock.Instant

    private struct Entry: Comparable, Sendable {
        let due: Instant
        let number: Int
        let key: Key
        static func < (left: Entry, right: Entry) -> Bool { (left.due, left.number) < (right.due, right.number) }
        static func == (left: Entry, right: Entry) -> Bool { left.number == right.number }
    }

    private var heap = Heap<Entry>()
    private var values: [Key: (value: Value, number: Int)] = [:]
    private var number = 0

    var count: Int { values.count }
    var isEmpty: Bool { values.isEmpty }

    mutating func put(_ value: Value, for key: Key, at due: Instant) {
        number += 1
        values[key] = (value, number)
        heap.insert(Entry(due: due, number: number, key: key))
    }

    mutating func remove(_ key: Key) { values[key] = nil }

    /// What is due, taken off the agenda.
    mutating func take(now: Instant) -> (key: Key, value: Value)? {
        while let first = heap.min {
            guard let (value, current) = values[first.key], current == first.number else {
                heap.removeMin()
                continue
            }
            guard first.due <= now else { return nil }
            heap.removeMin()
            values[first.key] = nil
            return (first.key, value)
        }
        return nil
    }

    var nextDue: Instant? { heap.min?.due }
}
