#if canImport(Glibc)
    import Glibc
#else
    import Musl
#endif

/// Coverage-guided fuzzing with libFuzzer: one library, of which `Scripts/fuzz.sh` makes a program for each target.
///
/// A target reads bytes as something clients send. Whatever comes is read or refused; what is read keeps the promises
/// that the target names. A broken promise traps, and libFuzzer keeps the bytes.
enum Fuzz {
    typealias Target = @Sendable (UnsafeBufferPointer<UInt8>) -> Void

    static let targets: [String: Target] = [
        "json": readJSON, "yaml": readYAML, "protobuf": readProtobuf, "cel": evaluate, "patch": applyPatch,
        "selector": readSelectors, "schema": validateBySchema,
    ]

    /// The input taken apart at its first line feeds: `count` parts, of which the last takes all the rest.
    static func parts(_ bytes: UnsafeBufferPointer<UInt8>, _ count: Int) -> [String] {
        let parts = bytes.split(separator: 10, maxSplits: count - 1, omittingEmptySubsequences: false)
        return (0..<count).map { $0 < parts.count ? String(decoding: parts[$0], as: UTF8.self) : "" }
    }

    static func require(_ holds: Bool, _ promise: String) {
        if !holds { fatalError("broken promise: \(promise)") }
    }
}

/// The target, which the environment names.
private let target: Fuzz.Target = {
    guard let name = getenv("FUZZ_TARGET").map({ String(cString: $0) }), let target = Fuzz.targets[name] else {
        fatalError("FUZZ_TARGET names none of \(Fuzz.targets.keys.sorted())")
    }
    return target
}()

/// What libFuzzer calls with every input.
@_cdecl("LLVMFuzzerTestOneInput")
public func testOneInput(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    target(UnsafeBufferPointer(start: start, count: count))
    return 0
}
