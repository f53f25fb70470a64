import JSON
import KubeTypes
import Testing

@testable import APIServer

@Suite struct PodSecurityTests {
    private static func check(_ standard: String, _ spec: JSONValue, annotations: JSONValue = [:]) -> String {
        let parts = standard.split(separator: ":")
        let level = PodSecurityLevel(rawValue: String(parts[0])) ?? .privileged
        let minor = parts.count > 1 ? Int(parts[1]) : nil
        let violations = PodSecurityStandards.violations(
            of: PodSecurityStandard(level: level, minor: minor),
            PodSecurityPod(metadata: ["annotations": annotations], spec: spec))
        return PodSecurityStandards.details(violations)
    }

    private static func containers(_ contexts: JSONValue...) -> JSONValue {
        [
            "containers": .array(
                contexts.enumerated().map { index, context in
                    ["name": .string(["a", "b", "c", "d", "e"][index]), "securityContext": context]
                })
        ]
    }

    private static let good: JSONValue = [
        "securityContext": ["runAsNonRoot": true, "seccompProfile": ["type": "RuntimeDefault"]],
        "containers": [
            [
                "name": "a",
                "securityContext": ["allowPrivilegeEscalation": false, "capabilities": ["drop": ["ALL"]]],
            ]
        ],
    ]

    @Test(
        arguments: [
            (
                "baseline", containers([:], ["privileged": true], ["privileged": true]),
                #"privileged (containers "b", "c" must not set securityContext.privileged=true)"#
            ),
            (
                "baseline", ["hostNetwork": true, "hostPID": true, "hostIPC": true],
                "host namespaces (hostNetwork=true, hostPID=true, hostIPC=true)"
            ),
            ("baseline", ["volumes": [["name": "v", "hostPath": ["path": "/"]]]], #"hostPath volumes (volume "v")"#),
            (
                "baseline",
                [
                    "containers": [
                        ["name": "a", "ports": [["hostPort": 0]]],
                        ["name": "b", "ports": [["hostPort": 20], ["hostPort": 10]]],
                    ]
                ], #"hostPort (container "b" uses hostPorts 10, 20)"#
            ),
            (
                "baseline", containers(["capabilities": ["add": ["CHOWN", "FOO", "BAR"]]]),
                #"non-default capabilities (container "a" must not include "BAR", "FOO" in "#
                    + "securityContext.capabilities.add)"
            ),
            (
                "baseline", containers(["procMount": "Unmasked"], ["procMount": "Default"]),
                #"procMount (container "a" must not set securityContext.procMount to "Unmasked")"#
            ),
            (
                "baseline",
                ["hostUsers": false, "containers": [["name": "a", "securityContext": ["procMount": "Unmasked"]]]], ""
            ),
            (
                "baseline:34",
                ["hostUsers": false, "containers": [["name": "a", "securityContext": ["procMount": "Unmasked"]]]],
                #"procMount (container "a" must not set securityContext.procMount to "Unmasked")"#
            ),
            (
                "baseline",
                ["securityContext": ["seLinuxOptions": ["type": "x", "user": "u", "role": "r"]], "containers": []],
                #"seLinuxOptions (pod set forbidden securityContext.seLinuxOptions: type "x"; user may not be set; "#
                    + "role may not be set)"
            ),
            (
                "baseline:30", containers(["seLinuxOptions": ["type": "container_engine_t"]]),
                #"seLinuxOptions (container "a" set forbidden securityContext.seLinuxOptions: type "#
                    + #""container_engine_t")"#
            ),
            ("baseline:31", containers(["seLinuxOptions": ["type": "container_engine_t"]]), ""),
            (
                "baseline", containers(["seccompProfile": ["type": "Unconfined"]]),
                #"seccompProfile (container "a" must not set securityContext.seccompProfile.type to "Unconfined")"#
            ),
            ("baseline:18", containers(["seccompProfile": ["type": "Unconfined"]]), ""),
            (
                "baseline",
                ["securityContext": ["sysctls": [["name": "a"], ["name": "net.ipv4.tcp_rmem"], ["name": "b"]]]],
                "forbidden sysctls (a, b)"
            ),
            (
                "baseline:31", ["securityContext": ["sysctls": [["name": "net.ipv4.tcp_rmem"]]]],
                "forbidden sysctls (net.ipv4.tcp_rmem)"
            ),
            (
                "baseline", ["securityContext": ["windowsOptions": ["hostProcess": true]]],
                "hostProcess (pod must not set securityContext.windowsOptions.hostProcess=true)"
            ),
            (
                "baseline", containers(["appArmorProfile": ["type": "Unconfined"]]),
                #"forbidden AppArmor profile (container "a" must not set AppArmor profile type to "Unconfined")"#
            ),
            (
                "baseline",
                ["containers": [["name": "a", "livenessProbe": ["httpGet": ["host": "127.0.0.1"]]]]],
                #"probe or lifecycle host (container "a" uses probe or lifecycle host "127.0.0.1")"#
            ),
            ("baseline:33", ["containers": [["name": "a", "livenessProbe": ["httpGet": ["host": "127.0.0.1"]]]]], ""),
            ("restricted", good, ""),
            (
                "restricted", containers([:]),
                #"allowPrivilegeEscalation != false (container "a" must set "#
                    + #"securityContext.allowPrivilegeEscalation=false), unrestricted capabilities (container "a" "#
                    + #"must set securityContext.capabilities.drop=["ALL"]), runAsNonRoot != true (pod or container "#
                    + #""a" must set securityContext.runAsNonRoot=true), seccompProfile (pod or container "a" must "#
                    + #"set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost")"#
            ),
            (
                "restricted:7", containers([:]),
                #"runAsNonRoot != true (pod or container "a" must set securityContext.runAsNonRoot=true)"#
            ),
            (
                "restricted",
                ["os": ["name": "windows"], "securityContext": ["runAsNonRoot": true], "containers": [["name": "a"]]],
                ""
            ),
            (
                "restricted:24",
                ["os": ["name": "windows"], "securityContext": ["runAsNonRoot": true], "containers": [["name": "a"]]],
                #"allowPrivilegeEscalation != false (container "a" must set "#
                    + #"securityContext.allowPrivilegeEscalation=false), unrestricted capabilities (container "a" "#
                    + #"must set securityContext.capabilities.drop=["ALL"]), seccompProfile (pod or container "a" "#
                    + #"must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost")"#
            ),
            ("privileged", ["hostNetwork": true], ""),
        ] as [(String, JSONValue, String)])
    func standards(_ standard: String, _ spec: JSONValue, _ expected: String) {
        #expect(Self.check(standard, spec) == expected)
    }

    @Test func restrictedStandsInForTheBaseline() {
        var spec = Self.good
        spec["volumes"] = [
            ["name": "h", "hostPath": ["path": "/"]], ["name": "n", "nfs": [:]], ["name": "s", "secret": [:]],
        ]
        spec["securityContext"]?["runAsUser"] = 0
        #expect(
            Self.check("restricted", spec)
                == #"restricted volume types (volumes "h", "n" use restricted volume types "hostPath", "nfs"), "#
                + "runAsUser=0 (pod must not set runAsUser=0)")
    }

