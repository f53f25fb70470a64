// Doing what was decided about a pod: sandboxes and containers made, started and stopped through the runtime.

import CRI
import Glibc
import KubeClient
import KubeTypes
import Logging

/// The hands of the node agent. It decides nothing and remembers nothing about a pod.
struct PodExecutor: Sendable {
    let runtime: any RuntimeService
    let volumes: PodVolumes
    let images: ImagePuller
    let hooks: HookRunner
    let cgroups: PodCgroups
    let devices: DeviceManager
    let reporter: PodReporter
    let facts: @Sendable () -> NodeFacts
    let services: @Sendable () async -> [Service]
    let now: @Sendable () -> Time
    let logger: Logger

    // MARK: The sandbox

    /// Stops the sandboxes that are replaced, makes the pod's volumes and runs a new sandbox.
    func createSandbox(_ pod: Pod, attempt: Int, replacing: [String]) async throws {
        let facts = facts()
        if !replacing.isEmpty {
            reporter.normal(pod, nil, "SandboxChanged", "Pod sandbox changed, it will be killed and re-created.")
            for id in replacing { try await runtime.stopPodSandbox(id) }
        }
        try Files.makeDirectory(volumes.podDirectory(pod.uid), mode: 0o750)
        do {
            _ = try await volumes.prepare(pod, allocatable: facts.allocatable)
        } catch let error as VolumeError {
            reporter.warning(pod, nil, "FailedMount", error.description)
            throw error
        }
        do throws(DeviceError) { try await devices.prepare(pod) } catch {
            reporter.warning(
                pod, nil, "FailedPrepareDynamicResources",
                "Failed to prepare dynamic resources: prepare dynamic resources: \(error)")
            throw error
        }
        let config: SandboxConfig
        do { config = try SandboxPlan.config(pod, attempt: attempt, node: facts) } catch {
            reporter.warning(pod, nil, "FailedCreatePodSandBox", "Failed to create pod sandbox: \(error)")
            throw error
        }
        try Files.makeDirectory(config.logDirectory)
        cgroups.set(pod)
        do {
            _ = try await runtime.runPodSandbox(config)
        } catch let error as RuntimeError {
            reporter.warning(
                pod, nil, "FailedCreatePodSandBox",
                "Failed to create pod sandbox: rpc error: code = Unknown desc = \(error)")
            throw error
        }
    }

    // MARK: Starting a container

    func start(_ container: Container, of pod: Pod, observed: ObservedPod, sandbox: RuntimeSandboxStatus) async throws {
        let facts = facts()
        let sandboxConfig = try SandboxPlan.config(pod, attempt: sandbox.sandbox.metadata.attempt, node: facts)
        let (config, _) = try await configuration(container, pod, observed, sandbox, sandboxConfig, facts)
        let id: String
        do {
            try Files.makeDirectory("\(sandboxConfig.logDirectory)/\(container.name)")
            id = try await runtime.createContainer(config, in: sandbox.sandbox.id, sandboxConfig)
        } catch let error as RuntimeError {
            reporter.warning(pod, container, "Failed", "Error: \(error)")
            throw StartFailure(reason: "CreateContainerError", message: "\(error)")
        }
        reporter.normal(pod, container, "Created", "Container created")
        do {
            try await runtime.startContainer(id)
        } catch let error as RuntimeError {
            reporter.warning(pod, container, "Failed", "Error: \(error)")
            throw StartFailure(reason: "RunContainerError", message: "\(error)")
        }
        reporter.normal(pod, container, "Started", "Container started")
        guard let hook = container.lifecycle?.postStart else { return }
        do {
            try await hooks.run(hook, container: container, id: id, podIP: sandbox.ips.first ?? facts.ips.first ?? "")
        } catch {
            reporter.warning(pod, container, "FailedPostStartHook", "PostStartHook failed")
            reporter.normal(pod, container, "Killing", "FailedPostStartHook")
            try? await runtime.stopContainer(id, timeout: max(2, pod.spec.terminationGracePeriodSeconds ?? 30))
            throw StartFailure(reason: "PostStartHookError", message: "\(error)")
        }
    }

