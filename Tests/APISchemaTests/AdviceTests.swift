import JSON
import KubeTypes
import Testing

@testable import APISchema

@Suite struct AdviceTests {
    /// Resource, object, the warnings.
    @Test(arguments: [
        ("v1", "pods", #"{"spec":{"containers":[{"name":"c"}]}}"#, []),
        (
            "v1", "pods",
            #"{"metadata":{"annotations":{"scheduler.alpha.kubernetes.io/critical-pod":""}},"spec":{"nodeSelector":{"beta.kubernetes.io/os":"linux"},"containers":[{"name":"c"}]}}"#,
            [
                #"spec.nodeSelector[beta.kubernetes.io/os]: deprecated since v1.14; use "kubernetes.io/os" instead"#,
                #"metadata.annotations[scheduler.alpha.kubernetes.io/critical-pod]: non-functional in v1.16+; use the "priorityClassName" field instead"#,
            ]
        ),
        (
            "v1", "pods",
            #"{"spec":{"containers":[{"name":"c","env":[{"name":"A","value":"1"},{"name":"A","value":"2"},{"name":"A","value":"$(A)x"}]}]}}"#,
            [#"spec.containers[0].env[1]: hides previous definition of "A", which may be dropped when using apply"#]
        ),
        (
            "apps/v1", "deployments",
            #"{"metadata":{"name":"a"},"spec":{"template":{"spec":{"containers":[{"name":"c","resources":{"limits":{"memory":"1500m"}}}]}}}}"#,
            [
                #"spec.template.spec.containers[0].resources.limits[memory]: fractional byte value "1500m" is invalid, must be an integer"#
            ]
        ),
        (
            "apps/v1", "deployments", #"{"metadata":{"name":"a.b"},"spec":{}}"#,
            [
                "metadata.name: this is used in Pod names and hostnames, which can result in surprising behavior; a DNS label is recommended: [must not contain dots]"
            ]
        ),
        (
            "v1", "pods",
            #"{"spec":{"containers":[{"name":"c","ports":[{"containerPort":80,"protocol":"TCP","name":"p"}]},{"name":"d","ports":[{"containerPort":80,"protocol":"TCP","name":"p"},{"containerPort":80,"protocol":"TCP","hostPort":8080}]}]}}"#,
            [
                "spec.containers[1].ports[0]: duplicate port definition with spec.containers[0].ports[0]",
                "spec.containers[1].ports[1]: overlapping port definition with spec.containers[0].ports[0]",
                "spec.containers[1].ports[1]: overlapping port definition with spec.containers[1].ports[0]",
                #"spec.containers[1].ports[0]: duplicate port name "p" with spec.containers[0].ports[0], services and probes that select ports by name will use spec.containers[0].ports[0]"#,
            ]
        ),
        (
            "v1", "pods",
            #"{"spec":{"containers":[],"volumes":[{"name":"v","gitRepo":{}},{"name":"w","configMap":{"name":"m","items":[{"key":"a","path":"x"},{"key":"b","path":"x/y"}]}},{"name":"z","projected":{"sources":[{"secret":{"name":"s","items":[{"path":"t"}]}},{"serviceAccountToken":{"path":"t"}}]}}]}}"#,
            [
                "spec.volumes[0].gitRepo: deprecated in v1.11, and disabled by default in v1.33+",
                #"volume "w" (ConfigMap "m"): overlapping paths: "x/y" with "x""#,
                #"volume "z" (Projected): overlapping paths: "t" (ServiceAccountToken) with "t" (Secret "s")"#,
            ]
        ),
        (
            "v1", "pods",
            #"{"spec":{"containers":[],"imagePullSecrets":[{"name":"a"},{"name":"a"},{}],"topologySpreadConstraints":[{"topologyKey":"x"}],"terminationGracePeriodSeconds":-1,"affinity":{"podAffinity":{"requiredDuringSchedulingIgnoredDuringExecution":[{"topologyKey":"x"}]}}}}"#,
            [
                "spec.topologySpreadConstraints[0].labelSelector: a null labelSelector results in matching no pod",
                #"spec.imagePullSecrets[1].name: duplicate name "a""#,
                #"spec.imagePullSecrets[2].name: invalid empty name """#,
                "spec.affinity.podAffinity.requiredDuringSchedulingIgnoredDuringExecution[0].labelSelector: a null labelSelector results in matching no pod",
                "spec.terminationGracePeriodSeconds: must be >= 0; negative values are invalid and will be treated as 1",
            ]
        ),
        (
            "v1", "services",
            #"{"spec":{"type":"ClusterIP","clusterIP":"1.2.3.4","externalIPs":["1.1.1.1"],"externalName":"x"}}"#,
            [
                "spec.externalIPs is deprecated and may no longer be implemented in some clusters",
                #"spec.externalName is ignored when spec.type is not "ExternalName""#,
            ]
        ),
        (
            "v1", "persistentvolumes", #"{"spec":{"persistentVolumeReclaimPolicy":"Recycle","rbd":{}}}"#,
            [
                "spec.persistentVolumeReclaimPolicy: The Recycle reclaim policy is deprecated. Instead, the recommended approach is to use dynamic provisioning.",
                "spec.rbd: deprecated in v1.28, non-functional in v1.31+",
            ]
        ),
        (
            "v1", "persistentvolumeclaims",
            #"{"metadata":{"annotations":{"volume.beta.kubernetes.io/storage-class":"a"}},"spec":{"resources":{"requests":{"storage":"100m"}}}}"#,
            [
                #"metadata.annotations[volume.beta.kubernetes.io/storage-class]: deprecated since v1.8; use "storageClassName" attribute instead"#,
                #"spec.resources.requests[storage]: fractional byte value "100m" is invalid, must be an integer"#,
            ]
        ),
    ])
    func warnings(_ apiVersion: String, _ plural: String, _ object: String, _ expected: [String]) {
        let resource = Given.resource(apiVersion, plural)
        #expect(ObjectAdvice.warnings(about: Given.json(object), replacing: nil, resource) == expected)
    }

    @Test func updatesOfPodsAreNotTalkedAbout() {
        let pod = Given.json(#"{"spec":{"terminationGracePeriodSeconds":-1}}"#)
        #expect(ObjectAdvice.warnings(about: pod, replacing: pod, Given.resource("v1", "pods")).isEmpty)
    }
}
