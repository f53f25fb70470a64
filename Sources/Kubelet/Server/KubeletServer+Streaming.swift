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
        guard ProxyPass.isUpgrade(request) else {
            return Self.answer(response, .badRequest, "Upgrade request required")
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
        let ports: [Int]? = isForward ? Self.ports(first("port")) ?? [] : nil
        join(request, url, streams, ports: ports, response)
    }

    /// Passes the client's request on to the runtime's streaming server: SPDY as it is, a WebSocket translated.
    private func join(
        _ request: HTTPRequest, _ url: String, _ streams: StreamOptions, ports: [Int]?,
        _ response: any HTTPResponseWriter
    ) {
        guard let location = StreamLocation(url) else {
            return Self.answer(response, .internalServerError, "the runtime answered with no URL: \(url)")
        }
        var forwarded = request
        forwarded.target = location.target
        forwarded.headers = ProxyPass.forwardedHeaders(request)
        var pass: ProxyPass
        if Self.isWebSocket(request) {
            guard let accepted = WebSocketSession(request, streams, ports: ports) else {
                return Self.answer(
                    response, .badRequest, "unable to upgrade: none of the WebSocket's subprotocols is supported")
            }
            forwarded.method = .POST
            forwarded.headers = accepted.runtimeHeaders
            pass = ProxyPass(forwarded, to: ProxyTarget(host: location.host, port: location.port))
            pass.adjustUpgrade = { _ in accepted.answer }
            pass.join = { StreamJoint.join($0, $1, accepted.translation, ready: $2) }
        } else {
            pass = ProxyPass(forwarded, to: ProxyTarget(host: location.host, port: location.port))
        }
        pass.onProblem = { problem, response in Self.answer(response, .internalServerError, "\(problem)") }
        pass.start(response)
    }

    static func isWebSocket(_ request: HTTPRequest) -> Bool {
        request.headers[canonicalForm: "upgrade"].contains { $0.lowercased() == "websocket" }
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

/// What a client with a WebSocket asked for: the answer it gets, what the runtime is asked, and the translation.
struct WebSocketSession: Sendable {
    let answer: HTTPHeaders
    let runtimeHeaders: HTTPHeaders
    let translation: any StreamTranslation

    /// Nil where the client offers only protocols that are none of ours, or no key.
    /// - Parameter ports: Those of a port-forward; nil for exec and attach.
    init?(_ request: HTTPRequest, _ streams: StreamOptions, ports: [Int]?) {
        guard let key = request.headers.first(name: "sec-websocket-key") else { return nil }
        let offered = request.headers[canonicalForm: "sec-websocket-protocol"].map(String.init)
        let chosen: String
        var runtimeProtocol = "v4.channel.k8s.io"
        if let ports {
            runtimeProtocol = "portforward.k8s.io"
            if offered.contains(TunnelTranslation.protocolName) {
                chosen = TunnelTranslation.protocolName
                translation = TunnelTranslation()
            } else {
                guard let form = ChannelProtocol.chosen(from: offered), form != .v5, !ports.isEmpty, ports.count <= 64
                else { return nil }
                chosen = form.rawValue
                translation = PortForwardTranslation(ports, form)
            }
        } else {
            guard let form = ChannelProtocol.chosen(from: offered) else { return nil }
            chosen = form.rawValue
            translation = RemoteCommandTranslation(streams, form)
        }
        var answer: HTTPHeaders = [
            "upgrade": "websocket", "connection": "Upgrade", "sec-websocket-accept": WebSocketWriter.accept(key),
        ]
        if !chosen.isEmpty { answer.add(name: "sec-websocket-protocol", value: chosen) }
        self.answer = answer
        runtimeHeaders = [
            "host": "localhost", "connection": "Upgrade", "upgrade": "SPDY/3.1", "content-length": "0",
            "x-stream-protocol-version": runtimeProtocol,
        ]
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
