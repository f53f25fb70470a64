// Tokens in secrets, bootstrap tokens, and roles that are made of others.

import Foundation
import JSON
import KubeTypes
import PKI
import Testing

@testable import ControllerManager

@Suite struct TokenTests {
    private let issuer: ServiceAccountTokenIssuer

    init() throws {
        let path = FileManager.default.temporaryDirectory.appendingPathComponent("key-\(UUID().uuidString)").path
        defer { try? FileManager.default.removeItem(atPath: path) }
        issuer = try ServiceAccountTokenIssuer.loadOrCreate(issuer: "https://a", keyPath: path)
    }

    private func secret(_ name: String, account: String) -> Secret {
        var secret = Secret(name: name, namespace: "default")
        secret.type = TokenSecretController.secretType
        secret.metadata.annotations = [TokenSecretController.accountName: account]
        return secret
    }

    private func text(_ secret: Secret?, _ key: String) -> String {
        String(decoding: secret?.data[key].flatMap { Data(base64Encoded: $0) } ?? Data(), as: UTF8.self)
    }

    @Test func secretsOfAccountsAreFilled() async throws {
        let api = FakeAPI()
        api.put(ServiceAccount(name: "web", namespace: "default"))
        api.put(secret("token", account: "web"))
        api.put(secret("orphan", account: "gone"))
        let issuer = issuer
        await withControllers(["serviceaccount-token-controller"], api, options: { $0.tokenIssuer = issuer }) {
            #expect(
                await eventually {
                    api.object(Secret.self, "token", namespace: "default")?.data["token"] != nil
                        && api.object(Secret.self, "orphan", namespace: "default") == nil
                })
            let filled = api.object(Secret.self, "token", namespace: "default")
            #expect(text(filled, "namespace") == "default")
            #expect(text(filled, "ca.crt") == "PEM")
            let uid = api.object(ServiceAccount.self, "web", namespace: "default")?.metadata.uid
            #expect(filled?.metadata.annotations[TokenSecretController.accountUID] == uid)
            let claims = try? issuer.verifyLegacy(text(filled, "token"))
            #expect(claims?.subject == "system:serviceaccount:default:web")
            #expect(claims?.secretName == "token")
            // An account takes its tokens with it.
            api.remove(ServiceAccount.self, "web", namespace: "default")
            #expect(await eventually { api.object(Secret.self, "token", namespace: "default") == nil })
        }
    }

    private func bootstrapToken(_ id: String, expires: Time? = nil, signing: Bool = true) -> Secret {
        var secret = Secret(name: "bootstrap-token-\(id)", namespace: "kube-system")
        secret.type = BootstrapToken.secretType
        var data = ["token-id": id, "token-secret": "0123456789abcdef"]
        data["usage-bootstrap-signing"] = signing ? "true" : "false"
        if let expires { data["expiration"] = expires.description }
        secret.data = data.mapValues { Data($0.utf8).base64EncodedString() }
        return secret
    }

    @Test func bootstrapTokensEnd() async throws {
        let clock = FakeClock()
        let api = FakeAPI(now: { clock.now })
        api.put(bootstrapToken("aaaaaa", expires: clock.now.adding(seconds: -1)))
        api.put(bootstrapToken("bbbbbb", expires: clock.now.adding(seconds: 3600)))
        api.put(bootstrapToken("cccccc"))
        await withControllers(["token-cleaner-controller"], api, clock: clock) {
            #expect(
                await eventually {
                    api.object(Secret.self, "bootstrap-token-aaaaaa", namespace: "kube-system") == nil
                })
        }
        #expect(api.objects(Secret.self).count == 2)
    }

    @Test func clusterInfoIsSigned() async throws {
        let api = FakeAPI()
        var info = ConfigMap(name: "cluster-info", namespace: "kube-public")
        info.data = ["kubeconfig": "text", "jws-kubeconfig-gone00": "old"]
        api.put(info)
        api.put(bootstrapToken("aaaaaa"))
        api.put(bootstrapToken("bbbbbb", signing: false))
        await withControllers(["bootstrap-signer-controller"], api) {
            #expect(
                await eventually {
                    let data = api.object(ConfigMap.self, "cluster-info", namespace: "kube-public")?.data ?? [:]
                    return Set(data.keys) == ["kubeconfig", "jws-kubeconfig-aaaaaa"]
                })
        }
        let data = api.object(ConfigMap.self, "cluster-info", namespace: "kube-public")?.data ?? [:]
        // HMAC-SHA256 of the header and the text, as go-jose makes it.
        let parts = (data["jws-kubeconfig-aaaaaa"] ?? "").split(separator: ".", omittingEmptySubsequences: false)
        #expect(parts.count == 3)
        #expect(parts.first.map { String($0) } == "eyJhbGciOiJIUzI1NiIsImtpZCI6ImFhYWFhYSJ9")
        #expect(parts.last?.count == 43)
    }

    @Test func aggregatesFollowTheirParts() async throws {
        let api = FakeAPI()
        func part(_ name: String, _ resource: String, label: String = "yes") -> ClusterRole {
            var role = ClusterRole(name: name)
            role.metadata.labels = ["part": label]
            var rule = PolicyRule()
            rule.verbs = ["get"]
            rule.apiGroups = [""]
            rule.resources = [resource]
            role.rules = [rule]
            return role
        }
        api.put(
            ClusterRole([
                "metadata": ["name": "all"],
                "aggregationRule": ["clusterRoleSelectors": [["matchLabels": ["part": "yes"]]]],
            ]))
        api.put(part("b", "pods"))
        api.put(part("a", "secrets"))
        api.put(part("c", "nodes", label: "no"))
        @Sendable func resources() -> [[String]] { api.object(ClusterRole.self, "all")?.rules.map(\.resources) ?? [] }
        await withControllers(["clusterrole-aggregation-controller"], api) {
            #expect(await eventually { resources() == [["secrets"], ["pods"]] })
            api.put(part("c", "nodes"))
            #expect(await eventually { resources() == [["secrets"], ["pods"], ["nodes"]] })
            api.remove(ClusterRole.self, "a")
            #expect(await eventually { resources() == [["pods"], ["nodes"]] })
        }
    }
}
