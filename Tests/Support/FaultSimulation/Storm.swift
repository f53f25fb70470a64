import KubeTypes

/// What fails while the user works.
final class Storm: @unchecked Sendable {
    private let world: World
    private let user: User
    private var machine: Machine { world.machine }

    init(_ world: World, _ user: User) {
        self.world = world
        self.user = user
    }

    /// Something goes wrong every now and then until the time, in seconds.
    func rage(until end: Double) async throws {
        while machine.seconds < end {
            await machine.pause(machine.between(2, 25))
            switch machine.random(below: 12) {
            case 0, 1: world.crash("controller-manager", downtime: machine.between(0.2, 20))
            case 2, 3: world.crash("scheduler", downtime: machine.between(0.2, 20))
            case 4: try await world.crashServer(downtime: machine.between(0.1, 15))
            case 5, 6: world.crash(someNode(World.nodes), downtime: machine.between(0.5, 20))
            // Long enough to be taken for dead.
            case 7: world.crash(someNode(World.flakyNodes), downtime: machine.between(60, 200))
            case 8: world.cut(someNode(World.flakyNodes), seconds: machine.between(5, 150))
            case 9: world.cut(machine.chance(0.5) ? "scheduler" : "controller-manager", seconds: machine.between(1, 20))
            case 10: if machine.chance(0.3) { await user.replaceNode() }
            default: break
            }
        }
    }

    private func someNode(_ nodes: [String]) -> String { "node-\(nodes[machine.random(below: nodes.count)])" }
}
