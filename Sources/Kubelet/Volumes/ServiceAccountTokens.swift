// Tokens by which pods show who they are, asked for on their behalf and renewed before they run out.

import JSON
import KubeClient
import KubeTypes

actor ServiceAccountTokens {
    private struct Key: Hashable {
        let namespace, account, audience, pod: String
        let seconds: Int
    }

    private struct Held {
        let token: String
        let renew: Time
    }

    private let client: KubeClient
    private let now: @Sendable () -> Time
    private var held: [Key: Held] = [:]

    init(client: KubeClient, now: @escaping @Sendable () -> Time) {
        self.client = client
        self.now = now
    }

    /// A token of the pod's service account, bound to the pod.
    func token(for pod: Pod, audience: String?, seconds: Int) async throws -> String {
        let account = pod.spec.serviceAccountName ?? "default"
        let key = Key(
            namespace: pod.namespace, account: account, audience: audience ?? "", pod: pod.uid, seconds: seconds)
        if let held = held[key], now() < held.renew { return held.token }
        var spec: JSONValue = [
            "expirationSeconds": .integer(Int64(seconds)),
            "boundObjectRef": [
                "kind": "Pod", "apiVersion": "v1", "name": .string(pod.name), "uid": .string(pod.uid),
            ],
        ]
        if let audience { spec["audiences"] = [.string(audience)] }
        let asked = now()
        do {
            let answer = TokenRequest(
                try await client.createSubresource(
                    "token", of: ServiceAccount.self, account, namespace: pod.namespace,
                    ["apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": spec]))
            guard let token = answer.status.token else { throw ConfigError("the API gave no token") }
            self.held[key] = Held(
                token: token, renew: Self.renewal(asked: asked, expires: answer.status.expirationTimestamp))
            return token
        } catch {
            // The one we have is good for a while yet.
            if let held = held[key] { return held.token }
            throw error
        }
    }

    func forget(_ uid: String) { held = held.filter { $0.key.pod != uid } }

    /// A token is renewed when four fifths of its time have passed, and after a day at the latest.
    static func renewal(asked: Time, expires: Time?) -> Time {
        guard let expires else { return asked }
        return asked.adding(min(expires.since(asked) * 0.8, 86_400))
    }
}
