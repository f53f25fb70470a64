import JSON
import KubeTypes
import Testing

@testable import APISchema

/// Every kind has a right object, and what is done to it is found.
@Suite struct ValidationPodTests {
    @Test(arguments: Base.allCases)
    func rightObjectsAreTaken(base: Base) throws {
        #expect(try base.problems("{}") == [])
        #expect(try base.problems(from: "{}", to: "{}") == [])
    }

    private func container(_ fields: String) -> String {
        #"{"spec":{"containers":[{"name":"c","image":"i",\#(fields)}]}}"#
    }

    @Test(arguments: [
        (#""image":" i""#, ["spec.containers[0].image invalid"]),
        (
            #""ports":[{"containerPort":80,"name":"a"},{"containerPort":81,"name":"a"}]"#,
            [
                "spec.containers[0].ports[1].name duplicate"
            ]
        ),
        (#""ports":[{"containerPort":80,"hostPort":70000}]"#, ["spec.containers[0].ports[0].hostPort invalid"]),
        (
            #""ports":[{"containerPort":80,"hostPort":1},{"containerPort":81,"hostPort":1}]"#,
            [
                "spec.containers[0].ports[1].hostPort duplicate"
            ]
        ),
        (#""ports":[{"containerPort":80,"protocol":"X"}]"#, ["spec.containers[0].ports[0].protocol notSupported"]),
        (#""env":[{"name":"a","valueFrom":{}}]"#, ["spec.containers[0].env[0].valueFrom invalid"]),
        (
            #""env":[{"name":"a","value":"b","valueFrom":{"fieldRef":{"fieldPath":"metadata.name"}}}]"#,
            [
                "spec.containers[0].env[0].valueFrom invalid"
            ]
        ),
        (
            #""env":[{"name":"a","valueFrom":{"fieldRef":{"fieldPath":"metadata.labels"}}}]"#,
            [
                "spec.containers[0].env[0].valueFrom.fieldRef.fieldPath notSupported"
            ]
        ),
        (#""env":[{"name":"a","valueFrom":{"fieldRef":{"fieldPath":"metadata.labels['x']"}}}]"#, []),
        (
            #""env":[{"name":"a","valueFrom":{"fieldRef":{"fieldPath":"metadata.whoops"}}}]"#,
            [
                "spec.containers[0].env[0].valueFrom.fieldRef.fieldPath invalid"
            ]
        ),
        (
            #""env":[{"name":"a","valueFrom":{"resourceFieldRef":{"resource":"limits.x"}}}]"#,
            [
                "spec.containers[0].env[0].valueFrom.resourceFieldRef.resource notSupported"
            ]
        ),
        (
            #""env":[{"name":"a","valueFrom":{"resourceFieldRef":{"resource":"limits.cpu","divisor":"2"}}}]"#,
            [
                "spec.containers[0].env[0].valueFrom.resourceFieldRef.divisor invalid"
            ]
        ),
        (
            #""env":[{"name":"a","valueFrom":{"configMapKeyRef":{"name":"A","key":"k"}}}]"#,
            [
                "spec.containers[0].env[0].valueFrom.configMapKeyRef.name invalid"
            ]
        ),
        (#""envFrom":[{"prefix":"a"}]"#, ["spec.containers[0].envFrom invalid"]),
        (#""envFrom":[{"configMapRef":{}}]"#, ["spec.containers[0].envFrom[0].configMapRef.name required"]),
        (#""volumeMounts":[{"name":"v","mountPath":"/a"}]"#, ["spec.containers[0].volumeMounts[0].name notFound"]),
        (#""volumeDevices":[{"name":"v","devicePath":"/a"}]"#, ["spec.containers[0].volumeDevices[0].name notFound"]),
        (
            #""livenessProbe":{"httpGet":{"port":"UPPER"},"terminationGracePeriodSeconds":0}"#,
            [
                "spec.containers[0].livenessProbe.httpGet.port invalid",
                "spec.containers[0].livenessProbe.httpGet.port invalid",
                "spec.containers[0].livenessProbe.terminationGracePeriodSeconds invalid",
            ]
        ),
        (
            #""readinessProbe":{"tcpSocket":{"port":1},"terminationGracePeriodSeconds":1}"#,
            [
                "spec.containers[0].readinessProbe.terminationGracePeriodSeconds invalid"
            ]
        ),
        (
            #""livenessProbe":{"exec":{"command":["a"]},"tcpSocket":{"port":1}}"#,
            [
                "spec.containers[0].livenessProbe.tcpSocket forbidden"
            ]
        ),
        (#""lifecycle":{"preStop":{"sleep":{"seconds":31}}}"#, ["spec.containers[0].lifecycle.preStop.sleep invalid"]),
        (#""lifecycle":{"stopSignal":"SIGTERM"}"#, ["spec.containers[0].lifecycle.stopSignal forbidden"]),
        (#""securityContext":{"procMount":"Unmasked"}"#, ["spec.containers[0].securityContext.procMount invalid"]),
        (#""securityContext":{"runAsUser":-1}"#, ["spec.containers[0].securityContext.runAsUser invalid"]),
        (
            #""securityContext":{"seccompProfile":{"type":"Localhost"}}"#,
            [
                "spec.containers[0].securityContext.seccompProfile.localhostProfile required"
            ]
        ),
        (
            #""securityContext":{"appArmorProfile":{}}"#,
            ["spec.containers[0].securityContext.appArmorProfile.type required"]
        ),
        (
            #""resources":{"limits":{"x":"1"}}"#,
            [
                "spec.containers[0].resources.limits[x] invalid", "spec.containers[0].resources.limits[x] invalid",
                "spec.containers[0].resources.requests[x] invalid", "spec.containers[0].resources.requests[x] invalid",
            ]
        ),
        (#""resources":{"requests":{"example.com/gpu":"1"}}"#, ["spec.containers[0].resources.limits required"]),
        (
            #""resources":{"limits":{"example.com/gpu":"500m"}}"#,
            [
                "spec.containers[0].resources.limits[example.com/gpu] invalid",
                "spec.containers[0].resources.requests[example.com/gpu] invalid",
            ]
        ),
        (#""resources":{"limits":{"hugepages-2Mi":"2Mi"}}"#, ["spec.containers[0].resources forbidden"]),
        (#""resources":{"claims":[{"name":"x"}]}"#, ["spec.containers[0].resources.claims[0] notFound"]),
        (
            #""resizePolicy":[{"resourceName":"disk","restartPolicy":"NotRequired"}]"#,
            [
                "spec.containers[0].resizePolicy notSupported"
            ]
        ),
        (
            #""restartPolicyRules":[{"action":"Restart","exitCodes":{"operator":"In","values":[1]}}]"#,
            [
                "spec.containers[0].restartPolicy required"
            ]
        ),
    ])
    func containers(fields: String, expected: [String]) throws {
        #expect(try Base.pod.problems(container(fields)) == expected)
    }

    @Test(arguments: [
        (#"{"volumes":[{"name":"A","emptyDir":{}}]}"#, ["spec.volumes[0].name invalid"]),
        (#"{"volumes":[{"name":"a"},{"name":"a"}]}"#, ["spec.volumes[1].name duplicate"]),
        (
            #"{"volumes":[{"name":"a","emptyDir":{"sizeLimit":"-1"}}]}"#,
            ["spec.volumes[0].emptyDir.sizeLimit forbidden"]
        ),
        (
            #"{"volumes":[{"name":"a","hostPath":{"path":"/a/../b","type":"Odd"}}]}"#,
            [
                "spec.volumes[0].hostPath.path invalid", "spec.volumes[0].hostPath.type notSupported",
            ]
        ),
        (
            #"{"volumes":[{"name":"a","secret":{"secretName":"s","items":[{"key":"k","path":"../x"}]}}]}"#,
            [
                "spec.volumes[0].secret.items[0].path invalid"
            ]
        ),
        (
            #"{"volumes":[{"name":"a","configMap":{"defaultMode":512}}]}"#,
            [
                "spec.volumes[0].configMap.defaultMode invalid", "spec.volumes[0].configMap.name required",
            ]
        ),
        (
            #"{"volumes":[{"name":"a","persistentVolumeClaim":{}}]}"#,
            [
                "spec.volumes[0].persistentVolumeClaim.claimName required"
            ]
        ),
        (#"{"volumes":[{"name":"a","nfs":{"server":"s","path":"x"}}]}"#, ["spec.volumes[0].nfs.path invalid"]),
        (#"{"volumes":[{"name":"a","csi":{}}]}"#, ["spec.volumes[0].csi.driver required"]),
        (
            #"{"volumes":[{"name":"a","iscsi":{"targetPortal":"t","iqn":"x","lun":0}}]}"#,
            ["spec.volumes[0].iscsi.iqn invalid"]
        ),
        (
            #"{"volumes":[{"name":"a","downwardAPI":{"items":[{"path":"p"}]}}]}"#,
            [
                "spec.volumes[0].downwardAPI.items[0] required"
            ]
        ),
        (
            #"{"volumes":[{"name":"a","projected":{"sources":[{"configMap":{"name":"c"},"secret":{"name":"s"}}]}}]}"#,
            [
                "spec.volumes[0].projected.sources[0] forbidden"
            ]
        ),
        (
            #"{"volumes":[{"name":"a","projected":{"sources":[{"serviceAccountToken":{"path":"t"}}]}}]}"#,
            [
                "spec.volumes[0].projected.sources[0].serviceAccountToken forbidden"
            ]
        ),
        (#"{"volumes":[{"name":"a","image":{}}]}"#, ["spec.volumes[0].image.reference required"]),
        (
            #"{"hostNetwork":true,"containers":[{"name":"c","image":"i","ports":[{"containerPort":1,"hostPort":2}]}]}"#,
            [
                "spec.containers[0].ports[0].hostPort invalid"
            ]
        ),
        (#"{"dnsPolicy":"None"}"#, ["spec.dnsConfig required"]),
        (
            #"{"dnsConfig":{"nameservers":["a"],"searches":["A b"],"options":[{}]}}"#,
            [
                "spec.dnsConfig.nameservers[0] invalid", "spec.dnsConfig.options[0] required",
                "spec.dnsConfig.options[0].name required", "spec.dnsConfig.searches[0] invalid",
            ]
        ),
        (
            #"{"hostAliases":[{"ip":"a","hostnames":["B"]}]}"#,
            [
                "spec.hostAliases[0].hostnames[0] invalid", "spec.hostAliases[0].ip invalid",
            ]
        ),
        (
            #"{"schedulingGates":[{"name":"a"},{"name":"a"}],"nodeName":"n"}"#,
            [
                "spec.nodeName forbidden", "spec.schedulingGates[1] duplicate",
            ]
        ),
        (#"{"tolerations":[{"key":"a","operator":"Odd"}]}"#, ["spec.tolerations[0].operator notSupported"]),
        (#"{"tolerations":[{"key":"a","tolerationSeconds":1}]}"#, ["spec.tolerations[0].effect invalid"]),
        (
            #"{"topologySpreadConstraints":[{"maxSkew":0,"topologyKey":"z","whenUnsatisfiable":"Odd","minDomains":1}]}"#,
            [
                "spec.topologySpreadConstraints[0].maxSkew invalid",
                "spec.topologySpreadConstraints[0].minDomains invalid",
                "spec.topologySpreadConstraints[0].whenUnsatisfiable notSupported",
            ]
        ),
        (
            #"{"affinity":{"nodeAffinity":{"requiredDuringSchedulingIgnoredDuringExecution":{"nodeSelectorTerms":[]}}}}"#,
            [
                "spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms required"
            ]
        ),
        (
            #"{"affinity":{"podAffinity":{"preferredDuringSchedulingIgnoredDuringExecution":[{"weight":0,"podAffinityTerm":{"topologyKey":"z"}}]}}}"#,
            [
                "spec.affinity.podAffinity.preferredDuringSchedulingIgnoredDuringExecution[0].weight invalid"
            ]
        ),
        (
            #"{"affinity":{"podAntiAffinity":{"requiredDuringSchedulingIgnoredDuringExecution":[{}]}}}"#,
            [
                "spec.affinity.podAntiAffinity.requiredDuringSchedulingIgnoredDuringExecution[0].topologyKey invalid",
                "spec.affinity.podAntiAffinity.requiredDuringSchedulingIgnoredDuringExecution[0].topologyKey invalid",
                "spec.affinity.podAntiAffinity.requiredDuringSchedulingIgnoredDuringExecution[0].topologyKey required",
            ]
        ),
        (
            #"{"securityContext":{"fsGroup":-1,"sysctls":[{"name":"A"},{"name":"kernel.x"},{"name":"kernel.x"}]}}"#,
            [
                "spec.securityContext.fsGroup invalid", "spec.securityContext.sysctls[0].name invalid",
                "spec.securityContext.sysctls[2].name duplicate",
            ]
        ),
        (#"{"hostUsers":false,"hostPID":true}"#, ["spec.HostPID forbidden"]),
        (#"{"os":{"name":"plan9"}}"#, ["spec.os notSupported"]),
        (#"{"os":{"name":"windows"},"securityContext":{"runAsUser":1}}"#, ["spec.securityContext.runAsUser forbidden"]),
        (
            #"{"os":{"name":"linux"},"securityContext":{"windowsOptions":{}}}"#,
            [
                "spec.securityContext.windowsOptions forbidden"
            ]
        ),
        (#"{"resourceClaims":[{"name":"a"}]}"#, ["spec.resourceClaims[0] invalid"]),
        (#"{"hostnameOverride":"a_b"}"#, ["spec.hostnameOverride invalid"]),
        (#"{"ephemeralContainers":[{"name":"e","image":"i"}]}"#, ["spec.ephemeralContainers forbidden"]),
        (#"{"initContainers":[{"name":"c","image":"i"}]}"#, ["spec.initContainers[0].name duplicate"]),
        (
            #"{"initContainers":[{"name":"b","image":"i","readinessProbe":{"exec":{"command":["a"]}}}]}"#,
            [
                "spec.initContainers[0].readinessProbe forbidden"
            ]
        ),
        (
            #"{"resources":{"requests":{"cpu":"100m"}},"containers":[{"name":"c","image":"i","resources":{"requests":{"cpu":"1"}}}]}"#,
            [
                "spec.resources.requests[cpu] invalid"
            ]
        ),
        (#"{"preemptionPolicy":"Odd"}"#, ["spec.preemptionPolicy notSupported"]),
        (#"{"activeDeadlineSeconds":0}"#, ["spec.activeDeadlineSeconds invalid"]),
        (#"{"runtimeClassName":"A"}"#, ["spec.runtimeClassName invalid"]),
        (#"{"terminationGracePeriodSeconds":-1}"#, []),
    ])
    func specs(spec: String, expected: [String]) throws {
        #expect(try Base.pod.problems(#"{"spec":\#(spec)}"#) == expected)
    }

    @Test(arguments: [
        (
            #"{"annotations":{"kubernetes.io/config.mirror":"x"}}"#,
            ["metadata.annotations[kubernetes.io/config.mirror] invalid"]
        ),
        (
            #"{"annotations":{"controller.kubernetes.io/pod-deletion-cost":"+1"}}"#,
            [
                "metadata.annotations[controller.kubernetes.io/pod-deletion-cost] invalid"
            ]
        ),
        (#"{"finalizers":["odd"]}"#, ["metadata.finalizers[0] invalid"]),
        (#"{"finalizers":["orphan","foregroundDeletion"]}"#, ["metadata.finalizers invalid"]),
        (#"{"managedFields":[{"operation":"Odd"}]}"#, ["metadata.managedFields[0].operation invalid"]),
    ])
    func metadata(metadata: String, expected: [String]) throws {
        #expect(try Base.pod.problems(#"{"metadata":\#(metadata)}"#) == expected)
    }

    // MARK: Changes

    @Test(arguments: [
        (#"{"spec":{"containers":[{"name":"c","image":"j"}]}}"#, []),
        (
            #"{"spec":{"containers":[{"name":"c","image":"i"},{"name":"d","image":"i"}]}}"#,
            ["spec.containers forbidden"]
        ),
        (#"{"spec":{"containers":[{"name":"c","image":"i","command":["a"]}]}}"#, ["spec forbidden"]),
        (#"{"spec":{"tolerations":[{"operator":"Exists"}]}}"#, []),
        (#"{"spec":{"activeDeadlineSeconds":5}}"#, []),
        (#"{"spec":{"schedulingGates":[{"name":"a"}]}}"#, ["spec.schedulingGates[0].name forbidden"]),
        (#"{"spec":{"hostname":"h"}}"#, ["spec forbidden"]),
        (
            #"{"metadata":{"annotations":{"kubernetes.io/config.mirror":"x"}},"spec":{"nodeName":"n"}}"#,
            [
                "metadata.annotations[kubernetes.io/config.mirror] forbidden", "spec forbidden",
            ]
        ),
    ])
    func changes(patch: String, expected: [String]) throws {
        #expect(try Base.pod.problems(from: "{}", to: patch) == expected)
    }

    @Test func theMessageNamesWhatMayChange() throws {
        let errors = Schema.builtin.validate(
            try Base.pod.object(#"{"spec":{"hostname":"h"}}"#), old: try Base.pod.object(), of: Base.pod.resource)
        let message = try #require(errors.first?.message)
        #expect(
            message.hasPrefix("Forbidden: pod updates may not change fields other than `spec.containers[*].image`,"))
        #expect(message.contains("`spec.tolerations` (only additions to existing tolerations)"))
        #expect(message.hasSuffix("changed: spec.hostname"))
    }

    @Test func gatedPodsMayBeNarrowed() throws {
        let gated = #"{"spec":{"schedulingGates":[{"name":"a"}],"nodeSelector":{"x":"1"}}}"#
        #expect(
            try Base.pod.problems(
                from: gated, to: #"{"spec":{"schedulingGates":[{"name":"a"}],"nodeSelector":{"x":"1","y":"2"}}}"#) == []
        )
        #expect(
            try Base.pod.problems(from: gated, to: #"{"spec":{"nodeSelector":{"x":"2"}}}"#)
                == ["spec.nodeSelector invalid"])
    }

    @Test(arguments: [
        (#"{"status":{"podIPs":[{"ip":"10.0.0.1"},{"ip":"10.0.0.2"}]}}"#, ["status.podIPs invalid"]),
        (#"{"status":{"conditions":[{"type":"a b","status":"True"}]}}"#, ["status.conditions[0].Type invalid"]),
        (#"{"status":{"nominatedNodeName":"A"}}"#, ["status.nominatedNodeName invalid"]),
        (#"{"status":{"hostIP":"10.0.0.1","hostIPs":[{"ip":"10.0.0.2"}]}}"#, ["status.hostIPs[0].ip invalid"]),
    ])
    func statusChanges(patch: String, expected: [String]) throws {
        #expect(try Base.pod.problems(from: "{}", to: patch, subresource: "status") == expected)
    }

    @Test func whatHasEndedForGoodStaysSo() throws {
        func status(_ state: String) -> String {
            #"{"spec":{"restartPolicy":"Never"},"status":{"containerStatuses":[{"name":"c","state":\#(state)}]}}"#
        }
        let ended = status(#"{"terminated":{"exitCode":0}}"#)
        #expect(
            try Base.pod.problems(from: ended, to: status(#"{"running":{}}"#), subresource: "status")
                == ["status.containerStatuses[0].state forbidden"])
    }

    @Test func ephemeralContainersAreOnlyAdded() throws {
        let one = #"{"spec":{"ephemeralContainers":[{"name":"e","image":"i"}]}}"#
        #expect(try Base.pod.problems(from: "{}", to: one, subresource: "ephemeralcontainers") == [])
        #expect(
            try Base.pod.problems(from: one, to: "{}", subresource: "ephemeralcontainers")
                == ["spec.ephemeralContainers forbidden"])
        #expect(
            try Base.pod.problems(
                from: "{}",
                to: #"{"spec":{"ephemeralContainers":[{"name":"c","image":"i","targetContainerName":"x"}]}}"#,
                subresource: "ephemeralcontainers")
                == [
                    "spec.ephemeralContainers[0].name duplicate",
                    "spec.ephemeralContainers[0].targetContainerName notFound",
                ])
    }

    @Test func resizing() throws {
        func cpu(_ request: String, _ more: String = "") -> String {
            #"{"spec":{"containers":[{"name":"c","image":"i","resources":{"requests":{"cpu":"\#(request)"}}\#(more)}]}}"#
        }
        #expect(try Base.pod.problems(from: cpu("1"), to: cpu("2"), subresource: "resize") == [])
        #expect(
            try Base.pod.problems(from: cpu("1"), to: cpu("1", #","command":["a"]"#), subresource: "resize")
                == ["spec forbidden"])
        #expect(
            try Base.pod.problems(from: cpu("1"), to: "{}", subresource: "resize")
                == ["spec invalid", "spec.containers[0].resources.requests forbidden"])
    }
}
