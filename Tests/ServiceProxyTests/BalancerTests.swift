import KubeTypes
import Testing

@testable import ServiceProxy

/// The distribution of connections under each algorithm.
@Suite struct BalancerTests {
    private let targets = (1...4).compactMap { IPAddress("10.0.0.\($0)") }.map { EndpointTarget(address: $0, port: 80) }
    private func client(_ number: Int) throws -> IPAddress {
        try #require(IPAddress("10.1.\(number / 256).\(number % 256)"))
    }
    private let service = IPAddress(family: .ipv4, bytes: [10, 96, 0, 1])

    private func balancer(_ scheduling: ServiceScheduling, weights: [Int] = []) -> Balancer {
        var balancer = Balancer(scheduling)
        balancer.update(targets, weights: weights)
        return balancer
    }

    @Test func roundRobinTakesTurns() throws {
        var balancer = balancer(.roundRobin)
        let chosen = try (0..<8).map { try balancer.begin(source: client($0), destination: service) }
        #expect(chosen == targets + targets)
        // One that failed is passed over.
        let chosen1 = try balancer.begin(source: client(1), destination: service, excluded: [targets[0]])
        #expect(chosen1 == targets[1])
    }

    @Test func leastConnectionGoesWhereFewestAre() throws {
        var balancer = balancer(.leastConnection)
        for number in 0..<8 { _ = try balancer.begin(source: client(number), destination: service) }
        #expect(balancer.servers.map(\.active) == [2, 2, 2, 2])
        balancer.end(targets[2])
        let chosen2 = try balancer.begin(source: client(1), destination: service)
        #expect(chosen2 == targets[2])
        // A newcomer gets all until it has as many as the others.
        let newcomer = EndpointTarget(address: try #require(IPAddress("10.0.0.9")), port: 80)
        balancer.update(targets + [newcomer])
        let chosen3 = try balancer.begin(source: client(1), destination: service)
        #expect(chosen3 == newcomer)
        let chosen4 = try balancer.begin(source: client(2), destination: service)
        #expect(chosen4 == newcomer)
        #expect(balancer.servers.map(\.active) == [2, 2, 2, 2, 2])
    }

    @Test func hashingIsStableAndSpreads() throws {
        var bySource = balancer(.sourceHashing), byDestination = balancer(.destinationHashing)
        var counts: [EndpointTarget: Int] = [:]
        for number in 0..<1000 {
            let chosen = try bySource.begin(source: client(number), destination: service)
            let first = try #require(chosen)
            let chosen5 = try bySource.begin(source: client(number), destination: service)
            #expect(chosen5 == first)
            counts[first, default: 0] += 1
        }
        #expect(counts.count == 4)
        for count in counts.values { #expect((150...350).contains(count)) }
        let all = Set(try (0..<50).map { try byDestination.begin(source: client($0), destination: service) })
        #expect(all.count == 1)
        let several = Set(try (0..<50).map { try byDestination.begin(source: service, destination: client($0)) })
        #expect(several.count == 4)
    }

    @Test func shortestExpectedDelayHonoursWeights() throws {
        var balancer = balancer(.shortestExpectedDelay, weights: [1, 2, 3, 0])
        for number in 0..<60 { _ = try balancer.begin(source: client(number), destination: service) }
        #expect(balancer.servers.map(\.active) == [10, 20, 30, 0])
    }

    @Test func neverQueueFillsTheIdleFirst() throws {
        var balancer = balancer(.neverQueue, weights: [1, 100, 1, 1])
        let first = try (0..<4).map { try balancer.begin(source: client($0), destination: service) }
        #expect(first == targets)
        // All are busy: now the weights count.
        let next = try (0..<10).map { try balancer.begin(source: client($0), destination: service) }
        #expect(next.allSatisfy { $0 == targets[1] })
        balancer.end(targets[3])
        let chosen6 = try balancer.begin(source: client(1), destination: service)
        #expect(chosen6 == targets[3])
    }

    @Test func randomIsEven() throws {
        var balancer = balancer(.random)
        for number in 0..<4000 { _ = try balancer.begin(source: client(number % 200), destination: service) }
        for server in balancer.servers { #expect((800...1200).contains(server.active)) }
    }

    @Test func nobodyIsChosenWhereNobodyIs() throws {
        var empty = Balancer(.roundRobin)
        let chosen7 = empty.begin(source: service, destination: service)
        #expect(chosen7 == nil)
        var weightless = balancer(.random, weights: [0, 0, 0, 0])
        let chosen8 = weightless.begin(source: service, destination: service)
        #expect(chosen8 == nil)
    }

    @Test func affinityEndsInTime() throws {
        var affinity = SessionAffinity()
        let now = ContinuousClock.now
        affinity.remember(service, targets[1], seconds: 10, now: now)
        #expect(affinity.target(of: service, now: now + .seconds(9)) == targets[1])
        #expect(affinity.target(of: service, now: now + .seconds(10)) == nil)
    }
}

/// The rules for the kernel's load balancer, as data.
@Suite struct IPVSTests {
    private func rules(_ addresses: [String], affinity: Bool = false) -> IPVSRules {
        let service = ServicePortsTests.service(
            [
                "clusterIP": "10.96.0.10", "sessionAffinity": affinity ? "ClientIP" : "None",
                "ports": [["name": "http", "port": 80, "nodePort": 30080, "protocol": "TCP"]],
            ], name: "web")
        let slice = ServicePortsTests.slice("web-1", of: "web", addresses.map { ServicePortsTests.endpoint($0) })
        let node = NodeFacts(nodeName: "n1", nodeIPs: [IPAddress("10.244.0.1")].compactMap(\.self))
        return IPVSRules(
            ServicePorts.routes(services: [service], slices: [slice], node: node), node: node, scheduling: .roundRobin)
    }

    @Test func fromNothing() {
        let rules = rules(["10.244.0.3", "10.244.0.2"])
        #expect(
            rules.change(from: IPVSRules()) == [
                "-A -t 10.96.0.10:80 -s rr", "-a -t 10.96.0.10:80 -r 10.244.0.2:8080 -m -w 1",
                "-a -t 10.96.0.10:80 -r 10.244.0.3:8080 -m -w 1", "-A -t 10.244.0.1:30080 -s rr",
                "-a -t 10.244.0.1:30080 -r 10.244.0.2:8080 -m -w 1",
                "-a -t 10.244.0.1:30080 -r 10.244.0.3:8080 -m -w 1",
            ])
        #expect(rules.localAddresses.map(\.description) == ["10.96.0.10", "10.244.0.1"])
    }

    @Test func onlyWhatChanged() {
        let before = rules(["10.244.0.2", "10.244.0.3"])
        #expect(before.change(from: before) == [])
        #expect(
            rules(["10.244.0.3"]).change(from: before) == [
                "-d -t 10.96.0.10:80 -r 10.244.0.2:8080", "-d -t 10.244.0.1:30080 -r 10.244.0.2:8080",
            ])
        #expect(rules([]).change(from: before) == ["-D -t 10.96.0.10:80", "-D -t 10.244.0.1:30080"])
        #expect(
            rules(["10.244.0.2", "10.244.0.3"], affinity: true).change(from: before) == [
                "-E -t 10.96.0.10:80 -s rr -p 10800", "-E -t 10.244.0.1:30080 -s rr -p 10800",
            ])
    }
}
