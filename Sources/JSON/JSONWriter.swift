/// Writes JSON values as bytes: compact, fields in the order they have, `<`, `>` and `&` left alone.
public struct JSONWriter {
    public private(set) var bytes: [UInt8] = []

    public init(reserving capacity: Int = 0) { bytes.reserveCapacity(capacity) }

    /// The compact text of `value`.
    public static func bytes(of value: JSONValue) -> [UInt8] {
        var output = JSONOutput(reserving: 4096)
        output.write(value)
        return Array(output.bytes)
    }

    /// The compact text of `value`.
    public static func text(of value: JSONValue) -> String {
        var output = JSONOutput(reserving: 256)
        output.write(value)
        return String(decoding: output.bytes, as: UTF8.self)
    }

    /// Appends bytes that are JSON already.
    public mutating func write(raw: some Collection<UInt8>) { bytes.append(contentsOf: raw) }

    public mutating func write(raw: StaticString) {
        bytes.append(contentsOf: UnsafeBufferPointer(start: raw.utf8Start, count: raw.utf8CodeUnitCount))
    }

    public mutating func write(_ value: JSONValue) {
        var output = JSONOutput(reserving: 1024)
        output.write(value)
        bytes.append(contentsOf: output.bytes)
    }

    public mutating func write(_ integer: Int64) { write(.integer(integer)) }

    public mutating func write(_ string: String) { write(.string(string)) }
}
