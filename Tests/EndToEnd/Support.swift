import Foundation
import JSON
import Testing

/// What a command printed and how it ended.
struct CommandResult: Sendable {
    let status: Int32
    let output: String
    let error: String
}

/// Runs a program to its end, or kills it after `timeout` seconds.
@discardableResult
func run(
    _ program: String, _ arguments: [String], environment: [String: String] = [:], input: String? = nil,
    timeout: Double = 120
) -> CommandResult {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = [program] + arguments
    var variables = ProcessInfo.processInfo.environment
    variables.merge(environment) { $1 }
    process.environment = variables
    // Files rather than pipes: what the program leaves running may keep them open.
    let directory = FileManager.default.temporaryDirectory.appendingPathComponent("martlet-run-\(UUID().uuidString)")
    try? FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: directory) }
    func file(_ name: String, _ content: String = "") -> URL {
        let url = directory.appendingPathComponent(name)
        try? Data(content.utf8).write(to: url)
        return url
    }
    let (outputFile, errorFile) = (file("out"), file("err"))
    let output = try? FileHandle(forWritingTo: outputFile)
    let errors = try? FileHandle(forWritingTo: errorFile)
    let given = input.flatMap { try? FileHandle(forReadingFrom: file("in", $0)) }
    // Foundation keeps them open otherwise, and after a thousand crashes as it starts a program.
    defer { for handle in [output, errors, given] { try? handle?.close() } }
    process.standardOutput = output
    process.standardError = errors
    process.standardInput = given ?? FileHandle.nullDevice
    do { try process.run() } catch {
        return CommandResult(status: -1, output: "", error: "\(error)")
    }
    let deadline = Date().addingTimeInterval(timeout)
    while process.isRunning, Date() < deadline { usleep(2000) }
    if process.isRunning {
        kill(process.processIdentifier, SIGKILL)
        process.waitUntilExit()
    }
    func text(_ url: URL) -> String { String(decoding: (try? Data(contentsOf: url)) ?? Data(), as: UTF8.self) }
    return CommandResult(status: process.terminationStatus, output: text(outputFile), error: text(errorFile))
}

/// Waits until `condition` holds, at most `seconds`.
func eventually(_ seconds: Double = 30, _ condition: () -> Bool) -> Bool {
    let deadline = Date().addingTimeInterval(seconds)
    while Date() < deadline {
        if condition() { return true }
        usleep(50_000)
    }
    return condition()
}

/// A cluster of a test's own, brought up and taken down through the command as a user would.
final class TestCluster: Sendable {
    static let binary = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
        .deletingLastPathComponent().appendingPathComponent("martlet").path
    static let repository = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent().path

    let directory: String
    let port: Int
    let options: [String]

    init(name: String, port: Int, node: Bool) {
        directory = "/tmp/martlet-e2e-\(name)-\(getpid())"
        self.port = port
        options = node ? [] : ["--no-node"]
    }

    var kubeconfig: String { directory + "/admin.kubeconfig" }

    @discardableResult
    func up() -> CommandResult {
        martlet(["up", "--detach", "--port", "\(port)"] + options)
    }

    @discardableResult
    func down(purge: Bool = true) -> CommandResult {
        let result = martlet(["down"] + (purge ? ["--purge"] : []))
        if purge { try? FileManager.default.removeItem(atPath: userKubeconfig) }
        return result
    }

    /// Stands for the user's own kubeconfig, which is left alone.
    private var userKubeconfig: String { directory + "-user.kubeconfig" }

    @discardableResult
    func martlet(_ arguments: [String]) -> CommandResult {
        run(Self.binary, arguments + ["--data-dir", directory], environment: ["KUBECONFIG": userKubeconfig])
    }

    @discardableResult
    func kubectl(_ arguments: String..., input: String? = nil, timeout: Double = 120) -> CommandResult {
        run("kubectl", arguments, environment: ["KUBECONFIG": kubeconfig], input: input, timeout: timeout)
    }

    /// What kubectl prints, without the line's end; it must succeed.
    func printed(_ arguments: String..., sourceLocation: SourceLocation = #_sourceLocation) -> String {
        let result = run("kubectl", arguments, environment: ["KUBECONFIG": kubeconfig])
        #expect(
            result.status == 0, "kubectl \(arguments.joined(separator: " ")): \(result.error)",
            sourceLocation: sourceLocation)
        return result.output.trimmingCharacters(in: .whitespacesAndNewlines)
    }

    /// The process id of the running server.
    var pid: Int32? {
        guard let data = FileManager.default.contents(atPath: directory + "/run.json"),
            let json = try? JSONParser.parse(data)
        else { return nil }
        return json["pid"]?.intValue.flatMap(Int32.init(exactly:))
    }

    /// `kill -9`, and until the process is gone: one that waits for the disk goes a moment later.
    func killServer() {
        guard let pid else { return }
        kill(pid, SIGKILL)
        for _ in 0..<200 where kill(pid, 0) == 0 { usleep(50_000) }
    }
}

extension TestCluster {
    /// Makes the example images and loads them.
    func loadImages(_ which: String) {
        let tars = directory + "-images"
        defer { try? FileManager.default.removeItem(atPath: tars) }
        let made = run(Self.repository + "/Scripts/example-images.sh", [tars, which])
        #expect(made.status == 0, "\(made.error)")
        for tar in made.output.split(separator: "\n") {
            let loaded = martlet(["image", "load", String(tar)])
            #expect(loaded.status == 0, "\(loaded.error)")
        }
    }
}
