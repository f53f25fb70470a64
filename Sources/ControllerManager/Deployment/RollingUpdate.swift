import Glibc
import KubeTypes

/// The arithmetic of a rolling update: how many pods may be too many, how many may be missing, and which ReplicaSets
/// get how many of them.
enum RollingUpdate {
    /// `maxSurge` and `maxUnavailable` as numbers of pods. Percentages of surge round up and those of unavailability
    /// down; where both come out as 0, one pod may be missing, or nothing could ever move.
    static func fenceposts(surge: IntOrString?, unavailable: IntOrString?, desired: Int) -> (
        surge: Int, unavailable: Int
    ) {
        let surge = max(0, surge?.scaled(of: desired, roundingUp: true) ?? 0)
        let unavailable = max(0, unavailable?.scaled(of: desired, roundingUp: false) ?? 0)
        return surge == 0 && unavailable == 0 ? (0, 1) : (surge, unavailable)
    }

    /// The size of the new ReplicaSet: as much more as fits under `desired` + `surge`.
    static func newSize(desired: Int, surge: Int, total: Int, current: Int) -> Int {
        guard total < desired + surge else { return current }
        return current + min(desired + surge - total, desired - current)
    }

    /// One ReplicaSet, as the arithmetic sees it.
    struct Member: Equatable {
        var size: Int
        var available: Int
        /// The deployment's largest number of pods when the set was last scaled, from its annotation.
        var maxReplicasBefore: Int?

        init(size: Int, available: Int = 0, maxReplicasBefore: Int? = nil) {
            self.size = size
            // A status that lags behind a step down still counts pods that are about to go: to rely on those would take
            // more away than may be missed. (Upstream relies on them.)
            self.available = min(available, size)
            self.maxReplicasBefore = maxReplicasBefore
        }
    }

    /// The sizes of the old ReplicaSets, oldest first, after a step down. Replicas that are not available anyway go
    /// first; then as many available ones as may be missed.
    static func oldSizes(
        _ old: [Member], new: Member, desired: Int, unavailable maxUnavailable: Int
    ) -> [Int] {
        var sizes = old.map(\.size)
        let total = sizes.reduce(new.size, +)
        let minAvailable = desired - maxUnavailable
        let removable = total - minAvailable - (new.size - new.available)
        guard removable > 0, sizes.contains(where: { $0 > 0 }) else { return sizes }

        var cleaned = 0
        for position in sizes.indices where sizes[position] > 0 && cleaned < removable {
            let unhealthy = sizes[position] - old[position].available
            guard unhealthy != 0 else { continue }
            let count = min(removable - cleaned, unhealthy)
            guard count > 0 else { continue }
            sizes[position] -= count
            cleaned += count
        }

        var spare = old.reduce(new.available) { $0 + $1.available } - minAvailable
        for position in sizes.indices where sizes[position] > 0 && spare > 0 {
            let count = min(sizes[position], spare)
            sizes[position] -= count
            spare -= count
        }
        return sizes
    }

    /// The sizes of several active ReplicaSets when the deployment is scaled in the middle of a rollout: each changes in
    /// proportion, and what rounding leaves goes to the first.
    /// - Parameters:
    ///   - members: Larger sets first.
    ///   - currentReplicas: The deployment's replicas by its status, for sets that have lost their annotation.
    static func proportionalSizes(
        _ members: [Member], desired: Int, surge: Int, currentReplicas: Int
    ) -> [Int] {
        let total = members.reduce(0) { $0 + $1.size }
        let allowed = desired > 0 ? desired + surge : 0
        let toAdd = allowed - total
        guard toAdd != 0 else { return members.map(\.size) }
        var added = 0
        var sizes = members.map { member in
            let share = share(of: member, desired: desired, surge: surge, currentReplicas, toAdd: toAdd, added: added)
            added += share
            return member.size + share
        }
        if !sizes.isEmpty { sizes[0] = max(0, sizes[0] + toAdd - added) }
        return sizes
    }

    private static func share(
        of member: Member, desired: Int, surge: Int, _ currentReplicas: Int, toAdd: Int, added: Int
    ) -> Int {
        guard member.size > 0, toAdd != added else { return 0 }
        let fraction: Int
        if desired == 0 {
            fraction = -member.size
        } else {
            var before = member.maxReplicasBefore ?? 0
            if before == 0 { before = currentReplicas }
            // Without the annotation and without pods there is nothing to be proportional to.
            guard before > 0 else { return 0 }
            let scaled = Double(member.size * (desired + surge)) / Double(before)
            fraction = Int(scaled.rounded(.toNearestOrAwayFromZero)) - member.size
        }
        return toAdd > 0 ? min(fraction, toAdd - added) : max(fraction, toAdd - added)
    }
}
