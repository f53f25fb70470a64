import Crypto
import Foundation
import JSON
import KubeClient
import KubeTypes
import Logging

/// Says by a Lease in `kube-system` that this API server lives, and under which name others may refer to it (upstream's
/// APIServerIdentity).
struct ServerIdentity: Sendable {
    static let leaseSeconds = 3600
    private static let renewInterval = Duration.seconds(10)

    let client: KubeClient
    let hostName: String
    let logger: Logger

    /// The same for every server that runs on a host.
    static func name(host: String) -> String {
        "apiserver-" + base32(Array(SHA256.hash(data: Data(host.utf8)).prefix(16)))
    }

    /// RFC 4648 in lower case, without padding.
    private static func base32(_ bytes: [UInt8]) -> String {
        let alphabet = Array("abcdefghijklmnopqrstuvwxyz234567".unicodeScalars)
        var text = String.UnicodeScalarView()
        var (bits, held) = (0, 0)
        for byte in bytes {
            bits = bits << 8 | Int(byte)
            held += 8
            while held >= 5 {
                held -= 5
                text.append(alphabet[bits >> held & 31])
            }
            bits &= (1 << held) - 1
        }
        if held > 0 { text.append(alphabet[bits << (5 - held) & 31]) }
        return String(text)
    }

    /// Renews the Lease until the task is cancelled. It stays behind, and a controller removes it when it has ended.
    func run() async {
        let name = Self.name(host: hostName)
        let holder = "\(name)_\(UUID().uuidString.lowercased())"
        while !Task.isCancelled {
            do {
                try await client.modify(Lease.self, name, namespace: "kube-system") { lease in
                    lease = renewed(lease, by: holder)
                    return true
                }
            } catch {
                if error.isNotFound {
                    _ = try? await client.create(renewed(Lease(name: name, namespace: "kube-system"), by: holder))
                } else {
                    logger.debug("the lease \(name): \(error)")
                }
            }
            try? await Task.sleep(for: Self.renewInterval)
        }
    }

    private func renewed(_ lease: Lease, by holder: String) -> Lease {
        var lease = lease
        var labels = lease.labels
        labels["apiserver.kubernetes.io/identity"] = "kube-apiserver"
        labels["kubernetes.io/hostname"] = hostName
        lease.metadata.labels = labels
        lease.spec.holderIdentity = holder
        lease.spec.leaseDurationSeconds = Self.leaseSeconds
        lease.spec.renewTime = MicroTime(wallClockTime())
        return lease
    }
}
