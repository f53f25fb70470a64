import APIServer
import Foundation
import PKI

/// The keys and certificates of a cluster, made at its first start and kept in the data directory.
struct ClusterKeys: Sendable {
    let authority: CertificateAuthority
    let tokens: ServiceAccountTokenIssuer
    /// What the API server shows.
    let apiServer: IssuedCertificate
    /// The administrator: group `system:masters`.
    let administrator: IssuedCertificate
    /// What the kubelet's server shows.
    let kubeletServer: IssuedCertificate
    /// Who the API server is towards kubelets.
    let kubeletClient: IssuedCertificate
    /// The authority of `frontProxyClient` alone.
    let frontProxyAuthority: CertificateAuthority
    /// Who the API server is towards aggregated API servers.
    let frontProxyClient: IssuedCertificate

    /// - Throws: `ClusterError` where a file cannot be read or written.
    init(_ directory: DataDirectory, nodeName: String, issuer: String) throws(ClusterError) {
        let path = directory.pki
        do {
            let authority = try CertificateAuthority.loadOrCreate(
                certificatePath: path + "/ca.crt", keyPath: path + "/ca.key", commonName: "martlet-ca")
            self.authority = authority
            tokens = try ServiceAccountTokenIssuer.loadOrCreate(issuer: issuer, keyPath: path + "/sa.key")
            apiServer = try Self.certificate("apiserver", in: path) { () throws(PKIError) in
                try authority.issueServer(
                    commonName: "kube-apiserver",
                    dnsNames: [
                        "localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc",
                        "kubernetes.default.svc.\(Addresses.clusterDomain)",
                    ],
                    ipAddresses: ["127.0.0.1", "::1", Addresses.kubernetesService, Addresses.node])
            }
            administrator = try Self.certificate("admin", in: path) { () throws(PKIError) in
                try authority.issueClient(commonName: "kubernetes-admin", organizations: ["system:masters"])
            }
            kubeletServer = try Self.certificate("kubelet-\(nodeName)", in: path) { () throws(PKIError) in
                try authority.issueServer(
                    commonName: "system:node:\(nodeName)", organizations: ["system:nodes"], dnsNames: [nodeName],
                    ipAddresses: ["127.0.0.1", Addresses.node])
            }
            kubeletClient = try Self.certificate("apiserver-kubelet-client", in: path) { () throws(PKIError) in
                try authority.issueClient(commonName: "kube-apiserver-kubelet-client")
            }
            let frontProxyAuthority = try CertificateAuthority.loadOrCreate(
                certificatePath: path + "/front-proxy-ca.crt", keyPath: path + "/front-proxy-ca.key",
                commonName: "front-proxy-ca")
            self.frontProxyAuthority = frontProxyAuthority
            frontProxyClient = try Self.certificate("front-proxy-client", in: path) { () throws(PKIError) in
                try frontProxyAuthority.issueClient(commonName: FrontProxy.commonName)
            }
        } catch {
            throw ClusterError("the cluster's keys: \(error)")
        }
    }

    /// The certificate kept under `name`, or a new one where there is none or it ends within a month.
    private static func certificate(
        _ name: String, in directory: String, _ issue: () throws(PKIError) -> IssuedCertificate
    ) throws(PKIError) -> IssuedCertificate {
        let (certificatePath, keyPath) = ("\(directory)/\(name).crt", "\(directory)/\(name).key")
        if let certificate = try SecretFile.read(certificatePath), let key = try SecretFile.read(keyPath),
            let notAfter = try? ClientCertificateIdentity(pem: certificate).notAfter,
            Double(notAfter) > Date().timeIntervalSince1970 + 30 * 86400
        {
            return IssuedCertificate(
                certificatePEM: certificate, privateKeyPEM: key,
                notAfter: Date(timeIntervalSince1970: Double(notAfter)))
        }
        let issued = try issue()
        try issued.write(certificatePath: certificatePath, keyPath: keyPath)
        return issued
    }
}

extension ClientCertificateIdentity {
    /// Reads the first certificate of a PEM text.
    fileprivate init(pem: String) throws(PKIError) {
        let body = pem.split(separator: "\n").drop { !$0.hasPrefix("-----BEGIN") }.dropFirst()
            .prefix { !$0.hasPrefix("-----END") }.joined()
        guard let der = Data(base64Encoded: body) else {
            throw PKIError.malformed(what: "a certificate", reason: "it is no PEM")
        }
        try self.init(der: Array(der))
    }
}
