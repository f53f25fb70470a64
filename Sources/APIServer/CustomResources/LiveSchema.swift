// The schema as it is now: the built-in types, and what CustomResourceDefinitions have added to them.

import APISchema
import Synchronization

/// Built-in resources are found without a lock, as before there were others; all that comes and goes is behind one.
final class LiveSchema: Sendable {
    let base: Schema
    private let state: Mutex<(current: Schema, generation: UInt64)>

    init(_ base: Schema) {
        self.base = base
        state = Mutex((base, 0))
    }

    /// Everything that is served at this moment.
    var current: Schema { state.withLock { $0.current } }

    /// The same, and a number that changes with it.
    var snapshot: (schema: Schema, generation: UInt64) { state.withLock { ($0.current, $0.generation) } }

    func replace(with schema: Schema) {
        state.withLock { state in
            state.current = schema
            state.generation += 1
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
