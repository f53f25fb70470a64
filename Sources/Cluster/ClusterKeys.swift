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
    init(_ options: ClusterOptions, issuer: String) throws(ClusterError) {
        let path = options.directory.pki
        let nodeName = options.nodeName
        // A certificate for other addresses is another certificate.
        let suffix = options.advertiseAddress.map { "-\($0)" } ?? ""
        let own = [Addresses.node] + [options.advertiseAddress].compactMap { $0 }
        do {
            let authority = try CertificateAuthority.loadOrCreate(
                certificatePath: path + "/ca.crt", keyPath: path + "/ca.key", commonName: "martlet-ca")
            self.authority = authority
            tokens = try ServiceAccountTokenIssuer.loadOrCreate(issuer: issuer, keyPath: path + "/sa.key")
            apiServer = try Self.certificate("apiserver" + suffix, in: path) { () throws(PKIError) in
                try authority.issueServer(
                    commonName: "kube-apiserver",
                    dnsNames: [
                        "localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc",
                        "kubernetes.default.svc.\(Addresses.clusterDomain)",
                    ],
                    ipAddresses: ["127.0.0.1", "::1", Addresses.kubernetesService] + own)
            }
            administrator = try Self.certificate("admin", in: path) { () throws(PKIError) in
                try authority.issueClient(commonName: "kubernetes-admin", organizations: ["system:masters"])
            }
            kubeletServer = try Self.certificate("kubelet-\(nodeName)" + suffix, in: path) { () throws(PKIError) in
                try authority.issueServer(
                    commonName: "system:node:\(nodeName)", organizations: ["system:nodes"], dnsNames: [nodeName],
                    ipAddresses: ["127.0.0.1"] + own)
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
        if let kept = try KeptCertificate.read(name, in: directory) { return kept }
        let issued = try issue()
        try KeptCertificate.write(issued, name, in: directory)
        return issued
    }
}

/// Certificates with their keys in a directory, by name.
enum KeptCertificate {
    private static func paths(_ name: String, _ directory: String) -> (certificate: String, key: String) {
        ("\(directory)/\(name).crt", "\(directory)/\(name).key")
    }

    /// Nil where there is none or it ends before long.
    /// - Parameter margin: how long it must be good for, in seconds.
    static func read(_ name: String, in directory: String, margin: Double = 30 * 86400) throws(PKIError)
        -> IssuedCertificate?
    {
        let paths = paths(name, directory)
        guard let certificate = try SecretFile.read(paths.certificate), let key = try SecretFile.read(paths.key),
            let notAfter = CertificatePEM.notAfter(certificate.utf8),
            Double(notAfter) > Date().timeIntervalSince1970 + margin
        else { return nil }
        return IssuedCertificate(
            certificatePEM: certificate, privateKeyPEM: key, notAfter: Date(timeIntervalSince1970: Double(notAfter)))
    }

    static func write(_ certificate: IssuedCertificate, _ name: String, in directory: String) throws(PKIError) {
        let paths = paths(name, directory)
        try certificate.write(certificatePath: paths.certificate, keyPath: paths.key)
    }
}
