// `/healthz`, `/livez` and `/readyz`: what is looked at when somebody asks whether this server is well.

import HTTPServer
import JSON
import KubeTypes
import Storage
import Synchronization

/// The parts of the start, under the names that upstream's have, and which of them are done.
final class StartHooks: Sendable {
    enum Hook: String, CaseIterable {
        case admission = "start-apiserver-admission-initializer"
        case informers = "generic-apiserver-start-informers"
        case bootstrapRoles = "rbac/bootstrap-roles"
        case priorityClasses = "scheduling/bootstrap-system-priority-classes"
        case definitions = "start-apiextensions-controllers"
        case definitionsSynced = "crd-informer-synced"
        case fairnessProducer = "priority-and-fairness-config-producer"
        case fairnessConsumer = "priority-and-fairness-config-consumer"
        case registration = "apiservice-registration-controller"
        case discovery = "apiservice-discovery-controller"
        case autoregistration = "kube-apiserver-autoregistration"
    }

    private let done = Mutex<Set<Hook>>([])

    func finish(_ hooks: Hook...) { done.withLock { $0.formUnion(hooks) } }
    func isDone(_ hook: Hook) -> Bool { done.withLock { $0.contains(hook) } }
}

extension APIServer {
    /// One thing that is looked at.
    private struct HealthCheck: Sendable {
        let name: String
        /// What is wrong; nil if nothing.
        let problem: @Sendable () async -> String?
    }

    /// How long the store may take to answer, in seconds.
    private static let storePatience = 2

    /// Looks and answers: all checks, or the one that the path names.
    func respondWithHealth(_ parts: [String], _ exchange: Exchange) {
        let kind = parts[0]
        let checks = healthChecks(kind)
        if parts.count > 1 {
            let name = parts.dropFirst().joined(separator: "/")
            guard let check = checks.first(where: { $0.name == name }) else { return exchange.sendNotFoundPage() }
            Task {
                guard let problem = await check.problem() else { return exchange.sendText(200, "ok") }
                exchange.sendText(500, "internal server error: \(problem)\n")
            }
            return
        }
        let excluded = exchange.query.all("exclude").filter { !$0.isEmpty }
        let isVerbose = exchange.query["verbose"] != nil
        Task { [logger] in
            var text = ""
            var failed: [String] = []
            for check in checks {
                if excluded.contains(check.name) {
                    text += "[+]\(check.name) excluded: ok\n"
                } else if let problem = await check.problem() {
                    failed.append("\(check.name): \(problem)")
                    text += "[-]\(check.name) failed: reason withheld\n"
                } else {
                    text += "[+]\(check.name) ok\n"
                }
            }
            let unknown = excluded.filter { name in !checks.contains { $0.name == name } }
            if !unknown.isEmpty {
                let names = unknown.map { "\"\($0)\"" }.joined(separator: ",")
                text += "warn: some health checks cannot be excluded: no matches for \(names)\n"
            }
            guard failed.isEmpty else {
                // Who asks may be nobody: the reasons are for the log.
                logger.warning("\(kind) check failed: \(failed.joined(separator: ", "))")
                return exchange.sendText(500, "\(text)\(kind) check failed\n")
            }
            exchange.sendText(200, isVerbose ? "\(text)\(kind) check passed\n" : "ok")
        }
    }

    private func healthChecks(_ kind: String) -> [HealthCheck] {
        var checks = [
            HealthCheck(name: "ping") { nil },
            HealthCheck(name: "log") { nil },
            HealthCheck(name: "etcd") { await self.storeProblem() },
        ]
        if kind == "readyz" {
            checks.append(HealthCheck(name: "etcd-readiness") { await self.storeProblem() })
            checks.append(
                HealthCheck(name: "informer-sync") { self.hooks.isDone(.informers) ? nil : "not everything is read" })
        }
        for hook in StartHooks.Hook.allCases {
            let isExpected =
                configuration.makesServingObjects || ![.fairnessProducer, .autoregistration].contains(hook)
            guard isExpected else { continue }
            checks.append(
                HealthCheck(name: "poststarthook/\(hook.rawValue)") { self.hooks.isDone(hook) ? nil : "not finished" })
        }
        if kind == "readyz" {
            checks.append(
                HealthCheck(name: "shutdown") { self.isShuttingDown ? "process is shutting down" : nil })
        }
        return checks
    }

    /// Reads from the store, and sees that it answers in time.
    private func storeProblem() async -> String? {
        let store = cache.store
        return await withCheckedContinuation { (continuation: CheckedContinuation<String?, Never>) in
            // Whoever comes first answers: a store that hangs must not keep who asks.
            let once = OnceAnswer(continuation)
            Task {
                do throws(StoreError) {
                    _ = try await store.range(prefix: WatchCache.root, start: nil, limit: 1, at: nil)
                    once.answer(nil)
                } catch {
                    once.answer("error getting data from the store: \(error)")
                }
            }
            Task {
                try? await Task.sleep(for: .seconds(Self.storePatience))
                once.answer("error getting data from the store: context deadline exceeded")
            }
        }
    }
}

/// Resumes once.
private final class OnceAnswer: Sendable {
    private let continuation: Mutex<CheckedContinuation<String?, Never>?>

    init(_ continuation: CheckedContinuation<String?, Never>) { self.continuation = Mutex(continuation) }

    func answer(_ text: String?) {
        let waiting = continuation.withLock { continuation in
            defer { continuation = nil }
            return continuation
        }
        waiting?.resume(returning: text)
    }
}
