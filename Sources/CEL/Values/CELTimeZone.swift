import KubeTypes

/// The time zones of expressions: offsets such as `-05:30`, and names.
enum CELTimeZone {
    /// Seconds east of Greenwich in `zone` at a time.
    static func offset(of zone: String, at seconds: Int64) throws(CELError) -> Int64 {
        if zone.isEmpty || zone == "UTC" { return 0 }
        if let colon = zone.firstIndex(of: ":") { return try offset(zone[..<colon], zone[zone.index(after: colon)...]) }
        guard TimeZoneFile.isName(zone) else { throw CELError("time: invalid location name") }
        guard let file = TimeZoneFile(zone) else { throw CELError("unknown time zone \(zone)") }
        return file.offset(at: seconds)
    }

    private static func offset(_ hours: Substring, _ minutes: Substring) throws(CELError) -> Int64 {
        guard let hour = Int64(hours) else {
            throw CELError("strconv.Atoi: parsing \"\(hours)\": invalid syntax")
        }
        guard let minute = Int64(minutes) else {
            throw CELError("strconv.Atoi: parsing \"\(minutes)\": invalid syntax")
        }
        guard abs(hour) < 1_000_000, abs(minute) < 1_000_000 else { throw CELError("unknown time zone offset") }
        return (hour * 60 + (hours.hasPrefix("-") ? -minute : minute)) * 60
    }
}
