// What the signers and the approver of certificates look at in a request.

import Foundation
import KubeTypes
import PKI

/// The signers of kubernetes.io that this cluster's authority stands behind.
enum BuiltInSigner: String, CaseIterable {
    case apiServerClient = "kubernetes.io/kube-apiserver-client"
    case kubeletClient = "kubernetes.io/kube-apiserver-client-kubelet"
    case kubeletServing = "kubernetes.io/kubelet-serving"
    case legacyUnknown = "kubernetes.io/legacy-unknown"

    private static let nodes = ["system:nodes"]
    private static let nodePrefix = "system:node:"

    /// Why this signer refuses a request; nil if it signs it.
    func problem(with request: CertificateRequest, usages: [String]) -> String? {
        switch self {
        case .legacyUnknown: return nil
        case .apiServerClient: return Self.clientUsagesProblem(usages)
        case .kubeletClient:
            if request.organizations != Self.nodes { return "subject organization is not system:nodes" }
            if !request.dnsNames.isEmpty { return "DNS subjectAltNames are not allowed" }
            if !request.emailAddresses.isEmpty { return "Email subjectAltNames are not allowed" }
            if !request.ipAddresses.isEmpty { return "IP subjectAltNames are not allowed" }
            if !request.uris.isEmpty { return "URI subjectAltNames are not allowed" }
            if !request.commonName.hasPrefix(Self.nodePrefix) { return Self.wrongName }
            return Self.usagesProblem(usages, "client auth")
        case .kubeletServing:
            if request.organizations != Self.nodes { return "subject organization is not system:nodes" }
            if request.dnsNames.isEmpty, request.ipAddresses.isEmpty { return "DNS or IP subjectAltName is required" }
            if !request.emailAddresses.isEmpty { return "Email subjectAltNames are not allowed" }
            if !request.uris.isEmpty { return "URI subjectAltNames are not allowed" }
            if let problem = Self.usagesProblem(usages, "server auth") { return problem }
            return request.commonName.hasPrefix(Self.nodePrefix) ? nil : Self.wrongName
        }
    }

    private static let wrongName = "subject common name does not begin with system:node:"

    /// Key encipherment is for RSA keys and may be left out.
    private static func usagesProblem(_ usages: [String], _ purpose: String) -> String? {
        let full: Set = ["digital signature", "key encipherment", purpose]
        let given = Set(usages)
        guard given != full, given != full.subtracting(["key encipherment"]) else { return nil }
        return "usages did not match [\(full.sorted().joined(separator: " "))]"
    }

    private static func clientUsagesProblem(_ usages: [String]) -> String? {
        for usage in usages where !["digital signature", "key encipherment", "client auth"].contains(usage) {
            return "invalid usage for client certificate: \(usage)"
        }
        return usages.contains("client auth") ? nil : "missing required usage for client certificate: client auth"
    }
}

extension CertificateSigningRequest {
    func has(_ condition: String) -> Bool { status.conditions.contains { $0.type == condition } }
    var isIssued: Bool { !(status.certificate ?? "").isEmpty }
    /// Whether nobody has decided about it.
    var isOpen: Bool { !isIssued && !has("Approved") && !has("Denied") }

    /// The request, approved by a controller.
    func approved(_ message: String) -> CertificateSigningRequest {
        var condition = CertificateSigningRequestCondition()
        condition.type = "Approved"
        condition.status = "True"
        condition.reason = "AutoApproved"
        condition.message = message
        var request = self
        request.status.conditions.append(condition)
        return request
    }

    /// The request that it carries.
    /// - Throws: `PKIError` where there is none; validation has refused that.
    func parsed() throws(PKIError) -> CertificateRequest {
        try CertificateRequest(pem: Data(base64Encoded: spec.request) ?? Data())
    }
}
