import Foundation
import Testing

@testable import PKI

/// A folder for the length of a test.
func withFolder(_ body: (String) throws -> Void) throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("pki-\(UUID().uuidString)").path
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    try body(folder)
}

private let openssl = "/usr/bin/openssl"

/// What openssl prints, and whether it is content.
private func runOpenSSL(_ arguments: [String]) throws -> (output: String, ok: Bool) {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: openssl)
    process.arguments = arguments
    let pipe = Pipe()
    process.standardOutput = pipe
    process.standardError = pipe
    try process.run()
    let output = String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    return (output, process.terminationStatus == 0)
}

@Suite struct CertificateTests {
    @Test func identitiesAreReadBack() throws {
        let authority = try CertificateAuthority.create(commonName: "ca")
        let issued = try authority.issueClient(commonName: "system:node:n1", organizations: ["system:nodes", "b"])
        let identity = try ClientCertificateIdentity(der: der(issued.certificatePEM))
        #expect(identity.commonName == "system:node:n1")
        #expect(identity.organizations == ["system:nodes", "b"])
        #expect(identity.fingerprint.count == 64)
        #expect(identity.notAfter == Int64(issued.notAfter.timeIntervalSince1970))
    }

    private func der(_ pem: String) throws -> [UInt8] {
        let base64 = pem.split(separator: "\n").filter { !$0.hasPrefix("-----") }.joined()
        return Array(try #require(Data(base64Encoded: base64)))
    }

    @Test func verification() async throws {
        let authority = try CertificateAuthority.create(commonName: "ca")
        let other = try CertificateAuthority.create(commonName: "ca")
        let verifier = try ClientCertificateVerifier(authoritiesPEM: authority.certificatePEM)
        let both = try ClientCertificateVerifier(authoritiesPEM: authority.certificatePEM + other.certificatePEM)
        let good = try der(authority.issueClient(commonName: "a").certificatePEM)
        let foreign = try der(other.issueClient(commonName: "a").certificatePEM)
        let server = try der(authority.issueServer(commonName: "s", dnsNames: ["s"], ipAddresses: []).certificatePEM)
        let kubelet = try der(
            authority.issueServer(commonName: "s", dnsNames: ["s"], ipAddresses: [], alsoClient: true).certificatePEM)
        let old = try der(
            authority.issueClient(commonName: "a", validity: 60, now: Date(timeIntervalSinceNow: -3600)).certificatePEM)
        let early = try der(
            authority.issueClient(commonName: "a", now: Date(timeIntervalSinceNow: 3600)).certificatePEM)
        #expect(await verifier.problem(with: [good]) == nil)
        #expect(await verifier.problem(with: [kubelet]) == nil)
        #expect(await both.problem(with: [foreign]) == nil)
        #expect(await verifier.problem(with: [foreign]) != nil)
        #expect(await verifier.problem(with: [server]) == "the certificate is not meant for clients")
        #expect(await verifier.problem(with: [old]) == "the certificate has expired")
        #expect(await verifier.problem(with: [early]) != nil)
        #expect(await verifier.problem(with: []) != nil)
        #expect(await verifier.problem(with: [[1, 2, 3]]) != nil)
        // A certificate changed by one bit is nobody's.
        var bent = good
        bent[bent.count - 1] ^= 1
        #expect(await verifier.problem(with: [bent]) != nil)
        #expect(throws: PKIError.self) { try ClientCertificateVerifier(authoritiesPEM: "") }
    }

    @Test func authoritiesAreKeptInFiles() throws {
        try withFolder { folder in
            let certificate = folder + "/ca.crt", key = folder + "/ca.key"
            let first = try CertificateAuthority.loadOrCreate(
                certificatePath: certificate, keyPath: key, commonName: "ca")
            let second = try CertificateAuthority.loadOrCreate(
                certificatePath: certificate, keyPath: key, commonName: "other")
            #expect(first.certificatePEM == second.certificatePEM)
            let mode = try FileManager.default.attributesOfItem(atPath: key)[.posixPermissions] as? Int
            #expect(mode == 0o600)
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder).sorted() == ["ca.crt", "ca.key"])
            try FileManager.default.removeItem(atPath: certificate)
            #expect(throws: PKIError.self) {
                try CertificateAuthority.loadOrCreate(certificatePath: certificate, keyPath: key, commonName: "ca")
            }
        }
    }

    @Test func whatDoesNotFitIsRefused() throws {
        let authority = try CertificateAuthority.create(commonName: "ca")
        let other = try CertificateAuthority.create(commonName: "ca")
        let leaf = try authority.issueClient(commonName: "a")
        #expect(throws: PKIError.keyMismatch(what: "the CA's certificate")) {
            try CertificateAuthority(certificatePEM: authority.certificatePEM, privateKeyPEM: other.privateKeyPEM)
        }
        #expect(throws: PKIError.notAnAuthority(what: "the certificate")) {
            try CertificateAuthority(certificatePEM: leaf.certificatePEM, privateKeyPEM: leaf.privateKeyPEM)
        }
        #expect(throws: PKIError.badName("not an address")) {
            try authority.issueServer(commonName: "s", dnsNames: [], ipAddresses: ["not an address"])
        }
        do {
            _ = try CertificateAuthority(certificatePEM: "x", privateKeyPEM: "y")
            Issue.record("nonsense was taken for a certificate")
        } catch {
            #expect("\(error)".hasPrefix("the CA's certificate is malformed"))
        }
    }

    @Test func noCertificateOutlivesItsAuthority() throws {
        let authority = try CertificateAuthority.create(commonName: "ca", validity: 1000)
        #expect(try authority.issueClient(commonName: "a").notAfter == authority.notAfter)
    }

    @Test(.enabled(if: FileManager.default.isExecutableFile(atPath: openssl)))
    func opensslAcceptsTheCertificates() throws {
        try withFolder { folder in
            let authority = try CertificateAuthority.create(commonName: "martlet-ca")
            try authority.write(certificatePath: folder + "/ca.crt", keyPath: folder + "/ca.key")
            let server = try authority.issueServer(
                commonName: "kube-apiserver", dnsNames: ["kubernetes", "localhost"],
                ipAddresses: ["127.0.0.1", "fd00::1"])
            try server.write(certificatePath: folder + "/server.crt", keyPath: folder + "/server.key")
            let client = try authority.issueClient(commonName: "admin", organizations: ["system:masters"])
            try client.write(certificatePath: folder + "/client.crt", keyPath: folder + "/client.key")
            for (purpose, name, more) in [
                ("sslserver", "server", ["-verify_ip", "127.0.0.1", "-verify_hostname", "kubernetes"]),
                ("sslclient", "client", []),
            ] {
                let result = try runOpenSSL(
                    ["verify", "-x509_strict", "-CAfile", folder + "/ca.crt", "-purpose", purpose] + more
                        + [folder + "/\(name).crt"])
                #expect(result.ok, "\(result.output)")
            }
            let text = try runOpenSSL(["x509", "-in", folder + "/ca.crt", "-noout", "-text"]).output
            #expect(text.contains("CA:TRUE"))
            #expect(text.contains("Certificate Sign"))
            #expect(text.contains("X509v3 Subject Key Identifier"))
            let names = try runOpenSSL(["x509", "-in", folder + "/server.crt", "-noout", "-text"]).output
            #expect(names.contains("DNS:kubernetes, DNS:localhost, IP Address:127.0.0.1, IP Address:FD00"))
            #expect(try runOpenSSL(["ec", "-in", folder + "/server.key", "-noout", "-check"]).ok)
        }
    }
}
