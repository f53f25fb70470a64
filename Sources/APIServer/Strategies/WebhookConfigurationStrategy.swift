// Webhook configurations: their match conditions are refused where nobody can evaluate them.

import JSON
import KubeTypes

struct WebhookConfigurationStrategy: Strategy {
    var tracksGeneration: Bool { true }

    func validate(_ object: JSONValue, _ context: StrategyContext) -> [FieldError] {
        var errors: [FieldError] = []
        for (index, webhook) in (object["webhooks"]?.arrayValue ?? []).enumerated() {
            guard let conditions = webhook["matchConditions"]?.arrayValue, !conditions.isEmpty else { continue }
            let path = "webhooks[\(index)].matchConditions"
            if let compiler = context.registry.matchConditions {
                errors += compiler.problems(conditions, path: path)
            } else {
                errors.append(.forbidden(path, "match conditions are not implemented by this server"))
            }
        }
        return errors
    }
}
