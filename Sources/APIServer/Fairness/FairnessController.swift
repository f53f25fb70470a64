// Keeps fairness and its objects together: rules are read again when objects change, schemas say whether their level
// exists, and the objects that cannot be done without come back.

import JSON
import KubeTypes
import Synchronization

final class FairnessController: Sendable {
    private let server: APIServer
    private let task = Mutex<Task<Void, Never>?>(nil)
    private let signal: AsyncStream<Void>.Continuation
    private let stream: AsyncStream<Void>

    init(_ server: APIServer) {
        self.server = server
        (stream, signal) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
    }

    func start() {
        let fairness = server.fairness
        let signal = signal
        for resource in ["flowschemas", "prioritylevelconfigurations"] {
            server.cache.follow(group: "flowcontrol.apiserver.k8s.io", resource: resource) {
                fairness.reload()
                signal.yield()
            }
        }
        fairness.reload()
        signal.yield()
        let running = Task { [self] in
            for await _ in stream { await reconcile() }
        }
        task.withLock { $0 = running }
    }

    func stop() {
        signal.finish()
        task.withLock { $0 }?.cancel()
    }

    private func reconcile() async {
        let cache = server.cache
        let group = "flowcontrol.apiserver.k8s.io"
        for (resource, objects) in [
            ("prioritylevelconfigurations", FairnessBootstrap.levelObjects),
            ("flowschemas", FairnessBootstrap.flowObjects),
        ] {
            for object in objects
            where FairnessBootstrap.mandatory.contains(object.name)
                && cache.object(group: group, resource: resource, namespace: "", name: object.name) == nil
            {
                await call("create", resource, object)
            }
        }
        for schema in cache.objects(group: group, resource: "flowschemas", namespace: nil) {
            var value = schema.value
            let level = value[path: "spec", "priorityLevelConfiguration", "name"]?.stringValue ?? ""
            let exists =
                cache.object(group: group, resource: "prioritylevelconfigurations", namespace: "", name: level) != nil
            guard FlowSchemaStatus.set(&value, levelExists: exists, now: server.configuration.now()) else { continue }
            await call("update", "flowschemas", value, subresource: "status")
        }
    }

    private func call(_ verb: String, _ resource: String, _ body: JSONValue, subresource: String = "") async {
        let call = APICall(
            verb: verb, group: "flowcontrol.apiserver.k8s.io", version: "v1", resource: resource,
            name: verb == "create" ? "" : body.name, subresource: subresource, body: body)
        if case .failure(let error) = await server.handle(call, as: Bootstrap.user) {
            server.logger.debug("\(resource) \(body.name): \(error)")
        }
    }
}

enum FlowSchemaStatus {
    /// Writes the condition `Dangling`.
    /// - Returns: whether anything changed.
    static func set(_ schema: inout JSONValue, levelExists: Bool, now: Time) -> Bool {
        let level = schema[path: "spec", "priorityLevelConfiguration", "name"]?.stringValue ?? ""
        let status = levelExists ? "False" : "True"
        let message =
            "This FlowSchema references the PriorityLevelConfiguration object named \"\(level)\" "
            + (levelExists ? "and it exists" : "but there is no such object")
        var conditions = schema[path: "status", "conditions"]?.arrayValue ?? []
        let index = conditions.firstIndex { $0["type"]?.stringValue == "Dangling" }
        if let index, conditions[index]["status"]?.stringValue == status,
            conditions[index]["message"]?.stringValue == message
        {
            return false
        }
        let condition: JSONValue = [
            "type": "Dangling", "status": .string(status), "lastTransitionTime": now.field,
            "reason": levelExists ? "Found" : "NotFound", "message": .string(message),
        ]
        if let index { conditions[index] = condition } else { conditions.append(condition) }
        schema.update("status") { $0["conditions"] = .array(conditions) }
        return true
    }
}

/// A flow schema says from its first moment whether its level exists.
struct FlowSchemaStrategy: Strategy {
    var tracksGeneration: Bool { true }

    func prepareForCreate(_ object: inout JSONValue, _ context: inout StrategyContext) throws(APIError) {
        object["status"] = [:]
        let level = object[path: "spec", "priorityLevelConfiguration", "name"]?.stringValue ?? ""
        let exists =
            context.cache.object(
                group: "flowcontrol.apiserver.k8s.io", resource: "prioritylevelconfigurations", namespace: "",
                name: level) != nil
        _ = FlowSchemaStatus.set(&object, levelExists: exists, now: context.now)
    }
}
