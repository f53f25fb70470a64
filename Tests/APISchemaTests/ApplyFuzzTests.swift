import JSON
import KubeTypes
import Testing

@testable import APISchema

/// Random numbers that are the same in every run.
struct Seeded: RandomNumberGenerator {
    private var state: UInt64

    init(_ seed: UInt64) { state = seed &* 0x9E37_79B9_7F4A_7C15 | 1 }

    mutating func next() -> UInt64 {
        state ^= state << 13
        state ^= state >> 7
        state ^= state << 17
        return state
    }

    mutating func pick<Element>(_ elements: [Element]) -> Element {
        elements[Int.random(in: 0..<elements.count, using: &self)]
    }

    mutating func chance(_ percent: Int) -> Bool { Int.random(in: 0..<100, using: &self) < percent }
}

/// Random configurations applied by several managers, against a model that knows no trees: every leaf has a value and
/// owners.
@Suite struct ApplyFuzzTests {
    private typealias Leaf = (value: JSONValue, owners: Set<String>)
    private let type: MergeType
    private let managers = ["a", "b", "c"]

    init() throws { type = .object(try #require(Schema.builtin.message("apps/v1.Deployment"))) }

    private func configuration(_ random: inout Seeded) -> JSONValue {
        var spec: JSONObject = [:]
        if random.chance(50) { spec["replicas"] = .integer(Int64.random(in: 0..<3, using: &random)) }
        if random.chance(30) { spec["paused"] = .bool(random.chance(50)) }
        if random.chance(30) { spec["selector"] = ["matchLabels": ["a": .string(random.pick(["1", "2"]))]] }
        var containers: [JSONValue] = []
        for name in ["x", "y", "z"].shuffled(using: &random) where random.chance(40) {
            var container: JSONObject = ["name": .string(name)]
            if random.chance(60) { container["image"] = .string(random.pick(["1", "2"])) }
            if random.chance(30) { container["command"] = [.string(random.pick(["s", "t"]))] }
            var env: [JSONValue] = []
            for variable in ["E", "F"] where random.chance(40) {
                env.append(["name": .string(variable), "value": .string(random.pick(["1", "2"]))])
            }
            if !env.isEmpty { container["env"] = .array(env) }
            var ports: [JSONValue] = []
            for port in [80, 81] where random.chance(30) {
                var object: JSONObject = ["containerPort": .integer(Int64(port))]
                if random.chance(50) { object["protocol"] = "TCP" }
                ports.append(.object(object))
            }
            if !ports.isEmpty { container["ports"] = .array(ports) }
            containers.append(.object(container))
        }
        if !containers.isEmpty { spec["template"] = ["spec": ["containers": .array(containers)]] }
        var metadata: JSONObject = [:]
        var labels: JSONObject = [:]
        for label in ["l", "m", "n"] where random.chance(40) { labels[label] = .string(random.pick(["1", "2"])) }
        if !labels.isEmpty { metadata["labels"] = .object(labels) }
        let finalizers = ["f", "g", "h"].shuffled(using: &random).filter { _ in random.chance(30) }
        if !finalizers.isEmpty { metadata["finalizers"] = .array(finalizers.map(JSONValue.string)) }
        return [
            "apiVersion": "apps/v1", "kind": "Deployment", "metadata": .object(metadata), "spec": .object(spec),
        ]
    }

    /// The leaves of an object by their paths.
    private func leaves(_ value: JSONValue, _ type: MergeType, _ path: [PathElement] = []) -> [[PathElement]: JSONValue]
    {
        if let metadata = path.first, metadata == .field("metadata"), path.last == .field("managedFields") {
            return [:]
        }
        switch type.shape(of: value) {
        case .leaf: return [path: value]
        case .fields:
            var leaves: [[PathElement]: JSONValue] = [:]
            for (name, field) in value.objectValue ?? [:]
            where !(path.isEmpty && ["kind", "apiVersion"].contains(name)) {
                leaves.merge(self.leaves(field, type.field(name) ?? .deduced, path + [.field(name)])) { $1 }
            }
            return leaves
        case .elements:
            var leaves: [[PathElement]: JSONValue] = [:]
            for element in value.arrayValue ?? [] {
                guard let step = try? type.step(to: element) else { continue }
                leaves.merge(self.leaves(element, type[step], path + [step])) { $1 }
                // An element is owned beside what is in it.
                if leaves[path + [step]] == nil { leaves[path + [step]] = .some(.null) }
            }
            return leaves
        }
    }

    @Test(arguments: 1...12)
    func againstAModel(_ seed: Int) throws {
        var random = Seeded(UInt64(seed))
        var model: [[PathElement]: Leaf] = [:]
        var written = Written()
        for step in 0..<40 {
            let manager = random.pick(managers)
            let configuration = configuration(&random)
            if step > 0, random.chance(25) {
                // Somebody writes all of it, knowing nothing of the rest.
                let wanted = leaves(configuration, type)
                for path in Array(model.keys) where wanted[path] == nil { model[path] = nil }
                for (path, value) in wanted where model[path]?.value != value {
                    model[path] = (value, ["update-\(manager)"])
                }
                written.update(JSONWriter.text(of: configuration), by: manager)
            } else {
                let wanted = leaves(configuration, type)
                for (path, value) in wanted {
                    if model[path]?.value == value {
                        model[path]?.owners.insert(manager)
                    } else {
                        model[path] = (value, [manager])
                    }
                }
                for path in Array(model.keys) where wanted[path] == nil && model[path]?.owners.contains(manager) == true
                {
                    model[path]?.owners.remove(manager)
                    if model[path]?.owners.isEmpty == true { model[path] = nil }
                }
                // An element that nobody owns goes, whoever owns something inside of it.
                for path in Array(model.keys) {
                    let isOrphan = path.indices.contains { index in
                        if case .key = path[index] { model[Array(path[...index])] == nil } else { false }
                    }
                    if isOrphan { model[path] = nil }
                }
                let text = JSONWriter.text(of: configuration)
                try written.apply(text, by: manager, force: true)
                let once = written.object
                try written.apply(text, by: manager)
                #expect(written.object == once, "seed \(seed), step \(step): applying twice is not applying once")
            }
            let object = try #require(written.object)
            let found = leaves(object, type)
            let wrong = Set(found.keys).union(model.keys).filter { found[$0] != model[$0]?.value }
            try #require(wrong.isEmpty, "seed \(seed), step \(step): \(wrong.map(FieldSet.text))")
            let paths = FieldSet(of: object, type).withNamedFields(of: type)
            for entry in object[path: "metadata", "managedFields"]?.arrayValue ?? [] {
                let owned = try FieldSet(fieldsV1: entry["fieldsV1"] ?? .null)
                #expect(owned.subtracting(paths).isEmpty, "seed \(seed), step \(step): what is owned is there")
                let name = entry["manager"]?.stringValue ?? ""
                let label = entry["operation"]?.stringValue == "Apply" ? name : "update-\(name)"
                for (path, leaf) in model {
                    try #require(
                        owned.contains(path) == leaf.owners.contains(label),
                        "seed \(seed), step \(step): \(label) and \(FieldSet.text(path))")
                }
            }
        }
    }

    @Test(arguments: 1...20)
    func setsAgainstSets(_ seed: Int) throws {
        var random = Seeded(UInt64(seed) + 100)
        func paths() -> Set<[PathElement]> {
            var paths: Set<[PathElement]> = []
            for _ in 0..<30 {
                paths.insert(
                    (0..<Int.random(in: 1...4, using: &random)).map { _ in
                        random.pick([
                            .field("a"), .field("b"), .key([.init(name: "n", value: 1)]), .value("v"), .index(0),
                        ])
                    })
            }
            return paths
        }
        for _ in 0..<20 {
            let (left, right) = (paths(), paths())
            let (one, other) = (FieldSet(paths: Array(left)), FieldSet(paths: Array(right)))
            #expect(Set(one.union(other).paths) == left.union(right))
            #expect(Set(one.intersection(other).paths) == left.intersection(right))
            #expect(Set(one.subtracting(other).paths) == left.subtracting(right))
            let outside = left.filter { path in !(1...path.count).contains { right.contains(Array(path.prefix($0))) } }
            #expect(Set(one.subtractingRecursively(other).paths) == outside)
            #expect(try FieldSet(fieldsV1: one.fieldsV1) == one)
        }
    }

    @Test(arguments: 1...5)
    func creationsAgainstComparisons(_ seed: Int) throws {
        var random = Seeded(UInt64(seed) + 500)
        let resource = Given.resource("apps/v1", "deployments")
        let creation = CreatedFields(
            stripped: FieldSet(fields: ["metadata", "finalizers"], ["kind"], ["spec", "selector"]),
            ignored: FieldSet(fields: ["spec", "replicas"], ["metadata", "labels"]))
        let empty = EmptyObject.value(of: resource)
        for _ in 0..<50 {
            let object = configuration(&random)
            let slow = Comparison(empty, object, type, ignoring: creation.ignored).changed
            // Lists lose what they hold with themselves only in the quick way; here they hold nothing else.
            let stripped = slow.subtractingRecursively(creation.stripped)
            #expect(
                Fields.text(stripped) == JSONWriter.text(of: .object(creation.fieldsV1(of: object, over: empty, type))))
        }
    }

