import Glibc
import JSON
import KubeClient
import KubeTypes
import NIOCore
import NIOPosix
import Synchronization
import Testing

@testable import ClusterDNS

/// The server on real sockets of the loopback, with a resolver beside it that stands for the world outside.
@Suite(.serialized) struct ServerTests {
    /// Answers every name with 9.9.9.9, but `big.example` with more than a datagram carries, and `silent.example` never.
    private static func world(_ bytes: [UInt8], _ overTCP: Bool) -> DNSReply {
        guard let query = try? DNSParser.message(bytes), let question = query.questions.first else { return .now(nil) }
        var response = Answerer.response(to: query)
        switch question.name.texts.first {
        case "silent": return .now(nil)
        case "missing": response.responseCode = DNSResponseCode.nameError
        case "big":
            response.answers = (0..<200).map {
                DNSRecord(name: question.name, ttl: 20, payload: .address([10, 0, 0, UInt8($0)]))
            }
        default: response.answers = [DNSRecord(name: question.name, ttl: 20, payload: .address([9, 9, 9, 9]))]
        }
        return .now(DNSWriter.bytes(of: response, limit: overTCP ? 65535 : 512))
    }

    private static func query(_ name: String, _ type: DNSType = .a, edns: DNSExtension? = nil) -> DNSMessage {
        var query = DNSMessage()
        query.id = UInt16.random(in: 0...UInt16.max)
        query.recursionDesired = true
        query.questions = [DNSQuestion(name: DNSName(name) ?? .root, type: type)]
        query.edns = edns
        return query
    }

    /// Starts the server and the world, and hands a function that asks.
    private func withServer(
        resolvers: Bool = true,
        _ body: (_ ask: (DNSMessage, Bool) async throws -> DNSMessage, _ cluster: Objects) async throws -> Void
    ) async throws {
        let group = MultiThreadedEventLoopGroup.singleton
        let world = try await DNSServer(group: group, responder: Self.world).listen("127.0.0.2", 0)
        let worldPort = try #require(world.first?.localAddress?.port)
        let outside = Self.file(resolvers ? "nameserver 127.0.0.2\nnameserver 127.0.0.1\n" : "search x\n")
        let inside = Self.file("nameserver 127.0.0.1\n")
        defer { for path in [outside, inside] { unlink(path) } }
        let cluster = Objects()
        let server = ClusterDNS(
            client: KubeClient(cluster),
            options: ClusterDNS.Options(
                listenAddresses: ["127.0.0.1"], port: 0, serviceIPs: ["10.96.0.10"], reverseCIDRs: ["10.0.0.0/8"],
                resolverConfiguration: outside, resolverPort: worldPort))
        let running = Task { try await server.run() }
        await server.waitUntilReady()
        let client = Forwarder(group: group, path: inside, own: [], port: try #require(server.port))
        do {
            try await body(
                { query, overTCP in
                    let bytes = try #require(
                        await client.answer(DNSWriter.bytes(of: query), query, overTCP: overTCP), "no answer")
                    return try DNSParser.message(bytes)
                }, cluster)
        } catch {
            Issue.record(error)
        }
        running.cancel()
        _ = await running.result
        for channel in world { try? await channel.close().get() }
    }

