// Where a pod's volumes let it run: VolumeRestrictions, NodeVolumeLimits, VolumeBinding and VolumeZone.
import KubeTypes

/// What is worked out about a pod's volumes once, before nodes are asked.
struct VolumeQuestion: Sendable {
    let namespace: String
    let volumes: PodVolumes
    let state: VolumeState
    var bound: [ClaimInfo] = []
    /// To be bound when the node is known, smallest first.
    var delayed: [ClaimInfo] = []
    var zones: [(key: String, values: Set<String>)] = []
    /// Claims of the pod that only one pod may use and some other does.
    var exclusiveInUse: Set<ObjectKey> = []
    var exclusiveUsers = 0
}

extension Snapshot {
    /// Reads what the API says of a pod's claims; what is wrong with them is the question's refusal.
    func askForVolumes(_ question: inout PodQuestion, _ surroundings: Surroundings) {
        let pod = question.pod
        let filters = question.profile.filters
        let state = surroundings.volumes
        var volumes = VolumeQuestion(namespace: pod.key.namespace, volumes: pod.volumes, state: state)
        var immediate = false
        for use in pod.volumes.claims {
            let key = ObjectKey(namespace: pod.key.namespace, name: use.name)
            guard let claim = state.claims[key] else {
                let plugin: Plugin =
                    use.isEphemeral || !filters.contains(.volumeRestrictions) ? .volumeBinding : .volumeRestrictions
                let missing =
                    use.isEphemeral
                    ? "waiting for ephemeral volume controller to create the persistentvolumeclaim \"\(use.name)\""
                    : "persistentvolumeclaim \"\(use.name)\" not found"
                if filters.contains(plugin) { question.refusal = (plugin, missing) }
                return
            }
            if filters.contains(.volumeRestrictions), claim.accessModes.contains("ReadWriteOncePod"),
                let users = claimUsers[key], users > 0
            {
                volumes.exclusiveInUse.insert(key)
                volumes.exclusiveUsers += users
            }
            guard filters.contains(.volumeBinding) else { continue }
            if claim.isLost {
                question.refusal = (
                    .volumeBinding,
                    "persistentvolumeclaim \"\(use.name)\" bound to non-existent persistentvolume "
                        + "\"\(claim.volumeName)\""
                )
                return
            }
            if claim.isBeingDeleted {
                question.refusal = (.volumeBinding, "persistentvolumeclaim \"\(use.name)\" is being deleted")
                return
            }
            if use.isEphemeral, !claim.ownerPods.contains(pod.uid) {
                question.refusal = (
                    .volumeBinding,
                    "PVC \(key) was not created for pod \(pod.key) (pod is not owner)"
                )
                return
            }
            if claim.isFullyBound {
                volumes.bound.append(claim)
            } else if claim.volumeName.isEmpty, state.classes[claim.className]?.waits == true {
                volumes.delayed.append(claim)
            } else {
                immediate = true
            }
            if filters.contains(.volumeZone), let volume = state.volumes[claim.volumeName] {
                volumes.zones += volume.zones
            }
        }
        if immediate {
            question.refusal = (.volumeBinding, "pod has unbound immediate PersistentVolumeClaims")
            return
        }
        volumes.delayed.sort { ($0.request, $0.key) < ($1.request, $1.key) }
        question.volumes = volumes
    }

    func refusal(of slot: Int, _ question: VolumeQuestion, _ filters: PluginSet, _ use: NodeUse?) -> Refusal? {
        let pods = use?.pods ?? info[slot].pods
        if filters.contains(.volumeRestrictions) {
            if !question.volumes.disks.isEmpty,
                pods.values.contains(where: { question.volumes.conflict(with: $0.volumes) })
            {
                return .disk
            }
            if question.exclusiveUsers > 0 {
                // What preemption imagines to be gone uses nothing any more.
                let here = { (pods: [ObjectKey: PodInfo]) in
                    pods.values.reduce(0) { sum, pod in
                        sum
                            + pod.volumes.claims.count {
                                question.exclusiveInUse.contains(
                                    ObjectKey(namespace: pod.key.namespace, name: $0.name))
                            }
                    }
                }
                if question.exclusiveUsers - here(info[slot].pods) + here(pods) > 0 { return .claimInUse }
            }
        }
        if filters.contains(.nodeVolumeLimits), exceedsLimits(slot, question, pods) { return .volumeLimit }
        if filters.contains(.volumeBinding) {
            let (_, reasons) = plan(slot, question)
            if !reasons.isEmpty { return .volumes(reasons) }
        }
        if !question.zones.isEmpty, isElsewhere(slot, question.zones) { return .zone }
        return nil
    }

