// Where requests pass fairness: classified, let through, held back or turned away, and shown to people.

import APISchema
import HTTPServer
import JSON
import KubeTypes
import NIOCore
import NIOHTTP1
import Synchronization

extension APIServer {
    /// Calls `proceed` when the request may go on: at once where there is room, later on the connection's event loop
    /// where it has to wait. A request that may not is answered with 429.
    func passFairness(
        _ info: RequestInfo, _ user: UserInfo, _ method: HTTPMethod, _ exchange: inout Exchange,
        _ proceed: @escaping @Sendable (Exchange) -> Void
    ) {
        var request = FlowRequest(
            user: user, verb: info.verb?.rawValue ?? method.rawValue.lowercased(), isResource: info.isResource)
        if info.isResource {
            request.group = info.group
            request.resource = info.subresource.isEmpty ? info.resource : "\(info.resource)/\(info.subresource)"
            request.namespace = info.namespace
        } else {
            request.verb = method.rawValue.lowercased()
            request.path = info.path
        }
        guard let place = fairness.classify(request) else { return proceed(exchange) }
        exchange.fairness = (schema: place.schemaUID, level: place.levelUID)
        // What lasts long holds no seat: upgraded connections and logs are few, and a watch is cheap once it has begun.
        if place.isExempt || Self.isLongRunning(info) {
            return proceed(exchange)
        }
        let waiting = WaitingRequest()
        let held = exchange
        let loop = exchange.response.eventLoop
        let verdict = fairness.admit(place, seats: seats(of: info, exchange.query)) { outcome in
            loop.execute {
                waiting.timer.withLock { $0 }?.cancel()
                switch outcome {
                case .execute:
                    var held = held
                    held.ticket = waiting.waiter.withLock { $0 }.map {
                        self.fairness.ticket(for: $0, level: place.level)
                    }
                    proceed(held)
                case .timeout: held.fail(Self.tooManyRequests)
                }
            }
        }
        switch verdict {
        case .execute(let ticket):
            exchange.ticket = ticket
            proceed(exchange)
        case .reject: exchange.fail(Self.tooManyRequests)
        case .wait(let waiter):
            // The outcome hops to this event loop first: it sees what is set here.
            waiting.waiter.withLock { $0 = waiter }
            let timer = loop.scheduleTask(in: fairness.queueWait) {
                self.fairness.giveUp(waiter, level: place.level, reason: "time-out")
            }
            waiting.timer.withLock { $0 = timer }
            exchange.response.onClose { self.fairness.giveUp(waiter, level: place.level, reason: "cancelled") }
        }
    }

    private final class WaitingRequest: Sendable {
        let waiter = Mutex<FairnessWaiter?>(nil)
        let timer = Mutex<Scheduled<Void>?>(nil)
    }

    private static let tooManyRequests = APIError.tooManyRequests(
        "Too many requests, please try again later.", retryAfter: 1)

    /// Requests that have no time limit and hold no seat, as upstream lists them.
    static func isLongRunning(_ info: RequestInfo) -> Bool {
        if info.verb == .watch { return true }
        guard info.isResource else { return info.path.hasPrefix("/debug/pprof/") }
        switch info.subresource {
        case "attach", "exec", "proxy", "log", "portforward": return true
        default: return false
        }
    }

    /// How many seats a request takes: one, and a list one for every hundred objects that it looks at.
    private func seats(of info: RequestInfo, _ query: Query) -> Int {
        guard info.verb == .list, let cache = cache.cache(group: info.group, resource: info.resource) else { return 1 }
        var count = cache.count
        if let text = query["limit"], let limit = Int(text), limit > 0 { count = min(count, limit) }
        return min(10, max(1, (count + 99) / 100))
    }

    // MARK: For people

