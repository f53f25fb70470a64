// Which backend a request goes to: hosts, paths, and what was said about them, as a value that is never changed but
// replaced as a whole.

import KubeTypes

/// What of a request decides about its route.
struct RouteQuery: Sendable, Hashable {
    /// As the client sent it, with or without a port.
    var host: String
    /// Without the query, as `RoutePath.normalized` makes it.
    var path: String
}

/// The table of all Ingresses.
///
/// Specified by https://kubernetes.io/docs/concepts/services-networking/ingress/: an exact host is better than a
/// wildcard, which is better than none; an exact path is better than a prefix; the longest prefix is the best.
struct RouteTable: Sendable {
    private var hosts: [String: HostRoutes] = [:]
    /// By what stands behind the asterisk: `.example.com`.
    private var wildcards: [String: HostRoutes] = [:]
    private var anyHost = HostRoutes()
    /// Where requests go that nothing else matches.
    var defaultRoute: Route?

    init() {}

    /// Adds a route; where there is one for just this already, that one stays.
    mutating func add(_ route: Route, host: String, path: RoutePath) {
        if host.isEmpty {
            anyHost.add(route, path)
        } else if host.hasPrefix("*.") {
            wildcards[String(host.dropFirst()), default: HostRoutes()].add(route, path)
        } else {
            hosts[host, default: HostRoutes()].add(route, path)
        }
    }

    /// Changes the route that was added for just this host and path; false if there is none.
    mutating func change(host: String, path: RoutePath, _ change: (inout Route) -> Void) -> Bool {
        if host.isEmpty { return anyHost.change(path, change) }
        if host.hasPrefix("*.") { return wildcards[String(host.dropFirst())]?.change(path, change) ?? false }
        return hosts[host]?.change(path, change) ?? false
    }

    func route(_ query: RouteQuery) -> RouteMatch? {
        let host = Self.bare(query.host)
        // A host that has rules of its own is not answered by those of other hosts.
        if let routes = hosts[host] {
            if let found = routes.route(query.path) { return found }
        } else if let dot = host.firstIndex(of: "."), dot != host.startIndex,
            let routes = wildcards[String(host[dot...])]
        {
            if let found = routes.route(query.path) { return found }
        }
        return anyHost.route(query.path) ?? defaultRoute.map { RouteMatch(route: $0) }
    }

    /// In lower case, without port and final dot.
    static func bare(_ host: String) -> String {
        var bare = host.lowercased()[...]
        if bare.hasPrefix("[") {
            bare = bare.dropFirst().prefix { $0 != "]" }
        } else if let colon = bare.firstIndex(of: ":") {
            bare = bare[..<colon]
        }
        if bare.hasSuffix(".") { bare = bare.dropLast() }
        return String(bare)
    }
}

/// A route and what the path's expression captured.
struct RouteMatch: Sendable {
    let route: Route
    /// `$1`, `$2` … of `rewrite-target`.
    var captures: [String] = []
}

/// A path as an Ingress gives it.
enum RoutePath: Sendable, Hashable {
    case exact(String)
    /// Element by element: `/a` takes `/a` and `/a/b`, not `/ab`. Without final slash; empty takes everything.
    case prefix(String)
    /// A regular expression that has to match from the beginning, as nginx's annotation `use-regex` has it.
    case expression(String)

    /// - Parameter isExpression: whether annotations say that paths without a type of their own are expressions.
    init(_ path: String, type: String, isExpression: Bool) {
        let path = path.isEmpty ? "/" : path
        if type == "Exact" {
            self = .exact(path)
        } else if isExpression {
            self = .expression(path)
        } else {
            self = .prefix(path.hasSuffix("/") ? String(path.dropLast()) : path)
        }
    }

    /// The path that routes are looked for by: percent signs decoded, slashes joined, dots resolved, so that nobody gets
    /// past a rule by another spelling. Nil where it leads above the root.
    static func normalized(_ path: some StringProtocol) -> String? {
        var bytes: [UInt8] = []
        let source = Array(path.utf8)
        var index = 0
        while index < source.count {
            if source[index] == UInt8(ascii: "%"), index + 2 < source.count,
                let value = UInt8(String(decoding: source[index + 1...index + 2], as: UTF8.self), radix: 16)
            {
                bytes.append(value)
                index += 3
            } else {
                bytes.append(source[index])
                index += 1
            }
        }
        let text = String(decoding: bytes, as: UTF8.self)
        var parts: [Substring] = []
        for part in text.split(separator: "/") {
            if part == "." { continue }
            if part == ".." {
                guard parts.popLast() != nil else { return nil }
                continue
            }
            parts.append(part)
        }
        let ending = text.hasSuffix("/") || text.hasSuffix("/.") || text.hasSuffix("/..")
        return "/" + parts.joined(separator: "/") + (ending && !parts.isEmpty ? "/" : "")
    }
}

/// The paths of one host.
private struct HostRoutes: Sendable {
    private struct Expression: Sendable {
        let pattern: String
        let regex: PathExpression
        var route: Route
    }

    private var exact: [String: Route] = [:]
    private var prefixes: [String: Route] = [:]
    /// The longest first, as nginx has them tried.
    private var expressions: [Expression] = []

    mutating func add(_ route: Route, _ path: RoutePath) {
        switch path {
        case .exact(let path): if exact[path] == nil { exact[path] = route }
        case .prefix(let path): if prefixes[path] == nil { prefixes[path] = route }
        case .expression(let pattern):
            guard !expressions.contains(where: { $0.pattern == pattern }), let regex = PathExpression(pattern) else {
                return
            }
            let place = expressions.firstIndex { $0.pattern.utf8.count < pattern.utf8.count } ?? expressions.count
            expressions.insert(Expression(pattern: pattern, regex: regex, route: route), at: place)
        }
    }

    mutating func change(_ path: RoutePath, _ change: (inout Route) -> Void) -> Bool {
        switch path {
        case .exact(let path):
            guard var route = exact[path] else { return false }
            change(&route)
            exact[path] = route
        case .prefix(let path):
            guard var route = prefixes[path] else { return false }
            change(&route)
            prefixes[path] = route
        case .expression(let pattern):
            guard let index = expressions.firstIndex(where: { $0.pattern == pattern }) else { return false }
            change(&expressions[index].route)
        }
        return true
    }

    func route(_ path: String) -> RouteMatch? {
        if let route = exact[path] { return RouteMatch(route: route) }
        for expression in expressions {
            if let captures = expression.regex.captures(path) {
                return RouteMatch(route: expression.route, captures: captures)
            }
        }
        // As many look-ups as the path has parts, however many routes there are.
        var prefix = path[...]
        if prefix.hasSuffix("/") { prefix = prefix.dropLast() }
        while true {
            if let route = prefixes[String(prefix)] { return RouteMatch(route: route) }
            guard let slash = prefix.lastIndex(of: "/") else { return nil }
            prefix = prefix[..<slash]
        }
    }
}

/// A regular expression over paths, without regard to case, as nginx's `location ~*`.
struct PathExpression: @unchecked Sendable {
    // A Regex is immutable, but not declared Sendable.
    private let regex: Regex<AnyRegexOutput>

    init?(_ pattern: String) {
        guard pattern.utf8.count <= 1024, let regex = try? Regex(pattern) else { return nil }
        self.regex = regex.ignoresCase()
    }

    /// What the groups matched; nil if the path does not begin like that.
    func captures(_ path: String) -> [String]? {
        guard let match = path.prefixMatch(of: regex) else { return nil }
        return match.output.dropFirst().map { $0.substring.map(String.init) ?? "" }
    }
}
