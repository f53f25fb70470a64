import JSON
import KubeTypes

/// A stage of KWOK (`kwok.x-k8s.io/v1alpha1`): when an object is in this state, after this delay, that becomes of it.
///
/// What is taken: stages of pods, with their selectors, weights, delays, status templates, deletion and the emptying of
/// finalizers. Stages of nodes are read and left alone: nodes behave as the profile says.
public struct Stage: Sendable {
    struct Requirement: Sendable {
        enum Operator: String, Sendable {
            case `in` = "In", notIn = "NotIn", exists = "Exists", doesNotExist = "DoesNotExist"
        }
        let path: FieldPath
        let `operator`: Operator
        let values: [String]

        func matches(_ object: JSONValue) -> Bool {
            let found = path.values(in: object)
            return switch `operator` {
            case .exists: !found.isEmpty
            case .doesNotExist: found.isEmpty
            case .in: found.contains { values.contains(GoTemplate.text($0)) }
            case .notIn: !found.contains { values.contains(GoTemplate.text($0)) }
            }
        }
    }

    public let name: String
    /// `Pod` or `Node`.
    let kind: String
    let labels: [String: String]
    let annotations: [String: String]
    let requirements: [Requirement]
    let weight: Int
    let weightFrom: FieldPath?
    /// Milliseconds; the jitter is the most it may be, not what is added.
    let delay: Int
    let delayFrom: FieldPath?
    let jitter: Int?
    let jitterFrom: FieldPath?
    let template: GoTemplate?
    let emptiesFinalizers: Bool
    let deletes: Bool

    /// The stages of one or more YAML documents; what is no Stage is passed over.
    /// - Throws: with the stage and what of it is not understood.
    public static func read(_ yaml: String) throws(SimulationError) -> [Stage] {
        let documents: [JSONValue]
        do throws(YAMLError) {
            documents = try YAML.parse(yaml)
        } catch {
            throw SimulationError("the stages are no YAML: \(error)")
        }
        var stages: [Stage] = []
        for document in documents where document["kind"]?.stringValue == "Stage" {
            guard document["apiVersion"]?.stringValue == "kwok.x-k8s.io/v1alpha1" else {
                throw SimulationError("a Stage must be of kwok.x-k8s.io/v1alpha1")
            }
            stages.append(try Stage(document))
        }
        return stages
    }

    private init(_ json: JSONValue) throws(SimulationError) {
        let name = json[path: "metadata", "name"]?.stringValue ?? ""
        self.name = name
        let spec = json["spec"] ?? [:]
        kind = spec[path: "resourceRef", "kind"]?.stringValue ?? ""
        func strings(_ key: String) -> [String: String] {
            (spec[path: "selector", key]?.objectValue ?? [:]).reduce(into: [:]) {
                $0[$1.key] = $1.value.stringValue ?? ""
            }
        }
        labels = strings("matchLabels")
        annotations = strings("matchAnnotations")
        var requirements: [Requirement] = []
        for expression in spec[path: "selector", "matchExpressions"]?.arrayValue ?? [] {
            let text = expression["operator"]?.stringValue ?? ""
            guard let `operator` = Requirement.Operator(rawValue: text) else {
                throw SimulationError("stage \(name): the operator \"\(text)\" is not known")
            }
            requirements.append(
                Requirement(
                    path: try FieldPath(expression["key"]?.stringValue ?? "", stage: name), operator: `operator`,
                    values: (expression["values"]?.arrayValue ?? []).map(GoTemplate.text)))
        }
        self.requirements = requirements
        func path(_ value: JSONValue?) throws(SimulationError) -> FieldPath? {
            guard let text = value?["expressionFrom"]?.stringValue else { return nil }
            return try FieldPath(text, stage: name)
        }
        weight = spec["weight"]?.intValue ?? 0
        weightFrom = try path(spec["weightFrom"])
        let delay = spec["delay"]
        self.delay = delay?["durationMilliseconds"]?.intValue ?? 0
        delayFrom = try path(delay?["durationFrom"])
        jitter = delay?["jitterDurationMilliseconds"]?.intValue
        jitterFrom = try path(delay?["jitterDurationFrom"])
        let next = spec["next"] ?? [:]
        for key in ["patches", "event"] where key == "patches" && !(next[key]?.arrayValue ?? []).isEmpty {
            throw SimulationError(
                "stage \(name): next.\(key) is not implemented; statusTemplate, finalizers and delete are")
        }
        if let text = next["statusTemplate"]?.stringValue {
            do throws(GoTemplate.Failure) {
                template = try GoTemplate(text)
            } catch {
                throw SimulationError("stage \(name): statusTemplate: \(error.message)")
            }
        } else {
            template = nil
        }
        deletes = next["delete"]?.boolValue ?? false
        emptiesFinalizers = next[path: "finalizers", "empty"]?.boolValue ?? false
    }

