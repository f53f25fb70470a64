import Testing

@testable import ClusterDNS

@Suite struct StubDomainTests {
    @Test(arguments: [
        "corp.example=10.0.0.53", "corp.example.=10.0.0.53, 10.0.0.54:5353",
        "corp.example=[2001:db8::1]:53,2001:db8::2",
    ]) func read(text: String) { #expect(StubDomain(text) != nil) }

    @Test(arguments: [
        "", "corp.example", "corp.example=", "=10.0.0.1", "corp=name", "corp=10.0.0.1:0", "a..b=10.0.0.1",
    ])
    func refused(text: String) { #expect(StubDomain(text) == nil) }

    @Test func theLongestDomainAnswers() throws {
        let stubs = ["example=10.0.0.1", "corp.example=10.0.0.2:5353"].compactMap { StubDomain($0) }
        func resolver(_ name: String) throws -> StubDomain.Resolver? {
            StubDomain.matching(try #require(DNSName(name)), in: stubs)?.resolvers.first
        }
        #expect(try resolver("host.CORP.example") == StubDomain.Resolver(address: "10.0.0.2", port: 5353))
        #expect(try resolver("corp.example")?.address == "10.0.0.2")
        #expect(try resolver("other.example")?.address == "10.0.0.1")
        #expect(try resolver("notexample") == nil)
    }
}
