// The claims for devices that a pod names.
import KubeTypes

/// Which claims a pod needs, as far as its spec and status say.
struct PodClaims: Sendable, Hashable {
    struct Use: Sendable, Hashable {
        let name: String
        /// Made for the pod from its own template; the claim must then be the pod's.
        let isOwn: Bool
    }

    private(set) var uses: [Use] = []
    /// Why it is not known yet which they are.
    private(set) var problem: String?

    var isEmpty: Bool { uses.isEmpty && problem == nil }

    init(_ pod: Pod) {
        let references = pod.claimReferences
        guard !references.isEmpty else { return }
        let made = pod.madeClaims
        for reference in references {
            do throws(Pod.UnknownClaim) {
                guard let (name, isOwn) = try pod.claim(reference, made: made) else { continue }
                uses.append(Use(name: name, isOwn: isOwn))
            } catch {
                problem = error.description
                return
            }
        }
    }
}
