import JSON

/// A number or a string: a port by number or name, a count or a percentage.
public enum IntOrString: JSONField {
    case int(Int)
    case string(String)

    public init?(field: JSONValue) {
        if let int = field.intValue {
            self = .int(int)
        } else if let string = field.stringValue {
            self = .string(string)
        } else {
            return nil
        }
    }

    public var field: JSONValue {
        switch self {
        case .int(let int): .integer(Int64(int))
        case .string(let string): .string(string)
        }
    }

    /// The number itself, or the percentage (`25%`) of `total`; nil if the string is no percentage.
    public func scaled(of total: Int, roundingUp: Bool) -> Int? {
        switch self {
        case .int(let int): return int
        case .string(let string):
            guard string.hasSuffix("%"), let percent = Int(string.dropLast()), percent >= 0 else { return nil }
            let (product, overflow) = percent.multipliedReportingOverflow(by: total)
            guard !overflow else { return nil }
            return (product + (roundingUp ? 99 : 0)) / 100
        }
    }
}
