// The API metrics.k8s.io: what nodes and pods use, asked of the kubelets when somebody wants to know.

import APISchema
import APIServer
import Foundation
import HTTPServer
import JSON
import KubeClient
import KubeTypes
import Logging
import NIOCore
import NIOHTTP1
import PKI

/// An aggregated API server of the cluster's own, in its process. It answers whoever shows the API server's certificate
/// for such servers; who may ask what, that one has decided.
final class MetricsServer: HTTPResponder {
    static let port = 10253
    static let serviceName = "metrics-server"
    private static let namespace = "kube-system"
    private static let group = "metrics.k8s.io"
    private static let groupVersion = "metrics.k8s.io/v1beta1"
    private static let noResource = APIError(
        code: 404, reason: "NotFound", message: "the server could not find the resource")

    private let source: MetricsSource
    private let logger: Logger

    init(client: KubeClient, kubelets: KubeletProxy, logger: Logger) {
        source = MetricsSource(client: client, kubelets: kubelets)
        self.logger = logger
    }

    /// Serves at a node's address, where the API server's way to services finds it, until the task is cancelled.
    static func run(_ plane: ControlPlane, at address: String, logger: Logger) async {
        let logger = Logger(label: "metrics-server", from: logger)
        let client = plane.client(as: "system:apiserver", groups: ["system:masters"])
        do {
            let server = try await MetricsServer(client: client, kubelets: plane.kubelets, logger: logger)
                .start(on: address, plane.keys)
            do {
                try await register(client, address: address, authorityPEM: plane.keys.authority.certificatePEM)
            } catch { logger.error("the metrics API: \(error)") }
            while !Task.isCancelled { try? await Task.sleep(for: .seconds(3600)) }
            await server.shutdown(grace: .seconds(1))
        } catch { logger.error("the metrics API: \(error)") }
    }

    private func start(on host: String, _ keys: ClusterKeys) async throws -> HTTPServer {
        let certificate = try keys.authority.issueServer(
            commonName: Self.serviceName,
            dnsNames: ["\(Self.serviceName).\(Self.namespace).svc", "\(Self.serviceName).\(Self.namespace)"],
            ipAddresses: [host])
        let authority = keys.frontProxyAuthority.certificatePEM
        let verifier = try ClientCertificateVerifier(authoritiesPEM: authority)
        let tls = HTTPServer.TLS(
            certificateChainPEM: Array(certificate.certificatePEM.utf8),
            privateKeyPEM: Array(certificate.privateKeyPEM.utf8),
            clientCertificates: HTTPServer.ClientCertificates(
                certificateAuthoritiesPEM: Array(authority.utf8), verify: { await verifier.problem(with: $0) }))
        return try await HTTPServer.start(
            HTTPServer.Configuration(host: host, port: Self.port, tls: tls, logger: logger), responder: self)
    }

    /// Puts the service, its endpoint and the APIService there, or brings them up to date.
    private static func register(_ client: KubeClient, address: String, authorityPEM: String) async throws {
        var service = Service(name: serviceName, namespace: namespace)
        service.metadata.labels = ["kubernetes.io/cluster-service": "true", "kubernetes.io/name": "Metrics-server"]
        service.json["spec"] = [
            "ports": [["name": "https", "port": 443, "protocol": "TCP", "targetPort": .integer(Int64(port))]]
        ]
        try await client.ensure(service)
        var slice = EndpointSlice(name: "\(serviceName)-martlet", namespace: namespace)
        slice.metadata.labels = [
            "kubernetes.io/service-name": serviceName, "endpointslice.kubernetes.io/managed-by": "martlet",
        ]
        slice.json["addressType"] = "IPv4"
        slice.json["endpoints"] = [["addresses": [.string(address)], "conditions": ["ready": true]]]
        slice.json["ports"] = [["name": "https", "port": .integer(Int64(port)), "protocol": "TCP"]]
        try await client.put(slice)
        let spec: JSONValue = [
            "group": "metrics.k8s.io", "version": "v1beta1", "groupPriorityMinimum": 100, "versionPriority": 100,
            "caBundle": .string(Base64.encode(Array(authorityPEM.utf8))),
            "service": ["namespace": .string(namespace), "name": .string(serviceName), "port": 443],
        ]
        let name = "v1beta1.metrics.k8s.io"
        func request(_ verb: KubeRequest.Verb, _ body: JSONValue? = nil) -> KubeRequest {
            KubeRequest(
                verb, apiVersion: "apiregistration.k8s.io/v1", resource: "apiservices",
                name: verb == .create ? nil : name, body: body)
        }
        do {
            _ = try await client.transport.call(
                request(
                    .create,
                    [
                        "apiVersion": "apiregistration.k8s.io/v1", "kind": "APIService",
                        "metadata": ["name": .string(name)], "spec": spec,
                    ]))
        } catch {
            guard error.isAlreadyExists else { throw error }
            var live = try await client.transport.call(request(.get))
            // One that leads elsewhere is somebody else's.
            guard live[path: "spec", "service", "name"] == .string(serviceName),
                live[path: "spec", "caBundle"] != spec["caBundle"]
            else { return }
            live["spec"] = spec
            _ = try await client.transport.call(request(.update, live))
        }
    }

    // MARK: Answers

