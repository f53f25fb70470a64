// What the scheduler writes of claims for devices: who has them before a pod is bound, and nobody where that failed.
import JSON
import KubeClient
import KubeTypes

extension Scheduler {
    private static let attempts = 5

    /// Writes allocations and reservations and waits until the devices are ready. False: the pod has been put back.
    func bindDevices(of pod: PodInfo, _ plan: BindingPlan, _ pods: Informer<Pod>) async -> Bool {
        let prefix = "running PreBind plugin \"DynamicResources\": "
        do throws(APIError) {
            for step in plan.devices.steps {
                if let extended = step.extended {
                    try await make(extended, step, for: pod)
                    continue
                }
                let written = DeviceClaimInfo(try await reserve(step, for: pod))
                state.change { $0.deviceClaimChanged(written, now: .now) }
            }
        } catch {
            await failed(pod, plan, pods, message: prefix + error.message)
            return false
        }
        let timeout = state.core.withLock { $0.profile(named: pod.schedulerName)?.deviceBindingTimeout } ?? 600
        var saysSo = false
        while !Task.isCancelled {
            let ticket = state.storage.ticket()
            let (claims, isAssumed) = state.core.withLock { core in
                (plan.devices.claims.map { core.deviceClaim($0) }, core.isAssumed(pod))
            }
            guard isAssumed else {
                await failed(pod, plan, pods, message: nil)
                return false
            }
            switch Self.readiness(claims, timeout: timeout) {
            case .ready: return true
            case .failed(let why):
                await failed(pod, plan, pods, message: prefix + why)
                return false
            case .waiting: break
            }
            if !saysSo {
                saysSo = true
                recorder(for: pod)?.event(
                    regarding: pod.reference, type: .normal, reason: "BindingConditionsPending",
                    message: "waiting for binding conditions for device on node \(plan.node)")
            }
            // Now and then even if nothing changes: the time may be over, or the pod gone.
            await state.storage.wait(for: ticket, until: .now + .seconds(1))
        }
        return false
    }

    /// Makes the claim for a pod's extended resources, and tells the pod which of its requests is for which container.
    private func make(
        _ extended: ExtendedClaim, _ step: DevicePlan.Step, for pod: PodInfo
    ) async throws(APIError) {
        let made = DeviceClaimInfo(try await client.create(extended.object))
        state.change { $0.deviceClaimChanged(made, now: .now) }
        let written = DeviceClaimInfo(
            try await reserve(DevicePlan.Step(claim: made, allocation: step.allocation), for: pod))
        state.change { $0.extendedClaimMade(written, step.claim.uid, now: .now) }
        try await client.patch(
            Pod.self, pod.key.name, namespace: pod.key.namespace, subresource: "status",
            [
                "metadata": ["uid": .string(pod.uid)],
                "status": [
                    "extendedResourceClaimStatus": [
                        "resourceClaimName": .string(written.key.name), "requestMappings": .array(extended.mappings),
                    ]
                ],
            ])
    }

    /// Deletes the claim for a pod's extended resources.
    private func discard(_ known: DeviceClaimInfo) async {
        do throws(APIError) {
            if known.object.metadata.finalizers.contains(DeviceClaim.finalizer) {
                try await client.modify(DeviceClaim.self, known.key.name, namespace: known.key.namespace) { claim in
                    guard claim.uid == known.uid else { return false }
                    claim.metadata.finalizers.removeAll { $0 == DeviceClaim.finalizer }
                    return true
                }
            }
            try await client.delete(DeviceClaim.self, known.key.name, namespace: known.key.namespace)
        } catch {
            if !error.isNotFound { logger.info("claim \(known.key) cannot be deleted: \(error)") }
        }
    }

    private static func readiness(_ claims: [DeviceClaimInfo?], timeout: Int64) -> DeviceReadiness {
        let now = wallClockTime()
        for claim in claims {
            guard let claim else { return .failed("a claim of the pod is gone") }
            let readiness = DeviceReadiness(claim, now: now, timeout: timeout)
            if readiness != .ready { return readiness }
        }
        return .ready
    }

