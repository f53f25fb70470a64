// What the expressions of an authentication configuration make of the claims of a token, and which tokens and users they
// refuse (KEP-3331).

import APISchema
import CEL
import JSON
import KubeTypes

/// An expression over `claims` or `user`.
struct ClaimExpression: Sendable {
    let text: String
    private let program: CELProgram
    /// Fields of the claims that it looks at by name.
    let usesEmail: Bool
    let usesEmailVerified: Bool

    private static let claims = CELEnvironment(
        variables: ["claims": .map(.string, .dyn)], formats: ExpressionFormats.all)
    private static let user = CELEnvironment(
        variables: ["user": AdmissionExpressions.userType.type], declared: [AdmissionExpressions.userType],
        formats: ExpressionFormats.all)

    /// - Parameters:
    ///   - isOfUser: whether it is about the user, and not the claims.
    ///   - type: what it must evaluate to; anything if nil.
    init(_ text: String, isOfUser: Bool = false, returning type: CELType? = nil) throws(ExpressionProblem) {
        let compilation = (isOfUser ? Self.user : Self.claims).compile(text)
        if let problem = compilation.problem { throw ExpressionProblem(detail: "compilation failed: \(problem)") }
        if let type, compilation.type != type { throw ExpressionProblem(detail: "must evaluate to \(type)") }
        self.text = text
        usesEmail = compilation.selects("email", of: "claims")
        usesEmailVerified = compilation.selects("email_verified", of: "claims")
        do throws(CELError) {
            program = try compilation.program()
        } catch {
            throw ExpressionProblem(detail: "program instantiation failed: \(error.message)", isInternal: true)
        }
    }

    func evaluate(_ variables: [String: CELValue]) throws(AuthenticationError) -> CELValue {
        switch program.run(variables).result {
        case .success(let value): return value
        case .failure(let error):
            throw AuthenticationError("expression '\(text)' resulted in error: \(error.message)")
        }
    }

    /// A text or a list of texts, empty ones left out.
    func strings(_ variables: [String: CELValue]) throws(AuthenticationError) -> [String] {
        let problem = AuthenticationError("expression must return a string or a list of strings")
        let texts: [String]
        switch try evaluate(variables) {
        case .string(let text): texts = [text]
        case .null: texts = []
        case .list(let list):
            guard let values = try? list.all() else { throw problem }
            texts = values.compactMap(\.stringValue)
            guard texts.count == values.count else { throw problem }
        default: throw problem
        }
        return texts.filter { !$0.isEmpty }
    }
}

/// All expressions of one issuer.
struct ClaimExpressions: Sendable {
    /// A condition, and what is said where it is not met.
    struct Rule: Sendable {
        let expression: ClaimExpression
        let message: String

        func check(_ variables: [String: CELValue]) throws(AuthenticationError) {
            switch try expression.evaluate(variables) {
            case .bool(true): return
            case .bool(false):
                throw AuthenticationError("validation expression '\(expression.text)' failed: \(message)")
            default: throw AuthenticationError("validation expression must return a boolean")
            }
        }
    }

    var username: ClaimExpression?
    var groups: ClaimExpression?
    var uid: ClaimExpression?
    var extra: [(key: String, value: ClaimExpression)] = []
    var claimRules: [Rule] = []
    var userRules: [Rule] = []

    /// Whether the e-mail address of a token is believed without anybody having looked whether it was verified.
    var trustsUnverifiedEmail: Bool {
        let all = [username].compactMap { $0 } + extra.map(\.value) + claimRules.map(\.expression)
        return username?.usesEmail == true && !all.contains { $0.usesEmailVerified }
    }

    // MARK: What they say

    /// The text that an expression for one makes.
    static func text(_ expression: ClaimExpression, _ claims: CELValue, _ what: String) throws(AuthenticationError)
        -> String
    {
        let about = "oidc: error evaluating \(what) claim expression"
        do throws(AuthenticationError) {
            guard case .string(let text) = try expression.evaluate(["claims": claims]) else {
                throw AuthenticationError("\(what) claim expression must return a string")
            }
            return text
        } catch {
            throw AuthenticationError("\(about): \(error.reason)")
        }
    }

    static func texts(_ expression: ClaimExpression, _ claims: CELValue, _ what: String) throws(AuthenticationError)
        -> [String]
    {
        do throws(AuthenticationError) {
            return try expression.strings(["claims": claims])
        } catch {
            throw AuthenticationError("oidc: error evaluating \(what) claim expression: \(error.reason)")
        }
    }

    func checkClaims(_ claims: CELValue) throws(AuthenticationError) {
        do throws(AuthenticationError) {
            for rule in claimRules { try rule.check(["claims": claims]) }
        } catch {
            throw AuthenticationError("oidc: error evaluating claim validation expression: \(error.reason)")
        }
    }

