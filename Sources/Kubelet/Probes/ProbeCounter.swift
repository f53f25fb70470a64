// From single answers of a probe to its verdict.

/// Counts a probe's answers against its thresholds.
struct ProbeCounter: Sendable, Equatable {
    let successThreshold: Int
    let failureThreshold: Int
    private var last: Bool?
    private var run = 0

    init(successThreshold: Int, failureThreshold: Int) {
        self.successThreshold = max(1, successThreshold)
        self.failureThreshold = max(1, failureThreshold)
    }

    /// Takes an answer.
    /// - Returns: the verdict, where there are enough like answers in a row for one.
    mutating func take(_ success: Bool) -> Bool? {
        if last == success { run += 1 } else { (last, run) = (success, 1) }
        return run >= (success ? successThreshold : failureThreshold) ? success : nil
    }
}

enum ProbeKind: String, Sendable, CaseIterable {
    case startup = "Startup"
    case liveness = "Liveness"
    case readiness = "Readiness"
}

enum ProbeOutcome: Sendable, Equatable {
    case success
    case failure(String)
    /// The probe itself could not be done: it counts as nothing.
    case error(String)
}
