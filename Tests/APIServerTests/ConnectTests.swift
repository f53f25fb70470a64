// proxy, exec, attach and portforward against servers of the test's own.

import HTTPServer
import JSON
import KubeTypes
import NIOCore
import NIOHTTP1
import Testing

@testable import APIServer

/// Says what it was asked, or a page, or leads elsewhere.
private struct Backend: HTTPResponder {
    func respond(to request: HTTPRequest, _ response: any HTTPResponseWriter) {
        let path = request.target.prefix { $0 != "?" }
        switch path {
        case "/page":
            response.send(
                .ok, headers: ["content-type": "text/html; charset=utf-8"],
                body: [ByteBuffer(string: "<a href=\"/next\">n</a><A HREF='rel'>r</A><p title=\"/x\">")])
        case "/moved": response.send(.found, headers: ["location": "/there?x=1"], body: [])
        default:
            let text = "\(request.method) \(request.target) \(String(buffer: request.body))"
            response.send(
                .ok,
                headers: [
                    "content-type": "text/plain", "x-uri": request.headers.first(name: "x-forwarded-uri") ?? "none",
                    "x-authorization": request.headers.first(name: "authorization") ?? "none",
                ], body: [ByteBuffer(string: text)])
        }
    }
}

private struct FakeKubelets: KubeletConnection {
    let port: Int
    func logs(node: JSONValue, path: String, query: String, to response: any HTTPResponseWriter) {
        response.send(.ok, headers: [:], body: [ByteBuffer(string: "log")])
    }
    func target(of node: JSONValue) throws(APIError) -> ProxyTarget { ProxyTarget(host: "127.0.0.1", port: port) }
}

private func withPlane(_ body: (ControlPlane, Int) async throws -> Void) async throws {
    let backend = try await HTTPServer.start(.init(), responder: Backend())
    let plane = try await ControlPlane(kubelets: FakeKubelets(port: backend.port)) { $0.proxiesToLoopback = true }
    await plane.makeDefaultAccount()
    var object = pod("web")
    object["spec"] = [
        "nodeName": "n1",
        "containers": [
            ["name": "c", "image": "nginx", "ports": [["containerPort": .integer(Int64(backend.port))]]]
        ],
    ]
    await plane.call(.POST, "/api/v1/namespaces/default/pods", object)
    await plane.call(
        .PATCH, "/api/v1/namespaces/default/pods/web/status",
        ["status": ["phase": "Running", "podIP": "127.0.0.1", "podIPs": [["ip": "127.0.0.1"]]]],
        type: "application/merge-patch+json")
    await plane.call(
        .POST, "/api/v1/nodes", ["apiVersion": "v1", "kind": "Node", "metadata": ["name": "n1"]])
    await plane.call(
        .POST, "/api/v1/namespaces/default/services",
        [
            "apiVersion": "v1", "kind": "Service", "metadata": ["name": "svc"],
            "spec": ["ports": [["name": "web", "port": 80, "targetPort": .integer(Int64(backend.port))]]],
        ])
    await plane.put(
        [
            "apiVersion": "v1", "kind": "Endpoints", "metadata": ["name": "svc"],
            "subsets": [
                [
                    "addresses": [
                        [
                            "ip": "127.0.0.1",
                            "targetRef": ["kind": "Pod", "namespace": "default", "name": "web"],
                        ]
                    ],
                    "ports": [["name": "web", "port": .integer(Int64(backend.port)), "protocol": "TCP"]],
                ]
            ],
        ], group: "", resource: "endpoints", namespace: "default")
    do { try await body(plane, backend.port) } catch {
        await backend.shutdown(grace: .zero)
        throw error
    }
    await backend.shutdown(grace: .zero)
}

@Suite struct ConnectTests {
    @Test func leadsToPodsServicesAndNodes() async throws {
        try await withPlane { plane, port in
            let base = "/api/v1/namespaces/default"
            for (method, path, expected) in [
                (HTTPMethod.GET, "\(base)/pods/web/proxy/a%2Fb/?x=%20y", "GET /a%2Fb/?x=%20y "),
                (.POST, "\(base)/pods/web:\(port)/proxy/p", "POST /p hello"),
                (.PUT, "\(base)/pods/http:web:\(port)/proxy/", "PUT / hello"),
                (.PATCH, "\(base)/services/svc:web/proxy/", "PATCH / hello"),
                (.DELETE, "\(base)/services/svc:80/proxy/x", "DELETE /x hello"),
                (.OPTIONS, "\(base)/services/http:svc:web/proxy/x?watch=true", "OPTIONS /x?watch=true hello"),
                (.GET, "/api/v1/nodes/n1/proxy/healthz", "GET /healthz "),
            ] {
                let answer = await plane.call(method, path, bytes: method == .GET ? [] : Array("hello".utf8))
                #expect(answer.status == 200, "\(path): \(answer.text)")
                #expect(answer.text == expected)
                #expect(answer.headers.first(name: "x-authorization") == "none")
                #expect(answer.headers.contains(name: "audit-id"))
            }
        }
    }

