// The schema as it is now: the built-in types, and what CustomResourceDefinitions have added to them.

import APISchema
import Synchronization

/// Built-in resources are found without a lock, as before there were others; all that comes and goes is behind one.
final class LiveSchema: Sendable {
    let base: Schema
    private let state: Mutex<State>

    private struct State {
        var current: Schema
        var generation: UInt64 = 0
        /// When what is served under a group and version changed last; those that never did are not listed.
        var versions: [String: UInt64] = [:]
    }

    init(_ base: Schema) {
        self.base = base
        state = Mutex(State(current: base))
    }

    /// Everything that is served at this moment.
    var current: Schema { state.withLock { $0.current } }

    /// The same, and a number that changes with it.
    var snapshot: (schema: Schema, generation: UInt64) { state.withLock { ($0.current, $0.generation) } }

    /// A number that changes with what is served under a group and version.
    func generation(group: String, version: String) -> UInt64 {
        state.withLock { $0.versions["\(group)/\(version)"] ?? 0 }
    }

    func replace(with schema: Schema) {
        let new = Dictionary(grouping: schema.custom, by: \.apiVersion)
        state.withLock { state in
            let old = Dictionary(grouping: state.current.custom, by: \.apiVersion)
            state.generation += 1
            for version in Set(old.keys).union(new.keys) where old[version] != new[version] {
                state.versions[version] = state.generation
            }
            state.current = schema
        }
    }

    func resource(group: String, version: String, plural: String) -> ResourceType? {
        base.resource(group: group, version: version, plural: plural)
            ?? current.resource(group: group, version: version, plural: plural)
    }

    /// Whether anything is served under a group and version.
    func serves(group: String, version: String) -> Bool {
        if base.group(group)?.versions.contains(version) == true { return true }
        return current.group(group)?.versions.contains(version) == true
    }
}
