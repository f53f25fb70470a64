// An event loop of SwiftNIO whose tasks and timers are the simulated machine's.
import Dispatch
import NIOCore

final class SimulatedEventLoop: EventLoop, @unchecked Sendable {
    private let machine: Machine
    /// In the order in which they came, whatever the order in which the machine looks here.
    private var tasks: [@Sendable () -> Void] = []

    init(_ machine: Machine) { self.machine = machine }

    var inEventLoop: Bool { true }

    func execute(_ task: @escaping @Sendable () -> Void) {
        tasks.append(task)
        machine.call { self.tasks.removeFirst()() }
    }

    @discardableResult
    func scheduleTask<Value>(
        deadline: NIODeadline, _ task: @escaping @Sendable () throws -> Value
    ) -> Scheduled<Value> {
        scheduleTask(in: deadline - .now(), task)
    }

    @discardableResult
    func scheduleTask<Value>(
        in delay: TimeAmount, _ task: @escaping @Sendable () throws -> Value
    ) -> Scheduled<Value> {
        let promise = makePromise(of: Value.self)
        let cancel = machine.call(at: machine.now + max(0, delay.nanoseconds)) {
            do { promise.succeed(try task()) } catch { promise.fail(error) }
        }
        return Scheduled(promise: promise, cancellationTask: cancel)
    }

    func preconditionInEventLoop(file: StaticString, line: UInt) {}

    func shutdownGracefully(queue: DispatchQueue, _ callback: @escaping @Sendable ((any Error)?) -> Void) {
        machine.call { callback(nil) }
    }
}
