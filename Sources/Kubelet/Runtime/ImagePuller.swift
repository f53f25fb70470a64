// Seeing to it that a container's image is on the node.

import CRI
import Foundation
import JSON
import KubeTypes

/// Decides by the pull policy, pulls, and waits ever longer after failures.
actor ImagePuller {
    private let runtime: any RuntimeService
    private let store: ImageStore?
    private let reporter: PodReporter
    private let now: @Sendable () -> Time
    private var backoff = Backoff()
    /// What went wrong last, by the back-off's keys.
    private var lastErrors: [String: String] = [:]
    /// Pulls under way, so that an image is pulled once for all pods that wait for it.
    private var pulls: [String: Task<String, any Error>] = [:]

    init(
        runtime: any RuntimeService, store: ImageStore?, reporter: PodReporter, now: @escaping @Sendable () -> Time
    ) {
        self.runtime = runtime
        self.store = store
        self.reporter = reporter
        self.now = now
    }

    /// - Returns: the image and the reference that containers are made from.
    /// - Throws: `StartFailure` with `InvalidImageName`, `ErrImageNeverPull`, `ErrImagePull`, `ImagePullBackOff` or
    ///   `ImageInspectError`.
    func ensure(
        _ container: Container, of pod: Pod, secrets: [Secret], sandbox: SandboxConfig?
    ) async throws -> (image: RuntimeImage, reference: String) {
        let requested = container.image ?? ""
        let name: ImageName
        do {
            name = try ImageName(parsing: requested)
        } catch {
            let message = "Failed to apply default image tag \"\(requested)\": \(error)"
            reporter.warning(pod, container, "InspectFailed", message)
            throw StartFailure(reason: "InvalidImageName", message: message)
        }
        let reference = name.description
        let policy = container.imagePullPolicy ?? (name.tag == "latest" ? "Always" : "IfNotPresent")
        let present = try await inspect(reference, requested, container, pod)
        if let present, policy != "Always" {
            reporter.normal(
                pod, container, "Pulled",
                "Container image \"\(requested)\" already present on machine and can be accessed by the pod")
            return (present, reference)
        }
        if policy == "Never" {
            let message = "Container image \"\(requested)\" is not present with pull policy of Never"
            reporter.warning(pod, container, "ErrImageNeverPull", message)
            throw StartFailure(reason: "ErrImageNeverPull", message: message)
        }
        do {
            try await pull(reference, requested, container, pod, secrets, sandbox)
        } catch let failure as StartFailure {
            // What was loaded from a file is there on purpose and may exist nowhere else.
            if let present, store?.isLoaded(reference) == true {
                reporter.normal(
                    pod, container, "Pulled",
                    "Container image \"\(requested)\" could not be pulled, using the one that was loaded on this machine"
                )
                return (present, reference)
            }
            throw failure
        }
        guard let pulled = try await inspect(reference, requested, container, pod) else {
            throw StartFailure(
                reason: "ErrImagePull", message: "image \"\(requested)\" is not there after it was pulled")
        }
        return (pulled, reference)
    }

    private func inspect(
        _ reference: String, _ requested: String, _ container: Container, _ pod: Pod
    ) async throws -> RuntimeImage? {
        do {
            return try await runtime.imageStatus(reference)
        } catch let error as RuntimeError {
            let message = "Failed to inspect image \"\(requested)\": \(error)"
            reporter.warning(pod, container, "InspectFailed", message)
            throw StartFailure(reason: "ImageInspectError", message: message)
        }
    }

    private func pull(
        _ reference: String, _ requested: String, _ container: Container, _ pod: Pod, _ secrets: [Secret],
        _ sandbox: SandboxConfig?
    ) async throws {
        let key = "\(pod.uid)_\(requested)"
        if let wait = backoff.waiting(key, now: now()) {
            var message = "Back-off pulling image \"\(requested)\""
            reporter.normal(pod, container, "BackOff", message)
            if let last = lastErrors[key] { message += ": \(last)" }
            throw StartFailure(reason: "ImagePullBackOff", message: message, retry: max(0.1, wait.until.since(now())))
        }
        lastErrors[key] = nil
        reporter.normal(pod, container, "Pulling", "Pulling image \"\(requested)\"")
        let begun = ContinuousClock.now
        do {
            _ = try await share(reference, credentials(for: reference, secrets), sandbox)
        } catch let error as RuntimeError {
            reporter.warning(pod, container, "Failed", "Failed to pull image \"\(requested)\": \(error)")
            backoff.next(key, now: now())
            let (reason, message) = Self.pullFailure("\(error)", image: requested)
            lastErrors[key] = "\(reason): \(message)"
            // Looked at again soon, so that the status tells of the back-off.
            throw StartFailure(reason: reason, message: message, retry: 3)
        }
        backoff.forget(key)
        let took = ContinuousClock.now - begun
        let milliseconds = took.components.seconds * 1000 + took.components.attoseconds / 1_000_000_000_000_000
        let duration = milliseconds < 1000 ? "\(milliseconds)ms" : "\(Double(milliseconds) / 1000)s"
        let size = try await runtime.imageStatus(reference)?.size ?? 0
        reporter.normal(
            pod, container, "Pulled",
            "Successfully pulled image \"\(requested)\" in \(duration) (\(duration) including waiting). "
                + "Image size: \(size) bytes.")
    }

    /// The reason that a runtime's error begins with, where it is one of those that are told apart (k8s.io/cri-api,
    /// `errors`), and the message without it.
    static func pullFailure(_ error: String, image: String) -> (reason: String, message: String) {
        for (reason, why) in [
            ("RegistryUnavailable", "image pull failed for \(image) because the registry is unavailable"),
            ("SignatureValidationFailed", "image pull failed for \(image) because the signature validation failed"),
        ] where error.hasPrefix(reason) {
            return (reason, why + error.dropFirst(reason.count))
        }
        return ("ErrImagePull", error)
    }

    private func share(
        _ reference: String, _ credentials: RegistryCredentials?, _ sandbox: SandboxConfig?
    ) async throws -> String {
        let key = reference + (credentials.map { "\u{0}\($0.hashValue)" } ?? "")
        if let running = pulls[key] { return try await running.value }
        let runtime = runtime
        let task = Task { try await runtime.pullImage(reference, credentials: credentials, for: sandbox) }
        pulls[key] = task
        defer { pulls[key] = nil }
        return try await task.value
    }

    /// The credentials that one of the pull secrets has for the image's registry.
    private func credentials(for reference: String, _ secrets: [Secret]) -> RegistryCredentials? {
        guard let domain = try? ImageName(parsing: reference).domain else { return nil }
        for secret in secrets {
            if let found = Self.credentials(in: secret, domain: domain) { return found }
        }
        return nil
    }

    static func credentials(in secret: Secret, domain: String) -> RegistryCredentials? {
        guard let encoded = secret.data[".dockerconfigjson"] ?? secret.data[".dockercfg"],
            let data = Data(base64Encoded: encoded), let config = try? JSONParser.parse(Array(data)),
            let entries = (config["auths"] ?? config).objectValue
        else { return nil }
        for (key, value) in entries {
            var host = key
            for scheme in ["https://", "http://"] where host.hasPrefix(scheme) { host.removeFirst(scheme.count) }
            host = String(host.prefix { $0 != "/" })
            if host == "index.docker.io" || host == "registry-1.docker.io" { host = "docker.io" }
            guard host == domain else { continue }
            var username = value["username"]?.stringValue ?? ""
            var password = value["password"]?.stringValue ?? ""
            if username.isEmpty, let auth = value["auth"]?.stringValue, let decoded = Data(base64Encoded: auth) {
                let parts = String(decoding: decoded, as: UTF8.self).split(separator: ":", maxSplits: 1).map(
                    String.init)
                if parts.count == 2 { (username, password) = (parts[0], parts[1]) }
            }
            return RegistryCredentials(
                username: username, password: password, identityToken: value["identitytoken"]?.stringValue ?? "")
        }
        return nil
    }
}
