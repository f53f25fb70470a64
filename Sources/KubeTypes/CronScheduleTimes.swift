/// When a schedule comes up, by the clocks of a time zone.
extension CronSchedule {
    /// The zone that a schedule names in front (`TZ=Asia/Tokyo 0 8 * * *`), which Kubernetes does not support but reads.
    public static func zone(in text: String) -> String? {
        for prefix in ["TZ=", "CRON_TZ="] where text.hasPrefix(prefix) {
            return String(text.dropFirst(prefix.count).prefix { $0 != " " })
        }
        return nil
    }

    /// The first time after `time`; nil if there is none within five years, as for the 31st of February.
    ///
    /// Where clocks are put forward, times that they pass over do not come up; where they are put back, times that they
    /// show twice come up twice.
    public func next(after time: Time, in zone: TimeZoneFile = .utc) -> Time? {
        if let interval { return Time(seconds: time.seconds + interval) }
        var seconds = time.seconds + 1
        let lastYear = CivilDate(seconds: seconds).year + 5
        while true {
            let local = CivilDate(seconds: seconds + zone.offset(at: seconds))
            guard local.year <= lastYear else { return nil }
            guard months & 1 << UInt64(local.month) != 0 else {
                let (year, month) = local.month == 12 ? (local.year + 1, 1) : (local.year, local.month + 1)
                seconds = Self.midnight(CivilDate.days(year: year, month: month, day: 1), zone)
                continue
            }
            guard isOn(local) else {
                seconds = Self.midnight(CivilDate.days(year: local.year, month: local.month, day: local.day) + 1, zone)
                continue
            }
            guard hours & 1 << UInt64(local.hour) != 0 else {
                seconds += Int64(3600 - local.minute * 60 - local.second)
                continue
            }
            guard minutes & 1 << UInt64(local.minute) != 0, local.second == 0 else {
                seconds += Int64(60 - local.second)
                continue
            }
            return Time(seconds: seconds)
        }
    }

    private func isOn(_ date: CivilDate) -> Bool {
        let day = days & 1 << UInt64(date.day) != 0
        let weekday = weekdays & 1 << UInt64(date.weekday) != 0
        return anyDay || anyWeekday ? day && weekday : day || weekday
    }

    /// The beginning of a day, counted from 1970-01-01, also where clocks are put forward at midnight.
    private static func midnight(_ day: Int, _ zone: TimeZoneFile) -> Int64 {
        let seconds = zone.time(ofLocal: Int64(day) * 86400)
        let shown = CivilDate(seconds: seconds + zone.offset(at: seconds))
        if shown.hour > 12 { return seconds + Int64(24 - shown.hour) * 3600 }
        return seconds - Int64(shown.hour) * 3600
    }
}

extension Time {
    /// RFC 3339 by the clocks of a zone: `2027-01-15T09:00:00+09:00`.
    public func description(in zone: TimeZoneFile) -> String {
        let offset = zone.offset(at: seconds)
        if offset == 0 { return description }
        let local = Time(seconds: seconds + offset).description.dropLast()
        func two(_ number: Int64) -> String { number < 10 ? "0\(number)" : "\(number)" }
        let minutes = abs(offset) / 60
        return "\(local)\(offset < 0 ? "-" : "+")\(two(minutes / 60)):\(two(minutes % 60))"
    }
}
