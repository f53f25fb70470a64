import APIServer
import ControllerManager
import Foundation
import HTTPServer
import JSON
import KubeClient
import KubeTypes
import Logging
import PKI
import Scheduler
import Storage

/// Store, API server, controllers and scheduler in one process, and the sockets on which the API answers.
final class ControlPlane: Sendable {
    let keys: ClusterKeys
    let server: APIServer
    let store: any Store
    let kubelets: KubeletProxy
    private let schedulerConfiguration: SchedulerConfiguration
    private let simulatedNodes: SimulatedNodes?
    private let options: ClusterOptions
    private let logger: Logger

    /// Opens the store and brings the API server's cache up; nothing listens yet.
    init(_ options: ClusterOptions, logger: Logger) async throws(ClusterError) {
        self.options = options
        self.logger = logger
        var configuration = APIServerConfiguration()
        configuration.advertiseAddress = options.advertised
        configuration.advertisePort = options.port
        configuration.serviceCIDR = Addresses.serviceCIDR
        // They run in this process: while it answers, they run.
        configuration.components = { [("controller-manager", nil), ("scheduler", nil)] }
        configuration.notReadyTolerationSeconds = options.notReadyTolerationSeconds
        configuration.unreachableTolerationSeconds = options.unreachableTolerationSeconds
        try SharedState.adoptKeys(options)
        keys = try ClusterKeys(options, issuer: configuration.serviceAccountIssuer)
        let database = try SharedState.open(options, logger: logger)
        do throws(ClusterError) {
            try await SharedState.verify(database, keys, options)
        } catch {
            await database.close()
            throw error
        }
        schedulerConfiguration = try Self.scheduling(options)
        simulatedNodes = try options.simulatedNodes.map { nodes throws(ClusterError) in try SimulatedNodes(nodes) }
        store = try Self.encrypted(database, options, logger: logger)
        let audit = try Self.audit(options, logger: logger)
        do {
            kubelets = try KubeletProxy(authority: keys.authority, identity: keys.kubeletClient)
            server = APIServer(
                configuration: configuration, store: store,
                authentication: try Self.authentication(options, keys), kubelets: kubelets,
                frontProxy: FrontProxy(
                    authorityPEM: keys.frontProxyAuthority.certificatePEM,
                    certificatePEM: keys.frontProxyClient.certificatePEM,
                    privateKeyPEM: keys.frontProxyClient.privateKeyPEM,
                    clientAuthorityPEM: keys.authority.certificatePEM), audit: audit,
                logger: Logger(label: "apiserver", from: logger))
            try await server.start()
        } catch {
            throw ClusterError("the API server: \(error)")
        }
    }

    /// The database behind the encryption that the options ask for.
    private static func encrypted(_ store: any Store, _ options: ClusterOptions, logger: Logger) throws(ClusterError)
        -> any Store
    {
        guard let path = options.encryptionProviderConfig else { return store }
        guard let text = FileManager.default.contents(atPath: path) else {
            throw ClusterError("\(path) cannot be read", mend: "name a file with --encryption-provider-config")
        }
        do {
            return EncryptedStore(
                store, try EncryptionConfiguration(Array(text)), logger: Logger(label: "store", from: logger))
        } catch {
            throw ClusterError("\(path): \(error)")
        }
    }

    private static func scheduling(_ options: ClusterOptions) throws(ClusterError) -> SchedulerConfiguration {
        guard let path = options.schedulerConfig else { return SchedulerConfiguration() }
        guard let text = FileManager.default.contents(atPath: path) else {
            throw ClusterError("\(path) cannot be read", mend: "name a file with --scheduler-config")
        }
        do {
            return try SchedulerConfiguration(yaml: String(decoding: text, as: UTF8.self))
        } catch {
            throw ClusterError("\(path): \(error)")
        }
    }