    private static func file(_ text: String) -> String {
        var template = Array("/tmp/martlet-dns-XXXXXX".utf8CString)
        let descriptor = mkstemp(&template)
        _ = Array(text.utf8).withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
        close(descriptor)
        return String(decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
    }

    @Test func answersOverBothTransports() async throws {
        try await withServer { ask, cluster in
            for overTCP in [false, true] {
                let web = try await ask(Self.query("web.default.svc.cluster.local"), overTCP)
                #expect(web.authoritative && web.answers.map(\.payload) == [.address([10, 96, 0, 1])])
                let none = try await ask(Self.query("no.default.svc.cluster.local"), overTCP)
                #expect(none.responseCode == DNSResponseCode.nameError)
                let outside = try await ask(Self.query("www.example.com"), overTCP)
                #expect(!outside.authoritative && outside.answers.map(\.payload) == [.address([9, 9, 9, 9])])
                let missing = try await ask(Self.query("missing.example"), overTCP)
                #expect(missing.responseCode == DNSResponseCode.nameError)
                let alias = try await ask(Self.query("out.default.svc.cluster.local"), overTCP)
                #expect(alias.answers.map(\.payload.type) == [.cname, .a])
            }
        }
    }

    @Test func whatIsTooLargeForADatagramComesOverTCP() async throws {
        try await withServer { ask, cluster in
            for name in ["big.example", "many.default.svc.cluster.local"] {
                let cut = try await ask(Self.query(name), false)
                #expect(cut.truncated && cut.answers.count < 200, "\(name)")
                let whole = try await ask(Self.query(name), true)
                #expect(!whole.truncated && whole.answers.count == 200, "\(name)")
            }
            let larger = try await ask(
                Self.query("many.default.svc.cluster.local", edns: DNSExtension(payloadSize: 4096)), false)
            #expect(!larger.truncated && larger.answers.count == 200 && larger.edns != nil)
        }
    }

    @Test func followsTheCluster() async throws {
        try await withServer { ask, cluster in
            cluster.send(
                .modified,
                Service([
                    "metadata": ["name": "web", "namespace": "default"], "spec": ["clusterIP": "10.96.0.2"],
                ]))
            cluster.send(.deleted, EndpointSlice(Objects.many))
            try await Task.sleep(for: .milliseconds(100))
            let web = try await ask(Self.query("web.default.svc.cluster.local"), false)
            #expect(web.answers.map(\.payload) == [.address([10, 96, 0, 2])])
            let many = try await ask(Self.query("many.default.svc.cluster.local"), false)
            #expect(many.responseCode == DNSResponseCode.nameError)
        }
    }

    @Test func withoutResolversOtherNamesAreRefused() async throws {
        try await withServer(resolvers: false) { ask, cluster in
            let outside = try await ask(Self.query("www.example.com"), false)
            #expect(outside.responseCode == DNSResponseCode.refused)
            let web = try await ask(Self.query("web.default.svc.cluster.local"), false)
            #expect(web.answers.count == 1)
        }
    }

    @Test func theObjectsThatLeadToTheServer() throws {
        let service = ClusterDNS.service(clusterIPs: ["10.96.0.10"])
        #expect(service.spec.selector.isEmpty && service.spec.clusterIP == "10.96.0.10")
        #expect(service.spec.ports.map { "\($0.protocol ?? "") \($0.port)" } == ["UDP 53", "TCP 53"])
        let slice = try #require(ClusterDNS.endpointSlice(addresses: ["10.244.0.1"], port: 1053))
        #expect(slice.labels["kubernetes.io/service-name"] == "kube-dns" && slice.addressType == "IPv4")
        #expect(slice.endpoints.first?.addresses == ["10.244.0.1"] && slice.ports.map(\.port) == [1053, 1053])
        #expect(Set(slice.ports.map(\.name)) == Set(service.spec.ports.map(\.name)))
        #expect(ClusterDNS.endpointSlice(addresses: [], port: 53) == nil)
    }
}

/// An API with a few Services.
private final class Objects: KubeTransport {
    static let many: JSONValue = [
        "metadata": ["name": "many-1", "namespace": "default", "labels": ["kubernetes.io/service-name": "many"]],
        "addressType": "IPv4",
        "endpoints": .array((0..<200).map { ["addresses": [.string("10.244.1.\($0)")]] }),
        "ports": [["name": "", "port": 80]],
    ]

    private let lists: [String: [JSONValue]] = [
        "namespaces": [["metadata": ["name": "default"]]],
        "services": [
            ["metadata": ["name": "web", "namespace": "default"], "spec": ["clusterIP": "10.96.0.1"]],
            ["metadata": ["name": "many", "namespace": "default"], "spec": ["clusterIP": "None"]],
            [
                "metadata": ["name": "out", "namespace": "default"],
                "spec": ["type": "ExternalName", "externalName": "www.example.com"],
            ],
        ],
        "endpointslices": [many],
    ]
    private let watchers = Mutex([String: AsyncThrowingStream<KubeWatchEvent, any Error>.Continuation]())

    func send<T: KubeObject>(_ kind: KubeWatchEvent.Kind, _ object: T) {
        let watcher = watchers.withLock { $0[T.type.resource] }
        watcher?.yield(KubeWatchEvent(kind: kind, object: object.json))
    }

    func call(_ request: KubeRequest) async throws(APIError) -> JSONValue {
        ["metadata": ["resourceVersion": "1"], "items": .array(lists[request.resource] ?? [])]
    }

    func watch(_ request: KubeRequest) async throws(APIError) -> AsyncThrowingStream<KubeWatchEvent, any Error> {
        let (stream, continuation) = AsyncThrowingStream<KubeWatchEvent, any Error>.makeStream()
        watchers.withLock { $0[request.resource] = continuation }
        return stream
    }
}
