import JSON
import KubeTypes
import Testing

@testable import APISchema

/// What `events.k8s.io/v1` asks of events beyond what the core group does.
@Suite struct ValidationEventTests {
    private static let strict = "events.k8s.io/v1"
    private static let right =
        #"{"eventTime":"2026-01-01T00:00:00.000000Z","reportingComponent":"example.com/c","reportingInstance":"i","action":"a","type":"Normal"}"#

    private static func with(_ patch: String) -> String {
        JSONWriter.text(of: JSONMergePatch.apply(Given.json(patch), to: Given.json(right)))
    }

    @Test(arguments: [
        ("{}", [String]()), (#"{"eventTime":null}"#, ["eventTime required"]), (#"{"type":"Odd"}"#, ["type invalid"]),
        (#"{"count":1}"#, ["count invalid"]),
        (#"{"firstTimestamp":"2026-01-01T00:00:00Z"}"#, ["firstTimestamp invalid"]),
        (#"{"source":{"host":"h"}}"#, ["source invalid"]),
        (#"{"series":{"count":1}}"#, ["series.count invalid", "series.lastObservedTime required"]),
        (
            #"{"reportingComponent":""}"#,
            ["reportingController invalid", "reportingController invalid", "reportingController required"]
        ),
    ])
    func created(patch: String, problems: [String]) throws {
        #expect(try Base.event.problems(Self.with(patch), writtenAs: Self.strict) == problems)
    }

    @Test(arguments: [
        (#"{"series":{"count":2,"lastObservedTime":"2026-01-01T00:00:00.000000Z"}}"#, [String]()),
        (#"{"series":{"count":1,"lastObservedTime":"2026-01-01T00:00:00.000000Z"}}"#, ["series.count invalid"]),
        (#"{"metadata":{"labels":{"a":"b"}}}"#, []), (#"{"reason":"other"}"#, ["reason invalid"]),
        (#"{"reportingInstance":"other","message":"m"}"#, ["message invalid", "reportingInstance invalid"]),
    ])
    func updated(patch: String, problems: [String]) throws {
        #expect(try Base.event.problems(from: Self.right, to: Self.with(patch), writtenAs: Self.strict) == problems)
        // The core group lets events change.
        #expect(try Base.event.problems(from: Self.right, to: Self.with(#"{"reason":"other"}"#), writtenAs: "v1") == [])
    }
}
