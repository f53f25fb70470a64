import JSON
import Testing

@testable import APISchema

@Suite struct DefaultsTests {
    private func defaulted(_ text: String, _ apiVersion: String, _ plural: String) throws -> JSONValue {
        try Given.defaulted(text, Given.resource(apiVersion, plural))
    }

    @Test func aPodIsFilledIn() throws {
        let pod = try defaulted(#"{"spec":{"containers":[{"name":"a","image":"nginx"}]}}"#, "v1", "pods")
        let expected = Given.json(
            """
            {"spec":{"containers":[{"name":"a","image":"nginx","imagePullPolicy":"Always","resources":{},
              "terminationMessagePath":"/dev/termination-log","terminationMessagePolicy":"File"}],
             "dnsPolicy":"ClusterFirst","enableServiceLinks":true,"restartPolicy":"Always",
             "schedulerName":"default-scheduler","securityContext":{},"terminationGracePeriodSeconds":30},"status":{}}
            """)
        #expect(pod == expected)
    }

    @Test(arguments: [
        ("nginx", "Always"), ("nginx:latest", "Always"), ("nginx:1.25", "IfNotPresent"),
        ("localhost:5000/nginx", "Always"), ("localhost:5000/nginx:2", "IfNotPresent"),
        ("nginx@sha256:0123", "IfNotPresent"), ("nginx:latest@sha256:0123", "Always"), ("", "IfNotPresent"),
    ])
    func thePullPolicyFollowsTheTag(image: String, policy: String) throws {
        let pod = try defaulted(#"{"spec":{"containers":[{"name":"a","image":"\#(image)"}]}}"#, "v1", "pods")
        #expect(pod.at("spec.containers.0.imagePullPolicy")?.stringValue == policy)
    }

    /// Text, the path looked at, and what is there.
    @Test(arguments: [
        (#"{"ports":[{"containerPort":80}]}"#, "ports.0.protocol", #""TCP""#),
        (
            #"{"livenessProbe":{"httpGet":{"port":80}}}"#, "livenessProbe",
            #"{"httpGet":{"port":80,"path":"/","scheme":"HTTP"},"timeoutSeconds":1,"periodSeconds":10,"successThreshold":1,"failureThreshold":3}"#
        ),
        (
            #"{"readinessProbe":{"exec":{"command":["a"]},"periodSeconds":0,"failureThreshold":1}}"#,
            "readinessProbe.periodSeconds", "10"
        ),
        (
            #"{"readinessProbe":{"exec":{"command":["a"]},"failureThreshold":1}}"#, "readinessProbe.failureThreshold",
            "1"
        ),
        (#"{"lifecycle":{"preStop":{"httpGet":{"port":"x"}}}}"#, "lifecycle.preStop.httpGet.scheme", #""HTTP""#),
        (
            #"{"resources":{"limits":{"cpu":"1","memory":"1Gi"},"requests":{"cpu":"100m"}}}"#, "resources.requests",
            #"{"cpu":"100m","memory":"1Gi"}"#
        ),
        (
            #"{"env":[{"name":"A","valueFrom":{"fieldRef":{"fieldPath":"metadata.name"}}}]}"#,
            "env.0.valueFrom.fieldRef.apiVersion", #""v1""#
        ),
        (#"{"resources":{"requests":{"cpu":"1n"}}}"#, "resources.requests.cpu", #""1m""#),
    ])
    func containersAreFilledIn(fields: String, path: String, value: String) throws {
        for list in ["containers", "initContainers"] {
            var container = Given.json(fields)
            container["name"] = "a"
            let text = #"{"spec":{"\#(list)":[\#(JSONWriter.text(of: container))]}}"#
            let pod = try defaulted(text, "v1", "pods")
            #expect(pod.at("spec.\(list).0.\(path)") == Given.json(value), "\(list)")
        }
    }

    @Test(arguments: [
        (#"{"name":"v"}"#, "emptyDir", "{}"),
        (#"{"name":"v","configMap":{"name":"c"}}"#, "configMap.defaultMode", "420"),
        (#"{"name":"v","secret":{"secretName":"c","defaultMode":256}}"#, "secret.defaultMode", "256"),
        (#"{"name":"v","hostPath":{"path":"/"}}"#, "hostPath.type", #""""#),
        (
            #"{"name":"v","projected":{"sources":[{"serviceAccountToken":{"path":"t"}}]}}"#,
            "projected.sources.0.serviceAccountToken.expirationSeconds", "3600"
        ),
        (#"{"name":"v","projected":{"sources":[]}}"#, "projected.defaultMode", "420"),
        (
            #"{"name":"v","downwardAPI":{"items":[{"path":"a","fieldRef":{"fieldPath":"metadata.labels"}}]}}"#,
            "downwardAPI.items.0.fieldRef.apiVersion", #""v1""#
        ),
        (
            #"{"name":"v","ephemeral":{"volumeClaimTemplate":{"spec":{}}}}"#,
            "ephemeral.volumeClaimTemplate.spec.volumeMode", #""Filesystem""#
        ),
        (#"{"name":"v","image":{"reference":"a:1"}}"#, "image.pullPolicy", #""IfNotPresent""#),
    ])
    func volumesAreFilledIn(volume: String, path: String, value: String) throws {
        let pod = try defaulted(#"{"spec":{"volumes":[\#(volume)]}}"#, "v1", "pods")
        #expect(pod.at("spec.volumes.0.\(path)") == Given.json(value))
    }

    @Test func hostNetworkTakesHostPortsAndOnlyPodsDo() throws {
        let spec = #"{"hostNetwork":true,"containers":[{"name":"a","ports":[{"containerPort":80}]}]}"#
        #expect(try defaulted(#"{"spec":\#(spec)}"#, "v1", "pods").at("spec.containers.0.ports.0.hostPort") == 80)
        let deployment = try defaulted(#"{"spec":{"template":{"spec":\#(spec)}}}"#, "apps/v1", "deployments")
        #expect(deployment.at("spec.template.spec.containers.0.ports.0.hostPort") == nil)
        #expect(deployment.at("spec.template.spec.enableServiceLinks") == nil)
        #expect(deployment.at("spec.template.spec.containers.0.ports.0.protocol") == "TCP")
    }

    @Test func requestsOfAPodFollowItsContainers() throws {
        let pod = try defaulted(
            """
            {"spec":{"resources":{"limits":{"cpu":"2","memory":"1Gi"}},
              "containers":[{"resources":{"requests":{"cpu":"100m"}}},{"resources":{"requests":{"cpu":"200m"}}}],
              "initContainers":[{"restartPolicy":"Always","resources":{"requests":{"cpu":"50m"}}},
                {"resources":{"requests":{"cpu":"400m"}}}]}}
            """, "v1", "pods")
        // 400m beside the sidecar's 50m while starting is more than 350m while running.
        #expect(pod.at("spec.resources.requests") == ["cpu": "450m", "memory": "1Gi"])
    }

    /// Spec, and fields of the spec as they are then.
    @Test(arguments: [
        ("{}", #"{"type":"ClusterIP","sessionAffinity":"None","internalTrafficPolicy":"Cluster"}"#),
        (
            #"{"ports":[{"port":80},{"port":81,"targetPort":"http","protocol":"UDP"}]}"#,
            #"{"ports":[{"port":80,"protocol":"TCP","targetPort":80},{"port":81,"targetPort":"http","protocol":"UDP"}]}"#
        ),
        (#"{"type":"NodePort"}"#, #"{"externalTrafficPolicy":"Cluster","internalTrafficPolicy":"Cluster"}"#),
        (#"{"type":"LoadBalancer"}"#, #"{"allocateLoadBalancerNodePorts":true,"externalTrafficPolicy":"Cluster"}"#),
        (#"{"externalIPs":["192.0.2.1"]}"#, #"{"externalTrafficPolicy":"Cluster"}"#),
        (#"{"sessionAffinity":"ClientIP"}"#, #"{"sessionAffinityConfig":{"clientIP":{"timeoutSeconds":10800}}}"#),
    ])
    func servicesAreFilledIn(spec: String, expected: String) throws {
        let service = try defaulted(#"{"spec":\#(spec)}"#, "v1", "services")
        for (key, value) in Given.json(expected).objectValue ?? [:] {
            #expect(service["spec"]?[key] == value, "\(key)")
        }
    }

    @Test func anExternalNameHasNoTrafficPolicy() throws {
        let service = try defaulted(#"{"spec":{"type":"ExternalName","externalName":"a.b"}}"#, "v1", "services")
        #expect(service.at("spec.internalTrafficPolicy") == nil)
    }

    /// Version, spec, path, value.
    @Test(arguments: [
        ("apps/v1", "deployments", "{}", "spec.replicas", "1"),
        ("apps/v1", "deployments", #"{"replicas":0}"#, "spec.replicas", "0"),
        (
            "apps/v1", "deployments", "{}", "spec.strategy",
            #"{"type":"RollingUpdate","rollingUpdate":{"maxSurge":"25%","maxUnavailable":"25%"}}"#
        ),
        ("apps/v1", "deployments", #"{"strategy":{"type":"Recreate"}}"#, "spec.strategy", #"{"type":"Recreate"}"#),
        (
            "apps/v1", "deployments", #"{"strategy":{"rollingUpdate":{"maxSurge":0}}}"#,
            "spec.strategy.rollingUpdate", #"{"maxSurge":0,"maxUnavailable":"25%"}"#
        ),
        ("apps/v1", "deployments", "{}", "spec.progressDeadlineSeconds", "600"),
        ("apps/v1", "deployments", "{}", "spec.revisionHistoryLimit", "10"),
        ("apps/v1beta2", "deployments", "{}", "spec.revisionHistoryLimit", "10"),
        ("apps/v1beta1", "deployments", "{}", "spec.revisionHistoryLimit", "2"),
        ("apps/v1beta1", "deployments", "{}", "spec.progressDeadlineSeconds", "600"),
        ("apps/v1beta1", "deployments", "{}", "spec.strategy.rollingUpdate.maxSurge", #""25%""#),
        ("extensions/v1beta1", "deployments", "{}", "spec.revisionHistoryLimit", "2147483647"),
        ("extensions/v1beta1", "deployments", "{}", "spec.progressDeadlineSeconds", "2147483647"),
        (
            "extensions/v1beta1", "deployments", "{}", "spec.strategy.rollingUpdate",
            #"{"maxSurge":1,"maxUnavailable":1}"#
        ),
        (
            "apps/v1", "daemonsets", "{}", "spec.updateStrategy",
            #"{"type":"RollingUpdate","rollingUpdate":{"maxSurge":0,"maxUnavailable":1}}"#
        ),
        ("extensions/v1beta1", "daemonsets", "{}", "spec.updateStrategy", #"{"type":"OnDelete"}"#),
        (
            "apps/v1", "statefulsets", "{}", "spec.updateStrategy",
            #"{"type":"RollingUpdate","rollingUpdate":{"partition":0}}"#
        ),
        ("apps/v1", "statefulsets", "{}", "spec.podManagementPolicy", #""OrderedReady""#),
        (
            "apps/v1", "statefulsets", "{}", "spec.persistentVolumeClaimRetentionPolicy",
            #"{"whenDeleted":"Retain","whenScaled":"Retain"}"#
        ),
        ("apps/v1beta1", "statefulsets", "{}", "spec.updateStrategy", #"{"type":"OnDelete"}"#),
        ("apps/v1", "replicasets", "{}", "spec.replicas", "1"),
        ("v1", "replicationcontrollers", "{}", "spec.replicas", "1"),
        ("batch/v1", "jobs", "{}", "spec.completions", "1"),
        ("batch/v1", "jobs", #"{"parallelism":3}"#, "spec.backoffLimit", "6"),
        ("batch/v1", "jobs", #"{"backoffLimitPerIndex":1}"#, "spec.backoffLimit", "2147483647"),
        ("batch/v1", "jobs", "{}", "spec.podReplacementPolicy", #""TerminatingOrFailed""#),
        ("batch/v1", "jobs", "{}", "spec.completionMode", #""NonIndexed""#),
        ("batch/v1", "cronjobs", "{}", "spec.successfulJobsHistoryLimit", "3"),
        ("batch/v1", "cronjobs", "{}", "spec.jobTemplate.spec.template.spec.dnsPolicy", #""ClusterFirst""#),
        ("autoscaling/v1", "horizontalpodautoscalers", "{}", "spec.minReplicas", "1"),
        ("autoscaling/v2", "horizontalpodautoscalers", "{}", "spec.metrics.0.resource.target.averageUtilization", "80"),
        ("networking.k8s.io/v1", "networkpolicies", #"{"egress":[{}]}"#, "spec.policyTypes", #"["Ingress","Egress"]"#),
        ("v1", "persistentvolumes", "{}", "spec.persistentVolumeReclaimPolicy", #""Retain""#),
        ("v1", "persistentvolumeclaims", "{}", "spec.volumeMode", #""Filesystem""#),
        ("v1", "persistentvolumeclaims", "{}", "status.phase", #""Pending""#),
        (
            "v1", "limitranges", #"{"limits":[{"type":"Container","max":{"cpu":"1"}}]}"#,
            "spec.limits.0.defaultRequest",
            #"{"cpu":"1"}"#
        ),
        (
            "flowcontrol.apiserver.k8s.io/v1", "flowschemas", #"{"matchingPrecedence":0}"#, "spec.matchingPrecedence",
            "1000"
        ),
        ("storage.k8s.io/v1", "csidrivers", "{}", "spec.volumeLifecycleModes", #"["Persistent"]"#),
        (
            "resource.k8s.io/v1", "resourceclaims", #"{"devices":{"requests":[{"exactly":{}}]}}"#,
            "spec.devices.requests.0.exactly", #"{"allocationMode":"ExactCount","count":1}"#
        ),
    ])
    func specsAreFilledIn(apiVersion: String, plural: String, spec: String, path: String, value: String) throws {
        let object = try defaulted(#"{"spec":\#(spec)}"#, apiVersion, plural)
        #expect(object.at(path) == Given.json(value))
    }

    @Test(arguments: ["extensions/v1beta1", "apps/v1beta1"])
    func theFirstVersionsTakeTheSelectorFromTheTemplate(apiVersion: String) throws {
        let text = #"{"metadata":{"name":"a"},"spec":{"template":{"metadata":{"labels":{"app":"x"}}}}}"#
        let old = try defaulted(text, apiVersion, "deployments")
        #expect(old.at("spec.selector") == ["matchLabels": ["app": "x"]])
        #expect(old.at("metadata.labels") == ["app": "x"])
        let new = try defaulted(text, "apps/v1", "deployments")
        #expect(new.at("spec.selector") == nil)
        #expect(new.at("metadata.labels") == nil)
    }

    @Test func otherKindsAreFilledIn() throws {
        #expect(try defaulted("{}", "v1", "secrets")["type"] == "Opaque")
        #expect(try defaulted("{}", "v1", "namespaces").at("status.phase") == "Active")
        #expect(
            try defaulted(#"{"metadata":{"name":"a"}}"#, "v1", "namespaces").at("metadata.labels")
                == ["kubernetes.io/metadata.name": "a"])
        let binding = try defaulted(
            #"{"roleRef":{"name":"r"},"subjects":[{"kind":"User","name":"u"},{"kind":"ServiceAccount","name":"s"}]}"#,
            "rbac.authorization.k8s.io/v1", "rolebindings")
        #expect(binding.at("roleRef.apiGroup") == "rbac.authorization.k8s.io")
        #expect(binding.at("subjects.0.apiGroup") == "rbac.authorization.k8s.io")
        #expect(binding.at("subjects.1.apiGroup") == nil)
        #expect(try defaulted("{}", "storage.k8s.io/v1", "storageclasses")["volumeBindingMode"] == "Immediate")
        let slice = try defaulted(#"{"ports":[{"port":1}]}"#, "discovery.k8s.io/v1", "endpointslices")
        #expect(slice.at("ports.0") == ["port": 1, "name": "", "protocol": "TCP"])
        let policy = try defaulted(
            #"{"spec":{}}"#, "admissionregistration.k8s.io/v1beta1", "mutatingadmissionpolicies")
        #expect(policy.at("spec.failurePolicy") == "Fail")
    }

    @Test func defaultsAreFilledInOnce() throws {
        for resource in Schema.builtin.resources {
            let once = try Given.defaulted(#"{"metadata":{"name":"a"},"spec":{"containers":[{"name":"a"}]}}"#, resource)
            var twice = once
            Schema.builtin.applyDefaults(to: &twice, of: resource)
            #expect(twice == once, "\(resource.apiVersion) \(resource.kind)")
        }
    }
}
