// Deployments, ReplicaSets, DaemonSets, StatefulSets, ReplicationControllers and Jobs: what keeps their controllers
// from losing track of their pods.

import JSON
import KubeTypes

/// Kinds with a selector and a pod template.
struct WorkloadStrategy: Strategy {
    let selectorIsImmutable: Bool
    var orphans = false
    /// Deployments: annotations travel to their ReplicaSets, and labels are not the status's to change.
    var countsAnnotations = false

    var tracksGeneration: Bool { true }
    var defaultPropagation: DeletionOptions.Propagation { orphans ? .orphan : .background }

    func prepareForStatusUpdate(_ object: inout JSONValue, old: JSONValue, _ context: inout StrategyContext) {
        if countsAnnotations { object.updateMetadata { $0["labels"] = old["metadata"]?["labels"] } }
    }

    func validateUpdate(_ object: JSONValue, old: JSONValue, _ context: StrategyContext) -> [FieldError] {
        guard selectorIsImmutable, !context.request.isLegacyWorkload,
            object[path: "spec", "selector"] != old[path: "spec", "selector"]
        else { return [] }
        return [.invalid("spec.selector", object[path: "spec", "selector"] ?? .null, "field is immutable")]
    }
}

extension RegistryRequest {
    /// The versions before apps/v1 let a selector be changed.
    var isLegacyWorkload: Bool {
        resource.group == "extensions" || resource.group == "apps" && resource.version == "v1beta1"
    }
}

/// DaemonSets count the changes of their template in an annotation, too, as their first version did in a field.
struct DaemonSetStrategy: Strategy {
    static let templateGeneration = "deprecated.daemonset.template.generation"
    private let workload = WorkloadStrategy(selectorIsImmutable: true)

    var tracksGeneration: Bool { true }

    func prepareForCreate(_ object: inout JSONValue, _ context: inout StrategyContext) throws(APIError) {
        let given = object.annotations?[Self.templateGeneration]?.stringValue.flatMap(Int64.init) ?? 0
        Self.set(max(given, 1), &object)
    }

    func prepareForUpdate(_ object: inout JSONValue, old: JSONValue, _ context: inout StrategyContext) throws(APIError)
    {
        let before = old.annotations?[Self.templateGeneration]?.stringValue.flatMap(Int64.init) ?? 1
        let isChanged = object[path: "spec", "template"] != old[path: "spec", "template"]
        Self.set(isChanged ? before + 1 : before, &object)
    }

    private static func set(_ generation: Int64, _ object: inout JSONValue) {
        object.updateMetadata { metadata in
            metadata.updateObject("annotations") { $0[templateGeneration] = .string(String(generation)) }
        }
    }

    func validateUpdate(_ object: JSONValue, old: JSONValue, _ context: StrategyContext) -> [FieldError] {
        workload.validateUpdate(object, old: old, context)
    }
}

struct JobStrategy: Strategy {
    var tracksGeneration: Bool { true }
    var defaultPropagation: DeletionOptions.Propagation { .orphan }

    private static let newUID = "batch.kubernetes.io/controller-uid"
    private static let newName = "batch.kubernetes.io/job-name"

    /// A job finds its pods by its own uid, unless the client insists on a selector of its own.
    func prepareForCreate(_ object: inout JSONValue, _ context: inout StrategyContext) throws(APIError) {
        let uid = object.uid
        let name = object.name
        guard object[path: "spec", "manualSelector"]?.boolValue != true else { return }
        object.update("spec") { spec in
            spec.updateObject("template") { template in
                template.updateObject("metadata") { metadata in
                    // Labels of the client's that contradict these are validation's to refuse.
                    metadata.updateObject("labels") { labels in
                        for (key, value) in [
                            ("controller-uid", uid), ("job-name", name), (Self.newUID, uid), (Self.newName, name),
                        ] where labels[key] == nil {
                            labels[key] = .string(value)
                        }
                    }
                }
            }
            spec.updateObject("selector") { selector in
                selector.updateObject("matchLabels") { labels in
                    if labels[Self.newUID] == nil { labels[Self.newUID] = .string(uid) }
                }
            }
        }
        object.updateMetadata { metadata in
            // Labels that were defaulted from the template follow it; a job's own are left alone.
            if metadata["labels"]?.isEmptyValue == true { metadata["labels"] = nil }
        }
    }
}