    private static func audit(_ options: ClusterOptions, logger: Logger) throws(ClusterError) -> Audit? {
        guard let path = options.auditPolicyFile else { return nil }
        guard let text = FileManager.default.contents(atPath: path) else {
            throw ClusterError("\(path) cannot be read", mend: "name a file with --audit-policy-file")
        }
        var sinks: [any AuditSink] = []
        do {
            if let log = options.auditLogPath {
                var file = AuditLogFile.Options(path: log)
                file.maxSize = options.auditLogMaxSize
                file.maxBackups = options.auditLogMaxBackup
                file.maxAge = options.auditLogMaxAge
                sinks.append(try AuditLogFile(file, logger: Logger(label: "audit", from: logger)))
            }
            if let config = options.auditWebhookConfigFile {
                let reached = try KubeConfig.load(path: config)
                var webhook = AuditWebhook.Configuration(url: reached.server)
                webhook.authorityPEM = reached.caPEM
                switch reached.credentials {
                case .clientCertificate(let certificate, let key):
                    webhook.certificatePEM = certificate
                    webhook.privateKeyPEM = key
                case .token(let token): webhook.token = token
                case .none: break
                }
                sinks.append(try AuditWebhook(webhook, logger: Logger(label: "audit", from: logger)))
            }
            return Audit(policy: try AuditPolicy(Array(text)), sink: sinks.count == 1 ? sinks[0] : AuditSinks(sinks))
        } catch {
            throw ClusterError("\(error)")
        }
    }

    /// Who is believed: the cluster's own certificates and tokens, and what the files say that were named at start.
    private static func authentication(_ options: ClusterOptions, _ keys: ClusterKeys) throws(ClusterError)
        -> RequestAuthenticator.Configuration
    {
        var authentication = RequestAuthenticator.Configuration(tokenIssuer: keys.tokens)
        do {
            authentication.requestHeader = RequestHeaderAuthentication(
                authority: try ClientCertificateVerifier(authoritiesPEM: keys.frontProxyAuthority.certificatePEM),
                allowedNames: [FrontProxy.commonName])
        } catch {
            throw ClusterError("the front proxy's CA: \(error)")
        }
        func read<Value>(
            _ path: String, _ parse: (String) throws(AuthenticationError) -> Value
        ) throws(ClusterError) -> Value {
            let text: String?
            do { text = try SecretFile.read(path) } catch { throw ClusterError("\(error)") }
            guard let text else { throw ClusterError("\(path): there is no such file") }
            do { return try parse(text) } catch { throw ClusterError("\(path): \(error)") }
        }
        if case .paths(let paths) = RequestAuthenticator.AnonymousAccess.health {
            // Who joins must learn whose cluster it is before it can show who it is itself.
            authentication.anonymous = .paths(paths.union([NodeJoin.clusterInfoPath]))
        }
        if let path = options.tokenAuthFile {
            authentication.staticTokens = try read(path, StaticTokenFile.parse)
        }
        if let path = options.authenticationConfig {
            let file = try read(path) { text throws(AuthenticationError) in try AuthenticationConfiguration(yaml: text)
            }
            if let anonymous = file.anonymous { authentication.anonymous = anonymous }
            do throws(AuthenticationError) {
                for issuer in file.issuers { authentication.openIDIssuers.append(try OpenIDIssuer(issuer)) }
            } catch {
                throw ClusterError("\(path): \(error)")
            }
        }
        return authentication
    }

    /// Answers on `host` and the cluster's port.
    func listen(on host: String) async throws(ClusterError) -> HTTPServer {
        // Clients come with certificates of the cluster's, proxies that speak for others with those of their own CA.
        let authorities = keys.authority.certificatePEM + keys.frontProxyAuthority.certificatePEM
        let verifier: ClientCertificateVerifier
        do {
            verifier = try ClientCertificateVerifier(authoritiesPEM: authorities)
        } catch {
            throw ClusterError("the cluster's CA: \(error)")
        }
        do {
            let tls = HTTPServer.TLS(
                certificateChainPEM: Array(keys.apiServer.certificatePEM.utf8),
                privateKeyPEM: Array(keys.apiServer.privateKeyPEM.utf8),
                clientCertificates: HTTPServer.ClientCertificates(
                    certificateAuthoritiesPEM: Array(authorities.utf8),
                    verify: { await verifier.problem(with: $0) }))
            let server = server
            let configuration = HTTPServer.Configuration(
                host: host, port: options.port, tls: tls,
                logger: logger)
            return try await HTTPServer.start(configuration, responder: server)
        } catch HTTPServerError.addressInUse {
            throw ClusterError(
                "port \(options.port) of \(host) is taken", mend: "name another with --port, or stop who has it")
        } catch {
            throw ClusterError("the API cannot listen on \(host):\(options.port): \(error)")
        }
    }