    func matches(_ object: JSONValue) -> Bool {
        func all(_ wanted: [String: String], _ field: String) -> Bool {
            wanted.allSatisfy { object[path: "metadata", field, $0.key]?.stringValue == $0.value }
        }
        return all(labels, "labels") && all(annotations, "annotations")
            && requirements.allSatisfy { $0.matches(object) }
    }

    /// The stage that an object is to go through next, by lot where several fit and have weights, and the seconds until
    /// then.
    static func next(
        of object: JSONValue, _ stages: [Stage], _ random: inout some RandomNumberGenerator
    ) -> (step: PodStep, delay: Double)? {
        let matching = stages.indices.filter { stages[$0].matches(object) }
        guard let first = matching.first else { return nil }
        let weights = matching.map { max(0, stages[$0].number(stages[$0].weightFrom, object) ?? stages[$0].weight) }
        let total = weights.reduce(0, +)
        var chosen = first
        if matching.count > 1 {
            if total == 0 {
                chosen = matching.randomElement(using: &random) ?? first
            } else {
                var lot = Int.random(in: 0..<total, using: &random)
                for (index, weight) in zip(matching, weights) {
                    chosen = index
                    lot -= weight
                    if lot < 0 { break }
                }
            }
        }
        return (.stage(chosen), stages[chosen].delay(of: object, &random))
    }

    private func number(_ path: FieldPath?, _ object: JSONValue) -> Int? {
        guard let value = path?.values(in: object).first else { return nil }
        return value.intValue ?? value.stringValue.flatMap { Int($0) }
    }

    private func delay(of object: JSONValue, _ random: inout some RandomNumberGenerator) -> Double {
        func milliseconds(_ path: FieldPath?) -> Int? {
            guard let value = path?.values(in: object).first else { return nil }
            // A number alone is milliseconds.
            return value.intValue
                ?? value.stringValue.flatMap { Int($0) ?? GoDuration.nanoseconds($0).map { Int($0 / 1_000_000) } }
        }
        let least = milliseconds(delayFrom) ?? delay
        let most = milliseconds(jitterFrom) ?? jitter ?? least
        return Double(most > least ? Int.random(in: least...most, using: &random) : max(0, least)) / 1000
    }

    /// What the template makes of an object; nil for a stage without one.
    func status(
        of object: JSONValue, hostIP: String, podIP: String, now: Time
    ) throws(APIError) -> JSONValue? {
        guard let template else { return nil }
        do {
            let text = try template.render(object, .init(now: now, hostIP: hostIP, podIP: podIP))
            return try YAML.parseOne(Array(text.utf8))
        } catch let failure as GoTemplate.Failure {
            throw APIError.badRequest("stage \(name): statusTemplate: \(failure.message)")
        } catch {
            throw APIError.badRequest("stage \(name): what statusTemplate writes is no YAML: \(error)")
        }
    }
}

/// A path in an object as KWOK writes them: `.metadata.labels["a.b/c"]`, `.metadata.ownerReferences.[].kind`.
struct FieldPath: Sendable, Hashable {
    private enum Part: Sendable, Hashable {
        case field(String)
        case element(Int)
        case all
    }

    private var parts: [Part] = []

    init(_ text: String, stage: String) throws(SimulationError) {
        let failure = SimulationError("stage \(stage): the path \"\(text)\" is not understood")
        var rest = Substring(text)
        guard rest.first == "." else { throw failure }
        while let first = rest.first {
            if first == "." {
                rest = rest.dropFirst()
                let name = rest.prefix { $0 != "." && $0 != "[" }
                rest = rest[name.endIndex...]
                if !name.isEmpty { parts.append(.field(String(name))) }
            } else if first == "[" {
                guard let end = rest.firstIndex(of: "]") else { throw failure }
                let inner = rest[rest.index(after: rest.startIndex)..<end]
                if inner.isEmpty {
                    parts.append(.all)
                } else if let index = Int(inner) {
                    parts.append(.element(index))
                } else if inner.count > 1, inner.first == "\"" || inner.first == "'", inner.last == inner.first {
                    parts.append(.field(String(inner.dropFirst().dropLast())))
                } else {
                    throw failure
                }
                rest = rest[rest.index(after: end)...]
            } else {
                throw failure
            }
        }
    }

    func values(in object: JSONValue) -> [JSONValue] {
        var values = [object]
        for part in parts {
            values = values.flatMap { value -> [JSONValue] in
                switch part {
                case .field(let name): value[name].map { [$0] } ?? []
                case .element(let index): value[index].map { [$0] } ?? []
                case .all: value.arrayValue ?? []
                }
            }
        }
        return values.filter { $0 != .null }
    }
}
