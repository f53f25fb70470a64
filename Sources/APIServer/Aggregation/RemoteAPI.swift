import APISchema
import JSON
import KubeTypes
import NIOSSL

/// A group version that another server answers for: what its APIService says, ready to be used.
struct RemoteAPI: Sendable {
    struct Name: Hashable, Sendable {
        var group: String
        var version: String

        /// `/apis/GROUP/VERSION`, or `/api/VERSION` for the core group.
        var path: String { group.isEmpty ? "/api/\(version)" : "/apis/\(group)/\(version)" }
        var objectName: String { "\(version).\(group)" }
    }

    let name: Name
    let serviceName: String
    let serviceNamespace: String
    let port: Int
    let groupPriority: Int64
    let versionPriority: Int64
    let isAvailable: Bool
    /// Nil where the bundle is no certificate; requests then are answered with `tlsProblem`.
    let tls: NIOSSLContext?
    let tlsProblem: String?
    /// Of the APIService: what was made from it is made again when it changes.
    let revision: Int64

    /// Nil for an APIService that is served here.
    init?(_ object: CachedObject, frontProxy: FrontProxy?, previous: RemoteAPI?) {
        let value = object.value
        guard let spec = value["spec"]?.objectValue, let service = spec["service"]?.objectValue else { return nil }
        name = Name(group: spec[string: "group"], version: spec[string: "version"])
        serviceName = service[string: "name"]
        serviceNamespace = service[string: "namespace"]
        port = service["port"]?.intValue ?? 443
        groupPriority = spec["groupPriorityMinimum"]?.integerValue ?? 0
        versionPriority = spec["versionPriority"]?.integerValue ?? 0
        isAvailable = APIServiceConditions.isAvailable(value)
        revision = object.revision
        let bundle = spec[string: "caBundle"]
        let skipVerify = spec["insecureSkipTLSVerify"]?.boolValue ?? false
        let key = "\(skipVerify) \(bundle)"
        tlsKey = key
        if let previous, previous.tlsKey == key {
            tls = previous.tls
            tlsProblem = previous.tlsProblem
            return
        }
        do {
            tls = try frontProxy?.tls(caBundle: Base64.decode(bundle) ?? [], skipVerify: skipVerify)
            tlsProblem = frontProxy == nil ? "this server has no certificate for aggregated servers" : nil
        } catch {
            tls = nil
            tlsProblem = "unable to load root certificates: \(error)"
        }
    }

    private let tlsKey: String
}