    @Test func rewritesWhatServersSayOfTheirPaths() async throws {
        try await withPlane { plane, _ in
            let prefix = "/api/v1/namespaces/default/pods/web/proxy"
            let bare = await plane.call(.GET, "\(prefix)?x=1")
            #expect(bare.status == 301)
            #expect(bare.headers.first(name: "location") == "\(prefix)/?x=1")
            let moved = await plane.call(.GET, "\(prefix)/moved")
            #expect(moved.status == 302)
            #expect(moved.headers.first(name: "location") == "\(prefix)/there?x=1")
            let page = await plane.call(.GET, "\(prefix)/page")
            #expect(page.text == "<a href=\"\(prefix)/next\">n</a><A HREF='rel'>r</A><p title=\"/x\">")
            let uri = await plane.call(.GET, "\(prefix)/q")
            #expect(uri.headers.first(name: "x-uri") == "\(prefix)/q")
        }
    }

    @Test func refusesAsUpstreamDoes() async throws {
        try await withPlane { plane, _ in
            let base = "/api/v1/namespaces/default"
            for (method, path, code, message) in [
                (HTTPMethod.GET, "\(base)/pods/none/proxy/", 404, "pods \"none\" not found"),
                (.GET, "\(base)/pods/ftp:web:1/proxy/", 400, "invalid pod request \"ftp:web:1\""),
                (.GET, "\(base)/services/svc:81/proxy/", 503, "no service port 81 found for service \"svc\""),
                (.GET, "\(base)/services/svc:none/proxy/", 503, "no endpoints available for service \"svc:none\""),
                (.GET, "\(base)/pods/web:1/proxy/", 503, "error trying to reach service: dial tcp 127.0.0.1:1"),
                (.POST, "\(base)/pods/web/exec?command=ls&stdout=1", 400, "Upgrade request required"),
                (.GET, "\(base)/pods/web/exec?command=ls&container=no", 400, "container no is not valid for pod web"),
                (.DELETE, "\(base)/pods/web/exec", 405, "the server does not allow this method"),
            ] {
                let answer = await plane.call(method, path)
                #expect(answer.status == code, "\(path): \(answer.text)")
                #expect(answer.message.hasPrefix(message), "\(path): \(answer.message)")
            }
            let denied = await plane.call(.GET, "\(base)/pods/web/proxy/", token: "nobody")
            #expect(denied.status == 403)
        }
    }

    @Test func translatesStreamOptions() throws {
        for (subresource, query, expected) in [
            (
                "exec", "command=sh&command=-c&command=a+b%26&stdin=true&stdout=1&stderr=false&tty=true&container=c",
                "input=1&output=1&tty=1&command=sh&command=-c&command=a%20b%26"
            ),
            ("attach", "stdin=1&command=no", "input=1"),
            ("portforward", "ports=80&ports=443", "port=80%2C443"),
            ("portforward", "", ""),
        ] {
            let options = try #require(Query(query[...]))
            #expect(APIServer.streamQuery(subresource, options) == expected, "\(subresource) \(query)")
        }
    }

    @Test func knowsAddressesThatAreNobodysPod() {
        for (address, allowed) in [
            ("10.244.0.5", true), ("127.0.0.1", false), ("169.254.169.254", false), ("224.0.0.1", false),
            ("0.0.0.0", false), ("255.255.255.255", false), ("::1", false), ("::", false), ("fe80::1", false),
            ("ff02::1", false), ("fd00::5", true), ("::ffff:127.0.0.1", false), ("", false), ("name", false),
        ] {
            #expect(ProxyAddress.isAllowed(address) == allowed, "\(address)")
        }
    }

    @Test func rewritesURLs() {
        let rewriting = ProxyRewriting(prefix: "/p", hosts: ["10.0.0.1:80", "10.0.0.1"], requestHost: "here:6443")
        for (url, expected) in [
            ("/a", "/p/a"), ("a/b", "a/b"), ("http://10.0.0.1:80/a?b#c", "/p/a?b#c"), ("//10.0.0.1/a", "/p/a"),
            ("https://here:6443/a", "https://here:6443/p/a"), ("http://other/a", "http://other/a"),
            ("/p/a", "/p/a"), ("mailto:x@y", "mailto:x@y"), ("#top", "#top"), ("?q=/x", "?q=/x"), ("/", "/p/"),
        ] {
            #expect(rewriting.url(url) == expected, "\(url)")
        }
    }

    @Test func rewritesPages() {
        let rewriting = ProxyRewriting(prefix: "/p", hosts: [], requestHost: "")
        for (page, expected) in [
            ("<img src=/a.png alt=/b>", "<img src=/p/a.png alt=/b>"),
            ("<!-- <a href=\"/a\"> --><a\nhref = \"/a\" >", "<!-- <a href=\"/a\"> --><a\nhref = \"/p/a\" >"),
            (
                "<script src='/s.js'>x = \"<a href='/a'>\"</script><a href='/a'>",
                "<script src='/p/s.js'>x = \"<a href='/a'>\"</script><a href='/p/a'>"
            ),
            ("a < b <", "a < b <"), ("<a href", "<a href"), ("<a href=\"/x", "<a href=\"/p/x"),
        ] {
            #expect(String(decoding: rewriting.html(Array(page.utf8)), as: UTF8.self) == expected)
        }
    }
}
