// The annotations `nginx.ingress.kubernetes.io/…` that this proxy knows, read into settings.
//
// Their meaning: https://kubernetes.github.io/ingress-nginx/user-guide/nginx-configuration/annotations/

import KubeTypes

struct Annotations {
    static let prefix = "nginx.ingress.kubernetes.io/"

    private(set) var settings = RouteSettings()
    /// What was not understood: the annotation without prefix, and why.
    private(set) var problems: [(name: String, reason: String)] = []

    init(_ annotations: [String: String]) {
        var canary = CanaryRule(), isCanary = false
        var affinity = CookieAffinity(), isAffine = false
        for (key, value) in annotations.sorted(by: { $0.key < $1.key }) where key.hasPrefix(Self.prefix) {
            let name = String(key.dropFirst(Self.prefix.count))
            let isUnderstood: Bool
            switch name {
            case "rewrite-target": isUnderstood = set(\.rewriteTarget, value)
            case "use-regex": isUnderstood = set(\.usesExpressions, Self.bool(value))
            case "ssl-redirect": isUnderstood = set(\.sslRedirect, Self.bool(value))
            case "force-ssl-redirect": isUnderstood = set(\.forceSSLRedirect, Self.bool(value))
            case "proxy-connect-timeout": isUnderstood = set(\.connectTimeout, Self.seconds(value))
            case "proxy-read-timeout": isUnderstood = set(\.readTimeout, Self.seconds(value))
            case "proxy-send-timeout": isUnderstood = set(\.sendTimeout, Self.seconds(value))
            case "proxy-body-size": isUnderstood = set(\.bodySize, Self.size(value))
            case "upstream-vhost": isUnderstood = set(\.upstreamHost, value)
            case "permanent-redirect": isUnderstood = set(\.permanentRedirect, value)
            case "temporal-redirect": isUnderstood = set(\.temporalRedirect, value)
            case "app-root": isUnderstood = value.hasPrefix("/") && set(\.appRoot, value)
            case "backend-protocol":
                isUnderstood = ["HTTP", "HTTPS"].contains(value.uppercased())
                settings.backendTLS = value.uppercased() == "HTTPS"
            case "whitelist-source-range", "allowlist-source-range":
                let ranges = value.split(separator: ",").map { Self.range($0.filter { !$0.isWhitespace }) }
                // One that cannot be read must not open the door: then nobody may come.
                isUnderstood = !ranges.contains(nil) && !ranges.isEmpty
                settings.allowedSources =
                    isUnderstood ? ranges.compactMap(\.self) : [IPRange("255.255.255.255/32")].compactMap(\.self)
            case "affinity":
                isUnderstood = value == "cookie"
                isAffine = isUnderstood
            case "affinity-mode": isUnderstood = ["balanced", "persistent"].contains(value)
            case "session-cookie-name":
                isUnderstood = Self.isToken(value)
                if isUnderstood { affinity.name = value }
            case "session-cookie-path":
                isUnderstood = !value.contains { $0 == ";" || $0.isNewline }
                if isUnderstood { affinity.path = value }
            case "session-cookie-max-age", "session-cookie-expires":
                isUnderstood = Int(value) != nil
                affinity.maxAge = Int(value) ?? affinity.maxAge
            case "session-cookie-samesite":
                isUnderstood = ["Strict", "Lax", "None"].contains(value)
                if isUnderstood { affinity.sameSite = value }
            case "session-cookie-secure":
                isUnderstood = Self.bool(value) != nil
                affinity.secure = Self.bool(value) ?? false
            case "canary":
                isUnderstood = Self.bool(value) != nil
                isCanary = Self.bool(value) ?? false
            case "canary-by-header":
                isUnderstood = Self.isToken(value)
                canary.header = value
            case "canary-by-header-value":
                isUnderstood = true
                canary.headerValue = value
            case "canary-by-header-pattern":
                isUnderstood = PathExpression(value) != nil
                canary.headerPattern = value
            case "canary-by-cookie":
                isUnderstood = Self.isToken(value)
                canary.cookie = value
            case "canary-weight":
                isUnderstood = (Int(value) ?? -1) >= 0
                canary.weight = max(Int(value) ?? 0, 0)
            case "canary-weight-total":
                isUnderstood = (Int(value) ?? 0) > 0
                canary.weightTotal = max(Int(value) ?? 100, 1)
            default:
                problems.append((name, "is not known and is ignored"))
                continue
            }
            if !isUnderstood { problems.append((name, "has a value that cannot be used: \(value)")) }
        }
        if isCanary { settings.canary = canary }
        if isAffine { settings.affinity = affinity }
    }

    private mutating func set<Value>(_ path: WritableKeyPath<RouteSettings, Value>, _ value: Value?) -> Bool {
        guard let value else { return false }
        settings[keyPath: path] = value
        return true
    }

    private mutating func set(_ path: WritableKeyPath<RouteSettings, String?>, _ value: String) -> Bool {
        // What goes into a line of HTTP must not hold another line.
        guard !value.isEmpty, !value.contains(where: \.isNewline) else { return false }
        settings[keyPath: path] = value
        return true
    }

    static func bool(_ text: String) -> Bool? {
        switch text {
        case "true", "True", "TRUE", "1", "t", "T": true
        case "false", "False", "FALSE", "0", "f", "F": false
        default: nil
        }
    }

    /// `60`, `60s`; also minutes and hours.
    static func seconds(_ text: String) -> Int? {
        let units: [Character: Int] = ["s": 1, "m": 60, "h": 3600]
        let factor = text.last.flatMap { units[$0] }
        guard let number = Int(factor == nil ? text[...] : text.dropLast()), (1...1_000_000).contains(number) else {
            return nil
        }
        return number * (factor ?? 1)
    }

    /// `8m`, `512k`, `1g`, bytes; 0 is no limit.
    static func size(_ text: String) -> Int? {
        let units: [Character: Int] = ["k": 1 << 10, "m": 1 << 20, "g": 1 << 30]
        let factor = text.lowercased().last.flatMap { units[$0] }
        guard let number = Int(factor == nil ? text[...] : text.dropLast()), (0...1_000_000_000).contains(number) else {
            return nil
        }
        return number * (factor ?? 1)
    }

    /// `10.0.0.0/8`, or a single address.
    private static func range(_ text: String) -> IPRange? { IPRange(text) ?? IPAddress(text).map { IPRange($0) } }

    /// What can be the name of a header or a cookie.
    private static func isToken(_ text: String) -> Bool {
        !text.isEmpty && text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7f && !"()<>@,;:\\\"/[]?={}".utf8.contains($0) }
    }
}
