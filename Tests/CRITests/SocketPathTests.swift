// Sockets whose paths are longer than an address has room for.
import Glibc
import Testing

@testable import CRI

@Suite struct SocketPathTests {
    @Test func longPathsAreReachedThroughTheirDirectory() throws {
        let directory = "/tmp/martlet-socket-\(getpid())/" + String(repeating: "d", count: 80)
        try Files.makeDirectory(directory)
        defer { try? Files.removeTree("/tmp/martlet-socket-\(getpid())") }
        let name = String(repeating: "n", count: 60)
        try Files.write("here", to: "\(directory)/\(name)")
        let long = try SocketPath("\(directory)/\(name)")
        #expect(long.path.utf8.count <= 107)
        #expect(Files.text(long.path) == "here")
        #expect(try SocketPath("/run/x.sock").path == "/run/x.sock")
        #expect(throws: SystemError.self) { _ = try SocketPath("/tmp/\(String(repeating: "x", count: 120))/y") }
    }
}
