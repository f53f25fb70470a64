import Testing

@testable import Kubelet

@Suite struct StreamingTests {
    @Test(arguments: [
        ("http://127.0.0.1:41235/exec/abc", "127.0.0.1", 41235, "/exec/abc"),
        ("http://[::]:10010/attach/x?y=1", "127.0.0.1", 10010, "/attach/x?y=1"),
        ("http://[fd00::1]:10010", "fd00::1", 10010, "/"),
        ("http://0.0.0.0:1/portforward/t", "127.0.0.1", 1, "/portforward/t"),
    ])
    func readsTheRuntimesURLs(_ url: String, _ host: String, _ port: Int, _ target: String) {
        let location = StreamLocation(url)
        #expect(location?.host == host)
        #expect(location?.port == port)
        #expect(location?.target == target)
    }

    @Test(arguments: ["", "https://127.0.0.1:1/x", "http://127.0.0.1/x", "unix:///run/x"])
    func refusesWhatItCannotReach(_ url: String) {
        #expect(StreamLocation(url) == nil)
    }

    @Test func readsPorts() {
        #expect(KubeletServer.ports("") == [])
        #expect(KubeletServer.ports("80,443") == [80, 443])
        for text in ["0", "65536", "80,", "x"] { #expect(KubeletServer.ports(text) == nil) }
    }

    @Test func readsQueriesInOrder() {
        let items = KubeletServer.items("/exec/a/b/c?command=sh&command=-c&command=echo%20a+b&tty=1")
        #expect(items.map(\.name) == ["command", "command", "command", "tty"])
        #expect(items.map(\.value) == ["sh", "-c", "echo a b", "1"])
        #expect(KubeletServer.split("/x?a=1&a=2").query == ["a": "1"])
    }
}
