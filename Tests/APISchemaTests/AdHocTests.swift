import Foundation
import JSON
import KubeTypes
import Testing
@testable import APISchema

private func diff(_ file: String, _ a: JSONValue, _ b: JSONValue?, _ p: String) {
    switch (a, b) {
    case (.object(let x), .object(let y)?): for (k, e) in x { diff(file, e, y[k], p + "." + k) }
    case (.array(let x), .array(let y)?): for (i, e) in x.enumerated() { diff(file, e, i < y.count ? y[i] : nil, p + "[\(i)]") }
    default: if a != b { print("ADHOC \(file) \(p) \(a) -> \(String(describing: b))") }
    }
}

@Test func adhocTestdata() throws {
    var n = 0
    for file in try FileManager.default.contentsOfDirectory(atPath: "/tmp/td").sorted() where file.hasSuffix(".json") {
        let bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: "/tmp/td/\(file)")))
        guard let original = try? JSONParser.parse(bytes) else { print("ADHOC cannot parse", file); continue }
        guard let r = Schema.builtin.resource(apiVersion: original["apiVersion"]?.stringValue ?? "", kind: original["kind"]?.stringValue ?? "") else { continue }
        n += 1
        var v = original
        do {
            let u = try Schema.builtin.decode(&v, as: r.message, kind: r.kind, version: r.version)
            if !u.isEmpty { print("ADHOC \(file) unknown \(u)") }
            diff(file, original, v, "")
            var s = v
            Schema.builtin.applyDefaults(to: &s, of: r)
            try Schema.builtin.toStorage(&s, from: r)
            var back = s
            try Schema.builtin.fromStorage(&back, to: r)
            diff(file, v, back, "(roundtrip)")
        } catch { print("ADHOC \(file) \(error)") }
    }
    print("ADHOC files", n)
    let clock = ContinuousClock()
    for _ in 0..<3 {
        let t = clock.measure { _ = Schema(types: [Tables.types, Tables.olderTypes], resources: Tables.resources, rules: Tables.rules) }
        print("ADHOC parse", t)
    }
    let bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: "/tmp/td/core.v1.Pod.json")))
    let pods = Schema.builtin.resource(apiVersion: "v1", kind: "Pod")!
    let parsed = try JSONParser.parse(bytes)
    let small = try JSONParser.parse(#"{"apiVersion":"v1","kind":"Pod","metadata":{"name":"a","labels":{"a":"b"}},"spec":{"containers":[{"name":"a","image":"nginx:1","resources":{"limits":{"cpu":"100m","memory":"64Mi"}},"ports":[{"containerPort":80}]}]}}"#)
    for (name, p) in [("big", parsed), ("small", small), ("small", small)] {
        let d = try clock.measure { for _ in 0..<1000 { var v = p; _ = try Schema.builtin.decode(&v, as: pods.message, kind: "Pod", version: "v1") } }
        let f = clock.measure { for _ in 0..<1000 { var v = p; Schema.builtin.applyDefaults(to: &v, of: pods) } }
        var full = p; Schema.builtin.applyDefaults(to: &full, of: pods)
        let c = clock.measure { for _ in 0..<1000 { _ = Schema.builtin.validateStructure(full, of: pods) } }
        print("ADHOC \(name) per 1000: decode \(d) defaults \(f) validate \(c)")
    }
}
