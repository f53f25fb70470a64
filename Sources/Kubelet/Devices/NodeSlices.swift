// What drivers publish of this node goes when they do, so that no pod is sent here for devices that nobody makes ready.

import JSON
import KubeClient
import KubeTypes
import Logging
import Synchronization

/// Deletes the node's ResourceSlices: all when the agent starts, as no driver is known yet, and a driver's when it has
/// been gone for a while. A driver that is replaced by the next is back before that.
final class NodeSlices: Sendable {
    private static let delay = Duration.seconds(30)

    private let client: KubeClient
    private let nodeName: String
    private let logger: Logger
    /// Drivers that have gone, and when.
    private let gone = Mutex<[String: ContinuousClock.Instant]>([:])

    init(client: KubeClient, nodeName: String, logger: Logger) {
        self.client = client
        self.nodeName = nodeName
        self.logger = logger
    }

    func driver(_ name: String, isThere: Bool) {
        gone.withLock { $0[name] = isThere ? nil : .now }
    }

    func run() async {
        while !Task.isCancelled, await !wipe(driver: nil) { try? await Task.sleep(for: .seconds(2)) }
        while !Task.isCancelled {
            try? await Task.sleep(for: .seconds(5))
            let due = gone.withLock { gone in gone.filter { .now - $0.value > Self.delay }.keys.sorted() }
            for name in due where await wipe(driver: name) {
                gone.withLock { if let time = $0[name], .now - time > Self.delay { $0[name] = nil } }
            }
        }
    }

    /// Whether there are none any more.
    private func wipe(driver: String?) async -> Bool {
        let selector = "spec.nodeName=\(nodeName)" + (driver.map { ",spec.driver=\($0)" } ?? "")
        do throws(APIError) {
            for slice in try await client.list(PublishedSlice.self, fieldSelector: selector).items {
                do throws(APIError) {
                    try await client.delete(PublishedSlice.self, slice.name)
                } catch {
                    guard error.isNotFound else { throw error }
                }
            }
            return true
        } catch {
            logger.debug("slices of \(driver ?? "all drivers") are not deleted: \(error)")
            return false
        }
    }
}

/// A slice of a driver's pool, by its name alone.
private struct PublishedSlice: KubeObject {
    static let type = ObjectType(
        apiVersion: "resource.k8s.io/v1", kind: "ResourceSlice", resource: "resourceslices", namespaced: false)
    var json: JSONValue
    init(_ json: JSONValue = [:]) { self.json = json }
    var metadata: ObjectMeta {
        get { self["metadata"] ?? ObjectMeta() }
        set { self["metadata"] = newValue }
    }
}
