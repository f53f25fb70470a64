import Storage
import Testing

@testable import EtcdStore

@Suite struct EtcdEndpointTests {
    @Test(arguments: [
        ("https://10.0.0.1:2379", "10.0.0.1 ipv4 2379 secure"),
        ("https://etcd-0.etcd", "etcd-0.etcd name 2379 secure"),
        ("https://[fd00::1]:4001/", "fd00::1 ipv6 4001 secure"),
        ("http://127.0.0.1:2379", "127.0.0.1 ipv4 2379 plain"),
        ("http://localhost:2379", "localhost name 2379 plain"),
        ("http://[::1]:2379", "::1 ipv6 2379 plain"),
        ("http://10.0.0.1:2379", "refused"), ("http://127.evil.example:2379", "refused"),
        ("10.0.0.1:2379", "refused"), ("ftp://10.0.0.1", "refused"), ("https://10.0.0.1/path", "refused"),
        ("", "refused"),
    ])
    func urls(_ url: String, _ expected: String) {
        let endpoint = try? EtcdEndpoint(url)
        let got = endpoint.map { "\($0.host) \($0.kind) \($0.port) \($0.isSecure ? "secure" : "plain")" } ?? "refused"
        #expect(got == expected)
    }

    @Test(arguments: [
        ("3.4.23", false), ("3.4.30", false), ("3.4.31", true), ("3.5.0", false), ("3.5.12", false), ("3.5.13", true),
        ("3.6.0-alpha.0", true), ("3.3.99", false), ("4.0.0", true), ("", false), ("3.5", false),
    ])
    func progress(_ version: String, _ isReliable: Bool) {
        #expect(EtcdFollower.answersProgress(version) == isReliable)
    }

    @Test func keys() {
        let keys = EtcdKeys(root: "/registry", prefix: "/clusters/a")
        #expect(
            keys.inner("/registry/core/pods/x").map { String(decoding: $0, as: UTF8.self) } == "/clusters/a/core/pods/x"
        )
        #expect(keys.inner("/other") == nil)
        #expect(keys.outer("/clusters/a/core".utf8) == "/registry/core")
        // Neighbours whose prefix begins the same are others'.
        #expect(keys.all == EtcdRange(prefix: Array("/clusters/a/".utf8)))
        #expect(keys.range(prefix: "/registry") == keys.all)
        #expect(EtcdRange(prefix: Array("/a/".utf8)).end == Array("/a0".utf8))
        #expect(EtcdRange(prefix: [1, 0xff, 0xff]).end == [2])
        #expect(EtcdRange(prefix: [0xff]).end == [0])
        #expect(EtcdConfiguration.normalized(prefix: "registry//a/") == "/registry/a")
    }
}
