import JSON
import KubeTypes
import Testing

@testable import APISchema

@Suite struct StrategicMergeTests {
    private func merge(_ original: String, _ patch: String, _ message: String = "core/v1.Pod") throws(APIError)
        -> JSONValue
    {
        guard let type = Schema.builtin.message(message) else { preconditionFailure("no \(message)") }
        return try Schema.builtin.strategicMerge(patch: Given.json(patch), into: Given.json(original), as: type)
    }

    /// What it shows, original, patch, result.
    @Test(arguments: [
        (
            "objects merge", #"{"metadata":{"labels":{"a":"1","b":"2"}}}"#,
            #"{"metadata":{"labels":{"b":"3","c":"4"}}}"#,
            #"{"metadata":{"labels":{"a":"1","b":"3","c":"4"}}}"#
        ),
        (
            "null deletes", #"{"metadata":{"labels":{"a":"1","b":"2"}}}"#,
            #"{"metadata":{"labels":{"b":null,"x":null}}}"#,
            #"{"metadata":{"labels":{"a":"1"}}}"#
        ),
        (
            "nulls of what is new are dropped", "{}", #"{"metadata":{"name":"a","labels":{"b":null}}}"#,
            #"{"metadata":{"name":"a","labels":{}}}"#
        ),
        (
            "lists merge by key", #"{"spec":{"containers":[{"name":"a","image":"1"},{"name":"b","image":"1"}]}}"#,
            #"{"spec":{"containers":[{"name":"b","image":"2"}]}}"#,
            #"{"spec":{"containers":[{"name":"a","image":"1"},{"name":"b","image":"2"}]}}"#
        ),
        (
            "new elements come first where nothing orders them", #"{"spec":{"containers":[{"name":"a"}]}}"#,
            #"{"spec":{"containers":[{"name":"b"}]}}"#, #"{"spec":{"containers":[{"name":"b"},{"name":"a"}]}}"#
        ),
        (
            "lists inside of merged elements merge too",
            #"{"spec":{"containers":[{"name":"a","env":[{"name":"X","value":"1"},{"name":"Y","value":"2"}]}]}}"#,
            #"{"spec":{"containers":[{"name":"a","env":[{"name":"Y","value":"3"}]}]}}"#,
            #"{"spec":{"containers":[{"name":"a","env":[{"name":"X","value":"1"},{"name":"Y","value":"3"}]}]}}"#
        ),
        (
            "a delete directive removes an element", #"{"spec":{"containers":[{"name":"a"},{"name":"b"}]}}"#,
            #"{"spec":{"containers":[{"name":"a","$patch":"delete"}]}}"#, #"{"spec":{"containers":[{"name":"b"}]}}"#
        ),
        (
            "a replace directive drops the list", #"{"spec":{"containers":[{"name":"a"},{"name":"b"}]}}"#,
            #"{"spec":{"containers":[{"name":"c"},{"$patch":"replace"}]}}"#, #"{"spec":{"containers":[{"name":"c"}]}}"#
        ),
        (
            "a replace directive replaces an object", #"{"metadata":{"labels":{"a":"1"}}}"#,
            #"{"metadata":{"labels":{"$patch":"replace","b":"2"}}}"#, #"{"metadata":{"labels":{"b":"2"}}}"#
        ),
        (
            "a delete directive empties an object", #"{"metadata":{"labels":{"a":"1"}}}"#,
            #"{"metadata":{"labels":{"$patch":"delete"}}}"#, #"{"metadata":{"labels":{}}}"#
        ),
        (
            "directives for what is not there vanish", #"{"spec":{}}"#,
            #"{"spec":{"containers":[{"name":"a","$patch":"delete"},{"name":"b"}]}}"#,
            #"{"spec":{"containers":[{"name":"b"}]}}"#
        ),
        (
            "atomic lists are replaced", #"{"spec":{"tolerations":[{"key":"a"}]}}"#,
            #"{"spec":{"tolerations":[{"key":"b"}]}}"#,
            #"{"spec":{"tolerations":[{"key":"b"}]}}"#
        ),
        (
            "lists of scalars merge where they say so", #"{"metadata":{"finalizers":["a","b"]}}"#,
            #"{"metadata":{"finalizers":["b","c"]}}"#, #"{"metadata":{"finalizers":["a","b","c"]}}"#
        ),
        (
            "scalars are deleted from lists", #"{"metadata":{"finalizers":["a","b","c"]}}"#,
            #"{"metadata":{"$deleteFromPrimitiveList/finalizers":["b"]}}"#, #"{"metadata":{"finalizers":["a","c"]}}"#
        ),
        (
            "retainKeys drops the others", #"{"spec":{"volumes":[{"name":"v","emptyDir":{}}]}}"#,
            #"{"spec":{"volumes":[{"name":"v","$retainKeys":["name","hostPath"],"hostPath":{"path":"/"}}]}}"#,
            #"{"spec":{"volumes":[{"name":"v","hostPath":{"path":"/"}}]}}"#
        ),
        (
            "an order is kept", #"{"spec":{"containers":[{"name":"a"},{"name":"b"},{"name":"c"}]}}"#,
            #"{"spec":{"$setElementOrder/containers":[{"name":"c"},{"name":"a"},{"name":"b"}],"containers":[{"name":"c","image":"1"}]}}"#,
            #"{"spec":{"containers":[{"name":"c","image":"1"},{"name":"a"},{"name":"b"}]}}"#
        ),
        (
            "an order alone reorders", #"{"spec":{"containers":[{"name":"a"},{"name":"b"}]}}"#,
            #"{"spec":{"$setElementOrder/containers":[{"name":"b"},{"name":"a"}]}}"#,
            #"{"spec":{"containers":[{"name":"b"},{"name":"a"}]}}"#
        ),
        (
            "what the server added stays where it was",
            #"{"spec":{"containers":[{"name":"a"},{"name":"injected"},{"name":"b"}]}}"#,
            #"{"spec":{"$setElementOrder/containers":[{"name":"a"},{"name":"b"},{"name":"c"}],"containers":[{"name":"c"}]}}"#,
            #"{"spec":{"containers":[{"name":"a"},{"name":"injected"},{"name":"b"},{"name":"c"}]}}"#
        ),
        (
            "an order of scalars", #"{"metadata":{"finalizers":["a","b"]}}"#,
            #"{"metadata":{"$setElementOrder/finalizers":["c","b","a"],"finalizers":["c"]}}"#,
            #"{"metadata":{"finalizers":["c","b","a"]}}"#
        ),
        (
            "an order and a deletion", #"{"spec":{"containers":[{"name":"a"},{"name":"b"}]}}"#,
            #"{"spec":{"$setElementOrder/containers":[{"name":"b"}],"containers":[{"name":"a","$patch":"delete"}]}}"#,
            #"{"spec":{"containers":[{"name":"b"}]}}"#
        ),
        (
            "an object takes the place of a scalar", #"{"metadata":{"labels":"x"}}"#,
            #"{"metadata":{"labels":{"a":"b"}}}"#,
            #"{"metadata":{"labels":{"a":"b"}}}"#
        ),
        (
            "maps of messages have no strategies", #"{"spec":{"nodeSelector":{"a":"b"}}}"#,
            #"{"spec":{"nodeSelector":{"c":"d"}}}"#,
            #"{"spec":{"nodeSelector":{"a":"b","c":"d"}}}"#
        ),
    ])
    func patches(what: String, original: String, patch: String, result: String) throws {
        #expect(
            JSONWriter.text(of: try merge(original, patch).sorted) == JSONWriter.text(of: Given.json(result).sorted))
    }

    @Test func aStrategyCanReplace() throws {
        let result = try merge(
            #"{"spec":{"selector":{"matchLabels":{"a":"b"}}}}"#, #"{"spec":{"selector":{"matchLabels":{"c":"d"}}}}"#,
            "policy/v1.PodDisruptionBudget")
        #expect(result == Given.json(#"{"spec":{"selector":{"matchLabels":{"c":"d"}}}}"#))
    }

    @Test func freeFormFieldsMergeAsObjects() throws {
        let result = try merge(
            #"{"data":{"a":{"b":1,"l":[1]}}}"#, #"{"data":{"a":{"c":2,"l":[2]}}}"#, "apps/v1.ControllerRevision")
        #expect(result == Given.json(#"{"data":{"a":{"b":1,"c":2,"l":[2]}}}"#))
    }

    @Test(arguments: [
        (
            #"[]"#, 400,
            "error decoding patch: json: cannot unmarshal array into Go value of type map[string]interface {}"
        ),
        (#"{"metadata":{"$retainKeys":"a"}}"#, 400, "invalid patch format of retainKeys"),
        (#"{"metadata":{"$retainKeys":["a"],"name":"b"}}"#, 400, "invalid patch format of retainKeys"),
        (#"{"metadata":{"$deleteFromPrimitiveListfinalizers":["a"]}}"#, 400, "invalid patch format of primitive list"),
        (#"{"spec":{"$setElementOrder/containers":"a"}}"#, 400, "invalid patch format of setElementOrder list"),
        (#"{"metadata":{"labels":{"$patch":"merge"}}}"#, 500, "unknown patch type: merge in map: map[$patch:merge]"),
        (
            #"{"spec":{"containers":[{"image":"x"}]}}"#, 500,
            "map: map[image:x] does not contain declared merge key: name"
        ),
        (
            #"{"spec":{"containers":[{"$patch":"delete"}]}}"#, 500,
            "map: map[$patch:delete] does not contain declared merge key: name"
        ),
        (
            #"{"spec":{"$setElementOrder/containers":[{"name":"a"}],"containers":[{"name":"z"}]}}"#, 500,
            "The order in patch list:\n[map[name:z]]\n doesn't match $setElementOrder list:\n[map[name:a]]\n"
        ),
        (#"{"metadata":{"finalizers":[["a"]]}}"#, 422, "lists of lists are not supported"),
    ])
    func badPatchesAreRefused(patch: String, code: Int, message: String) {
        let original =
            #"{"metadata":{"name":"a","labels":{"a":"b"},"finalizers":["x"]},"spec":{"containers":[{"name":"a"}]}}"#
        do {
            let result = try merge(original, patch)
            Issue.record("accepted: \(JSONWriter.text(of: result))")
        } catch {
            #expect(error.code == code)
            #expect(error.message == message)
        }
    }
}

extension JSONValue {
    /// With the fields of every object in alphabetical order, so that texts compare.
    fileprivate var sorted: JSONValue {
        switch self {
        case .object(let object):
            .object(JSONObject(object.sortedByKey().map { (key: $0.key, value: $0.value.sorted) }))
        case .array(let elements): .array(elements.map(\.sorted))
        default: self
        }
    }
}
