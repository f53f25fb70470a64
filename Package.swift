// swift-tools-version: 6.2
import PackageDescription

// The rooms of docs/architecture.md, floor by floor. A room imports only rooms on floors below it.

func package(_ product: String, _ package: String) -> Target.Dependency { .product(name: product, package: package) }

let nio: [Target.Dependency] = [
    package("NIOCore", "swift-nio"), package("NIOPosix", "swift-nio"), package("NIOConcurrencyHelpers", "swift-nio"),
]
let http: [Target.Dependency] =
    nio + [
        package("NIOHTTP1", "swift-nio"), package("NIOHTTP2", "swift-nio-http2"), package("NIOSSL", "swift-nio-ssl"),
        package("NIOTLS", "swift-nio"),
    ]
let grpc: [Target.Dependency] = [
    package("GRPCCore", "grpc-swift-2"), package("GRPCProtobuf", "grpc-swift-protobuf"),
    package("GRPCNIOTransportHTTP2Posix", "grpc-swift-nio-transport"), package("SwiftProtobuf", "swift-protobuf"),
]
let logging = package("Logging", "swift-log")
let httpClient = package("AsyncHTTPClient", "async-http-client")
let crypto = package("Crypto", "swift-crypto")

func tests(of room: String, _ dependencies: [Target.Dependency] = []) -> Target {
    .testTarget(name: "\(room)Tests", dependencies: [.byName(name: room)] + dependencies)
}

let allTargets: [Target] = [
    // floor 0
    .target(name: "JSON", dependencies: [package("Yams", "Yams")]),
    .target(name: "LinearRegex"),
    .target(name: "GRPCPings", dependencies: [package("NIOCore", "swift-nio"), package("NIOSSL", "swift-nio-ssl")]),
    // floor 1
    .target(name: "CAPITable"),
    .target(name: "KubeTypes", dependencies: ["JSON"]),
    .target(name: "APISchema", dependencies: ["CAPITable", "JSON", "KubeTypes", "LinearRegex"]),
    .target(
        name: "PKI",
        dependencies: [
            "JSON", crypto, package("CryptoExtras", "swift-crypto"), package("X509", "swift-certificates"),
            package("SwiftASN1", "swift-asn1"),
        ]),
    // floor 2
    .systemLibrary(name: "CSQLite", pkgConfig: "sqlite3", providers: [.apt(["libsqlite3-dev"])]),
    .target(name: "Storage", dependencies: ["CSQLite", logging, package("DequeModule", "swift-collections")]),
    .target(
        name: "EtcdStore",
        dependencies: ["GRPCPings", "Storage", logging, package("HeapModule", "swift-collections")] + grpc,
        exclude: ["Protos"]),
    .target(name: "HTTPServer", dependencies: http + [logging, crypto]),
    .target(name: "CEL", dependencies: ["JSON", "KubeTypes", "LinearRegex"]),
    // floor 3
    .target(name: "CZlib", linkerSettings: [.linkedLibrary("z")]),
    .target(
        name: "APIServer",
        dependencies: [
            "APISchema", "CEL", "CZlib", "HTTPServer", "JSON", "KubeTypes", "PKI", "Storage", logging, crypto,
            package("CryptoExtras", "swift-crypto"), httpClient, package("Collections", "swift-collections"),
        ] + http),
    // floor 4
    .target(
        name: "KubeClient",
        dependencies: ["JSON", "KubeTypes", httpClient, logging, package("HeapModule", "swift-collections")] + http),
    .target(
        name: "CRI",
        dependencies: ["GRPCPings", "JSON", logging, crypto, package("NIOCore", "swift-nio")] + grpc,
        exclude: ["Protos"]),
    // floor 5
    .target(name: "ControllerManager", dependencies: ["JSON", "KubeClient", "KubeTypes", "PKI", logging, crypto]),
    .target(
        name: "Scheduler",
        dependencies: ["CEL", "JSON", "KubeClient", "KubeTypes", logging, package("HeapModule", "swift-collections")]),
    .target(
        name: "Kubelet",
        dependencies: ["CRI", "HTTPServer", "JSON", "KubeClient", "KubeTypes", "PKI", httpClient, logging, crypto]
            + http),
    .target(name: "ServiceProxy", dependencies: ["HTTPServer", "JSON", "KubeClient", "KubeTypes", logging] + nio),
    .target(name: "ClusterDNS", dependencies: ["JSON", "KubeClient", "KubeTypes", logging] + nio),
    .target(name: "Ingress", dependencies: ["HTTPServer", "JSON", "KubeClient", "KubeTypes", logging] + http),
    // floor 6
    .target(
        name: "Simulation",
        dependencies: ["JSON", "KubeClient", "KubeTypes", logging, package("HeapModule", "swift-collections")]),
    // floor 7
    .target(name: "CPlatform"),
    .target(
        name: "Cluster",
        dependencies: [
            "APISchema", "APIServer", "CPlatform", "CRI", "ClusterDNS", "ControllerManager", "EtcdStore", "HTTPServer",
            "Ingress", "JSON", "KubeClient", "KubeTypes", "Kubelet", "PKI", "Scheduler", "ServiceProxy", "Simulation",
            "Storage",
            httpClient, logging,
        ] + http),
    .executableTarget(
        name: "martlet",
        dependencies: [
            "Cluster", "ClusterDNS", "ServiceProxy", logging, package("ArgumentParser", "swift-argument-parser"),
        ]),
    tests(of: "JSON"),
    tests(of: "LinearRegex"),
    tests(of: "GRPCPings", [package("NIOCore", "swift-nio")]),
    tests(of: "KubeTypes", ["JSON"]),
    tests(of: "APISchema", ["JSON"]),
    tests(of: "PKI"),
    tests(of: "Storage", ["EtcdServer", "EtcdStore", "storage-crash-writer"]),
    // Is killed by a test of Storage while it writes.
    .executableTarget(
        name: "storage-crash-writer", dependencies: ["Storage"], path: "Tests/Support/StorageCrashWriter"),
    tests(of: "EtcdStore", ["EtcdServer", "PKI", "Storage"] + nio),
    // An etcd that a test starts.
    .target(name: "EtcdServer", path: "Tests/Support/EtcdServer"),
    tests(of: "HTTPServer", http + ["PKI"]),
    tests(of: "CEL", ["JSON"]),
    tests(
        of: "APIServer",
        [
            "APISchema", "CEL", "CZlib", "EtcdServer", "EtcdStore", "HTTPServer", "JSON", "KubeTypes", "PKI", "Storage",
        ]),
    tests(of: "KubeClient", ["HTTPServer", "JSON", "KubeTypes", "PKI"] + http),
    tests(of: "CRI", ["JSON", package("NIOCore", "swift-nio")]),
    tests(of: "ControllerManager", ["JSON", "KubeClient", "KubeTypes"]),
    tests(of: "Scheduler", ["CEL", "JSON", "KubeClient", "KubeTypes"]),
    tests(of: "Simulation", ["JSON", "KubeClient", "KubeTypes"]),
    tests(of: "Kubelet", ["CRI", "HTTPServer", "JSON", "KubeClient", "KubeTypes"] + nio),
    tests(of: "ServiceProxy", ["HTTPServer", "JSON", "KubeClient", "KubeTypes"]),
    tests(of: "ClusterDNS", ["JSON", "KubeClient", "KubeTypes"]),
    tests(of: "Ingress", ["HTTPServer", "JSON", "KubeClient", "KubeTypes", "PKI", httpClient] + http),
    tests(of: "Cluster", ["APIServer", "EtcdServer", "JSON", "KubeClient", "KubeTypes", "Storage"]),
    // A whole control plane under a simulated clock; the tests of faults run it, a seed at a time.
    .target(name: "CSimulatedSystem", path: "Tests/Support/CSimulatedSystem"),
    .executableTarget(
        name: "fault-simulation",
        dependencies: [
            "APIServer", "CSimulatedSystem", "Cluster", "ControllerManager", "JSON", "KubeClient", "KubeTypes", "PKI",
            "Scheduler", "Simulation", "Storage", logging, package("NIOCore", "swift-nio"),
            package("HeapModule", "swift-collections"),
        ], path: "Tests/Support/FaultSimulation"),
    // Without a dependency: what the program redefines of the system is not for the bundle that holds all tests.
    .testTarget(name: "FaultTests"),
    .executableTarget(name: "JSONBenchmark", dependencies: ["JSON"], path: "Benchmarks/JSONBenchmark"),
    .testTarget(name: "EndToEnd", dependencies: ["JSON", "martlet"]),
]
// Only Scripts/fuzz.sh, which compiles everything in its own way, wants it.
let fuzzes = Context.environment["MARTLET_FUZZ"] != nil
let fuzz = Target.target(name: "Fuzz", dependencies: ["APISchema", "CEL", "JSON", "KubeTypes"], path: "Fuzz")

