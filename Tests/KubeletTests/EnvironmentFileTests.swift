import Foundation
import Testing

@testable import Kubelet

@Suite struct EnvironmentFileTests {
    @Test(arguments: [
        ("A='1'\nB='2'\n", "2" as String?), ("# A\n\n  B='x#y' # why\n", "x#y"), ("B='one\ntwo'\n", "one\ntwo"),
        ("A='1'\n", nil), ("B=\n A='1'", nil), ("B= 'x'\n", nil), ("B=''\n", nil),
    ])
    func values(_ text: String, _ value: String?) throws {
        // An empty value without quotes is no value.
        if text.hasPrefix("B=\n") {
            #expect(throws: ConfigError.self) { try EnvironmentFile.value(of: "B", in: text) }
        } else {
            #expect(try EnvironmentFile.value(of: "B", in: text) == value)
        }
    }

    @Test(arguments: [
        ("B", "invalid environment variable format at line 1: missing '='"),
        ("A='1'\nB ='2'", "invalid environment variable format at line 2: whitespace before '=' is not allowed"),
        ("='2'", "invalid environment variable format at line 1: empty variable name"),
        ("B=2", "invalid environment variable format at line 1: value must be enclosed in single quotes"),
        ("B='2' x", "invalid environment variable format at line 1: unexpected content after closing quote"),
        ("B='2\nx", "invalid environment variable format at line 1: unclosed single quote"),
    ])
    func mistakes(_ text: String, _ message: String) {
        #expect(throws: ConfigError(message)) { try EnvironmentFile.value(of: "B", in: text) }
    }

    @Test func readsNothingThatIsNotTheVolumes() throws {
        let path = FileManager.default.temporaryDirectory.path + "/envfile-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: path + "/v", withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: path) }
        try Data("A='1'".utf8).write(to: URL(fileURLWithPath: path + "/v/good"))
        try Data("A='1'".utf8).write(to: URL(fileURLWithPath: path + "/outside"))
        try FileManager.default.createSymbolicLink(atPath: path + "/v/link", withDestinationPath: path + "/outside")
        mkfifo(path + "/v/pipe", 0o600)
        let volume = PreparedVolume(path: path + "/v", readOnly: false)
        #expect(try EnvironmentFile.text(of: "good", in: volume) == "A='1'")
        for bad in ["link", "pipe", "none", "../outside"] {
            #expect(throws: ConfigError.self) { try EnvironmentFile.text(of: bad, in: volume) }
        }
    }
}
