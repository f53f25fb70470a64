// An etcd of a test's own: a process with its data in a temporary directory, gone with the test.

import Foundation

/// One member on loopback. `start` may be called again after `stop` or `kill`: address and data stay.
public final class EtcdServer: @unchecked Sendable {
    /// What it takes to speak TLS: PEM files.
    public struct TLS: Sendable {
        public var authorityFile: String
        public var certificateFile: String
        public var keyFile: String

        public init(authorityFile: String, certificateFile: String, keyFile: String) {
            self.authorityFile = authorityFile
            self.certificateFile = certificateFile
            self.keyFile = keyFile
        }
    }

    public struct Failure: Error, CustomStringConvertible {
        public let description: String
    }

    /// The program, where it is there. `MARTLET_ETCD` names another, to try other versions.
    public static let path =
        ([ProcessInfo.processInfo.environment["MARTLET_ETCD"]].compactMap { $0 } + [
            "/usr/bin/etcd", "/usr/local/bin/etcd",
        ])
        .first { FileManager.default.isExecutableFile(atPath: $0) }

    public let url: String
    private let directory: String
    private let peer: String
    private let tls: TLS?
    private var process: Process?

    public init(tls: TLS? = nil) throws {
        self.tls = tls
        directory = NSTemporaryDirectory() + "martlet-etcd-" + UUID().uuidString
        try FileManager.default.createDirectory(
            atPath: directory, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        let ports = try Self.freePorts(2)
        url = "\(tls == nil ? "http" : "https")://127.0.0.1:\(ports[0])"
        peer = "http://127.0.0.1:\(ports[1])"
    }

    /// Starts it and waits until its port is open.
    public func start() async throws {
        guard let path = Self.path else { throw Failure(description: "etcd is not installed") }
        let process = Process()
        process.executableURL = URL(fileURLWithPath: path)
        var arguments = [
            "--name", "test", "--data-dir", directory + "/data", "--listen-client-urls", url,
            "--advertise-client-urls", url, "--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer,
            "--initial-cluster", "test=\(peer)",
            // A member alone elects itself: no need to wait a second for it.
            "--heartbeat-interval", "20", "--election-timeout", "200", "--logger", "zap",
        ]
        if let tls {
            arguments += [
                "--cert-file", tls.certificateFile, "--key-file", tls.keyFile, "--trusted-ca-file",
                tls.authorityFile, "--client-cert-auth",
            ]
        }
        process.arguments = arguments
        let log = directory + "/log"
        FileManager.default.createFile(atPath: log, contents: nil)
        let output = FileHandle(forWritingAtPath: log) ?? .nullDevice
        process.standardOutput = output
        process.standardError = output
        try process.run()
        self.process = process
        for _ in 0..<600 {
            if !process.isRunning { break }
            if Self.isOpen(URLComponents(string: url)?.port ?? 0) { return }
            try await Task.sleep(for: .milliseconds(25))
        }
        let text = FileManager.default.contents(atPath: log).map { String(decoding: $0.suffix(2000), as: UTF8.self) }
        kill()
        throw Failure(description: "etcd does not start: \(text ?? "")")
    }

    /// Ends it as a power cut would.
    public func kill() {
        guard let process else { return }
        Foundation.kill(process.processIdentifier, SIGKILL)
        process.waitUntilExit()
        self.process = nil
    }

    /// Ends it and removes its data.
    public func remove() {
        kill()
        try? FileManager.default.removeItem(atPath: directory)
    }

    deinit { remove() }

    private static func freePorts(_ count: Int) throws -> [Int] {
        // All are held until all are known: no two are the same.
        var sockets: [Int32] = []
        defer { for socket in sockets { close(socket) } }
        return try (0..<count).map { _ in
            let socket = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
            sockets.append(socket)
            var address = loopback(port: 0)
            var length = socklen_t(MemoryLayout<sockaddr_in>.size)
            let result = withUnsafeMutablePointer(to: &address) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    bind(socket, $0, length) == 0 ? getsockname(socket, $0, &length) : -1
                }
            }
            guard result == 0 else { throw Failure(description: "no port is free") }
            return Int(UInt16(bigEndian: address.sin_port))
        }
    }

    private static func isOpen(_ port: Int) -> Bool {
        let socket = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(socket) }
        var address = loopback(port: port)
        return withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(socket, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
            }
        }
    }

    private static func loopback(port: Int) -> sockaddr_in {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = UInt16(port).bigEndian
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        return address
    }
}
