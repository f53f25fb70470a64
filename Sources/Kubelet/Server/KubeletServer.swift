// What the API server asks the node agent: logs, streams, and what it knows of its pods.

import CRI
import HTTPServer
import JSON
import KubeTypes
import Logging
import NIOCore
import NIOHTTP1
import PKI

/// Answers on the kubelet's port. Whoever asks must show a certificate that the cluster's CA signed, and be the API
/// server or an administrator: a kubelet shows the logs of every pod on its node.
final class KubeletServer: HTTPResponder {
    struct Running: Sendable {
        let server: HTTPServer
        func stop() async { await server.shutdown(grace: .seconds(1)) }
    }

    private let kubelet: Kubelet
    private let options: KubeletOptions

    init(kubelet: Kubelet, options: KubeletOptions) {
        self.kubelet = kubelet
        self.options = options
    }

    /// - Returns: nil where the agent was given no certificate to serve with.
    func start() async throws -> Running? {
        guard let certificate = options.serverCertificatePEM, let key = options.serverKeyPEM,
            let authority = options.clientCAPEM
        else { return nil }
        let verifier = try ClientCertificateVerifier(authoritiesPEM: authority)
        let tls = HTTPServer.TLS(
            certificateChainPEM: Array(certificate.utf8), privateKeyPEM: Array(key.utf8),
            clientCertificates: HTTPServer.ClientCertificates(certificateAuthoritiesPEM: Array(authority.utf8)) {
                chain in
                await verifier.problem(with: chain)
            })
        let configuration = HTTPServer.Configuration(
            host: options.address, port: options.port, tls: tls, logger: options.logger)
        return Running(server: try await HTTPServer.start(configuration, responder: self))
    }

    func respond(to request: HTTPRequest, _ response: any HTTPResponseWriter) {
        let (path, query) = Self.split(request.target)
        let parts = path.split(separator: "/").map(String.init)
        if path == "/healthz" {
            Self.answer(response, .ok, "ok")
            return
        }
        guard let certificate = request.clientCertificate, request.clientCertificateProblem == nil,
            let client = try? ClientCertificateIdentity(der: certificate)
        else {
            Self.answer(response, .unauthorized, "Unauthorized")
            return
        }
        guard options.allowedClients.contains(client.commonName) || client.organizations.contains("system:masters")
        else {
            Self.answer(response, .forbidden, "Forbidden (user=\(client.commonName))")
            return
        }
        // Browsers ask for a WebSocket by GET, others for SPDY by POST.
        let isStreaming = request.method == .GET || request.method == .POST
        switch parts.first {
        case "containerLogs" where parts.count == 4 && request.method == .GET:
            guard let logOptions = LogOptions(query: query, now: kubeletNow()) else {
                Self.answer(response, .badRequest, "invalid log options")
                return
            }
            let reader = LogStream(
                kubelet: kubelet, namespace: parts[1], pod: parts[2], container: parts[3], options: logOptions,
                response: response)
            reader.start()
        case "pods" where request.method == .GET:
            Task { await self.listPods(response) }
        case "metrics" where request.method == .GET:
            Task { await self.metrics(parts.dropFirst().first.map { String($0) } ?? "", response) }
        case "stats" where parts.dropFirst().first == "summary":
            Task { await self.summary(response) }
        case "exec" where isStreaming, "attach" where isStreaming, "portForward" where isStreaming:
            Task { await self.stream(request, parts, response) }
        case "logs" where request.method == .GET && options.servesLogFiles:
            Task { NodeLogFiles().answer(parts.dropFirst().joined(separator: "/"), response) }
        case "run", "cri":
            Self.answer(response, .notImplemented, "\(parts[0]) is not supported by this kubelet yet")
        default: Self.answer(response, .notFound, "404 page not found")
        }
    }

    var runtime: any RuntimeService { kubelet.runtimeService }

    /// A pod of this node as it is now.
    func currentPod(namespace: String, name: String) async -> Pod? {
        await kubelet.worker(namespace: namespace, name: name)?.current()
    }

