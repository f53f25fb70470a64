import HTTPServer
import KubeTypes

/// Acting as somebody else (`kubectl --as`), for who may `impersonate` them.
///
/// Specified in the API's documentation under *User impersonation*: the headers `Impersonate-User`,
/// `Impersonate-Group`, `Impersonate-Uid` and `Impersonate-Extra-*`.
extension APIServer {
    /// The user that a request is to count as: whoever sent it, or whom its headers name.
    /// - Throws: 403 where the sender may not, 400 where only groups are named.
    func effectiveUser(of request: HTTPRequest, sentBy user: UserInfo) throws(APIError) -> UserInfo {
        let prefix = "impersonate-"
        let names = request.headers.filter { $0.name.lowercased().hasPrefix(prefix) }
        guard !names.isEmpty else { return user }
        guard let name = request.headers.first(name: "Impersonate-User"), !name.isEmpty else {
            throw .badRequest("headers ask for an impersonation without Impersonate-User")
        }
        var effective = UserInfo(name: name)
        let account = name.split(separator: ":", omittingEmptySubsequences: false)
        if account.count == 4, account[0] == "system", account[1] == "serviceaccount" {
            try mayImpersonate(user, "serviceaccounts", String(account[3]), namespace: String(account[2]))
            effective.groups = ["system:serviceaccounts", "system:serviceaccounts:\(account[2])"]
        } else {
            try mayImpersonate(user, "users", name)
        }
        for (header, value) in names.map({ ($0.name.lowercased(), $0.value) }) {
            if header == "impersonate-group" {
                try mayImpersonate(user, "groups", value)
                effective.groups.append(value)
            } else if header == "impersonate-uid" {
                try mayImpersonate(user, "uids", value, group: "authentication.k8s.io")
                effective.uid = value
            } else if header.hasPrefix("impersonate-extra-") {
                let key = String(header.dropFirst("impersonate-extra-".count))
                try mayImpersonate(user, "userextras", value, group: "authentication.k8s.io", subresource: key)
                effective.extra[key, default: []].append(value)
            }
        }
        if name == UserInfo.anonymous.name {
            effective.groups.append(contentsOf: UserInfo.anonymous.groups)
        } else if !effective.groups.contains("system:authenticated") {
            effective.groups.append("system:authenticated")
        }
        return effective
    }

    private func mayImpersonate(
        _ user: UserInfo, _ resource: String, _ name: String, namespace: String = "", group: String = "",
        subresource: String = ""
    ) throws(APIError) {
        var attributes = AuthorizationAttributes(user: user, verb: "impersonate")
        attributes.group = group
        attributes.resource = resource
        attributes.subresource = subresource
        attributes.namespace = namespace
        attributes.name = name
        try authorize(attributes)
    }
}
