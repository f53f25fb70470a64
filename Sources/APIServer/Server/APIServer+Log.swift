// pods/log: which container's log is meant, and the way to the kubelet that has it.

import APISchema
import HTTPServer
import JSON
import KubeTypes

extension APIServer {
    /// Options that the kubelet understands; `container` is part of its path.
    private static let passedOn = [
        "follow", "previous", "sinceSeconds", "sinceTime", "timestamps", "tailLines", "limitBytes", "stream",
    ]

    func respondWithLog(_ request: RegistryRequest, _ exchange: Exchange) throws(APIError) {
        guard let pod = request.cache[request.key]?.value else { throw request.notFound }
        let container = try container(of: pod, request)
        try checkLogOptions(request)
        let nodeName = pod[path: "spec", "nodeName"]?.stringValue ?? ""
        guard !nodeName.isEmpty else {
            throw .badRequest("pod \(request.name) does not have a host assigned")
        }
        guard let kubelets else {
            throw APIError(code: 501, reason: "NotImplemented", message: "this server has no way to kubelets")
        }
        guard let node = cache.object(group: "", resource: "nodes", namespace: "", name: nodeName)?.value else {
            throw .notFound("nodes", group: "", name: nodeName)
        }
        let query = request.query.items.filter { Self.passedOn.contains($0.name) }
            .map { "\($0.name)=\(PercentEncoding.encode($0.value))" }.joined(separator: "&")
        kubelets.logs(
            node: node, path: "/containerLogs/\(request.namespace)/\(request.name)/\(container)", query: query,
            to: exchange.response)
    }

    /// The container asked for, or the one that is meant if none is named.
    func container(of pod: JSONValue, _ request: RegistryRequest) throws(APIError) -> String {
        func names(_ list: String) -> [String] {
            (pod[path: "spec", list]?.arrayValue ?? []).compactMap { $0["name"]?.stringValue }
        }
        let containers = names("containers")
        let initContainers = names("initContainers")
        let ephemeral = names("ephemeralContainers")
        let asked = request.query["container"] ?? ""
        if !asked.isEmpty {
            guard (containers + initContainers + ephemeral).contains(asked) else {
                throw .badRequest("container \(asked) is not valid for pod \(request.name)")
            }
            return asked
        }
        if let preferred = pod.annotations?["kubectl.kubernetes.io/default-container"]?.stringValue,
            containers.contains(preferred)
        {
            return preferred
        }
        if containers.count == 1, initContainers.isEmpty, ephemeral.isEmpty { return containers[0] }
        var message =
            "a container name must be specified for pod \(request.name), choose one of: "
            + "[\(containers.joined(separator: " "))]"
        if !initContainers.isEmpty {
            message += " or one of the init containers: [\(initContainers.joined(separator: " "))]"
        }
        throw .badRequest(message)
    }

    private func checkLogOptions(_ request: RegistryRequest) throws(APIError) {
        var errors: [FieldError] = []
        for (name, minimum) in [("tailLines", 0), ("limitBytes", 1), ("sinceSeconds", 1)] {
            guard let value = try request.query.integer(name), value < Int64(minimum) else { continue }
            errors.append(
                .invalid(
                    name, .integer(value),
                    minimum == 0 ? "must be greater than or equal to 0" : "must be greater than 0"))
        }
        if let text = request.query["sinceTime"] {
            if Time(text) == nil { throw .badRequest("sinceTime: \"\(text)\" is not a time as RFC 3339 writes it") }
            if request.query["sinceSeconds"] != nil {
                errors.append(.forbidden("", "at most one of `sinceTime` or `sinceSeconds` may be specified"))
            }
        }
        if !errors.isEmpty { throw .invalid(kind: "PodLogOptions", group: "", name: request.name, errors) }
    }
}
