import Foundation
import JSON
import Testing

@testable import CRI

@Suite struct ImageNameTests {
    @Test(arguments: [
        ("busybox", "docker.io/library/busybox:latest"),
        ("busybox:1.36", "docker.io/library/busybox:1.36"),
        ("learnk8s/app:1.0.0", "docker.io/learnk8s/app:1.0.0"),
        ("wardviaene/k8s-demo", "docker.io/wardviaene/k8s-demo:latest"),
        ("docker.io/busybox", "docker.io/library/busybox:latest"),
        ("index.docker.io/library/busybox", "docker.io/library/busybox:latest"),
        ("registry.k8s.io/pause:3.10", "registry.k8s.io/pause:3.10"),
        ("localhost/x", "localhost/x:latest"),
        ("localhost:5000/a/b:v1", "localhost:5000/a/b:v1"),
        ("martlet.local/pause:1", "martlet.local/pause:1"),
        ("a/b__c/d-e.f_g--h", "docker.io/a/b__c/d-e.f_g--h:latest"),
        (
            "busybox@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
            "docker.io/library/busybox@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
        ),
    ])
    func complete(_ text: String, _ full: String) throws {
        #expect(try ImageName(parsing: text).description == full)
    }

    @Test(arguments: [
        "", ":", "UPPER", "a b", "busybox:", "busybox:-x", "a//b", "/a", "a/", "x@sha256:12", "a..b", "a___b", "-a",
    ])
    func refuse(_ text: String) {
        #expect(throws: ImageName.Invalid.self) { try ImageName(parsing: text) }
    }

    @Test func upperCaseIsNamed() {
        do {
            _ = try ImageName(parsing: "a/UPPER")
            Issue.record("was accepted")
        } catch { #expect("\(error)".contains("must be lowercase")) }
    }
}

@Suite struct ImageArchiveTests {
    private func withFile<Result>(_ bytes: [UInt8], _ body: (String) throws -> Result) throws -> Result {
        let path = NSTemporaryDirectory() + "martlet-cri-\(UUID().uuidString).tar"
        defer { try? FileManager.default.removeItem(atPath: path) }
        try Data(bytes).write(to: URL(fileURLWithPath: path))
        return try body(path)
    }

    private func tar(_ arguments: [String]) throws -> (status: Int32, output: String) {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["tar"] + arguments
        let pipe = Pipe()
        process.standardOutput = pipe
        process.standardError = pipe
        try process.run()
        let output = pipe.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return (process.terminationStatus, String(decoding: output, as: UTF8.self))
    }

    @Test func pauseImageIsAnImage() throws {
        try withFile(PauseImage.writer().archive()) { path in
            let (status, listing) = try tar(["-tf", path])
            #expect(status == 0, "\(listing)")
            let names = listing.split(separator: "\n").map(String.init)
            #expect(names.contains("oci-layout") && names.contains("index.json") && names.contains("manifest.json"))
            #expect(names.count { $0.hasPrefix("blobs/sha256/") && $0.count > 20 } == 3)
            #expect(try ImageStore.images(in: path).map(\.name) == [PauseImage.name])
        }
    }

