import JSON
import KubeTypes
import Logging
import Testing

@testable import ServiceProxy

@Suite struct ProxyHealthTests {
    private let health = ProxyHealth(mode: .nftables, logger: Logger(label: "test"))

    private func answer(_ path: String, after: Duration = .zero) throws -> (isGood: Bool, json: JSONValue) {
        let answer = try #require(health.answer(path, now: .now + after, time: Time(seconds: 86400)))
        return (answer.isGood, try JSONParser.parse(Array(answer.text.utf8)))
    }

    @Test func changesThatWaitTooLongAreBad() throws {
        #expect(try answer("/healthz").isGood)
        health.begin()
        #expect(try answer("/healthz", after: .seconds(50)).isGood)
        let late = try answer("/livez", after: .seconds(70))
        #expect(!late.isGood)
        #expect(late.json["lastUpdated"] == "0001-01-01T00:00:00Z")
        // Another change does not make the first one younger.
        health.begin(now: .now + .seconds(65))
        #expect(try !answer("/livez", after: .seconds(70)).isGood)
        health.finish()
        let good = try answer("/healthz", after: .seconds(70))
        #expect(good.isGood)
        #expect(good.json["lastUpdated"] == "1970-01-02T00:00:00Z")
    }

    @Test func nodesThatLeaveTakeNoTraffic() throws {
        health.setEligible(false)
        let healthz = try answer("/healthz")
        #expect(!healthz.isGood)
        #expect(healthz.json["nodeEligible"] == false)
        #expect(try answer("/livez").isGood)
        #expect(health.answer("/proxyMode")?.text == "nftables")
        #expect(health.answer("/other") == nil)
    }
}
