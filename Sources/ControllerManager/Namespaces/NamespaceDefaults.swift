import JSON
import KubeClient
import KubeTypes

/// Gives every namespace its ServiceAccount `default`, under which pods run that name no other.
final class ServiceAccountController: Controller {
    private static let name = "default"

    private let context: ControllerContext
    private let namespaces: Informer<Namespace>
    private let accounts: Informer<ServiceAccount>
    private let queue: WorkQueue<String>

    init(_ context: ControllerContext) {
        self.context = context
        namespaces = context.informers.informer(Namespace.self)
        accounts = context.informers.informer(ServiceAccount.self)
        let queue: WorkQueue<String> = context.queue()
        self.queue = queue
        namespaces.addHandler { if !$0.isDeletion { queue.add($0.object.name) } }
        accounts.addHandler { change in
            if case .deleted(let account) = change, account.name == Self.name { queue.add(account.namespace) }
        }
    }

    func run() async {
        await namespaces.waitForSync()
        await accounts.waitForSync()
        await context.work(queue, of: "serviceaccount-controller", workers: 1) { [self] in try await reconcile($0) }
    }

    private func reconcile(_ name: String) async throws {
        guard let namespace = namespaces.get(name), namespace.isActive,
            accounts.get(Self.name, namespace: name) == nil
        else { return }
        do {
            try await context.client.create(ServiceAccount(name: Self.name, namespace: name))
        } catch { if !(error.isAlreadyExists || error.isNamespaceTerminating) { throw error } }
    }
}

/// Puts the certificate authority of the cluster into every namespace, as the ConfigMap that pods' tokens come with.
final class RootCAPublisher: Controller {
    static let name = "kube-root-ca.crt"
    private static let description =
        "The certificates with which clients inside this cluster verify the API server. Other certificates need not be "
        + "signed by them."

    private let context: ControllerContext
    private let namespaces: Informer<Namespace>
    private let configMaps: Informer<ConfigMap>
    private let queue: WorkQueue<String>

    init(_ context: ControllerContext) {
        self.context = context
        namespaces = context.informers.informer(Namespace.self)
        // Only these ConfigMaps are kept, not everybody's.
        configMaps = Informer(
            context.informers.client, fieldSelector: "metadata.name=\(Self.name)", logger: context.logger)
        let queue: WorkQueue<String> = context.queue()
        self.queue = queue
        namespaces.addHandler { if !$0.isDeletion { queue.add($0.object.name) } }
        configMaps.addHandler { queue.add($0.object.namespace) }
    }

    func run() async {
        guard !context.options.rootCA.isEmpty else { return }
        let informer = Task { [configMaps] in await configMaps.run() }
        await namespaces.waitForSync()
        await configMaps.waitForSync()
        await context.work(queue, of: "root-ca-certificate-publisher-controller", workers: 1) { [self] in
            try await reconcile($0)
        }
        informer.cancel()
        await informer.value
    }

    private func reconcile(_ name: String) async throws {
        guard let namespace = namespaces.get(name), namespace.isActive else { return }
        let data = ["ca.crt": context.options.rootCA]
        guard var configMap = configMaps.get(Self.name, namespace: name) else {
            var configMap = ConfigMap(name: Self.name, namespace: name)
            configMap.metadata.annotations = ["kubernetes.io/description": Self.description]
            configMap.data = data
            do {
                try await context.client.create(configMap)
            } catch { if !(error.isAlreadyExists || error.isNamespaceTerminating) { throw error } }
            return
        }
        let description = configMap.annotations["kubernetes.io/description"]
        guard configMap.data != data || description != Self.description else { return }
        configMap.data = data
        configMap.metadata.annotations["kubernetes.io/description"] = Self.description
        do {
            try await context.client.update(configMap)
        } catch { if !error.isNotFound { throw error } }
    }
}

extension Namespace {
    /// Things can be created in it.
    var isActive: Bool { !isBeingDeleted && status.phase != "Terminating" }
}