    // MARK: Patches

    private func value(_ random: inout Seeded, depth: Int = 0) -> JSONValue {
        let directives = [
            "$patch", "$retainKeys", "$setElementOrder/containers", "$deleteFromPrimitiveList/finalizers",
        ]
        switch Int.random(in: 0..<(depth > 4 ? 4 : 8), using: &random) {
        case 0: return .null
        case 1: return .integer(Int64.random(in: 0..<3, using: &random))
        case 2: return .string(random.pick(["delete", "replace", "merge", "a", "b", "name"]))
        case 3: return .bool(true)
        case 4, 5:
            return .array((0..<Int.random(in: 0..<4, using: &random)).map { _ in value(&random, depth: depth + 1) })
        default:
            var object = JSONObject()
            for _ in 0..<Int.random(in: 0..<4, using: &random) {
                let key = random.pick(
                    ["spec", "metadata", "containers", "name", "env", "finalizers", "ports"] + directives)
                object[key] = value(&random, depth: depth + 1)
            }
            return .object(object)
        }
    }

    @Test(arguments: 1...10)
    func strategicPatches(_ seed: Int) throws {
        var random = Seeded(UInt64(seed) + 1_000)
        let pod = try #require(Schema.builtin.message("core/v1.Pod"))
        for _ in 0..<500 {
            var original = value(&random)
            if original.objectValue == nil { original = [:] }
            let patch = value(&random)
            // Whatever it is, it comes to an end: with a result or an error of the API.
            do throws(APIError) {
                let result = try Schema.builtin.strategicMerge(patch: patch, into: original, as: pod)
                #expect(result.objectValue != nil)
            } catch {
                #expect((400...500).contains(error.code))
            }
            #expect(try Schema.builtin.strategicMerge(patch: [:], into: original, as: pod) == original)
        }
    }

