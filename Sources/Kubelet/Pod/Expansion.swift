// `$(NAME)` in commands, arguments and variables.

/// Replaces `$(NAME)` by the value that `lookup` gives. `$$` stands for `$`, and what names nothing stays as written.
///
/// The syntax is that of the Kubernetes API reference, `Container.command`.
func expand(_ text: String, _ lookup: (String) -> String?) -> String {
    guard text.utf8.contains(UInt8(ascii: "$")) else { return text }
    let source = Array(text.utf8)
    var result: [UInt8] = []
    result.reserveCapacity(source.count)
    var index = 0
    while index < source.count {
        guard source[index] == UInt8(ascii: "$"), index + 1 < source.count else {
            result.append(source[index])
            index += 1
            continue
        }
        switch source[index + 1] {
        case UInt8(ascii: "$"):
            result.append(UInt8(ascii: "$"))
            index += 2
        case UInt8(ascii: "("):
            guard let end = source[(index + 2)...].firstIndex(of: UInt8(ascii: ")")) else {
                result += source[index...(index + 1)]
                index += 2
                continue
            }
            let name = String(decoding: source[(index + 2)..<end], as: UTF8.self)
            if let value = lookup(name) { result += Array(value.utf8) } else { result += source[index...end] }
            index = end + 1
        default:
            result += source[index...(index + 1)]
            index += 2
        }
    }
    return String(decoding: result, as: UTF8.self)
}
