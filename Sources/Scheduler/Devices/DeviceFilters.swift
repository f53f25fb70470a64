// Where a pod's claims let it run: the plugin DynamicResources (KEP-4381).
import JSON
import KubeTypes
import Synchronization

/// What is worked out about a pod's claims once, before nodes are asked.
struct DeviceQuestion: Sendable {
    let state: DeviceState
    let claims: [DeviceClaimInfo]
    /// Claims that have no devices yet.
    let open: [DeviceClaimInfo]
    /// Who asks, and the classes of the resources that are to be had as devices.
    let pod: PodInfo
    let backed: [String: String]
    /// What was found out about nodes.
    let findings: DeviceFindings
    let now: Time
    /// Seconds.
    let bindingTimeout: Int64

    /// Whether one node may be better than another.
    var hasAlternatives: Bool { claims.contains { $0.requests.contains(where: \.isPrioritized) } }
}

/// Filled as nodes are asked, which changes nothing that is asked for.
final class DeviceFindings: Sendable {
    private struct Content {
        var random: SeededGenerator
        var allocations: [Int: [DeviceAllocation]] = [:]
        var unavailable: Set<ObjectKey> = []
        /// Claims for extended resources, by the resources' names, and which of them is for which slot.
        var extended: [[String]: ExtendedClaim] = [:]
        var extendedNames: [Int: [String]] = [:]
    }
    private let content: Mutex<Content>

    init(seed: UInt64) { content = Mutex(Content(random: SeededGenerator(seed: seed))) }

    /// A name for a part of a device: a random UUID.
    func newShare() -> String {
        let (high, low) = content.withLock { ($0.random.next(), $0.random.next()) }
        var bytes = withUnsafeBytes(of: (high.bigEndian, low.bigEndian)) { Array($0) }
        bytes[6] = bytes[6] & 0x0f | 0x40
        bytes[8] = bytes[8] & 0x3f | 0x80
        var text = ""
        for (index, byte) in bytes.enumerated() {
            if [4, 6, 8, 10].contains(index) { text += "-" }
            text += byte < 16 ? "0" : ""
            text += String(byte, radix: 16)
        }
        return text
    }

    /// What each open claim would get on a node, by slot.
    func set(_ allocations: [DeviceAllocation], in slot: Int) {
        content.withLock { $0.allocations[slot] = allocations }
    }
    func allocations(in slot: Int) -> [DeviceAllocation]? { content.withLock { $0.allocations[slot] } }

    /// The claim for those extended resources that a node in a slot does not have in another way.
    func extended(_ names: [String], in slot: Int, _ question: DeviceQuestion) -> ExtendedClaim {
        content.withLock { content in
            content.extendedNames[slot] = names
            if let known = content.extended[names] { return known }
            let classes = question.backed.filter { names.contains($0.key) }
            let claim = ExtendedClaim(question.pod, classes)
            content.extended[names] = claim
            return claim
        }
    }
    func extended(in slot: Int) -> ExtendedClaim? {
        content.withLock { content in content.extendedNames[slot].flatMap { content.extended[$0] } }
    }

    /// Claims whose devices a node cannot have.
    func add(unavailable keys: [ObjectKey]) { content.withLock { $0.unavailable.formUnion(keys) } }
    var unavailable: Set<ObjectKey> { content.withLock { $0.unavailable } }
}

extension Snapshot {
    /// Reads what the API says of a pod's claims; what is wrong with them is the question's refusal.
    func askForDevices(_ question: inout PodQuestion, _ surroundings: Surroundings) {
        let state = surroundings.devices
        let pod = question.pod
        func refuse(_ message: String) { question.refusal = (.dynamicResources, message) }
        if let (message, _) = state.problem(of: pod) { return refuse(message) }
        let claims = pod.claims.uses.compactMap {
            state.claims[ObjectKey(namespace: pod.key.namespace, name: $0.name)]
        }
        if !pod.extended.isEmpty {
            if let key = state.extendedClaims[pod.uid] {
                question.leftover = key
                return refuse("cannot schedule extended resource claim")
            }
            for name in pod.extended.totals.keys {
                question.deviceBacked[name] = state.backing(of: name)
            }
        }
        guard !claims.isEmpty || !question.deviceBacked.isEmpty else { return }
        let open = claims.filter { $0.allocation == nil }
        for claim in open {
            if state.pending[claim.uid] != nil {
                return refuse("resource claim \(claim.key) is in the process of being allocated")
            }
            for request in claim.requests {
                if request.alternatives.isEmpty {
                    return refuse("resource claim \(claim.key), request \(request.name): unknown request type")
                }
                for alternative in request.alternatives where state.classes[alternative.className] == nil {
                    return refuse(
                        "request \(alternative.name): device class \(alternative.className) does not exist")
                }
            }
        }
        question.devices = DeviceQuestion(
            state: state, claims: claims, open: open, pod: pod, backed: question.deviceBacked,
            findings: DeviceFindings(seed: surroundings.deviceSeed),
            now: surroundings.now,
            bindingTimeout: question.profile.deviceBindingTimeout)
    }

