// Deployments, ReplicaSets, DaemonSets, StatefulSets, ReplicationControllers and Jobs: what keeps their controllers
// from losing track of their pods.

import JSON
import KubeTypes

/// Kinds with a selector and a pod template.
struct WorkloadStrategy: Strategy {
    let selectorIsImmutable: Bool
    var orphans = false

    var tracksGeneration: Bool { true }
    var defaultPropagation: DeletionOptions.Propagation { orphans ? .orphan : .background }

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

struct StatefulSetStrategy: Strategy {
    var tracksGeneration: Bool { true }

    private static let mutable = [
        "replicas", "ordinals", "template", "updateStrategy", "revisionHistoryLimit",
        "persistentVolumeClaimRetentionPolicy", "minReadySeconds",
    ]

    func validateUpdate(_ object: JSONValue, old: JSONValue, _ context: StrategyContext) -> [FieldError] {
        var new = object["spec"] ?? [:]
        let before = old["spec"] ?? [:]
        for field in Self.mutable { new[field] = before[field] }
        if new == before { return [] }
        let list = [
            "replicas", "ordinals", "template", "updateStrategy", "revisionHistoryLimit",
            "persistentVolumeClaimRetentionPolicy",
        ].map { "'\($0)'" }.joined(separator: ", ")
        return [
            .forbidden(
                "spec", "updates to statefulset spec for fields other than \(list) and 'minReadySeconds' are forbidden")
        ]
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
                    metadata.updateObject("labels") { labels in
                        labels["controller-uid"] = .string(uid)
                        labels["job-name"] = .string(name)
                        labels[Self.newUID] = .string(uid)
                        labels[Self.newName] = .string(name)
                    }
                }
            }
            spec.updateObject("selector") { selector in
                selector.updateObject("matchLabels") { $0[Self.newUID] = .string(uid) }
            }
        }
        object.updateMetadata { metadata in
            // Labels that were defaulted from the template follow it; a job's own are left alone.
            if metadata["labels"]?.isEmptyValue == true { metadata["labels"] = nil }
        }
    }

    func validateUpdate(_ object: JSONValue, old: JSONValue, _ context: StrategyContext) -> [FieldError] {
        guard context.request.subresource == nil else { return [] }
        var errors: [FieldError] = []
        let isSuspended = old[path: "spec", "suspend"]?.boolValue == true
        for field in ["selector", "completions", "completionMode", "template", "podFailurePolicy"] {
            if field == "template", isSuspended { continue }
            if object[path: "spec", field] != old[path: "spec", field] {
                if field == "completions", object[path: "spec", "completionMode"]?.stringValue == "Indexed" { continue }
                errors.append(
                    .invalid("spec.\(field)", object[path: "spec", field] ?? .null, "field is immutable"))
            }
        }
        return errors
    }
}
