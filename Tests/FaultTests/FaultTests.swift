// The whole control plane under a simulated clock, with random faults: many seeds, within a time.
import Foundation
import Testing

@Suite(.serialized) struct FaultTests {
    private static let environment = ProcessInfo.processInfo.environment

    /// Seeds begin anywhere, so that every run tries others; the first is run twice, and must come out the same to the
    /// byte. MARTLET_FAULT_SEED=17 runs that one again, as it was; MARTLET_FAULT_SECONDS says for how long new ones are
    /// begun.
    @Test(.timeLimit(.minutes(30))) func invariantsHold() async throws {
        let seconds = Self.environment["MARTLET_FAULT_SECONDS"].flatMap { Double($0) } ?? 10
        let given = Self.environment["MARTLET_FAULT_SEED"].flatMap { UInt64($0) }
        var seed = given ?? .random(in: 1...1_000_000)
        let begun = ContinuousClock.now
        let first = try await check(seed)
        let again = try await simulate(seed)
        #expect(first.output.contains("digest") && first.output == again.output, "\(again.output)")
        while given == nil, ContinuousClock.now - begun < .seconds(seconds) {
            seed += 1
            _ = try await check(seed)
        }
    }

    private func check(_ seed: UInt64) async throws -> Run {
        let run = try await simulate(seed)
        print(run.output, terminator: "")
        #expect(
            run.succeeded,
            "replay with MARTLET_FAULT_SEED=\(seed), or FAULT_TRACE=2 fault-simulation \(seed): \(run.output)")
        return run
    }

    private struct Run {
        let succeeded: Bool
        let output: String
    }

    /// Runs the program, in a process of its own: the simulation owns its clock, randomness and threads.
    private func simulate(_ seed: UInt64) async throws -> Run {
        let program = try #require(Self.program)
        let process = Process()
        process.executableURL = program
        process.arguments = ["\(seed)"]
        let pipe = Pipe()
        process.standardOutput = pipe
        process.standardError = pipe
        return try await withCheckedThrowingContinuation { continuation in
            Thread.detachNewThread {
                do {
                    try process.run()
                    let output = pipe.fileHandleForReading.readDataToEndOfFile()
                    process.waitUntilExit()
                    continuation.resume(
                        returning: Run(
                            succeeded: process.terminationStatus == 0, output: String(decoding: output, as: UTF8.self)))
                } catch {
                    continuation.resume(throwing: error)
                }
            }
        }
    }

    /// Beside the test bundle, which is the process itself or an argument of the toolchain's helper.
    private static var program: URL? {
        let own = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? ""
        return ([own] + CommandLine.arguments).map {
            URL(fileURLWithPath: $0).deletingLastPathComponent().appendingPathComponent("fault-simulation")
        }.first { FileManager.default.isExecutableFile(atPath: $0.path) }
    }
}
