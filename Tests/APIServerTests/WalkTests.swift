// Every resource of the schema: created, read, listed, patched and deleted as its verbs allow.

import APISchema
import JSON
import KubeTypes
import PKI
import NIOHTTP1
import Testing

@testable import APIServer

@Suite(.timeLimit(.minutes(2)))
struct WalkTests {
    @Test func everyResource() async throws {
        let plane = try await ControlPlane()
        await plane.makeDefaultAccount()
        for resource in Schema.builtin.resources {
            let label = "\(resource.apiVersion) \(resource.plural)"
            let base =
                resource.group.isEmpty ? "/api/\(resource.version)" : "/apis/\(resource.group)/\(resource.version)"
            let path =
                resource.namespaced ? "\(base)/namespaces/default/\(resource.plural)" : "\(base)/\(resource.plural)"
            guard resource.verbs.contains("list") else { continue }
            let list = await plane.call(.GET, path)
            #expect(list.status == 200, "\(label): \(list.text)")
            #expect(list.json["kind"]?.stringValue == "\(resource.kind)List", "\(label)")
            // A definition is named after what it defines: CustomResourceTests walk that way.
            guard resource.verbs.contains("create"), resource.plural != "customresourcedefinitions" else { continue }
            // Some kinds are named after what they stand for.
            let names = ["APIService": "v1.walk.example.com", "IPAddress": "10.9.8.7"]
            let name = names[resource.kind] ?? "walk-\(resource.version)"
            let body = Samples.object(resource, name: name)
            let created = await plane.call(.POST, path, body)
            #expect(created.status == 201, "\(label): \(created.text)")
            guard created.status == 201 else { continue }
            let read = await plane.call(.GET, "\(path)/\(name)")
            #expect(read.json["kind"]?.stringValue == resource.kind, "\(label)")
            #expect(read.json["apiVersion"]?.stringValue == resource.apiVersion, "\(label)")
            let labelled = await plane.call(
                .PATCH, "\(path)/\(name)", ["metadata": ["labels": ["walk": "yes"]]],
                type: "application/merge-patch+json")
            #expect(labelled.status == 200, "\(label): \(labelled.text)")
            #expect(labelled.json.labels?["walk"] == "yes", "\(label)")
            let strategic = await plane.call(
                .PATCH, "\(path)/\(name)", ["metadata": ["annotations": ["walk": "yes"]]],
                type: "application/strategic-merge-patch+json")
            #expect(strategic.status == 200, "\(label): \(strategic.text)")
            let put = await plane.call(.PUT, "\(path)/\(name)", strategic.json)
            #expect(put.status == 200, "\(label): \(put.text)")
            #expect(put.json.resourceVersion == strategic.json.resourceVersion, "\(label): an equal PUT is no change")
            let table = await plane.call(
                .GET, path, accept: "application/json;as=Table;v=v1;g=meta.k8s.io,application/json")
            #expect(table.json["kind"] == "Table", "\(label)")
            let found = await plane.call(.GET, "\(path)?labelSelector=walk%3Dyes")
            #expect(found.json["items"]?.arrayValue?.map(\.name).contains(name) == true, "\(label)")
            if resource.subresource("status") != nil {
                let status = await plane.call(.GET, "\(path)/\(name)/status")
                #expect(status.status == 200, "\(label): \(status.text)")
                let written = await plane.call(.PUT, "\(path)/\(name)/status", put.json)
                #expect(written.status == 200, "\(label): \(written.text)")
            }
            let gone = await plane.call(.DELETE, "\(path)/\(name)?propagationPolicy=Background")
            #expect(gone.status == 200, "\(label): \(gone.text)")
        }
    }
}

/// The least that each kind must have.
enum Samples {
    private static let template: JSONValue = [
        "metadata": ["labels": ["app": "walk"]], "spec": ["containers": [["name": "c", "image": "nginx:1.27"]]],
    ]
    private static let jobTemplate: JSONValue = [
        "spec": ["restartPolicy": "Never", "containers": [["name": "c", "image": "nginx:1.27"]]]
    ]
    private static let workload: JSONValue = [
        "selector": ["matchLabels": ["app": "walk"]], "template": template,
    ]

    static func object(_ resource: ResourceType, name: String) -> JSONValue {
        var object: JSONValue = [
            "apiVersion": .string(resource.apiVersion), "kind": .string(resource.kind),
            "metadata": ["name": .string(name)],
        ]
        for (key, value) in fields(resource) { object[key] = value }
        return object
    }

