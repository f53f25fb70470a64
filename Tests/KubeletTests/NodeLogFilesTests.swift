import CRI
import Foundation
import Glibc
import Testing

@testable import Kubelet

@Suite struct NodeLogFilesTests {
    @Test func whatLiesBelowAndNothingElse() throws {
        let directory = NSTemporaryDirectory() + "martlet-logs-\(UUID().uuidString)"
        try Files.makeDirectory(directory + "/log/apt")
        defer { try? Files.removeTree(directory) }
        try Files.write("secret", to: directory + "/outside")
        try Files.write("hello", to: directory + "/log/a & b")
        #expect(symlink(directory + "/outside", directory + "/log/link") == 0)
        #expect(mkfifo(directory + "/log/pipe", 0o600) == 0)
        let logs = NodeLogFiles(root: directory + "/log")
        guard case .directory(let entries)? = logs.find("") else {
            Issue.record("no directory")
            return
        }
        #expect(entries == ["a & b", "apt/", "link", "pipe"])
        #expect(NodeLogFiles.page(entries).contains("<a href=\"a &amp; b\">a &amp; b</a>\n<a href=\"apt/\">apt/</a>\n"))
        guard case .file(let file)? = logs.find("a & b") else {
            Issue.record("no file")
            return
        }
        var bytes = [UInt8](repeating: 0, count: 10)
        #expect(read(file, &bytes, 10) == 5)
        close(file)
        for path in ["../outside", "apt/../../outside", "link", "pipe", "none", "a & b/c"] {
            if let found = logs.find(path) { Issue.record("\(path) is \(found)") }
        }
    }
}
