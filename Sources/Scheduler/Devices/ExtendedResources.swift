// Containers that ask for devices as for any other resource, `example.com/gpu: 1`: the claim that is made for them where a
// node has devices of a class for that (KEP-5004).
import JSON
import KubeTypes

/// What a pod's containers ask for under the names of extended resources.
struct ExtendedRequests: Sendable {
    private struct Asking: Sendable {
        let container: String
        /// Among init containers and containers.
        let index: Int
        /// An init container that ends: what it has is free for those that come later.
        let isShortLived: Bool
        let amounts: [String: Int64]
        /// The places of the names among all that the container asks for.
        let ranks: [String: Int]
    }

    private var containers: [Asking] = []
    /// What the pod needs of each at a time.
    private(set) var totals: [String: Int64] = [:]

    static let classPrefix = "deviceclass.resource.kubernetes.io/"
    static let annotation = "resource.kubernetes.io/extended-resource-claim"

    init() {}

    init(_ requests: Resources, containers: [Container], initContainers: [Container]) {
        totals = requests.scalars.filter { $0.value > 0 && Self.isExtended($0.key) }
        guard !totals.isEmpty else { return }
        for (index, container) in (initContainers + containers).enumerated() {
            let wanted = container.resources?.requests ?? [:]
            let ranks = Dictionary(wanted.keys.sorted().enumerated().map { ($1, $0) }) { $1 }
            let amounts = wanted.compactMapValues { $0.value > 0 ? $0.value : nil }.filter { totals[$0.key] != nil }
            guard !amounts.isEmpty else { continue }
            self.containers.append(
                Asking(
                    container: container.name, index: index,
                    isShortLived: index < initContainers.count && !container.isSidecar, amounts: amounts, ranks: ranks))
        }
    }

    var isEmpty: Bool { totals.isEmpty }

    private static func isExtended(_ name: String) -> Bool {
        if name.hasPrefix(classPrefix) { return true }
        return name.contains("/") && !name.contains("kubernetes.io/") && !name.hasPrefix("requests.")
    }

    private struct Request {
        let name: String
        let className: String
        var count: Int64
    }

    /// The requests of the claim, and which of them is for which container.
    /// - Parameter classes: Of the resources that the claim is to provide, the class of each.
    func claim(_ classes: [String: String]) -> (requests: [JSONValue], mappings: [JSONValue]) {
        var requests: [Request] = []
        var mappings: [JSONValue] = []
        func mapping(_ asking: Asking, _ resource: String, _ request: String) -> JSONValue {
            [
                "containerName": .string(asking.container), "resourceName": .string(resource),
                "requestName": .string(request),
            ]
        }
        for (resource, className) in classes.sorted(by: { $0.key < $1.key }) {
            func request(_ asking: Asking, _ count: Int64) -> Request {
                Request(
                    name: "container-\(asking.index)-request-\(asking.ranks[resource] ?? 0)", className: className,
                    count: count)
            }
            var lasting: [(index: Int, request: Request)] = []
            for asking in containers where !asking.isShortLived {
                guard let amount = asking.amounts[resource] else { continue }
                lasting.append((asking.index, request(asking, amount)))
                mappings.append(
                    mapping(asking, resource, "container-\(asking.index)-request-\(asking.ranks[resource] ?? 0)"))
            }
            // Those that come first have what the later ones will have, and one request more for the most that is missing.
            var passing: Request?
            var short: [(asking: Asking, names: [String], isShort: Bool)] = []
            for asking in containers where asking.isShortLived {
                guard let amount = asking.amounts[resource] else { continue }
                var sum: Int64 = 0
                var names: [String] = []
                for later in lasting where later.index >= asking.index && sum < amount {
                    sum += later.request.count
                    names.append(later.request.name)
                }
                if sum < amount {
                    let own = request(asking, amount - sum)
                    if (passing?.count ?? 0) < own.count { passing = own }
                }
                short.append((asking, names, sum < amount))
            }
            for (asking, names, isShort) in short {
                let all = names + (isShort ? [passing?.name ?? ""] : [])
                mappings += all.map { mapping(asking, resource, $0) }
            }
            requests += lasting.map(\.request) + (passing.map { [$0] } ?? [])
        }
        let json = requests.sorted { $0.name < $1.name }.map { request -> JSONValue in
            [
                "name": .string(request.name),
                "exactly": [
                    "deviceClassName": .string(request.className), "allocationMode": "ExactCount",
                    "count": .integer(request.count),
                ],
            ]
        }
        return (json, mappings)
    }
}

/// The claim that stands for a pod's extended resources on a node.
struct ExtendedClaim: Sendable {
    /// Not in the API yet.
    let info: DeviceClaimInfo
    let mappings: [JSONValue]

    /// - Parameter classes: Of each resource that the node has only as devices, the class.
    init(_ pod: PodInfo, _ classes: [String: String]) {
        let (requests, mappings) = pod.extended.claim(classes)
        self.mappings = mappings
        var claim = DeviceClaim([
            "apiVersion": .string(DeviceClaim.type.apiVersion), "kind": .string(DeviceClaim.type.kind),
            "spec": ["devices": ["requests": .array(requests)]],
        ])
        claim.metadata.namespace = pod.key.namespace
        claim.metadata.generateName = "\(pod.key.name)-extended-resources-"
        claim.metadata.annotations[ExtendedRequests.annotation] = "true"
        var owner = OwnerReference()
        owner.apiVersion = "v1"
        owner.kind = Pod.type.kind
        owner.name = pod.key.name
        owner.uid = pod.uid
        owner.controller = true
        claim.metadata.ownerReferences = [owner]
        // It has an identity here before the API gives it one.
        var known = claim
        known.metadata.uid = Self.uid(of: pod)
        object = claim
        info = DeviceClaimInfo(known)
    }

    /// As it is made in the API.
    let object: DeviceClaim

    static func uid(of pod: PodInfo) -> String { "extended/\(pod.uid)" }
}
