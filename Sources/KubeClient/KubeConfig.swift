import JSON

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif
#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// What can be wrong with a kubeconfig file, in words for whoever it belongs to.
public enum KubeConfigError: Error, Sendable, Hashable, CustomStringConvertible {
    case file(path: String, operation: String, reason: String)
    case malformed(path: String, reason: String)
    case locked(path: String)
    case noSuchContext(String, path: String)

    public var description: String {
        switch self {
        case .file(let path, let operation, let reason): "cannot \(operation) \(path): \(reason)"
        case .malformed(let path, let reason): "\(path) is no kubeconfig: \(reason)"
        case .locked(let path): "\(path) is being changed by another program: remove \(path).lock if there is none"
        case .noSuchContext(let name, let path): "\(path) has no context \"\(name)\""
        }
    }
}

/// Reads and writes kubeconfig files (the API's `client.config.k8s.io/v1`, kind `Config`).
///
/// What else is in a file stays: fields nobody here knows, other clusters, the order. Comments do not, as with kubectl.
public enum KubeConfig {
    /// Writes a file (0600) with one context, which is current. Cluster, user and context have the same name.
    public static func write(
        path: String, server: String, caPEM: String, clientCertPEM: String, clientKeyPEM: String, contextName: String
    ) throws(KubeConfigError) {
        var config = empty
        set(&config, contextName, server, caPEM, clientCertPEM, clientKeyPEM)
        config["current-context"] = .string(contextName)
        try save(config, path)
    }

    /// Adds a context to the file, or replaces the one of that name, and makes it the current one.
    /// - Parameter makeCurrent: false leaves the current context as it is, unless there is none.
    public static func merge(
        into path: String, server: String, caPEM: String, clientCertPEM: String, clientKeyPEM: String,
        contextName: String, makeCurrent: Bool = true
    ) throws(KubeConfigError) {
        try change(path) { config in
            set(&config, contextName, server, caPEM, clientCertPEM, clientKeyPEM)
            if makeCurrent || (config["current-context"]?.stringValue ?? "").isEmpty {
                config["current-context"] = .string(contextName)
            }
        }
    }

    /// Removes a context, and its cluster and user if no other context has them. A file or a context that is not there
    /// is no error.
    public static func remove(context name: String, from path: String) throws(KubeConfigError) {
        guard try text(of: path) != nil else { return }
        try change(path) { config in
            guard let context = entry("contexts", name, config)?["context"] else { return }
            delete("contexts", name, &config)
            for (list, key) in [("clusters", "cluster"), ("users", "user")] {
                guard let target = context[key]?.stringValue else { continue }
                let used = (config["contexts"]?.arrayValue ?? []).contains {
                    $0[path: "context", key]?.stringValue == target
                }
                if !used { delete(list, target, &config) }
            }
            if config["current-context"]?.stringValue == name { config["current-context"] = "" }
        }
    }

    /// What a context says about how to reach its server.
    /// - Parameter context: nil for the current one.
    public static func load(
        path: String, context: String? = nil
    ) throws(KubeConfigError) -> HTTPSTransport.Configuration {
        guard let config = try read(path) else {
            throw .file(path: path, operation: "read", reason: "there is no such file")
        }
        let name = context ?? config["current-context"]?.stringValue ?? ""
        guard let chosen = entry("contexts", name, config)?["context"] else { throw .noSuchContext(name, path: path) }
        guard let cluster = chosen["cluster"]?.stringValue.flatMap({ entry("clusters", $0, config) })?["cluster"],
            let server = cluster["server"]?.stringValue
        else { throw .malformed(path: path, reason: "the context \"\(name)\" has no cluster") }
        let user = chosen["user"]?.stringValue.flatMap { entry("users", $0, config) }?["user"] ?? [:]
        var configuration = HTTPSTransport.Configuration(server: server)
        configuration.caPEM = try pem("certificate-authority", cluster, path)
        if let certificate = try pem("client-certificate", user, path), let key = try pem("client-key", user, path) {
            configuration.credentials = .clientCertificate(certificatePEM: certificate, keyPEM: key)
        } else if let token = user["token"]?.stringValue {
            configuration.credentials = .token(token)
        } else if let file = user["tokenFile"]?.stringValue, let token = try text(of: resolve(file, path)) {
            configuration.credentials = .token(String(token.drop(while: \.isWhitespace).prefix { !$0.isWhitespace }))
        }
        return configuration
    }

    /// The server that a context leads to; nil if the file or the context is not there.
    public static func server(ofContext name: String, in path: String) throws(KubeConfigError) -> String? {
        guard let config = try read(path),
            let cluster = entry("contexts", name, config)?[path: "context", "cluster"]?.stringValue
        else { return nil }
        return entry("clusters", cluster, config)?[path: "cluster", "server"]?.stringValue
    }

    // MARK: The document

    private static var empty: JSONValue {
        ["apiVersion": "v1", "kind": "Config", "clusters": [], "contexts": [], "current-context": "", "users": []]
    }

