import Foundation
import JSON
import KubeClient
import Testing

@Suite struct KubeConfigTests {
    private func withFolder(_ body: (String) throws -> Void) throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("kc-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try body(folder)
    }

    private let existing = """
        apiVersion: v1
        kind: Config
        preferences: {colors: true}
        current-context: work
        clusters:
        - name: work
          cluster: {server: "https://work.example", insecure-skip-tls-verify: true, proxy-url: "http://p"}
        contexts:
        - name: work
          context: {cluster: work, user: me, namespace: team, extensions: [{name: x, extension: {a: 1.50}}]}
        users:
        - name: me
          user: {exec: {command: login, args: ["-v"]}}
        """

    private func read(_ path: String) throws -> JSONValue {
        try YAML.parseOne(Array(String(contentsOfFile: path, encoding: .utf8).utf8))
    }

    private func merge(_ path: String, _ server: String = "https://127.0.0.1:6443", current: Bool = true) throws {
        try KubeConfig.merge(
            into: path, server: server, caPEM: "CA\n", clientCertPEM: "CERT\n", clientKeyPEM: "KEY\n",
            contextName: "martlet", makeCurrent: current)
    }

    @Test func whatIsWrittenIsRead() throws {
        try withFolder { folder in
            let path = folder + "/config"
            try KubeConfig.write(
                path: path, server: "https://h:1", caPEM: "CA\n", clientCertPEM: "CERT\n", clientKeyPEM: "KEY\n",
                contextName: "c")
            let mode = try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
            #expect(mode == 0o600)
            let configuration = try KubeConfig.load(path: path)
            #expect(configuration.server == "https://h:1")
            #expect(configuration.caPEM == "CA\n")
            guard case .clientCertificate("CERT\n", "KEY\n") = configuration.credentials else {
                Issue.record("no client certificate")
                return
            }
        }
    }

    @Test func mergingAndRemovingLeavesTheRest() throws {
        try withFolder { folder in
            let path = folder + "/config"
            try existing.write(toFile: path, atomically: true, encoding: .utf8)
            let before = try read(path)
            try merge(path)
            let merged = try read(path)
            #expect(merged["current-context"] == "martlet")
            for list in ["clusters", "contexts", "users"] {
                #expect(merged[list]?.arrayValue?.count == 2)
                #expect(merged[list]?[0] == before[list]?[0])
            }
            #expect(merged["preferences"] == before["preferences"])
            #expect(try KubeConfig.server(ofContext: "martlet", in: path) == "https://127.0.0.1:6443")
            try merge(path, "https://127.0.0.1:7000")
            #expect(try read(path)["clusters"]?.arrayValue?.count == 2)
            #expect(try KubeConfig.server(ofContext: "martlet", in: path) == "https://127.0.0.1:7000")
            try KubeConfig.remove(context: "martlet", from: path)
            var after = try read(path)
            #expect(after["current-context"] == "")
            after["current-context"] = "work"
            #expect(after == before)
            #expect(!FileManager.default.fileExists(atPath: path + ".lock"))
        }
    }

    @Test func theCurrentContextCanBeLeftAlone() throws {
        try withFolder { folder in
            let path = folder + "/config"
            try existing.write(toFile: path, atomically: true, encoding: .utf8)
            try merge(path, current: false)
            #expect(try read(path)["current-context"] == "work")
        }
    }

    @Test func aFileAndItsFolderAreMadeWhereMissing() throws {
        try withFolder { folder in
            let path = folder + "/.kube/config"
            try merge(path, current: false)
            #expect(try read(path)["current-context"] == "martlet")
            try KubeConfig.remove(context: "other", from: path)
            try KubeConfig.remove(context: "martlet", from: folder + "/none")
            #expect(!FileManager.default.fileExists(atPath: folder + "/none"))
        }
    }

    @Test func linksStayLinks() throws {
        try withFolder { folder in
            try existing.write(toFile: folder + "/real", atomically: true, encoding: .utf8)
            try FileManager.default.createSymbolicLink(atPath: folder + "/config", withDestinationPath: "real")
            try merge(folder + "/config")
            #expect(try FileManager.default.destinationOfSymbolicLink(atPath: folder + "/config") == "real")
            #expect(try read(folder + "/real")["contexts"]?.arrayValue?.count == 2)
        }
    }

    @Test func whatIsSharedStays() throws {
        try withFolder { folder in
            let path = folder + "/config"
            try merge(path)
            var config = try read(path)
            config["contexts"] = .array(
                (config["contexts"]?.arrayValue ?? []) + [
                    ["name": "second", "context": ["cluster": "martlet", "user": "other"]]
                ])
            try YAML.text(of: config).write(toFile: path, atomically: true, encoding: .utf8)
            try KubeConfig.remove(context: "martlet", from: path)
            let after = try read(path)
            #expect(after["clusters"]?.arrayValue?.count == 1)
            #expect(after["users"]?.arrayValue?.isEmpty == true)
        }
    }

    @Test(arguments: ["[1, 2]", "a: [", "text"])
    func otherFilesAreNotTouched(_ text: String) throws {
        try withFolder { folder in
            let path = folder + "/config"
            try text.write(toFile: path, atomically: true, encoding: .utf8)
            #expect(throws: KubeConfigError.self) { try merge(path) }
            #expect(try String(contentsOfFile: path, encoding: .utf8) == text)
        }
    }

    @Test func filesAndTokensAreFollowed() throws {
        try withFolder { folder in
            try "CA\n".write(toFile: folder + "/ca.crt", atomically: true, encoding: .utf8)
            try """
            current-context: a
            clusters: [{name: c, cluster: {server: "https://s", certificate-authority: ca.crt}}]
            users: [{name: u, user: {token: abc}}]
            contexts: [{name: a, context: {cluster: c, user: u}}, {name: broken, context: {cluster: none}}]
            """.write(toFile: folder + "/config", atomically: true, encoding: .utf8)
            let configuration = try KubeConfig.load(path: folder + "/config")
            #expect(configuration.caPEM == "CA\n")
            guard case .token("abc") = configuration.credentials else {
                Issue.record("no token")
                return
            }
            #expect(throws: KubeConfigError.noSuchContext("x", path: folder + "/config")) {
                try KubeConfig.load(path: folder + "/config", context: "x")
            }
            #expect(throws: KubeConfigError.self) {
                try KubeConfig.load(path: folder + "/config", context: "broken")
            }
            #expect(throws: KubeConfigError.self) { try KubeConfig.load(path: folder + "/none") }
        }
    }
}
