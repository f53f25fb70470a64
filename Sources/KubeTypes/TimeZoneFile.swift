#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// Offsets of time zones, from the zone files of the system.
///
/// Specified in RFC 9636 (TZif).
public struct TimeZoneFile: Sendable {
    private static let directory = "/usr/share/zoneinfo/"
    /// No zone file is larger than a few kilobytes.
    private static let largest = 1 << 20

    /// Nil for UTC.
    private let bytes: [UInt8]?

    /// The zone of Greenwich without summer time.
    public static let utc = TimeZoneFile(bytes: nil)

    private init(bytes: [UInt8]?) { self.bytes = bytes }

    /// The zone with a name such as `Asia/Tokyo`; an empty name is UTC. Nil if the system does not know it.
    public init?(_ name: String) {
        if name.isEmpty || name == "UTC" {
            self = .utc
            return
        }
        guard Self.isName(name), let bytes = Self.read(Self.directory + name), Self.offset(in: bytes, at: 0) != nil
        else {
            return nil
        }
        self.bytes = bytes
    }

    /// Whether a text may be the name of a zone, and no way to another file.
    public static func isName(_ name: String) -> Bool {
        name.utf8.count < 64 && !name.hasPrefix("/") && !name.contains("..") && !name.contains("\\")
    }

    /// Seconds east of Greenwich at a time, in seconds since 1970-01-01T00:00:00Z.
    public func offset(at seconds: Int64) -> Int64 {
        guard let bytes else { return 0 }
        return Self.offset(in: bytes, at: seconds) ?? 0
    }

    /// The time at which clocks show `local`, seconds since 1970-01-01T00:00:00 by the clock: where they are put forward
    /// past it or back before it, that of the time before or after.
    public func time(ofLocal local: Int64) -> Int64 {
        local - offset(at: local - offset(at: local))
    }

    private static func read(_ path: String) -> [UInt8]? {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return nil }
        defer { close(file) }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 8192)
        while bytes.count < largest {
            let count = Glibc.read(file, &buffer, buffer.count)
            guard count >= 0 else { return nil }
            if count == 0 { return bytes }
            bytes += buffer[..<count]
        }
        return nil
    }

    private static func integer(_ bytes: ArraySlice<UInt8>) -> Int64 {
        var value: Int64 = (bytes.first ?? 0) & 0x80 != 0 ? -1 : 0
        for byte in bytes { value = value << 8 | Int64(byte) }
        return value
    }

    /// The offset that a zone file has for a time.
    private static func offset(in bytes: [UInt8], at seconds: Int64) -> Int64? {
        guard bytes.count >= 44, bytes[0..<4] == [0x54, 0x5a, 0x69, 0x66] else { return nil }
        // The second block, with 64-bit times, where there is one.
        func counts(_ start: Int) -> [Int] {
            (0..<6).map { Int(integer(bytes[start + 20 + $0 * 4..<start + 24 + $0 * 4])) }
        }
        var start = 0
        var width = 4
        if bytes[4] >= UInt8(ascii: "2") {
            let first = counts(0)
            start = 44 + first[3] * 5 + first[4] * 6 + first[5] + first[2] * 8 + first[1] + first[0]
            width = 8
        }
        guard start + 44 <= bytes.count else { return nil }
        let count = counts(start)
        let times = start + 44
        let indexes = times + count[3] * width
        let types = indexes + count[3]
        let footer = types + count[4] * 6 + count[5] + count[2] * (width + 4) + count[1] + count[0]
        guard footer <= bytes.count, count[4] > 0 else { return nil }
        var found: Int?
        for index in 0..<count[3] {
            let time = integer(bytes[times + index * width..<times + (index + 1) * width])
            if time > seconds { break }
            found = index
        }
        if found == count[3] - 1 || count[3] == 0, width == 8, footer + 2 < bytes.count,
            let offset = ZoneRule(String(decoding: bytes[(footer + 1)...].dropLast(), as: UTF8.self))?
                .offset(at: seconds)
        {
            return offset
        }
        let type = types + (found.map { Int(bytes[indexes + $0]) } ?? 0) * 6
        return integer(bytes[type..<type + 4])
    }
}

/// The rule that a zone file has for times after its last transition: `CET-1CEST,M3.5.0,M10.5.0/3`.
private struct ZoneRule {
    private let standard: Int64
    private let daylight: Int64?
    private let start: (month: Int, week: Int, day: Int, time: Int64)
    private let end: (month: Int, week: Int, day: Int, time: Int64)

    init?(_ text: String) {
        var rest = text[...]
        func name() -> Bool {
            if rest.first == "<" {
                guard let close = rest.firstIndex(of: ">") else { return false }
                rest = rest[rest.index(after: close)...]
                return true
            }
            let letters = rest.prefix { $0.isLetter }
            rest = rest[letters.endIndex...]
            return letters.count >= 3
        }
        func time() -> Int64? {
            let text = rest.prefix { $0.isNumber || "+-:".contains($0) }
            rest = rest[text.endIndex...]
            var sign: Int64 = 1
            var digits = text
            if let first = digits.first, "+-".contains(first) {
                sign = first == "-" ? -1 : 1
                digits = digits.dropFirst()
            }
            var seconds: Int64 = 0
            var unit: Int64 = 3600
            for part in digits.split(separator: ":") {
                guard let value = Int64(part), value < 1000 else { return nil }
                seconds += value * unit
                unit /= 60
            }
            return digits.isEmpty ? nil : sign * seconds
        }
        func date() -> (Int, Int, Int, Int64)? {
            guard rest.hasPrefix(",M") else { return nil }
            rest = rest.dropFirst(2)
            let text = rest.prefix { $0.isNumber || $0 == "." }
            rest = rest[text.endIndex...]
            let parts = text.split(separator: ".").compactMap { Int($0) }
            guard parts.count == 3, (1...12).contains(parts[0]) else { return nil }
            var at: Int64 = 7200
            if rest.first == "/" {
                rest = rest.dropFirst()
                guard let given = time() else { return nil }
                at = given
            }
            return (parts[0], parts[1], parts[2], at)
        }
        guard name(), let west = time() else { return nil }
        standard = -west
        guard !rest.isEmpty else {
            daylight = nil
            start = (1, 1, 0, 0)
            end = (1, 1, 0, 0)
            return
        }
        guard name() else { return nil }
        daylight = rest.first == "," ? -west + 3600 : time().map { -$0 }
        guard daylight != nil, let start = date(), let end = date() else { return nil }
        self.start = start
        self.end = end
    }

    func offset(at seconds: Int64) -> Int64 {
        guard let daylight else { return standard }
        let year = CivilDate(seconds: seconds + standard).year
        let begin = moment(start, year) - standard
        let finish = moment(end, year) - daylight
        let isDaylight = begin < finish ? seconds >= begin && seconds < finish : seconds >= begin || seconds < finish
        return isDaylight ? daylight : standard
    }

    /// Seconds, by the wall clock, to the rule's day in a year.
    private func moment(_ rule: (month: Int, week: Int, day: Int, time: Int64), _ year: Int) -> Int64 {
        let first = CivilDate.days(year: year, month: rule.month, day: 1)
        let weekday = ((first + 4) % 7 + 7) % 7
        var day = (rule.day - weekday + 7) % 7 + (rule.week - 1) * 7
        while day >= CivilDate.days(inMonth: rule.month, year: year) { day -= 7 }
        return Int64(first + day) * 86400 + rule.time
    }
}
