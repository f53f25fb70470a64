import KubeTypes

/// A point in time, with the offset that it was written with.
public struct CELTimestamp: Sendable, Hashable, Comparable, CustomStringConvertible {
    /// Seconds since 1970-01-01T00:00:00Z.
    public let seconds: Int64
    /// 0 ..< 1,000,000,000.
    public let nanoseconds: Int32
    /// Seconds east of Greenwich; only `description` shows it.
    let offset: Int32

    /// What Go has for a time that is not set.
    static let zero = CELTimestamp(seconds: -62_135_596_800, nanoseconds: 0)

    /// 0001-01-01T00:00:00Z … 9999-12-31T23:59:59Z.
    static let range: ClosedRange<Int64> = -62_135_596_800...253_402_300_799

    init(seconds: Int64, nanoseconds: Int32, offset: Int32 = 0) {
        self.seconds = seconds
        self.nanoseconds = nanoseconds
        self.offset = offset
    }

    /// Reads RFC 3339.
    public init?(_ text: String) {
        guard let time = Time(text), Self.range.contains(time.seconds), Self.isStrict(text) else { return nil }
        var offset: Int32 = 0
        if text.utf8.last != UInt8(ascii: "Z") {
            let zone = Array(text.utf8.suffix(6)).map { Int32($0) - 48 }
            offset = ((zone[1] * 10 + zone[2]) * 60 + zone[4] * 10 + zone[5]) * 60
            if text.utf8.suffix(6).first == UInt8(ascii: "-") { offset = -offset }
        }
        self.init(seconds: time.seconds, nanoseconds: time.nanoseconds, offset: offset)
    }

    /// Whether `T` and `Z` are capitals, the day exists in its month, and there is no leap second, as Go has it.
    private static func isStrict(_ text: String) -> Bool {
        let bytes = Array(text.utf8)
        guard bytes[10] == UInt8(ascii: "T"), bytes[bytes.count - 1] != UInt8(ascii: "z"), bytes[17] < UInt8(ascii: "6")
        else { return false }
        let digits = bytes.map { Int($0) - 48 }
        let year = digits[0] * 1000 + digits[1] * 100 + digits[2] * 10 + digits[3]
        let month = digits[5] * 10 + digits[6]
        return digits[8] * 10 + digits[9] <= CivilDate.days(inMonth: month, year: year)
    }

    public static func == (left: CELTimestamp, right: CELTimestamp) -> Bool {
        left.seconds == right.seconds && left.nanoseconds == right.nanoseconds
    }

    public func hash(into hasher: inout Hasher) {
        hasher.combine(seconds)
        hasher.combine(nanoseconds)
    }

    public static func < (left: CELTimestamp, right: CELTimestamp) -> Bool {
        (left.seconds, left.nanoseconds) < (right.seconds, right.nanoseconds)
    }

    /// RFC 3339 with as many decimals as are needed.
    public var description: String {
        let local = CivilDate(seconds: seconds + Int64(offset))
        var text = "\(Self.pad(local.year, 4))-\(Self.pad(local.month, 2))-\(Self.pad(local.day, 2))T"
        text += "\(Self.pad(local.hour, 2)):\(Self.pad(local.minute, 2)):\(Self.pad(local.second, 2))"
        if nanoseconds > 0 {
            var fraction = Self.pad(Int(nanoseconds), 9)
            while fraction.hasSuffix("0") { fraction.removeLast() }
            text += ".\(fraction)"
        }
        guard offset != 0 else { return text + "Z" }
        let minutes = abs(offset) / 60
        return "\(text)\(offset < 0 ? "-" : "+")\(Self.pad(Int(minutes) / 60, 2)):\(Self.pad(Int(minutes) % 60, 2))"
    }

    private static func pad(_ value: Int, _ width: Int) -> String {
        let text = "\(value)"
        return String(repeating: "0", count: max(0, width - text.count)) + text
    }

    /// The time later by a duration; nil beyond the years that there are.
    func adding(_ duration: CELDuration) -> CELTimestamp? {
        let (quotient, remainder) = duration.nanoseconds.quotientAndRemainder(dividingBy: 1_000_000_000)
        var nanoseconds = Int64(self.nanoseconds) + remainder
        var seconds = self.seconds + quotient
        if nanoseconds < 0 { (nanoseconds, seconds) = (nanoseconds + 1_000_000_000, seconds - 1) }
        if nanoseconds >= 1_000_000_000 { (nanoseconds, seconds) = (nanoseconds - 1_000_000_000, seconds + 1) }
        guard Self.range.contains(seconds) else { return nil }
        return CELTimestamp(seconds: seconds, nanoseconds: Int32(nanoseconds), offset: offset)
    }

    /// The duration since an earlier time; nil beyond what a duration can be.
    func since(_ earlier: CELTimestamp) -> CELDuration? {
        let (nanoseconds, overflow) = (seconds - earlier.seconds).multipliedReportingOverflow(by: 1_000_000_000)
        let (sum, sumOverflow) = nanoseconds.addingReportingOverflow(Int64(self.nanoseconds - earlier.nanoseconds))
        return overflow || sumOverflow ? nil : CELDuration(nanoseconds: sum)
    }
}
