// Who is refused because of what another server wrote a moment ago: he is looked at again when it is known.

import APISchema
import HTTPServer
import KubeTypes
import NIOCore
import Storage

extension APIServer {
    private static let definitionPatience = 100

    /// Whether a request would be refused for what may be different by now: a token whose account is new, a role that was
    /// just bound, a resource that was just defined.
    func mayBeRefusedTooSoon(_ request: HTTPRequest, _ info: RequestInfo, _ query: Query) -> Bool {
        if info.isResource, !isKnown(info) { return true }
        do throws(APIError) {
            let user: UserInfo
            do throws(AuthenticationError) {
                user = try authenticator.authenticate(request, path: info.path)
            } catch {
                throw error.apiError
            }
            let attributes = attributes(info, user, request.method, query)
            guard case .allow = authorizer.authorize(attributes) else { return true }
            return false
        } catch {
            return true
        }
    }

    private func isKnown(_ info: RequestInfo) -> Bool {
        liveSchema.resource(group: info.group, version: info.version, plural: info.resource) != nil
            || aggregator.remote(for: info) != nil
    }

    /// Goes on when everything that was written by now is known, and served if it is a definition.
    func lookAgain(_ info: RequestInfo, _ goOn: @escaping @Sendable () -> Void) {
        registry.synchronize(to: nil) { _ in
            // Where the store does not answer, what is known is what there is.
            self.wait(forDefinitionOf: info, Self.definitionPatience, goOn)
        }
    }

    /// A definition that another server has established is served here a moment later.
    private func wait(forDefinitionOf info: RequestInfo, _ left: Int, _ goOn: @escaping @Sendable () -> Void) {
        let definition = cache.object(
            group: "apiextensions.k8s.io", resource: "customresourcedefinitions", namespace: "",
            name: "\(info.resource).\(info.group)")
        guard left > 0, info.isResource, !isKnown(info), let definition,
            CustomResourceConditions.isTrue("Established", of: definition.value),
            (definition.value[path: "spec", "versions"]?.arrayValue ?? []).contains(where: {
                $0["name"]?.stringValue == info.version && $0["served"]?.boolValue == true
            })
        else { return goOn() }
        registry.resume(after: .milliseconds(20)) { self.wait(forDefinitionOf: info, left - 1, goOn) }
    }
}
