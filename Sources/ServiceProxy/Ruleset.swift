// An nftables table as a value: what it holds, the script that makes it, and the script that turns one into another.

import KubeTypes

/// One table of nftables. Two rulesets can be compared, and only what differs is sent to the kernel.
public struct Ruleset: Sendable, Hashable {
    public struct Chain: Sendable, Hashable {
        /// `type nat hook prerouting priority -100;` for a base chain.
        public var hook: String?
        public var rules: [String]

        public init(hook: String? = nil, _ rules: [String] = []) {
            self.hook = hook
            self.rules = rules
        }
    }

    /// A set (elements without value) or a map.
    public struct Collection: Sendable, Hashable {
        public var isMap: Bool
        /// What stands between the braces of its declaration.
        public var declaration: String
        /// Key to value; the value is empty in a set. Of a dynamic set the kernel keeps the elements, and this is empty.
        public var elements: [String: String]

        public init(isMap: Bool, declaration: String, elements: [String: String] = [:]) {
            self.isMap = isMap
            self.declaration = declaration
            self.elements = elements
        }
    }

    public let family: IPFamily
    /// The table's name, without the family.
    public let table: String
    public var chains: [String: Chain] = [:]
    public var collections: [String: Collection] = [:]

    public init(family: IPFamily, table: String) {
        self.family = family
        self.table = table
    }

    private var path: String { "\(family.keyword) \(table)" }

    /// The name of the empty chain that says which process wrote the table: an incremental change begins by flushing
    /// it, and so fails as a whole when the table is gone or is another's.
    private static func ownerChain(_ owner: String) -> String { "owner-\(owner)" }

    /// The script that makes this table out of whatever is there, in one transaction.
    public func script(owner: String) -> String {
        var out = "add table \(path)\ndelete table \(path)\nadd table \(path)\n"
        out += "add chain \(path) \(Self.ownerChain(owner))\n"
        var empty = Ruleset(family: family, table: table)
        empty.writeChanges(to: self, into: &out)
        return out
    }

    /// The script that asks whether the table is still there and ours.
    public func probe(owner: String) -> String { "flush chain \(path) \(Self.ownerChain(owner))\n" }

    /// The script that removes the table, be it there or not.
    public static func removal(family: IPFamily, table: String) -> String {
        "add table \(family.keyword) \(table)\ndelete table \(family.keyword) \(table)\n"
    }

    /// What it takes to get from this table to `next`.
    public enum Change: Sendable, Equatable {
        case nothing
        /// A script, and the chains that are empty and unreachable after it.
        ///
        /// They are deleted later: before Linux 6.2 the kernel notes some time after the transaction only that the
        /// deleted element of a verdict map no longer refers to its chain.
        case incremental(script: String, retired: [String])
        /// Something changed that nftables cannot change in place.
        case full
    }

    public func change(to next: Ruleset, owner: String) -> Change {
        guard self != next else { return .nothing }
        guard family == next.family, table == next.table else { return .full }
        for (name, chain) in next.chains where chains[name].map({ $0.hook != chain.hook }) ?? (chain.hook != nil) {
            return .full
        }
        if chains.contains(where: { $1.hook != nil && next.chains[$0] == nil }) { return .full }
        for (name, collection) in next.collections {
            guard let old = collections[name] else { continue }
            if old.isMap != collection.isMap || old.declaration != collection.declaration { return .full }
        }
        var script = probe(owner: owner)
        var copy = self
        copy.writeChanges(to: next, into: &script)
        return .incremental(script: script, retired: chains.keys.filter { next.chains[$0] == nil }.sorted())
    }

    /// The script that deletes chains retired before.
    public func deletion(of retired: [String], owner: String) -> String {
        probe(owner: owner) + retired.map { "delete chain \(path) \($0)\n" }.joined()
    }

    /// Appends commands in an order in which each finds what it refers to: names, elements that go, rules, elements
    /// that come, sets that go.
    private mutating func writeChanges(to next: Ruleset, into out: inout String) {
        for (name, chain) in next.chains.sorted(by: { $0.key < $1.key }) where chains[name] == nil {
            out += "add chain \(path) \(name)\(chain.hook.map { " { \($0) }" } ?? "")\n"
        }
        for (name, new) in next.collections.sorted(by: { $0.key < $1.key }) where collections[name] == nil {
            out += "add \(new.isMap ? "map" : "set") \(path) \(name) { \(new.declaration) }\n"
        }
        for (name, old) in collections.sorted(by: { $0.key < $1.key }) {
            let kept = next.collections[name]?.elements ?? [:]
            let gone = old.elements.filter { kept[$0.key] != $0.value }
            writeElements("delete", name, gone.mapValues { _ in "" }, into: &out)
        }
        for (name, old) in chains.sorted(by: { $0.key < $1.key }) {
            guard let new = next.chains[name], new == old else {
                if !old.rules.isEmpty { out += "flush chain \(path) \(name)\n" }
                continue
            }
        }
        for (name, new) in next.chains.sorted(by: { $0.key < $1.key }) where chains[name] != new {
            for rule in new.rules { out += "add rule \(path) \(name) \(rule)\n" }
        }
        for (name, new) in next.collections.sorted(by: { $0.key < $1.key }) {
            let had = collections[name]?.elements ?? [:]
            writeElements("add", name, new.elements.filter { had[$0.key] != $0.value }, into: &out)
        }
        for name in collections.keys.sorted() where next.collections[name] == nil {
            out += "delete \(collections[name]?.isMap == true ? "map" : "set") \(path) \(name)\n"
        }
    }

    private func writeElements(_ verb: String, _ name: String, _ elements: [String: String], into out: inout String) {
        guard !elements.isEmpty else { return }
        let list = elements.sorted { $0.key < $1.key }.map { $1.isEmpty ? $0 : "\($0) : \($1)" }
        out += "\(verb) element \(path) \(name) { \(list.joined(separator: ", ")) }\n"
    }
}