    private func configuration(
        _ container: Container, _ pod: Pod, _ observed: ObservedPod, _ sandbox: RuntimeSandboxStatus,
        _ sandboxConfig: SandboxConfig, _ facts: NodeFacts
    ) async throws -> (ContainerConfig, RuntimeImage) {
        let objects: ReferencedObjects
        do {
            objects = try await volumes.sources.objects(of: pod)
        } catch let error as APIError {
            throw StartFailure(reason: "CreateContainerConfigError", message: "\(error)", retry: 1)
        }
        let secrets = pod.spec.imagePullSecrets.compactMap { objects.secrets[$0.name ?? ""] }
        let found: (image: RuntimeImage, reference: String)
        do {
            found = try await images.ensure(container, of: pod, secrets: secrets, sandbox: sandboxConfig)
        } catch let failure as StartFailure {
            reporter.warning(pod, container, "Failed", "Error: \(failure.reason)")
            throw failure
        }
        let prepared: [String: PreparedVolume]
        do {
            prepared = try await volumes.prepare(pod, allocatable: facts.allocatable)
        } catch let error as VolumeError {
            reporter.warning(pod, nil, "FailedMount", error.description)
            throw StartFailure(reason: "ContainerCreating", message: "", retry: 2)
        }
        for mount in container.volumeMounts {
            if let failure = prepared[mount.name]?.failure { throw failure }
        }
        do {
            let attempt = restartCount(container, pod, observed, sandboxConfig.logDirectory)
            let ips = pod.isHostNetwork ? facts.ips : sandbox.ips
            let environment = try EnvironmentBuilder(
                pod: pod, container: container, objects: objects, services: await services(), podIPs: ips,
                hostIPs: facts.ips, nodeName: facts.name, nodeAllocatable: facts.allocatable,
                volumes: prepared
            ).build()
            let names: [String]
            do throws(DeviceError) { names = try await devices.cdiDevices(of: container, in: pod) } catch {
                throw ConfigError(error.description)
            }
            let edits = facts.features.deviceInterface ? DeviceEdits() : try DeviceInterface.edits(for: names)
            let plan = ContainerPlan(
                pod: pod, container: container, attempt: attempt, image: found.image, imageReference: found.reference,
                environment: environment, volumes: prepared, hostsFile: try writeHosts(pod, ips, facts),
                terminationLog: try makeTerminationLog(pod, container), node: facts, cdiDevices: names,
                deviceEdits: edits,
                targetContainer: try target(of: container, pod, observed))
            let config = try plan.config()
            for mount in config.mounts where !Files.exists(mount.hostPath) {
                // The path of a hostPath without a type is made as a directory, as runtimes always did.
                try? Files.makeDirectory(mount.hostPath)
            }
            return (config, found.image)
        } catch let error as ConfigError {
            reporter.warning(pod, container, "Failed", "Error: \(error)")
            throw StartFailure(reason: "CreateContainerConfigError", message: error.description)
        } catch let error as SystemError {
            reporter.warning(pod, container, "Failed", "Error: \(error)")
            throw StartFailure(reason: "CreateContainerConfigError", message: error.description)
        }
    }

    /// The container that an ephemeral one is to look into.
    private func target(of container: Container, _ pod: Pod, _ observed: ObservedPod) throws(ConfigError) -> String? {
        guard let name = pod.spec.ephemeralContainers.first(where: { $0.name == container.name })?.targetContainerName,
            !name.isEmpty
        else { return nil }
        guard let found = observed.latest(name), found.state == .running else {
            throw ConfigError("unable to find target container \(name)")
        }
        return found.id
    }

    /// One more than the last; where the runtime has forgotten the last, its log still counts.
    private func restartCount(_ container: Container, _ pod: Pod, _ observed: ObservedPod, _ logs: String) -> Int {
        if let last = observed.latest(container.name) { return last.restartCount + 1 }
        let numbers = Files.list("\(logs)/\(container.name)").compactMap { name in
            name.hasSuffix(".log") ? Int(name.dropLast(".log".count)) : nil
        }
        return numbers.max().map { $0 + 1 } ?? 0
    }

    private func writeHosts(_ pod: Pod, _ ips: [String], _ facts: NodeFacts) throws(SystemError) -> String {
        let path = volumes.podDirectory(pod.uid) + "/etc-hosts"
        let content: String
        if pod.isHostNetwork {
            content = HostsFile.content(node: Files.text("/etc/hosts") ?? "", aliases: pod.spec.hostAliases)
        } else {
            let (hostname, domain) = HostsFile.hostname(of: pod, clusterDomain: facts.clusterDomain)
            content = HostsFile.content(ips: ips, hostname: hostname, domain: domain, aliases: pod.spec.hostAliases)
        }
        try Files.write(content, to: path)
        return path
    }

    private func makeTerminationLog(_ pod: Pod, _ container: Container) throws(SystemError) -> String {
        let directory = "\(volumes.podDirectory(pod.uid))/containers/\(container.name)"
        try Files.makeDirectory(directory, mode: 0o750)
        let path = "\(directory)/\(String(UInt32.random(in: .min ... .max), radix: 16))"
        // Whoever the container runs as may write it.
        try Files.write("", to: path, mode: 0o666)
        return path
    }

    // MARK: Stopping

