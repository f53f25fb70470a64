// What is special about a kind, beside its row: small hooks that the generic registry calls.

import APISchema
import JSON
import KubeTypes

/// What hooks know and may ask for. Reads come from the watch cache.
struct StrategyContext {
    let request: RegistryRequest
    let registry: Registry
    let isDryRun: Bool
    /// Called when the write was committed, or when it was not.
    var onSuccess: [@Sendable () -> Void] = []
    var onFailure: [@Sendable () -> Void] = []
    /// What a service takes and gives back, where other servers must agree.
    var claim: ServiceClaim?

    init(_ request: RegistryRequest, _ registry: Registry, isDryRun: Bool) {
        self.request = request
        self.registry = registry
        self.isDryRun = isDryRun
    }

    var cache: WatchCache { registry.cache }
    var now: Time { registry.configuration.now() }
}

/// The hooks of a kind, all with what most kinds want as their default. Objects are in the storage version.
protocol Strategy: Sendable {
    /// Whether the spec's changes are counted in `metadata.generation`.
    var tracksGeneration: Bool { get }
    /// Whether changes of annotations are counted too.
    var countsAnnotations: Bool { get }
    /// Whether a client may write without saying which resourceVersion it has seen.
    var allowsUnconditionalUpdate: Bool { get }
    /// Whether PUT makes what is not there.
    var allowsCreateOnUpdate: Bool { get }
    /// Whether DELETE answers with the object instead of a Status.
    var returnsDeletedObject: Bool { get }
    /// What becomes of dependents when the client does not say.
    var defaultPropagation: DeletionOptions.Propagation { get }
    /// Whether an object may be created with a status.
    var keepsStatusOnCreate: Bool { get }

    /// Fills in what the server decides, before validation.
    func prepareForCreate(_ object: inout JSONValue, _ context: inout StrategyContext) throws(APIError)
    /// The same for an update of the object itself; status has been reset to the old one.
    func prepareForUpdate(_ object: inout JSONValue, old: JSONValue, _ context: inout StrategyContext) throws(APIError)
    /// The same for the status subresource; all but status and metadata has been reset to the old.
    func prepareForStatusUpdate(_ object: inout JSONValue, old: JSONValue, _ context: inout StrategyContext)
    /// What is wrong with an object, beyond its structure.
    func validate(_ object: JSONValue, _ context: StrategyContext) -> [FieldError]
    /// What is wrong with a change, beyond the object that comes out.
    func validateUpdate(_ object: JSONValue, old: JSONValue, _ context: StrategyContext) -> [FieldError]
    /// Seconds that the object may go on existing; nil for kinds that are deleted at once.
    func gracePeriod(of object: JSONValue, requested: Int64?) -> Int64?
    /// Whether the object stays for another reason than finalizers in its metadata.
    func holdsBackDeletion(_ object: JSONValue) -> Bool
    /// Changes an object that is marked for deletion.
    func prepareForDeletion(_ object: inout JSONValue)
    /// Refuses a deletion.
    func checkDeletion(_ object: JSONValue, _ context: StrategyContext) throws(APIError)
    /// Called when an object is gone.
    func wasDeleted(_ object: JSONValue, _ registry: Registry)
    /// Advice about an object that was accepted.
    func warnings(_ object: JSONValue) -> [String]
}

extension Strategy {
    var tracksGeneration: Bool { false }
    var countsAnnotations: Bool { false }
    var allowsUnconditionalUpdate: Bool { true }
    var allowsCreateOnUpdate: Bool { false }
    var returnsDeletedObject: Bool { false }
    var defaultPropagation: DeletionOptions.Propagation { .background }
    var keepsStatusOnCreate: Bool { false }
    func prepareForCreate(_ object: inout JSONValue, _ context: inout StrategyContext) throws(APIError) {}
    func prepareForUpdate(_ object: inout JSONValue, old: JSONValue, _ context: inout StrategyContext) throws(APIError)
    {}
    func prepareForStatusUpdate(_ object: inout JSONValue, old: JSONValue, _ context: inout StrategyContext) {}
    func validate(_ object: JSONValue, _ context: StrategyContext) -> [FieldError] { [] }
    func validateUpdate(_ object: JSONValue, old: JSONValue, _ context: StrategyContext) -> [FieldError] { [] }
    func gracePeriod(of object: JSONValue, requested: Int64?) -> Int64? { nil }
    func holdsBackDeletion(_ object: JSONValue) -> Bool { false }
    func prepareForDeletion(_ object: inout JSONValue) {}
    func checkDeletion(_ object: JSONValue, _ context: StrategyContext) throws(APIError) {}
    func wasDeleted(_ object: JSONValue, _ registry: Registry) {}
    func warnings(_ object: JSONValue) -> [String] { [] }
}

/// A kind with nothing special but a few switches.
struct PlainStrategy: Strategy {
    var tracksGeneration = false
    var allowsUnconditionalUpdate = true
    var allowsCreateOnUpdate = false
    var keepsStatusOnCreate = false
}