    /// `/debug/api_priority_and_fairness/…`
    func fairnessDump(_ name: String) -> String? {
        let state = fairness.snapshot
        let levels = state.levels.values.sorted { $0.rules.name < $1.rules.name }
        var rows: [[String]]
        switch name {
        case "dump_priority_levels":
            rows = [
                [
                    "PriorityLevelName", "ActiveQueues", "IsIdle", "IsQuiescing", "WaitingRequests",
                    "ExecutingRequests", "DispatchedRequests", "RejectedRequests", "TimedoutRequests",
                    "CancelledRequests",
                ]
            ]
            for level in levels {
                let rejected = level.rejected
                rows.append([
                    level.rules.name, "\(level.queues.values.count { !$0.entries.isEmpty })",
                    "\(level.executing == 0 && level.waiting == 0)", "\(level.isGone)", "\(level.waiting)",
                    "\(level.executing)", "\(level.dispatched.values.reduce(0, +))",
                    "\((rejected["queue-full"] ?? 0) + (rejected["concurrency-limit"] ?? 0))",
                    "\(rejected["time-out"] ?? 0)", "\(rejected["cancelled"] ?? 0)",
                ])
            }
        case "dump_queues":
            rows = [["PriorityLevelName", "Index", "PendingRequests", "ExecutingRequests", "VirtualStart"]]
            for level in levels {
                for (index, queue) in level.queues.sorted(by: { $0.key < $1.key }) {
                    rows.append([
                        level.rules.name, "\(index)", "\(queue.entries.count)", "0",
                        "\(queue.entries.first?.start ?? queue.lastFinish)",
                    ])
                }
            }
        case "dump_requests":
            rows = [["PriorityLevelName", "FlowSchemaName", "QueueIndex", "RequestIndexInQueue", "InitialSeats"]]
            for level in levels {
                for (index, queue) in level.queues.sorted(by: { $0.key < $1.key }) {
                    for (place, entry) in queue.entries.enumerated() {
                        rows.append([
                            level.rules.name, entry.waiter.schema, "\(index)", "\(place)", "\(entry.waiter.seats)",
                        ])
                    }
                }
            }
        default: return nil
        }
        return rows.map { $0.map { $0 + "," }.joined(separator: " ") + "\n" }.joined()
    }

    /// The part of `/metrics` that is about fairness.
    func fairnessMetrics() -> String {
        let levels = fairness.snapshot.levels.values.sorted { $0.rules.name < $1.rules.name }
        var text = ""
        func metric(_ name: String, _ type: String, _ help: String, _ lines: [(labels: String, value: Int)]) {
            text += "# HELP apiserver_flowcontrol_\(name) \(help)\n# TYPE apiserver_flowcontrol_\(name) \(type)\n"
            for line in lines { text += "apiserver_flowcontrol_\(name){\(line.labels)} \(line.value)\n" }
        }
        func gauge(_ name: String, _ help: String, _ value: (PriorityLevel) -> Int) {
            metric(name, "gauge", help, levels.map { ("priority_level=\"\($0.rules.name)\"", value($0)) })
        }
        gauge("nominal_limit_seats", "Seats of a level before borrowing.") { $0.nominal }
        gauge("current_limit_seats", "Seats of a level now.") { max($0.nominal, $0.inUse) }
        gauge("current_executing_seats", "Seats taken.") { $0.inUse }
        gauge("current_executing_requests", "Requests being worked on.") { $0.executing }
        gauge("current_inqueue_requests", "Requests that wait.") { $0.waiting }
        metric(
            "dispatched_requests_total", "counter", "Requests that were let through.",
            levels.flatMap { level in
                level.dispatched.sorted { $0.key < $1.key }.map {
                    ("flow_schema=\"\($0.key)\",priority_level=\"\(level.rules.name)\"", $0.value)
                }
            })
        metric(
            "rejected_requests_total", "counter", "Requests that were turned away.",
            levels.flatMap { level in
                level.rejected.sorted { $0.key < $1.key }.map {
                    ("priority_level=\"\(level.rules.name)\",reason=\"\($0.key)\"", $0.value)
                }
            })
        return text
    }
}
