import JSON
import KubeTypes
import Testing

@testable import ControllerManager

@Suite struct EndpointsTests {
    private func plan(_ service: Service, _ pods: [Pod], _ slices: [EndpointSlice] = []) -> EndpointSlicePlan {
        EndpointSlicePlan(service, pods: pods, slices: slices, zone: { $0 == "n1" ? "z1" : nil })
    }

    /// Slices as the API has them after a plan.
    private func carryOut(_ plan: EndpointSlicePlan, on slices: [EndpointSlice]) -> [EndpointSlice] {
        var result = slices.filter { slice in !plan.delete.contains { $0.name == slice.name } }
        for update in plan.update {
            result = result.map { $0.name == update.name ? update : $0 }
        }
        for (number, slice) in plan.create.enumerated() {
            var slice = slice
            slice.metadata.name = "s\(slices.count)-\(number)"
            slice.metadata.uid = "uid-\(slice.name)"
            result.append(slice)
        }
        return result
    }

    @Test func oneReadyPod() throws {
        let result = plan(service(), [pod("a", ip: "10.1.0.1")])
        #expect(result.update.isEmpty && result.delete.isEmpty)
        let slice = try #require(result.create.first)
        #expect(
            slice.json == [
                "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": "IPv4",
                "metadata": [
                    "generateName": "web-", "namespace": "default",
                    "labels": [
                        "kubernetes.io/service-name": "web",
                        "endpointslice.kubernetes.io/managed-by": "endpointslice-controller.k8s.io",
                    ],
                    "ownerReferences": [
                        [
                            "apiVersion": "v1", "kind": "Service", "name": "web", "uid": "uid-service-web",
                            "controller": true, "blockOwnerDeletion": true,
                        ]
                    ],
                ],
                "endpoints": [
                    [
                        "addresses": ["10.1.0.1"],
                        "conditions": ["ready": true, "serving": true, "terminating": false],
                        "targetRef": ["kind": "Pod", "namespace": "default", "name": "a", "uid": "uid-a"],
                        "nodeName": "n1", "zone": "z1",
                    ]
                ],
                "ports": [["name": "", "port": 8080, "protocol": "TCP"]],
            ])
    }

    @Test func nothingChangesTwice() {
        let pods = (0..<250).map { pod("p\($0)", ip: "10.1.\($0 / 250).\($0 % 250)") }
        var slices = carryOut(plan(service(), pods), on: [])
        #expect(slices.map(\.endpoints.count).sorted() == [50, 100, 100])
        var again = plan(service(), pods, slices)
        #expect(again.create.isEmpty && again.update.isEmpty && again.delete.isEmpty)
        // One pod less ready: one slice written.
        var changed = pods
        changed[17] = pod("p17", ready: false, ip: "10.1.0.17")
        again = plan(service(), changed, slices)
        #expect(again.create.isEmpty && again.update.count == 1 && again.delete.isEmpty)
        slices = carryOut(again, on: slices)
        // One gone and one come: still one slice.
        changed[17] = pod("new", ip: "10.1.9.9")
        again = plan(service(), changed, slices)
        #expect(again.create.isEmpty && again.update.count == 1 && again.delete.isEmpty)
        slices = carryOut(again, on: slices)
        // More come: the slice with room takes them.
        changed.append(pod("more", ip: "10.1.9.10"))
        again = plan(service(), changed, slices)
        #expect(again.create.isEmpty && again.update.count == 1)
        slices = carryOut(again, on: slices)
        // All go: one empty slice stays.
        again = plan(service(), [], slices)
        slices = carryOut(again, on: slices)
        #expect(slices.count == 1 && slices[0].endpoints.isEmpty && slices[0].ports.isEmpty)
        again = plan(service(), [], slices)
        #expect(again.create.isEmpty && again.update.isEmpty && again.delete.isEmpty)
    }

    /// Whatever happens to pods, the slices say exactly what the pods are.
    @Test(arguments: 0..<6) func slicesFollowPods(seed: Int) {
        var random = SeededGenerator(seed: UInt64(seed))
        var pods: [Pod] = []
        var slices: [EndpointSlice] = []
        for step in 0..<15 {
            for _ in 0..<Int.random(in: 0...40, using: &random) {
                let number = Int.random(in: 0..<100_000, using: &random)
                pods.append(
                    pod(
                        "p\(number)", ready: Bool.random(using: &random),
                        ip: "10.\(number % 250).\(step).\(number / 250 % 250)"))
            }
            pods.shuffle(using: &random)
            pods.removeLast(Int.random(in: 0...pods.count / 2, using: &random))
            var seen: Set<String> = []
            pods = pods.filter { seen.insert($0.uid).inserted }
            slices = carryOut(plan(service(), pods, slices), on: slices)
            let uids = slices.flatMap { $0.endpoints.compactMap { $0.targetRef?.uid } }
            #expect(uids.sorted() == pods.map(\.uid).sorted())
            #expect(slices.allSatisfy { $0.endpoints.count <= 100 })
            let again = plan(service(), pods, slices)
            #expect(again.create.isEmpty && again.update.isEmpty && again.delete.isEmpty)
        }
    }

    @Test func conditionsOfEndpoints() {
        func conditions(_ pod: Pod, publish: Bool = false) -> JSONValue? {
            plan(service(publishNotReady: publish), [pod]).create.first?.endpoints.first?.conditions?.json
        }
        #expect(
            conditions(pod("a", ready: false, ip: "10.1.0.1")) == [
                "ready": false, "serving": false, "terminating": false,
            ])
        #expect(
            conditions(pod("a", ip: "10.1.0.1", deleted: true)) == [
                "ready": false, "serving": true, "terminating": true,
            ])
        #expect(
            conditions(pod("a", ready: false, ip: "10.1.0.1"), publish: true)
                == ["ready": true, "serving": false, "terminating": false])
        #expect(conditions(pod("a", phase: "Succeeded", ip: "10.1.0.1")) == nil)
        #expect(conditions(pod("a")) == nil)
    }

    @Test func namedPortsAreThePods() {
        let service = service(ports: [
            ["name": "http", "port": 80, "protocol": "TCP", "targetPort": "web"],
            ["name": "none", "port": 81, "protocol": "TCP", "targetPort": "absent"],
            ["name": "same", "port": 82],
        ])
        func serving(_ port: Int64, _ name: String, _ ip: String) -> Pod {
            var pod = pod(name, ip: ip)
            pod.spec.json["containers"] = [
                ["name": "c", "ports": [["name": "web", "containerPort": .integer(port), "protocol": "TCP"]]]
            ]
            return pod
        }
        let result = plan(service, [serving(8080, "a", "10.1.0.1"), serving(9090, "b", "10.1.0.2")])
        #expect(
            Set(result.create.map { $0.ports.map { "\($0.name ?? "")=\($0.port ?? 0)" } }) == [
                ["http=8080", "same=82"], ["http=9090", "same=82"],
            ])
    }

    @Test func headlessServices() throws {
        let headless = service("db", clusterIP: "None", ports: [])
        var member = pod("a", ip: "10.1.0.1")
        member.spec.hostname = "db-0"
        member.spec.subdomain = "db"
        let slice = try #require(plan(headless, [member]).create.first)
        #expect(slice.labels["service.kubernetes.io/headless"] == "")
        #expect(slice.endpoints.first?.hostname == "db-0")
        #expect(slice.ports.isEmpty)
        let endpoints = EndpointsPlan.object(headless, pods: [member], current: nil)
        #expect(endpoints.subsets.first?.addresses.first?.hostname == "db-0")
        #expect(endpoints.labels["service.kubernetes.io/headless"] == "")
    }

    @Test func dualStackServicesHaveSlicesOfBothFamilies() {
        var dual = service()
        dual.spec.ipFamilies = ["IPv4", "IPv6"]
        var member = pod("a", ip: "10.1.0.1")
        member.status.podIPs = [PodIP(["ip": "10.1.0.1"]), PodIP(["ip": "fd00::1"])]
        let slices = plan(dual, [member]).create
        #expect(
            Set(slices.map { "\($0.addressType) \($0.endpoints[0].addresses)" }) == [
                "IPv4 [\"10.1.0.1\"]", "IPv6 [\"fd00::1\"]",
            ])
    }

    @Test func changedLabelsAreWritten() {
        let slices = carryOut(plan(service(), [pod("a", ip: "10.1.0.1")]), on: [])
        var labelled = service()
        labelled.metadata.labels = ["team": "x"]
        let result = plan(labelled, [pod("a", ip: "10.1.0.1")], slices)
        #expect(result.update.map { $0.labels["team"] } == ["x"])
    }

    @Test func endpointsGroupPortsByTheirPods() {
        let service = service(ports: [
            ["name": "http", "port": 80, "targetPort": 8080], ["name": "metrics", "port": 90, "targetPort": 9090],
        ])
        let pods = [pod("b", ip: "10.1.0.2"), pod("a", ip: "10.1.0.1"), pod("c", ready: false, ip: "10.1.0.3")]
        let object = EndpointsPlan.object(service, pods: pods, current: nil)
        #expect(object.subsets.count == 1)
        #expect(object.subsets[0].addresses.map(\.ip) == ["10.1.0.1", "10.1.0.2"])
        #expect(object.subsets[0].notReadyAddresses.map(\.ip) == ["10.1.0.3"])
        #expect(object.subsets[0].ports.map { $0.name ?? "" } == ["http", "metrics"])
        #expect(object.subsets[0].addresses[0].nodeName == "n1")
        #expect(object.labels["endpoints.kubernetes.io/managed-by"] == "endpoint-controller")
        #expect(EndpointsPlan.object(service, pods: pods.reversed(), current: object) == object)
        let empty = EndpointsPlan.object(service, pods: [], current: object)
        #expect(empty.subsets.isEmpty)
    }

    @Test func terminatingPodsLeaveEndpoints() {
        let pods = [pod("a", ip: "10.1.0.1", deleted: true)]
        #expect(EndpointsPlan.object(service(), pods: pods, current: nil).subsets.isEmpty)
        let published = EndpointsPlan.object(service(publishNotReady: true), pods: pods, current: nil)
        #expect(published.subsets.first?.addresses.count == 1)
    }

    @Test func tooManyAddressesAreLeftOut() {
        let pods = (0..<1200).map { pod("p\($0)", ready: $0 % 10 != 0, ip: "10.\($0 / 250).0.\($0 % 250)") }
        let object = EndpointsPlan.object(service(), pods: pods, current: nil)
        #expect(object.annotations["endpoints.kubernetes.io/over-capacity"] == "truncated")
        #expect(object.subsets[0].addresses.count == 1000)
        #expect(object.subsets[0].notReadyAddresses.isEmpty)
    }

    @Test func writtenSlicesAreWaitedFor() {
        let expectations = SliceExpectations()
        let key = ObjectKey(namespace: "default", name: "web")
        func slice(_ version: String) -> EndpointSlice {
            var slice = EndpointSlice(name: "s", namespace: "default")
            slice.metadata.uid = "u"
            slice.metadata.resourceVersion = version
            slice.metadata.labels = ["kubernetes.io/service-name": "web"]
            return slice
        }
        #expect(expectations.areMet(by: [], service: key, now: start))
        expectations.expect(slice("10"), service: key, now: start)
        #expect(!expectations.areMet(by: [], service: key, now: start))
        #expect(!expectations.areMet(by: [slice("9")], service: key, now: start))
        #expect(expectations.areMet(by: [slice("11")], service: key, now: start))
        #expect(expectations.areMet(by: [], service: key, now: start))
        expectations.expect(slice("12"), service: key, now: start)
        expectations.observe(slice("13"), deleted: true)
        #expect(expectations.areMet(by: [], service: key, now: start))
        expectations.expect(slice("14"), service: key, now: start)
        #expect(expectations.areMet(by: [], service: key, now: start.adding(seconds: 61)))
    }
}
