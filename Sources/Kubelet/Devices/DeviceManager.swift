// Devices of dynamic resource allocation: made ready by their drivers before a pod starts, given back when it has ended
// (KEP-3063, KEP-4381).

import CRI
import JSON
import KubeClient
import KubeTypes
import Logging

/// Why a pod's devices are not ready, or not given back.
struct DeviceError: Error, Sendable, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}

actor DeviceManager {
    private let client: KubeClient
    private let drivers: @Sendable (String) -> [any ResourceDriver]
    /// Where the ledger is kept.
    private let path: String
    private let logger: Logger
    private var ledger: ClaimLedger

    init(
        client: KubeClient, path: String, logger: Logger, drivers: @escaping @Sendable (String) -> [any ResourceDriver]
    ) {
        self.client = client
        self.path = path
        self.logger = logger
        self.drivers = drivers
        ledger = ClaimLedger()
        guard let bytes = Files.read(path) else { return }
        if let json = try? JSONParser.parse(bytes), let kept = ClaimLedger(json) {
            ledger = kept
        } else {
            logger.error("\(path) is not readable: devices that it named are not given back")
        }
    }

    // MARK: Before a pod starts

    /// Has the devices of all claims of a pod made ready.
    func prepare(_ pod: Pod) async throws(DeviceError) {
        let claims = try await claims(of: pod)
        guard !claims.isEmpty else { return }
        var batches: [String: [DriverClaim]] = [:]
        for claim in claims {
            var entry = ledger.entries[claim.key] ?? ClaimLedger.Entry(uid: claim.uid, devices: claim.drivers)
            guard entry.uid == claim.uid else {
                throw DeviceError(
                    "old ResourceClaim with same name \(claim.key.name) and different UID \(entry.uid) still exists "
                        + "(previous pod force-deleted?!)")
            }
            entry.pods.insert(pod.uid)
            ledger.entries[claim.key] = entry
            if entry.isPrepared { continue }
            for driver in entry.devices.keys {
                batches[driver, default: []].append(
                    DriverClaim(namespace: claim.key.namespace, name: claim.key.name, uid: claim.uid))
            }
        }
        // Before anything is asked for, so that it is given back whatever happens.
        try save()
        for (name, claims) in batches.sorted(by: { $0.key < $1.key }) {
            let results = try await call(name, "NodePrepareResources") { try await $0.prepare(claims) }
            for claim in claims {
                guard let result = results[claim.uid] else {
                    throw DeviceError("NodePrepareResources skipped \(claims.count - results.count) ResourceClaims")
                }
                switch result {
                case .failure(let problem):
                    throw DeviceError(
                        "NodePrepareResources failed for ResourceClaim \(claim.name): \(problem.message)")
                case .success(let devices):
                    ledger.entries[ObjectKey(namespace: claim.namespace, name: claim.name)]?.devices[name] = devices
                }
            }
        }
        for claim in claims { ledger.entries[claim.key]?.isPrepared = true }
        try save()
    }

    private struct Claim {
        let key: ObjectKey
        let uid: String
        let drivers: [String: [PreparedDevice]]
    }

    /// The pod's claims as the API has them; with an error if the pod may not use one yet.
    private func claims(of pod: Pod) async throws(DeviceError) -> [Claim] {
        var names: [(name: String, isOwn: Bool)] = []
        let made = pod.madeClaims
        for reference in pod.claimReferences {
            do throws(Pod.UnknownClaim) {
                if let name = try pod.claim(reference, made: made) { names.append(name) }
            } catch {
                throw DeviceError(error.description)
            }
        }
        if let name = pod.status.extendedResourceClaimStatus?.resourceClaimName { names.append((name, false)) }
        var claims: [Claim] = []
        for (name, isOwn) in names {
            let claim: DeviceClaim
            do throws(APIError) {
                claim = try await client.get(DeviceClaim.self, name, namespace: pod.namespace)
            } catch {
                throw DeviceError("fetch ResourceClaim \(name): \(error.message)")
            }
            if isOwn, !claim.isOwned(by: pod) {
                throw DeviceError(
                    "ResourceClaim \(claim.key) was not created for Pod \(pod.key) (Pod is not owner)")
            }
            guard claim.isReserved(for: pod) else {
                throw DeviceError(
                    "pod \(pod.name) (\(pod.uid)) is not allowed to use ResourceClaim \(name) (\(claim.uid))")
            }
            guard let allocation = claim.allocation else {
                throw DeviceError("ResourceClaim \(name): not allocated")
            }
            var needed: [String: [PreparedDevice]] = [:]
            for result in allocation["devices"]?["results"]?.arrayValue ?? [] {
                needed[result["driver"]?.stringValue ?? ""] = []
            }
            for driver in needed.keys { try known(driver) }
            claims.append(Claim(key: claim.key, uid: claim.uid, drivers: needed))
        }
        return claims
    }

    private func known(_ driver: String) throws(DeviceError) {
        if drivers(driver).isEmpty { throw DeviceError("DRA driver \(driver) is not registered") }
    }

    /// Asks a driver; where two of one name are there, the older one if the newer does not answer.
    private func call<Answer: Sendable>(
        _ name: String, _ method: String, _ body: (any ResourceDriver) async throws -> Answer
    ) async throws(DeviceError) -> Answer {
        try known(name)
        let candidates = drivers(name)
        var last = ""
        for driver in candidates {
            do { return try await body(driver) } catch {
                last = "\(error)"
                if (error as? PluginError)?.isUnavailable != true { break }
            }
        }
        throw DeviceError("\(method): \(last)")
    }

    /// Names of the Container Device Interface for a container.
    func cdiDevices(of container: Container, in pod: Pod) throws(DeviceError) -> [String] {
        guard !pod.spec.resourceClaims.isEmpty || pod.status.extendedResourceClaimStatus != nil else { return [] }
        var wanted: [(claim: String, request: String)] = []
        let made = pod.madeClaims
        for reference in pod.claimReferences {
            let uses = (container.resources?.claims ?? []).filter { $0.name == reference.name }
            guard !uses.isEmpty else { continue }
            do throws(Pod.UnknownClaim) {
                guard let (name, _) = try pod.claim(reference, made: made) else { continue }
                wanted += uses.map { (name, $0.request ?? "") }
            } catch {
                throw DeviceError(error.description)
            }
        }
        if let extended = pod.status.extendedResourceClaimStatus {
            let requests = container.resources?.requests ?? [:]
            for mapping in extended.requestMappings
            where mapping.containerName == container.name && (requests[mapping.resourceName]?.nanos ?? 0) > 0 {
                wanted.append((extended.resourceClaimName, mapping.requestName))
            }
        }
        var devices: [String] = []
        for (claim, request) in wanted {
            guard let entry = ledger.entries[ObjectKey(namespace: pod.namespace, name: claim)] else {
                throw DeviceError(
                    "internal error: unable to get claim info for ResourceClaim \(claim) in namespace \(pod.namespace)")
            }
            for device in entry.cdiDevices(for: request) where !devices.contains(device) { devices.append(device) }
        }
        return devices
    }

    // MARK: After its end

    /// Whether a pod has claims that are to be given back.
    func holds(_ pod: String) -> Bool { !ledger.keys(of: pod).isEmpty }

    /// Has the devices of a pod that has ended taken back, where no other pod uses them.
    func unprepare(pod: String) async throws(DeviceError) {
        let keys = ledger.keys(of: pod)
        guard !keys.isEmpty else { return }
        var batches: [String: [DriverClaim]] = [:]
        var last: [ObjectKey] = []
        for key in keys {
            guard let entry = ledger.entries[key] else { continue }
            if entry.pods.count > 1 {
                ledger.entries[key]?.pods.remove(pod)
                continue
            }
            last.append(key)
            for driver in entry.devices.keys {
                batches[driver, default: []].append(
                    DriverClaim(namespace: key.namespace, name: key.name, uid: entry.uid))
            }
        }
        for (name, claims) in batches.sorted(by: { $0.key < $1.key }) {
            let results = try await call(name, "NodeUnprepareResources") { try await $0.unprepare(claims) }
            for claim in claims {
                guard let result = results[claim.uid] else {
                    throw DeviceError("NodeUnprepareResources skipped \(claims.count - results.count) ResourceClaims")
                }
                if let problem = result {
                    throw DeviceError(
                        "NodeUnprepareResources failed for ResourceClaim \(claim.name): \(problem.message)")
                }
            }
        }
        for key in last {
            // Another pod may have come while the driver was being asked: its devices are made ready again.
            ledger.entries[key]?.pods.remove(pod)
            if ledger.entries[key]?.pods.isEmpty == true {
                ledger.entries[key] = nil
            } else {
                ledger.entries[key]?.isPrepared = false
            }
        }
        try save()
    }

    /// Gives back what pods have that are not on the node any more, once a minute.
    func run(active: @escaping @Sendable () -> Set<String>) async {
        while !Task.isCancelled {
            try? await Task.sleep(for: .seconds(60))
            for pod in ledger.pods.subtracting(active()) {
                do throws(DeviceError) { try await unprepare(pod: pod) } catch {
                    logger.info("devices of pod \(pod) are not given back yet: \(error)")
                }
            }
        }
    }

    private func save() throws(DeviceError) {
        do {
            try Files.replace(path, with: JSONWriter.bytes(of: ledger.json), mode: 0o600)
        } catch {
            throw DeviceError("checkpoint ResourceClaim state: \(error)")
        }
    }
}
