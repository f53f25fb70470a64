// Sees every write as it is committed, past caches and components, and holds what must always be so against it.
import JSON
import KubeClient
import KubeTypes
import Storage

/// Namespaces of the simulation with invariants of their own.
enum Place {
    /// Its quota allows so many pods.
    static let limited = (namespace: "limited", pods: 5)
    /// Budgets: of the pods with the label `app` of that name so many stay ready, whatever is evicted.
    /// Takes no pods.
    static let refused = "refused"
    static let guarded = (namespace: "guarded", available: ["front": 3, "store": 2])
}

final class Observer: @unchecked Sendable {
    private let machine: Machine
    /// Every object of the store but events and leases, by its key.
    private(set) var objects: [String: JSONValue] = [:]
    private(set) var violations: [String] = []
    /// When something other than a lease or an event was written last, in seconds.
    private(set) var lastWrite = 0.0
    private(set) var writes = 0
    /// Two runs that agree in this agree in every byte and time of every write.
    private(set) var digest: UInt64 = 0xcbf2_9ce4_8422_2325
    /// What components have asked to be written, leases and events aside: who repeats in vain what cannot be done does not
    /// rest either.
    private(set) var attempts: [String] = []
    /// Prints what happens as it does.
    var traces = false

    private var watch: (any StoreWatch)?
    private var identities = Identities()
    private var jobs = JobLedger()
    /// The budgets whose pods have all been ready once.
    private var complete: Set<String> = []

    init(_ machine: Machine) { self.machine = machine }

    func follow(_ store: MemoryStore) {
        do throws(StoreError) {
            watch = try store.watch(prefix: "/registry/", after: 0) { events in
                for event in events { self.observe(event) }
            }
        } catch {
            violated("the store cannot be watched: \(error)")
        }
    }

    func note(_ what: String) {
        if traces { print("\(machine.seconds) -- \(what)") }
    }

    func violated(_ what: String) {
        note("VIOLATION: \(what)")
        if violations.count < 20 { violations.append("at \(machine.seconds) s: \(what)") }
    }

    /// Told of a request before it is made.
    func willCall(_ request: KubeRequest, by life: Life) {
        if request.verb != .get, request.verb != .list, request.resource != "leases", request.resource != "events" {
            attempts.append("\(life.component): \(request.verb) \(request.path)")
        }
        guard life.component.hasPrefix("node-"), request.resource == "pods", let body = request.body else { return }
        switch request.verb {
        case .delete: if let uid = body[path: "preconditions", "uid"]?.stringValue { identities.stopped(uid) }
        case .patch: if body.hasEnded { identities.stopped(body.uid) }
        default: break
        }
    }

    // MARK: Writes

    private func observe(_ event: StoreEvent) {
        let key = event.keyValue.key
        for byte in key.utf8 { mix(byte) }
        for shift in [0, 16, 32, 48] { mix(UInt8(truncatingIfNeeded: machine.now >> Int64(shift))) }
        if event.kind != .deleted { for byte in event.keyValue.value { mix(byte) } }
        writes += 1
        let path = key.split(separator: "/").dropFirst()
        let resource = String(path.dropFirst().first ?? "")
        if resource == "events" || resource == "leases" { return }
        lastWrite = machine.seconds
        let old = objects[key]
        // A nil literal would be JSON's null.
        let new = event.kind == .deleted ? JSONValue?.none : parse(event.keyValue.value, key)
        objects[key] = new
        if traces {
            let status = (new ?? old)?["status"].map { JSONWriter.text(of: $0).prefix(200) } ?? ""
            print("\(machine.seconds) \(event.kind) \(path.joined(separator: "/")) \(status)")
        }
        switch resource {
        case "pods": podChanged(old, new)
        case "jobs": if let new { for problem in jobs.jobChanged(new) { violated(problem) } }
        case "nodes": if let old, new == nil { identities.fenced(node: old.text("metadata", "name")) }
        default: break
        }
    }

    private func mix(_ byte: UInt8) { digest = (digest ^ UInt64(byte)) &* 0x100_0000_01b3 }

    private func parse(_ stored: [UInt8], _ key: String) -> JSONValue? {
        do {
            // The last four bytes say where the revision goes.
            return try JSONParser.parse(stored.dropLast(4))
        } catch {
            violated("\(key) holds no JSON: \(error)")
            return nil
        }
    }

    /// The objects of a resource (`GROUP/PLURAL`), of one namespace or all.
    func list(_ resource: String, namespace: String? = nil) -> [JSONValue] {
        let prefix = "/registry/\(resource)/" + (namespace.map { "\($0)/" } ?? "")
        return objects.filter { $0.key.hasPrefix(prefix) }.sorted { $0.key < $1.key }.map(\.value)
    }

    // MARK: Pods

    private func podChanged(_ old: JSONValue?, _ new: JSONValue?) {
        guard let pod = new ?? old else { return }
        let namespace = pod.text("metadata", "namespace")
        if let problem = identities.podChanged(pod, isGone: new == nil) { violated(problem) }
        if let new { jobs.podChanged(new) }
        if namespace == Place.limited.namespace {
            let now = wallClockTime()
            let count = list("core/pods", namespace: namespace).count { $0.counts(at: now) }
            if count > Place.limited.pods {
                violated("\(count) pods where the quota allows \(Place.limited.pods)")
            }
        }
        if namespace == Place.guarded.namespace {
            let app = pod[path: "metadata", "labels", "app"]?.stringValue ?? ""
            guard let least = Place.guarded.available[app] else { return }
            let ready = list("core/pods", namespace: namespace).count {
                $0[path: "metadata", "labels", "app"]?.stringValue == app && $0.isReady && !$0.isDeleting
            }
            if ready > least { complete.insert(app) }
            if ready < least, complete.contains(app) {
                violated("\(ready) pods of \(app) are ready where the budget asks for \(least)")
            }
        }
    }
}

extension JSONValue {
    func text(_ first: String, _ second: String) -> String { self[first]?[second]?.stringValue ?? "" }
    var uid: String { text("metadata", "uid") }
    var qualifiedName: String { "\(text("metadata", "namespace"))/\(text("metadata", "name"))" }
    var phase: String { text("status", "phase") }
    var hasEnded: Bool { phase == "Succeeded" || phase == "Failed" }
    var isDeleting: Bool { self["metadata"]?["deletionTimestamp"] != nil }
    var owners: [JSONValue] { self["metadata"]?["ownerReferences"]?.arrayValue ?? [] }

    func condition(_ type: String) -> String? {
        self["status"]?["conditions"]?.arrayValue?.first { $0["type"]?.stringValue == type }?["status"]?.stringValue
    }

    var isReady: Bool { condition("Ready") == "True" }

    /// Whether a quota counts the pod: not when it has ended, nor when it should have long ago.
    func counts(at now: Time) -> Bool {
        guard !hasEnded else { return false }
        guard let deletion = self["metadata"]?["deletionTimestamp"].flatMap(Time.init(field:)) else { return true }
        return now.since(deletion) <= Double(count("metadata", "deletionGracePeriodSeconds"))
    }

    func count(_ list: String, _ field: String) -> Int { Int(self[list]?[field]?.integerValue ?? 0) }
}
