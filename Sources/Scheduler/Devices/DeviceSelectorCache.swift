// The selectors that have been compiled: classes and claims repeat the same few.
import CEL
import Synchronization

final class DeviceSelectorCache: Sendable {
    private let formats: [String: NamedFormat]
    private let compiled = Mutex<[String: Result<DeviceSelector, DeviceSelector.Problem>]>([:])
    private static let limit = 1024

    init(formats: [String: NamedFormat] = [:]) { self.formats = formats }

    func selector(_ text: String) -> Result<DeviceSelector, DeviceSelector.Problem> {
        if let known = compiled.withLock({ $0[text] }) { return known }
        let result: Result<DeviceSelector, DeviceSelector.Problem>
        do throws(DeviceSelector.Problem) {
            result = .success(try DeviceSelector(text, formats: formats))
        } catch {
            result = .failure(error)
        }
        compiled.withLock { compiled in
            if compiled.count >= Self.limit { compiled = [:] }
            compiled[text] = result
        }
        return result
    }
}
