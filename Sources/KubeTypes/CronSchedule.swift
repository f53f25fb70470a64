import JSON

/// The schedule of a CronJob: five fields, or a name such as `@daily`, in the form that Kubernetes' parser takes.
public struct CronSchedule: Sendable, Hashable {
    /// Why a text is no schedule.
    public struct Problem: Error, Hashable, CustomStringConvertible {
        public let description: String
        init(_ description: String) { self.description = description }
    }

    /// The values at which each field matches, one bit a value.
    public private(set) var minutes: UInt64 = 0
    public private(set) var hours: UInt64 = 0
    public private(set) var days: UInt64 = 0
    public private(set) var months: UInt64 = 0
    public private(set) var weekdays: UInt64 = 0
    /// Days match on either list, unless one of them is `*`.
    public private(set) var anyDay = false
    public private(set) var anyWeekday = false
    /// `@every DURATION`, in seconds; the other fields are empty then.
    public private(set) var interval: Int64?

    private static let monthNames = [
        "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
    ]
    private static let dayNames = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"]
    private static let descriptors = [
        "@yearly": "0 0 1 1 *", "@annually": "0 0 1 1 *", "@monthly": "0 0 1 * *", "@weekly": "0 0 * * 0",
        "@daily": "0 0 * * *", "@midnight": "0 0 * * *", "@hourly": "0 * * * *",
    ]

    /// Reads a schedule. A time zone in front (`TZ=UTC ...`) is passed over.
    public init(_ text: String) throws(Problem) {
        if text.isEmpty { throw Problem("empty spec string") }
        var rest = text[...]
        if rest.hasPrefix("TZ=") || rest.hasPrefix("CRON_TZ=") {
            guard let space = rest.firstIndex(of: " ") else { throw Problem("provided bad location \(rest)") }
            rest = rest[space...].drop { $0 == " " }
        }
        if rest.hasPrefix("@") {
            let name = String(rest)
            if name.hasPrefix("@every ") {
                guard let duration = GoDuration.nanoseconds(String(name.dropFirst(7))) else {
                    throw Problem("failed to parse duration \(name)")
                }
                interval = max(1, duration / 1_000_000_000)
                return
            }
            guard let fields = Self.descriptors[name] else { throw Problem("unrecognized descriptor: \(name)") }
            rest = fields[...]
        }
        let fields = rest.split(whereSeparator: \.isWhitespace).map(String.init)
        guard fields.count == 5 else {
            throw Problem("expected exactly 5 fields, found \(fields.count): [\(fields.joined(separator: " "))]")
        }
        minutes = try Self.bits(fields[0], 0...59)
        hours = try Self.bits(fields[1], 0...23)
        days = try Self.bits(fields[2], 1...31)
        months = try Self.bits(fields[3], 1...12, names: Self.monthNames, first: 1)
        weekdays = try Self.bits(fields[4], 0...6, names: Self.dayNames, first: 0)
        anyDay = fields[2].hasPrefix("*") || fields[2].hasPrefix("?")
        anyWeekday = fields[4].hasPrefix("*") || fields[4].hasPrefix("?")
    }

    private static func bits(_ field: String, _ bounds: ClosedRange<Int>, names: [String] = [], first: Int = 0)
        throws(Problem) -> UInt64
    {
        var bits: UInt64 = 0
        for part in field.split(separator: ",") {
            let text = String(part)
            let rangeAndStep = text.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
            let ends = rangeAndStep[0].split(separator: "-", omittingEmptySubsequences: false).map(String.init)
            var low: Int
            var high: Int
            let isSingle = ends.count == 1
            if ends[0] == "*" || ends[0] == "?" {
                (low, high) = (bounds.lowerBound, bounds.upperBound)
            } else {
                low = try number(ends[0], names, first)
                high = low
                if ends.count == 2 {
                    high = try number(ends[1], names, first)
                } else if ends.count > 2 {
                    throw Problem("too many hyphens: \(text)")
                }
            }
            var step = 1
            if rangeAndStep.count == 2 {
                step = try number(rangeAndStep[1], [], 0)
                if isSingle { high = bounds.upperBound }
            } else if rangeAndStep.count > 2 {
                throw Problem("too many slashes: \(text)")
            }
            if low < bounds.lowerBound {
                throw Problem("beginning of range (\(low)) below minimum (\(bounds.lowerBound)): \(text)")
            }
            if high > bounds.upperBound {
                throw Problem("end of range (\(high)) above maximum (\(bounds.upperBound)): \(text)")
            }
            if low > high { throw Problem("beginning of range (\(low)) beyond end of range (\(high)): \(text)") }
            if step == 0 { throw Problem("step of range should be a positive number: \(text)") }
            for value in stride(from: low, through: high, by: step) { bits |= 1 << UInt64(value) }
        }
        return bits
    }

    private static func number(_ text: String, _ names: [String], _ first: Int) throws(Problem) -> Int {
        if let index = names.firstIndex(of: text.lowercased()) { return index + first }
        guard let number = Int(text) else {
            throw Problem("failed to parse int from \(text): strconv.Atoi: parsing \"\(text)\": invalid syntax")
        }
        if number < 0 { throw Problem("negative number (\(number)) not allowed: \(text)") }
        return number
    }
}
