import JSON
import KubeTypes

/// What the DaemonSet controller does next, computed from a set, its pods, the nodes and the time alone.
struct DaemonPlan {
    /// Pods to create and to delete at once, at most.
    static let burst = 250

    /// Nodes that are to get a pod.
    private(set) var create: [String] = []
    private(set) var delete: [Pod] = []
    /// Pods that ended by themselves, and are deleted to be replaced; a subset of `delete`.
    private(set) var failed: [Pod] = []
    private(set) var succeeded: [Pod] = []
    private(set) var status: DaemonSetStatus
    /// Seconds until something is to be looked at again, though nothing may happen.
    private(set) var recheckSeconds: Double?

    private let set: DaemonSet
    private let hash: String
    private let now: Time
    private let names: [String]
    private let verdicts: [String: DaemonPlacement.Verdict]
    /// The pods of each node that has some, the one that counts first.
    private var pods: [String: [Pod]] = [:]

    /// - Parameters:
    ///   - pods: All that the set owns.
    ///   - hash: The label of the pods of the newest template.
    ///   - backOff: Seconds for which a failed pod of a node is not replaced yet; nil if it may be.
    init(
        _ set: DaemonSet, placement: DaemonPlacement, nodes: [Node], pods: [Pod], hash: String,
        mayAct: Bool, backOff: (String) -> Double? = { _ in nil }, now: Time
    ) {
        self.set = set
        self.hash = hash
        self.now = now
        status = set.status
        verdicts = Dictionary(nodes.map { ($0.name, placement.verdict(on: $0)) }, uniquingKeysWith: { $1 })
        names = verdicts.keys.sorted()
        for pod in pods where !(pod.isTerminal && pod.isBeingDeleted) {
            guard let node = DaemonPlacement.node(of: pod) else { continue }
            self.pods[node, default: []].append(pod)
        }
        for node in self.pods.keys { self.pods[node]?.sort(by: Self.isBefore) }

        if mayAct {
            manage(backOff)
            if create.isEmpty, delete.isEmpty, set.isRollingUpdate { rollOut() }
            create = Array(create.prefix(Self.burst))
            delete = Array(delete.prefix(Self.burst))
        }
        settleStatus(observed: mayAct)
        if let seconds = ReplicaStatus.secondsToNextAvailable(
            pods.lazy.map(\.readySince), minReadySeconds: set.minReady, now: now)
        {
            recheck(in: seconds)
        }
    }

    /// Pods that have a node come first, then the older ones.
    private static func isBefore(_ left: Pod, _ right: Pod) -> Bool {
        if left.nodeName.isEmpty != right.nodeName.isEmpty { return right.nodeName.isEmpty }
        let (first, second) = (left.metadata.creationTimestamp, right.metadata.creationTimestamp)
        if let first, let second, first != second { return first < second }
        return left.name < right.name
    }

    private mutating func recheck(in seconds: Double) { recheckSeconds = min(recheckSeconds ?? seconds, seconds) }

    private func isAvailable(_ pod: Pod) -> Bool { pod.isAvailable(minReadySeconds: set.minReady, now: now) }

    private func isUpdated(_ pod: Pod) -> Bool {
        if pod.labels[DaemonSet.hashLabel] == hash { return true }
        return set.templateGeneration.map { pod.labels[DaemonSet.generationLabel] == $0 } ?? false
    }

    // MARK: One pod a node

    private mutating func manage(_ backOff: (String) -> Double?) {
        for node in names {
            let here = pods[node] ?? []
            switch verdicts[node] {
            case .runs? where here.isEmpty: create.append(node)
            case .runs?, .stays?: keep(here, on: node, backOff)
            default: delete += here.filter { !$0.isBeingDeleted }
            }
        }
        // Pods for nodes that are gone are never scheduled, and nobody else deletes them.
        for (node, waiting) in pods.sorted(by: { $0.key < $1.key }) where verdicts[node] == nil {
            delete += waiting.filter { $0.nodeName.isEmpty && !$0.isBeingDeleted }
        }
    }

    private mutating func keep(_ here: [Pod], on node: String, _ backOff: (String) -> Double?) {
        var running: [Pod] = []
        for pod in here where !pod.isBeingDeleted {
            switch pod.phase {
            case "Failed":
                // The kubelet may refuse every pod that it gets: replacing them at once would never end.
                if let seconds = backOff(node) {
                    recheck(in: seconds)
                } else {
                    failed.append(pod)
                    delete.append(pod)
                }
            case "Succeeded":
                succeeded.append(pod)
                delete.append(pod)
            default: running.append(pod)
            }
        }
        guard set.allowsSurge else {
            delete += running.dropFirst()
            return
        }
        if running.isEmpty, verdicts[node] == .runs {
            create.append(node)
        } else if running.count > 1 {
            keepPair(running)
        }
    }

