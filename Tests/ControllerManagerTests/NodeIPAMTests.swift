// Ranges of addresses for nodes' pods, and certificates that nodes may show.

import Foundation
import JSON
import KubeClient
import KubeTypes
import PKI
import Testing

@testable import ControllerManager

@Suite struct NodeIPAMTests {
    @Test func lowestFirst() throws {
        var ranges = try #require(PodCIDRs("10.244.0.0/16", nodePrefix: 24))
        #expect(ranges.allocate() == "10.244.0.0/24")
        #expect(ranges.allocate() == "10.244.1.0/24")
        ranges.occupy("10.244.2.0/24")
        #expect(!ranges.isFree("10.244.2.0/24"))
        #expect(ranges.allocate() == "10.244.3.0/24")
        ranges.release("10.244.1.0/24")
        #expect(ranges.allocate() == "10.244.1.0/24")
        // A range that is wider or narrower than a node's takes what it touches; another one takes nothing.
        ranges.occupy("10.244.4.0/23")
        ranges.occupy("10.244.6.128/25")
        ranges.occupy("10.245.7.0/24")
        #expect(ranges.allocate() == "10.244.7.0/24")
    }

    @Test func thereIsAnEnd() throws {
        var ranges = try #require(PodCIDRs("10.244.0.0/23", nodePrefix: 24))
        #expect(ranges.allocate() == "10.244.0.0/24")
        #expect(ranges.allocate() == "10.244.1.0/24")
        #expect(ranges.allocate() == nil)
        ranges.release("10.244.0.0/24")
        #expect(ranges.allocate() == "10.244.0.0/24")
    }

    @Test func ofSixBytesAndSixteen() throws {
        var ranges = try #require(PodCIDRs("fd00:244::/56", nodePrefix: 64))
        #expect(ranges.allocate() == "fd00:244::/64")
        #expect(ranges.allocate() == "fd00:244:0:1::/64")
    }

    @Test(arguments: [("10.244.0.0/16", 8), ("10.244.0.0", 24), ("x/16", 24), ("10.0.0.0/8", 28), ("10.0.0.0/16", 33)])
    func noSuchRanges(range: String, prefix: Int) { #expect(PodCIDRs(range, nodePrefix: prefix) == nil) }

    @Test func everyNodeGetsItsOwn() async throws {
        let api = FakeAPI()
        var first = Node(name: "first")
        first.spec.podCIDR = "10.244.1.0/24"
        first.spec.podCIDRs = ["10.244.1.0/24"]
        try await api.client.create(first)
        try await api.client.create(Node(name: "second"))
        try await withControllers(
            ["node-ipam-controller"], api,
            options: {
                $0.podCIDR = "10.244.0.0/16"
                $0.reservedPodCIDRs = ["10.244.0.0/24"]
            }
        ) {
            try await eventually { api.objects(Node.self).allSatisfy { $0.spec.podCIDR != nil } }
            try await api.client.create(Node(name: "third"))
            try await eventually { api.objects(Node.self).allSatisfy { $0.spec.podCIDR != nil } }
            try await api.client.delete(Node.self, "second")
            try await api.client.create(Node(name: "fourth"))
            try await eventually { api.objects(Node.self).allSatisfy { $0.spec.podCIDR != nil } }
        }
        let ranges = Dictionary(uniqueKeysWithValues: api.objects(Node.self).map { ($0.name, $0.spec.podCIDRs) })
        #expect(ranges["first"] == ["10.244.1.0/24"])
        #expect(ranges["third"] == ["10.244.3.0/24"])
        #expect(ranges["fourth"] == ["10.244.2.0/24"])
    }
}

@Suite struct NodeCertificateApproverTests {
    private func nodes() -> [Node] {
        [("n1", "192.0.2.1"), ("n2", "192.0.2.2")].map { name, address in
            var node = Node(name: name)
            node.status.addresses = [NodeAddress(["type": "InternalIP", "address": .string(address)])]
            return node
        }
    }

    @Test(
        arguments: [
            ("system:node:n1", ["system:nodes"], "system:node:n1", ["n1"], ["192.0.2.1"], nil),
            // A node that is not registered yet, with an address that nobody has.
            ("system:node:n3", ["system:nodes"], "system:node:n3", ["n3"], ["192.0.2.3"], nil),
            (
                "system:node:n1", ["system:nodes"], "system:node:n1", ["n2"], [],
                "n2 is not the name of node n1"
            ),
            (
                "system:node:n1", ["system:nodes"], "system:node:n1", [], ["192.0.2.2"],
                "192.0.2.2 is an address of node n2"
            ),
            (
                "system:node:n1", ["system:nodes"], "system:node:n1", [], ["10.96.0.1"],
                "10.96.0.1 is an address of the control plane"
            ),
            (
                "system:node:n1", ["system:nodes"], "system:node:n2", ["n2"], [],
                "system:node:n1 asks for a certificate of system:node:n2"
            ),
            (
                "system:node:n1", [], "system:node:n1", ["n1"], [],
                "system:node:n1 asks for a certificate of system:node:n1"
            ),
        ] as [(String, [String], String, [String], [String], String?)])
    func onesOwnNameAndAddresses(
        user: String, groups: [String], name: String, dnsNames: [String], addresses: [String], want: String?
    ) throws {
        let pem = try CertificateRequest.create(
            commonName: name, organizations: ["system:nodes"], dnsNames: dnsNames, ipAddresses: addresses
        ).requestPEM
        #expect(
            NodeCertificateApprover.problem(
                with: try CertificateRequest(pem: pem.utf8), of: user, groups: groups, nodes: nodes(),
                reserved: ["10.96.0.1"]) == want)
    }

    @Test(
        arguments: [
            ("system:node:n1", ["system:nodes"], "n1", "system:martlet:networks", [], nil),
            (
                "system:node:n1", ["system:nodes"], "n2", "system:martlet:networks", [],
                "system:node:n1 asks for a certificate of system:martlet:network:n2"
            ),
            (
                "n1", ["system:nodes"], "n1", "system:martlet:networks", [],
                "n1 asks for a certificate of system:martlet:network:n1"
            ),
            (
                "system:node:n1", [], "n1", "system:martlet:networks", [],
                "system:node:n1 asks for a certificate of system:martlet:network:n1"
            ),
            (
                "system:node:n1", ["system:nodes"], "n1", "system:masters", [],
                "subject organization is not system:martlet:networks"
            ),
            (
                "system:node:n1", ["system:nodes"], "n1", "system:martlet:networks", ["n1"],
                "subjectAltNames are not allowed"
            ),
        ] as [(String, [String], String, String, [String], String?)])
    func onesOwnNetwork(
        user: String, groups: [String], name: String, organization: String, dnsNames: [String], want: String?
    ) throws {
        let pem = try CertificateRequest.create(
            commonName: "system:martlet:network:\(name)", organizations: [organization], dnsNames: dnsNames,
            ipAddresses: []
        ).requestPEM
        #expect(
            NodeCertificateApprover.problem(
                withNetwork: try CertificateRequest(pem: pem.utf8), of: user, groups: groups) == want)
    }
}
