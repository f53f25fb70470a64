// How the groups and versions of this server's own are ordered among those of others: what their APIServices say.

import APISchema

enum APIServicePriorities {
    /// `groupPriorityMinimum` of the built-in groups.
    private static let groups: [String: Int64] = [
        "": 18000, "extensions": 17900, "apps": 17800, "events.k8s.io": 17750, "authentication.k8s.io": 17700,
        "authorization.k8s.io": 17600, "autoscaling": 17500, "batch": 17400, "certificates.k8s.io": 17300,
        "networking.k8s.io": 17200, "policy": 17100, "rbac.authorization.k8s.io": 17000, "storage.k8s.io": 16800,
        "apiextensions.k8s.io": 16700, "admissionregistration.k8s.io": 16700, "scheduling.k8s.io": 16600,
        "coordination.k8s.io": 16500, "node.k8s.io": 16300, "discovery.k8s.io": 16200,
        "flowcontrol.apiserver.k8s.io": 16100, "internal.apiserver.k8s.io": 16000, "resource.k8s.io": 15900,
        "storagemigration.k8s.io": 15800,
    ]

    /// Groups of CustomResourceDefinitions come after all built-in ones.
    static let customGroup: Int64 = 1000
    static let customVersion: Int64 = 100

    static func isBuiltIn(_ group: String) -> Bool { groups[group] != nil }

    /// - Parameter index: the version's place among the group's, the preferred one being 0.
    static func priorities(group: String, version: String, index: Int) -> (group: Int64, version: Int64) {
        guard let priority = groups[group] else { return (customGroup, customVersion) }
        if group.isEmpty { return (priority, 1) }
        // The order of the schema, in upstream's steps.
        return (priority, Int64(max(1, 15 - 3 * index)))
    }
}
