import APIServer
import JSON
import KubeClient
import KubeTypes

/// The API called in the same process, as one user: no sockets, no encoding, the same authorization and admission.
package struct InProcessTransport: KubeTransport {
    let api: InProcessAPI

    package init(api: InProcessAPI) { self.api = api }

    package func call(_ request: KubeRequest) async throws(APIError) -> JSONValue {
        try await api.call(APICall(request))
    }

    package func watch(_ request: KubeRequest) async throws(APIError) -> AsyncThrowingStream<KubeWatchEvent, any Error>
    {
        // A reader that is this far behind has its watch ended, and lists again.
        let (stream, continuation) = AsyncThrowingStream.makeStream(
            of: KubeWatchEvent.self, throwing: (any Error).self, bufferingPolicy: .bufferingOldest(100_000))
        let watch = try api.watch(
            APICall(request),
            onEvent: { event in
                guard let kind = KubeWatchEvent.Kind(rawValue: event.type) else { return true }
                if case .enqueued = continuation.yield(KubeWatchEvent(kind: kind, object: event.object)) { return true }
                return false
            }, onEnd: { continuation.finish() })
        continuation.onTermination = { _ in watch.cancel() }
        return stream
    }
}

extension APICall {
    fileprivate init(_ request: KubeRequest) {
        self.init(
            verb: request.verb.rawValue, apiVersion: request.apiVersion, resource: request.resource,
            namespace: request.namespace, name: request.name, subresource: request.subresource, query: request.query,
            body: request.body, patchType: request.patchType?.rawValue)
    }
}
