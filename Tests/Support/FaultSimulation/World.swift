// The simulated cluster: one store, and around it components that start, crash and start again.
import APIServer
import CSimulatedSystem
import Cluster
import ControllerManager
import JSON
import KubeClient
import KubeTypes
import Logging
import PKI
import Scheduler
import Simulation
import Storage

/// Everything is on one thread, the machine's.
final class World: @unchecked Sendable {
    let machine: Machine
    let observer: Observer
    private let store: MemoryStore
    private let loop: SimulatedEventLoop
    private let logger: Logger
    /// Nil while it is down.
    private(set) var server: APIServer?
    var faults = Faults.none
    /// The lives under way, by component.
    private var lives: [String: Life] = [:]
    private var crashes: [String: CheckedContinuation<Double, Never>] = [:]

    /// Nodes on which nothing fails but the connection, for a moment.
    static let stableNodes = (0..<3).map { "stable\($0)" }
    static let flakyNodes = (0..<4).map { "flaky\($0)" }
    /// Here, all that should end fails.
    static let failingNodes = ["failing0"]
    static let nodes = stableNodes + flakyNodes + failingNodes

    init(_ machine: Machine, verbose: Bool) {
        self.machine = machine
        observer = Observer(machine)
        loop = SimulatedEventLoop(machine)
        store = MemoryStore(execution: .handed { machine.call($0) })
        var logger = Logger(label: "simulation") { _ in SimulationLog() }
        logger.logLevel = verbose ? .debug : .critical
        self.logger = logger
    }

    /// The API as a component has it during one of its lives.
    func client(_ life: Life, as name: String, groups: [String] = []) -> KubeClient {
        KubeClient(
            FaultyTransport(
                world: self, life: life,
                user: InProcessAPI.User(name: name, groups: groups + ["system:authenticated"])))
    }

    /// An administrator, who is never down.
    func administrator(_ name: String) -> KubeClient { client(Life(name), as: name, groups: ["system:masters"]) }

    // MARK: Components

    func start() async throws {
        observer.follow(store)
        try await startServer()
        keepRunning("controller-manager") { [self] life in
            let manager = ControllerManager(
                client: client(life, as: "system:kube-controller-manager"), options: managerOptions,
                clientOf: { [self] account in
                    client(
                        life, as: "system:serviceaccount:kube-system:\(account)",
                        groups: ["system:serviceaccounts", "system:serviceaccounts:kube-system"])
                })
            await manager.run()
        }
        keepRunning("scheduler") { [self] life in
            await Scheduler(
                client: client(life, as: "system:kube-scheduler"), logger: logger,
                seed: simulated_system_random()
            ).run()
        }
        for name in Self.nodes {
            var profile = SimulationProfile()
            profile.labels = ["pool": String(name.dropLast())]
            profile.leaseInterval = 10
            profile.capacity["cpu"] = "16"
            profile.start = .init(0.2, 4)
            profile.run = .init(1, 40)
            profile.terminate = .init(0.1, 8)
            profile.failing = Self.failingNodes.contains(name) ? 1 : 0.1
            if Self.failingNodes.contains(name) {
                profile.taints = [["key": "failing", "effect": "NoSchedule"]]
            }
            let behaviour = profile
            keepRunning("node-\(name)") { [self] life in
                await NodeSimulator(
                    client: client(life, as: "node-\(name)", groups: ["system:masters"]), count: 1, prefix: name,
                    profile: behaviour, logger: logger, seed: simulated_system_random()
                ).run()
            }
        }
    }

    private var managerOptions: ControllerManagerOptions {
        var options = ControllerManagerOptions(resources: ServedResource.builtin, logger: logger)
        options.nodeMonitorGraceSeconds = 50
        options.nodeEvictionRate = 1
        options.podCIDR = "10.244.0.0/16"
        return options
    }

    private func startServer() async throws {
        var configuration = APIServerConfiguration()
        configuration.makesServingObjects = false
        configuration.eventLoops = loop
        configuration.random = { simulated_system_random() }
        configuration.notReadyTolerationSeconds = 30
        configuration.unreachableTolerationSeconds = 30
        configuration.compactionInterval = 120
        let server = APIServer(
            configuration: configuration, store: store, authentication: RequestAuthenticator.Configuration(),
            logger: logger)
        try await server.start()
        self.server = server
    }

    /// Starts the component, and again a while after each of its crashes.
    private func keepRunning(_ component: String, _ run: @escaping @Sendable (Life) async -> Void) {
        Task {
            while true {
                let life = Life(component)
                lives[component] = life
                let task = Task { await run(life) }
                let downtime = await withCheckedContinuation { crashes[component] = $0 }
                life.end()
                // What the component does from now on reaches nobody: it only has to end.
                task.cancel()
                await machine.pause(downtime)
            }
        }
    }

    // MARK: Failures

    var components: [String] { lives.keys.sorted() }

    /// Ends the component from one moment to the next; it is started again after so many seconds.
    func crash(_ component: String, downtime: Double) {
        guard let crash = crashes.removeValue(forKey: component) else { return }
        observer.note("\(component) crashes for \(Int(downtime)) s")
        crash.resume(returning: downtime)
    }

    /// Keeps the component from reaching the API.
    func cut(_ component: String, seconds: Double) {
        guard let life = lives[component] else { return }
        observer.note("\(component) is cut off for \(Int(seconds)) s")
        life.cutUntil = machine.now + Int64(seconds * 1e9)
    }

    /// Ends the API server; a new one starts on the same store after so many seconds.
    func crashServer(downtime: Double) async throws {
        guard let server else { return }
        observer.note("the API server crashes for \(Int(downtime)) s")
        self.server = nil
        server.stop()
        await machine.pause(downtime)
        try await startServer()
    }

    func heal() {
        observer.note("nothing fails from now on")
        faults = .none
        for life in lives.values { life.cutUntil = 0 }
    }
}

/// Prints what components log, with the simulated time, where somebody looks for a failure's cause.
struct SimulationLog: LogHandler {
    var metadata: Logger.Metadata = [:]
    var logLevel = Logger.Level.critical
    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        print("\(Machine.shared.seconds) [\(event.level)] \(event.message)")
    }
}
