import APISchema
import HTTPServer
import KubeTypes

/// Acting as somebody else (`kubectl --as`), for who may impersonate them.
///
/// There are five modes. The first four let somebody act as others for certain requests only (KEP-5284): he needs the
/// verb `impersonate-on:MODE:VERB` for what he is about to do and `impersonate:MODE` for whom he names. The last is the
/// one of old: the verb `impersonate` lets him do whatever the other may. The first mode that allows it counts; if none
/// does, the answer is what the first one said.
struct Impersonation {
    static let headerPrefix = "impersonate-"
    private static let nodePrefix = "system:node:"
    private static let authentication = "authentication.k8s.io"
    /// From so many checks of one kind on, it pays to ask first whether all of them are allowed.
    private static let many = 4

    let authorizer: any Authorizer
    /// Whom the headers name.
    let wanted: UserInfo
    /// What the sender asks for.
    let request: AuthorizationAttributes

    /// Whom the request's headers name; nil if they name nobody.
    /// - Throws: 400 where groups, uid or extra are given without a user.
    static func wantedUser(_ request: HTTPRequest) throws(APIError) -> UserInfo? {
        guard request.headers.contains(where: { startsWithImpersonate($0.name) }) else { return nil }
        var wanted = UserInfo(name: request.headers.first(name: "Impersonate-User") ?? "")
        for (header, value) in request.headers.lazy.map({ ($0.name.lowercased(), $0.value) }) {
            if header == "impersonate-group" {
                wanted.groups.append(value)
            } else if header == "impersonate-uid" {
                if wanted.uid.isEmpty { wanted.uid = value }
            } else if header.hasPrefix("impersonate-extra-") {
                let encoded = header.dropFirst("impersonate-extra-".count)
                let key = PercentEncoding.decode(encoded.utf8, plusIsSpace: false) ?? String(encoded)
                wanted.extra[key, default: []].append(value)
            }
        }
        if !wanted.name.isEmpty { return wanted }
        guard wanted.uid.isEmpty, wanted.groups.isEmpty, wanted.extra.isEmpty else {
            throw .badRequest("requested \(wanted) without impersonating a user name")
        }
        return nil
    }

    /// Without making a string of every header's name in lower case: most requests have none of these.
    private static func startsWithImpersonate(_ name: String) -> Bool {
        name.utf8.count > headerPrefix.utf8.count
            && zip(name.utf8, headerPrefix.utf8).allSatisfy { $0 | 0x20 == $1 | 0x20 }
    }

    private enum Mode: String, CaseIterable {
        case associatedNode = "associated-node"
        case arbitraryNode = "arbitrary-node"
        case serviceAccount = "serviceaccount"
        case userInfo = "user-info"
        case legacy
    }

    /// The user that the request is to count as.
    /// - Throws: 403 where no mode allows it.
    func user() throws(APIError) -> UserInfo {
        var first: APIError?
        for mode in Mode.allCases where applies(mode) {
            do throws(APIError) {
                return try user(mode)
            } catch {
                first = first ?? error
            }
        }
        throw first ?? .internalError("all impersonation modes failed")
    }

    private var namesOnly: Bool { wanted.uid.isEmpty && wanted.groups.isEmpty && wanted.extra.isEmpty }

    private var nodeName: String? {
        guard wanted.name.hasPrefix(Self.nodePrefix) else { return nil }
        let name = String(wanted.name.dropFirst(Self.nodePrefix.utf8.count))
        return Names.isDNS1123Subdomain(name).isEmpty ? name : nil
    }

    private var account: ServiceAccountName? { ServiceAccountName(userName: wanted.name) }

    private func applies(_ mode: Mode) -> Bool {
        switch mode {
        case .associatedNode:
            // The pod whose token was sent runs on that node.
            guard namesOnly, let nodeName, ServiceAccountName(userName: request.user.name) != nil else { return false }
            return request.user.extra["authentication.kubernetes.io/node-name"] == [nodeName]
        case .arbitraryNode: return namesOnly && nodeName != nil
        case .serviceAccount: return namesOnly && account != nil
        case .userInfo: return nodeName == nil && account == nil
        case .legacy: return true
        }
    }

