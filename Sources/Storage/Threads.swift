import CSQLite
import Glibc

/// A bounded queue between threads: those that add never wait, those that take do.
final class BlockingQueue<Element: Sendable>: @unchecked Sendable {
    enum Refusal { case full, closed }

    // The lock guards `elements` and `closed`; both live at a fixed address, as pthreads need it.
    private let lock = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let filled = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
    private var elements: [Element] = []
    private var closed = false
    private let limit: Int

    init(limit: Int) {
        self.limit = limit
        pthread_mutex_init(lock, nil)
        pthread_cond_init(filled, nil)
    }

    deinit {
        pthread_cond_destroy(filled)
        pthread_mutex_destroy(lock)
        filled.deallocate()
        lock.deallocate()
    }

    /// Adds the element, or says why not.
    func add(_ element: Element) -> Refusal? {
        pthread_mutex_lock(lock)
        defer { pthread_mutex_unlock(lock) }
        guard !closed else { return .closed }
        guard elements.count < limit else { return .full }
        elements.append(element)
        pthread_cond_signal(filled)
        return nil
    }

    /// The next elements, at most `most`, after waiting for one; none when the queue is closed and empty.
    func take(most: Int) -> [Element] {
        pthread_mutex_lock(lock)
        defer { pthread_mutex_unlock(lock) }
        while elements.isEmpty, !closed { pthread_cond_wait(filled, lock) }
        guard elements.count > most else {
            defer { elements = [] }
            return elements
        }
        defer { elements.removeFirst(most) }
        return Array(elements.prefix(most))
    }

    /// Nothing more is taken in; what is there is still handed out.
    func close() {
        pthread_mutex_lock(lock)
        defer { pthread_mutex_unlock(lock) }
        closed = true
        pthread_cond_broadcast(filled)
    }
}

/// A lock that the thread that holds it may take again.
package final class RecursiveLock: @unchecked Sendable {
    private let lock = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)

    package init() {
        var attributes = pthread_mutexattr_t()
        pthread_mutexattr_init(&attributes)
        pthread_mutexattr_settype(&attributes, CInt(PTHREAD_MUTEX_RECURSIVE))
        pthread_mutex_init(lock, &attributes)
        pthread_mutexattr_destroy(&attributes)
    }

    deinit {
        pthread_mutex_destroy(lock)
        lock.deallocate()
    }

    package func withLock<Result>(_ body: () -> Result) -> Result {
        pthread_mutex_lock(lock)
        defer { pthread_mutex_unlock(lock) }
        return body()
    }
}

/// Runs `body` on a thread of its own, for work that waits for the disk.
func startThread(named name: String, _ body: @escaping @Sendable () -> Void) {
    final class Box: Sendable {
        let name: String
        let body: @Sendable () -> Void
        init(_ name: String, _ body: @escaping @Sendable () -> Void) {
            self.name = name
            self.body = body
        }
    }
    var thread = pthread_t()
    let box = Unmanaged.passRetained(Box(name, body))
    let failure = pthread_create(
        &thread, nil,
        { argument in
            guard let argument else { return nil }
            let box = Unmanaged<Box>.fromOpaque(argument).takeRetainedValue()
            // Linux takes at most 15 bytes.
            pthread_setname_np(pthread_self(), String(box.name.prefix(15)))
            box.body()
            return nil
        }, box.toOpaque())
    // Without threads nothing here can go on, and it happens only when the machine is out of memory at start.
    precondition(failure == 0, "no thread can be started: \(String(cString: strerror(failure)))")
    pthread_detach(thread)
}
