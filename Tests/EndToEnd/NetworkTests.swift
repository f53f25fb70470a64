import Foundation
import Testing

extension EndToEnd {
    /// What stands between a client and a pod on a real node: policies, Services with two versions behind them, and
    /// Ingresses. They need root and the packages of Scripts/prerequisites.sh.
    @Suite(.serialized)
    final class NetworkTests {
        private let cluster = TestCluster(name: "network", port: 17449, node: true)
        private let kubeconfig: String

        init() {
            kubeconfig = cluster.kubeconfig
            let up = cluster.martlet(["up", "--detach", "--no-context", "--node-name", "first", "--port", "17449"])
            #expect(up.status == 0, "\(up.error)")
            cluster.loadImages("slides")
        }

        deinit { cluster.down() }

        @discardableResult
        private func kubectl(_ arguments: String..., input: String? = nil) -> String {
            let result = run("kubectl", arguments, environment: ["KUBECONFIG": kubeconfig], input: input)
            #expect(result.status == 0, "kubectl \(arguments.joined(separator: " ")): \(result.error)")
            return result.output.trimmingCharacters(in: .whitespacesAndNewlines)
        }

        private func apply(_ manifest: String) { kubectl("apply", "-f", "-", input: manifest) }

        private func isReached(_ address: String, from pod: String, in namespace: String = "default") -> Bool {
            run(
                "kubectl",
                ["exec", "-n", namespace, pod, "--", "timeout", "3", "wget", "-q", "-O", "-", "http://\(address)/"],
                environment: ["KUBECONFIG": kubeconfig]
            ).output.contains("version")
        }

        /// How often each version answers.
        private func versions(_ url: String, _ count: Int, _ options: [String] = []) -> [String: Int] {
            let output = run(
                "curl",
                ["-sk", "--parallel", "--parallel-max", "8", "--max-time", "10"] + options
                    + [url + "?[1-\(count)]"]
            ).output
            var found: [String: Int] = [:]
            // Not by lines: answers that come at the same time may share one.
            for after in output.components(separatedBy: "version ").dropFirst() {
                guard let version = after.split(whereSeparator: \.isWhitespace).first else { continue }
                found[String(version), default: 0] += 1
            }
            return found
        }

        private func deployment(_ name: String, version: String, replicas: Int) -> String {
            """
            apiVersion: apps/v1
            kind: Deployment
            metadata: {name: \(name)}
            spec:
              replicas: \(replicas)
              selector: {matchLabels: {name: \(name)}}
              template:
                metadata: {labels: {name: \(name), component: frontend, version: "\(version)"}}
                spec:
                  terminationGracePeriodSeconds: 0
                  containers:
                  - name: application
                    image: learnk8s/app:\(version)
                    imagePullPolicy: IfNotPresent
                    ports: [{name: http, containerPort: 8080}]
                    readinessProbe: {httpGet: {path: /health, port: http}, periodSeconds: 1}
            ---

            """
        }

        private func service(_ name: String, _ selector: String) -> String {
            """
            apiVersion: v1
            kind: Service
            metadata: {name: \(name)}
            spec: {selector: {\(selector)}, ports: [{port: 80, targetPort: 8080}]}
            ---

            """
        }

