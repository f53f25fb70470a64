import KubeTypes
import Testing

struct SmallRulesTests {
    @Test(
        arguments: [
            ("1.5s", 1_500_000_000), ("200ms", 200_000_000), ("2m30s", 150_000_000_000), ("1h", 3_600_000_000_000),
            ("-1s", -1_000_000_000), ("+3us", 3000), ("0", 0), ("5", nil), ("", nil), ("s", nil), ("1d", nil),
            ("1s2", nil),
            ("300000h10000000h", nil),
        ] as [(String, Int64?)])
    func goDurations(_ text: String, _ nanoseconds: Int64?) {
        #expect(GoDuration.nanoseconds(text) == nanoseconds)
    }

    @Test(arguments: [
        ("a", "Equal", "1", "", true), ("a", "", "2", "", false), ("b", "Exists", "", "", false),
        ("", "Exists", "", "", true), ("", "Equal", "1", "", false), ("a", "Exists", "", "NoExecute", false),
        ("a", "Gt", "0", "", true), ("a", "Gt", "1", "", false), ("a", "Lt", "2", "NoSchedule", true),
        ("a", "Lt", "x", "", false), ("a", "Near", "1", "", false),
    ])
    func tolerations(_ key: String, _ operation: String, _ value: String, _ effect: String, _ covers: Bool) {
        #expect(
            TolerationMatch.covers(
                key: key, operator: operation, value: value, effect: effect,
                taintKey: "a", taintValue: "1", taintEffect: "NoSchedule") == covers)
    }
}
