import JSON
import KubeTypes

/// The order to write all objects of a resource anew (storagemigration.k8s.io/v1beta1 StorageVersionMigration), as its
/// controller reads it.
struct StorageVersionMigration: KubeObject {
    static let type = ObjectType(
        apiVersion: "storagemigration.k8s.io/v1beta1", kind: "StorageVersionMigration",
        resource: "storageversionmigrations", namespaced: false)
    var json: JSONValue
    init(_ json: JSONValue = [:]) { self.json = json }
    var metadata: ObjectMeta {
        get { self["metadata"] ?? ObjectMeta() }
        set { self["metadata"] = newValue }
    }

    /// Group and plural of the resource.
    var group: String { json[path: "spec", "resource", "group"]?.stringValue ?? "" }
    var resource: String { json[path: "spec", "resource", "resource"]?.stringValue ?? "" }

    /// Objects that were written after this revision need not be written again; nil as long as it is not fixed.
    var checkpoint: String? {
        json[path: "status", "resourceVersion"]?.stringValue.flatMap { $0.isEmpty ? nil : $0 }
    }

    /// What a migration has come to.
    enum Outcome: String {
        case succeeded = "Succeeded"
        case failed = "Failed"

        var reason: String { "StorageVersionMigration\(rawValue)" }
    }

    /// Nil as long as it goes on.
    var outcome: Outcome? {
        for condition in json[path: "status", "conditions"]?.arrayValue ?? []
        where condition["status"]?.stringValue == "True" {
            if let outcome = Outcome(rawValue: condition["type"]?.stringValue ?? "") { return outcome }
        }
        return nil
    }

    /// Whether another migration of the same resource has to come to an end before this one begins.
    func waits(for other: StorageVersionMigration) -> Bool {
        guard other.name != name, other.outcome == nil, other.group == group, other.resource == resource else {
            return false
        }
        if (other.checkpoint == nil) != (checkpoint == nil) { return checkpoint == nil }
        let (own, others) = (metadata.creationTimestamp, other.metadata.creationTimestamp)
        return own == others ? other.name < name : (others?.seconds ?? 0) < (own?.seconds ?? 0)
    }

    /// The status of a migration that begins.
    func running(upTo checkpoint: String, now: Time) -> JSONValue {
        var status = json["status"] ?? [:]
        status["resourceVersion"] = .string(checkpoint)
        set(&status, "Running", "True", "MigrationRunning", "The migration is running", now)
        return status
    }

    /// The status of a migration that has ended.
    func ended(_ outcome: Outcome, _ message: String, now: Time) -> JSONValue {
        var status = json["status"] ?? [:]
        set(&status, outcome.rawValue, "True", outcome.reason, message, now)
        if checkpoint != nil { set(&status, "Running", "False", "MigrationCompleted", "Migration completed", now) }
        return status
    }

    private func set(
        _ status: inout JSONValue, _ type: String, _ value: String, _ reason: String, _ message: String, _ now: Time
    ) {
        var condition = Condition()
        (condition.type, condition.status, condition.reason, condition.message) = (type, value, reason, message)
        condition.lastTransitionTime = now
        status.putCondition(condition.json)
    }
}

/// What a definition's status says of a migration of its objects.
extension CustomResources {
    private static let migrating = "StorageMigrating"

    /// The status while the migration `name` runs.
    static func migrating(_ definition: JSONValue, by name: String, now: Time) -> JSONValue {
        with(definition, "True", "MigrationRunning", "Migration \(name) is running", now)
    }

    /// The status after a migration. Versions that nothing is stored in any more are taken out, unless the definition
    /// has changed meanwhile.
    static func migrated(_ definition: JSONValue, succeeded: Bool, now: Time) -> JSONValue {
        guard succeeded else { return with(definition, "False", "MigrationFailed", "The migration has failed", now) }
        let condition = conditions(definition).first { $0["type"]?.stringValue == migrating }
        let isUnchanged = condition?["observedGeneration"] == definition[path: "metadata", "generation"]
        var status = with(
            definition, "False", "MigrationSucceeded",
            "The migration has succeeded "
                + (isUnchanged
                    ? "and the stored versions have been updated"
                    : "but the stored versions have not been updated due to a generation mismatch"),
            now)
        let stored = definition[path: "spec", "versions"]?.arrayValue?.first { $0["storage"]?.boolValue == true }
        if isUnchanged, let name = stored?["name"] { status["storedVersions"] = [name] }
        return status
    }

    private static func conditions(_ definition: JSONValue) -> [JSONValue] {
        definition[path: "status", "conditions"]?.arrayValue ?? []
    }

    private static func with(
        _ definition: JSONValue, _ value: String, _ reason: String, _ message: String, _ now: Time
    ) -> JSONValue {
        var condition = Condition()
        (condition.type, condition.status, condition.reason, condition.message) = (migrating, value, reason, message)
        condition.lastTransitionTime = now
        condition.json["observedGeneration"] = definition[path: "metadata", "generation"]
        var status = definition["status"] ?? [:]
        status.putCondition(condition.json)
        return status
    }
}
