// The ServiceCIDR `kubernetes`: what the cluster's range of Service addresses is, for whoever asks the API.

import JSON
import KubeClient
import KubeTypes
import Logging

enum DefaultServiceCIDR {
    private struct ServiceCIDR: KubeObject {
        static let type = ObjectType(
            apiVersion: "networking.k8s.io/v1", kind: "ServiceCIDR", resource: "servicecidrs", namespaced: false)
        var json: JSONValue
        init(_ json: JSONValue) { self.json = json }
        var metadata: ObjectMeta {
            get { self["metadata"] ?? ObjectMeta() }
            set { self["metadata"] = newValue }
        }
    }

    /// Creates it if it is not there, and says that it is ready.
    static func ensure(_ client: KubeClient, logger: Logger) async {
        while !Task.isCancelled {
            do {
                var object: ServiceCIDR
                do {
                    object = try await client.get(ServiceCIDR.self, "kubernetes")
                } catch {
                    guard error.isNotFound else { throw error }
                    var new = ServiceCIDR(name: "kubernetes")
                    new.json["spec"] = ["cidrs": [.string(Addresses.serviceCIDR)]]
                    object = try await client.create(new)
                }
                guard object.json["status"]?["conditions"]?[0] == nil else { return }
                object.json["status"] = [
                    "conditions": [
                        [
                            "type": "Ready", "status": "True", "reason": "",
                            "lastTransitionTime": wallClockTime().field,
                            "message": "Kubernetes default Service CIDR is ready",
                        ]
                    ]
                ]
                _ = try await client.updateStatus(object)
                return
            } catch {
                logger.debug("the ServiceCIDR kubernetes: \(error)")
                try? await Task.sleep(for: .milliseconds(200))
            }
        }
    }
}