    private func user(_ mode: Mode) throws(APIError) -> UserInfo {
        if mode != .legacy {
            var attributes = request
            attributes.verb = "impersonate-on:\(mode.rawValue):\(request.verb)"
            try check(attributes)
        }
        var user = wanted
        try checkName(mode, &user)
        if !wanted.uid.isEmpty { try check(attributes(mode, "uids", wanted.uid, group: Self.authentication)) }
        try checkGroups(mode)
        try checkExtra(mode)
        func add(_ group: String) { if !user.groups.contains(group) { user.groups.append(group) } }
        if user.name == UserInfo.anonymous.name {
            add("system:unauthenticated")
        } else if !user.groups.contains("system:unauthenticated") {
            add("system:authenticated")
        }
        return user
    }

    private func attributes(_ mode: Mode, _ resource: String, _ name: String, group: String? = nil)
        -> AuthorizationAttributes
    {
        let verb = mode == .legacy ? "impersonate" : "impersonate:\(mode.rawValue)"
        var attributes = AuthorizationAttributes(user: request.user, verb: verb)
        attributes.group = group ?? (mode == .legacy ? "" : Self.authentication)
        attributes.version = "v1"
        attributes.resource = resource
        attributes.name = name
        return attributes
    }

    private func check(_ attributes: AuthorizationAttributes) throws(APIError) {
        switch authorizer.authorize(attributes) {
        case .allow: return
        case .noOpinion(let reason), .deny(let reason): throw attributes.forbidden(reason: reason)
        }
    }

    private func checkName(_ mode: Mode, _ user: inout UserInfo) throws(APIError) {
        var attributes = attributes(mode, "users", wanted.name)
        if mode != .legacy, let nodeName {
            attributes.resource = "nodes"
            // Which node it is was looked at already: the right is to act as the own one, whichever that is.
            attributes.name = mode == .associatedNode ? "*" : nodeName
            user.groups = ["system:nodes"]
        } else if let account {
            attributes.resource = "serviceaccounts"
            attributes.namespace = account.namespace
            attributes.name = account.name
            if wanted.groups.isEmpty { user.groups = account.groups }
        }
        try check(attributes)
    }

    private func checkGroups(_ mode: Mode) throws(APIError) {
        guard !wanted.groups.isEmpty else { return }
        var attributes = attributes(mode, "groups", "")
        if mode != .legacy {
            if wanted.groups.contains("") {
                throw attributes.forbidden(reason: "impersonating the empty string group is not allowed")
            }
            if wanted.groups.contains("system:masters") {
                attributes.name = "system:masters"
                throw attributes.forbidden(reason: "impersonating the system:masters group is not allowed")
            }
            if wanted.groups.count >= Self.many {
                attributes.name = "*"
                if case .allow = authorizer.authorize(attributes) { return }
            }
        }
        for group in wanted.groups {
            attributes.name = group
            try check(attributes)
        }
    }

    private func checkExtra(_ mode: Mode) throws(APIError) {
        guard !wanted.extra.isEmpty else { return }
        var attributes = attributes(mode, "userextras", "", group: Self.authentication)
        if mode != .legacy {
            if let problem = Self.problem(ofExtra: wanted.extra) { throw attributes.forbidden(reason: problem) }
            if wanted.extra.values.reduce(0, { $0 + $1.count }) >= Self.many {
                attributes.subresource = "*"
                attributes.name = "*"
                if case .allow = authorizer.authorize(attributes) { return }
            }
        }
        for (key, values) in wanted.extra.sorted(by: { $0.key < $1.key }) {
            attributes.subresource = key
            for value in values {
                attributes.name = value
                try check(attributes)
            }
        }
    }

    private static func problem(ofExtra extra: [String: [String]]) -> String? {
        for (key, values) in extra {
            if key.isEmpty { return "impersonating the empty string key in extra is not allowed" }
            let parts = key.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
            guard parts.count == 2, Names.isDNS1123Subdomain(String(parts[0])).isEmpty, !parts[1].isEmpty else {
                return "impersonating an invalid key in extra is not allowed: extra.key: Invalid value: \"\(key)\": "
                    + "must be a domain-prefixed path (such as \"acme.io/foo\")"
            }
            if values.contains("") { return "impersonating the empty string value in extra is not allowed" }
        }
        return nil
    }
}

extension APIServer {
    /// The user that a request is to count as: whoever sent it, or whom its headers name.
    /// - Parameter attributes: what is asked for, by whoever sent it.
    /// - Throws: 403 where the sender may not, 400 where no user is named.
    func effectiveUser(of request: HTTPRequest, _ attributes: AuthorizationAttributes) throws(APIError) -> UserInfo {
        guard let wanted = try Impersonation.wantedUser(request) else { return attributes.user }
        return try Impersonation(authorizer: authorizer, wanted: wanted, request: attributes).user()
    }
}
