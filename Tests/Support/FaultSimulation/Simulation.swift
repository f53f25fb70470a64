/// One run: some minutes of work and failures, and then peace, after which everything must come to rest.
final class Simulation: @unchecked Sendable {
    /// Simulated seconds of failures.
    private static let storm = 400.0
    /// Simulated seconds after which what has not come to rest never will: a queue makes a key wait a thousand.
    private static let patience = 3600.0
    /// Simulated seconds without a write that count as rest.
    private static let rest = 100.0
    /// Simulated seconds at rest in which components may make so many attempts at what cannot be done: each of four
    /// refused workloads comes back after a delay that has grown to minutes.
    private static let watchfulness = 900.0
    private static let attemptsAtRest = 30
    /// Simulated seconds, of which a node's grace and its pods' tolerations are about a half.
    private static let longOutage = 180.0
    private static let workLimit = 50_000_000

    private let seed: UInt64
    private let world: World
    private var machine: Machine { world.machine }
    private var isOver = false
    private var failure: String?

    init(seed: UInt64, trace: Int) {
        self.seed = seed
        Machine.shared.begin(seed: seed)
        world = World(.shared, verbose: trace > 1)
        world.observer.traces = trace > 0
        Machine.shared.tracesSteps = trace > 2
    }

    /// False if something was wrong, which is printed.
    func run() -> Bool {
        Task {
            do { try await play() } catch { failure = "\(error)" }
            isOver = true
        }
        if !machine.run(limit: Self.workLimit, until: { isOver }) {
            failure = "nothing is left to do, or far too much, at \(machine.seconds) s"
        }
        var problems = world.observer.violations
        if let failure { problems.append(failure) }
        let digest = String(world.observer.digest, radix: 16)
        print(
            "seed \(seed): \(problems.isEmpty ? "ok" : "FAILED") after \(Int(machine.seconds)) simulated seconds, "
                + "\(world.observer.writes) writes, digest \(digest)")
        for problem in problems { print("  \(problem)") }
        return problems.isEmpty
    }

    private var isAtRest: Bool { machine.seconds - world.observer.lastWrite >= Self.rest }

    /// Waits until everything has come to be as it should.
    private func settle() async {
        let observer = world.observer
        let peace = machine.seconds
        // What looks at rest may still wait for its turn: a key that failed often waits long.
        while !isAtRest || !Verdict(observer: observer).problems.isEmpty, machine.seconds < peace + Self.patience {
            await machine.pause(10)
        }
        if !isAtRest { observer.violated("there is no rest \(Int(Self.patience)) s after the last failure") }
        for problem in Verdict(observer: observer).problems { observer.violated(problem) }
    }

    /// With nobody else in trouble, a node that dies is written off, and what ran there runs elsewhere.
    private func loseNode() async {
        let name = World.flakyNodes[machine.random(below: World.flakyNodes.count)]
        world.crash("node-\(name)", downtime: Self.longOutage)
        await machine.pause(Self.longOutage - 30)
        let node = world.observer.list("core/nodes").first { $0.text("metadata", "name") == "\(name)-0" }
        if node?.condition("Ready") != "Unknown" {
            world.observer.violated(
                "node \(name)-0 has been away for \(Int(Self.longOutage - 30)) s and is not written off")
        }
        await machine.pause(60)
        await settle()
    }

    private func play() async throws {
        let observer = world.observer
        try await world.start()
        let user = User(world)
        await user.setUp()
        await user.setUpInVain()
        await machine.pause(20)
        world.faults = Faults()
        let begin = machine.seconds
        let storm = Task { try await Storm(world, user).rage(until: begin + Self.storm) }
        while machine.seconds < begin + Self.storm {
            await machine.pause(machine.between(0.5, 15))
            await user.act()
        }
        try await storm.value
        world.heal()
        // Nodes that are away come back only after this.
        await machine.pause(240)
        await settle()
        let before = observer.attempts.count
        await machine.pause(Self.watchfulness)
        let attempts = observer.attempts.dropFirst(before)
        if attempts.count > Self.attemptsAtRest {
            observer.violated(
                "\(attempts.count) writes in \(Int(Self.watchfulness)) s of rest, such as "
                    + Set(attempts).sorted().prefix(8).joined(separator: ", "))
        }
        await loseNode()
    }
}
