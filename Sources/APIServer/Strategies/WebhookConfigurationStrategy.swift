// Webhook configurations: their match conditions have to compile.

import JSON
import KubeTypes

struct WebhookConfigurationStrategy: Strategy {
    var tracksGeneration: Bool { true }

    func validate(_ object: JSONValue, _ context: StrategyContext) -> [FieldError] {
        (object["webhooks"]?.arrayValue ?? []).enumerated().flatMap { index, webhook -> [FieldError] in
            guard let conditions = webhook["matchConditions"]?.arrayValue, !conditions.isEmpty else { return [] }
            return context.registry.matchConditions.problems(conditions, path: "webhooks[\(index)].matchConditions")
        }
    }
}