    @Test func layerHoldsWhatWasAsked() throws {
        var config = OCIImageWriter.Config()
        config.command = ["/bin/app"]
        let long = "deep/" + String(repeating: "d", count: 90) + "/" + String(repeating: "f", count: 90)
        let writer = OCIImageWriter(
            names: ["web:2"],
            entries: [
                .file(path: "/bin/app", mode: 0o755, content: Array("hello".utf8)),
                .link(path: "bin/sh", target: "app"),
                .directory(path: "tmp", mode: 0o1777), .file(path: long, mode: 0o600, content: [1, 2, 3]),
            ], config: config)
        let bytes = writer.archive()
        #expect(bytes == writer.archive(), "equal content gives equal bytes")
        try withFile(bytes) { path in
            let members = try #require(TarReader.members(of: path) { _ in true })
            let manifest = try JSONParser.parse(try #require(members["manifest.json"]))
            #expect(manifest[0]?["RepoTags"]?[0]?.stringValue == "docker.io/library/web:2")
            let layer = try #require(manifest[0]?["Layers"]?[0]?.stringValue)
            let content = try #require(members[layer])
            #expect(layer == "blobs/sha256/\(OCIImageWriter.digest(content))")
            try withFile(content) { layerPath in
                let (status, listing) = try tar(["-tvf", layerPath])
                #expect(status == 0, "\(listing)")
                #expect(listing.contains("bin/sh -> app"))
                #expect(listing.contains("drwxrwxrwt") && listing.contains(long))
                #expect(TarReader.members(of: layerPath) { $0 == "bin/app" }?["bin/app"] == Array("hello".utf8))
            }
            let image = try JSONParser.parse(try #require(members[manifest[0]?["Config"]?.stringValue ?? ""]))
            #expect(image[path: "config", "Cmd"]?[0]?.stringValue == "/bin/app")
            #expect(image[path: "rootfs", "diff_ids"]?[0]?.stringValue == "sha256:\(OCIImageWriter.digest(content))")
        }
    }

    @Test func otherFilesAreRefusedInOneLine() throws {
        for bytes in [Array("not a tar at all".utf8), [UInt8](repeating: 7, count: 4096), []] {
            try withFile(bytes) { path in
                do {
                    _ = try ImageStore.images(in: path)
                    Issue.record("was accepted")
                } catch { #expect("\(error)".contains("not a tar archive") && !"\(error)".contains("\n")) }
            }
        }
        var plain = TarWriter()
        plain.add(file: "hello", [1])
        try withFile(plain.finished()) { path in
            do {
                _ = try ImageStore.images(in: path)
                Issue.record("was accepted")
            } catch { #expect("\(error)".contains("not an image archive")) }
        }
    }

    @Test func recordNamesComeBack() {
        for name in ["docker.io/library/a:1", "x%2Fy", "%", "a/b%/c"] {
            #expect(ImageStore.unescape(ImageStore.escape(name)) == name)
            #expect(!ImageStore.escape(name).contains("/"))
        }
    }
}

@Suite struct PauseProgramTests {
    @Test(arguments: [("amd64", UInt16(62)), ("arm64", UInt16(183))])
    func elf(_ architecture: String, _ machine: UInt16) {
        let program = PauseImage.program(architecture: architecture)
        #expect(Array(program[0..<4]) == [0x7f, 0x45, 0x4c, 0x46])
        #expect(UInt16(program[18]) | UInt16(program[19]) << 8 == machine)
        // The entry is right behind the headers, and the segment covers the whole file.
        let entry = program[24..<32].reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        #expect(entry == 0x40_0078)
        let size = program[96..<104].reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        #expect(size == UInt64(program.count))
        // What the code points to: SIG_IGN and three zeros.
        #expect(Array(program.suffix(32)) == [1] + [UInt8](repeating: 0, count: 31))
    }

    /// The program starts, waits, reaps nothing by itself, and ends by a signal.
    @Test func runs() throws {
        let path = NSTemporaryDirectory() + "martlet-pause-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: path) }
        let program = PauseImage.program(architecture: OCIImageWriter.nativeArchitecture)
        try Files.write(program, to: path, mode: 0o755)
        let process = Process()
        process.executableURL = URL(fileURLWithPath: path)
        try process.run()
        Thread.sleep(forTimeInterval: 0.1)
        #expect(process.isRunning)
        let status = try String(contentsOfFile: "/proc/\(process.processIdentifier)/status", encoding: .utf8)
        // SIGCHLD (17) is ignored.
        let ignored = status.split(separator: "\n").first { $0.hasPrefix("SigIgn:") }?.split(separator: "\t").last ?? ""
        #expect((UInt64(ignored, radix: 16) ?? 0) & (1 << 16) != 0)
        // Not with SIGTERM, which a test runner's children may have inherited as ignored; sandboxes end by SIGKILL too.
        kill(process.processIdentifier, SIGKILL)
        process.waitUntilExit()
        #expect(process.terminationReason == .uncaughtSignal)
    }
}

@Suite struct ContainerdConfigTests {
    @Test func capability() {
        #expect(!ContainerdConfig.hasResourceCapability(status: "Name:\tx\nCapEff:\t000001fffeffffff\n"))
        #expect(ContainerdConfig.hasResourceCapability(status: "CapEff:\t000001ffffffffff\n"))
        #expect(!ContainerdConfig.hasResourceCapability(status: ""))
    }

    @Test func text() {
        let config = ContainerdConfig(
            options: ContainerdOptions(dataDir: "/tmp/a \"b\""), snapshotter: "native", restrictOOMScore: true)
        #expect(config.text.contains("root = \"/tmp/a \\\"b\\\"/root\""))
        #expect(config.text.contains("restrict_oom_score_adj = true"))
        #expect(config.text.contains("snapshotter = \"native\""))
        #expect(config.text.contains("sandbox_image = \"martlet.local/pause:1\""))
    }
}

@Suite struct FilesTests {
    @Test func mountTable() {
        let table = "tmpfs /a tmpfs rw 0 0\nx /with\\040blank ext4 rw 0 0\n\nbad\n"
        #expect(MountTable.points(in: table) == ["/a", "/with blank"])
    }

    @Test func trees() throws {
        let root = NSTemporaryDirectory() + "martlet-files-\(UUID().uuidString)"
        try Files.makeDirectory("\(root)/a/b/c", mode: 0o700)
        try Files.write("x", to: "\(root)/a/b/file", mode: 0o600)
        try FileManager.default.createSymbolicLink(atPath: "\(root)/a/link", withDestinationPath: "/etc")
        #expect(Files.list("\(root)/a") == ["b", "link"])
        #expect(Files.kind(of: "\(root)/a/link", following: false) == .link)
        #expect(Files.text("\(root)/a/b/file") == "x")
        try Files.removeTree(root)
        #expect(!Files.exists(root) && Files.exists("/etc/passwd"))
    }

    @Test func subprocess() async throws {
        let output = try await Subprocess.run("sh", ["-c", "echo out; echo err >&2; exit 3"])
        #expect(output.status == 3 && output.text == "out\n" && output.errorText == "err")
        await #expect(throws: SystemError.self) { try await Subprocess.run("no-such-program-at-all", []) }
    }
}