    private static func fields(_ resource: ResourceType) -> JSONObject {
        switch resource.kind {
        case "Pod": return ["spec": ["containers": [["name": "c", "image": "nginx:1.27"]]]]
        case "PodTemplate": return ["template": template]
        case "Deployment", "ReplicaSet", "DaemonSet": return ["spec": workload]
        case "StatefulSet":
            var spec = workload
            spec["serviceName"] = "walk"
            return ["spec": spec]
        case "ReplicationController": return ["spec": ["selector": ["app": "walk"], "template": template]]
        case "Job": return ["spec": ["template": jobTemplate]]
        case "CronJob": return ["spec": ["schedule": "* * * * *", "jobTemplate": ["spec": ["template": jobTemplate]]]]
        case "APIService":
            return [
                "spec": [
                    "group": "walk.example.com", "version": "v1", "groupPriorityMinimum": 100, "versionPriority": 10,
                ]
            ]
        case "Service": return ["spec": ["ports": [["port": 80]]]]
        case "PersistentVolume":
            return [
                "spec": [
                    "capacity": ["storage": "1Gi"], "accessModes": ["ReadWriteOnce"], "hostPath": ["path": "/tmp"],
                ]
            ]
        case "PersistentVolumeClaim":
            return ["spec": ["accessModes": ["ReadWriteOnce"], "resources": ["requests": ["storage": "1Gi"]]]]
        case "Event":
            if resource.group.isEmpty {
                return [
                    "involvedObject": ["kind": "Pod", "namespace": "default", "name": "x"], "reason": "Tested",
                    "message": "walk", "type": "Normal", "source": ["component": "test"],
                ]
            }
            return [
                "eventTime": "2026-01-01T00:00:00.000000Z", "reportingController": "test.example.com/walk",
                "reportingInstance": "one", "action": "Walk", "reason": "Tested", "type": "Normal",
                "regarding": ["kind": "Pod", "namespace": "default", "name": "x"],
            ]
        case "RoleBinding", "ClusterRoleBinding":
            return [
                "roleRef": ["apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "view"],
                "subjects": [["kind": "User", "apiGroup": "rbac.authorization.k8s.io", "name": "x"]],
            ]
        case "HorizontalPodAutoscaler":
            return [
                "spec": [
                    "maxReplicas": 3, "scaleTargetRef": ["apiVersion": "apps/v1", "kind": "Deployment", "name": "x"],
                ]
            ]
        case "PodDisruptionBudget":
            return ["spec": ["minAvailable": 1, "selector": ["matchLabels": ["app": "walk"]]]]
        case "PriorityClass": return ["value": 10]
        case "StorageClass": return ["provisioner": "example.com/x"]
        case "RuntimeClass": return ["handler": "runc"]
        case "EndpointSlice": return ["addressType": "IPv4", "endpoints": []]
        case "ControllerRevision": return ["revision": 1, "data": ["a": 1]]
        case "IngressClass": return ["spec": ["controller": "example.com/x"]]
        case "Ingress":
            if resource.version == "v1" {
                return ["spec": ["defaultBackend": ["service": ["name": "x", "port": ["number": 80]]]]]
            }
            return ["spec": ["backend": ["serviceName": "x", "servicePort": 80]]]
        case "CertificateSigningRequest":
            let pem = (try? CertificateRequest.create(commonName: "x"))?.requestPEM ?? ""
            let certificateRequest = Base64.encode(Array(pem.utf8))
            return [
                "spec": [
                    "request": .string(certificateRequest), "signerName": "example.com/x", "usages": ["client auth"],
                ]
            ]
        case "CSIDriver": return ["spec": [:]]
        case "CSINode": return ["spec": ["drivers": []]]
        case "CSIStorageCapacity": return ["storageClassName": "x"]
        case "VolumeAttachment":
            return ["spec": ["attacher": "x", "nodeName": "n", "source": ["persistentVolumeName": "v"]]]
        case "VolumeAttributesClass": return ["driverName": "example.com/x", "parameters": ["a": "b"]]
        case "ServiceCIDR": return ["spec": ["cidrs": ["10.200.0.0/16"]]]
        case "IPAddress":
            return ["spec": ["parentRef": ["resource": "services", "name": "x", "namespace": "default"]]]
        case "FlowSchema":
            return ["spec": ["priorityLevelConfiguration": ["name": "x"]]]
        case "PriorityLevelConfiguration":
            return ["spec": ["type": "Limited", "limited": ["limitResponse": ["type": "Reject"]]]]
        case "ClusterTrustBundle": return ["spec": ["trustBundle": "-----BEGIN CERTIFICATE-----\n"]]
        case "NetworkPolicy": return ["spec": ["podSelector": [:]]]
        default: return [:]
        }
    }
}
