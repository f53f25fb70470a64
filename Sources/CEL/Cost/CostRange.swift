/// The least and the most that something costs, or that it measures. Beyond 64 bits stays at the most there is.
public struct CELCostRange: Sendable, Hashable {
    public var minimum: UInt64
    public var maximum: UInt64

    public init(_ minimum: UInt64, _ maximum: UInt64) {
        self.minimum = minimum
        self.maximum = maximum
    }

    public init(_ both: UInt64) { self.init(both, both) }

    /// Nothing is known.
    static let unknown = CELCostRange(0, .max)

    public static func + (left: CELCostRange, right: CELCostRange) -> CELCostRange {
        CELCostRange(sum(left.minimum, right.minimum), sum(left.maximum, right.maximum))
    }

    public static func * (left: CELCostRange, right: CELCostRange) -> CELCostRange {
        CELCostRange(product(left.minimum, right.minimum), product(left.maximum, right.maximum))
    }

    /// Rounded up.
    static func * (left: CELCostRange, factor: Double) -> CELCostRange {
        CELCostRange(scaled(left.minimum, factor), scaled(left.maximum, factor))
    }

    func union(_ other: CELCostRange) -> CELCostRange {
        CELCostRange(min(minimum, other.minimum), max(maximum, other.maximum))
    }

    private static func sum(_ left: UInt64, _ right: UInt64) -> UInt64 {
        let (sum, overflow) = left.addingReportingOverflow(right)
        return overflow ? .max : sum
    }

    private static func product(_ left: UInt64, _ right: UInt64) -> UInt64 {
        let (product, overflow) = left.multipliedReportingOverflow(by: right)
        return overflow ? .max : product
    }

    private static func scaled(_ value: UInt64, _ factor: Double) -> UInt64 {
        let product = (Double(value) * factor).rounded(.up)
        return product >= 0x1p64 ? .max : UInt64(product)
    }
}

/// Knows how large the values are that are not written out in the expression.
public protocol CELSizeEstimator {
    /// The size of what is at the end of a path, such as `self`, `spec`, `@items`; nil where nothing is known.
    func size(at path: [String]) -> CELCostRange?
}

/// Knows nothing.
public struct UnknownSizes: CELSizeEstimator {
    public init() {}
    public func size(at path: [String]) -> CELCostRange? { nil }
}

/// The sizes that a schema declares for the variable with which every path begins.
public struct DeclaredSizes: CELSizeEstimator {
    private let root: DeclaredType

    public init(_ root: DeclaredType) { self.root = root }

    public func size(at path: [String]) -> CELCostRange? {
        guard !path.isEmpty else { return nil }
        var type = root
        for (position, name) in path.dropFirst().enumerated() {
            switch name {
            case "@items", "@values":
                guard let element = type.element else { return nil }
                type = element
            case "@keys":
                // Schemas do not limit keys, which upstream reckons as nothing.
                guard case .map = type.shape, position == path.count - 2 else { return nil }
                return CELCostRange(0, 0)
            default:
                guard let field = type.fields?[name] else { return nil }
                type = field.type
            }
        }
        return CELCostRange(0, type.maxElements)
    }
}
