import JSON
import KubeTypes
import Testing

@testable import APISchema

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// Every manifest of Examples/ is right.
@Suite struct ValidationExamplesTests {
    private static let root = #filePath.split(separator: "/").dropLast(3).reduce("") { "\($0)/\($1)" }

    private func manifests(_ directory: String) -> [String] {
        guard let handle = opendir(directory) else { return [] }
        defer { closedir(handle) }
        var found: [String] = []
        while let entry = readdir(handle) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name.hasPrefix(".") { continue }
            let path = "\(directory)/\(name)"
            found += name.hasSuffix(".yaml") ? [path] : manifests(path)
        }
        return found
    }

    private func read(_ path: String) -> String {
        guard let file = fopen(path, "r") else { return "" }
        defer { fclose(file) }
        var bytes = [UInt8](repeating: 0, count: 1 << 20)
        let count = fread(&bytes, 1, bytes.count, file)
        return String(decoding: bytes[..<count], as: UTF8.self)
    }

    @Test func examplesAreRight() throws {
        let paths = manifests("\(Self.root)/Examples")
        #expect(paths.count > 5)
        for path in paths {
            for manifest in try YAML.parse(read(path)) where !manifest.isNull {
                let apiVersion = manifest["apiVersion"]?.stringValue ?? ""
                let kind = manifest["kind"]?.stringValue ?? ""
                guard let resource = Schema.builtin.resource(apiVersion: apiVersion, kind: kind) else { continue }
                let object = try Given.defaulted(JSONWriter.text(of: manifest), resource)
                #expect(Schema.builtin.validateStructure(object, of: resource) == [], "\(path)")
            }
        }
    }
}
