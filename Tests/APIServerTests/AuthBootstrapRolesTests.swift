// The default policy beside upstream's, role by role.

import JSON
import KubeTypes
import Testing

@testable import APIServer

@Suite struct BootstrapRolesTests {
    /// Every role of upstream v1.36, and how many single permissions (verb, group, resource, name; or verb and path) its
    /// rules come to.
    private static let upstream = """
        cluster-admin 2
        kube-public/system:controller:bootstrap-signer 10
        kube-system/extension-apiserver-authentication-reader 3
        kube-system/system::leader-locking-kube-controller-manager 10
        kube-system/system::leader-locking-kube-scheduler 10
        kube-system/system:controller:bootstrap-signer 3
        kube-system/system:controller:cloud-provider 4
        kube-system/system:controller:token-cleaner 10
        system:aggregate-to-admin 17
        system:aggregate-to-edit 229
        system:aggregate-to-view 180
        system:auth-delegator 2
        system:basic-user 3
        system:certificates.k8s.io:certificatesigningrequests:nodeclient 1
        system:certificates.k8s.io:certificatesigningrequests:selfnodeclient 1
        system:certificates.k8s.io:kube-apiserver-client-approver 1
        system:certificates.k8s.io:kube-apiserver-client-kubelet-approver 1
        system:certificates.k8s.io:kubelet-serving-approver 1
        system:certificates.k8s.io:legacy-unknown-approver 1
        system:controller:attachdetach-controller 28
        system:controller:certificate-controller 18
        system:controller:clusterrole-aggregation-controller 6
        system:controller:cronjob-controller 22
        system:controller:daemon-set-controller 31
        system:controller:deployment-controller 36
        system:controller:device-taint-eviction-controller 21
        system:controller:disruption-controller 31
        system:controller:endpoint-controller 19
        system:controller:endpointslice-controller 23
        system:controller:endpointslicemirroring-controller 21
        system:controller:ephemeral-volume-controller 14
        system:controller:expand-controller 16
        system:controller:generic-garbage-collector 12
        system:controller:horizontal-pod-autoscaler 22
        system:controller:job-controller 18
        system:controller:legacy-service-account-token-cleaner 3
        system:controller:namespace-controller 11
        system:controller:node-controller 20
        system:controller:persistent-volume-binder 29
        system:controller:pod-garbage-collector 7
        system:controller:pv-protection-controller 10
        system:controller:pvc-protection-controller 14
        system:controller:replicaset-controller 23
        system:controller:replication-controller 17
        system:controller:resource-claim-controller 23
        system:controller:resourcequota-controller 9
        system:controller:root-ca-cert-publisher 8
        system:controller:route-controller 9
        system:controller:selinux-warning-controller 18
        system:controller:service-account-controller 7
        system:controller:service-cidrs-controller 18
        system:controller:service-controller 13
        system:controller:statefulset-controller 32
        system:controller:ttl-after-finished-controller 10
        system:controller:ttl-controller 10
        system:controller:validatingadmissionpolicy-status-controller 12
        system:controller:volumeattributesclass-protection-controller 16
        system:discovery 11
        system:heapster 15
        system:kube-aggregator 6
        system:kube-controller-manager 23
        system:kube-dns 4
        system:kube-scheduler 92
        system:kubelet-api-admin 11
        system:monitoring 11
        system:node 65
        system:node-bootstrapper 4
        system:node-problem-detector 8
        system:node-proxier 17
        system:persistent-volume-provisioner 19
        system:public-info-viewer 5
        system:service-account-issuer-discovery 4
        system:volume-scheduler 13
        """

    private static let own: Set = [
        "system:coredns", "kube-system/system:martlet:cluster-dns", "kubeadm:get-nodes",
        "kube-public/kubeadm:bootstrap-signer-clusterinfo", "kube-system/system:martlet:node-config",
        "system:martlet:node-network", "system:martlet:network-policy", "system:martlet:ingress",
        "kube-system/system:martlet:ingress",
        // Upstream has these two where the resources that they are for are switched on.
        "system:controller:storage-version-garbage-collector", "system:controller:storage-version-migrator-controller",
    ]

    private static let roles: [String: ClusterRole] = {
        var roles: [String: ClusterRole] = [:]
        for object in BootstrapPolicy.objects where ["ClusterRole", "Role"].contains(object["kind"]?.stringValue) {
            let role = ClusterRole(object)
            roles[role.namespace.isEmpty ? role.name : "\(role.namespace)/\(role.name)"] = role
        }
        return roles
    }()

    private static func permissions(_ role: ClusterRole) -> Int {
        Set(role.rules.map(CompiledRule.init).flatMap(\.parts)).count
    }

    @Test func rolesAreUpstreams() throws {
        var seen = Self.own.union(["admin", "edit", "view"])
        for line in Self.upstream.split(separator: "\n") {
            let words = line.split(separator: " ").map(String.init)
            let role = try #require(Self.roles[words[0]], "\(words[0])")
            #expect(Self.permissions(role) == Int(words[1]), "\(words[0])")
            seen.insert(words[0])
        }
        #expect(Set(Self.roles.keys) == seen)
    }

    @Test func everyBindingLeadsToARole() {
        for object in BootstrapPolicy.objects {
            guard let reference = object["roleRef"] else { continue }
            let name = reference["name"]?.stringValue ?? ""
            let key = reference["kind"] == "Role" ? "\(object.namespace)/\(name)" : name
            #expect(Self.roles[key] != nil, "\(object.name)")
        }
    }

    @Test func whoIsBoundToWhat() {
        func subjects(_ binding: String) -> [String] {
            let object = BootstrapPolicy.objects.first { $0["kind"] == "ClusterRoleBinding" && $0.name == binding }
            return (object?["subjects"]?.arrayValue ?? []).map {
                "\($0["kind"]?.stringValue ?? "") \($0["namespace"]?.stringValue ?? "")\($0["name"]?.stringValue ?? "")"
            }
        }
        for (binding, expected) in [
            ("cluster-admin", ["Group system:masters"]), ("system:discovery", ["Group system:authenticated"]),
            ("system:basic-user", ["Group system:authenticated"]),
            ("system:public-info-viewer", ["Group system:authenticated", "Group system:unauthenticated"]),
            ("system:node-proxier", ["User system:kube-proxy"]), ("system:node", []),
            ("system:service-account-issuer-discovery", ["Group system:serviceaccounts"]),
            ("system:monitoring", ["Group system:monitoring"]),
            ("system:kubelet-api-admin", ["User kube-apiserver-kubelet-client"]),
            ("system:controller:job-controller", ["ServiceAccount kube-systemjob-controller"]),
        ] { #expect(subjects(binding) == expected, "\(binding)") }
    }
}