    static func answer(_ response: any HTTPResponseWriter, _ status: HTTPResponseStatus, _ text: String) {
        response.send(
            status, headers: ["content-type": "text/plain; charset=utf-8"], body: [ByteBuffer(string: text + "\n")])
    }

    private static func answer(_ response: any HTTPResponseWriter, json: JSONValue) {
        response.send(
            .ok, headers: ["content-type": "application/json"], body: [ByteBuffer(bytes: JSONWriter.bytes(of: json))])
    }

    private func listPods(_ response: any HTTPResponseWriter) async {
        var items: [JSONValue] = []
        for worker in kubelet.allWorkers { items.append(await worker.current().json) }
        Self.answer(response, json: ["kind": "PodList", "apiVersion": "v1", "metadata": [:], "items": .array(items)])
    }

    private func metrics(_ which: String, _ response: any HTTPResponseWriter) async {
        let text: String
        switch which {
        case "": text = await ownMetrics()
        case "resource": text = await kubelet.stats.stats().resourceMetrics
        case "cadvisor": text = await kubelet.stats.stats().cadvisorMetrics(machine: kubelet.machine)
        case "probes": text = ""
        default: return Self.answer(response, .notFound, "404 page not found")
        }
        response.send(
            .ok, headers: ["content-type": "text/plain; version=0.0.4; charset=utf-8"], body: [ByteBuffer(string: text)]
        )
    }

    private func ownMetrics() async -> String {
        let containers = (try? await kubelet.runtimeService.listContainers(labels: [:])) ?? []
        var metrics = MetricsText()
        metrics.declare("kubelet_node_name", "gauge", "[ALPHA] The node's name. The count is always 1.")
        metrics.declare("kubelet_running_containers", "gauge", "[ALPHA] Number of containers currently running")
        metrics.declare("kubelet_working_pods", "gauge", "[ALPHA] Number of pods the kubelet is actually running")
        metrics.add("kubelet_node_name", [("node", options.nodeName)], 1)
        for (name, state) in [("running", RuntimeContainerState.running), ("exited", .exited), ("created", .created)] {
            let count = containers.count { $0.state == state }
            metrics.add("kubelet_running_containers", [("container_state", name)], Double(count))
        }
        metrics.add("kubelet_working_pods", [], Double(kubelet.allWorkers.count))
        await kubelet.stats.stats().addVolumeMetrics(to: &metrics)
        return metrics.text
    }

    /// What the node's containers use, in the form that metrics servers read.
    private func summary(_ response: any HTTPResponseWriter) async {
        let stats = await kubelet.stats.stats()
        Self.answer(
            response, json: StatsSummary.json(stats, nodeName: options.nodeName, started: kubelet.started))
    }

    /// The path and the query of a target, decoded; of a parameter that is given twice the first.
    static func split(_ target: String) -> (path: String, query: [String: String]) {
        let path = decode(target.prefix { $0 != "?" })
        return (path, Dictionary(items(target).map { ($0.name, $0.value) }, uniquingKeysWith: { first, _ in first }))
    }

    /// The parameters of a target's query, decoded, in their order.
    static func items(_ target: String) -> [(name: String, value: String)] {
        guard let mark = target.firstIndex(of: "?") else { return [] }
        return target[target.index(after: mark)...].split(separator: "&").map { pair in
            let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            return (decode(parts[0]), parts.count > 1 ? decode(parts[1]) : "")
        }
    }

    private static func decode(_ text: Substring) -> String {
        guard text.utf8.contains(where: { $0 == UInt8(ascii: "%") || $0 == UInt8(ascii: "+") }) else {
            return String(text)
        }
        var bytes: [UInt8] = []
        let source = Array(text.utf8)
        var index = 0
        while index < source.count {
            if source[index] == UInt8(ascii: "%"), index + 2 < source.count,
                let byte = UInt8(String(decoding: source[(index + 1)...(index + 2)], as: UTF8.self), radix: 16)
            {
                bytes.append(byte)
                index += 3
            } else {
                bytes.append(source[index] == UInt8(ascii: "+") ? UInt8(ascii: " ") : source[index])
                index += 1
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