    func check(_ user: UserInfo) throws(AuthenticationError) {
        if userRules.isEmpty { return }
        let value = CELValue.dynamic([
            "username": .string(user.name), "uid": .string(user.uid),
            "groups": .array(user.groups.map(JSONValue.string)), "extra": user.extra.field,
        ])
        do throws(AuthenticationError) {
            for rule in userRules { try rule.check(["user": value]) }
        } catch {
            throw AuthenticationError("oidc: error evaluating user info validation rule: \(error.reason)")
        }
    }
}

// MARK: Reading

extension ClaimExpressions {
    /// Reads the expressions of an entry of `jwt`.
    /// - Parameter path: of the entry: `jwt[0]`.
    init(_ entry: JSONValue, _ path: String) throws(AuthenticationError) {
        func invalid(_ place: String, _ value: String, _ why: String) -> AuthenticationError {
            let shown = value.isEmpty ? "\"\"" : JSONWriter.text(of: .string(value))
            return AuthenticationError("\(path).\(place): Invalid value: \(shown): \(why)")
        }
        func compiled(
            _ text: String, _ place: String, ofUser: Bool = false, _ type: CELType? = nil
        ) throws(AuthenticationError) -> ClaimExpression {
            do throws(ExpressionProblem) {
                return try ClaimExpression(text, isOfUser: ofUser, returning: type)
            } catch {
                throw invalid(place, text, error.detail)
            }
        }
        let mappings = entry["claimMappings"]?.objectValue ?? JSONObject()
        func mapped(_ name: String) throws(AuthenticationError) -> ClaimExpression? {
            let mapping = mappings[object: name]
            let text = mapping[string: "expression"]
            guard !text.isEmpty else { return nil }
            let place = "claimMappings.\(name)"
            if !mapping[string: "claim"].isEmpty { throw invalid(place, "", "claim and expression can't both be set") }
            if let prefix = mapping["prefix"]?.stringValue {
                throw invalid("\(place).prefix", prefix, "may not be specified when expression is set")
            }
            return try compiled(text, "\(place).expression")
        }
        username = try mapped("username")
        groups = try mapped("groups")
        uid = try mapped("uid")
        for (index, mapping) in mappings[array: "extra"].enumerated() {
            let place = "claimMappings.extra[\(index)]"
            let key = mapping["key"]?.stringValue ?? ""
            if let problem = Names.isDomainPrefixedPath(key).first { throw invalid("\(place).key", key, problem) }
            if key != key.lowercased() { throw invalid("\(place).key", key, "must be lowercase") }
            let domain = key.prefix { $0 != "/" }
            if ["k8s.io", "kubernetes.io"].contains(where: { domain == $0 || domain.hasSuffix(".\($0)") }) {
                throw invalid(
                    "\(place).key", key, "k8s.io, kubernetes.io and their subdomains are reserved for Kubernetes use")
            }
            if extra.contains(where: { $0.key == key }) {
                throw AuthenticationError("\(path).\(place).key: Duplicate value: \"\(key)\"")
            }
            let text = mapping["valueExpression"]?.stringValue ?? ""
            if text.isEmpty { throw AuthenticationError("\(path).\(place).valueExpression: Required value") }
            extra.append((key, try compiled(text, "\(place).valueExpression")))
        }
        func rules(_ field: String, ofUser: Bool) throws(AuthenticationError) -> [Rule] {
            var found: [Rule] = []
            for (index, rule) in (entry[field]?.arrayValue ?? []).enumerated() {
                let place = "\(field)[\(index)]"
                let text = rule["expression"]?.stringValue ?? ""
                let claim = rule["claim"]?.stringValue ?? ""
                let message = rule["message"]?.stringValue ?? ""
                if !ofUser {
                    if !claim.isEmpty, !text.isEmpty {
                        throw invalid(place, claim, "claim and expression can't both be set")
                    }
                    if !claim.isEmpty {
                        if !message.isEmpty {
                            throw invalid("\(place).message", message, "may not be specified when claim is set")
                        }
                        continue
                    }
                    if text.isEmpty {
                        throw AuthenticationError("\(path).\(place): Required value: claim or expression is required")
                    }
                    if let value = rule["requiredValue"]?.stringValue, !value.isEmpty {
                        throw invalid("\(place).requiredValue", value, "may not be specified when expression is set")
                    }
                }
                if text.isEmpty { throw AuthenticationError("\(path).\(place).expression: Required value") }
                if found.contains(where: { $0.expression.text == text }) {
                    throw AuthenticationError(
                        "\(path).\(place).expression: Duplicate value: \(JSONWriter.text(of: .string(text)))")
                }
                let expression = try compiled(text, "\(place).expression", ofUser: ofUser, .bool)
                found.append(Rule(expression: expression, message: message))
            }
            return found
        }
        claimRules = try rules("claimValidationRules", ofUser: false)
        userRules = try rules("userValidationRules", ofUser: true)
        if trustsUnverifiedEmail {
            throw invalid(
                "claimMappings.username.expression", username?.text ?? "",
                "claims.email_verified must be used in claimMappings.username.expression or "
                    + "claimMappings.extra[*].valueExpression or claimValidationRules[*].expression when claims.email is "
                    + "used in claimMappings.username.expression")
        }
    }
}
