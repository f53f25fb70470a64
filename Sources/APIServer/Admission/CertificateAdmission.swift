// Certificate requests: who may approve and sign for which signer (upstream's CertificateApproval and
// CertificateSigning).

import JSON
import KubeTypes

struct CertificateAdmission: AdmissionPlugin {
    func handles(_ attributes: AdmissionAttributes) -> Bool {
        attributes.operation == .update && attributes.storage.group == "certificates.k8s.io"
            && attributes.storage.plural == "certificatesigningrequests"
            && (attributes.subresource == "approval" || attributes.subresource == "status")
    }

    func validate(_ attributes: AdmissionAttributes, _ registry: Registry) throws(APIError) {
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
