/// How `proxy` subresources name what they lead to: `NAME`, `NAME:PORT` or `SCHEME:NAME:PORT`.
struct SchemeNamePort: Sendable, Equatable {
    /// Empty, `http` or `https`.
    var scheme = ""
    var name: String
    /// A number, the name of a port, or empty.
    var port = ""

    /// Nil where the text has another form.
    init?(_ text: String) {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
        switch parts.count {
        case 1: name = parts[0]
        case 2: (name, port) = (parts[0], parts[1])
        case 3: (scheme, name, port) = (parts[0], parts[1], parts[2])
        default: return nil
        }
        guard !name.isEmpty, ["", "http", "https"].contains(scheme) else { return nil }
    }

    var isSecure: Bool { scheme == "https" }
}
