import Foundation
import JSON

/// What a running cluster says of itself, in a file beside its data.
public struct RunState: Sendable {
    public var pid: Int32
    public var port: Int
    /// Empty without a node.
    public var nodeName: String
    /// Where other machines, or other nodes of this one, reach the API; nil in an agent.
    public var advertised: String?
    /// Milliseconds from the start of the process to the API's first answer, and to the node being Ready; nil: not yet.
    public var apiReadyAfter: Int?
    public var nodeReadyAfter: Int?

    public init(pid: Int32, port: Int, nodeName: String) {
        self.pid = pid
        self.port = port
        self.nodeName = nodeName
    }

    /// Nil where there is none or it cannot be read.
    public init?(path: String) {
        guard let data = FileManager.default.contents(atPath: path), let json = try? JSONParser.parse(data),
            let pid = json["pid"]?.intValue.flatMap(Int32.init(exactly:)), let port = json["port"]?.intValue
        else { return nil }
        self.init(pid: pid, port: port, nodeName: json["nodeName"]?.stringValue ?? "")
        advertised = json["advertised"]?.stringValue
        apiReadyAfter = json["apiReadyAfter"]?.intValue
        nodeReadyAfter = json["nodeReadyAfter"]?.intValue
    }

    public func write(path: String) {
        var json: JSONValue = [
            "pid": .integer(Int64(pid)), "port": .integer(Int64(port)), "nodeName": .string(nodeName),
        ]
        json["advertised"] = advertised.map { .string($0) }
        json["apiReadyAfter"] = apiReadyAfter.map { .integer(Int64($0)) }
        json["nodeReadyAfter"] = nodeReadyAfter.map { .integer(Int64($0)) }
        // Readers find no state if this fails, and say that nothing runs here.
        try? Data(JSONWriter.bytes(of: json)).write(to: URL(fileURLWithPath: path), options: .atomic)
    }
}