    /// Writes into a claim which devices it has and that the pod uses it.
    private func reserve(_ step: DevicePlan.Step, for pod: PodInfo) async throws(APIError) -> DeviceClaim {
        var claim = step.claim.object
        let key = step.claim.key
        func problem(_ message: String) -> APIError { APIError(code: 500, reason: "InternalError", message: message) }
        for attempt in 1...Self.attempts {
            if claim.uid != step.claim.uid || claim.isBeingDeleted {
                throw problem("claim \(key) got deleted in the meantime")
            }
            if claim.isReserved(forUID: pod.uid) { return claim }
            do throws(APIError) {
                if let allocation = step.allocation {
                    if claim.isAllocated { throw problem("claim \(key) got allocated elsewhere in the meantime") }
                    // Before the devices, so that the claim cannot go while it has them.
                    if !claim.metadata.finalizers.contains(DeviceClaim.finalizer) {
                        claim.metadata.finalizers.append(DeviceClaim.finalizer)
                        claim = try await client.update(claim)
                    }
                    var json = allocation.json
                    json["allocationTimestamp"] = wallClockTime().field
                    var status = claim.json["status"] ?? [:]
                    status["allocation"] = .object(json)
                    claim.json["status"] = status
                } else if !claim.isAllocated {
                    throw problem("claim \(key) got deallocated elsewhere in the meantime")
                }
                var status = claim.json["status"] ?? [:]
                status["reservedFor"] = .array(
                    claim.consumers + [DeviceClaim.consumer(name: pod.key.name, uid: pod.uid)])
                claim.json["status"] = status
                return try await client.updateStatus(claim)
            } catch {
                guard error.isConflict, attempt < Self.attempts else {
                    let what = step.allocation == nil ? "add reservation" : "add allocation and reservation"
                    throw error.code == 500 ? error : problem("\(what) to claim \(key): \(error.message)")
                }
            }
            claim = try await client.get(DeviceClaim.self, key.name, namespace: key.namespace)
        }
        throw problem("claim \(key) cannot be written")
    }

    /// Takes a pod that was not bound out of the claims that were reserved for it.
    func unreserve(_ plan: DevicePlan, _ pod: PodInfo) async {
        if let extended = state.core.withLock({ $0.extendedClaim(of: pod) }) { await discard(extended) }
        for step in plan.steps where step.extended == nil {
            let key = step.claim.key
            guard let claim = state.core.withLock({ $0.deviceClaim(key) }), claim.consumers.contains(pod.uid) else {
                continue
            }
            do throws(APIError) {
                let written = try await client.patch(
                    DeviceClaim.self, key.name, namespace: key.namespace, subresource: "status",
                    [
                        "metadata": ["uid": .string(claim.uid)],
                        "status": ["reservedFor": [["$patch": "delete", "uid": .string(pod.uid)]]],
                    ], as: .strategic)
                state.change { $0.deviceClaimChanged(DeviceClaimInfo(written), now: .now) }
            } catch {
                // The controller takes it out when the pod is gone; else the next attempt uses it.
                logger.info("claim \(key) is still reserved for \(pod.key): \(error)")
            }
        }
    }

    /// Takes the devices from a claim that nobody but the pod uses, so that others can be found.
    func giveUp(_ key: ObjectKey, for pod: PodInfo) async {
        guard let known = state.core.withLock({ $0.deviceClaim(key) }) else { return }
        if known.isExtended { return await discard(known) }
        var claim = known.object
        for field in ["reservedFor", "allocation", "devices"] { claim.json["status"]?[field] = nil }
        do throws(APIError) {
            let written = try await client.updateStatus(claim)
            state.change { $0.deviceClaimChanged(DeviceClaimInfo(written), now: .now) }
        } catch {
            // Somebody was faster, or the next attempt does it.
            logger.info("claim \(key) cannot be given up for \(pod.key): \(error)")
        }
    }
}
