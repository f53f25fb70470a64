/// The operators on numbers, texts, times and lists.
///
/// Specified in the CEL language definition under *Arithmetic*: what does not fit is an error, never wrapped around.
enum Arithmetic {
    private static let intOverflow = CELError("integer overflow")
    private static let uintOverflow = CELError("unsigned integer overflow")
    private static let durationOverflow = CELError("integer overflow")
    private static let timestampOverflow = CELError("timestamp overflow")

    private static func checked<Value>(_ result: (Value, Bool), _ error: CELError) throws(CELError) -> Value {
        if result.1 { throw error }
        return result.0
    }

    static func add(_ left: CELValue, _ right: CELValue) throws(CELError) -> CELValue {
        switch (left, right) {
        case (.int(let left), .int(let right)):
            return .int(try checked(left.addingReportingOverflow(right), intOverflow))
        case (.uint(let left), .uint(let right)):
            return .uint(try checked(left.addingReportingOverflow(right), uintOverflow))
        case (.double(let left), .double(let right)): return .double(left + right)
        case (.string(let left), .string(let right)): return .string(left + right)
        case (.bytes(let left), .bytes(let right)): return .bytes(left + right)
        case (.list(let left), .list(let right)): return .list(try left.adding(right))
        case (.duration(let left), .duration(let right)):
            return .duration(
                CELDuration(
                    nanoseconds: try checked(
                        left.nanoseconds.addingReportingOverflow(right.nanoseconds), durationOverflow)))
        case (.timestamp(let time), .duration(let duration)), (.duration(let duration), .timestamp(let time)):
            guard let sum = time.adding(duration) else { throw timestampOverflow }
            return .timestamp(sum)
        default: throw .noSuchOverload
        }
    }

    static func subtract(_ left: CELValue, _ right: CELValue) throws(CELError) -> CELValue {
        switch (left, right) {
        case (.int(let left), .int(let right)):
            return .int(try checked(left.subtractingReportingOverflow(right), intOverflow))
        case (.uint(let left), .uint(let right)):
            return .uint(try checked(left.subtractingReportingOverflow(right), uintOverflow))
        case (.double(let left), .double(let right)): return .double(left - right)
        case (.duration(let left), .duration(let right)):
            return .duration(
                CELDuration(
                    nanoseconds: try checked(
                        left.nanoseconds.subtractingReportingOverflow(right.nanoseconds), durationOverflow)))
        case (.timestamp(let time), .duration(let duration)):
            guard duration.nanoseconds != .min,
                let difference = time.adding(CELDuration(nanoseconds: -duration.nanoseconds))
            else { throw timestampOverflow }
            return .timestamp(difference)
        case (.timestamp(let left), .timestamp(let right)):
            guard let difference = left.since(right) else { throw durationOverflow }
            return .duration(difference)
        default: throw .noSuchOverload
        }
    }

    static func multiply(_ left: CELValue, _ right: CELValue) throws(CELError) -> CELValue {
        switch (left, right) {
        case (.int(let left), .int(let right)):
            return .int(try checked(left.multipliedReportingOverflow(by: right), intOverflow))
        case (.uint(let left), .uint(let right)):
            return .uint(try checked(left.multipliedReportingOverflow(by: right), uintOverflow))
        case (.double(let left), .double(let right)): return .double(left * right)
        default: throw .noSuchOverload
        }
    }

    static func divide(_ left: CELValue, _ right: CELValue) throws(CELError) -> CELValue {
        let byZero = CELError("division by zero")
        switch (left, right) {
        case (.int(let left), .int(let right)):
            if right == 0 { throw byZero }
            return .int(try checked(left.dividedReportingOverflow(by: right), intOverflow))
        case (.uint(let left), .uint(let right)):
            if right == 0 { throw byZero }
            return .uint(left / right)
        case (.double(let left), .double(let right)): return .double(left / right)
        default: throw .noSuchOverload
        }
    }

    static func remainder(_ left: CELValue, _ right: CELValue) throws(CELError) -> CELValue {
        let byZero = CELError("modulus by zero")
        switch (left, right) {
        case (.int(let left), .int(let right)):
            if right == 0 { throw byZero }
            return .int(try checked(left.remainderReportingOverflow(dividingBy: right), intOverflow))
        case (.uint(let left), .uint(let right)):
            if right == 0 { throw byZero }
            return .uint(left % right)
        default: throw .noSuchOverload
        }
    }

    static func negate(_ value: CELValue) throws(CELError) -> CELValue {
        switch value {
        case .int(let value): return .int(try checked((0 as Int64).subtractingReportingOverflow(value), intOverflow))
        case .double(let value): return .double(-value)
        case .duration(let value):
            return .duration(
                CELDuration(
                    nanoseconds: try checked(
                        (0 as Int64).subtractingReportingOverflow(value.nanoseconds), durationOverflow)))
        default: throw .noSuchOverload
        }
    }
}
