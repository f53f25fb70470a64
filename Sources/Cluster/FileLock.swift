import Foundation

/// A lock on a file that ends with the process, however that ends.
final class FileLock: @unchecked Sendable {
    private let descriptor: Int32

    /// Nil if another process holds the lock, or the file cannot be opened.
    init?(path: String) {
        descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { return nil }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            close(descriptor)
            return nil
        }
    }

    deinit { close(descriptor) }

    /// Whether some process holds the lock now.
    static func isHeld(path: String) -> Bool {
        FileManager.default.fileExists(atPath: path) && FileLock(path: path) == nil
    }
}
