// The rules for names of certificate signers, which requests, bundles and projected volumes share.

import JSON
import KubeTypes

/// Names of signers: a domain and a path, `example.com/my-signer`.
public enum SignerNames {
    public static func errors(_ name: String, _ path: String) -> [FieldError] {
        guard !name.isEmpty else { return [.required(path)] }
        let parts = name.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        guard parts.count == 2 else {
            return [
                .invalid(
                    path, .string(name),
                    "must be a fully qualified domain and path of the form 'example.com/signer-name'")
            ]
        }
        var errors: [FieldError] = []
        if parts[0].utf8.count > 253 { errors.append(.tooLong(path, limit: 253)) }
        let labels = parts[0].split(separator: ".", omittingEmptySubsequences: false).map(String.init)
        for label in labels {
            errors += Names.isDNS1123Label(label).map {
                .invalid(path, .string(parts[0]), "validating label \"\(label)\": \($0)")
            }
        }
        if labels.count < 2 {
            errors.append(
                .invalid(
                    path, .string(parts[0]), "should be a domain with at least two segments separated by dots"))
        }
        for label in parts[1].split(separator: ".", omittingEmptySubsequences: false).map(String.init) {
            errors += Names.isDNS1123Subdomain(label).map {
                .invalid(path, .string(parts[1]), "validating label \"\(label)\": \($0)")
            }
        }
        if name.utf8.count > 253 + 317 + 1 { errors.append(.tooLong(path, limit: 253 + 317 + 1)) }
        return errors
    }

    /// Whether a signer is one of Kubernetes' own.
    static func isKubernetes(_ name: String) -> Bool {
        let host = name.prefix { $0 != "/" }
        return host == "kubernetes.io" || host.hasSuffix(".kubernetes.io")
    }
}

extension Validator {
    mutating func signerName(_ child: String, _ name: String) {
        for error in SignerNames.errors(name, path(to: child)) { report(error) }
    }
}
