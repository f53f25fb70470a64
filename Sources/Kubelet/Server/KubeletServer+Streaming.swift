// exec, attach and port-forward: the runtime is asked for a place to connect to, and the client's connection is joined
// with that one, byte by byte.

import CRI
import HTTPServer
import KubeTypes
import NIOCore
import NIOHTTP1

extension KubeletServer {
    /// Answers `/exec/NAMESPACE/POD/CONTAINER`, `/attach/…` (both with the pod's uid before the container if the client
    /// knows it) and `/portForward/NAMESPACE/POD[/UID]`.
    func stream(_ request: HTTPRequest, _ parts: [String], _ response: any HTTPResponseWriter) async {
        let query = Self.items(request.target)
        func first(_ name: String) -> String { query.first { $0.name == name }?.value ?? "" }
        let isForward = parts[0] == "portForward"
        let named = parts.count - (isForward ? 0 : 1)
        guard named == 3 || named == 4 else { return Self.answer(response, .notFound, "404 page not found") }
        let uid = named == 4 ? parts[3] : ""
        let container = isForward ? "" : parts[parts.count - 1]
        var streams = StreamOptions(
            stdin: first("input") == "1", stdout: first("output") == "1", stderr: first("error") == "1",
            tty: first("tty") == "1")
        // A terminal has one stream for all that is written to it.
        if streams.tty { streams.stderr = false }
        if !isForward, !streams.stdin, !streams.stdout, !streams.stderr {
            return Self.answer(response, .badRequest, "you must specify at least 1 of stdin, stdout, stderr")
        }
        guard let pod = await pod(namespace: parts[1], name: parts[2], uid: uid) else {
            return Self.answer(response, .notFound, "pod does not exist")
        }
        let url: String
        do {
            switch parts[0] {
            case "exec":
                guard let id = try await containerID(container, of: pod) else {
                    return Self.answer(response, .internalServerError, "container not found (\"\(container)\")")
                }
                let command = query.filter { $0.name == "command" }.map(\.value)
                url = try await runtime.exec(command, in: id, streams)
            case "attach":
                guard let id = try await containerID(container, of: pod),
                    let spec = pod.allContainers.first(where: { $0.name == container })
                else {
                    return Self.answer(
                        response, .internalServerError,
                        "container \(container) not found in pod \(pod.name)_\(pod.namespace ?? "")")
                }
                // Whether there is a terminal was decided when the container was made.
                streams.tty = spec.tty ?? false
                if streams.tty { streams.stderr = false }
                url = try await runtime.attach(to: id, streams)
            default:
                guard let ports = Self.ports(first("port")) else {
                    return Self.answer(response, .badRequest, "the port \"\(first("port"))\" is not valid")
                }
                guard let sandbox = try await sandboxID(of: pod) else {
                    return Self.answer(
                        response, .internalServerError, "pod not found (\"\(pod.name)_\(pod.namespace ?? "")\")")
                }
                url = try await runtime.portForward(ports, in: sandbox)
            }
        } catch let error as RuntimeError {
            return Self.answer(response, error.isNotFound ? .notFound : .internalServerError, error.message)
        } catch {
            return Self.answer(response, .internalServerError, "\(error)")
        }
        join(request, url, response)
    }

    /// Passes the client's request on to the runtime's streaming server: SPDY or WebSocket is theirs to agree upon.
    private func join(_ request: HTTPRequest, _ url: String, _ response: any HTTPResponseWriter) {
        guard let location = StreamLocation(url) else {
            return Self.answer(response, .internalServerError, "the runtime answered with no URL: \(url)")
        }
        guard ProxyPass.isUpgrade(request) else {
            return Self.answer(response, .badRequest, "Upgrade request required")
        }
        var forwarded = request
        forwarded.target = location.target
        forwarded.headers = ProxyPass.forwardedHeaders(request)
        var pass = ProxyPass(forwarded, to: ProxyTarget(host: location.host, port: location.port))
        pass.onProblem = { problem, response in Self.answer(response, .internalServerError, "\(problem)") }
        pass.start(response)
    }

    private func pod(namespace: String, name: String, uid: String) async -> Pod? {
        guard let pod = await currentPod(namespace: namespace, name: name) else { return nil }
        return uid.isEmpty || pod.uid == uid ? pod : nil
    }

    /// The newest container of that name, a running one if there is any.
    private func containerID(_ name: String, of pod: Pod) async throws -> String? {
        let containers = try await runtime.listContainers(
            labels: [RuntimeKeys.podUID: pod.uid, RuntimeKeys.containerName: name]
        ).sorted { $0.createdAt > $1.createdAt }
        return (containers.first { $0.state == .running } ?? containers.first)?.id
    }

    private func sandboxID(of pod: Pod) async throws -> String? {
        let sandboxes = try await runtime.listPodSandboxes(labels: [RuntimeKeys.podUID: pod.uid])
        return sandboxes.filter(\.ready).max { $0.createdAt < $1.createdAt }?.id
    }

    /// The ports of a WebSocket's query; SPDY clients name theirs later, stream by stream.
    static func ports(_ text: String) -> [Int]? {
        var ports: [Int] = []
        for part in text.split(separator: ",", omittingEmptySubsequences: false) where !text.isEmpty {
            guard let port = Int(part), (1...65535).contains(port) else { return nil }
            ports.append(port)
        }
        return ports
    }
}

/// Where the runtime's streaming server listens: `http://127.0.0.1:41235/exec/TOKEN`.
struct StreamLocation: Equatable {
    var host: String
    var port: Int
    var target: String

    init?(_ url: String) {
        guard url.hasPrefix("http://") else { return nil }
        let rest = url.dropFirst("http://".count)
        let slash = rest.firstIndex(of: "/") ?? rest.endIndex
        let authority = rest[..<slash]
        guard let colon = authority.lastIndex(of: ":"), let port = Int(authority[authority.index(after: colon)...])
        else { return nil }
        var host = String(authority[..<colon])
        if host.hasPrefix("["), host.hasSuffix("]") { host = String(host.dropFirst().dropLast()) }
        self.host = host.isEmpty || host == "::" || host == "0.0.0.0" ? "127.0.0.1" : host
        self.port = port
        target = slash == rest.endIndex ? "/" : String(rest[slash...])
    }
}
