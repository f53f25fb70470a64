// What admission is made of: plugins that decide at once from memory, and stages that may have to wait (webhooks,
// policies, quota).

import JSON
import KubeTypes

/// A built-in check or default. It reads the watch cache, and never waits.
protocol AdmissionPlugin: Sendable {
    /// Whether it has anything to do with such a request. Called for every write: cheap.
    func handles(_ attributes: AdmissionAttributes) -> Bool
    /// Fills in the new object, before validation. May be called twice, when a later stage changed the object.
    func admit(_ attributes: inout AdmissionAttributes, _ registry: Registry) throws(APIError)
    /// Refuses what is not allowed, after validation.
    func validate(_ attributes: AdmissionAttributes, _ registry: Registry) throws(APIError)
}

extension AdmissionPlugin {
    func admit(_ attributes: inout AdmissionAttributes, _ registry: Registry) throws(APIError) {}
    func validate(_ attributes: AdmissionAttributes, _ registry: Registry) throws(APIError) {}
}

/// One request's way through the stages that change objects.
struct MutationRound: Sendable {
    /// The second time, because a stage changed the object after others had seen it.
    var isReinvocation = false
    /// Set by a stage that changed the object.
    var shouldReinvoke = false
    /// What stages keep for the second round, by their own names.
    private var memories: [String: ReinvocationMemory] = [:]

    /// What the stage `name` has kept. Those who wish to be asked again are due if others have changed the object since.
    func memory(of name: String, _ attributes: AdmissionAttributes) -> ReinvocationMemory {
        var memory = memories[name] ?? ReinvocationMemory()
        if isReinvocation, memory.output != attributes.object { memory.objectChanged() }
        return memory
    }

    /// Keeps what the stage `name` knows at its end.
    mutating func keep(_ memory: ReinvocationMemory, of name: String, _ attributes: AdmissionAttributes) {
        memories[name] = memory
        memories[name]?.output = attributes.object
    }
}

/// What a stage knows of those that it asked, webhooks or policies, by their identifiers.
struct ReinvocationMemory: Sendable {
    /// Asked already, and willing to be asked again.
    var reinvocable: Set<String> = []
    /// Of these, those before whose answer somebody else has changed the object since.
    private(set) var due: Set<String> = []
    /// The object at the stage's end.
    fileprivate var output: JSONValue?

    mutating func objectChanged() {
        due.formUnion(reinvocable)
        reinvocable = []
    }
}

/// A stage that changes objects and may have to wait: mutating policies, then mutating webhooks.
protocol MutatingAdmissionStage: Sendable {
    /// Whether something of this stage may apply. Called on the event loop for every write: at once false where nothing
    /// is configured, and never slow.
    func concerns(_ attributes: AdmissionAttributes, _ registry: Registry) -> Bool
    /// Changes `attributes.object`, and says so in `round`.
    func admit(_ attributes: inout AdmissionAttributes, _ round: inout MutationRound, _ registry: Registry)
        async throws(APIError)
}

/// A stage that refuses and may have to wait: validating policies, validating webhooks, quota. The object that it sees is
/// what will be written.
protocol ValidatingAdmissionStage: Sendable {
    func concerns(_ attributes: AdmissionAttributes, _ registry: Registry) -> Bool
    func validate(_ attributes: AdmissionAttributes, _ registry: Registry) async throws(APIError)
}

/// The object before and after in the version that a webhook or policy asked for.
struct VersionedAdmissionAttributes: Sendable {
    /// The request as it came.
    var attributes: AdmissionAttributes
    /// Of the objects below.
    var kind: GroupVersionKind
    var resource: GroupVersionResource
    var object: JSONValue?
    var oldObject: JSONValue?

    /// The request as webhooks and expressions are told of it (`admission.k8s.io` AdmissionRequest), without its objects.
    var request: JSONObject {
        var request: JSONObject = ["kind": kind.json, "resource": resource.json]
        request.set("subResource", .string(attributes.subresource), isEmpty: attributes.subresource.isEmpty)
        request["requestKind"] = attributes.kind.json
        request["requestResource"] = attributes.requestedResource.json
        request.set("requestSubResource", .string(attributes.subresource), isEmpty: attributes.subresource.isEmpty)
        request.set("name", .string(attributes.name), isEmpty: attributes.name.isEmpty)
        request.set("namespace", .string(attributes.namespace), isEmpty: attributes.namespace.isEmpty)
        request["operation"] = .string(attributes.operation.rawValue)
        request["userInfo"] = Registry.json(of: attributes.user)
        request["dryRun"] = .bool(attributes.isDryRun)
        request["options"] = attributes.options ?? .null
        return request
    }
}

/// The `matchConditions` of one webhook, compiled.
protocol MatchConditions: Sendable {
    /// Whether all conditions are met.
    /// - Throws: what went wrong, where evaluating failed and no condition is false: its text follows
    ///   `RESOURCE "NAME" is forbidden: `. The failure policy says what becomes of it.
    func matches(_ attributes: VersionedAdmissionAttributes, _ authorizer: any Authorizer) throws(APIError) -> Bool
}

/// Compiles match conditions; given by whoever knows CEL.
protocol MatchConditionCompiler: Sendable {
    /// What is wrong with the `matchConditions` at `path`; empty where they compile.
    func problems(_ conditions: [JSONValue], path: String) -> [FieldError]
    /// The conditions in a form that can be asked; they have been accepted before.
    func compile(_ conditions: [JSONValue]) -> any MatchConditions
}