// MARTLET_ROOMS="JSON,Storage" leaves out what the tests of these rooms do not need, so that a room can be worked on
// while others do not compile.
let rooms = Context.environment["MARTLET_ROOMS"]?.split(separator: ",").map(String.init)

func needed(by names: [String], in targets: [Target]) -> Set<String> {
    var found: Set<String> = []
    var next = names
    while let name = next.popLast() {
        guard let target = targets.first(where: { $0.name == name }), found.insert(name).inserted else { continue }
        for dependency in target.dependencies {
            switch dependency {
            case .byNameItem(let name, _), .targetItem(let name, _): next.append(name)
            default: break
            }
        }
    }
    return found
}

let kept =
    needed(by: (rooms ?? []).flatMap { [$0, "\($0)Tests"] } + (fuzzes ? ["Fuzz"] : []), in: allTargets + [fuzz])
let targets = (allTargets + (fuzzes ? [fuzz] : [])).filter { target in
    if fuzzes { return kept.contains(target.name) }
    guard let rooms else { return true }
    // With no room named, all but what needs the rest to compile.
    return rooms.isEmpty ? target.type != .test && target.type != .executable : kept.contains(target.name)
}

let package = Package(
    name: "martlet",
    products: (targets.contains { $0.name == "martlet" } ? [.executable(name: "martlet", targets: ["martlet"])] : [])
        + (fuzzes ? [.library(name: "Fuzz", type: .static, targets: ["Fuzz"])] : []),
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-asn1", from: "1.7.4"),
        .package(url: "https://github.com/apple/swift-certificates", from: "1.21.1"),
        .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-http2", from: "1.46.0"),
        .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.6"),
        .package(url: "https://github.com/apple/swift-protobuf", from: "1.39.0"),
        .package(url: "https://github.com/grpc/grpc-swift-2", from: "2.4.3"),
        .package(url: "https://github.com/grpc/grpc-swift-nio-transport", from: "2.9.2"),
        .package(url: "https://github.com/grpc/grpc-swift-protobuf", from: "2.4.1"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
        .package(url: "https://github.com/swift-server/async-http-client", from: "1.37.0"),
    ],
    targets: targets
)
