// Quantities are read as the API reads them and written as it writes them.
import JSON
import Testing

@testable import KubeTypes

@Suite struct QuantityTests {
    /// Thirty characters of digits and a point, and no more.
    @Test func length() {
        #expect(Quantity(String(repeating: "0", count: 29) + "1")?.value == 1)
        #expect(Quantity(String(repeating: "0", count: 28) + ".5")?.milliValue == 500)
        #expect(Quantity(String(repeating: "0", count: 30) + "1") == nil)
        #expect(Quantity(String(repeating: "0", count: 29) + ".5") == nil)
    }

    @Test(
        arguments: [
            ("0", 0, 0), ("1", 1, 1000), ("100m", 1, 100), ("1500m", 2, 1500), ("0.5", 1, 500), (".5", 1, 500),
            ("5.", 5, 5000), ("1k", 1000, 1_000_000), ("1Ki", 1024, 1_024_000),
            ("1.5Gi", 1_610_612_736, 1_610_612_736_000),
            ("128Mi", 134_217_728, 134_217_728_000), ("2e3", 2000, 2_000_000), ("2E3", 2000, 2_000_000),
            ("1e-3", 1, 1), ("-1", -1, -1000), ("+1", 1, 1000), ("-100m", -1, -100), ("1u", 1, 1), ("1n", 1, 1),
            ("0.0000000001", 1, 1), ("1E", 1_000_000_000_000_000_000, Int64.max), ("9999999E", Int64.max, Int64.max),
        ] as [(String, Int64, Int64)])
    func values(text: String, value: Int64, milli: Int64) throws {
        let quantity = try #require(Quantity(text))
        #expect(quantity.value == value)
        #expect(quantity.milliValue == milli)
        #expect(quantity.text == text)
    }

    @Test(arguments: ["", "m", "1x", "1 ", " 1", "1.2.3", "1ki", "1KI", "--1", "1e", "1e99", "0x1", "1mi", "."])
    func refused(text: String) { #expect(Quantity(text) == nil) }

    @Test(arguments: [
        ("1000m", "1"), ("0.5", "500m"), ("1500m", "1500m"), ("2000m", "2"), ("1024Mi", "1Gi"), ("1.5Gi", "1536Mi"),
        ("1000Ki", "1000Ki"), ("1023Ki", "1023Ki"), ("0.5Ki", "512"), ("1000", "1k"), ("1000000", "1M"),
        ("1500", "1500"),
        ("1e3", "1e3"), ("1000e3", "1e6"), ("12e0", "12"), ("0", "0"), ("0Gi", "0"), ("0m", "0"), ("-0.5", "-500m"),
        ("0.0000000001", "1n"), ("1.5n", "2n"), ("100", "100"), ("110", "110"), ("16Gi", "16Gi"),
        ("1048576", "1048576"),
    ])
    func canonical(text: String, expected: String) { #expect(Quantity(text)?.canonical == expected) }

    @Test func arithmetic() throws {
        let table: [(String, String, sum: String, difference: String)] = [
            ("1", "500m", "1500m", "500m"), ("1Gi", "512Mi", "1536Mi", "512Mi"), ("0", "1Gi", "1Gi", "-1Gi"),
            ("1Gi", "1G", "2073741824", "73741824"), ("100m", "900m", "1", "-800m"),
        ]
        for row in table {
            let left = try #require(Quantity(row.0))
            let right = try #require(Quantity(row.1))
            #expect((left + right).text == row.sum, "\(row)")
            #expect((left - right).text == row.difference, "\(row)")
            #expect((left < right) == (left.nanos < right.nanos))
        }
        #expect(Quantity("1000m") == Quantity("1"))
        #expect(Quantity(milli: 1500).text == "1500m")
        #expect(Quantity(2_147_483_648, format: .binary).text == "2Gi")
        #expect(Quantity(field: .integer(3))?.text == "3")
        #expect(Quantity(field: .bool(true)) == nil)
    }
}