        private func deployTwoVersions() {
            apply(
                deployment("current", version: "1.0.0", replicas: 3) + deployment("next", version: "2.0.0", replicas: 1)
                    + service("canary-service", "component: frontend") + service("v1", #"version: "1.0.0""#)
                    + service("v2", #"version: "2.0.0""#))
            for name in ["current", "next"] { kubectl("rollout", "status", "deployment/\(name)", "--timeout=60s") }
        }

        private func clusterIP(_ name: String) -> String {
            kubectl("get", "service", name, "-o", "jsonpath={.spec.clusterIP}")
        }

        /// The share of a version that should get a quarter of a thousand requests: five standard deviations to each side.
        private static let quarter = 180...320

        /// Canary and blue-green by labels and selectors, as the first deck has them: three pods of one version and one of
        /// another behind one Service share the traffic 75 to 25.
        @Test func canaryAndBlueGreenBySelector() {
            deployTwoVersions()
            let address = "http://\(clusterIP("canary-service"))/"
            #expect(eventually(10) { self.versions(address, 20).values.reduce(0, +) == 20 })
            let mixed = versions(address, 1000)
            #expect(mixed["1.0.0", default: 0] + mixed["2.0.0", default: 0] == 1000, "\(mixed)")
            #expect(Self.quarter.contains(mixed["2.0.0", default: 0]), "\(mixed)")
            // Green: from one moment on all of it, and nothing is lost on the way.
            kubectl(
                "patch", "service", "canary-service", "--type=json", "-p",
                #"[{"op": "replace", "path": "/spec/selector", "value": {"version": "2.0.0"}}]"#)
            #expect(eventually(10) { self.versions(address, 40) == ["2.0.0": 40] })
            #expect(versions(address, 1000) == ["2.0.0": 1000])
        }

        private func ingressAddress(_ name: String) -> String {
            var address = ""
            #expect(
                eventually(15) {
                    address = self.kubectl(
                        "get", "ingress", name, "-o", "jsonpath={.status.loadBalancer.ingress[0].ip}")
                    return !address.isEmpty
                })
            return address
        }

        private func status(_ url: String, _ options: String...) -> String {
            run("curl", ["-sk", "-o", "/dev/null", "-w", "%{http_code} %{redirect_url}"] + options + [url]).output
                .trimmingCharacters(in: .whitespaces)
        }

        /// Ingresses of today and of the deck's v1beta1, by host, path and share, with TLS.
        @Test func ingress() throws {
            deployTwoVersions()
            apply(
                """
                apiVersion: networking.k8s.io/v1beta1
                kind: Ingress
                metadata: {name: my-ingress}
                spec:
                  rules:
                  - http:
                      paths:
                      - backend: {serviceName: v1, servicePort: 80}
                        path: /
                ---
                apiVersion: networking.k8s.io/v1
                kind: Ingress
                metadata:
                  name: shop
                  annotations: {nginx.ingress.kubernetes.io/rewrite-target: /$2}
                spec:
                  ingressClassName: nginx
                  rules:
                  - host: shop.example
                    http:
                      paths:
                      - path: /api(/|$)(.*)
                        pathType: ImplementationSpecific
                        backend: {service: {name: v2, port: {number: 80}}}
                ---
                apiVersion: networking.k8s.io/v1
                kind: Ingress
                metadata: {name: shared}
                spec:
                  rules:
                  - host: shared.example
                    http:
                      paths:
                      - {path: /, pathType: Prefix, backend: {service: {name: v1, port: {number: 80}}}}
                ---
                apiVersion: networking.k8s.io/v1
                kind: Ingress
                metadata:
                  name: shared-canary
                  annotations:
                    nginx.ingress.kubernetes.io/canary: "true"
                    nginx.ingress.kubernetes.io/canary-weight: "25"
                    nginx.ingress.kubernetes.io/canary-by-header: x-canary
                spec:
                  rules:
                  - host: shared.example
                    http:
                      paths:
                      - {path: /, pathType: Prefix, backend: {service: {name: v2, port: {number: 80}}}}

                """.replacingOccurrences(of: "spec:", with: "spec:"))
            let address = ingressAddress("my-ingress")
            // Without a host, everything goes to the deck's Ingress.
            #expect(eventually(10) { self.versions("http://\(address)/", 4) == ["1.0.0": 4] })
            #expect(eventually(10) { self.status("http://\(address)/health") == "200" })
            // By host and expression; the path is rewritten.
            let shop = ["-H", "Host: shop.example"]
            #expect(eventually(10) { self.versions("http://\(address)/api/", 4, shop) == ["2.0.0": 4] })
            #expect(status("http://\(address)/api/health", "-H", "Host: shop.example") == "200")
            #expect(status("http://\(address)/api/nothing", "-H", "Host: shop.example") == "404")
            // By weight and by header.
            let shared = ["-H", "Host: shared.example"]
            #expect(eventually(10) { self.versions("http://\(address)/", 100, shared).count == 2 })
            let mixed = versions("http://\(address)/", 1000, shared)
            #expect(mixed["1.0.0", default: 0] + mixed["2.0.0", default: 0] == 1000, "\(mixed)")
            #expect(Self.quarter.contains(mixed["2.0.0", default: 0]), "\(mixed)")
            #expect(versions("http://\(address)/", 20, shared + ["-H", "x-canary: always"]) == ["2.0.0": 20])
            #expect(versions("http://\(address)/", 20, shared + ["-H", "x-canary: never"]) == ["1.0.0": 20])

            try secure(address)
        }

        /// TLS from a Secret, by the name that the client asks for.
        private func secure(_ address: String) throws {
            let directory = FileManager.default.temporaryDirectory.appendingPathComponent("martlet-tls-\(getpid())")
                .path
            try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
            defer { try? FileManager.default.removeItem(atPath: directory) }
            let made = run(
                "openssl",
                [
                    "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
                    "-subj", "/CN=safe.example", "-addext", "subjectAltName=DNS:safe.example", "-keyout",
                    directory + "/key", "-out", directory + "/crt",
                ])
            #expect(made.status == 0, "\(made.error)")
            kubectl("create", "secret", "tls", "safe", "--cert=\(directory)/crt", "--key=\(directory)/key")
            apply(
                """
                apiVersion: networking.k8s.io/v1
                kind: Ingress
                metadata: {name: safe}
                spec:
                  tls: [{hosts: [safe.example], secretName: safe}]
                  rules:
                  - host: safe.example
                    http:
                      paths:
                      - {path: /, pathType: Prefix, backend: {service: {name: v1, port: {number: 80}}}}
                """)
            let to = ["--resolve", "safe.example:443:\(address)", "--resolve", "safe.example:80:\(address)"]
            func trusted(_ options: String...) -> String {
                run("curl", ["-s", "--cacert", directory + "/crt"] + options + to + ["https://safe.example/"]).output
            }
            #expect(eventually(10) { trusted().contains("version 1.0.0") })
            #expect(trusted("--http2", "-o", "/dev/null", "-w", "%{http_version}") == "2")
            #expect(status("http://safe.example/", to[0], to[1], to[2], to[3]) == "308 https://safe.example/")
        }

        /// Who may come in and who may go out, by labels of pods and namespaces, by port, and by range.
        @Test func networkPolicies() {
            func pod(_ name: String, _ labels: String = "", namespace: String = "default") -> String {
                """
                apiVersion: v1
                kind: Pod
                metadata: {name: \(name), namespace: \(namespace), labels: {app: \(name)\(labels)}}
                spec:
                  terminationGracePeriodSeconds: 0
                  containers:
                  - name: main
                    image: learnk8s/app:1.0.0
                    imagePullPolicy: IfNotPresent
                    ports: [{name: web, containerPort: 8080}]
                ---

                """
            }
            apply("apiVersion: v1\nkind: Namespace\nmetadata: {name: other, labels: {team: other}}\n")
            #expect(
                eventually(10) {
                    run(
                        "kubectl", ["get", "sa", "default", "-n", "other"],
                        environment: ["KUBECONFIG": self.kubeconfig]
                    ).status == 0
                })
            apply(
                pod("server") + pod("friend", ", access: \"yes\"") + pod("stranger")
                    + pod("foreigner", namespace: "other") + service("server", "app: server"))
            kubectl("wait", "--for=condition=Ready", "pod", "--all", "--timeout=60s")
            kubectl("wait", "-n", "other", "--for=condition=Ready", "pod", "--all", "--timeout=60s")
            let server = kubectl("get", "pod", "server", "-o", "jsonpath={.status.podIP}")
            let direct = "\(server):8080"
            for client in ["friend", "stranger"] { #expect(eventually(15) { self.isReached(direct, from: client) }) }
            #expect(eventually(15) { self.isReached(direct, from: "foreigner", in: "other") })

            apply(
                """
                apiVersion: networking.k8s.io/v1
                kind: NetworkPolicy
                metadata: {name: guard}
                spec:
                  podSelector: {matchLabels: {app: server}}
                  ingress:
                  - from: [{podSelector: {matchLabels: {access: "yes"}}}]
                    ports: [{port: web}]
                """)
            #expect(eventually(10) { !self.isReached(direct, from: "stranger") })
            #expect(eventually(15) { self.isReached(direct, from: "friend") })
            #expect(!isReached(direct, from: "foreigner", in: "other"))
            // By way of the Service it is the same, and the node itself always gets through.
            let name = "server.default.svc.cluster.local"
            #expect(eventually(15) { self.isReached(name, from: "friend") })
            #expect(!isReached(name, from: "stranger"))
            #expect(versions("http://\(direct)/", 2) == ["1.0.0": 2])

            // Another policy adds; it takes nothing away.
            apply(
                """
                apiVersion: networking.k8s.io/v1
                kind: NetworkPolicy
                metadata: {name: neighbours}
                spec:
                  podSelector: {matchLabels: {app: server}}
                  ingress:
                  - from: [{namespaceSelector: {matchLabels: {team: other}}}]
                """)
            #expect(eventually(10) { self.isReached(direct, from: "foreigner", in: "other") })
            #expect(eventually(15) { self.isReached(direct, from: "friend") })
            #expect(!isReached(direct, from: "stranger"))

            // Out: nothing but what is said.
            apply(
                """
                apiVersion: networking.k8s.io/v1
                kind: NetworkPolicy
                metadata: {name: stay}
                spec: {podSelector: {matchLabels: {app: friend}}, policyTypes: [Egress]}
                """)
            #expect(eventually(10) { !self.isReached(direct, from: "friend") })
            apply(
                """
                apiVersion: networking.k8s.io/v1
                kind: NetworkPolicy
                metadata: {name: out}
                spec:
                  podSelector: {matchLabels: {app: friend}}
                  policyTypes: [Egress]
                  egress: [{to: [{ipBlock: {cidr: \(server)/32}}], ports: [{port: 8000, endPort: 8100}]}]
                """)
            #expect(eventually(10) { self.isReached(direct, from: "friend") })
            kubectl("delete", "networkpolicy", "--all")
            #expect(eventually(10) { self.isReached(direct, from: "stranger") })
        }
    }
}