    /// The API as a component has it.
    func client(as name: String, groups: [String] = []) -> KubeClient {
        let user = UserInfo(name: name, groups: groups + ["system:authenticated"])
        return KubeClient(InProcessTransport(api: server.inProcess(as: user)))
    }

    /// The API as a service account of `kube-system` has it.
    func client(ofAccount name: String) -> KubeClient {
        client(
            as: "system:serviceaccount:kube-system:\(name)",
            groups: ["system:serviceaccounts", "system:serviceaccounts:kube-system"])
    }

    /// The API as the server's own node has it.
    func nodeAPI(_ nodeName: String) -> NodeAPI {
        NodeAPI(
            kubelet: client(as: "system:node:\(nodeName)", groups: ["system:nodes"]),
            proxy: client(as: "system:kube-proxy"), dns: client(ofAccount: "coredns"),
            serverCertificatePEM: keys.kubeletServer.certificatePEM, serverKeyPEM: keys.kubeletServer.privateKeyPEM,
            clientCAPEM: keys.authority.certificatePEM, ingress: ingressIdentity)
    }

    private var ingressIdentity: IngressIdentity? {
        guard options.servesIngress else { return nil }
        do {
            let certificate = try keys.authority.issueServer(
                commonName: "ingress.local", dnsNames: ["ingress.local"], ipAddresses: [])
            return IngressIdentity(client: client(ofAccount: "martlet-ingress"), certificate: certificate)
        } catch {
            logger.error("Ingresses are not served, for there is no certificate: \(error)")
            return nil
        }
    }

    /// Writes down what machines that join must know: where the API is and who its authority is, for everybody and signed
    /// with the tokens; and what is the same on all nodes, for nodes.
    func publish() async {
        let authority = Data(keys.authority.certificatePEM.utf8).base64EncodedString()
        let kubeconfig: JSONValue = [
            "apiVersion": "v1", "kind": "Config",
            "clusters": [
                [
                    "name": "",
                    "cluster": [
                        "certificate-authority-data": .string(authority),
                        "server": .string("https://\(options.advertised):\(options.port)"),
                    ],
                ]
            ],
        ]
        await publish("cluster-info", in: "kube-public", ["kubeconfig": YAML.text(of: kubeconfig)])
        await publish(ClusterNetwork.configMap, in: "kube-system", options.network.data)
    }

    private func publish(_ name: String, in namespace: String, _ data: [String: String]) async {
        let client = client(as: "system:apiserver", groups: ["system:masters"])
        do {
            var map = ConfigMap(name: name, namespace: namespace)
            map.data = data
            try await client.put(map) { live in
                // Signatures are others'.
                let merged = live.data.merging(data) { $1 }
                guard merged != live.data else { return false }
                live.data = merged
                return true
            }
        } catch {
            logger.error("the ConfigMap \(namespace)/\(name): \(error)")
        }
    }

    /// The autoscaler's way to the metrics APIs: over HTTPS, since other servers answer them.
    private func metricsTransport() -> HTTPSTransport? {
        do {
            let identity = try keys.authority.issueClient(
                commonName: "system:serviceaccount:kube-system:horizontal-pod-autoscaler")
            return try HTTPSTransport(
                HTTPSTransport.Configuration(
                    server: "https://127.0.0.1:\(options.port)", caPEM: keys.authority.certificatePEM,
                    credentials: .clientCertificate(
                        certificatePEM: identity.certificatePEM, keyPEM: identity.privateKeyPEM)), logger: logger)
        } catch {
            logger.error("autoscalers have no way to the metrics APIs: \(error)")
            return nil
        }
    }

