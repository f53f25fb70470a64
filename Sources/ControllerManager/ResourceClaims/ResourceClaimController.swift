import JSON
import KubeClient
import KubeTypes

/// Makes the claims of pods from their templates, reserves claims for pods that have a node already, and sets claims free
/// that nobody uses any more (upstream's resourceclaim-controller, KEP-4381).
final class ResourceClaimController: Controller {
    enum Key: Hashable, Sendable {
        case pod(ObjectKey)
        case claim(ObjectKey)
    }

    private static let component = "resource_claim"
    private static let byOwner = "owner"
    private static let byTemplate = "claimTemplate"
    private static let byConsumer = "consumer"

    private let context: ControllerContext
    private let pods: Informer<Pod>
    private let claims: Informer<DeviceClaim>
    private let templates: Informer<ResourceClaimTemplate>
    private let queue: WorkQueue<Key>
    private let recorder: EventRecorder
    /// Claims that were made and that the cache may not show yet.
    private let expectations = Expectations<ObjectKey>()

    init(_ context: ControllerContext) {
        self.context = context
        pods = context.informers.pods
        claims = context.informers.informer(DeviceClaim.self)
        templates = context.informers.informer(ResourceClaimTemplate.self)
        let queue: WorkQueue<Key> = context.queue()
        self.queue = queue
        recorder = context.recorder(Self.component)
        claims.addIndex(Self.byOwner) { claim in claim.controller.map { [$0.uid] } ?? [] }
        claims.addIndex(Self.byConsumer) { claim in
            Array(Set(claim.consumers.compactMap { $0["uid"]?.stringValue }))
        }
        pods.addIndex(Self.byTemplate) { pod in
            Array(Set(pod.claimReferences.compactMap { $0.template.map { "\(pod.namespace)/\($0)" } }))
        }
        pods.addHandler { [self] change in
            let pod = change.object
            if pod.claimReferences.isEmpty, pod.status.extendedResourceClaimStatus == nil { return }
            var isOver = pod.isDoneWithClaims
            if case .deleted = change {
                expectations.forget(pod.key)
                isOver = true
            } else {
                queue.add(.pod(pod.key))
            }
            guard isOver else { return }
            let users = claims.objects(by: Self.byConsumer, pod.uid) + claims.objects(by: Self.byOwner, pod.uid)
            for claim in users { queue.add(.claim(claim.key)) }
        }
        claims.addHandler { [self] change in
            let claim = change.object
            if let owner = claim.controller, owner.kind == Pod.type.kind {
                let pod = ObjectKey(namespace: claim.namespace, name: owner.name)
                if case .added = change { expectations.lowerCreations(of: pod) }
                queue.add(.pod(pod))
            }
            if case .deleted = change { return }
            queue.add(.claim(claim.key))
        }
        templates.addHandler { [pods] change in
            guard case .added(let template) = change else { return }
            for pod in pods.objects(by: Self.byTemplate, template.key.description) { queue.add(.pod(pod.key)) }
        }
    }

    func run() async {
        await pods.waitForSync()
        await claims.waitForSync()
        await templates.waitForSync()
        await context.work(queue, of: Self.component, workers: 4) { [self] key in
            switch key {
            case .pod(let key): try await reconcilePod(key)
            case .claim(let key): try await reconcileClaim(key)
            }
        }
    }

    // MARK: Pods

    private func reconcilePod(_ key: ObjectKey) async throws {
        guard let pod = pods[key], !pod.isBeingDeleted, !pod.isTerminal else { return }
        guard expectations.areSatisfied(for: key, now: context.now) else { return }
        var made = pod.madeClaims
        for reference in pod.claimReferences {
            guard let template = reference.template else { continue }
            if let known = made[reference.name] {
                // The template needs no claim.
                guard let name = known else { continue }
                if let claim = claims.get(name, namespace: key.namespace), claim.isOwned(by: pod) { continue }
            }
            do {
                made[reference.name] = try await claim(for: reference.name, template, of: pod)
            } catch {
                recorder.event(
                    regarding: pod, type: .warning, reason: "FailedResourceClaimCreation",
                    message: "PodResourceClaim \(reference.name): \(error)")
                throw error
            }
        }
        if made != pod.madeClaims {
            let statuses = made.sorted { $0.key < $1.key }.map { name, claim -> JSONValue in
                var status: JSONValue = ["name": .string(name)]
                if let claim { status["resourceClaimName"] = .string(claim) }
                return status
            }
            try await context.client.patch(
                Pod.self, pod.name, namespace: pod.namespace, subresource: "status",
                ["metadata": ["uid": .string(pod.uid)], "status": ["resourceClaimStatuses": .array(statuses)]])
        }
        // Before a pod has a node, the scheduler reserves.
        if !pod.nodeName.isEmpty { try await reserve(pod, made) }
    }

