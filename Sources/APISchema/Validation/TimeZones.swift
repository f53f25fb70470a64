#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// Names of time zones, as this machine's database knows them.
enum TimeZones {
    private static let directories = ["/usr/share/zoneinfo", "/usr/share/lib/zoneinfo", "/usr/lib/locale/TZ"]

    /// Whether there is a database, and it has no such zone.
    static func isUnknown(_ name: String) -> Bool {
        if name == "UTC" { return false }
        guard let directory = directories.first(where: { access($0, R_OK) == 0 }) else { return false }
        return access("\(directory)/\(name)", R_OK) != 0
    }
}
