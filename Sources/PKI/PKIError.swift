/// What can go wrong with keys and certificates, in words for whoever runs the cluster.
public enum PKIError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The text is no PEM, or its contents are not what its label says.
    case malformed(what: String, reason: String)
    /// The private key is not the certificate's.
    case keyMismatch(what: String)
    /// The certificate cannot sign others.
    case notAnAuthority(what: String)
    case badName(String)
    case cannotSign(String)
    case file(path: String, operation: String, reason: String)

    public var description: String {
        switch self {
        case .malformed(let what, let reason): "\(what) is malformed: \(reason)"
        case .keyMismatch(let what): "the private key does not belong to \(what)"
        case .notAnAuthority(let what): "\(what) is not the certificate of a certificate authority"
        case .badName(let name): "\"\(name)\" cannot be in a certificate"
        case .cannotSign(let reason): "signing failed: \(reason)"
        case .file(let path, let operation, let reason): "cannot \(operation) \(path): \(reason)"
        }
    }
}