    /// With surge a node may have an old pod that serves and a new one that does not yet.
    private mutating func keepPair(_ running: [Pod]) {
        var old: Pod?
        var new: Pod?
        for pod in running {
            if pod.labels[DaemonSet.hashLabel] == hash, new == nil {
                new = pod
            } else if pod.labels[DaemonSet.hashLabel] != hash, old == nil {
                old = pod
            } else {
                delete.append(pod)
            }
        }
        if let old, let new, !old.isReady || isAvailable(new) { delete.append(old) }
    }

    // MARK: Updates

    /// The nodes that the rollout looks at, each with its pods that stay: at most an old one and a new one. Nodes with
    /// more are left to `manage`.
    private func rolloutNodes() -> [(name: String, pair: (old: Pod?, new: Pod?)?)] {
        let all = Set(names.filter { verdicts[$0] == .runs }).union(pods.keys)
        return all.sorted().map { name in
            var pair: (old: Pod?, new: Pod?) = (nil, nil)
            for pod in pods[name] ?? [] where !pod.isBeingDeleted {
                if isUpdated(pod) {
                    if pair.new != nil { return (name, nil) }
                    pair.new = pod
                } else {
                    if pair.old != nil { return (name, nil) }
                    pair.old = pod
                }
            }
            return (name, pair)
        }
    }

    private mutating func rollOut() {
        let desired = names.count { verdicts[$0] == .runs }
        let limits = set.limits(desired: desired)
        if limits.surge == 0 {
            replace(upTo: limits.unavailable)
        } else {
            surge(upTo: limits.surge, desired: desired)
        }
    }

    /// Deletes old pods, as many as may be missing; `manage` then replaces them.
    private mutating func replace(upTo limit: Int) {
        var unavailable = 0
        var candidates: [Pod] = []
        for (_, pair) in rolloutNodes() {
            switch pair {
            case (nil, let new?)?: if !isAvailable(new) { unavailable += 1 }
            case (let old?, nil)?:
                if isAvailable(old) {
                    candidates.append(old)
                } else {
                    // It serves nobody: replacing it costs nothing.
                    delete.append(old)
                    unavailable += 1
                }
            default: unavailable += 1
            }
        }
        delete += candidates.prefix(max(0, limit - unavailable))
    }

    /// Creates new pods beside old ones, and deletes an old one once its successor is available.
    private mutating func surge(upTo limit: Int, desired: Int) {
        var surging = 0
        var available = 0
        var candidates: [String] = []
        var misplaced: [Pod] = []
        for (node, pair) in rolloutNodes() {
            guard let pair else {
                surging += 1
                continue
            }
            if let counting = pair.old ?? pair.new, isAvailable(counting) { available += 1 }
            guard let old = pair.old else { continue }
            if let new = pair.new {
                if isAvailable(new) { delete.append(old) } else { surging += 1 }
                continue
            }
            switch (isAvailable(old), verdicts[node] == .runs) {
            case (false, true): create.append(node)
            case (false, false): delete.append(old)
            case (true, true): candidates.append(node)
            case (true, false): misplaced.append(old)
            }
        }
        // What serves where it should not goes once enough serve where they should.
        delete += misplaced.prefix(max(0, available - desired))
        create += candidates.prefix(max(0, limit - surging))
    }

    // MARK: Status

    private mutating func settleStatus(observed: Bool) {
        var desired = 0
        var current = 0
        var misplaced = 0
        var ready = 0
        var available = 0
        var updated = 0
        for node in names {
            let first = pods[node]?.first
            guard verdicts[node] == .runs else {
                if first != nil { misplaced += 1 }
                continue
            }
            desired += 1
            guard let first else { continue }
            current += 1
            if first.isReady { ready += 1 }
            if isAvailable(first) { available += 1 }
            if isUpdated(first) { updated += 1 }
        }
        func positive(_ count: Int) -> Int? { count == 0 ? nil : count }
        if observed { status.observedGeneration = set.metadata.generation }
        status.desiredNumberScheduled = desired
        status.currentNumberScheduled = current
        status.numberMisscheduled = misplaced
        status.numberReady = ready
        status.numberAvailable = positive(available)
        status.numberUnavailable = positive(desired - available)
        status.updatedNumberScheduled = positive(updated)
    }
}
