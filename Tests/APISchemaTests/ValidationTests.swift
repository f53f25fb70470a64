import JSON
import KubeTypes
import Testing

@testable import APISchema

@Suite struct ValidationTests {
    private func problems(_ text: String, _ apiVersion: String, _ plural: String) throws -> [String] {
        let resource = Given.resource(apiVersion, plural)
        let object = try Given.defaulted(text, resource)
        return Schema.builtin.validateStructure(object, of: resource).map { "\($0.path): \($0.message)" }
    }

    private static let pod = #"{"name":"a","image":"i"}"#

    @Test(arguments: [
        (#"{"containers":[{"name":"a","image":"i"}]}"#, []),
        ("{}", ["spec.containers: Required value"]),
        (#"{"containers":[]}"#, ["spec.containers: Required value"]),
        (#"{"containers":[{"image":"i"}]}"#, ["spec.containers[0].name: Required value"]),
        (#"{"containers":[{"name":"a"}]}"#, ["spec.containers[0].image: Required value"]),
        (
            #"{"containers":[{"name":"a","image":"i"},{"name":"a","image":"i"}]}"#,
            [#"spec.containers[1].name: Duplicate value: "a""#]
        ),
        (
            #"{"containers":[{"name":"a","image":"i"}],"restartPolicy":"Sometimes"}"#,
            [#"spec.restartPolicy: Unsupported value: "Sometimes": supported values: "Always", "OnFailure", "Never""#]
        ),
        (
            #"{"containers":[{"name":"a","image":"i","imagePullPolicy":"x"}]}"#,
            [
                #"spec.containers[0].imagePullPolicy: Unsupported value: "x": supported values: "Always", "IfNotPresent", "Never""#
            ]
        ),
        (
            #"{"containers":[{"name":"a","image":"i","ports":[{"containerPort":70000}]}]}"#,
            ["spec.containers[0].ports[0].containerPort: Invalid value: 70000: must be between 1 and 65535, inclusive"]
        ),
        (
            #"{"containers":[{"name":"a","image":"i","ports":[{}]}]}"#,
            ["spec.containers[0].ports[0].containerPort: Required value"]
        ),
        (
            #"{"containers":[{"name":"a","image":"i","volumeMounts":[{"name":"v","mountPath":"/x"}]}]}"#,
            [#"spec.containers[0].volumeMounts[0].name: Not found: "v""#]
        ),
        (
            #"{"containers":[{"name":"a","image":"i","volumeMounts":[{"name":"v"}]}],"volumes":[{"name":"v"}]}"#,
            ["spec.containers[0].volumeMounts[0].mountPath: Required value"]
        ),
        (
            #"{"containers":[{"name":"a","image":"i"}],"volumes":[{"name":"v","emptyDir":{},"hostPath":{"path":"/"}}]}"#,
            ["spec.volumes[0].hostPath: Forbidden: may not specify more than 1 volume type"]
        ),
        (
            #"{"containers":[{"name":"a","image":"i","livenessProbe":{}}]}"#,
            ["spec.containers[0].livenessProbe: Required value: must specify a handler type"]
        ),
        (
            #"{"containers":[{"name":"a","image":"i","livenessProbe":{"exec":{"command":["a"]},"successThreshold":2}}]}"#,
            ["spec.containers[0].livenessProbe.successThreshold: Invalid value: 2: must be 1"]
        ),
        (
            #"{"containers":[{"name":"a","image":"i","resources":{"limits":{"cpu":"1"},"requests":{"cpu":"2"}}}]}"#,
            [
                #"spec.containers[0].resources.requests: Invalid value: "2": must be less than or equal to cpu limit of 1"#
            ]
        ),
        (
            #"{"containers":[{"name":"a","image":"i","resources":{"limits":{"cpu":"-1"}}}]}"#,
            [
                #"spec.containers[0].resources.limits[cpu]: Invalid value: "-1": must be greater than or equal to 0"#,
                #"spec.containers[0].resources.requests[cpu]: Invalid value: "-1": must be greater than or equal to 0"#,
            ]
        ),
        (
            #"{"containers":[{"name":"a","image":"i","env":[{"name":"A=B"}]}]}"#,
            [
                #"spec.containers[0].env[0].name: Invalid value: "A=B": a valid environment variable name must consist only of printable ASCII characters other than '='"#
            ]
        ),
        (
            #"{"containers":[{"name":"a","image":"i"}],"tolerations":[{"effect":"NoSchedule"}]}"#,
            [
                #"spec.tolerations[0].operator: Invalid value: "": operator must be Exists when `key` is empty, which means "match all values and all keys""#
            ]
        ),
        (
            #"{"containers":[{"name":"a","image":"i"}],"terminationGracePeriodSeconds":-1}"#, []
        ),
        (
            #"{"containers":[{"name":"a","image":"i"}],"initContainers":[{"name":"b","image":"i","lifecycle":{"preStop":{"sleep":{"seconds":1}}}}]}"#,
            [
                "spec.initContainers[0].lifecycle: Forbidden: may not be set for init containers without restartPolicy=Always"
            ]
        ),
    ])
    func podSpecs(spec: String, expected: [String]) throws {
        #expect(try problems(#"{"metadata":{"name":"a"},"spec":\#(spec)}"#, "v1", "pods") == expected)
    }

    private static let template = #"{"metadata":{"labels":{"a":"b"}},"spec":{"containers":[{"name":"a","image":"i"}]}}"#

    @Test(arguments: [
        (#"{"selector":{"matchLabels":{"a":"b"}},"template":TEMPLATE}"#, []),
        (#"{"template":TEMPLATE}"#, ["spec.selector: Required value"]),
        (
            #"{"selector":{},"template":TEMPLATE}"#,
            ["spec.selector: Invalid value: {}: empty selector is invalid for deployment"]
        ),
        (
            #"{"selector":{"matchLabels":{"a":"c"}},"template":TEMPLATE}"#,
            [#"spec.template.metadata.labels: Invalid value: {"a":"b"}: `selector` does not match template `labels`"#]
        ),
        (
            #"{"selector":{"matchLabels":{"a":"b"}},"template":TEMPLATE,"replicas":-1}"#,
            ["spec.replicas: Invalid value: -1: must be greater than or equal to 0"]
        ),
        (
            #"{"selector":{"matchLabels":{"a":"b"}},"template":TEMPLATE,"strategy":{"type":"Recreate","rollingUpdate":{}}}"#,
            ["spec.strategy.rollingUpdate: Forbidden: may not be specified when strategy `type` is 'Recreate'"]
        ),
        (
            #"{"selector":{"matchLabels":{"a":"b"}},"template":TEMPLATE,"strategy":{"rollingUpdate":{"maxSurge":0,"maxUnavailable":"0%"}}}"#,
            [#"spec.strategy.rollingUpdate.maxUnavailable: Invalid value: "0%": may not be 0 when `maxSurge` is 0"#]
        ),
        (
            #"{"selector":{"matchLabels":{"a":"b"}},"template":TEMPLATE,"strategy":{"rollingUpdate":{"maxSurge":"x"}}}"#,
            [
                #"spec.strategy.rollingUpdate.maxSurge: Invalid value: "x": a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%',  or '93%', regex used for validation is '[0-9]+%')"#
            ]
        ),
        (
            #"{"selector":{"matchLabels":{"a":"b"}},"template":TEMPLATE,"minReadySeconds":600}"#,
            ["spec.progressDeadlineSeconds: Invalid value: 600: must be greater than minReadySeconds"]
        ),
        (
            #"{"selector":{"matchExpressions":[{"key":"a","operator":"Is"}]},"template":TEMPLATE}"#,
            [
                #"spec.selector.matchExpressions[0].operator: Invalid value: "Is": not a valid selector operator"#,
                #"spec.template.metadata.labels: Invalid value: {"a":"b"}: `selector` does not match template `labels`"#,
            ]
        ),
    ])
    func deployments(spec: String, expected: [String]) throws {
        let spec = spec.split(separator: "TEMPLATE", omittingEmptySubsequences: false).joined(separator: Self.template)
        #expect(try problems(#"{"spec":\#(spec)}"#, "apps/v1", "deployments") == expected)
    }

    @Test func podsOfWorkloadsRunForGoodAndThoseOfJobsDoNot() throws {
        let never =
            #"{"metadata":{"labels":{"a":"b"}},"spec":{"restartPolicy":"Never","containers":[{"name":"a","image":"i"}]}}"#
        let spec = #"{"selector":{"matchLabels":{"a":"b"}},"template":\#(never)}"#
        for plural in ["deployments", "replicasets", "daemonsets", "statefulsets"] {
            #expect(
                try problems(#"{"spec":\#(spec)}"#, "apps/v1", plural)
                    == [#"spec.template.spec.restartPolicy: Unsupported value: "Never": supported values: "Always""#])
        }
        #expect(try problems(#"{"spec":{"template":\#(never)}}"#, "batch/v1", "jobs") == [])
        #expect(
            try problems(#"{"spec":{"template":\#(Self.template)}}"#, "batch/v1", "jobs")
                == [#"spec.template.spec.restartPolicy: Required value: valid values: "OnFailure", "Never""#])
    }

    @Test(arguments: [
        (#"{"ports":[{"port":80}]}"#, []),
        ("{}", ["spec.ports: Required value"]),
        (#"{"clusterIP":"None"}"#, []),
        (#"{"type":"ExternalName"}"#, ["spec.externalName: Required value"]),
        (#"{"ports":[{"port":80},{"port":81,"name":"b"}]}"#, ["spec.ports[0].name: Required value"]),
        (#"{"ports":[{"port":80,"name":"b"},{"port":81,"name":"b"}]}"#, [#"spec.ports[1].name: Duplicate value: "b""#]),
        (
            #"{"ports":[{"port":0}]}"#,
            [
                "spec.ports[0].port: Invalid value: 0: must be between 1 and 65535, inclusive",
                "spec.ports[0].targetPort: Invalid value: 0: must be between 1 and 65535, inclusive",
            ]
        ),
        (
            #"{"ports":[{"port":80}],"type":"Odd"}"#,
            [
                #"spec.type: Unsupported value: "Odd": supported values: "ClusterIP", "ExternalName", "LoadBalancer", "NodePort""#
            ]
        ),
        (
            #"{"ports":[{"port":80,"name":"a"},{"port":80,"name":"b"}]}"#,
            [#"spec.ports[1]: Duplicate value: {"protocol":"TCP","port":80}"#]
        ),
    ])
    func services(spec: String, expected: [String]) throws {
        #expect(try problems(#"{"spec":\#(spec)}"#, "v1", "services") == expected)
    }

    @Test func metadata() throws {
        let form =
            "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric "
            + "character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is "
            + "'([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')"
        #expect(
            try problems(#"{"metadata":{"labels":{"a b":"c"}}}"#, "v1", "configmaps")
                == [#"metadata.labels: Invalid value: "a b": name part \#(form)"#])
        let tooLong = String(repeating: "x", count: 64)
        #expect(
            try problems(#"{"metadata":{"labels":{"a":"\#(tooLong)"}}}"#, "v1", "configmaps")
                == [#"metadata.labels: Invalid value: "\#(tooLong)": must be no more than 63 bytes"#])
        #expect(try problems(#"{"metadata":{"annotations":{"Example.COM/Key":"any text"}}}"#, "v1", "configmaps") == [])
        let huge = String(repeating: "x", count: 256 << 10)
        #expect(
            try problems(#"{"metadata":{"annotations":{"a":"\#(huge)"}}}"#, "v1", "configmaps")
                == ["metadata.annotations: Too long: may not be more than 262144 bytes"])
        #expect(
            try problems(
                #"{"metadata":{"ownerReferences":[{"apiVersion":"v1","kind":"Pod","name":"p"}]}}"#, "v1", "configmaps")
                == [#"metadata.ownerReferences.uid: Invalid value: "": must not be empty"#])
    }

    @Test func configMapsAndSecrets() throws {
        #expect(
            try problems(#"{"data":{"..a":""}}"#, "v1", "configmaps")
                == [#"data[..a]: Invalid value: "..a": must not start with '..'"#])
        #expect(
            try problems(#"{"type":"kubernetes.io/tls","data":{"tls.crt":""}}"#, "v1", "secrets")
                == ["data[tls.key]: Required value"])
        #expect(
            try problems(#"{"type":"kubernetes.io/ssh-auth","stringData":{"ssh-privatekey":"x"}}"#, "v1", "secrets")
                == [])
        let huge = String(repeating: "x", count: 1 << 20)
        #expect(
            try problems(#"{"data":{"a":"\#(huge)","b":"x"}}"#, "v1", "configmaps")
                == ["[]: Too long: may not be more than 1048576 bytes"])
    }

    @Test func claims() throws {
        #expect(
            try problems(#"{"spec":{"accessModes":["Often"]}}"#, "v1", "persistentvolumeclaims")
                == [
                    #"spec.accessModes: Unsupported value: "Often": supported values: "ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod""#,
                    "spec.resources[storage]: Required value",
                ])
    }
}

@Suite struct NamesTests {
    @Test(arguments: [
        ("a", true), ("a-b", true), ("1a", true), ("", false), ("-a", false), ("a-", false), ("A", false),
        ("a.b", false), ("a_b", false), ("é", false), (String(repeating: "a", count: 63), true),
        (String(repeating: "a", count: 64), false),
    ])
    func labels(name: String, isRight: Bool) {
        #expect(Names.isDNS1123Label(name).isEmpty == isRight)
    }

    @Test(arguments: [
        ("a", true), ("a.b-c.1", true), ("", false), (".a", false), ("a.", false), ("a..b", false), ("a.-b", false),
        (String(repeating: "a.", count: 127), false), (String(repeating: "a", count: 254), false),
    ])
    func subdomains(name: String, isRight: Bool) {
        #expect(Names.isDNS1123Subdomain(name).isEmpty == isRight)
    }

    @Test func messages() {
        #expect(Names.isDNS1123Label("a.b") == ["must not contain dots"])
        #expect(Names.isDNS1123Label(String(repeating: "a", count: 64)) == ["must be no more than 63 bytes"])
        #expect(
            Names.isPortName("-") == ["must contain at least one letter (a-z)", "must not begin or end with a hyphen"])
        #expect(Names.isQualifiedName("a/b/c").count == 1)
        #expect(Names.isQualifiedName("/b") == ["prefix part must be non-empty"])
        #expect(Names.isQualifiedName("a/")[0] == "name part must be non-empty")
        #expect(Names.isPathSegmentName("a/b%") == ["may not contain '/'", "may not contain '%'"])
        #expect(Names.isPathSegmentName("..") == ["may not be '..'"])
        #expect(Names.isDNS1035Label("1a").count == 1)
        #expect(Names.isWildcardDNS1123Subdomain("*.a.b") == [])
        #expect(Names.isWildcardDNS1123Subdomain("a.b").count == 1)
    }

    @Test(arguments: [
        ("v1", "pods", "a.b", true), ("v1", "services", "a.b", false), ("v1", "services", "1a", true),
        ("v1", "namespaces", "a.b", false), ("rbac.authorization.k8s.io/v1", "clusterroles", "system:admin", true),
        ("rbac.authorization.k8s.io/v1", "clusterroles", "a/b", false), ("apps/v1", "deployments", "A", false),
        ("v1", "events", "pod.17f", true),
    ])
    func ofObjects(apiVersion: String, plural: String, name: String, isRight: Bool) {
        let problems = Names.problems(ofName: name, of: Given.resource(apiVersion, plural))
        #expect(problems.isEmpty == isRight)
    }

    @Test func aPrefixMayEndInADash() {
        let pods = Given.resource("v1", "pods")
        #expect(Names.problems(ofName: "web-", of: pods, prefix: true) == [])
        #expect(!Names.problems(ofName: "web-", of: pods).isEmpty)
    }

    @Test(arguments: [
        ("10.0.0.1", true), ("::1", true), ("2001:db8::ffff", true), ("10.0.0.01", false), ("10.0.0", false),
        ("", false), ("a", false), ("1.2.3.4.5", false), ("fe80::1%eth0", false),
    ])
    func addresses(text: String, isRight: Bool) {
        #expect(AddressText.isPlain(text) == isRight)
    }
}