    @Test(arguments: 1...10)
    func mergePatches(_ seed: Int) throws {
        var random = Seeded(UInt64(seed) + 2_000)
        for _ in 0..<500 {
            let (old, new) = (value(&random), Self.withoutNulls(value(&random)))
            guard let patch = JSONMergePatch.difference(from: old, to: new) else { continue }
            #expect(JSONMergePatch.apply(patch, to: old) == new)
        }
    }

    private static func withoutNulls(_ value: JSONValue) -> JSONValue {
        switch value {
        case .object(let object):
            .object(JSONObject(object.filter { !$0.value.isNull }.map { ($0.key, withoutNulls($0.value)) }))
        case .array(let elements): .array(elements.map(withoutNulls))
        default: value
        }
    }

    @Test(arguments: 1...10)
    func jsonPatches(_ seed: Int) throws {
        var random = Seeded(UInt64(seed) + 3_000)
        for _ in 0..<500 {
            let document = value(&random)
            var operations: [JSONValue] = []
            for _ in 0..<Int.random(in: 0..<5, using: &random) {
                let path = (0..<Int.random(in: 0..<4, using: &random)).map { _ in
                    "/" + random.pick(["spec", "metadata", "containers", "name", "0", "1", "-", "~0", "-1"])
                }.joined()
                operations.append([
                    "op": .string(random.pick(["add", "remove", "replace", "move", "copy", "test"])),
                    "path": .string(path), "from": "/spec", "value": value(&random, depth: 3),
                ])
            }
            guard let patch = try? JSONPatch(parsing: .array(operations)) else { continue }
            // A patch that fails changes nothing, and one that works does so again.
            let result = try? patch.apply(to: document)
            #expect((try? patch.apply(to: document)) == result)
        }
    }
}
