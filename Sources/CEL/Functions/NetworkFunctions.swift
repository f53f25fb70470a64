/// Functions of URLs, addresses and ranges of addresses.
///
/// Specified in the Kubernetes documentation under *CEL options, language features, and libraries*.
extension Functions {
    private static func ofURL(_ part: @escaping @Sendable (URLValue) -> String) -> FunctionImplementation {
        { values throws(CELError) in .string(part(try value(values, 0, URLValue.self))) }
    }

    private static func ofIP(_ part: @escaping @Sendable (IPAddress) -> Bool) -> FunctionImplementation {
        { values throws(CELError) in .bool(part(try value(values, 0, IPAddress.self))) }
    }

    static let networks: [String: FunctionImplementation] = [
        "url": { values throws(CELError) in .object(try URLValue(try string(values, 0))) },
        "isURL": { values throws(CELError) in .bool(URLValue.isValid(try string(values, 0))) },
        "getScheme": ofURL { $0.scheme }, "getHost": ofURL { $0.host }, "getHostname": ofURL { $0.hostname },
        "getPort": ofURL { $0.port }, "getEscapedPath": ofURL { $0.escapedPath },
        "getQuery": { values throws(CELError) in
            let query = try value(values, 0, URLValue.self).queryValues
            return .map(
                .values(
                    CELDictionary(
                        fields: query.mapValues { .list(.values($0.map { .string($0) })) })))
        },
        "ip": { values throws(CELError) in
            if case .object = values[0] { return .object(try value(values, 0, CIDR.self).address) }
            return .object(try IPAddress(try string(values, 0)))
        },
        "isIP": { values throws(CELError) in
            let text = try string(values, 0)
            return .bool((try? IPAddress(text)) != nil)
        },
        "ip.isCanonical": { values throws(CELError) in
            let text = try string(values, 0)
            return .bool(try IPAddress(text).description == text)
        },
        "family": { values throws(CELError) in .int(try value(values, 0, IPAddress.self).isIPv4 ? 4 : 6) },
        "isUnspecified": ofIP { $0.isUnspecified }, "isLoopback": ofIP { $0.isLoopback },
        "isLinkLocalMulticast": ofIP { $0.isLinkLocalMulticast },
        "isLinkLocalUnicast": ofIP { $0.isLinkLocalUnicast }, "isGlobalUnicast": ofIP { $0.isGlobalUnicast },
        "cidr": { values throws(CELError) in .object(try CIDR(try string(values, 0))) },
        "isCIDR": { values throws(CELError) in
            let text = try string(values, 0)
            return .bool((try? CIDR(text)) != nil)
        },
        "prefixLength": { values throws(CELError) in .int(Int64(try value(values, 0, CIDR.self).prefixLength)) },
        "masked": { values throws(CELError) in .object(try value(values, 0, CIDR.self).masked) },
        "containsIP": { values throws(CELError) in
            let range = try value(values, 0, CIDR.self)
            if case .string(let text) = values[1] {
                guard let address = try? IPAddress(text) else { throw .noSuchOverload }
                return .bool(range.contains(address))
            }
            return .bool(range.contains(try value(values, 1, IPAddress.self)))
        },
        "containsCIDR": { values throws(CELError) in
            let range = try value(values, 0, CIDR.self)
            if case .string(let text) = values[1] { return .bool(range.contains(try CIDR(text))) }
            return .bool(range.contains(try value(values, 1, CIDR.self)))
        },
    ]
}
