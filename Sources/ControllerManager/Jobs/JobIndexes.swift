/// A set of completion indexes as the status of an Indexed Job has it: `0-4,7,9-12`.
struct JobIndexes: Hashable, CustomStringConvertible {
    /// In order, without overlap or touch.
    private(set) var ranges: [ClosedRange<Int>] = []

    init() {}

    init(_ indexes: some Sequence<Int>) {
        for index in indexes.sorted() { append(index...index) }
    }

    /// Reads the text form; what is no range is passed over, and so are indexes that the Job does not have.
    init(_ text: String, below completions: Int) {
        var found: [ClosedRange<Int>] = []
        for part in text.split(separator: ",") {
            let ends = part.split(separator: "-", maxSplits: 1).map { Int($0) }
            guard let first = ends.first ?? nil, let last = ends[ends.count - 1], first >= 0, first < completions,
                first <= last
            else { continue }
            found.append(first...min(last, completions - 1))
        }
        for range in found.sorted(by: { $0.lowerBound < $1.lowerBound }) { append(range) }
    }

    private mutating func append(_ range: ClosedRange<Int>) {
        guard let last = ranges.last, range.lowerBound <= last.upperBound + 1 else {
            ranges.append(range)
            return
        }
        ranges[ranges.count - 1] = last.lowerBound...max(last.upperBound, range.upperBound)
    }

    var count: Int { ranges.reduce(0) { $0 + $1.count } }
    var isEmpty: Bool { ranges.isEmpty }

    func contains(_ index: Int) -> Bool {
        var low = 0
        var high = ranges.count
        while low < high {
            let middle = (low + high) / 2
            if ranges[middle].upperBound >= index { high = middle } else { low = middle + 1 }
        }
        return low < ranges.count && ranges[low].contains(index)
    }

    func union(_ other: JobIndexes) -> JobIndexes {
        var result = JobIndexes()
        for range in (ranges + other.ranges).sorted(by: { $0.lowerBound < $1.lowerBound }) { result.append(range) }
        return result
    }

    /// How many indexes both have.
    func overlap(with other: JobIndexes) -> Int {
        var total = 0
        var (left, right) = (0, 0)
        while left < ranges.count, right < other.ranges.count {
            let low = max(ranges[left].lowerBound, other.ranges[right].lowerBound)
            let high = min(ranges[left].upperBound, other.ranges[right].upperBound)
            if low <= high { total += high - low + 1 }
            if ranges[left].upperBound < other.ranges[right].upperBound { left += 1 } else { right += 1 }
        }
        return total
    }

    /// The first `count` indexes below `completions` that are not in the set. The work depends on `count` and on the
    /// number of ranges, not on the number of indexes.
    func firstMissing(_ count: Int, below completions: Int) -> [Int] {
        var missing: [Int] = []
        var candidate = 0
        for range in ranges {
            while candidate < min(range.lowerBound, completions), missing.count < count {
                missing.append(candidate)
                candidate += 1
            }
            candidate = max(candidate, range.upperBound + 1)
        }
        while candidate < completions, missing.count < count {
            missing.append(candidate)
            candidate += 1
        }
        return missing
    }

    var description: String {
        ranges.map { range in
            switch range.count {
            case 1: "\(range.lowerBound)"
            case 2: "\(range.lowerBound),\(range.upperBound)"
            default: "\(range.lowerBound)-\(range.upperBound)"
            }
        }.joined(separator: ",")
    }
}
