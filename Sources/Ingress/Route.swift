// What happens to the requests of one path: a backend, and what the Ingress's annotations say.

import KubeTypes
import Synchronization

/// An endpoint of a Service.
struct BackendEndpoint: Sendable, Hashable {
    let host: String
    let port: Int

    /// Names it in the cookie of an affine client, without telling its address.
    var token: String {
        String(FNV1a.hash("\(host) \(port)".utf8), radix: 16)
    }
}

/// A Service's port and the endpoints that are ready.
struct Backend: Sendable, Hashable {
    let service: ObjectKey
    /// As the Ingress names it.
    let port: String
    let endpoints: [BackendEndpoint]
}

/// How a canary's share of the requests is found: header, cookie, weight, in this order.
struct CanaryRule: Sendable, Hashable {
    var header: String?
    /// The header's value that leads to the canary, instead of `always`.
    var headerValue: String?
    var headerPattern: String?
    var cookie: String?
    var weight = 0
    var weightTotal = 100

    /// - Parameter roll: a number below `weightTotal`, asked for only if the weight decides.
    func takes(
        header: (String) -> String?, cookie: (String) -> String?, roll: (Int) -> Int
    ) -> Bool {
        if let name = self.header, let value = header(name) {
            if let wanted = headerValue {
                if value == wanted { return true }
            } else if let pattern = headerPattern {
                if PathExpression(pattern)?.captures(value) != nil { return true }
            } else if value == "always" {
                return true
            } else if value == "never" {
                return false
            }
        }
        if let name = self.cookie {
            switch cookie(name) {
            case "always": return true
            case "never": return false
            default: break
            }
        }
        return weight > 0 && roll(max(weightTotal, 1)) < weight
    }
}

/// Another backend for a part of a route's requests.
struct Canary: Sendable, Hashable {
    let rule: CanaryRule
    let backend: Backend
}

/// A cookie that keeps a client at its endpoint.
struct CookieAffinity: Sendable, Hashable {
    var name = "INGRESSCOOKIE"
    var path: String?
    var maxAge: Int?
    var sameSite: String?
    var secure = false
}

/// What the annotations of an Ingress say about all its routes; the defaults are nginx's.
struct RouteSettings: Sendable, Hashable {
    var rewriteTarget: String?
    var usesExpressions = false
    /// Requests without TLS are sent to https where the host has a certificate.
    var sslRedirect = true
    var forceSSLRedirect = false
    /// Whole seconds.
    var connectTimeout = 5
    var readTimeout = 60
    var sendTimeout = 60
    /// Bytes; 0 is as much as the proxy takes.
    var bodySize = 1 << 20
    var affinity: CookieAffinity?
    /// Who may come; empty: everybody.
    var allowedSources: [IPRange] = []
    var backendTLS = false
    var canary: CanaryRule?
    /// The Host that the backend sees.
    var upstreamHost: String?
    var permanentRedirect: String?
    var temporalRedirect: String?
    var appRoot: String?
}

struct Route: Sendable, Hashable {
    let ingress: ObjectKey
    var backend: Backend
    var settings: RouteSettings
    var canaries: [Canary] = []
    /// The host of this route has a certificate.
    var hasTLS = false

    /// Where a request that came without TLS has to go; nil if it may stay.
    var redirectsToTLS: Bool { settings.forceSSLRedirect || (settings.sslRedirect && hasTLS) }

    /// The backend's path: the request's own, or what `rewrite-target` makes of it.
    func target(_ target: String, captures: [String]) -> String {
        guard let rewrite = settings.rewriteTarget else { return target }
        let query = target.firstIndex(of: "?").map { target[$0...] } ?? ""
        var path = "", rest = rewrite[...]
        while let dollar = rest.firstIndex(of: "$") {
            path += rest[..<dollar]
            let after = rest.index(after: dollar)
            if after < rest.endIndex, let number = rest[after].wholeNumberValue, number > 0 {
                path += number <= captures.count ? captures[number - 1] : ""
                rest = rest[rest.index(after: after)...]
            } else {
                path += "$"
                rest = rest[after...]
            }
        }
        path += rest
        let allowed = path.utf8.allSatisfy { $0 > 0x20 && $0 != 0x7f }
        return (path.hasPrefix("/") ? "" : "/") + (allowed ? path : Self.escaped(path)) + query
    }

    /// What a line of HTTP cannot hold, in percent signs.
    private static func escaped(_ path: String) -> String {
        path.utf8.map { byte in
            byte > 0x20 && byte < 0x7f
                ? String(UnicodeScalar(byte)) : "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16, uppercase: true)
        }.joined()
    }

    /// The backend for a request: a canary, or the route's own.
    func backend(header: (String) -> String?, cookie: (String) -> String?, roll: (Int) -> Int) -> Backend {
        for canary in canaries where canary.rule.takes(header: header, cookie: cookie, roll: roll) {
            return canary.backend
        }
        return backend
    }
}
