// What must be so once nothing fails any more and everything has come to rest.
import JSON
import KubeClient

struct Verdict {
    let observer: Observer

    var problems: [String] {
        deployments + statefulSets + daemonSets + jobs + quotas + owners + leftovers
    }

    /// What should come to be: not everything can.
    private func list(_ resource: String) -> [JSONValue] {
        observer.list(resource).filter { $0.text("metadata", "namespace") != Place.refused }
    }

    private func name(_ object: JSONValue) -> String {
        "\(object["kind"]?.stringValue ?? "") \(object.qualifiedName)"
    }

    /// Whether the status speaks of the spec that is there.
    private func isCurrent(_ object: JSONValue) -> Bool {
        object["status"]?["observedGeneration"]?.integerValue == object["metadata"]?["generation"]?.integerValue
    }

    private func pods(of uids: Set<String>) -> [JSONValue] {
        observer.list("core/pods").filter { pod in
            pod.owners.contains { uids.contains($0["uid"]?.stringValue ?? "") }
        }
    }

    private var deployments: [String] {
        list("apps/deployments").compactMap { deployment in
            let wanted = deployment.count("spec", "replicas")
            let sets = observer.list("apps/replicasets").filter { set in
                set.owners.contains { $0["uid"]?.stringValue == deployment.uid }
            }
            let pods = pods(of: Set(sets.map(\.uid)))
            // Where a quota is in the way, as many as it allows.
            let limit = deployment.text("metadata", "namespace") == Place.limited.namespace ? Place.limited.pods : .max
            let possible = min(wanted, limit)
            let ready = pods.count { $0.isReady && !$0.isDeleting }
            if pods.count == possible, ready == possible, isCurrent(deployment),
                deployment.count("status", "readyReplicas") == possible,
                possible < wanted || deployment.count("status", "updatedReplicas") == wanted
            {
                return nil
            }
            return "\(name(deployment)) wants \(possible) and has \(pods.count) pods, \(ready) ready; status "
                + JSONWriter.text(of: deployment["status"] ?? .null)
        }
    }

    private var statefulSets: [String] {
        list("apps/statefulsets").compactMap { set in
            let wanted = set.count("spec", "replicas")
            let pods = pods(of: [set.uid])
            let ordinals = (0..<wanted).map { "\(set.text("metadata", "name"))-\($0)" }
            let update = set.text("status", "updateRevision")
            if pods.map({ $0.text("metadata", "name") }).sorted() == ordinals.sorted(), pods.allSatisfy(\.isReady),
                pods.allSatisfy({
                    $0[path: "metadata", "labels", "controller-revision-hash"]?.stringValue == update
                }),
                isCurrent(set), set.count("status", "readyReplicas") == wanted
            {
                return nil
            }
            return "\(name(set)) wants \(wanted) and has \(pods.map { $0.text("metadata", "name") }); status "
                + JSONWriter.text(of: set["status"] ?? .null)
        }
    }

    private var daemonSets: [String] {
        let nodes = Set(
            observer.list("core/nodes").filter { $0["spec"]?["taints"] == nil }.map { $0.text("metadata", "name") })
        return list("apps/daemonsets").compactMap { set in
            let pods = pods(of: [set.uid])
            if Set(pods.map { $0.text("spec", "nodeName") }) == nodes, pods.count == nodes.count,
                pods.allSatisfy(\.isReady), isCurrent(set), set.count("status", "numberReady") == nodes.count
            {
                return nil
            }
            return "\(name(set)) has \(pods.count) pods on \(nodes.count) nodes; status "
                + JSONWriter.text(of: set["status"] ?? .null)
        }
    }

    private var jobs: [String] {
        list("batch/jobs").compactMap { job in
            let expected = job.text("metadata", "name") == "doomed" ? "Failed" : "Complete"
            if job.condition(expected) == "True", job.count("status", "active") == 0 { return nil }
            return "\(name(job)) is not \(expected): \(JSONWriter.text(of: job["status"] ?? .null))"
        }
    }

    private var quotas: [String] {
        observer.list("core/resourcequotas").compactMap { quota in
            let pods = observer.list("core/pods", namespace: quota.text("metadata", "namespace")).count {
                $0.counts(at: wallClockTime())
            }
            let used = quota[path: "status", "used", "pods"]?.stringValue
            return used == "\(pods)" ? nil : "\(name(quota)) says \(used ?? "nothing") and there are \(pods) pods"
        }
    }

    /// Nothing is there whose owner is not.
    private var owners: [String] {
        let uids = Set(observer.objects.values.map(\.uid))
        return observer.objects.sorted { $0.key < $1.key }.compactMap { _, object in
            guard !object.owners.isEmpty,
                !object.owners.contains(where: { uids.contains($0["uid"]?.stringValue ?? "") })
            else { return nil }
            return "\(name(object)) is there without its owner"
        }
    }

    private var leftovers: [String] {
        let namespaces = Set(observer.list("core/namespaces").map { $0.text("metadata", "name") })
        return observer.objects.sorted { $0.key < $1.key }.compactMap { key, object in
            if object.isDeleting { return "\(name(object)) is still being deleted" }
            let namespace = object.text("metadata", "namespace")
            if !namespace.isEmpty, !namespaces.contains(namespace) {
                return "\(name(object)) is in a namespace that is gone"
            }
            return nil
        }
    }
}