    /// The name of the pod's claim: of one that was made in an earlier round, or of a new one.
    private func claim(for name: String, _ template: String, of pod: Pod) async throws -> String {
        let present = claims.objects(by: Self.byOwner, pod.uid).first {
            $0.isOwned(by: pod) && $0.annotations[DeviceClaim.podClaimName] == name
        }
        if let present { return present.name }
        guard let source = templates.get(template, namespace: pod.namespace) else {
            throw RetryLater(
                description: "resource claim template \"\(template)\": "
                    + "resourceclaimtemplate.resource.k8s.io \"\(template)\" not found")
        }
        expectations.expect(creations: 1, of: pod.key, now: context.now)
        do {
            return try await context.client.create(source.claim(name, of: pod)).name
        } catch {
            expectations.lowerCreations(of: pod.key)
            throw error
        }
    }

    private func reserve(_ pod: Pod, _ made: [String: String?]) async throws {
        for reference in pod.claimReferences {
            guard let name = reference.claim ?? made[reference.name] ?? nil,
                let claim = claims.get(name, namespace: pod.namespace), claim.isAllocated,
                !claim.isReserved(for: pod), claim.consumers.count < DeviceClaim.maximumConsumers,
                reference.template == nil || claim.isOwned(by: pod)
            else { continue }
            var changed = claim
            changed.json["status"]?["reservedFor"] = .array(
                claim.consumers + [DeviceClaim.consumer(name: pod.name, uid: pod.uid)])
            try await context.client.updateStatus(changed)
        }
    }

    // MARK: Claims

    /// Whether a pod still needs what is reserved for it; the server is asked about one that the cache does not know.
    private func isInUse(_ consumer: JSONValue, namespace: String) async throws -> Bool {
        guard consumer["apiGroup"]?.stringValue ?? "" == "", consumer["resource"]?.stringValue == "pods",
            let name = consumer["name"]?.stringValue
        else { return true }
        let uid = consumer["uid"]?.stringValue
        if let pod = pods.get(name, namespace: namespace) { return pod.uid == uid && !pod.isDoneWithClaims }
        do {
            return try await context.client.get(Pod.self, name, namespace: namespace).uid == uid
        } catch {
            if error.isNotFound { return false }
            throw error
        }
    }

    private func reconcileClaim(_ key: ObjectKey) async throws {
        guard var claim = claims[key] else { return }
        var remaining: [JSONValue] = []
        for consumer in claim.consumers where try await isInUse(consumer, namespace: key.namespace) {
            remaining.append(consumer)
        }
        let isProtected = claim.metadata.finalizers.contains(DeviceClaim.finalizer)
        if remaining.count < claim.consumers.count {
            claim.json["status"]?["reservedFor"] = remaining.isEmpty ? JSONValue?.none : .array(remaining)
            // The last user's end is the end of the allocation: the next one may be better off elsewhere.
            if remaining.isEmpty, isProtected { claim.json["status"]?["allocation"] = nil }
            claim = try await context.client.updateStatus(claim)
            if isProtected, !claim.isAllocated { try await release(claim) }
        } else if isProtected, claim.isBeingDeleted, remaining.isEmpty {
            if claim.isAllocated {
                claim.json["status"]?["allocation"] = nil
                claim = try await context.client.updateStatus(claim)
            }
            return try await release(claim)
        }
        guard remaining.isEmpty, !claim.isBeingDeleted, let owner = claim.controller, owner.kind == Pod.type.kind,
            let pod = pods.get(owner.name, namespace: key.namespace), pod.uid != owner.uid || pod.isDoneWithClaims
        else { return }
        do {
            try await context.client.delete(
                DeviceClaim.self, claim.name, namespace: key.namespace, options: .only(uid: claim.uid))
        } catch { if !error.isNotFound { throw error } }
    }

    private func release(_ claim: DeviceClaim) async throws {
        var free = claim
        free.metadata.finalizers.removeAll { $0 == DeviceClaim.finalizer }
        do { try await context.client.update(free) } catch { if !error.isNotFound { throw error } }
    }
}
