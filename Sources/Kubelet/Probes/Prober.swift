// One look at a container, the way its probe says.

import CRI
import KubeTypes
import NIOCore
import NIOPosix

struct Prober: Sendable {
    let runtime: any RuntimeService

    func probe(_ probe: Probe, container: Container, id: String, podIP: String) async -> ProbeOutcome {
        let seconds = max(1, probe.timeoutSeconds ?? 1)
        if let action = probe.exec { return await exec(action.command, id: id, seconds: seconds) }
        if let action = probe.httpGet { return await http(action, container, podIP, seconds) }
        if let action = probe.tcpSocket { return await tcp(action, container, podIP, seconds) }
        if let action = probe.grpc {
            return await GRPCHealthCheck.isServing(
                host: podIP, port: action.port, service: action.service ?? "", timeout: .seconds(seconds)
            ).map { .failure($0) } ?? .success
        }
        return .error("missing probe handler for container \(container.name)")
    }

    private func exec(_ command: [String], id: String, seconds: Int) async -> ProbeOutcome {
        do {
            let result = try await runtime.execSync(command, in: id, timeout: seconds)
            if result.exitCode == 0 { return .success }
            return .failure(String(decoding: (result.stdout + result.stderr).prefix(10 << 10), as: UTF8.self))
        } catch let error as RuntimeError where error.code == .deadlineExceeded {
            return .failure("command timed out: \"\(command.joined(separator: " "))\" timed out after \(seconds)s")
        } catch {
            return .error("rpc error: \(error)")
        }
    }

    private func http(_ action: HTTPGetAction, _ container: Container, _ podIP: String, _ seconds: Int) async
        -> ProbeOutcome
    {
        let check: HTTPCheck
        do {
            check = try HTTPCheck(action, container: container, podIP: podIP, userAgent: "kube-probe/1.36")
        } catch { return .error("\(error)") }
        do {
            let answer = try await check.run(timeout: .seconds(Int64(seconds)))
            // Redirects count as success, as a server that answers them is there.
            return (200..<400).contains(answer.status)
                ? .success : .failure("HTTP probe failed with statuscode: \(answer.status)")
        } catch is CheckTimeout {
            return .failure(
                "Get \"\(check.url)\": context deadline exceeded (Client.Timeout exceeded while awaiting headers)")
        } catch {
            return .failure("Get \"\(check.url)\": \(connectionFailure(error, host: check.host, port: check.port))")
        }
    }

    private func tcp(
        _ action: TCPSocketAction, _ container: Container, _ podIP: String, _ seconds: Int
    ) async -> ProbeOutcome {
        let host = action.host.flatMap { $0.isEmpty ? nil : $0 } ?? podIP
        do {
            let port = try resolvePort(action.port, of: container)
            do {
                let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                    .connectTimeout(.seconds(Int64(seconds))).connect(host: host, port: port).get()
                channel.close(promise: nil)
                return .success
            } catch { return .failure(connectionFailure(error, host: host, port: port)) }
        } catch { return .error("\(error)") }
    }
}