    /// Runs the container's preStop hook, asks it to end, and ends it when its time is up.
    /// - Parameter grace: Seconds for both.
    func stop(
        _ status: RuntimeContainerStatus, of pod: Pod, message: String?, grace: Int, podIP: String
    ) async {
        let container = pod.allContainers.first { $0.name == status.name }
        reporter.normal(pod, container, "Killing", message ?? "Stopping container \(status.name)")
        var remaining = Double(grace)
        if let container, let hook = container.lifecycle?.preStop, grace > 0 {
            let begun = ContinuousClock.now
            let outcome = await withDeadline(seconds: grace) {
                try await hooks.run(hook, container: container, id: status.id, podIP: podIP)
            }
            if !outcome { reporter.warning(pod, container, "FailedPreStopHook", "PreStopHook failed") }
            let took = ContinuousClock.now - begun
            remaining -= Double(took.components.seconds) + Double(took.components.attoseconds) / 1e18
        }
        if let name = container?.lifecycle?.stopSignal, let signal = StopSignal.number(name) {
            remaining -= await ask(status.id, of: pod, to: signal, seconds: max(2, remaining))
        }
        do {
            // Two seconds at least, so that nothing is cut off that was about to end.
            try await runtime.stopContainer(status.id, timeout: max(2, Int(remaining.rounded(.up))))
        } catch {
            logger.warning("container \(status.name) of \(pod.key) could not be stopped: \(error)")
            reporter.warning(
                pod, nil, "FailedKillPod",
                "error killing pod: failed to \"KillContainer\" for \"\(status.name)\" with KillContainerError: \"\(error)\""
            )
        }
    }

    /// Sends the signal that a container wants to be ended by, which the runtime does not know, and waits for the end.
    /// - Returns: the seconds that took.
    private func ask(_ id: String, of pod: Pod, to signal: Int32, seconds: Double) async -> Double {
        guard let found = cgroups.tree.firstProcess("\(cgroups.path(of: pod))/\(id)"), found > 1,
            kill(found, signal) == 0
        else { return 0 }
        let begun = ContinuousClock.now
        let end = begun + .seconds(seconds)
        while ContinuousClock.now < end, kill(found, 0) == 0 {
            do { try await Task.sleep(for: .milliseconds(50)) } catch { break }
        }
        let took = ContinuousClock.now - begun
        return Double(took.components.seconds) + Double(took.components.attoseconds) / 1e18
    }

    /// Ends containers without giving them time, and removes them one after the other. Their logs stay.
    func reset(_ statuses: [RuntimeContainerStatus], of pod: Pod) async throws {
        for status in statuses {
            if status.state != .exited {
                let container = pod.allContainers.first { $0.name == status.name }
                reporter.normal(pod, container, "Killing", "Stopping container \(status.name)")
                try await runtime.stopContainer(status.id, timeout: 0)
            }
            try await runtime.removeContainer(status.id)
        }
    }

    /// Stops all containers of a pod, sidecars after the others and in reverse order, then its sandboxes.
    func stopAll(_ pod: Pod, _ observed: ObservedPod, grace: Int) async {
        let podIP = observed.sandboxes.first?.ips.first ?? ""
        let sidecars = pod.spec.initContainers.filter(\.isSidecar).map(\.name)
        let running = observed.running
        let begun = ContinuousClock.now
        await withTaskGroup(of: Void.self) { group in
            for status in running where !sidecars.contains(status.name) {
                group.addTask { await stop(status, of: pod, message: nil, grace: grace, podIP: podIP) }
            }
        }
        for name in sidecars.reversed() {
            guard let status = running.first(where: { $0.name == name }) else { continue }
            let left = grace - Int((ContinuousClock.now - begun).components.seconds)
            await stop(status, of: pod, message: nil, grace: max(0, left), podIP: podIP)
        }
        for sandbox in observed.sandboxes where sandbox.sandbox.ready {
            do {
                try await runtime.stopPodSandbox(sandbox.sandbox.id)
            } catch {
                logger.warning("the sandbox of \(pod.key) could not be stopped: \(error)")
                reporter.warning(
                    pod, nil, "FailedKillPod",
                    "error killing pod: failed to \"KillPodSandbox\" for \"\(pod.uid)\" with KillPodSandboxError: "
                        + "\"\(error)\"")
            }
        }
    }

    /// Removes everything a pod has on the node, in the runtime and on disk.
    func remove(uid: String, logDirectory: String?) async throws {
        for sandbox in try await runtime.listPodSandboxes(labels: [RuntimeKeys.podUID: uid]) {
            try await runtime.stopPodSandbox(sandbox.id)
            try await runtime.removePodSandbox(sandbox.id)
        }
        for container in try await runtime.listContainers(labels: [RuntimeKeys.podUID: uid]) {
            try await runtime.removeContainer(container.id)
        }
        await volumes.sources.forget(uid)
        await volumes.tokens.forget(uid)
        await volumes.claims.forget(uid)
        try volumes.remove(uid)
        if let logDirectory { try? Files.removeTree(logDirectory) }
        cgroups.tree.remove(pod: uid, root: cgroups.root)
    }
}

/// - Returns: whether the work was done within the time, without an error.
private func withDeadline(seconds: Int, _ work: @escaping @Sendable () async throws -> Void) async -> Bool {
    await withTaskGroup(of: Bool.self) { group in
        group.addTask {
            do { try await work() } catch { return false }
            return true
        }
        group.addTask {
            do { try await Task.sleep(for: .seconds(seconds)) } catch { return true }
            return false
        }
        defer { group.cancelAll() }
        return await group.next() ?? false
    }
}
