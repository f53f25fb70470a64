// Which Pod Security Standard a namespace asks for, in which version and mode: read from its labels.

import JSON
import KubeTypes

enum PodSecurityLevel: String, Sendable, Comparable, CaseIterable {
    case privileged, baseline, restricted

    static func < (left: PodSecurityLevel, right: PodSecurityLevel) -> Bool { left.rank < right.rank }

    private var rank: Int {
        switch self {
        case .privileged: 0
        case .baseline: 1
        case .restricted: 2
        }
    }
}

/// A level as it stood in a minor version of Kubernetes: `baseline:v1.24`, `restricted:latest`.
struct PodSecurityStandard: Sendable, Hashable, CustomStringConvertible {
    var level: PodSecurityLevel
    /// The minor version; nil is the latest.
    var minor: Int?

    var description: String { "\(level.rawValue):\(minor.map { "v1.\($0)" } ?? "latest")" }
}

/// What a namespace asks for (KEP-2579).
struct PodSecurityPolicy: Sendable, Hashable {
    var enforce = PodSecurityStandard(level: .privileged)
    var audit = PodSecurityStandard(level: .privileged)
    var warn = PodSecurityStandard(level: .privileged)

    private static let prefix = "pod-security.kubernetes.io/"

    var isFullyPrivileged: Bool {
        enforce.level == .privileged && audit.level == .privileged && warn.level == .privileged
    }

    /// - Parameter errors: labels that say nothing understandable; a level of enforcement that is none is the strictest.
    init(labels: [String: String], errors: inout [FieldError]) {
        var levels: Set<String> = []
        func read(_ mode: String, _ standard: inout PodSecurityStandard, _ fallback: PodSecurityLevel) {
            if let text = labels[Self.prefix + mode] {
                if let level = PodSecurityLevel(rawValue: text) {
                    standard.level = level
                    levels.insert(mode)
                } else {
                    standard.level = fallback
                    errors.append(
                        Self.invalid(Self.prefix + mode, text, "must be one of privileged, baseline, restricted"))
                }
            }
            let key = "\(Self.prefix)\(mode)-version"
            if let text = labels[key] {
                if let minor = Self.minor(text) {
                    standard.minor = minor
                } else {
                    standard.minor = Int?.none
                    if text != "latest" {
                        errors.append(Self.invalid(key, text, "must be \"latest\" or \"v1.x\""))
                    }
                }
            }
        }
        read("enforce", &enforce, .restricted)
        read("audit", &audit, .privileged)
        read("warn", &warn, .privileged)
        // Who enforces and does not speak of warnings is warned of the same.
        if levels.contains("enforce"), labels[Self.prefix + "warn"] == nil, enforce.level > warn.level {
            warn.level = enforce.level
            if labels[Self.prefix + "warn-version"] == nil { warn.minor = enforce.minor }
        }
    }

    private static func minor(_ text: String) -> Int? {
        guard text.hasPrefix("v1.") else { return nil }
        let digits = text.dropFirst(3)
        guard digits.allSatisfy({ $0.isASCII && $0.isNumber }), digits == "0" || digits.first != "0" else { return nil }
        return Int(digits)
    }

    private static func invalid(_ label: String, _ value: String, _ why: String) -> FieldError {
        .invalid("metadata.labels[\(label)]", .string(value), why)
    }
}
