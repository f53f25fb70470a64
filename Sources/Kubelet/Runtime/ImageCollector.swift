// Removing images that no container needs, before they fill the disk.

import CRI
import KubeTypes
import Logging

/// When the disk of the images is 85 % full, those unused longest go until it is 80 % full. An image is kept for two
/// minutes after it was first seen, and one that was loaded from a file for good. The numbers are the defaults.
actor ImageCollector {
    private let runtime: any RuntimeService
    private let store: ImageStore?
    private let directory: String
    private let now: @Sendable () -> Time
    private let logger: Logger
    /// Images that volumes show, which no container tells of.
    private let mounted: @Sendable () async -> Set<String>
    private var records: [String: (seen: Time, used: Time)] = [:]

    private let high, low, minimumAge: Double
    private static let interval = 300.0

    init(
        runtime: any RuntimeService, options: KubeletOptions, now: @escaping @Sendable () -> Time,
        mounted: @escaping @Sendable () async -> Set<String>
    ) {
        self.runtime = runtime
        store = options.imageStore
        directory = options.dataDir
        high = options.imageGCHigh
        low = options.imageGCLow
        minimumAge = options.imageMinimumAge
        self.now = now
        logger = options.logger
        self.mounted = mounted
    }

    func run() async {
        while !Task.isCancelled {
            do {
                try await Task.sleep(for: .seconds(Self.interval))
                try await collect()
            } catch is CancellationError {
                return
            } catch { logger.debug("images were not collected: \(error)") }
        }
    }

    private func collect() async throws {
        let candidates = try await unused()
        guard let room = FilesystemRoom.of(directory), room.capacity > 0,
            Double(room.used) / Double(room.capacity) >= high
        else { return }
        let goal = UInt64(Double(room.capacity) * low)
        var left = room.used > goal ? room.used - goal : 0
        for image in candidates where left > 0 {
            try await runtime.removeImage(image.id)
            logger.info("removed the unused image \(image.tags.first ?? image.id)")
            left -= min(left, image.size)
        }
    }

    /// Removes every image that may go.
    /// - Returns: whether there was one.
    func removeUnused() async -> Bool {
        guard let candidates = try? await unused(), !candidates.isEmpty else { return false }
        for image in candidates { try? await runtime.removeImage(image.id) }
        return true
    }

    /// Images that may go, the one unused longest first.
    private func unused() async throws -> [RuntimeImage] {
        let time = now()
        var inUse = await mounted()
        for container in try await runtime.listContainers(labels: [:]) { inUse.insert(container.imageRef) }
        let images = try await runtime.listImages()
        var fresh: [String: (seen: Time, used: Time)] = [:]
        var candidates: [RuntimeImage] = []
        for image in images {
            let names = Set([image.id] + image.tags + image.digests)
            var record = records[image.id] ?? (seen: time, used: time)
            let isUsed = !names.isDisjoint(with: inUse)
            if isUsed { record.used = time }
            fresh[image.id] = record
            let isKept =
                isUsed || image.tags.contains { store?.isLoaded($0) == true || $0.contains("/pause:") }
                || time.since(record.seen) < minimumAge
            if !isKept { candidates.append(image) }
        }
        records = fresh
        return candidates.sorted { (fresh[$0.id]?.used ?? time) < (fresh[$1.id]?.used ?? time) }
    }
}