    private func isElsewhere(_ slot: Int, _ zones: [(key: String, values: Set<String>)]) -> Bool {
        let labels = info[slot].labels
        let beta = "failure-domain.beta.kubernetes.io/"
        let current = "topology.kubernetes.io/"
        guard [beta, current].contains(where: { labels[$0 + "zone"] != nil || labels[$0 + "region"] != nil }) else {
            return false
        }
        return zones.contains { key, values in
            let renamed = key.hasPrefix(beta) ? current + key.dropFirst(beta.count) : key
            guard let own = labels[key] ?? labels[renamed] else { return true }
            return !values.contains(own)
        }
    }

    /// Whether a CSI driver cannot attach the pod's volumes to the node beside those of other pods.
    private func exceedsLimits(
        _ slot: Int, _ question: VolumeQuestion, _ pods: [ObjectKey: PodInfo]
    ) -> Bool {
        guard !question.volumes.claims.isEmpty, let limits = question.state.limits[info[slot].name], !limits.isEmpty
        else { return false }
        func attached(_ claim: ObjectKey) -> (driver: String, id: String)? {
            guard let claim = question.state.claims[claim] else { return nil }
            if let volume = question.state.volumes[claim.volumeName] {
                return volume.driver.isEmpty ? nil : (volume.driver, "\(volume.driver)-\(volume.handle)")
            }
            // To be made: counted for the driver that will make it.
            guard let storageClass = question.state.classes[claim.className],
                storageClass.provisioner != ClassInfo.noProvisioner
            else { return nil }
            return (storageClass.provisioner, "\(claim.key)")
        }
        var new: [String: String] = [:]
        for use in question.volumes.claims {
            let key = ObjectKey(namespace: question.namespace, name: use.name)
            if let (driver, id) = attached(key) { new[id] = driver }
        }
        guard new.values.contains(where: { limits[$0] != nil }) else { return false }
        var old: [String: String] = [:]
        for pod in pods.values {
            for use in pod.volumes.claims {
                let key = ObjectKey(namespace: pod.key.namespace, name: use.name)
                if let (driver, id) = attached(key) { old[id] = driver }
            }
        }
        for (driver, limit) in limits {
            let more = new.count { $0.value == driver && old[$0.key] == nil }
            if more > 0, old.values.count(where: { $0 == driver }) + more > limit { return true }
        }
        return false
    }

    /// What must be written if the pod goes to the node, or why its volumes cannot be had there.
    func plan(_ slot: Int, _ question: VolumeQuestion) -> (VolumePlan, reasons: [String]) {
        let name = info[slot].name
        let labels = info[slot].labels
        let state = question.state
        var plan = VolumePlan(node: name)
        var reasons: [String] = []
        var missing = false
        for claim in question.bound {
            guard let volume = state.volumes[claim.volumeName] else {
                missing = true
                continue
            }
            if let affinity = volume.nodeAffinity, !affinity.matches(name: name, labels: labels) {
                reasons.append("node(s) didn't match PersistentVolume's node affinity")
                break
            }
        }
        var toProvision: [ClaimInfo] = []
        var taken: Set<String> = []
        var unsatisfied = false
        var full = false
        for claim in question.delayed {
            if let selected = state.selectedNode(of: claim) {
                if selected != name { unsatisfied = true }
                toProvision.append(claim)
            } else if let volume = state.match(claim, node: name, labels: labels, except: taken) {
                taken.insert(volume)
                plan.bindings.append((volume, claim.key))
            } else {
                toProvision.append(claim)
            }
        }
        for claim in toProvision where !unsatisfied {
            guard let storageClass = state.classes[claim.className], !storageClass.provisioner.isEmpty,
                storageClass.provisioner != ClassInfo.noProvisioner, storageClass.admits(labels)
            else {
                unsatisfied = true
                break
            }
            if !state.hasCapacity(for: claim, storageClass, labels: labels) {
                full = true
                break
            }
            plan.provisions.append(claim.key)
        }
        if unsatisfied { reasons.append("node(s) didn't find available persistent volumes to bind") }
        if full { reasons.append("node(s) did not have enough free storage") }
        if missing { reasons.append("node(s) unavailable due to one or more pvc(s) bound to non-existent pv(s)") }
        return (plan, reasons)
    }
}