    /// Runs controllers and scheduler until the task is cancelled.
    func runComponents() async {
        var managerOptions = ControllerManagerOptions()
        managerOptions.rootCA = keys.authority.certificatePEM
        managerOptions.authority = keys.authority
        managerOptions.tokenIssuer = keys.tokens
        // Whichever server leads does it for the nodes of all.
        managerOptions.loadBalancerPool =
            options.runsNode || options.sharedState != nil ? options.loadBalancerPool : nil
        managerOptions.resources = ServedResource.builtin
        managerOptions.localVolumesDirectory = options.directory.kubelet + "/local-volumes"
        managerOptions.podCIDR = options.network.podCIDR
        managerOptions.reservedPodCIDRs = [options.network.firstPodCIDR, options.network.machineLink]
        managerOptions.reservedNames = ["127.0.0.1", "::1", Addresses.kubernetesService, options.advertised]
        managerOptions.autoscaling = options.autoscaling
        let metrics = metricsTransport()
        managerOptions.metrics = metrics.map { KubeClient($0) }
        managerOptions.nodeMonitorPeriod = options.nodeMonitorPeriod
        managerOptions.nodeMonitorGraceSeconds = options.nodeMonitorGraceSeconds
        managerOptions.nodeStartupGraceSeconds = options.nodeStartupGraceSeconds
        managerOptions.nodeEvictionRate = options.nodeEvictionRate
        let identity = "\(ClusterOptions.hostName())_\(UUID().uuidString.lowercased())"
        managerOptions.leaderElection = options.election("kube-controller-manager", identity: identity)
        managerOptions.logger = Logger(label: "controller-manager", from: logger)
        let manager = ControllerManager(
            client: client(as: "system:kube-controller-manager"), options: managerOptions,
            clientOf: { [self] account in client(ofAccount: account) })
        let master = client(as: "system:apiserver", groups: ["system:masters"])
        await withTaskGroup(of: Void.self) { group in
            group.addTask { [logger] in await DefaultStorageClass.ensure(master, logger: logger) }
            group.addTask { [logger] in
                await ServerIdentity(client: master, hostName: ClusterOptions.hostName(), logger: logger).run()
            }
            group.addTask { await manager.run() }
            group.addTask { [self] in await runScheduler(identity) }
            if let simulatedNodes {
                let simulator = simulatedNodes.simulator(
                    client(as: "system:martlet:simulation", groups: ["system:masters"]), logger: logger)
                group.addTask { await simulator.run() }
            }
            group.addTask { [self] in
                await DNSServers(
                    client: client(ofAccount: "coredns"), reader: client(as: "system:kube-proxy"),
                    network: options.network, ownNode: options.runsNode ? options.nodeName : "", logger: logger
                ).run()
            }
        }
        await metrics?.shutdown()
    }

    /// Schedules while this server's scheduler leads, each time with nothing remembered from before.
    private func runScheduler(_ identity: String) async {
        let client = client(as: "system:kube-scheduler")
        let logger = Logger(label: "scheduler", from: logger)
        let work: @Sendable () async -> Void = { [schedulerConfiguration] in
            await Scheduler(
                client: client, configuration: schedulerConfiguration, formats: ExpressionFormats.all,
                logger: logger,
                seed: .random(in: .min ... .max)
            ).run()
        }
        guard let election = options.election("kube-scheduler", identity: identity) else { return await work() }
        await LeaderElection(client: client, options: election, logger: logger).run(work)
    }

    func stop() async {
        await server.leave()
        server.stop()
        await store.close()
    }
}

extension Logger {
    /// A logger with another label and the same level.
    init(label: String, from other: Logger) {
        self.init(label: label)
        logLevel = other.logLevel
    }
}
