import KubeTypes

/// Functions of times and durations: `getFullYear`, `getHours` …
extension Functions {
    static let times: [String: FunctionImplementation] = [
        "getFullYear": part { Int64($0.year) },
        "getMonth": part { Int64($0.month - 1) },
        "getDayOfYear": part { Int64($0.dayOfYear) },
        "getDayOfMonth": part { Int64($0.day - 1) },
        "getDate": part { Int64($0.day) },
        "getDayOfWeek": part { Int64($0.weekday) },
        "getHours": part(perUnit: 3_600_000_000_000) { Int64($0.hour) },
        "getMinutes": part(perUnit: 60_000_000_000) { Int64($0.minute) },
        "getSeconds": part(perUnit: 1_000_000_000) { Int64($0.second) },
        "getMilliseconds": { values throws(CELError) in
            switch values[0] {
            case .duration(let duration): return .int(duration.nanoseconds / 1_000_000)
            case .timestamp(let time):
                if values.count > 1 { _ = try date(time, values) }
                return .int(Int64(time.nanoseconds / 1_000_000))
            default: throw .noSuchOverload
            }
        },
    ]

    private static func date(_ time: CELTimestamp, _ values: [CELValue]) throws(CELError) -> CivilDate {
        guard values.count > 1 else { return CivilDate(seconds: time.seconds) }
        guard let zone = values[1].stringValue else { throw .noSuchOverload }
        return CivilDate(seconds: time.seconds + (try CELTimeZone.offset(of: zone, at: time.seconds)))
    }

    /// - Parameter perUnit: The nanoseconds of one, where durations have the part too.
    private static func part(
        perUnit: Int64? = nil, _ part: @escaping @Sendable (CivilDate) -> Int64
    ) -> FunctionImplementation {
        { values throws(CELError) in
            switch values[0] {
            case .timestamp(let time): return .int(part(try date(time, values)))
            case .duration(let duration):
                guard let perUnit, values.count == 1 else { throw .noSuchOverload }
                return .int(duration.nanoseconds / perUnit)
            default: throw .noSuchOverload
            }
        }
    }
}