    private static func set(
        _ config: inout JSONValue, _ name: String, _ server: String, _ ca: String, _ certificate: String, _ key: String
    ) {
        func data(_ pem: String) -> JSONValue { .string(Data(pem.utf8).base64EncodedString()) }
        put("clusters", name, "cluster", ["certificate-authority-data": data(ca), "server": .string(server)], &config)
        put("contexts", name, "context", ["cluster": .string(name), "user": .string(name)], &config)
        put(
            "users", name, "user", ["client-certificate-data": data(certificate), "client-key-data": data(key)],
            &config)
    }

    private static func entry(_ list: String, _ name: String, _ config: JSONValue) -> JSONValue? {
        config[list]?.arrayValue?.first { $0["name"]?.stringValue == name }
    }

    private static func put(
        _ list: String, _ name: String, _ key: String, _ value: JSONValue, _ config: inout JSONValue
    ) {
        var entries = config[list]?.arrayValue ?? []
        let entry: JSONValue = .object([key: value, "name": .string(name)])
        if let index = entries.firstIndex(where: { $0["name"]?.stringValue == name }) {
            entries[index] = entry
        } else {
            entries.append(entry)
        }
        config[list] = .array(entries)
    }

    private static func delete(_ list: String, _ name: String, _ config: inout JSONValue) {
        let entries = config[list]?.arrayValue ?? []
        config[list] = .array(entries.filter { $0["name"]?.stringValue != name })
    }

    /// A PEM that stands in the file itself (`KEY-data`, base64) or in another one (`KEY`).
    private static func pem(_ key: String, _ value: JSONValue, _ path: String) throws(KubeConfigError) -> String? {
        if let text = value[key + "-data"]?.stringValue {
            guard let data = Data(base64Encoded: text) else {
                throw .malformed(path: path, reason: "\(key)-data is no base64")
            }
            return String(decoding: data, as: UTF8.self)
        }
        guard let file = value[key]?.stringValue else { return nil }
        let target = resolve(file, path)
        guard let text = try text(of: target) else {
            throw .file(path: target, operation: "read", reason: "there is no such file")
        }
        return text
    }

    /// Relative paths count from the kubeconfig's own folder.
    private static func resolve(_ file: String, _ path: String) -> String {
        if file.hasPrefix("/") { return file }
        guard let slash = path.lastIndex(of: "/") else { return file }
        return path[...slash] + file
    }

    // MARK: Files

    private static func read(_ path: String) throws(KubeConfigError) -> JSONValue? {
        guard let text = try text(of: path) else { return nil }
        do {
            let documents = try YAML.parse(text)
            guard let config = documents.first, !config.isNull else { return empty }
            guard case .object = config, documents.count == 1 else {
                throw KubeConfigError.malformed(path: path, reason: "it is no mapping")
            }
            return config
        } catch let error as KubeConfigError {
            throw error
        } catch {
            throw .malformed(path: path, reason: "\(error)")
        }
    }

    /// Changes the file under the lock that kubectl takes as well (`PATH.lock`).
    private static func change(_ path: String, _ body: (inout JSONValue) -> Void) throws(KubeConfigError) {
        if let slash = path.lastIndex(of: "/"), slash > path.startIndex {
            mkdir(String(path[..<slash]), 0o700)  // ~/.kube; if it cannot be made, the lock tells why
        }
        let lock = path + ".lock"
        var file: Int32 = -1
        for _ in 0..<40 {
            file = open(lock, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0o600)
            if file >= 0 { break }
            guard errno == EEXIST else { throw failure(lock, "create") }
            usleep(50_000)
        }
        guard file >= 0 else { throw .locked(path: path) }
        defer {
            close(file)
            unlink(lock)
        }
        let before = try read(path)
        var config = before ?? empty
        body(&config)
        if config != before { try save(config, path) }
    }

    private static func failure(_ path: String, _ operation: String) -> KubeConfigError {
        .file(path: path, operation: operation, reason: String(cString: strerror(errno)))
    }

    private static func text(of path: String) throws(KubeConfigError) -> String? {
        do {
            return try String(contentsOfFile: path, encoding: .utf8)
        } catch {
            if access(path, F_OK) != 0, errno == ENOENT { return nil }
            throw .file(path: path, operation: "read", reason: "\(error)")
        }
    }

    /// Replaces the file in one step; where the path is a link, the file that it leads to.
    private static func save(_ config: JSONValue, _ path: String) throws(KubeConfigError) {
        var target = path
        if let resolved = realpath(path, nil) {
            target = String(cString: resolved)
            free(resolved)
        }
        let temporary = "\(target).\(getpid()).tmp"
        unlink(temporary)
        let file = open(temporary, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0o600)
        guard file >= 0 else { throw failure(target, "write") }
        var bytes = Array(YAML.text(of: config).utf8)[...]
        var failed = false
        while !failed, !bytes.isEmpty {
            let count = bytes.withUnsafeBytes { Glibc.write(file, $0.baseAddress, $0.count) }
            if count > 0 { bytes = bytes.dropFirst(count) } else if errno != EINTR { failed = true }
        }
        failed = failed || fsync(file) != 0
        let reason = errno
        close(file)
        guard !failed, rename(temporary, target) == 0 else {
            if failed { errno = reason }
            let error = failure(target, "write")
            unlink(temporary)
            throw error
        }
    }
}
