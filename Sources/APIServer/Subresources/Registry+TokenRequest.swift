// TokenRequest: a token for a service account, bound to a pod, a secret or a node if asked (KEP-1205, KEP-4193).

import APISchema
import JSON
import KubeTypes
import PKI

extension Registry {
    private static let tokenGroup = "authentication.k8s.io"
    private static let year: Int64 = 365 * 24 * 3600
    /// What the projected volumes ask for that every pod gets: clients of old may forget to reload their token, so
    /// theirs lives a year.
    private static let projectedSeconds: Int64 = 3607

    func issueToken(_ request: RegistryRequest) throws(APIError) -> Answer {
        let options = try request.writeOptions()
        guard let tokens else {
            throw APIError(code: 501, reason: "NotImplemented", message: "this server issues no tokens")
        }
        guard var body = request.body, let message = schema.message("authentication/v1.TokenRequest") else {
            throw Self.emptyBody
        }
        try checkKind(&body, apiVersion: "authentication.k8s.io/v1", kind: "TokenRequest")
        try decodeFields(&body, as: message, "TokenRequest", "v1", request, options)
        if !body.name.isEmpty, body.name != request.name {
            throw invalid(
                request, name: request.name,
                .invalid("metadata.name", .string(body.name), "must match the service account name if specified"))
        }
        if !body.namespace.isEmpty, body.namespace != request.namespace {
            throw invalid(
                request, name: request.name,
                .invalid(
                    "metadata.namespace", .string(body.namespace),
                    "must match the service account namespace if specified"))
        }
        guard let account = request.cache[request.key]?.value else { throw request.notFound }
        if !body.uid.isEmpty, body.uid != account.uid {
            throw .conflict(
                "TokenRequest", group: Self.tokenGroup, name: request.name,
                "the UID in the token request (\(body.uid)) does not match the UID of the service account "
                    + "(\(account.uid))")
        }
        let spec = body["spec"]?.objectValue ?? JSONObject()
        let seconds = spec["expirationSeconds"]?.integerValue ?? 3600
        if seconds < 600 {
            throw invalid(
                request,
                .invalid("spec.expirationSeconds", .integer(seconds), "may not specify a duration less than 10 minutes")
            )
        }
        if seconds > 1 << 32 {
            throw invalid(
                request,
                .invalid(
                    "spec.expirationSeconds", .integer(seconds), "may not specify a duration larger than 2^32 seconds"))
        }
        let bound = try boundObject(spec, request, accountName: account.name)
        let asked = spec["audiences"]?.strings ?? []
        let audiences = asked.isEmpty ? tokens.defaultAudiences : asked
        let extends =
            seconds == Self.projectedSeconds && bound.pod != nil
            && audiences.allSatisfy(tokens.defaultAudiences.contains)
        let now = configuration.now().seconds
        do throws(PKIError) {
            let issued = try tokens.issue(
                namespace: request.namespace,
                serviceAccount: ServiceAccountClaims.Reference(name: account.name, uid: account.uid), pod: bound.pod,
                secret: bound.secret, node: bound.node, audiences: audiences, now: now,
                lifetime: extends ? Self.year : seconds, warnAfter: extends ? seconds : nil)
            body.updateMetadata { metadata in
                metadata["name"] = .string(account.name)
                metadata["namespace"] = .string(request.namespace)
                metadata["uid"] = .string(account.uid)
                metadata["creationTimestamp"] = Time(seconds: now).field
            }
            body.update("spec") { spec in
                spec["audiences"] = .array(audiences.map(JSONValue.string))
                spec["expirationSeconds"] = .integer(seconds)
            }
            body["status"] = [
                "token": .string(issued.token), "expirationTimestamp": Time(seconds: now + seconds).field,
            ]
            return .value(body, code: 201)
        } catch {
            throw .internalError("failed to generate token: \(error)")
        }
    }

    private func invalid(_ request: RegistryRequest, name: String = "", _ error: FieldError) -> APIError {
        .invalid(kind: "TokenRequest", group: Self.tokenGroup, name: name, [error])
    }

    private struct BoundObject {
        var pod: ServiceAccountClaims.Reference?
        var secret: ServiceAccountClaims.Reference?
        var node: ServiceAccountClaims.Reference?
    }

    private func boundObject(_ spec: JSONObject, _ request: RegistryRequest, accountName: String) throws(APIError)
        -> BoundObject
    {
        var bound = BoundObject()
        guard let reference = spec["boundObjectRef"]?.objectValue else { return bound }
        let kind = reference[string: "kind"]
        let version = reference[string: "apiVersion"]
        let plural = ["Pod": "pods", "Secret": "secrets", "Node": "nodes"][kind]
        guard let plural, !version.contains("/") else {
            let parts = version.split(separator: "/", maxSplits: 1).map(String.init)
            let group = parts.count == 2 ? parts[0] : ""
            throw .badRequest(
                "cannot bind token to object of type \(group)/\(parts.last ?? ""), Kind=\(kind)")
        }
        let name = reference[string: "name"]
        let namespace = kind == "Node" ? "" : request.namespace
        guard let object = cache.object(group: "", resource: plural, namespace: namespace, name: name)?.value else {
            throw .notFound(plural, group: "", name: name)
        }
        if kind == "Pod", object[path: "spec", "serviceAccountName"]?.stringValue ?? "" != accountName {
            throw .badRequest(
                "cannot bind token for serviceaccount \"\(accountName)\" to pod running with different "
                    + "serviceaccount name.")
        }
        let uid = reference[string: "uid"]
        if !uid.isEmpty, uid != object.uid {
            throw .conflict(
                kind, group: "", name: name,
                "the UID in the bound object reference (\(uid)) does not match the UID in record. The object might have "
                    + "been deleted and then recreated")
        }
        let found = ServiceAccountClaims.Reference(name: name, uid: object.uid)
        switch kind {
        case "Pod":
            bound.pod = found
            if let node = object[path: "spec", "nodeName"]?.stringValue, !node.isEmpty {
                let uid = cache.object(group: "", resource: "nodes", namespace: "", name: node)?.value.uid ?? ""
                bound.node = ServiceAccountClaims.Reference(name: node, uid: uid)
            }
        case "Secret": bound.secret = found
        default: bound.node = found
        }
        return bound
    }
}
