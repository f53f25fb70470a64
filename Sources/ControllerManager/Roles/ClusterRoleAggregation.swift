import JSON
import KubeClient
import KubeTypes

/// Keeps the rules of aggregated ClusterRoles: those of the roles that their selectors match.
final class ClusterRoleAggregationController: Controller {
    private let context: ControllerContext
    private let roles: Informer<ClusterRole>
    private let queue: WorkQueue<String>

    init(_ context: ControllerContext) {
        self.context = context
        let roles = context.informers.informer(ClusterRole.self)
        let queue: WorkQueue<String> = context.queue()
        (self.roles, self.queue) = (roles, queue)
        roles.addHandler { change in
            // Which aggregate a role belongs to is in its labels, which may have changed: aggregates are few.
            if case .updated(let old, let new) = change, old.rules == new.rules, old.labels == new.labels,
                old.aggregationRule == new.aggregationRule
            {
                return
            }
            for role in roles.objects where role.aggregationRule != nil { queue.add(role.name) }
        }
    }

    func run() async {
        await roles.waitForSync()
        await context.work(queue, of: "clusterrole-aggregation-controller", workers: 1) { [self] in
            try await reconcile($0)
        }
    }

    private func reconcile(_ name: String) async throws {
        guard let role = roles.get(name), role.aggregationRule != nil, !role.isBeingDeleted else { return }
        let rules = role.aggregatedRules(among: roles.objects)
        guard rules != role.rules else { return }
        do {
            try await context.client.patch(
                ClusterRole.self, name, ["rules": .array(rules.map(\.json))], as: .merge)
        } catch { if !error.isNotFound { throw error } }
    }
}
