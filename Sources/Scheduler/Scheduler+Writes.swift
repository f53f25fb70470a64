// What the scheduler writes beside bindings: volumes for claims, and the end of pods that stand in another's way.
import JSON
import KubeClient
import KubeTypes

extension Scheduler {
    /// Pods that are sent off at a time for one that comes.
    private static let victimsInFlight = 16

    /// Sends the victims off, and forgets that room was being made for others on their node.
    func makeRoom(for pod: PodInfo, _ plan: PreemptionPlan) async {
        for other in plan.displaced where !other.nominatedNode.isEmpty {
            await write(["nominatedNodeName": .null], of: other)
        }
        let victims = plan.victims.filter { !$0.isBeingDeleted }
        let permits = Permits(Self.victimsInFlight)
        let failed = await withTaskGroup(of: Bool.self) { group in
            for victim in victims {
                await permits.take()
                group.addTask {
                    defer { permits.giveBack() }
                    return await !preempt(victim, for: pod, on: plan.node)
                }
            }
            return await group.reduce(false) { $0 || $1 }
        }
        state.change { $0.preempted(for: pod.key, failed: failed, now: .now) }
    }

    /// True if the victim is on its way out.
    private func preempt(_ victim: PodInfo, for pod: PodInfo, on node: String) async -> Bool {
        var condition = PodCondition()
        condition.type = "DisruptionTarget"
        condition.status = "True"
        condition.reason = "PreemptionByScheduler"
        condition.message = "\(pod.schedulerName): preempting to accommodate a higher priority pod"
        condition.observedGeneration = victim.generation > 0 ? victim.generation : nil
        condition.lastTransitionTime = wallClockTime()
        do throws(APIError) {
            try await client.patch(
                Pod.self, victim.key.name, namespace: victim.key.namespace, subresource: "status",
                ["metadata": ["uid": .string(victim.uid)], "status": ["conditions": [condition.json]]], as: .strategic)
            // Another pod of the same name shall not suffer for it.
            var options = DeleteOptions()
            options.json["preconditions"] = ["uid": .string(victim.uid)]
            try await client.delete(Pod.self, victim.key.name, namespace: victim.key.namespace, options: options)
        } catch {
            if error.isNotFound || error.isConflict { return true }
            logger.warning("\(victim.key) cannot be preempted for \(pod.key): \(error)")
            return false
        }
        recorder(for: pod)?.event(
            regarding: victim.reference, type: .normal, reason: "Preempted",
            message: "Preempted by pod \(pod.uid) on node \(node)")
        return true
    }

    /// Writes what the plan says and waits until the claims are bound. False: the pod has been put back.
    func bindVolumes(of pod: PodInfo, _ plan: BindingPlan, _ pods: Informer<Pod>) async -> Bool {
        let prefix = "running PreBind plugin \"VolumeBinding\": "
        do throws(APIError) {
            for (volume, claim) in plan.volumes.bindings { try await bind(volume, to: claim) }
            for claim in plan.volumes.provisions { try await select(plan.node, for: claim) }
        } catch {
            await failed(pod, plan, pods, message: prefix + error.message)
            return false
        }
        let timeout = state.core.withLock { $0.profile(named: pod.schedulerName)?.bindTimeout } ?? .seconds(600)
        let deadline = ContinuousClock.now + timeout
        while !Task.isCancelled {
            let ticket = state.storage.ticket()
            let (progress, isAssumed) = state.core.withLock { ($0.progress(of: plan.volumes), $0.isAssumed(pod)) }
            guard isAssumed else {
                await failed(pod, plan, pods, message: nil)
                return false
            }
            switch progress {
            case .bound: return true
            case .failed(let why):
                await failed(pod, plan, pods, message: prefix + "binding volumes: " + why)
                return false
            case .waiting:
                if ContinuousClock.now >= deadline {
                    await failed(pod, plan, pods, message: prefix + "binding volumes: context deadline exceeded")
                    return false
                }
            }
            // Now and then even if nothing changes: the pod may be gone.
            await state.storage.wait(for: ticket, until: min(deadline, .now + .seconds(1)))
        }
        return false
    }

    /// Sets a volume aside for a claim; the volume controller does the rest.
    private func bind(_ volume: String, to claim: ObjectKey) async throws(APIError) {
        let bound = try await client.get(PersistentVolumeClaim.self, claim.name, namespace: claim.namespace)
        let reference = EventRecorder.reference(to: bound)
        try await client.modify(PersistentVolume.self, volume) { object in
            if let old = object.spec.claimRef, old.uid == bound.uid { return false }
            if object.spec.claimRef == nil {
                object.metadata.annotations["pv.kubernetes.io/bound-by-controller"] = "yes"
            }
            object.spec.claimRef = reference
            return true
        }
    }

    /// Says on which node a claim's volume is to be made.
    private func select(_ node: String, for claim: ObjectKey) async throws(APIError) {
        try await client.modify(PersistentVolumeClaim.self, claim.name, namespace: claim.namespace) { object in
            if object.metadata.annotations[ClaimInfo.selectedNodeAnnotation] == node { return false }
            object.metadata.annotations[ClaimInfo.selectedNodeAnnotation] = node
            return true
        }
    }
}
