// The kernel's side of the service proxy: what was written last, and how to get from there to what is wanted.

import KubeTypes
import Logging

/// Sends rulesets to the kernel through `nft`, one process for each transaction.
actor NFTables {
    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    private struct Live {
        var ruleset: Ruleset
        /// Chains that are empty and wait for their deletion, and since when.
        var retired: [String: ContinuousClock.Instant] = [:]
        var checked = ContinuousClock.now
    }

    /// Tells our tables from those that another process wrote under the same name.
    let owner: String
    private var live: [IPFamily: Live] = [:]
    private let logger: Logger

    init(owner: String = String(UInt32.random(in: 1...UInt32.max), radix: 36), logger: Logger) {
        self.owner = owner
        self.logger = logger
    }

    /// Makes the table what `wanted` says: by its difference from what we wrote last, or, where that is not known or not
    /// there any more, as a whole.
    func apply(_ wanted: Ruleset) async throws {
        let now = ContinuousClock.now
        if var known = live[wanted.family] {
            switch known.ruleset.change(to: wanted, owner: owner) {
            case .nothing:
                // Nothing to write is a good time to see that the table is still there.
                if now - known.checked < .seconds(5) { return }
                let due = known.retired.filter { now - $0.value > .seconds(1) }.keys.sorted()
                if try await execute(wanted.deletion(of: due, owner: owner)) == nil {
                    for chain in due { known.retired[chain] = nil }
                    known.checked = now
                    live[wanted.family] = known
                    return
                }
                logger.notice("the nftables table \(wanted.table) was changed by another; writing it anew")
            case .incremental(let script, let retired):
                let complaint = try await execute(script)
                if complaint == nil {
                    for chain in retired { known.retired[chain] = now }
                    for chain in wanted.chains.keys { known.retired[chain] = nil }
                    known.ruleset = wanted
                    known.checked = now
                    live[wanted.family] = known
                    return
                }
                logger.notice("an nftables change was refused, writing the whole table: \(complaint ?? "")")
            case .full: break
            }
            live[wanted.family] = nil
        }
        if let complaint = try await execute(wanted.script(owner: owner)) { throw Failure(description: complaint) }
        live[wanted.family] = Live(ruleset: wanted)
    }

    /// Nil if it worked, else what nft said.
    private func execute(_ script: String) async throws -> String? {
        let result = try await Subprocess.run("nft", ["-f", "-"], input: script)
        return result.succeeded ? nil : result.complaint
    }
}

extension IPFamily {
    /// The keyword of nftables' tables and header fields.
    var keyword: String { self == .ipv4 ? "ip" : "ip6" }
    /// The nftables data type of an address.
    var addressType: String { self == .ipv4 ? "ipv4_addr" : "ipv6_addr" }
}
