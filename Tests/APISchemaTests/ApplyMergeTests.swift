import JSON
import Testing

@testable import APISchema

@Suite struct ApplyMergeTests {
    private func type(_ message: String) throws -> MergeType { .object(try #require(Schema.builtin.message(message))) }

    /// What it shows, live, applied, merged.
    @Test(arguments: [
        (
            "fields merge", #"{"hostname":"a","nodeName":"n"}"#, #"{"hostname":"b"}"#,
            #"{"hostname":"b","nodeName":"n"}"#
        ),
        (
            "elements merge by key", #"{"containers":[{"name":"a","image":"1","tty":true},{"name":"b"}]}"#,
            #"{"containers":[{"name":"a","image":"2"}]}"#,
            #"{"containers":[{"name":"a","image":"2","tty":true},{"name":"b"}]}"#
        ),
        (
            "new elements follow", #"{"containers":[{"name":"a"}]}"#, #"{"containers":[{"name":"b"}]}"#,
            #"{"containers":[{"name":"a"},{"name":"b"}]}"#
        ),
        (
            "the applied order counts", #"{"containers":[{"name":"a"},{"name":"b"},{"name":"c"}]}"#,
            #"{"containers":[{"name":"c"},{"name":"a"}]}"#,
            #"{"containers":[{"name":"b"},{"name":"c"},{"name":"a"}]}"#
        ),
        (
            "live elements stay between their neighbours", #"{"containers":[{"name":"a"},{"name":"x"},{"name":"b"}]}"#,
            #"{"containers":[{"name":"a"},{"name":"n"},{"name":"b"}]}"#,
            #"{"containers":[{"name":"a"},{"name":"x"},{"name":"n"},{"name":"b"}]}"#
        ),
        (
            "a list without keys is replaced", #"{"tolerations":[{"key":"a"}]}"#, #"{"tolerations":[{"key":"b"}]}"#,
            #"{"tolerations":[{"key":"b"}]}"#
        ),
        (
            "an atomic map is replaced", #"{"nodeSelector":{"a":"1"}}"#, #"{"nodeSelector":{"b":"2"}}"#,
            #"{"nodeSelector":{"b":"2"}}"#
        ),
        (
            "maps merge", #"{"overhead":{"cpu":"1"}}"#, #"{"overhead":{"memory":"1"}}"#,
            #"{"overhead":{"cpu":"1","memory":"1"}}"#
        ),
        (
            "an empty list changes nothing", #"{"containers":[{"name":"a"}]}"#, #"{"containers":[]}"#,
            #"{"containers":[{"name":"a"}]}"#
        ),
    ])
    func merge(_ name: String, _ live: String, _ applied: String, _ expected: String) throws {
        let merged = try type("core/v1.PodSpec").merge(Given.json(applied), into: Given.json(live))
        #expect(merged == Given.json(expected), "\(name)")
    }

    @Test func setsMerge() throws {
        let merged = try type("meta/v1.ObjectMeta").merge(
            Given.json(#"{"finalizers":["c","a"]}"#), into: Given.json(#"{"finalizers":["a","b"]}"#))
        #expect(
            merged == Given.json(#"{"finalizers":["b","c","a"]}"#)
                || merged == Given.json(#"{"finalizers":["c","a","b"]}"#))
    }

    @Test func duplicatesCannotBeApplied() throws {
        let type = try type("core/v1.PodSpec")
        let applied = Given.json(#"{"containers":[{"name":"a"},{"name":"a"}]}"#)
        #expect(
            type.problems(of: applied).map(\.description) == [#".containers: duplicate entries for key [name="a"]"#])
        #expect(throws: MergeProblem.self) { try type.merge(applied, into: [:]) }
    }

    /// Value, what is wrong with applying it.
    @Test(arguments: [
        (#"{"hostname":"a","containers":[{"name":"a","image":"b"}],"overhead":{"cpu":1},"hostUsers":null}"#, ""),
        (#"{"nope":1}"#, ".nope: field not declared in schema"),
        (#"{"containers":[{"name":"a","nope":1}]}"#, #".containers[name="a"].nope: field not declared in schema"#),
        (#"{"tolerations":[{"nope":1}]}"#, ".tolerations[0].nope: field not declared in schema"),
        (#"{"priority":"a"}"#, ".priority: expected numeric (int or float), got string"),
        (
            #"{"containers":[{"image":"a"}]}"#,
            #".containers: element 0: associative list with keys has an element that omits all key fields ["name"] (and doesn't have default values for any key fields)"#
        ),
        (#"{"containers":[null]}"#, ".containers: element 0: associative list with keys may not have a null element"),
        (#"{"containers":[3]}"#, ".containers: element 0: associative list with keys may not have non-map elements"),
        (#"{"x":1,"y":2}"#, "errors:\n  .x: field not declared in schema\n  .y: field not declared in schema"),
    ])
    func problems(_ value: String, _ expected: String) throws {
        let problems = try type("core/v1.PodSpec").problems(of: Given.json(value))
        #expect((problems.isEmpty ? "" : MergeProblem.text(problems)) == expected)
    }

    /// What it shows, old, new, added, removed, modified.
    @Test(arguments: [
        ("nothing", #"{"hostname":"a"}"#, #"{"hostname":"a"}"#, "{}", "{}", "{}"),
        (
            "fields", #"{"hostname":"a","nodeName":"x"}"#, #"{"hostname":"b","subdomain":"s"}"#, #"{"f:subdomain":{}}"#,
            #"{"f:nodeName":{}}"#, #"{"f:hostname":{}}"#
        ),
        (
            "elements", #"{"containers":[{"name":"a","image":"1"},{"name":"b"}]}"#,
            #"{"containers":[{"name":"c","tty":true},{"name":"a","image":"2"}]}"#,
            #"{"f:containers":{"k:{\"name\":\"c\"}":{".":{},"f:name":{},"f:tty":{}}}}"#,
            #"{"f:containers":{"k:{\"name\":\"b\"}":{".":{},"f:name":{}}}}"#,
            #"{"f:containers":{"k:{\"name\":\"a\"}":{"f:image":{}}}}"#
        ),
        (
            "a list that is new", "{}", #"{"containers":[{"name":"a"}]}"#,
            #"{"f:containers":{".":{},"k:{\"name\":\"a\"}":{".":{},"f:name":{}}}}"#, "{}", "{}"
        ),
        (
            "atomic", #"{"nodeSelector":{"a":"1"}}"#, #"{"nodeSelector":{"a":"2"}}"#, "{}", "{}",
            #"{"f:nodeSelector":{}}"#
        ),
        (
            "elements that repeat themselves", #"{"containers":[{"name":"a"}]}"#,
            #"{"containers":[{"name":"a"},{"name":"a","tty":true}]}"#,
            #"{"f:containers":{"k:{\"name\":\"a\"}":{}}}"#, #"{"f:containers":{"k:{\"name\":\"a\"}":{"f:name":{}}}}"#,
            "{}"
        ),
        ("numbers are what they are", #"{"priority":1}"#, #"{"priority":1.0}"#, "{}", "{}", "{}"),
    ])
    func comparison(
        _ name: String, _ old: String, _ new: String, _ added: String, _ removed: String, _ modified: String
    ) throws {
        let comparison = Comparison(Given.json(old), Given.json(new), try type("core/v1.PodSpec"))
        #expect(Fields.text(comparison.added) == added, "\(name)")
        if name != "elements that repeat themselves" { #expect(Fields.text(comparison.removed) == removed, "\(name)") }
        #expect(Fields.text(comparison.modified) == modified, "\(name)")
    }

    /// Value, paths, what is left.
    @Test(arguments: [
        (#"{"hostname":"a","nodeName":"x"}"#, #"{"f:hostname":{}}"#, #"{"nodeName":"x"}"#),
        (
            #"{"containers":[{"name":"a","tty":true},{"name":"b"}]}"#,
            #"{"f:containers":{"k:{\"name\":\"a\"}":{"f:tty":{}},"k:{\"name\":\"b\"}":{".":{},"f:name":{}}}}"#,
            #"{"containers":[{"name":"a"}]}"#
        ),
        (#"{"overhead":{"cpu":"1"}}"#, #"{"f:overhead":{"f:cpu":{}}}"#, #"{"overhead":{}}"#),
        (#"{"nodeSelector":{"a":"1"}}"#, #"{"f:nodeSelector":{"f:a":{}}}"#, #"{"nodeSelector":{"a":"1"}}"#),
        (#"{"hostname":"a"}"#, "{}", #"{"hostname":"a"}"#),
    ])
    func removing(_ value: String, _ paths: String, _ expected: String) throws {
        let left = try type("core/v1.PodSpec").removing(Fields.set(paths), from: Given.json(value))
        #expect(left == Given.json(expected))
    }
}
