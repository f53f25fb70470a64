// ComponentStatuses: nothing that is stored, but what the server knows of the components' health when it is asked.

import APISchema
import JSON
import KubeTypes
import Storage

extension Registry {
    /// Answers a get or list of componentstatuses.
    /// - Returns: false if the request is about something else.
    func answerComponentStatus(_ request: RegistryRequest, _ completion: @escaping Completion) throws(APIError) -> Bool
    {
        guard request.resource.group.isEmpty, request.resource.plural == "componentstatuses" else { return false }
        let options = try ListOptions(request.query, resource: "componentstatuses", group: "", watch: false)
        let name = request.name
        let missing = request.notFound
        let revision = cache.revision
        let components = configuration.components()
        let store = store
        Task {
            // The store is well if it answers.
            var storeProblem: String?
            do throws(StoreError) {
                _ = try await store.range(prefix: WatchCache.root, start: nil, limit: 1, at: nil)
            } catch {
                storeProblem = "\(error)"
            }
            let all = (components + [(name: "etcd-0", problem: storeProblem)]).sorted { $0.name < $1.name }
                .map { Self.componentStatus($0.name, problem: $0.problem, at: revision) }
            if !name.isEmpty {
                let found = all.first { $0.key.name == name }
                return completion(found.map { .success(.object($0, code: 200)) } ?? .failure(missing))
            }
            let scope = ObjectScope(labels: options.labels, fields: options.fields)
            completion(.success(.list(ObjectList(objects: all.filter { scope.matches($0) }, revision: revision))))
        }
        return true
    }

    private static func componentStatus(_ name: String, problem: String?, at revision: Revision) -> CachedObject {
        var condition: JSONObject = ["type": "Healthy", "status": problem == nil ? "True" : "False"]
        condition["message"] = .string(problem ?? "ok")
        if problem != nil { condition["error"] = .string(problem ?? "") }
        let value: JSONValue = [
            "kind": "ComponentStatus", "apiVersion": "v1", "metadata": ["name": .string(name)],
            "conditions": [.object(condition)],
        ]
        return CachedObject(
            key: ObjectKey(name: name), bytes: JSONWriter.bytes(of: value), revision: revision)
    }
}