    /// Whether a node can have the devices of all claims, and those that are still to be found.
    func refusal(of slot: Int, _ question: DeviceQuestion) -> Refusal? {
        let name = info[slot].name
        let labels = info[slot].labels
        var unavailable: [ObjectKey] = []
        for claim in question.claims {
            guard let allocation = claim.allocation else { continue }
            if let nodes = allocation.nodes, !nodes.matches(name: name, labels: labels) {
                unavailable.append(claim.key)
            } else if case .failed = DeviceReadiness(claim, now: question.now, timeout: question.bindingTimeout) {
                unavailable.append(claim.key)
            }
        }
        let missing = question.backed.keys.filter { (info[slot].scalars[$0] ?? 0) == 0 }.sorted()
        let extended = missing.isEmpty ? nil : question.findings.extended(missing, in: slot, question)
        if !question.open.isEmpty || extended != nil {
            let node = AllocationNode(name: name, labels: labels)
            do throws(DeviceAllocationError) {
                let found = try DeviceAllocator.allocate(
                    question.open + (extended.map { [$0.info] } ?? []), on: node,
                    from: question.state.slices.pools(for: node),
                    beside: question.state.allocated, classes: question.state.classes,
                    selectors: question.state.selectors, newShare: question.findings.newShare)
                guard let found else { return .devices("cannot allocate all claims") }
                question.findings.set(found, in: slot)
            } catch {
                return error.reach == .node ? .devices(error.message) : .failed(.dynamicResources, error.message)
            }
        }
        guard !unavailable.isEmpty else { return nil }
        question.findings.add(unavailable: unavailable)
        return .devices("resourceclaim not available on the node")
    }

    /// What must be written if the pod goes to the node, which has been asked before.
    func plan(_ slot: Int, _ question: DeviceQuestion, _ pod: PodInfo) -> DevicePlan {
        let found = question.findings.allocations(in: slot) ?? []
        let allocations = Dictionary(zip(question.open.map(\.uid), found)) { first, _ in first }
        var steps: [DevicePlan.Step] = question.claims.compactMap { claim in
            claim.consumers.contains(pod.uid) ? nil : .init(claim: claim, allocation: allocations[claim.uid])
        }
        if let extended = question.findings.extended(in: slot), found.count > question.open.count {
            steps.append(.init(claim: extended.info, allocation: found[question.open.count], extended: extended))
        }
        return DevicePlan(steps: steps, claims: question.claims.map(\.key))
    }

    /// Adds a score for nodes that have what requests would rather have.
    func addDeviceScores(to totals: inout [Int64], _ slots: [Int], _ question: DeviceQuestion, _ weight: Int64) {
        let raw = slots.map { slot in
            let found = question.findings.allocations(in: slot) ?? []
            let open = zip(question.open.map(\.uid), found)
            let new = Dictionary(open) { first, _ in first }
            return question.claims.reduce(Int64(0)) { sum, claim in
                guard let allocation = claim.allocation ?? new[claim.uid] else { return sum }
                let taken = Set(allocation.devices.map(\.request))
                return sum
                    + claim.requests.filter(\.isPrioritized).reduce(0) { sum, request in
                        request.alternatives.enumerated().reduce(sum) { sum, alternative in
                            taken.contains(alternative.element.name) ? sum + Int64(8 - alternative.offset) : sum
                        }
                    }
            }
        }
        guard let highest = raw.max(), highest > 0 else { return }
        for (position, score) in raw.enumerated() { totals[position] += weight * (score * 100 / highest) }
    }

    /// An allocated claim to give up, so that devices of a node that would have the pod can be found: one that some node
    /// could not have and that nobody else uses. Nil, and why.
    func claimToGiveUp(_ question: PodQuestion) -> (claim: ObjectKey?, reason: String) {
        if let leftover = question.leftover {
            return (leftover, "deletion of ResourceClaim completed")
        }
        guard let devices = question.devices else { return (nil, "no new claims to deallocate") }
        let unavailable = devices.findings.unavailable
        let candidate = devices.claims.first {
            unavailable.contains($0.key) && ($0.consumers.isEmpty || $0.consumers == [question.pod.uid])
        }
        return candidate == nil
            ? (nil, "still not schedulable") : (candidate?.key, "deallocation of ResourceClaim completed")
    }
}