    func respond(to request: HTTPRequest, _ response: any HTTPResponseWriter) {
        guard let certificate = request.clientCertificate, request.clientCertificateProblem == nil,
            let client = try? ClientCertificateIdentity(der: certificate), client.commonName == FrontProxy.commonName
        else { return refuse(response, .unauthorized()) }
        let path = request.target.prefix { $0 != "?" }
        let parts = path.split(separator: "/").map(String.init)
        guard request.method == .GET || request.method == .HEAD else {
            return refuse(
                response,
                APIError(
                    code: 405, reason: "MethodNotAllowed",
                    message: "the server does not allow this method on the requested resource"))
        }
        switch parts {
        case ["healthz"], ["livez"], ["readyz"]: response.send(.ok, headers: [:], body: [ByteBuffer(string: "ok")])
        case ["apis", "metrics.k8s.io", "v1beta1"]: answer(response, .ok, Self.resources)
        case _ where parts.starts(with: ["apis", "metrics.k8s.io", "v1beta1"]):
            let query = Self.query(request.target)
            Task { await self.answer(Array(parts.dropFirst(3)), query, response) }
        default: refuse(response, Self.noResource)
        }
    }

    private func answer(_ parts: [String], _ query: [String: String], _ response: any HTTPResponseWriter) async {
        guard let selector = try? LabelSelectorText.parse(query["labelSelector"] ?? "") else {
            return refuse(response, .badRequest("unable to parse the label selector"))
        }
        let measured = await source.measured()
        func list(_ kind: String, _ items: [JSONValue]) -> JSONValue {
            [
                "kind": .string("\(kind)List"), "apiVersion": .string(Self.groupVersion), "metadata": [:],
                "items": .array(items),
            ]
        }
        switch parts.first {
        case "nodes" where parts.count == 1:
            answer(
                response, .ok,
                list("NodeMetrics", measured.nodes.filter { selector.matches($0.labels) }.map { Self.node($0) }))
        case "nodes" where parts.count == 2:
            guard let found = measured.nodes.first(where: { $0.name == parts[1] }) else {
                return refuse(response, .notFound("nodemetrics", group: Self.group, name: parts[1]))
            }
            answer(response, .ok, Self.node(found, typed: true))
        case "pods" where parts.count == 1:
            answer(
                response, .ok,
                list("PodMetrics", measured.pods.filter { selector.matches($0.labels) }.map { Self.pod($0) }))
        case "namespaces" where parts.count == 3 && parts[2] == "pods":
            let pods = measured.pods.filter { $0.namespace == parts[1] && selector.matches($0.labels) }
            answer(response, .ok, list("PodMetrics", pods.map { Self.pod($0) }))
        case "namespaces" where parts.count == 4 && parts[2] == "pods":
            guard let found = measured.pods.first(where: { $0.namespace == parts[1] && $0.name == parts[3] }) else {
                return refuse(response, .notFound("podmetrics", group: Self.group, name: "\(parts[1])/\(parts[3])"))
            }
            answer(response, .ok, Self.pod(found, typed: true))
        default: refuse(response, Self.noResource)
        }
    }

    private func answer(_ response: any HTTPResponseWriter, _ status: HTTPResponseStatus, _ json: JSONValue) {
        response.send(
            status, headers: ["content-type": "application/json"], body: [ByteBuffer(bytes: JSONWriter.bytes(of: json))]
        )
    }

    private func refuse(_ response: any HTTPResponseWriter, _ error: APIError) {
        answer(response, HTTPResponseStatus(statusCode: error.code), error.status.json)
    }

    static func usage(_ usage: MeasuredUsage) -> JSONValue {
        ["cpu": .string("\(usage.nanoCores)n"), "memory": .string("\(usage.memory / 1024)Ki")]
    }

    private static func meta(_ kind: String, _ typed: Bool) -> JSONObject {
        typed ? ["kind": .string(kind), "apiVersion": .string(groupVersion)] : [:]
    }

    static func node(_ node: MeasuredNode, typed: Bool = false) -> JSONValue {
        var json = meta("NodeMetrics", typed)
        var metadata: JSONObject = ["name": .string(node.name), "creationTimestamp": .string(node.time)]
        if !node.labels.isEmpty { metadata["labels"] = Self.labels(node.labels) }
        json["metadata"] = .object(metadata)
        json["timestamp"] = .string(node.time)
        json["window"] = "10s"
        json["usage"] = usage(node.usage)
        return .object(json)
    }

    static func pod(_ pod: MeasuredPod, typed: Bool = false) -> JSONValue {
        var json = meta("PodMetrics", typed)
        var metadata: JSONObject = [
            "name": .string(pod.name), "namespace": .string(pod.namespace), "creationTimestamp": .string(pod.time),
        ]
        if !pod.labels.isEmpty { metadata["labels"] = Self.labels(pod.labels) }
        json["metadata"] = .object(metadata)
        json["timestamp"] = .string(pod.time)
        json["window"] = "10s"
        json["containers"] = .array(
            pod.containers.map { ["name": .string($0.name), "usage": usage($0.usage)] })
        return .object(json)
    }

    private static func labels(_ labels: [String: String]) -> JSONValue {
        .object(
            JSONObject(
                labels.sorted { $0.key < $1.key }.lazy.map { (key: $0.key, value: JSONValue.string($0.value)) }))
    }

    private static let resources: JSONValue = [
        "kind": "APIResourceList", "apiVersion": "v1", "groupVersion": .string(groupVersion),
        "resources": [
            [
                "name": "nodes", "singularName": "", "namespaced": false, "kind": "NodeMetrics",
                "verbs": ["get", "list"],
            ],
            [
                "name": "pods", "singularName": "", "namespaced": true, "kind": "PodMetrics",
                "verbs": ["get", "list"],
            ],
        ],
    ]

    private static func query(_ target: String) -> [String: String] {
        guard let mark = target.firstIndex(of: "?") else { return [:] }
        var result: [String: String] = [:]
        for part in target[target.index(after: mark)...].split(separator: "&") {
            let pair = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            let value = pair.count > 1 ? pair[1].replacing("+", with: " ") : ""
            result[String(pair[0])] = String(value).removingPercentEncoding ?? ""
        }
        return result
    }
}
