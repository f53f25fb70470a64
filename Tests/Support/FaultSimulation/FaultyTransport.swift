// The way to the API with everything that can go wrong on it.
import APIServer
import Cluster
import JSON
import KubeClient
import KubeTypes

/// One life of a component, from its start to its crash, after which nothing that it still does reaches anybody.
final class Life: @unchecked Sendable {
    let component: String
    private(set) var isOver = false
    /// Until when, in nanoseconds, the component cannot reach the API.
    var cutUntil: Int64 = 0

    init(_ component: String) { self.component = component }

    func end() { isOver = true }
}

/// How often what goes wrong.
struct Faults {
    /// A request is answered with an error and does nothing.
    var refusal = 0.01
    /// A request does what it should, and the answer is lost.
    var lostAnswer = 0.005
    /// An update is told that somebody else was faster.
    var conflict = 0.01
    /// A watch breaks at an event.
    var brokenWatch = 0.003
    /// A watch stands still for a while at an event.
    var stalledWatch = 0.01
    var longestStall = 8.0

    static let none = Faults(
        refusal: 0, lostAnswer: 0, conflict: 0, brokenWatch: 0, stalledWatch: 0, longestStall: 0)
}

struct FaultyTransport: KubeTransport {
    let world: World
    let life: Life
    let user: InProcessAPI.User

    private static let unreachable = APIError(
        code: 503, reason: "ServiceUnavailable", message: "the connection was lost")

    private var machine: Machine { world.machine }

    private var isCut: Bool { life.isOver || life.cutUntil > machine.now || world.server == nil }

    private func reach() throws(APIError) -> InProcessTransport {
        guard !isCut, let server = world.server else { throw Self.unreachable }
        return InProcessTransport(api: server.inProcess(as: user))
    }

    /// What a request takes on its way, in seconds.
    private func latency() -> Double {
        world.faults.stalledWatch > 0 && machine.chance(0.02)
            ? machine.between(0.05, 2) : machine.between(0.0002, 0.003)
    }

    func call(_ request: KubeRequest) async throws(APIError) -> JSONValue {
        await machine.pause(latency())
        let api = try reach()
        let faults = world.faults
        let writes = request.verb != .get && request.verb != .list
        if machine.chance(faults.refusal) {
            throw machine.chance(0.5)
                ? Self.unreachable
                : APIError(code: 500, reason: "InternalError", message: "an error that the simulation made up")
        }
        if request.verb == .update, machine.chance(faults.conflict) {
            throw .conflict(
                request.resource, group: "", name: request.name ?? "",
                "the object has been modified; please apply your changes to the latest version and try again")
        }
        let losesAnswer = writes && machine.chance(faults.lostAnswer)
        world.observer.willCall(request, by: life)
        let answer = try await api.call(request)
        await machine.pause(latency())
        if losesAnswer || isCut { throw Self.unreachable }
        return answer
    }

    func watch(_ request: KubeRequest) async throws(APIError) -> AsyncThrowingStream<KubeWatchEvent, any Error> {
        await machine.pause(latency())
        let events = try await reach().watch(request)
        let (stream, continuation) = AsyncThrowingStream.makeStream(of: KubeWatchEvent.self, throwing: (any Error).self)
        let relay = Task {
            do {
                for try await event in events {
                    await machine.pause(delay())
                    if isCut {
                        // A connection to nowhere is noticed only after a while.
                        await machine.pause(machine.between(0.1, 5))
                        throw Self.unreachable
                    }
                    if machine.chance(world.faults.brokenWatch) {
                        if machine.chance(0.3) { throw APIError.expired("too old resource version") }
                        if machine.chance(0.5) { throw Self.unreachable }
                        break
                    }
                    continuation.yield(event)
                }
                continuation.finish()
            } catch {
                continuation.finish(throwing: error)
            }
        }
        continuation.onTermination = { _ in relay.cancel() }
        return stream
    }

    /// How long an event takes, in seconds.
    private func delay() -> Double {
        machine.chance(world.faults.stalledWatch)
            ? machine.between(0, world.faults.longestStall) : machine.between(0.0001, 0.002)
    }
}
