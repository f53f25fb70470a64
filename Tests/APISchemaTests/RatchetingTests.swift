import JSON
import KubeTypes
import Testing

@testable import APISchema

/// Faults that an update may leave where they are, and those that it may not.
@Suite struct RatchetingTests {
    private static let badLabel = #"{"matchLabels":{"a":"not a label"}}"#

    private static func pod(_ spec: String) -> String {
        #"{"spec":{"template":{"spec":\#(spec)}}}"#
    }

    private static let badAffinity = pod(
        #"{"affinity":{"podAffinity":{"requiredDuringSchedulingIgnoredDuringExecution":[{"topologyKey":"k","labelSelector":\#(badLabel)}]}}}"#
    )
    private static let badSpread = pod(
        #"{"topologySpreadConstraints":[{"maxSkew":1,"topologyKey":"k","whenUnsatisfiable":"DoNotSchedule","labelSelector":\#(badLabel)}]}"#
    )
    private static func hook(_ patch: String) -> String {
        #"{"webhooks":[{"name":"a.b.c","admissionReviewVersions":["v1"],"clientConfig":{"url":"https://h/p"},\#(patch)}]}"#
    }
    private static func block(_ cidr: String) -> String {
        #"{"spec":{"ingress":[{"from":[{"ipBlock":{"cidr":"\#(cidr)"}}]}]}}"#
    }

    @Test(arguments: [
        // The same fault stays; a new one does not come.
        (Base.deployment, badAffinity, badAffinity, [String]()),
        (
            .deployment, "{}", badAffinity,
            [
                "spec.template.spec.affinity.podAffinity.requiredDuringSchedulingIgnoredDuringExecution[0].labelSelector.matchLabels invalid"
            ]
        ),
        (.daemonSet, badSpread, badSpread, []),
        (
            .daemonSet, "{}", badSpread,
            ["spec.template.spec.topologySpreadConstraints[0].labelSelector.matchLabels invalid"]
        ),
        // Another fault of the template is none of these.
        (
            .deployment, badAffinity, pod(#"{"restartPolicy":"Never"}"#),
            ["spec.template.spec.restartPolicy notSupported"]
        ),
        (.statefulSet, pod(#"{"restartPolicy":"Never"}"#), pod(#"{"restartPolicy":"OnFailure"}"#), []),
        (.statefulSet, "{}", pod(#"{"restartPolicy":"OnFailure"}"#), ["spec.template.spec.restartPolicy notSupported"]),
        (.statefulSet, #"{"spec":{"serviceName":"a.b"}}"#, #"{"spec":{"serviceName":"a.b"}}"#, []),
        (
            .service, #"{"spec":{"externalIPs":["010.0.0.1"]}}"#, #"{"spec":{"externalIPs":["1.2.3.4","010.0.0.1"]}}"#,
            []
        ),
        (
            .service, #"{"spec":{"externalIPs":["010.0.0.1"]}}"#, #"{"spec":{"externalIPs":["010.0.0.2"]}}"#,
            ["spec.externalIPs[0] invalid"]
        ),
        (.networkPolicy, block("10.0.0.1/8"), block("10.0.0.1/8"), []),
        (.networkPolicy, block("10.0.0.1/8"), block("10.0.0.2/8"), ["spec.ingress[0].from[0].ipBlock.cidr invalid"]),
        (
            .slice, #"{"endpoints":[{"addresses":["127.0.0.1"]}]}"#,
            #"{"metadata":{"labels":{"a":"b"}},"endpoints":[{"addresses":["127.0.0.1"]}]}"#, []
        ),
        (
            .slice, #"{"endpoints":[{"addresses":["127.0.0.1"]}]}"#,
            #"{"endpoints":[{"addresses":["127.0.0.1"]},{"addresses":["10.0.0.1"]}]}"#,
            ["endpoints[0].addresses[0] invalid"]
        ),
        (
            .autoscaler, #"{"spec":{"minReplicas":0}}"#, #"{"spec":{"minReplicas":0,"maxReplicas":5}}"#, []
        ),
        (.autoscaler, "{}", #"{"spec":{"minReplicas":0}}"#, ["spec.minReplicas invalid"]),
        (
            .budget, #"{"spec":{"selector":\#(badLabel)}}"#, #"{"spec":{"minAvailable":2,"selector":\#(badLabel)}}"#, []
        ),
        (.webhooks, hook(#""sideEffects":"Some""#), hook(#""sideEffects":"Unknown""#), []),
        (
            .webhooks, hook(#""sideEffects":"None""#), hook(#""sideEffects":"Some""#),
            ["webhooks[0].sideEffects notSupported"]
        ),
        (
            .cronJob, #"{"spec":{"timeZone":"No/Where"}}"#, #"{"spec":{"timeZone":"No/Where","suspend":true}}"#, []
        ),
        (.ingress, #"{"spec":{"tls":[{"secretName":"A_B"}]}}"#, #"{"spec":{"tls":[{"secretName":"A_B"}]}}"#, []),
    ])
    func oldFaultsMayStay(base: Base, old: String, new: String, problems: [String]) throws {
        #expect(try base.problems(from: old, to: new) == problems)
    }

    @Test(arguments: [
        ("a.b", "a.b", true), ("a.b", "a.bc", false), ("a*", "a.b", true), ("a[*].c*", "a[0].c.d", true),
        ("a[*].c", "a[0].c.d", false), ("*c", "a.c", true), ("a.*.c", "a.c", false), ("a**c", "abbc", true),
    ])
    func patternsMatch(pattern: String, path: String, matches: Bool) {
        #expect(PathPattern(pattern).matches(path) == matches)
    }
}