    @Test func annotationsOfAppArmor() {
        let detail = Self.check(
            "baseline", ["containers": []],
            annotations: [
                "container.apparmor.security.beta.kubernetes.io/a": "unconfined",
                "container.apparmor.security.beta.kubernetes.io/b": "localhost/x",
            ])
        #expect(
            detail == #"forbidden AppArmor profile (annotation must not set AppArmor profile type to "#
                + #""container.apparmor.security.beta.kubernetes.io/a="unconfined"")"#)
    }

    @Test func labelsAreUnderstood() {
        var errors: [FieldError] = []
        let policy = PodSecurityPolicy(
            labels: [
                "pod-security.kubernetes.io/enforce": "baseline", "pod-security.kubernetes.io/enforce-version": "v1.24",
            ], errors: &errors)
        #expect(policy.enforce.description == "baseline:v1.24" && policy.warn.description == "baseline:v1.24")
        #expect(policy.audit.description == "privileged:latest" && errors.isEmpty)
        _ = PodSecurityPolicy(
            labels: ["pod-security.kubernetes.io/warn": "x", "pod-security.kubernetes.io/audit-version": "v2.0"],
            errors: &errors)
        #expect(
            errors.map(\.path) == [
                "metadata.labels[pod-security.kubernetes.io/audit-version]",
                "metadata.labels[pod-security.kubernetes.io/warn]",
            ])
    }

    @Test func namespacesEnforceWarnAndTellOfTheirPods() async throws {
        let plane = try await ControlPlane()
        let namespace: JSONValue = [
            "apiVersion": "v1", "kind": "Namespace",
            "metadata": ["name": "strict", "labels": ["pod-security.kubernetes.io/warn": "baseline"]],
        ]
        #expect(await plane.call(.POST, "/api/v1/namespaces", namespace).status == 201)
        await plane.makeDefaultAccount("strict")
        var bad = pod("bad")
        bad["spec"]?["hostNetwork"] = true
        let warned = await plane.call(.POST, "/api/v1/namespaces/strict/pods", bad)
        #expect(warned.status == 201)
        #expect(
            warned.headers["warning"].contains(
                #"299 - "would violate PodSecurity \"baseline:latest\": host namespaces (hostNetwork=true)""#),
            "\(warned.headers)")
        let relabelled = await plane.call(
            .PATCH, "/api/v1/namespaces/strict",
            ["metadata": ["labels": ["pod-security.kubernetes.io/enforce": "baseline"]]],
            type: "application/merge-patch+json")
        #expect(relabelled.status == 200)
        #expect(
            relabelled.headers["warning"] == [
                "299 - \"existing pods in namespace \\\"strict\\\" violate the new PodSecurity enforce level "
                    + "\\\"baseline:latest\\\"\"",
                "299 - \"bad: host namespaces\"",
            ], "\(relabelled.headers)")
        bad["metadata"]?["name"] = "worse"
        let refused = await plane.call(.POST, "/api/v1/namespaces/strict/pods", bad)
        #expect(refused.status == 403)
        #expect(
            refused.message == "pods \"worse\" is forbidden: violates PodSecurity \"baseline:latest\": host namespaces "
                + "(hostNetwork=true)")
        var controller = deployment("d")
        controller["spec"]?["template"]?["spec"]?["hostNetwork"] = true
        let template = await plane.call(.POST, "/apis/apps/v1/namespaces/strict/deployments", controller)
        #expect(template.status == 201 && template.headers["warning"].count == 1)
        let nonsense = await plane.call(
            .PATCH, "/api/v1/namespaces/strict",
            ["metadata": ["labels": ["pod-security.kubernetes.io/enforce": "whatever"]]],
            type: "application/merge-patch+json")
        #expect(nonsense.status == 422)
        #expect(nonsense.causes == ["metadata.labels[pod-security.kubernetes.io/enforce]"])
    }
}
