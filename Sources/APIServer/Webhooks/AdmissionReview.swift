// AdmissionReview of admission.k8s.io, v1 and v1beta1: what webhooks are asked, and what they answer.

import APISchema
import JSON
import KubeTypes

/// How a webhook that was called decided.
struct AdmissionVerdict: Sendable {
    var isAllowed: Bool
    /// Why not.
    var status: JSONValue?
    /// A JSON patch, decoded from base64; empty if there is none.
    var patch: [UInt8]
    var auditAnnotations: [String: String]
    var warnings: [String]
}

/// Why a webhook has not decided: what follows `failed calling webhook "NAME": `.
struct AdmissionCallError: Error {
    var reason: String
    var isTimeout = false
}

struct AdmissionReview: Sendable {
    let uid: String
    let version: String
    let json: JSONValue

    /// - Throws: where the webhook speaks neither version.
    init(
        _ versioned: VersionedAdmissionAttributes, versions: [String], uid: String
    ) throws(AdmissionCallError) {
        guard let version = versions.first(where: { $0 == "v1" || $0 == "v1beta1" }) else {
            throw AdmissionCallError(
                reason: "could not create admission objects: webhook does not accept known AdmissionReview versions "
                    + "(v1, v1beta1)")
        }
        self.uid = uid
        self.version = version
        var request = versioned.request
        request["uid"] = .string(uid)
        request["object"] = versioned.object ?? .null
        request["oldObject"] = versioned.oldObject ?? .null
        json = [
            "kind": "AdmissionReview", "apiVersion": .string("admission.k8s.io/\(version)"),
            "request": .object(request),
        ]
    }

    /// Reads what a webhook answered.
    func verdict(_ answer: JSONValue, mutating: Bool) throws(AdmissionCallError) -> AdmissionVerdict {
        func invalid(_ why: String) -> AdmissionCallError {
            AdmissionCallError(reason: "received invalid webhook response: \(why)")
        }
        guard let response = answer["response"]?.objectValue else {
            throw invalid("webhook response was absent")
        }
        let patchText = response[string: "patch"]
        var patchType = response["patchType"]?.stringValue
        if version == "v1" {
            let own = response[string: "uid"]
            guard own == uid else { throw invalid("expected response.uid=\"\(uid)\", got \"\(own)\"") }
            let kind = answer["kind"]?.stringValue ?? ""
            let apiVersion = answer["apiVersion"]?.stringValue ?? ""
            guard kind == "AdmissionReview", apiVersion == "admission.k8s.io/v1" else {
                throw invalid(
                    "expected webhook response of admission.k8s.io/v1, Kind=AdmissionReview, got \(apiVersion), "
                        + "Kind=\(kind)")
            }
            if !mutating {
                if !patchText.isEmpty { throw invalid("validating webhook may not return response.patch") }
                if patchType != nil { throw invalid("validating webhook may not return response.patchType") }
            } else if !patchText.isEmpty, patchType == nil {
                throw invalid("webhook returned response.patch but not response.patchType")
            } else if patchText.isEmpty, patchType != nil {
                throw invalid("webhook returned response.patchType but not response.patch")
            } else if patchType == "" {
                throw invalid("webhook returned invalid response.patchType of \"\"")
            }
        } else {
            patchType = patchText.isEmpty ? nil : "JSONPatch"
        }
        var patch: [UInt8] = []
        if mutating, !patchText.isEmpty {
            guard let decoded = Base64.decode(patchText) else {
                throw invalid("response.patch is not base64")
            }
            guard patchType == "JSONPatch" else {
                throw AdmissionCallError(reason: "unsupported patch type \"\(patchType ?? "")\"")
            }
            patch = decoded
        }
        return AdmissionVerdict(
            isAllowed: response["allowed"]?.boolValue ?? false, status: response["status"], patch: patch,
            auditAnnotations: response["auditAnnotations"]?.stringMap ?? [:],
            warnings: response["warnings"]?.strings ?? [])
    }

    /// The refusal that a webhook's `status` amounts to.
    static func denial(by webhook: String, _ status: JSONValue?) -> APIError {
        let said = Status(status ?? [:])
        var error = APIError(said)
        error.code = max(said.code ?? 0, 400)
        let denied = "admission webhook \"\(webhook)\" denied the request"
        if let message = said.message, !message.isEmpty {
            error.message = "\(denied): \(message)"
        } else if let reason = said.reason, !reason.isEmpty {
            error.message = "\(denied): \(reason)"
        } else {
            error.message = "\(denied) without explanation"
        }
        return error
    }
}
