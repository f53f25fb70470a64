/// Writes JSON values as bytes: compact, fields in the order they have, `<`, `>` and `&` left alone.
public struct JSONWriter: ~Copyable {
    private var output: JSONOutput

    public init(reserving capacity: Int = 0) { output = JSONOutput(reserving: capacity) }

    /// A copy of what has been written, no larger than it needs to be.
    public var bytes: [UInt8] { Array(output.bytes) }

    /// How many bytes have been written.
    public var count: Int { output.count }

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
    public mutating func write(raw: some Collection<UInt8>) { for byte in raw { output.write(byte) } }

    public mutating func write(raw: StaticString) { output.write(literal: raw) }

    public mutating func write(_ value: JSONValue) { output.write(value) }

    public mutating func write(_ integer: Int64) { output.write(integer) }

    public mutating func write(_ string: String) { output.write(string) }
}
