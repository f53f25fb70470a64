// Runs a whole control plane under a simulated clock with random faults, from a seed: `fault-simulation SEED`.
//
// Prints one line and ends with 0 if all invariants held. FAULT_TRACE=1 prints every write and every fault as it
// happens, FAULT_TRACE=2 what components log as well, and FAULT_TRACE=3 every step.
import CSimulatedSystem
import Glibc
import Logging

let environment = { (name: String) in getenv(name).map { String(cString: $0) } }

// Where hashes begin, and therefore the order in which sets are gone through, is part of what the seed decides.
// So are the addresses that objects are told apart by.
if environment("SWIFT_DETERMINISTIC_HASHING") == nil {
    setenv("SWIFT_DETERMINISTIC_HASHING", "1", 1)
    simulated_system_fix_addresses()
    var arguments = CommandLine.unsafeArgv
    execv("/proc/self/exe", &arguments.pointee)
    print("the simulation cannot be started again: \(String(cString: strerror(errno)))")
    exit(2)
}
guard CommandLine.arguments.count == 2, let seed = UInt64(CommandLine.arguments[1]) else {
    print("usage: fault-simulation SEED")
    exit(2)
}
exit(Simulation(seed: seed, trace: Int(environment("FAULT_TRACE") ?? "") ?? 0).run() ? 0 : 1)
