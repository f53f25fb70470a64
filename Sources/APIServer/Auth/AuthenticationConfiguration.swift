import JSON
import KubeTypes

/// The file of `--authentication-config`: upstream's `AuthenticationConfiguration`
/// (`apiserver.config.k8s.io/v1`), which names OpenID Connect issuers and says where anonymous requests are allowed.
public struct AuthenticationConfiguration: Sendable {
    public var issuers: [OpenIDIssuer.Configuration] = []
    /// Nil where the file says nothing of it.
    public var anonymous: RequestAuthenticator.AnonymousAccess?

    private static let versions: Set = ["v1", "v1beta1", "v1alpha1"]
    private static let issuersLimit = 64

    /// - Throws: with the field that is wrong, and why.
    public init(yaml: String) throws(AuthenticationError) {
        let document: JSONValue
        do throws(YAMLError) {
            document = try YAML.parseOne(Array(yaml.utf8), limits: .init(bytes: 1 << 20, depth: 32))
        } catch {
            throw AuthenticationError("the authentication configuration is no YAML: \(error)")
        }
        let parts = (document["apiVersion"]?.stringValue ?? "").split(separator: "/").map(String.init)
        guard document["kind"]?.stringValue == "AuthenticationConfiguration", parts.count == 2,
            parts[0] == "apiserver.config.k8s.io", Self.versions.contains(parts[1])
        else {
            throw AuthenticationError(
                "the authentication configuration must be an AuthenticationConfiguration of apiserver.config.k8s.io/v1")
        }
        let entries = document["jwt"]?.arrayValue ?? []
        guard entries.count <= Self.issuersLimit else {
            throw AuthenticationError("jwt: Too many: \(entries.count): must have at most \(Self.issuersLimit) items")
        }
        for (index, entry) in entries.enumerated() {
            let issuer = try Self.issuer(entry, "jwt[\(index)]")
            guard !issuers.contains(where: { $0.url == issuer.url }) else {
                throw AuthenticationError("jwt[\(index)].issuer.url: Duplicate value: \"\(issuer.url)\"")
            }
            issuers.append(issuer)
        }
        if let anonymous = document["anonymous"]?.objectValue {
            self.anonymous = try Self.anonymous(anonymous)
        }
    }

    private static func anonymous(_ fields: JSONObject) throws(AuthenticationError)
        -> RequestAuthenticator.AnonymousAccess
    {
        let conditions = fields[array: "conditions"]
        guard fields["enabled"]?.boolValue == true else {
            if !conditions.isEmpty {
                throw AuthenticationError("anonymous.conditions: Invalid value: enabled should be set to true")
            }
            return .never
        }
        guard !conditions.isEmpty else { return .everywhere }
        var paths: Set<String> = []
        for (index, condition) in conditions.enumerated() {
            guard let path = condition["path"]?.stringValue, path.hasPrefix("/") else {
                throw AuthenticationError("anonymous.conditions[\(index)].path: Required value")
            }
            paths.insert(path)
        }
        return .paths(paths)
    }

    private static func issuer(_ entry: JSONValue, _ path: String) throws(AuthenticationError)
        -> OpenIDIssuer.Configuration
    {
        let fields = entry["issuer"]?.objectValue ?? JSONObject()
        func required(_ value: String, _ field: String) throws(AuthenticationError) -> String {
            guard !value.isEmpty else { throw AuthenticationError("\(path).\(field): Required value") }
            return value
        }
        let url = try required(fields[string: "url"], "issuer.url")
        let discoveryURL = fields[string: "discoveryURL"]
        for (name, url) in [("url", url), ("discoveryURL", discoveryURL)] where !url.isEmpty {
            guard url.hasPrefix("https://") else {
                throw AuthenticationError("\(path).issuer.\(name): Invalid value: \"\(url)\": URL scheme must be https")
            }
        }
        let audiences = fields["audiences"]?.strings ?? []
        if audiences.isEmpty { throw AuthenticationError("\(path).issuer.audiences: Required value") }
        let mappings = entry["claimMappings"]?.objectValue ?? JSONObject()
        let username = mappings[object: "username"]
        var issuer = OpenIDIssuer.Configuration(
            url: url, audiences: audiences, usernameClaim: username[string: "claim"])
        issuer.expressions = try ClaimExpressions(entry, path)
        if issuer.usernameClaim.isEmpty, issuer.expressions.username == nil {
            throw AuthenticationError("\(path).claimMappings.username: Required value: claim or expression is required")
        }
        for name in ["username", "groups"] where !mappings[object: name][string: "claim"].isEmpty {
            guard mappings[object: name]["prefix"]?.stringValue != nil else {
                throw AuthenticationError(
                    "\(path).claimMappings.\(name).prefix: Required value: prefix is required when claim is set. It "
                        + "can be set to an empty string to disable prefixing")
            }
        }
        issuer.usernamePrefix = username[string: "prefix"]
        issuer.discoveryURL = discoveryURL
        let authority = fields[string: "certificateAuthority"]
        if !authority.isEmpty { issuer.certificateAuthority = authority }
        issuer.groupsClaim = mappings[object: "groups"][string: "claim"]
        issuer.groupsPrefix = mappings[object: "groups"][string: "prefix"]
        issuer.uidClaim = mappings[object: "uid"][string: "claim"]
        for (index, rule) in (entry["claimValidationRules"]?.arrayValue ?? []).enumerated() {
            guard let claim = rule["claim"]?.stringValue, !claim.isEmpty else { continue }
            if issuer.requiredClaims[claim] != nil {
                throw AuthenticationError(
                    "\(path).claimValidationRules[\(index)].claim: Duplicate value: \"\(claim)\"")
            }
            issuer.requiredClaims[claim] = rule["requiredValue"]?.stringValue ?? ""
        }
        return issuer
    }
}
