// What a container asks to be done after it starts and before it stops.

import CRI
import KubeTypes
import NIOCore

struct HookRunner: Sendable {
    let runtime: any RuntimeService

    func run(_ hook: LifecycleHandler, container: Container, id: String, podIP: String) async throws {
        if let action = hook.exec {
            let result = try await runtime.execSync(action.command, in: id, timeout: 0)
            guard result.exitCode == 0 else {
                let output = String(decoding: (result.stdout + result.stderr).prefix(1024), as: UTF8.self)
                throw ConfigError(
                    "Exec lifecycle hook (\(action.command)) for Container \"\(container.name)\" failed - error: command "
                        + "'\(action.command.joined(separator: " "))' exited with \(result.exitCode): \(output)")
            }
        } else if let action = hook.httpGet {
            let check = try HTTPCheck(action, container: container, podIP: podIP, userAgent: "kube-lifecycle/1.36")
            let answer = try await check.run(timeout: .seconds(60))
            guard (200..<400).contains(answer.status) else {
                throw ConfigError("HTTP lifecycle hook (\(check.path)) failed with status \(answer.status)")
            }
        } else if let action = hook.sleep {
            try await Task.sleep(for: .seconds(action.seconds))
        } else if hook.tcpSocket != nil {
            // The API takes it and never did anything with it.
            return
        } else {
            throw ConfigError("invalid handler: it says neither exec nor httpGet nor sleep")
        }
    }
}
