// Certificates: who may approve, sign and attest for which signer, and whom no request may make an administrator
// (upstream's CertificateApproval, CertificateSigning, ClusterTrustBundleAttest and CertificateSubjectRestriction).

import APISchema
import JSON
import KubeTypes
import PKI

struct CertificateAdmission: AdmissionPlugin {
    func handles(_ attributes: AdmissionAttributes) -> Bool {
        guard attributes.storage.group == "certificates.k8s.io" else { return false }
        switch (attributes.storage.plural, attributes.operation) {
        case ("certificatesigningrequests", .update):
            return attributes.subresource == "approval" || attributes.subresource == "status"
        case ("certificatesigningrequests", .create), ("clustertrustbundles", .create),
            ("clustertrustbundles", .update):
            return attributes.subresource.isEmpty
        default: return false
        }
    }

    func validate(_ attributes: AdmissionAttributes, _ registry: Registry) throws(APIError) {
        if attributes.storage.plural == "clustertrustbundles" { return try validateBundle(attributes, registry) }
        if attributes.operation == .create { return try validateSubject(attributes) }
        let old = attributes.oldObject
        let signer = old?[path: "spec", "signerName"]?.stringValue ?? ""
        let isApproval = attributes.subresource == "approval"
        if !isApproval {
            let isUntouched = ["certificate", "conditions"].allSatisfy { field in
                attributes.object?[path: "status", field] == old?[path: "status", field]
            }
            if isUntouched { return }
        }
        let verb = isApproval ? "approve" : "sign"
        guard !Self.mayAct(verb, for: signer, attributes.user, registry.authorizer) else { return }
        throw attributes.forbidden("user not permitted to \(verb) requests with signerName \"\(signer)\"")
    }

    /// Trust in a signer's name is spread only by whom the signer trusts.
    private func validateBundle(_ attributes: AdmissionAttributes, _ registry: Registry) throws(APIError) {
        let signer = attributes.object?[path: "spec", "signerName"]?.stringValue ?? ""
        let old = attributes.oldObject
        if let old, old["spec"] == attributes.object?["spec"] { return }
        if signer.isEmpty || Self.mayAct("attest", for: signer, attributes.user, registry.authorizer) { return }
        throw attributes.forbidden("user not permitted to attest for signerName \"\(signer)\"")
    }

    private static let clientSigner = "kubernetes.io/kube-apiserver-client"

    private func validateSubject(_ attributes: AdmissionAttributes) throws(APIError) {
        guard attributes.object?[path: "spec", "signerName"]?.stringValue == Self.clientSigner else { return }
        let text = attributes.object?[path: "spec", "request"]?.stringValue ?? ""
        let request: CertificateRequest
        do throws(PKIError) {
            request = try CertificateRequest(pem: Base64.decode(text) ?? [])
        } catch {
            throw attributes.forbidden("failed to parse CSR: \(error)")
        }
        if request.organizations.contains("system:masters") {
            throw attributes.forbidden("use of \(Self.clientSigner) signer with system:masters group is not allowed")
        }
    }

    /// A permission may name one signer or all of a domain.
    private static func mayAct(_ verb: String, for signer: String, _ user: UserInfo, _ authorizer: any Authorizer)
        -> Bool
    {
        let domain = signer.prefix { $0 != "/" }
        return [signer, "\(domain)/*"].contains { name in
            var wanted = AuthorizationAttributes(user: user, verb: verb)
            wanted.group = "certificates.k8s.io"
            wanted.version = "*"
            wanted.resource = "signers"
            wanted.name = name
            if case .allow = authorizer.authorize(wanted) { return true }
            return false
        }
    }
}
