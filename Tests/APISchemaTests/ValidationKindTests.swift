import JSON
import KubeTypes
import Testing

@testable import APISchema

/// What is wrong with new objects and with changes, kind by kind: base, patch, and the causes.
@Suite struct ValidationKindTests {
    @Test(arguments: [
        (Base.service, #"{"spec":{"type":"ExternalName"}}"#, ["spec.externalName required"]),
        (
            .service, #"{"spec":{"type":"LoadBalancer","clusterIP":"None","clusterIPs":["None"]}}"#,
            ["spec.clusterIPs[0] invalid"]
        ),
        (.service, #"{"spec":{"clusterIP":"1.2.3.4","clusterIPs":["1.2.3.5"]}}"#, ["spec.clusterIPs invalid"]),
        (
            .service, #"{"spec":{"clusterIPs":["1.2.3.4","1.2.3.5"],"clusterIP":"1.2.3.4"}}"#,
            ["spec.clusterIPs invalid"]
        ),
        (.service, #"{"spec":{"ipFamilies":["IPv5"]}}"#, ["spec.ipFamilies[0] notSupported"]),
        (.service, #"{"spec":{"ports":[{"port":80,"nodePort":30000}]}}"#, ["spec.ports[0].nodePort forbidden"]),
        (
            .service,
            #"{"spec":{"sessionAffinity":"ClientIP","sessionAffinityConfig":{"clientIP":{"timeoutSeconds":90000}}}}"#,
            [
                "spec.sessionAffinityConfig.clientIP.timeoutSeconds invalid"
            ]
        ),
        (.service, #"{"spec":{"externalIPs":["127.0.0.1"]}}"#, ["spec.externalIPs[0] invalid"]),
        (.service, #"{"spec":{"externalTrafficPolicy":"Local"}}"#, ["spec.externalTrafficPolicy invalid"]),
        (.service, #"{"spec":{"loadBalancerClass":"a/b"}}"#, ["spec.loadBalancerClass forbidden"]),
        (
            .service, #"{"spec":{"type":"LoadBalancer","loadBalancerSourceRanges":["10.0.0.1/8"]}}"#,
            [
                "spec.LoadBalancerSourceRanges[0] invalid"
            ]
        ),
        (.service, #"{"spec":{"trafficDistribution":"Odd"}}"#, ["spec.trafficDistribution notSupported"]),
        (.service, #"{"spec":{"healthCheckNodePort":1}}"#, ["spec.healthCheckNodePort invalid"]),
        (.endpoints, #"{"subsets":[{}]}"#, ["subsets[0] required"]),
        (.endpoints, #"{"subsets":[{"addresses":[{"ip":"169.254.0.1"}]}]}"#, ["subsets[0].addresses[0].ip invalid"]),
        (
            .slice, #"{"endpoints":[{"addresses":["::1"]}]}"#,
            [
                "endpoints[0].addresses invalid", "endpoints[0].addresses[0] invalid",
            ]
        ),
        (.slice, #"{"ports":[{"name":"a"},{"name":"a"}]}"#, ["ports[1].name duplicate"]),
        (.slice, #"{"endpoints":[{"addresses":[]}]}"#, ["endpoints[0].addresses required"]),
        (.configMap, #"{"binaryData":{"a":""}}"#, ["data[a] invalid"]),
        (.secret, #"{"type":"kubernetes.io/dockerconfigjson"}"#, ["data[.dockerconfigjson] required"]),
        (
            .secret, #"{"type":"kubernetes.io/dockerconfigjson","data":{".dockerconfigjson":"YQ=="}}"#,
            [
                "data[.dockerconfigjson] invalid"
            ]
        ),
        (
            .limitRange, #"{"spec":{"limits":[{"type":"Container","max":{"cpu":"1"},"min":{"cpu":"2"}}]}}"#,
            [
                "spec.limits[0].defaultRequest[cpu] invalid", "spec.limits[0].default[cpu] invalid",
                "spec.limits[0].min[cpu] invalid",
            ]
        ),
        (.limitRange, #"{"spec":{"limits":[{"type":"Odd"}]}}"#, ["spec.limits[0].type invalid"]),
        (.limitRange, #"{"spec":{"limits":[{"type":"PersistentVolumeClaim"}]}}"#, ["spec.limits[0].limits required"]),
        (.quota, #"{"spec":{"hard":{"odd":"1"}}}"#, ["spec.hard[odd] invalid", "spec.hard[odd] invalid"]),
        (.quota, #"{"spec":{"hard":{"pods":"500m"}}}"#, ["spec.hard[pods] invalid"]),
        (.quota, #"{"spec":{"scopes":["Terminating","NotTerminating"]}}"#, ["spec.scopes invalid"]),
        (.node, #"{"spec":{"taints":[{"key":"a","effect":"Odd"}]}}"#, ["metadata.taints[0].effect notSupported"]),
        (.node, #"{"spec":{"podCIDRs":["10.0.0.0/24","10.0.1.0/24"]}}"#, ["spec.podCIDRs invalid"]),
        (.namespace, #"{"spec":{"finalizers":["odd"]}}"#, ["spec.finalizers invalid"]),
        (.event, #"{"involvedObject":{"namespace":"other"}}"#, ["involvedObject.namespace invalid"]),
        (
            .event, #"{"eventTime":"2026-01-01T00:00:00.000000Z"}"#,
            [
                "action required", "reportingComponent invalid", "reportingComponent invalid",
                "reportingComponent required", "reportingInstance required",
            ]
        ),
    ])
    func core(base: Base, patch: String, expected: [String]) throws {
        #expect(try base.problems(patch) == expected)
    }

    @Test(arguments: [
        (Base.deployment, #"{"spec":{"strategy":{"type":"Odd"}}}"#, ["spec.strategy notSupported"]),
        (
            .deployment, #"{"spec":{"template":{"spec":{"restartPolicy":"Never"}}}}"#,
            [
                "spec.template.spec.restartPolicy notSupported"
            ]
        ),
        (
            .deployment, #"{"spec":{"template":{"spec":{"ephemeralContainers":[{"name":"e","image":"i"}]}}}}"#,
            [
                "spec.template.spec.ephemeralContainers forbidden"
            ]
        ),
        (.statefulSet, #"{"spec":{"podManagementPolicy":"Odd"}}"#, ["spec.podManagementPolicy invalid"]),
        (
            .statefulSet, #"{"spec":{"updateStrategy":{"type":"OnDelete","rollingUpdate":{}}}}"#,
            [
                "spec.updateStrategy.rollingUpdate invalid"
            ]
        ),
        (
            .statefulSet,
            #"{"spec":{"volumeClaimTemplates":[{"metadata":{"name":"d"},"spec":{}}],"template":{"spec":{"containers":[{"name":"c","image":"i","volumeMounts":[{"name":"d","mountPath":"/d"}]}]}}}}"#,
            [
                "spec.volumeClaimTemplates[0].spec.accessModes required",
                "spec.volumeClaimTemplates[0].spec.resources[storage] required",
            ]
        ),
        (
            .daemonSet,
            #"{"spec":{"updateStrategy":{"type":"RollingUpdate","rollingUpdate":{"maxSurge":1,"maxUnavailable":1}}}}"#,
            [
                "spec.updateStrategy.rollingUpdate.maxSurge invalid"
            ]
        ),
        (.replicationController, #"{"spec":{"replicas":-1}}"#, ["spec.replicas invalid"]),
        (.revision, #"{"data":[1]}"#, ["data required"]),
        (.job, #"{"spec":{"completionMode":"Indexed"}}"#, []),
        (
            .job, #"{"spec":{"completionMode":"Indexed","completions":null,"parallelism":1}}"#,
            ["spec.completions required"]
        ),
        (
            .job, #"{"spec":{"maxFailedIndexes":1}}"#,
            [
                "spec.backoffLimitPerIndex required", "spec.maxFailedIndexes invalid",
            ]
        ),
        (.job, #"{"spec":{"managedBy":"odd"}}"#, ["spec.managedBy invalid"]),
        (
            .job, #"{"spec":{"podFailurePolicy":{"rules":[{"action":"Ignore"}]}}}"#,
            ["spec.podFailurePolicy.rules[0] invalid"]
        ),
        (
            .job,
            #"{"spec":{"podFailurePolicy":{"rules":[{"action":"FailJob","onExitCodes":{"operator":"In","values":[2,1,0],"containerName":"x"}}]}}}"#,
            [
                "spec.podFailurePolicy.rules[0].onExitCodes.containerName invalid",
                "spec.podFailurePolicy.rules[0].onExitCodes.values invalid",
                "spec.podFailurePolicy.rules[0].onExitCodes.values[2] invalid",
            ]
        ),
        (
            .job,
            #"{"spec":{"completionMode":"Indexed","completions":5,"successPolicy":{"rules":[{"succeededIndexes":"1,9"}]}}}"#,
            [
                "spec.successPolicy.rules[0].succeededIndexes invalid"
            ]
        ),
        (
            .job, #"{"spec":{"template":{"metadata":{"labels":{"job-name":"other"}}}}}"#,
            [
                "spec.template.metadata.labels[job-name] invalid"
            ]
        ),
        (.cronJob, #"{"spec":{"schedule":"61 * * * *"}}"#, ["spec.schedule invalid"]),
        (.cronJob, #"{"spec":{"schedule":"TZ=UTC 0 * * * *"}}"#, ["spec.schedule invalid"]),
        (.cronJob, #"{"spec":{"timeZone":"Local"}}"#, ["spec.timeZone invalid"]),
        (.cronJob, #"{"spec":{"timeZone":""}}"#, ["spec.timeZone invalid"]),
        (.cronJob, #"{"spec":{"concurrencyPolicy":"Odd"}}"#, ["spec.concurrencyPolicy notSupported"]),
        (
            .cronJob, #"{"metadata":{"name":"a23456789012345678901234567890123456789012345678901234"}}"#,
            ["metadata.name invalid"]
        ),
        (.autoscaler, #"{"spec":{"minReplicas":5}}"#, ["spec.maxReplicas invalid"]),
        (.autoscaler, #"{"spec":{"metrics":[{"type":"Resource"}]}}"#, ["spec.metrics[0].resource required"]),
        (
            .autoscaler,
            #"{"spec":{"metrics":[{"type":"Pods","pods":{"metric":{"name":"m"},"target":{"type":"Odd"}}}]}}"#,
            [
                "spec.metrics[0].pods.target.averageValue required", "spec.metrics[0].pods.target.type invalid",
            ]
        ),
        (
            .autoscaler, #"{"spec":{"behavior":{"scaleUp":{"stabilizationWindowSeconds":4000}}}}"#,
            [
                "spec.behavior.scaleUp.stabilizationWindowSeconds invalid"
            ]
        ),
        (.budget, #"{"spec":{"maxUnavailable":1}}"#, ["spec invalid"]),
        (.budget, #"{"spec":{"minAvailable":"101%"}}"#, ["spec.minAvailable invalid"]),
    ])
    func workloads(base: Base, patch: String, expected: [String]) throws {
        #expect(try base.problems(patch) == expected)
    }

    @Test(arguments: [
        (Base.ingress, #"{"spec":{"rules":null}}"#, ["spec invalid"]),
        (.ingress, #"{"spec":{"rules":[{"host":"1.2.3.4"}]}}"#, ["spec.rules[0].host invalid"]),
        (
            .ingress, #"{"spec":{"rules":[{"http":{"paths":[{"path":"a//b","pathType":"Exact","backend":{}}]}}]}}"#,
            [
                "spec.rules[0].http.paths[0].backend invalid", "spec.rules[0].http.paths[0].path invalid",
                "spec.rules[0].http.paths[0].path invalid",
            ]
        ),
        (
            .ingress, #"{"spec":{"tls":[{"hosts":["*.a.*"],"secretName":"A"}]}}"#,
            [
                "spec.tls[0].hosts[0] invalid", "spec.tls[0].secretName invalid",
            ]
        ),
        (
            .ingressClass, #"{"spec":{"controller":"odd","parameters":{"kind":"K","name":"n","scope":"Namespace"}}}"#,
            [
                "spec.controller invalid", "spec.parameters.namespace required",
            ]
        ),
        (
            .networkPolicy, #"{"spec":{"ingress":[{"from":[{}],"ports":[{"port":5,"endPort":1}]}]}}"#,
            [
                "spec.ingress[0].from[0] required", "spec.ingress[0].ports[0].endPort invalid",
            ]
        ),
        (
            .networkPolicy,
            #"{"spec":{"egress":[{"to":[{"ipBlock":{"cidr":"10.0.0.0/8","except":["11.0.0.0/16"]}}]}]}}"#,
            [
                "spec.egress[0].to[0].ipBlock.except[0] invalid"
            ]
        ),
        (.networkPolicy, #"{"spec":{"policyTypes":["Odd"]}}"#, ["spec.policyTypes[0] notSupported"]),
        (.serviceCIDR, #"{"spec":{"cidrs":["10.0.0.0/24","10.1.0.0/24"]}}"#, ["spec.cidrs invalid"]),
        (.serviceCIDR, #"{"spec":{"cidrs":["10.0.0.1/24"]}}"#, ["spec.cidrs[0] invalid"]),
        (.ipAddress, #"{"spec":{"parentRef":null}}"#, ["spec.parentRef required"]),
        (.claim, #"{"spec":{"accessModes":["ReadWriteOncePod","ReadOnlyMany"]}}"#, ["spec.accessModes forbidden"]),
        (.claim, #"{"spec":{"dataSource":{"kind":"X","name":"n"}}}"#, ["spec.dataSource invalid"]),
        (.volume, #"{"spec":{"hostPath":null}}"#, ["spec required"]),
        (.volume, #"{"spec":{"nfs":{"server":"s","path":"/p"}}}"#, ["spec.nfs forbidden"]),
        (.volume, #"{"spec":{"hostPath":null,"local":{"path":"/a"}}}"#, ["spec.nodeAffinity required"]),
        (.volume, #"{"spec":{"capacity":{"storage":"0"}}}"#, ["spec.capacity[storage] invalid"]),
        (.storageClass, #"{"reclaimPolicy":"Recycle"}"#, ["reclaimPolicy notSupported"]),
        (
            .csiDriver, #"{"spec":{"fsGroupPolicy":"Odd","tokenRequests":[{"audience":"a","expirationSeconds":5}]}}"#,
            [
                "spec.fsGroupPolicy notSupported", "spec.tokenRequests[0].expirationSeconds invalid",
            ]
        ),
        (
            .csiNode, #"{"spec":{"drivers":[{"name":"d.io","nodeID":""},{"name":"d.io","nodeID":"n"}]}}"#,
            [
                "spec.drivers[0].nodeID required", "spec.drivers[1].name duplicate",
            ]
        ),
        (.attachment, #"{"spec":{"source":{"persistentVolumeName":null}}}"#, ["spec.source required"]),
        (.attributesClass, #"{"parameters":null}"#, ["parameters required"]),
    ])
    func networkAndStorage(base: Base, patch: String, expected: [String]) throws {
        #expect(try base.problems(patch) == expected)
    }

    @Test(arguments: [
        (Base.role, #"{"rules":[{"verbs":["get"],"nonResourceURLs":["/a"]}]}"#, ["rules[0].nonResourceURLs invalid"]),
        (
            .role, #"{"rules":[{}]}"#,
            ["rules[0].apiGroups required", "rules[0].resources required", "rules[0].verbs required"]
        ),
        (.clusterRole, #"{"aggregationRule":{}}"#, ["aggregationRule.clusterRoleSelectors required"]),
        (.roleBinding, #"{"roleRef":{"kind":"Odd"}}"#, ["roleRef.kind notSupported"]),
        (
            .clusterRoleBinding, #"{"roleRef":{"kind":"Role"},"subjects":[{"kind":"ServiceAccount","name":"a"}]}"#,
            [
                "roleRef.kind notSupported", "subjects[0].namespace required",
            ]
        ),
        (.trustBundle, #"{"spec":{"signerName":"example.com/s"}}"#, ["metadata.name invalid"]),
        (.priorityClass, #"{"preemptionPolicy":"Odd"}"#, ["preemptionPolicy notSupported"]),
        (.runtimeClass, #"{"handler":"A"}"#, ["handler invalid"]),
        (
            .lease, #"{"spec":{"leaseDurationSeconds":0,"preferredHolder":"h"}}"#,
            [
                "spec.leaseDurationSeconds invalid", "spec.preferredHolder forbidden",
            ]
        ),
        (.leaseCandidate, #"{"spec":{"binaryVersion":"1.35.0"}}"#, ["spec.binaryVersion invalid"]),
        (
            .webhooks,
            #"{"webhooks":[{"name":"short","sideEffects":"Some","admissionReviewVersions":["v2"],"clientConfig":{"url":"http://h"},"rules":[{"operations":["*","CREATE"],"apiGroups":[],"apiVersions":["v1"],"resources":["*/*","pods"]}]}]}"#,
            [
                "webhooks[0].admissionReviewVersions invalid", "webhooks[0].clientConfig.url invalid",
                "webhooks[0].name invalid", "webhooks[0].rules[0].apiGroups required",
                "webhooks[0].rules[0].operations invalid", "webhooks[0].rules[0].resources invalid",
                "webhooks[0].sideEffects notSupported",
            ]
        ),
        (.policy, #"{"spec":{"validations":null}}"#, ["spec.auditAnnotations required", "spec.validations required"]),
        (
            .policy, #"{"spec":{"variables":[{"name":"1a","expression":"1"}],"paramKind":{"apiVersion":"v1"}}}"#,
            [
                "spec.paramKind.kind required", "spec.variables[0].name invalid",
            ]
        ),
        (.binding, #"{"spec":{"validationActions":["Deny","Warn"]}}"#, ["spec.validationActions invalid"]),
        (
            .mutatingPolicy, #"{"spec":{"mutations":[{"patchType":"JSONPatch"}]}}"#,
            ["spec.mutations[0].jsonPatch required"]
        ),
        (.flowSchema, #"{"spec":{"matchingPrecedence":1}}"#, ["spec.matchingPrecedence invalid"]),
        (
            .flowSchema,
            #"{"spec":{"rules":[{"subjects":[{"kind":"Group"}],"resourceRules":[{"verbs":["odd"],"apiGroups":["*"],"resources":["*"],"namespaces":["*"]}]}]}}"#,
            [
                "spec.rules[0].resourceRules[0].verbs notSupported", "spec.rules[0].subjects[0].group required",
            ]
        ),
        (
            .priorityLevel, #"{"spec":{"limited":{"limitResponse":{"queuing":{"handSize":100}}}}}"#,
            [
                "spec.limited.limitResponse.queuing.handSize invalid"
            ]
        ),
        (
            .resourceClaim, #"{"spec":{"devices":{"requests":[{"name":"r"}],"constraints":[{"requests":["x"]}]}}}"#,
            [
                "spec.devices.constraints[0] required", "spec.devices.constraints[0].requests[0] invalid",
                "spec.devices.requests[0] required",
            ]
        ),
        (.deviceClass, #"{"spec":{"selectors":[{}]}}"#, ["spec.selectors[0].cel required"]),
        (
            .resourceSlice, #"{"spec":{"nodeName":null,"pool":{"resourceSliceCount":0}}}"#,
            [
                "spec required", "spec.pool.resourceSliceCount invalid",
            ]
        ),
    ])
    func accessAndOthers(base: Base, patch: String, expected: [String]) throws {
        #expect(try base.problems(patch) == expected)
    }

    // MARK: Changes

    private static let held = #"{"immutable":true}"#
    private static let addresses = #"{"spec":{"clusterIP":"10.0.0.1","clusterIPs":["10.0.0.1"]}}"#
    private static let bound = #"{"status":{"phase":"Bound","capacity":{"storage":"1Gi"}}}"#

    @Test(arguments: [
        (Base.configMap, held, #"{"immutable":true,"data":{"a":"c"}}"#, ["data forbidden"]),
        (.configMap, held, "{}", ["immutable forbidden"]),
        (.secret, "{}", #"{"type":"other"}"#, ["type invalid"]),
        (
            .service, addresses, #"{"spec":{"clusterIP":"10.0.0.2","clusterIPs":["10.0.0.2"]}}"#,
            ["spec.clusterIPs[0] invalid"]
        ),
        (.service, addresses, #"{"spec":{"type":"ExternalName","externalName":"a.b"}}"#, []),
        (
            .service, #"{"spec":{"ipFamilies":["IPv4"]}}"#, #"{"spec":{"ipFamilies":["IPv6"]}}"#,
            ["spec.ipFamilies[0] invalid"]
        ),
        (
            .service, #"{"spec":{"type":"LoadBalancer","loadBalancerClass":"a/b"}}"#,
            #"{"spec":{"type":"LoadBalancer"}}"#,
            [
                "spec.loadBalancerClass invalid"
            ]
        ),
        (.claim, "{}", #"{"spec":{"volumeName":"v"}}"#, []),
        (.claim, "{}", #"{"spec":{"accessModes":["ReadOnlyMany"]}}"#, ["spec forbidden"]),
        (.claim, "{}", #"{"spec":{"resources":{"requests":{"storage":"2Gi"}}}}"#, ["spec forbidden"]),
        (.claim, bound, #"{"status":{"phase":"Bound"},"spec":{"resources":{"requests":{"storage":"2Gi"}}}}"#, []),
        (
            .claim, bound, #"{"status":{"phase":"Bound"},"spec":{"resources":{"requests":{"storage":"1Mi"}}}}"#,
            [
                "spec.resources.requests.storage forbidden"
            ]
        ),
        (.volume, "{}", #"{"spec":{"hostPath":{"path":"/other"}}}"#, ["spec.persistentvolumesource forbidden"]),
        (.storageClass, "{}", #"{"parameters":{"a":"b"}}"#, ["parameters invalid"]),
        (.csiDriver, "{}", #"{"spec":{"attachRequired":false}}"#, ["spec.attachedRequired invalid"]),
        (.attachment, "{}", #"{"spec":{"nodeName":"m"}}"#, ["spec invalid"]),
        (.attributesClass, "{}", #"{"driverName":"e.io"}"#, ["driverName forbidden"]),
        (.statefulSet, "{}", #"{"spec":{"serviceName":"t"}}"#, ["spec forbidden"]),
        (.statefulSet, "{}", #"{"spec":{"replicas":3}}"#, []),
        (.job, "{}", #"{"spec":{"completions":2}}"#, ["spec.completions invalid"]),
        (.job, "{}", #"{"spec":{"completions":1,"parallelism":2}}"#, []),
        (.job, "{}", #"{"spec":{"template":{"spec":{"nodeSelector":{"a":"b"}}}}}"#, ["spec.template invalid"]),
        (
            .job, #"{"spec":{"suspend":true}}"#,
            #"{"spec":{"suspend":true,"template":{"spec":{"nodeSelector":{"a":"b"}}}}}"#, []
        ),
        (
            .job, #"{"spec":{"completionMode":"Indexed"}}"#, #"{"spec":{"completionMode":"Indexed","completions":3}}"#,
            [
                "spec.completions invalid"
            ]
        ),
        (.cronJob, #"{"spec":{"schedule":"TZ=UTC 0 * * * *"}}"#, #"{"spec":{"schedule":"TZ=UTC 1 * * * *"}}"#, []),
        (.node, "{}", #"{"spec":{"podCIDRs":["10.0.1.0/24"]}}"#, ["spec.podCIDRs forbidden"]),
        (.quota, "{}", #"{"spec":{"scopes":["Terminating"]}}"#, ["spec.scopes invalid"]),
        (.slice, "{}", #"{"addressType":"FQDN","endpoints":[]}"#, ["addressType invalid"]),
        (.ingressClass, "{}", #"{"spec":{"controller":"example.com/d"}}"#, ["spec.controller invalid"]),
        (.serviceCIDR, "{}", #"{"spec":{"cidrs":["10.1.0.0/24"]}}"#, ["spec.cidrs[0] invalid"]),
        (.serviceCIDR, "{}", #"{"spec":{"cidrs":["10.0.0.0/24","fd00::/64"]}}"#, []),
        (.runtimeClass, "{}", #"{"handler":"kata"}"#, ["handler invalid"]),
        (.priorityClass, "{}", #"{"value":11}"#, ["value forbidden"]),
        (.roleBinding, "{}", #"{"roleRef":{"name":"s"}}"#, ["roleRef invalid"]),
        (.revision, "{}", #"{"data":{"a":2}}"#, ["data invalid"]),
        (.resourceClaim, "{}", #"{"spec":{"devices":{"requests":[]}}}"#, ["spec invalid"]),
        (.leaseCandidate, "{}", #"{"spec":{"leaseName":"m"}}"#, ["spec.leaseName invalid"]),
    ])
    func changes(base: Base, old: String, new: String, expected: [String]) throws {
        #expect(try base.problems(from: old, to: new) == expected)
    }

    @Test(arguments: [
        (Base.deployment, "{}", #"{"status":{"replicas":1,"readyReplicas":2}}"#, ["status.readyReplicas invalid"]),
        (
            .statefulSet, #"{"status":{"replicas":0,"collisionCount":2}}"#,
            #"{"status":{"replicas":0,"collisionCount":1}}"#,
            [
                "status.collisionCount invalid"
            ]
        ),
        (.daemonSet, "{}", #"{"status":{"numberReady":-1}}"#, ["status.numberReady invalid"]),
        (.namespace, "{}", #"{"status":{"phase":"Terminating"}}"#, ["status.Phase invalid"]),
        (
            .service, "{}", #"{"status":{"loadBalancer":{"ingress":[{"ip":"1.2.3.4"}]}}}"#,
            ["status.loadBalancer.ingress forbidden"]
        ),
        (
            .ingress, "{}", #"{"status":{"loadBalancer":{"ingress":[{"ip":"x"}]}}}"#,
            ["status.loadBalancer.ingress[0].ip invalid"]
        ),
        (
            .budget, "{}", #"{"status":{"currentHealthy":-1,"conditions":[{"type":"a"}]}}"#,
            [
                "status.conditions[0].lastTransitionTime required", "status.conditions[0].reason required",
                "status.conditions[0].status notSupported", "status.currentHealthy invalid",
            ]
        ),
        (
            .job, "{}", #"{"status":{"conditions":[{"type":"Complete","status":"True"}]}}"#,
            [
                "status.completionTime required", "status.conditions invalid", "status.startTime required",
            ]
        ),
        (.job, #"{"status":{"failed":2}}"#, #"{"status":{"failed":1}}"#, ["status.failed invalid"]),
        (
            .resourceClaim, "{}", #"{"status":{"reservedFor":[{"resource":"pods","name":"p","uid":"u"}]}}"#,
            ["status.reservedFor forbidden"]
        ),
    ])
    func statusChanges(base: Base, old: String, new: String, expected: [String]) throws {
        #expect(try base.problems(from: old, to: new, subresource: "status") == expected)
    }
}

@Suite struct AddressTests {
    @Test(
        arguments: [
            ("10.0.0.1", []), ("10.0.0.01", ["must not have leading 0s"]),
            ("::ffff:1.2.3.4", ["must not be an IPv4-mapped IPv6 address"]), ("2001:DB8::1", []), ("1::2::3", nil),
            ("1.2.3", nil), ("fe80::1%eth0", nil), ("12345::", nil), ("1:2:3:4:5:6:7", nil),
        ] as [(String, [String]?)])
    func legacy(text: String, expected: [String]?) {
        #expect(
            Addresses.problems(ofLegacy: text)
                == expected ?? ["must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"])
    }

    @Test(arguments: [
        ("2001:DB8:0:0:1:0:0:1", "2001:db8::1:0:0:1"), ("0:0:0:0:0:0:0:0", "::"), ("1:0:0:2::", "1:0:0:2::"),
        ("1:0:2:3:4:5:6:7", "1:0:2:3:4:5:6:7"), ("::ffff:1.2.3.4", "1.2.3.4"),
    ])
    func canonical(text: String, expected: String) { #expect(AddressText(text)?.canonical == expected) }

    @Test(arguments: [
        ("10.0.0.0/8", true), ("10.0.0.1/8", false), ("10.0.0.0/33", false), ("10.0.0.0", false),
        ("2001:db8::/32", true), ("10.0.0.0/08", false),
    ])
    func prefixes(text: String, isRight: Bool) { #expect(Addresses.problems(ofPrefix: text).isEmpty == isRight) }

    @Test(arguments: [
        ("*/5 0-6,22 1 jan-mar mon", true), ("@daily", true), ("@every 1h30m", true), ("* * * *", false),
        ("60 * * * *", false), ("5-1 * * * *", false), ("*/0 * * * *", false), ("@odd", false), ("* * ? * *", true),
    ])
    func schedules(text: String, isRight: Bool) { #expect(((try? CronSchedule(text)) != nil) == isRight) }
}

@Suite struct AdviceTests {
    private func advice(_ base: Base, _ patch: String) throws -> [String] {
        Advice.about(try base.object(patch), old: nil, kind: base.resource.message.name)
    }

    @Test func pods() throws {
        #expect(try advice(.pod, "{}") == [])
        let hostname = try advice(.pod, #"{"metadata":{"name":"a.b"}}"#)
        #expect(hostname.count == 1 && hostname[0].hasPrefix("metadata.name: this is used in the Pod's hostname"))
        #expect(
            try advice(.pod, #"{"spec":{"nodeSelector":{"beta.kubernetes.io/os":"linux"}}}"#)
                == [
                    #"spec.nodeSelector[beta.kubernetes.io/os]: deprecated since v1.14; use "kubernetes.io/os" instead"#
                ])
        #expect(
            try advice(
                .pod,
                #"{"spec":{"containers":[{"name":"c","image":"i","env":[{"name":"A","value":"1"},{"name":"A","value":"2"}]}]}}"#
            ) == [
                #"spec.containers[0].env[1]: hides previous definition of "A", which may be dropped when using apply"#
            ])
        #expect(
            try advice(
                .pod,
                #"{"spec":{"containers":[{"name":"c","image":"i","ports":[{"containerPort":1},{"containerPort":1}]}]}}"#
            ) == ["spec.containers[0].ports[1]: duplicate port definition with spec.containers[0].ports[0]"])
        #expect(
            try advice(.pod, #"{"spec":{"terminationGracePeriodSeconds":-1}}"#)
                == [
                    "spec.terminationGracePeriodSeconds: must be >= 0; negative values are invalid and will be treated as 1"
                ])
    }

    @Test func others() throws {
        #expect(
            try advice(
                .deployment,
                #"{"spec":{"template":{"spec":{"volumes":[{"name":"v","glusterfs":{"endpoints":"e","path":"p"}}]}}}}"#)
                == ["spec.template.spec.volumes[0].glusterfs: deprecated in v1.25, non-functional in v1.26+"])
        #expect(
            try advice(.service, #"{"spec":{"externalName":"a"}}"#)
                == [#"spec.externalName is ignored when spec.type is not "ExternalName""#])
        #expect(try advice(.volume, #"{"spec":{"persistentVolumeReclaimPolicy":"Recycle"}}"#).count == 1)
    }
}
